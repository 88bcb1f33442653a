//! `rtkn eventlistener …`

mod ready;
mod send;

use clap::Subcommand;

use super::definition;
use crate::failure::{Exit, Failure};
use crate::kinds;
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
        Verb::Any(verb) => {
            let shows = matches!(verb, definition::Verb::Shown(_));
            let exit = definition::run::<EventListener>(session, verb).await?;
            let there = shows && session.stays() && !session.cluster().await?.every_name(&kinds::EVENT_LISTENER, None).await?.is_empty();
            if there {
                let start = session.command("sandbox start");
                session.term.flush()?;
                session.term.say(format!("Note: nobody listens at these addresses until the sandbox is started: {start}"));
            }
            Ok(exit)
        }
    }
}
