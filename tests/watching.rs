//! `watch`, as a person at a terminal and a script without one meet it.

use std::process::Command;

use rexpect::session::{Options, PtySession, spawn_with_options};

use serde_json::json;

use crate::fake::{Answer, FakeServer, Request};
use crate::prompts::{rest, terminal};
use crate::world::{World, eventually};

/// Words are looked for between which colours would stand.
const PLAIN: &[(&str, &str)] = &[("NO_COLOR", "1")];
const ENTERED: &str = "\x1b[?1049h";
const LEFT: &str = "\x1b[?25h\x1b[?1049l";

/// A PipelineRun with a task that succeeds, one that depends on it and ends with this script, and a finally task.
fn pipeline_run(name: &str, script: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {{name: {name}}}
spec:
  pipelineSpec:
    tasks:
      - name: test
        runAfter: [clone]
        taskSpec:
          steps:
            - {{name: unit, image: none, script: 'echo testing; {script}'}}
            - {{name: report, image: none, script: 'true'}}
      - name: clone
        taskSpec: {{steps: [{{name: fetch, image: none, script: 'echo cloning'}}]}}
    finally:
      - name: notify
        taskSpec: {{steps: [{{name: post, image: none, script: 'true'}}]}}
"
    )
}

fn world_with(name: &str, script: &str) -> World {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &pipeline_run(name, script)).ok();
    world
}

fn press(session: &mut PtySession, keys: &str) {
    session.send(keys).and_then(|_| session.flush()).expect("a key");
}

/// What stands on the terminal after the program has left the screen.
fn left_behind(text: &str) -> &str {
    text.rsplit(LEFT).next().unwrap_or_default()
}

#[test]
fn a_failed_run_leaves_its_tree_and_the_failed_steps_lines_behind() {
    let world = world_with("run", "sleep 2; echo broken here; exit 3");
    let (text, status) = rest(terminal(&world, 80, &["pr", "watch", "run"], PLAIN));
    assert_eq!(status, 1, "{text}");
    assert!(text.contains(ENTERED), "{text}");
    let left = left_behind(&text);
    let place = |what: &str| left.find(what).unwrap_or_else(|| panic!("no {what:?} in {left}"));
    // In the graph's order, whatever the author's is.
    let tasks = ["x PipelineRun run", "+ clone", "+ fetch", "x test", "x unit", "exit code 3"];
    let order = [tasks.as_slice(), &["| testing", "| broken here", "- report", "+ notify"]].concat();
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{left}");
    place("diagnose pipelinerun run");
}

#[test]
fn a_run_that_has_ended_is_shown_without_taking_the_screen() {
    let world = world_with("run", "true");
    world.rtkn(&["pr", "wait", "run"]).ok();
    let (text, status) = rest(terminal(&world, 200, &["pr", "watch", "run"], &[("NO_COLOR", "1")]));
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("+ PipelineRun run") && text.contains("+ unit") && !text.contains('\x1b'), "{text}");
}

#[test]
fn q_leaves_the_run_alone_and_the_status_is_unknown() {
    let world = world_with("run", "sleep 100");
    let mut session = terminal(&world, 80, &["pr", "watch", "run"], PLAIN);
    session.exp_string("| testing").expect("the running step's last lines");
    press(&mut session, "q");
    let (text, status) = rest(session);
    assert_eq!(status, 2, "{text}");
    assert!(left_behind(&text).contains("goes on"), "{text}");
    world.rtkn(&["pr", "wait", "run", "--timeout", "0"]).exits(2);
}

#[test]
fn enter_opens_the_log_of_the_running_step() {
    let world = world_with("run", "echo second line; sleep 100");
    let mut session = terminal(&world, 80, &["pr", "watch", "run"], PLAIN);
    session.exp_string("| second line").expect("the running step's last lines");
    press(&mut session, "\r");
    session.exp_string("test / unit").expect("whose log it is");
    session.exp_string("q back").expect("the keys of a log");
    press(&mut session, "q");
    session.exp_string("q leave").expect("the tree again");
    press(&mut session, "q");
    assert_eq!(rest(session).1, 2);
}

#[test]
fn c_and_y_cancel_the_run() {
    let world = world_with("run", "sleep 100");
    let mut session = terminal(&world, 80, &["pr", "watch", "run"], PLAIN);
    session.exp_string("| testing").expect("the running step");
    press(&mut session, "c");
    session.exp_string("Cancel PipelineRun run? y/n").expect("the question");
    press(&mut session, "y");
    let (text, status) = rest(session);
    assert_eq!(status, 1, "{text}");
    assert!(left_behind(&text).contains("Cancelled"), "{text}");
}

#[test]
fn r_and_y_start_the_run_again_and_watch_that() {
    let world = world_with("run", "sleep 100");
    let mut session = terminal(&world, 80, &["pr", "watch", "run"], PLAIN);
    session.exp_string("| testing").expect("the running step");
    press(&mut session, "r");
    session.exp_string("again and watch that? y/n").expect("the question");
    press(&mut session, "y");
    session.exp_string("PipelineRun started: run-").expect("the new run");
    session.exp_string("| testing").expect("the new run's step");
    press(&mut session, "q");
    assert_eq!(rest(session).1, 2);
    let names = world.rtkn(&["pr", "list", "-o", "name"]).ok().stdout;
    assert_eq!(names.lines().count(), 2, "{names}");
}

#[test]
fn the_terminal_is_as_before_after_ctrl_c_and_after_a_signal() {
    let world = world_with("run", "sleep 100");
    for signal in [false, true] {
        let program = world.command(&["pr", "watch", "run", "--no-color"]);
        let mut command = Command::new("sh");
        // The shell looks at its terminal when the program has gone.
        command.args([
            "-c",
            r#"stty echo; trap : INT; "$@"; echo "status $?"; stty -a | tr ' ;' '\n\n' | grep -x -e -echo -e echo -e -icanon -e icanon"#,
            "sh",
        ]);
        command.arg(program.get_program()).args(program.get_args()).current_dir(world.path()).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut session = spawn_with_options(command, Options::new().timeout_ms(Some(60_000))).expect("a pseudo-terminal");
        session.exp_string("| testing").expect("the running step");
        if signal {
            terminate_watchers(&world);
        } else {
            session.send_control('c').expect("Ctrl-C");
        }
        let (text, _) = rest(session);
        let left = left_behind(&text);
        assert!(left.contains("status 130") && !left.contains("panicked"), "{text}");
        let modes: Vec<&str> = left.lines().map(str::trim).collect();
        assert!(modes.contains(&"echo") && modes.contains(&"icanon"), "the terminal is not as before: {text}");
    }
}

/// Sends SIGTERM to the programs of this world that watch.
fn terminate_watchers(world: &World) {
    let home = format!("HOME={}", world.path().join("home").display());
    for process in std::fs::read_dir("/proc").expect("/proc is there").filter_map(Result::ok) {
        let read = |file: &str| std::fs::read(process.path().join(file)).unwrap_or_default();
        let has = |bytes: &[u8], word: &str| bytes.split(|byte| *byte == 0).any(|part| part == word.as_bytes());
        let program = read("cmdline");
        let is_ours = has(&read("environ"), &home) && has(&program, "watch") && !program.starts_with(b"sh\0");
        if let (true, Ok(pid)) = (is_ours, process.file_name().to_string_lossy().parse()) {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM).expect("the process is there");
        }
    }
}

#[test]
fn forty_columns_and_ten_tasks_are_drawn_without_a_line_too_wide() {
    let world = world_with("a-run-with-a-rather-long-name-for-so-few-columns", "sleep 1; exit 1");
    let (text, status) = rest(terminal(&world, 40, &["pr", "watch", "a-run-with-a-rather-long-name-for-so-few-columns"], &[]));
    assert_eq!(status, 1, "{text}");
    let left = console::strip_ansi_codes(left_behind(&text)).into_owned();
    let tree = left.lines().take_while(|line| !line.contains("Hint"));
    for line in tree {
        assert!(console::measure_text_width(line.trim_end()) <= 40, "{line:?} in {left}");
    }
}

#[test]
fn without_a_terminal_each_change_is_a_line() {
    let world = world_with("run", "sleep 1; echo broken here; exit 3");
    let ran = world.rtkn(&["pr", "watch", "run"]).exits(1).says("diagnose pipelinerun run");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let place = |what: &str| lines.iter().position(|line| line.starts_with(what)).unwrap_or_else(|| panic!("no {what:?}\n{ran}"));
    let order = [
        "clone: Succeeded after",
        "test / unit: Failed after",
        "test: Failed after",
        "PipelineRun run: Failed after",
        "--- test / unit: exit code 3",
        "broken here",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{ran}");
    assert!(!ran.stdout.contains('\x1b'), "{ran}");
}

#[test]
fn a_task_run_and_the_newest_run_of_a_pipeline_are_watched_alike() {
    let world = World::started_sandbox();
    let objects =
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {steps: [{name: only, image: none, script: echo hi}]}\n---
apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {tasks: [{name: one, taskRef: {name: t}}]}\n";
    world.stdin(&["apply", "-f", "-"], objects).ok();
    world.rtkn(&["pipeline", "watch", "p"]).exits(1).says("Pipeline p has no PipelineRun");
    world.rtkn(&["pipeline", "watch", "q"]).exits(1).says("there is no Pipeline q");
    world.rtkn(&["pipeline", "start", "p"]).ok();
    world.rtkn(&["pipeline", "watch", "p"]).ok().prints("one / only: Succeeded").prints(": Succeeded after");
    world.rtkn(&["task", "start", "t"]).ok();
    let watched = world.rtkn(&["task", "watch", "t"]).ok();
    watched.prints("only: Succeeded").prints("TaskRun t-run-");
    world.rtkn(&["pr", "watch", "nothing"]).exits(1).says("not found");
    world.rtkn(&["pr", "watch", "@latest"]).ok().prints("PipelineRun p-run-");
}

#[test]
fn start_watches_or_waits_and_ends_with_the_runs_status() {
    let world = World::started_sandbox();
    for (name, script) in [("good", "exit 0"), ("bad", "exit 3")] {
        let task = format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec: {{steps: [{{name: only, image: none, script: {script}}}]}}\n"
        );
        world.stdin(&["apply", "-f", "-"], &task).ok();
    }
    world.rtkn(&["task", "start", "good", "--watch"]).ok().prints("only: Succeeded");
    world.rtkn(&["task", "start", "bad", "--watch"]).exits(1).prints("only: Failed");
    world.rtkn(&["task", "start", "good", "--wait"]).ok().prints(": Succeeded after");
    world.rtkn(&["task", "start", "bad", "--wait"]).exits(1).says("has not succeeded: Failed");
}

#[test]
fn watching_ends_when_the_run_is_deleted() {
    let world = world_with("run", "sleep 100");
    let watched = std::thread::scope(|scope| {
        let watched = scope.spawn(|| world.rtkn(&["pr", "watch", "run"]));
        eventually("the step to run", || world.rtkn(&["pr", "logs", "run"]).stdout.contains("testing").then_some(()));
        world.rtkn(&["pr", "delete", "run", "-f"]).ok();
        watched.join().expect("it ends")
    });
    watched.exits(1).says("PipelineRun run was deleted");
}

#[test]
fn whoever_may_read_neither_pods_nor_logs_watches_the_rest() {
    let server = FakeServer::start(|request: &Request, _| {
        if request.target.contains("/pods") {
            return Answer::failure(403, "Forbidden", "pods is forbidden");
        }
        let step = json!({"name": "only", "container": "step-only", "terminated": {"exitCode": 3, "reason": "Error"}});
        let condition = json!({"type": "Succeeded", "status": "False", "reason": "StepFailed", "message": "it failed"});
        Answer::json(&json!({
            "apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": "x", "namespace": "work", "uid": "u1"},
            "status": {"conditions": [condition], "podName": "x-pod", "startTime": "2026-01-02T03:04:05Z", "steps": [step]},
        }))
    });
    let world = server.world();
    world.rtkn(&["tr", "watch", "x"]).exits(1).prints("only: Failed: exit code 3").prints("TaskRun x: Failed");
    world.rtkn(&["tr", "logs", "x"]).exits(1).says("forbidden");
}
