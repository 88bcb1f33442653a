//! The environment of a step: `env`, `envFrom`, and the variables of Kubernetes (`$(NAME)`) in values, commands and
//! arguments.

use serde_json::Value;

use super::super::object::{annotation, name, namespace, read, text};
use super::super::spec::{EnvVar, KeyRef, Step};
use super::Subject;
use super::volumes::data;
use crate::kinds::{self, Kind};

/// What a node says about a container that it cannot make.
pub(super) const CONFIG_ERROR: &str = "Failed to create pod due to config error";

/// The environment of a step, in order; the last of a name counts. An error means that the container cannot be made.
pub(super) fn of_step(subject: &Subject<'_>, step: &Step, pod: &Value) -> Result<Vec<(String, String)>, String> {
    let mut env: Vec<(String, String)> = Vec::new();
    for from in &step.env_from {
        for (kind, reference) in [(&kinds::CONFIG_MAP, &from.config_map_ref), (&kinds::SECRET, &from.secret_ref)] {
            let Some(reference) = reference else { continue };
            let all = object_data(subject, kind, reference)?.into_iter().flatten();
            env.extend(all.map(|(key, bytes)| (format!("{}{key}", from.prefix), lossy(&bytes))));
        }
    }
    let of_template: Vec<EnvVar> = read(subject.run, "/spec/podTemplate/env").map_err(|error| format!("spec.podTemplate.env: {error}"))?;
    for variable in step.env.iter().chain(&of_template) {
        let value = match &variable.value_from {
            None => Some(expand(&variable.value, &env)),
            Some(source) => value_from(subject, source, pod)?,
        };
        if let Some(value) = value {
            env.retain(|(name, _)| *name != variable.name);
            env.push((variable.name.clone(), value));
        }
    }
    Ok(env)
}

fn value_from(subject: &Subject<'_>, source: &super::super::spec::EnvVarSource, pod: &Value) -> Result<Option<String>, String> {
    for (kind, reference) in [(&kinds::CONFIG_MAP, &source.config_map_key_ref), (&kinds::SECRET, &source.secret_key_ref)] {
        let Some(reference) = reference else { continue };
        let Some(mut data) = object_data(subject, kind, reference)? else { return Ok(None) };
        return match data.remove(&reference.key) {
            Some(bytes) => Ok(Some(lossy(&bytes))),
            None if reference.optional => Ok(None),
            None => Err(format!("couldn't find key {} in {} {}", reference.key, kind.kind, reference.name)),
        };
    }
    Ok(source.field_ref.as_ref().map(|field| pod_field(subject, &field.field_path, pod)))
}

fn object_data(
    subject: &Subject<'_>,
    kind: &'static Kind,
    reference: &KeyRef,
) -> Result<Option<std::collections::BTreeMap<String, Vec<u8>>>, String> {
    match subject.objects.get(kind, &reference.name) {
        Some(object) => Ok(Some(data(kind, &object))),
        None if reference.optional => Ok(None),
        None => Err(format!("{} {:?} not found", kind.noun, reference.name)),
    }
}

/// A field of the pod, as the downward API gives it.
fn pod_field(subject: &Subject<'_>, path: &str, pod: &Value) -> String {
    if let Some((field, key)) = path.split_once("['") {
        let key = key.trim_end_matches("']");
        return match field {
            "metadata.annotations" => annotation(pod, key).to_owned(),
            _ => pod.pointer("/metadata/labels").and_then(|l| l.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
    }
    match path {
        "metadata.name" => name(pod),
        "metadata.namespace" => namespace(pod),
        "spec.serviceAccountName" => &subject.spec.service_account_name,
        "spec.nodeName" => super::pod::NODE,
        "status.podIP" | "status.hostIP" => "127.0.0.1",
        other => text(pod, &format!("/{}", other.replace('.', "/"))),
    }
    .to_owned()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Puts the environment into `$(NAME)`; `$$` is one dollar, unknown names stay.
pub(super) fn expand(text: &str, env: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let known = rest.strip_prefix('(').and_then(|inner| {
            let end = inner.find(')')?;
            let (_, value) = env.iter().rev().find(|(name, _)| *name == inner[..end])?;
            Some((end, value))
        });
        match known {
            Some((end, value)) => {
                out.push_str(value);
                rest = &rest[end + 2..];
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_of_kubernetes_are_expanded() {
        let env = [("A".to_owned(), "1".to_owned())];
        assert_eq!(expand("$(A) $$(A) $(B) $A $", &env), "1 $(A) $(B) $A $");
    }
}
