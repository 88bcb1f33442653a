//! Which tasks of a pipeline start now, and which are skipped and why, in the order in which Tekton looks at the
//! causes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::duration::GoDuration;
use super::super::graph::Graph;
use super::super::matrix::Matrix;
use super::super::plan::Draft;
use super::super::substitute::Replacements;
use super::super::{references, when};
use super::prepare::substitute_inputs;
use super::state::{TaskState, result_replacements};
use super::{DEFAULT_TIMEOUT, Subject};

/// Why a task does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// A guard does not hold
    When,
    /// A task before it was skipped, not by a guard
    Parent,
    /// A task failed
    Stopping,
    /// The run is being cancelled
    GracefullyCancelled,
    /// The run is being stopped
    GracefullyStopped,
    /// A result that it needs is not there
    MissingResults,
    /// A list of its matrix is empty
    EmptyMatrix,
    /// The run's time is over
    PipelineTimeout,
    /// The tasks' time is over
    TasksTimeout,
    /// The finally tasks' time is over
    FinallyTimeout,
}

impl Skip {
    /// As `status.skippedTasks` tells it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::When => "When Expressions evaluated to false",
            Self::Parent => "Parent Tasks were skipped",
            Self::Stopping => "PipelineRun was stopping",
            Self::GracefullyCancelled => "PipelineRun was gracefully cancelled",
            Self::GracefullyStopped => "PipelineRun was gracefully stopped",
            Self::MissingResults => "Results were missing",
            Self::EmptyMatrix => "Matrix Parameters have an empty array",
            Self::PipelineTimeout => "PipelineRun timeout has been reached",
            Self::TasksTimeout => "PipelineRun Tasks timeout has been reached",
            Self::FinallyTimeout => "PipelineRun Finally timeout has been reached",
        }
    }

    /// Whether a limit caused it.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::PipelineTimeout | Self::TasksTimeout | Self::FinallyTimeout)
    }
}

/// What `spec.status` asks for, as far as it still lets tasks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing
    Normal,
    /// Cancel the tasks, then run the finally tasks
    CancelledRunFinally,
    /// Start no more tasks, then run the finally tasks
    StoppedRunFinally,
}

/// The run's limits, against the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// What `spec.status` asks for
    pub mode: Mode,
    /// The run's time is over
    pub pipeline_over: bool,
    /// The tasks' time is over
    pub tasks_over: bool,
    /// The finally tasks' time is over
    pub finally_over: bool,
    /// Whether the finally tasks have been started in an earlier pass
    pub finally_has_started: bool,
}

impl Limits {
    /// The limits of a run at the draft's time.
    pub fn new(subject: &Subject<'_>, draft: &Draft) -> Self {
        let now = draft.clock.now;
        let over = |start: Option<jiff::Timestamp>, limit: Option<GoDuration>| {
            let (Some(start), Some(limit)) = (start, limit) else { return false };
            let elapsed = now.duration_since(start);
            !limit.is_zero() && jiff::SignedDuration::try_from(limit.0).is_ok_and(|limit| elapsed > limit)
        };
        let timeouts = &subject.spec.timeouts;
        let mode = match subject.spec.status.as_str() {
            "CancelledRunFinally" => Mode::CancelledRunFinally,
            "StoppedRunFinally" => Mode::StoppedRunFinally,
            _ => Mode::Normal,
        };
        Self {
            mode,
            pipeline_over: over(Some(draft.started()), Some(timeouts.pipeline.unwrap_or(DEFAULT_TIMEOUT))),
            tasks_over: over(Some(draft.started()), timeouts.tasks()),
            finally_over: over(draft.finally_started(), timeouts.finally()),
            finally_has_started: draft.finally_started().is_some(),
        }
    }
}

/// What is decided about the tasks, by their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    /// Tasks to start
    pub start: Vec<usize>,
    /// Why each task is skipped, if it is
    pub skips: Vec<Option<Skip>>,
    /// Tasks that cannot start since a result was not made, and Tekton's words for it
    pub invalid: BTreeMap<usize, String>,
    /// Whether the finally tasks begin, or have begun
    pub finally_started: bool,
}

impl Decision {
    /// Whether nothing more happens to a task.
    pub fn is_done(&self, tasks: &[TaskState], position: usize) -> bool {
        let task = &tasks[position];
        self.skips[position].is_some() || task.succeeded() || task.failed() || self.invalid.contains_key(&position)
    }

    /// Whether nothing more happens to any task of the graph.
    pub fn graph_done(&self, tasks: &[TaskState]) -> bool {
        (0..tasks.len()).filter(|position| !tasks[*position].is_final).all(|position| self.is_done(tasks, position))
    }
}

/// Decides about all tasks. Those of `finally` get the status of the others put into their inputs.
pub(super) fn decide(tasks: &mut [TaskState], graph: &Graph, limits: &Limits) -> Decision {
    let mut decision = Decision { skips: vec![None; tasks.len()], ..Decision::default() };
    skip_in_graph(tasks, graph, limits, &mut decision);
    let mut candidates = candidates(tasks, graph, limits, &decision);
    for position in &candidates {
        if let Err(missing) = result_replacements(tasks, &tasks[*position]) {
            decision.invalid.insert(*position, missing.message);
        }
    }
    if !decision.invalid.is_empty() {
        candidates.clear();
        skip_in_graph(tasks, graph, limits, &mut decision);
    }
    decision.start = candidates;
    decision.finally_started = limits.finally_has_started;
    if decision.graph_done(tasks) {
        decide_finally(tasks, limits, &mut decision);
    }
    // A limit that has passed keeps everything from starting.
    if limits.pipeline_over {
        decision.start.clear();
    }
    decision
}

/// Whether a task failed so that no other may start.
fn is_stopping(tasks: &[TaskState], decision: &Decision) -> bool {
    let fatal = |(position, task): (usize, &TaskState)| {
        let failed = task.failed() || decision.invalid.contains_key(&position);
        !task.is_final && failed && !task.task.continues_on_error()
    };
    tasks.iter().enumerate().any(fatal)
}

fn skip_in_graph(tasks: &[TaskState], graph: &Graph, limits: &Limits, decision: &mut Decision) {
    let stopping = is_stopping(tasks, decision);
    for position in &graph.order {
        decision.skips[*position] = skip(tasks, graph, limits, decision, *position, stopping);
    }
}

fn skip(tasks: &[TaskState], graph: &Graph, limits: &Limits, decision: &Decision, position: usize, stopping: bool) -> Option<Skip> {
    let task = &tasks[position];
    let parents = &graph.parents[position];
    if task.is_scheduled() || decision.invalid.contains_key(&position) {
        return None;
    }
    let parents_done = parents.iter().all(|parent| decision.is_done(tasks, *parent));
    let cascades = |parent: &usize| decision.skips[*parent].is_some_and(|skip| skip != Skip::When);
    match () {
        () if stopping => Some(Skip::Stopping),
        () if limits.mode == Mode::CancelledRunFinally => Some(Skip::GracefullyCancelled),
        () if limits.mode == Mode::StoppedRunFinally => Some(Skip::GracefullyStopped),
        () if parents_done && !when::all_hold(&task.task.when) => Some(Skip::When),
        () if parents.iter().any(cascades) => Some(Skip::Parent),
        () if !parents_done => None,
        () if lacks_results(tasks, decision, task) => Some(Skip::MissingResults),
        () if limits.pipeline_over => Some(Skip::PipelineTimeout),
        () if limits.tasks_over => Some(Skip::TasksTimeout),
        () if fans_out_into_nothing(task) => Some(Skip::EmptyMatrix),
        () => None,
    }
}

fn fans_out_into_nothing(task: &TaskState) -> bool {
    task.task.matrix.as_ref().is_some_and(Matrix::has_empty_list)
}

/// Whether a result that the task's inputs need is missing in a way that only skips it: the task that makes it was
/// skipped by a guard, or this one may fail.
fn lacks_results(tasks: &[TaskState], decision: &Decision, task: &TaskState) -> bool {
    if references::in_inputs(&task.task).is_empty() {
        return false;
    }
    let Err(missing) = result_replacements(tasks, task) else { return false };
    missing.task.is_some_and(|maker| task.task.continues_on_error() || decision.skips[maker] == Some(Skip::When))
}

fn candidates(tasks: &[TaskState], graph: &Graph, limits: &Limits, decision: &Decision) -> Vec<usize> {
    if limits.mode != Mode::Normal || is_stopping(tasks, decision) {
        return Vec::new();
    }
    let ready = |position: &usize| {
        let parents = &graph.parents[*position];
        !tasks[*position].is_scheduled()
            && !decision.is_done(tasks, *position)
            && parents.iter().all(|parent| decision.is_done(tasks, *parent))
    };
    (0..graph.parents.len()).filter(ready).collect()
}

fn decide_finally(tasks: &mut [TaskState], limits: &Limits, decision: &mut Decision) {
    let status = Replacements::of_strings(status_variables(tasks, decision));
    for position in 0..tasks.len() {
        if !tasks[position].is_final || tasks[position].is_scheduled() {
            continue;
        }
        substitute_inputs(Arc::make_mut(&mut tasks[position].task), &status);
        let resolved = result_replacements(tasks, &tasks[position]).is_ok();
        let skip = match () {
            () if !resolved => Some(Skip::MissingResults),
            () if !when::all_hold(&tasks[position].task.when) => Some(Skip::When),
            () if limits.pipeline_over => Some(Skip::PipelineTimeout),
            () if limits.finally_over => Some(Skip::FinallyTimeout),
            () if fans_out_into_nothing(&tasks[position]) => Some(Skip::EmptyMatrix),
            () => None,
        };
        decision.finally_started |= resolved;
        decision.skips[position] = skip;
        if skip.is_none() {
            decision.start.push(position);
        }
    }
}

/// `tasks.NAME.status`, `tasks.NAME.reason` and `tasks.status`, once the graph is done.
fn status_variables(tasks: &[TaskState], decision: &Decision) -> HashMap<String, String> {
    let mut variables = HashMap::new();
    let mut together = "Succeeded";
    for (position, task) in tasks.iter().enumerate().filter(|(_, task)| !task.is_final) {
        variables.insert(format!("tasks.{}.status", task.task.name), status_word(task).to_owned());
        variables.insert(format!("tasks.{}.reason", task.task.name), task.reason());
        if task.any_failed() {
            together = "Failed";
        } else if decision.skips[position].is_some() && together == "Succeeded" {
            together = "Completed";
        }
    }
    variables.insert("tasks.status".to_owned(), together.to_owned());
    variables
}

/// The word for a task's status: `Succeeded`, `Failed`, or `None` when it did not run.
pub(super) fn status_word(task: &TaskState) -> &'static str {
    match () {
        () if task.succeeded() => "Succeeded",
        () if task.any_failed() => "Failed",
        () => "None",
    }
}
