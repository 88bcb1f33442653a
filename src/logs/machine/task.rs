//! One TaskRun: how it is called, what was told of it, and how far it was read.

use jiff::Timestamp;
use serde_json::Value;

use super::{Emit, Follow, Notice};
use crate::logs::event::Called;
use crate::objects::run::{Run, StepState, TaskRun};

/// A TaskRun and how far it was read.
#[derive(Debug, Default)]
pub(super) struct Task {
    called: Called,
    /// Its place in the Pipeline, below that of the Pipeline's task around it
    place: Vec<usize>,
    /// Name of the run that refers to it
    of: String,
    /// Position of the run that was asked for
    root: usize,
    /// Names of the parameters that set it apart from the task's other TaskRuns; none where it is the only one
    varied: Option<Vec<String>>,
    referred: bool,
    run: Option<TaskRun>,
    gone: Option<Gone>,
    asked: bool,
    /// It was told after it was asked for
    answered: bool,
    /// What stands before the logs has been said
    pub(super) begun: bool,
    pub(super) failure_said: bool,
    /// How many attempts are over
    pub(super) attempt: usize,
    /// How many containers of the attempt's pod are over
    pub(super) container: usize,
    /// Whether a step has failed, so that of what is left only sidecars are read
    pub(super) stopped: bool,
    /// How many containers are being read
    pub(super) reading: usize,
    /// How many sidecars are being read beside its steps
    pub(super) beside: usize,
    pub(super) stage: Stage,
}

/// Why a TaskRun cannot be read.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The next container is to be found
    #[default]
    Next,
    /// A container is being read, or several where lines are told by their time
    Reading,
    /// Nothing more will come
    Done,
}

impl Task {
    /// A TaskRun that was asked for by name. Its name is tkn's (`pkg/log/task_reader.go`).
    pub(super) fn alone(run: &TaskRun, root: usize, several: bool) -> Self {
        let of_pipeline = run.metadata.label("tekton.dev/pipelineTask").map(str::to_owned);
        let of_reference = run.spec.task_ref.as_ref().map(|r| r.name.clone().unwrap_or_default());
        let name = of_pipeline.or(of_reference).unwrap_or_else(|| "Task 0".to_owned());
        let run = run.metadata.name.clone();
        let called = Called { root: run.clone(), task: name, several, ..Called::default() };
        Self { called, of: run, root, referred: true, ..Self::default() }
    }

    pub(super) fn refer(&mut self, of: &str, root: usize, called: Called, place: Vec<usize>, varied: Option<Vec<String>>) {
        let referred = std::mem::replace(&mut self.referred, true);
        // What a line is called does not change while it is told; a matrix may be known only when its second child is.
        if !referred || self.varied != varied {
            (self.called, self.varied) = (called, varied);
            of.clone_into(&mut self.of);
            (self.root, self.place) = (root, place);
            self.name_params();
        }
    }

    /// Names the parameters that set it apart; where nobody tells which they are, the TaskRun itself.
    fn name_params(&mut self) {
        let (Some(varied), Some(run)) = (&self.varied, &self.run) else { return };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let params = run.spec.params.iter().filter(|param| varied.contains(&param.name));
        let mut named: Vec<(String, String)> = params.map(|param| (param.name.clone(), text(&param.value))).collect();
        if named.is_empty() {
            named.push(("taskrun".to_owned(), run.metadata.name.clone()));
        }
        for pair in named {
            if !self.called.params.contains(&pair) {
                self.called.params.push(pair);
            }
        }
    }

    /// What a watch tells may be older than the answer to a question: a state that is behind the known one is passed over.
    pub(super) fn now(&mut self, run: TaskRun) {
        if self.run.as_ref().is_some_and(|known| is_behind(&run, known)) {
            return;
        }
        let first = self.run.is_none();
        self.run = Some(run);
        self.gone = None;
        if first {
            self.name_params();
        }
    }

    pub(super) fn is_gone(&mut self, reason: Option<String>) {
        self.gone = Some(Gone { reason });
    }

    pub(super) fn gone(&self) -> Option<&Gone> {
        self.gone.as_ref()
    }

    /// The run that was asked for is gone, and nothing more is told of this task.
    pub(super) fn drop_out(&mut self) {
        self.stage = Stage::Done;
    }

    pub(super) fn called(&self) -> &Called {
        &self.called
    }

    pub(super) fn place(&self) -> &[usize] {
        &self.place
    }

    pub(super) fn of(&self) -> &str {
        &self.of
    }

    pub(super) fn root(&self) -> usize {
        self.root
    }

    pub(super) fn run(&self) -> Option<&TaskRun> {
        self.run.as_ref()
    }

    pub(super) fn is_referred(&self) -> bool {
        self.referred
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done && self.beside == 0
    }

    pub(super) fn is_known(&self) -> bool {
        self.run.is_some() || self.gone.is_some()
    }

    /// Whether it is to be asked for, which is done once.
    pub(super) fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// It was told as it is now.
    pub(super) fn answer(&mut self) {
        self.answered = true;
    }

    /// Whether it was told after it was asked for.
    pub(super) fn has_answered(&self) -> bool {
        self.answered
    }

    /// Whether nothing more will be heard of it.
    pub(super) fn is_over(&self) -> bool {
        self.gone.is_some() || self.run.as_ref().is_some_and(Run::is_done)
    }

    /// The message of its condition when it ended badly.
    pub(super) fn failure(&self) -> Option<String> {
        let condition = self.run.as_ref()?.succeeded().filter(|c| c.status == "False")?;
        Some(condition.message.clone().unwrap_or_default())
    }

    /// The pods of its attempts: those that were tried again come first.
    pub(super) fn pods(&self) -> Vec<String> {
        let Some(status) = self.run.as_ref().map(|run| &run.status) else { return Vec::new() };
        let earlier = status.retries_status.iter().map(|s| &s.pod_name);
        let mut pods: Vec<String> = earlier.chain([&status.pod_name]).filter(|p| !p.is_empty()).cloned().collect();
        pods.dedup();
        pods
    }

    /// The pod of the attempt that is being read.
    pub(super) fn pod(&self) -> Option<String> {
        self.pods().into_iter().nth(self.attempt)
    }

    /// How many attempts there may be, or have been.
    pub(super) fn attempts(&self) -> usize {
        let retries = self.run.as_ref().map_or(0, |run| usize::try_from(run.spec.retries).unwrap_or_default());
        (retries + 1).max(self.pods().len())
    }

    /// When it began: the first of its attempts.
    pub(super) fn began(&self) -> Option<Timestamp> {
        let status = &self.run.as_ref()?.status;
        let earlier = status.retries_status.iter().filter_map(|attempt| attempt.start_time);
        earlier.chain(status.start_time).min()
    }

    /// What the status tells of the steps of the attempt that is being read.
    pub(super) fn steps(&self) -> &[StepState] {
        let Some(status) = self.run.as_ref().map(|r| &r.status) else { return &[] };
        status.retries_status.get(self.attempt).map_or(&status.steps, |s| &s.steps)
    }

    /// What the status tells of one step of the attempt that is being read.
    pub(super) fn step(&self, container: &str) -> Option<&StepState> {
        self.steps().iter().find(|s| s.container == container)
    }

    pub(super) fn next_attempt(&mut self) {
        (self.attempt, self.container, self.reading, self.stage) = (self.attempt + 1, 0, 0, Stage::Next);
        self.stopped = false;
    }

    pub(super) fn next_container(&mut self) {
        (self.container, self.stage) = (self.container + 1, Stage::Next);
    }

    /// The steps are over with the container that was read.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.next_container();
    }

    pub(super) fn say_failure(&mut self, emit: &mut Emit<'_>) {
        if let Some(message) = self.failure().filter(|_| !self.failure_said) {
            self.failure_said = true;
            Follow::say(Notice::TaskFailed { task: self.called.label(), message }, emit);
        }
    }
}

/// Whether a state of a TaskRun is older than another: attempts are only added, and what is over stays so until one is.
fn is_behind(run: &TaskRun, known: &TaskRun) -> bool {
    let attempts = |run: &TaskRun| run.status.retries_status.len();
    let same = run.metadata.uid == known.metadata.uid;
    same && (attempts(run) < attempts(known) || attempts(run) == attempts(known) && known.is_done() && !run.is_done())
}
