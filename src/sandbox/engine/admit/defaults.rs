//! What Tekton's webhook fills in: limits, ServiceAccounts, kinds of references, types of params and results.

use serde_json::{Value, json};

use super::super::object::{map_mut, text};

const TIMEOUT: &str = "1h0m0s";
const SERVICE_ACCOUNT: &str = "default";

/// Annotations under this are Tekton Chains' own; nobody else may set them.
const RESERVED_ANNOTATIONS: &str = "chains.tekton.dev/";

/// Fills in a PipelineRun.
pub fn pipeline_run(object: &mut Value) {
    drop_reserved(object);
    let spec = spec_of(object);
    let timeouts = map_mut(spec, "timeouts");
    timeouts.entry("pipeline").or_insert_with(|| json!(TIMEOUT));
    map_mut(spec, "taskRunTemplate").entry("serviceAccountName").or_insert_with(|| json!(SERVICE_ACCOUNT));
    if let Some(pipeline) = spec.get_mut("pipelineSpec") {
        pipeline_spec(pipeline);
    }
}

/// Fills in a TaskRun.
pub fn task_run(object: &mut Value) {
    drop_reserved(object);
    map_mut(object, "metadata");
    let labels = map_mut(&mut object["metadata"], "labels");
    labels.entry("app.kubernetes.io/managed-by").or_insert_with(|| json!("tekton-pipelines"));
    let spec = spec_of(object);
    if text(spec, "/timeout").is_empty() {
        spec["timeout"] = json!(TIMEOUT);
    }
    if text(spec, "/serviceAccountName").is_empty() {
        spec["serviceAccountName"] = json!(SERVICE_ACCOUNT);
    }
    reference(spec);
    if let Some(task) = spec.get_mut("taskSpec") {
        task_spec(task);
    }
}

/// Fills in the spec of a Pipeline.
pub fn pipeline_spec(spec: &mut Value) {
    each(spec, "params", param);
    for field in ["tasks", "finally"] {
        each(spec, field, |task| {
            reference(task);
            if let Some(embedded) = task.get_mut("taskSpec") {
                task_spec(embedded);
            }
        });
    }
}

/// Fills in the spec of a Task.
pub fn task_spec(spec: &mut Value) {
    each(spec, "params", param);
    each(spec, "results", result);
    each(spec, "steps", |step| each(step, "results", result));
}

fn spec_of(object: &mut Value) -> &mut Value {
    map_mut(object, "spec");
    &mut object["spec"]
}

fn each(object: &mut Value, field: &str, mut fill: impl FnMut(&mut Value)) {
    for item in object.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter(|item| item.is_object()) {
        fill(item);
    }
}

fn reference(object: &mut Value) {
    if let Some(reference) = object.get_mut("taskRef").filter(|r| r.is_object() && text(r, "/kind").is_empty()) {
        reference["kind"] = json!("Task");
    }
}

fn param(param: &mut Value) {
    if text(param, "/type").is_empty() {
        let kind = match (param.get("properties"), param.get("default")) {
            (Some(Value::Object(_)), _) | (_, Some(Value::Object(_))) => "object",
            (_, Some(Value::Array(_))) => "array",
            _ => "string",
        };
        param["type"] = json!(kind);
    }
    properties(param);
}

fn result(result: &mut Value) {
    if text(result, "/type").is_empty() {
        result["type"] = json!(if result.get("properties").is_some_and(Value::is_object) { "object" } else { "string" });
    }
    properties(result);
}

fn properties(declared: &mut Value) {
    for property in declared.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten().map(|(_, p)| p) {
        if property.is_object() && text(property, "/type").is_empty() {
            property["type"] = json!("string");
        }
    }
}

fn drop_reserved(object: &mut Value) {
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !key.starts_with(RESERVED_ANNOTATIONS));
    }
}
