//! `start` and `rerun`, as somebody calls them: what they make, what they refuse, and where a mistake stands.

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer};
use crate::world::{Ran, World};

const PIPELINE: &str = "apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: build}
spec:
  params:
    - {name: who, type: string}
    - {name: list, type: array, default: [one]}
    - {name: map, type: object, properties: {k: {type: string}, l: {type: string}}, default: {k: a, l: b}}
  tasks:
    - name: say
      params: [{name: who, value: $(params.who)}, {name: list, value: [\"$(params.list[*])\"]}]
      taskSpec:
        params: [{name: who}, {name: list, type: array}]
        steps: [{name: say, image: none, args: [\"$(params.list[*])\"], script: 'echo \"hello $(params.who)\"'}]
";

fn sandbox() -> World {
    let world = World::sandbox();
    let file = world.write("pipeline.yaml", PIPELINE);
    world.rtkn(&["apply", "-f", &file]).ok();
    world
}

fn dry(world: &World, more: &[&str]) -> Ran {
    let start = ["pipeline", "start", "build", "--dry-run", "-o", "json"];
    world.rtkn(&[&start[..], more].concat())
}

/// The params of a dry run, by name.
fn params(ran: Ran) -> Value {
    let ran = ran.ok();
    let run: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let params = run["spec"]["params"].as_array().cloned().unwrap_or_default();
    params
        .into_iter()
        .map(|p| (p["name"].as_str().unwrap_or_default().to_owned(), p["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn params_are_json_or_several_values_where_that_is_meant() {
    let world = sandbox();
    let given = dry(&world, &["-p", "who=[\"x\"]", "-p", "list=[\"a,b\",\"c\"]", "-p", "map={\"k\":\"1,2\",\"l\":\"3\"}"]);
    assert_eq!(params(given), json!({"who": "[\"x\"]", "list": ["a,b", "c"], "map": {"k": "1,2", "l": "3"}}));
    let several = dry(&world, &["-p", "who=x", "-p", "list=a,b", "-p", "list=c"]);
    assert_eq!(params(several), json!({"who": "x", "list": ["a,b", "c"]}));
}

#[test]
fn a_param_file_lies_under_the_flags() {
    let world = sandbox();
    world.write("p.yaml", "who: file\nlist: ['a,b', 2]\n");
    assert_eq!(params(dry(&world, &["--param-file", "p.yaml"])), json!({"who": "file", "list": ["a,b", "2"]}));
    assert_eq!(params(dry(&world, &["--param-file", "p.yaml", "-p", "who=flag"]))["who"], "flag");
    world.write("p.json", "{\"who\": \"json\"}");
    assert_eq!(params(dry(&world, &["--param-file", "p.json"]))["who"], "json");
}

#[test]
fn a_mistake_in_a_param_file_is_told_with_its_place() {
    let world = sandbox();
    world.write("p.yaml", "who: x\nlits: [a]\n");
    dry(&world, &["--param-file", "p.yaml"])
        .exits(1)
        .says("p.yaml, line 2, column 1: param 'lits' not present in spec")
        .says("did you mean list?");
    world.write("p.yaml", "who: x\nlist: a\n");
    dry(&world, &["--param-file", "p.yaml"]).exits(1).says("p.yaml, line 2, column 1: param list of type array: expected a list of texts");
}

#[test]
fn a_run_of_a_file_is_started_with_the_flags_laid_over_it() {
    let world = sandbox();
    let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {generateName: mine-, labels: {a: b}}\nspec:\n  pipelineRef: {name: build}\n  params: [{name: who, value: file}, {name: list, value: [x]}]\n";
    let file = world.write("run.yaml", run);
    let laid = world.rtkn(&["pipeline", "start", "-f", &file, "-p", "list=y,z", "-l", "c=d", "-s", "acc", "--dry-run", "-o", "json"]).ok();
    let laid: Value = serde_json::from_str(&laid.stdout).expect("JSON");
    assert_eq!(laid["metadata"], json!({"generateName": "mine-", "labels": {"a": "b", "c": "d"}, "namespace": "default"}));
    assert_eq!(laid["spec"]["params"], json!([{"name": "list", "value": ["y", "z"]}, {"name": "who", "value": "file"}]));
    assert_eq!(laid["spec"]["taskRunTemplate"], json!({"serviceAccountName": "acc"}));
    world.rtkn(&["pipeline", "start", "-f", &file, "-p", "whom=x", "--dry-run"]).exits(1).says("param 'whom' not present in spec");
    world.rtkn(&["pipeline", "start", "-f", &file, "-p", "who=flag", "--showlog"]).ok().prints("hello flag");
}

#[test]
fn a_run_is_started_again_with_its_params_and_labels() {
    let world = sandbox();
    let first = world.rtkn(&["pipeline", "start", "build", "-p", "who=first", "-l", "team=web", "--prefix-name", "b", "-o", "name"]).ok();
    let name = first.stdout.trim();
    let again = world.rtkn(&["pr", "rerun", name, "--dry-run", "-o", "json"]).ok();
    let again: Value = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!(again["metadata"], json!({"generateName": "b-", "namespace": "default", "labels": {"team": "web"}}));
    assert_eq!(again["spec"]["params"], json!([{"name": "who", "value": "first"}]));
    world.rtkn(&["pr", "rerun", "@latest", "-p", "who=second", "--showlog"]).ok().prints("hello second");
    world.rtkn(&["pr", "rerun", "no-such"]).exits(1).says("\"no-such\" not found");
}

#[test]
fn a_start_that_waits_ends_with_the_status_of_the_run() {
    let world = World::started_sandbox();
    let task = |script: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: t}}\nspec: {{steps: [{{name: s, image: none, script: '{script}'}}]}}\n"
        )
    };
    let (good, bad) = (world.write("good.yaml", &task("true")), world.write("bad.yaml", &task("exit 3")));
    world.rtkn(&["task", "start", "-f", &good, "--wait"]).exits(0).prints("TaskRun started: t-run-");
    world.rtkn(&["task", "start", "-f", &bad, "--wait"]).exits(1);
    world.rtkn(&["task", "start", "-f", &bad, "--showlog"]).exits(0);
    world.rtkn(&["task", "start", "-f", &bad, "--showlog", "-E"]).exits(1);
    world.rtkn(&["task", "start", "-f", &bad, "--watch"]).exits(1);
}

#[test]
fn a_resolver_is_told_its_params() {
    let world = sandbox();
    let start = [
        "pipeline",
        "start",
        "--resolver",
        "git",
        "--resolver-param",
        "url=https://git.example/x",
        "--resolver-param",
        "pathInRepo=ci/release.yaml",
    ];
    let ran = world.rtkn(&[&start[..], &["-p", "who=x", "-p", "list=[\"a\"]", "--dry-run", "-o", "json"]].concat()).ok();
    let run: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let told = json!([{"name": "url", "value": "https://git.example/x"}, {"name": "pathInRepo", "value": "ci/release.yaml"}]);
    assert_eq!(run["spec"]["pipelineRef"], json!({"resolver": "git", "params": told}));
    assert_eq!(run["metadata"]["generateName"], "release-run-");
    assert_eq!(run["spec"]["params"], json!([{"name": "list", "value": ["a"]}, {"name": "who", "value": "x"}]));
    let task = ["task", "start", "--resolver", "hub", "--resolver-param", "name=golang-build", "--dry-run"];
    world.rtkn(&task).ok().prints("taskRef:").prints("resolver: hub").prints("generateName: golang-build-run-");
}

#[test]
fn an_unknown_field_is_told_with_its_own_line_and_column() {
    let world = sandbox();
    let typo = PIPELINE.replace("taskSpec:", "taskSpek:").replace("image: none", "imag: none");
    let file = world.write("typo.yaml", &typo);
    let start = world.rtkn(&["pipeline", "start", "-f", &file, "--dry-run"]).exits(1);
    start.says("typo.yaml, line 12, column 7: unknown field \"spec.tasks[0].taskSpek\"; did you mean taskSpec?");
    let typo = PIPELINE.replace("image: none", "imag: none");
    let file = world.write("typo.yaml", &format!("# first\n---\n{typo}"));
    world
        .rtkn(&["pipeline", "start", "-f", &file])
        .exits(1)
        .says("line 16, column 29: unknown field \"spec.tasks[0].taskSpec.steps[0].imag\"");
    world.rtkn(&["apply", "-f", &file]).exits(1).says("typo.yaml, line 16, column 29: pipeline.tekton.dev/build").says("imag");
    let pod = world.write("pod.yaml", "nodeSelector: {a: b}\ntolerashuns: []\n");
    dry(&world, &["-p", "who=x", "--pod-template", &pod]).exits(1).says("pod.yaml, line 2, column 1: unknown field \"tolerashuns\"");
}

#[test]
fn called_as_tkn_an_unknown_field_is_told_in_tkns_words() {
    let world = sandbox();
    let tkn = world.path().join("tkn");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rtkn"), &tkn).expect("a link");
    let file = world.write("typo.yaml", &PIPELINE.replace("  tasks:", "  taskz:"));
    let program = world.command(&[]);
    let mut command = std::process::Command::new(tkn);
    command.env_clear().current_dir(world.path());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let args = ["pipeline", "start", "-f", &file, "--dry-run"];
    command.args(args);
    let ran = crate::world::run(command, &args, "").exits(1);
    ran.says("Error: error unmarshaling JSON: while decoding JSON: json: unknown field \"taskz\"");
}

#[test]
fn flags_that_contradict_each_other_are_both_named() {
    let world = sandbox();
    for (args, words) in [
        (&["build", "-f", "x.yaml"][..], ["NAME", "--filename"]),
        (&["build", "--last", "--use-pipelinerun", "x"], ["--last", "--use-pipelinerun"]),
        (&["--resolver", "git", "-f", "x.yaml"], ["--resolver", "--filename"]),
        (&["build", "--resolver", "git", "--last"], ["--resolver", "--last"]),
        (&["build", "--dry-run", "--showlog"], ["--dry-run", "--showlog"]),
        (&["build", "--watch", "--wait"], ["--watch", "--wait"]),
        (&["build", "--watch", "--showlog"], ["--watch", "--showlog"]),
        (&["build", "-o", "name", "--showlog"], ["--output", "--showlog"]),
        (&["build", "--resolver-param", "a=b"], ["--resolver-param", "--resolver"]),
        (&["build", "--last", "--use-param-defaults"], ["--last", "--use-param-defaults"]),
    ] {
        let ran = world.rtkn(&[&["pipeline", "start"], args].concat()).exits(1);
        ran.says(words[0]).says(words[1]);
    }
}

#[test]
fn without_a_terminal_what_is_needed_is_named_and_what_has_a_default_is_taken() {
    let world = sandbox();
    dry(&world, &[]).exits(1).says("give --param who=VALUE").never_shows("\u{1b}");
    assert_eq!(params(dry(&world, &["-p", "who=x"])), json!({"who": "x"}));
}

#[test]
fn a_definition_is_read_from_a_url() {
    let web = FakeServer::start(|request, _| match request.target.as_str() {
        "/ci/pipeline.yaml" => Answer::text(PIPELINE),
        _ => Answer::failure(404, "NotFound", "no such page"),
    });
    let world = sandbox();
    let url = format!("{}/ci/pipeline.yaml", web.url());
    world.rtkn(&["pipeline", "start", "-f", &url, "-p", "who=web", "--dry-run"]).ok().prints("pipelineSpec:");
    assert!(web.asked().iter().all(|request| request.header("authorization").is_empty()));
    let missing = format!("{}/none.yaml", web.url());
    world.rtkn(&["pipeline", "start", "-f", &missing]).exits(1).says("url specified returned a 404: not found");
}

#[test]
fn a_url_may_lead_on_to_another_place() {
    let server = FakeServer::start(|request, _| match request.target.as_str() {
        "/moved.yaml" => Answer::moved("/pipeline.yaml"),
        _ => Answer::text(PIPELINE),
    });
    let url = format!("{}/moved.yaml", server.url());
    let ran = World::sandbox().rtkn(&["pipeline", "start", "-f", &url, "-p", "who=x", "--use-param-defaults", "--dry-run"]).ok();
    assert!(ran.stdout.contains("generateName: build-run-"), "{}", ran.stdout);
}
