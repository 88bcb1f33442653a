//! The time from a line's write in the container to its print here, beside `kubectl logs -f`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::cluster::{Cluster, task_run};

/// Lines that the step writes, five each second.
const LINES: usize = 150;

/// The median over a step's lines. The clocks of the node and of this machine have to agree: the lab's are one.
pub fn delay(cluster: &Cluster) {
    let script = format!("sleep 8; i=0; while [ $i -lt {LINES} ]; do i=$((i + 1)); echo line $i; sleep 0.2; done");
    cluster.apply(&task_run("delay", "delay", &script));
    let running = "jsonpath={.status.containerStatuses[0].state.running.startedAt}";
    let end = std::time::Instant::now() + Duration::from_secs(120);
    while !cluster
        .kubectl_command(&["get", "pod", "delay-pod", "-o", running])
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"20"))
    {
        assert!(std::time::Instant::now() < end, "the step does not begin");
        std::thread::sleep(Duration::from_millis(200));
    }
    let programs = [
        ("rtkn", cluster.rtkn(&["taskrun", "logs", "delay", "-f", "--timestamps"])),
        ("kubectl", cluster.kubectl_command(&["logs", "-f", "--timestamps", "delay-pod", "-c", "step-say"])),
        ("tkn", cluster.tkn(&["taskrun", "logs", "delay", "-f", "--timestamps"])),
    ];
    // All three follow the same step, each read by a thread of its own.
    let medians: Vec<(&str, Duration)> = std::thread::scope(|scope| {
        let threads = programs.map(|(name, command)| scope.spawn(move || (name, median_delay(command))));
        threads.into_iter().map(|thread| thread.join().expect("no program fails")).collect()
    });
    let of = |wanted: &str| medians.iter().find(|(name, _)| *name == wanted).expect("all three ran").1.as_secs_f64() * 1e3;
    println!("| from a line's write to its print | {:.1} ms | kubectl {:.1} ms, tkn {:.1} ms | |", of("rtkn"), of("kubectl"), of("tkn"));
}

fn median_delay(mut command: Command) -> Duration {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let mut delays: Vec<Duration> = lines
        .filter_map(|line| {
            let (line, now) = (line.ok()?, jiff::Timestamp::now());
            // The stamp is the first word, or the one after the prefix.
            let stamp: jiff::Timestamp = line.split(' ').find_map(|word| word.parse().ok())?;
            Some(Duration::try_from(now.duration_since(stamp)).unwrap_or_default())
        })
        .collect();
    // What was written before the program was there is no delay of its own.
    assert!(delays.len() >= LINES / 2, "only {} lines came", delays.len());
    assert!(child.wait().expect("it ends").success(), "the program failed");
    delays.sort_unstable();
    delays[delays.len() / 2]
}
