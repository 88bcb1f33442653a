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

/// The processes that were started after another one, by their numbers, which begin anew at some time; all of them where that
/// cannot be told.
fn processes(first: Option<Pid>) -> impl Iterator<Item = Pid> {
    let last = fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split_whitespace().nth(4)?.parse::<i32>().ok());
    let span = first.map(Pid::as_raw).zip(last);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(move |pid| span.is_none_or(|(first, last)| is_between(*pid, first, last))).map(Pid::from_raw)
}

fn is_between(pid: i32, first: i32, last: i32) -> bool {
    if first <= last { pid > first && pid <= last } else { pid > first || pid <= last }
}

fn sees(process: Pid, attempt: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/mountinfo")).is_ok_and(|mounts| mounts.contains(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_processes_begin_anew() {
        assert!(is_between(7, 5, 9) && is_between(9, 5, 9) && !is_between(5, 5, 9) && !is_between(10, 5, 9));
        assert!(is_between(32000, 31000, 400) && is_between(400, 31000, 400) && !is_between(500, 31000, 400));
    }
}
