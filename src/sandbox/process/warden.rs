//! Sees to it that no step outlives the sandbox, however the sandbox ends: a small shell process holds the list of
//! running process groups and kills them when its input closes, which the kernel does when this process is gone.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// `+ PGID` and `- PGID` on its input add to and take from the list.
const SCRIPT: &str = r#"trap '' INT TERM HUP QUIT
list=' '
while read -r sign group; do
  case $sign in
    +) list="$list$group " ;;
    -) list="${list%% "$group" *} ${list#* "$group" }" ;;
  esac
done
for group in $list; do kill -s KILL -- "-$group"; done 2>/dev/null"#;

/// The keeper of running process groups; its process is started with the first group.
#[derive(Debug, Default)]
pub struct Warden {
    process: Mutex<Option<Child>>,
}

impl Warden {
    /// Watches a process group until the guard is dropped, which kills what is left of the group.
    pub fn watch(&self, group: Pid) -> GroupGuard<'_> {
        self.tell('+', group);
        GroupGuard { warden: self, group }
    }

    fn tell(&self, sign: char, group: Pid) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_none() {
            // Without a shell there is no warden; the parent-death signal still ends the steps themselves.
            *process = start().ok();
        }
        if let Some(stdin) = process.as_mut().and_then(|child| child.stdin.as_mut()) {
            let told = stdin.write_all(format!("{sign} {group}\n").as_bytes());
            if told.is_err() {
                *process = None;
            }
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut child) = process.take() {
            drop(child.stdin.take());
            // It ends as soon as its input is closed; waiting leaves no zombie behind.
            let _ = child.wait();
        }
    }
}

fn start() -> std::io::Result<Child> {
    // A group of its own, so that Ctrl-C in the terminal does not reach it before its work is done.
    Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// A running process group; dropping it kills what is left of it.
#[derive(Debug)]
pub struct GroupGuard<'a> {
    warden: &'a Warden,
    group: Pid,
}

impl GroupGuard<'_> {
    /// Sends a signal to every process of the group; one that is gone already is fine.
    pub fn signal(&self, signal: Signal) {
        let _ = killpg(self.group, signal);
    }
}

impl Drop for GroupGuard<'_> {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.warden.tell('-', self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("100").process_group(0).spawn().expect("sleep runs")
    }

    #[test]
    fn groups_that_are_still_watched_die_with_the_wardens_input() {
        let mut kept = [sleeper(), sleeper()];
        let warden = Warden::default();
        let guards = kept.iter().map(|child| warden.watch(Pid::from_raw(child.id() as i32)));
        // Forgetting the guards stands for a sandbox that was killed before it could drop them.
        guards.for_each(std::mem::forget);
        let mut released = sleeper();
        let group = Pid::from_raw(released.id() as i32);
        warden.tell('+', group);
        warden.tell('-', group);
        drop(warden);
        for child in &mut kept {
            let status = child.wait().expect("a child");
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
        }
        assert!(released.try_wait().expect("a child").is_none(), "a released group is left alone");
        released.kill().expect("it runs");
        released.wait().expect("it was killed");
    }
}
