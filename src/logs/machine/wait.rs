//! What a followed run waits for: leave, quota, a node, an image. Told as sentences; how long it has to last before it
//! is worth saying is the reader's business.

use super::stream::Phase;
use super::task::{Stage, Task};
use super::{Follow, RunSeen, Subject};
use crate::logs::event::Wait;
use crate::objects::meta::condition;
use crate::objects::waits::{of_condition, of_pod};

/// Why a run without a condition does not go on.
pub(super) const NOT_TAKEN_UP: &str = "Tekton has not taken it up yet";

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
            return stands.map_or_else(|| Some(NOT_TAKEN_UP.to_owned()), of_condition);
        };
        let pod = self.pods.get(&pod)?.pod.as_ref()?;
        let container = self.chosen(pod).into_iter().nth(task.container)?;
        if !matches!(Phase::of(pod, &container), Phase::Waiting) {
            return None;
        }
        of_pod(pod, &container).or_else(|| stands.and_then(of_condition))
    }
}

fn why_run(run: &RunSeen) -> Option<String> {
    match run.condition() {
        _ if run.is_over() => None,
        None => Some(NOT_TAKEN_UP.to_owned()),
        Some(condition) => of_condition(condition),
    }
}
