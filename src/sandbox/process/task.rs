//! The steps of one attempt, one after the other, and what is told about them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::attempt::{Attempt, Nesting};
use super::prepare::{Paths, ReadyStep, ready};
use super::root::NewRoot;
use super::step::{Cause, Program};
use super::step_results::Known;
use super::stream::{Capture, StepEnds};
use super::substitution::Substitution;
use super::{Machine, Mode, results};
use crate::sandbox::executor::{StepEnd, StepExecution, TaskEvent, TaskExecution};

/// Runs a task to its end. The last event is `TaskEnded`, or `Refused` when it cannot be run or the disk gave out.
pub async fn run(machine: Arc<Machine>, task: TaskExecution, events: mpsc::Sender<TaskEvent>, mut stop: watch::Receiver<bool>) {
    let mode = machine.mode();
    let prepared = Prepared::new(&machine, &task, mode);
    let (last, attempt) = match prepared {
        Err(message) => (TaskEvent::Refused { message }, None),
        Ok(prepared) => {
            let mut course = Course {
                machine: &machine,
                task: &task,
                prepared: &prepared,
                events: &events,
                results: BTreeMap::new(),
                known: Known::new(),
            };
            let last = match course.run(&mut stop).await {
                Ok(()) => TaskEvent::TaskEnded { at: Timestamp::now(), results: course.results },
                Err(message) => TaskEvent::Refused { message },
            };
            (last, Some(prepared.attempt))
        }
    };
    // Nobody listens any more when the sandbox is on its way out.
    let _ = events.send(last).await;
    if let Some(attempt) = attempt {
        // A large clone takes its time to remove.
        tokio::task::spawn_blocking(move || drop(attempt));
    }
}

/// A task whose files lie ready.
struct Prepared {
    attempt: Attempt,
    steps: Vec<ReadyStep>,
    root: Option<Arc<NewRoot>>,
    substitution: Option<Substitution>,
}

impl Prepared {
    fn new(machine: &Machine, task: &TaskExecution, mode: &Mode) -> Result<Prepared, String> {
        let reason = match mode {
            Mode::Substitution { reason } => Some(reason.as_str()),
            Mode::MountNamespace | Mode::UserNamespace => None,
        };
        let nesting = reason.map_or(Nesting::Mounted, |reason| Nesting::Linked { reason });
        let attempt = Attempt::prepare(&machine.attempts, task, nesting).map_err(|error| error.to_string())?;
        let substitution = reason.map(|_| Substitution::new(attempt.volumes()));
        let paths = Paths { substitution: substitution.as_ref().zip(reason) };
        let steps = ready(task, &attempt, &paths).map_err(|error| error.to_string())?;
        let root = match reason {
            Some(_) => None,
            None => {
                Some(Arc::new(new_root(mode, &attempt, &steps).map_err(|error| format!("cannot plan the steps' file system: {error}"))?))
            }
        };
        Ok(Prepared { attempt, steps, root, substitution })
    }
}

/// The root directory of an attempt's steps. The user's own `~/.ssh`, where OpenSSH looks whatever `HOME` says, shows the
/// credentials of the task in it, so that a step has the keys that it would have in a cluster and no others.
fn new_root(mode: &Mode, attempt: &Attempt, steps: &[ReadyStep]) -> io::Result<NewRoot> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let ssh = user.and_then(|user| user.dir.join(".ssh").canonicalize().ok()).filter(|dir| dir.is_dir());
    let home_ssh = attempt.home_ssh();
    let hide = ssh.as_deref().map(|ssh| (ssh, home_ssh.as_path()));
    // Those in volumes are there already.
    let outside = steps.iter().map(|step| &step.working_dir).filter(|dir| attempt.locate(dir).is_none());
    let working_dirs: Vec<PathBuf> = outside.cloned().collect();
    NewRoot::plan(mode, &attempt.root(), attempt.volumes(), hide, &working_dirs)
}

/// How far a task has come.
struct Course<'a> {
    machine: &'a Machine,
    task: &'a TaskExecution,
    prepared: &'a Prepared,
    events: &'a mpsc::Sender<TaskEvent>,
    results: BTreeMap<String, String>,
    known: Known,
}

/// How one step ended.
struct Ended {
    started: Timestamp,
    exit_code: i32,
    end: StepEnd,
    results: BTreeMap<String, String>,
    /// How the remaining steps end without having run
    rest: Option<StepEnd>,
}

impl Ended {
    /// A step that never ran.
    fn unrun(end: StepEnd) -> Ended {
        Ended { started: Timestamp::now(), exit_code: 1, end, results: BTreeMap::new(), rest: Some(end) }
    }
}

impl Course<'_> {
    /// # Errors
    /// When the sandbox itself cannot go on, with what to tell the user.
    async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), String> {
        let mut rest = None;
        for (i, step) in self.task.steps.iter().enumerate() {
            if rest.is_none() && *stop.borrow() {
                rest = Some(StepEnd::Cancelled);
            }
            let ran = match rest {
                Some(end) => self.pass_over(step, end),
                None => self.step(i, step, stop).await,
            };
            let (ended, broken) = match ran {
                Ok(ended) => (ended, None),
                Err(error) => {
                    (Ended::unrun(StepEnd::Failed), Some(format!("steps[{i}]: the sandbox cannot keep what the step writes: {error}")))
                }
            };
            rest = ended.rest;
            let Ended { started, exit_code, end, results, .. } = ended;
            self.tell(TaskEvent::StepEnded { step: i, started, at: Timestamp::now(), exit_code, end, results }).await;
            broken.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    async fn tell(&self, event: TaskEvent) {
        // Nobody listens any more when the sandbox is on its way out.
        let _ = self.events.send(event).await;
    }

    fn capture(&self, step: &StepExecution, stdout: Option<&Path>, stderr: Option<&Path>) -> io::Result<(Capture, StepEnds)> {
        let log = self.machine.logs.writer(&self.task.pod_uid, &format!("step-{}", step.name))?;
        Capture::open(log, stdout, stderr)
    }

    fn pass_over(&self, step: &StepExecution, end: StepEnd) -> io::Result<Ended> {
        let (mut capture, _) = self.capture(step, None, None)?;
        if end == StepEnd::Skipped {
            capture.say(&entrypoint_line("Skipping step because a previous step failed"))?;
        }
        capture.close()?;
        Ok(Ended::unrun(end))
    }

    async fn step(&mut self, i: usize, step: &StepExecution, stop: &mut watch::Receiver<bool>) -> io::Result<Ended> {
        let ready = &self.prepared.steps[i];
        let started = Timestamp::now();
        // The log is there before anybody is told that there is something to read.
        let (mut capture, ends) = self.capture(step, ready.stdout_copy.as_deref(), ready.stderr_copy.as_deref())?;
        self.tell(TaskEvent::StepStarted { step: i, at: started }).await;
        let program = Program {
            argv: ready.argv(&self.known),
            env: ready.env(&self.known),
            working_dir: ready.working_dir.clone(),
            root: self.prepared.root.clone(),
            attempt: self.task.pod_uid.clone(),
        };
        let (cause, exit_code) = match program.start(ends, &self.machine.warden).await {
            Ok(running) => running.finish(&mut capture, step.timeout, stop).await?,
            Err(error) => {
                capture.pump().await?;
                let path = program.env.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
                (Cause::NotStarted, not_started(&error, &ready.interpreter, path, i, step, &mut capture)?)
            }
        };
        if exit_code == 127 && cause == Cause::Exited {
            say_whose_programs(step, &mut capture)?;
        }
        let ended = self.conclude(step, started, cause, exit_code, &mut capture)?;
        capture.close()?;
        Ok(ended)
    }

    /// Decides how a step that ran has ended, and takes its results.
    fn conclude(
        &mut self,
        step: &StepExecution,
        started: Timestamp,
        cause: Cause,
        exit_code: i32,
        capture: &mut Capture,
    ) -> io::Result<Ended> {
        let (end, exit_code, rest) = match cause {
            Cause::Stopped => (StepEnd::Cancelled, exit_code, Some(StepEnd::Cancelled)),
            Cause::TimedOut => {
                capture.say(&entrypoint_line("context deadline exceeded"))?;
                (StepEnd::TimedOut, 1, Some(StepEnd::Skipped))
            }
            Cause::Exited if exit_code == 0 => (StepEnd::Completed, 0, None),
            Cause::Exited if step.continue_on_error => (StepEnd::Continued, exit_code, None),
            Cause::Exited | Cause::NotStarted => (StepEnd::Failed, exit_code, Some(StepEnd::Skipped)),
        };
        let place = format!("/tekton/steps/step-{}", step.name);
        if rest.is_none() {
            std::fs::write(self.real(&format!("{place}/exitCode")), exit_code.to_string())?;
        }
        let of_task = self.read_results("/tekton/results", &self.task.results);
        let of_step = self.read_results(&format!("{place}/results"), &step.results);
        if results::too_large(&of_task, &of_step, started) {
            let message = "Error while writing message: Termination message is above max allowed size 4096, caused by large task result.";
            capture.say(&entrypoint_line(message))?;
            // The entrypoint has let the next step start by then, so this failure does not pass the rest over.
            return Ok(Ended { started, exit_code: 1, end: StepEnd::Failed, results: BTreeMap::new(), rest });
        }
        self.results.extend(of_task);
        self.known.extend(of_step.iter().map(|(name, value)| ((step.name.clone(), name.clone()), value.clone())));
        Ok(Ended { started, exit_code, end, results: of_step, rest })
    }

    fn read_results(&self, dir: &str, names: &[String]) -> BTreeMap<String, String> {
        let mut results = results::read(&self.real(dir), names);
        if let Some(substitution) = &self.prepared.substitution {
            results.values_mut().for_each(|value| *value = substitution.restore(value));
        }
        results
    }

    fn real(&self, path: &str) -> PathBuf {
        self.prepared.attempt.locate(Path::new(path)).expect("a path below /tekton is in a volume")
    }
}

/// Says in the log why a step could not be started, in the words of Tekton's entrypoint, and gives its exit code.
fn not_started(
    error: &io::Error,
    interpreter: &str,
    path: Option<&str>,
    i: usize,
    step: &StepExecution,
    capture: &mut Capture,
) -> io::Result<i32> {
    // What went wrong before the program was tried is in the output already, as of a container that does not start.
    if error.raw_os_error() == Some(nix::errno::Errno::ENOTRECOVERABLE as i32) {
        return Ok(128);
    }
    let is_script = step.script.is_some();
    let program = if is_script { format!("/tekton/scripts/script-{i}") } else { interpreter.to_owned() };
    // The search of PATH is refused as well when it could not look into one of the directories.
    let is_missing = match error.kind() {
        io::ErrorKind::NotFound => true,
        io::ErrorKind::PermissionDenied => !interpreter.contains('/') && !on_path(interpreter, path),
        _ => false,
    };
    let why = match error.kind() {
        _ if is_missing && !program.contains('/') => format!("exec: {program:?}: executable file not found in $PATH"),
        _ if is_missing => format!("fork/exec {program}: no such file or directory"),
        io::ErrorKind::PermissionDenied => format!("fork/exec {program}: permission denied"),
        _ => format!("fork/exec {program}: {error}"),
    };
    capture.say(&entrypoint_line(&format!("Error executing command: {why}")))?;
    if is_script {
        capture.say(&format!("rtkn: the script's interpreter is {interpreter:?}"))?;
    }
    if is_missing {
        say_whose_programs(step, capture)?;
    }
    Ok(1)
}

fn say_whose_programs(step: &StepExecution, capture: &mut Capture) -> io::Result<()> {
    capture.say(&format!(
        "rtkn: a command was not found. The sandbox runs steps with this machine's programs, not with those of the image {:?}.",
        step.image
    ))
}

fn on_path(name: &str, path: Option<&str>) -> bool {
    std::env::split_paths(path.unwrap_or_default()).any(|dir| dir.join(name).exists())
}

/// A line of Tekton's entrypoint, which writes through Go's logger.
fn entrypoint_line(text: &str) -> String {
    format!("{} {text}", Timestamp::now().strftime("%Y/%m/%d %H:%M:%S"))
}
