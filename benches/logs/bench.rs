//! Long logs, runs of many tasks, and many runs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::cluster::{Cluster, step, task_run};
use super::measure::{Cost, cost, median};
use super::plan::Plan;
use super::proxy::{self, Proxy};

/// Counted runs of each program: a pass over a million lines takes the server half a minute.
const TIMES: usize = 3;

/// Tasks of the run that is followed.
const TASKS: usize = 40;

/// Runs that are followed at once.
const RUNS: usize = 200;

fn user(cost: Cost) -> f64 {
    cost.user.as_secs_f64()
}

fn wall(cost: Cost) -> f64 {
    cost.wall.as_secs_f64()
}

fn megabytes(cost: Cost) -> f64 {
    cost.memory as f64 / 1e6
}

fn row(what: &str, unit: &str, ours: f64, other: &str, theirs: f64) {
    println!("| {what} | {ours:.2} {unit} | {other} {theirs:.2} {unit} | 1/{:.1} |", theirs / ours);
}

/// A step's log of so many lines of 81 bytes and a line's end: the program's CPU time, memory and wall time.
pub fn lines(cluster: &Cluster, count: u64) {
    let name = format!("lines-{count}");
    let script = format!("awk 'BEGIN {{ for (i = 1; i <= {count}; i++) printf \"%08d %072d\\n\", i, i }}'");
    cluster.apply(&task_run(&name, &name, &script));
    cluster.wait("taskruns", &format!("bench={name}"));
    let times = if count > 1_000_000 { 1 } else { TIMES };
    let args = ["taskrun", "logs", name.as_str()];
    let ours = median(times, || cluster.rtkn(&args));
    let theirs = median(times, || cluster.tkn(&args));
    let path = format!("/api/v1/namespaces/{}/pods/{name}-pod/log?container=step-say", cluster.namespace);
    let plain = median(times, || cluster.curl(&path));
    row(&format!("{count} lines: user CPU"), "s", user(ours), "tkn", user(theirs));
    row(&format!("{count} lines: user and system CPU"), "s", ours.cpu.as_secs_f64(), "tkn", theirs.cpu.as_secs_f64());
    row(&format!("{count} lines: memory"), "MB", megabytes(ours), "tkn", megabytes(theirs));
    row(&format!("{count} lines: wall"), "s", wall(ours), "tkn", wall(theirs));
    row(&format!("{count} lines: wall"), "s", wall(ours), "curl", wall(plain));
}

/// The requests that following a run of many tasks sends, counted by a proxy that does nothing else.
pub fn requests(cluster: &Cluster) {
    let client = Arc::new(proxy::client_of(&cluster.kubeconfig));
    let task = |at: usize| format!("{{name: t{at}, taskSpec: {{steps: [{}]}}}}", step("for i in 1 2 3; do echo line $i; sleep 1; done"));
    let tasks: Vec<String> = (0..TASKS).map(task).collect();
    let count = |name: &str, command: &dyn Fn(&[&str]) -> Command| {
        let manifest = format!(
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {{name: {name}, labels: {{bench: {name}}}}}\nspec: {{pipelineSpec: {{tasks: [{}]}}}}\n",
            tasks.join(", ")
        );
        let proxy = Proxy::start(client.clone(), Plan::none());
        let file = std::env::temp_dir().join(format!("{}-{name}", cluster.namespace));
        std::fs::write(&file, proxy.kubeconfig(&cluster.namespace)).expect("a file in the temporary folder");
        cluster.apply(&manifest);
        let cost = cost(with_kubeconfig(command(&["pipelinerun", "logs", name, "-f"]), &file));
        // It is a file of ours, and nothing needs it any more.
        let _ = std::fs::remove_file(&file);
        cluster.wait("pipelineruns", &format!("bench={name}"));
        (proxy.told().len(), cost)
    };
    let (ours, our_cost) = count("requests-rtkn", &|args| cluster.rtkn(args));
    let (theirs, their_cost) = count("requests-tkn", &|args| cluster.tkn(args));
    println!("| following a run of {TASKS} tasks: requests | {ours} | tkn {theirs} | 1/{:.1} |", theirs as f64 / ours as f64);
    row(&format!("following a run of {TASKS} tasks: user CPU"), "s", user(our_cost), "tkn", user(their_cost));
    row(&format!("following a run of {TASKS} tasks: memory"), "MB", megabytes(our_cost), "tkn", megabytes(their_cost));
}

fn with_kubeconfig(mut command: Command, file: &Path) -> Command {
    command.env("KUBECONFIG", file);
    command
}

/// Many runs followed at once by one process. tkn cannot do that.
pub fn runs(cluster: &Cluster) {
    let manifests: String =
        (0..RUNS).map(|at| task_run(&format!("run-{at}"), "runs", "for i in 1 2 3 4 5; do echo line $i; sleep 1; done")).collect();
    cluster.apply(&manifests);
    let ours = cost(cluster.rtkn(&["taskrun", "logs", "-l", "bench=runs", "-f"]));
    cluster.wait("taskruns", "bench=runs");
    println!("| {RUNS} runs followed at once: memory | {:.1} MB | tkn: not possible | |", megabytes(ours));
    println!("| {RUNS} runs followed at once: user CPU | {:.2} s | tkn: not possible | |", user(ours));
}
