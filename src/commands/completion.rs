//! `rtkn completion SHELL`: the few lines that teach a shell to ask this program for completions.

use clap::Args;
use clap_complete::env::Shells;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// The shells, as their files under `completions/` are named.
pub const SHELLS: [(&str, &str); 5] =
    [("bash", "rtkn.bash"), ("zsh", "_rtkn"), ("fish", "rtkn.fish"), ("powershell", "_rtkn.ps1"), ("elvish", "rtkn.elv")];

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Shell to complete in
    #[arg(value_parser = SHELLS.map(|(shell, _)| shell))]
    shell: String,
}

/// The lines for a shell, for a program of this name on the PATH.
///
/// # Errors
/// When the shell is not one of [`SHELLS`].
pub fn registration(shell: &str, program: &str) -> std::io::Result<String> {
    let unknown = || std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("there is no completion for {shell}"));
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(unknown)?;
    let mut text = Vec::new();
    completer.write_registration("COMPLETE", program, program, program, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Prints the lines.
///
/// # Errors
/// When the reader has gone.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let program = session.program.rsplit(' ').next().unwrap_or("rtkn").to_owned();
    let text = registration(&arguments.shell, &program)?;
    write!(session.term.out(), "{text}")?;
    Ok(Exit::Done)
}
