//! PipelineRuns with what they refer to.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::claims::PROVISIONER;
use super::super::condition::{Condition, is_done};
use super::super::fake::FakeExecutor;
use super::super::left::Left;
use super::super::object::{items, text};
use super::super::{admit, run, settle};
use super::{World, children, is_running, skipped, steps, task, told};
use crate::kinds;
use crate::sandbox::executor::MountSource;
use crate::sandbox::logs::LogDir;

fn cancelable() -> Value {
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    json!({"pipelineSpec": {"tasks": [task("a", "hang"), after], "finally": [task("f", "x")]}})
}

fn claim_template(class: Option<&str>) -> Value {
    let mut template = json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    if let Some(class) = class {
        template["spec"]["storageClassName"] = json!(class);
    }
    json!([{"name": "w", "volumeClaimTemplate": template}])
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
    assert_eq!(text(&run, "/status/pipelineSpec/params/0/name"), "q", "what it would have run is told");
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
    let class = json!({"metadata": {"name": "local", "annotations": annotations}, "provisioner": PROVISIONER});
    world.store.create(&kinds::STORAGE_CLASS, class).expect("created");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 0");
    let given = world.executor.given();
    assert_eq!(given[0].steps[0].script.as_deref(), Some("/workspace/w"));
    let MountSource::Directory(directory) = &given[0].mounts[0].source else { panic!("no directory") };
    assert!(directory.starts_with(world.dir.path().join("volumes/ns")) && directory.is_dir());
}

#[tokio::test]
async fn references_take_over_labels_and_the_spec_is_kept() {
    let world = World::new();
    let mut object = json!({"metadata": {"name": "t", "namespace": "ns", "labels": {"team": "x"}}, "spec": steps("$(params.p)")});
    object["spec"]["params"] = json!([{"name": "p", "default": "d"}]);
    admit(&kinds::TASK, &mut object).expect("admitted");
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
    assert_eq!(world.engine.await.expect("no panic").expect("stopped"), ["run-a"]);
    let child = world.store.get(&kinds::TASK_RUN, "ns", "run-a").expect("readable").expect("there");
    assert_eq!(told(&child), "False SandboxStopped \"step-s\" did not end: the sandbox stopped while this step ran");
    let (_stop, stopped) = watch::channel(false);
    let engine = run(world.store.clone(), LogDir::new(world.dir.path()), Arc::new(FakeExecutor::default()), Left::default(), stopped);
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

/// The engine dies without a word while a step runs, and somebody opens the store.
async fn killed_and_settled(spec: Value, at_work: &str) -> World {
    let mut world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", spec);
    world.until(&kinds::TASK_RUN, at_work, is_running).await;
    world.engine.abort();
    assert!((&mut world.engine).await.is_err(), "it was ended from outside");
    assert!(is_running(&world.get(&kinds::PIPELINE_RUN, "run")));
    settle(&world.store, LogDir::new(world.dir.path())).expect("settled");
    world
}

#[tokio::test]
async fn a_run_that_died_with_the_sandboxs_process_has_failed_for_the_next_who_looks() {
    let tasks = json!([task("a", "hang"), {"name": "b", "runAfter": ["a"], "taskSpec": steps("x")}]);
    let world = killed_and_settled(json!({"pipelineSpec": {"tasks": tasks}}), "run-a").await;
    let child = world.get(&kinds::TASK_RUN, "run-a");
    assert_eq!(told(&child), "False SandboxStopped \"step-s\" did not end: the sandbox stopped while this step ran");
    let run = world.get(&kinds::PIPELINE_RUN, "run");
    assert_eq!(told(&run), "False Failed Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 1");
}

#[tokio::test]
async fn a_run_of_which_something_is_left_says_so_and_goes_on_with_the_next_engine() {
    let mut world = killed_and_settled(with_finally(), "run-a").await;
    let run = world.get(&kinds::PIPELINE_RUN, "run");
    let left = "Unknown SandboxStopped the sandbox stopped while task a was at work, and it has failed by that; only the finally tasks are \
                still to come, when the sandbox is started or a command follows the run";
    assert_eq!(told(&run), left);
    assert_eq!(world.get(&kinds::TASK_RUN, "run-last"), Value::Null, "whoever looks starts nothing");
    let revision = world.store.revision();
    settle(&world.store, LogDir::new(world.dir.path())).expect("settled");
    assert_eq!(world.store.revision(), revision, "looking again changes nothing");
    let (_stop, stopped) = watch::channel(false);
    let engine =
        super::super::run(world.store.clone(), LogDir::new(world.dir.path()), Arc::new(world.executor.clone()), Left::default(), stopped);
    world.engine = tokio::spawn(engine);
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0");
}

#[tokio::test]
async fn a_variable_that_a_value_brings_along_fails_the_run_of_a_pipeline_after_its_first_tasks_began() {
    let world = World::new();
    let mut first = task("a", "x");
    first["params"] = json!([{"name": "s", "value": "$(params.s)"}]);
    first["taskSpec"]["params"] = json!([{"name": "s"}]);
    let mut after = task("b", "x");
    after["runAfter"] = json!(["a"]);
    let spec = json!({"params": [{"name": "s"}], "tasks": [first, after]});
    world.create(&kinds::PIPELINE, "par", spec.clone());
    let params = json!([{"name": "s", "value": "$(x)"}]);
    let run = world.pipeline_run(json!({"pipelineRef": {"name": "par"}, "params": params})).await;
    let message = told(&run);
    let expected = "False PipelineValidationFailed [User error] Pipeline ns/par can't be Run; it has an invalid spec: invalid value: \
                    invalid variable reference \"$(x)\", must start with a valid prefix: params, tasks, finally, context, workspaces, \
                    or results; if you meant a shell variable, use ${VAR} instead: tasks[0].params[s].value";
    assert_eq!(message, expected);
    assert_eq!(children(&run), ["run-a"], "its second task never begins");
    world.create(&kinds::PIPELINE_RUN, "embedded", json!({"pipelineSpec": spec, "params": params}));
    let run = world.end_of(&kinds::PIPELINE_RUN, "embedded").await;
    assert!(told(&run).starts_with("True Succeeded"), "{}", told(&run));
}

/// Another engine on the world's store, and two runs that it did not make: one left in the middle, and one made by somebody
/// meanwhile.
async fn with_another_run_of_a_command(world: &mut World, left: &Left) {
    let (store, logs) = (world.store.clone(), LogDir::new(world.dir.path()));
    let stopped = world.stop.subscribe();
    world.engine = tokio::spawn(super::super::run(store, logs, Arc::new(world.executor.clone()), left.clone(), stopped));
    world.create(&kinds::PIPELINE_RUN, "own", json!({"pipelineSpec": {"tasks": [task("a", "x")]}}));
    world.end_of(&kinds::PIPELINE_RUN, "own").await;
}

fn with_finally() -> Value {
    json!({"pipelineSpec": {"tasks": [task("a", "hang")], "finally": [task("last", "x")]}})
}

#[tokio::test]
async fn a_command_with_a_run_of_its_own_leaves_the_runs_of_others_alone() {
    let mut world = killed_and_settled(with_finally(), "run-a").await;
    let left = Left::alone(&world.store).expect("read");
    with_another_run_of_a_command(&mut world, &left).await;
    assert_eq!(world.get(&kinds::TASK_RUN, "run-last"), Value::Null, "nobody asked for it");
    left.take_up(&world.store, &kinds::PIPELINE_RUN, |run| text(run, "/metadata/name") == "run").expect("read");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0");
}

#[tokio::test]
async fn a_run_that_was_left_is_ended_for_whoever_asks_for_its_end() {
    let mut world = killed_and_settled(with_finally(), "run-a").await;
    let left = Left::alone(&world.store).expect("read");
    with_another_run_of_a_command(&mut world, &left).await;
    world.patch(&kinds::PIPELINE_RUN, "run", "Cancelled");
    let run = world.end_of(&kinds::PIPELINE_RUN, "run").await;
    assert_eq!(told(&run), "False Cancelled PipelineRun \"run\" was cancelled");
}

#[tokio::test]
async fn a_hundred_tasks_in_a_row_run_to_the_end() {
    let world = World::new();
    let chain = |index: usize| {
        let mut task = task(&format!("t{index}"), "x");
        if index > 0 {
            task["runAfter"] = json!([format!("t{}", index - 1)]);
        }
        task
    };
    let tasks: Vec<Value> = (0..100).map(chain).collect();
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": tasks}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 100 (Failed: 0, Cancelled 0), Skipped: 0");
}

#[tokio::test]
async fn deleting_a_run_ends_its_steps() {
    let world = World::new();
    world.create(&kinds::PIPELINE_RUN, "run", cancelable());
    world.until(&kinds::TASK_RUN, "run-a", is_running).await;
    world.store.delete(&kinds::PIPELINE_RUN, "ns", "run").expect("deleted");
    assert_eq!(world.get(&kinds::TASK_RUN, "run-a"), Value::Null);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while world.executor.stopped().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "its steps go on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.executor.stopped(), ["run-a"]);
}
