//! The pod object that stands for an attempt of a TaskRun: what readers of logs watch.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::names;
use super::super::object::{self, items, owner, stamp, text, uid};
use super::super::plan::Draft;
use super::super::spec::{Step, TaskSpec};
use super::Subject;
use super::prepare::Prepared;
use crate::kinds;
use crate::objects::meta::LAST_APPLIED;
use crate::objects::run::{RunOf as _, TaskRun};

/// Name of the node that pods seem to run on.
pub const NODE: &str = "rtkn-sandbox";

/// Name of the next attempt's pod.
pub(super) fn name(run: &Value, status: &Value) -> String {
    match items(status, "/retriesStatus").len() {
        0 => names::child(object::name(run), "-pod"),
        retries => names::child(object::name(run), &format!("-pod-retry{retries}")),
    }
}

/// A pod whose containers wait.
pub(super) fn object(subject: &Subject<'_>, draft: &Draft, prepared: &Prepared, pod_name: &str) -> Value {
    let steps = prepared.spec.steps.iter().enumerate();
    let container = |(index, step): (usize, &Step)| json!({"name": names::container(&step.name, index), "image": step.image});
    let containers: Vec<Value> = steps.map(container).collect();
    let waiting = json!({"waiting": {"reason": "PodInitializing"}});
    let statuses: Vec<Value> = containers.iter().map(|container| container_status(container, waiting.clone(), false)).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name,
            "namespace": object::namespace(subject.run),
            "labels": labels(subject.run, draft),
            "annotations": annotations(subject.run),
            "ownerReferences": owner(&kinds::TASK_RUN, subject.run),
        },
        "spec": {
            "containers": containers,
            "nodeName": NODE,
            "restartPolicy": "Never",
            "serviceAccountName": subject.spec.service_account_name,
            "volumes": volumes(prepared),
        },
        "status": {"phase": "Pending", "startTime": stamp(draft.clock.now), "containerStatuses": statuses},
    })
}

/// The workspaces and volumes of the task, by which others see what the pod waits for.
fn volumes(prepared: &Prepared) -> Vec<Value> {
    let workspace = |binding: &Value| {
        let mut volume = binding.clone();
        volume["name"] = json!(names::workspace_volume(text(binding, "/name")));
        volume.as_object_mut().map(|volume| volume.shift_remove("subPath"));
        volume
    };
    prepared.bindings.iter().map(workspace).chain(prepared.spec.volumes.iter().cloned()).collect()
}

fn labels(run: &Value, draft: &Draft) -> Map<String, Value> {
    let mut labels: Map<String, Value> = object::metadata(run, "labels").map(|(key, value)| (key.clone(), value.clone())).collect();
    labels.extend(draft.labels.clone());
    labels.insert(TaskRun::OF_CHILDREN.to_owned(), json!(object::name(run)));
    labels.insert("tekton.dev/taskRunUID".to_owned(), json!(uid(run)));
    labels.insert("app.kubernetes.io/managed-by".to_owned(), json!("tekton-pipelines"));
    labels
}

fn annotations(run: &Value) -> Map<String, Value> {
    let passed_on = object::metadata(run, "annotations").filter(|(key, _)| *key != LAST_APPLIED);
    passed_on.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// An element of `status.containerStatuses`.
pub(super) fn container_status(container: &Value, state: Value, running: bool) -> Value {
    json!({
        "name": container.get("name"),
        "image": container.get("image"),
        "imageID": "",
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
    })
}

/// A pod whose containers died with whatever ran them; those that had ended by themselves stay as they are.
pub(super) fn dead(pod: &Value, reason: &str, now: Timestamp) -> Value {
    let mut pod = pod.clone();
    for status in pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut).into_iter().flatten() {
        if status["state"].get("terminated").is_some() {
            continue;
        }
        let started = status["state"]["running"].get("startedAt").cloned().unwrap_or_else(|| stamp(now));
        let ended = json!({"exitCode": 1, "reason": reason, "startedAt": started, "finishedAt": stamp(now)});
        *status = container_status(status, json!({"terminated": ended}), false);
    }
    pod["status"]["phase"] = json!("Failed");
    pod
}

/// Sets a condition of a pod.
pub(super) fn condition(pod: &mut Value, kind: &str, holds: bool, reason: &str, message: &str) {
    let mut conditions = items(pod, "/status/conditions").to_vec();
    conditions.retain(|condition| text(condition, "/type") != kind);
    let mut condition = json!({"type": kind, "status": if holds { "True" } else { "False" }});
    for (field, value) in [("reason", reason), ("message", message)] {
        if !value.is_empty() {
            condition[field] = json!(value);
        }
    }
    conditions.push(condition);
    pod["status"]["conditions"] = Value::from(conditions);
}

/// `status.steps` of a TaskRun whose pod waits.
pub(super) fn waiting_steps(spec: &TaskSpec) -> Vec<Value> {
    let step = |(index, step): (usize, &Step)| {
        json!({
            "name": super::execution::step_name(&step.name, index),
            "container": names::container(&step.name, index),
            "waiting": {"reason": "PodInitializing"},
        })
    };
    spec.steps.iter().enumerate().map(step).collect()
}
