//! What a server that is there may answer: no such name, no such namespace, a refusal, an object that does not decode.

use std::os::unix::process::CommandExt as _;

use serde_json::json;

use crate::fake::{Answer, FakeServer, pipeline_runs};
use crate::world::{World, run};

const PIPELINE: &str = "apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: build-image}
spec:
  tasks:
    - name: only
      taskSpec: {steps: [{name: only, image: none, script: 'true'}]}
";

#[test]
fn a_name_that_does_not_exist_gets_the_near_one() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], PIPELINE).ok();
    world.rtkn(&["sa", "create", "builder"]).ok();
    world.rtkn(&["pipeline", "describe", "biuld-image"]).exits(1).says("biuld-image").says("build-image");
    world.rtkn(&["sa", "add-secret", "bulder", "some"]).exits(1).says("bulder").says("did you mean builder?");
    world.rtkn(&["sa", "describe", "bulder"]).exits(1).says("builder");
    for noun in ["pr", "tr", "el", "pipeline", "task", "tb", "tt", "trigger"] {
        world.rtkn(&[noun, "describe", "zebra"]).exits(1).says("zebra");
    }
    world.rtkn(&["pr", "logs", "zebra"]).exits(1).says("zebra");
    world.rtkn(&["tr", "logs", "zebra"]).exits(1).says("zebra");
    world.rtkn(&["el", "send", "zebra"]).exits(1).says("zebra");
    world.rtkn(&["diagnose", "pr", "zebra"]).exits(1).says("zebra");
    world.rtkn(&["secret", "describe", "zebra"]).exits(1).says("zebra");
}

#[test]
fn a_namespace_that_does_not_exist_gets_the_near_one() {
    let world = World::started_sandbox();
    let list = world.rtkn(&["-n", "defualt", "pr", "list"]).exits(1);
    list.says("there is no namespace \"defualt\"").says("did you mean default?");
    // Scripts that call tkn get the empty list that tkn gives them; why it is empty is said beside it.
    let args = ["-n", "defualt", "pr", "list"];
    let mut tkn = world.command(&args);
    tkn.arg0("tkn");
    let list = run(tkn, &args, "").ok().prints("No PipelineRuns found");
    list.says("there is no namespace \"defualt\"");
    world.rtkn(&["-n", "defualt", "sa", "create", "builder"]).exits(1).says("defualt").says("did you mean -n default?");
    world.rtkn(&["-n", "defualt", "pr", "describe", "some"]).exits(1).says("defualt").says("default");
    world.rtkn(&["pr", "list"]).ok().prints("No PipelineRuns found");
}

#[test]
fn a_forbidden_verb_names_the_verb_the_resource_and_the_grant() {
    let message = r#"pipelineruns.tekton.dev is forbidden: User "jane" cannot list resource "pipelineruns" in API group "tekton.dev" in the namespace "work""#;
    let server = FakeServer::start(move |_, _| Answer::failure(403, "Forbidden", message));
    let world = server.world();
    let ran = world.rtkn(&["pr", "list"]).exits(1).says(message);
    let hint = ran.stderr.lines().find(|l| l.starts_with("Hint: ")).expect("a hint says what would mend it").to_owned();
    for word in ["list", "pipelineruns", "work"] {
        assert!(hint.contains(word), "{hint:?} lacks {word}");
    }
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_forbidden_write_makes_nothing_and_names_the_grant() {
    let server = FakeServer::start(|request, _| match request.method.as_str() {
        "GET" => Answer::failure(404, "NotFound", r#"serviceaccounts "builder" not found"#),
        method => {
            let verb = if method == "POST" { "create" } else { "patch" };
            let message = format!(
                r#"serviceaccounts "builder" is forbidden: User "jane" cannot {verb} resource "serviceaccounts" in API group "" in the namespace "work""#
            );
            Answer::failure(403, "Forbidden", &message)
        }
    });
    let ran = server.world().rtkn(&["sa", "create", "builder"]).exits(1).says("cannot create").says("serviceaccounts");
    assert!(ran.stderr.lines().any(|l| l.starts_with("Hint: ") && l.contains("create") && l.contains("work")), "{ran}");
}

#[test]
fn an_object_that_does_not_decode_says_so_in_its_row_and_the_others_are_shown() {
    let good = |name: &str| {
        json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": name, "namespace": "work"}, "spec": {},
            "status": {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Completed"}]},
        })
    };
    let odd = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "odd", "namespace": "work"}, "spec": {},
        "status": {"conditions": "none of your business"},
    });
    let items = json!([good("first"), odd, good("last")]);
    let server = FakeServer::start(move |_, _| pipeline_runs(&items));
    let ran = server.world().rtkn(&["pr", "list"]).ok().prints("first").prints("last");
    let row = ran.stdout.lines().find(|l| l.starts_with("odd")).expect("the odd one has a row").to_owned();
    assert!(row.contains("cannot be read"), "{row:?}");
    let ran = ran.says("odd");
    assert_eq!(ran.stdout.matches("Succeeded").count(), 2, "{ran}");
}

#[test]
fn an_answer_that_is_no_json_is_said_to_be_none() {
    let server = FakeServer::start(|_, _| Answer::text("<html>a proxy's log-in page</html>"));
    server.world().rtkn(&["pr", "list"]).exits(1).says("pipelineruns").says("cannot be read");
}

#[test]
fn a_command_in_capitals_and_a_missing_flag_are_told_without_what_nobody_typed() {
    let world = World::sandbox();
    world.rtkn(&["PR", "list"]).exits(1).says("Did you mean this?\n\tpr\n");
    world.rtkn(&["pr", "LS"]).exits(1).says("Did you mean this?\n\tls\n");
    world.rtkn(&["apply"]).exits(1).says("usage: rtkn apply --filename <FILE>").never_shows("--sandbox");
    world.rtkn(&["diagnose", "el", "--last"]).exits(1).says("--last is for runs");
}
