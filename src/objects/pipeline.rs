//! Lenses on Pipeline and Task, and on their specs where a run carries them (`tekton.dev/v1`).

use serde::Deserialize;
use serde_json::Value;

use super::meta::Meta;
use super::objects;
use super::run::{Param, Reference};

objects!(Pipeline => PIPELINE, Task => TASK);

/// A Pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pipeline {
    /// Name, labels, …
    pub metadata: Meta,
    /// Its tasks and what they need
    pub spec: PipelineSpec,
}

/// `spec` of a Pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineSpec {
    /// For people
    pub description: Option<String>,
    /// Parameters that a run gives
    pub params: Vec<ParamSpec>,
    /// Workspaces that a run binds
    pub workspaces: Vec<WorkspaceDeclaration>,
    /// Results of a run
    pub results: Vec<ResultSpec>,
    /// Tasks, in the author's order
    pub tasks: Vec<PipelineTask>,
    /// Tasks that run when the others are over
    pub finally: Vec<PipelineTask>,
}

/// A declared parameter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ParamSpec {
    /// Name
    pub name: String,
    /// `string`, `array` or `object`; string when absent
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// For people
    pub description: Option<String>,
    /// JSON string, array or object
    pub default: Option<Value>,
}

/// A declared workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkspaceDeclaration {
    /// Name
    pub name: String,
    /// For people
    pub description: Option<String>,
    /// Whether a run may leave it out
    pub optional: bool,
    /// Path in the steps, when it is not `/workspace/NAME`
    pub mount_path: Option<String>,
}

/// A declared result.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResultSpec {
    /// Name
    pub name: String,
    /// `string`, `array` or `object`
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// For people
    pub description: Option<String>,
}

/// A task within a Pipeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineTask {
    /// Name within the Pipeline
    pub name: String,
    /// Name for people
    pub display_name: Option<String>,
    /// The Task by reference
    pub task_ref: Option<Reference>,
    /// The Task in place
    pub task_spec: Option<TaskSpec>,
    /// A child Pipeline by reference
    pub pipeline_ref: Option<Reference>,
    /// Tasks that end before this one starts
    pub run_after: Vec<String>,
    /// Time limit, a Go duration
    pub timeout: Option<String>,
    /// How often a failure is tried again
    pub retries: i64,
    /// Parameter values
    pub params: Vec<Param>,
    /// Fan-out over parameters
    pub matrix: Option<Value>,
    /// Conditions under which it runs
    pub when: Option<Value>,
    /// What its Task's workspaces are within the Pipeline
    pub workspaces: Vec<WorkspaceUse>,
}

/// A workspace of a Task that a task of a Pipeline binds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkspaceUse {
    /// Name that the Task declares
    pub name: String,
    /// Name that the Pipeline declares; the same when absent
    pub workspace: Option<String>,
}

impl WorkspaceUse {
    /// The Pipeline's workspace.
    pub fn of_pipeline(&self) -> &str {
        self.workspace.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.name)
    }
}

/// A Task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Name, labels, …
    pub metadata: Meta,
    /// Its steps and what they need
    pub spec: TaskSpec,
}

/// `spec` of a Task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSpec {
    /// For people
    pub description: Option<String>,
    /// Parameters that a run gives
    pub params: Vec<ParamSpec>,
    /// Workspaces that a run binds
    pub workspaces: Vec<WorkspaceDeclaration>,
    /// Results of a run
    pub results: Vec<ResultSpec>,
    /// Steps in order
    pub steps: Vec<Step>,
    /// Containers beside the steps
    pub sidecars: Vec<Step>,
}

/// A step or sidecar.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Name; `unnamed-INDEX` when empty
    pub name: String,
    /// Image
    pub image: Option<String>,
    /// Its script, for a step that has one
    pub script: Option<String>,
}
