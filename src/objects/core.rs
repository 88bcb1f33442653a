//! Lenses on the kinds of Kubernetes itself that Tekton's work rests on: pods, events, accounts, secrets, claims, RBAC.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::meta::{Condition, Meta};
use super::objects;

objects!(
    Pod => POD, Event => EVENT, ServiceAccount => SERVICE_ACCOUNT, Secret => SECRET,
    ConfigMap => CONFIG_MAP, Service => SERVICE, PersistentVolumeClaim => PERSISTENT_VOLUME_CLAIM,
    Deployment => DEPLOYMENT, StorageClass => STORAGE_CLASS, RoleBinding => ROLE_BINDING, ClusterRoleBinding => CLUSTER_ROLE_BINDING,
);

/// A Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name, labels, …
    pub metadata: Meta,
    /// Containers and where they run
    pub spec: PodSpec,
    /// What became of them
    pub status: PodStatus,
}

/// `spec` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Containers that run before the others, and native sidecars
    pub init_containers: Vec<Container>,
    /// Steps, and sidecars after them
    pub containers: Vec<Container>,
    /// Set once it is scheduled
    pub node_name: Option<String>,
    /// Account of the pod
    pub service_account_name: Option<String>,
    /// Volumes, as they came
    pub volumes: Vec<Value>,
}

/// A container of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name; a step's begins with `step-`
    pub name: String,
    /// Image
    pub image: Option<String>,
    /// `Always` for a native sidecar
    pub restart_policy: Option<String>,
}

/// `status` of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`
    pub phase: String,
    /// Why, in a word
    pub reason: Option<String>,
    /// Why, in a sentence
    pub message: Option<String>,
    /// Conditions; read them by type
    pub conditions: Vec<Condition>,
    /// States of the init containers
    pub init_container_statuses: Vec<ContainerStatus>,
    /// States of the containers
    pub container_statuses: Vec<ContainerStatus>,
}

/// State of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Name of the container
    pub name: String,
    /// Whether it answers its probe
    pub ready: bool,
    /// How often it was started again
    pub restart_count: u32,
    /// Now
    pub state: ContainerState,
    /// Before its last restart
    pub last_state: ContainerState,
}

/// At most one of the three is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not started
    pub waiting: Option<Waiting>,
    /// Running
    pub running: Option<Running>,
    /// Ended
    pub terminated: Option<Terminated>,
}

/// Why a container has not started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `ImagePullBackOff`, `CreateContainerConfigError`, …
    pub reason: Option<String>,
    /// In a sentence
    pub message: Option<String>,
}

/// A running container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Since when
    pub started_at: Option<Timestamp>,
}

/// An ended container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// Exit status; 128 + signal for a killed process
    pub exit_code: i32,
    /// Signal that ended it
    pub signal: Option<i32>,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: Option<String>,
    /// In a sentence, or Tekton's termination message
    pub message: Option<String>,
    /// When it started
    pub started_at: Option<Timestamp>,
    /// When it ended
    pub finished_at: Option<Timestamp>,
}

/// An Event of the cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Name, labels, …
    pub metadata: Meta,
    /// What it is about
    pub involved_object: ObjectReference,
    /// One word
    pub reason: Option<String>,
    /// A sentence
    pub message: Option<String>,
    /// `Normal` or `Warning`
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How often
    pub count: Option<u32>,
    /// When first
    pub first_timestamp: Option<Timestamp>,
    /// When last
    pub last_timestamp: Option<Timestamp>,
    /// When, of newer events
    pub event_time: Option<Timestamp>,
}

/// A reference to any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Kind
    pub kind: String,
    /// Name
    pub name: String,
    /// Namespace
    pub namespace: Option<String>,
    /// UID
    pub uid: Option<String>,
}

/// A ServiceAccount.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceAccount {
    /// Name, labels, …
    pub metadata: Meta,
    /// Secrets that Tekton hands to steps
    pub secrets: Vec<ObjectReference>,
    /// Secrets for pulling images only
    pub image_pull_secrets: Vec<ObjectReference>,
}

/// A Secret. Its values never leave this struct but for their fingerprints.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Secret {
    /// Name, labels, …
    pub metadata: Meta,
    /// `kubernetes.io/ssh-auth`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Keys and base64 values
    pub data: IndexMap<String, String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<_> = self.data.keys().collect();
        f.debug_struct("Secret").field("name", &self.metadata.name).field("type", &self.kind).field("keys", &keys).finish()
    }
}

impl Event {
    /// When it happened last.
    pub fn time(&self) -> Option<Timestamp> {
        self.last_timestamp.or(self.event_time).or(self.first_timestamp).or(self.metadata.creation_timestamp)
    }
}

/// A ConfigMap.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfigMap {
    /// Name, labels, …
    pub metadata: Meta,
    /// Keys and values
    pub data: IndexMap<String, String>,
}

/// A Deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// Name, labels, …
    pub metadata: Meta,
    /// What it keeps running
    pub spec: DeploymentSpec,
}

/// `spec` of a Deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeploymentSpec {
    /// Its pods, which have no name yet
    pub template: PodTemplate,
}

/// What the pods of a Deployment are made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// Labels and annotations
    pub metadata: Meta,
    /// Containers
    pub spec: PodSpec,
}

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Name, labels, …
    pub metadata: Meta,
    /// Ports, selector, …
    pub spec: ServiceSpec,
}

/// `spec` of a Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSpec {
    /// Labels of the pods behind it
    pub selector: IndexMap<String, String>,
    /// Ports, as they came
    pub ports: Vec<Value>,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaim {
    /// Name, labels, …
    pub metadata: Meta,
    /// What is asked for
    pub spec: ClaimSpec,
    /// Whether it was found
    pub status: ClaimStatus,
}

/// `spec` of a claim.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimSpec {
    /// Class; absent means the default class
    pub storage_class_name: Option<String>,
    /// The volume it is bound to
    pub volume_name: Option<String>,
    /// `ReadWriteOnce`, …
    pub access_modes: Vec<String>,
}

/// `status` of a claim.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClaimStatus {
    /// `Pending`, `Bound`, `Lost`
    pub phase: String,
}

/// A StorageClass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StorageClass {
    /// Name, labels, …
    pub metadata: Meta,
    /// Who makes the volumes
    pub provisioner: String,
    /// `Immediate` or `WaitForFirstConsumer`
    pub volume_binding_mode: Option<String>,
}

impl StorageClass {
    /// Whether claims without a class get this one (annotation of the Kubernetes documentation).
    pub fn is_default(&self) -> bool {
        self.metadata.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true")
    }
}

/// A RoleBinding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleBinding {
    /// Name, labels, …
    pub metadata: Meta,
    /// The role
    pub role_ref: RoleRef,
    /// Who gets it
    pub subjects: Vec<Subject>,
}

/// A ClusterRoleBinding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterRoleBinding {
    /// Name, labels, …
    pub metadata: Meta,
    /// The role
    pub role_ref: RoleRef,
    /// Who gets it
    pub subjects: Vec<Subject>,
}

/// The role of a binding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleRef {
    /// `Role` or `ClusterRole`
    pub kind: String,
    /// Name
    pub name: String,
}

/// Somebody who gets a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// `ServiceAccount`, `User` or `Group`
    pub kind: String,
    /// Name
    pub name: String,
    /// Namespace of a ServiceAccount
    pub namespace: Option<String>,
}
