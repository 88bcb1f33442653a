//! More than one run, more than one kind of child, and what is said beside the lines.

use std::sync::Arc;

use serde_json::json;

use super::{Told, end, line, pod, task};
use crate::logs::event::{Outcome, Wait};
use crate::logs::machine::{Effect, Find, Input, Order, Policy, Subject};

fn run_of(value: serde_json::Value) -> Input<'static> {
    Input::Run(Box::new(serde_json::from_value(value).unwrap()))
}

fn named(name: &str, status: &str, children: &[(&str, &str, &str)]) -> Input<'static> {
    let children: Vec<_> =
        children.iter().map(|(kind, name, task)| json!({"kind": kind, "name": name, "pipelineTaskName": task})).collect();
    run_of(json!({
        "metadata": {"name": name, "uid": name},
        "status": {"conditions": [{"type": "Succeeded", "status": status, "message": "it is so"}], "childReferences": children},
    }))
}

fn listed(told: &mut Told, runs: &[&str]) {
    let runs: Arc<[String]> = runs.iter().map(|run| (*run).to_owned()).collect();
    told.tell(Input::TasksListed(runs.clone())).tell(Input::PodsListed(runs));
}

#[test]
fn the_end_of_one_of_several_runs_is_not_the_end_of_the_others() {
    let mut told = Told::with(Subject::PipelineRun, &["a", "b"], Policy { live: true, ..Policy::default() });
    told.tell(named("a", "Unknown", &[("TaskRun", "a-x", "x")])).tell(named("b", "Unknown", &[("TaskRun", "b-x", "x")]));
    told.tell(task("a-x", "Unknown", &["pa"])).tell(task("b-x", "Unknown", &["pb"]));
    told.tell(pod("pa", &[("step-s", None)])).tell(pod("pb", &[("step-s", None)]));
    assert_eq!(told.opened().len(), 2);
    told.tell(line(0, "half a li")).tell(Input::RunGone("a".into()));
    assert!(told.effects.contains(&Effect::Close(0)), "{:?}", told.effects);
    told.tell(line(0, "nobody hears this\n")).tell(line(1, "whole\n"));
    told.tell(pod("pb", &[("step-s", Some(0))])).tell(end(1)).tell(end(1));
    told.tell(task("b-x", "True", &["pb"])).tell(named("b", "True", &[("TaskRun", "b-x", "x")]));
    assert_eq!(told.text, "! RunGone { run: \"a\" }\na-x/s: half a li\na-x/s ended\nb-x/s: whole\nb-x/s ended\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Deleted)), "{:?}", told.machine.outcome());
}

#[test]
fn custom_runs_are_told_as_they_change_and_found_where_nobody_tells() {
    let mut told = Told::new(true);
    told.tell(named("r", "Unknown", &[("CustomRun", "r-wait", "wait")]));
    assert_eq!(told.effects.pop_front(), Some(Effect::Customs("r".into())));
    let stands = |status: &str| {
        let condition = serde_json::from_value(json!({"type": "Succeeded", "status": status})).unwrap();
        Some((crate::objects::verdict::Verdict::of(Some(&condition)), "m".to_owned()))
    };
    let child = |status| Input::Child { name: "r-wait".into(), stands: stands(status) };
    told.tell(child("Unknown")).tell(child("Unknown")).tell(child("True"));
    told.tell(named("r", "True", &[("CustomRun", "r-wait", "wait")]));
    assert_eq!(told.text.matches("r-wait").count(), 2, "{}", told.text);

    let mut told = Told::new(false);
    told.tell(named("r", "True", &[("CustomRun", "r-wait", "wait")])).listed();
    assert_eq!(told.effects.pop_front(), Some(Effect::Find(Find::Custom("r-wait".into()))));
    told.tell(child("True"));
    assert!(matches!(told.machine.outcome(), Some(Outcome::Succeeded)));
}

#[test]
fn only_the_attempt_that_was_asked_for_is_read() {
    let mut told = Told::with(Subject::PipelineRun, &["r"], Policy { attempt: Some(2), ..Policy::default() });
    told.tell(named("r", "True", &[("TaskRun", "r-a", "a"), ("TaskRun", "r-b", "b")]));
    told.tell(task("r-a", "True", &["p1", "p2", "p3"])).tell(task("r-b", "True", &["q1"]));
    for name in ["p1", "p2", "p3", "q1"] {
        told.tell(pod(name, &[("step-x", Some(0))]));
    }
    listed(&mut told, &["r"]);
    assert_eq!(told.opened(), [(0, "p2/step-x".into(), false)]);
    told.tell(end(0));
    assert!(told.text.contains("NoAttempt { task: \"b\", attempt: 2, attempts: 1 }"), "{}", told.text);
}

#[test]
fn tasks_are_asked_for_by_their_own_name_or_that_around_them() {
    for (asked, opened) in [("inner", vec!["p1/step-x"]), ("outer", vec!["p1/step-x", "p2/step-x"]), ("outer > leaf", vec!["p2/step-x"])] {
        let mut told = Told::with(Subject::PipelineRun, &["r"], Policy { tasks: vec![asked.into()], ..Policy::default() });
        told.tell(named("r", "True", &[("PipelineRun", "n", "outer"), ("TaskRun", "r-a", "a")]));
        told.tell(named("n", "True", &[("TaskRun", "n-i", "inner"), ("TaskRun", "n-l", "leaf")]));
        told.tell(task("r-a", "True", &["p0"])).tell(task("n-i", "True", &["p1"])).tell(task("n-l", "True", &["p2"]));
        for name in ["p0", "p1", "p2"] {
            told.tell(pod(name, &[("step-x", Some(0))]));
        }
        listed(&mut told, &["r", "n"]);
        let mut all = Vec::new();
        while let Some((stream, place, _)) = told.opened().pop() {
            all.push(place);
            told.tell(end(stream));
        }
        assert_eq!(all, opened, "{asked}");
    }
}

#[test]
fn of_a_task_run_that_is_not_followed_and_has_not_begun_it_is_said_why() {
    let mut told = Told::with(Subject::TaskRun, &["n"], Policy::default());
    told.tell(task("n", "Unknown", &["p"]));
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "step-x"}]}, "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}});
    told.tell(Input::Pod(Box::new(serde_json::from_value(pod).unwrap())));
    listed(&mut told, &["n"]);
    assert_eq!(told.text, "! TaskRun n has not begun: Unschedulable: 0/1 nodes\n");
}

#[test]
fn of_a_run_that_nobody_has_taken_up_it_is_said() {
    let mut told = Told::new(false);
    told.tell(Input::Run(Box::new(serde_json::from_value(json!({"metadata": {"name": "r", "uid": "1"}})).unwrap()))).listed();
    assert_eq!(told.text, "! PipelineRun r has not begun: Tekton has not taken it up yet\n");
    assert!(matches!(told.machine.outcome(), Some(Outcome::Unstarted)));
}

#[test]
fn a_pod_in_the_place_of_one_that_was_read_is_told() {
    let mut told = Told::with(Subject::TaskRun, &["n"], Policy { live: true, ..Policy::default() });
    told.tell(task("n", "Unknown", &["p"]));
    let pod = |uid: &str| {
        let pod = json!({"metadata": {"name": "p", "uid": uid}, "spec": {"containers": [{"name": "step-x"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "step-x", "state": {"running": {}}}]}});
        Input::Pod(Box::new(serde_json::from_value(pod).unwrap()))
    };
    told.tell(pod("1")).tell(pod("1"));
    assert_eq!(told.text, "");
    told.tell(pod("2"));
    assert_eq!(told.text, "! Task 0: another p\n");
}

#[test]
fn what_a_followed_run_waits_for_is_known() {
    let why = |told: &Told| told.machine.waits().into_iter().map(|Wait { who, why }| format!("{who}: {why}")).collect::<Vec<_>>();
    let mut told = Told::new(true);
    told.tell(run_of(json!({"metadata": {"name": "r", "uid": "1"}, "status": {"conditions": [
        {"type": "Succeeded", "status": "Unknown", "reason": "PipelineRunPending", "message": "PipelineRun \"r\" is pending"}]}})));
    assert_eq!(why(&told), ["PipelineRun r: PipelineRunPending: PipelineRun \"r\" is pending"]);
    told.tell(run_of(json!({"metadata": {"name": "r", "uid": "1"}, "status": {
        "conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": "Tasks Completed: 0"}],
        "childReferences": [{"kind": "TaskRun", "name": "r-a", "pipelineTaskName": "a"}]}})));
    assert!(why(&told).is_empty());
    let waiting = |reason: &str, pod: &str| {
        Input::Task(Box::new(
            serde_json::from_value(json!({"metadata": {"name": "r-a"}, "status": {"podName": pod, "conditions": [
                {"type": "Succeeded", "status": "Unknown", "reason": reason, "message": "pods is forbidden: exceeded quota"}]}}))
            .unwrap(),
        ))
    };
    told.tell(waiting("ExceededResourceQuota", ""));
    assert_eq!(why(&told), ["task a: ExceededResourceQuota: pods is forbidden: exceeded quota"]);
    told.tell(waiting("Pending", "p"));
    let pod = |status| {
        Input::Pod(Box::new(
            serde_json::from_value(json!({"metadata": {"name": "p"},
        "spec": {"nodeName": "n1", "containers": [{"name": "step-x", "image": "busybox:1"}]}, "status": status}))
            .unwrap(),
        ))
    };
    told.tell(pod(json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]})));
    assert_eq!(why(&told), ["task a: Unschedulable: 0/1 nodes"]);
    told.tell(pod(
        json!({"containerStatuses": [{"name": "step-x", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such"}}}]}),
    ));
    assert_eq!(why(&told), ["task a: ImagePullBackOff of image busybox:1 (step-x): no such"]);
    told.tell(pod(json!({"containerStatuses": [{"name": "step-x", "state": {"waiting": {"reason": "PodInitializing"}}}]})));
    assert_eq!(why(&told), ["task a: node n1 gets image busybox:1 ready"]);
    told.tell(pod(json!({"phase": "Running", "containerStatuses": [{"name": "step-x", "state": {"running": {}}}]})));
    assert!(why(&told).is_empty());
}

#[test]
fn events_stand_between_the_lines_of_their_pod_once() {
    let event = |name: &str, pod: &str| {
        Input::Event(Box::new(
            serde_json::from_value(json!({"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": pod}, "reason": "Pulled"}))
                .unwrap(),
        ))
    };
    let mut told = Told::new(true);
    told.tell(event("e1", "p")).tell(event("e1", "other"));
    told.tell(named("r", "Unknown", &[("TaskRun", "r-a", "a")])).tell(task("r-a", "Unknown", &["p"])).tell(pod("p", &[("step-x", None)]));
    told.tell(line(0, "one\n")).tell(event("e2", "p")).tell(event("e2", "p"));
    assert_eq!(told.text, "* a Some(\"Pulled\")\nr-a/x: one\n* a Some(\"Pulled\")\n");
}

#[test]
fn what_the_cluster_said_before_the_task_run_named_its_pod_is_told() {
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": "FailedScheduling"});
    let mut told = Told::new(true);
    told.tell(named("r", "Unknown", &[("TaskRun", "r-a", "a")])).tell(task("r-a", "Unknown", &[]));
    told.tell(Input::Event(Box::new(serde_json::from_value(event).unwrap())));
    assert_eq!(told.text, "");
    told.tell(task("r-a", "Unknown", &["p"]));
    assert_eq!(told.text, "* a Some(\"FailedScheduling\")\n");
}

#[test]
fn what_a_sidecar_tells_of_a_failure_is_shown_while_followed_and_with_all() {
    for (live, init, shown) in [(true, false, true), (false, true, true), (false, false, false)] {
        let mut told = Told::with(Subject::PipelineRun, &["r"], Policy { live, init, ..Policy::default() });
        told.tell(named("r", "False", &[("TaskRun", "r-a", "a")])).tell(task("r-a", "False", &["p"]));
        told.tell(pod("p", &[("step-x", Some(1)), ("step-y", Some(1)), ("sidecar-web", Some(0))]));
        listed(&mut told, &["r"]);
        told.tell(end(0)).tell(end(1));
        assert!(!told.text.contains("r-a/y"), "{}", told.text);
        assert_eq!(told.text.contains("r-a/sidecar-web ended"), shown, "{live} {init}: {}", told.text);
        assert!(told.machine.outcome().is_some());
    }
}

#[test]
fn a_task_is_named_with_its_run_where_there_are_several() {
    let mut told = Told::with(Subject::PipelineRun, &["r", "q"], Policy::default());
    told.tell(named("r", "False", &[("TaskRun", "r-a", "a")])).tell(named("q", "True", &[])).tell(task("r-a", "False", &["p"]));
    told.tell(pod("p", &[("step-x", Some(2))]));
    listed(&mut told, &["r", "q"]);
    assert!(told.text.starts_with("! r > a failed\n"), "{}", told.text);
}

#[test]
fn a_status_other_than_one_does_not_hide_what_comes_after_it() {
    let mut told = Told::with(Subject::PipelineRun, &["r"], Policy { order: Order::Usual, ..Policy::default() });
    told.tell(named("r", "False", &[("TaskRun", "r-a", "a")])).tell(task("r-a", "False", &["p"]));
    told.tell(pod("p", &[("step-x", Some(5)), ("sidecar-web", Some(0))]));
    listed(&mut told, &["r"]);
    told.tell(end(0)).tell(end(1));
    assert_eq!(told.text, "! a failed\nr-a/x ended\n! step-x exited with 5\nr-a/web ended\n! it is so\n".replace("web", "sidecar-web"));
}

#[test]
fn a_sidecar_is_read_while_the_steps_run() {
    let mut told = Told::new(true);
    told.tell(named("r", "Unknown", &[("TaskRun", "r-a", "a")])).tell(task("r-a", "Unknown", &["p"]));
    told.tell(pod("p", &[("step-x", None), ("sidecar-web", None)]));
    told.tell(line(0, "serving\n")).tell(line(1, "tested\n")).tell(line(0, "served\n"));
    let both = "r-a/sidecar-web: serving\nr-a/x: tested\nr-a/sidecar-web: served\n";
    assert_eq!(told.text, both);
    told.tell(pod("p", &[("step-x", Some(0)), ("sidecar-web", None)])).tell(end(1)).tell(end(1)).tell(task("r-a", "True", &["p"]));
    told.tell(named("r", "True", &[("TaskRun", "r-a", "a")]));
    listed(&mut told, &["r"]);
    assert_eq!(told.text, format!("{both}r-a/x ended\n"), "the sidecar's end is still to come");
    told.tell(end(0));
    assert_eq!(told.text, format!("{both}r-a/x ended\nr-a/sidecar-web ended\n"));
    assert!(told.machine.outcome().is_some());
}
