//! What the API shows of a listener: the EventListener's status as Triggers' controller writes it, and the Deployment,
//! Service and Pod that would run it in a cluster. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::rights::service_account;

use crate::sandbox::json::text;

/// Name of the pod's only container, whose log is the listener's.
pub const CONTAINER: &str = "event-listener";

/// The port of the service when the listener names none.
const SERVICE_PORT: u64 = 8080;

/// How a listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It answers on its port
    Up,
    /// Its pod runs, but its account lacks rights, so that its port refuses connections
    NotReady,
    /// Its account does not exist, so that there is no pod
    NoAccount {
        /// The account
        account: String,
    },
}

/// `el-NAME`, the name of all that is made for a listener.
pub fn generated_name(listener: &Value) -> String {
    format!("el-{}", text(&listener["metadata"]["name"]))
}

/// The port in the address of an EventListener's status.
pub fn remembered_port(listener: &Value) -> Option<u16> {
    let url = listener["status"]["address"]["url"].as_str()?;
    url.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

/// Writes the status of an EventListener. A condition's time changes only with its status.
pub fn write_status(listener: &mut Value, phase: &Phase, port: u16, now: Timestamp) {
    let old = listener["status"]["conditions"].clone();
    let conditions: Vec<Value> = conditions(listener, phase)
        .into_iter()
        .map(|(kind, status, reason, message)| {
            let before = old.as_array().into_iter().flatten().find(|condition| condition["type"] == kind && condition["status"] == status);
            let since = before.map_or_else(|| json!(seconds(now)), |condition| condition["lastTransitionTime"].clone());
            let mut condition = json!({ "lastTransitionTime": since, "message": message, "status": status, "type": kind });
            if !reason.is_empty() {
                condition["reason"] = reason.into();
            }
            condition
        })
        .collect();
    let generation = listener["metadata"]["generation"].clone();
    listener["status"] = json!({
        "observedGeneration": generation,
        "conditions": conditions,
        "address": { "url": format!("http://127.0.0.1:{port}/") },
        "configuration": { "generatedName": generated_name(listener) },
    });
}

type Condition = (&'static str, &'static str, &'static str, String);

/// Type, status, reason and message of each condition, in the order of types that knative keeps.
fn conditions(listener: &Value, phase: &Phase) -> Vec<Condition> {
    let replica_set = format!("{}-{}", generated_name(listener), template_hash(listener));
    let unavailable = "Deployment does not have minimum availability.";
    let (available, progress) = match phase {
        Phase::Up => (
            ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned()),
            ("NewReplicaSetAvailable", format!("ReplicaSet {replica_set:?} has successfully progressed.")),
        ),
        Phase::NotReady => (
            ("Available", "False", "MinimumReplicasUnavailable", unavailable.to_owned()),
            ("ReplicaSetUpdated", format!("ReplicaSet {replica_set:?} is progressing.")),
        ),
        Phase::NoAccount { .. } => (
            ("Available", "False", "MinimumReplicasUnavailable", unavailable.to_owned()),
            ("NewReplicaSetCreated", format!("Created new replica set {replica_set:?}")),
        ),
    };
    let ready = match phase {
        Phase::Up => ("Ready", "True", "", "EventListener is ready".to_owned()),
        _ => ("Ready", "False", "", format!("Condition Available has status: False with message: {unavailable}")),
    };
    let mut all = vec![
        available,
        ("Deployment", "True", "", "Deployment exists".to_owned()),
        ("Progressing", "True", progress.0, progress.1),
        ready,
        ("Service", "True", "", "Service exists".to_owned()),
    ];
    if let Phase::NoAccount { account } = phase {
        let namespace = text(&listener["metadata"]["namespace"]);
        let message = format!(
            "pods \"{replica_set}-\" is forbidden: error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        all.insert(4, ("ReplicaFailure", "True", "FailedCreate", message));
    }
    all
}

/// The Deployment that would run the listener.
pub fn deployment(listener: &Value) -> Value {
    json!({
        "metadata": generated(listener),
        "spec": {
            "replicas": listener["spec"]["resources"]["kubernetesResource"]["replicas"].as_u64().unwrap_or(1),
            "selector": { "matchLabels": labels(listener) },
            "template": { "metadata": { "labels": labels(listener) }, "spec": pod_spec(listener) },
        },
    })
}

/// Writes the Deployment's status.
pub fn write_deployment_status(deployment: &mut Value, listener: &Value) {
    let of_deployment = ["Available", "Progressing", "ReplicaFailure"];
    let all = listener["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let conditions: Vec<Value> = all.into_iter().filter(|c| of_deployment.contains(&text(&c["type"]))).collect();
    let available = u8::from(conditions.iter().any(|c| c["type"] == "Available" && c["status"] == "True"));
    deployment["status"] = json!({ "replicas": 1, "availableReplicas": available, "readyReplicas": available, "conditions": conditions });
}

/// The Service before it.
pub fn service(listener: &Value) -> Value {
    let resource = &listener["spec"]["resources"]["kubernetesResource"];
    let port = resource["servicePort"].as_u64().unwrap_or(SERVICE_PORT);
    json!({
        "metadata": generated(listener),
        "spec": {
            "type": resource["serviceType"].as_str().unwrap_or("ClusterIP"),
            "selector": labels(listener),
            "ports": [{ "name": "http-listener", "protocol": "TCP", "port": port, "targetPort": 8080 }],
        },
    })
}

/// The Pod; the store completes its name.
pub fn pod(listener: &Value) -> Value {
    let mut metadata = generated(listener);
    let hash = template_hash(listener);
    let mut labels = fields_of(&metadata["labels"]);
    labels.extend(fields_of(&template(listener)["metadata"]["labels"]));
    labels.insert("pod-template-hash".to_owned(), json!(hash));
    metadata["labels"] = Value::Object(labels);
    if template(listener)["metadata"]["annotations"].is_object() {
        metadata["annotations"] = template(listener)["metadata"]["annotations"].clone();
    }
    metadata["generateName"] = json!(format!("{}-{hash}-", generated_name(listener)));
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("name");
    }
    json!({ "metadata": metadata, "spec": pod_spec(listener) })
}

/// Writes the Pod's status; it runs in any case, and `restarts` times it has given up before.
pub fn write_pod_status(pod: &mut Value, ready: bool, restarts: u32, now: Timestamp) {
    let started = pod["status"]["startTime"].as_str().map_or_else(|| seconds(now), str::to_owned);
    let old = pod["status"]["conditions"].clone();
    let status = if ready { "True" } else { "False" };
    let condition = |kind: &str, status: &str| {
        let before = old.as_array().into_iter().flatten().find(|c| c["type"] == kind && c["status"] == status);
        let since = before.map_or_else(|| json!(seconds(now)), |c| c["lastTransitionTime"].clone());
        let mut condition = json!({ "type": kind, "status": status, "lastTransitionTime": since });
        if status == "False" {
            condition["reason"] = json!("ContainersNotReady");
            condition["message"] = json!(format!("containers with unready status: [{CONTAINER}]"));
        }
        condition
    };
    pod["status"] = json!({
        "phase": "Running",
        "conditions": [
            condition("PodScheduled", "True"), condition("Initialized", "True"),
            condition("ContainersReady", status), condition("Ready", status),
        ],
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "startTime": started,
        "containerStatuses": [{
            "name": CONTAINER,
            "image": pod["spec"]["containers"][0]["image"],
            "ready": ready,
            "started": true,
            "restartCount": restarts,
            "state": { "running": { "startedAt": started } },
        }],
    });
}

/// The pod's spec over the template that the listener gives. What that says about where to run and with how much is shown,
/// and has no effect on the one machine that there is.
fn pod_spec(listener: &Value) -> Value {
    let name = |field: &str| text(&listener["metadata"][field]);
    let mut spec = fields_of(&template(listener)["spec"]);
    let mut container = fields_of(&spec.get("containers").map_or(Value::Null, |containers| containers[0].clone()));
    container.insert("name".to_owned(), json!(CONTAINER));
    // There is no image: the listener is a part of the sandbox.
    container.insert("image".to_owned(), json!("sandbox"));
    container.insert("args".to_owned(), json!([format!("--el-name={}", name("name")), format!("--el-namespace={}", name("namespace"))]));
    container.insert("ports".to_owned(), json!([{ "containerPort": 8080, "protocol": "TCP" }]));
    spec.insert("serviceAccountName".to_owned(), json!(service_account(listener)));
    spec.insert("containers".to_owned(), json!([container]));
    Value::Object(spec)
}

fn template(listener: &Value) -> &Value {
    &listener["spec"]["resources"]["kubernetesResource"]["spec"]["template"]
}

fn fields_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn generated(listener: &Value) -> Value {
    let owner = json!({
        "apiVersion": listener["apiVersion"],
        "kind": listener["kind"],
        "name": listener["metadata"]["name"],
        "uid": listener["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    });
    json!({
        "name": generated_name(listener),
        "namespace": listener["metadata"]["namespace"],
        "labels": labels(listener),
        "ownerReferences": [owner],
    })
}

/// Labels of all that is made for a listener: its own, and which listener it is.
fn labels(listener: &Value) -> Map<String, Value> {
    let mut labels = listener["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    labels.insert("app.kubernetes.io/managed-by".to_owned(), json!("EventListener"));
    labels.insert("app.kubernetes.io/part-of".to_owned(), json!("Triggers"));
    labels.insert("eventlistener".to_owned(), listener["metadata"]["name"].clone());
    labels
}

/// What stands for the hash of the pod's template in names; one per EventListener object.
fn template_hash(listener: &Value) -> String {
    text(&listener["metadata"]["uid"]).chars().filter(|c| *c != '-').take(10).collect()
}

fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition<'v>(listener: &'v Value, kind: &str) -> &'v Value {
        let all = listener["status"]["conditions"].as_array().expect("conditions");
        all.iter().find(|c| c["type"] == kind).expect("that condition")
    }

    #[test]
    fn the_status_says_whether_the_listener_is_up_and_where() {
        let mut listener = json!({"metadata": {"name": "tt-ev", "namespace": "ns", "uid": "0123-4567"}});
        write_status(&mut listener, &Phase::NotReady, 20_001, Timestamp::UNIX_EPOCH);
        assert_eq!(condition(&listener, "Available")["reason"], "MinimumReplicasUnavailable");
        assert_eq!(condition(&listener, "Ready")["status"], "False");
        assert_eq!(remembered_port(&listener), Some(20_001));
        let later = Timestamp::from_second(60).expect("a time");
        write_status(&mut listener, &Phase::Up, 20_001, later);
        assert_eq!(condition(&listener, "Available")["lastTransitionTime"], "1970-01-01T00:01:00Z");
        assert_eq!(condition(&listener, "Service")["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(listener["status"]["configuration"]["generatedName"], "el-tt-ev");
        let unchanged = listener.clone();
        write_status(&mut listener, &Phase::Up, 20_001, Timestamp::now());
        assert_eq!(listener, unchanged);
    }

    #[test]
    fn a_missing_account_is_named() {
        let mut listener = json!({"metadata": {"name": "tt-ev", "namespace": "ns", "uid": "0123-4567"}});
        write_status(&mut listener, &Phase::NoAccount { account: "tt-sa".to_owned() }, 1, Timestamp::UNIX_EPOCH);
        assert!(text(&condition(&listener, "ReplicaFailure")["message"]).ends_with("serviceaccount \"tt-sa\" not found"));
    }
}
