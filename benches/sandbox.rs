//! What the sandbox costs: `cargo bench --bench sandbox`. A run of 100 trivial steps against the same steps started
//! bare, and opening a store that holds 10,000 finished runs.

mod measure;

use std::process::Command;
use std::time::{Duration, Instant};

use measure::median;
use rtkn::kinds;
use rtkn::sandbox::store::Store;

const STEPS: usize = 100;
const RUNS: usize = 10_000;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rtkn = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtkn"));
        command.args(args).env("RTKN_SANDBOX", "1").env("RTKN_SANDBOX_DIR", folder.path().join("sandbox"));
        command
    };
    let file = folder.path().join("task.yaml");
    std::fs::write(&file, task()).expect("a file in the folder");
    let applied = rtkn(&["apply", "-f", &file.to_string_lossy()]).status().expect("rtkn starts");
    assert!(applied.success(), "the Task was not made");
    let bare = median(5, || {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("for i in $(seq {STEPS}); do sh -c true; done")]);
        command
    });
    let run = median(5, || rtkn(&["task", "start", "hundred", "--showlog"]));
    let per_step = run.wall.saturating_sub(bare.wall) / STEPS as u32;
    println!("| what | measured | to reach |");
    println!("|---|---|---|");
    println!("| a step of the sandbox beyond the step's own time | {:.1} ms | 15 ms |", per_step.as_secs_f64() * 1e3);
    println!("| opening a store with {RUNS} runs | {:.1} ms | 100 ms |", opening(&folder.path().join("full")).as_secs_f64() * 1e3);
}

fn task() -> String {
    let mut text = String::from("apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: hundred\nspec:\n  steps:\n");
    for i in 0..STEPS {
        text.push_str(&format!("    - {{name: s{i}, image: none, script: 'true'}}\n"));
    }
    text
}

/// The median time to open a full store, and to ask it what is unfinished, as the engine does first.
fn opening(folder: &std::path::Path) -> Duration {
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
