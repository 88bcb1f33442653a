//! `@latest`, `@failed` and `@running`, wherever a run's name goes.

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer, pipeline_runs};

fn run(name: &str, made: &str, status: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": "work", "creationTimestamp": made},
        "status": {"startTime": made, "conditions": [{"type": "Succeeded", "status": status, "reason": ""}]},
    })
}

/// A server with a run that failed, one that runs and one that is over, which answers changes with the object itself.
fn server() -> FakeServer {
    let runs = [
        run("broken", "2026-01-01T00:00:00Z", "False"),
        run("at-work", "2026-01-02T00:00:00Z", "Unknown"),
        run("well", "2026-01-03T00:00:00Z", "True"),
    ];
    FakeServer::start(move |request, _| {
        let path = request.target.split('?').next().unwrap_or_default();
        if path.ends_with("/pipelineruns") {
            return pipeline_runs(&json!(runs));
        }
        let named = runs.iter().find(|run| path.ends_with(&name(run)));
        match named {
            Some(run) => Answer::json(run),
            None => Answer::json(&json!({"metadata": {}, "items": []})),
        }
    })
}

#[test]
fn a_word_stands_for_the_name_in_every_command_that_takes_a_runs_name() {
    let server = server();
    let world = server.world();
    world.rtkn(&["pr", "describe", "@failed", "-o", "name"]).ok().prints("pipelinerun.tekton.dev/broken");
    world.rtkn(&["pr", "describe", "@latest", "-o", "name"]).ok().prints("pipelinerun.tekton.dev/well");
    world.rtkn(&["pr", "export", "@running"]).ok().prints("name: at-work");
    world.rtkn(&["pr", "cancel", "@running"]).ok().prints("PipelineRun cancelled: at-work");
    world.rtkn(&["pr", "delete", "@failed", "-f"]).ok().prints("PipelineRuns deleted: \"broken\"");
    world.rtkn(&["pr", "logs", "@failed"]).ok();
    world.rtkn(&["diagnose", "pr", "@failed"]).ok().prints("broken");
    let deleted: Vec<String> = server.asked().into_iter().filter(|r| r.method == "DELETE").map(|r| r.target).collect();
    assert_eq!(deleted, ["/apis/tekton.dev/v1/namespaces/work/pipelineruns/broken"]);
}

#[test]
fn a_word_that_stands_for_nothing_is_told_with_the_words_there_are() {
    let server = server();
    let world = server.world();
    world.rtkn(&["pr", "describe", "@last"]).exits(1).says("\"@last\" stands for no PipelineRun").says("@latest, @failed, @running");
    world.rtkn(&["tr", "describe", "@failed"]).exits(1).says("there is no TaskRun that failed in namespace work");
}

#[test]
fn of_one_second_the_last_run_is_the_one_that_was_written_last() {
    let of_version = |name: &str, version: &str| {
        let mut run = run(name, "2026-01-01T00:00:00Z", "True");
        run["metadata"]["resourceVersion"] = json!(version);
        run
    };
    for (a, b, last) in [("9", "10", "b"), ("10", "9", "a")] {
        let runs = [of_version("a", a), of_version("b", b)];
        let server = FakeServer::start(move |request, _| match runs.iter().find(|run| request.target.ends_with(&name(run))) {
            Some(run) => Answer::json(run),
            None => pipeline_runs(&json!(runs)),
        });
        let world = server.world();
        for word in ["--last", "@latest"] {
            world.rtkn(&["pr", "describe", word, "-o", "name"]).ok().prints(&format!("pipelinerun.tekton.dev/{last}"));
        }
    }
}

/// The end of the path of a run.
fn name(run: &Value) -> String {
    format!("/pipelineruns/{}", run["metadata"]["name"].as_str().unwrap_or_default())
}
