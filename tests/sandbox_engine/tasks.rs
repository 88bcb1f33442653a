//! What a step sees and says: its paths, its output, its image that is not used, and fields that are refused.

use crate::steps::{played, task_run};
use crate::world::{Ran, World};

#[test]
fn the_paths_of_a_container_work_as_they_are_written() {
    let world = World::started_sandbox();
    let log = played(
        &world,
        "tr",
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  workspaces: [{name: source, emptyDir: {}}]
  taskSpec:
    workspaces: [{name: source}]
    results: [{name: answer}]
    steps:
      - name: writes
        image: none
        script: |
          #!/bin/sh
          echo text > /workspace/source/file
          printf 42 > /tekton/results/answer
      - name: reads
        image: none
        script: |
          cat /workspace/source/file
          ls /tekton
",
    );
    if log.stderr.contains("mount namespace") {
        // Where none is permitted, such a step is refused, with the path and the reason.
        log.says("/workspace").says("/tekton");
        return;
    }
    log.prints("[reads] text").prints("[reads] results");
    let run = crate::steps::ended(&world, "tr", "True", "Succeeded");
    assert_eq!(run["status"]["results"][0]["value"], "42");
    assert!(!std::path::Path::new("/workspace/source/file").exists(), "the machine's own root was written to");
}

#[test]
fn that_the_image_is_not_used_is_said_once_before_the_first_step() {
    let world = World::sandbox();
    let run = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    tasks:
      - name: one
        taskSpec: {steps: [{name: s, image: docker.io/library/golang, script: 'echo first'}, {name: t, image: docker.io/library/node, script: 'echo second'}]}
      - name: two
        runAfter: [one]
        taskSpec: {steps: [{name: s, image: docker.io/library/golang, script: 'echo third'}]}
";
    world.stdin(&["apply", "-f", "-"], run).ok();
    let ran = world.rtkn(&["pr", "logs", "run", "-f"]).ok().prints("first").prints("third");
    let both = format!("{}{}", ran.stderr, ran.stdout);
    let said = both.lines().filter(|line| line.contains("image") && line.contains("not used")).count();
    assert_eq!(said, 1, "{ran}");
}

/// A PipelineRun with fields that mean nothing to a process: of its own, of its Pipeline and of its Task.
const WITHOUT_EFFECT: &str = "apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  steps: [{name: s, image: none, script: 'echo built', computeResources: {limits: {cpu: '1'}}, securityContext: {}}]
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: ship}
spec:
  tasks:
    - {name: one, taskRef: {name: build}}
    - {name: two, runAfter: [one], taskRef: {name: build}}
    - name: three
      taskSpec: {steps: [{name: s, image: none, imagePullPolicy: Always, script: 'echo shipped'}]}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run, labels: {app: shop}}
spec:
  pipelineRef: {name: ship}
  taskRunTemplate: {podTemplate: {nodeSelector: {disk: ssd}}}
";

/// The line that is expected for it.
const TOLD: &str = "Note: in the sandbox these fields of PipelineRun run have no effect: \
    spec.taskRunTemplate.podTemplate.nodeSelector, \
    spec.tasks[2].taskSpec.steps[0].imagePullPolicy of Pipeline ship, \
    spec.steps[0].computeResources of Task build";

#[track_caller]
fn tells_once(ran: Ran) {
    assert_eq!(ran.stderr.lines().filter(|line| *line == TOLD).count(), 1, "{ran}");
    assert_eq!(ran.stderr.matches("no effect").count(), 1, "{ran}");
}

#[test]
fn fields_without_effect_are_told_once_per_run_where_the_sandbox_is_started() {
    let world = World::started_sandbox();
    tells_once(world.stdin(&["apply", "-f", "-"], WITHOUT_EFFECT).ok());
    tells_once(world.rtkn(&["pr", "logs", "run", "-f"]).ok().prints("shipped"));
    tells_once(world.rtkn(&["pr", "logs", "-l", "app=shop", "-f"]).ok());
    tells_once(world.rtkn(&["pr", "watch", "run"]).ok());
    tells_once(world.rtkn(&["pr", "logs", "run", "run", "-f"]).ok());
}

#[test]
fn fields_without_effect_are_told_once_per_run_where_it_is_not_started() {
    let world = World::sandbox();
    tells_once(world.stdin(&["apply", "-f", "-"], WITHOUT_EFFECT).ok());
    let again = TOLD.replace("PipelineRun run", "PipelineRun again").replace("spec.taskRunTemplate.podTemplate.nodeSelector, ", "");
    let started = world.rtkn(&["pipeline", "start", "ship", "--prefix-name", "again", "--showlog"]).ok().prints("shipped");
    let beginning = again.split("again").next().expect("it begins somehow");
    assert_eq!(started.stderr.lines().filter(|line| line.starts_with(beginning)).count(), 1, "{started}");
    let task_run = task_run("plain", "true").replace("spec:\n", "spec:\n  podTemplate: {tolerations: [{operator: Exists}]}\n");
    world
        .stdin(&["apply", "-f", "-"], &task_run)
        .ok()
        .says("Note: in the sandbox these fields of TaskRun plain have no effect: spec.podTemplate.tolerations\n");
}

#[test]
fn a_policy_for_images_that_no_api_server_knows_is_refused() {
    let world = World::started_sandbox();
    let run = task_run("run", "true").replace("image: none", "image: none\n        imagePullPolicy: Sometimes");
    world.stdin(&["apply", "-f", "-"], &run).exits(1).says("spec.taskSpec.steps[0].imagePullPolicy").says("Always, IfNotPresent, Never");
}

#[test]
fn output_that_is_no_text_comes_through_byte_by_byte() {
    let world = World::started_sandbox();
    let script = r"printf 'caf\303\251 \377\376 end\n'; printf 'no newline at the end'";
    world.stdin(&["apply", "-f", "-"], &task_run("run", script)).ok();
    let mut command = world.command(&["tr", "logs", "run", "-f"]);
    let output = command.output().expect("the program runs");
    let wanted = b"[only] caf\xc3\xa9 \xff\xfe end\n";
    assert!(output.stdout.windows(wanted.len()).any(|part| part == wanted), "{:?}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.windows(21).any(|part| part == b"no newline at the end"), "{:?}", String::from_utf8_lossy(&output.stdout));
    // What steps write must not break the status, the pages or the diagnosis either.
    world.rtkn(&["tr", "describe", "run"]).ok();
}

#[test]
fn a_line_of_any_length_is_one_line() {
    let world = World::started_sandbox();
    let log = played(&world, "tr", &task_run("run", "head -c 300000 /dev/zero | tr '\\0' x; echo; echo after"));
    let longest = log.stdout.lines().map(str::len).max();
    assert_eq!(longest, Some(300_000 + "[only] ".len()));
    log.prints("[only] after");
}

#[test]
fn what_the_engine_cannot_do_is_refused_by_the_name_of_the_field() {
    let world = World::started_sandbox();
    let task = |extra: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {{name: refused}}\nspec:\n  steps: [{{name: s, image: none, script: 'true'}}]\n{extra}"
        )
    };
    let cases = [
        (task("  sidecars: [{name: db, image: postgres}]\n"), "sidecars"),
        (task("  volumes: [{name: host, hostPath: {path: /etc}}]\n"), "hostPath"),
        (task("").replace("image: none,", "image: none, ref: {name: some},"), "ref"),
        (
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: refused}\nspec:\n  pipelineRef: {resolver: git, params: [{name: url, value: u}]}\n".into(),
            "resolver",
        ),
    ];
    for (manifest, field) in cases {
        world.stdin(&["apply", "-f", "-"], &manifest).exits(1).says(field).says("sandbox");
    }
    for noun in ["task", "pipeline", "pr"] {
        world.rtkn(&[noun, "list"]).ok().never_shows("refused");
    }
}

#[test]
fn the_environment_of_a_step_is_its_own() {
    let world = World::started_sandbox().with("SECRET_OF_MINE", "leaked");
    let log = played(
        &world,
        "tr",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {COLOUR: green}
---
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  taskSpec:
    stepTemplate: {env: [{name: FROM_TEMPLATE, value: 'yes'}]}
    steps:
      - name: s
        image: none
        env: [{name: PLAIN, value: text}, {name: KEY, valueFrom: {configMapKeyRef: {name: settings, key: COLOUR}}}]
        script: 'echo $PLAIN $KEY $FROM_TEMPLATE; env'
",
    );
    log.prints("[s] text green yes").never_shows("leaked").never_shows("RTKN_SANDBOX_DIR");
}
