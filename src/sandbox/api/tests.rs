//! Scenarios through a client in this process, as the commands have it.

use futures::{AsyncReadExt, StreamExt, TryStreamExt};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use kube::api::{
    Api as Resources, ApiResource, DeleteParams, DynamicObject, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Api;
use crate::kinds::{self, Kind};
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::Store;

struct World {
    _dir: tempfile::TempDir,
    api: Api,
    client: kube::Client,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(dir.path()).expect("a store").lazy();
        let api = Api::new(store, LogDir::new(dir.path())).expect("a server");
        let client = kube::Client::new(api.router(), "default");
        World { _dir: dir, api, client }
    }

    fn of(&self, kind: &Kind) -> Resources<DynamicObject> {
        self.at(kind, kind.version())
    }

    fn at(&self, kind: &Kind, version: &str) -> Resources<DynamicObject> {
        let resource = ApiResource {
            group: kind.group.to_owned(),
            version: version.to_owned(),
            api_version: kind.api_version(version),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
        };
        if kind.namespaced {
            Resources::namespaced_with(self.client.clone(), "default", &resource)
        } else {
            Resources::all_with(self.client.clone(), &resource)
        }
    }

    async fn make(&self, kind: &Kind, object: Value) -> DynamicObject {
        self.of(kind).create(&PostParams::default(), &typed(kind, object)).await.expect("made")
    }

    /// A plain request; code and JSON of the answer.
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(axum::body::Body::from(body)).expect("a request");
        let answer = self.api.router().oneshot(request).await.expect("an answer");
        let code = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

fn typed(kind: &Kind, mut object: Value) -> DynamicObject {
    object["apiVersion"] = json!(kind.api_version(kind.version()));
    object["kind"] = json!(kind.kind);
    serde_json::from_value(object).expect("an object")
}

fn run(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": {"pipelineRef": {"name": "p"}}})
}

fn config(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn message(error: kube::Error) -> (u16, String) {
    match error {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn objects_are_made_read_and_deleted() {
    let world = World::new();
    let runs = world.of(&kinds::PIPELINE_RUN);
    let made =
        world.make(&kinds::PIPELINE_RUN, json!({"metadata": {"generateName": "run-"}, "spec": {"pipelineRef": {"name": "p"}}})).await;
    let name = made.metadata.name.expect("a name");
    assert_eq!(runs.get(&name).await.expect("there").data["spec"]["pipelineRef"]["name"], "p");
    assert_eq!(runs.list_metadata(&ListParams::default()).await.expect("listed").items.len(), 1);
    runs.delete(&name, &DeleteParams::default()).await.expect("deleted");
    let (code, text) = message(runs.get(&name).await.expect_err("gone"));
    assert_eq!((code, text), (404, format!("pipelineruns.tekton.dev \"{name}\" not found")));
}

#[tokio::test]
async fn what_is_taken_or_nowhere_is_refused() {
    let world = World::new();
    world.make(&kinds::CONFIG_MAP, config("a", json!({}))).await;
    let twice = world.of(&kinds::CONFIG_MAP).create(&PostParams::default(), &typed(&kinds::CONFIG_MAP, config("a", json!({})))).await;
    assert_eq!(message(twice.expect_err("taken")), (409, "configmaps \"a\" already exists".to_owned()));
    let (code, answer) = world.ask(Method::POST, "/api/v1/namespaces/nowhere/configmaps", &[], Some(config("b", json!({})))).await;
    assert_eq!((code.as_u16(), &answer["message"]), (404, &json!("namespaces \"nowhere\" not found")));
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": []}});
    let (code, answer) = world.ask(Method::POST, "/api/v1/namespaces/default/pods", &[], Some(pod)).await;
    assert_eq!((code.as_u16(), &answer["reason"]), (405, &json!("MethodNotAllowed")));
}

#[tokio::test]
async fn a_name_that_becomes_a_label_is_no_longer_than_one() {
    let world = World::new();
    let spec = json!({"params": [{"name": "url", "value": "$(body.url)"}]});
    let object = |length: usize| typed(&kinds::TRIGGER_BINDING, json!({"metadata": {"name": "x".repeat(length)}, "spec": spec}));
    let bindings = world.of(&kinds::TRIGGER_BINDING);
    bindings.create(&PostParams::default(), &object(63)).await.expect("made");
    let refused = message(bindings.create(&PostParams::default(), &object(64)).await.expect_err("too long"));
    assert!(refused.1.ends_with("Invalid resource name: length must be no more than 63 characters: metadata.name"), "{refused:?}");
}

#[tokio::test]
async fn a_new_namespace_has_its_service_account() {
    let world = World::new();
    world.make(&kinds::NAMESPACE, json!({"metadata": {"name": "mine"}})).await;
    let (code, _) = world.ask(Method::GET, "/api/v1/namespaces/mine/serviceaccounts/default", &[], None).await;
    assert_eq!(code, StatusCode::OK);
}

#[tokio::test]
async fn lists_are_selected_and_paged() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.make(&kinds::PIPELINE_RUN, run(name)).await;
    }
    let runs = world.of(&kinds::PIPELINE_RUN);
    let names =
        |list: kube::api::ObjectList<DynamicObject>| -> Vec<String> { list.items.into_iter().filter_map(|o| o.metadata.name).collect() };
    assert_eq!(names(runs.list(&ListParams::default().labels("app in (a, c)")).await.expect("listed")), ["a", "c"]);
    assert_eq!(names(runs.list(&ListParams::default().fields("metadata.name=b")).await.expect("listed")), ["b"]);
    let page = runs.list(&ListParams::default().limit(2)).await.expect("listed");
    let token = page.metadata.continue_.clone().expect("more");
    assert_eq!(
        (names(page).len(), names(runs.list(&ListParams::default().limit(2).continue_token(&token)).await.expect("listed"))),
        (2, vec!["c".to_owned()])
    );
    let refused = runs.list(&ListParams::default().fields("spec.x=b")).await.expect_err("refused");
    assert_eq!(message(refused), (400, "field label not supported: spec.x".to_owned()));
}

#[tokio::test]
async fn an_update_of_an_older_state_conflicts() {
    let world = World::new();
    let mut object = world.make(&kinds::CONFIG_MAP, config("a", json!({"x": "1"}))).await;
    let maps = world.of(&kinds::CONFIG_MAP);
    object.data["data"]["x"] = json!("2");
    maps.replace("a", &PostParams::default(), &object).await.expect("replaced");
    let (code, text) = message(maps.replace("a", &PostParams::default(), &object).await.expect_err("older"));
    assert_eq!(code, 409);
    assert!(text.contains("the object has been modified"), "{text}");
}

#[tokio::test]
async fn the_patches() {
    let world = World::new();
    world.make(&kinds::CONFIG_MAP, config("a", json!({"x": "1", "y": "1"}))).await;
    let maps = world.of(&kinds::CONFIG_MAP);
    let merged = maps.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"x": null, "z": "1"}}))).await.expect("merged");
    assert_eq!(merged.data["data"], json!({"y": "1", "z": "1"}));
    let operations: json_patch::Patch = serde_json::from_value(json!([{"op": "remove", "path": "/data/y"}])).expect("a patch");
    let patched = maps.patch("a", &PatchParams::default(), &Patch::Json::<()>(operations)).await.expect("patched");
    assert_eq!(patched.data["data"], json!({"z": "1"}));
    maps.patch("a", &PatchParams::default(), &Patch::Strategic(json!({"data": {"s": "1"}}))).await.expect("merged");
    world.make(&kinds::TASK, json!({"metadata": {"name": "t"}, "spec": {"steps": [{"image": "i", "script": "true"}]}})).await;
    let refused = world.of(&kinds::TASK).patch("t", &PatchParams::default(), &Patch::Strategic(json!({}))).await;
    assert_eq!(message(refused.expect_err("refused")).0, 415);
}

#[tokio::test]
async fn applying_twice_changes_nothing_and_another_manager_conflicts() {
    let world = World::new();
    let maps = world.of(&kinds::CONFIG_MAP);
    let apply = async |manager: &str, value: &str, force: bool| {
        let mut params = PatchParams::apply(manager);
        params.force = force;
        maps.patch("a", &params, &Patch::Apply(config("a", json!({"x": value})))).await
    };
    let once = apply("rtkn", "1", false).await.expect("made");
    let twice = apply("rtkn", "1", false).await.expect("the same");
    assert_eq!(once.metadata, twice.metadata);
    let (code, text) = message(apply("other", "2", false).await.expect_err("a conflict"));
    assert_eq!((code, text), (409, "Apply failed with 1 conflict: conflict with \"rtkn\" using v1: .data.x".to_owned()));
    assert_eq!(apply("other", "2", true).await.expect("forced").data["data"]["x"], "2");
}

#[tokio::test]
async fn a_secret_is_applied_with_plain_text_twice() {
    let world = World::new();
    let secrets = world.of(&kinds::SECRET);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}});
    let once = secrets.patch("s", &PatchParams::apply("rtkn"), &Patch::Apply(&secret)).await.expect("made");
    let twice = secrets.patch("s", &PatchParams::apply("rtkn"), &Patch::Apply(&secret)).await.expect("the same");
    assert_eq!(once.data["data"], json!({"a": "Yg=="}));
    assert_eq!(once.metadata.resource_version, twice.metadata.resource_version);
}

#[tokio::test]
async fn the_status_is_written_on_its_own_path() {
    let world = World::new();
    let runs = world.of(&kinds::PIPELINE_RUN);
    let mut object = run("r");
    object["status"] = json!({"x": 1});
    assert!(world.make(&kinds::PIPELINE_RUN, object).await.data.get("status").is_none());
    let patch = json!({"status": {"x": 2}, "spec": {"pipelineRef": {"name": "other"}}});
    let changed = runs.patch_status("r", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    assert_eq!((&changed.data["spec"]["pipelineRef"], &changed.data["status"]), (&json!({"name": "p"}), &json!({"x": 2})));
    let changed = runs.patch("r", &PatchParams::default(), &Patch::Merge(json!({"status": {"x": 3}}))).await.expect("patched");
    assert_eq!(changed.data["status"]["x"], 2);
}

#[tokio::test]
async fn what_has_no_effect_here_is_said_in_a_warning() {
    let world = World::new();
    let mut object = run("r");
    object["spec"]["taskRunTemplate"] = json!({"podTemplate": {"nodeSelector": {"a": "b"}}});
    let request = Request::builder().method(Method::POST).uri("/apis/tekton.dev/v1/namespaces/default/pipelineruns");
    let answer =
        world.api.router().oneshot(request.body(axum::body::Body::from(object.to_string())).expect("a request")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let warning = answer.headers()["warning"].to_str().expect("text");
    assert!(warning.starts_with("299 - \"") && warning.contains("podTemplate"), "{warning}");
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let world = World::new();
    let maps = world.of(&kinds::CONFIG_MAP);
    let params = PatchParams::apply("rtkn").dry_run();
    maps.patch("a", &params, &Patch::Apply(config("a", json!({"x": "1"})))).await.expect("tried");
    assert_eq!(message(maps.get("a").await.expect_err("not there")).0, 404);
    world.make(&kinds::CONFIG_MAP, config("a", json!({}))).await;
    maps.delete("a", &DeleteParams { dry_run: true, ..DeleteParams::default() }).await.expect("tried");
    maps.get("a").await.expect("still there");
}

#[tokio::test]
async fn older_versions_are_read_and_written() {
    let world = World::new();
    let old = world.at(&kinds::PIPELINE_RUN, "v1beta1");
    let object = json!({"apiVersion": "tekton.dev/v1beta1", "kind": "PipelineRun", "metadata": {"name": "r"},
        "spec": {"pipelineRef": {"name": "p"}, "serviceAccountName": "sa"}});
    let made = old.create(&PostParams::default(), &serde_json::from_value(object).expect("an object")).await.expect("made");
    assert_eq!(made.data["spec"]["serviceAccountName"], "sa");
    let new = world.of(&kinds::PIPELINE_RUN).get("r").await.expect("there");
    assert_eq!(new.data["spec"]["taskRunTemplate"]["serviceAccountName"], "sa");
    let patched =
        old.patch("r", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}))).await.expect("patched");
    assert_eq!(patched.types.expect("types").api_version, "tekton.dev/v1beta1");
}

#[tokio::test]
async fn a_watch_sees_what_was_and_what_comes() {
    let world = World::new();
    world.make(&kinds::PIPELINE_RUN, run("a")).await;
    let runs = world.of(&kinds::PIPELINE_RUN);
    let mut events = std::pin::pin!(watcher(runs.clone(), watcher::Config::default()).applied_objects());
    let first: DynamicObject = events.next().await.expect("more").expect("an object");
    assert_eq!(first.metadata.name.as_deref(), Some("a"));
    world.make(&kinds::PIPELINE_RUN, run("b")).await;
    let second: DynamicObject = events.next().await.expect("more").expect("an object");
    assert_eq!(second.metadata.name.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_watch_with_a_selector_sees_objects_come_and_go() {
    let world = World::new();
    let made = world.make(&kinds::PIPELINE_RUN, run("a")).await;
    let runs = world.of(&kinds::PIPELINE_RUN);
    let from = made.metadata.resource_version.expect("a version");
    let events = runs.watch(&WatchParams::default().labels("app=a"), &from).await.expect("watched");
    let mut events = events.boxed();
    let label = async |value: &str| {
        runs.patch("a", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"labels": {"app": value}}}))).await.expect("patched");
    };
    label("x").await;
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Deleted(_)))));
    label("y").await;
    label("a").await;
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Added(_)))));
    runs.delete("a", &DeleteParams::default()).await.expect("deleted");
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Deleted(_)))));
}

#[tokio::test]
async fn a_watch_from_nowhere_expires() {
    let world = World::new();
    let runs = world.of(&kinds::PIPELINE_RUN);
    let mut events = runs.watch(&WatchParams::default(), "999999").await.expect("watched").boxed();
    match events.next().await {
        Some(Ok(WatchEvent::Error(status))) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("{other:?}"),
    }
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_watch_that_streams_the_list_marks_its_end() {
    let world = World::new();
    world.make(&kinds::PIPELINE_RUN, run("a")).await;
    let runs = world.of(&kinds::PIPELINE_RUN);
    let config = watcher::Config::default().streaming_lists();
    let mut events = watcher(runs, config).boxed();
    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await.expect("an event") {
        match event {
            watcher::Event::Init => seen.push("init"),
            watcher::Event::InitApply(_) => seen.push("apply"),
            watcher::Event::InitDone => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["init", "apply"]);
}

#[tokio::test]
async fn a_log_is_followed_to_its_end() {
    let world = World::new();
    let pod = json!({"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "step-a"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "step-a", "state": {"running": {}}}]}});
    let pod = world.api.store.create(&kinds::POD, pod).expect("made");
    let mut writer = world.api.logs.writer(pod["metadata"]["uid"].as_str().expect("a uid"), "step-a").expect("a writer");
    writer.write(b"one\n", Timestamp::now()).expect("written");
    let pods: Resources<k8s_openapi::api::core::v1::Pod> = Resources::namespaced(world.client.clone(), "default");
    let params = LogParams { follow: true, container: Some("step-a".to_owned()), ..LogParams::default() };
    let mut stream = std::pin::pin!(pods.log_stream("p", &params).await.expect("a stream"));
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await.expect("read");
    assert_eq!(&bytes, b"one\n");
    writer.write(b"two", Timestamp::now()).expect("written");
    writer.close().expect("closed");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("read");
    assert_eq!(rest, b"two\n");
}

#[tokio::test]
async fn a_container_that_waits_has_no_log() {
    let world = World::new();
    let pod = json!({"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "step-a"}]},
        "status": {"containerStatuses": [{"name": "step-a", "state": {"waiting": {"reason": "PodInitializing"}}}]}});
    world.api.store.create(&kinds::POD, pod).expect("made");
    let (code, answer) = world.ask(Method::GET, "/api/v1/namespaces/default/pods/p/log", &[], None).await;
    assert_eq!(
        (code.as_u16(), &answer["message"]),
        (400, &json!("container \"step-a\" in pod \"p\" is waiting to start: PodInitializing"))
    );
}

#[tokio::test]
async fn access_is_reviewed_and_enforced_for_others() {
    let world = World::new();
    let user = "system:serviceaccount:default:sa";
    let spec = json!({"user": user, "resourceAttributes": {"verb": "create", "group": "tekton.dev", "resource": "pipelineruns", "namespace": "default"}});
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let (code, answer) = world.ask(Method::POST, path, &[], Some(json!({"spec": spec}))).await;
    assert_eq!((code.as_u16(), &answer["status"]["allowed"]), (201, &json!(false)));
    let runs = "/apis/tekton.dev/v1/namespaces/default/pipelineruns";
    let (code, answer) = world.ask(Method::POST, runs, &[("impersonate-user", user)], Some(run("r"))).await;
    assert_eq!(code.as_u16(), 403);
    assert!(answer["message"].as_str().is_some_and(|m| m.contains("cannot create resource \"pipelineruns\"")), "{answer}");
    let binding = json!({"metadata": {"name": "b"}, "subjects": [{"kind": "ServiceAccount", "name": "sa"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tekton-triggers-eventlistener-roles"}});
    world.make(&kinds::ROLE_BINDING, binding).await;
    let (_, answer) = world.ask(Method::POST, path, &[], Some(json!({"spec": spec}))).await;
    assert_eq!(answer["status"]["allowed"], true);
    let (code, _) = world.ask(Method::POST, runs, &[("impersonate-user", user)], Some(run("r"))).await;
    assert_eq!(code.as_u16(), 201);
    let (_, answer) =
        world.ask(Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &[], Some(json!({"spec": spec}))).await;
    assert_eq!(answer["status"]["allowed"], true);
}

#[tokio::test]
async fn a_port_wants_the_token() {
    let world = World::new();
    let router = world.api.with_token("secret").router();
    let ask = async |path: &str, header: Option<&str>| {
        let mut request = Request::builder().uri(path);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        router.clone().oneshot(request.body(axum::body::Body::empty()).expect("a request")).await.expect("an answer").status().as_u16()
    };
    assert_eq!((ask("/version", None).await, ask("/version", Some("Bearer x")).await), (401, 401));
    assert_eq!((ask("/x/version", None).await, ask("/secretversion", None).await), (401, 401));
    assert_eq!((ask("/version", Some("Bearer secret")).await, ask("/secret/version", None).await), (200, 200));
}

#[tokio::test]
async fn discovery_finds_every_kind() {
    let world = World::new();
    let found = kube::discovery::Discovery::new(world.client.clone()).run().await.expect("discovered");
    for kind in kinds::ALL.iter().filter(|kind| kind.group != "authorization.k8s.io") {
        let group = found.get(kind.group).expect("its group");
        let versions: Vec<_> = group.versions().collect();
        assert!(
            versions.iter().any(|version| group.versioned_resources(version).iter().any(|(r, _)| r.plural == kind.plural)),
            "{}",
            kind.kind
        );
    }
    let (code, answer) = world.ask(Method::GET, "/apis/nope/v1", &[], None).await;
    assert_eq!((code.as_u16(), &answer["kind"]), (404, &json!("Status")));
}

#[tokio::test]
async fn an_object_of_another_form_is_refused_and_breaks_nothing() {
    let world = World::new();
    for (body, field) in [
        (json!({"metadata": {"name": "odd", "labels": "x"}}), "metadata.labels"),
        (json!({"metadata": {"name": "odd", "ownerReferences": {}}}), "metadata.ownerReferences"),
        (json!({"metadata": {"name": "odd"}, "spec": "x"}), "spec"),
    ] {
        let (code, answer) = world.ask(Method::POST, "/api/v1/namespaces", &[], Some(body)).await;
        assert_eq!(code, StatusCode::BAD_REQUEST);
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.contains(&format!("{field} is no ")), "{message}");
    }
    let forever = format!("/api/v1/namespaces?watch=true&timeoutSeconds={}", u64::MAX);
    let request = Request::get(forever).body(axum::body::Body::empty()).expect("a request");
    assert_eq!(world.api.router().oneshot(request).await.expect("an answer").status(), StatusCode::OK);
}
