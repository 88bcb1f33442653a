//! How far the steps of an attempt are, from what the executor tells, and what that makes of the TaskRun's and the pod's
//! status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::condition::{Condition, Failure};
use super::super::names;
use super::super::object::{annotation, items, stamp, text};
use super::super::pipelinerun::ON_ERROR_ANNOTATION;
use super::super::plan::{Draft, Plan};
use super::super::spec::{TaskResult, TaskSpec};
use super::super::value::{ParamSpec, ParamValue};
use super::{pod, retry_status};
use crate::sandbox::executor::{StepEnd, TaskEvent};

/// How far a step is.
#[derive(Clone, Debug)]
enum StepState {
    Waiting,
    Running(Timestamp),
    Ended { started: Timestamp, at: Timestamp, exit_code: i32, end: StepEnd, results: BTreeMap<String, String> },
}

/// How an attempt ended.
#[derive(Clone, Debug)]
enum Ending {
    Ended { at: Timestamp, results: BTreeMap<String, String> },
    Refused(String),
}

/// How far an attempt is.
#[derive(Clone, Debug)]
pub struct Progress {
    steps: Vec<StepState>,
    ending: Option<Ending>,
}

impl Progress {
    /// An attempt whose steps all wait.
    pub fn new(steps: usize) -> Self {
        Self { steps: vec![StepState::Waiting; steps], ending: None }
    }

    /// Takes in what the executor told. Unlike on a cluster, where the containers of all steps start together and wait
    /// inside, a step counts as running only when it runs: its log exists from then on.
    pub fn apply(&mut self, event: TaskEvent) {
        let (step, state) = match event {
            TaskEvent::StepStarted { step, at } => (step, StepState::Running(at)),
            TaskEvent::StepEnded { step, started, at, exit_code, end, results } => {
                (step, StepState::Ended { started, at, exit_code, end, results })
            }
            TaskEvent::TaskEnded { at, results } => return self.ending = Some(Ending::Ended { at, results }),
            TaskEvent::Refused { message } => return self.ending = Some(Ending::Refused(message)),
        };
        if let Some(slot) = self.steps.get_mut(step) {
            *slot = state;
        }
    }

    /// Whether the executor is done.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether there is something to write: not between the end of a step and what follows at once, the start of the
    /// next one or the end of the task.
    pub fn is_worth_telling(&self) -> bool {
        self.has_ended() || self.steps.iter().any(StepState::is_running)
    }

    /// Why the executor would not run the task, when nothing of it ran.
    pub fn refusal(&self) -> Option<&str> {
        match &self.ending {
            Some(Ending::Refused(message)) if self.steps.iter().all(|s| matches!(s, StepState::Waiting)) => Some(message),
            _ => None,
        }
    }

    fn began(&self) -> bool {
        !self.steps.iter().all(|step| matches!(step, StepState::Waiting))
    }

    /// Whether a step makes the task fail.
    fn failed(&self) -> bool {
        self.steps.iter().any(StepState::failed) || matches!(self.ending, Some(Ending::Refused(_)))
    }

    /// Writes the pod's status.
    pub fn write_pod(&self, object: &mut Value) {
        let containers = items(object, "/spec/containers").to_vec();
        let statuses: Vec<Value> =
            containers.iter().zip(&self.steps).map(|(c, step)| pod::container_status(c, step.state(false), step.is_running())).collect();
        object["status"]["containerStatuses"] = Value::from(statuses);
        let phase = match () {
            () if self.has_ended() && self.failed() => "Failed",
            () if self.has_ended() => "Succeeded",
            () if self.began() => "Running",
            () => "Pending",
        };
        if let Some(Ending::Refused(message)) = &self.ending {
            object["status"]["message"] = json!(message);
        }
        object["status"]["phase"] = json!(phase);
    }

    /// What to write of the TaskRun.
    pub fn plan(&self, run: &Value, draft: Draft) -> Plan {
        let mut draft = draft;
        let spec: TaskSpec = super::read(&draft.status, "/taskSpec").unwrap_or_default();
        draft.status["steps"] = Value::from(self.step_states(&spec));
        match &self.ending {
            None if self.began() => draft.conclude(&Condition::ongoing("Running", "Not all Steps in the Task have finished executing")),
            None => {}
            Some(Ending::Refused(message)) => draft.conclude(&Condition::failed("PodCreationFailed", message.clone())),
            Some(Ending::Ended { at, results }) => {
                let condition = self.condition(run, &spec);
                let (results, failure) = self.results(&spec, results);
                if !results.is_empty() {
                    draft.status["results"] = Value::from(results);
                }
                draft.status["completionTime"] = stamp(*at);
                draft.conclude(&failure.map_or(condition, |failure| failure.condition()));
            }
        }
        let retries = run.pointer("/spec/retries").and_then(Value::as_u64).unwrap_or_default();
        let now = draft.clock.now;
        retry_status(&mut draft.status, usize::try_from(retries).unwrap_or_default(), now);
        draft.finish(run, None)
    }

    fn step_states(&self, spec: &TaskSpec) -> Vec<Value> {
        let of_step = |(index, state): (usize, &StepState)| {
            let step = spec.steps.get(index);
            let name = step.map_or("", |step| step.name.as_str());
            let mut status = state.state(true);
            status["name"] = json!(super::execution::step_name(name, index));
            status["container"] = json!(names::container(name, index));
            if let StepState::Ended { end, results, .. } = state {
                status["terminationReason"] = json!(termination_reason(*end));
                let declared = step.map_or(&[][..], |step| &step.results);
                let results: Vec<Value> = declared.iter().filter_map(|r| Some(result_json(r, results.get(&r.name)?))).collect();
                if !results.is_empty() {
                    status["results"] = Value::from(results);
                }
            }
            status
        };
        self.steps.iter().enumerate().map(of_step).collect()
    }

    /// The condition of an attempt that has ended.
    fn condition(&self, run: &Value, spec: &TaskSpec) -> Condition {
        let failing = self.steps.iter().enumerate().find(|(_, step)| step.failed());
        let Some((index, StepState::Ended { exit_code, end, .. })) = failing else {
            return Condition::succeeded("Succeeded", "All Steps have completed executing");
        };
        let container = names::container(spec.steps.get(index).map_or("", |step| step.name.as_str()), index);
        let message = match end {
            StepEnd::TimedOut => format!("{container:?} exited because the step exceeded the specified timeout limit"),
            _ => format!("{container:?} exited with code {exit_code}: Error"),
        };
        let ignored = annotation(run, ON_ERROR_ANNOTATION) == "continue";
        Condition::failed(if ignored { "FailureIgnored" } else { "StepFailed" }, message)
    }

    /// The task's results with their types, and the failure that wrong ones come to.
    fn results(&self, spec: &TaskSpec, written: &BTreeMap<String, String>) -> (Vec<Value>, Option<Failure>) {
        let mut found: Vec<(&TaskResult, Value)> = Vec::new();
        for declared in &spec.results {
            let text = written.get(&declared.name).or_else(|| self.of_step_result(spec, declared));
            found.extend(text.map(|text| (declared, result_json(declared, text))));
        }
        let (right, wrong): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(declared, result)| declared.type_name() == text(result, "/type"));
        let mut wrong: Vec<String> = wrong
            .iter()
            .map(|(declared, result)| {
                format!(
                    " {:?}: task result is expected to be {:?} type but was initialized to a different type {:?}",
                    declared.name,
                    declared.type_name(),
                    text(result, "/type")
                )
            })
            .collect();
        wrong.sort_unstable();
        let failure = if wrong.is_empty() {
            missing_keys(&right).map(|keys| format!("missing keys for these results which are required in TaskResult's properties {keys}"))
        } else {
            Some(format!(
                "Provided results don't match declared results; may be invalid JSON or missing result declaration: {}",
                wrong.join(",")
            ))
        };
        let failure = failure.map(|message| Failure::user("TaskRunValidationFailed", message));
        let mut results: Vec<Value> = right.into_iter().map(|(_, result)| result).collect();
        results.sort_by(|a, b| text(a, "/name").cmp(text(b, "/name")));
        (results, failure)
    }

    /// The step's result that a task's result is made from.
    fn of_step_result(&self, spec: &TaskSpec, declared: &TaskResult) -> Option<&String> {
        let (step, result) = declared.step_result()?;
        let position = spec.steps.iter().position(|candidate| candidate.name == step)?;
        match self.steps.get(position)? {
            StepState::Ended { results, .. } => results.get(result),
            _ => None,
        }
    }
}

impl StepState {
    fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    fn failed(&self) -> bool {
        matches!(self, Self::Ended { end, .. } if !matches!(end, StepEnd::Completed | StepEnd::Continued))
    }

    /// The state of the step, or of its container: there a step that failed and lets the task go on ended well.
    fn state(&self, of_step: bool) -> Value {
        match self {
            Self::Waiting => json!({"waiting": {"reason": "PodInitializing"}}),
            Self::Running(at) => json!({"running": {"startedAt": stamp(*at)}}),
            Self::Ended { started, at, exit_code, end, .. } => {
                let exit_code = if !of_step && *end == StepEnd::Continued { 0 } else { *exit_code };
                json!({"terminated": {
                    "exitCode": exit_code,
                    "finishedAt": stamp(*at),
                    "reason": if self.failed() { "Error" } else { "Completed" },
                    "startedAt": stamp(*started),
                }})
            }
        }
    }
}

fn termination_reason(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Completed => "Completed",
        StepEnd::Continued => "Continued",
        StepEnd::Failed => "Error",
        StepEnd::Skipped => "Skipped",
        StepEnd::TimedOut => "TimeoutExceeded",
        StepEnd::Cancelled => "Cancelled",
    }
}

/// A result as a status lists it. Only a declared string is taken as it is; anything else is read as JSON.
fn result_json(declared: &TaskResult, written: &str) -> Value {
    let value = match (declared.type_name(), serde_json::from_str::<Value>(written)) {
        ("string", _) | (_, Err(_)) => ParamValue::String(written.to_owned()),
        (_, Ok(json)) => ParamValue::of(&json),
    };
    json!({"name": declared.name, "type": value.type_name(), "value": value.to_json()})
}

/// Declared keys that object results lack, as Go prints such a map.
fn missing_keys(results: &[(&TaskResult, Value)]) -> Option<String> {
    let declared = |result: &TaskResult| ParamSpec {
        name: result.name.clone(),
        kind: Some(result.type_name().to_owned()),
        properties: result.properties.clone().map(|properties| properties.into_iter().collect()),
        default: None,
    };
    let specs: Vec<ParamSpec> = results.iter().map(|(result, _)| declared(result)).collect();
    let given = results.iter().map(|(result, json)| super::super::value::Param {
        name: result.name.clone(),
        value: ParamValue::of(json.get("value").unwrap_or(&Value::Null)),
    });
    super::super::params::missing_keys(&specs, &given.collect::<Vec<_>>())
}
