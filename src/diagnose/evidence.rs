//! What is gathered before anything is judged: the traces a failure left on conditions, pods, events and logs, and the
//! neighbourhood that rules ask for. Plain data: no Secret's value is in it.

use std::collections::BTreeSet;

use crate::kinds::Kind;
use crate::objects::core::{PersistentVolumeClaim, StorageClass};
use crate::objects::run::Param;
use crate::objects::verdict::{State, Verdict};
use crate::scaffold::ssh::KnownHost;

/// What kind of place a trace was seen in; rules name the places they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A condition of a run or EventListener, or the one before it that a message repeats
    Condition,
    /// A condition of a pod that is not `True`
    PodCondition,
    /// A container that waits
    Waiting,
    /// A container that ended badly
    Terminated,
    /// A Kubernetes event
    Event,
    /// A line of a log
    Log,
    /// A task that was skipped
    Skipped,
    /// A right that the ServiceAccount lacks
    Access,
    /// A reference of an EventListener or Trigger to an object that is not there
    Reference,
}

/// One thing that was seen.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What kind of place it is
    pub place: Place,
    /// The place in words: `condition of TaskRun x`
    pub source: String,
    /// The one word for machines, where the place has one
    pub reason: String,
    /// The sentence, as it came
    pub text: String,
}

impl Trace {
    /// A trace without a reason.
    pub fn new(place: Place, source: impl Into<String>, reason: Option<&str>, text: impl Into<String>) -> Self {
        Self { place, source: source.into(), reason: reason.unwrap_or_default().to_owned(), text: text.into() }
    }

    /// The text that rules look at: without escaped quotes, and without the guess that Tekton appends to every error
    /// of making a pod (`Maybe missing or invalid Task …`, `pkg/reconciler/taskrun/taskrun.go`).
    pub fn meaning(&self) -> String {
        let text = self.text.split(". Maybe ").next().unwrap_or_default();
        text.replace("\\\"", "\"")
    }

    /// Reason and sentence, as a person would quote them.
    pub fn quoted(&self) -> String {
        match (self.reason.as_str(), self.text.as_str()) {
            (reason, "") => reason.to_owned(),
            ("", text) => text.to_owned(),
            (reason, text) => format!("{reason}: {text}"),
        }
    }
}

/// A run, TaskRun or EventListener with the traces that belong to it.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// `TaskRun`
    pub kind: &'static str,
    /// Its name
    pub name: String,
    /// How it stands
    pub state: Option<Verdict>,
    /// Oldest layer first: condition, pod, container, event, log
    pub traces: Vec<Trace>,
    /// ServiceAccount of its pod
    pub account: String,
    /// Name of its pod, when it has one
    pub pod: Option<String>,
    /// Step that failed, or waits
    pub step: Option<String>,
    /// Parameter values, as the pod got them
    pub params: Vec<Param>,
    /// Addresses for ssh that the scripts of its steps name
    pub addresses: Vec<String>,
    /// Claims that the pod mounts
    pub claims: Vec<String>,
    /// Workspaces with a `volumeClaimTemplate`
    pub templated: Vec<String>,
    /// Workspaces of the run that are an emptyDir and that a task before this one had as well, with that task's name
    pub apart: Vec<(String, String)>,
    /// Container whose log tells why it failed, and whether the one before its restart is meant
    pub log: Option<LogOf>,
    /// Whether its pod waits for something that only events may tell
    pub waits: bool,
}

impl Unit {
    /// `TaskRun x`
    pub fn object(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// A log worth reading.
#[derive(Clone, Debug)]
pub struct LogOf {
    /// The pod
    pub pod: String,
    /// The container
    pub container: String,
    /// Whether it was started again, so that the log before that tells more
    pub restarted: bool,
}

/// Something further that a rule needs to be exact; fetched once, and only when a rule's text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The namespace's PersistentVolumeClaims and the cluster's StorageClasses
    Storage,
    /// The ServiceAccount, and what Secrets there are
    Credentials,
    /// Names of the namespace's Tasks
    Tasks,
    /// Names of the namespace's Pipelines
    Pipelines,
    /// Names of the namespace's ServiceAccounts
    Accounts,
}

/// What is known of a Secret without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// Its name
    pub name: String,
    /// `kubernetes.io/ssh-auth`
    pub kind: String,
    /// What it is annotated for: hosts for ssh, URLs for basic auth and registries
    pub hosts: Vec<String>,
    /// Its keys, without their values
    pub keys: Vec<String>,
    /// The lines of its `known_hosts`
    pub known_hosts: Vec<KnownHost>,
    /// Its ssh key as `ssh-keygen -l` names it, where that could be read
    pub fingerprint: Option<String>,
}

/// All that was gathered about one object.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What the question is about
    pub kind: &'static Kind,
    /// Its namespace
    pub namespace: String,
    /// Its name
    pub name: String,
    /// Whether it is one of the sandbox
    pub in_sandbox: bool,
    /// How it stands
    pub state: Verdict,
    /// Since when it stands so
    pub since: Option<jiff::Timestamp>,
    /// The object itself first, then its children in their order
    pub units: Vec<Unit>,
    /// What was looked up beyond that
    pub looked: BTreeSet<Need>,
    /// Claims of the namespace; none when nobody looked or may
    pub claims: Option<Vec<PersistentVolumeClaim>>,
    /// StorageClasses of the cluster
    pub classes: Option<Vec<StorageClass>>,
    /// Secrets that each ServiceAccount hands to steps; by name of the account
    pub accounts: Vec<(String, Option<Vec<String>>)>,
    /// Whether the API was asked, and answered, what the ServiceAccount may do
    pub rights_known: bool,
    /// The namespace's Secrets
    pub secrets: Option<Vec<SecretFacts>>,
    /// Names of Tasks, Pipelines and ServiceAccounts that exist, by what was needed
    pub names: Vec<(Need, Vec<String>)>,
    /// What could not be looked at, and why
    pub unseen: Vec<String>,
}

impl Evidence {
    /// Evidence of nothing yet.
    pub fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            in_sandbox: false,
            state: Verdict { state: State::Unstarted, reason: None },
            since: None,
            units: Vec::new(),
            looked: BTreeSet::new(),
            claims: None,
            classes: None,
            accounts: Vec::new(),
            rights_known: false,
            secrets: None,
            names: Vec::new(),
            unseen: Vec::new(),
        }
    }

    /// The names that exist, of what was needed.
    pub fn names(&self, need: Need) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(of, _)| *of == need).flat_map(|(_, names)| names).map(String::as_str)
    }

    /// The Secrets that an account hands to steps, where that is known.
    pub fn listed(&self, account: &str) -> Option<&[String]> {
        self.accounts.iter().find(|(name, _)| name == account)?.1.as_deref()
    }
}
