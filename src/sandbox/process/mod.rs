//! Runs the steps of TaskRuns as processes of this machine, each in a process group of its own, with `/workspace` and
//! `/tekton` as a container would have them. The programs are those of this machine; the steps' images are not used.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, watch};

use super::executor::{Executor, TaskEvent, TaskExecution};
use super::logs::LogDir;
pub use attempt::remove_tree;
use warden::Warden;

mod attempt;
mod environment;
mod prepare;
mod results;
#[cfg_attr(not(target_os = "linux"), path = "root_elsewhere.rs")]
mod root;
mod step;
mod step_results;
mod stragglers;
mod stream;
mod substitution;
mod task;
#[cfg(test)]
mod tests;
mod warden;

/// How steps come to see `/workspace`, `/tekton` and their mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a private mount namespace, which root may make
    MountNamespace,
    /// In a mount namespace inside a user namespace, which an ordinary user may make where the system permits it
    UserNamespace,
    /// Not at all: the real directories are put into the steps' texts
    Substitution {
        /// Why there is no namespace
        reason: String,
    },
}

/// The directory of the running attempts, in the sandbox's.
const ATTEMPTS: &str = "attempts";

/// The executor of the process engine.
pub struct ProcessExecutor {
    machine: Arc<Machine>,
}

/// What the tasks of an executor share.
struct Machine {
    attempts: PathBuf,
    logs: LogDir,
    mode: OnceLock<Mode>,
    warden: Warden,
}

impl ProcessExecutor {
    /// An executor that keeps the directories of running attempts under `dir/attempts`; what lies there from a sandbox
    /// that was killed is removed. What this machine permits is found out when the first task is started.
    pub fn new(dir: &Path, logs: LogDir) -> ProcessExecutor {
        let executor = ProcessExecutor::over(dir, logs, OnceLock::new());
        executor.machine.remove_leftovers();
        executor
    }

    /// An executor of the tests that does not find out but takes the given mode.
    #[cfg(test)]
    pub fn with_mode(dir: &Path, logs: LogDir, mode: Mode) -> ProcessExecutor {
        ProcessExecutor::over(dir, logs, OnceLock::from(mode))
    }

    fn over(dir: &Path, logs: LogDir, mode: OnceLock<Mode>) -> ProcessExecutor {
        ProcessExecutor { machine: Arc::new(Machine { attempts: dir.join(ATTEMPTS), logs, mode, warden: Warden::default() }) }
    }

    /// How steps see their paths; found out on the first call.
    #[cfg(test)]
    pub fn mode(&self) -> &Mode {
        self.machine.mode()
    }
}

impl Machine {
    fn mode(&self) -> &Mode {
        self.mode.get_or_init(|| root::probe(&self.attempts))
    }

    /// The store lets in one sandbox at a time, so what is here before the first task has no owner any more.
    fn remove_leftovers(&self) {
        let Ok(entries) = std::fs::read_dir(&self.attempts) else { return };
        let leftovers: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for attempt in leftovers.iter().filter_map(|dir| dir.file_name()?.to_str()) {
            stragglers::end(attempt, None);
        }
        if !leftovers.is_empty() {
            // A large clone takes its time to remove.
            std::thread::spawn(move || leftovers.iter().for_each(|dir| attempt::remove_tree(dir)));
        }
    }
}

impl Executor for ProcessExecutor {
    fn start(&self, task: TaskExecution, events: mpsc::Sender<TaskEvent>, stop: watch::Receiver<bool>) {
        tokio::spawn(task::run(Arc::clone(&self.machine), task, events, stop));
    }
}
