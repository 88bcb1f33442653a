//! Checks of PipelineRuns and TaskRuns.

use serde_json::Value;

use super::super::duration::GoDuration;
use super::super::object::{items, text};
use super::super::references;
use super::super::value::ParamValue;
use super::report::{Report, repeated};
use super::{pipeline, task};

/// Sources of a workspace; exactly one is given.
const SOURCES: [&str; 6] = ["persistentVolumeClaim", "volumeClaimTemplate", "emptyDir", "configMap", "secret", "projected"];

/// Checks the spec of a PipelineRun.
pub fn check_pipeline_run(spec: &Value, report: &mut Report) {
    report.exactly_one(spec, "spec", &["pipelineRef", "pipelineSpec"]);
    if let Some(reference) = spec.get("pipelineRef") {
        pipeline::check_reference(reference, text(reference, "/name"), "spec.pipelineRef", report);
    }
    if let Some(embedded) = spec.get("pipelineSpec") {
        pipeline::check(embedded, "spec.pipelineSpec", report);
        let mut declared = task::Declared::new();
        task::declare_passed(items(spec, "/params"), &mut declared);
        task::declare(items(embedded, "/params"), &mut declared);
        pipeline::check_param_use(embedded, &declared, "spec.pipelineSpec", report);
    }
    check_params(spec, report);
    for param in items(spec, "/params") {
        let value = ParamValue::of(param.get("value").unwrap_or(&Value::Null));
        if !references::in_value(&value).is_empty() {
            let message = format!("cannot use result expressions in {:?} as PipelineRun parameter values", value.texts());
            report.invalid(&format!("spec.params[{}].value", text(param, "/name")), message);
        }
    }
    check_timeouts(spec, report);
    let known = ["", "Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending"];
    let status = text(spec, "/status");
    if !known.contains(&status) {
        let message = format!("{status} should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending");
        report.invalid("spec.status", message);
    }
    check_workspaces(spec, report);
}

fn check_timeouts(spec: &Value, report: &mut Report) {
    let limit = |field: &str| GoDuration::parse(text(spec, &format!("/timeouts/{field}")));
    let whole = limit("pipeline").unwrap_or(super::super::pipelinerun::DEFAULT_TIMEOUT);
    let words = match limit("pipeline") {
        Some(_) => "should be <= pipeline duration",
        None => "should be <= default timeout duration",
    };
    if whole.is_zero() {
        return;
    }
    for field in ["tasks", "finally"] {
        let Some(part) = limit(field) else { continue };
        if part.is_zero() {
            report.invalid(&format!("spec.timeouts.{field}"), format!("{part} (no timeout) {words}"));
        } else if part > whole {
            report.invalid(&format!("spec.timeouts.{field}"), format!("{part} {words}"));
        }
    }
    if let (Some(tasks), Some(finally)) = (limit("tasks"), limit("finally"))
        && tasks.0.saturating_add(finally.0) > whole.0
    {
        for field in ["tasks", "finally"] {
            report.invalid(&format!("spec.timeouts.{field}"), format!("{tasks} + {finally} {words}"));
        }
    }
}

/// Checks the spec of a TaskRun.
pub fn check_task_run(spec: &Value, report: &mut Report) {
    report.exactly_one(spec, "spec", &["taskRef", "taskSpec"]);
    if let Some(reference) = spec.get("taskRef") {
        pipeline::check_reference(reference, text(reference, "/name"), "spec.taskRef", report);
    }
    if let Some(embedded) = spec.get("taskSpec") {
        task::check(embedded, "spec.taskSpec", report);
        let mut declared = task::Declared::new();
        task::declare_passed(items(spec, "/params"), &mut declared);
        task::declare(items(embedded, "/params"), &mut declared);
        task::check_param_use(embedded, &declared, "spec.taskSpec", report);
    }
    check_params(spec, report);
    check_workspaces(spec, report);
    let status = text(spec, "/status");
    if !["", "TaskRunCancelled", "TaskRunPending"].contains(&status) {
        report.invalid("spec.status", format!("{status} should be TaskRunCancelled or TaskRunPending"));
    }
    let message = text(spec, "/statusMessage");
    if status.is_empty() && !message.is_empty() {
        let words = "statusMessage should not be set if status is not set, but it is currently set to";
        report.invalid("spec.statusMessage", format!("{words} {message}"));
    }
}

fn check_params(spec: &Value, report: &mut Report) {
    let params = items(spec, "/params");
    for index in repeated(params.iter().map(|param| text(param, "/name"))) {
        report.twice(&format!("spec.params[{}].name", text(&params[index], "/name")));
    }
}

fn check_workspaces(spec: &Value, report: &mut Report) {
    let bindings = items(spec, "/workspaces");
    for index in repeated(bindings.iter().map(|binding| text(binding, "/name"))) {
        report.twice(&format!("spec.workspaces[{index}].name"));
    }
    for (index, binding) in bindings.iter().enumerate() {
        let path = format!("spec.workspaces[{index}]");
        report.exactly_one(binding, &path, &SOURCES);
        if let Some(template) = binding.get("volumeClaimTemplate")
            && !template.get("spec").is_some_and(Value::is_object)
        {
            report.missing(&format!("{path}.volumeClaimTemplate.spec"));
        }
        for (source, name) in [("persistentVolumeClaim", "claimName"), ("configMap", "name"), ("secret", "secretName")] {
            if binding.get(source).is_some_and(|source| text(source, &format!("/{name}")).is_empty()) {
                report.missing(&format!("{path}.{source}.{name}"));
            }
        }
    }
}
