//! `rtkn sandbox …`

mod reset;
mod serve;
mod start;
mod status;
mod stop;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start the sandbox in the background, for several commands at once and for other tools
    Start(serve::Arguments),
    /// Stop the sandbox that was started, and the steps that run in it
    Stop,
    /// Say whether the sandbox is started, where it is, and what is in it
    Status(status::Arguments),
    /// Serve the sandbox in the foreground until Ctrl-C
    Serve(serve::Arguments),
    /// Remove everything in the sandbox
    Reset(reset::Arguments),
}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Start(arguments) => start::run(session, &arguments).await,
        Verb::Stop => stop::run(session).await,
        Verb::Status(arguments) => status::run(session, &arguments).await,
        Verb::Serve(arguments) => serve::run(session, &arguments).await,
        Verb::Reset(arguments) => reset::run(session, &arguments).await,
    }
}
