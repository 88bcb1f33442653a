//! Reconciling a PipelineRun: what its state, its children and the specs come to.

mod child;
mod decide;
mod outcome;
mod prepare;
mod state;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use child::claim_object;
pub use child::{MEMBER_OF, OF_FINALLY, ON_ERROR_ANNOTATION};
pub use prepare::Known;
pub(super) use prepare::inherit_metadata;
pub(super) use state::check_params;

use super::condition::{Condition, Failure, is_done};
use super::duration::GoDuration;
use super::object::{items, name, read, text};
use super::plan::{Action, Clock, Draft, Event, Objects, Plan};
use super::spec::PipelineRunSpec;
use decide::{Decision, Limits};
use prepare::Prepared;
use state::TaskState;

/// What `spec.statusMessage` of a TaskRun says when its PipelineRun is cancelled.
const CANCELLED_WITH_RUN: &str = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled.";
/// What `spec.statusMessage` of a TaskRun says when its PipelineRun's time is over.
const TIMED_OUT_WITH_RUN: &str = "TaskRun cancelled as the PipelineRun it belongs to has timed out.";
/// Limit of a PipelineRun that names none.
pub const DEFAULT_TIMEOUT: GoDuration = GoDuration(std::time::Duration::from_secs(3600));

/// The PipelineRun that is looked at.
pub(super) struct Subject<'a> {
    /// The object
    pub run: &'a Value,
    /// Its spec
    pub spec: PipelineRunSpec,
    /// The namespace around it
    pub objects: &'a dyn Objects,
}

/// Decides what to do about a PipelineRun. What earlier passes prepared is `known`.
pub fn plan(run: &Value, objects: &dyn Objects, clock: Clock, known: &mut Known) -> Plan {
    if is_done(run) {
        return Plan::default();
    }
    let mut draft = Draft::new(run, clock);
    let spec: PipelineRunSpec = match read(run, "/spec") {
        Ok(spec) => spec,
        Err(error) => {
            draft.conclude(&Condition::failed("PipelineValidationFailed", format!("spec: {error}")));
            return draft.finish(run, None);
        }
    };
    let subject = Subject { run, spec, objects };
    let pending = subject.spec.status == "PipelineRunPending";
    if !pending {
        draft.start();
    }
    prepare::label_with_pipeline(run, &mut draft.labels);
    if subject.spec.status == "Cancelled" {
        cancel(&subject, &mut draft);
        return draft.finish(run, None);
    }
    if pending {
        draft.conclude(&Condition::ongoing("PipelineRunPending", format!("PipelineRun {:?} is pending", name(run))));
        return draft.finish(run, None);
    }
    if let Err(failure) = reconcile(&subject, &mut draft, known) {
        draft.conclude(&failure.condition());
    }
    let wake = deadline(&subject, &draft);
    draft.finish(run, wake)
}

/// Ends the run and its TaskRuns at once.
fn cancel(subject: &Subject<'_>, draft: &mut Draft) {
    let children = items(subject.run, "/status/childReferences").iter().map(|child| text(child, "/name").to_owned());
    cancel_children(subject, children, CANCELLED_WITH_RUN, draft);
    let message = format!("PipelineRun {:?} was cancelled", name(subject.run));
    draft.conclude(&Condition::failed("Cancelled", message));
}

fn cancel_children(subject: &Subject<'_>, names: impl Iterator<Item = String>, message: &'static str, draft: &mut Draft) {
    for task_run in names {
        let child = subject.objects.get(&crate::kinds::TASK_RUN, &task_run);
        if child.is_some_and(|child| !is_done(&child) && text(&child, "/spec/status") != "TaskRunCancelled") {
            draft.actions.push(Action::Cancel { task_run, message });
        }
    }
}

fn reconcile(subject: &Subject<'_>, draft: &mut Draft, known: &mut Known) -> Result<(), Failure> {
    let prepared = prepare::prepared(subject, draft, known)?;
    let mut tasks = state::resolve(subject, &prepared)?;
    let limits = Limits::new(subject, draft);
    if tasks.iter().all(|task| task.runs.is_empty()) {
        prepare::check_references(subject, &prepared, &tasks)?;
        draft.actions.extend(child::claims(subject));
    }
    stop_what_has_to_stop(subject, &tasks, &limits, draft);
    let decision = decide::decide(&mut tasks, &prepared.graph, &limits);
    for (position, message) in &decision.invalid {
        let task = &tasks[*position].task.name;
        let message = format!("Task {task:?} failed result validation: {message}");
        draft.actions.push(Action::Event(Event::warning("ResultValidationFailed", message)));
    }
    if decision.finally_started && draft.finally_started().is_none() {
        draft.status["finallyStartTime"] = super::object::stamp(draft.clock.now);
        draft.clock.finally_started = Some(draft.clock.now);
    }
    for position in &decision.start {
        for task_run in child::task_runs(subject, &tasks, *position)? {
            tasks[*position].runs.push(task_run.clone().into());
            draft.actions.push(Action::Create { kind: &crate::kinds::TASK_RUN, object: task_run });
        }
    }
    settle(subject, &prepared, &tasks, &decision, &limits, draft)
}

/// Cancels the TaskRuns of a run that is being cancelled, or whose time, or its tasks' time, is over.
fn stop_what_has_to_stop(subject: &Subject<'_>, tasks: &[TaskState], limits: &Limits, draft: &mut Draft) {
    let running = |task: &&TaskState| task.is_running();
    let names = |tasks: Vec<&TaskState>| tasks.into_iter().flat_map(|task| task.names.clone()).collect::<Vec<_>>();
    if limits.pipeline_over {
        let all = names(tasks.iter().filter(running).collect());
        cancel_children(subject, all.into_iter(), TIMED_OUT_WITH_RUN, draft);
        return;
    }
    if limits.mode == decide::Mode::CancelledRunFinally {
        let of_graph = names(tasks.iter().filter(running).filter(|task| !task.is_final).collect());
        cancel_children(subject, of_graph.into_iter(), CANCELLED_WITH_RUN, draft);
    }
    let over = |task: &&TaskState| match limits.finally_has_started {
        false => !task.is_final && limits.tasks_over,
        true => task.is_final && limits.finally_over,
    };
    let late = names(tasks.iter().filter(running).filter(over).collect());
    cancel_children(subject, late.into_iter(), TIMED_OUT_WITH_RUN, draft);
}

/// Writes what the tasks come to: children, skipped tasks, condition and results.
fn settle(
    subject: &Subject<'_>,
    prepared: &Prepared,
    tasks: &[TaskState],
    decision: &Decision,
    limits: &Limits,
    draft: &mut Draft,
) -> Result<(), Failure> {
    let view = outcome::Outcome { run: name(subject.run), spec: &subject.spec, tasks, decision, limits };
    set_list(&mut draft.status, "childReferences", view.child_references());
    set_list(&mut draft.status, "skippedTasks", view.skipped_tasks());
    let condition = view.condition();
    if condition.is_final() {
        let (results, failure) = outcome::results(&prepared.spec, tasks, name(subject.run));
        set_list(&mut draft.status, "results", results);
        draft.conclude(&condition);
        return failure.map_or(Ok(()), |failure| {
            draft.status.as_object_mut().map(|status| status.remove("completionTime"));
            Err(failure)
        });
    }
    draft.conclude(&condition);
    Ok(())
}

fn set_list(status: &mut Value, field: &str, list: Vec<Value>) {
    if !list.is_empty() {
        status[field] = Value::from(list);
    }
}

/// The next time at which one of the run's limits is reached.
fn deadline(subject: &Subject<'_>, draft: &Draft) -> Option<jiff::Timestamp> {
    let timeouts = &subject.spec.timeouts;
    let after = |start: jiff::Timestamp, limit: Option<GoDuration>| {
        let limit = limit.filter(|limit| !limit.is_zero())?;
        start.checked_add(limit.0).ok().and_then(|at| at.checked_add(std::time::Duration::from_millis(1)).ok())
    };
    let pipeline = after(draft.started(), Some(timeouts.pipeline.unwrap_or(DEFAULT_TIMEOUT)));
    let phase = match draft.finally_started() {
        Some(start) => after(start, timeouts.finally()),
        None => after(draft.started(), timeouts.tasks()),
    };
    // A limit that has passed already was dealt with in this pass.
    [pipeline, phase].into_iter().flatten().filter(|at| *at > draft.clock.now).min()
}
