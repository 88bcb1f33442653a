//! `rtkn sandbox stop`

use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Exit, Failure};
use crate::sandbox::serve::{Running, Sandbox};
use crate::sandbox::store::{Store, StoreError};
use crate::session::Session;

/// How long the steps that run may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops the sandbox; one that is not started is no failure.
///
/// # Errors
/// When its process cannot be signalled, or does not end.
pub async fn run(session: &mut Session) -> Result<Exit, Failure> {
    let dir = Sandbox::default_dir()?;
    match Running::find(&dir).await {
        Some(running) => {
            end(&dir, &running).await?;
            session.term.answer(format_args!("The sandbox has stopped (process {})", running.pid))?;
        }
        None => session.term.answer("The sandbox is not started")?,
    }
    Ok(Exit::Done)
}

/// Ends a started sandbox. That its process is the one in the file was shown by its answer: the token there is new with
/// every start and known to nobody else.
///
/// # Errors
/// When its process cannot be signalled, or does not end.
pub async fn end(dir: &Path, running: &Running) -> Result<(), Failure> {
    match kill(Pid::from_raw(running.pid), Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(Failure::other(format!("process {} cannot be stopped: {error}", running.pid))),
    }
    let dir = dir.to_owned();
    // A thread of its own waits, so that Ctrl-C is heard meanwhile.
    let released = tokio::task::spawn_blocking(move || is_released(&dir)).await;
    if released.map_err(|broken| Failure::other(broken.to_string()))? {
        return Ok(());
    }
    Err(Failure::other(format!("the sandbox (process {}) has not ended within {} seconds", running.pid, PATIENCE.as_secs()))
        .hint(format!("end it by hand: kill -9 {}", running.pid)))
}

/// Waits until nobody holds the store, which a process does to its end. Opening waits for a moment by itself.
fn is_released(dir: &Path) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        // A store that cannot be opened for another reason is not held by anybody either.
        if !matches!(Store::wait_until_free(dir), Err(StoreError::Held { .. })) {
            return true;
        }
    }
    false
}
