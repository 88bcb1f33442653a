//! What a PipelineRun's tasks come to: its condition, children, skipped tasks and results.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::super::condition::{Condition, Failure};
use super::super::object::name;
use super::super::params::{go_list, passed};
use super::super::spec::{PipelineRunSpec, PipelineSpec};
use super::super::substitute::{Replacements, expressions};
use super::super::value::{Param, ParamValue};
use super::super::{object, references};
use super::DEFAULT_TIMEOUT;
use super::decide::{Decision, Limits, Mode, Skip, status_word};
use super::state::TaskState;

/// A PipelineRun after a pass.
pub(super) struct Outcome<'a> {
    /// Name of the run
    pub run: &'a str,
    /// Its spec
    pub spec: &'a PipelineRunSpec,
    /// Its tasks, with the TaskRuns that this pass makes
    pub tasks: &'a [TaskState],
    /// What was decided about them
    pub decision: &'a Decision,
    /// Its limits
    pub limits: &'a Limits,
}

/// How many tasks stand how.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    succeeded: usize,
    failed: usize,
    ignored: usize,
    cancelled: usize,
    skipped: usize,
    skipped_by_timeout: usize,
    invalid: usize,
    incomplete: usize,
}

impl Outcome<'_> {
    /// The run's condition.
    pub fn condition(&self) -> Condition {
        if self.limits.pipeline_over {
            let limit = self.spec.timeouts.pipeline.unwrap_or(DEFAULT_TIMEOUT).to_string();
            let message = format!("PipelineRun {:?} failed to finish within {limit:?}", self.run);
            return Condition::failed("PipelineRunTimeout", message);
        }
        let finally_runs = self.tasks.iter().any(|t| t.is_final) && !self.finally_done();
        if self.limits.tasks_over && !finally_runs {
            let limit = self.spec.timeouts.tasks().map(|limit| limit.to_string()).unwrap_or_default();
            let message = format!("PipelineRun {:?} failed due to tasks failed to finish within {limit:?}", self.run);
            return Condition::failed("PipelineRunTimeout", message);
        }
        let count = self.count();
        if count.incomplete == 0 { self.final_condition(count) } else { self.interim_condition(count, finally_runs) }
    }

    fn finally_done(&self) -> bool {
        (0..self.tasks.len()).filter(|p| self.tasks[*p].is_final).all(|p| self.decision.is_done(self.tasks, p))
    }

    fn final_condition(&self, count: Count) -> Condition {
        let completed = count.succeeded + count.failed + count.cancelled + count.ignored;
        let failed = count.failed + count.ignored;
        let ignored = if count.ignored > 0 { format!(" (Ignored: {})", count.ignored) } else { String::new() };
        let mut message =
            format!("Tasks Completed: {completed} (Failed: {failed}{ignored}, Cancelled {}), Skipped: {}", count.cancelled, count.skipped);
        if count.invalid > 0 {
            let by_name = self.decision.invalid.iter().map(|(p, error)| (self.tasks[*p].task.name.as_str(), error.as_str()));
            let mut errors: Vec<(&str, &str)> = by_name.collect();
            errors.sort_unstable();
            let errors: Vec<&str> = errors.into_iter().map(|(_, error)| error).collect();
            message.push_str(&format!(", Failed Validation: {} ({})", count.invalid, errors.join("; ")));
        }
        match () {
            () if count.invalid > 0 => Condition::failed("PipelineValidationFailed", message),
            () if count.failed > 0 || count.skipped_by_timeout > 0 => Condition::failed("Failed", message),
            () if self.limits.mode != Mode::Normal => Condition::failed("Cancelled", format!("PipelineRun {:?} was cancelled", self.run)),
            () if count.cancelled > 0 => Condition::failed("Cancelled", message),
            () if count.skipped > 0 => Condition::succeeded("Completed", message),
            () => Condition::succeeded("Succeeded", message),
        }
    }

    fn interim_condition(&self, count: Count, finally_runs: bool) -> Condition {
        let reason = match self.limits.mode {
            _ if self.limits.tasks_over && finally_runs => "PipelineRunTimeoutRunningFinally",
            Mode::CancelledRunFinally => "CancelledRunningFinally",
            Mode::StoppedRunFinally => "StoppedRunningFinally",
            Mode::Normal if count.cancelled > 0 || (count.failed > 0 && self.finally_done()) => "PipelineRunStopping",
            Mode::Normal => "Running",
        };
        let completed = count.succeeded + count.failed + count.cancelled + count.ignored;
        let message = format!(
            "Tasks Completed: {completed} (Failed: {}, Cancelled {}), Incomplete: {}, Skipped: {}",
            count.failed, count.cancelled, count.incomplete, count.skipped
        );
        Condition::ongoing(reason, message)
    }

    fn count(&self) -> Count {
        let mut count = Count::default();
        for (position, task) in self.tasks.iter().enumerate() {
            let skip = self.decision.skips[position];
            let slot = match () {
                () if task.succeeded() => &mut count.succeeded,
                () if task.cancelled_for_timeout() => &mut count.failed,
                () if task.cancelled() => &mut count.cancelled,
                () if task.failed() && task.task.continues_on_error() => &mut count.ignored,
                () if task.failed() => &mut count.failed,
                () if self.decision.invalid.contains_key(&position) => &mut count.invalid,
                () if skip.is_some() => &mut count.skipped,
                () => &mut count.incomplete,
            };
            *slot += 1;
            let counted_as_skipped = skip.is_some() && !task.is_scheduled();
            if counted_as_skipped && skip.is_some_and(Skip::is_timeout) {
                count.skipped_by_timeout += 1;
            }
        }
        count
    }

    /// `status.childReferences`
    pub fn child_references(&self) -> Vec<Value> {
        let of_task = |task: &TaskState| -> Vec<Value> {
            let reference = |run: &std::sync::Arc<Value>| {
                let mut reference = json!({
                    "apiVersion": "tekton.dev/v1",
                    "kind": "TaskRun",
                    "name": name(run),
                    "pipelineTaskName": task.task.name,
                });
                if let Some(text) = display_name(task, run) {
                    reference["displayName"] = json!(text);
                }
                if !task.task.when.is_empty() {
                    reference["whenExpressions"] = json!(task.task.when);
                }
                reference
            };
            task.runs.iter().map(reference).collect()
        };
        self.tasks.iter().flat_map(of_task).collect()
    }

    /// `status.skippedTasks`
    pub fn skipped_tasks(&self) -> Vec<Value> {
        let skipped = self.tasks.iter().zip(&self.decision.skips).filter_map(|(task, skip)| Some((task, (*skip)?)));
        let entry = |(task, skip): (&TaskState, Skip)| {
            let mut entry = json!({"name": task.task.name, "reason": skip.reason()});
            if !task.task.when.is_empty() && (!task.is_final || skip == Skip::When) {
                entry["whenExpressions"] = json!(task.task.when);
            }
            entry
        };
        skipped.map(entry).collect()
    }
}

/// The display name of one of a task's runs, which may hold what is passed to it.
fn display_name(task: &TaskState, run: &Value) -> Option<String> {
    let task = &task.task;
    if task.display_name.is_none() && task.matrix.is_none() {
        return None;
    }
    let given: Vec<Param> = object::read(run, "/spec/params").unwrap_or_default();
    let own = task.display_name.as_ref().map(|text| passed(&given).text(text));
    task.matrix.as_ref().and_then(|matrix| matrix.display_name(&given)).or(own)
}

/// The run's results, and the failure that results which do not exist come to.
pub(super) fn results(spec: &PipelineSpec, tasks: &[TaskState], run: &str) -> (Vec<Value>, Option<Failure>) {
    let mut known = Replacements::default();
    for task in tasks {
        let prefix = if task.is_final { "finally" } else { "tasks" };
        for (result, value) in task.results() {
            known.insert(&[format!("{prefix}.{}.results.{result}", task.task.name)], &value);
        }
    }
    let (mut results, mut invalid) = (Vec::new(), Vec::new());
    for result in &spec.results {
        let wanted: Vec<&str> = result.value.texts().into_iter().flat_map(expressions).collect();
        let open: Vec<&&str> = wanted.iter().filter(|expression| !is_known(&known, expression)).collect();
        if wanted.is_empty() {
            continue;
        }
        if open.is_empty() {
            let value: ParamValue = known.param_value(&result.value);
            results.push(json!({"name": result.name, "value": value.to_json()}));
        }
        // The result of a task that did not succeed is left out without being an error.
        if open.iter().any(|expression| !is_excused(tasks, expression)) {
            invalid.push(result.name.clone());
        }
    }
    let failure = (!invalid.is_empty()).then(|| {
        let message = format!(
            "Failed to get PipelineResult from TaskRun Results for PipelineRun {run}: invalid pipelineresults {}, the \
             referenced results don't exist",
            go_list(&invalid)
        );
        Failure::new("CouldntGetPipelineResult", message)
    });
    (results, failure)
}

fn is_known(known: &Replacements, expression: &str) -> bool {
    let bare = expression.strip_suffix("[*]").unwrap_or(expression);
    known.strings.contains_key(expression) || known.arrays.contains_key(bare) || known.objects.contains_key(bare)
}

fn is_excused(tasks: &[TaskState], expression: &str) -> bool {
    let Some(reference) = references::ResultRef::parse(expression) else { return false };
    let by_name: IndexMap<&str, &TaskState> = tasks.iter().map(|task| (task.task.name.as_str(), task)).collect();
    let maker = by_name.get(reference.task.as_str());
    maker.is_some_and(|maker| maker.result(&reference.result).is_none() && status_word(maker) != "Succeeded")
}
