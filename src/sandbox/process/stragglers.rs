//! Processes that a step started and that left its group (`setsid`, daemons of build tools): in a container they end with the
//! step. On Linux they are known by what they see mounted, which is their attempt's own.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ATTEMPTS;

/// How often it is looked again, since what is killed may have started another at that moment.
const ROUNDS: usize = 3;

/// Kills the processes that see the mounts of an attempt, known by the name of its directory. Those that are older than a
/// process of the attempt need not be looked at.
pub fn end(attempt: &str, first: Option<Pid>) {
    let attempt = &format!("/{ATTEMPTS}/{attempt}/");
    for _ in 0..ROUNDS {
        let found: Vec<Pid> = processes(first).filter(|pid| sees(*pid, attempt)).collect();
        if found.is_empty() {
            return;
        }
        for pid in found {
            // One that has ended by itself is as good.
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

/// The processes that were started after another one; all of them where their numbers began anew meanwhile.
fn processes(first: Option<Pid>) -> impl Iterator<Item = Pid> {
    let last = fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split_whitespace().nth(4)?.parse().ok());
    let first = first.map(Pid::as_raw).filter(|first| last.is_some_and(|last: i32| last >= *first)).unwrap_or(0);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(move |pid: &i32| *pid > first).map(Pid::from_raw)
}

fn sees(process: Pid, attempt: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/mountinfo")).is_ok_and(|mounts| mounts.contains(attempt))
}
