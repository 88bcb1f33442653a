//! One container's log: opened when the container has started, taken up again where it dropped, over when the
//! container has ended and everything it wrote was read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::merge::Held;
use super::task::Stage;
use super::{Effect, Emit, Follow, LogEvent, Notice, Opening};
use crate::logs::event::Source;
use crate::logs::lines::Lines;
use crate::objects::core::{Container, Pod, Terminated};
use crate::objects::run::StepState;

/// How often a log is asked for again without anything new before it is given up, once its container has ended.
const TRIES: u32 = 8;

/// How long a stream may be quiet whose container has ended, before it is taken for dead.
const QUIET: Duration = Duration::from_secs(10);

/// At how many ends in a row without anything new it is said that a log cannot be read.
const COMPLAINS: u32 = 2;

/// How often a kubelet that has come to the end of a log looks whether its container still runs.
const LOOK: Duration = Duration::from_secs(1);

/// How long after its container's end a stream may end and be taken for one that came to the log's end. What has hung for
/// longer hangs for another reason.
const LATEST: Duration = Duration::from_secs(2);

/// How long the status of a container may take whose stream has ended as at the log's end.
const STATUS: Duration = Duration::from_secs(4);

/// How long a sidecar may be quiet once its task is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A container's log.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) source: Source,
    /// Position of its task
    pub(super) task: usize,
    init: bool,
    /// Whether the steps do not wait for its end
    sidecar: bool,
    /// Whether it is read beside the steps, since it would be gone when its turn comes
    beside: bool,
    pub(super) lines: Lines,
    /// Lines that wait for their turn, where lines are told by their time
    pub(super) held: Held,
    /// Whether the container had ended when the stream was opened, so that the stream's end is the log's end
    whole: bool,
    /// Whether it waits to be opened again
    lapsed: bool,
    /// The log before the container's restart is not there
    no_previous: bool,
    /// Ends in a row without anything new
    fruitless: u32,
    /// Up to which time of its node a stream of it was open that ended and did not break
    until: Option<Timestamp>,
    /// Nothing more will come; what is held is still to be told
    pub(super) ending: bool,
    pub(super) over: bool,
}

impl Stream {
    /// Whether its log is over and every line of it was told, which is yet to be said.
    pub(super) fn is_told(&self) -> bool {
        !self.over && self.ending && self.held.is_empty()
    }

    /// Whether lines of it wait for their turn.
    pub(super) fn holds_lines(&self) -> bool {
        !self.held.is_empty()
    }
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

/// Whether a state of a pod is older than another: containers begin and end, and are not undone but by a restart.
fn is_behind(pod: &Pod, known: &Pod) -> bool {
    let stands = |pod: &Pod| {
        let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
        statuses.fold((0, 0, 0), |(restarts, ended, begun), s| {
            let over = u32::from(s.state.terminated.is_some());
            (restarts + s.restart_count, ended + over, begun + over + u32::from(s.state.running.is_some()))
        })
    };
    let ((restarts, ended, begun), (restarts_known, ended_known, begun_known)) = (stands(pod), stands(known));
    pod.metadata.uid == known.metadata.uid && restarts == restarts_known && (ended < ended_known || begun < begun_known)
}

fn is_sidecar(container: &str) -> bool {
    !container.starts_with("step-")
}

/// Whether a container is one that runs beside the steps.
pub(super) fn is_beside(pod: &Pod, container: &str) -> bool {
    let native = pod.spec.init_containers.iter().any(|c| c.name == container && is_native_sidecar(c));
    native || is_sidecar(container) && pod.spec.containers.iter().any(|c| c.name == container)
}

/// Whether an init container is one of the Task's sidecars: Tekton makes them so where the cluster can
/// (`enable-kubernetes-sidecar`). Others are somebody else's, and asked for with the other init containers.
pub(super) fn is_own_sidecar(container: &Container) -> bool {
    is_native_sidecar(container) && container.name.starts_with("sidecar-")
}

/// Whether an init container goes on beside the steps (`restartPolicy: Always`).
pub(super) fn is_native_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

impl Follow {
    pub(super) fn bytes(&mut self, id: usize, bytes: &[u8], emit: &mut Emit<'_>) {
        let by_time = self.is_by_time();
        let Some(Stream { source, lines, held, fruitless, lapsed, .. }) = self.streams.get_mut(id).filter(|s| !s.over) else { return };
        *lapsed = false;
        if by_time {
            *fruitless = 0;
            lines.feed(bytes, &mut |piece| held.keep(piece));
            return;
        }
        let behind = lines.behind();
        lines.feed(bytes, &mut |piece| {
            *fruitless = 0;
            emit(LogEvent::Piece { source, piece });
        });
        if lines.behind() < behind {
            *fruitless = 0;
        }
        self.floor = lines.is_within_line().then_some(id);
    }

    pub(super) fn pod_now(&mut self, pod: Pod, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let name = pod.metadata.name.clone();
        let seen = self.pods.entry(name.clone()).or_default();
        if seen.pod.as_ref().is_some_and(|known| is_behind(&pod, known)) {
            return;
        }
        let is_another = seen.pod.as_ref().is_some_and(|known| known.metadata.uid != pod.metadata.uid);
        let task = seen.task.filter(|_| is_another);
        (seen.pod, seen.gone) = (Some(pod), false);
        if let Some(task) = task.filter(|_| self.streams.iter().any(|stream| stream.source.pod == name)) {
            Self::say(Notice::PodReplaced { task: self.tasks[task].called().label(), pod: name.clone() }, emit);
        }
        for id in 0..self.streams.len() {
            let stream = &self.streams[id];
            if stream.over || stream.whole || stream.source.pod != name || !self.has_ended(id) {
                continue;
            }
            if self.outlived(id) {
                effects.push(Effect::Close(id));
                self.settle(id, emit);
            } else if self.streams[id].lapsed {
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

    /// Whether the stream that ended last was still open when its step had ended, so that it came to the log's end. An
    /// API server ends a stream as if it were whole when the kubelet behind it breaks off, hence the proof: the last
    /// line's time and how long the stream was open after it, beside the step's end, which is told in whole seconds.
    fn outlived(&self, id: usize) -> bool {
        let stream = &self.streams[id];
        let Some(until) = stream.until.filter(|_| !stream.sidecar) else { return false };
        let Some(pod) = self.pods.get(&stream.source.pod).and_then(|seen| seen.pod.as_ref()) else { return false };
        let Phase::Over(Some(Terminated { finished_at: Some(finished), .. })) = Phase::of(pod, &stream.source.container) else {
            return false;
        };
        let after = until.duration_since(finished).checked_sub(SignedDuration::from_secs(1));
        after.is_some_and(|after| !after.is_negative() && after.unsigned_abs() <= LATEST)
    }

    /// Begins to read a container's log; the task waits for its end.
    pub(super) fn open(&mut self, index: usize, pod: &str, container: &str, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let task = &mut self.tasks[index];
        task.stage = Stage::Reading;
        task.reading += 1;
        self.begin_stream(index, pod, container, false, effects, emit);
    }

    /// Followed: begins to read the sidecars that run. Tekton stops them when the steps are over, and what they wrote
    /// may be gone soon after.
    pub(super) fn open_beside(&mut self, index: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let task = &self.tasks[index];
        let Some(name) = task.pod().filter(|_| self.policy.live && !task.is_over() && self.is_attempt_wanted(index)) else { return };
        let Some(pod) = self.pods.get(&name).filter(|seen| !seen.gone).and_then(|seen| seen.pod.as_ref()) else { return };
        let runs = |container: &String| matches!(Phase::of(pod, container), Phase::Running);
        let mut sidecars = self.chosen(pod);
        sidecars.retain(|container| is_beside(pod, container) && runs(container) && !self.is_read_beside(&name, container));
        for container in sidecars {
            self.begin_stream(index, &name, &container, true, effects, emit);
            self.tasks[index].beside += 1;
        }
    }

    /// Whether a sidecar is read beside the steps, or was.
    pub(super) fn is_read_beside(&self, pod: &str, container: &str) -> bool {
        self.streams.iter().any(|s| s.beside && s.source.pod == pod && s.source.container == container)
    }

    fn begin_stream(&mut self, index: usize, pod: &str, container: &str, beside: bool, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let spec = self.pods[pod].pod.as_ref().map(|p| &p.spec);
        let native = spec.and_then(|s| s.init_containers.iter().find(|c| c.name == container)).map(is_native_sidecar);
        self.tell_events(pod, emit);
        let id = self.streams.len();
        let began = self.runs.get_index(self.tasks[index].root()).and_then(|(_, run)| run.began());
        let (run, task) = self.tasks.get_index(index).expect("it is a task's index");
        let source = Source {
            id,
            called: task.called().clone(),
            run: run.clone(),
            pod: pod.to_owned(),
            container: container.to_owned(),
            attempt: task.attempt + 1,
            attempts: task.attempts(),
            tried_again: task.attempt > 0 || task.pods().len() > 1,
            began,
        };
        emit(LogEvent::Begun { source: &source });
        self.streams.push(Stream {
            lines: if self.needs_stamps(pod, container) { Lines::default() } else { Lines::plain() },
            source,
            task: index,
            init: native.is_some(),
            sidecar: native.unwrap_or_else(|| is_sidecar(container)),
            beside,
            held: Held::default(),
            whole: false,
            lapsed: false,
            no_previous: false,
            fruitless: 0,
            until: None,
            ending: false,
            over: false,
        });
        self.reopen(id, Duration::ZERO, effects);
    }

    /// Whether a log's lines have to come with their time: it is to be told, or the log still grows and is taken up
    /// again by it. Without, a third less has to come.
    fn needs_stamps(&self, pod: &str, container: &str) -> bool {
        let pod = self.pods.get(pod).and_then(|seen| seen.pod.as_ref());
        let ended = pod.is_some_and(|pod| matches!(Phase::of(pod, container), Phase::Over(_)));
        self.policy.stamps || self.is_by_time() || !ended
    }

    /// Asks for a log, from where it was read last.
    fn reopen(&mut self, id: usize, after: Duration, effects: &mut Vec<Effect>) {
        let (ended, stopped) = (self.has_ended(id), self.is_stopped_sidecar(id));
        let stream = &mut self.streams[id];
        stream.whole = ended || !self.policy.live;
        stream.lapsed = !after.is_zero();
        let read = stream.lines.cut();
        effects.push(Effect::Open(Box::new(Opening {
            stream: id,
            run: stream.source.run.clone(),
            pod: stream.source.pod.clone(),
            container: stream.source.container.clone(),
            since: read.or(self.policy.since),
            tail: self.policy.tail.filter(|_| read.is_none()),
            stamps: !stream.lines.is_plain(),
            follow: self.policy.live && !ended,
            previous: stopped && !stream.no_previous,
            after,
        })));
    }

    /// The steps of a task are over: its sidecars are not waited for, only for what they have written already.
    pub(super) fn limit_sidecars(&self, run: &str, effects: &mut Vec<Effect>) {
        let open = self.streams.iter().filter(|s| !s.over && s.source.run == run && s.sidecar);
        effects.extend(open.map(|s| Effect::Limit { stream: s.source.id, quiet: LAST_WORDS }));
    }

    fn is_stopped_sidecar(&self, id: usize) -> bool {
        let source = &self.streams[id].source;
        let pod = self.pods.get(&source.pod).and_then(|p| p.pod.as_ref());
        pod.is_some_and(|p| is_stopped_sidecar(p, &source.container))
    }

    pub(super) fn ended(&mut self, id: usize, broken: Option<String>, waited: Duration, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let (ended, gone) = (self.has_ended(id), self.is_gone(id));
        let stream = &mut self.streams[id];
        if stream.over {
            return;
        }
        let is_clean = broken.is_none();
        let until = stream.lines.last().filter(|_| is_clean).and_then(|last| last.checked_add(waited).ok());
        stream.until = stream.until.max(until);
        let unneeded = stream.sidecar && self.policy.live && self.tasks[stream.task].is_over();
        if gone || unneeded || (is_clean && (self.streams[id].whole || self.outlived(id))) {
            return self.settle(id, emit);
        }
        let stream = &mut self.streams[id];
        stream.fruitless += 1;
        let tries = stream.fruitless;
        if let Some(reason) = broken.clone().filter(|_| tries == COMPLAINS) {
            let source = Box::new(stream.source.clone());
            Self::say(Notice::Interrupted { source, reason }, emit);
        }
        let given_up = broken.filter(|_| tries > TRIES && (ended || !self.policy.live));
        if let Some(reason) = given_up {
            let source = Box::new(self.streams[id].source.clone());
            Self::say(Notice::Refused { source, reason }, emit);
            return self.settle(id, emit);
        }
        let at_once = ended && tries == 1;
        let pause = if is_clean && waited >= LOOK { STATUS.max(pause(tries)) } else { pause(tries) };
        self.reopen(id, if at_once { Duration::ZERO } else { pause }, effects);
    }

    pub(super) fn refused(&mut self, id: usize, code: Option<u16>, reason: String, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let over = self.has_ended(id) || !self.policy.live;
        let (stopped, by_time) = (self.is_stopped_sidecar(id), self.is_by_time());
        let stream = &mut self.streams[id];
        if stream.over {
            return;
        }
        let lasting = match code {
            Some(404) => {
                self.pods.entry(stream.source.pod.clone()).or_default().gone = true;
                // That it is gone is said with what the status still tells.
                stream.lines.cut();
                if !stream.lines.is_begun() && !by_time {
                    stream.over = true;
                    let task = &mut self.tasks[stream.task];
                    if stream.beside {
                        task.beside -= 1;
                    } else {
                        task.stage = Stage::Next;
                    }
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
            return self.ended(id, Some(reason), Duration::ZERO, effects, emit);
        }
        let source = Box::new(stream.source.clone());
        stream.over = true;
        Self::say(Notice::Refused { source, reason }, emit);
        self.after_container(id, emit);
    }

    fn is_gone(&self, id: usize) -> bool {
        self.pods.get(&self.streams[id].source.pod).is_some_and(|p| p.gone)
    }

    /// A container's log is over, and so is what is held of it.
    pub(super) fn settle(&mut self, id: usize, emit: &mut Emit<'_>) {
        let by_time = self.is_by_time();
        let Stream { source, lines, held, ending, over, .. } = &mut self.streams[id];
        if by_time && !std::mem::replace(ending, true) {
            // What is held has its turn later.
            return lines.end(&mut |piece| held.keep(piece));
        }
        *over = true;
        lines.end(&mut |piece| emit(LogEvent::Piece { source, piece }));
        emit(LogEvent::Ended { source });
        if self.floor == Some(id) {
            self.floor = None;
        }
        self.after_container(id, emit);
    }

    /// Lets go of a container's log that nobody wants any more.
    pub(super) fn let_go(&mut self, id: usize, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) {
        let Stream { source, lines, over, .. } = &mut self.streams[id];
        if std::mem::replace(over, true) {
            return;
        }
        lines.end(&mut |piece| emit(LogEvent::Piece { source, piece }));
        emit(LogEvent::Ended { source });
        if self.floor == Some(id) {
            self.floor = None;
        }
        if self.streams[id].beside {
            self.tasks[self.streams[id].task].beside -= 1;
        }
        effects.push(Effect::Close(id));
    }

    /// Goes on to what comes after a container: the next one, or after a failure the next attempt. As tkn, what comes
    /// after exit status 1 is not read; after any other it is.
    fn after_container(&mut self, id: usize, emit: &mut Emit<'_>) {
        let stream = &self.streams[id];
        let pod = self.pods.get(&stream.source.pod).and_then(|p| p.pod.as_ref());
        let phase = pod.map_or(Phase::Waiting, |p| Phase::of(p, &stream.source.container));
        let (source, init) = (stream.source.clone(), stream.init);
        let task = &self.tasks[stream.task];
        let step = task.step(&source.container);
        let mut stops = false;
        if was_skipped(step) {
            stops = matches!(&phase, Phase::Over(Some(end)) if end.exit_code != 0);
            let steps = if stops { skipped_from(task.steps(), &source.container) } else { vec![source.step().to_owned()] };
            let after = failed_before(task.steps(), &source.container);
            Self::say(Notice::StepsSkipped { task: source.called.label(), steps, after }, emit);
        } else if let Phase::Over(Some(end)) = phase
            && is_failure(stream, &end)
        {
            stops = init || end.exit_code == 1;
            let why = step.and_then(|s| s.termination_reason.clone());
            let later = if stops { skipped_from(task.steps(), &source.container) } else { Vec::new() };
            let (label, after) = (source.called.label(), Some(source.step().to_owned()));
            Self::say(Notice::ContainerFailed { source: Box::new(source), end, why, init }, emit);
            if !later.is_empty() {
                Self::say(Notice::StepsSkipped { task: label, steps: later, after }, emit);
            }
        } else if let Some(code) = continued(step) {
            Self::say(Notice::Continued { source: Box::new(source), code }, emit);
        }
        let by_time = self.is_by_time();
        let stream = &self.streams[id];
        let task = &mut self.tasks[stream.task];
        if stream.beside {
            task.beside -= 1;
            return;
        }
        task.reading = task.reading.saturating_sub(1);
        // What a sidecar tells of the failure is shown where tkn does not rule it out.
        let with_sidecars = self.policy.live || self.policy.init;
        match (by_time, stops) {
            (true, _) if task.reading > 0 => {}
            (false, true) if with_sidecars => task.stop(),
            (true, _) | (false, true) => task.next_attempt(),
            (false, false) => task.next_container(),
        }
    }
}

/// Whether a step did not run, because one before it failed or a condition said so.
fn was_skipped(step: Option<&StepState>) -> bool {
    step.is_some_and(|s| s.termination_reason.as_deref() == Some("Skipped"))
}

/// The steps from this container on that did not run.
fn skipped_from(steps: &[StepState], container: &str) -> Vec<String> {
    steps.iter().skip_while(|s| s.container != container).filter(|s| was_skipped(Some(s))).map(|s| s.name.clone()).collect()
}

/// The step before this container that failed, so that what comes after it does not run.
fn failed_before(steps: &[StepState], container: &str) -> Option<String> {
    let failed = |s: &&StepState| continued(Some(s)).is_none() && s.state.terminated.as_ref().is_some_and(|end| end.exit_code != 0);
    steps.iter().take_while(|s| s.container != container).filter(|s| !was_skipped(Some(s))).find(failed).map(|s| s.name.clone())
}

/// Whether an end is a failure of the task. Tekton kills sidecars when the steps are over, so only status 1 counts
/// there, as it does for tkn.
fn is_failure(stream: &Stream, end: &Terminated) -> bool {
    if stream.sidecar { end.exit_code == 1 } else { end.exit_code != 0 }
}

/// The exit status of a step that failed while the task went on: the container's own is 0 then.
fn continued(step: Option<&StepState>) -> Option<i32> {
    let step = step.filter(|s| s.termination_reason.as_deref() == Some("Continued"))?;
    step.state.terminated.as_ref().map(|t| t.exit_code).filter(|code| *code != 0)
}

/// The pause before a log is asked for again: one second, then twice as long each time, up to ten.
fn pause(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.saturating_sub(1).min(4)).min(Duration::from_secs(10))
}
