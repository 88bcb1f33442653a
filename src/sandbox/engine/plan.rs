//! What reconciling one run comes to: a list of actions on the store and the executor, and the time to look again.
//! Deciding it is pure; `reconcile` carries it out.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::condition::{Condition, Standing};
use super::object::{stamp, time};
use crate::kinds::Kind;
use crate::sandbox::executor::TaskExecution;

/// The objects of the run's namespace, and the cluster's.
pub trait Objects {
    /// One object, of the run's namespace when its kind has one.
    fn get(&self, kind: &'static Kind, name: &str) -> Option<Arc<Value>>;
    /// All of a kind.
    fn list(&self, kind: &'static Kind) -> Vec<Arc<Value>>;
}

/// The time, and when the run began more exactly than the whole seconds of its status tell.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Now
    pub now: Timestamp,
    /// Start of the run, or of a TaskRun's attempt
    pub started: Option<Timestamp>,
    /// Start of the finally tasks
    pub finally_started: Option<Timestamp>,
}

impl Clock {
    /// A clock that knows no more than the run's status.
    pub fn at(now: Timestamp) -> Self {
        Self { now, started: None, finally_started: None }
    }
}

/// One thing to do.
#[derive(Debug)]
pub enum Action {
    /// Makes an object
    Create {
        /// Its kind
        kind: &'static Kind,
        /// With its name and namespace
        object: Value,
    },
    /// Asks for a TaskRun to be cancelled
    Cancel {
        /// Name of the TaskRun
        task_run: String,
        /// `spec.statusMessage`
        message: &'static str,
    },
    /// Records an event about the run
    Event(Event),
    /// Writes the run's status and adds labels and annotations
    Update {
        /// The whole status
        status: Value,
        /// Labels to add
        labels: Map<String, Value>,
        /// Annotations to add
        annotations: Map<String, Value>,
    },
    /// Starts the steps of a TaskRun in the pod that stands for them, which is made or updated
    Launch {
        /// The pod
        pod: Value,
        /// The steps
        execution: Box<TaskExecution>,
    },
    /// Writes the status of a pod whose steps died with an earlier process; its logs stay with it
    Bury {
        /// The pod
        pod: Value,
    },
    /// Makes or updates the pod of a TaskRun that cannot start yet
    Hold {
        /// The pod
        pod: Value,
        /// What it waits for, as an event of the pod tells it
        event: Event,
    },
    /// Stops the steps of a TaskRun and removes its pod
    Stop {
        /// Name of the pod
        pod: String,
    },
}

/// An event about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `Normal` or `Warning`
    pub kind: &'static str,
    /// In camel case
    pub reason: String,
    /// For people
    pub message: String,
}

impl Event {
    /// Something to know.
    pub fn normal(reason: &str, message: impl Into<String>) -> Self {
        Self { kind: "Normal", reason: reason.to_owned(), message: message.into() }
    }

    /// Something that somebody may have to mend.
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { kind: "Warning", reason: reason.to_owned(), message: message.into() }
    }

    /// The event of a changed condition, as Tekton's controllers record it.
    pub fn of_transition(before: Option<&Condition>, after: &Condition) -> Option<Self> {
        if before == Some(after) {
            return None;
        }
        let (kind, reason, message) = match (after.status, before) {
            (Standing::True, _) => ("Normal", "Succeeded", after.message.clone()),
            (Standing::False, _) => ("Warning", "Failed", after.message.clone()),
            (Standing::Unknown, None) => ("Normal", "Started", String::new()),
            (Standing::Unknown, Some(_)) => ("Normal", after.reason.as_str(), after.message.clone()),
        };
        Some(Self { kind, reason: reason.to_owned(), message })
    }
}

/// The actions, and when to look again if nothing happens before.
#[derive(Debug, Default)]
pub struct Plan {
    /// In order
    pub actions: Vec<Action>,
    /// The nearest deadline
    pub wake: Option<Timestamp>,
}

/// A plan in the making: the run's status as it will be.
pub struct Draft {
    /// The status
    pub status: Value,
    /// Labels to add to the run
    pub labels: Map<String, Value>,
    /// Annotations to add to the run
    pub annotations: Map<String, Value>,
    /// Actions so far
    pub actions: Vec<Action>,
    /// The condition that the next event is compared with
    before: Option<Condition>,
    /// The time
    pub clock: Clock,
}

impl Draft {
    /// Begins with the run as it is.
    pub fn new(run: &Value, clock: Clock) -> Self {
        let status = run.get("status").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let before = Condition::of_status(&status);
        Self { status, labels: Map::new(), annotations: Map::new(), actions: Vec::new(), before, clock }
    }

    /// Marks the run as started, unless it is.
    pub fn start(&mut self) {
        if self.status.get("startTime").is_some_and(Value::is_string) {
            return;
        }
        self.status["startTime"] = stamp(self.clock.now);
        self.clock.started = Some(self.clock.now);
        let started = Condition::ongoing("Started", "");
        started.write(&mut self.status, self.clock.now);
        self.actions.extend(Event::of_transition(None, &started).filter(|_| self.before.is_none()).map(Action::Event));
        self.before = Some(started);
    }

    /// When the run started; now, when it has not.
    pub fn started(&self) -> Timestamp {
        self.clock.started.or_else(|| time(&self.status, "/startTime")).unwrap_or(self.clock.now)
    }

    /// When the finally tasks started.
    pub fn finally_started(&self) -> Option<Timestamp> {
        let known = time(&self.status, "/finallyStartTime")?;
        Some(self.clock.finally_started.unwrap_or(known))
    }

    /// Sets the condition; a final one also sets the completion time.
    pub fn conclude(&mut self, condition: &Condition) {
        condition.write(&mut self.status, self.clock.now);
        if condition.is_final() && self.status.get("completionTime").is_none_or(Value::is_null) {
            self.status["completionTime"] = stamp(self.clock.now);
        }
    }

    /// The finished plan, with the event of the changed condition and the written status.
    pub fn finish(mut self, run: &Value, wake: Option<Timestamp>) -> Plan {
        let after = Condition::of_status(&self.status);
        let event = after.as_ref().and_then(|after| Event::of_transition(self.before.as_ref(), after));
        self.actions.extend(event.map(Action::Event));
        let changed = run.get("status") != Some(&self.status) || !self.labels.is_empty() || !self.annotations.is_empty();
        if changed {
            // The status is written before steps start and pods go, so that what they report later finds it.
            let launch = |action: &Action| matches!(action, Action::Launch { .. } | Action::Hold { .. } | Action::Stop { .. });
            let at = self.actions.iter().position(launch).unwrap_or(self.actions.len());
            let update = Action::Update { status: self.status, labels: self.labels, annotations: self.annotations };
            self.actions.insert(at, update);
        }
        let done = after.is_some_and(|after| after.is_final());
        Plan { actions: self.actions, wake: wake.filter(|_| !done) }
    }
}
