//! What following a run tells, in order: pieces of lines, ends of containers' logs, and things to be said beside them.

use std::io;

use super::lines::Piece;
use super::machine::Input;
use crate::objects::core::Terminated;
use crate::objects::run::StepState;
use crate::objects::verdict::Verdict;

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Counts the containers of this invocation in the order of their begin
    pub id: usize,
    /// Name of the task within the Pipeline
    pub task: String,
    /// The task's name for people
    pub display: Option<String>,
    /// Name of the TaskRun
    pub run: String,
    /// Name of the pod
    pub pod: String,
    /// Name of the container
    pub container: String,
}

impl Source {
    /// The name that people know: a step's container is called `step-NAME`.
    pub fn step(&self) -> &str {
        self.container.strip_prefix("step-").unwrap_or(&self.container)
    }
}

/// One thing that happened.
#[derive(Debug)]
pub enum LogEvent<'a> {
    /// A line of a container, or a piece of a long one
    Piece {
        /// Whose line
        source: &'a Source,
        /// The bytes
        piece: Piece<'a>,
    },
    /// A container's log is over
    Ended {
        /// Whose log
        source: &'a Source,
    },
    /// Something to be said beside the lines
    Said(Notice),
}

/// Something to be said beside the lines.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The run has not ended, and only what is there is shown
    StillRunning {
        /// Message of the run's condition, when it is said at the end
        message: Option<String>,
    },
    /// A TaskRun ended badly
    TaskFailed {
        /// Name of the task
        task: String,
        /// Message of its condition
        message: String,
    },
    /// A TaskRun has not been taken up
    NotStarted {
        /// Name of the task
        task: String,
    },
    /// A TaskRun has no pod
    NoPod {
        /// Name of the TaskRun
        run: String,
    },
    /// A pod with logs is gone
    PodGone {
        /// Name of the task
        task: String,
        /// Name of the TaskRun
        run: String,
        /// Name of the pod
        pod: String,
        /// What the TaskRun's status still tells of the steps whose logs are lost
        steps: Vec<StepState>,
    },
    /// A TaskRun that the run refers to is gone
    TaskRunGone {
        /// Name of the task
        task: String,
        /// Name of the TaskRun
        run: String,
        /// Why it cannot be read, where it is there
        reason: Option<String>,
    },
    /// No step of a task was asked for
    NoSteps {
        /// Name of the task
        task: String,
    },
    /// The server does not give a container's log
    Refused {
        /// Whose log
        source: Source,
        /// The server's words
        reason: String,
    },
    /// A container ended badly
    ContainerFailed {
        /// Which one
        source: Source,
        /// How it ended
        end: Terminated,
        /// Whether it is an init container
        init: bool,
    },
    /// A step failed, and the task went on (`onError: continue`)
    Continued {
        /// Which step
        source: Source,
        /// Its exit status
        code: i32,
    },
    /// A child that has no logs of its own here: a CustomRun, or the run of a Pipeline within the Pipeline
    Child {
        /// Name of the task
        task: String,
        /// `CustomRun` or `PipelineRun`
        kind: String,
        /// Name of the child
        name: String,
        /// How it stands and its condition's message; none when it is gone
        stands: Option<(Verdict, String)>,
    },
    /// The run ended badly
    RunFailed {
        /// Message of its condition
        message: String,
    },
}

/// How following a run ended; the machine's last word.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The run ended well
    Succeeded,
    /// The run ended badly, or was cancelled
    Failed,
    /// The run has not ended
    Running,
    /// The run has no status yet
    Unstarted,
    /// The run was deleted meanwhile
    Deleted,
    /// There are no such tasks
    NoSuchTask {
        /// What was asked for
        asked: Vec<String>,
        /// What there is
        available: Vec<String>,
    },
    /// Only failed tasks were asked for, and none has failed
    NoneFailed,
    /// There is nothing to read yet, for this reason
    Nothing(Notice),
}

/// Takes what following a run tells.
pub trait Sink {
    /// Sees what is about to be told to the machine: objects as they are now. Bytes are not shown.
    fn sees(&mut self, _input: &Input<'_>) {}

    /// Takes one event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn on(&mut self, event: &LogEvent<'_>) -> io::Result<()>;

    /// No more events are there at the moment.
    ///
    /// # Errors
    /// When they cannot be written.
    fn rest(&mut self) -> io::Result<()>;
}
