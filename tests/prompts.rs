//! Questions, as a person meets them: under a real pseudo-terminal, with keys pressed and escapes read.

use std::process::Command;

use rexpect::session::{Options, PtySession, spawn_with_options};

use crate::steps::{played, task_run};
use crate::world::World;

/// How long an answer may take before the test fails.
const PATIENCE_MS: u64 = 60_000;
const DOWN: &str = "\x1b[B";
const CURSOR_SHOWN: &str = "\x1b[?25h";

/// A terminal of so many columns with the program in it.
pub fn terminal(world: &World, columns: usize, args: &[&str], environment: &[(&str, &str)]) -> PtySession {
    let program = world.command(args);
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"stty cols "$0" rows 24 && exec "$@""#, &columns.to_string()])
        .arg(program.get_program())
        .args(program.get_args());
    command.current_dir(world.path()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| *name != "COLUMNS"));
    command.envs(environment.iter().copied());
    spawn_with_options(command, Options::new().timeout_ms(Some(PATIENCE_MS))).expect("a pseudo-terminal")
}

/// Everything until the end, and the exit status.
pub fn rest(mut session: PtySession) -> (String, i32) {
    let text = session.exp_eof().expect("the program ends");
    match session.process().wait().expect("it can be waited for") {
        nix::sys::wait::WaitStatus::Exited(_, status) => (text, status),
        other => panic!("it ended with {other:?}: {text}"),
    }
}

/// A sandbox with two TaskRuns that have ended; `new` is the newer one.
fn two_runs() -> World {
    let world = World::started_sandbox();
    played(&world, "tr", &task_run("run", "echo from the older one"));
    // Ages are told in seconds, and the order is theirs.
    world.stdin(&["apply", "-f", "-"], &task_run("new", "echo from the newer one")).ok();
    world.rtkn(&["tr", "logs", "new", "-f"]).ok().prints("from the newer one");
    world
}

const PIPELINE_RUNS: &str = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: NAME}
spec:
  pipelineSpec:
    tasks:
      - name: greet
        taskSpec:
          steps: [{name: say, image: none, script: 'echo hello from NAME'}]
";

#[test]
fn pr_logs_lets_a_person_choose_among_several_runs() {
    let world = World::started_sandbox();
    for name in ["first", "second"] {
        // Starts are told apart by whole seconds, so each run lasts longer than one.
        let run = PIPELINE_RUNS.replace("NAME", name).replace("script: 'echo", "script: 'sleep 1.1; echo");
        world.stdin(&["apply", "-f", "-"], &run).ok();
        world.rtkn(&["pr", "logs", name, "-f"]).ok().prints("[greet : say] hello from");
    }
    let mut session = terminal(&world, 120, &["pr", "logs"], &[]);
    session.exp_string("? Select pipelinerun:").expect("the question");
    session.exp_regex(r"second started \d+ \w+ ago").expect("the newest run first");
    session.exp_regex(r"first started \d+ \w+ ago").expect("the other one");
    session.send(DOWN).and_then(|_| session.flush()).expect("an arrow");
    session.send("\r").and_then(|_| session.flush()).expect("enter");
    session.exp_string("hello from first").expect("the log of the one that was chosen");
    let (text, status) = rest(session);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn one_run_is_taken_without_a_question() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &PIPELINE_RUNS.replace("NAME", "only")).ok();
    let session = terminal(&world, 120, &["pr", "logs", "-f"], &[]);
    let (text, status) = rest(session);
    assert!(text.contains("hello from only") && !text.contains("? Select") && status == 0, "{status}: {text}");
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let world = World::started_sandbox();
    let mut session = terminal(&world, 120, &["secret", "create", "basic", "tt-basic", "--host", "https://git.example"], &[]);
    session.exp_string("? User:").expect("the first question");
    session.send_line("jane").expect("a name");
    session.exp_string("? Password or token:").expect("the second question");
    session.send_line("hunter2-unseen").expect("a password");
    let (text, status) = rest(session);
    assert!(status == 0 && text.contains("created") && !text.contains("hunter2"), "{status}: {text}");
    world.rtkn(&["secret", "list"]).ok().prints("tt-basic").prints("kubernetes.io/basic-auth");
}

#[test]
fn deleting_asks_and_only_y_goes_on() {
    let world = two_runs();
    for (key, status, left) in [("n", 1, true), ("y", 0, false)] {
        let mut session = terminal(&world, 120, &["tr", "delete", "run"], &[]);
        session.exp_string("run").expect("the question names the run");
        session.exp_string("y/n").expect("the question");
        session.send(key).and_then(|_| session.flush()).expect("a key");
        // The key alone may be the answer; where it is not, enter ends it.
        let _ = session.send("\r").and_then(|_| session.flush());
        let (text, ended) = rest(session);
        assert_eq!(ended, status, "after {key}: {text}");
        assert_eq!(world.rtkn(&["tr", "list", "-o", "name"]).ok().stdout.contains("/run\n"), left, "after {key}: {text}");
    }
    world.rtkn(&["tr", "list"]).ok().prints("new");
}

#[test]
fn ctrl_c_at_a_question_ends_with_130_and_the_cursor_shown() {
    let world = two_runs();
    let mut session = terminal(&world, 120, &["tr", "logs"], &[]);
    session.exp_string("? Select taskrun:").expect("the question");
    session.exp_string("run started").expect("the choices");
    session.send_control('c').expect("Ctrl-C");
    let (text, status) = rest(session);
    assert_eq!(status, 130, "{text}");
    assert!(text.contains(CURSOR_SHOWN), "the cursor stays hidden: {text:?}");
    assert!(!text.contains("Error") && !text.contains("panicked"), "{text}");

    let mut session = terminal(&world, 120, &["secret", "create", "basic", "x", "--host", "https://git.example"], &[]);
    session.exp_string("? User:").expect("the question");
    session.send_control('c').expect("Ctrl-C");
    let (text, status) = rest(session);
    assert_eq!(status, 130, "{text}");

    let mut session = terminal(&world, 120, &["tr", "delete", "run"], &[]);
    session.exp_string("y/n").expect("the question");
    session.send_control('c').expect("Ctrl-C");
    let (text, status) = rest(session);
    assert_eq!(status, 130, "{text}");
    world.rtkn(&["tr", "list"]).ok().prints("run");
}

#[test]
fn the_terminal_echoes_again_after_a_password_was_interrupted() {
    let world = World::started_sandbox();
    let program = world.command(&["secret", "create", "basic", "x", "--host", "https://git.example"]);
    let mut command = Command::new("sh");
    // The shell looks at its terminal when the program has gone.
    command.args(["-c", r#"stty echo; trap : INT; "$@"; echo "status $?"; stty -a | tr ' ;' '\n\n' | grep -x -e -echo -e echo"#, "sh"]);
    command.arg(program.get_program()).args(program.get_args()).current_dir(world.path()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut session = spawn_with_options(command, Options::new().timeout_ms(Some(PATIENCE_MS))).expect("a pseudo-terminal");
    session.exp_string("? User:").expect("the first question");
    session.send_line("jane").expect("a name");
    session.exp_string("? Password or token:").expect("the second question");
    session.send_control('c').expect("Ctrl-C");
    let (text, _) = rest(session);
    assert!(text.contains("status 130"), "{text}");
    assert!(text.lines().any(|line| line.trim() == "echo"), "what is typed stays unseen: {text}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let world = two_runs();
    let colours = |environment: &[(&str, &str)], args: &[&str]| {
        let (text, status) = rest(terminal(&world, 120, args, environment));
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("Succeeded"), "{text}");
        text.contains("\x1b[")
    };
    assert!(colours(&[], &["tr", "list"]), "a terminal gets colour");
    assert!(!colours(&[("NO_COLOR", "1")], &["tr", "list"]), "NO_COLOR");
    assert!(!colours(&[("TERM", "dumb")], &["tr", "list"]), "TERM=dumb");
    assert!(!colours(&[], &["tr", "list", "--no-color"]), "--no-color");
    assert!(!world.rtkn(&["tr", "list"]).ok().stdout.contains('\x1b'), "a pipe gets none");
}

#[test]
fn forty_columns_are_enough() {
    let world = two_runs();
    for args in [["tr", "list"].as_slice(), &["tr", "describe", "run"], &["diagnose"], &["tr", "--help"]] {
        let (text, status) = rest(terminal(&world, 40, args, &[]));
        assert!(status == 0 && !text.contains("panicked"), "{args:?}: {text}");
    }
    let mut session = terminal(&world, 40, &["tr", "logs"], &[]);
    session.exp_string("? Select taskrun:").expect("the question");
    session.exp_string("new started").expect("the choices");
    session.send("\r").and_then(|_| session.flush()).expect("enter");
    let (text, status) = rest(session);
    assert!(status == 0 && text.contains("from the newer one"), "{text}");
}

#[test]
fn start_asks_for_what_the_flags_leave_out_and_enter_refuses_an_optional_workspace() {
    let world = World::started_sandbox();
    let task = "apiVersion: tekton.dev/v1
kind: Task
metadata: {name: greet}
spec:
  params: [{name: who, type: string}, {name: map, type: object, properties: {k: {type: string}}, default: {k: 'a,b'}}]
  workspaces: [{name: spare, optional: true}, {name: desk}]
  steps: [{name: say, image: none, script: 'echo \"$(params.who) and $(params.map.k)\"; ls -d $(workspaces.desk.path)/below'}]
";
    world.stdin(&["apply", "-f", "-"], task).ok();
    let mut session = terminal(&world, 160, &["task", "start", "greet", "--dry-run"], &[]);
    session.exp_string("? Value for param `who` of type `string`?").expect("the first param");
    session.send_line("ann").expect("a name");
    session.exp_string("? Value for param `map` of type `object`? (Default is `k:a,b`)").expect("the second param");
    session.send_line("").expect("enter");
    session.exp_string("? Do you want to give specifications for the optional workspace `spare`: (y/N)").expect("whether it is wanted");
    session.send_line("").expect("enter");
    session.exp_string("Please give specifications for the workspace: desk").expect("the other workspace");
    session.exp_string("? Name for the workspace :").expect("its name");
    session.send_line("").expect("enter");
    session.exp_string("? Value of the Sub Path :").expect("its path");
    session.send_line("below").expect("a path");
    session.exp_string("? Type of the Workspace :").expect("its source");
    session.send("\r").and_then(|_| session.flush()).expect("enter");
    session.exp_string("? Type of EmptyDir :").expect("its medium");
    session.send_line("").expect("enter");
    let (text, status) = rest(session);
    assert_eq!(status, 0, "{text}");
    let text = text.replace('\r', "");
    assert!(text.contains("- name: map\n    value:\n      k: a,b\n  - name: who\n    value: ann\n"), "{text}");
    assert!(text.contains("workspaces:\n  - emptyDir: {}\n    name: desk\n    subPath: below\n"), "{text}");
}
