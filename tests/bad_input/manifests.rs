//! Manifests that cannot be read or are refused, and events that are no JSON.

use crate::world::World;

const GOOD: &str = "apiVersion: tekton.dev/v1
kind: Task
metadata: {name: good}
spec: {steps: [{name: only, image: none, script: 'true'}]}
";

#[test]
fn an_unreadable_manifest_is_named_by_file_and_line_and_nothing_is_made() {
    let world = World::started_sandbox();
    let cases = [
        // No YAML: the bracket of line 8 is never closed.
        (format!("{GOOD}---\nkind: Task\nmetadata: {{name: bad\nspec:\n"), "line"),
        // A kind that does not exist.
        (format!("{GOOD}---\napiVersion: tekton.dev/v1\nkind: Tsk\nmetadata: {{name: bad}}\n"), "Tsk"),
        (format!("{GOOD}---\nkind: Task\nmetadata: {{name: bad}}\n"), "apiVersion"),
        (format!("{GOOD}---\napiVersion: tekton.dev/v1\nkind: Task\nspec: {{}}\n"), "metadata"),
        (format!("{GOOD}---\njust some words\n"), "line 6"),
    ];
    for (text, named) in cases {
        let file = world.write("bad.yaml", &text);
        world.rtkn(&["apply", "-f", &file]).exits(1).says(&file).says(named).says("line");
    }
    world.rtkn(&["apply", "-f", "nowhere.yaml"]).exits(1).says("nowhere.yaml").says("No such file");
    world.rtkn(&["task", "list"]).ok().never_shows("good");
}

#[test]
fn a_field_that_the_server_does_not_take_is_named_and_nothing_is_made() {
    let world = World::started_sandbox();
    let bad = GOOD.replace("good", "bad").replace("script: 'true'", "scirpt: 'true'");
    let file = world.write("bad.yaml", &format!("{GOOD}---\n{bad}"));
    world.rtkn(&["apply", "-f", &file]).exits(1).says("scirpt").says(&file).says("nothing was made");
    world.rtkn(&["task", "list"]).ok().never_shows("good");
}

#[test]
fn what_the_webhook_of_triggers_refuses_is_refused_in_its_words() {
    let world = World::started_sandbox();
    let cases = [
        ("TriggerBinding", "{params: []}", "missing field(s): spec"),
        ("TriggerBinding", "{}", "missing field(s): spec"),
        ("TriggerTemplate", "{params: [{name: url}]}", "missing field(s): spec.resourcetemplates"),
        ("Trigger", "{bindings: [{ref: b}]}", "expected exactly one, got neither: spec.template.ref, spec.template.spec"),
        (
            "EventListener",
            "{serviceAccountName: a}",
            "expected exactly one, got neither: spec.labelSelector, spec.namespaceSelector, spec.triggerGroups, spec.triggers",
        ),
    ];
    for (kind, spec, words) in cases {
        let text = format!("apiVersion: triggers.tekton.dev/v1beta1\nkind: {kind}\nmetadata: {{name: bad}}\nspec: {spec}\n");
        world.stdin(&["apply", "-f", "-"], &text).exits(1).says(words);
    }
}

#[test]
fn a_namespace_in_the_manifest_and_another_on_the_command_line_is_refused() {
    let world = World::started_sandbox();
    let text = GOOD.replace("{name: good}", "{name: good, namespace: one}");
    world.stdin(&["-n", "two", "apply", "-f", "-"], &text).exits(1).says("one").says("two");
}

#[test]
fn a_webhook_body_that_is_no_json_is_answered_400() {
    let world = World::started_sandbox();
    world.rtkn(&["sa", "create", "listener"]).ok();
    world.rtkn(&["sa", "grant", "listener", "--for", "eventlistener"]).ok();
    let listener = "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {name: ear}\nspec: {serviceAccountName: listener, triggers: [{template: {ref: none}}]}\n";
    world.stdin(&["apply", "-f", "-"], listener).ok();
    crate::world::eventually("the listener to be available", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
    world.rtkn(&["el", "send", "ear", "-d", "url=no-json"]).exits(1).says("400").says("JSON");
    world.rtkn(&["el", "send", "ear", "-d", "@nowhere.json"]).exits(1).says("nowhere.json");
    world.rtkn(&["el", "send", "ear", "-H", "no colon"]).exits(1).says("NAME: VALUE");
}

#[test]
fn a_wrong_option_is_an_error_with_status_1() {
    let world = World::empty();
    world.rtkn(&["pr", "lsit"]).exits(1).says("lsit").says("list");
    world.rtkn(&["pr", "list", "--lmit", "3"]).exits(1).says("--limit");
    world.rtkn(&["pr", "list", "--limit", "many"]).exits(1).says("many");
    world.rtkn(&["--sandbox", "--context", "x", "pr", "list"]).exits(1).says("--sandbox").says("--context");
}
