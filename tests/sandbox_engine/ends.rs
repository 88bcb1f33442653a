//! How runs end: retries, time limits, cancelling. No step outlives its run.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::steps::{Marker, condition, ended, played, seen, task_run};
use crate::world::{World, eventually};

#[test]
fn a_task_with_retries_is_tried_again() {
    let world = World::started_sandbox();
    let counter = world.path().join("counter");
    let script = format!("echo x >> {0}; echo attempt $(wc -l < {0}); test $(wc -l < {0}) -ge 3", counter.display());
    let run = format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: run}}
spec:
  pipelineSpec:
    tasks:
      - name: flaky
        retries: 3
        taskSpec:
          steps:
            - name: s
              image: none
              script: |
                {script}
"
    );
    played(&world, "pr", &run).prints("attempt 3");
    ended(&world, "pr", "True", "Succeeded");
    let task = seen(&world, "tr", "run-flaky");
    assert_eq!(task["status"]["retriesStatus"].as_array().map(Vec::len), Some(2), "{:#}", task["status"]);
}

#[test]
fn a_run_that_takes_too_long_is_ended_with_its_processes() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    let run = task_run("run", &format!("{} & {}", marker.sleep(), marker.sleep()))
        .replace("spec:\n  taskSpec", "spec:\n  timeout: 1s\n  taskSpec");
    played(&world, "tr", &run);
    ended(&world, "tr", "False", "TaskRunTimeout");
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
}

#[test]
fn a_pipeline_that_takes_too_long_runs_its_finally() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    let run = format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: run}}
spec:
  timeouts: {{tasks: 1s, pipeline: 1m}}
  pipelineSpec:
    tasks:
      - name: slow
        taskSpec: {{steps: [{{name: s, image: none, script: '{}'}}]}}
    finally:
      - name: last
        taskSpec: {{steps: [{{name: s, image: none, script: 'echo at last'}}]}}
",
        marker.sleep()
    );
    played(&world, "pr", &run).prints("[last : s] at last");
    ended(&world, "pr", "False", "PipelineRunTimeout");
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
}

#[test]
fn a_cancelled_run_leaves_no_process() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    let run = format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: run}}
spec:
  pipelineSpec:
    tasks:
      - name: slow
        taskSpec:
          steps: [{{name: s, image: none, script: '({sleep} & {sleep}) & {sleep}'}}]
      - name: never
        runAfter: [slow]
        taskSpec: {{steps: [{{name: s, image: none, script: 'echo never'}}]}}
",
        sleep = marker.sleep()
    );
    world.stdin(&["apply", "-f", "-"], &run).ok();
    eventually("the step to run", || marker.is_alive().then_some(()));
    world.rtkn(&["pr", "cancel", "run"]).ok();
    eventually("the run to end", || (condition(&seen(&world, "pr", "run"))["status"] == "False").then_some(()));
    ended(&world, "pr", "False", "Cancelled");
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
    world.rtkn(&["pr", "logs", "run"]).never_shows("never");
    world.rtkn(&["pr", "cancel", "run"]).exits(1).says("run");
}

/// A PipelineRun of one Task that lasts longer than any test.
fn lasting(marker: &Marker) -> String {
    of_one_task(&format!("echo begun; {}", marker.sleep()))
}

fn of_one_task(script: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: run}}
spec:
  pipelineSpec:
    tasks:
      - name: slow
        taskSpec: {{steps: [{{name: s, image: none, script: '{script}'}}]}}
"
    )
}

#[track_caller]
fn has_failed_since_the_sandbox_stopped(world: &World, marker: &Marker) {
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
    world.rtkn(&["pr", "list"]).ok().prints("Failed").never_shows("Running");
    world.rtkn(&["tr", "list"]).ok().prints("Failed(SandboxStopped)").never_shows("Running");
    ended(world, "pr", "False", "Failed");
    world.rtkn(&["diagnose", "pr", "run"]).ok().prints("the sandbox stopped while this step ran");
    world.rtkn(&["pr", "logs", "run"]).prints("[slow : s] begun");
}

fn kill_sandbox(world: &World) {
    let status = world.rtkn(&["sandbox", "status", "-o", "json"]).ok().stdout;
    let status: serde_json::Value = serde_json::from_str(&status).expect("-o json gives JSON");
    let pid = status["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a started sandbox has a process");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("it is there");
}

#[test]
fn a_run_whose_command_was_killed_has_failed_for_whoever_looks_next() {
    let world = World::sandbox();
    let marker = Marker::new();
    let file = world.write("run.yaml", &lasting(&marker));
    let mut command = world.command(&["apply", "-f", &file]);
    let mut command = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    eventually("the step to run", || marker.is_alive().then_some(()));
    // What is known of it is on disk a little later.
    std::thread::sleep(std::time::Duration::from_secs(1));
    command.kill().expect("it is there");
    command.wait().expect("it was killed");
    has_failed_since_the_sandbox_stopped(&world, &marker);
}

#[test]
fn a_run_whose_sandbox_was_killed_has_failed_for_whoever_looks_next() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    world.stdin(&["apply", "-f", "-"], &lasting(&marker)).ok();
    eventually("the run to be at work", || {
        (marker.is_alive() && condition(&seen(&world, "tr", "run-slow"))["reason"] == "Running").then_some(())
    });
    kill_sandbox(&world);
    has_failed_since_the_sandbox_stopped(&world, &marker);
    world.rtkn(&["sandbox", "start"]).ok();
    ended(&world, "pr", "False", "Failed");
}

#[test]
fn a_sandbox_has_stopped_when_its_last_step_has() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    let stubborn = of_one_task(&format!("trap : TERM; while true; do {}; done", marker.sleep()));
    world.stdin(&["apply", "-f", "-"], &stubborn).ok();
    eventually("the step to run", || marker.is_alive().then_some(()));
    world.rtkn(&["sandbox", "stop"]).ok().prints("has stopped");
    assert!(!marker.is_alive(), "a step outlived the sandbox");
}

#[test]
fn whoever_follows_a_sandbox_that_was_killed_is_told_so() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    world.stdin(&["apply", "-f", "-"], &lasting(&marker)).ok();
    eventually("the step to run", || marker.is_alive().then_some(()));
    let mut follow = world.command(&["pr", "logs", "-f", "run"]);
    let mut follow = follow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // It has to have found the sandbox before that is gone.
    let mut first = String::new();
    BufReader::new(follow.stdout.take().expect("it is piped")).read_line(&mut first).expect("the step's first line");
    kill_sandbox(&world);
    let ended = follow.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(1) && said.contains("is not there any longer") && said.contains("sandbox start"), "{said}");
}

#[test]
fn a_failure_that_may_be_ignored_is() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "tr",
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  taskSpec:
    steps:
      - {name: odd, image: none, onError: continue, script: 'exit 7'}
      - {name: even, image: none, script: 'echo went on'}
",
    );
    log.prints("[even] went on");
    let run = ended(&world, "tr", "True", "Succeeded");
    let step = &run["status"]["steps"][0];
    assert_eq!((&step["terminated"]["exitCode"], &step["terminationReason"]), (&7.into(), &"Continued".into()), "{step:#}");
}

#[test]
fn steps_after_a_failed_one_are_skipped() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "tr",
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  taskSpec:
    steps:
      - {name: breaks, image: none, script: 'exit 5'}
      - {name: after, image: none, script: 'echo never'}
",
    );
    log.never_shows("never");
    let run = ended(&world, "tr", "False", "StepFailed");
    let steps = &run["status"]["steps"];
    assert_eq!(steps[0]["terminated"]["exitCode"], 5);
    assert_eq!((&steps[1]["terminated"]["exitCode"], &steps[1]["terminationReason"]), (&1.into(), &"Skipped".into()), "{steps:#}");
}
