//! Lenses on PipelineRun, TaskRun and CustomRun (`tekton.dev/v1`; CustomRun is `v1beta1`).

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::core::ContainerState;
use super::meta::{Condition, Meta, condition};
use super::objects;
use super::pipeline::{PipelineSpec, TaskSpec};
use super::verdict::{State, Verdict};

objects!(PipelineRun => PIPELINE_RUN, TaskRun => TASK_RUN, CustomRun => CUSTOM_RUN);

/// What the three kinds of runs have in common.
pub trait Run: super::Object {
    /// The condition of type `Succeeded`
    fn succeeded(&self) -> Option<&Condition>;
    /// When the controller took it up
    fn started(&self) -> Option<Timestamp>;
    /// When it ended
    fn completed(&self) -> Option<Timestamp>;
    /// What it is at
    fn state(&self) -> State {
        State::of(self.succeeded())
    }
    /// How it stands, in tkn's words
    fn verdict(&self) -> Verdict {
        Verdict::of(self.succeeded())
    }
    /// Whether it has ended, well or not
    fn is_done(&self) -> bool {
        self.succeeded().is_some_and(|c| c.status != "Unknown")
    }
}

macro_rules! runs {
    ($($lens:ty),*) => {$(
        impl Run for $lens {
            fn succeeded(&self) -> Option<&Condition> {
                condition(&self.status.conditions, "Succeeded")
            }
            fn started(&self) -> Option<Timestamp> {
                self.status.start_time
            }
            fn completed(&self) -> Option<Timestamp> {
                self.status.completion_time
            }
        }
    )*};
}
runs!(PipelineRun, TaskRun, CustomRun);

/// A run of a Pipeline or Task, which a label of it names.
pub trait RunOf: Run {
    /// Pipeline or Task
    type Parent: super::Object;
    /// The label whose value is the parent's name
    const LABEL: &'static str;
    /// The label of its pods and of whatever else it makes, whose value is its own name
    const OF_CHILDREN: &'static str;
    /// Whether the label's value is the name of such a parent; Tasks of a cluster once carried the same label
    fn is_of_parent(&self) -> bool;
}

impl RunOf for PipelineRun {
    type Parent = super::pipeline::Pipeline;
    const LABEL: &'static str = "tekton.dev/pipeline";
    const OF_CHILDREN: &'static str = "tekton.dev/pipelineRun";
    fn is_of_parent(&self) -> bool {
        true
    }
}

impl RunOf for TaskRun {
    type Parent = super::pipeline::Task;
    const LABEL: &'static str = "tekton.dev/task";
    const OF_CHILDREN: &'static str = "tekton.dev/taskRun";
    fn is_of_parent(&self) -> bool {
        // Tekton writes the kind of every reference to a Task of the cluster; without one it is somebody else's.
        self.spec.task_ref.as_ref().is_some_and(|task| task.kind.as_deref() == Some("Task"))
    }
}

/// A parameter's value: a string, an array of strings, or an object of strings.
#[derive(Clone, Debug, Deserialize)]
pub struct Param {
    /// Name of the parameter
    pub name: String,
    /// JSON string, array or object
    #[serde(default)]
    pub value: Value,
}

/// A reference to a Pipeline or Task: by name, or through a resolver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference {
    /// Name in the same namespace
    pub name: Option<String>,
    /// `Task`, `ClusterTask` or a custom task's kind
    pub kind: Option<String>,
    /// Group and version of a custom task
    pub api_version: Option<String>,
    /// Name of the resolver: `git`, `hub`, …
    pub resolver: Option<String>,
    /// What the resolver is told
    pub params: Vec<Param>,
}

/// A workspace's binding; exactly one source is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkspaceBinding {
    /// Name of the declared workspace
    pub name: String,
    /// Directory below the volume
    pub sub_path: Option<String>,
    /// A claim made for this run
    pub volume_claim_template: Option<Value>,
    /// An existing claim
    pub persistent_volume_claim: Option<Value>,
    /// An empty directory
    pub empty_dir: Option<Value>,
    /// Files from a ConfigMap
    pub config_map: Option<Value>,
    /// Files from a Secret
    pub secret: Option<Value>,
    /// Several sources
    pub projected: Option<Value>,
    /// A CSI volume
    pub csi: Option<Value>,
}

/// A PipelineRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PipelineRun {
    /// Name, labels, …
    pub metadata: Meta,
    /// What to run
    pub spec: PipelineRunSpec,
    /// What became of it
    pub status: PipelineRunStatus,
}

/// `spec` of a PipelineRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineRunSpec {
    /// The Pipeline by reference
    pub pipeline_ref: Option<Reference>,
    /// The Pipeline in place
    pub pipeline_spec: Option<PipelineSpec>,
    /// Parameter values
    pub params: Vec<Param>,
    /// Workspace bindings
    pub workspaces: Vec<WorkspaceBinding>,
    /// Time limits
    pub timeouts: Option<Timeouts>,
    /// `PipelineRunPending`, `Cancelled`, …
    pub status: Option<String>,
    /// Template of its TaskRuns
    pub task_run_template: TaskRunTemplate,
}

/// `spec.timeouts`, as Go durations (`1h30m`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// Of the whole run
    pub pipeline: Option<String>,
    /// Of the tasks
    pub tasks: Option<String>,
    /// Of the finally tasks
    pub finally: Option<String>,
}

/// `spec.taskRunTemplate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRunTemplate {
    /// ServiceAccount of the run's pods
    pub service_account_name: Option<String>,
}

/// `status` of a PipelineRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineRunStatus {
    /// Conditions; read them by type
    pub conditions: Vec<Condition>,
    /// When the controller took it up
    pub start_time: Option<Timestamp>,
    /// When it ended
    pub completion_time: Option<Timestamp>,
    /// Its TaskRuns, CustomRuns and child PipelineRuns
    pub child_references: Vec<ChildReference>,
    /// The Pipeline as it ran
    pub pipeline_spec: Option<PipelineSpec>,
    /// Results of the Pipeline
    pub results: Vec<Param>,
    /// Tasks that did not run, and why
    pub skipped_tasks: Vec<SkippedTask>,
}

/// A child of a PipelineRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChildReference {
    /// `TaskRun`, `CustomRun` or `PipelineRun`
    pub kind: String,
    /// Name of the child
    pub name: String,
    /// Display name, with parameters filled in
    pub display_name: Option<String>,
    /// Name of the task within the Pipeline
    pub pipeline_task_name: String,
}

/// A task that did not run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkippedTask {
    /// Name of the task within the Pipeline
    pub name: String,
    /// Why
    pub reason: String,
}

/// A TaskRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskRun {
    /// Name, labels, …
    pub metadata: Meta,
    /// What to run
    pub spec: TaskRunSpec,
    /// What became of it
    pub status: TaskRunStatus,
}

/// `spec` of a TaskRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRunSpec {
    /// The Task by reference
    pub task_ref: Option<Reference>,
    /// The Task in place
    pub task_spec: Option<TaskSpec>,
    /// Parameter values
    pub params: Vec<Param>,
    /// Workspace bindings
    pub workspaces: Vec<WorkspaceBinding>,
    /// Time limit, a Go duration
    pub timeout: Option<String>,
    /// `TaskRunCancelled`
    pub status: Option<String>,
    /// ServiceAccount of the pod
    pub service_account_name: Option<String>,
    /// How often a failure is tried again
    pub retries: i64,
}

/// `status` of a TaskRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRunStatus {
    /// Conditions; read them by type
    pub conditions: Vec<Condition>,
    /// When the controller took it up
    pub start_time: Option<Timestamp>,
    /// When it ended
    pub completion_time: Option<Timestamp>,
    /// The pod of the current attempt
    pub pod_name: String,
    /// Its steps
    pub steps: Vec<StepState>,
    /// Its sidecars
    pub sidecars: Vec<StepState>,
    /// Results of the Task
    pub results: Vec<Param>,
    /// Earlier attempts, oldest first
    pub retries_status: Vec<TaskRunStatus>,
    /// The Task as it ran
    pub task_spec: Option<TaskSpec>,
}

/// State of a step or sidecar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepState {
    /// Name of the step
    pub name: String,
    /// Name of its container: `step-NAME`
    pub container: String,
    /// Why it ended: `Completed`, `Skipped`, `Continued`, `TimeoutExceeded`, …
    pub termination_reason: Option<String>,
    /// Waiting, running or terminated
    #[serde(flatten)]
    pub state: ContainerState,
}

impl StepState {
    /// The reason of a step that Tekton ended with its TaskRun: it did not end by itself, and its exit code is no process's.
    pub fn ended_with_run(&self) -> Option<&str> {
        let end = self.state.terminated.as_ref()?;
        self.termination_reason.as_deref().or(end.reason.as_deref()).filter(|reason| reason.starts_with("TaskRun"))
    }
}

/// A CustomRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CustomRun {
    /// Name, labels, …
    pub metadata: Meta,
    /// What to run
    pub spec: CustomRunSpec,
    /// What became of it
    pub status: CustomRunStatus,
}

/// `spec` of a CustomRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomRunSpec {
    /// The custom task by reference
    pub custom_ref: Option<Reference>,
    /// The custom task in place
    pub custom_spec: Option<Value>,
    /// Parameter values
    pub params: Vec<Param>,
    /// Workspace bindings
    pub workspaces: Vec<WorkspaceBinding>,
    /// Time limit, a Go duration
    pub timeout: Option<String>,
    /// `RunCancelled`
    pub status: Option<String>,
    /// ServiceAccount given to the controller
    pub service_account_name: Option<String>,
}

/// `status` of a CustomRun.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomRunStatus {
    /// Conditions; read them by type
    pub conditions: Vec<Condition>,
    /// When its controller took it up
    pub start_time: Option<Timestamp>,
    /// When it ended
    pub completion_time: Option<Timestamp>,
    /// Results
    pub results: Vec<Param>,
    /// Fields that its controller adds
    pub extra_fields: IndexMap<String, Value>,
}
