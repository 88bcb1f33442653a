//! Getting a PipelineRun's pipeline ready: finding its spec, checking what the run passes, and putting values into its
//! variables. Reasons and messages are Tekton's.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::super::condition::{Failure, USER_ERROR};
use super::super::graph::{self, Graph};
use super::super::object::{at, metadata, name, namespace, text, uid};
use super::super::plan::Draft;
use super::super::references::ResultRef;
use super::super::spec::{PipelineSpec, PipelineTask, TaskSpec};
use super::super::substitute::Replacements;
use super::super::value::ParamValue;
use super::super::{admit, names, params, references};
use super::Subject;
use super::state::TaskState;
use crate::kinds;
use crate::objects::meta::LAST_APPLIED;

/// A pipeline with the run's values in it.
pub(super) struct Prepared {
    /// Name of the Pipeline, or of the run when its spec is embedded
    pub name: String,
    /// The spec; its tasks are in `tasks`
    pub spec: PipelineSpec,
    /// Its tasks, those of the graph first
    pub tasks: Vec<PreparedTask>,
    /// The same, whole, for `status.pipelineSpec`
    pub raw: Value,
    /// Order of the tasks of the graph
    pub graph: Graph,
    /// What is wrong with it by what the run's values brought into it
    brought_along: Vec<String>,
}

/// A task of a prepared pipeline, and what can be told of it before anything runs.
pub(super) struct PreparedTask {
    /// The task
    pub task: Arc<PipelineTask>,
    /// Whether it stands under `finally`
    pub is_final: bool,
    /// Its embedded spec
    pub spec: Option<ReadSpec>,
    /// The results that it refers to
    pub references: Arc<[ResultRef]>,
    /// Whether it counts how often another task fans out
    pub counts: bool,
}

/// A Task's spec, or what is wrong with it.
pub(super) type ReadSpec = Result<Arc<TaskSpec>, String>;

/// Reads a Task's spec.
pub(super) fn read_spec(spec: &Value) -> ReadSpec {
    TaskSpec::deserialize(spec).map(Arc::new).map_err(|error| error.to_string())
}

impl PreparedTask {
    fn new(task: PipelineTask, is_final: bool) -> Self {
        let spec = task.task_spec.as_ref().filter(|_| task.task_ref.is_none());
        Self {
            is_final,
            spec: spec.map(read_spec),
            references: references::of_task(&task).into(),
            counts: !references::of_lengths(&task).is_empty(),
            task: Arc::new(task),
        }
    }
}

/// The prepared pipelines of runs that go on, by UID, each with the generation of its run: a run is looked at with each
/// step of each task, and what it runs stays the same.
#[derive(Default)]
pub struct Known(HashMap<String, (i64, Arc<Prepared>)>);

impl Known {
    /// Lets go of a run that has ended.
    pub fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }

    fn get(&self, run: &Value) -> Option<Arc<Prepared>> {
        let (generation, prepared) = self.0.get(uid(run))?;
        (generation_of(run)? == *generation).then(|| prepared.clone())
    }

    fn keep(&mut self, run: &Value, prepared: &Arc<Prepared>) {
        if let Some(generation) = generation_of(run) {
            self.0.insert(uid(run).to_owned(), (generation, prepared.clone()));
        }
    }
}

/// Changes with the spec.
fn generation_of(run: &Value) -> Option<i64> {
    at(run, "/metadata/generation").and_then(Value::as_i64)
}

/// The pipeline of a run, as an earlier pass prepared it or anew; `status.pipelineSpec` tells it.
pub(super) fn prepared(subject: &Subject<'_>, draft: &mut Draft, known: &mut Known) -> Result<Arc<Prepared>, Failure> {
    let told = draft.status.get("pipelineSpec").is_some();
    let prepared = match known.get(subject.run).filter(|_| told) {
        Some(prepared) => prepared,
        None => {
            let prepared = Arc::new(prepare(subject, draft)?);
            draft.status["pipelineSpec"] = prepared.raw.clone();
            known.keep(subject.run, &prepared);
            prepared
        }
    };
    // From its second pass on Tekton takes a Pipeline from the run's status, values and all, and validates that: what the first
    // pass has started goes on, and the run fails (seen with v1.15).
    if told && !prepared.brought_along.is_empty() && at(subject.run, "/spec/pipelineSpec").is_none() {
        return Err(invalid_spec(subject, &prepared.name, &prepared.brought_along.join("\n")));
    }
    Ok(prepared)
}

/// Labels a run with its pipeline's name; an embedded pipeline goes by the run's name or the stem of it.
pub(super) fn label_with_pipeline(run: &Value, labels: &mut Map<String, Value>) {
    let key = "tekton.dev/pipeline";
    if metadata(run, "labels").any(|(label, _)| label == key) {
        return;
    }
    let stem = names::restrict(text(run, "/metadata/generateName"));
    let pipeline = match text(run, "/spec/pipelineRef/name") {
        "" if stem.is_empty() => name(run),
        "" => stem,
        pipeline => pipeline,
    };
    labels.insert(key.to_owned(), json!(pipeline));
}

/// Finds, checks and substitutes the pipeline of a run.
fn prepare(subject: &Subject<'_>, draft: &mut Draft) -> Result<Prepared, Failure> {
    let (pipeline, raw) = find(subject, draft)?;
    // Whatever is found wrong with it, the run tells what it would have run.
    draft.status["pipelineSpec"] = raw.clone();
    let mut spec = PipelineSpec::deserialize(&raw).map_err(|error| invalid_spec(subject, &pipeline, &error.to_string()))?;
    let graph = graph::build(&spec.tasks).map_err(|error| {
        let message = format!("PipelineRun {}'s Pipeline DAG is invalid: {error}", full_name(subject));
        Failure::user("PipelineInvalidGraph", message)
    })?;
    check_params(subject, &pipeline, &spec, &raw)?;
    check_workspaces(subject, &pipeline, &spec)?;
    check_task_run_specs(subject, &spec)?;
    substitute(subject, &pipeline, &mut spec)?;
    let mut raw = raw;
    for (field, tasks) in [("tasks", &spec.tasks), ("finally", &spec.finally)] {
        if !tasks.is_empty() {
            raw[field] = serde_json::to_value(tasks).map_err(|e| invalid_spec(subject, &pipeline, &e.to_string()))?;
        }
    }
    for task in spec.tasks.iter().chain(&spec.finally) {
        if task.on_error.as_deref().is_some_and(|word| word != "continue" && word != "stopAndFail") {
            let message = "PipelineTask OnError must be either \"continue\" or \"stopAndFail\"";
            return Err(invalid_spec(subject, &pipeline, message));
        }
    }
    let brought_along = admit::invalid_variables(&spec);
    let of_graph = std::mem::take(&mut spec.tasks).into_iter().map(|task| PreparedTask::new(task, false));
    let finals = std::mem::take(&mut spec.finally).into_iter().map(|task| PreparedTask::new(task, true));
    let tasks = of_graph.chain(finals).collect();
    Ok(Prepared { name: pipeline, spec, tasks, raw, graph, brought_along })
}

fn full_name(subject: &Subject<'_>) -> String {
    format!("{}/{}", namespace(subject.run), name(subject.run))
}

fn invalid_spec(subject: &Subject<'_>, pipeline: &str, error: &str) -> Failure {
    let namespace = namespace(subject.run);
    let message = format!("Pipeline {namespace}/{pipeline} can't be Run; it has an invalid spec: {error}");
    Failure::user("PipelineValidationFailed", message)
}

/// Name and spec of the pipeline: the embedded one, the one that an earlier pass stored, or the one referred to.
fn find(subject: &Subject<'_>, draft: &mut Draft) -> Result<(String, Value), Failure> {
    let run = subject.run;
    if let Some(spec) = run.pointer("/spec/pipelineSpec") {
        return Ok((name(run).to_owned(), spec.clone()));
    }
    let reference = text(run, "/spec/pipelineRef/name");
    if let Some(stored) = draft.status.get("pipelineSpec").filter(|spec| spec.is_object()) {
        return Ok((reference.to_owned(), stored.clone()));
    }
    let Some(pipeline) = subject.objects.get(&kinds::PIPELINE, reference) else {
        let message = format!(
            "Error retrieving pipeline for pipelinerun {}: error when getting Pipeline for PipelineRun {}: tekton client \
             cannot get pipeline {reference} from local cluster: pipelines.tekton.dev \"{reference}\" not found",
            full_name(subject),
            name(run),
        );
        return Err(Failure::new("CouldntGetPipeline", message));
    };
    inherit_metadata(run, &pipeline, "labels", &mut draft.labels);
    inherit_metadata(run, &pipeline, "annotations", &mut draft.annotations);
    draft.labels.insert("tekton.dev/pipeline".to_owned(), json!(name(&pipeline)));
    Ok((name(&pipeline).to_owned(), pipeline.get("spec").cloned().unwrap_or_else(|| json!({}))))
}

/// Labels or annotations that a run takes over from what it refers to; its own win.
pub(in super::super) fn inherit_metadata(run: &Value, from: &Value, field: &str, into: &mut Map<String, Value>) {
    for (key, value) in metadata(from, field) {
        let applied = key == LAST_APPLIED;
        if !applied && !metadata(run, field).any(|(own, _)| own == key) {
            into.insert(key.clone(), value.clone());
        }
    }
}

fn check_params(subject: &Subject<'_>, pipeline: &str, spec: &PipelineSpec, raw: &Value) -> Result<(), Failure> {
    let (run, own) = (full_name(subject), format!("{}/{pipeline}", namespace(subject.run)));
    let given = &subject.spec.params;
    let missing = params::missing(&spec.params, given);
    if !missing.is_empty() {
        let message = format!(
            "PipelineRun {run} is missing some parameters required by Pipeline {own}: pipelineRun missing parameters: {}",
            params::go_list(&missing)
        );
        return Err(Failure::user("ParameterMissing", message));
    }
    let wrong = params::wrong_types(&spec.params, given, false);
    if !wrong.is_empty() {
        let message = format!(
            "PipelineRun {run} parameters have mismatching types with Pipeline {own}'s parameters: parameters have \
             inconsistent types : {}",
            params::go_list(&wrong)
        );
        return Err(Failure::user("ParameterTypeMismatch", message));
    }
    if let Some(keys) = params::missing_keys(&spec.params, given) {
        let message = format!(
            "PipelineRun {run} parameters is missing object keys required by Pipeline {own}'s parameters: pipelineRun \
             missing object keys for parameters: {keys}"
        );
        return Err(Failure::user("ObjectParameterMissKeys", message));
    }
    let inputs = json!([raw.get("tasks").map(without_embedded), raw.get("finally").map(without_embedded)]);
    let beyond = params::out_of_bounds(&spec.params, given, &inputs);
    if !beyond.is_empty() {
        let message = format!(
            "PipelineRun {run} failed validation: failed to validate Pipeline {own}'s parameter which has an invalid \
             index while referring to an array: non-existent param references:{}",
            params::go_list(&beyond)
        );
        return Err(Failure::user("ParamArrayIndexingInvalid", message));
    }
    Ok(())
}

/// Pipeline tasks without their embedded specs, whose params may be others of the same name.
fn without_embedded(tasks: &Value) -> Value {
    let mut tasks = tasks.clone();
    for task in tasks.as_array_mut().into_iter().flatten() {
        task.as_object_mut().map(|task| task.remove("taskSpec"));
    }
    tasks
}

fn check_workspaces(subject: &Subject<'_>, pipeline: &str, spec: &PipelineSpec) -> Result<(), Failure> {
    let bound: BTreeSet<&str> = subject.spec.workspaces.iter().map(|binding| text(binding, "/name")).collect();
    let Some(open) = spec.workspaces.iter().find(|w| !w.optional && !bound.contains(w.name.as_str())) else {
        return Ok(());
    };
    let message = format!(
        "PipelineRun {} doesn't bind Pipeline {}/{pipeline}'s Workspaces correctly: pipeline requires workspace with name \
         {:?} be provided by pipelinerun",
        full_name(subject),
        namespace(subject.run),
        open.name,
    );
    Err(Failure::user("InvalidWorkspaceBindings", message))
}

fn check_task_run_specs(subject: &Subject<'_>, spec: &PipelineSpec) -> Result<(), Failure> {
    let known = |task: &str| spec.tasks.iter().chain(&spec.finally).any(|t| t.name == task);
    let Some(wrong) = subject.spec.task_run_specs.iter().find(|s| !known(&s.pipeline_task_name)) else {
        return Ok(());
    };
    let message = format!(
        "PipelineRun {} doesn't define taskRunSpecs correctly: pipelineRun's taskrunSpecs defined wrong taskName: {:?}, \
         does not exist in Pipeline",
        full_name(subject),
        wrong.pipeline_task_name,
    );
    Err(Failure::user("InvalidTaskRunSpecs", message))
}

/// Puts the run's params, its context and whether workspaces are bound into the pipeline's tasks, in three passes as
/// Tekton does.
fn substitute(subject: &Subject<'_>, pipeline: &str, spec: &mut PipelineSpec) -> Result<(), Failure> {
    let given = params::of_pipeline(&spec.params, &subject.spec.params).map_err(|error| {
        let message = format!("Failed to apply parameters to Pipeline {}/{pipeline}: {error}", namespace(subject.run));
        Failure::user("PipelineValidationFailed", message)
    })?;
    let declared = spec.workspaces.iter().map(|w| (format!("workspaces.{}.bound", w.name), "false"));
    let bound = subject.spec.workspaces.iter().map(|b| (format!("workspaces.{}.bound", text(b, "/name")), "true"));
    let bound = Replacements::of_strings(declared.chain(bound));
    for replacements in [given, context(subject, pipeline), bound] {
        for task in spec.tasks.iter_mut().chain(&mut spec.finally) {
            substitute_task(task, &replacements);
        }
    }
    Ok(())
}

/// The variables `context.pipelineRun.…` and `context.pipeline.name`.
pub(super) fn context(subject: &Subject<'_>, pipeline: &str) -> Replacements {
    Replacements::of_strings([
        ("context.pipelineRun.name", name(subject.run)),
        ("context.pipelineRun.namespace", namespace(subject.run)),
        ("context.pipelineRun.uid", uid(subject.run)),
        ("context.pipeline.name", pipeline),
    ])
}

/// Puts values into the fields of a pipeline task, and into its embedded spec.
fn substitute_task(task: &mut PipelineTask, replacements: &Replacements) {
    substitute_inputs(task, replacements);
    task.on_error = task.on_error.as_ref().map(|word| replacements.text(word));
    if let Some(spec) = &mut task.task_spec {
        let mut inner = scoped(&task.params, replacements);
        if let Some(matrix) = &task.matrix {
            matrix.hide(&mut inner);
        }
        inner.task_spec(spec);
    }
}

/// Puts values into what a pipeline task passes on and is guarded by.
pub(super) fn substitute_inputs(task: &mut PipelineTask, replacements: &Replacements) {
    replacements.params(&mut task.params);
    if let Some(matrix) = &mut task.matrix {
        matrix.substitute(replacements);
    }
    task.display_name = task.display_name.as_ref().map(|text| replacements.text(text));
    task.when.iter_mut().for_each(|when| when.substitute(replacements));
    for workspace in &mut task.workspaces {
        workspace.sub_path = replacements.text(&workspace.sub_path);
    }
    if let Some(reference) = &mut task.task_ref {
        reference.name = replacements.text(&reference.name);
    }
}

/// The replacements inside an embedded spec: a param that the task passes hides the pipeline's of the same name.
fn scoped(passed: &[super::super::value::Param], outer: &Replacements) -> Replacements {
    let mut inner = outer.clone();
    for param in passed {
        for spelling in params::spellings(&param.name) {
            if let Some(text) = inner.strings.get_mut(&spelling) {
                *text = param.value.as_str().unwrap_or_default().to_owned();
            }
            if let Some(items) = inner.arrays.get_mut(&spelling) {
                *items = if let ParamValue::Array(items) = &param.value { items.clone() } else { Vec::new() };
            }
            if inner.objects.contains_key(&spelling) {
                inner.insert(&[spelling], &param.value);
            }
        }
    }
    inner
}

/// Before the first task starts: every result that is referred to is declared by the task that is to make it, and no
/// task requires a workspace that the pipeline may lack.
pub(super) fn check_references(subject: &Subject<'_>, prepared: &Prepared, tasks: &[TaskState]) -> Result<(), Failure> {
    for task in tasks {
        for reference in task.references.iter() {
            check_result(reference, tasks).map_err(|error| {
                let message = format!("invalid result reference in pipeline task {:?}: {error}", task.task.name);
                Failure::new("InvalidTaskResultReference", message)
            })?;
        }
    }
    for result in &prepared.spec.results {
        for reference in references::in_value(&result.value) {
            check_result(&reference, tasks).map_err(|error| {
                let message = format!(
                    "Failed to resolve pipeline result reference for {:?} with error invalid pipeline result {:?}: {error}",
                    name(subject.run),
                    result.name
                );
                Failure::new("InvalidPipelineResultReference", message)
            })?;
        }
    }
    check_optional_workspaces(prepared, tasks)
}

fn check_result(reference: &references::ResultRef, tasks: &[TaskState]) -> Result<(), String> {
    let Some(task) = tasks.iter().find(|task| task.task.name == reference.task) else {
        return Err(format!("referenced pipeline task {:?} does not exist", reference.task));
    };
    if task.spec.results.iter().any(|result| result.name == reference.result) {
        return Ok(());
    }
    Err(format!("{:?} is not a named result returned by pipeline task {:?}", reference.result, reference.task))
}

fn check_optional_workspaces(prepared: &Prepared, tasks: &[TaskState]) -> Result<(), Failure> {
    let optional = |name: &str| prepared.spec.workspaces.iter().any(|w| w.optional && w.name == name);
    for task in tasks {
        for passed in task.task.workspaces.iter().filter(|w| optional(&w.workspace)) {
            if task.spec.workspaces.iter().any(|w| w.name == passed.name && !w.optional) {
                let message = format!(
                    "{USER_ERROR}Optional workspace not supported by task: pipeline workspace {:?} is marked optional but \
                     pipeline task {:?} requires it be provided",
                    passed.workspace, task.task.name
                );
                return Err(Failure::new("RequiredWorkspaceMarkedOptional", message));
            }
        }
    }
    Ok(())
}
