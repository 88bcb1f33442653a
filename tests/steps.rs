//! Runs for tests, small and without a registry, and a way to see whether a step's processes are still there.

use std::fs;

use serde_json::Value;

use crate::world::{Ran, World, eventually};

/// A TaskRun with one step `only` that runs this script.
pub fn task_run(name: &str, script: &str) -> String {
    let script = script.replace('\n', "\n          ");
    format!(
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: {name}}}
spec:
  taskSpec:
    steps:
      - name: only
        image: none
        script: |
          {script}
"
    )
}

/// A word that no other process on this machine has in its command line.
pub struct Marker(String);

impl Marker {
    /// A new one.
    pub fn new() -> Self {
        // `sleep` takes fractions, so the word can be an argument of it: the number is unique, the time about the same.
        Self(format!("1000.{}", uuid::Uuid::new_v4().as_u128()))
    }

    /// A command that lasts longer than any test and has the word in its command line, in a process of its own.
    pub fn sleep(&self) -> String {
        format!("sleep {}", self.0)
    }

    /// Whether a process with it exists. A shell that only has it in its script does not count.
    pub fn is_alive(&self) -> bool {
        let processes = fs::read_dir("/proc").expect("/proc is there").filter_map(Result::ok);
        let wanted = format!("sleep\0{}\0", self.0);
        processes.into_iter().any(|process| fs::read(process.path().join("cmdline")).is_ok_and(|line| line.ends_with(wanted.as_bytes())))
    }
}

/// Makes the objects, waits for the end of the run `run` and gives its log.
pub fn played(world: &World, noun: &str, objects: &str) -> Ran {
    world.stdin(&["apply", "-f", "-"], objects).ok();
    let logs = world.rtkn(&[noun, "logs", "run", "-f"]);
    eventually("the run to end", || {
        let status = seen(world, noun, "run");
        let condition = condition(&status);
        (condition["status"] != "Unknown" && condition["status"].is_string()).then_some(())
    });
    logs
}

/// An object as the server has it.
pub fn seen(world: &World, noun: &str, name: &str) -> Value {
    let shown = world.rtkn(&[noun, "describe", name, "-o", "json"]).ok();
    serde_json::from_str(&shown.stdout).expect("-o json gives JSON")
}

/// The condition `Succeeded` of a run.
pub fn condition(run: &Value) -> Value {
    let conditions = run["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|c| c["type"] == "Succeeded").unwrap_or_default()
}

/// Fails the test unless the run ended so: `True` or `False`, and the reason.
#[track_caller]
pub fn ended(world: &World, noun: &str, status: &str, reason: &str) -> Value {
    let run = seen(world, noun, "run");
    let condition = condition(&run);
    assert_eq!((condition["status"].as_str(), condition["reason"].as_str()), (Some(status), Some(reason)), "{condition:#}");
    run
}
