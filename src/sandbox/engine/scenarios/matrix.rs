//! Tasks that fan out, and what becomes of their results.

use serde_json::{Value, json};

use super::super::object::{items, text};
use super::{World, children, skipped, task, told};
use crate::kinds;

fn fanned(name: &str, script: &str, matrix: Value) -> Value {
    let mut task = task(name, script);
    task["matrix"] = matrix;
    task
}

fn platforms() -> Value {
    json!({"params": [{"name": "os", "value": ["linux", "mac"]}, {"name": "cpu", "value": ["arm", "x86"]}]})
}

#[tokio::test]
async fn a_matrix_runs_every_combination_and_its_results_become_lists() {
    let world = World::new();
    let mut build = fanned("build", "result image=$(params.os)-$(params.cpu)", platforms());
    build["taskSpec"]["results"] = json!([{"name": "image"}]);
    let mut all = task("all", "$(params.images[0]) of $(params.number)");
    all["taskSpec"]["params"] = json!([{"name": "images", "type": "array"}, {"name": "number"}]);
    all["params"] = json!([
        {"name": "images", "value": "$(tasks.build.results.image[*])"}, {"name": "number", "value": "$(tasks.build.matrix.length)"},
    ]);
    let results = json!([{"name": "images", "value": "$(tasks.build.results.image[*])"}]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [build, all], "results": results}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0");
    assert_eq!(children(&run), ["run-build-0", "run-build-1", "run-build-2", "run-build-3", "run-all"]);
    let images = json!(["linux-arm", "mac-arm", "linux-x86", "mac-x86"]);
    assert_eq!(run["status"]["results"], json!([{"name": "images", "value": images}]));
    let last = world.executor.given().pop().expect("a task ran");
    assert_eq!(last.steps[0].script.as_deref(), Some("linux-arm of 4"));
}

#[tokio::test]
async fn a_matrix_over_the_results_of_a_task_waits_for_them() {
    let world = World::new();
    let mut list = task("list", "result names=[\"a\",\"b\"]");
    list["taskSpec"]["results"] = json!([{"name": "names", "type": "array"}]);
    let matrix = json!({"params": [{"name": "n", "value": "$(tasks.list.results.names[*])"}]});
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [fanned("each", "x", matrix), list]}})).await;
    assert_eq!(told(&run), "True Succeeded Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0");
    assert_eq!(text(&world.get(&kinds::TASK_RUN, "run-each-1"), "/spec/params/0/value"), "b");
}

#[tokio::test]
async fn one_combination_has_no_number_and_none_at_all_is_skipped() {
    let world = World::new();
    let one = json!({"include": [{"name": "on $(params.os)", "params": [{"name": "os", "value": "mac"}]}]});
    let none = json!({"params": [{"name": "n", "value": "$(params.none[*])"}]});
    let tasks = json!([fanned("one", "x", one), fanned("none", "x", none)]);
    let params = json!([{"name": "none", "type": "array", "default": []}]);
    let run = world.pipeline_run(json!({"pipelineSpec": {"params": params, "tasks": tasks}})).await;
    assert_eq!(told(&run), "True Completed Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1");
    assert_eq!(children(&run), ["run-one"]);
    assert_eq!(text(&run, "/status/childReferences/0/displayName"), "on mac");
    assert_eq!(skipped(&run), ["none: Matrix Parameters have an empty array"]);
}

#[tokio::test]
async fn one_failed_combination_fails_the_task_when_all_have_ended() {
    let world = World::new();
    let matrix = json!({"params": [{"name": "code", "value": ["0", "3"]}]});
    let run = world.pipeline_run(json!({"pipelineSpec": {"tasks": [fanned("a", "slow\nexit $(params.code)", matrix)]}})).await;
    assert_eq!(told(&run), "False Failed Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0");
    assert_eq!(items(&run, "/status/childReferences").len(), 2);
}
