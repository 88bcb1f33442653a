//! Planning without a store: a run, what is around it, and a time come to actions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::object::{name, text};
use super::super::plan::{Action, Clock, Objects, Plan};
use super::Known;
use crate::kinds::{self, Kind};

/// A namespace in memory.
#[derive(Default)]
struct Namespace(HashMap<(&'static str, String), Arc<Value>>);

impl Objects for Namespace {
    fn get(&self, kind: &'static Kind, name: &str) -> Option<Arc<Value>> {
        self.0.get(&(kind.kind, name.to_owned())).cloned()
    }

    fn list(&self, kind: &'static Kind) -> Vec<Arc<Value>> {
        self.0.iter().filter(|((of, _), _)| *of == kind.kind).map(|(_, object)| object.clone()).collect()
    }
}

fn run() -> Value {
    let task = |name: &str| json!({"name": name, "taskSpec": {"steps": [{"name": "s", "image": "i", "script": "x"}]}});
    let mut second = task("b");
    second["runAfter"] = json!(["a"]);
    json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "run", "namespace": "ns", "uid": "u", "generation": 1},
        "spec": {"pipelineSpec": {"tasks": [task("a"), second]}, "timeouts": {"pipeline": "10m0s", "tasks": "5m0s"}},
    })
}

/// A pass that knows nothing of those before it, and comes to the same as one that does.
fn plan(run: &Value, namespace: &Namespace, clock: Clock) -> Plan {
    let mut known = Known::default();
    let first = super::plan(run, namespace, clock, &mut known);
    let again = super::plan(run, namespace, clock, &mut known);
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
    first
}

fn at(seconds: i64) -> Clock {
    Clock::at(Timestamp::from_second(1_000_000 + seconds).expect("a time"))
}

/// Does what a plan says, in memory. Returns the names of the TaskRuns that it makes and cancels.
fn carry_out(run: &mut Value, namespace: &mut Namespace, plan: Plan) -> Vec<String> {
    let mut done = Vec::new();
    for action in plan.actions {
        match action {
            Action::Create { kind, object } => {
                done.push(format!("create {}", name(&object)));
                namespace.0.insert((kind.kind, name(&object).to_owned()), Arc::new(object));
            }
            Action::Cancel { task_run, .. } => done.push(format!("cancel {task_run}")),
            Action::Update { status, .. } => run["status"] = status,
            _ => {}
        }
    }
    done
}

fn finish(namespace: &mut Namespace, task_run: &str, status: &str) {
    let entry = namespace.0.get_mut(&(kinds::TASK_RUN.kind, task_run.to_owned())).expect("the TaskRun is there");
    let mut object = Value::clone(entry);
    object["status"] = json!({"conditions": [{"type": "Succeeded", "status": status, "reason": "R", "message": ""}]});
    *entry = Arc::new(object);
}

#[test]
fn each_pass_does_what_is_due_and_no_more() {
    let (mut run, mut namespace) = (run(), Namespace::default());
    let first = plan(&run, &namespace, at(0));
    assert_eq!(carry_out(&mut run, &mut namespace, first), ["create run-a"]);
    assert_eq!(text(&run, "/status/childReferences/0/name"), "run-a");
    let again = plan(&run, &namespace, at(1));
    assert!(again.actions.iter().all(|action| matches!(action, Action::Update { .. })), "{:?}", again.actions);
    finish(&mut namespace, "run-a", "True");
    let second = plan(&run, &namespace, at(2));
    assert_eq!(carry_out(&mut run, &mut namespace, second), ["create run-b"]);
    finish(&mut namespace, "run-b", "True");
    let last = plan(&run, &namespace, at(3));
    carry_out(&mut run, &mut namespace, last);
    assert_eq!(text(&run, "/status/conditions/0/reason"), "Succeeded");
    assert!(plan(&run, &namespace, at(4)).actions.is_empty());
}

#[test]
fn the_nearest_limit_is_when_to_look_again() {
    let (mut run, mut namespace) = (run(), Namespace::default());
    let first = plan(&run, &namespace, at(0));
    assert_eq!(first.wake.map(|wake| wake.as_second()), Some(1_000_300));
    carry_out(&mut run, &mut namespace, first);
    let late = plan(&run, &namespace, at(301));
    assert_eq!(late.wake.map(|wake| wake.as_second()), None, "it is over");
    assert_eq!(carry_out(&mut run, &mut namespace, late), ["cancel run-a"]);
    assert_eq!(text(&run, "/status/conditions/0/reason"), "PipelineRunTimeout");
}

#[test]
fn a_start_known_exactly_wins_over_whole_seconds() {
    let (mut run, mut namespace) = (run(), Namespace::default());
    let first = plan(&run, &namespace, at(0));
    carry_out(&mut run, &mut namespace, first);
    let started = at(0).now + Duration::from_millis(900);
    let clock = Clock { started: Some(started), ..at(300) };
    let wake = plan(&run, &namespace, clock).wake.expect("it goes on");
    assert_eq!(wake.duration_since(started).as_millis(), 300_001);
}
