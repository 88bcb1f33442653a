//! Servers that serve nothing newer than v1beta1 of Pipelines, or v1alpha1 of Triggers: every verb works, what is made is of
//! their version, and what is printed is as they have it.

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer};

const OLD_RUN: &str = r#"{"apiVersion": "tekton.dev/v1beta1", "kind": "PipelineRun",
    "metadata": {"name": "old", "namespace": "work", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"tekton.dev/pipeline": "build"}},
    "spec": {"pipelineRef": {"name": "build"}, "serviceAccountName": "builder", "timeout": "1h0m0s", "params": [{"name": "who", "value": "ann"}]},
    "status": {"startTime": "2026-01-01T00:00:01Z", "completionTime": "2026-01-01T00:01:01Z",
        "conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}],
        "pipelineResults": [{"name": "digest", "value": "sha256:1"}],
        "taskRuns": {"old-a": {"pipelineTaskName": "a", "status": {"startTime": "2026-01-01T00:00:02Z"}}}}}"#;
const OLD_TASK: &str = r#"{"apiVersion": "tekton.dev/v1beta1", "kind": "Task", "metadata": {"name": "compile", "namespace": "work"},
    "spec": {"params": [{"name": "who", "type": "string"}], "steps": [{"name": "s", "image": "x", "resources": {"limits": {"cpu": "1"}}}]}}"#;
const OLD_PIPELINE: &str = r#"{"apiVersion": "tekton.dev/v1beta1", "kind": "Pipeline", "metadata": {"name": "build", "namespace": "work"},
    "spec": {"params": [{"name": "who", "type": "string"}], "tasks": [{"name": "a", "taskRef": {"name": "compile", "bundle": "example.com/b:1"}}]}}"#;
const OLD_LISTENER: &str = r#"{"apiVersion": "triggers.tekton.dev/v1alpha1", "kind": "EventListener", "metadata": {"name": "ear", "namespace": "work"},
    "spec": {"serviceAccountName": "sa", "triggers": [{"name": "t", "interceptors": [{"cel": {"filter": "true"}}], "bindings": [{"ref": "b"}], "template": {"ref": "tt"}}]},
    "status": {"address": {"url": "http://ear.work"}}}"#;

/// A server of old versions; what is made is given a name and sent back.
fn server() -> FakeServer {
    FakeServer::start(|request, _| {
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(path) = path.strip_prefix("/apis/") else { return Answer::no_such_path() };
        let (group, rest) = path.split_once('/').unwrap_or((path, ""));
        let served = if group == "triggers.tekton.dev" { "v1alpha1" } else { "v1beta1" };
        let Some(rest) = rest.strip_prefix(served) else { return Answer::no_such_path() };
        if rest.is_empty() {
            let names = ["pipelines", "pipelineruns", "tasks", "taskruns", "customruns", "eventlisteners", "triggers", "triggerbindings"];
            return Answer::json(&json!({"resources": names.map(|name| json!({"name": name}))}));
        }
        if request.method == "POST" {
            let mut made: Value = serde_json::from_str(&request.body).expect("a body of JSON");
            let name = made["metadata"]["generateName"].as_str().unwrap_or_default().to_owned() + "new";
            made["metadata"]["name"] = name.into();
            return Answer::json(&made);
        }
        let objects: Vec<Value> =
            [OLD_RUN, OLD_TASK, OLD_PIPELINE, OLD_LISTENER].iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let of_kind = |object: &&Value| rest.contains(&format!("/{}s", object["kind"].as_str().unwrap().to_lowercase()));
        let mut there = objects.iter().filter(of_kind);
        match there.next() {
            Some(object) if rest.ends_with(&format!("/{}", object["metadata"]["name"].as_str().unwrap())) => Answer::json(object),
            Some(object) if rest.ends_with('s') => {
                let kind = format!("{}List", object["kind"].as_str().unwrap());
                Answer::json(&json!({"apiVersion": object["apiVersion"], "kind": kind, "metadata": {}, "items": [object]}))
            }
            None if rest.ends_with("runs") => Answer::json(&json!({"metadata": {}, "items": []})),
            _ => Answer::failure(404, "NotFound", "the server has no \"such\" object"),
        }
    })
}

/// The bodies of what was made.
fn made(server: &FakeServer) -> Vec<Value> {
    let posts = server.asked().into_iter().filter(|request| request.method == "POST");
    posts.map(|request| serde_json::from_str(&request.body).expect("a body of JSON")).collect()
}

#[test]
fn a_run_is_made_in_the_version_that_the_server_has() {
    let server = server();
    let world = server.world();
    let start =
        ["pipeline", "start", "build", "-p", "who=bob", "-s", "builder", "--task-serviceaccount", "a=b", "--pipeline-timeout", "5m"];
    world.rtkn(&start).ok().prints("PipelineRun started: build-run-new");
    let run = &made(&server)[0];
    assert_eq!(run["apiVersion"], "tekton.dev/v1beta1");
    let spec = json!({
        "pipelineRef": {"name": "build"}, "serviceAccountName": "builder", "timeouts": {"pipeline": "5m0s"}, "params": [{"name": "who", "value": "bob"}],
        "taskRunSpecs": [{"pipelineTaskName": "a", "taskServiceAccountName": "b"}],
    });
    assert_eq!(run["spec"], spec);
}

#[test]
fn an_older_run_is_started_again_as_it_was() {
    let server = server();
    let world = server.world();
    world.rtkn(&["pr", "rerun", "old"]).ok().prints("PipelineRun started: old-new");
    world.rtkn(&["pipeline", "start", "build", "--last", "-p", "who=bob"]).ok();
    let runs = made(&server);
    assert_eq!(runs[0]["spec"]["serviceAccountName"], "builder");
    assert_eq!(runs[0]["spec"]["params"], json!([{"name": "who", "value": "ann"}]));
    assert_eq!(runs[1]["spec"]["params"], json!([{"name": "who", "value": "bob"}]));
    assert_eq!(runs[1]["apiVersion"], "tekton.dev/v1beta1");
}

#[test]
fn a_dry_run_of_a_file_asks_which_version_the_server_has() {
    let server = server();
    let world = server.world();
    let file = world.write("task.yaml", OLD_TASK);
    let ran = world.rtkn(&["task", "start", "-f", &file, "-p", "who=bob", "--dry-run"]).ok();
    ran.prints("apiVersion: tekton.dev/v1beta1").prints("resources:").never_shows("computeResources");
    assert!(made(&server).is_empty());
}

#[test]
fn every_verb_reads_older_objects() {
    let server = server();
    let world = server.world();
    let yaml = world.rtkn(&["pr", "describe", "old", "-o", "yaml"]).ok();
    yaml.prints("apiVersion: tekton.dev/v1beta1").prints("serviceAccountName: builder").prints("timeout: 1h0m0s").prints("taskRuns:");
    world.rtkn(&["pr", "list", "-o", "yaml"]).ok().prints("serviceAccountName: builder").prints("pipelineResults:");
    world.rtkn(&["pr", "list"]).ok().prints("old").prints("Succeeded");
    world.rtkn(&["pr", "describe", "old"]).ok().prints("builder").prints("digest");
    world.rtkn(&["pr", "export", "old"]).ok().prints("timeout: 1h0m0s");
    world.rtkn(&["pipeline", "describe", "build"]).ok().prints("who");
    world.rtkn(&["task", "list"]).ok().prints("compile");
    world.rtkn(&["task", "export", "compile"]).ok().prints("resources:");
    world.rtkn(&["pr", "delete", "old", "-f"]).ok().prints("PipelineRuns deleted: \"old\"");
    world.rtkn(&["el", "list"]).ok().prints("ear");
    world.rtkn(&["el", "describe", "ear"]).ok().prints("cel");
    world.rtkn(&["el", "describe", "ear", "-o", "yaml"]).ok().prints("triggers.tekton.dev/v1alpha1").prints("filter: \"true\"");
}
