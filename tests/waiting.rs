//! `wait`, and the exit statuses that the end of a run gives.

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer, Request};
use crate::steps::task_run;
use crate::world::World;

/// A PipelineRun with one task that runs this script.
fn pipeline_run(name: &str, script: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: {name}, labels: {{test: wait}}}}
spec:
  pipelineSpec:
    tasks:
      - name: only
        taskSpec:
          steps: [{{name: one, image: none, script: '{script}'}}]
"
    )
}

#[test]
fn wait_ends_with_the_run_and_its_status() {
    let world = World::started_sandbox();
    let runs = [pipeline_run("good", "sleep 1"), pipeline_run("bad", "sleep 1; exit 3")].join("---\n");
    world.stdin(&["apply", "-f", "-"], &runs).ok();
    world.rtkn(&["pr", "wait", "good"]).ok().prints("PipelineRun good: Succeeded");
    let failed = world.rtkn(&["pr", "wait", "good", "bad"]).exits(1).prints("PipelineRun good: Succeeded");
    failed.says("PipelineRun bad has not succeeded: Failed").says("diagnose pipelinerun bad");
    world.rtkn(&["pr", "wait", "bad", "--for", "failed"]).ok();
    world.rtkn(&["pr", "wait", "good", "--for", "failed"]).exits(1).says("PipelineRun good has not failed: Succeeded");
    world.rtkn(&["pr", "wait", "-l", "test=wait", "--for", "done"]).ok().prints("bad: Failed").prints("good: Succeeded");
    world.rtkn(&["tr", "wait", "good-only"]).ok().prints("TaskRun good-only: Succeeded");
}

#[test]
fn wait_gives_up_when_its_time_is_over_and_says_how_the_run_stands() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &pipeline_run("slow", "sleep 100")).ok();
    world.rtkn(&["pr", "wait", "slow", "--timeout", "1s"]).exits(2).says("PipelineRun slow has not ended within 1s: Running");
    world.rtkn(&["pr", "wait", "slow", "--timeout", "0"]).exits(2).says("slow has not ended");
    world.rtkn(&["pr", "wait", "slow", "--timeout", "soon"]).exits(1).says("a number with a unit");
}

#[test]
fn wait_ends_at_once_when_the_run_is_deleted() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &pipeline_run("gone", "sleep 100")).ok();
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.rtkn(&["pr", "wait", "gone"]));
        std::thread::sleep(std::time::Duration::from_secs(1));
        world.rtkn(&["pr", "delete", "gone", "-f"]).ok();
        waiting.join().expect("it ends")
    });
    waiting.exits(1).says("PipelineRun gone was deleted");
}

#[test]
fn wait_for_a_run_that_is_not_there_names_the_one_that_is() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &pipeline_run("build", "true")).ok();
    world.rtkn(&["pr", "wait", "biuld"]).exits(1).says("there is no PipelineRun biuld").says("did you mean build?");
    world.rtkn(&["pr", "wait", "-l", "no=such"]).exits(1).says("no PipelineRun in namespace default has the labels no=such");
}

/// A PipelineRun as the server has it.
fn run_as_of(version: &str, status: &str, reason: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": "x", "namespace": "work", "uid": "u1", "resourceVersion": version},
        "status": {"conditions": [{"type": "Succeeded", "status": status, "reason": reason}]},
    })
}

fn list_of(version: &str, run: &Value) -> Answer {
    Answer::json(&json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": {"resourceVersion": version}, "items": [run],
    }))
}

#[test]
fn wait_goes_on_after_its_watch_expired_and_asks_for_nothing_but_the_run() {
    let server = FakeServer::start(|request: &Request, before: usize| {
        let running = run_as_of("1", "Unknown", "Running");
        match request.target.as_str() {
            target if !target.contains("/pipelineruns") => Answer::failure(403, "Forbidden", "no"),
            target if target.contains("watch=true") => Answer::json(
                &json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}),
            ),
            target if target.contains('?') && before < 3 => list_of("1", &running),
            target if target.contains('?') => list_of("9", &run_as_of("9", "True", "Succeeded")),
            _ => Answer::json(&running),
        }
    });
    server.world().rtkn(&["pr", "wait", "x"]).ok().prints("PipelineRun x: Succeeded");
    let asked = server.asked();
    assert!(asked.iter().any(|r| r.target.contains("watch=true")), "{asked:?}");
    assert!(asked.iter().all(|r| r.target.contains("/pipelineruns")), "{asked:?}");
}

#[test]
fn wait_for_a_run_that_has_ended_takes_one_request() {
    let server = FakeServer::start(|_: &Request, _| Answer::json(&run_as_of("1", "True", "Succeeded")));
    server.world().rtkn(&["pr", "wait", "x"]).ok();
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn wait_takes_another_run_of_the_same_name_for_a_deletion() {
    let server = FakeServer::start(|request: &Request, _| {
        let mut other = run_as_of("5", "True", "Succeeded");
        other["metadata"]["uid"] = "u2".into();
        match request.target.contains('?') {
            true => list_of("5", &other),
            false => Answer::json(&run_as_of("1", "Unknown", "Running")),
        }
    });
    server.world().rtkn(&["pr", "wait", "x"]).exits(1).says("PipelineRun x was deleted");
}

#[test]
fn the_end_of_a_run_is_the_exit_status_wherever_it_is_asked_for() {
    let world = World::started_sandbox();
    let good = task_run("good", "true");
    let bad = task_run("bad", "exit 3");
    world.stdin(&["apply", "-f", "-"], &[good, bad, pipeline_run("worse", "exit 4")].join("---\n")).ok();
    world.rtkn(&["pr", "wait", "worse", "--for", "done"]).ok();
    world.rtkn(&["tr", "wait", "good", "bad", "--for", "done"]).ok();
    for (status, line) in [
        (0, ["tr", "logs", "good", "-E"].as_slice()),
        (1, &["tr", "logs", "bad", "-E"]),
        (0, &["tr", "logs", "bad"]),
        (1, &["tr", "logs", "bad", "-f", "--exit-with-taskrun-error"]),
        (1, &["pr", "logs", "worse", "-E"]),
        (0, &["pr", "logs", "worse"]),
    ] {
        world.rtkn(line).exits(status);
    }
    let task = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  steps: [{name: s, image: none, script: exit 5}]\n";
    world.stdin(&["apply", "-f", "-"], task).ok();
    world.rtkn(&["task", "start", "t", "--showlog", "-E"]).exits(1);
    world.rtkn(&["task", "logs", "t", "-L", "-E"]).exits(1);
    world.rtkn(&["task", "logs", "t", "-L"]).ok();
}
