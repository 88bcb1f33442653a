//! `rtkn trigger …`

mod create;

use clap::Subcommand;

use super::definition;
use crate::failure::{Exit, Failure};
use crate::objects::trigger::Trigger;
use crate::session::Session;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the chain from an event to a PipelineRun
    Create(create::Arguments),
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
        Verb::Create(arguments) => create::run(session, arguments).await,
        Verb::Any(verb) => definition::run::<Trigger>(session, verb).await,
    }
}
