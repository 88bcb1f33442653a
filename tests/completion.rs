//! What a shell gets when somebody presses Tab.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fake::{Answer, FakeServer, kubeconfig};
use crate::world::{Ran, World, eventually, run};

/// Asks as bash does for the last of these words; `""` completes a word that has not begun.
fn complete(world: &World, words: &[&str]) -> Ran {
    let mut command = world.command(&[]);
    command.arg("--").arg("rtkn").args(words);
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string()).env("_CLAP_IFS", "\n");
    run(command, words, "")
}

/// Asks until there is an answer: it may take a second to get one, and a loaded machine may take longer.
#[track_caller]
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    eventually("something to be offered", || {
        let ran = complete(world, words).ok();
        let names: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    })
}

fn names(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().collect()
}

#[test]
fn names_come_from_the_sandbox_by_kind_and_namespace() {
    let world = World::started_sandbox();
    world.rtkn(&["sa", "create", "builder"]).ok();
    world.stdin(&["apply", "-f", "-"], "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n").ok();
    world.rtkn(&["-n", "other", "sa", "create", "deployer"]).ok();
    assert_eq!(offered(&world, &["sa", "add-secret", "bui"]), ["builder"]);
    // The newest comes first; these two may be of the same second.
    let mut both = offered(&world, &["-n", "other", "sa", "add-secret", "de"]);
    both.sort();
    assert_eq!(both, ["default", "deployer"]);
    assert_eq!(offered(&world, &["-n", "oth"]), ["other"]);
    let nothing = complete(&world, &["sa", "add-secret", "deployer"]).ok();
    assert_eq!(nothing.stdout, "", "{nothing}");
}

#[test]
fn runs_are_named_for_logs_and_describe() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], &crate::steps::task_run("greet-1", "true")).ok();
    for verb in ["logs", "describe", "delete", "cancel"] {
        assert_eq!(offered(&world, &["tr", verb, "gr"]), ["greet-1"], "tr {verb}");
    }
}

#[test]
fn commands_and_flags_are_completed_without_a_server() {
    let world = World::empty();
    let ran = complete(&world, &["pipelineru"]).ok();
    assert_eq!(names(&ran), ["pipelinerun"]);
    let ran = complete(&world, &["pr", "list", "--no-h"]).ok();
    assert_eq!(names(&ran), ["--no-headers"]);
}

#[test]
fn the_context_that_was_typed_is_the_one_that_is_asked() {
    let list = |name: &'static str| {
        FakeServer::start(move |_, _| {
            let items = json!([{"metadata": {"name": name}}]);
            Answer::json(&json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {}, "items": items}))
        })
    };
    let (one, two) = (list("account-one"), list("account-two"));
    let world = World::empty();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": one.url()}}, {"name": "two", "cluster": {"server": two.url()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "u"}}, {"name": "two", "context": {"cluster": "two", "user": "u"}}],
    });
    world.write("home/.kube/config", &config.to_string());
    assert_eq!(offered(&world, &["sa", "add-secret", ""])[0], "account-one");
    assert_eq!(offered(&world, &["--context", "two", "sa", "add-secret", ""])[0], "account-two");
    assert_eq!(offered(&world, &["--context", ""]), ["one", "two"]);
    offered(&world, &["-n", "typed", "sa", "add-secret", ""]);
    let asked = one.asked().pop().expect("it was asked");
    assert!(asked.target.contains("/namespaces/typed/serviceaccounts"), "{asked:?}");
}

#[test]
fn a_server_that_never_answers_costs_less_than_a_second_and_not_a_word() {
    // It accepts, since the kernel does, and nobody ever reads.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
    let address = silent.local_addr().expect("a bound socket has an address");
    let world = World::empty();
    world.write("home/.kube/config", &kubeconfig(&format!("http://{address}"), &json!({})));
    // The start of the process under load is not what is measured.
    let begun = Instant::now();
    complete(&world, &["pipelineru"]).ok();
    let start = begun.elapsed();
    let begun = Instant::now();
    let ran = complete(&world, &["sa", "add-secret", "some"]).ok();
    assert!(begun.elapsed() < Duration::from_secs(1) + 3 * start, "{:?} with a start of {start:?}", begun.elapsed());
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

#[test]
fn errors_are_silent() {
    let world = World::empty();
    let none = complete(&world, &["sa", "add-secret", "some"]).ok();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", ""), "no kubeconfig");
    let server = FakeServer::start(|_, _| Answer::failure(403, "Forbidden", "no"));
    let refused = complete(&server.world(), &["sa", "add-secret", "some"]).ok();
    assert_eq!((refused.stdout.as_str(), refused.stderr.as_str()), ("", ""), "a refusal");
}
