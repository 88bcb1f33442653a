//! `delete` on a server that counts what it is asked for: what goes, what is only told, and what silence deletes.

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer};
use crate::world::World;

fn object(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "tekton.dev/v1", "kind": kind, "metadata": {"name": name, "namespace": "work"}})
}

/// A run of the pipeline `ship` that began at this hour; one without an end is at work.
fn run(kind: &str, name: &str, hour: u8, over: bool) -> Value {
    let mut run = object(kind, name);
    run["metadata"]["labels"] = json!({"tekton.dev/pipeline": "ship", "tekton.dev/task": "build"});
    run["spec"] = json!({"taskRef": {"name": "build", "kind": "Task"}});
    let (status, reason) = if over { ("True", "Succeeded") } else { ("Unknown", "Running") };
    run["status"] = json!({
        "startTime": format!("2026-01-01T{hour:02}:00:00Z"),
        "conditions": [{"type": "Succeeded", "status": status, "reason": reason}],
    });
    if over {
        run["status"]["completionTime"] = json!(format!("2026-01-01T{hour:02}:30:00Z"));
    }
    run
}

/// Each kind has two objects `one` and `two`; of runs there are four, of which `now` is at work.
fn server() -> FakeServer {
    FakeServer::start(|request, _| {
        let path = request.target.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (plural, name) = match parts.as_slice() {
            ["apis", _, _, "namespaces", "work", plural] | ["apis", _, _, plural] => (*plural, None),
            ["apis", _, _, "namespaces", "work", plural, name] | ["apis", _, _, plural, name] => (*plural, Some(*name)),
            _ => return Answer::no_such_path(),
        };
        let items = match plural {
            "pipelineruns" | "taskruns" => {
                let kind = if plural == "pipelineruns" { "PipelineRun" } else { "TaskRun" };
                vec![run(kind, "old", 1, true), run(kind, "older", 0, true), run(kind, "new", 2, true), run(kind, "now", 3, false)]
            }
            _ => vec![object("Any", "one"), object("Any", "two")],
        };
        match name {
            None => Answer::json(&json!({"apiVersion": "tekton.dev/v1", "kind": "List", "metadata": {}, "items": items})),
            Some(name) => match items.into_iter().find(|item| item["metadata"]["name"] == name) {
                Some(item) => Answer::json(&item),
                None => Answer::failure(404, "NotFound", &format!("{plural} {name:?} not found")),
            },
        }
    })
}

/// The names that were deleted, as `PLURAL/NAME`.
fn deleted(server: &FakeServer) -> Vec<String> {
    let deletions = server.asked().into_iter().filter(|request| request.method == "DELETE");
    let mut names: Vec<String> = deletions
        .map(|request| {
            let parts: Vec<&str> = request.target.rsplitn(3, '/').collect();
            format!("{}/{}", parts[1], parts[0])
        })
        .collect();
    names.sort();
    names
}

fn started() -> (FakeServer, World) {
    let server = server();
    let world = server.world();
    (server, world)
}

const NOUNS: &[&str] = &["pipeline", "task", "el", "tb", "tt", "ctb"];

#[test]
fn a_plan_tells_of_every_kind_what_would_go_and_deletes_nothing() {
    let (server, world) = started();
    for noun in NOUNS {
        let told = world.rtkn(&[noun, "delete", "--all", "--plan"]).ok();
        assert_eq!(told.stdout.lines().map(|line| line.rsplit('/').next().unwrap()).collect::<Vec<_>>(), ["one", "two"], "{told}");
        told.says("2 ").says("would be deleted; nothing was");
        world.rtkn(&[noun, "delete", "two", "--plan", "-f"]).ok().prints("/two\n");
    }
    world.rtkn(&["cr", "delete", "one", "none-such", "--plan"]).ok().prints("customrun.tekton.dev/one\n").says("none-such not found");
    assert_eq!(world.rtkn(&["pr", "delete", "--all", "--plan"]).ok().stdout.lines().count(), 3);
    let kept = world.rtkn(&["pr", "delete", "--keep", "1", "--plan"]).ok();
    assert_eq!(kept.stdout, "pipelinerun.tekton.dev/old\npipelinerun.tekton.dev/older\n");
    let of_task = world.rtkn(&["tr", "delete", "-t", "build", "--keep", "2", "--plan"]).ok();
    assert_eq!(of_task.stdout, "taskrun.tekton.dev/older\n");
    let with_runs = world.rtkn(&["pipeline", "delete", "one", "--prs", "--plan"]).ok();
    with_runs.prints("pipeline.tekton.dev/one\npipelinerun.tekton.dev/old\n").prints("pipelinerun.tekton.dev/now\n");
    world.rtkn(&["tr", "delete", "now", "--plan"]).ok().prints("taskrun.tekton.dev/now\n");
    assert_eq!(deleted(&server), [""; 0]);
}

#[test]
fn silence_and_other_words_than_y_delete_nothing() {
    let (server, world) = started();
    for input in ["", "\n", "yes\n", "Y\n", "n\n", "y y\n"] {
        for line in
            [["pr", "delete", "old"].as_slice(), &["pr", "delete", "--all"], &["tr", "delete", "--keep", "1"], &["ctb", "delete", "one"]]
        {
            world.stdin(line, input).exits(1);
        }
    }
    assert_eq!(deleted(&server), [""; 0]);
    world.stdin(&["pr", "delete", "old"], "what\n y \n").ok().prints("Please enter (y/n): ").prints("PipelineRuns deleted: \"old\"");
    assert_eq!(deleted(&server), ["pipelineruns/old"]);
}

#[test]
fn what_is_at_work_stays_unless_it_is_asked_for() {
    let (server, world) = started();
    world.rtkn(&["pr", "delete", "--all", "-f"]).ok().prints("All PipelineRuns(Completed) deleted in namespace \"work\"");
    assert_eq!(deleted(&server), ["pipelineruns/new", "pipelineruns/old", "pipelineruns/older"]);
    world.rtkn(&["tr", "delete", "--all", "-f", "-i=false"]).ok().prints("All 4 TaskRuns deleted in namespace \"work\"");
    assert!(deleted(&server).contains(&"taskruns/now".to_owned()));
}

#[test]
fn the_ones_that_are_there_go_and_the_others_are_told() {
    let (server, world) = started();
    let ran = world.rtkn(&["task", "delete", "none", "one", "nil", "-f"]).exits(1);
    ran.prints("Tasks deleted: \"one\"").says("Error: tasks \"none\" not found; tasks \"nil\" not found");
    assert_eq!(deleted(&server), ["tasks/one"]);
}

#[test]
fn every_page_of_a_long_list_goes() {
    let page = |names: &[&str], next: &str| {
        let items: Vec<Value> = names.iter().map(|name| object("Task", name)).collect();
        Answer::json(&json!({"apiVersion": "v1", "kind": "List", "metadata": {"continue": next}, "items": items}))
    };
    let server = FakeServer::start(move |request, _| match (request.method.as_str(), request.target.contains("continue=more")) {
        ("DELETE", _) => Answer::json(&json!({"kind": "Status", "status": "Success"})),
        (_, false) => page(&["a", "b"], "more"),
        (_, true) => page(&["c"], ""),
    });
    server.world().rtkn(&["task", "delete", "--all", "-f"]).ok().prints("All Tasks deleted in namespace \"work\"");
    assert_eq!(deleted(&server), ["tasks/a", "tasks/b", "tasks/c"]);
}

#[test]
fn a_name_that_would_mean_every_object_deletes_nothing() {
    let (server, world) = started();
    for noun in NOUNS.iter().copied().chain(["pr", "tr"]) {
        for (name, why) in [("", "name is required"), ("/", "may not contain '/'"), ("..", "may not be '..'")] {
            world.rtkn(&[noun, "delete", name, "-f"]).exits(1).says(why);
        }
    }
    assert_eq!(deleted(&server), [""; 0]);
}

#[test]
fn an_empty_namespace_is_the_contexts_own() {
    let (server, world) = started();
    world.rtkn(&["pr", "delete", "old", "-f", "-n", "", "-c", "", "-k", ""]).ok();
    assert_eq!(deleted(&server), ["pipelineruns/old"]);
    assert!(server.asked().iter().all(|request| request.target.contains("/namespaces/work/")), "{:?}", server.asked());
}
