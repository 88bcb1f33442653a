//! Runs of every shape: whatever a PipelineRun is made of, its lines are shown, and each says where it comes from.

use super::{BUSYBOX, Flag, apply, quoted, run, step, task};
use crate::cluster;

/// The prefix of the only line that ends so.
#[track_caller]
fn prefix<'l>(printed: &'l str, line: &str) -> &'l str {
    let found: Vec<&str> = printed.lines().filter_map(|l| l.strip_suffix(line)).collect();
    assert_eq!(found.len(), 1, "{line:?} is there {} times\n{printed}", found.len());
    found[0]
}

#[test]
fn each_combination_of_a_matrix_is_shown_and_named_by_its_parameters() {
    let world = cluster();
    let step = step("say", "echo made for $(params.os) on $(params.arch)");
    let matrix = "matrix: {params: [{name: os, value: [linux, mac]}, {name: arch, value: [amd64, arm64, s390x]}]}";
    let task = format!("{{name: build, {matrix}, taskSpec: {{params: [{{name: os}}, {{name: arch}}], steps: [{step}]}}}}");
    apply(&world, &run("six", &[task], ""));
    let ran = world.rtkn(&["pr", "logs", "six", "-f", "-E"]).ok();
    for os in ["linux", "mac"] {
        for arch in ["amd64", "arm64", "s390x"] {
            let prefix = prefix(&ran.stdout, &format!("made for {os} on {arch}"));
            assert!(prefix.contains(&format!("os={os}")) && prefix.contains(&format!("arch={arch}")), "{prefix:?}\n{ran}");
        }
    }
}

#[test]
fn each_attempt_of_a_task_is_shown_and_numbered() {
    let world = cluster();
    let step = step("try", "echo count $(context.task.retry-count); [ $(context.task.retry-count) = 2 ] || exit 7");
    apply(&world, &run("again", &[format!("{{name: flaky, retries: 2, taskSpec: {{steps: [{step}]}}}}")], ""));
    let followed = world.rtkn(&["pr", "logs", "again", "-f", "-E"]).ok();
    // The same once the run is over.
    // Of the first attempt of a run that is followed nobody knows yet that there will be others.
    for (first, ran) in [(1, followed), (0, world.rtkn(&["pr", "logs", "again", "-E"]).ok())] {
        for count in first..3 {
            let prefix = prefix(&ran.stdout, &format!("count {count}"));
            assert!(prefix.contains(&format!("attempt {}/3", count + 1)), "{prefix:?}\n{ran}");
        }
        assert!(ran.stderr.contains('7'), "the exit status of the attempts that failed is not said\n{ran}");
    }
}

#[test]
fn a_finally_task_that_fails_is_shown_and_fails_the_run() {
    let world = cluster();
    let manifest = run("last", &[task("work", "echo working")], "");
    let last = format!("    finally: [{}]\n", task("clean", "echo cleaning; exit 3"));
    apply(&world, &(manifest + &last));
    let ran = world.rtkn(&["pr", "logs", "last", "-f", "-E"]).exits(1);
    ran.prints("[work : say] working\n").prints("[clean : say] cleaning\n").says("task clean has failed").says("exit code 3");
}

#[test]
fn a_pipeline_within_a_pipeline_is_shown_with_both_names() {
    let world = cluster();
    let _alpha = Flag::set("enable-api-fields", "alpha");
    let inner = format!("{{name: outer, pipelineSpec: {{tasks: [{}, {}]}}}}", task("inner", "echo within"), task("other", "echo beside"));
    apply(&world, &run("nested", &[inner, task("plain", "echo without")], ""));
    let ran = world.rtkn(&["pr", "logs", "nested", "-f", "-E"]).ok();
    ran.prints("[outer > inner : say] within\n").prints("[outer > other : say] beside\n").prints("[plain : say] without\n");
    world.rtkn(&["pr", "logs", "nested"]).ok().prints("[outer > inner : say] within\n").prints("[plain : say] without\n");
}

#[test]
fn a_run_is_shown_as_it_was_when_its_pipeline_is_gone_or_another() {
    let world = cluster();
    let pipeline = |name: &str, tasks: &str| {
        format!("apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: {name}}}\nspec: {{tasks: [{tasks}]}}\n---\n")
    };
    let of = |name: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {{name: {name}-run}}\nspec: {{pipelineRef: {{name: {name}}}}}\n---\n"
        )
    };
    let tasks = task("first", "echo as it was");
    apply(&world, &(pipeline("gone", &tasks) + &pipeline("edited", &tasks) + &of("gone") + &of("edited")));
    for name in ["gone-run", "edited-run"] {
        world.rtkn(&["pr", "logs", name, "-f", "-E"]).ok().prints("[first : say] as it was\n");
    }
    world.rtkn(&["pipeline", "delete", "gone", "-f"]).ok();
    apply(&world, &pipeline("edited", &task("second", "echo another")));
    for name in ["gone-run", "edited-run"] {
        world.rtkn(&["pr", "logs", name]).ok().prints("[first : say] as it was\n").never_shows("second");
    }
}

#[test]
fn a_pipeline_that_a_resolver_brought_is_shown() {
    let world = cluster();
    let pipeline = format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: far}}\nspec: {{tasks: [{}]}}\n---\n",
        task("work", "echo from far")
    );
    let params = format!("[{{name: kind, value: pipeline}}, {{name: name, value: far}}, {{name: namespace, value: {}}}]", world.namespace);
    let run = format!(
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {{name: resolved}}\nspec: {{pipelineRef: {{resolver: cluster, params: {params}}}}}\n"
    );
    apply(&world, &(pipeline + &run));
    world.rtkn(&["pr", "logs", "resolved", "-f", "-E"]).ok().prints("[work : say] from far\n");
}

#[test]
fn a_custom_run_is_told_by_its_status() {
    let world = cluster();
    // Nothing takes it up, so the run ends with its time.
    let custom = "{name: approve, taskRef: {apiVersion: example.dev/v1, kind: Approval, name: x}}".to_owned();
    apply(&world, &run("custom", &[custom, task("work", "echo working")], "timeouts: {pipeline: 60s}"));
    let ran = world.rtkn(&["pr", "logs", "custom", "-f", "-E"]).exits(1);
    ran.prints("[work : say] working\n").says("approve").says("CustomRun custom-approve");
}

#[test]
fn sidecars_are_shown_beside_the_steps() {
    let world = cluster();
    let sidecar = step("web", "echo serving; trap 'exit 0' TERM; while :; do sleep 1; done");
    let task = format!("{{name: test, taskSpec: {{sidecars: [{sidecar}], steps: [{}]}}}}", step("say", "sleep 2; echo tested"));
    apply(&world, &run("beside", &[task.clone()], ""));
    let ran = world.rtkn(&["pr", "logs", "beside", "-f", "-E"]).ok();
    ran.prints("[test : say] tested\n").prints("[test : sidecar-web] serving\n");
}

#[test]
fn native_sidecars_are_shown_as_well() {
    let world = cluster();
    let _native = Flag::set("enable-kubernetes-sidecar", "true");
    let sidecar = step("web", "echo serving; trap 'exit 0' TERM; while :; do sleep 1; done");
    let task = format!("{{name: test, taskSpec: {{sidecars: [{sidecar}], steps: [{}]}}}}", step("say", "sleep 2; echo tested"));
    apply(&world, &run("native", &[task], ""));
    let ran = world.rtkn(&["pr", "logs", "native", "-f", "-E"]).ok();
    ran.prints("[test : say] tested\n").prints("[test : sidecar-web] serving\n");
}

#[test]
fn init_containers_are_shown_on_request() {
    let world = cluster();
    apply(&world, &run("init", &[task("work", "echo working")], ""));
    world.rtkn(&["pr", "logs", "init", "-f", "-E"]).ok().prints("working").never_shows("[work : prepare]");
    world.rtkn(&["pr", "logs", "init", "-a"]).ok().prints("[work : prepare] ").prints("[work : say] working\n");
}

#[test]
fn several_runs_are_followed_at_once() {
    let world = cluster();
    let labelled = |name: &str| {
        let (plain, label) = (format!("metadata: {{name: {name}}}"), format!("metadata: {{name: {name}, labels: {{of: them}}}}"));
        run(name, &[task("work", &format!("echo in {name}"))], "").replace(&plain, &label)
    };
    apply(&world, &format!("{}---\n{}", labelled("one"), labelled("two")));
    let ran = world.rtkn(&["pr", "logs", "-l", "of=them", "-f"]).ok();
    assert!(prefix(&ran.stdout, "in one").contains("one"), "{ran}");
    assert!(prefix(&ran.stdout, "in two").contains("two"), "{ran}");
    world.rtkn(&["pr", "logs", "one", "two"]).ok().prints("in one\n").prints("in two\n");
}

#[test]
fn bytes_are_printed_as_they_were_written() {
    let world = cluster();
    // A progress bar, bytes that are no text, a line that looks like a prefix, an end without a line's end.
    let script = r"printf '10 %%\r50 %%\r100 %%\n'; printf '\377\376 no text\n'; echo '[other : say] is no prefix'; printf unended";
    let image = format!("{{name: say, image: {BUSYBOX}, imagePullPolicy: Never, script: {}}}", quoted(script));
    apply(&world, &run("bytes", &[format!("{{name: odd, taskSpec: {{steps: [{image}]}}}}")], ""));
    world.rtkn(&["pr", "logs", "bytes", "-f", "-E"]).ok();
    let output = world.command(&["pr", "logs", "bytes"]).output().expect("the program ends");
    let expected: &[u8] =
        b"[odd : say] 10 %\r50 %\r100 %\n[odd : say] \xff\xfe no text\n[odd : say] [other : say] is no prefix\n[odd : say] unended\n\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(expected));
    assert_eq!(output.stdout, expected);
}
