//! Binding of claims: those whose storage class is provisioned by `rtkn/directory` get a directory of this machine.

use std::path::Path;

use serde_json::{Value, json};

use super::object::{annotation, map_mut, name, namespace, text, uid};
use super::plan::Objects;
use crate::kinds;

/// Provisioner of the storage classes that this sandbox provides volumes for.
pub const PROVISIONER: &str = "rtkn/directory";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// A claim that can be bound: what to write into it, and the volume that it gets.
pub struct Binding {
    /// Name of the volume
    pub volume: String,
    /// The storage class
    pub class: String,
    /// The PersistentVolume
    pub object: Value,
}

/// Decides whether a claim can be bound, to a directory below `volumes`.
pub fn bind(claim: &Value, objects: &dyn Objects, volumes: &Path) -> Option<Binding> {
    if text(claim, "/status/phase") == "Bound" {
        return None;
    }
    let class = match claim.pointer("/spec/storageClassName").and_then(Value::as_str) {
        Some(class) => objects.get(&kinds::STORAGE_CLASS, class)?,
        None => objects.list(&kinds::STORAGE_CLASS).into_iter().find(|class| annotation(class, DEFAULT_CLASS) == "true")?,
    };
    if text(&class, "/provisioner") != PROVISIONER {
        return None;
    }
    let volume = format!("pvc-{}", uid(claim));
    let directory = volumes.join(namespace(claim)).join(name(claim));
    let object = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": claim.pointer("/spec/accessModes"),
            "capacity": claim.pointer("/spec/resources/requests"),
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace(claim), "name": name(claim), "uid": uid(claim)},
            "hostPath": {"path": directory.to_string_lossy()},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": name(&class),
        },
        "status": {"phase": "Bound"},
    });
    Some(Binding { volume, class: name(&class).to_owned(), object })
}

/// Writes a binding into its claim.
pub fn write(binding: &Binding, claim: &mut Value) {
    let spec = map_mut(claim, "spec");
    spec.insert("volumeName".to_owned(), json!(binding.volume));
    spec.insert("storageClassName".to_owned(), json!(binding.class));
    let capacity = claim.pointer("/spec/resources/requests").cloned().unwrap_or_else(|| json!({}));
    claim["status"] = json!({"phase": "Bound", "accessModes": claim.pointer("/spec/accessModes"), "capacity": capacity});
}
