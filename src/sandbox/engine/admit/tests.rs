//! What is admitted, filled in and refused, with the words of Tekton's webhook where it has some.

use serde_json::{Value, json};

use super::{admit, notices, without_effect};
use crate::kinds::{self, Kind};

fn refused(kind: &'static Kind, spec: Value) -> Vec<String> {
    let problems = problems(kind, spec);
    assert!(!problems.is_empty(), "it should be refused");
    problems
}

/// What is wrong with an object; nothing for one that is admitted.
fn problems(kind: &'static Kind, spec: Value) -> Vec<String> {
    admit(kind, &mut json!({"metadata": {"name": "x"}, "spec": spec})).err().unwrap_or_default()
}

fn admitted(kind: &'static Kind, spec: Value) -> Value {
    let mut object = json!({"metadata": {"name": "x"}, "spec": spec});
    admit(kind, &mut object).expect("it should be admitted");
    object
}

fn step(script: &str) -> Value {
    json!({"steps": [{"name": "s", "image": "i", "script": script}]})
}

#[test]
fn what_tekton_fills_in_is_filled_in() {
    let run = admitted(
        &kinds::PIPELINE_RUN,
        json!({"pipelineSpec": {
            "params": [{"name": "a", "default": ["x"]}], "tasks": [{"name": "t", "taskRef": {"name": "t"}}],
        }}),
    );
    assert_eq!(run["spec"]["timeouts"]["pipeline"], "1h0m0s");
    assert_eq!(run["spec"]["taskRunTemplate"]["serviceAccountName"], "default");
    assert_eq!(run["spec"]["pipelineSpec"]["params"][0]["type"], "array");
    assert_eq!(run["spec"]["pipelineSpec"]["tasks"][0]["taskRef"]["kind"], "Task");
    let run = admitted(&kinds::TASK_RUN, json!({"taskSpec": step("x")}));
    assert_eq!((&run["spec"]["timeout"], &run["spec"]["serviceAccountName"]), (&json!("1h0m0s"), &json!("default")));
    assert_eq!(run["metadata"]["labels"]["app.kubernetes.io/managed-by"], "tekton-pipelines");
}

#[test]
fn a_cluster_words_its_refusals_like_this() {
    assert_eq!(refused(&kinds::TASK_RUN, json!({"taskSpec": {"steps": []}})), ["missing field(s): spec.taskSpec.steps"]);
    let task = json!({"name": "a", "taskSpec": step("x")});
    assert_eq!(
        refused(&kinds::PIPELINE_RUN, json!({"pipelineSpec": {"tasks": [task, task]}})),
        [
            "expected exactly one, got both: spec.pipelineSpec.tasks[1].name",
            "invalid value: task a is already present in Graph, can't add it again: duplicate pipeline task: \
             spec.pipelineSpec.tasks",
        ]
    );
    assert_eq!(
        refused(&kinds::TASK_RUN, json!({"taskSpec": step("echo $(results.x-${i}.path)")})),
        ["non-existent variable in \"echo $(results.x-${i}.path)\": spec.taskSpec.steps[0].script"]
    );
    assert_eq!(refused(&kinds::PIPELINE_RUN, json!({})), ["expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec"]);
}

#[test]
fn fields_that_do_not_exist_or_are_mistyped_are_named() {
    assert_eq!(refused(&kinds::TASK, json!({"step": []})), ["unknown field \"spec.step\""]);
    assert_eq!(
        refused(&kinds::TASK, json!({"steps": [{"image": "i", "args": "x", "timeout": "5"}]})),
        [
            "invalid value: x: spec.steps[0].args: expected a list of texts",
            "invalid value: 5: spec.steps[0].timeout: expected a duration such as 90s or 1h30m",
        ]
    );
}

#[test]
fn a_matrix_takes_lists_and_names_each_param_once() {
    let matrix = |matrix: Value, params: Value| {
        problems(
            &kinds::PIPELINE,
            json!({"params": [{"name": "l", "type": "array"}],
            "tasks": [{"name": "a", "taskRef": {"name": "t"}, "params": params, "matrix": matrix}]}),
        )
    };
    let list = json!({"name": "n", "value": ["1", "2"]});
    assert!(matrix(json!({"params": [list, {"name": "m", "value": "$(params.l[*])"}]}), json!([])).is_empty());
    assert_eq!(
        matrix(json!({"params": [{"name": "n", "value": "1"}]}), json!([])),
        [
            "invalid value: parameters of type array only are allowed, but param \"n\" has type \"string\" in pipelineTask: spec.tasks[0].matrix[n]"
        ]
    );
    assert_eq!(
        matrix(json!({"params": [list]}), json!([{"name": "n", "value": "x"}])),
        ["expected exactly one, got both: spec.tasks[0].matrix[n], spec.tasks[0].params[n]"]
    );
    let many: Vec<String> = (0..257).map(|n| n.to_string()).collect();
    assert_eq!(matrix(json!({"params": [{"name": "n", "value": many}]}), json!([])), ["expected 0 <= 257 <= 256: spec.tasks[0].matrix"]);
    assert_eq!(matrix(json!({"params": [{"name": "n", "value": ["$(params.no)"]}]}), json!([])).len(), 1);
}

#[test]
fn what_this_engine_cannot_do_is_refused_by_its_field() {
    let task = json!({"name": "a", "pipelineRef": {"name": "p"}});
    assert!(
        refused(&kinds::PIPELINE, json!({"tasks": [task]}))
            .contains(&"spec.tasks[0].pipelineRef: not supported by this sandbox yet; run it on a cluster".to_owned())
    );
    let run = json!({"pipelineRef": {"resolver": "hub", "params": [{"name": "a", "value": "b"}]}});
    assert_eq!(refused(&kinds::PIPELINE_RUN, run).len(), 2);
    for (field, value) in [("sidecars", json!([{"name": "s"}])), ("steps", json!([{"ref": {"name": "a"}}]))] {
        let mut spec = step("x");
        spec[field] = value;
        assert!(refused(&kinds::TASK, spec)[0].ends_with("not supported by this sandbox yet; run it on a cluster"));
    }
    let custom = json!({"tasks": [{"name": "a", "taskRef": {"name": "t", "kind": "Wait", "apiVersion": "example.dev/v1"}}]});
    assert!(refused(&kinds::PIPELINE, custom)[0].starts_with("custom tasks are not supported"));
}

#[test]
fn fields_without_effect_are_taken_and_told() {
    let mut spec = step("x");
    spec["steps"][0]["securityContext"] = json!({"runAsUser": 1});
    let task = admitted(&kinds::TASK, spec);
    assert_eq!(
        notices(&kinds::TASK, &task),
        ["spec.steps[0].securityContext has no effect in this sandbox, where steps are processes of this machine"]
    );
}

#[test]
fn a_field_that_says_nothing_is_not_told() {
    let mut spec = step("x");
    spec["steps"][0]["computeResources"] = json!({});
    spec["volumes"] = json!([{"name": "v", "emptyDir": {"medium": ""}}]);
    assert_eq!(without_effect(&kinds::TASK, &admitted(&kinds::TASK, spec)), [""; 0]);
}

#[test]
fn the_policy_for_images_is_a_word_that_an_api_server_knows() {
    let with = |policy: Value| {
        let mut spec = step("x");
        spec["params"] = json!([{"name": "policy"}]);
        spec["steps"][0]["imagePullPolicy"] = policy;
        spec
    };
    for policy in ["Always", "IfNotPresent", "Never", "$(params.policy)"] {
        assert_eq!(without_effect(&kinds::TASK, &admitted(&kinds::TASK, with(json!(policy)))), ["spec.steps[0].imagePullPolicy"]);
    }
    assert_eq!(
        refused(&kinds::TASK, with(json!("Sometimes"))),
        ["invalid value: Sometimes: spec.steps[0].imagePullPolicy: expected one of Always, IfNotPresent, Never"]
    );
    assert_eq!(
        refused(&kinds::TASK, with(json!(1))),
        ["spec.steps[0].imagePullPolicy: expected one of Always, IfNotPresent, Never, found a number"]
    );
}

#[test]
fn params_are_used_as_they_are_declared() {
    let undeclared = refused(&kinds::TASK, step("$(params.p)"));
    assert_eq!(undeclared, ["non-existent variable in \"$(params.p)\": spec.steps[0].script"]);
    let mut list = step("$(params.l[*])");
    list["params"] = json!([{"name": "l", "type": "array"}]);
    assert_eq!(refused(&kinds::TASK, list), ["variable type invalid in \"$(params.l[*])\": spec.steps[0].script"]);
    let mut object = step("$(params.o.x)");
    object["params"] = json!([{"name": "o", "type": "object", "properties": {"k": {}}}]);
    assert_eq!(refused(&kinds::TASK, object), ["non-existent variable in \"$(params.o.x)\": spec.steps[0].script"]);
    // An embedded spec may use what the run passes.
    admitted(&kinds::TASK_RUN, json!({"taskSpec": step("$(params.p)"), "params": [{"name": "p", "value": "v"}]}));
    admitted(
        &kinds::PIPELINE_RUN,
        json!({"pipelineSpec": {"tasks": [{"name": "a", "taskSpec": step("$(params.p)")}]}, "params": [{"name": "p", "value": "v"}]}),
    );
}

#[test]
fn finally_and_results_are_checked() {
    let task = json!({"name": "a", "taskRef": {"name": "t"}});
    let last = json!({"name": "f", "taskRef": {"name": "t"}, "runAfter": ["a"], "params": [{"name": "p", "value": "$(tasks.zz.status)"}]});
    let errors = refused(&kinds::PIPELINE, json!({"tasks": [task], "finally": [last], "results": [{"name": "r", "value": "x"}]}));
    assert!(errors.iter().any(|e| e.contains("no runAfter allowed under spec.finally")), "{errors:?}");
    assert!(errors.iter().any(|e| e.contains("pipeline task zz is not defined in the pipeline")), "{errors:?}");
    assert!(errors.iter().any(|e| e.contains("no expressions were found")), "{errors:?}");
}

#[test]
fn runs_are_checked() {
    let errors = refused(
        &kinds::PIPELINE_RUN,
        json!({
            "pipelineRef": {"name": "p"}, "status": "Stop", "timeouts": {"pipeline": "1m", "tasks": "2m"},
            "workspaces": [{"name": "w"}, {"name": "w", "secret": {}}],
        }),
    );
    assert_eq!(
        errors,
        [
            "invalid value: 2m0s should be <= pipeline duration: spec.timeouts.tasks",
            "invalid value: Stop should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending: spec.status",
            "expected exactly one, got both: spec.workspaces[1].name",
            "expected exactly one, got neither: spec.workspaces[0].persistentVolumeClaim, spec.workspaces[0].volumeClaimTemplate, \
             spec.workspaces[0].emptyDir, spec.workspaces[0].configMap, spec.workspaces[0].secret, spec.workspaces[0].projected",
            "missing field(s): spec.workspaces[1].secret.secretName",
        ]
    );
}

#[test]
fn a_claim_template_that_is_no_claim_is_refused() {
    for template in [json!("x"), json!({}), json!({"spec": "x"})] {
        let spec = json!({"pipelineRef": {"name": "p"}, "workspaces": [{"name": "w", "volumeClaimTemplate": template}]});
        let errors = refused(&kinds::PIPELINE_RUN, spec);
        assert_eq!(errors, ["missing field(s): spec.workspaces[0].volumeClaimTemplate.spec"]);
    }
}

#[test]
fn a_result_of_a_pipeline_begins_with_its_expression() {
    let of = |value: &str| {
        let tasks = json!([{"name": "t", "taskSpec": {"results": [{"name": "r"}], "steps": [{"image": "x", "script": "true"}]}}]);
        problems(&kinds::PIPELINE, json!({"tasks": tasks, "results": [{"name": "whole", "value": value}]}))
    };
    assert!(of("$(tasks.t.results.r) after").is_empty());
    assert_eq!(of("before $(tasks.t.results.r)"), ["invalid value: referencing a nonexistent task: spec.results[0].value"]);
}
