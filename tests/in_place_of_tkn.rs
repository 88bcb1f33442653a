//! The program under tkn's name, whose scripts go by its words about wrong commands, by its exit statuses and by what it
//! answers to their shells' completion.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::fake::{Answer, FakeServer, pipeline_runs};
use crate::world::World;

/// What standard error holds after this line, and that nothing else is shown.
#[track_caller]
fn refused(world: &World, line: &str, said: &str) {
    let args: Vec<&str> = line.split(' ').collect();
    let ran = world.tkn(&args).exits(1);
    assert_eq!((ran.stderr.as_str(), ran.stdout.as_str()), (format!("Error: {said}\n").as_str(), ""), "{ran}");
}

#[test]
fn wrong_flags_are_told_in_words_of_tkns_library() {
    let world = World::empty();
    let cases = [
        ("pr list --bogus", "unknown flag: --bogus"),
        ("pr list -Lx", "unknown shorthand flag: 'L' in -Lx"),
        ("pr list -Ax", "unknown shorthand flag: 'x' in -x"),
        ("pr list --limit", "flag needs an argument: --limit"),
        ("pr list -An", "flag needs an argument: 'n' in -n"),
        ("pr list --=x", "bad flag syntax: --=x"),
        ("pr list --limit=", "invalid argument \"\" for \"--limit\" flag: strconv.ParseInt: parsing \"\": invalid syntax"),
        ("pr logs -f=2", "invalid argument \"2\" for \"-f, --follow\" flag: strconv.ParseBool: parsing \"2\": invalid syntax"),
        (
            "pr logs -t \"a",
            "invalid argument \"\\\"a\" for \"-t, --task\" flag: parse error on line 1, column 3: extraneous or missing \" in quoted-field",
        ),
        // A group's flags are no flags of the root, and a command's none of its group.
        ("-C pr list", "unknown shorthand flag: 'C' in -C"),
        ("pr --reverse list", "unknown flag: --reverse"),
        // The first mistake counts, even before help.
        ("pr list --nope --help", "unknown flag: --nope"),
    ];
    for (line, said) in cases {
        refused(&world, line, said);
    }
}

#[test]
fn the_number_of_words_is_told_as_tkn_tells_it() {
    let world = World::empty();
    let cases = [
        ("pr cancel", "accepts 1 arg(s), received 0"),
        ("tr cancel a b", "accepts 1 arg(s), received 2"),
        ("cr delete", "requires at least 1 arg(s), only received 0"),
        ("task logs a b c", "too many arguments"),
        ("completion nash", "invalid argument \"nash\" for \"tkn completion\""),
    ];
    for (line, said) in cases {
        refused(&world, line, said);
    }
    world.rtkn(&["pr", "describe", "a", "b"]).exits(1).says("accepts at most 1 arg(s), received 2");
}

#[test]
fn words_that_are_too_many_are_passed_over_as_tkn_does() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = server.world();
    world.tkn(&["pr", "list", "--limit", "0x2", "--", "build", "and", "more"]).ok().prints("No PipelineRuns found");
    let asked = server.asked();
    assert!(asked[0].target.contains("labelSelector=tekton.dev%2Fpipeline%3Dbuild"), "{asked:?}");
}

#[test]
fn an_unknown_command_gets_those_that_are_spelled_alike() {
    let world = FakeServer::start(|_, _| Answer::no_such_path()).world();
    refused(&world, "pr descibe", "unknown command \"descibe\" for \"tkn pipelinerun\"\n\nDid you mean this?\n\tdescribe\n");
    refused(&world, "pr d", "unknown command \"d\" for \"tkn pipelinerun\"\n\nDid you mean this?\n\tdelete\n\tdescribe\n");
    refused(&world, "pr zzz", "command pipelinerun zzz doesn't exist. Run tkn help for available commands");
    refused(&world, "zzz", "command tkn zzz doesn't exist. Run tkn help for available commands");
    // What tkn does not have is not suggested in its place.
    refused(&world, "el sedn", "command eventlistener sedn doesn't exist. Run tkn help for available commands");
    world.rtkn(&["el", "sedn"]).exits(1).says("\tsend\n");
}

#[test]
fn a_group_alone_shows_its_help_once_there_is_a_configuration() {
    let none = "Couldn't get kubeConfiguration namespace: invalid configuration: no configuration has been provided, \
                try setting KUBERNETES_MASTER environment variable";
    let world = World::empty();
    refused(&world, "pr", none);
    refused(&world, "pr zzz", none);
    refused(&world, "pr list -k absent", "Couldn't get kubeConfiguration namespace: stat absent: no such file or directory");
    world.tkn(&["pr", "--help"]).ok().prints("Usage: tkn pipelinerun");
    world.rtkn(&["pr"]).ok().prints("Usage: rtkn pipelinerun");
    let world = FakeServer::start(|_, _| Answer::no_such_path()).world();
    world.tkn(&["pr"]).ok().prints("Usage: tkn pipelinerun");
    world.tkn(&["pr", "-n", "x"]).ok().prints("Usage: tkn pipelinerun");
}

#[test]
fn help_is_found_in_all_its_forms() {
    let world = World::empty();
    for line in ["help pr list", "help pr list more", "pr list --help", "pr list -h", "help pipelineruns ls"] {
        world.tkn(&line.split(' ').collect::<Vec<_>>()).ok().prints("Usage: tkn pipelinerun list");
    }
    for line in ["help nope", "--help", "help", "nope --help", "--help pr"] {
        world.tkn(&line.split(' ').collect::<Vec<_>>()).ok().prints("Usage: tkn [OPTIONS] <COMMAND>");
    }
    world.rtkn(&["pr", "help"]).ok().prints("Usage: rtkn pipelinerun");
}

#[test]
fn the_last_of_several_values_counts_and_commas_part_lists() {
    let server = FakeServer::start(|_, _| pipeline_runs(&json!([])));
    let world = server.world();
    world.tkn(&["-n", "a", "pr", "-n", "b", "list", "--namespace=c", "-A", "--all-namespaces=f"]).ok();
    assert!(server.asked()[0].target.contains("/namespaces/c/"), "{:?}", server.asked());
}

#[test]
fn a_plugin_takes_the_place_of_a_command_that_is_not_there() {
    let world = World::empty().with("TKN_PLUGINS_DIR", "plugins");
    let plugin = |name: &str, mode: u32| {
        let path = world.write(&format!("plugins/{name}"), "#!/bin/sh\necho \"got: $*\"\nexit 7\n");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    plugin("tkn-hello", 0o755);
    plugin("rtkn-own", 0o755);
    plugin("tkn-shut", 0o644);
    plugin("tkn-version", 0o755);
    assert_eq!(world.tkn(&["hello", "a", "--b"]).exits(7).stdout, "got: a --b\n");
    assert_eq!(world.rtkn(&["own", "-n", "x"]).exits(7).stdout, "got: -n x\n");
    assert_eq!(world.tkn(&["shut"]).exits(127).stderr, "Command finished with error: permission denied");
    world.tkn(&["version"]).ok().prints("Client version:");
    world.tkn(&["--x", "hello"]).exits(1).says("unknown flag: --x");
    let help = world.tkn(&["--help"]).ok();
    assert!(help.stdout.contains("Available Plugins:\n  own\n  hello\n  version\n"), "{help}");
}

/// What a shell gets: the words, the directive behind them.
#[track_caller]
fn offered(world: &World, line: &[&str]) -> String {
    world.tkn(&[&["__completeNoDesc"], line].concat()).ok().stdout
}

#[test]
fn a_shell_is_answered_by_the_protocol_of_tkns_scripts() {
    let world = World::empty();
    assert_eq!(offered(&world, &["pr", "l"]), "list\nlogs\n:4\n");
    assert_eq!(offered(&world, &["pr", "list", "--li"]), "--limit\n:4\n");
    assert_eq!(offered(&world, &["pr", "list", "--limit", "3", "--li"]), ":4\n");
    assert_eq!(offered(&world, &["pr", "list", "-o", ""]), ":0\n");
    assert_eq!(offered(&world, &["completion", "b"]), "bash\n:4\n");
    assert_eq!(offered(&world, &["version", "--component", "d"]), "dashboard\n:4\n");
    assert_eq!(offered(&world, &["help", "pr", "de"]), "delete\ndescribe\n:4\n");
    world.tkn(&["__complete", "pr", "li"]).ok().prints("list\t").says("Completion ended with directive: ShellCompDirectiveNoFileComp");
    let ran = world.tkn(&["__complete", "pr", "list", "--limit", "x", ""]).ok();
    assert_eq!(ran.stdout, ":0\n", "{ran}");
    ran.says("[Debug] [Error] Error while parsing flags from args [--limit x]: invalid argument \"x\"");
    refused(&world, "__complete", "requires at least 1 arg(s), only received 0");
}

#[test]
fn names_are_completed_from_the_cluster_that_the_line_names() {
    let server = FakeServer::start(|_, _| {
        let named = |name: &str| json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}});
        Answer::json(&json!({"metadata": {}, "items": [named("ship-2"), named("other"), named("ship-1")]}))
    });
    let world = server.world();
    assert_eq!(offered(&world, &["pr", "describe", "-n", "web", "ship"]), "ship-1\nship-2\n:4\n");
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].target.contains("/namespaces/web/pipelineruns"), "{asked:?}");
    assert_eq!(offered(&world, &["pr", "describe", "x", ""]), ":4\n");
    assert_eq!(offered(&world, &["pr", "list", "oth"]), "other\n:4\n");
}

#[test]
fn versions_are_asked_for_at_once_and_few_times() {
    let server = FakeServer::start(|request, _| {
        let map = |version: &str| Answer::json(&json!({"metadata": {"name": "m"}, "data": {"version": version}}));
        match request.target.as_str() {
            "/api/v1/namespaces/tekton-pipelines/configmaps/pipelines-info" => map("v1.15.0"),
            "/api/v1/namespaces/tekton-chains/configmaps/chains-info" => map("v0.26.0"),
            "/api/v1/namespaces/tekton-chains" => Answer::json(&json!({"metadata": {"name": "tekton-chains"}})),
            target if target.starts_with("/apis/apps/v1/namespaces/tekton-pipelines/deployments") && target.contains("tekton-triggers") => {
                let template = json!({"metadata": {"labels": {"app.kubernetes.io/version": "v0.37.0"}}});
                Answer::json(&json!({"metadata": {}, "items": [{"metadata": {"name": "d"}, "spec": {"template": template}}]}))
            }
            target if target.contains("/deployments") => Answer::json(&json!({"metadata": {}, "items": []})),
            _ => Answer::failure(404, "NotFound", "\"x\" not found"),
        }
    });
    let world = server.world();
    let ran = world.tkn(&["version"]).ok();
    let tekton: Vec<&str> = ran.stdout.lines().skip(1).collect();
    assert_eq!(tekton, ["Chains version: v0.26.0", "Pipeline version: v1.15.0", "Triggers version: v0.37.0"], "{ran}");
    // tkn asks about forty times, one after another.
    assert!(server.asked().len() < 24, "{} requests", server.asked().len());
    assert_eq!(world.tkn(&["version", "--component", "chains"]).ok().stdout, "v0.26.0\n");
    assert_eq!(world.tkn(&["version", "--component", "hub"]).ok().stdout, "unknown\n");
    assert_eq!(world.tkn(&["version", "--component", "bogus"]).ok().stdout, "Invalid component value\n");
    world.rtkn(&["version", "--component", "bogus"]).exits(1).says("client, chains, pipeline");
}

#[test]
fn a_version_without_a_configuration_is_that_of_the_program() {
    let world = World::empty();
    let ran = world.tkn(&["version"]).ok();
    assert_eq!(ran.stdout.lines().count(), 1, "{ran}");
    assert_eq!(world.tkn(&["version", "--component", "pipeline"]).ok().stdout, "unknown\n");
    let empty = world.write("empty", r#"{"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []}"#);
    world.tkn(&["version", "-k", &empty]).ok().prints("Client version:");
    world.rtkn(&["version", "--check"]).ok().says("nothing to compare");
}

#[test]
fn a_run_whose_task_run_is_deleted_has_a_page_but_none_in_tkns_place() {
    let run = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "r", "namespace": "work"},
        "status": {"childReferences": [{"kind": "TaskRun", "name": "gone", "pipelineTaskName": "t"}]},
    });
    let server = FakeServer::start(move |request, _| match request.target.split('?').next().unwrap_or_default() {
        path if path.ends_with("/pipelineruns/r") => Answer::json(&run),
        path if path.ends_with("/taskruns") => Answer::json(&json!({"metadata": {}, "items": []})),
        _ => Answer::failure(404, "NotFound", "taskruns.tekton.dev \"gone\" not found"),
    });
    let world = server.world();
    world.rtkn(&["pr", "describe", "r"]).ok().prints("gone").prints("deleted");
    refused(&world, "pr describe r", "failed to find get taskruns of the pipelineruns");
}

#[test]
fn hints_are_for_people_and_not_for_tkns_scripts() {
    let server = FakeServer::start(|_, _| Answer::failure(403, "Forbidden", "pipelineruns.tekton.dev is forbidden"));
    let world = server.world();
    world.rtkn(&["pr", "list"]).exits(1).says("Hint: ");
    refused(&world, "pr list", "failed to list PipelineRuns from namespace work: pipelineruns.tekton.dev is forbidden");
}

#[test]
fn a_quota_is_no_missing_right() {
    let server = FakeServer::start(|_, _| Answer::failure(403, "Forbidden", "pipelineruns \"r\" is forbidden: exceeded quota: few"));
    server.world().rtkn(&["pr", "list"]).exits(1).says("exceeded quota").never_shows("Hint: somebody");
}

#[test]
fn what_tkn_has_not_says_what_to_do_next_under_its_name_too() {
    let world = World::sandbox();
    world.tkn(&["sa", "add-secret", "nobody", "git"]).exits(1).says("to make it: tkn --sandbox sa create nobody");
    world.tkn(&["pr", "describe", "nothing"]).exits(1).never_shows("Hint:");
}
