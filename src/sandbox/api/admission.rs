//! What an object has to be before it is kept: names, the few rules of core kinds that Tekton's users meet, and the
//! engine's own validation.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use crate::kinds::{self, Kind};
use crate::objects::drop_nulls;
use crate::objects::name::{LABEL_MAX, is_label, is_subdomain};
use crate::sandbox::engine;
use crate::sandbox::listeners;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
/// Kinds whose names become labels, so that Tekton's webhooks bound them. An EventListener has a limit of its own.
static SHORT_NAMED: [&Kind; 8] = [
    &kinds::PIPELINE,
    &kinds::PIPELINE_RUN,
    &kinds::TASK,
    &kinds::TASK_RUN,
    &kinds::TRIGGER,
    &kinds::TRIGGER_BINDING,
    &kinds::CLUSTER_TRIGGER_BINDING,
    &kinds::TRIGGER_TEMPLATE,
];
/// What stands for a `generateName` that ends in `-` while its name is not known.
const PLACEHOLDER: &str = "x";

/// Keys that the data of a Secret must have one of, by type.
const SECRET_KEYS: &[(&str, &[&str])] = &[
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/basic-auth", &["username", "password"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
];

/// Checks a new object and fills in what it leaves out.
pub fn check_new(kind: &'static Kind, object: &mut Value) -> Result<(), ApiError> {
    check_name(kind, object)?;
    if kind == &kinds::NAMESPACE {
        let name = object["metadata"]["name"].clone();
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        object["status"] = json!({"phase": "Active"});
    }
    if kind == &kinds::PERSISTENT_VOLUME_CLAIM {
        object["status"] = json!({"phase": "Pending"});
    }
    complete(kind, object)?;
    admit(kind, object)
}

/// Checks a changed object.
pub fn check_update(kind: &'static Kind, before: &Value, object: &mut Value) -> Result<(), ApiError> {
    complete(kind, object)?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if kind == &kinds::SECRET && before["type"] != object["type"] {
        let found = object["type"].as_str().unwrap_or_default();
        return Err(ApiError::invalid(kind, name, "type", &format!("Invalid value: {found:?}: field is immutable")));
    }
    if [&kinds::ROLE_BINDING, &kinds::CLUSTER_ROLE_BINDING].contains(&kind) && before["roleRef"] != object["roleRef"] {
        return Err(ApiError::invalid(kind, name, "roleRef", "Invalid value: cannot change roleRef"));
    }
    if before["immutable"] == true && (before["data"] != object["data"] || object["immutable"] != true) {
        return Err(ApiError::invalid(kind, name, "data", "Forbidden: field is immutable when `immutable` is set"));
    }
    if before.get("spec") == object.get("spec") {
        return Ok(());
    }
    // As it would be kept, with what is filled in: the same manifest once more changes nothing.
    let fixed = run_is_fixed(kind, before, object);
    let admitted = admit(kind, object);
    if admitted.is_ok() && before.get("spec") == object.get("spec") {
        return Ok(());
    }
    fixed.map_or(admitted, |problem| Err(denied(&[format!("invalid value: {problem}")])))
}

/// Once a run has begun, its spec changes only to stop it.
fn run_is_fixed(kind: &Kind, before: &Value, object: &Value) -> Option<String> {
    let (changeable, words): (&[&str], _) = match kind {
        kind if kind == &kinds::PIPELINE_RUN => (&["status"], "status"),
        kind if kind == &kinds::TASK_RUN => (&["status", "statusMessage"], "status and statusMessage"),
        _ => return None,
    };
    if before["status"]["completionTime"].is_string() {
        return Some(format!("Once the {} is complete, no updates are allowed", kind.kind));
    }
    let fixed = |object: &Value| {
        let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|field, _| !changeable.contains(&field.as_str()));
        spec
    };
    let changed = fixed(before) != fixed(object);
    changed.then(|| format!("Once the {} has started, only {words} updates are allowed", kind.kind))
}

fn admit(kind: &'static Kind, object: &mut Value) -> Result<(), ApiError> {
    if SHORT_NAMED.contains(&kind) && object["metadata"]["name"].as_str().is_some_and(|name| name.len() > LABEL_MAX) {
        let problem = format!("Invalid resource name: length must be no more than {LABEL_MAX} characters: metadata.name");
        return Err(denied(&[problem]));
    }
    engine::admit(kind, object).and_then(|()| listeners::admit(kind, object)).map_err(|problems| denied(&problems))
}

fn denied(problems: &[String]) -> ApiError {
    ApiError::bad_request(format!("admission webhook \"sandbox.rtkn\" denied the request: validation failed: {}", problems.join("; ")))
}

fn check_name(kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    let (field, shown, name) = match (text("name"), text("generateName")) {
        ("", prefix) => ("metadata.generateName", prefix, format!("{prefix}{PLACEHOLDER}")),
        (name, _) => ("metadata.name", name, name.to_owned()),
    };
    let rbac = kind.group == "rbac.authorization.k8s.io";
    let problem = if rbac {
        let legal = ![".", ".."].contains(&shown) && !shown.contains(['/', '%']);
        (!legal).then_some("may not be '.' or '..', or contain '/' or '%'")
    } else if kind == &kinds::NAMESPACE {
        (!is_label(&name)).then_some(LABEL)
    } else {
        (!is_subdomain(&name)).then_some(SUBDOMAIN)
    };
    match problem {
        Some(problem) => Err(ApiError::invalid(kind, shown, field, &format!("Invalid value: {shown:?}: {problem}"))),
        None => Ok(()),
    }
}

/// The server's own part of core kinds.
fn complete(kind: &Kind, object: &mut Value) -> Result<(), ApiError> {
    if kind.group == kinds::PIPELINE_RUN.group
        && let Some(spec) = object.get_mut("spec")
    {
        read_null_params(spec);
        drop_nulls(spec);
    }
    match kind {
        kind if kind == &kinds::SECRET => complete_secret(object),
        kind if kind == &kinds::CONFIG_MAP => check_config_map(object),
        _ => {
            listeners::complete(kind, object);
            Ok(())
        }
    }
}

/// A param that is given `null` has the empty text, where elsewhere `null` is nothing (Pipelines, `ParamValue.UnmarshalJSON`).
fn read_null_params(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(read_null_params),
        Value::Object(fields) => {
            let params = fields.get_mut("params").and_then(Value::as_array_mut).into_iter().flatten();
            for value in params.filter_map(|param| param.get_mut("value")).filter(|value| value.is_null()) {
                *value = json!("");
            }
            fields.values_mut().for_each(read_null_params);
        }
        _ => {}
    }
}

/// A ConfigMap holds texts, and bytes as base64.
fn check_config_map(object: &Value) -> Result<(), ApiError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    for field in ["data", "binaryData"] {
        let entries = object[field].as_object().into_iter().flatten();
        if let Some((key, _)) = entries.into_iter().find(|(_, value)| !value.is_string() && !value.is_null()) {
            return Err(ApiError::bad_request(format!("ConfigMap {name:?}: {field}.{key} is no text: write it in quotes")));
        }
    }
    Ok(())
}

/// Moves a Secret's `stringData` into `data`, where it is kept and managed.
pub fn settle_plain_text(kind: &Kind, secret: &mut Value) -> Result<(), ApiError> {
    if kind != &kinds::SECRET {
        return Ok(());
    }
    let plain = secret.as_object_mut().and_then(|fields| fields.shift_remove("stringData"));
    let Some(Value::Object(plain)) = plain else { return Ok(()) };
    if !secret["data"].is_object() {
        secret["data"] = Value::Object(Map::new());
    }
    for (key, value) in plain {
        let Some(text) = value.as_str() else {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default();
            return Err(ApiError::bad_request(format!("Secret {name:?}: stringData.{key} is no string")));
        };
        secret["data"][key.as_str()] = json!(BASE64_STANDARD.encode(text));
    }
    Ok(())
}

/// Checks what a Secret's type asks for. No value gets into an error.
fn complete_secret(secret: &mut Value) -> Result<(), ApiError> {
    settle_plain_text(&kinds::SECRET, secret)?;
    let name = secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    for (key, value) in secret["data"].as_object().into_iter().flatten() {
        if value.as_str().is_none_or(|text| BASE64_STANDARD.decode(text).is_err()) {
            return Err(ApiError::bad_request(format!("Secret {name:?}: data.{key} is not base64; plain text belongs into stringData")));
        }
    }
    let kind = secret["type"].as_str().filter(|kind| !kind.is_empty()).unwrap_or("Opaque").to_owned();
    secret["type"] = json!(kind);
    let keys = SECRET_KEYS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, keys)| keys);
    if !keys.is_empty() && !keys.iter().any(|key| secret["data"].get(key).is_some()) {
        let field = format!("data[{}]", keys[0]);
        return Err(ApiError::invalid(&kinds::SECRET, &name, &field, "Required value"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: &'static Kind, object: Value) -> String {
        let mut object = object;
        check_new(kind, &mut object).err().map(|error| error.message).unwrap_or_default()
    }

    #[test]
    fn a_config_map_holds_texts_only() {
        let of = |value: Value| problem(&kinds::CONFIG_MAP, json!({"metadata": {"name": "c"}, "data": {"debug": value}}));
        assert_eq!(of(json!("true")), "");
        assert!(of(json!(true)).contains("data.debug is no text"));
    }

    #[test]
    fn a_param_that_is_given_null_is_empty_and_one_without_a_value_is_refused() {
        let run = |param: Value| json!({"metadata": {"name": "r"}, "spec": {"pipelineRef": {"name": "p"}, "params": [param]}});
        let mut null = run(json!({"name": "a", "value": null}));
        check_new(&kinds::PIPELINE_RUN, &mut null).expect("admitted");
        assert_eq!(null["spec"]["params"][0]["value"], "");
        assert!(problem(&kinds::PIPELINE_RUN, run(json!({"name": "a"}))).contains("missing field(s): spec.params[0].value"));
    }

    #[test]
    fn names() {
        for name in ["a", "a.b-c", "0"] {
            assert_eq!(problem(&kinds::CONFIG_MAP, json!({"metadata": {"name": name}})), "");
        }
        for name in ["A", "-a", "a..b", "a_b", "ä"] {
            assert!(problem(&kinds::CONFIG_MAP, json!({"metadata": {"name": name}})).contains("Invalid value"), "{name}");
        }
        assert!(problem(&kinds::NAMESPACE, json!({"metadata": {"name": "a.b"}})).contains("RFC 1123 label"));
        assert_eq!(problem(&kinds::CLUSTER_ROLE, json!({"metadata": {"name": "system:a"}})), "");
        assert_eq!(problem(&kinds::CONFIG_MAP, json!({"metadata": {"generateName": "run-"}})), "");
    }

    #[test]
    fn secrets_keep_their_values_out_of_errors() {
        let mut secret = json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}});
        check_new(&kinds::SECRET, &mut secret).expect("fine");
        assert_eq!(secret, json!({"metadata": {"name": "s"}, "data": {"a": "Yg=="}, "type": "Opaque"}));
        let wrong = problem(&kinds::SECRET, json!({"metadata": {"name": "s"}, "data": {"a": "hunter2!"}}));
        assert!(wrong.contains("data.a") && !wrong.contains("hunter2"), "{wrong}");
        let missing = problem(&kinds::SECRET, json!({"metadata": {"name": "s"}, "type": "kubernetes.io/ssh-auth"}));
        assert_eq!(missing, "Secret \"s\" is invalid: data[ssh-privatekey]: Required value");
    }

    #[test]
    fn a_started_run_can_only_be_stopped() {
        let before = json!({"metadata": {"name": "r"}, "spec": {"params": [1]}});
        let mut stopped = json!({"metadata": {"name": "r"}, "spec": {"params": [1], "status": "Cancelled"}});
        assert!(run_is_fixed(&kinds::PIPELINE_RUN, &before, &stopped).is_none());
        stopped["spec"]["params"] = json!([2]);
        assert!(run_is_fixed(&kinds::PIPELINE_RUN, &before, &stopped).is_some());
    }
}
