//! What has not begun, and why, in a sentence: from a run's condition and from its pod.

use super::core::{ContainerStatus, Pod};
use super::meta::{Condition, condition};

/// Reasons of a condition that say no more than that all is well.
const AT_WORK: [&str; 4] = ["", "Running", "Started", "PodInitializing"];

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

/// What keeps a container of a pod from starting: no node, an image that does not come, or that it is on its way.
pub fn of_pod(pod: &Pod, container: &str) -> Option<String> {
    let scheduled = condition(&pod.status.conditions, "PodScheduled").filter(|c| c.status == "False");
    if let Some(text) = scheduled.and_then(of_condition) {
        return Some(text);
    }
    let statuses = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    let waiting = |status: &ContainerStatus| {
        let waiting = status.state.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let usual = AT_WORK.contains(&reason) || reason == "ContainerCreating";
        let message = waiting.message.as_deref().filter(|m| !m.is_empty()).map(|m| format!(": {m}")).unwrap_or_default();
        (!usual).then(|| format!("{reason} of {}{message}", image_of(pod, &status.name)))
    };
    if let Some(text) = statuses.clone().find_map(waiting) {
        return Some(text);
    }
    let node = pod.spec.node_name.as_deref().filter(|n| !n.is_empty())?;
    // Containers start one after the other; the first that has not is the one whose image may still be on its way.
    let unstarted = statuses.into_iter().find(|s| s.state.waiting.is_some()).map_or(container, |s| s.name.as_str());
    Some(format!("node {node} gets {} ready", image_of(pod, unstarted)))
}

/// `image NAME of container`, as far as it is known.
fn image_of(pod: &Pod, container: &str) -> String {
    let mut all = pod.spec.init_containers.iter().chain(&pod.spec.containers);
    let image = all.find(|c| c.name == container).and_then(|c| c.image.as_deref());
    image.map_or_else(|| container.to_owned(), |image| format!("image {image} ({container})"))
}
