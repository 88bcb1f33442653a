//! From one container of a task to the next, and from one attempt to the next.

use super::stream::{Phase, is_beside, is_native_sidecar, is_own_sidecar};
use super::task::Stage;
use super::{Effect, Emit, Find, Follow, Notice, Outcome, Subject};
use crate::logs::event::Wait;
use crate::objects::core::{Container, Pod};
use crate::objects::waits::of_pod;

impl Follow {
    /// Takes a task as far as it goes now; returns whether it is done.
    pub(super) fn advance(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        self.open_beside(index, effects, emit);
        while self.tasks[index].stage == Stage::Next {
            if !self.is_there(index, effects, emit) || !self.advance_once(index, effects, emit) {
                break;
            }
        }
        self.tasks[index].is_done()
    }

    /// Whether the attempt at which a task is belongs to those that are asked for.
    pub(super) fn is_attempt_wanted(&self, index: usize) -> bool {
        self.policy.attempt.is_none_or(|wanted| wanted == self.tasks[index].attempt + 1)
    }

    /// Whether the run that refers to the task is over.
    fn run_of_is_over(&self, index: usize) -> bool {
        self.runs.get(self.tasks[index].of()).is_none_or(super::RunSeen::is_over)
    }

    /// Whether the TaskRun is known; asks for it when it should be.
    fn is_there(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let listed = self.runs.get(self.tasks[index].of()).is_none_or(|run| run.tasks_listed);
        let may_ask = listed && (!self.policy.live || self.run_of_is_over(index));
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        if task.run().is_some() {
            return true;
        }
        if let Some(gone) = task.gone() {
            let (run, reason) = (name.clone(), gone.reason.clone());
            Self::say(Notice::TaskRunGone { task: task.called().label(), run, reason }, emit);
            task.stage = Stage::Done;
        } else if may_ask && task.ask() {
            effects.push(Effect::Find(Find::Task(name.clone())));
        }
        false
    }

    /// Goes on to the next container, attempt or the end; returns whether to look again.
    fn advance_once(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        if !self.policy.live && !self.begin(index, emit) {
            return false;
        }
        let Some(name) = self.tasks[index].pod() else { return self.end(index, effects, emit) };
        if !self.is_attempt_wanted(index) {
            self.tasks[index].next_attempt();
            return true;
        }
        let task = &self.tasks[index];
        let listed = self.runs.get(task.of()).is_none_or(|run| run.pods_listed);
        let seen = self.pods.entry(name.clone()).or_default();
        seen.task = Some(index);
        match &seen.pod {
            Some(_) => self.advance_in_pod(index, &name, effects, emit),
            None if seen.gone => {
                self.say_pod_gone(index, name, emit);
                true
            }
            None => {
                // A pod that the status names comes with the watch, unless it went before the watch began.
                if listed && (!self.policy.live || task.is_over()) && !std::mem::replace(&mut seen.asked, true) {
                    effects.push(Effect::Find(Find::Pod(name)));
                }
                false
            }
        }
    }

    /// Says what stands before the logs of a task that is not followed; returns whether there may be logs.
    fn begin(&mut self, index: usize, emit: &mut Emit<'_>) -> bool {
        let task = &mut self.tasks[index];
        if std::mem::replace(&mut task.begun, true) {
            return true;
        }
        let run = task.run().expect("it is there");
        let started = run.status.start_time.is_some();
        let missing = if !started {
            Some(Notice::NotStarted { task: task.called().label() })
        } else if task.pods().is_empty() {
            Some(Notice::NoPod { run: run.metadata.name.clone() })
        } else {
            None
        };
        if started {
            task.say_failure(emit);
        }
        let Some(missing) = missing else { return true };
        task.stage = Stage::Done;
        if self.subject == Subject::TaskRun && self.roots == 1 {
            self.outcome = Some(Outcome::Nothing(missing));
        } else {
            Self::say(missing, emit);
        }
        false
    }

    /// Whether a pod was told anew since its task was over: what its watch told before may be older than the task's end.
    fn is_checked(&mut self, pod: &str, effects: &mut Vec<Effect>) -> bool {
        let seen = self.pods.get_mut(pod).expect("it was seen");
        if !std::mem::replace(&mut seen.checked, true) {
            effects.push(Effect::Find(Find::Pod(pod.to_owned())));
        }
        seen.answered
    }

    /// There is no further attempt so far.
    fn end(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let run_is_over = self.run_of_is_over(index);
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        if self.policy.live && !task.is_over() {
            // The run's end may be told before its tasks' ends. Where a task has none, it will not begin any more.
            if run_is_over && task.ask() {
                effects.push(Effect::Find(Find::Task(name.clone())));
            }
            if !run_is_over || !task.has_answered() {
                return false;
            }
        }
        task.say_failure(emit);
        let (label, attempts) = (task.called().label(), task.attempt);
        if attempts == 0 && !task.failure_said {
            Self::say(Notice::NotStarted { task: label }, emit);
        } else if let Some(attempt) = self.policy.attempt.filter(|wanted| *wanted > attempts) {
            Self::say(Notice::NoAttempt { task: label, attempt, attempts }, emit);
        }
        task.stage = Stage::Done;
        false
    }

    fn advance_in_pod(&mut self, index: usize, name: &str, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let seen = &self.pods[name];
        let pod = seen.pod.as_ref().expect("it was seen");
        let containers = self.chosen(pod);
        let task = &self.tasks[index];
        if containers.is_empty() {
            Self::say(Notice::NoSteps { task: task.called().label() }, emit);
            self.tasks[index].next_attempt();
            return true;
        }
        let has_begun = |container: &&String| !matches!(Phase::of(pod, container), Phase::Waiting);
        if self.is_by_time() {
            let begun: Vec<String> = containers.iter().skip(task.container).filter(has_begun).cloned().collect();
            self.tasks[index].container = containers.len();
            return self.open_all(index, name, &begun, seen.gone, effects, emit);
        }
        let Some(container) = containers.get(task.container).cloned() else {
            self.tasks[index].next_attempt();
            return true;
        };
        if task.stopped && !is_beside(pod, &container) || self.is_read_beside(name, &container) {
            self.tasks[index].next_container();
            return true;
        }
        let started = has_begun(&&container);
        if seen.gone {
            if started {
                self.say_pod_gone(index, name.to_owned(), emit);
            } else {
                self.tasks[index].next_attempt();
            }
            return true;
        }
        if started {
            self.open(index, name, &container, effects, emit);
            return false;
        }
        let will_start = self.policy.live && !task.is_over() && !Phase::pod_is_over(pod);
        let not_begun = self.not_begun(index, pod, &container);
        if !will_start && self.policy.live && !self.is_checked(name, effects) {
            return false;
        }
        if !will_start {
            not_begun.into_iter().for_each(|wait| Self::say(Notice::NotBegun(wait), emit));
            self.tasks[index].next_container();
        }
        !will_start
    }

    /// Why the first step of a TaskRun that is not followed is not there yet. Of a PipelineRun it is said that it still runs.
    fn not_begun(&self, index: usize, pod: &Pod, container: &str) -> Option<Wait> {
        let task = &self.tasks[index];
        if self.policy.live || self.subject == Subject::PipelineRun || task.container > 0 || task.is_over() {
            return None;
        }
        let why = of_pod(pod, container).unwrap_or_else(|| "its pod has not started".to_owned());
        Some(Wait { who: format!("TaskRun {}", task.of()), why })
    }

    /// Opens the containers of an attempt side by side; returns whether to look again.
    fn open_all(
        &mut self,
        index: usize,
        pod: &str,
        containers: &[String],
        gone: bool,
        effects: &mut Vec<Effect>,
        emit: &mut Emit<'_>,
    ) -> bool {
        if gone && !containers.is_empty() {
            self.tasks[index].container = 0;
            self.say_pod_gone(index, pod.to_owned(), emit);
            return true;
        }
        for container in containers {
            self.open(index, pod, container, effects, emit);
        }
        if containers.is_empty() {
            self.tasks[index].next_attempt();
        }
        containers.is_empty()
    }

    /// The names of the containers that are read: steps and sidecars, and the init containers where asked for. Followed,
    /// or where it is shown as one of the Task's own, a sidecar among the init containers comes last.
    pub(super) fn chosen(&self, pod: &Pod) -> Vec<String> {
        let late = |c: &&Container| (self.policy.live || !self.policy.init) && is_native_sidecar(c);
        let step = |c: &&Container| {
            let name = c.name.strip_prefix("step-").unwrap_or(&c.name);
            self.policy.steps.is_empty() || self.policy.steps.iter().any(|s| s == name)
        };
        let init = || pod.spec.init_containers.iter().filter(|c| self.policy.init || is_own_sidecar(c) && step(c));
        let first = init().filter(|c| !late(c)).chain(pod.spec.containers.iter().filter(step));
        first.chain(init().filter(late)).map(|c| c.name.clone()).collect()
    }

    fn say_pod_gone(&mut self, index: usize, pod: String, emit: &mut Emit<'_>) {
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        let steps = task.steps().iter().skip(task.container).cloned().collect();
        Self::say(Notice::PodGone { task: task.called().label(), run: name.clone(), pod, steps }, emit);
        task.next_attempt();
    }
}
