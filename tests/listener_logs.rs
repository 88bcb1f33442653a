//! `eventlistener logs` on a server with a listener's pods.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer};

const STAMP: &str = "2026-01-02T03:04:05.000000006Z";

fn pod(name: &str, containers: &[&str]) -> Value {
    let containers: Vec<Value> = containers.iter().map(|name| json!({"name": name, "image": "none"})).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "work", "uid": name, "resourceVersion": "1", "labels": {"eventlistener": "hook"}},
        "spec": {"containers": containers}, "status": {"phase": "Running"},
    })
}

/// A listener `hook` with these pods, whose containers write this log. A watch tells nothing new.
fn server(pods: Vec<Value>, log: &str) -> FakeServer {
    let log = log.to_owned();
    FakeServer::start(move |request, _| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path.ends_with("/eventlisteners/hook") {
            return Answer::json(
                &json!({"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "EventListener", "metadata": {"name": "hook"}}),
            );
        }
        if path.ends_with("/log") {
            let first = query.contains("tailLines");
            return Answer::text(if first { &log } else { "" });
        }
        if path.ends_with("/pods") && query.contains("watch=") {
            return Answer::text("");
        }
        if path.ends_with("/pods") {
            let metadata = json!({"resourceVersion": "1"});
            return Answer::json(&json!({"apiVersion": "v1", "kind": "PodList", "metadata": metadata, "items": pods}));
        }
        match pods.iter().find(|pod| path.ends_with(&format!("/pods/{}", pod["metadata"]["name"].as_str().unwrap()))) {
            Some(pod) => Answer::json(pod),
            None => Answer::failure(404, "NotFound", "there is no such thing"),
        }
    })
}

#[test]
fn lines_come_as_they_were_written() {
    let long = "x".repeat(200_000);
    let log = format!("{STAMP} load at 50% busy %d %s\n{STAMP} {STAMP} not mine\n{STAMP} {long}\n{STAMP} no end");
    let server = server(vec![pod("el-hook-1", &["event-listener"])], &log);
    let shown = server.world().rtkn(&["el", "logs", "hook", "-t", "7"]).ok();
    let wanted = [
        "".to_owned(),
        "[hook-el-hook-1]: load at 50% busy %d %s".to_owned(),
        format!("[hook-el-hook-1]: {STAMP} not mine"),
        format!("[hook-el-hook-1]: {long}"),
        "[hook-el-hook-1]: no end".to_owned(),
    ];
    assert_eq!(shown.stdout.lines().collect::<Vec<_>>(), wanted);
    let logs: Vec<String> = server.asked().into_iter().map(|r| r.target).filter(|t| t.contains("/log?")).collect();
    assert!(logs.len() == 1 && logs[0].contains("tailLines=7"), "{logs:?}");
}

#[test]
fn one_of_several_containers_is_chosen() {
    let server = server(vec![pod("el-hook-1", &["event-listener", "proxy"])], &format!("{STAMP} line\n"));
    let world = server.world();
    world.rtkn(&["el", "logs", "hook", "--container", "proxy"]).ok().prints("[hook-el-hook-1]: line\n");
    assert!(server.asked().iter().any(|request| request.target.contains("container=proxy")));
    let none = world.rtkn(&["el", "logs", "hook", "--container", "prox"]).exits(1);
    none.says("has no container \"prox\"").says("event-listener, proxy");
    world.rtkn(&["el", "logs", "hook", "-f"]).exits(1).says("choose one of: [event-listener proxy]").says("--container");
}

#[test]
fn a_tail_of_nothing_is_refused() {
    let server = server(Vec::new(), "");
    let world = server.world();
    for tail in ["0", "-2", "-7"] {
        world
            .rtkn(&["el", "logs", "hook", &format!("--tail={tail}")])
            .exits(1)
            .says("tail cannot be 0 or less than 0 unless -1 for all pods");
    }
    world.rtkn(&["el", "logs", "hook", "-t", "-1"]).ok().prints("No pods available for EventListener hook");
    world.rtkn(&["el", "logs", "other"]).exits(1).says("failed to get EventListener other: ");
}

#[test]
fn lines_are_followed_and_none_comes_twice() {
    let server = server(vec![pod("el-hook-1", &["event-listener"]), pod("el-hook-2", &["event-listener"])], &format!("{STAMP} ready\n"));
    let world = server.world();
    let mut child = world.command(&["el", "logs", "hook", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().take(2).map(Result::unwrap).collect();
    lines.sort();
    assert_eq!(lines, ["[hook-el-hook-1]: ready", "[hook-el-hook-2]: ready"]);
    // It goes on asking, from the second of the last line on.
    crate::world::eventually("the streams to be taken up again", || {
        let again = server.asked().into_iter().filter(|request| request.target.contains("sinceTime=2026-01-02T03%3A04%3A05Z"));
        (again.count() >= 2).then_some(())
    });
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
}
