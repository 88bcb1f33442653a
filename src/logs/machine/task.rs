//! One TaskRun: its attempts one after the other, and in each the containers of its pod one after the other.

use jiff::Timestamp;

use super::stream::Phase;
use super::{Effect, Emit, Find, Follow, LogEvent, Notice, Outcome, Subject};
use crate::objects::core::{Container, Pod};
use crate::objects::run::{Run, StepState, TaskRun};

/// A TaskRun and how far it was read.
#[derive(Debug, Default)]
pub(super) struct Task {
    name: String,
    display: Option<String>,
    place: usize,
    referred: bool,
    run: Option<TaskRun>,
    gone: Option<Gone>,
    asked: bool,
    /// It was told after it was asked for
    answered: bool,
    /// What stands before the logs has been said
    begun: bool,
    failure_said: bool,
    /// How many attempts are over
    pub(super) attempt: usize,
    /// How many containers of the attempt's pod are over
    pub(super) container: usize,
    pub(super) stage: Stage,
}

/// Why a TaskRun cannot be read.
#[derive(Debug)]
struct Gone {
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The next container is to be found
    #[default]
    Next,
    /// A container is being read
    Reading,
    /// Nothing more will come
    Done,
}

impl Task {
    /// The only task of a TaskRun that was asked for by name. The name is tkn's (`pkg/log/task_reader.go`).
    pub(super) fn alone(run: &TaskRun) -> Self {
        let of_pipeline = run.metadata.label("tekton.dev/pipelineTask").map(str::to_owned);
        let of_reference = run.spec.task_ref.as_ref().map(|r| r.name.clone().unwrap_or_default());
        let name = of_pipeline.or(of_reference).unwrap_or_else(|| "Task 0".to_owned());
        Self { name, referred: true, ..Self::default() }
    }

    pub(super) fn refer(&mut self, name: &str, display: Option<String>, place: usize) {
        name.clone_into(&mut self.name);
        (self.display, self.place, self.referred) = (display, place, true);
    }

    pub(super) fn now(&mut self, run: TaskRun) {
        self.run = Some(run);
        self.gone = None;
        self.answered = self.asked;
    }

    pub(super) fn is_gone(&mut self, reason: Option<String>) {
        self.gone = Some(Gone { reason });
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn display(&self) -> Option<&String> {
        self.display.as_ref()
    }

    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// When it began and ended, as far as it has, and its place in the Pipeline.
    pub(super) fn span(&self) -> (Option<Timestamp>, Option<Timestamp>, usize) {
        let run = self.run.as_ref();
        (run.and_then(Run::started), run.and_then(Run::completed), self.place)
    }

    pub(super) fn run(&self) -> Option<&TaskRun> {
        self.run.as_ref()
    }

    pub(super) fn is_referred(&self) -> bool {
        self.referred
    }

    pub(super) fn is_known(&self) -> bool {
        self.run.is_some() || self.gone.is_some()
    }

    /// Whether it is to be asked for, which is done once.
    pub(super) fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// Whether nothing more will be heard of it.
    pub(super) fn is_over(&self) -> bool {
        self.gone.is_some() || self.run.as_ref().is_some_and(Run::is_done)
    }

    /// The message of its condition when it ended badly.
    pub(super) fn failure(&self) -> Option<String> {
        let condition = self.run.as_ref()?.succeeded().filter(|c| c.status == "False")?;
        Some(condition.message.clone().unwrap_or_default())
    }

    /// The pod of an attempt: those that were tried again come first.
    fn pod(&self, attempt: usize) -> Option<String> {
        let status = &self.run.as_ref()?.status;
        let earlier = status.retries_status.iter().map(|s| &s.pod_name);
        let mut pods: Vec<&String> = earlier.chain([&status.pod_name]).filter(|p| !p.is_empty()).collect();
        pods.dedup();
        pods.get(attempt).map(|p| (*p).clone())
    }

    /// What the status tells of the steps of an attempt.
    fn steps(&self, attempt: usize) -> &[StepState] {
        let Some(status) = self.run.as_ref().map(|r| &r.status) else { return &[] };
        status.retries_status.get(attempt).map_or(&status.steps, |s| &s.steps)
    }

    /// What the status tells of one step of the attempt that is being read.
    pub(super) fn step(&self, container: &str) -> Option<&StepState> {
        self.steps(self.attempt).iter().find(|s| s.container == container)
    }

    pub(super) fn next_attempt(&mut self) {
        (self.attempt, self.container, self.stage) = (self.attempt + 1, 0, Stage::Next);
    }

    pub(super) fn next_container(&mut self) {
        (self.container, self.stage) = (self.container + 1, Stage::Next);
    }

    fn say_failure(&mut self, emit: &mut Emit<'_>) {
        if let Some(message) = self.failure().filter(|_| !self.failure_said) {
            self.failure_said = true;
            emit(LogEvent::Said(Notice::TaskFailed { task: self.name.clone(), message }));
        }
    }
}

impl Follow {
    /// Takes a task as far as it goes now; returns whether it is done.
    pub(super) fn advance(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        while self.tasks[index].stage == Stage::Next {
            if !self.is_there(index, effects, emit) || !self.advance_once(index, effects, emit) {
                break;
            }
        }
        self.tasks[index].stage == Stage::Done
    }

    /// Whether the TaskRun is known; asks for it when it should be.
    fn is_there(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let may_ask = self.tasks_listed && (!self.policy.live || self.run_is_over());
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        if task.run.is_some() {
            return true;
        }
        if let Some(gone) = &task.gone {
            let (run, reason) = (name.clone(), gone.reason.clone());
            emit(LogEvent::Said(Notice::TaskRunGone { task: task.name.clone(), run, reason }));
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
        let task = &self.tasks[index];
        let Some(name) = task.pod(task.attempt) else { return self.end(index, effects, emit) };
        let seen = self.pods.entry(name.clone()).or_default();
        match &seen.pod {
            Some(_) => self.advance_in_pod(index, &name, effects, emit),
            None if seen.gone => {
                self.say_pod_gone(index, name, emit);
                true
            }
            None => {
                // A pod that the status names comes with the watch, unless it went before the watch began.
                if self.pods_listed && (!self.policy.live || self.tasks[index].is_over()) && !std::mem::replace(&mut seen.asked, true) {
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
        let run = task.run.as_ref().expect("it is there");
        let missing = if run.status.start_time.is_none() {
            Some(Notice::NotStarted { task: task.name.clone() })
        } else if task.pod(0).is_none() {
            Some(Notice::NoPod { run: run.metadata.name.clone() })
        } else {
            None
        };
        if run.status.start_time.is_some() {
            task.say_failure(emit);
        }
        let Some(missing) = missing else { return true };
        task.stage = Stage::Done;
        match self.subject {
            Subject::TaskRun => self.outcome = Some(Outcome::Nothing(missing)),
            Subject::PipelineRun => emit(LogEvent::Said(missing)),
        }
        false
    }

    /// There is no further attempt so far.
    fn end(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let run_is_over = self.run_is_over();
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        if self.policy.live && !task.is_over() {
            // The run's end may be told before its tasks' ends. Where a task has none, it will not begin any more.
            if run_is_over && task.ask() {
                effects.push(Effect::Find(Find::Task(name.clone())));
            }
            if !run_is_over || !task.answered {
                return false;
            }
        }
        task.say_failure(emit);
        if task.attempt == 0 && !task.failure_said {
            emit(LogEvent::Said(Notice::NotStarted { task: task.name.clone() }));
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
            emit(LogEvent::Said(Notice::NoSteps { task: task.name.clone() }));
            self.tasks[index].next_attempt();
            return true;
        }
        let Some(container) = containers.get(task.container).map(|c| c.name.clone()) else {
            self.tasks[index].next_attempt();
            return true;
        };
        let started = !matches!(Phase::of(pod, &container), Phase::Waiting);
        if seen.gone {
            if started {
                self.say_pod_gone(index, name.to_owned(), emit);
            } else {
                self.tasks[index].next_attempt();
            }
            return true;
        }
        if started {
            self.open(index, name, &container, effects);
            return false;
        }
        let will_start = self.policy.live && !task.is_over() && !Phase::pod_is_over(pod);
        if !will_start {
            self.tasks[index].next_container();
        }
        !will_start
    }

    /// The containers that are read: steps and sidecars, and the init containers where asked for.
    fn chosen<'p>(&self, pod: &'p Pod) -> Vec<&'p Container> {
        let init = pod.spec.init_containers.iter().filter(|_| self.policy.init);
        let step = |c: &&Container| {
            let name = c.name.strip_prefix("step-").unwrap_or(&c.name);
            self.policy.steps.is_empty() || self.policy.steps.iter().any(|s| s == name)
        };
        init.chain(pod.spec.containers.iter().filter(step)).collect()
    }

    fn say_pod_gone(&mut self, index: usize, pod: String, emit: &mut Emit<'_>) {
        let (name, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        let steps = task.steps(task.attempt).iter().skip(task.container).cloned().collect();
        emit(LogEvent::Said(Notice::PodGone { task: task.name.clone(), run: name.clone(), pod, steps }));
        task.next_attempt();
    }
}
