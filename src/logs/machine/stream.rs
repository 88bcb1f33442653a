//! One container's log: opened when the container has started, taken up again where it dropped, over when the
//! container has ended and everything it wrote was read.

use std::time::Duration;

use super::task::Stage;
use super::{Effect, Emit, Follow, LogEvent, Notice};
use crate::logs::event::Source;
use crate::logs::lines::Lines;
use crate::objects::core::{Pod, Terminated};

/// How often a log is asked for again without anything new before it is given up, once its container has ended.
const TRIES: u32 = 8;

/// How long a stream may be quiet whose container has ended, before it is taken for dead.
const QUIET: Duration = Duration::from_secs(10);

/// How long a sidecar may be quiet once its task is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A container's log.
#[derive(Debug)]
pub(super) struct Stream {
    source: Source,
    /// Position of its task
    task: usize,
    init: bool,
    lines: Lines,
    /// Whether the container had ended when the stream was opened, so that the stream's end is the log's end
    whole: bool,
    /// Whether it waits to be opened again
    lapsed: bool,
    /// The log before the container's restart is not there
    no_previous: bool,
    /// Ends in a row without anything new
    fruitless: u32,
    over: bool,
}

/// How a container stands.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Not started
    Waiting,
    /// Started and not ended
    Running,
    /// Ended; how, where the pod still tells
    Over(Option<Terminated>),
}

impl Phase {
    pub(super) fn of(pod: &Pod, container: &str) -> Self {
        let mut statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
        let status = statuses.find(|s| s.name == container);
        if let Some(status) = status.filter(|_| is_stopped_sidecar(pod, container)) {
            return Self::Over(status.last_state.terminated.clone());
        }
        match status.map(|s| &s.state) {
            Some(state) if state.terminated.is_some() => Self::Over(state.terminated.clone()),
            Some(state) if state.running.is_some() && Self::pod_is_over(pod) => Self::Over(None),
            Some(state) if state.running.is_some() => Self::Running,
            _ => Self::Waiting,
        }
    }

    /// Whether none of the pod's containers will start any more.
    pub(super) fn pod_is_over(pod: &Pod) -> bool {
        matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
    }
}

/// Whether a container is a sidecar that Tekton has stopped: it gives it an image that does nothing, which begins the
/// container anew. What it wrote stands in the log before that.
fn is_stopped_sidecar(pod: &Pod, container: &str) -> bool {
    let is_sidecar = is_sidecar(container) && pod.spec.containers.iter().any(|c| c.name == container);
    is_sidecar && pod.status.container_statuses.iter().any(|s| s.name == container && s.restart_count > 0)
}

fn is_sidecar(container: &str) -> bool {
    !container.starts_with("step-")
}

impl Follow {
    pub(super) fn bytes(&mut self, id: usize, bytes: &[u8], emit: &mut Emit<'_>) {
        let Stream { source, lines, fruitless, lapsed, .. } = &mut self.streams[id];
        *lapsed = false;
        lines.feed(bytes, &mut |piece| {
            *fruitless = 0;
            emit(LogEvent::Piece { source, piece });
        });
        self.floor = lines.is_within_line().then_some(id);
    }

    pub(super) fn pod_now(&mut self, pod: Pod, effects: &mut Vec<Effect>) {
        let name = pod.metadata.name.clone();
        let seen = self.pods.entry(name.clone()).or_default();
        (seen.pod, seen.gone) = (Some(pod), false);
        for id in 0..self.streams.len() {
            let stream = &self.streams[id];
            if stream.over || stream.whole || stream.source.pod != name || !self.has_ended(id) {
                continue;
            }
            if self.streams[id].lapsed {
                self.reopen(id, Duration::ZERO, effects);
            } else {
                effects.push(Effect::Limit { stream: id, quiet: QUIET });
            }
        }
    }

    /// Whether the container of a stream writes no more.
    fn has_ended(&self, id: usize) -> bool {
        let source = &self.streams[id].source;
        match self.pods.get(&source.pod) {
            Some(seen) => seen.gone || seen.pod.as_ref().is_some_and(|p| matches!(Phase::of(p, &source.container), Phase::Over(_))),
            None => false,
        }
    }

    pub(super) fn open(&mut self, index: usize, pod: &str, container: &str, effects: &mut Vec<Effect>) {
        let init = self.pods[pod].pod.as_ref().is_some_and(|p| p.spec.init_containers.iter().any(|c| c.name == container));
        let id = self.streams.len();
        let (run, task) = self.tasks.get_index_mut(index).expect("it is a task's index");
        task.stage = Stage::Reading;
        let source = Source {
            id,
            task: task.name().to_owned(),
            display: task.display().cloned(),
            run: run.clone(),
            pod: pod.to_owned(),
            container: container.to_owned(),
        };
        let lines = Lines::default();
        self.streams.push(Stream {
            source,
            task: index,
            init,
            lines,
            whole: false,
            lapsed: false,
            no_previous: false,
            fruitless: 0,
            over: false,
        });
        self.reopen(id, Duration::ZERO, effects);
    }

    /// Asks for a log, from where it was read last.
    fn reopen(&mut self, id: usize, after: Duration, effects: &mut Vec<Effect>) {
        let (ended, stopped) = (self.has_ended(id), self.is_stopped_sidecar(id));
        let stream = &mut self.streams[id];
        stream.whole = ended || !self.policy.live;
        stream.lapsed = !after.is_zero();
        effects.push(Effect::Open {
            stream: id,
            pod: stream.source.pod.clone(),
            container: stream.source.container.clone(),
            since: stream.lines.cut(),
            follow: self.policy.live && !ended,
            previous: stopped && !stream.no_previous,
            after,
        });
    }

    /// The steps of a task are over: its sidecars are not waited for, only for what they have written already.
    pub(super) fn limit_sidecars(&self, run: &str, effects: &mut Vec<Effect>) {
        let open = self.streams.iter().filter(|s| !s.over && s.source.run == run && !s.init && is_sidecar(&s.source.container));
        effects.extend(open.map(|s| Effect::Limit { stream: s.source.id, quiet: LAST_WORDS }));
    }

    fn is_stopped_sidecar(&self, id: usize) -> bool {
        let source = &self.streams[id].source;
        let pod = self.pods.get(&source.pod).and_then(|p| p.pod.as_ref());
        pod.is_some_and(|p| is_stopped_sidecar(p, &source.container))
    }

    pub(super) fn ended(&mut self, id: usize, broken: Option<String>, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let (ended, gone) = (self.has_ended(id), self.is_gone(id));
        let stream = &mut self.streams[id];
        if stream.over {
            return;
        }
        let unneeded = !stream.init && is_sidecar(&stream.source.container) && self.policy.live && self.tasks[stream.task].is_over();
        if gone || unneeded || (broken.is_none() && stream.whole) {
            return self.settle(id, emit);
        }
        stream.fruitless += 1;
        let tries = stream.fruitless;
        let given_up = broken.filter(|_| tries > TRIES && (ended || !self.policy.live));
        if let Some(reason) = given_up {
            let source = stream.source.clone();
            emit(LogEvent::Said(Notice::Refused { source, reason }));
            return self.settle(id, emit);
        }
        let at_once = ended && tries == 1;
        self.reopen(id, if at_once { Duration::ZERO } else { pause(tries) }, effects);
    }

    pub(super) fn refused(&mut self, id: usize, code: Option<u16>, reason: String, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let over = self.has_ended(id) || !self.policy.live;
        let stopped = self.is_stopped_sidecar(id);
        let stream = &mut self.streams[id];
        if stream.over {
            return;
        }
        let lasting = match code {
            Some(404) => {
                self.pods.entry(stream.source.pod.clone()).or_default().gone = true;
                // That it is gone is said with what the status still tells.
                let begun = stream.lines.cut().is_some() || stream.lines.is_within_line();
                if !begun {
                    stream.over = true;
                    self.tasks[stream.task].stage = Stage::Next;
                    return;
                }
                return self.settle(id, emit);
            }
            Some(400) if !stream.no_previous && stopped => {
                stream.no_previous = true;
                return self.reopen(id, Duration::ZERO, effects);
            }
            // «container is waiting to start»: its status is ahead of the kubelet.
            Some(400) => over,
            Some(401 | 403 | 405 | 422) => true,
            _ => false,
        };
        if !lasting {
            return self.ended(id, Some(reason), effects, emit);
        }
        let source = stream.source.clone();
        emit(LogEvent::Said(Notice::Refused { source, reason }));
        stream.over = true;
        self.after_container(id, emit);
    }

    fn is_gone(&self, id: usize) -> bool {
        self.pods.get(&self.streams[id].source.pod).is_some_and(|p| p.gone)
    }

    /// A container's log is over.
    fn settle(&mut self, id: usize, emit: &mut Emit<'_>) {
        let Stream { source, lines, over, .. } = &mut self.streams[id];
        *over = true;
        lines.end(&mut |piece| emit(LogEvent::Piece { source, piece }));
        emit(LogEvent::Ended { source });
        if self.floor == Some(id) {
            self.floor = None;
        }
        self.after_container(id, emit);
    }

    /// Goes on to what comes after a container: the next one, or after a failure the next attempt.
    fn after_container(&mut self, id: usize, emit: &mut Emit<'_>) {
        let stream = &self.streams[id];
        let pod = self.pods.get(&stream.source.pod).and_then(|p| p.pod.as_ref());
        let phase = pod.map_or(Phase::Waiting, |p| Phase::of(p, &stream.source.container));
        let task = &mut self.tasks[stream.task];
        if let Phase::Over(Some(end)) = phase
            && is_failure(&stream.source, stream.init, &end)
        {
            emit(LogEvent::Said(Notice::ContainerFailed { source: stream.source.clone(), end, init: stream.init }));
            task.next_attempt();
            return;
        }
        if let Some(code) = continued(task.step(&stream.source.container)) {
            emit(LogEvent::Said(Notice::Continued { source: stream.source.clone(), code }));
        }
        task.next_container();
    }
}

/// Whether an end is a failure of the task. Tekton kills sidecars when the steps are over, so only status 1 counts
/// there, as it does for tkn.
fn is_failure(source: &Source, init: bool, end: &Terminated) -> bool {
    let of_task = init || !is_sidecar(&source.container);
    if of_task { end.exit_code != 0 } else { end.exit_code == 1 }
}

/// The exit status of a step that failed while the task went on: the container's own is 0 then.
fn continued(step: Option<&crate::objects::run::StepState>) -> Option<i32> {
    let step = step.filter(|s| s.termination_reason.as_deref() == Some("Continued"))?;
    step.state.terminated.as_ref().map(|t| t.exit_code).filter(|code| *code != 0)
}

/// The pause before a log is asked for again: one second, then twice as long each time, up to ten.
fn pause(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.saturating_sub(1).min(4)).min(Duration::from_secs(10))
}
