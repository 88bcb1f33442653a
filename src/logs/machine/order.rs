//! Which tasks are wanted, and in which order they are read.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Effect, Find, Follow, Outcome, Subject};
use crate::logs::event::Called;
use crate::objects::run::Run;

impl Follow {
    /// Whether a task of this name was asked for: by its own name, or by that of the Pipeline's task around it.
    pub(super) fn is_asked_for(&self, called: &Called) -> bool {
        let asked = &self.policy.tasks;
        let is = |wanted: &String| {
            called.task == *wanted
                || called.task.starts_with(&format!("{wanted} > "))
                || called.task.split(" > ").any(|part| part == wanted)
        };
        asked.is_empty() || self.subject == Subject::TaskRun || asked.iter().any(is)
    }

    /// Whether a run refers to a task and it was asked for.
    pub(super) fn is_wanted(&self, index: usize) -> bool {
        let task = &self.tasks[index];
        task.is_referred() && self.is_asked_for(task.called())
    }

    /// The run that was asked for to which a task belongs, and when the task began and ended, as far as it has.
    pub(super) fn span(&self, index: usize) -> (usize, Option<Timestamp>, Option<Timestamp>) {
        let task = &self.tasks[index];
        (task.root(), task.began(), task.run().and_then(Run::completed))
    }

    /// The tasks that are wanted and not done, those that have ended first. Times are whole seconds, so the Pipeline's
    /// order decides between equal ones.
    pub(super) fn by_end(&self) -> Vec<usize> {
        let pending = |index: &usize| !self.tasks[*index].is_done() && self.is_wanted(*index);
        let mut wanted: Vec<usize> = (0..self.tasks.len()).filter(pending).collect();
        wanted.sort_by_cached_key(|index| {
            let (_, _, end) = self.span(*index);
            (end.is_none(), end, self.tasks[*index].place().to_vec())
        });
        wanted
    }

    /// Of the tasks that are wanted, not done and begun, the one that began first.
    pub(super) fn first_begun(&self) -> Option<usize> {
        let begun = self.by_end().into_iter().filter_map(|index| {
            let (root, start, _) = self.span(index);
            Some(((start?, root, self.tasks[index].place().to_vec()), index))
        });
        begun.min().map(|(_, index)| index)
    }

    /// Asks for the TaskRuns that the runs refer to and no list has told; returns whether all are known.
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

    /// The TaskRuns that are to be read, run by run: those that ended by the time of their end, then the others by the
    /// time of their begin, and at the same time as the Pipeline has them (`pkg/taskrun` of tkn); by the time of their
    /// begin alone where lines are told by their time. None when there are none of those that were asked for, which is
    /// the outcome then.
    pub(super) fn in_order(&mut self) -> Option<Vec<usize>> {
        let mut all: Vec<usize> = (0..self.tasks.len()).filter(|index| self.tasks[*index].is_referred()).collect();
        all.sort_by_cached_key(|index| {
            let (root, start, end) = self.span(*index);
            let place = self.tasks[*index].place().to_vec();
            (root, Reverse(end.is_some()), end, Reverse(start.is_some()), start.filter(|_| end.is_none()), place)
        });
        if let Some(outcome) = self.no_such_task(all.iter().copied()) {
            self.outcome = Some(outcome);
            return None;
        }
        all.retain(|index| self.is_wanted(*index) && !self.tasks[*index].is_done());
        if self.policy.failed_only {
            all.retain(|index| self.tasks[*index].failure().is_some());
            if all.is_empty() {
                self.outcome = Some(Outcome::NoneFailed);
                return None;
            }
        }
        if self.is_by_time() {
            all.sort_by_key(|index| self.span(*index).1);
        }
        Some(all)
    }

    /// The outcome when tasks were asked for and the runs have none of them.
    pub(super) fn no_such_task(&self, referred: impl Iterator<Item = usize>) -> Option<Outcome> {
        let asked = &self.policy.tasks;
        if self.subject == Subject::TaskRun || asked.is_empty() {
            return None;
        }
        let tasks = referred.map(|index| self.tasks[index].called());
        let all: Vec<&Called> = tasks.chain(self.children()).collect();
        if all.iter().any(|called| self.is_asked_for(called)) {
            return None;
        }
        let mut available: Vec<String> = Vec::new();
        for called in all {
            if !available.contains(&called.task) {
                available.push(called.task.clone());
            }
        }
        Some(Outcome::NoSuchTask { asked: asked.clone(), available })
    }
}
