//! Listeners on real ports, over a store with the roles that every cluster with Triggers has.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{run, state};
use crate::kinds::{self, Kind};
use crate::sandbox::api::Api;
use crate::sandbox::logs::{LogDir, LogOptions};
use crate::sandbox::store::Store;

const NAMESPACE: &str = "default";

struct World {
    _dir: TempDir,
    /// Name of the EventListener, another one in every test, since ports are chosen by it
    name: String,
    store: Store,
    logs: LogDir,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl World {
    /// A sandbox with the chain of the story in it, and no rights for anybody.
    fn new() -> World {
        let dir = TempDir::new().expect("a temporary directory");
        let store = Store::open(dir.path()).expect("a store").lazy();
        let logs = LogDir::new(dir.path());
        Api::new(store.clone(), logs.clone()).expect("a server");
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(run(store.clone(), logs.clone(), stopped));
        let name = format!("tt-ev-{}", uuid::Uuid::new_v4());
        World { _dir: dir, name, store, logs, stop, running }
    }

    fn make(&self, kind: &'static Kind, name: &str, spec: Value) {
        let metadata = json!({ "name": name, "namespace": NAMESPACE });
        self.store.create(kind, json!({ "metadata": metadata, "spec": spec })).expect("it is made");
    }

    fn make_chain(&self) {
        self.make(&kinds::EVENT_LISTENER, &self.name, json!({ "triggers": [{ "triggerRef": "tt-tr" }] }));
        self.make(&kinds::TRIGGER, "tt-tr", json!({ "bindings": [{ "ref": "tt-tb" }], "template": { "ref": "tt-tt" } }));
        self.make(&kinds::TRIGGER_BINDING, "tt-tb", json!({ "params": [{ "name": "url", "value": "$(body.url)" }] }));
        let run = json!({
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": { "generateName": "tt-tt-pr" },
            "spec": { "pipelineRef": { "name": "tt-pl" }, "params": [{ "name": "url", "value": "$(tt.params.url)" }] },
        });
        self.make(&kinds::TRIGGER_TEMPLATE, "tt-tt", json!({ "params": [{ "name": "url" }], "resourcetemplates": [run] }));
    }

    fn grant(&self) {
        let subject = json!([{ "kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE }]);
        for (kind, role) in [
            (&kinds::ROLE_BINDING, "tekton-triggers-eventlistener-roles"),
            (&kinds::CLUSTER_ROLE_BINDING, "tekton-triggers-eventlistener-clusterroles"),
        ] {
            let role_ref = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role });
            let binding = json!({ "metadata": { "name": role, "namespace": NAMESPACE }, "subjects": subject, "roleRef": role_ref });
            self.store.create(kind, binding).expect("it is made");
        }
    }

    fn listener(&self) -> Value {
        self.store.get(&kinds::EVENT_LISTENER, NAMESPACE, &self.name).expect("a store").expect("it is there")
    }

    fn condition(&self, kind: &str) -> Option<Value> {
        let listener = self.listener();
        let found = listener["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind).cloned();
        found.map(|condition| condition["status"].clone())
    }

    fn port(&self) -> u16 {
        state::remembered_port(&self.listener()).expect("an address")
    }

    fn pod(&self) -> Value {
        self.store.list(&kinds::POD, Some(NAMESPACE)).expect("a store").pop().expect("a pod")
    }

    fn runs(&self) -> Vec<Value> {
        self.store.list(&kinds::PIPELINE_RUN, Some(NAMESPACE)).expect("a store")
    }

    async fn log(&self) -> String {
        let pod = self.pod();
        let uid = pod["metadata"]["uid"].as_str().expect("a uid");
        let stream = self.logs.read(uid, state::CONTAINER, &LogOptions::default()).expect("a log");
        let chunks: Vec<_> = stream.map(|chunk| chunk.expect("bytes")).collect().await;
        String::from_utf8(chunks.concat()).expect("text")
    }

    async fn eventually_logged(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.log().await.contains(text) {
            assert!(Instant::now() < deadline, "{text} is not in the log:\n{}", self.log().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn up(&self) {
        eventually("the listener is up", || self.condition("Ready") == Some(json!("True"))).await;
    }

    async fn end(self) {
        self.stop.send(true).expect("it runs");
        self.running.await.expect("it ends");
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: it does not come about");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a request as it would be on the wire; the status and the body of the answer.
async fn send(port: u16, method: &str, headers: &str, body: &str) -> (u16, String) {
    let (head, body) = sent(port, method, headers, body).await;
    let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, body)
}

/// Head and body of the answer.
async fn sent(port: u16, method: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the port is open");
    let head = format!("{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn without_rights_the_port_is_closed_and_the_log_says_why() {
    let world = World::new();
    world.make_chain();
    eventually("the status is there", || world.condition("Available") == Some(json!("False"))).await;
    let refused = "failed to list *v1beta1.TriggerBinding: triggerbindings.triggers.tekton.dev is forbidden: User \"system:serviceaccount:default:default\" cannot list resource";
    world.eventually_logged(refused).await;
    world.eventually_logged("clusterinterceptors.triggers.tekton.dev is forbidden").await;
    assert!(TcpStream::connect(("127.0.0.1", world.port())).await.is_err());
    let pod = world.pod();
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], false);
    assert_eq!(pod["metadata"]["labels"]["eventlistener"], world.name);
    world.eventually_logged("Timed out waiting on CaBundle").await;
    assert_eq!(world.pod()["status"]["containerStatuses"][0]["restartCount"], 1);
    world.grant();
    world.up().await;
    assert_eq!(send(world.port(), "POST", "", "{\"url\": \"u\"}").await.0, 202);
    world.end().await;
}

#[tokio::test]
async fn an_event_makes_a_run_with_its_labels() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    let (status, body) = send(world.port(), "POST", "X-GitHub-Event: push\r\n", "{\"url\": \"git@host:a/b\"}").await;
    assert_eq!(status, 202);
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(answer["eventListener"], world.name);
    assert_eq!(answer["namespace"], NAMESPACE);
    assert_eq!(answer["eventListenerUID"], world.listener()["metadata"]["uid"]);
    eventually("a run is made", || world.runs().len() == 1).await;
    let run = &world.runs()[0];
    assert!(run["metadata"]["name"].as_str().expect("a name").starts_with("tt-tt-pr"));
    assert_eq!(run["metadata"]["labels"]["triggers.tekton.dev/triggers-eventid"], answer["eventID"]);
    assert_eq!(run["metadata"]["labels"]["triggers.tekton.dev/eventlistener"], world.name);
    assert_eq!(run["metadata"]["labels"]["triggers.tekton.dev/trigger"], "tt-tr");
    assert_eq!(run["spec"]["params"][0]["value"], "git@host:a/b");
    world.eventually_logged("ResolvedParams : [{Name:url Value:git@host:a/b}]").await;
    for body in ["{}", "no JSON"] {
        let (head, _) = sent(world.port(), "POST", "", body).await;
        assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    }
    world.end().await;
}

/// The Trigger of the chain behind interceptors; the binding takes what they add.
fn intercept(world: &World, interceptors: Value) {
    let bindings = json!([{ "name": "url", "value": "$(extensions.branch)" }]);
    let spec = json!({ "bindings": bindings, "interceptors": interceptors, "template": { "ref": "tt-tt" } });
    world
        .store
        .update(&kinds::TRIGGER, NAMESPACE, "tt-tr", |trigger| trigger["spec"] = spec.clone())
        .expect("a store")
        .expect("it is there");
}

#[tokio::test]
async fn interceptors_let_an_event_through_or_stop_it_and_add_to_it() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    let cel = json!([
        { "name": "filter", "value": "header.match('X-GitHub-Event', 'push') && body.ref.startsWith('refs/heads/')" },
        { "name": "overlays", "value": [{ "key": "branch", "expression": "body.ref.split('/')[2]" }] },
    ]);
    let github = json!({ "ref": { "name": "github" }, "params": [{ "name": "eventTypes", "value": ["push"] }] });
    intercept(&world, json!([github, { "ref": { "name": "cel", "kind": "ClusterInterceptor" }, "params": cel }]));
    assert_eq!(send(world.port(), "POST", "X-GitHub-Event: push\r\n", "{\"ref\": \"refs/tags/v1\"}").await.0, 202);
    world
        .eventually_logged("interceptor stopped trigger processing: rpc error: code = FailedPrecondition desc = expression header.match")
        .await;
    assert_eq!(send(world.port(), "POST", "X-GitHub-Event: release\r\n", "{}").await.0, 202);
    world.eventually_logged("event type release is not allowed").await;
    assert_eq!(send(world.port(), "POST", "X-GitHub-Event: push\r\n", "{\"ref\": \"refs/heads/main\"}").await.0, 202);
    eventually("a run is made", || world.runs().len() == 1).await;
    assert_eq!(world.runs()[0]["spec"]["params"][0]["value"], "main");
    intercept(&world, json!([{ "ref": { "name": "nobody" } }]));
    assert_eq!(send(world.port(), "POST", "", "{}").await.0, 202);
    world
        .eventually_logged(
            "url resolution failed for interceptor nobody with: clusterinterceptor.triggers.tekton.dev \\\"nobody\\\" not found",
        )
        .await;
    world.end().await;
}

#[tokio::test]
async fn an_interceptor_at_an_address_of_its_own_is_asked() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    let own = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", own.local_addr().expect("an address"));
    let answer = |axum::Json(asked): axum::Json<Value>| async move {
        let allowed =
            asked["interceptor_params"]["secret"] == "yes" && asked["context"]["trigger_id"] == "namespaces/default/triggers/tt-tr";
        let status = json!({ "code": 7, "message": "not you" });
        axum::Json(json!({ "continue": allowed, "status": status, "extensions": { "branch": asked["body"] } }))
    };
    let server = tokio::spawn(async move { axum::serve(own, axum::Router::new().fallback(answer)).await });
    let spec = json!({ "clientConfig": { "url": url } });
    world
        .store
        .create(&kinds::INTERCEPTOR, json!({ "metadata": { "name": "own", "namespace": NAMESPACE }, "spec": spec }))
        .expect("it is made");
    let ask = |secret: &str| {
        let params = json!([{ "name": "secret", "value": secret }]);
        intercept(&world, json!([{ "ref": { "name": "own", "kind": "NamespacedInterceptor" }, "params": params }]));
    };
    ask("no");
    assert_eq!(send(world.port(), "POST", "", "{}").await.0, 202);
    world.eventually_logged("code = PermissionDenied desc = not you").await;
    ask("yes");
    assert_eq!(send(world.port(), "POST", "", "{}").await.0, 202);
    eventually("a run is made", || world.runs().len() == 1).await;
    assert_eq!(world.runs()[0]["spec"]["params"][0]["value"], "{}");
    server.abort();
    let _ = server.await;
    assert_eq!(send(world.port(), "POST", "", "{}").await.0, 202);
    world.eventually_logged(&format!("interceptor at {url}: ")).await;
    world.end().await;
}

#[tokio::test]
async fn a_group_hands_an_event_to_the_triggers_that_it_selects() {
    let world = World::new();
    world.make_chain();
    world.grant();
    intercept(&world, json!([]));
    let label = json!({ "group": "one" });
    let overlays = json!([{ "key": "branch", "expression": "body.ref" }]);
    let group = json!({
        "name": "g", "interceptors": [{ "ref": { "name": "cel" }, "params": [{ "name": "overlays", "value": overlays }] }],
        "triggerSelector": { "labelSelector": { "matchLabels": label } },
    });
    let labelled = |trigger: &mut Value| trigger["metadata"]["labels"] = label.clone();
    world.store.update(&kinds::TRIGGER, NAMESPACE, "tt-tr", labelled).expect("a store").expect("it is there");
    let grouped = |listener: &mut Value| listener["spec"] = json!({ "triggerGroups": [group] });
    world.store.update(&kinds::EVENT_LISTENER, NAMESPACE, &world.name, grouped).expect("a store").expect("it is there");
    world.up().await;
    assert_eq!(send(world.port(), "POST", "", "{\"ref\": \"main\"}").await.0, 202);
    eventually("a run is made", || world.runs().len() == 1).await;
    assert_eq!(world.runs()[0]["spec"]["params"][0]["value"], "main");
    world.end().await;
}

#[tokio::test]
async fn a_body_that_is_no_json_is_answered_400() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    for (method, body, problem) in
        [("POST", "hello", "invalid character 'h'"), ("GET", "", "unexpected end"), ("POST", "[]", "cannot unmarshal array")]
    {
        let (status, answer) = send(world.port(), method, "", body).await;
        assert_eq!(status, 400, "{body}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let message = answer["errorMessage"].as_str().expect("a message");
        assert!(message.starts_with("Invalid event body format : ") && message.contains(problem), "{message}");
    }
    assert!(world.runs().is_empty());
    world.end().await;
}

#[tokio::test]
async fn what_goes_wrong_after_the_answer_is_in_the_log() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    assert_eq!(send(world.port(), "POST", "", "{\"other\": 1}").await.0, 202);
    world.eventually_logged("failed to replace JSONPath value for param url: $(body.url): url is not found").await;
    let role = "tekton-triggers-eventlistener-roles";
    let update = |role: &mut Value| {
        let rules = role["rules"].as_array_mut().expect("rules");
        rules.retain(|rule| rule["apiGroups"] != json!(["tekton.dev"]));
    };
    world.store.update(&kinds::CLUSTER_ROLE, "", role, update).expect("a store").expect("the role is there");
    assert_eq!(send(world.port(), "POST", "", "{\"url\": \"u\"}").await.0, 202);
    world.eventually_logged("pipelineruns.tekton.dev is forbidden: User \\\"system:serviceaccount:default:default\\\" cannot create").await;
    assert!(world.runs().is_empty());
    world.end().await;
}

#[tokio::test]
async fn the_port_stays_over_a_restart_and_closes_with_the_listener() {
    let world = World::new();
    world.make_chain();
    world.grant();
    world.up().await;
    let port = world.port();
    let pod = world.pod()["metadata"]["name"].clone();
    world.stop.send(true).expect("it runs");
    let World { _dir, name, store, logs, running, .. } = world;
    running.await.expect("it ends");
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(run(store.clone(), logs.clone(), stopped));
    let world = World { _dir, name, store, logs, stop, running };
    eventually("the port is open", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
    assert_eq!(world.pod()["metadata"]["name"], pod);
    assert_eq!(world.log().await.matches("listening on").count(), 2, "the log goes on");
    world.store.delete(&kinds::EVENT_LISTENER, NAMESPACE, &world.name).expect("a store");
    eventually("the port is closed", || std::net::TcpStream::connect(("127.0.0.1", port)).is_err()).await;
    assert!(world.store.list(&kinds::POD, Some(NAMESPACE)).expect("a store").is_empty());
    world.end().await;
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_said_in_the_status() {
    let world = World::new();
    world.make(&kinds::EVENT_LISTENER, &world.name, json!({ "serviceAccountName": "tt-sa", "triggers": [{ "triggerRef": "tt-tr" }] }));
    eventually("the status says so", || world.condition("ReplicaFailure") == Some(json!("True"))).await;
    assert!(world.store.list(&kinds::POD, Some(NAMESPACE)).expect("a store").is_empty());
    let account = json!({ "metadata": { "name": "tt-sa", "namespace": NAMESPACE } });
    world.store.create(&kinds::SERVICE_ACCOUNT, account).expect("it is made");
    eventually("there is a pod", || !world.store.list(&kinds::POD, Some(NAMESPACE)).expect("a store").is_empty()).await;
    eventually("the failure is over", || world.condition("ReplicaFailure").is_none()).await;
    world.end().await;
}
