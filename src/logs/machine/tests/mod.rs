//! Runs as the machine sees them: a script of inputs, and what it prints and asks for.

mod interleavings;
mod several;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{Effect, Find, Follow, Input, LogEvent, Opening, Policy, Subject};
use crate::logs::event::{Notice, Outcome};

fn run(status: &str, children: &[(&str, &str)]) -> Input<'static> {
    let references: Vec<Value> =
        children.iter().map(|(name, task)| json!({"kind": "TaskRun", "name": name, "pipelineTaskName": task})).collect();
    let value = json!({
        "metadata": {"name": "r", "uid": "1"},
        "status": {"conditions": [{"type": "Succeeded", "status": status, "message": "it is so"}], "childReferences": references},
    });
    Input::Run(Box::new(serde_json::from_value(value).unwrap()))
}

fn task(name: &str, status: &str, pods: &[&str]) -> Input<'static> {
    let (last, earlier) = pods.split_last().unwrap_or((&"", &[]));
    let retries: Vec<Value> = earlier.iter().map(|pod| json!({"podName": pod})).collect();
    let value = json!({
        "metadata": {"name": name, "uid": name},
        "status": {
            "conditions": [{"type": "Succeeded", "status": status, "message": "for a reason"}],
            "startTime": "2026-01-02T03:04:05Z", "podName": last, "retriesStatus": retries,
        },
    });
    Input::Task(Box::new(serde_json::from_value(value).unwrap()))
}

/// A pod with steps; a code for one that has ended.
fn pod(name: &str, steps: &[(&str, Option<i32>)]) -> Input<'static> {
    let containers: Vec<Value> = steps.iter().map(|(name, _)| json!({"name": name})).collect();
    let state = |code: &Option<i32>| match code {
        Some(code) => json!({"terminated": {"exitCode": code, "reason": "Error"}}),
        None => json!({"running": {}}),
    };
    let statuses: Vec<Value> = steps.iter().map(|(name, code)| json!({"name": name, "state": state(code)})).collect();
    let value = json!({"metadata": {"name": name}, "spec": {"containers": containers}, "status": {"phase": "Running", "containerStatuses": statuses}});
    Input::Pod(Box::new(serde_json::from_value(value).unwrap()))
}

/// The machine with all that it told.
struct Told {
    machine: Follow,
    text: String,
    effects: VecDeque<Effect>,
}

impl Told {
    fn new(live: bool) -> Self {
        Self::with(Subject::PipelineRun, &["r"], Policy { live, ..Policy::default() })
    }

    fn with(subject: Subject, roots: &[&str], policy: Policy) -> Self {
        let roots = roots.iter().map(|root| (*root).to_owned());
        Self { machine: Follow::new(subject, roots, policy), text: String::new(), effects: VecDeque::new() }
    }

    fn tell(&mut self, input: Input<'_>) -> &mut Self {
        let text = &mut self.text;
        let effects = self.machine.step(input, &mut |event| match event {
            LogEvent::Piece { source, piece } => {
                if piece.begins {
                    text.push_str(&format!("{}/{}: ", source.run, source.step()));
                }
                text.push_str(&String::from_utf8_lossy(piece.text));
                if piece.ends() {
                    text.push('\n');
                }
            }
            LogEvent::Ended { source } => text.push_str(&format!("{}/{} ended\n", source.run, source.step())),
            LogEvent::Begun { .. } => {}
            LogEvent::Cluster { called, event } => text.push_str(&format!("* {} {:?}\n", called.label(), event.reason)),
            LogEvent::Said(notice) => text.push_str(&said(&notice)),
        });
        self.effects.extend(effects);
        self
    }

    /// Everything that belongs to `r` has been told.
    fn listed(&mut self) -> &mut Self {
        let runs: Arc<[String]> = Arc::from(["r".to_owned()]);
        self.tell(Input::TasksListed(runs.clone())).tell(Input::PodsListed(runs))
    }

    fn opened(&mut self) -> Vec<(usize, String, bool)> {
        let opened = self.effects.drain(..).filter_map(|e| match e {
            Effect::Open(open) => Some((open.stream, format!("{}/{}", open.pod, open.container), open.follow)),
            _ => None,
        });
        opened.collect()
    }
}

fn said(notice: &Notice) -> String {
    match notice {
        Notice::TaskFailed { task, .. } => format!("! {task} failed\n"),
        Notice::ContainerFailed { source, end, .. } => format!("! {} exited with {}\n", source.container, end.exit_code),
        Notice::RunFailed { message, .. } => format!("! {message}\n"),
        Notice::PodGone { pod, .. } => format!("! {pod} gone\n"),
        Notice::PodReplaced { task, pod } => format!("! {task}: another {pod}\n"),
        Notice::NotBegun(wait) => format!("! {} has not begun: {}\n", wait.who, wait.why),
        Notice::NotStarted { task } => format!("! {task} not started\n"),
        Notice::Interrupted { .. } => String::new(),
        Notice::TaskRunGone { run, .. } => format!("! {run} gone\n"),
        other => format!("! {other:?}\n"),
    }
}

fn end(stream: usize) -> Input<'static> {
    Input::Ended { stream, broken: None, waited: Duration::ZERO }
}

fn line(stream: usize, text: &'static str) -> Input<'static> {
    Input::Bytes { stream, bytes: text.as_bytes() }
}

#[test]
fn a_failed_attempt_and_its_retry_are_read_one_after_the_other() {
    let mut told = Told::new(false);
    told.tell(run("True", &[("r-a", "a")])).tell(task("r-a", "True", &["p1", "p2"]));
    told.tell(pod("p1", &[("step-x", Some(1)), ("step-y", Some(1))])).tell(pod("p2", &[("step-x", Some(0))]));
    told.listed();
    assert_eq!(told.opened(), [(0, "p1/step-x".into(), false)]);
    told.tell(line(0, "one\n")).tell(end(0));
    assert_eq!(told.opened(), [(1, "p2/step-x".into(), false)]);
    told.tell(line(1, "two\n")).tell(end(1));
    assert_eq!(told.text, "r-a/x: one\nr-a/x ended\n! step-x exited with 1\nr-a/x: two\nr-a/x ended\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Succeeded)));
}

#[test]
fn a_followed_step_is_over_only_when_its_container_is() {
    let mut told = Told::new(true);
    told.tell(run("Unknown", &[("r-a", "a")])).tell(task("r-a", "Unknown", &["p"])).tell(pod("p", &[("step-x", None)]));
    assert_eq!(told.opened(), [(0, "p/step-x".into(), true)]);
    // The kubelet restarts: the stream ends cleanly, the container goes on.
    told.tell(line(0, "2026-01-02T03:04:05.5Z one\n")).tell(end(0));
    assert_eq!(told.opened(), [(0, "p/step-x".into(), true)]);
    told.tell(pod("p", &[("step-x", Some(0))]));
    assert_eq!(told.opened(), [(0, "p/step-x".into(), false)]);
    told.tell(line(0, "2026-01-02T03:04:05.5Z one\n2026-01-02T03:04:05.6Z two\n")).tell(end(0));
    told.tell(task("r-a", "True", &["p"])).tell(run("True", &[("r-a", "a")]));
    assert_eq!(told.text, "r-a/x: one\nr-a/x: two\nr-a/x ended\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Succeeded)));
}

/// A stream with a line written at 03:04:05.5 that stays open for so many milliseconds more and then ends cleanly, before
/// or after the step is said to have ended at 03:04:05; whether the log is asked for once more.
fn is_read_again(open_for: u64, told_before: bool) -> bool {
    let over = || {
        let mut over = pod("p", &[("step-x", Some(0))]);
        if let Input::Pod(pod) = &mut over {
            let ended = pod.status.container_statuses[0].state.terminated.as_mut().unwrap();
            ended.finished_at = "2026-01-02T03:04:05Z".parse().ok();
        }
        over
    };
    let mut told = Told::new(true);
    told.tell(run("Unknown", &[("r-a", "a")])).tell(task("r-a", "Unknown", &["p"])).tell(pod("p", &[("step-x", None)]));
    told.tell(line(0, "2026-01-02T03:04:05.5Z one\n"));
    if told_before {
        told.tell(over());
    }
    told.effects.clear();
    told.tell(Input::Ended { stream: 0, broken: None, waited: Duration::from_millis(open_for) });
    if !told_before {
        told.effects.clear();
        told.tell(over());
    }
    let again = !told.opened().is_empty();
    assert_eq!(told.text, if again { "r-a/x: one\n" } else { "r-a/x: one\nr-a/x ended\n" });
    again
}

#[test]
fn a_stream_that_outlived_its_step_came_to_the_logs_end() {
    for told_before in [true, false] {
        // The step ended before 03:04:06, to which the stream was open.
        assert!(!is_read_again(500, told_before));
        assert!(!is_read_again(1500, told_before));
    }
}

#[test]
fn a_log_is_read_again_where_its_stream_may_have_ended_before_the_step() {
    for told_before in [true, false] {
        assert!(is_read_again(0, told_before));
        assert!(is_read_again(499, told_before));
        // It hung, so what came of it before it ended is not known to be all.
        assert!(is_read_again(20_000, told_before));
    }
}

fn between(name: &str, pod: &str, start: &str, end: Option<&str>) -> Input<'static> {
    let status = if end.is_some() { "True" } else { "Unknown" };
    let value = json!({
        "metadata": {"name": name, "uid": name},
        "status": {
            "conditions": [{"type": "Succeeded", "status": status}], "podName": pod,
            "startTime": start, "completionTime": end,
        },
    });
    Input::Task(Box::new(serde_json::from_value(value).unwrap()))
}

#[test]
fn what_ended_before_a_followed_task_began_is_told_before_it() {
    let mut told = Told::new(true);
    told.tell(run("Unknown", &[("r-a", "a"), ("r-b", "b"), ("r-c", "c")]));
    told.tell(between("r-a", "p1", "2026-01-02T03:04:05Z", Some("2026-01-02T03:04:06Z")));
    told.tell(between("r-b", "p2", "2026-01-02T03:04:07Z", None));
    told.tell(between("r-c", "p3", "2026-01-02T03:04:05Z", None));
    told.tell(pod("p3", &[("step-z", None)])).tell(pod("p2", &[("step-y", None)])).tell(pod("p1", &[("step-x", Some(0))]));
    assert_eq!(told.opened(), [(0, "p3/step-z".into(), true), (1, "p1/step-x".into(), false)]);
    told.tell(end(1));
    assert_eq!(told.opened(), [(2, "p2/step-y".into(), true)]);
}

#[test]
fn a_run_that_is_deleted_ends_its_following() {
    let mut told = Told::new(true);
    told.tell(run("Unknown", &[])).tell(Input::RunGone("r".into()));
    assert!(matches!(told.machine.outcome(), Some(Outcome::Deleted)));
}

#[test]
fn what_is_gone_is_said_and_not_waited_for() {
    let mut told = Told::new(false);
    told.tell(run("False", &[("r-a", "a"), ("r-b", "b")])).tell(task("r-a", "False", &["p"]));
    told.listed();
    assert_eq!(told.effects.pop_front(), Some(Effect::Find(Find::Task("r-b".into()))));
    told.tell(Input::TaskGone { name: "r-b".into(), reason: None });
    assert_eq!(told.effects.pop_front(), Some(Effect::Find(Find::Pod("p".into()))));
    told.tell(Input::PodGone("p".into()));
    assert_eq!(told.text, "! a failed\n! p gone\n! r-b gone\n! it is so\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Failed)));
}

#[test]
fn a_task_that_will_not_begin_any_more_does_not_hold_up_the_end() {
    let mut told = Told::new(true);
    told.tell(run("False", &[("r-a", "a")])).listed();
    assert_eq!(told.effects.pop_front(), Some(Effect::Find(Find::Task("r-a".into()))));
    told.tell(task("r-a", "False", &[]));
    assert_eq!(told.text, "! a failed\n! it is so\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Failed)));
}

#[test]
fn a_long_line_keeps_the_floor_until_it_ends() {
    let mut told = Told::new(true);
    told.tell(run("Unknown", &[("r-a", "a")])).tell(task("r-a", "Unknown", &["p"])).tell(pod("p", &[("step-x", None)]));
    let part = vec![b'x'; 100_000];
    told.tell(Input::Bytes { stream: 0, bytes: &part });
    assert!(told.machine.takes(0) && !told.machine.takes(1));
    told.tell(line(0, "\n"));
    assert!(told.machine.takes(1));
}

/// A log of one step as a server keeps it, and a server that cuts streams where it likes.
struct Server {
    records: Vec<(i64, String)>,
    cuts: VecDeque<(usize, bool)>,
}

const BEGIN: i64 = 1_800_000_000;

impl Server {
    /// What a stream from a time on gives, and whether it breaks. A server that is cut off while it follows may seem to
    /// end well.
    fn stream(&mut self, since: Option<jiff::Timestamp>, written: usize, follow: bool) -> (Vec<u8>, bool) {
        let since = since.map_or(0, |t| t.as_second());
        let mut text = Vec::new();
        for (at, line) in self.records[..written].iter().filter(|(at, _)| at / 1_000_000_000 >= since) {
            let time = jiff::Timestamp::from_nanosecond(i128::from(*at)).unwrap();
            text.extend_from_slice(format!("{time:.9} {line}\n").as_bytes());
        }
        let (cut, broken) = self.cuts.pop_front().unwrap_or((usize::MAX, false));
        let broken = cut < text.len() && (broken || !follow);
        text.truncate(cut);
        (text, broken)
    }
}

fn records() -> impl Strategy<Value = Vec<(i64, String)>> {
    let pause = prop::sample::select(vec![0_i64, 1_000, 200_000_000, 1_100_000_000]);
    prop::collection::vec((pause, "[a-z]{0,12}"), 0..25).prop_map(|lines| {
        let mut at = BEGIN * 1_000_000_000;
        let stamp = |(pause, text)| {
            at += pause;
            (at, text)
        };
        lines.into_iter().map(stamp).collect()
    })
}

proptest! {
    #[test]
    fn a_step_is_told_once_and_in_order_whatever_the_server_cuts(
        records in records(),
        cuts in prop::collection::vec((0..400_usize, any::<bool>()), 0..6),
        ends_at in 0..6_usize,
    ) {
        let mut told = Told::new(true);
        let mut server = Server { records: records.clone(), cuts: cuts.into() };
        told.tell(run("Unknown", &[("r-a", "a")])).tell(task("r-a", "Unknown", &["p"])).tell(pod("p", &[("step-x", None)]));
        let mut opened = 0;
        while let Some(effect) = told.effects.pop_front() {
            let Effect::Open(open) = effect else { continue };
            let Opening { stream, since, follow, .. } = *open;
            // The container writes while streams come and go; a stream that does not follow comes after its end.
            let written = if follow { (records.len() * opened / ends_at.max(1)).min(records.len()) } else { records.len() };
            let (bytes, broken) = server.stream(since, written, follow);
            let broken = broken.then(|| "connection reset".to_owned());
            for chunk in bytes.chunks(7) {
                told.tell(Input::Bytes { stream, bytes: chunk });
            }
            if opened == ends_at {
                told.tell(pod("p", &[("step-x", Some(0))]));
            }
            // A stream that is opened anew is not heard of any more as it was before.
            if !told.effects.iter().any(|e| matches!(e, Effect::Open(_))) {
                told.tell(Input::Ended { stream, broken, waited: Duration::ZERO });
            }
            opened += 1;
            prop_assert!(opened < 60, "it does not end");
        }
        told.tell(task("r-a", "True", &["p"])).tell(run("True", &[("r-a", "a")]));
        let expected: String = records.iter().map(|(_, l)| format!("r-a/x: {l}\n")).chain(["r-a/x ended\n".to_owned()]).collect();
        prop_assert_eq!(&told.text, &expected);
        prop_assert!(matches!(told.machine.outcome(), Some(Outcome::Succeeded)));
    }
}
