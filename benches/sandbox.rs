//! What the sandbox costs: `cargo bench --bench sandbox`. Runs of 100 trivial steps, their logs followed to the end,
//! against the same steps started bare, and opening a store that holds 10,000 finished runs.

mod measure;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use measure::median;
use rtkn::kinds;
use rtkn::sandbox::store::Store;

const STEPS: usize = 100;
const RUNS: usize = 10_000;
/// Counted runs of each command.
const TIMES: usize = 5;
/// What is measured, and the command whose run has `STEPS` steps.
const STARTS: [(&str, [&str; 4]); 2] = [
    ("a step of a Task with 100 steps", ["task", "start", "hundred", "--showlog"]),
    ("a step of a Pipeline of 100 chained tasks", ["pipeline", "start", "chain", "--showlog"]),
];

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rtkn = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtkn"));
        command.args(args).env("RTKN_SANDBOX", "1").env("RTKN_SANDBOX_DIR", folder.path().join("sandbox"));
        command
    };
    let done = |args: &[&str]| assert!(rtkn(args).status().expect("rtkn starts").success(), "{args:?} failed");
    let file = folder.path().join("objects.yaml");
    std::fs::write(&file, task() + &pipeline()).expect("a file in the folder");
    done(&["apply", "-f", &file.to_string_lossy()]);
    let bare = median(TIMES, || {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("for i in $(seq {STEPS}); do sh -c true; done")]);
        command
    });
    println!("| what | measured | to reach |");
    println!("|---|---|---|");
    for (place, begin, end) in [("opened by the command", None, None), ("started before", Some("start"), Some("stop"))] {
        begin.into_iter().for_each(|verb| done(&["sandbox", verb]));
        for (what, args) in STARTS {
            let run = median(TIMES, || rtkn(&args));
            let per_step = run.wall.saturating_sub(bare.wall) / STEPS as u32;
            println!("| {what}, beyond its own time, sandbox {place} | {:.1} ms | 15 ms |", per_step.as_secs_f64() * 1e3);
        }
        end.into_iter().for_each(|verb| done(&["sandbox", verb]));
    }
    all_succeeded(rtkn(&["taskrun", "list", "-o", "json"]));
    println!("| opening a store with {RUNS} runs | {:.1} ms | 100 ms |", opening(&folder.path().join("full")).as_secs_f64() * 1e3);
}

/// A run that failed early would be a fast one.
fn all_succeeded(mut list: Command) {
    let listed: serde_json::Value = serde_json::from_slice(&list.output().expect("rtkn starts").stdout).expect("a list");
    let runs = listed["items"].as_array().expect("a list has items");
    // One run of each command is not counted; each sandbox place has its own.
    assert_eq!(runs.len(), 2 * (TIMES + 1) * (1 + STEPS), "some run did not start");
    assert!(runs.iter().all(|run| run["status"]["conditions"][0]["status"] == "True"), "some run did not succeed");
}

fn task() -> String {
    let mut text = String::from("apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: hundred\nspec:\n  steps:\n");
    for i in 0..STEPS {
        writeln!(text, "    - {{name: s{i}, image: none, script: 'true'}}").expect("a String takes all");
    }
    text
}

fn pipeline() -> String {
    let mut text = String::from("---\napiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata:\n  name: chain\nspec:\n  tasks:\n");
    for i in 0..STEPS {
        let after = if i == 0 { String::new() } else { format!("runAfter: [t{}], ", i - 1) };
        writeln!(text, "    - {{name: t{i}, {after}taskSpec: {{steps: [{{name: s, image: none, script: 'true'}}]}}}}")
            .expect("a String takes all");
    }
    text
}

/// The median time to open a full store, and to ask it what is unfinished, as the engine does first.
fn opening(folder: &Path) -> Duration {
    {
        let store = Store::open(folder).expect("a new store");
        for i in 0..RUNS {
            let name = format!("run-{i}");
            let run = serde_json::json!({
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": name, "namespace": "default"},
                "spec": {"pipelineRef": {"name": "p"}},
                "status": {
                    "startTime": "2026-01-02T03:04:05Z", "completionTime": "2026-01-02T03:05:05Z",
                    "conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}],
                },
            });
            store.create(&kinds::PIPELINE_RUN, run).expect("a run is kept");
        }
    }
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let store = Store::open(folder).expect("the store opens again");
            let unfinished = store.unfinished(&kinds::PIPELINE_RUN).expect("the index is read");
            assert!(unfinished.is_empty());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
