//! `rtkn eventlistener …`

mod ready;
mod send;

use clap::Subcommand;

use super::definition;
use crate::failure::{Exit, Failure};
use crate::objects::trigger::EventListener;
use crate::session::Session;
use crate::verbs::listener_logs;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Send an event to an EventListener and see what it starts
    Send(send::Arguments),
    /// Show the logs of an EventListener's pods
    Logs(listener_logs::Arguments),
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
        Verb::Send(arguments) => send::run(session, arguments).await,
        Verb::Logs(arguments) => arguments.logs(session).await,
        Verb::Any(verb) => definition::run::<EventListener>(session, verb).await,
    }
}
