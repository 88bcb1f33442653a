//! The steps of a TaskRun as the executor gets them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::object::{items, name, namespace, text};
use super::super::plan::{Action, Draft, Event};
use super::super::spec::Step;
use super::environment::{CONFIG_ERROR, expand, of_step};
use super::prepare::{Prepared, pod_creation_failed};
use super::volumes::{self, Hold};
use super::{Failure, Subject, credentials};
use crate::kinds;
use crate::sandbox::executor::{StepExecution, TaskExecution};

/// Why steps do not start.
pub(super) enum NotStarted {
    /// They never will
    Failed(Failure),
    /// Something is missing that may still come
    Hold(Hold),
}

/// Name of a step without `step-`.
pub(super) fn step_name(name: &str, index: usize) -> String {
    if name.is_empty() { format!("unnamed-{index}") } else { name.to_owned() }
}

/// Merges `stepTemplate` into each step; the step's own fields win, lists go by name or path.
pub(in super::super) fn merge_step_template(spec: &mut Value) {
    let Some(template) = spec.as_object_mut().and_then(|spec| spec.shift_remove("stepTemplate")) else { return };
    let template = template.as_object().cloned().unwrap_or_default();
    for step in spec.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
        for (field, value) in &template {
            let key = match field.as_str() {
                "env" => "/name",
                "volumeMounts" => "/mountPath",
                "command" if step.get("script").is_some() => continue,
                _ => {
                    step.as_object_mut().map(|step| step.entry(field.clone()).or_insert_with(|| value.clone()));
                    continue;
                }
            };
            let own = items(step, &format!("/{field}")).to_vec();
            let inherited = value.as_array().into_iter().flatten();
            let inherited = inherited.filter(|item| !own.iter().any(|o| text(o, key) == text(item, key))).cloned();
            step[field] = inherited.chain(own.iter().cloned()).collect();
        }
    }
}

/// Everything that the executor needs. The pod's UID is filled in once the pod is made.
pub(super) fn build(subject: &Subject<'_>, draft: &mut Draft, prepared: &Prepared, pod: &Value) -> Result<TaskExecution, NotStarted> {
    let account = account(subject)?;
    let found = credentials::of_account(&account, |secret| subject.objects.get(&kinds::SECRET, secret));
    if !found.missing.is_empty() {
        let message = format!("Unable to retrieve some secrets ({}); attempting to use them may not succeed.", found.missing.join(", "));
        draft.actions.push(Action::Event(Event::warning("FailedToRetrieveSecret", message)));
    }
    let files = found.files.map_err(|error| NotStarted::Failed(pod_creation_failed(subject, &error)))?;
    let mounts = volumes::mounts(subject, prepared).map_err(NotStarted::Hold)?;
    let steps = prepared.spec.steps.iter().enumerate();
    let steps = steps.map(|(index, step)| build_step(subject, step, index, pod)).collect::<Result<Vec<_>, _>>();
    let steps = steps.map_err(|error| {
        draft.actions.push(Action::Event(Event::warning("Failed", format!("Error: {error}"))));
        NotStarted::Failed(Failure::new("CreateContainerConfigError", CONFIG_ERROR))
    })?;
    Ok(TaskExecution {
        namespace: namespace(subject.run).to_owned(),
        task_run: name(subject.run).to_owned(),
        pod: name(pod).to_owned(),
        pod_uid: super::uid(pod).to_owned(),
        steps,
        mounts,
        results: prepared.spec.results.iter().map(|result| result.name.clone()).collect(),
        credentials: files.into_iter().map(|(path, bytes)| (PathBuf::from(path), bytes)).collect(),
    })
}

/// The run's ServiceAccount. Every namespace has `default`, as the control plane of a cluster makes it.
fn account(subject: &Subject<'_>) -> Result<Value, NotStarted> {
    let wanted = match subject.spec.service_account_name.as_str() {
        "" => "default",
        other => other,
    };
    match subject.objects.get(&kinds::SERVICE_ACCOUNT, wanted) {
        Some(account) => Ok(Value::clone(&account)),
        None if wanted == "default" => Ok(json!({})),
        None => {
            let error = format!("translating TaskSpec to Pod: serviceaccounts {wanted:?} not found");
            Err(NotStarted::Failed(pod_creation_failed(subject, &error)))
        }
    }
}

fn build_step(subject: &Subject<'_>, step: &Step, index: usize, pod: &Value) -> Result<StepExecution, String> {
    let env = of_step(subject, step, pod)?;
    let expanded = |texts: &[String]| texts.iter().map(|text| expand(text, &env)).collect::<Vec<_>>();
    let file = |config: &Option<super::super::spec::OutputConfig>| config.as_ref().map(|config| config.path.clone());
    Ok(StepExecution {
        name: step_name(&step.name, index),
        image: step.image.clone(),
        script: Some(step.script.clone()).filter(|script| !script.is_empty()),
        command: expanded(&step.command),
        args: expanded(&step.args),
        env: env.clone(),
        working_dir: step.working_dir.clone().filter(|dir| !dir.is_empty()),
        continue_on_error: step.on_error.as_deref() == Some("continue"),
        timeout: step.timeout.filter(|limit| !limit.is_zero()).map(|limit| limit.0),
        results: step.results.iter().map(|result| result.name.clone()).collect(),
        stdout_path: file(&step.stdout_config),
        stderr_path: file(&step.stderr_config),
    })
}

#[cfg(test)]
mod tests {
    use super::merge_step_template;
    use serde_json::json;

    #[test]
    fn a_step_template_fills_what_steps_leave_open() {
        let mut spec = json!({
            "stepTemplate": {"image": "i", "command": ["c"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]},
            "steps": [{"name": "s", "script": "x", "env": [{"name": "B", "value": "2"}]}, {"image": "own"}],
        });
        merge_step_template(&mut spec);
        assert_eq!(spec["steps"][0]["image"], "i");
        assert_eq!(spec["steps"][0].get("command"), None);
        assert_eq!(spec["steps"][0]["env"], json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        assert_eq!((&spec["steps"][1]["image"], &spec["steps"][1]["command"]), (&json!("own"), &json!(["c"])));
    }
}
