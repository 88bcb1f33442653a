//! Metadata and conditions, the parts that all objects share (Kubernetes API conventions).

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;

/// The annotation in which kubectl keeps the manifest that it applied; it repeats the object, a Secret's values too.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `ObjectMeta`, as far as it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Name within the namespace
    pub name: String,
    /// Prefix that the server completes to a name
    pub generate_name: Option<String>,
    /// Empty for cluster-scoped kinds
    pub namespace: String,
    /// Identity over time
    pub uid: String,
    /// Version for optimistic locking and watches
    pub resource_version: String,
    /// When it was created, by the server's clock
    pub creation_timestamp: Option<Timestamp>,
    /// Set once somebody deleted it
    pub deletion_timestamp: Option<Timestamp>,
    /// Labels in the server's order
    pub labels: IndexMap<String, String>,
    /// Annotations in the server's order
    pub annotations: IndexMap<String, String>,
    /// Objects that this one goes with
    pub owner_references: Vec<OwnerReference>,
}

impl Meta {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// The place of the last write among all writes: resource versions grow (Kubernetes' KEP-5504). Times are whole seconds, so
    /// of two objects of one second only this tells which came last.
    pub fn written(&self) -> u128 {
        self.resource_version.parse().unwrap_or_default()
    }
}

/// A reference to an owning object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Kind of the owner
    pub kind: String,
    /// Name of the owner
    pub name: String,
    /// UID of the owner
    pub uid: String,
    /// Whether it is the controller
    pub controller: bool,
}

/// A condition of an object's status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// `Succeeded`, `Ready`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`
    pub status: String,
    /// One word for a machine
    pub reason: Option<String>,
    /// A sentence for a person
    pub message: Option<String>,
    /// When `status` changed last
    pub last_transition_time: Option<Timestamp>,
}

/// The condition of a type, wherever in the list it stands.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.kind == kind)
}
