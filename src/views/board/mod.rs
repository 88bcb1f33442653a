//! A run that is watched: what was told of it and its children, and the tree that is made of that. Pure.

mod changes;
mod graph;
mod node;
mod pipeline;
mod tail;
mod task;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use jiff::Timestamp;

pub use changes::Changes;
pub use node::{Mark, Node};
pub use tail::Tail;

use crate::kinds::Kind;
use crate::objects::core::Pod;
use crate::objects::run::{PipelineRun, TaskRun};
use crate::objects::verdict::Verdict;

/// All that was told of a run.
#[derive(Debug)]
pub struct Board {
    kind: &'static Kind,
    name: String,
    runs: IndexMap<String, PipelineRun>,
    tasks: IndexMap<String, TaskRun>,
    customs: IndexMap<String, Custom>,
    pods: HashMap<String, Pod>,
    gone: HashSet<String>,
    tails: Vec<Tail>,
    /// Numbers of tails by pod and container
    containers: HashMap<(String, String), usize>,
    refusals: HashMap<(String, String), String>,
}

/// How a CustomRun stands.
#[derive(Debug)]
struct Custom {
    verdict: Verdict,
    message: String,
    span: (Option<Timestamp>, Option<Timestamp>),
}

impl Board {
    /// A board of which nothing is known but the run's kind and name.
    pub fn new(kind: &'static Kind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            runs: IndexMap::new(),
            tasks: IndexMap::new(),
            customs: IndexMap::new(),
            pods: HashMap::new(),
            gone: HashSet::new(),
            tails: Vec::new(),
            containers: HashMap::new(),
            refusals: HashMap::new(),
        }
    }

    /// A PipelineRun as it is now.
    pub fn run(&mut self, run: PipelineRun) {
        self.runs.insert(run.metadata.name.clone(), run);
    }

    /// A TaskRun as it is now.
    pub fn task(&mut self, run: TaskRun) {
        self.tasks.insert(run.metadata.name.clone(), run);
    }

    /// How a CustomRun stands.
    pub fn custom(&mut self, name: &str, verdict: Verdict, message: String, span: (Option<Timestamp>, Option<Timestamp>)) {
        self.customs.insert(name.to_owned(), Custom { verdict, message, span });
    }

    /// A pod as it is now.
    pub fn pod(&mut self, pod: Pod) {
        self.pods.insert(pod.metadata.name.clone(), pod);
    }

    /// A run that was deleted. What was told of it before still stands.
    pub fn gone(&mut self, name: &str) {
        let known = self.tasks.contains_key(name) || self.runs.contains_key(name) || self.customs.contains_key(name);
        if !known {
            self.gone.insert(name.to_owned());
        }
    }

    /// A line of a container, or a piece of one. The number is the container's own.
    pub fn piece(&mut self, id: usize, (pod, container): (&str, &str), begins: bool, text: &[u8]) {
        if self.tails.len() <= id {
            self.tails.resize_with(id + 1, Tail::default);
        }
        if begins && self.tails[id].count() == 0 {
            self.containers.insert((pod.to_owned(), container.to_owned()), id);
        }
        self.tails[id].piece(begins, text);
    }

    /// The server gives no log of a container.
    pub fn refused(&mut self, pod: &str, container: &str, reason: &str) {
        self.refusals.insert((pod.to_owned(), container.to_owned()), format!("no log: {}", first_line(reason)));
    }

    fn tail(&self, pod: &str, container: &str) -> Option<&Tail> {
        self.containers.get(&(pod.to_owned(), container.to_owned())).map(|id| &self.tails[*id])
    }

    fn refusal(&self, pod: &str, container: &str) -> Option<&str> {
        self.refusals.get(&(pod.to_owned(), container.to_owned())).map(String::as_str)
    }

    /// The run with all that belongs to it.
    pub fn tree(&self) -> Node<'_> {
        let title = format!("{} {}", self.kind.kind, self.name);
        let node = match self.kind.kind {
            "PipelineRun" => self.runs.get(&self.name).map(|run| self.pipeline_run("", &title, run)),
            _ => self.tasks.get(&self.name).map(|run| self.task_run("", &title, run)),
        };
        node.unwrap_or_else(|| Node::new("", title, Mark::Waiting, "Pending"))
    }
}

/// The first line of a message, without spaces around it and without what would act on a terminal.
fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().trim_end().chars().filter(|c| !c.is_control()).collect()
}
