//! `rtkn demo`

use clap::Args;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {}

/// Runs it.
///
/// # Errors
/// When it fails.
pub async fn run(_session: &mut Session, _arguments: Arguments) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
