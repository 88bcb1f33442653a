//! The one state machine of logs: what is seen of runs, their children, their pods and streams goes in; lines and
//! requests come out. No IO, no clock. A run's tasks are those of `status.childReferences`, in the order of
//! `status.pipelineSpec`; the Pipeline as it is now is never asked. A Pipeline within the Pipeline is one more run.

mod attempt;
mod family;
mod merge;
mod order;
mod stream;
mod task;
#[cfg(test)]
mod tests;
mod wait;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::event::{LogEvent, Notice, Outcome};
use crate::objects::core::{Event, Pod};
use crate::objects::run::{PipelineRun, TaskRun};
use crate::objects::verdict::Verdict;
use family::{Other, RunSeen};
use stream::Stream;
use task::Task;

/// What to read, and how.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether to go on until the runs end; otherwise what is there is read
    pub live: bool,
    /// In which order
    pub order: Order,
    /// Only these tasks; empty for all
    pub tasks: Vec<String>,
    /// Only these steps; empty for all
    pub steps: Vec<String>,
    /// Init containers as well
    pub init: bool,
    /// Only tasks that failed
    pub failed_only: bool,
    /// Only this attempt of each task, counted from 1
    pub attempt: Option<usize>,
    /// Only what was written from this time on
    pub since: Option<Timestamp>,
    /// Only the last lines of each container
    pub tail: Option<u64>,
    /// Whether each line's time is to be told
    pub stamps: bool,
    /// The cluster's Events about the pods as well
    pub events: bool,
    /// Go on with what the runs tell where the user may read neither pods nor logs
    pub lenient: bool,
}

/// In which order lines are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they come from tasks side by side while a run is followed, else task by task
    #[default]
    Usual,
    /// One task after the other, also while a run is followed
    Tasks,
    /// By the time at which they were written; while a run is followed that is as they come
    Time,
}

/// Whose logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// PipelineRuns', with their tasks
    PipelineRun,
    /// TaskRuns'
    TaskRun,
}

/// What is told to the machine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A PipelineRun as it is now
    Run(Box<PipelineRun>),
    /// A PipelineRun is gone
    RunGone(String),
    /// All of these runs that are there have been told
    RunsListed(Arc<[String]>),
    /// A TaskRun as it is now
    Task(Box<TaskRun>),
    /// A TaskRun is gone or cannot be read
    TaskGone {
        /// Its name
        name: String,
        /// Why it cannot be read, where it is there
        reason: Option<String>,
    },
    /// A TaskRun that was asked for has been told as it is now; what a watch told meanwhile may be older
    TaskFound(String),
    /// What was told of this pod before was the answer to the question for it
    PodFound(String),
    /// All TaskRuns of these runs have been told
    TasksListed(Arc<[String]>),
    /// A pod as it is now
    Pod(Box<Pod>),
    /// A pod is gone
    PodGone(String),
    /// All pods of these runs have been told
    PodsListed(Arc<[String]>),
    /// How a CustomRun stands; none when it is gone
    Child {
        /// Its name
        name: String,
        /// The state, and the condition's message
        stands: Option<(Verdict, String)>,
    },
    /// An Event of the cluster about a pod
    Event(Box<Event>),
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
        /// For how long it was open, at least, after the last that came of it
        waited: Duration,
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
    Open(Box<Opening>),
    /// Break the stream off when nothing comes for this long
    Limit {
        /// Which stream
        stream: usize,
        /// How long
        quiet: Duration,
    },
    /// Let go of a stream; nothing of it is needed any more
    Close(usize),
    /// Look for an object that no list or watch has told
    Find(Find),
    /// Tell the run of a Pipeline within the Pipeline, its TaskRuns and its pods as well
    Join(String),
    /// Tell how the CustomRuns of a run stand, as they change
    Customs(String),
}

/// A container's log that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// As which stream
    pub stream: usize,
    /// Name of the TaskRun
    pub run: String,
    /// Name of the pod
    pub pod: String,
    /// Name of the container
    pub container: String,
    /// From which time on
    pub since: Option<Timestamp>,
    /// Only so many lines of its end
    pub tail: Option<u64>,
    /// Whether lines are to begin with their time
    pub stamps: bool,
    /// Whether to go on while the container runs
    pub follow: bool,
    /// Whether the log before the container's last restart is meant
    pub previous: bool,
    /// After which pause
    pub after: Duration,
}

/// An object that no list or watch has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// A TaskRun by name
    Task(String),
    /// A pod by name
    Pod(String),
    /// A CustomRun by name
    Custom(String),
}

/// A pod, and whether it is gone.
#[derive(Debug, Default)]
struct PodSeen {
    pod: Option<Pod>,
    gone: bool,
    asked: bool,
    /// It was asked for anew, since its task is over and it seemed not to have begun
    checked: bool,
    /// It was told after that
    answered: bool,
    /// The task that it belongs to
    task: Option<usize>,
    /// What the cluster said of it and was not told yet
    events: Vec<Event>,
}

/// Follows runs.
#[derive(Debug)]
pub struct Follow {
    policy: Policy,
    subject: Subject,
    /// How many of the runs were asked for; they come first
    roots: usize,
    runs: IndexMap<String, RunSeen>,
    tasks: IndexMap<String, Task>,
    others: IndexMap<String, Other>,
    /// Positions of the tasks in the order in which they are read, where that is one after the other
    queue: Option<Vec<usize>>,
    /// How many of the queue have been opened, where lines are told by their time
    opened: usize,
    pods: HashMap<String, PodSeen>,
    /// Events that were told, by name and count
    events: HashSet<(String, u32)>,
    streams: Vec<Stream>,
    /// The stream that has given out a part of a line
    floor: Option<usize>,
    outcome: Option<Outcome>,
}

/// Where events go.
type Emit<'e> = dyn FnMut(LogEvent<'_>) + 'e;

impl Follow {
    /// A machine that has been told nothing but the names of the runs that are meant.
    pub fn new(subject: Subject, roots: impl IntoIterator<Item = String>, policy: Policy) -> Self {
        let runs: IndexMap<String, RunSeen> = roots.into_iter().enumerate().map(|(root, name)| (name, RunSeen::root(root))).collect();
        Self {
            policy,
            subject,
            roots: runs.len(),
            runs,
            tasks: IndexMap::new(),
            others: IndexMap::new(),
            queue: None,
            opened: 0,
            pods: HashMap::new(),
            events: HashSet::new(),
            streams: Vec::new(),
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
                if !self.is_by_time() {
                    return effects;
                }
            }
            Input::Run(run) => self.run_now(*run, &mut effects, emit),
            Input::RunGone(name) => self.run_gone(&name, &mut effects, emit),
            Input::RunsListed(names) => self.runs_listed(&names, &mut effects, emit),
            Input::Task(task) => self.task_now(*task, &mut effects, emit),
            Input::TaskGone { name, reason } => self.task_gone(&name, reason, &mut effects, emit),
            Input::PodFound(name) => self.pods.entry(name).or_default().answered = true,
            Input::TaskFound(name) => self.tasks.entry(name).or_default().answer(),
            Input::TasksListed(runs) => self.listed(&runs, |run| run.tasks_listed = true),
            Input::Pod(pod) => self.pod_now(*pod, &mut effects, emit),
            Input::PodGone(name) => self.pods.entry(name).or_default().gone = true,
            Input::PodsListed(runs) => self.listed(&runs, |run| run.pods_listed = true),
            Input::Child { name, stands } => self.child(name, stands, emit),
            Input::Event(event) => self.event(*event, emit),
            Input::Ended { stream, broken, waited } => self.ended(stream, broken, waited, &mut effects, emit),
            Input::Refused { stream, code, reason } => self.refused(stream, code, reason, &mut effects, emit),
        }
        self.proceed(&mut effects, emit);
        effects
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Whether a stream may be read now. While one has given out a part of a line, the others wait for the line's end;
    /// where lines are told by their time, a stream waits while a line of it does.
    pub fn takes(&self, stream: usize) -> bool {
        self.floor.is_none_or(|floor| floor == stream) && self.streams.get(stream).is_none_or(|s| !s.holds_lines())
    }

    /// Whether runs are followed.
    pub fn is_live(&self) -> bool {
        self.policy.live
    }

    /// Whether the cluster's Events are to be told.
    pub fn wants_events(&self) -> bool {
        self.policy.events
    }

    /// Whether the tasks' lines are merged by their time.
    fn is_by_time(&self) -> bool {
        self.policy.order == Order::Time && !self.policy.live
    }

    fn listed(&mut self, runs: &[String], mark: fn(&mut RunSeen)) {
        for name in runs {
            if let Some(run) = self.runs.get_mut(name) {
                mark(run);
            }
        }
    }

    fn task_now(&mut self, run: TaskRun, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let name = run.metadata.name.clone();
        if self.subject == Subject::TaskRun && !self.root_now(&run) {
            return;
        }
        // Children that the run does not refer to (yet) are kept until it does.
        let task = self.tasks.entry(name.clone()).or_default();
        task.now(run);
        let index = self.tasks.get_index_of(&name).expect("it was put there just now");
        for pod in self.tasks[index].pods() {
            self.pods.entry(pod.clone()).or_default().task = Some(index);
            // The cluster may have spoken of the pod before the TaskRun named it.
            if self.policy.live {
                self.tell_events(&pod, emit);
            }
        }
        if self.policy.live && self.tasks[index].is_over() {
            self.limit_sidecars(&name, effects);
        }
    }

    fn task_gone(&mut self, name: &str, reason: Option<String>, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        if self.subject == Subject::TaskRun && reason.is_none() {
            self.run_gone(name, effects, emit);
        }
        self.tasks.entry(name.to_owned()).or_default().is_gone(reason);
    }

    /// Takes what the cluster says of a pod; the same is said again when a watch begins anew.
    fn event(&mut self, event: Event, emit: &mut Emit<'_>) {
        if !self.events.insert((event.metadata.name.clone(), event.count.unwrap_or_default())) {
            return;
        }
        let pod = event.involved_object.name.clone();
        let seen = self.pods.entry(pod.clone()).or_default();
        seen.events.push(event);
        if self.policy.live {
            self.tell_events(&pod, emit);
        }
    }

    /// Tells what the cluster has said of a pod, the oldest first.
    fn tell_events(&mut self, pod: &str, emit: &mut Emit<'_>) {
        let Some(seen) = self.pods.get_mut(pod) else { return };
        let Some(index) = seen.task else { return };
        let mut events = std::mem::take(&mut seen.events);
        if events.is_empty() || !self.is_wanted(index) {
            return;
        }
        events.sort_by_key(Event::time);
        let called = self.tasks[index].called();
        for event in &events {
            emit(LogEvent::Cluster { called, event });
        }
    }

    /// Does whatever can be done now.
    fn proceed(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        if self.outcome.is_some() || !self.is_complete() {
            return;
        }
        let done = match self.policy.order {
            Order::Tasks if self.policy.live => self.proceed_with_one(effects, emit),
            _ if self.policy.live => self.proceed_with_all(effects, emit),
            Order::Time => self.proceed_by_time(effects, emit),
            _ => self.proceed_in_order(effects, emit),
        };
        if done && self.outcome.is_none() && self.ask_for_others(effects) {
            self.outcome = Some(self.conclude(emit));
        }
    }

    /// Whether enough is known to begin: the runs, and where they are not followed everything that belongs to them.
    fn is_complete(&self) -> bool {
        let known = |run: &RunSeen| run.is_known() && (self.policy.live || run.is_gone() || run.tasks_listed && run.pods_listed);
        let needed = if self.policy.live { self.roots } else { self.runs.len() };
        self.runs.values().take(needed).all(known)
    }

    /// Followed: the tasks side by side, but what had ended before a task of the same run began is told before it. Done
    /// when the runs are over and so is each of their tasks.
    fn proceed_with_all(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let mut untold: Vec<(usize, Timestamp, usize)> = Vec::new();
        let mut done = true;
        for (rank, index) in self.by_end().into_iter().enumerate() {
            let (root, start, end) = self.span(index);
            let waits = start.is_some_and(|start| untold.iter().any(|(of, at, before)| *of == root && (*at, *before) < (start, rank)));
            if waits || !self.advance(index, effects, emit) {
                done = false;
                untold.extend(end.map(|end| (root, end, rank)));
            }
        }
        done && self.are_over()
    }

    /// Followed, one task after the other: the one that is being read to its end, then the one that began first.
    fn proceed_with_one(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        loop {
            let current = self.queue.as_ref().and_then(|queue| queue.first().copied());
            let Some(index) = current.or_else(|| self.first_begun()) else {
                // What has not begun may never begin; whoever is asked about it says so when the run is over.
                let waiting = self.by_end();
                let done = waiting.into_iter().all(|index| self.advance(index, effects, emit));
                return done && self.are_over();
            };
            self.queue = Some(vec![index]);
            if !self.advance(index, effects, emit) {
                return false;
            }
            self.queue = None;
        }
    }

    /// Not followed: one task after the other.
    fn proceed_in_order(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let Some(queue) = self.queued(effects) else { return false };
        let done = queue.iter().all(|index| self.advance(*index, effects, emit));
        self.queue = Some(queue);
        done
    }

    /// The order in which tasks are read, once all are known; it is taken out and to be put back.
    fn queued(&mut self, effects: &mut Vec<Effect>) -> Option<Vec<usize>> {
        if self.queue.is_none() && self.ask_for_tasks(effects) {
            self.queue = self.in_order();
        }
        self.queue.take()
    }

    /// Whether every run is over, and of those below them all children are known.
    fn are_over(&self) -> bool {
        let is_told = |run: &RunSeen| run.is_gone() || run.tasks_listed && run.pods_listed;
        self.runs.values().enumerate().all(|(index, run)| run.is_over() && (index < self.roots || is_told(run)))
    }

    fn say(notice: Notice, emit: &mut Emit<'_>) {
        emit(LogEvent::Said(notice));
    }
}
