//! What following runs tells, in order: pieces of lines, begins and ends of containers' logs, events of the cluster, and
//! things to be said beside them.

use std::fmt::Write as _;
use std::io;

use jiff::Timestamp;

use super::lines::Piece;
use super::machine::Input;
use crate::objects::core::{Event, Terminated};
use crate::objects::run::StepState;
use crate::objects::verdict::Verdict;

/// How a task is called, in lines and in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Name of the run that was asked for, to which it belongs
    pub root: String,
    /// Name of the task within the Pipeline; of a Pipeline within the Pipeline with the names of both: `outer > inner`
    pub task: String,
    /// The same in names for people
    pub display: Option<String>,
    /// What sets a combination of a matrix apart from the others: its parameters
    pub params: Vec<(String, String)>,
    /// Whether other runs are read beside its own
    pub several: bool,
}

impl Called {
    /// `build`, or `build (os=linux, arch=arm64)` for a combination of a matrix; with the run's name where there are several.
    pub fn label(&self) -> String {
        let mut label = if self.several { format!("{} > {}", self.root, self.task) } else { self.task.clone() };
        for (place, (name, value)) in self.params.iter().enumerate() {
            let before = if place == 0 { " (" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(label, "{before}{name}={value}");
        }
        if !self.params.is_empty() {
            label.push(')');
        }
        label
    }
}

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Counts the containers of this invocation in the order of their begin
    pub id: usize,
    /// The task
    pub called: Called,
    /// Name of the TaskRun
    pub run: String,
    /// Name of the pod
    pub pod: String,
    /// Name of the container
    pub container: String,
    /// Which attempt of the task it is, from 1 on
    pub attempt: usize,
    /// How many attempts there may be, or have been
    pub attempts: usize,
    /// Whether there is, or has been, more than one attempt
    pub tried_again: bool,
    /// When the run that was asked for began
    pub began: Option<Timestamp>,
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
    /// A container's log begins
    Begun {
        /// Whose log
        source: &'a Source,
    },
    /// A line of a container, a piece of a long one, or several lines
    Piece {
        /// Whose they are
        source: &'a Source,
        /// The bytes
        piece: Piece<'a>,
    },
    /// A container's log is over
    Ended {
        /// Whose log
        source: &'a Source,
    },
    /// An Event of the cluster about a task's pod
    Cluster {
        /// The task
        called: &'a Called,
        /// What the cluster says
        event: &'a Event,
    },
    /// Something to be said beside the lines
    Said(Notice),
}

/// Something to be said beside the lines. A `task` is a [`Called::label`].
#[derive(Clone, Debug)]
pub enum Notice {
    /// The run has not ended, and only what is there is shown
    StillRunning {
        /// Its name, where there are several
        run: Option<String>,
        /// Message of the run's condition, when it is said at the end
        message: Option<String>,
    },
    /// Something has not begun and is waited for
    Waiting(Wait),
    /// A TaskRun that is not followed has not begun, and why; tkn says nothing of it
    NotBegun(Wait),
    /// The server is out of reach, or has broken a log off more than once
    Interrupted {
        /// Whose log
        source: Box<Source>,
        /// Why
        reason: String,
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
    /// A pod whose logs were being read is gone, and another of its name is there
    PodReplaced {
        /// Name of the task
        task: String,
        /// Name of the pod
        pod: String,
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
    /// A task has no attempt of that number
    NoAttempt {
        /// Name of the task
        task: String,
        /// Which was asked for
        attempt: usize,
        /// How many there are
        attempts: usize,
    },
    /// The server does not give a container's log
    Refused {
        /// Whose log
        source: Box<Source>,
        /// The server's words
        reason: String,
    },
    /// A container ended badly
    ContainerFailed {
        /// Which one
        source: Box<Source>,
        /// How it ended
        end: Terminated,
        /// Tekton's word for it: `TimeoutExceeded`, …
        why: Option<String>,
        /// Whether it is an init container
        init: bool,
    },
    /// Steps that did not run
    StepsSkipped {
        /// Name of the task
        task: String,
        /// Names of the steps
        steps: Vec<String>,
        /// The step whose failure is the reason; none where their conditions are
        after: Option<String>,
    },
    /// A step failed, and the task went on (`onError: continue`)
    Continued {
        /// Which step
        source: Box<Source>,
        /// Its exit status
        code: i32,
    },
    /// Tasks that did not run
    TasksSkipped {
        /// Names of the tasks
        tasks: Vec<String>,
        /// Why
        reason: String,
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
    /// One of several runs was deleted meanwhile
    RunGone {
        /// Its name
        run: String,
    },
    /// The run ended badly
    RunFailed {
        /// Its name, where there are several
        run: Option<String>,
        /// Message of its condition
        message: String,
    },
}

/// Something that has not begun, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Who waits: `task build`, `PipelineRun nightly`
    pub who: String,
    /// For what
    pub why: String,
}

/// How following ended; the machine's last word. Of several runs it is the worst.
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

impl Outcome {
    /// How much it weighs among the outcomes of several runs.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::NoneFailed => 1,
            Self::Nothing(_) => 2,
            Self::Unstarted => 3,
            Self::Running => 4,
            Self::Deleted => 5,
            Self::Failed => 6,
            Self::NoSuchTask { .. } => 7,
        }
    }
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
