//! Getting a TaskRun ready to start: its Task, checks of what it passes, values into variables, its pod. Reasons and
//! messages are Tekton's.

use std::collections::BTreeSet;

use super::super::condition::USER_ERROR;
use super::super::pipelinerun::{check_params, claim_object, inherit_metadata};
use super::super::plan::Event;
use super::super::spec::{TaskSpec, WorkspaceDeclaration};
use super::super::substitute::Replacements;
use super::super::{admit, names, params};
use super::volumes::Hold;
use super::{Action, Draft, Failure, Subject, Value, execution, items, json, kinds, name, namespace, owner, pod, text, uid};

const INVALID: &str = "TaskRunValidationFailed";

/// A TaskRun's task with the run's values in it.
pub(super) struct Prepared {
    /// Its spec
    pub spec: TaskSpec,
    /// The bindings of its workspaces, claims in place of templates
    pub bindings: Vec<Value>,
}

/// Starts the steps of a TaskRun, or makes its pod wait for what it lacks.
pub(super) fn launch(subject: &Subject<'_>, draft: &mut Draft, waiting: Option<&Value>) -> Result<(), Failure> {
    let prepared = prepare(subject, draft)?;
    let pod_name = pod::name(subject.run, &draft.status);
    let mut pod_object = waiting.cloned().unwrap_or_else(|| pod::object(subject, draft, &prepared, &pod_name));
    draft.status["podName"] = json!(pod_name);
    draft.status["steps"] = Value::from(pod::waiting_steps(&prepared.spec));
    let started = execution::build(subject, draft, &prepared, &pod_object);
    match started {
        Ok(execution) => {
            pod::condition(&mut pod_object, "PodScheduled", true, "", "");
            draft.conclude(&super::Condition::ongoing("Pending", "Pending"));
            draft.actions.push(Action::Launch { pod: pod_object, execution: Box::new(execution) });
            Ok(())
        }
        Err(execution::NotStarted::Failed(failure)) => {
            draft.status["podName"] = json!("");
            draft.status.as_object_mut().map(|status| status.shift_remove("steps"));
            Err(failure)
        }
        Err(execution::NotStarted::Hold(hold)) => {
            hold_back(draft, pod_object, &hold);
            Ok(())
        }
    }
}

fn hold_back(draft: &mut Draft, mut pod_object: Value, hold: &Hold) {
    let (kind, reason, message) = match hold {
        Hold::Unschedulable(message) => ("PodScheduled", "Unschedulable", message.as_str()),
        Hold::Unmounted(_) => ("PodReadyToStartContainers", "", ""),
    };
    pod::condition(&mut pod_object, kind, false, reason, message);
    if matches!(hold, Hold::Unmounted(_)) {
        pod::condition(&mut pod_object, "PodScheduled", true, "", "");
    }
    let told = format!("pod status {kind:?}:\"False\"; message: {message:?}");
    draft.conclude(&super::Condition::ongoing("Pending", told));
    let event = match hold {
        Hold::Unschedulable(message) => Event::warning("FailedScheduling", message.as_str()),
        Hold::Unmounted(message) => Event::warning("FailedMount", message.as_str()),
    };
    draft.actions.push(Action::Hold { pod: pod_object, event });
}

fn prepare(subject: &Subject<'_>, draft: &mut Draft) -> Result<Prepared, Failure> {
    let (task, mut raw) = find(subject, draft)?;
    if draft.status.get("taskSpec").is_none() {
        tell_notices(&raw, draft);
    }
    draft.status["taskSpec"] = raw.clone();
    let spec = lens(&raw)?;
    check_params(&task, &spec, &subject.spec.params).map_err(|error| Failure::user(INVALID, error))?;
    let beyond = params::out_of_bounds(&spec.params, &subject.spec.params, &raw);
    if !beyond.is_empty() {
        let message = format!("non-existent param references:{}", params::go_list(&beyond));
        return Err(Failure::user(INVALID, message));
    }
    check_bindings(subject, &spec)?;
    draft.actions.extend(claims(subject));
    let given = params::of_task(&spec.params, &subject.spec.params);
    let bindings = bindings(subject, &given);
    for replacements in [given, context(subject, draft, &task), paths(&spec)] {
        replacements.task_spec(&mut raw);
    }
    declare_propagated(&mut raw, &bindings);
    workspace_variables(&lens(&raw)?.workspaces, &bindings).task_spec(&mut raw);
    draft.status["taskSpec"] = raw.clone();
    let left = admit::left_over(&raw, items(subject.run, "/spec/params"));
    if let Some(first) = left.first() {
        let run = name(subject.run);
        let of = match &subject.spec.task_ref {
            Some(reference) => format!("missing or invalid Task {}/{}", namespace(subject.run), reference.name),
            None => "invalid TaskSpec".to_owned(),
        };
        return Err(Failure::new("PodCreationFailed", format!("failed to create task run pod {run:?}: {first}. Maybe {of}")));
    }
    Replacements::of_strings([("credentials.path", "/tekton/creds")]).task_spec(&mut raw);
    execution::merge_step_template(&mut raw);
    Ok(Prepared { spec: lens(&raw)?, bindings })
}

/// Records what of a task has no effect here, so that nothing is passed over in silence.
fn tell_notices(raw: &Value, draft: &mut Draft) {
    let notices = admit::notices(&kinds::TASK, &json!({"spec": raw}));
    if !notices.is_empty() {
        draft.actions.push(Action::Event(Event::normal("WithoutEffect", notices.join("; "))));
    }
}

fn lens(raw: &Value) -> Result<TaskSpec, Failure> {
    serde_json::from_value(raw.clone()).map_err(|error| Failure::user(INVALID, format!("invalid task spec: {error}")))
}

/// Name and spec of the Task; the run's name when the spec is embedded.
fn find(subject: &Subject<'_>, draft: &mut Draft) -> Result<(String, Value), Failure> {
    if let Some(spec) = &subject.spec.task_spec {
        return Ok((name(subject.run).to_owned(), spec.clone()));
    }
    let reference = subject.spec.task_ref.as_ref().map_or("", |reference| reference.name.as_str());
    if let Some(stored) = draft.status.get("taskSpec").filter(|spec| spec.is_object()) {
        return Ok((reference.to_owned(), stored.clone()));
    }
    let Some(task) = subject.objects.get(&kinds::TASK, reference) else {
        let run = name(subject.run);
        let message = format!("error when listing tasks for taskRun {run}: tasks.tekton.dev {reference:?} not found");
        return Err(Failure::new("TaskRunResolutionFailed", message));
    };
    inherit_metadata(subject.run, &task, "labels", &mut draft.labels);
    inherit_metadata(subject.run, &task, "annotations", &mut draft.annotations);
    draft.labels.insert("tekton.dev/task".to_owned(), json!(name(&task)));
    Ok((name(&task).to_owned(), task.get("spec").cloned().unwrap_or_else(|| json!({}))))
}

fn check_bindings(subject: &Subject<'_>, spec: &TaskSpec) -> Result<(), Failure> {
    let bound: BTreeSet<&str> = subject.spec.workspaces.iter().map(|binding| text(binding, "/name")).collect();
    if let Some(open) = spec.workspaces.iter().find(|w| !w.optional && !bound.contains(w.name.as_str())) {
        let message = format!("declared workspace {:?} is required but has not been bound", open.name);
        return Err(Failure::user(INVALID, message));
    }
    let declared = |name: &&str| spec.workspaces.iter().any(|w| w.name == **name);
    // An embedded spec may use workspaces that it does not declare.
    if subject.spec.task_spec.is_none()
        && let Some(other) = bound.iter().find(|name| !declared(name))
    {
        let message = format!("workspace binding {other:?} does not match any declared workspace");
        return Err(Failure::user(INVALID, message));
    }
    let of_claims = subject.spec.workspaces.iter().filter_map(|binding| match binding.get("volumeClaimTemplate") {
        Some(_) => Some(text(binding, "/name")),
        None => Some(text(binding, "/persistentVolumeClaim/claimName")).filter(|claim| !claim.is_empty()),
    });
    if of_claims.collect::<BTreeSet<_>>().len() > 1 {
        return Err(Failure::user(INVALID, "more than one PersistentVolumeClaim is bound"));
    }
    Ok(())
}

/// The claims of the run's `volumeClaimTemplate`s that are not there yet.
fn claims(subject: &Subject<'_>) -> Vec<Action> {
    let templates = subject.spec.workspaces.iter().filter_map(|b| Some((b, b.get("volumeClaimTemplate")?)));
    let open = templates.filter_map(|(binding, template)| {
        let claim = claim_name(subject, binding, template);
        subject.objects.get(&kinds::PERSISTENT_VOLUME_CLAIM, &claim).is_none().then_some((claim, template))
    });
    let create = |(claim, template): (String, &Value)| Action::Create {
        kind: &kinds::PERSISTENT_VOLUME_CLAIM,
        object: claim_object(template, &claim, namespace(subject.run), owner(&kinds::TASK_RUN, subject.run)),
    };
    open.map(create).collect()
}

fn claim_name(subject: &Subject<'_>, binding: &Value, template: &Value) -> String {
    names::claim(name(template), text(binding, "/name"), uid(subject.run))
}

fn bindings(subject: &Subject<'_>, given: &Replacements) -> Vec<Value> {
    let bind = |binding: &Value| {
        let mut bound = binding.clone();
        if let Some(template) = binding.get("volumeClaimTemplate") {
            bound = json!({
                "name": binding.get("name"),
                "subPath": text(binding, "/subPath"),
                "persistentVolumeClaim": {"claimName": claim_name(subject, binding, template)},
            });
        }
        given.tree(&mut bound);
        bound
    };
    subject.spec.workspaces.iter().map(bind).collect()
}

/// The variables `context.taskRun.…` and `context.task.…`.
fn context(subject: &Subject<'_>, draft: &Draft, task: &str) -> Replacements {
    Replacements::of_strings([
        ("context.taskRun.name", name(subject.run).to_owned()),
        ("context.taskRun.namespace", namespace(subject.run).to_owned()),
        ("context.taskRun.uid", uid(subject.run).to_owned()),
        ("context.task.name", task.to_owned()),
        ("context.task.retry-count", items(&draft.status, "/retriesStatus").len().to_string()),
    ])
}

/// Where results and exit codes are written.
fn paths(spec: &TaskSpec) -> Replacements {
    let mut paths = Vec::new();
    for result in &spec.results {
        let path = format!("/tekton/results/{}", result.name);
        paths.extend(spellings("results", &result.name).map(|variable| (variable, path.clone())));
    }
    for (index, step) in spec.steps.iter().enumerate() {
        let step_name = execution::step_name(&step.name, index);
        let path = format!("/tekton/steps/step-{step_name}/exitCode");
        paths.push((format!("steps.step-{step_name}.exitCode.path"), path));
        for result in &step.results {
            let path = format!("/tekton/steps/step-{step_name}/results/{}", result.name);
            paths.extend(spellings("step.results", &result.name).map(|variable| (variable, path.clone())));
        }
    }
    Replacements::of_strings(paths)
}

fn spellings(prefix: &str, name: &str) -> impl Iterator<Item = String> {
    [format!("{prefix}.{name}.path"), format!("{prefix}[\"{name}\"].path"), format!("{prefix}['{name}'].path")].into_iter()
}

/// Declares the workspaces that are bound and not declared.
fn declare_propagated(raw: &mut Value, bindings: &[Value]) {
    let mut declared = items(raw, "/workspaces").to_vec();
    for binding in bindings {
        if !declared.iter().any(|workspace| text(workspace, "/name") == text(binding, "/name")) {
            declared.push(json!({"name": binding.get("name")}));
        }
    }
    if !declared.is_empty() {
        raw["workspaces"] = Value::from(declared);
    }
}

/// The variables `workspaces.NAME.path`, `.bound`, `.volume` and `.claim`.
fn workspace_variables(declared: &[WorkspaceDeclaration], bindings: &[Value]) -> Replacements {
    let mut variables = Vec::new();
    for workspace in declared {
        let binding = bindings.iter().find(|binding| text(binding, "/name") == workspace.name);
        let prefix = format!("workspaces.{}", workspace.name);
        let bound = binding.is_some() || !workspace.optional;
        variables.push((format!("{prefix}.bound"), bound.to_string()));
        variables.push((format!("{prefix}.path"), if bound { workspace.path() } else { String::new() }));
        if let Some(binding) = binding {
            let claim = text(binding, "/persistentVolumeClaim/claimName").to_owned();
            variables.push((format!("{prefix}.claim"), claim));
            variables.push((format!("{prefix}.volume"), names::workspace_volume(&workspace.name)));
        }
    }
    Replacements::of_strings(variables)
}

/// The failure that Tekton makes of a pod that cannot be made.
pub(super) fn pod_creation_failed(subject: &Subject<'_>, error: &str) -> Failure {
    let (run, namespace) = (name(subject.run), namespace(subject.run));
    let hint = match &subject.spec.task_ref {
        Some(reference) => format!("missing or invalid Task {namespace}/{}", reference.name),
        None => "invalid TaskSpec".to_owned(),
    };
    let message = format!("failed to create task run pod {run:?}: {error}. Maybe {hint}");
    Failure::new("PodCreationFailed", message.trim_start_matches(USER_ERROR))
}
