//! `rtkn customrun …`

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::Object;
use crate::objects::run::CustomRun;
use crate::session::Session;
use crate::verbs::delete::Plan;
use crate::verbs::list::{self, Which};
use crate::verbs::{called, describe};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List {Kinds}, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Which, and how they are shown
        #[command(flatten)]
        arguments: list::Arguments,
        /// Which, by how they stand
        #[command(flatten)]
        status: list::StatusFilter,
    },
    /// Describe a {Kind}
    #[command(visible_alias = "desc")]
    Describe(describe::RunArguments),
    /// Delete {Kinds} at once, without a question, as tkn does
    #[command(visible_alias = "rm")]
    Delete {
        /// Names of {Kinds}
        #[arg(required = true)]
        names: Vec<String>,
        /// Whether it is only told
        #[command(flatten)]
        plan: Plan,
    },
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List { arguments, status } => arguments.list(session, status.of(Which::<CustomRun>::default())).await,
        Verb::Describe(arguments) => arguments.describe::<CustomRun>(session).await,
        Verb::Delete { names, plan } => delete(session, &names, plan).await,
    }
}

/// One that is not there is told and is no failure, as in tkn.
async fn delete(session: &mut Session, names: &[String], plan: Plan) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let (namespace, kind) = (&cluster.namespace, CustomRun::KIND);
    let mut there = Vec::new();
    for name in &called::names(&cluster, kind, names).await? {
        let done = match plan.is_wanted() {
            true => cluster.get_raw(kind, namespace, name).await.map(drop),
            false => cluster.delete(kind, namespace, name).await,
        };
        match done {
            Ok(()) if plan.is_wanted() => there.push(name.clone()),
            Ok(()) => session.term.answer(format!("CustomRun '{name}' deleted successfully from namespace '{namespace}'"))?,
            Err(error) if error.is_not_found() => session.term.say(format!("CustomRun {name} not found in namespace {namespace}")),
            Err(error) => return Err(Failure::from(error).context(format!("failed to delete CustomRun {name}"))),
        }
    }
    if plan.is_wanted() {
        plan.perform(session, &cluster, kind, &there).await?;
    }
    Ok(Exit::Done)
}
