//! What a followed run waits for: leave, quota, a node, an image. Told as sentences; how long it has to last before it
//! is worth saying is the reader's business.

use super::stream::Phase;
use super::task::{Stage, Task};
use super::{Follow, RunSeen, Subject};
use crate::logs::event::Wait;
use crate::objects::core::{ContainerStatus, Pod};
use crate::objects::meta::{Condition, condition};

/// Reasons of a condition that say no more than that all is well.
const AT_WORK: [&str; 4] = ["", "Running", "Started", "PodInitializing"];

impl Follow {
    /// What has not begun, and why.
    pub fn waits(&self) -> Vec<Wait> {
        if !self.policy.live || self.outcome.is_some() {
            return Vec::new();
        }
        let kind = if self.subject == Subject::PipelineRun { "PipelineRun" } else { "TaskRun" };
        let runs = self.runs.iter().take(self.roots).filter(|_| self.subject == Subject::PipelineRun);
        let runs = runs.filter_map(|(name, run)| Some(Wait { who: format!("{kind} {name}"), why: why_run(run)? }));
        let tasks = (0..self.tasks.len()).filter(|index| self.is_wanted(*index)).filter_map(|index| {
            let task = &self.tasks[index];
            let alone = self.subject == Subject::TaskRun;
            let who = if alone { format!("TaskRun {}", task.of()) } else { format!("task {}", task.called().label()) };
            Some(Wait { who, why: self.why_task(task)? })
        });
        runs.chain(tasks).collect()
    }

    fn why_task(&self, task: &Task) -> Option<String> {
        let run = task.run().filter(|_| task.stage == Stage::Next && !task.is_over())?;
        let stands = condition(&run.status.conditions, "Succeeded");
        let Some(pod) = task.pod() else {
            return stands.map_or_else(|| Some("nobody has taken it up yet".to_owned()), of_condition);
        };
        let pod = self.pods.get(&pod)?.pod.as_ref()?;
        let container = self.chosen(pod).into_iter().nth(task.container)?;
        if !matches!(Phase::of(pod, &container), Phase::Waiting) {
            return None;
        }
        why_pod(pod, &container).or_else(|| stands.and_then(of_condition))
    }
}

fn why_run(run: &RunSeen) -> Option<String> {
    match run.condition() {
        _ if run.is_over() => None,
        None => Some("nobody has taken it up yet".to_owned()),
        Some(condition) => of_condition(condition),
    }
}

fn of_condition(condition: &Condition) -> Option<String> {
    let reason = condition.reason.as_deref().unwrap_or_default();
    let message = condition.message.as_deref().unwrap_or_default().trim();
    match (AT_WORK.contains(&reason), message.is_empty()) {
        (true, _) => None,
        (false, true) => Some(reason.to_owned()),
        (false, false) => Some(format!("{reason}: {message}")),
    }
}

fn why_pod(pod: &Pod, container: &str) -> Option<String> {
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
