//! `rtkn sandbox serve`: the sandbox in this process, on a port, until a signal.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use clap::Args;
use nix::unistd::{dup2_stderr, dup2_stdout, setsid};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Exit, Failure};
use crate::sandbox::serve::{LOG, Running, Sandbox};
use crate::session::Session;

/// Arguments of `serve` and `start`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Port to listen on; that of the last time, or any that is free, when not given
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Leave the terminal, as `start` has it done
    #[arg(long, hide = true)]
    pub detached: bool,
}

/// Serves until SIGTERM, SIGHUP or Ctrl-C. The session ends the steps afterwards.
///
/// # Errors
/// When the sandbox is started already, or its store or port cannot be had.
pub async fn run(session: &mut Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = Sandbox::default_dir()?;
    if let Some(running) = Running::find(&dir).await {
        let hint = format!("stop it first: {} sandbox stop", session.program);
        return Err(Failure::other(format!("the sandbox is started already, by process {}", running.pid)).hint(hint));
    }
    if arguments.detached {
        // Fails for a process that leads a session already, which is as good.
        let _ = setsid();
    }
    let (mut terminate, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let sandbox = Sandbox::open(&dir).map_err(|error| Failure::unopened(error, &session.program))?;
    session.hold(&sandbox);
    let log = arguments.detached.then(|| log(&dir)).transpose()?;
    let running = sandbox.listen(arguments.port).await?;
    if let Some(log) = log {
        // Whoever started it knows by now, and listens no longer.
        dup2_stdout(&log).and_then(|()| dup2_stderr(&log)).map_err(std::io::Error::from)?;
    }
    sandbox.work_on_all();
    let failed = sandbox.failed();
    session.term.answer(format_args!("Serving the sandbox in {} on http://{} until Ctrl-C", dir.display(), running.address))?;
    session.term.flush()?;
    tokio::select! {
        _ = terminate.recv() => Ok(Exit::Done),
        _ = hang_up.recv() => Ok(Exit::Done),
        error = failed => Err(error.into()),
    }
}

/// What a sandbox in the background says from now on.
fn log(dir: &Path) -> Result<File, Failure> {
    let path = dir.join(LOG);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.map_err(|error| Failure::file(&path, &error))
}
