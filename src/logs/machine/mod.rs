//! The one state machine of logs: what is seen of a run, its children, their pods and streams goes in; lines and
//! requests come out. No IO, no clock. A run's tasks are those of `status.childReferences`, in the order of
//! `status.pipelineSpec`; the Pipeline as it is now is never asked.

mod order;
mod stream;
mod task;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::event::{LogEvent, Notice, Outcome};
use crate::objects::core::Pod;
use crate::objects::meta::Condition;
use crate::objects::run::{PipelineRun, Run, TaskRun};
use crate::objects::verdict::Verdict;
use stream::Stream;
use task::Task;

/// What to read, and how.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether to go on until the run ends, its tasks side by side; otherwise what is there, one task after the other
    pub live: bool,
    /// Only these tasks; empty for all
    pub tasks: Vec<String>,
    /// Only these steps; empty for all
    pub steps: Vec<String>,
    /// Init containers as well
    pub init: bool,
    /// Only tasks that failed
    pub failed_only: bool,
}

/// Whose logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A PipelineRun's, with its tasks
    PipelineRun,
    /// One TaskRun's
    TaskRun,
}

/// What is told to the machine.
#[derive(Debug)]
pub enum Input<'a> {
    /// The PipelineRun as it is now
    Run(Box<PipelineRun>),
    /// The PipelineRun, or the TaskRun that was asked for, is gone
    RunGone,
    /// A TaskRun as it is now
    Task(Box<TaskRun>),
    /// A TaskRun is gone or cannot be read
    TaskGone {
        /// Its name
        name: String,
        /// Why it cannot be read, where it is there
        reason: Option<String>,
    },
    /// All TaskRuns have been told
    TasksListed,
    /// A pod as it is now
    Pod(Box<Pod>),
    /// A pod is gone
    PodGone(String),
    /// All pods have been told
    PodsListed,
    /// How a child stands that is no TaskRun; none when it is gone
    Child {
        /// Its name
        name: String,
        /// The state, and the condition's message
        stands: Option<(Verdict, String)>,
    },
    /// Bytes of a stream
    Bytes {
        /// Which stream
        stream: usize,
        /// What came
        bytes: &'a [u8],
    },
    /// A stream ended, or broke for this reason
    Ended {
        /// Which stream
        stream: usize,
        /// Why it broke
        broken: Option<String>,
    },
    /// A stream was not opened
    Refused {
        /// Which stream
        stream: usize,
        /// The server's status code, where it answered
        code: Option<u16>,
        /// The server's words
        reason: String,
    },
}

/// What the machine wants to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a container's log as this stream, in place of what the stream was before
    Open {
        /// Which stream
        stream: usize,
        /// Name of the pod
        pod: String,
        /// Name of the container
        container: String,
        /// From which time on
        since: Option<Timestamp>,
        /// Whether to go on while the container runs
        follow: bool,
        /// Whether the log before the container's last restart is meant
        previous: bool,
        /// After which pause
        after: Duration,
    },
    /// Break the stream off when nothing comes for this long
    Limit {
        /// Which stream
        stream: usize,
        /// How long
        quiet: Duration,
    },
    /// Look for an object that no list or watch has told
    Find(Find),
}

/// An object that no list or watch has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// A TaskRun by name
    Task(String),
    /// A pod by name
    Pod(String),
    /// A CustomRun or PipelineRun
    Child {
        /// `CustomRun` or `PipelineRun`
        kind: String,
        /// Its name
        name: String,
    },
}

/// A pod, and whether it is gone.
#[derive(Debug, Default)]
pub(super) struct PodSeen {
    pod: Option<Pod>,
    gone: bool,
    asked: bool,
}

/// A child that is no TaskRun.
#[derive(Debug)]
pub(super) struct Other {
    kind: String,
    task: String,
    asked: bool,
    told: bool,
}

/// Follows one run.
#[derive(Debug)]
pub struct Follow {
    policy: Policy,
    subject: Subject,
    /// The condition of the run as it is now; none before it was told
    run: Option<Standing>,
    tasks: IndexMap<String, Task>,
    others: IndexMap<String, Other>,
    /// Names of the TaskRuns in the order in which a run that is not followed is read
    queue: Option<Vec<String>>,
    pods: HashMap<String, PodSeen>,
    streams: Vec<Stream>,
    tasks_listed: bool,
    pods_listed: bool,
    floor: Option<usize>,
    outcome: Option<Outcome>,
}

/// Identity and condition of the run.
#[derive(Debug)]
struct Standing {
    uid: String,
    condition: Option<Condition>,
}

impl Standing {
    fn is(&self, status: &str) -> bool {
        self.condition.as_ref().is_some_and(|c| c.status == status)
    }

    fn is_over(&self) -> bool {
        self.condition.as_ref().is_some_and(|c| c.status != "Unknown")
    }

    fn message(&self) -> String {
        self.condition.as_ref().and_then(|c| c.message.clone()).unwrap_or_default()
    }
}

/// Where events go.
pub(super) type Emit<'e> = dyn FnMut(LogEvent<'_>) + 'e;

impl Follow {
    /// A machine that has been told nothing.
    pub fn new(subject: Subject, policy: Policy) -> Self {
        Self {
            policy,
            subject,
            run: None,
            tasks: IndexMap::new(),
            others: IndexMap::new(),
            queue: None,
            pods: HashMap::new(),
            streams: Vec::new(),
            tasks_listed: false,
            pods_listed: false,
            floor: None,
            outcome: None,
        }
    }

    /// Takes one input, tells its events and returns what is to be done. After the [`Outcome`] nothing is taken any more.
    pub fn step(&mut self, input: Input<'_>, emit: &mut Emit<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.outcome.is_some() {
            return effects;
        }
        match input {
            Input::Bytes { stream, bytes } => {
                self.bytes(stream, bytes, emit);
                return effects;
            }
            Input::Run(run) => self.run_now(*run, emit),
            Input::RunGone => self.outcome = Some(Outcome::Deleted),
            Input::Task(task) => self.task_now(*task, &mut effects),
            Input::TaskGone { name, reason } => self.task_gone(&name, reason),
            Input::TasksListed => self.tasks_listed = true,
            Input::Pod(pod) => self.pod_now(*pod, &mut effects),
            Input::PodGone(name) => self.pods.entry(name).or_default().gone = true,
            Input::PodsListed => self.pods_listed = true,
            Input::Child { name, stands } => self.child(name, stands, emit),
            Input::Ended { stream, broken } => self.ended(stream, broken, &mut effects, emit),
            Input::Refused { stream, code, reason } => self.refused(stream, code, reason, &mut effects, emit),
        }
        self.proceed(&mut effects, emit);
        effects
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The stream that has given out a part of a line: the others are not to be read before the line's end.
    pub fn floor(&self) -> Option<usize> {
        self.floor
    }

    fn run_now(&mut self, run: PipelineRun, emit: &mut Emit<'_>) {
        let first = self.stands(&run);
        self.refer(&run);
        if first && !self.policy.live && self.run.as_ref().is_some_and(|r| r.is("Unknown")) {
            emit(LogEvent::Said(Notice::StillRunning { message: None }));
        }
    }

    /// Keeps how the run stands; returns whether it was not known before. Another run of the same name is not this one.
    fn stands<R: Run>(&mut self, run: &R) -> bool {
        let standing = Standing { uid: run.meta().uid.clone(), condition: run.succeeded().cloned() };
        match &self.run {
            Some(before) if before.uid != standing.uid => {
                self.outcome = Some(Outcome::Deleted);
                false
            }
            before => {
                let first = before.is_none();
                self.run = Some(standing);
                first
            }
        }
    }

    fn task_now(&mut self, run: TaskRun, effects: &mut Vec<Effect>) {
        if self.subject == Subject::TaskRun {
            self.stands(&run);
            self.tasks.entry(run.metadata.name.clone()).or_insert_with(|| Task::alone(&run));
        }
        // Children that the run does not refer to (yet) are kept until it does.
        let name = run.metadata.name.clone();
        let task = self.tasks.entry(name.clone()).or_default();
        task.now(run);
        if self.policy.live && task.is_over() {
            self.limit_sidecars(&name, effects);
        }
    }

    fn task_gone(&mut self, name: &str, reason: Option<String>) {
        if self.subject == Subject::TaskRun && reason.is_none() {
            self.outcome = Some(Outcome::Deleted);
        }
        self.tasks.entry(name.to_owned()).or_default().is_gone(reason);
    }

    fn child(&mut self, name: String, stands: Option<(Verdict, String)>, emit: &mut Emit<'_>) {
        if let Some(other) = self.others.get_mut(&name) {
            other.told = true;
            let (task, kind) = (other.task.clone(), other.kind.clone());
            emit(LogEvent::Said(Notice::Child { task, kind, name, stands }));
        }
    }

    /// Does whatever can be done now.
    fn proceed(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let complete = self.policy.live || self.tasks_listed && self.pods_listed;
        if self.run.is_none() || self.outcome.is_some() || !complete {
            return;
        }
        let done = if self.policy.live { self.proceed_with_all(effects, emit) } else { self.proceed_in_order(effects, emit) };
        if done && self.outcome.is_none() && self.ask_for_others(effects) {
            self.outcome = Some(self.conclude(emit));
        }
    }

    /// Followed: the tasks side by side, but what had ended before a task began is told before it. Done when the run is
    /// over and so is each of its tasks.
    fn proceed_with_all(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let mut untold: Vec<(Timestamp, usize)> = Vec::new();
        let mut done = true;
        for index in self.by_end() {
            let (start, end, place) = self.tasks[index].span();
            let waits = start.is_some_and(|start| untold.iter().any(|before| *before < (start, place)));
            if waits || !self.advance(index, effects, emit) {
                done = false;
                untold.extend(end.map(|end| (end, place)));
            }
        }
        done && self.run_is_over()
    }

    /// Not followed: one task after the other.
    fn proceed_in_order(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        if self.queue.is_none() && self.ask_for_tasks(effects) {
            self.queue = self.in_order();
        }
        let Some(queue) = self.queue.clone() else { return false };
        queue.iter().all(|name| {
            let index = self.tasks.get_index_of(name).expect("the queue names tasks");
            self.advance(index, effects, emit)
        })
    }

    fn run_is_over(&self) -> bool {
        self.run.as_ref().is_some_and(Standing::is_over)
    }

    /// Asks for children that are no TaskRuns; returns whether all have been told.
    fn ask_for_others(&mut self, effects: &mut Vec<Effect>) -> bool {
        let mut told = true;
        for (name, other) in &mut self.others {
            let wanted = self.policy.tasks.is_empty() || self.policy.tasks.contains(&other.task);
            if wanted && !other.asked {
                other.asked = true;
                effects.push(Effect::Find(Find::Child { kind: other.kind.clone(), name: name.clone() }));
            }
            told &= other.told || !wanted;
        }
        told
    }

    /// The last words.
    fn conclude(&self, emit: &mut Emit<'_>) -> Outcome {
        let referred = (0..self.tasks.len()).filter(|index| self.tasks[*index].is_referred());
        if let Some(outcome) = self.no_such_task(referred) {
            return outcome;
        }
        let run = self.run.as_ref().expect("nothing is concluded before the run was told");
        let whole = self.subject == Subject::PipelineRun;
        if run.is("True") {
            Outcome::Succeeded
        } else if run.is("False") {
            if whole {
                emit(LogEvent::Said(Notice::RunFailed { message: run.message() }));
            }
            Outcome::Failed
        } else if run.condition.is_none() {
            Outcome::Unstarted
        } else {
            if whole && !run.message().is_empty() {
                emit(LogEvent::Said(Notice::StillRunning { message: Some(run.message()) }));
            }
            Outcome::Running
        }
    }
}
