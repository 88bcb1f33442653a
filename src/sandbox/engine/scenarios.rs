//! Whole runs against a real store, with scripted steps. Conditions, reasons and messages are those that a cluster with
//! Tekton Pipelines v1.15 gave for the same runs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::condition::{Condition, is_done};
use super::fake::FakeExecutor;
use super::object::{items, text};
use crate::kinds::{self, Kind};
use crate::sandbox::executor::MountSource;
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Store, StoreError};

/// A store with an engine on it.
struct World {
    dir: tempfile::TempDir,
    store: Store,
    executor: FakeExecutor,
    stop: watch::Sender<bool>,
    engine: JoinHandle<Result<(), StoreError>>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).expect("a store");
        let executor = FakeExecutor::default();
        let (stop, stopped) = watch::channel(false);
        let engine = super::run(store.clone(), LogDir::new(dir.path()), Arc::new(executor.clone()), stopped);
        Self { dir, store, executor, stop, engine: tokio::spawn(engine) }
    }

    fn create(&self, kind: &'static Kind, name: &str, spec: Value) {
        let mut object = json!({"metadata": {"name": name, "namespace": "ns"}, "spec": spec});
        super::admit(kind, &mut object).expect("admitted");
        self.store.create(kind, object).expect("created");
    }

    fn plain(&self, kind: &'static Kind, mut object: Value) {
        object["metadata"]["namespace"] = json!("ns");
        self.store.create(kind, object).expect("created");
    }

    fn get(&self, kind: &'static Kind, name: &str) -> Value {
        self.store.get(kind, "ns", name).expect("readable").unwrap_or_default()
    }

    async fn until(&self, kind: &'static Kind, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut changes = self.store.subscribe();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let object = self.get(kind, name);
            if holds(&object) {
                return object;
            }
            let waited = tokio::time::timeout_at(deadline, changes.recv()).await;
            assert!(waited.is_ok(), "it did not come to that: {object:#}");
        }
    }

    async fn end_of(&self, kind: &'static Kind, name: &str) -> Value {
        self.until(kind, name, is_done).await
    }

    async fn pipeline_run(&self, spec: Value) -> Value {
        self.create(&kinds::PIPELINE_RUN, "run", spec);
        self.end_of(&kinds::PIPELINE_RUN, "run").await
    }

    async fn task_run(&self, spec: Value) -> Value {
        self.create(&kinds::TASK_RUN, "run", spec);
        self.end_of(&kinds::TASK_RUN, "run").await
    }

    fn patch(&self, kind: &'static Kind, name: &str, status: &str) {
        let changed = self.store.update(kind, "ns", name, |object| object["spec"]["status"] = json!(status));
        assert!(changed.expect("updated").is_some());
    }
}

fn steps(script: &str) -> Value {
    json!({"steps": [{"name": "s", "image": "i", "script": script}]})
}

fn task(name: &str, script: &str) -> Value {
    json!({"name": name, "taskSpec": steps(script)})
}

/// `status reason message` of a run.
fn told(run: &Value) -> String {
    let condition = Condition::of(run).expect("a condition");
    format!("{} {} {}", condition.status.word(), condition.reason, condition.message)
}

fn children(run: &Value) -> Vec<&str> {
    items(run, "/status/childReferences").iter().map(|child| text(child, "/name")).collect()
}

fn skipped(run: &Value) -> Vec<String> {
    let entry = |s: &Value| format!("{}: {}", text(s, "/name"), text(s, "/reason"));
    items(run, "/status/skippedTasks").iter().map(entry).collect()
}

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
async fn tasks_run_in_order_and_pass_results_on() {
    let world = World::new();
    let mut make = task("make", "result word=hello\nresult list=[\"a\",\"b\"]");
    make["taskSpec"]["results"] = json!([{"name": "word"}, {"name": "list", "type": "array"}]);
    let mut take = task("take", "$(params.w) $(tasks.make.results.word)");
    take["taskSpec"]["params"] = json!([{"name": "w"}, {"name": "l", "type": "array"}]);
    take["params"] = json!([
        {"name": "w", "value": "<$(tasks.make.results.word)>"}, {"name": "l", "value": "$(tasks.make.results.list[*])"},
    ]);
    let results = json!([{"name": "out", "value": "$(tasks.make.results.word)!"}]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [take, make], "results": results}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0");
    assert_eq!(run["status"]["results"], json!([{"name": "out", "value": "hello!"}]));
    let given = world.executor.given();
    assert_eq!(given[0].task_run, "run-make");
    assert_eq!(given[1].steps[0].script.as_deref(), Some("<hello> hello"));
    let child = world.get(&kinds::TASK_RUN, "run-take");
    assert_eq!(child["spec"]["params"][1]["value"], json!(["a", "b"]));
    assert_eq!(text(&child, "/metadata/labels/tekton.dev~1pipelineTask"), "take");
    assert_eq!(text(&child, "/metadata/labels/tekton.dev~1memberOf"), "tasks");
    assert_eq!(text(&child, "/metadata/ownerReferences/0/name"), "run");
}

#[tokio::test]
async fn when_one_of_two_fails_the_other_ends_and_nothing_new_starts() {
    let world = World::new();
    let mut after = task("c", "x");
    after["runAfter"] = json!(["b"]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [task("a", "exit 1"), task("b", "slow"), after]}})).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1");
    assert_eq!(children(&run), ["run-a", "run-b"]);
    assert_eq!(skipped(&run), ["c: PipelineRun was stopping"]);
    assert_eq!(told(&world.get(&kinds::TASK_RUN, "run-b")), "True Succeeded All Steps have completed executing");
}

#[tokio::test]
async fn finally_runs_after_a_failure_and_knows_of_it() {
    let world = World::new();
    let mut last = task("f", "$(params.s) $(params.all)");
    last["taskSpec"]["params"] = json!([{"name": "s"}, {"name": "all"}]);
    last["params"] = json!([{"name": "s", "value": "$(tasks.a.status)/$(tasks.a.reason)"}, {"name": "all", "value": "$(tasks.status)"}]);
    let mut needs = task("g", "x");
    needs["params"] = json!([{"name": "p", "value": "$(tasks.a.results.r)"}]);
    let mut failing = task("a", "exit 1");
    failing["taskSpec"]["results"] = json!([{"name": "r"}]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [failing], "finally": [last, needs]}})).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1");
    assert_eq!(skipped(&run), ["g: Results were missing"]);
    assert_eq!(world.executor.given()[1].steps[0].script.as_deref(), Some("Failed/StepFailed Failed"));
    assert!(!text(&run, "/status/finallyStartTime").is_empty());
}

#[tokio::test]
async fn retries_stay_in_one_task_run() {
    let world = World::new();
    let mut failing = task("a", "try $(context.task.retry-count)\nexit 2");
    failing["retries"] = json!(2);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [failing]}})).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0");
    let child = world.get(&kinds::TASK_RUN, "run-a");
    assert_eq!(told(&child), "False StepFailed \"step-s\" exited with code 2: Error");
    let attempts = items(&child, "/status/retriesStatus");
    assert_eq!(attempts.iter().map(|a| text(a, "/podName")).collect::<Vec<_>>(), ["run-a-pod", "run-a-pod-retry1"]);
    assert_eq!(text(&child, "/status/podName"), "run-a-pod-retry2");
    let tries: Vec<_> = world.executor.given().iter().map(|g| g.steps[0].script.clone().unwrap_or_default()).collect();
    assert_eq!(tries, ["try 0\nexit 2", "try 1\nexit 2", "try 2\nexit 2"]);
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_ended() {
    let world = World::new();
    let mut slow = task("a", "hang");
    slow["timeout"] = json!("300ms");
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [slow, after], "finally": [task("f", "x")]}})).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1");
    assert_eq!(skipped(&run), ["b: PipelineRun was stopping"]);
    let child = world.get(&kinds::TASK_RUN, "run-a");
    assert_eq!(told(&child), "False TaskRunTimeout TaskRun \"run-a\" failed to finish within \"300ms\"");
    assert_eq!(text(&child, "/status/steps/0/terminationReason"), "TaskRunTimeout");
    assert_eq!(world.get(&kinds::POD, "run-a-pod"), Value::Null, "the pod goes");
}

#[tokio::test]
async fn a_pipeline_that_takes_too_long_is_ended() {
    let world = World::new();
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [task("a", "hang"), after]}, "timeouts": {"pipeline": "300ms"}})).await;
    assert_eq!(told(&run), "False PipelineRunTimeout PipelineRun \"run\" failed to finish within \"300ms\"");
    let child = world.end_of(&kinds::TASK_RUN, "run-a").await;
    assert_eq!(
        told(&child),
        "False TaskRunCancelled TaskRun \"run-a\" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has timed out."
    );
}

#[tokio::test]
async fn finally_has_a_limit_of_its_own() {
    let world = World::new();
    let spec = json!({
        "pipelineSpec": {"tasks": [task("a", "x")], "finally": [task("f", "hang")]},
        "timeouts": {"finally": "300ms", "pipeline": "60s"},
    });
    let run = world.pipeline_run(spec).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0");
}

#[tokio::test]
async fn finally_still_runs_when_the_tasks_take_too_long() {
    let world = World::new();
    let spec = json!({
        "pipelineSpec": {"tasks": [task("a", "hang")], "finally": [task("f", "x")]},
        "timeouts": {"tasks": "300ms"},
    });
    let run = world.pipeline_run(spec).await;
    assert_eq!(told(&run), "False PipelineRunTimeout PipelineRun \"run\" failed due to tasks failed to finish within \"300ms\"");
    assert_eq!(children(&run), ["run-a", "run-f"]);
}

fn cancelable() -> Value {
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    json!({"pipelineSpec": {"tasks": [task("a", "hang"), after], "finally": [task("f", "x")]}})
}

fn is_running(run: &Value) -> bool {
    Condition::of(run).is_some_and(|c| c.reason == "Running")
}

#[tokio::test]
async fn cancelled_ends_at_once_without_finally() {
    let world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", cancelable());
    world.until(&kinds::TASK_RUN, "run-a", is_running).await;
    world.patch(&kinds::PIPELINE_RUN, "run", "Cancelled");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Cancelled PipelineRun \"run\" was cancelled");
    assert_eq!(children(&run), ["run-a"]);
    let child = world.end_of(&kinds::TASK_RUN, "run-a").await;
    assert_eq!(
        told(&child),
        "False TaskRunCancelled TaskRun \"run-a\" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
    );
}

#[tokio::test]
async fn cancelled_run_finally_runs_finally() {
    let world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", cancelable());
    world.until(&kinds::TASK_RUN, "run-a", is_running).await;
    world.patch(&kinds::PIPELINE_RUN, "run", "CancelledRunFinally");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Cancelled PipelineRun \"run\" was cancelled");
    assert_eq!(children(&run), ["run-a", "run-f"]);
    assert_eq!(skipped(&run), ["b: PipelineRun was stopping"]);
}

#[tokio::test]
async fn stopped_run_finally_lets_running_tasks_end() {
    let world = World::new();
    let mut spec = cancelable();
    spec["pipelineSpec"]["tasks"][0] = task("a", "slow");
    world.create(&kinds::PIPELINE_RUN, "run", spec);
    world.until(&kinds::TASK_RUN, "run-a", is_running).await;
    world.patch(&kinds::PIPELINE_RUN, "run", "StoppedRunFinally");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Cancelled PipelineRun \"run\" was cancelled");
    assert_eq!(skipped(&run), ["b: PipelineRun was gracefully stopped"]);
    assert_eq!(told(&world.get(&kinds::TASK_RUN, "run-a")), "True Succeeded All Steps have completed executing");
}

#[tokio::test]
async fn a_pending_run_waits_until_it_is_let_go_or_cancelled() {
    let world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", json!({"pipelineSpec": {"tasks": [task("a", "x")]}, "status": "PipelineRunPending"}));
    let waits = |run: &Value| Condition::of(run).is_some_and(|c| c.reason == "PipelineRunPending");
    world.until(&kinds::PIPELINE_RUN, "run", waits).await;
    world.patch(&kinds::PIPELINE_RUN, "run", "Cancelled");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Cancelled PipelineRun \"run\" was cancelled");
    assert_eq!(children(&run), Vec::<&str>::new());
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
async fn guards_skip_a_task_but_not_those_that_only_run_after_it() {
    let world = World::new();
    let mut guarded = task("a", "result r=1");
    guarded["taskSpec"]["results"] = json!([{"name": "r"}]);
    guarded["when"] = json!([{"input": "$(params.go)", "operator": "in", "values": ["yes"]}]);
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    let mut needs = task("c", "x");
    needs["params"] = json!([{"name": "p", "value": "$(tasks.a.results.r)"}]);
    let mut after_needs = task("d", "x");
    after_needs["runAfter"] = json!(["c"]);
    let spec = json!({
        "pipelineSpec": {"tasks": [guarded, after, needs, after_needs], "params": [{"name": "go", "default": "no"}]},
    });
    let run = world.pipeline_run(spec).await;
    assert_eq!(told(&run), "True Completed Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 3");
    assert_eq!(children(&run), ["run-b"]);
    assert_eq!(skipped(&run), ["a: When Expressions evaluated to false", "c: Results were missing", "d: Parent Tasks were skipped"]);
    assert_eq!(run["status"]["skippedTasks"][0]["whenExpressions"][0]["input"], "no");
}

#[tokio::test]
async fn an_ignored_failure_of_a_task_lets_the_pipeline_succeed() {
    let world = World::new();
    let mut failing = task("a", "exit 1");
    failing["onError"] = json!("continue");
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [failing, after]}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0");
    assert_eq!(told(&world.get(&kinds::TASK_RUN, "run-a")), "False FailureIgnored \"step-s\" exited with code 1: Error");
}

#[tokio::test]
async fn what_is_referred_to_and_missing_is_named() {
    let world = World::new();
    let run = world.pipeline_run(json!({"pipelineRef": {"name": "nowhere"}})).await;
    assert_eq!(
        told(&run),
        "False CouldntGetPipeline Error retrieving pipeline for pipelinerun ns/run: error when getting Pipeline for \
         PipelineRun run: tekton client cannot get pipeline nowhere from local cluster: pipelines.tekton.dev \"nowhere\" not found"
    );
    world.create(&kinds::PIPELINE_RUN, "two", json!({"pipelineSpec": {"tasks": [{"name": "a", "taskRef": {"name": "none"}}]}}));
    let run = world.end_of(&kinds::PIPELINE_RUN, "two").await;
    assert_eq!(
        told(&run),
        "False CouldntGetTask Pipeline ns/two can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task \
         \"none\": tasks.tekton.dev \"none\" not found"
    );
    let run = world.task_run(json!({"taskRef": {"name": "none"}})).await;
    assert_eq!(told(&run), "False TaskRunResolutionFailed error when listing tasks for taskRun run: tasks.tekton.dev \"none\" not found");
}

#[tokio::test]
async fn a_missing_param_is_named() {
    let world = World::new();
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [task("a", "x")], "params": [{"name": "q"}]}})).await;
    assert_eq!(
        told(&run),
        "False ParameterMissing [User error] PipelineRun ns/run is missing some parameters required by Pipeline ns/run: \
         pipelineRun missing parameters: [q]"
    );
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

fn claim_template(class: Option<&str>) -> Value {
    let mut template = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    if let Some(class) = class {
        template["spec"]["storageClassName"] = json!(class);
    }
    json!([{"name": "w", "volumeClaimTemplate": template}])
}

#[tokio::test]
async fn an_unbound_claim_keeps_the_pod_pending_until_a_class_provides_it() {
    let world = World::new();
    let mut task = task("a", "$(workspaces.w.path)");
    task["workspaces"] = json!([{"name": "w"}]);
    let pipeline = json!({"tasks": [task], "workspaces": [{"name": "w"}]});
    world.create(&kinds::PIPELINE_RUN, "run", json!({"pipelineSpec": pipeline, "workspaces": claim_template(None)}));
    let pending = |run: &Value| Condition::of(run).is_some_and(|c| c.message.contains("unbound immediate"));
    let child = world.until(&kinds::TASK_RUN, "run-a", pending).await;
    assert!(told(&child).starts_with(
        "Unknown Pending pod status \"PodScheduled\":\"False\"; message: \"0/1 nodes are available: pod has unbound immediate \
         PersistentVolumeClaims."
    ));
    let pod = world.get(&kinds::POD, "run-a-pod");
    assert_eq!(text(&pod, "/status/conditions/0/reason"), "Unschedulable");
    let annotations = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    let class = json!({"metadata": {"name": "local", "annotations": annotations}, "provisioner": super::PROVISIONER});
    world.store.create(&kinds::STORAGE_CLASS, class).expect("created");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 0");
    let given = world.executor.given();
    assert_eq!(given[0].steps[0].script.as_deref(), Some("/workspace/w"));
    let MountSource::Directory(directory) = &given[0].mounts[0].source else { panic!("no directory") };
    assert!(directory.starts_with(world.dir.path().join("volumes/ns")) && directory.is_dir());
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
async fn references_take_over_labels_and_the_spec_is_kept() {
    let world = World::new();
    let mut object = json!({"metadata": {"name": "t", "namespace": "ns", "labels": {"team": "x"}}, "spec": steps("$(params.p)")});
    object["spec"]["params"] = json!([{"name": "p", "default": "d"}]);
    super::admit(&kinds::TASK, &mut object).expect("admitted");
    world.store.create(&kinds::TASK, object).expect("created");
    world.create(&kinds::PIPELINE, "p", json!({"tasks": [{"name": "a", "taskRef": {"name": "t"}}]}));
    let run = world.pipeline_run(json!({"pipelineRef": {"name": "p"}})).await;
    assert_eq!(text(&run, "/metadata/labels/tekton.dev~1pipeline"), "p");
    assert_eq!(text(&run, "/status/pipelineSpec/tasks/0/name"), "a");
    let child = world.get(&kinds::TASK_RUN, "run-a");
    assert_eq!(text(&child, "/metadata/labels/tekton.dev~1task"), "t");
    assert_eq!(text(&child, "/metadata/labels/team"), "x");
    assert_eq!(text(&child, "/status/taskSpec/steps/0/script"), "d");
}

#[tokio::test]
async fn what_the_executor_refuses_fails_with_its_words() {
    let world = World::new();
    let run = world.task_run(json!({"taskSpec": steps("refuse spec.x: not here")})).await;
    assert_eq!(told(&run), "False PodCreationFailed spec.x: not here");
}

#[tokio::test]
async fn events_tell_what_tektons_controllers_tell() {
    let world = World::new();
    world.pipeline_run(json!({"pipelineSpec": {"tasks": [task("a", "x")]}})).await;
    let events = world.store.list(&kinds::EVENT, Some("ns")).expect("events");
    let of_run = |e: &&Value| text(e, "/involvedObject/name") == "run";
    let mut reasons: Vec<&str> = events.iter().filter(of_run).map(|e| text(e, "/reason")).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["Running", "Started", "Succeeded"]);
}

#[tokio::test]
async fn steps_that_die_with_the_sandbox_fail_their_task() {
    let world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", json!({"pipelineSpec": {"tasks": [task("a", "hang")]}}));
    world.until(&kinds::TASK_RUN, "run-a", is_running).await;
    world.stop.send_replace(true);
    assert!(world.engine.await.expect("no panic").is_ok());
    let child = world.store.get(&kinds::TASK_RUN, "ns", "run-a").expect("readable").expect("there");
    assert_eq!(told(&child), "False SandboxStopped \"step-s\" did not end: the sandbox stopped while this step ran");
    let (_stop, stopped) = watch::channel(false);
    let engine = super::run(world.store.clone(), LogDir::new(world.dir.path()), Arc::new(FakeExecutor::default()), stopped);
    let engine = tokio::spawn(engine);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let run = world.store.get(&kinds::PIPELINE_RUN, "ns", "run").expect("readable").expect("there");
        if is_done(&run) {
            assert_eq!(told(&run), "False Failed Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "it did not end: {run:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.abort();
}

#[tokio::test]
async fn a_hundred_tasks_in_a_row_cost_little_beside_their_steps() {
    let world = World::new();
    let chain = |index: usize| {
        let mut task = task(&format!("t{index}"), "x");
        if index > 0 {
            task["runAfter"] = json!([format!("t{}", index - 1)]);
        }
        task
    };
    let tasks: Vec<Value> = (0..100).map(chain).collect();
    let begun = std::time::Instant::now();
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": tasks}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 100 (Failed: 0, Cancelled 0), Skipped: 0");
    // The promise is 15 ms a step in a release build on an idle machine; this one is neither.
    assert!(begun.elapsed() < Duration::from_secs(60), "it took {:?}", begun.elapsed());
}
