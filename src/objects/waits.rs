//! What has not begun, and why, in a sentence: from a run's condition and from its pod.

use super::core::{ContainerStatus, Pod};
use super::meta::{Condition, condition};

/// Reasons of a condition that say no more than that all is well.
const AT_WORK: [&str; 7] =
    ["", "Running", "Started", "PodInitializing", "CancelledRunningFinally", "StoppedRunningFinally", "PipelineRunStopping"];

/// What a condition says that is not reached, unless it says no more than that all is well.
pub fn of_condition(condition: &Condition) -> Option<String> {
    let reason = condition.reason.as_deref().unwrap_or_default();
    let message = condition.message.as_deref().unwrap_or_default().trim();
    match (AT_WORK.contains(&reason), message.is_empty()) {
        (true, _) => None,
        (false, true) => Some(reason.to_owned()),
        (false, false) => Some(format!("{reason}: {message}")),
    }
}

/// Why a container of a pod has not started: what keeps it from that, or how far it is on its way.
pub fn of_pod(pod: &Pod, container: &str) -> Option<String> {
    hindrance(pod).or_else(|| on_the_way(pod, container))
}

/// What keeps a pod's containers from starting: no node, an image that does not come, …
pub fn hindrance(pod: &Pod) -> Option<String> {
    let scheduled = condition(&pod.status.conditions, "PodScheduled").filter(|c| c.status == "False");
    if let Some(text) = scheduled.and_then(of_condition) {
        return Some(text);
    }
    let waiting = |status: &ContainerStatus| {
        let waiting = status.state.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let usual = AT_WORK.contains(&reason) || reason == "ContainerCreating";
        let message = waiting.message.as_deref().filter(|m| !m.is_empty()).map(|m| format!(": {m}")).unwrap_or_default();
        (!usual).then(|| format!("{reason} of {}{message}", image_of(pod, &status.name)))
    };
    statuses(pod).find_map(waiting)
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses)
}

/// How far a pod is whose containers will start by themselves.
pub fn on_the_way(pod: &Pod, container: &str) -> Option<String> {
    let node = pod.spec.node_name.as_deref().filter(|n| !n.is_empty())?;
    // Images are fetched after that (the condition is there from Kubernetes 1.29 on).
    if condition(&pod.status.conditions, "PodReadyToStartContainers").is_some_and(|c| c.status == "False") {
        return Some(format!("node {node} sets up its volumes and its network"));
    }
    // Containers start one after the other; the first that has not is the one whose image may still be on its way.
    let unstarted = statuses(pod).find(|s| s.state.waiting.is_some()).map_or(container, |s| s.name.as_str());
    // Said once for each image, not for each container.
    Some(format!("node {node} gets {} ready", image(pod, unstarted).map_or_else(|| unstarted.to_owned(), |i| format!("image {i}"))))
}

fn image<'p>(pod: &'p Pod, container: &str) -> Option<&'p str> {
    let mut all = pod.spec.init_containers.iter().chain(&pod.spec.containers);
    all.find(|c| c.name == container).and_then(|c| c.image.as_deref())
}

/// `image NAME (CONTAINER)`, as far as it is known.
fn image_of(pod: &Pod, container: &str) -> String {
    image(pod, container).map_or_else(|| container.to_owned(), |image| format!("image {image} ({container})"))
}
