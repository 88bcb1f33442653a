//! One step as a process: how it is started, and how it is brought to its end.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, chdir, getpid, setsid, write};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::root::NewRoot;
use super::stragglers;
use super::stream::{Capture, StepEnds};
use super::warden::{GroupGuard, Warden};

/// How long a step may clean up after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long output is waited for after the step has ended: only a process that left the step's group on purpose can
/// still hold the pipe then.
const DRAIN: Duration = Duration::from_millis(200);

/// A program with all that its process gets.
pub struct Program {
    /// The program and its arguments; not empty
    pub argv: Vec<String>,
    /// The whole environment
    pub env: Vec<(String, String)>,
    /// Working directory as the process sees it
    pub working_dir: PathBuf,
    /// The root directory, when it has one of its own
    pub root: Option<Arc<NewRoot>>,
    /// Name of the attempt's directory
    pub attempt: String,
}

/// Why a step's process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself
    Exited,
    /// It could not be started; then there is nothing that `onError: continue` could be about
    NotStarted,
    /// Its time limit passed
    TimedOut,
    /// The task was stopped
    Stopped,
}

/// A step's running process.
pub struct Running<'a> {
    child: Child,
    pid: Pid,
    group: GroupGuard<'a>,
    /// Name of the attempt, where its processes see mounts of their own
    mounted: Option<String>,
}

impl Program {
    /// Starts the process in a session and group of its own.
    ///
    /// # Errors
    /// When the program cannot be executed; what went wrong before that is in the step's output.
    pub async fn start<'w>(&self, ends: StepEnds, warden: &'w Warden) -> io::Result<Running<'w>> {
        let mut command = self.command(ends)?;
        let child = start_retrying(&mut command).await?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).ok_or_else(|| io::Error::other("the process has no id"))?;
        let pid = Pid::from_raw(pid);
        let mounted = self.root.as_ref().map(|_| self.attempt.clone());
        Ok(Running { child, pid, group: warden.watch(pid), mounted })
    }

    fn command(&self, ends: StepEnds) -> io::Result<Command> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear().envs(self.env.iter().map(|(n, v)| (n, v)));
        command.stdin(Stdio::null()).stdout(ends.stdout).stderr(ends.stderr).kill_on_drop(true);
        let working_dir = CString::new(self.working_dir.as_os_str().as_bytes())?;
        let root = self.root.clone();
        let parent = getpid();
        // SAFETY: the closure runs between fork and exec and only makes system calls, on values made before the fork.
        unsafe { command.pre_exec(move || settle(root.as_deref(), &working_dir, parent).map_err(io::Error::from)) };
        Ok(command)
    }
}

/// Starts a process; a script that was just written may still be open for writing in a child that another thread is
/// starting at this moment, which passes at once.
async fn start_retrying(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(Duration::from_millis(2)).await,
            other => return other,
        }
    }
    command.spawn()
}

/// What the child does before it becomes the step.
fn settle(root: Option<&NewRoot>, working_dir: &CString, parent: Pid) -> Result<(), Errno> {
    // No controlling terminal: nothing can prompt, and Ctrl-C reaches the sandbox only, which then ends its steps.
    setsid()?;
    if let Some(root) = root {
        // SAFETY: this is a forked child that has not called exec yet.
        unsafe { root.enter() }.map_err(|error| {
            complain(&["cannot set up the step's file system: ", error.stage, ": ", error.errno.desc()]);
            Errno::ENOTRECOVERABLE
        })?;
    }
    chdir(working_dir.as_c_str()).map_err(|errno| {
        complain(&["cannot enter the working directory ", working_dir.to_str().unwrap_or_default(), ": ", errno.desc()]);
        Errno::ENOTRECOVERABLE
    })?;
    die_with(parent)
}

/// Writes to the step's standard error without allocating.
fn complain(words: &[&str]) {
    for word in ["rtkn: "].iter().chain(words).chain(&["\n"]) {
        // There is nobody to tell when even this fails.
        let _ = write(io::stderr(), word.as_bytes());
    }
}

#[cfg(target_os = "linux")]
fn die_with(parent: Pid) -> Result<(), Errno> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have died before the signal was asked for.
    if nix::unistd::getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_parent: Pid) -> Result<(), Errno> {
    Ok(())
}

impl Running<'_> {
    /// Waits for the step's end and takes its output meanwhile. Every process that it started is gone afterwards; without mounts of
    /// its own, every process of its group.
    ///
    /// # Errors
    /// When the log cannot be written; the step is killed then.
    pub async fn finish(
        mut self,
        capture: &mut Capture,
        limit: Option<Duration>,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<(Cause, i32)> {
        let (cause, status) = self.end(capture, limit, stop).await?;
        // The processes that the step left behind end with it, as they do in a container.
        drop(self.group);
        if let Some(attempt) = &self.mounted {
            stragglers::end(attempt, Some(self.pid));
        }
        if let Ok(drained) = timeout(DRAIN, capture.pump()).await {
            drained?;
        }
        Ok((cause, exit_code(status)))
    }

    async fn end(
        &mut self,
        capture: &mut Capture,
        limit: Option<Duration>,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<(Cause, ExitStatus)> {
        // A limit of zero is none, as Tekton has it, and one beyond all time too.
        let deadline = limit.filter(|limit| !limit.is_zero()).and_then(|limit| Instant::now().checked_add(limit));
        let mut broken = pin!(pump_until_broken(capture));
        let cause = tokio::select! {
            status = self.child.wait() => return Ok((Cause::Exited, status?)),
            error = &mut broken => return Err(error),
            () = passed(deadline) => Cause::TimedOut,
            () = stopped(stop) => Cause::Stopped,
        };
        self.group.signal(Signal::SIGTERM);
        // Reading on matters: a step that writes while it cleans up would block on a full pipe.
        tokio::select! {
            status = self.child.wait() => return Ok((cause, status?)),
            error = &mut broken => return Err(error),
            () = sleep(GRACE) => {}
        }
        self.group.signal(Signal::SIGKILL);
        Ok((cause, self.child.wait().await?))
    }
}

/// Takes output for as long as it can be kept; resolves only when that fails.
async fn pump_until_broken(capture: &mut Capture) -> io::Error {
    match capture.pump().await {
        Ok(()) => std::future::pending().await,
        Err(error) => error,
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Resolves when the task is stopped; never when whoever could stop it is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// The exit code as Tekton's entrypoint passes it on: of a process that a signal ended it knows -1, which is 255.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(255)
}
