//! Runs that a command left under way, in a sandbox that is not started: nobody touches them until somebody asks.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::steps::{Marker, condition, ended, seen, task_run};
use crate::world::{Ran, World, eventually};

/// What a command says that was interrupted while the first task of its PipelineRun `run` was at work.
fn interrupted(world: &World) -> String {
    interrupted_with(world, "")
}

/// The same with another field of that task.
fn interrupted_with(world: &World, field: &str) -> String {
    let marker = Marker::new();
    let run = format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: run}}
spec:
  pipelineSpec:
    tasks:
      - name: slow
{field}        taskSpec: {{steps: [{{name: s, image: none, script: '{}'}}]}}
    finally:
      - name: cleanup
        taskSpec: {{steps: [{{name: s, image: none, script: 'echo cleaning; sleep 1; echo cleaned'}}]}}
",
        marker.sleep()
    );
    let file = world.write("run.yaml", &run);
    let mut command = world.command(&["apply", "-f", &file]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    eventually("the step to run", || marker.is_alive().then_some(()));
    kill(Pid::from_raw(command.id().cast_signed()), Signal::SIGINT).expect("it is there");
    let ended = command.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130));
    String::from_utf8(ended.stderr).expect("text")
}

/// Another run in the same sandbox, to its end.
fn another(world: &World) -> Ran {
    let file = world.write("other.yaml", &task_run("other", "sleep 2"));
    world.rtkn(&["apply", "-f", &file]).ok()
}

#[test]
fn an_interrupted_command_says_what_ended_with_it() {
    let said = interrupted(&World::sandbox());
    assert!(said.contains("Ended with this command: TaskRun run-slow (rtkn sandbox start lets runs go on"), "{said}");
}

#[test]
fn another_commands_run_leaves_an_interrupted_one_alone_until_it_is_followed() {
    let world = World::sandbox();
    interrupted(&world);
    another(&world);
    let run = seen(&world, "pr", "run");
    assert_eq!(condition(&run)["reason"], "SandboxStopped", "{run:#}");
    world.rtkn(&["tr", "list"]).ok().never_shows("run-cleanup");
    world.rtkn(&["pr", "logs", "-f", "run"]).prints("[cleanup : s] cleaned");
    ended(&world, "pr", "False", "Failed");
}

#[test]
fn an_interrupted_run_is_explained_with_what_is_lost_and_what_is_still_to_come() {
    let world = World::sandbox();
    interrupted(&world);
    let told = world.rtkn(&["diagnose", "pr", "run"]).ok();
    let told = told.prints("The sandbox stopped while task slow was at work").prints("only the finally tasks are still to come");
    assert_eq!(world.rtkn(&["diagnose", "--last"]).ok().stdout.lines().nth(2), told.stdout.lines().nth(2));
    told.prints("$ rtkn sandbox start\n").prints("pr rerun run").never_shows("goes on from there");
    world.rtkn(&["sandbox", "start"]).ok();
    eventually("the finally task to end", || (condition(&seen(&world, "pr", "run"))["status"] == "False").then_some(()));
    world.rtkn(&["pr", "logs", "run"]).prints("[cleanup : s] cleaned");
    world.rtkn(&["sandbox", "stop"]).ok();
}

#[test]
fn cancelling_an_interrupted_run_stays_until_its_finally_tasks_have_ended() {
    let world = World::sandbox();
    interrupted(&world);
    world.rtkn(&["pr", "cancel", "run", "--grace", "CancelledRunFinally"]).ok().prints("PipelineRun cancelled: run");
    world.rtkn(&["pr", "logs", "run"]).prints("[cleanup : s] cleaned");
}

#[test]
fn an_interrupted_task_that_will_be_tried_again_is_not_called_lost() {
    let world = World::sandbox();
    interrupted_with(&world, "        retries: 1\n");
    let told = world.rtkn(&["diagnose", "pr", "run"]).ok();
    told.prints("Let it go on").never_shows("TaskRun run-slow").never_shows("rerun");
}

#[test]
fn a_task_run_that_waits_for_a_claim_says_that_nobody_is_at_work_on_it() {
    let world = World::sandbox();
    let run = task_run("waits", "true")
        .replace("spec:\n  taskSpec", "spec:\n  workspaces: [{name: w, persistentVolumeClaim: {claimName: none}}]\n  taskSpec");
    let run = run.replace("    steps:", "    workspaces: [{name: w}]\n    steps:");
    let file = world.write("waits.yaml", &run);
    let mut command = world.command(&["apply", "-f", &file]);
    let mut command = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut said = BufReader::new(command.stderr.take().expect("it is piped")).lines();
    assert!(said.any(|line| line.expect("text").contains("persistentvolumeclaim \"none\" not found")));
    kill(Pid::from_raw(command.id().cast_signed()), Signal::SIGINT).expect("it is there");
    command.wait().expect("it ends");
    world.rtkn(&["tr", "list"]).ok().prints("Pending(SandboxStopped)");
    world.rtkn(&["diagnose", "tr", "waits"]).ok().prints("PersistentVolumeClaim none does not exist").prints("nobody is at work on it");
}
