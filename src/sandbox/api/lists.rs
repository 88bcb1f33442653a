//! Lists whose entries are told apart by a field of theirs; all other lists are changed as a whole. Pure.

use serde_json::Value;

use crate::kinds::{self, Kind};

/// How Kubernetes merges a list: kind (`None`: every kind), path, the field that tells entries apart, and whether
/// server-side apply does so too.
const KEYED: &[(Option<&Kind>, &str, &str, bool)] = &[
    (None, "metadata.ownerReferences", "uid", true),
    (Some(&kinds::SERVICE_ACCOUNT), "secrets", "name", true),
    (Some(&kinds::SERVICE_ACCOUNT), "imagePullSecrets", "name", false),
    (Some(&kinds::POD), "spec.containers", "name", true),
    (Some(&kinds::POD), "spec.initContainers", "name", true),
    (Some(&kinds::POD), "spec.volumes", "name", true),
    (Some(&kinds::POD), "status.conditions", "type", true),
    (Some(&kinds::DEPLOYMENT), "spec.template.spec.containers", "name", true),
    (Some(&kinds::DEPLOYMENT), "spec.template.spec.volumes", "name", true),
    (Some(&kinds::SERVICE), "spec.ports", "port", true),
];

/// Which of the two merges asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Server-side apply
    Apply,
    /// Strategic merge patch
    Strategic,
}

/// The field that tells the entries of a list apart.
pub fn key_of(kind: &Kind, path: &str, merge: Merge) -> Option<&'static str> {
    let row = KEYED.iter().find(|(of, at, _, _)| of.is_none_or(|of| of == kind) && *at == path)?;
    (merge == Merge::Strategic || row.3).then_some(row.2)
}

/// The position of the entry with a key's value.
pub fn position(list: &[Value], key: &str, value: &Value) -> Option<usize> {
    list.iter().position(|entry| entry.get(key) == Some(value))
}

/// A path one field deeper.
pub fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
