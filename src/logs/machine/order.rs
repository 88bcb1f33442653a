//! Which tasks a run has, and in which order those of a run that is not followed are read.

use std::cmp::Reverse;

use super::{Effect, Find, Follow, Other, Outcome, Subject};
use crate::objects::run::{ChildReference, PipelineRun, Run};

impl Follow {
    /// Takes the run's children from `status.childReferences`.
    pub(super) fn refer(&mut self, run: &PipelineRun) {
        for child in &run.status.child_references {
            if child.kind != "TaskRun" {
                let other = Other { kind: child.kind.clone(), task: child.pipeline_task_name.clone(), asked: false, told: false };
                self.others.entry(child.name.clone()).or_insert(other);
                continue;
            }
            let (display, place) = in_spec(run, child);
            let task = self.tasks.entry(child.name.clone()).or_default();
            task.refer(&child.pipeline_task_name, display, place);
        }
    }

    /// Whether the run refers to a task and it was asked for.
    pub(super) fn is_wanted(&self, index: usize) -> bool {
        let task = &self.tasks[index];
        let alone = self.subject == Subject::TaskRun;
        task.is_referred() && (alone || self.policy.tasks.is_empty() || self.policy.tasks.iter().any(|t| t == task.name()))
    }

    /// The tasks that are wanted, those that have ended first. Times are whole seconds, so the Pipeline's order decides
    /// between equal ones.
    pub(super) fn by_end(&self) -> Vec<usize> {
        let mut wanted: Vec<usize> = (0..self.tasks.len()).filter(|index| self.is_wanted(*index)).collect();
        wanted.sort_by_key(|index| {
            let (_, end, place) = self.tasks[*index].span();
            (end.is_none(), end, place)
        });
        wanted
    }

    /// Asks for the TaskRuns that the run refers to and no list has told; returns whether all are known.
    pub(super) fn ask_for_tasks(&mut self, effects: &mut Vec<Effect>) -> bool {
        let mut known = true;
        for (name, task) in self.tasks.iter_mut().filter(|(_, t)| t.is_referred() && !t.is_known()) {
            known = false;
            if task.ask() {
                effects.push(Effect::Find(Find::Task(name.clone())));
            }
        }
        known
    }

    /// The TaskRuns that are to be read: those that ended by the time of their end, then the others by the time of
    /// their begin, and at the same time as the Pipeline has them (`pkg/taskrun` of tkn). None when there are none of
    /// those that were asked for, which is the outcome then.
    pub(super) fn in_order(&mut self) -> Option<Vec<String>> {
        let mut all: Vec<(usize, &String)> =
            self.tasks.iter().enumerate().filter(|(_, (_, t))| t.is_referred()).map(|(i, (n, _))| (i, n)).collect();
        all.sort_by_key(|(index, _)| {
            let task = &self.tasks[*index];
            let (start, end) = task.run().map(|r| (r.started(), r.completed())).unwrap_or_default();
            (Reverse(end.is_some()), end, Reverse(start.is_some()), start.filter(|_| end.is_none()), task.place())
        });
        if let Some(outcome) = self.no_such_task(all.iter().map(|(index, _)| *index)) {
            self.outcome = Some(outcome);
            return None;
        }
        let wanted: Vec<(usize, String)> =
            all.into_iter().filter(|(index, _)| self.is_wanted(*index)).map(|(i, n)| (i, n.clone())).collect();
        if !self.policy.failed_only {
            return Some(wanted.into_iter().map(|(_, name)| name).collect());
        }
        let failed: Vec<String> =
            wanted.into_iter().filter(|(index, _)| self.tasks[*index].failure().is_some()).map(|(_, name)| name).collect();
        if failed.is_empty() {
            self.outcome = Some(Outcome::NoneFailed);
            return None;
        }
        Some(failed)
    }
}

impl Follow {
    /// The outcome when tasks were asked for and the run has none of them.
    pub(super) fn no_such_task(&self, referred: impl Iterator<Item = usize>) -> Option<Outcome> {
        let asked = &self.policy.tasks;
        let others = self.others.values().map(|o| o.task.clone());
        let available: Vec<String> = referred.map(|index| self.tasks[index].name().to_owned()).chain(others).collect();
        let none = self.subject == Subject::PipelineRun && !asked.is_empty() && !available.iter().any(|t| asked.contains(t));
        none.then(|| Outcome::NoSuchTask { asked: asked.clone(), available })
    }
}

/// A child's name for people, and its task's place in the Pipeline as it ran.
fn in_spec(run: &PipelineRun, child: &ChildReference) -> (Option<String>, usize) {
    let spec = run.status.pipeline_spec.as_ref().or(run.spec.pipeline_spec.as_ref());
    let mut tasks = spec.iter().flat_map(|s| s.tasks.iter().chain(&s.finally)).enumerate();
    let found = tasks.find(|(_, task)| task.name == child.pipeline_task_name);
    let display = child.display_name.clone().or_else(|| found.and_then(|(_, task)| task.display_name.clone()));
    (display.filter(|d| !d.is_empty()), found.map_or(usize::MAX, |(place, _)| place))
}
