//! A pipeline's tasks with the specs they run and the TaskRuns they have.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::super::condition::{Condition, Failure, Standing, is_done};
use super::super::matrix::Matrix;
use super::super::object::{at, is_owned_by, items, name, namespace, text};
use super::super::references::ResultRef;
use super::super::spec::{PipelineTask, TaskRef, TaskSpec};
use super::super::substitute::Replacements;
use super::super::value::{Param, ParamValue};
use super::super::{names, params, references};
use super::prepare::{Prepared, PreparedTask, ReadSpec, read_spec, substitute_inputs};
use super::{Subject, TIMED_OUT_WITH_RUN};
use crate::kinds;

/// A pipeline task, what it runs, and how far it is. Names and runs are lists since a task may fan out.
#[derive(Clone, Debug)]
pub(super) struct TaskState {
    /// The task, with every value in it that is known
    pub task: Arc<PipelineTask>,
    /// Whether it stands under `finally`
    pub is_final: bool,
    /// Name of the Task; empty when its spec is embedded
    pub task_name: String,
    /// What it runs
    pub spec: Arc<TaskSpec>,
    /// The results that it refers to
    pub references: Arc<[ResultRef]>,
    /// Names of its TaskRuns, made or to be made
    pub names: Vec<String>,
    /// Its TaskRuns
    pub runs: Vec<Arc<Value>>,
}

impl TaskState {
    fn conditions(&self) -> impl Iterator<Item = Option<Condition>> {
        self.runs.iter().map(|run| Condition::of(run))
    }

    /// Whether it has TaskRuns.
    pub fn is_scheduled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Whether all its TaskRuns have ended.
    fn has_ended(&self) -> bool {
        self.is_scheduled() && self.runs.iter().all(|run| is_done(run))
    }

    /// Whether all its TaskRuns succeeded.
    pub fn succeeded(&self) -> bool {
        self.is_scheduled() && self.runs.iter().all(|run| Standing::of(run) == Some(Standing::True))
    }

    /// Whether one of its TaskRuns failed, while others may still run.
    pub fn any_failed(&self) -> bool {
        self.runs.iter().any(|run| Standing::of(run) == Some(Standing::False))
    }

    /// Whether it has ended and did not succeed.
    pub fn failed(&self) -> bool {
        self.any_failed() && self.has_ended()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.is_scheduled() && !self.succeeded() && !self.failed()
    }

    fn any_cancelled(&self, such: impl Fn(&Value) -> bool) -> bool {
        let cancelled =
            |run: &&Arc<Value>| Condition::of(run).is_some_and(|c| c.status == Standing::False && c.reason == "TaskRunCancelled");
        self.has_ended() && self.runs.iter().filter(cancelled).any(|run| such(run))
    }

    /// Whether it ended by being cancelled.
    pub fn cancelled(&self) -> bool {
        self.any_cancelled(|_| true)
    }

    /// Whether it was cancelled since a limit of the PipelineRun passed.
    pub fn cancelled_for_timeout(&self) -> bool {
        self.any_cancelled(|run| text(run, "/spec/statusMessage") == TIMED_OUT_WITH_RUN)
    }

    /// Reason of the run that did not succeed, or of the first.
    pub fn reason(&self) -> String {
        let conditions: Vec<Condition> = self.conditions().flatten().collect();
        let telling = conditions.iter().find(|c| c.status != Standing::True).or(conditions.first());
        telling.map(|c| c.reason.clone()).unwrap_or_default()
    }

    /// A result, once the task has ended.
    pub fn result(&self, name: &str) -> Option<ParamValue> {
        if !self.succeeded() && !self.failed() {
            return None;
        }
        self.results().into_iter().find(|(result, _)| result == name).map(|(_, value)| value)
    }

    /// All results by name, once the task has ended. Those of a matrix are lists of what its TaskRuns made.
    pub fn results(&self) -> Vec<(String, ParamValue)> {
        if !self.succeeded() && !self.failed() {
            return Vec::new();
        }
        let results = self.runs.iter().flat_map(|run| items(run, "/status/results"));
        let named = results.filter_map(|r| Some((text(r, "/name").to_owned(), ParamValue::of(r.get("value")?))));
        if self.task.matrix.is_none() {
            return named.collect();
        }
        let mut lists: IndexMap<String, Vec<String>> = IndexMap::new();
        for (name, value) in named {
            if let ParamValue::String(text) = value {
                lists.entry(name).or_default().push(text);
            }
        }
        lists.into_iter().map(|(name, texts)| (name, ParamValue::Array(texts))).collect()
    }

    /// How many TaskRuns it fans out into, and how many of them made each result.
    fn lengths(&self) -> Vec<(String, String)> {
        let Some(matrix) = &self.task.matrix else { return Vec::new() };
        let name = &self.task.name;
        let all = (format!("tasks.{name}.matrix.length"), matrix.combinations().len().to_string());
        let made = self
            .results()
            .into_iter()
            .map(|(result, value)| (format!("tasks.{name}.matrix.{result}.length"), value.texts().len().to_string()));
        std::iter::once(all).chain(made).collect()
    }

    /// Names the TaskRuns that a matrix fans out into, once its values are known.
    fn fan_out(&mut self, subject: &Subject<'_>) {
        let Some(matrix) = self.task.matrix.as_ref().filter(|_| self.runs.is_empty()) else { return };
        let suffix = |index: usize, count: usize| if count == 1 { String::new() } else { format!("-{index}") };
        let count = matrix.combinations().len();
        let name_of = |index| names::child(name(subject.run), &format!("-{}{}", self.task.name, suffix(index, count)));
        self.names = (0..count).map(name_of).collect();
        self.runs = runs_of(subject, &self.names);
    }
}

/// The tasks of a pipeline, those of the graph first, each with its runs and with the results of others in it.
pub(super) fn resolve(subject: &Subject<'_>, prepared: &Prepared) -> Result<Vec<TaskState>, Failure> {
    let mut children = children(subject.run);
    let tasks = prepared.tasks.iter();
    let tasks: Result<Vec<TaskState>, Failure> = tasks.map(|task| resolve_task(subject, &prepared.name, task, &mut children)).collect();
    let mut tasks = tasks?;
    for position in 0..tasks.len() {
        if let Ok(Some(known)) = result_replacements(&tasks, &tasks[position]) {
            substitute_inputs(Arc::make_mut(&mut tasks[position].task), &known);
        }
        tasks[position].fan_out(subject);
    }
    let lengths = Replacements::of_strings(tasks.iter().flat_map(TaskState::lengths));
    for (task, _) in tasks.iter_mut().zip(&prepared.tasks).filter(|(_, prepared)| prepared.counts) {
        substitute_inputs(Arc::make_mut(&mut task.task), &lengths);
        task.fan_out(subject);
    }
    for task in &tasks {
        check_index(subject, &tasks, task)?;
        check_inputs(subject, task)?;
    }
    Ok(tasks)
}

fn resolve_task(
    subject: &Subject<'_>,
    pipeline: &str,
    prepared: &PreparedTask,
    children: &mut HashMap<&str, Vec<String>>,
) -> Result<TaskState, Failure> {
    let task = &prepared.task;
    let names = children.remove(task.name.as_str());
    let names = names.unwrap_or_else(|| vec![names::child(name(subject.run), &format!("-{}", task.name))]);
    let runs = runs_of(subject, &names);
    let (task_name, spec) = match &task.task_ref {
        Some(reference) => task_spec(subject, pipeline, reference, runs.first())?,
        None => (String::new(), prepared.spec.clone().unwrap_or_else(|| Ok(Arc::default()))),
    };
    let spec = spec.map_err(|error| {
        let message = format!("Validation failed for pipelinerun {} with error {error}", name(subject.run));
        Failure::user("PipelineValidationFailed", message)
    })?;
    let references = prepared.references.clone();
    Ok(TaskState { task: task.clone(), is_final: prepared.is_final, task_name, spec, references, names, runs })
}

/// The TaskRuns of these names that are there.
fn runs_of(subject: &Subject<'_>, names: &[String]) -> Vec<Arc<Value>> {
    let child = |name: &String| subject.objects.get(&kinds::TASK_RUN, name);
    names.iter().filter_map(child).filter(|run| is_owned_by(run, subject.run)).collect()
}

/// Names of the TaskRuns that the status knows, by pipeline task.
fn children(run: &Value) -> HashMap<&str, Vec<String>> {
    let mut children: HashMap<&str, Vec<String>> = HashMap::new();
    for child in items(run, "/status/childReferences").iter().filter(|child| text(child, "/kind") == "TaskRun") {
        children.entry(text(child, "/pipelineTaskName")).or_default().push(text(child, "/name").to_owned());
    }
    children
}

/// Name and spec of the Task that is referred to. A TaskRun that has begun tells what it runs.
fn task_spec(subject: &Subject<'_>, pipeline: &str, reference: &TaskRef, run: Option<&Arc<Value>>) -> Result<(String, ReadSpec), Failure> {
    if let Some(spec) = run.and_then(|run| at(run, "/status/taskSpec")) {
        return Ok((reference.name.clone(), read_spec(spec)));
    }
    let Some(found) = subject.objects.get(&kinds::TASK, &reference.name) else {
        let message = format!(
            "Pipeline {}/{pipeline} can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task {:?}: \
             tasks.tekton.dev {:?} not found",
            namespace(subject.run),
            reference.name,
            reference.name,
        );
        return Err(Failure::new("CouldntGetTask", message));
    };
    Ok((name(&found).to_owned(), found.get("spec").map_or_else(|| Ok(Arc::default()), read_spec)))
}

/// A result that is referred to and is not there.
#[derive(Clone, Debug)]
pub(super) struct MissingResult {
    /// Position of the task that should have made it, if it is there
    pub task: Option<usize>,
    /// Tekton's words
    pub message: String,
}

/// What a task's references to results stand for: nothing when it has none, an error when one is not there.
pub(super) fn result_replacements(tasks: &[TaskState], task: &TaskState) -> Result<Option<Replacements>, MissingResult> {
    let mut known = Replacements::default();
    let references = &task.references;
    for reference in references.iter() {
        let value = find_result(tasks, &task.task.name, reference)?;
        known.insert(&references::ResultRef::spellings(&reference.task, &reference.result), &value);
    }
    Ok((!references.is_empty()).then_some(known))
}

fn find_result(tasks: &[TaskState], target: &str, reference: &ResultRef) -> Result<ParamValue, MissingResult> {
    let (task, result) = (&reference.task, &reference.result);
    let Some(position) = tasks.iter().position(|state| &state.task.name == task) else {
        let message = format!("Result reference error: Could not find ref \"{task}\" in internal pipelineRunState");
        return Err(MissingResult { task: None, message });
    };
    let state = &tasks[position];
    let message = match state.result(result) {
        Some(value) => return Ok(value),
        None if !state.is_scheduled() => {
            format!("Result reference error: Internal result ref \"{task}\" has zero-length TaskRuns")
        }
        None if state.succeeded() => format!(
            "task {task:?} completed successfully but did not emit the result {result:?}, which is referenced by task \
             {target:?}"
        ),
        None => format!("Invalid task result reference: Could not find result with name {result} for pipeline task {task}"),
    };
    Err(MissingResult { task: Some(position), message })
}

fn check_index(subject: &Subject<'_>, tasks: &[TaskState], task: &TaskState) -> Result<(), Failure> {
    for reference in task.references.iter() {
        let value = tasks.iter().find(|state| state.task.name == reference.task).and_then(|s| s.result(&reference.result));
        if let (Some(index), Some(ParamValue::Array(items))) = (reference.index, value)
            && index >= items.len()
        {
            let message = format!(
                "PipelineRun {}/{} can't be Run; couldn't resolve all references: array Result Index {index} for Task {} \
                 Result {} is out of bound of size {}",
                namespace(subject.run),
                name(subject.run),
                reference.task,
                reference.result,
                items.len()
            );
            return Err(Failure::user("PipelineValidationFailed", message));
        }
    }
    Ok(())
}

/// What the pipeline task passes is what the Task declares.
fn check_inputs(subject: &Subject<'_>, task: &TaskState) -> Result<(), Failure> {
    let mut passed = task.task.params.clone();
    // Whatever a matrix passes is a string in each of the TaskRuns.
    let fanned = task.task.matrix.iter().flat_map(Matrix::all_params).map(|param| param.name.clone());
    passed.extend(fanned.map(|name| Param { name, value: ParamValue::String(String::new()) }));
    let Err(error) = check_params(&task.task_name, &task.spec, &passed) else { return Ok(()) };
    let message = format!("Validation failed for pipelinerun {} with error {error}", name(subject.run));
    Err(Failure::user("PipelineValidationFailed", message))
}

/// The passed params against a task's declarations, in Tekton's words.
pub(in super::super) fn check_params(task_name: &str, spec: &TaskSpec, passed: &[super::super::value::Param]) -> Result<(), String> {
    let prefix = format!("invalid input params for task {task_name}: ");
    let missing = params::missing(&spec.params, passed);
    if !missing.is_empty() {
        let missing = params::go_list(&missing);
        return Err(format!("{prefix}missing values for these params which have no default values: {missing}"));
    }
    let wrong = params::wrong_types(&spec.params, passed, true);
    if !wrong.is_empty() {
        let wrong = params::go_list(&wrong);
        return Err(format!("{prefix}param types don't match the user-specified type: {wrong}"));
    }
    if let Some(keys) = params::missing_keys(&spec.params, passed) {
        return Err(format!("{prefix}missing keys for these params which are required in ParamSpec's properties {keys}"));
    }
    Ok(())
}
