//! The seam between deciding and doing: the engine hands a TaskRun's steps to an `Executor` and hears what became
//! of them. Today the steps run as processes of this machine; containers will be another implementation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

/// All that an executor needs to run one attempt of a TaskRun; every `$(…)` is substituted already, except that paths
/// are the ones a container would see (`/workspace/source`, `/tekton/results/commit`).
#[derive(Clone, Debug)]
pub struct TaskExecution {
    /// Namespace of the TaskRun
    pub namespace: String,
    /// Name of the TaskRun
    pub task_run: String,
    /// Name of the pod object that stands for this attempt
    pub pod: String,
    /// UID of that pod object; log files are kept under it
    pub pod_uid: String,
    /// The steps in order
    pub steps: Vec<StepExecution>,
    /// Directories that appear at a path of their own
    pub mounts: Vec<Mount>,
    /// Names of the task's declared results, read from `/tekton/results` after each step
    pub results: Vec<String>,
    /// Files below `/tekton/creds`, by relative path; written with mode 0600 and copied to the steps' home
    pub credentials: BTreeMap<PathBuf, Vec<u8>>,
}

/// A directory of this machine that steps see at a path.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where steps see it, absolute: `/workspace/source`
    pub path: PathBuf,
    /// What they see there
    pub source: MountSource,
    /// Whether writing is refused
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Clone, Debug)]
pub enum MountSource {
    /// A directory that is new and empty when the attempt begins and goes when it has ended; mounts of one name show the
    /// same. The name is a relative path.
    EmptyDir(PathBuf),
    /// A directory of this machine that outlives the attempt (a bound claim)
    Directory(PathBuf),
    /// Files made from a ConfigMap or Secret, by relative path. A single one whose path is empty is mounted as a file
    /// (the `subPath` of a key)
    Files(BTreeMap<PathBuf, Vec<u8>>),
}

/// One step, ready to run.
#[derive(Clone, Debug)]
pub struct StepExecution {
    /// Name of the step without the prefix `step-`
    pub name: String,
    /// The image that the Task names; not used by the process executor
    pub image: String,
    /// A script, run by its shebang or `/bin/sh`; then `command` is empty
    pub script: Option<String>,
    /// The command with its first arguments
    pub command: Vec<String>,
    /// Further arguments, of the command or of the script
    pub args: Vec<String>,
    /// Environment laid over the executor's own
    pub env: Vec<(String, String)>,
    /// Working directory as the step sees it; `/workspace` when none is named
    pub working_dir: Option<String>,
    /// Whether the next step runs although this one failed (`onError: continue`)
    pub continue_on_error: bool,
    /// The step's own limit
    pub timeout: Option<Duration>,
    /// Names of the step's own results, read from `/tekton/steps/step-NAME/results`
    pub results: Vec<String>,
    /// File that standard output is copied to (`stdoutConfig.path`)
    pub stdout_path: Option<String>,
    /// File that standard error is copied to (`stderrConfig.path`)
    pub stderr_path: Option<String>,
}

/// What an executor tells while it works, in order. `TaskEnded` or `Refused` is the last one.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEvent {
    /// A step's process runs
    StepStarted {
        /// Position in `TaskExecution::steps`
        step: usize,
        /// When
        at: Timestamp,
    },
    /// A step has ended, or was passed over
    StepEnded {
        /// Position in `TaskExecution::steps`
        step: usize,
        /// When it started; the end's time for a step that never ran
        started: Timestamp,
        /// When it ended
        at: Timestamp,
        /// Exit code; 128 + signal for a killed process, 1 for a step that never ran
        exit_code: i32,
        /// How it ended
        end: StepEnd,
        /// The step's own results
        results: BTreeMap<String, String>,
    },
    /// The executor cannot run this task: nothing ran, or the machine (a full disk) kept it from going on
    Refused {
        /// The field of the TaskRun's spec that it cannot do or what the machine lacks, and why
        message: String,
    },
    /// All steps are over; the task's results as they were written
    TaskEnded {
        /// When
        at: Timestamp,
        /// Content of each declared result that a step wrote
        results: BTreeMap<String, String>,
    },
}

/// How a step ended; Tekton's `terminationReason` is made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd {
    /// It ran to its end
    Completed,
    /// It failed, and `onError: continue` lets the task go on
    Continued,
    /// It failed
    Failed,
    /// It did not run since one before it had failed
    Skipped,
    /// Its own time limit passed
    TimedOut,
    /// The task was stopped (cancelled, or its time limit passed)
    Cancelled,
}

/// Runs the steps of TaskRuns.
pub trait Executor: Send + Sync + 'static {
    /// Starts the task in the background. Events go to `events`; when `stop` turns true, every process of the task is
    /// ended and the remaining steps are reported as cancelled.
    fn start(&self, task: TaskExecution, events: mpsc::Sender<TaskEvent>, stop: watch::Receiver<bool>);
}
