//! Lenses on the specs that the engine reads. What it does not read rides along in `rest`, so that what is written back
//! to a status is the whole spec.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::duration::GoDuration;
use super::matrix::Matrix;
use super::value::{Param, ParamSpec, ParamValue};

/// `spec` of a Pipeline, or `pipelineSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PipelineSpec {
    /// Declared params
    pub params: Vec<ParamSpec>,
    /// Tasks of the graph
    pub tasks: Vec<PipelineTask>,
    /// Tasks that run at the end in any case
    pub finally: Vec<PipelineTask>,
    /// Declared workspaces
    pub workspaces: Vec<WorkspaceDeclaration>,
    /// Declared results
    pub results: Vec<PipelineResult>,
}

/// An element of `tasks` or `finally`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelineTask {
    /// Unique in the pipeline
    pub name: String,
    /// For people; may hold variables
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The Task that it runs
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_ref: Option<TaskRef>,
    /// The spec that it runs, with `metadata` beside the spec's fields
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_spec: Option<Value>,
    /// Guards
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<WhenExpression>,
    /// How often it is tried again
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// Tasks that have to end before
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_after: Vec<String>,
    /// What it passes to the task
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    /// How it fans out into several TaskRuns
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// Which of the pipeline's workspaces it passes on
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<PipelineTaskWorkspace>,
    /// Limit of its TaskRun
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// `continue` or `stopAndFail`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_error: Option<String>,
    /// Everything else
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl PipelineTask {
    /// Everything that it passes to the task: its params, and those of its matrix.
    pub fn all_params(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().chain(self.matrix.iter().flat_map(Matrix::all_params))
    }

    /// Whether the pipeline goes on when it fails.
    pub fn continues_on_error(&self) -> bool {
        self.on_error.as_deref() == Some("continue")
    }
}

/// A reference to a Task.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TaskRef {
    /// Its name
    pub name: String,
    /// `kind` and everything else
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A guard of a pipeline task.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct WhenExpression {
    /// What is looked at
    pub input: String,
    /// `in` or `notin`
    pub operator: String,
    /// What it is compared with
    pub values: Vec<String>,
}

/// A workspace that a pipeline task passes on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelineTaskWorkspace {
    /// The task's workspace
    pub name: String,
    /// The pipeline's workspace; the same name when empty
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workspace: String,
    /// Directory in the volume
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
}

impl PipelineTaskWorkspace {
    /// Name of the pipeline's workspace.
    pub fn source(&self) -> &str {
        if self.workspace.is_empty() { &self.name } else { &self.workspace }
    }
}

/// A workspace that a Task or Pipeline declares.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkspaceDeclaration {
    /// Its name
    pub name: String,
    /// Where steps see it; `/workspace/NAME` when empty
    pub mount_path: String,
    /// Whether writing is refused
    pub read_only: bool,
    /// Whether a run may leave it out
    pub optional: bool,
}

impl WorkspaceDeclaration {
    /// Where steps see it.
    pub fn path(&self) -> String {
        if self.mount_path.is_empty() { format!("/workspace/{}", self.name) } else { self.mount_path.clone() }
    }
}

/// A result that a pipeline declares.
#[derive(Clone, Debug, Deserialize)]
pub struct PipelineResult {
    /// Its name
    pub name: String,
    /// With variables such as `$(tasks.build.results.digest)`
    pub value: ParamValue,
}

/// `spec` of a Task, or `taskSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskSpec {
    /// Declared params
    pub params: Vec<ParamSpec>,
    /// Its steps
    pub steps: Vec<Step>,
    /// Declared workspaces
    pub workspaces: Vec<WorkspaceDeclaration>,
    /// Declared results
    pub results: Vec<TaskResult>,
    /// Volumes for `volumeMounts`
    pub volumes: Vec<Value>,
}

/// A step, with the step template merged in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Step {
    /// Without `step-`; may be empty
    pub name: String,
    /// Container image
    pub image: String,
    /// A script
    pub script: String,
    /// Or a command
    pub command: Vec<String>,
    /// Its arguments
    pub args: Vec<String>,
    /// `env`
    pub env: Vec<EnvVar>,
    /// `envFrom`
    pub env_from: Vec<EnvFrom>,
    /// Working directory
    pub working_dir: Option<String>,
    /// The step's own limit
    pub timeout: Option<GoDuration>,
    /// `continue` or `stopAndFail`
    pub on_error: Option<String>,
    /// The step's own results
    pub results: Vec<TaskResult>,
    /// Where standard output is copied to
    pub stdout_config: Option<OutputConfig>,
    /// Where standard error is copied to
    pub stderr_config: Option<OutputConfig>,
    /// Volumes that it mounts
    pub volume_mounts: Vec<VolumeMount>,
    /// Workspaces that only the steps naming them see
    pub workspaces: Vec<WorkspaceUsage>,
}

/// A workspace that a step asks for by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkspaceUsage {
    /// Its name
    pub name: String,
    /// A path of the step's own
    pub mount_path: String,
}

/// An environment variable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar {
    /// Its name
    pub name: String,
    /// Its value, which may name variables before it as `$(NAME)`
    pub value: String,
    /// Or where its value is
    pub value_from: Option<EnvVarSource>,
}

/// Where a variable's value is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVarSource {
    /// A key of a ConfigMap
    pub config_map_key_ref: Option<KeyRef>,
    /// A key of a Secret
    pub secret_key_ref: Option<KeyRef>,
    /// A field of the pod
    pub field_ref: Option<FieldRef>,
}

/// A key of a ConfigMap or Secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyRef {
    /// Name of the object
    pub name: String,
    /// Its key
    pub key: String,
    /// Whether it may be missing
    pub optional: bool,
}

/// A field of the pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldRef {
    /// `metadata.name`, `metadata.labels['x']`, …
    pub field_path: String,
}

/// All keys of a ConfigMap or Secret as environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvFrom {
    /// Put before each name
    pub prefix: String,
    /// The ConfigMap
    pub config_map_ref: Option<KeyRef>,
    /// The Secret
    pub secret_ref: Option<KeyRef>,
}

/// A file that a stream is copied to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OutputConfig {
    /// Its path
    pub path: String,
}

/// A volume that a step sees at a path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeMount {
    /// Name of the volume
    pub name: String,
    /// The path
    pub mount_path: String,
    /// Directory in the volume
    pub sub_path: String,
    /// Whether writing is refused
    pub read_only: bool,
}

/// A result that a Task or step declares.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskResult {
    /// Its name
    pub name: String,
    /// `string`, `array` or `object`
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Declared keys of an object
    pub properties: Option<Map<String, Value>>,
    /// `$(steps.STEP.results.RESULT)`, when a step's result becomes the task's
    pub value: Option<ParamValue>,
}

impl TaskResult {
    /// The type, with Tekton's defaulting.
    pub fn type_name(&self) -> &str {
        match (&self.kind, &self.properties) {
            (Some(kind), _) if !kind.is_empty() => kind,
            (_, Some(_)) => "object",
            _ => "string",
        }
    }

    /// The step and its result that this result is made from.
    pub fn step_result(&self) -> Option<(&str, &str)> {
        let reference = self.value.as_ref()?.as_str()?.strip_prefix("$(steps.")?.strip_suffix(')')?;
        reference.split_once(".results.")
    }
}

/// `spec` of a PipelineRun, where the engine looks at it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PipelineRunSpec {
    /// Values of params
    pub params: Vec<Param>,
    /// `Cancelled`, `CancelledRunFinally`, `StoppedRunFinally`, `PipelineRunPending`
    pub status: String,
    /// Limits
    pub timeouts: Timeouts,
    /// What all TaskRuns get
    pub task_run_template: TaskRunTemplate,
    /// What single TaskRuns get
    pub task_run_specs: Vec<TaskRunTemplate>,
    /// Bindings, each with `name` and a source
    pub workspaces: Vec<Value>,
}

/// Limits of a PipelineRun.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// Of the whole run
    pub pipeline: Option<GoDuration>,
    /// Of the tasks together
    pub tasks: Option<GoDuration>,
    /// Of the finally tasks together
    pub finally: Option<GoDuration>,
}

impl Timeouts {
    /// Limit of the tasks, also when it follows from the two others; zero means none.
    pub fn tasks(&self) -> Option<GoDuration> {
        self.tasks.or_else(|| rest_of(self.pipeline, self.finally))
    }

    /// Limit of the finally tasks, also when it follows from the two others; zero means none.
    pub fn finally(&self) -> Option<GoDuration> {
        self.finally.or_else(|| rest_of(self.pipeline, self.tasks))
    }
}

fn rest_of(whole: Option<GoDuration>, part: Option<GoDuration>) -> Option<GoDuration> {
    let (whole, part) = (whole?, part?);
    (!whole.is_zero() && !part.is_zero()).then(|| GoDuration(whole.0.saturating_sub(part.0)))
}

/// `taskRunTemplate`, or an element of `taskRunSpecs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TaskRunTemplate {
    /// The task that it is for, in `taskRunSpecs`
    pub pipeline_task_name: String,
    /// ServiceAccount of the TaskRun
    pub service_account_name: String,
    /// Labels and annotations
    pub metadata: Value,
    /// Limit of the TaskRun
    pub timeout: Option<GoDuration>,
    /// Passed on to the TaskRun as they are
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `spec` of a TaskRun, where the engine looks at it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TaskRunSpec {
    /// Values of params
    pub params: Vec<Param>,
    /// ServiceAccount whose credentials the steps get
    pub service_account_name: String,
    /// The Task to run
    pub task_ref: Option<TaskRef>,
    /// Or the spec to run
    pub task_spec: Option<Value>,
    /// `TaskRunCancelled`, `TaskRunPending`
    pub status: String,
    /// Why it was cancelled
    pub status_message: String,
    /// How often it is tried again
    pub retries: usize,
    /// Limit of one attempt
    pub timeout: Option<GoDuration>,
    /// Bindings, each with `name` and a source
    pub workspaces: Vec<Value>,
}
