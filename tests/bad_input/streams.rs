//! Ctrl-C, readers that go away, and a standard input that is no terminal.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::steps::{Marker, task_run};
use crate::world::{World, eventually};

fn interrupt(child: &Child) {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("the program is still there");
}

#[test]
fn ctrl_c_while_a_run_is_followed_ends_the_following_and_not_the_run() {
    let world = World::started_sandbox();
    let marker = Marker::new();
    world.stdin(&["apply", "-f", "-"], &task_run("slow", &format!("echo begun; {}", marker.sleep()))).ok();
    let mut command = world.command(&["tr", "logs", "slow", "-f"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("begun"))), "the step's line never came");
    interrupt(&child);
    assert_eq!(child.wait().expect("it can be waited for").code(), Some(130));
    let mut said = String::new();
    child.stderr.take().expect("stderr is piped").read_to_string(&mut said).expect("it is text");
    assert!(!said.contains("panicked") && !said.contains("Error"), "{said}");
    assert!(marker.is_alive(), "the run belongs to the sandbox, not to who looks at it");
    world.rtkn(&["sandbox", "stop"]).ok();
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
}

#[test]
fn ctrl_c_in_a_command_that_holds_the_sandbox_ends_its_steps() {
    let world = World::sandbox();
    let marker = Marker::new();
    let file = world.write("slow.yaml", &task_run("slow", &marker.sleep()));
    let mut command = world.command(&["apply", "-f", &file]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    eventually("the step to run", || marker.is_alive().then_some(()));
    interrupt(&child);
    assert_eq!(child.wait().expect("it can be waited for").code(), Some(130));
    assert!(!marker.is_alive(), "a step outlived its sandbox");
}

#[test]
fn a_command_that_is_killed_takes_its_steps_with_it() {
    let world = World::sandbox();
    let marker = Marker::new();
    let file = world.write("slow.yaml", &task_run("slow", &marker.sleep()));
    let mut command = world.command(&["apply", "-f", &file]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    eventually("the step to run", || marker.is_alive().then_some(()));
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
    eventually("the step's processes to be gone", || (!marker.is_alive()).then_some(()));
}

#[test]
fn a_closed_pipe_is_silent_and_no_failure() {
    let world = World::started_sandbox();
    let many: String = (0..400).map(|n| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: secret-{n}}}\n---\n")).collect();
    world.stdin(&["apply", "-f", "-"], &many).ok();
    for words in [vec!["secret", "list"], vec!["secret", "list", "-o", "yaml"], vec!["completion", "bash"], vec!["--help"]] {
        let mut command = world.command(&words);
        // A shell's children begin with SIGPIPE as it was; the program must not rely on either.
        unsafe { command.pre_exec(|| Ok(nix::sys::signal::signal(Signal::SIGPIPE, nix::sys::signal::SigHandler::SigDfl).map(drop)?)) };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let done = child.wait_with_output().expect("it ends");
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""), "rtkn {}", words.join(" "));
    }
}

#[test]
fn a_question_without_a_terminal_names_the_argument_that_answers_it() {
    let world = World::started_sandbox();
    let runs = format!("{}---\n{}", task_run("one", "true"), task_run("two", "true"));
    world.stdin(&["apply", "-f", "-"], &runs).ok();
    world.rtkn(&["tr", "logs"]).exits(1).says("no terminal").says("the name of the TaskRun");
    // As tkn does, deleting takes an answer from a pipe as well; an end without one is no leave.
    world.rtkn(&["tr", "delete", "one"]).exits(1).says("without an answer").says("--force");
    world.rtkn(&["secret", "create", "basic", "x", "--host", "https://git.example"]).exits(1).says("no terminal").says("--stdin");
    world.rtkn(&["sandbox", "stop"]).ok();
    world.rtkn(&["sandbox", "reset"]).exits(1).says("no terminal").says("--force");
    world.rtkn(&["sandbox", "start"]).ok();
    world.rtkn(&["tr", "list"]).ok().prints("one").prints("two");
}

#[test]
fn input_without_an_end_is_refused() {
    let world = World::started_sandbox();
    let ssh = ["secret", "create", "ssh", "x", "--host", "github.com"];
    let endless = [
        vec!["apply", "-f", "/dev/zero"],
        vec!["secret", "create", "docker", "x", "--config", "/dev/zero"],
        vec!["el", "send", "x", "-d", "@/dev/zero"],
        [&ssh[..], &["--key", "/dev/zero"]].concat(),
        [&ssh[..], &["--generate", "--known-hosts", "/dev/zero"]].concat(),
    ];
    for line in endless {
        world.rtkn(&line).exits(1).says("is larger than 64 MiB");
    }
}

#[test]
fn a_run_that_can_only_wait_says_for_what_where_nobody_else_can_look() {
    let world = World::sandbox();
    let run = "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: waits}
spec:
  workspaces: [{name: w, persistentVolumeClaim: {claimName: none}}]
  taskSpec: {workspaces: [{name: w}], steps: [{name: s, image: none, script: 'true'}]}
";
    let file = world.write("waits.yaml", run);
    let mut command = world.command(&["apply", "-f", &file]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let told = lines.any(|line| line.is_ok_and(|line| line.starts_with("Waiting: Pod waits-pod: ") && line.contains("\"none\" not found")));
    interrupt(&child);
    assert_eq!(child.wait().expect("it can be waited for").code(), Some(130));
    assert!(told, "it never said what it waits for");
}
