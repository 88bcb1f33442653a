//! Pipelines: order, what flows between tasks, what is passed over, and older manifests.

use serde_json::Value;

use crate::steps::{ended, played};
use crate::world::World;

#[test]
fn tasks_run_after_those_that_they_name() {
    let world = World::started_sandbox();
    let order = world.path().join("order");
    let manifest = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    tasks:
      - name: third
        runAfter: [second]
        taskSpec: {steps: [{name: s, image: none, script: 'echo 3 >> ORDER'}]}
      - name: second
        runAfter: [first]
        taskSpec: {steps: [{name: s, image: none, script: 'sleep 0.1; echo 2 >> ORDER'}]}
      - name: first
        taskSpec: {steps: [{name: s, image: none, script: 'sleep 0.2; echo 1 >> ORDER; echo done'}]}
";
    played(&world, "pr", &manifest.replace("ORDER", &order.to_string_lossy())).prints("[first : s] done");
    assert_eq!(std::fs::read_to_string(&order).expect("the steps wrote it"), "1\n2\n3\n");
    let run = ended(&world, "pr", "True", "Succeeded");
    assert_eq!(run["status"]["childReferences"].as_array().map(Vec::len), Some(3));
}

#[test]
fn the_manifest_of_a_run_that_has_ended_changes_nothing_once_more() {
    let world = World::started_sandbox();
    let manifest = "apiVersion: tekton.dev/v1
kind: Task
metadata: {name: t}
spec: {steps: [{name: s, image: none, script: 'echo done'}]}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    tasks: [{name: only, taskRef: {name: t}}]
";
    played(&world, "pr", manifest).prints("[only : s] done");
    world.stdin(&["apply", "-f", "-"], manifest).ok().prints("pipelinerun.tekton.dev/run unchanged");
}

#[test]
fn a_field_that_is_left_empty_is_none() {
    let world = World::started_sandbox();
    let manifest = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  params:
  pipelineSpec:
    params:
    workspaces:
    tasks:
      - name: only
        params:
        taskSpec: {steps: [{name: s, image: none, env: , script: 'echo done'}]}
    finally:
";
    played(&world, "pr", manifest).prints("[only : s] done");
}

#[test]
fn results_flow_from_task_to_task_and_out_of_the_pipeline() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "pr",
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  params: [{name: who, value: world}]
  pipelineSpec:
    params: [{name: who}, {name: greeting, default: hello}]
    tasks:
      - name: use
        params: [{name: text, value: 'got $(tasks.make.results.text)'}, {name: second, value: '$(tasks.make.results.list[1])'}]
        taskSpec:
          params: [{name: text}, {name: second}]
          steps: [{name: s, image: none, script: 'echo \"$(params.text), $(params.second)\"'}]
      - name: make
        params: [{name: text, value: '$(params.greeting) $(params.who)'}]
        taskSpec:
          params: [{name: text}]
          results: [{name: text}, {name: list, type: array}]
          steps:
            - name: s
              image: none
              script: |
                printf '%s' '$(params.text)' > $(results.text.path)
                printf '[\"one\", \"two\"]' > $(results.list.path)
    results:
      - {name: said, value: '$(tasks.make.results.text), it said'}
",
    );
    log.prints("[use : s] got hello world, two");
    let run = ended(&world, "pr", "True", "Succeeded");
    assert_eq!(run["status"]["results"], serde_json::json!([{"name": "said", "value": "hello world, it said"}]));
}

#[test]
fn params_are_texts_lists_and_maps() {
    let world = World::started_sandbox();
    played(
        &world,
        "tr",
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  params:
    - {name: list, value: [a, 'b c', d]}
    - {name: map, value: {left: one, right: two}}
  taskSpec:
    params:
      - {name: list, type: array}
      - {name: map, type: object, properties: {left: {}, right: {}}}
      - {name: text, default: 'as it is'}
    steps:
      - name: s
        image: none
        command: [printf]
        args: ['<%s>', '$(params.list[*])', '$(params.list[1])', '$(params.map.left)-$(params.map.right)', '$(params.text)']
",
    )
    .prints("<a><b c><d><b c><one-two><as it is>");
}

#[test]
fn a_workspace_is_shared_by_the_tasks_of_a_claim_and_an_empty_directory_by_the_steps_of_a_task() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "tr",
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  workspaces: [{name: data, emptyDir: {}}]
  taskSpec:
    workspaces: [{name: data}]
    volumes: [{name: scratch, emptyDir: {}}]
    steps:
      - {name: write, image: none, script: 'echo shared > $(workspaces.data.path)/file; echo $(workspaces.data.bound); echo v > /scratch/v', volumeMounts: [{name: scratch, mountPath: /scratch}]}
      - {name: read, image: none, workingDir: /workspace/data, script: 'cat file; pwd; cat /scratch/v', volumeMounts: [{name: scratch, mountPath: /scratch}]}
",
    );
    log.prints("[write] true").prints("[read] shared").prints("[read] /workspace/data").prints("[read] v");
}

#[test]
fn a_task_whose_when_is_false_is_skipped_and_the_run_completed() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "pr",
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    params: [{name: branch, default: main}]
    tasks:
      - name: taken
        when: [{input: $(params.branch), operator: in, values: [main, master]}]
        taskSpec: {steps: [{name: s, image: none, script: 'echo taken'}]}
      - name: passed-over
        when: [{input: $(params.branch), operator: notin, values: [main]}]
        taskSpec: {steps: [{name: s, image: none, script: 'echo never'}]}
",
    );
    log.prints("[taken : s] taken").never_shows("never");
    let run = ended(&world, "pr", "True", "Completed");
    assert_eq!(run["status"]["skippedTasks"][0]["name"], "passed-over");
    world.rtkn(&["pr", "describe", "run"]).ok().prints("passed-over");
}

#[test]
fn finally_runs_after_a_failure_and_is_told_of_it() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "pr",
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    tasks:
      - name: breaks
        taskSpec: {steps: [{name: s, image: none, script: 'echo breaking; exit 3'}, {name: after, image: none, script: 'echo never'}]}
      - name: waits
        runAfter: [breaks]
        taskSpec: {steps: [{name: s, image: none, script: 'echo never'}]}
    finally:
      - name: cleanup
        params: [{name: how, value: $(tasks.breaks.status)}]
        taskSpec:
          params: [{name: how}]
          steps: [{name: s, image: none, script: 'echo cleaning after $(params.how)'}]
",
    );
    let log = log.prints("[breaks : s] breaking").prints("[cleanup : s] cleaning after Failed").never_shows("never");
    log.says(r#"task breaks has failed: "step-s" exited with code 3"#);
    let run = ended(&world, "pr", "False", "Failed");
    let message = crate::steps::condition(&run)["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(message, "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1");
}

#[test]
fn older_manifests_are_read_and_written_as_their_version() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "pr",
        "apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {name: old}
spec:
  params: [{name: text, type: string}]
  steps: [{name: s, image: none, resources: {requests: {cpu: 1m}}, script: 'echo $(params.text)'}]
---
apiVersion: tekton.dev/v1beta1
kind: Pipeline
metadata: {name: old}
spec:
  tasks: [{name: say, taskRef: {name: old}, params: [{name: text, value: from v1beta1}]}]
---
apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {name: run}
spec:
  serviceAccountName: default
  timeout: 10m
  pipelineRef: {name: old}
",
    );
    log.prints("[say : s] from v1beta1");
    let run: Value = ended(&world, "pr", "True", "Succeeded");
    assert_eq!(run["apiVersion"], "tekton.dev/v1");
    assert_eq!(run["spec"]["timeouts"]["pipeline"], "10m");
    assert_eq!(run["spec"]["taskRunTemplate"]["serviceAccountName"], "default");
}

#[test]
fn a_task_that_does_not_exist_fails_the_run_and_is_explained() {
    let world = World::started_sandbox();
    world
        .stdin(
            &["apply", "-f", "-"],
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: git-clone}\nspec: {steps: [{name: s, image: none, script: 'true'}]}\n",
        )
        .ok();
    played(
        &world,
        "pr",
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    tasks: [{name: fetch, taskRef: {name: git-clonn}}]
",
    );
    ended(&world, "pr", "False", "CouldntGetTask");
    world.rtkn(&["diagnose", "pr", "run"]).ok().prints("git-clonn").prints("does not exist").prints("git-clone");
}
