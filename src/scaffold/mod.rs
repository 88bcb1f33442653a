//! Pure builders: what somebody asked for goes in, manifests come out. Nothing here speaks to a server, reads a file
//! or asks the clock.

pub mod account;
pub mod documents;
pub mod places;
pub mod rbac;
pub mod secret;
pub mod ssh;
pub mod trigger;

use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// The label of everything that rtkn makes (Kubernetes' recommended labels).
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What that label says.
pub const MANAGER: &str = "rtkn";

/// An object to be made. Its `Debug` names it and shows nothing of its content, which may be a Secret's.
#[derive(Clone)]
pub struct Manifest {
    /// The row of the table of kinds
    pub kind: &'static Kind,
    /// The object as JSON
    pub value: Value,
}

impl Manifest {
    /// An object with the label of rtkn. `content` holds every field beside apiVersion, kind and metadata; an empty
    /// namespace is left out.
    pub fn new(kind: &'static Kind, namespace: &str, name: &str, content: Value) -> Self {
        let mut metadata = json!({"name": name});
        if kind.namespaced && !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        metadata["labels"] = json!({MANAGED_BY: MANAGER});
        let mut object = Map::new();
        object.insert("apiVersion".into(), kind.api_version(kind.version()).into());
        object.insert("kind".into(), kind.kind.into());
        object.insert("metadata".into(), metadata);
        if let Value::Object(content) = content {
            object.extend(content);
        }
        Self { kind, value: Value::Object(object) }
    }

    /// The same with annotations.
    #[must_use]
    pub fn annotated(mut self, annotations: impl IntoIterator<Item = (String, String)>) -> Self {
        let annotations: Map<String, Value> = annotations.into_iter().map(|(key, value)| (key, value.into())).collect();
        if !annotations.is_empty() {
            self.value["metadata"]["annotations"] = Value::Object(annotations);
        }
        self
    }

    /// The name; empty where the server shall generate one.
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The prefix of a name that the server shall complete.
    pub fn generate_name(&self) -> Option<&str> {
        self.value.pointer("/metadata/generateName").and_then(Value::as_str)
    }

    /// The namespace; empty for cluster-scoped kinds.
    pub fn namespace(&self) -> &str {
        self.value.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default()
    }

    /// `secret/deploy-key`, `pipelinerun.tekton.dev/x`, as kubectl names it.
    pub fn label(&self) -> String {
        let name = if self.name().is_empty() { self.generate_name().unwrap_or_default() } else { self.name() };
        self.kind.label(name)
    }
}

impl std::fmt::Debug for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Manifest({})", self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn a_manifest_is_labelled_and_its_debug_tells_no_value() {
        let manifest = Manifest::new(&kinds::SECRET, "ns", "s", json!({"stringData": {"password": "hunter2"}}));
        assert_eq!(manifest.value["metadata"]["labels"], json!({MANAGED_BY: MANAGER}));
        assert_eq!(manifest.value["apiVersion"], "v1");
        assert_eq!(format!("{manifest:?}"), "Manifest(secret/s)");
        let role = Manifest::new(&kinds::ROLE, "", "r", json!({}));
        assert_eq!(role.label(), "role.rbac.authorization.k8s.io/r");
        assert!(role.value["metadata"].get("namespace").is_none());
    }
}
