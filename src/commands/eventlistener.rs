//! `rtkn eventlistener …`

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {}

/// Runs one of them.
///
/// # Errors
/// As the verb does.
pub async fn run(_session: &mut Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {}
}
