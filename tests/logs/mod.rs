//! `logs` over what no sandbox makes: the real program against a server whose objects a test writes down.

mod server;

use serde_json::{Value, json};

use crate::fake::FakeServer;
use server::{Objects, stands};

/// A stamp of 2026-01-02T03:04:SS, before a line.
fn at(second: f64, line: &str) -> String {
    format!("2026-01-02T03:04:{second:04.1}Z {line}\n")
}

fn logs(server: &FakeServer, args: &[&str]) -> crate::world::Ran {
    let world = server.world();
    world.rtkn(&[&["pr", "logs"], args].concat())
}

/// A run with a task of two attempts, a matrix of two, a Pipeline within, and a CustomRun.
fn family() -> FakeServer {
    let spec = json!({"tasks": [
        {"name": "flaky", "retries": 2}, {"name": "each", "matrix": {"params": [{"name": "os", "value": ["linux", "mac"]}]}},
        {"name": "outer"}, {"name": "approve"},
    ]});
    let children = [
        ("TaskRun", "r-flaky", "flaky"),
        ("TaskRun", "r-each-0", "each"),
        ("TaskRun", "r-each-1", "each"),
        ("PipelineRun", "r-outer", "outer"),
        ("CustomRun", "r-approve", "approve"),
    ];
    let os = |os: &str| json!({"spec": {"params": [{"name": "os", "value": os}, {"name": "other", "value": "x"}]}});
    Objects::default()
        .run("r", stands("True", "Tasks Completed: 5"), &children, spec)
        .task("r", "r-flaky", "True", &["flaky-1", "flaky-2"], &json!({"spec": {"retries": 2}}))
        .pod("r", "flaky-1", &[("step-s", 1, &at(2.0, "first try"))])
        .pod("r", "flaky-2", &[("step-s", 0, &at(12.0, "second try"))])
        .task("r", "r-each-0", "True", &["each-0"], &os("linux"))
        .pod("r", "each-0", &[("step-s", 0, &at(5.0, "on linux"))])
        .task("r", "r-each-1", "True", &["each-1"], &os("mac"))
        .pod("r", "each-1", &[("step-s", 0, &at(4.0, "on mac"))])
        .run("r-outer", stands("True", "done"), &[("TaskRun", "r-outer-in", "inner")], Value::Null)
        .task("r-outer", "r-outer-in", "True", &["inner-1"], &Value::Null)
        .pod("r-outer", "inner-1", &[("step-s", 0, &at(20.0, "from within"))])
        .with("customruns", json!({"metadata": {"name": "r-approve"}, "status": {"conditions": stands("True", "the boss said yes")}}))
        .serve()
}

#[test]
fn every_child_is_shown_and_told_apart() {
    let server = family();
    let ran = logs(&server, &["r"]).ok();
    assert_eq!(
        ran.stdout,
        "[flaky (attempt 1/3) : s] first try\n\n[flaky (attempt 2/3) : s] second try\n\n[each (os=linux) : s] on linux\n\n\
         [each (os=mac) : s] on mac\n\n[outer > inner : s] from within\n\n"
    );
    ran.says("task approve: CustomRun r-approve Succeeded: the boss said yes");
}

#[test]
fn where_tkn_is_stood_in_for_the_prefix_is_tkns_and_the_rest_is_said_beside() {
    let server = family();
    let world = server.world();
    let link = world.path().join("tkn");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rtkn"), &link).unwrap();
    let mut command = std::process::Command::new(&link);
    command.env_clear().env("HOME", world.path().join("home")).args(["pr", "logs", "r", "-t", "flaky"]);
    let ran = crate::world::run(command, &["pr", "logs"], "").ok();
    assert_eq!(ran.stdout, "[flaky : s] first try\n\n[flaky : s] second try\n\n");
    ran.says("task flaky: attempt 1/3").says("task flaky: attempt 2/3");
}

#[test]
fn one_attempt_one_task_one_end_of_the_log() {
    let server = family();
    assert_eq!(logs(&server, &["r", "-t", "flaky", "--attempt", "2"]).ok().stdout, "[flaky (attempt 2/3) : s] second try\n\n");
    assert_eq!(logs(&server, &["r", "-t", "inner"]).ok().stdout, "[outer > inner : s] from within\n\n");
    let since = logs(&server, &["r", "--since", "2026-01-02T03:04:12Z"]).ok();
    assert_eq!(since.stdout, "[flaky (attempt 2/3) : s] second try\n\n[outer > inner : s] from within\n\n");
    let tail = Objects::default()
        .run("r", stands("True", ""), &[("TaskRun", "r-a", "a")], Value::Null)
        .task("r", "r-a", "True", &["p"], &Value::Null)
        .pod("r", "p", &[("step-s", 0, &[at(1.0, "one"), at(2.0, "two"), at(3.0, "three")].concat())])
        .serve();
    assert_eq!(logs(&tail, &["r", "--tail", "2", "--prefix=false"]).ok().stdout, "two\nthree\n\n");
}

#[test]
fn lines_are_chosen_by_what_they_say() {
    let server = family();
    let some = logs(&server, &["r", "--grep", "try|linux", "--exclude", "^first"]).ok();
    assert_eq!(some.stdout, "[flaky (attempt 2/3) : s] second try\n\n[each (os=linux) : s] on linux\n\n");
    logs(&server, &["r", "--grep", "("]).exits(1).says("--grep");
}

#[test]
fn lines_of_all_tasks_by_their_time() {
    let ran = logs(&family(), &["r", "--group", "time", "--raw"]).ok();
    assert_eq!(ran.stdout, "first try\non mac\non linux\nsecond try\nfrom within\n");
}

#[test]
fn json_lines_name_run_task_attempt_and_parameters() {
    let ran = logs(&family(), &["r", "-o", "json"]).ok();
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "{ran}");
    assert_eq!((&lines[1]["attempt"], &lines[1]["line"], &lines[1]["pod"]), (&json!(2), &json!("second try"), &json!("flaky-2")));
    assert_eq!((&lines[2]["params"], &lines[2]["taskRun"]), (&json!({"os": "linux"}), &json!("r-each-0")));
    assert_eq!((&lines[4]["task"], &lines[4]["run"]), (&json!("outer > inner"), &json!("r")));
}

#[test]
fn times_are_told_as_the_server_has_them_or_since_the_run_began() {
    let server = family();
    logs(&server, &["r", "-t", "inner", "--timestamps"]).ok().prints("[outer > inner : s] 2026-01-02T03:04:20.0Z from within\n");
    logs(&server, &["r", "-t", "inner", "--timestamps=relative"]).ok().prints("[outer > inner : s] +20.000s from within\n");
    logs(&server, &["r", "-t", "inner", "--timestamps=false"]).ok().prints("[outer > inner : s] from within\n");
}

#[test]
fn several_runs_by_name_or_by_label_name_themselves() {
    let one = |name: &'static str, text: &'static str| {
        let (task, pod) = (format!("{name}-a"), format!("{name}-p"));
        move |objects: Objects| {
            let objects = objects.run(name, stands("True", ""), &[("TaskRun", &task, "a")], Value::Null);
            objects.task(name, &task, "True", &[&pod], &Value::Null).pod(name, &pod, &[("step-s", 0, &at(1.0, text))])
        }
    };
    let server = one("second", "two")(one("first", "one")(Objects::default())).serve();
    let both = "[first > a : s] one\n\n[second > a : s] two\n\n";
    assert_eq!(logs(&server, &["first", "second"]).ok().stdout, both);
    assert_eq!(logs(&server, &["-l", "team=x"]).ok().stdout, both);
    let lists = server.asked().iter().filter(|r| r.target.contains("/taskruns?") || r.target.contains("/pods?")).count();
    assert_eq!(lists, 4, "a list of TaskRuns and one of pods for all runs of a command");
    logs(&server, &["-l", "team=y"]).exits(1).says("No PipelineRuns found with the labels team=y");
    logs(&server, &["first", "third"]).exits(1).says("\"third\" not found");
    logs(&server, &["first", "-l", "team=x"]).exits(1).says("not both");
}

#[test]
fn what_did_not_run_is_said_with_its_reason() {
    let mut spec = json!({"tasks": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    spec["finally"] = json!([{"name": "z"}]);
    let steps = json!({"status": {"steps": [
        {"name": "x", "container": "step-x", "terminationReason": "TimeoutExceeded", "terminated": {"exitCode": 1, "reason": "Error"}},
        {"name": "y", "container": "step-y", "terminationReason": "Skipped", "terminated": {"exitCode": 1, "reason": "Error"}},
    ]}});
    let mut run = json!({"metadata": {"name": "r", "namespace": "work", "uid": "r"}, "status": {
        "conditions": stands("False", "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2"),
        "childReferences": [{"kind": "TaskRun", "name": "r-a", "pipelineTaskName": "a"}],
        "skippedTasks": [{"name": "b", "reason": "When Expressions evaluated to false"},
            {"name": "c", "reason": "PipelineRun was stopping"}, {"name": "z", "reason": "PipelineRun was stopping"}],
    }});
    run["status"]["pipelineSpec"] = spec;
    let server = Objects::default()
        .with("pipelineruns", run)
        .task("r", "r-a", "False", &["p"], &steps)
        .pod("r", "p", &[("step-x", 1, &at(1.0, "slow")), ("step-y", 1, "")])
        .serve();
    let ran = logs(&server, &["r"]).ok();
    assert_eq!(ran.stdout, "[a : x] slow\n\n");
    ran.says("container step-x has failed  : TimeoutExceeded")
        .says("task a: step y was skipped")
        .says("task b was skipped: When Expressions evaluated to false")
        .says("tasks c, z were skipped: PipelineRun was stopping")
        .says("Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2");
}

#[test]
fn a_pod_that_is_gone_is_told_with_what_the_status_still_knows() {
    let steps = json!({"status": {"steps": [{"name": "x", "container": "step-x", "terminated": {"exitCode": 3, "reason": "Error"}}]}});
    let server = Objects::default()
        .run("r", stands("False", "it failed"), &[("TaskRun", "r-a", "a"), ("TaskRun", "r-gone", "b")], Value::Null)
        .task("r", "r-a", "False", &["p"], &steps)
        .serve();
    logs(&server, &["r"])
        .ok()
        .says("pods \"p\" not found")
        .says("its status tells: step x exited with code 3")
        .says("task b: its taskrun r-gone is gone, and its logs with it")
        .says("it failed");
}

#[test]
fn raw_bytes_stay_as_they_are() {
    let log = "2026-01-02T03:04:05.1Z 10%\r20%\r\n2026-01-02T03:04:05.2Z [a : s] no marker\n2026-01-02T03:04:05.3Z \u{1b}[1mend";
    let server = Objects::default()
        .run("r", stands("True", ""), &[("TaskRun", "r-a", "a")], Value::Null)
        .task("r", "r-a", "True", &["p"], &Value::Null)
        .pod("r", "p", &[("step-s", 0, log)])
        .serve();
    assert_eq!(logs(&server, &["r", "--raw"]).ok().stdout, "10%\r20%\r\n[a : s] no marker\n\u{1b}[1mend");
    assert_eq!(logs(&server, &["r"]).ok().stdout, "[a : s] 10%\r20%\n[a : s] [a : s] no marker\n[a : s] \u{1b}[1mend\n\n");
}

#[test]
fn events_stand_before_the_lines_of_their_pod_and_look_different() {
    let event = |name: &str, kind: &str, message: &str, time: &str| {
        json!({"metadata": {"name": name, "namespace": "work"}, "involvedObject": {"kind": "Pod", "name": "p"}, "type": kind,
            "reason": "Because", "message": message, "lastTimestamp": time})
    };
    let server = Objects::default()
        .run("r", stands("True", ""), &[("TaskRun", "r-a", "a")], Value::Null)
        .task("r", "r-a", "True", &["p"], &Value::Null)
        .pod("r", "p", &[("step-s", 0, &at(9.0, "line"))])
        .with("events", event("late", "Normal", "started", "2026-01-02T03:04:03Z"))
        .with("events", event("early", "Warning", "no node", "2026-01-02T03:04:02Z"))
        .serve();
    let expected = "[a * event] Warning Because: no node\n[a * event] Normal Because: started\n[a : s] line\n\n";
    assert_eq!(logs(&server, &["r", "--events"]).ok().stdout, expected);
    assert_eq!(logs(&server, &["r"]).ok().stdout, "[a : s] line\n\n");
}

#[test]
fn tools_are_the_same_for_every_logs() {
    let server = Objects::default()
        .with(
            "taskruns",
            json!({"metadata": {"name": "t1", "namespace": "work", "uid": "t1", "labels": {"tekton.dev/task": "t"}}, "status": {
            "conditions": stands("False", "no"), "startTime": "2026-01-02T03:04:01Z", "podName": "p"}}),
        )
        .pod("x", "p", &[("step-s", 3, &at(9.0, "line")), ("step-u", 0, &at(9.5, "other"))])
        .serve();
    let world = server.world();
    world.rtkn(&["tr", "logs", "t1", "--grep", "line", "--log-failed", "--raw"]).ok().prints("line\n");
    world.rtkn(&["task", "logs", "t", "t1", "--step", "u", "-o", "json"]).ok().prints("\"line\":\"other\"");
    world.rtkn(&["tr", "logs", "@failed", "--tail", "1"]).ok().prints("[s] line\n").says("exit code 3");
}
