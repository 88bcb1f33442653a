//! The TaskRuns and claims that a PipelineRun makes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::condition::Failure;
use super::super::matrix::Matrix;
use super::super::object::{metadata, name, namespace, owner, text, uid};
use super::super::plan::Action;
use super::super::spec::{PipelineTaskWorkspace, TaskRunTemplate};
use super::super::substitute::{Replacements, expressions};
use super::super::value::Param;
use super::super::{admit, names, params};
use super::prepare::context;
use super::state::TaskState;
use super::{DEFAULT_TIMEOUT, Subject};
use crate::kinds;
use crate::objects::run::{PipelineRun, RunOf as _};

/// Label of a TaskRun that says to which of the pipeline's lists its task belongs.
pub const MEMBER_OF: &str = "tekton.dev/memberOf";
/// Its value for the finally tasks.
pub const OF_FINALLY: &str = "finally";

/// Marks the TaskRun of a task whose failure does not stop the pipeline.
pub const ON_ERROR_ANNOTATION: &str = "pipeline.tekton.dev/pipeline-task-on-error";

/// Fields of `taskRunTemplate` and `taskRunSpecs` that go into a TaskRun's spec as they are.
const PASSED_ON: [&str; 4] = ["podTemplate", "stepSpecs", "sidecarSpecs", "computeResources"];

/// The TaskRuns of a task that starts now: one, or as many as its matrix has combinations.
pub(super) fn task_runs(subject: &Subject<'_>, tasks: &[TaskState], position: usize) -> Result<Vec<Value>, Failure> {
    let state = &tasks[position];
    let fanned = state.task.matrix.as_ref().map_or_else(|| vec![Vec::new()], Matrix::combinations);
    state.names.iter().zip(fanned).map(|(name, params)| task_run(subject, tasks, state, name, params)).collect()
}

fn task_run(subject: &Subject<'_>, tasks: &[TaskState], state: &TaskState, name: &str, fanned: Vec<Param>) -> Result<Value, Failure> {
    let template = template(subject, &state.task.name);
    let retries = Replacements::of_strings([("context.pipelineTask.retries", state.task.retries.to_string())]);
    let mut given = fanned;
    given.extend(state.task.params.iter().cloned());
    retries.params(&mut given);
    let mut spec = json!({"serviceAccountName": template.service_account_name});
    set(&mut spec, "params", (!given.is_empty()).then(|| json!(given)));
    set(&mut spec, "retries", (state.task.retries > 0).then(|| json!(state.task.retries)));
    set(&mut spec, "timeout", timeout(subject, state, &template).map(|limit| json!(limit)));
    match &state.task.task_ref {
        Some(reference) => spec["taskRef"] = json!(reference),
        None => spec["taskSpec"] = embedded_spec(tasks, state),
    }
    let bindings = workspaces(subject, tasks, state)?;
    set(&mut spec, "workspaces", (!bindings.is_empty()).then(|| Value::from(bindings)));
    for field in PASSED_ON {
        set(&mut spec, field, template.rest.get(field).cloned());
    }
    let mut task_run = json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {
            "name": name,
            "namespace": namespace(subject.run),
            "labels": labels(subject, state, &template),
            "annotations": annotations(subject, state, &template),
            "ownerReferences": owner(&kinds::PIPELINE_RUN, subject.run),
        },
        "spec": spec,
    });
    admit::default_task_run(&mut task_run);
    Ok(task_run)
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}

/// What the run sets for the TaskRun of a task: `taskRunSpecs` over `taskRunTemplate`.
fn template(subject: &Subject<'_>, task: &str) -> TaskRunTemplate {
    let mut template = subject.spec.task_run_template.clone();
    let own = subject.spec.task_run_specs.iter().find(|own| own.pipeline_task_name == task);
    if let Some(own) = own.cloned() {
        if !own.service_account_name.is_empty() {
            template.service_account_name = own.service_account_name;
        }
        template.timeout = own.timeout;
        template.metadata = own.metadata;
        template.rest.extend(own.rest);
    }
    template
}

/// The limit of a TaskRun. That of the PipelineRun is passed on only when it is longer than the default, since it is
/// the PipelineRun that ends its tasks otherwise.
fn timeout(subject: &Subject<'_>, state: &TaskState, template: &TaskRunTemplate) -> Option<super::super::duration::GoDuration> {
    let timeouts = &subject.spec.timeouts;
    let phase = if state.is_final { timeouts.finally() } else { timeouts.tasks() };
    let phase = phase.filter(|limit| limit.is_zero() || *limit > DEFAULT_TIMEOUT);
    template.timeout.or(state.task.timeout).or(phase)
}

/// The embedded spec, without its metadata, with the results of tasks that have ended.
fn embedded_spec(tasks: &[TaskState], state: &TaskState) -> Value {
    let mut spec = state.task.task_spec.clone().unwrap_or_else(|| json!({}));
    spec.as_object_mut().map(|spec| spec.shift_remove("metadata"));
    known_results(tasks).task_spec(&mut spec);
    spec
}

/// What the results of tasks that have ended stand for.
fn known_results(tasks: &[TaskState]) -> Replacements {
    let mut known = Replacements::default();
    for task in tasks {
        for (result, value) in task.results() {
            known.insert(&[format!("tasks.{}.results.{result}", task.task.name)], &value);
        }
    }
    known
}

fn labels(subject: &Subject<'_>, state: &TaskState, template: &TaskRunTemplate) -> Map<String, Value> {
    let own = template.metadata.get("labels").and_then(Value::as_object).cloned();
    let mut labels = own.unwrap_or_default();
    let mut inherited = Map::new();
    super::prepare::label_with_pipeline(subject.run, &mut inherited);
    inherited.extend(metadata(subject.run, "labels").map(|(key, value)| (key.clone(), value.clone())));
    inherited.insert(PipelineRun::OF_CHILDREN.into(), json!(name(subject.run)));
    inherited.insert("tekton.dev/pipelineRunUID".into(), json!(uid(subject.run)));
    inherited.insert("tekton.dev/pipelineTask".into(), json!(state.task.name));
    inherited.insert(MEMBER_OF.into(), json!(if state.is_final { OF_FINALLY } else { "tasks" }));
    add_missing(&mut labels, inherited);
    add_missing(&mut labels, embedded_metadata(state, "labels"));
    labels
}

fn annotations(subject: &Subject<'_>, state: &TaskState, template: &TaskRunTemplate) -> Map<String, Value> {
    let own = template.metadata.get("annotations").and_then(Value::as_object).cloned();
    let mut annotations = own.unwrap_or_default();
    let passed_on = metadata(subject.run, "annotations").filter(|(key, _)| !key.contains("chains.tekton.dev/"));
    add_missing(&mut annotations, passed_on.map(|(key, value)| (key.clone(), value.clone())).collect());
    add_missing(&mut annotations, embedded_metadata(state, "annotations"));
    if state.task.continues_on_error() {
        annotations.insert(ON_ERROR_ANNOTATION.to_owned(), json!("continue"));
    }
    annotations
}

fn embedded_metadata(state: &TaskState, field: &str) -> Map<String, Value> {
    let spec = state.task.task_spec.as_ref();
    let map = spec.and_then(|spec| spec.pointer(&format!("/metadata/{field}"))).and_then(Value::as_object);
    map.cloned().unwrap_or_default()
}

fn add_missing(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        into.entry(key).or_insert(value);
    }
}

/// The bindings of a TaskRun's workspaces, from those of the run.
fn workspaces(subject: &Subject<'_>, tasks: &[TaskState], state: &TaskState) -> Result<Vec<Value>, Failure> {
    let mut known = params::passed(&subject.spec.params);
    known.extend(known_results(tasks));
    let mut bindings = Vec::new();
    for passed in passed_workspaces(state) {
        let source = subject.spec.workspaces.iter().find(|binding| text(binding, "/name") == passed.source());
        let Some(source) = source else {
            if state.spec.workspaces.iter().any(|w| w.name == passed.name && w.optional) {
                continue;
            }
            let message =
                format!("expected workspace {:?} to be provided by pipelinerun for pipeline task {:?}", passed.source(), state.task.name);
            return Err(Failure::new("CreateRunFailed", message));
        };
        bindings.push(binding(subject, &known, source, &passed));
    }
    Ok(bindings)
}

/// The workspaces that a task passes on, and those that the steps of its embedded spec name.
fn passed_workspaces(state: &TaskState) -> Vec<PipelineTaskWorkspace> {
    let mut passed = state.task.workspaces.clone();
    if let Some(spec) = &state.task.task_spec {
        let text = [spec.get("steps"), spec.get("stepTemplate"), spec.get("sidecars")];
        let text = text.into_iter().flatten().map(Value::to_string).collect::<String>();
        let named = expressions(&text).into_iter().filter_map(|e| e.strip_prefix("workspaces.")?.split('.').next());
        for name in named.collect::<BTreeSet<_>>() {
            if !passed.iter().any(|workspace| workspace.name == name) {
                passed.push(PipelineTaskWorkspace { name: name.to_owned(), ..PipelineTaskWorkspace::default() });
            }
        }
    }
    passed
}

fn binding(subject: &Subject<'_>, known: &Replacements, source: &Value, passed: &PipelineTaskWorkspace) -> Value {
    let mut binding = match source.get("volumeClaimTemplate") {
        Some(template) => json!({
            "persistentVolumeClaim": {"claimName": claim_name(subject, source, template)},
            "subPath": source.get("subPath"),
        }),
        None => source.clone(),
    };
    known.tree(&mut binding);
    binding["name"] = json!(passed.name);
    let outer = text(&binding, "/subPath").trim_end_matches('/');
    let path = if outer.is_empty() || passed.sub_path.is_empty() {
        format!("{outer}{}", passed.sub_path)
    } else {
        format!("{outer}/{}", passed.sub_path)
    };
    let path = context(subject, text(subject.run, "/spec/pipelineRef/name")).text(&path);
    if let Some(binding) = binding.as_object_mut() {
        binding.shift_remove("subPath");
        if !path.is_empty() {
            binding.insert("subPath".to_owned(), json!(path));
        }
    }
    binding
}

fn claim_name(subject: &Subject<'_>, binding: &Value, template: &Value) -> String {
    names::claim(name(template), text(binding, "/name"), uid(subject.run))
}

/// The claims of the run's `volumeClaimTemplate`s that are not there yet.
pub(super) fn claims(subject: &Subject<'_>) -> Vec<Action> {
    let templates = subject.spec.workspaces.iter().filter_map(|b| Some((b, b.get("volumeClaimTemplate")?)));
    let named = templates.map(|(binding, template)| (claim_name(subject, binding, template), template));
    let open = named.filter(|(name, _)| subject.objects.get(&kinds::PERSISTENT_VOLUME_CLAIM, name).is_none());
    let create = |(claim, template): (String, &Value)| Action::Create {
        kind: &kinds::PERSISTENT_VOLUME_CLAIM,
        object: claim_object(template, &claim, namespace(subject.run), owner(&kinds::PIPELINE_RUN, subject.run)),
    };
    open.map(create).collect()
}

/// The claim that a template stands for.
pub(in super::super) fn claim_object(template: &Value, claim: &str, namespace: &str, owner: Value) -> Value {
    let mut object = template.clone();
    let metadata = super::super::object::map_mut(&mut object, "metadata");
    metadata.insert("name".to_owned(), json!(claim));
    metadata.insert("namespace".to_owned(), json!(namespace));
    metadata.insert("ownerReferences".to_owned(), owner);
    object["apiVersion"] = json!("v1");
    object["kind"] = json!("PersistentVolumeClaim");
    object["status"] = json!({"phase": "Pending"});
    object
}
