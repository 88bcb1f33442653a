//! The same faults in front of the sandbox, with real steps behind them.

use std::sync::Arc;

use super::followed;
use super::plan::Plan;
use super::proxy::{self, Proxy};
use crate::world::World;

/// Each seed has a run of its own, and all of them are at work at the same time.
const SEEDS: u64 = 12;

const LINES: usize = 12;

fn run(seed: u64) -> String {
    let count = format!("i=0; while [ $i -lt {LINES} ]; do i=$((i + 1)); echo line $i; sleep 0.1; done");
    let step = |name: &str, end: &str| format!("{{name: {name}, image: none, script: '{count}; {end}'}}");
    let end = if fails(seed) { "exit 3" } else { "printf unended" };
    let steps = [step("s0", "true"), step("s1", end)];
    format!(
        "---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: r{seed}}}
spec:
  pipelineSpec:
    tasks:
      - {{name: t0, taskSpec: {{steps: [{}]}}}}
      - {{name: t1, taskSpec: {{steps: [{}]}}}}
",
        steps[0],
        steps.join(", ")
    )
}

fn fails(seed: u64) -> bool {
    seed.is_multiple_of(3)
}

#[test]
fn real_steps_are_followed_over_a_bad_way() {
    let world = World::started_sandbox();
    let client = Arc::new(proxy::client_of(&world.path().join("sandbox/kubeconfig")));
    let runs: String = (0..SEEDS).map(run).collect();
    world.stdin(&["apply", "-f", "-"], &runs).ok();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let follow = |seed: u64| {
            let client = client.clone();
            scope.spawn(move || {
                let proxy = Proxy::start(client, Plan::seeded(seed));
                let lines: Vec<Vec<u8>> = (1..=LINES).map(|line| format!("line {line}").into_bytes()).collect();
                let mut last = lines.clone();
                last.extend((!fails(seed)).then(|| b"unended".to_vec()));
                let expected =
                    [("[t0 : s0] ".to_owned(), lines.clone()), ("[t1 : s0] ".to_owned(), lines), ("[t1 : s1] ".to_owned(), last)];
                let name = format!("r{seed}");
                followed(&proxy, "default", &["pr", "logs", &name, "-f", "-E"], &expected, fails(seed)).err()
            })
        };
        let followed: Vec<_> = (0..SEEDS).map(follow).collect();
        followed.into_iter().filter_map(|thread| thread.join().expect("no seed panics")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
