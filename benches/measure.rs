//! Whole-process figures: wall time, CPU time and peak memory of a command, as the operating system counts them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run of a command cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From start to end
    pub wall: Duration,
    /// User and system time
    pub cpu: Duration,
    /// User time
    #[allow(dead_code, reason = "only some of the benches tell it apart")]
    pub user: Duration,
    /// Peak resident memory, in bytes
    pub memory: u64,
}

/// The medians over some runs, after one that is not counted.
pub fn median(runs: usize, mut command: impl FnMut() -> Command) -> Cost {
    cost(command());
    let costs: Vec<Cost> = (0..runs).map(|_| cost(command())).collect();
    let middle = |mut figures: Vec<u64>| {
        figures.sort_unstable();
        figures[figures.len() / 2]
    };
    Cost {
        wall: Duration::from_nanos(middle(costs.iter().map(|c| c.wall.as_nanos() as u64).collect())),
        cpu: Duration::from_nanos(middle(costs.iter().map(|c| c.cpu.as_nanos() as u64).collect())),
        user: Duration::from_nanos(middle(costs.iter().map(|c| c.user.as_nanos() as u64).collect())),
        memory: middle(costs.iter().map(|c| c.memory).collect()),
    }
}

/// Runs a command once. Its output is thrown away, so that it never waits for a reader.
pub fn cost(mut command: Command) -> Cost {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
    let pid = libc::pid_t::try_from(child.id()).expect("a process id is a pid_t");
    let mut status = 0;
    // SAFETY: a zeroed rusage is a valid one, both pointers are to values of this frame, and the child is ours and not
    // yet waited for; `child` is only dropped afterwards, which does not wait again.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::wait4(pid, &mut status, 0, &mut usage);
        usage
    };
    let wall = start.elapsed();
    drop(child);
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    let user = time(usage.ru_utime);
    Cost { wall, cpu: user + time(usage.ru_stime), user, memory: usage.ru_maxrss as u64 * 1024 }
}
