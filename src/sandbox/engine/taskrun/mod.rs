//! Reconciling a TaskRun: finding what it runs, checking it, starting its steps, and ending it when its time is over or
//! somebody cancels it.

mod credentials;
mod environment;
mod execution;
mod pod;
mod prepare;
mod progress;
mod volumes;

use std::path::Path;

use serde_json::{Value, json};

use super::condition::{Condition, Failure, Standing, is_done};
use super::duration::GoDuration;
use super::object::{items, name, namespace, owner, read, stamp, text, uid};
use super::pipelinerun::DEFAULT_TIMEOUT;
use super::plan::{Action, Clock, Draft, Objects, Plan};
use super::spec::TaskRunSpec;
use crate::kinds;

pub(super) use execution::merge_step_template;
pub use progress::Progress;

/// Reasons that tell nothing about why a run was slow; they are not repeated when it is ended.
const PLAIN_REASONS: [&str; 3] = ["Started", "Running", "TaskRunPending"];

/// The TaskRun that is looked at.
struct Subject<'a> {
    /// The object
    run: &'a Value,
    /// Its spec
    spec: TaskRunSpec,
    /// The namespace around it
    objects: &'a dyn Objects,
    /// Directory below which bound claims have theirs
    volumes: &'a Path,
}

impl Subject<'_> {
    fn timeout(&self) -> GoDuration {
        self.spec.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// Decides what to do about a TaskRun. `live` tells whether its steps run in this process.
pub fn plan(run: &Value, objects: &dyn Objects, clock: Clock, live: bool, volumes: &Path) -> Plan {
    if is_done(run) {
        return Plan::default();
    }
    let mut draft = Draft::new(run, clock);
    let spec: TaskRunSpec = match read(run, "/spec") {
        Ok(spec) => spec,
        Err(error) => {
            draft.conclude(&Condition::failed("TaskRunValidationFailed", format!("spec: {error}")));
            return draft.finish(run, None);
        }
    };
    let subject = Subject { run, spec, objects, volumes };
    let previous = Condition::of(run);
    if subject.spec.status != "TaskRunPending" {
        draft.start();
    }
    if subject.spec.status == "TaskRunCancelled" {
        let message = format!("TaskRun {:?} was cancelled. {}", name(run), subject.spec.status_message);
        end(&mut draft, "TaskRunCancelled", &with_previous(message, previous.as_ref()));
        return draft.finish(run, None);
    }
    if subject.spec.status == "TaskRunPending" {
        draft.conclude(&Condition::ongoing("TaskRunPending", format!("TaskRun {:?} is pending", name(run))));
        return draft.finish(run, None);
    }
    let limit = subject.timeout();
    let deadline = draft.started().checked_add(limit.0).ok().filter(|_| !limit.is_zero());
    if deadline.is_some_and(|deadline| draft.clock.now >= deadline) {
        let limit = limit.to_string();
        let message = format!("TaskRun {:?} failed to finish within {limit:?}", name(run));
        end(&mut draft, "TaskRunTimeout", &with_previous(message, previous.as_ref()));
        retry(&subject, &mut draft);
        return draft.finish(run, None);
    }
    if !live {
        advance(&subject, &mut draft);
    }
    draft.finish(run, deadline)
}

/// Starts the steps, or says why not.
fn advance(subject: &Subject<'_>, draft: &mut Draft) {
    let pod = Some(text(&draft.status, "/podName")).filter(|pod| !pod.is_empty());
    let pod = pod.and_then(|pod| subject.objects.get(&kinds::POD, pod));
    if let Some(pod) = pod.as_deref().filter(|pod| text(pod, "/status/phase") != "Pending") {
        interrupt(subject, draft, pod);
        return;
    }
    if let Err(failure) = prepare::launch(subject, draft, pod.as_deref()) {
        name_steps(draft);
        draft.conclude(&failure.condition());
        retry(subject, draft);
    }
}

/// Ends a TaskRun whose steps died with an earlier process of the sandbox.
fn interrupt(subject: &Subject<'_>, draft: &mut Draft, pod: &Value) {
    let steps = items(&draft.status, "/steps");
    let open = steps.iter().find(|step| step.get("terminated").is_none());
    let open = open.map_or("", |step| text(step, "/container")).to_owned();
    let message = format!("{open:?} did not end: the sandbox stopped while this step ran");
    end_steps(draft, INTERRUPTED);
    draft.actions.push(Action::Bury { pod: pod::dead(pod, INTERRUPTED, draft.clock.now) });
    draft.conclude(&Condition::failed(INTERRUPTED, message));
    retry(subject, draft);
}

/// Reason of a TaskRun whose steps died with the sandbox's process.
pub const INTERRUPTED: &str = "SandboxStopped";

/// Ends a TaskRun from outside: its open steps end with the reason, and its pod goes.
fn end(draft: &mut Draft, reason: &'static str, message: &str) {
    end_steps(draft, reason);
    let pod = text(&draft.status, "/podName").to_owned();
    if !pod.is_empty() {
        draft.actions.push(Action::Stop { pod });
    }
    draft.conclude(&Condition::failed(reason, message));
}

fn end_steps(draft: &mut Draft, reason: &str) {
    let now = draft.clock.now;
    let pod = text(&draft.status, "/podName").to_owned();
    for step in draft.status.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(fields) = step.as_object_mut() else { continue };
        let started = fields.get("running").and_then(|running| running.get("startedAt")).cloned();
        if fields.shift_remove("running").or(fields.shift_remove("waiting")).is_none() {
            continue;
        }
        let step_name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
        let message = format!("Step {step_name} terminated as pod {pod} is terminated");
        let mut terminated = json!({"exitCode": 1, "finishedAt": stamp(now), "message": message, "reason": reason});
        // One that waited never started.
        if let Some(started) = started {
            terminated["startedAt"] = started;
        }
        fields.insert("terminated".to_owned(), terminated);
        fields.insert("terminationReason".to_owned(), json!(reason));
    }
}

/// Lists the steps by name alone, as a TaskRun that never got a pod does.
fn name_steps(draft: &mut Draft) {
    let steps = items(&draft.status, "/taskSpec/steps").iter().enumerate();
    let named: Vec<Value> = steps.map(|(index, step)| json!({"name": execution::step_name(text(step, "/name"), index)})).collect();
    if !named.is_empty() && draft.status.get("steps").is_none() {
        draft.status["steps"] = Value::from(named);
    }
}

/// Tries a failed TaskRun again, if it may: the attempt moves into `retriesStatus`.
fn retry(subject: &Subject<'_>, draft: &mut Draft) {
    retry_status(&mut draft.status, subject.spec.retries, draft.clock.now);
}

/// As `retry`, on a status. Returns whether there is another attempt.
fn retry_status(status: &mut Value, retries: usize, now: jiff::Timestamp) -> bool {
    let Some(condition) = Condition::of_status(status).filter(|c| c.status == Standing::False) else { return false };
    let mut attempts = items(status, "/retriesStatus").to_vec();
    if attempts.len() >= retries {
        return false;
    }
    let mut attempt = status.clone();
    attempt.as_object_mut().map(|attempt| attempt.shift_remove("retriesStatus"));
    attempts.push(attempt);
    if let Some(fields) = status.as_object_mut() {
        for field in ["startTime", "completionTime", "results"] {
            fields.shift_remove(field);
        }
        fields.insert("podName".to_owned(), json!(""));
        fields.insert("retriesStatus".to_owned(), Value::from(attempts));
    }
    Condition::ongoing("ToBeRetried", condition.message).write(status, now);
    true
}

/// Adds what the run was waiting for when it was ended.
fn with_previous(message: String, previous: Option<&Condition>) -> String {
    match previous {
        Some(condition) if !PLAIN_REASONS.contains(&condition.reason.as_str()) && !condition.message.is_empty() => {
            format!("{message}\nPrevious status: [{}] {}", condition.reason, condition.message)
        }
        _ => message,
    }
}
