//! The way to the server: no kubeconfig, a wrong one, a server that is not there, overloaded, or without Tekton; and
//! the credentials it gets.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fake::{Answer, FakeServer, kubeconfig, pipeline_runs};
use crate::world::World;

/// The commands of a person who looks around; every one of them reaches for the server.
const LOOKS: [&[&str]; 5] = [&["pr", "list"], &["el", "list"], &["pipeline", "list"], &["secret", "list"], &["diagnose"]];

#[test]
fn without_a_kubeconfig_the_sandbox_is_told_of_and_not_used() {
    let world = World::empty();
    for command in LOOKS {
        let ran = world.rtkn(command).exits(1).says("Error: no kubeconfig was found").says("KUBECONFIG").says("--sandbox");
        assert_eq!(ran.stdout, "", "{ran}");
    }
    let mut made = std::fs::read_dir(world.path().join("home")).expect("the home is there");
    assert!(made.next().is_none(), "looking for a kubeconfig made a file in the home");
}

#[test]
fn a_kubeconfig_that_is_named_and_not_there_is_an_error() {
    let world = World::empty();
    world.rtkn(&["--kubeconfig", "nowhere/config", "pr", "list"]).exits(1).says("nowhere/config").says("No such file");
    world.rtkn(&["--kubeconfig", "nowhere/config", "version"]).exits(1).says("nowhere/config");
    let world = world.with("KUBECONFIG", "nowhere/a:nowhere/b");
    world.rtkn(&["pr", "list"]).exits(1).says("KUBECONFIG names nowhere/a:nowhere/b, which is not there").says("add --sandbox");
}

#[test]
fn a_manifest_in_the_place_of_a_kubeconfig_is_named() {
    let world = World::empty();
    let config = world.write("config", &kubeconfig("http://127.0.0.1:1", &json!({})));
    let manifest = world.write("run.yaml", "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: run}\n");
    world.rtkn(&["--kubeconfig", &manifest, "pr", "list"]).exits(1).says("run.yaml").says("its kind is TaskRun, not Config");
    let world = world.with("KUBECONFIG", format!("{config}:{manifest}"));
    world.rtkn(&["pr", "list"]).exits(1).says("run.yaml").says("its kind is TaskRun, not Config");
}

#[test]
fn an_answer_that_is_no_list_is_not_an_empty_one() {
    let server = FakeServer::start(|_, _| Answer::json(&json!({})));
    let world = World::empty();
    let file = world.write("config", &kubeconfig(&server.url(), &json!({})));
    for command in [["pr", "list"], ["tb", "list"], ["sa", "list"]] {
        let ran = world.rtkn(&[&["--kubeconfig", &file], &command[..]].concat()).exits(1);
        ran.says("items").never_shows("No PipelineRuns");
    }
}

#[test]
fn a_kubeconfig_that_is_no_yaml_is_named_with_the_place() {
    let world = World::empty();
    let file = world.write("broken", "apiVersion: v1\nclusters: [\n");
    let ran = world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("Error: ").says("kubeconfig");
    assert!(ran.stderr.contains(&file) && ran.stderr.contains("line"), "{ran}");
}

#[test]
fn a_wrong_context_gets_the_near_name_and_all_names() {
    let world = World::empty();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "staging",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [
            {"name": "staging", "context": {"cluster": "c", "user": "u"}},
            {"name": "production", "context": {"cluster": "c", "user": "u"}},
        ],
    });
    let file = world.write("config", &config.to_string());
    let ran = world.rtkn(&["--kubeconfig", &file, "--context", "prodution", "pr", "list"]).exits(1);
    ran.says(r#"there is no context "prodution""#).says("did you mean production?").says("staging");
    world.rtkn(&["--kubeconfig", &file, "--context", "zzz", "pr", "list"]).exits(1).says("production").says("staging");
}

#[test]
fn an_unreachable_server_is_one_clear_line_and_quick() {
    let world = World::empty();
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
    world.write("home/.kube/config", &kubeconfig(&format!("http://127.0.0.1:{port}"), &json!({})));
    for command in LOOKS {
        let begun = Instant::now();
        let ran = world.rtkn(command).exits(1).says(&format!("127.0.0.1:{port}")).says("Connection refused");
        assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}: {ran}", begun.elapsed());
        assert_eq!(ran.stderr.lines().filter(|l| l.starts_with("Error: ")).count(), 1, "{ran}");
        assert!(ran.stderr.lines().all(|l| l.starts_with("Error: ") || l.starts_with("Hint: ")), "{ran}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_not_taken_for_the_server() {
    let world = World::empty();
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
    let mut config: serde_json::Value = serde_json::from_str(&kubeconfig("https://cluster.example", &json!({}))).expect("JSON");
    config["clusters"][0]["cluster"]["proxy-url"] = json!(format!("http://me:hunter2@127.0.0.1:{port}"));
    world.write("home/.kube/config", &config.to_string());
    let ran = world.rtkn(&["pr", "list"]).exits(1).says("Connection refused").never_shows("hunter2");
    ran.says(&format!("cannot reach the server https://cluster.example through the proxy http://127.0.0.1:{port}"));
}

#[test]
fn a_redirection_is_no_empty_answer() {
    let server = FakeServer::start(|_, _| Answer::no_status(302, "{}"));
    server.world().rtkn(&["pr", "list"]).exits(1).says("it answers 302");
}

#[test]
fn a_server_that_asks_to_be_left_alone_for_an_hour_is_told_of() {
    let server = FakeServer::start(|_, _| Answer::failure(429, "TooManyRequests", "come back later").retry_after(3600));
    let begun = Instant::now();
    server.world().rtkn(&["pr", "list"]).exits(1).says("come back later");
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
}

#[test]
fn a_server_that_is_starting_is_asked_again_and_then_told_of_as_it_answers() {
    let server = FakeServer::start(|_, _| Answer::no_status(503, "<html>\nupstream not ready\n"));
    let world = server.world();
    let begun = Instant::now();
    let ran = world.rtkn(&["pr", "list"]).exits(1).says("the server answered 503").never_shows("cannot reach");
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}: {ran}", begun.elapsed());
    assert_eq!(server.asked().len(), 8, "{ran}");
}

#[test]
fn a_cluster_without_tekton_is_told_apart_from_an_empty_one() {
    let server = FakeServer::start(|_, _| Answer::no_such_path());
    let world = server.world();
    world.rtkn(&["pr", "list"]).exits(1).says("Tekton Pipelines is not installed").says(&server.url()).says("--sandbox");
    world.rtkn(&["el", "list"]).exits(1).says("Tekton Triggers is not installed");
    world.rtkn(&["pr", "logs", "some"]).exits(1).says("Tekton Pipelines is not installed");
}

#[test]
fn an_overloaded_server_is_asked_again_when_it_says() {
    for code in [429, 503] {
        let server = FakeServer::start(move |_, before| match before {
            0 => Answer::failure(code, "TooManyRequests", "the server has received too many requests").retry_after(1),
            _ => pipeline_runs(&json!([])),
        });
        let begun = Instant::now();
        server.world().rtkn(&["pr", "list"]).ok().prints("No PipelineRuns found");
        let lists = server.asked().into_iter().filter(|r| r.target.contains("/pipelineruns")).count();
        assert_eq!(lists, 2, "{code} is asked again once");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{code}: Retry-After was not waited for: {:?}", begun.elapsed());
    }
}

#[test]
fn an_internal_error_is_asked_again_where_nothing_can_be_done_twice() {
    let server = FakeServer::start(|_, _| Answer::failure(500, "InternalError", "etcdserver: leader changed"));
    server.world().rtkn(&["pr", "list"]).exits(1).says("etcdserver: leader changed");
    assert_eq!(server.asked().len(), 4, "a read is sent again three times");
}

#[test]
fn a_write_that_failed_is_not_sent_again() {
    let server = FakeServer::start(|request, _| match request.method.as_str() {
        "GET" => Answer::failure(404, "NotFound", r#"serviceaccounts "builder" not found"#),
        _ => Answer::failure(500, "InternalError", "etcdserver: request timed out"),
    });
    server.world().rtkn(&["sa", "create", "builder"]).exits(1).says("etcdserver: request timed out");
    let writes = server.asked().into_iter().filter(|r| r.method != "GET").count();
    assert_eq!(writes, 1, "it may have been done although the answer is an error");
}

#[test]
fn several_files_of_kubeconfig_are_one() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let clusters = json!({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "c", "cluster": {"server": server.url()}}]});
    let contexts = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "both",
        "users": [{"name": "u", "user": {"token": "from-the-second-file"}}],
        "contexts": [{"name": "both", "context": {"cluster": "c", "user": "u", "namespace": "merged"}}],
    });
    let files = [world.write("one", &clusters.to_string()), "/nowhere/at/all".into(), world.write("two", &contexts.to_string())];
    let world = world.with("KUBECONFIG", files.join(":"));
    world.rtkn(&["pr", "list"]).ok();
    let asked = server.asked();
    assert!(asked[0].target.contains("/namespaces/merged/pipelineruns"), "{asked:?}");
    assert_eq!(asked[0].header("authorization"), "Bearer from-the-second-file");
}

/// A kubeconfig whose user is known by what this script prints.
fn with_plugin(world: &World, server: &str, script: &str, mode: &str) -> String {
    let plugin = world.write("plugin", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).expect("a script can be made executable");
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": mode,
        "env": [{"name": "CLIENT_SECRET", "value": "hunter2"}], "installHint": "get it from the shelf",
    });
    world.write("config", &kubeconfig(server, &json!({"exec": exec})))
}

/// What a plugin prints that gives this token.
fn gives(token: &str, more: &str) -> String {
    format!(
        r#"echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"{more}}}}}'"#
    )
}

#[test]
fn a_credential_plugin_is_asked_for_the_token() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let script = format!("echo \"open the page for $CLIENT_SECRET\" | tr -d 2 >&2; cat; {}", gives("from-the-plugin", ""));
    let file = with_plugin(&world, &server.url(), &script, "Never");
    let ran = world.stdin(&["--kubeconfig", &file, "pr", "list"], "an answer to something else\n").ok();
    ran.never_shows("from-the-plugin").says("open the page for hunter");
    assert_eq!(server.asked()[0].header("authorization"), "Bearer from-the-plugin");
}

#[test]
fn a_credential_is_renewed_before_its_end() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let script = format!("echo run >> $0.runs; {}", gives("short", r#", "expirationTimestamp": "2026-01-01T00:00:00Z""#));
    let file = with_plugin(&world, &server.url(), &script, "IfAvailable");
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).ok();
    let runs = std::fs::read_to_string(world.path().join("plugin.runs")).expect("the plugin writes it");
    assert_eq!(runs.lines().count(), 1 + server.asked().len(), "at the start, and before each request");
}

#[test]
fn a_credential_plugin_that_is_missing_or_fails_is_named_without_its_secrets() {
    let world = World::empty();
    let server = "http://127.0.0.1:1";
    let exec = |command: &str| json!({"exec": {"apiVersion": "v1", "command": command, "installHint": "get it from the shelf"}});
    let file = world.write("missing", &kubeconfig(server, &exec("kubelogin-that-is-not-here")));
    let ran = world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1);
    ran.says("kubelogin-that-is-not-here is not installed; get it from the shelf");
    let file = with_plugin(&world, server, "echo no network >&2; echo hunter3; exit 7", "IfAvailable");
    let ran = world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1);
    ran.says("no network").says("plugin failed (exit status: 7)").never_shows("hunter2").never_shows("hunter3");
    let file = with_plugin(&world, server, "echo hunter3", "Never");
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("is no ExecCredential").never_shows("hunter3");
    let file = with_plugin(&world, server, &gives("a", "").replace("/v1", "/v1beta1"), "Never");
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("answers in client.authentication.k8s.io/v1beta1");
    let file = with_plugin(&world, server, &gives("a", ""), "Always");
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("standard input is no terminal");
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_and_not_shown() {
    let world = World::empty();
    let server = "http://127.0.0.1:1";
    let file = with_plugin(&world, server, &gives(r"hunter3\\nmore", ""), "Never");
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("the token holds characters").never_shows("hunter3");
    let file = world.write("inline", &kubeconfig(server, &json!({"token": "hunter3\nmore"})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("the token holds characters").never_shows("hunter3");
}

#[test]
fn a_file_with_the_token_goes_before_the_token_and_may_end_in_a_line_end() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let token = world.write("token", "of-the-file\n");
    let file = world.write("config", &kubeconfig(&server.url(), &json!({"token": "inline", "tokenFile": token})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).ok();
    assert_eq!(server.asked()[0].header("authorization"), "Bearer of-the-file");
    let file = world.write("config", &kubeconfig(&server.url(), &json!({"token": ""})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).ok();
    assert_eq!(server.asked().last().map(|request| request.header("authorization").to_owned()).as_deref(), Some(""));
    let file = world.write("config", &kubeconfig(&server.url(), &json!({"tokenFile": "/nowhere/token"})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("/nowhere/token: No such file");
}

#[test]
fn a_context_with_an_empty_namespace_means_default_and_not_all() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let file = world.write("config", &kubeconfig(&server.url(), &json!({})).replace("\"namespace\":\"work\"", "\"namespace\":\"\""));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).ok();
    world.rtkn(&["--kubeconfig", &file, "pr", "list", "-n", ""]).ok();
    world.rtkn(&["--kubeconfig", &file, "pr", "delete", "--all", "-f"]).ok();
    for request in server.asked() {
        assert!(request.target.contains("/namespaces/default"), "{request:?}");
    }
}

#[test]
fn a_server_without_a_scheme_is_asked_and_one_that_is_none_is_told() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = World::empty();
    let file = world.write("config", &kubeconfig(&server.url().replace("http://", ""), &json!({})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).ok();
    let file = world.write("config", &kubeconfig("/somewhere", &json!({})));
    world.rtkn(&["--kubeconfig", &file, "pr", "list"]).exits(1).says("the server \"/somewhere\" is no URL");
}

#[test]
fn a_proxy_of_the_kubeconfig_is_taken_whatever_the_environment_says() {
    let world = World::empty().with("NO_PROXY", "127.0.0.1,cluster.example".to_owned());
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
    let mut config: serde_json::Value = serde_json::from_str(&kubeconfig("https://cluster.example", &json!({}))).expect("JSON");
    config["clusters"][0]["cluster"]["proxy-url"] = json!(format!("http://127.0.0.1:{port}"));
    world.write("home/.kube/config", &config.to_string());
    world.rtkn(&["pr", "list"]).exits(1).says(&format!("through the proxy http://127.0.0.1:{port}"));
    config["clusters"][0]["cluster"]["proxy-url"] = json!("me:hunter2@bogus");
    world.write("home/.kube/config", &config.to_string());
    world.rtkn(&["pr", "list"]).exits(1).says("invalid 'proxy-url' for cluster \"fake\"").never_shows("hunter2");
}

#[test]
fn credentials_that_the_server_does_not_take_are_said_plainly() {
    let server = FakeServer::start(|_, _| Answer::failure(401, "Unauthorized", "Unauthorized"));
    server.world().rtkn(&["pr", "list"]).exits(1).says("401").says("log in again");
}
