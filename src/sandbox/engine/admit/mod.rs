//! Admission of Tekton's objects: defaults, the fields that exist, what this engine refuses, and the checks of Tekton's
//! webhook.

mod defaults;
mod fields;
mod matrix;
mod pipeline;
mod report;
mod runs;
mod task;
#[cfg(test)]
mod tests;
mod variables;

use serde_json::Value;

use super::object::{items, text};
use super::spec::PipelineSpec;
use crate::kinds::{self, Kind};
use fields::Findings;
use report::Report;

pub use defaults::task_run as default_task_run;

/// What is done with objects of a kind.
struct Admission {
    kind: &'static Kind,
    fields: &'static [fields::Field],
    check: fn(&Value, &mut Report),
    fill: fn(&mut Value),
}

static ADMISSIONS: &[Admission] = &[
    Admission { kind: &kinds::PIPELINE_RUN, fields: fields::PIPELINE_RUN, check: runs::check_pipeline_run, fill: defaults::pipeline_run },
    Admission { kind: &kinds::TASK_RUN, fields: fields::TASK_RUN, check: runs::check_task_run, fill: defaults::task_run },
    Admission {
        kind: &kinds::PIPELINE,
        fields: fields::PIPELINE,
        check: check_pipeline,
        fill: |object| fill_spec(object, defaults::pipeline_spec),
    },
    Admission { kind: &kinds::TASK, fields: fields::TASK, check: check_task, fill: |object| fill_spec(object, defaults::task_spec) },
];

fn fill_spec(object: &mut Value, fill: fn(&mut Value)) {
    if let Some(spec) = object.get_mut("spec") {
        fill(spec);
    }
}

/// A Pipeline of its own has to declare all that it uses.
fn check_pipeline(spec: &Value, report: &mut Report) {
    pipeline::check(spec, "spec", report);
    let mut declared = task::Declared::new();
    task::declare(items(spec, "/params"), &mut declared);
    pipeline::check_param_use(spec, &declared, "spec", report);
    pipeline::check_workspace_use(spec, "spec", report);
}

/// A Task of its own has to declare all that it uses.
fn check_task(spec: &Value, report: &mut Report) {
    task::check(spec, "spec", report);
    let mut declared = task::Declared::new();
    task::declare(items(spec, "/params"), &mut declared);
    task::check_param_use(spec, &declared, "spec", report);
}

/// Fills in defaults and checks an object that is written through the API, as the webhook of Tekton does on a cluster.
/// Each message names the field it is about; what this engine cannot do is refused. Other kinds pass.
pub fn admit(kind: &'static Kind, object: &mut Value) -> Result<(), Vec<String>> {
    if *kind == kinds::CUSTOM_RUN {
        return Err(vec!["CustomRun: not supported by this sandbox yet; run it on a cluster".to_owned()]);
    }
    let Some(admission) = ADMISSIONS.iter().find(|admission| admission.kind == kind) else { return Ok(()) };
    let mut findings = look(admission, object);
    // Fields of a wrong shape would be told twice, and unclearly, by what reads them.
    if findings.errors.is_empty() {
        let mut report = Report::default();
        (admission.check)(&object["spec"], &mut report);
        findings.errors = report.errors;
    }
    if !findings.errors.is_empty() {
        return Err(findings.errors);
    }
    (admission.fill)(object);
    Ok(())
}

/// Variables that are left in the steps of a Task's spec when all values are put in, and that nobody declared: what a value brought
/// along. Each as Tekton says it.
pub fn left_over(spec: &Value, passed: &[Value]) -> Vec<String> {
    let mut declared = task::Declared::new();
    task::declare_passed(passed, &mut declared);
    task::declare(items(spec, "/params"), &mut declared);
    let mut report = Report::default();
    task::check_param_use(spec, &declared, "spec", &mut report);
    report.errors.iter().map(|error| error.replacen(": spec.steps[", ": steps[", 1)).collect()
}

/// Variables in a pipeline's tasks that begin as none does: what a value brought along. Each as Tekton says it.
pub fn invalid_variables(spec: &PipelineSpec) -> Vec<String> {
    let mut report = Report::default();
    for (field, tasks) in [("tasks", &spec.tasks), ("finally", &spec.finally)] {
        for (index, task) in tasks.iter().enumerate() {
            pipeline::check_prefixes(task, &format!("{field}[{index}]"), &mut report);
        }
    }
    report.errors
}

/// Paths of an object's fields that are taken and have no effect here.
pub fn without_effect(kind: &'static Kind, object: &Value) -> Vec<String> {
    let admission = ADMISSIONS.iter().find(|admission| admission.kind == kind);
    admission.map(|admission| look(admission, object).without_effect).unwrap_or_default()
}

/// The same, one sentence per field.
pub fn notices(kind: &'static Kind, object: &Value) -> Vec<String> {
    let sentence = |path: String| format!("{path} has no effect in this sandbox, where steps are processes of this machine");
    without_effect(kind, object).into_iter().map(sentence).collect()
}

fn look(admission: &Admission, object: &Value) -> Findings {
    let mut findings = Findings::default();
    match object.get("spec") {
        Some(spec) => fields::check(spec, admission.fields, "spec", &mut findings),
        None => findings.errors.push("missing field(s): spec".to_owned()),
    }
    let managed_by = text(object, "/spec/managedBy");
    if !managed_by.is_empty() && managed_by != "tekton.dev/pipeline" {
        findings.errors.push(format!("spec.managedBy: no controller {managed_by:?} runs in this sandbox; run it on a cluster"));
    }
    findings
}
