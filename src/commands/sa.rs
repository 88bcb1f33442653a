//! `rtkn sa …`

mod create;
mod grant;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::objects::core::ServiceAccount;
use crate::session::Session;
use crate::verbs::list::{self, Which};
use crate::verbs::{delete, describe};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a ServiceAccount that hands Secrets to runs
    Create(create::Arguments),
    /// Add Secrets to a ServiceAccount; those that it has stay
    AddSecret(create::AddArguments),
    /// Take Secrets off a ServiceAccount; the Secrets themselves stay
    RemoveSecret(create::RemoveArguments),
    /// Give a ServiceAccount the rights that Tekton needs, or a role
    Grant(grant::Arguments),
    /// List ServiceAccounts, and whether they can do Tekton's work
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Describe a ServiceAccount: Secrets, bindings, and which rights it lacks
    #[command(visible_alias = "desc")]
    Describe(describe::Arguments),
    /// Delete ServiceAccounts
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::List(arguments) => arguments.list::<ServiceAccount>(session, Which::default()).await,
        Verb::Describe(arguments) => arguments.describe::<ServiceAccount>(session).await,
        Verb::Delete(arguments) => delete::delete::<ServiceAccount>(session, &arguments).await,
        Verb::Create(arguments) => create::create(session, arguments).await,
        Verb::AddSecret(arguments) => create::add(session, arguments).await,
        Verb::RemoveSecret(arguments) => create::remove(session, arguments).await,
        Verb::Grant(arguments) => grant::run(session, arguments).await,
    }
}
