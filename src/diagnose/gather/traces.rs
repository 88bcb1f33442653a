//! Traces from the objects themselves: conditions, pods and their containers. Pure.

use serde_json::Value;

use super::super::evidence::{LogOf, Place, Trace, Unit};
use crate::objects::core::{ContainerStatus, Pod};
use crate::objects::meta::Condition;
use crate::objects::run::{StepState, TaskRun};

/// The traces of a run's condition. A message may repeat the condition before it (`Previous status: [Reason] …`, since
/// Pipelines v1.13), which tells more than a timeout does.
pub(super) fn of_condition(object: &str, condition: &Condition) -> Vec<Trace> {
    let message = condition.message.as_deref().unwrap_or_default();
    let (now, before) = match message.split_once("\nPrevious status: [") {
        Some((now, before)) => (now, before.split_once("] ")),
        None => (message, None),
    };
    let source = format!("condition of {object}");
    let mut traces = vec![Trace::new(Place::Condition, source, condition.reason.as_deref(), now.trim_end())];
    traces.extend(
        before.map(|(reason, text)| Trace::new(Place::Condition, format!("condition of {object} before that"), Some(reason), text)),
    );
    traces
}

/// Adds what a TaskRun's pod tells.
pub(super) fn add_pod(unit: &mut Unit, pod: &Pod) {
    let name = &pod.metadata.name;
    unit.pod = Some(name.clone());
    unit.claims = pod.spec.volumes.iter().filter_map(claim).collect();
    if let Some(account) = pod.spec.service_account_name.as_deref().filter(|a| !a.is_empty()) {
        account.clone_into(&mut unit.account);
    }
    let not_true = pod.status.conditions.iter().filter(|c| c.status != "True" && c.message.is_some());
    unit.traces.extend(not_true.filter(|c| c.kind == "PodScheduled").map(|c| {
        Trace::new(
            Place::PodCondition,
            format!("condition {} of Pod {name}", c.kind),
            c.reason.as_deref(),
            c.message.clone().unwrap_or_default(),
        )
    }));
    for container in pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses) {
        unit.traces.extend(waiting(name, container));
    }
}

fn claim(volume: &Value) -> Option<String> {
    volume.pointer("/persistentVolumeClaim/claimName")?.as_str().map(str::to_owned)
}

/// A container that waits for something else than its turn.
pub(super) fn waiting(pod: &str, container: &ContainerStatus) -> Option<Trace> {
    let waiting = container.state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let waits_its_turn = matches!(reason, "PodInitializing" | "ContainerCreating");
    let source = format!("container {} of Pod {pod}, waiting", container.name);
    (!waits_its_turn).then(|| Trace::new(Place::Waiting, source, Some(reason), waiting.message.clone().unwrap_or_default()))
}

/// The step that failed first: not one that was skipped since, nor one whose failure is passed over (`onError`).
pub(super) fn failed_step(task_run: &TaskRun) -> Option<&StepState> {
    let by_itself = |step: &&StepState| !matches!(step.termination_reason.as_deref(), Some("Skipped" | "Continued"));
    task_run.status.steps.iter().filter(by_itself).find(|s| s.state.terminated.as_ref().is_some_and(|t| t.exit_code != 0))
}

/// The step that has not started, or is at work.
pub(super) fn current_step(task_run: &TaskRun) -> Option<&StepState> {
    task_run.status.steps.iter().find(|s| s.state.terminated.is_none())
}

/// Reasons of containers that ended without a process (kubelet, `pkg/kubelet/container`).
const NEVER_RAN: [&str; 2] = ["StartError", "ContainerCannotRun"];

/// Adds the end of the step that failed, and its log as worth reading.
pub(super) fn add_failed_step(unit: &mut Unit, task_run: &TaskRun) {
    let Some(step) = failed_step(task_run) else {
        unit.step = current_step(task_run).map(|s| s.name.clone());
        return;
    };
    unit.step = Some(step.name.clone());
    let container = if step.container.is_empty() { format!("step-{}", step.name) } else { step.container.clone() };
    let pod = &task_run.status.pod_name;
    if let Some(ended) = &step.state.terminated {
        if step.ended_with_run().is_some() {
            return;
        }
        let mut text = format!("exited with code {}", ended.exit_code);
        // Of a container that never ran, the message is the runtime's; of others it is Tekton's own, in JSON.
        if let Some(why) = ended.message.as_deref().filter(|_| NEVER_RAN.contains(&ended.reason.as_deref().unwrap_or_default())) {
            text = format!("{text}\n{}", why.trim());
        }
        unit.traces.push(Trace::new(Place::Terminated, format!("container {container} of Pod {pod}"), ended.reason.as_deref(), text));
    }
    if !pod.is_empty() {
        unit.log = Some(LogOf { pod: pod.clone(), container, restarted: false });
    }
}

/// A container that a service mesh put beside the steps and that outlives them keeps the pod running.
pub(super) fn outliving_sidecar(pod: &Pod) -> Option<Trace> {
    let steps = || pod.status.container_statuses.iter().filter(|c| c.name.starts_with("step-"));
    let over = steps().count() > 0 && steps().all(|c| c.state.terminated.is_some());
    let others = || pod.status.container_statuses.iter().filter(|c| !c.name.starts_with("step-") && !c.name.starts_with("sidecar-"));
    let running = others().find(|c| c.state.running.is_some()).filter(|_| over)?;
    Some(Trace::new(
        Place::Waiting,
        format!("containers of Pod {}: the steps are over", pod.metadata.name),
        Some("SidecarRuns"),
        running.name.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_before_a_timeout_is_a_trace_of_its_own() {
        let condition = Condition {
            reason: Some("TaskRunTimeout".into()),
            message: Some(
                "TaskRun \"x\" failed to finish within \"5s\"\nPrevious status: [PullImageFailed] build step \"step-s\" is pending".into(),
            ),
            ..Condition::default()
        };
        let traces = of_condition("TaskRun x", &condition);
        assert_eq!(traces.iter().map(|t| t.reason.as_str()).collect::<Vec<_>>(), ["TaskRunTimeout", "PullImageFailed"]);
        assert_eq!(traces[0].text, "TaskRun \"x\" failed to finish within \"5s\"");
        assert_eq!(traces[1].quoted(), "PullImageFailed: build step \"step-s\" is pending");
    }
}
