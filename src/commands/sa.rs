//! `rtkn sa …`

mod create;
mod grant;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a ServiceAccount that hands Secrets to runs
    Create(create::Arguments),
    /// Add Secrets to a ServiceAccount; those that it has stay
    AddSecret(create::AddArguments),
    /// Give a ServiceAccount the rights that Tekton needs, or a role
    Grant(grant::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Create(arguments) => create::create(session, arguments).await,
        Verb::AddSecret(arguments) => create::add(session, arguments).await,
        Verb::Grant(arguments) => grant::run(session, arguments).await,
    }
}
