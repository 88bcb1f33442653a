//! Lists: what is selected, in which form it is printed, and how little is asked of the server for it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer, Request, pipeline_runs};
use crate::world::{Ran, World, run};

fn pipeline_run(name: &str, started: Option<&str>, reason: &str) -> Value {
    let status = if reason == "Failed" { "False" } else { "True" };
    let mut run = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": name, "namespace": "work", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"tekton.dev/pipeline": "build"}},
        "spec": {"timeouts": {"pipeline": "1h"}, "unheard": "of"},
    });
    if let Some(started) = started {
        run["status"] =
            json!({"startTime": started, "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": "why"}]});
    }
    run
}

fn two_runs() -> Value {
    json!([pipeline_run("old", Some("2026-01-01T00:00:00Z"), "Failed"), pipeline_run("new", Some("2026-01-02T00:00:00Z"), "Succeeded")])
}

/// Runs the program as tkn.
fn tkn(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.arg0("tkn");
    run(command, args, "")
}

fn path(request: &Request) -> &str {
    request.target.split('?').next().unwrap_or_default()
}

/// A server with many runs, each a minute older than the one before; only the first page of its list comes whole.
fn many_runs() -> FakeServer {
    let started = |i: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(60 + i)).to_string();
    FakeServer::start(move |request, _| {
        if let Some(name) = path(request).strip_prefix("/apis/tekton.dev/v1/namespaces/work/pipelineruns/run-") {
            return Answer::json(&pipeline_run(&format!("run-{name}"), Some(&started(name.parse().unwrap())), "Succeeded"));
        }
        if request.header("accept").contains("as=Table") {
            let rows: Vec<Value> =
                (0..1000_i64).map(|i| json!({"cells": [format!("run-{i}"), "True", format!("{}m", 60 + i), null]})).collect();
            let columns = json!([{"name": "Name"}, {"name": "Succeeded"}, {"name": "StartTime"}, {"name": "CompletionTime"}]);
            return Answer::json(
                &json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows}),
            );
        }
        let items: Vec<Value> = (0..50).map(|i| pipeline_run(&format!("run-{i}"), Some(&started(i)), "Succeeded")).collect();
        Answer::json(&json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": {"continue": "more", "resourceVersion": "7"}, "items": items,
        }))
    })
}

/// The requests for lists, for tables and for single runs.
fn counted(server: &FakeServer) -> [usize; 3] {
    let asked = server.asked();
    let tables = asked.iter().filter(|r| r.header("accept").contains("as=Table")).count();
    let single = asked.iter().filter(|r| path(r).contains("/pipelineruns/")).count();
    [asked.len() - tables - single, tables, single]
}

#[test]
fn of_runs_of_one_second_the_last_written_comes_first_and_for_tkn_the_servers_order_stays() {
    let run = |name: &str, version: &str| {
        let mut run = pipeline_run(name, Some("2026-01-01T00:00:00Z"), "Succeeded");
        run["metadata"]["resourceVersion"] = json!(version);
        run
    };
    let items = json!([run("a", "9"), run("b", "10"), run("c", "8")]);
    let server = FakeServer::start(move |_, _| {
        Answer::json(&json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": {}, "items": items}))
    });
    let world = server.world();
    let names = "jsonpath={.items[*].metadata.name}";
    for (limit, own, tkns) in [("0", "b a c", "a b c"), ("1", "b", "a")] {
        let line = ["pr", "list", "--limit", limit, "-o", names];
        assert_eq!(world.rtkn(&line).ok().stdout, own);
        assert_eq!(tkn(&world, &line).ok().stdout, tkns);
    }
}

#[test]
fn the_newest_of_many_runs_are_found_by_the_servers_table() {
    let server = many_runs();
    let ran = server.world().rtkn(&["pr", "list", "--limit", "3", "-o", "name"]).ok();
    assert_eq!(ran.stdout, "pipelinerun.tekton.dev/run-0\npipelinerun.tekton.dev/run-1\npipelinerun.tekton.dev/run-2\n");
    let [lists, tables, single] = counted(&server);
    assert_eq!((lists, tables), (1, 1));
    assert!(single < 10, "{single} runs were read for three");
}

#[test]
fn the_last_of_many_runs_is_found_by_the_servers_table() {
    let server = many_runs();
    server.world().rtkn(&["pr", "describe", "--last", "-o", "name"]).ok().prints("pipelinerun.tekton.dev/run-0\n");
    let [lists, tables, single] = counted(&server);
    assert!(lists == 1 && tables == 1 && single < 10, "{lists} lists, {tables} tables, {single} runs");
}

#[test]
fn few_runs_take_one_request() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    server.world().rtkn(&["pr", "list", "--limit", "1", "-o", "name"]).ok().prints("new\n").never_shows("old");
    assert_eq!(server.asked().len(), 1);
}

/// A list whose items come one to a page, and without a limit all in one answer where the server lets them.
fn three_runs(in_one: bool) -> FakeServer {
    FakeServer::start(move |request, _| {
        let (names, next): (&[&str], &str) = match request.target.split("continue=").nth(1) {
            None if in_one && !request.target.contains("limit=") => (&["a", "b", "c"], ""),
            None => (&["a"], "1"),
            Some("1") => (&["b"], "2"),
            _ => (&["c"], ""),
        };
        let items: Vec<Value> = names.iter().map(|name| pipeline_run(name, Some("2026-01-01T00:00:00Z"), "Succeeded")).collect();
        Answer::json(&json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": {"continue": next}, "items": items}))
    })
}

#[test]
fn a_list_of_more_than_a_page_is_asked_for_as_a_whole() {
    let server = three_runs(true);
    let ran = server.world().rtkn(&["pr", "list", "-o", "jsonpath={.items[*].metadata.name}"]).ok();
    assert_eq!(ran.stdout, "a b c");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_long_list_comes_page_by_page_where_the_whole_cannot_be_had() {
    let server = three_runs(false);
    let ran = server.world().rtkn(&["pr", "list", "-o", "jsonpath={.items[*].metadata.name}"]).ok();
    assert_eq!(ran.stdout, "a b c");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn runs_are_selected_by_how_they_stand_and_when_they_began() {
    let ago = |hours: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string();
    let items = json!([
        pipeline_run("broken", Some(&ago(1)), "Failed"),
        pipeline_run("broken-long-ago", Some(&ago(100)), "Failed"),
        pipeline_run("well", Some(&ago(2)), "Succeeded"),
        pipeline_run("waits", None, ""),
    ]);
    let server = FakeServer::start(move |_, _| pipeline_runs(&items));
    let world = server.world();
    let listed = |flags: &[&str]| {
        let words: Vec<&str> = ["pr", "list", "-o", "jsonpath={.items[*].metadata.name}"].iter().chain(flags).copied().collect();
        world.rtkn(&words).ok().stdout
    };
    assert_eq!(listed(&["--status", "failed"]), "broken broken-long-ago");
    assert_eq!(listed(&["--status", "succeeded,none"]), "waits well");
    assert_eq!(listed(&["--since", "3h"]), "broken well");
    assert_eq!(listed(&["--since", "7d", "--status", "failed", "--limit", "1"]), "broken");
    world.rtkn(&["pr", "list", "--status", "odd"]).exits(1).says("succeeded, failed, cancelled, running, pending, none");
    world.rtkn(&["pr", "list", "--since", "soon"]).exits(1).says("30m, 2h or 7d");
}

#[test]
fn a_parent_labels_and_fields_select_together() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    let world = server.world();
    world.rtkn(&["pr", "list", "build", "--label", "env=prod", "--field-selector", "metadata.name=new"]).ok();
    let target = &server.asked()[0].target;
    assert!(target.contains("labelSelector=tekton.dev%2Fpipeline%3Dbuild%2Cenv%3Dprod"), "{target}");
    assert!(target.contains("fieldSelector=metadata.name%3Dnew"), "{target}");
    let refused = "failed to list PipelineRuns from namespace work: specifying a Pipeline and labels are not compatible";
    tkn(&world, &["pr", "list", "build", "--label", "env=prod"]).exits(1).says(refused);
}

#[test]
fn a_wide_table_and_columns_of_ones_own_are_rtkns() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    let world = server.world();
    let wide = world.rtkn(&["pr", "list", "-o", "wide"]).ok().prints("PIPELINE").prints("MESSAGE\n");
    assert!(wide.stdout.lines().all(|line| line.ends_with("MESSAGE") || line.ends_with("build      why")), "{wide}");
    let own = world.rtkn(&["pr", "list", "-o", "custom-columns=NAME:.metadata.name,LIMIT:.spec.timeouts.pipeline,X:.x"]).ok();
    assert_eq!(own.stdout, "NAME   LIMIT   X\nnew    1h      <none>\nold    1h      <none>\n");
    let file = world.write("columns", "RUN\n.metadata.name\n");
    assert_eq!(world.rtkn(&["pr", "list", "-o", &format!("custom-columns-file={file}")]).ok().stdout, "RUN\nnew\nold\n");
    tkn(&world, &["pr", "list", "-o", "wide"]).exits(1).says("allowed formats are: go-template,go-template-file,json,jsonpath,");
}

#[test]
fn as_tkn_a_list_goes_through_its_struct_and_as_rtkn_nothing_is_lost() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    let world = server.world();
    let typed = tkn(&world, &["pr", "list", "-o", "json"]).ok().never_shows("unheard");
    assert!(
        typed.stdout.starts_with("{\n    \"kind\": \"PipelineRunList\",\n    \"apiVersion\": \"tekton.dev/v1\",\n    \"metadata\""),
        "{typed}"
    );
    assert!(typed.stdout.contains("\"timeouts\": {\n                    \"pipeline\": \"1h0m0s\""), "{typed}");
    world.rtkn(&["pr", "list", "-o", "json"]).ok().prints("\"unheard\": \"of\"").prints("\"pipeline\": \"1h\"");
    tkn(&world, &["pr", "list", "-o", "NAME"]).exits(1).says("list types are not supported by name printing: *v1.PipelineRunList");
}

#[test]
fn of_a_server_with_older_versions_nothing_is_lost() {
    let server = FakeServer::start(|request, _| match path(request) {
        "/apis/tekton.dev/v1beta1" => Answer::json(&json!({"kind": "APIResourceList", "resources": [{"name": "pipelineruns"}]})),
        other if other.starts_with("/apis/tekton.dev/v1beta1/") => {
            let mut run = pipeline_run("old", Some("2026-01-01T00:00:00Z"), "Succeeded");
            run["apiVersion"] = json!("tekton.dev/v1beta1");
            run["spec"] = json!({"serviceAccountName": "builder", "timeout": "1h"});
            Answer::json(&json!({"apiVersion": "tekton.dev/v1beta1", "kind": "PipelineRunList", "metadata": {}, "items": [run]}))
        }
        _ => Answer::no_such_path(),
    });
    let world = server.world();
    for ran in [tkn(&world, &["pr", "list", "-o", "yaml"]), world.rtkn(&["pr", "list", "-o", "yaml"])] {
        ran.ok().prints("apiVersion: tekton.dev/v1beta1\n").prints("serviceAccountName: builder\n").prints("timeout: 1h\n");
    }
    world.rtkn(&["pr", "list"]).ok().prints("Succeeded");
}

#[test]
fn templates_may_stand_in_files_and_fail_with_what_they_printed() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    let world = server.world();
    let path = world.write("names", "{range .items[*]}{.metadata.name};{end}");
    assert_eq!(world.rtkn(&["pr", "list", "-o", "jsonpath-file", "--template", &path]).ok().stdout, "new;old;");
    assert_eq!(world.rtkn(&["pr", "list", "--template", "{{range .items}}{{.metadata.name}} {{end}}"]).ok().stdout, "new old ");
    world
        .rtkn(&["pr", "list", "-o", "jsonpath-file=gone"])
        .exits(1)
        .says("error reading --template gone, open gone: no such file or directory");
    let words = ["pr", "list", "-o", "go-template=before {{.nope}}", "--allow-missing-template-keys=false"];
    world.rtkn(&words).exits(1).prints("before Error executing template: ").says("map has no entry for key \"nope\"");
}

#[test]
fn a_list_takes_further_words_as_tkn_only() {
    let server = FakeServer::start(|_, _| pipeline_runs(&two_runs()));
    let world = server.world();
    tkn(&world, &["pr", "list", "build", "more", "words"]).ok().prints("new");
    world.rtkn(&["pr", "list", "build", "more", "words"]).exits(1).says("unexpected argument \"more\"");
}

#[test]
fn a_watched_list_goes_on_with_a_line_for_each_change() {
    let world = World::started_sandbox();
    let manifest = |name: &str| {
        format!(
            "apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerBinding\nmetadata: {{name: {name}}}\nspec: {{params: [{{name: a, value: b}}]}}\n"
        )
    };
    world.stdin(&["apply", "-f", "-"], &manifest("first")).ok();
    let mut watching = world.command(&["tb", "list", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines =
        BufReader::new(watching.stdout.take().unwrap()).lines().map(|line| line.unwrap().split_whitespace().next().unwrap().to_owned());
    assert_eq!(lines.next().as_deref(), Some("NAME"));
    assert_eq!(lines.next().as_deref(), Some("first"));
    world.stdin(&["apply", "-f", "-"], &manifest("second")).ok();
    assert_eq!(lines.next().as_deref(), Some("second"));
    world.rtkn(&["tb", "delete", "first", "-f"]).ok();
    assert_eq!(lines.next().as_deref(), Some("first"));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn names_are_completed_from_a_table_without_objects() {
    let server = many_runs();
    let world = server.world();
    let mut command = world.command(&["--", "rtkn", "pr", "logs", "run-99"]);
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3").env("_CLAP_IFS", "\n");
    let ran = run(command, &[], "").ok();
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("run-99")).count(), 11, "{ran}");
    assert_eq!(counted(&server), [0, 1, 0]);
}
