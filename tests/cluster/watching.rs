//! `watch` and `wait` on the cluster: with a controller that fans out and tries again, and with rights that forbid logs.

use crate::world::World;
use crate::{cluster, kubeconfig, kubectl};

/// Steps of this image need nothing from a registry.
const STEP: &str = "image: localhost/busybox:1, imagePullPolicy: Never";

fn pipeline_run() -> String {
    let text = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: release}
spec:
  pipelineSpec:
    tasks:
      - name: deploy
        runAfter: [test]
        taskSpec: {steps: [{name: roll-out, STEP, script: 'true'}]}
      - name: test
        matrix: {params: [{name: go, value: ['1.24', '1.25']}, {name: os, value: [linux, darwin]}]}
        taskSpec:
          params: [{name: go}, {name: os}]
          steps: [{name: unit, STEP, script: 'echo $(params.go) on $(params.os)'}]
      - name: lint
        retries: 1
        taskSpec:
          steps:
            - {name: check, STEP, script: 'echo unused variable; exit 3'}
            - {name: report, STEP, script: 'true'}
      - name: docs
        when: [{input: 'no', operator: in, values: ['yes']}]
        taskSpec: {steps: [{name: build, STEP, script: 'true'}]}
    finally:
      - name: notify
        taskSpec: {steps: [{name: post, STEP, script: 'true'}]}
";
    text.replace("STEP", STEP)
}

fn task_run(name: &str, script: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: {name}}}\nspec: {{taskSpec: {{steps: [{{name: only, {STEP}, script: '{script}'}}]}}}}\n"
    )
}

#[test]
fn watch_tells_combinations_attempts_skipped_and_finally_tasks() {
    let world = cluster();
    world.stdin(&["apply", "-f", "-"], &pipeline_run()).ok();
    let watched = world.rtkn(&["pr", "watch", "release"]).exits(1);
    let watched = watched.prints("test / [go=1.24, os=linux] / unit: Succeeded").prints("test / [go=1.25, os=darwin] / unit: Succeeded");
    let watched = watched.prints("docs: Skipped: When Expressions evaluated to false").prints("notify / post: Succeeded");
    let watched = watched.prints("lint [attempt 2 of 2] / check: Failed").prints("lint [attempt 2 of 2] / report: Skipped");
    let watched = watched.prints("PipelineRun release: Failed").prints("check: exit code 3, the last 1 of 1 lines:\nunused variable");
    let twice = watched.stdout.lines().filter(|line| line.starts_with("test / [go=1.24, os=linux] / unit: Succeeded")).count();
    assert_eq!(twice, 1, "{watched}");
}

#[test]
fn watch_says_why_a_pod_does_not_start_and_waits_until_the_run_is_cancelled() {
    let world = cluster();
    let run = task_run("stuck", "true").replace("localhost/busybox:1", "localhost/no-such-image:1");
    world.stdin(&["apply", "-f", "-"], &run).ok();
    let watched = std::thread::scope(|scope| {
        let watched = scope.spawn(|| world.rtkn(&["tr", "watch", "stuck"]));
        crate::world::eventually("the image to be missed", || {
            kubectl(&["-n", &world.namespace, "get", "pods", "-o", "yaml"]).contains("ErrImageNeverPull").then_some(())
        });
        std::thread::sleep(std::time::Duration::from_secs(1));
        world.rtkn(&["tr", "cancel", "stuck"]).ok();
        watched.join().expect("it ends")
    });
    watched.exits(1).prints("Pending: ErrImageNeverPull").prints("TaskRun stuck: Cancelled");
}

/// A world whose user may read runs and neither pods nor logs.
fn with_rights_on_runs_alone(world: &World) -> World {
    let namespace = world.namespace.as_str();
    kubectl(&["-n", namespace, "create", "serviceaccount", "reader"]);
    kubectl(&[
        "-n",
        namespace,
        "create",
        "role",
        "reader",
        "--verb=get,list,watch",
        "--resource=pipelineruns.tekton.dev,taskruns.tekton.dev",
    ]);
    kubectl(&["-n", namespace, "create", "rolebinding", "reader", "--role=reader", &format!("--serviceaccount={namespace}:reader")]);
    let token = kubectl(&["-n", namespace, "create", "token", "reader"]);
    let mut reader = World::new(|folder| vec![("KUBECONFIG", folder.join("reader.yaml"))], |_| ());
    let file = reader.path().join("reader.yaml").to_string_lossy().into_owned();
    std::fs::copy(kubeconfig(), &file).expect("the kubeconfig can be copied");
    let context = kubectl(&["--kubeconfig", &file, "config", "current-context"]);
    kubectl(&["--kubeconfig", &file, "config", "set-credentials", "reader", &format!("--token={}", token.trim())]);
    kubectl(&["--kubeconfig", &file, "config", "set-context", context.trim(), "--user=reader"]);
    reader.namespace = namespace.to_owned();
    reader
}

#[test]
fn wait_and_watch_need_no_right_to_read_logs_or_pods() {
    let world = cluster();
    let reader = with_rights_on_runs_alone(&world);
    world.stdin(&["apply", "-f", "-"], &[task_run("good", "sleep 2"), task_run("bad", "exit 3")].join("---\n")).ok();
    reader.rtkn(&["tr", "logs", "good"]).exits(1).says("pods");
    reader.rtkn(&["tr", "wait", "good"]).ok().prints("TaskRun good: Succeeded");
    reader.rtkn(&["tr", "wait", "bad", "good"]).exits(1).says("TaskRun bad has not succeeded");
    reader.rtkn(&["tr", "watch", "bad"]).exits(1).prints("only: Failed").prints("TaskRun bad: Failed");
}
