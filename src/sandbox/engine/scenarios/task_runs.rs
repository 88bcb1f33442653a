//! TaskRuns of their own.

use serde_json::{Value, json};

use super::super::object::{items, text};
use super::{World, is_running, steps, told};
use crate::kinds;
use crate::sandbox::executor::MountSource;

#[tokio::test]
async fn a_failing_step_skips_those_after_it() {
    let world = World::new();
    let steps = json!([
        {"name": "one", "image": "i", "script": "x"}, {"name": "two", "image": "i", "script": "exit 7"},
        {"name": "three", "image": "i", "script": "x"},
    ]);
    let run = world.task_run(json!({"taskSpec": {"steps": steps}})).await;
    assert_eq!(told(&run), "False StepFailed \"step-two\" exited with code 7: Error");
    let ends: Vec<String> = items(&run, "/status/steps")
        .iter()
        .map(|s| format!("{} {} {}", s["terminated"]["exitCode"], text(s, "/terminated/reason"), text(s, "/terminationReason")))
        .collect();
    assert_eq!(ends, ["0 Completed Completed", "7 Error Error", "1 Error Skipped"]);
    let pod = world.get(&kinds::POD, "run-pod");
    assert_eq!(text(&pod, "/status/phase"), "Failed");
    assert_eq!(text(&pod, "/metadata/labels/tekton.dev~1taskRun"), "run");
    assert_eq!(text(&pod, "/spec/containers/1/name"), "step-two");
}

#[tokio::test]
async fn an_ignored_error_of_a_step_lets_the_task_succeed() {
    let world = World::new();
    let steps = json!([
        {"name": "one", "image": "i", "script": "exit 4", "onError": "continue"},
        {"name": "two", "image": "i", "script": "cat $(steps.step-one.exitCode.path)"},
    ]);
    let run = world.task_run(json!({"taskSpec": {"steps": steps}})).await;
    assert_eq!(told(&run), "True Succeeded All Steps have completed executing");
    assert_eq!(run["status"]["steps"][0]["terminated"]["exitCode"], 4);
    assert_eq!(text(&run, "/status/steps/0/terminated/reason"), "Completed");
    assert_eq!(text(&run, "/status/steps/0/terminationReason"), "Continued");
    assert_eq!(world.executor.given()[0].steps[1].script.as_deref(), Some("cat /tekton/steps/step-one/exitCode"));
}

#[tokio::test]
async fn a_cancelled_task_run_says_so() {
    let world = World::new();
    world.create(&kinds::TASK_RUN, "run", json!({"taskSpec": steps("hang"), "retries": 2}));
    world.until(&kinds::TASK_RUN, "run", is_running).await;
    world.patch(&kinds::TASK_RUN, "run", "TaskRunCancelled");
    let run = world.end_of(&kinds::TASK_RUN, "run").await;
    assert_eq!(told(&run), "False TaskRunCancelled TaskRun \"run\" was cancelled. ");
    assert_eq!(text(&run, "/status/steps/0/terminated/reason"), "TaskRunCancelled");
    assert_eq!(world.get(&kinds::POD, "run-pod"), Value::Null);
}

#[tokio::test]
async fn a_missing_service_account_fails_the_pod() {
    let world = World::new();
    let run = world.task_run(json!({"taskSpec": steps("x"), "serviceAccountName": "nobody"})).await;
    assert_eq!(
        told(&run),
        "False PodCreationFailed failed to create task run pod \"run\": translating TaskSpec to Pod: serviceaccounts \
         \"nobody\" not found. Maybe invalid TaskSpec"
    );
    assert_eq!(run["status"]["steps"], json!([{"name": "s"}]));
}

#[tokio::test]
async fn results_of_a_wrong_type_fail_the_task() {
    let world = World::new();
    let mut spec = steps("result list=plain");
    spec["results"] = json!([{"name": "list", "type": "array"}]);
    let run = world.task_run(json!({"taskSpec": spec})).await;
    assert_eq!(
        told(&run),
        "False TaskRunValidationFailed [User error] Provided results don't match declared results; may be invalid JSON or \
         missing result declaration:  \"list\": task result is expected to be \"array\" type but was initialized to a \
         different type \"string\""
    );
}

#[tokio::test]
async fn a_steps_result_becomes_the_tasks() {
    let world = World::new();
    let mut spec = steps("step-result r=7");
    spec["steps"][0]["results"] = json!([{"name": "r"}]);
    spec["results"] = json!([{"name": "out", "value": "$(steps.s.results.r)"}]);
    let run = world.task_run(json!({"taskSpec": spec})).await;
    assert_eq!(run["status"]["results"], json!([{"name": "out", "type": "string", "value": "7"}]));
    assert_eq!(run["status"]["steps"][0]["results"], json!([{"name": "r", "type": "string", "value": "7"}]));
}

#[tokio::test]
async fn a_missing_secret_of_a_workspace_hangs_until_the_timeout() {
    let world = World::new();
    let mut spec = steps("x");
    spec["workspaces"] = json!([{"name": "w"}]);
    let binding = json!([{"name": "w", "secret": {"secretName": "nowhere"}}]);
    let run = world.task_run(json!({"taskSpec": spec, "workspaces": binding, "timeout": "300ms"})).await;
    assert_eq!(
        told(&run),
        "False TaskRunTimeout TaskRun \"run\" failed to finish within \"300ms\"\nPrevious status: [Pending] pod status \
         \"PodReadyToStartContainers\":\"False\"; message: \"\""
    );
}

#[tokio::test]
async fn workspaces_show_configuration_secrets_and_empty_directories() {
    let world = World::new();
    world.plain(&kinds::CONFIG_MAP, json!({"metadata": {"name": "conf"}, "data": {"a.txt": "A"}}));
    let mut spec = steps("$(workspaces.own.path) $(workspaces.none.bound) $(workspaces.none.path).");
    spec["workspaces"] = json!([{"name": "own", "mountPath": "/own"}, {"name": "none", "optional": true}]);
    let bindings = json!([{"name": "own", "configMap": {"name": "conf"}}, {"name": "more", "emptyDir": {}}]);
    let run = world.task_run(json!({"taskSpec": spec, "workspaces": bindings})).await;
    assert_eq!(told(&run), "True Succeeded All Steps have completed executing");
    let given = world.executor.given();
    assert_eq!(given[0].steps[0].script.as_deref(), Some("/own false ."));
    let MountSource::Files(files) = &given[0].mounts[0].source else { panic!("no files") };
    assert_eq!(files[std::path::Path::new("a.txt")], b"A");
    assert!(given[0].mounts[0].read_only && !given[0].mounts[1].read_only, "a ConfigMap's files cannot be written to");
    assert!(matches!(given[0].mounts[1].source, MountSource::EmptyDir(_)));
    assert_eq!(given[0].mounts[1].path, std::path::Path::new("/workspace/more"));
}

#[tokio::test]
async fn a_missing_key_in_the_environment_fails_at_once() {
    let world = World::new();
    let mut spec = steps("x");
    spec["steps"][0]["env"] = json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k"}}}]);
    let run = world.task_run(json!({"taskSpec": spec})).await;
    assert_eq!(told(&run), "False CreateContainerConfigError Failed to create pod due to config error");
}

#[tokio::test]
async fn what_the_executor_refuses_fails_with_its_words() {
    let world = World::new();
    let run = world.task_run(json!({"taskSpec": steps("refuse spec.x: not here")})).await;
    assert_eq!(told(&run), "False PodCreationFailed spec.x: not here");
}

#[tokio::test]
async fn a_step_runs_only_when_it_runs() {
    let world = World::new();
    let steps = json!([{"name": "one", "image": "i", "script": "hang"}, {"name": "two", "image": "i", "script": "x"}]);
    world.create(&kinds::TASK_RUN, "run", json!({"taskSpec": {"steps": steps}}));
    let run = world.until(&kinds::TASK_RUN, "run", is_running).await;
    assert!(run.pointer("/status/steps/0/running").is_some() && run.pointer("/status/steps/1/waiting").is_some());
    let pod = world.get(&kinds::POD, "run-pod");
    assert_eq!(text(&pod, "/status/phase"), "Running");
    let state = |index: usize| pod.pointer(&format!("/status/containerStatuses/{index}/state")).cloned().unwrap_or_default();
    assert!(state(0).get("running").is_some() && state(1).get("waiting").is_some());
}

#[tokio::test]
async fn a_variable_that_a_value_brings_along_fails_the_task_as_the_pod_is_made() {
    let world = World::new();
    let spec = json!({
        "params": [{"name": "p", "value": "$(params.q) and more"}],
        "taskSpec": {"params": [{"name": "p"}], "steps": [{"name": "s", "image": "i", "script": "say $(params.p)"}]},
    });
    let run = world.task_run(spec).await;
    assert_eq!(
        told(&run),
        "False PodCreationFailed failed to create task run pod \"run\": non-existent variable in \"say $(params.q) and more\": \
         steps[0].script. Maybe invalid TaskSpec"
    );
}
