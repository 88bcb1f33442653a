//! `rtkn task …`

use clap::Subcommand;

use super::definition::Shown;
use crate::failure::{Exit, Failure};
use crate::objects::pipeline::Task;
use crate::objects::run::TaskRun;
use crate::session::Session;
use crate::verbs::{delete, export, logs, start, watch};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a {Kind}
    Start(Box<start::OfTask>),
    /// The verbs that show
    #[command(flatten)]
    Shown(Shown),
    /// Delete {Kinds}
    #[command(visible_alias = "rm")]
    Delete {
        /// Their TaskRuns as well
        #[arg(long)]
        trs: bool,
        /// Which
        #[command(flatten)]
        arguments: delete::Arguments,
    },
    /// Show the logs of a run of a {Kind}
    Logs(logs::OfTask),
    /// Watch the newest run of a {Kind}
    Watch(watch::OfParent),
    /// Print a {Kind} as a manifest that can be made again
    Export(export::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Start(arguments) => arguments.start(session).await,
        Verb::Shown(verb) => verb.run::<Task>(session).await,
        Verb::Delete { trs, arguments } => arguments.delete_parent::<TaskRun>(session, trs).await,
        Verb::Logs(arguments) => arguments.logs(session).await,
        Verb::Watch(arguments) => arguments.watch::<TaskRun>(session).await,
        Verb::Export(arguments) => arguments.export::<Task>(session).await,
    }
}
