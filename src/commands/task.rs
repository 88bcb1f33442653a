//! `rtkn task …`

use clap::Subcommand;

use super::definition;
use crate::failure::{Exit, Failure};
use crate::objects::pipeline::Task;
use crate::session::Session;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The verbs of every kind
    #[command(flatten)]
    Any(definition::Verb),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Any(verb) => definition::run::<Task>(session, verb).await,
    }
}
