//! What an earlier process left under way when it was killed: settled for whoever opens the sandbox next, also to look
//! only. Nothing is started here; what can go on goes on with the next engine.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::super::attempts::Attempts;
use super::super::condition::{Condition, is_done};
use super::super::object::{name, namespace, text};
use super::super::plan::{Action, Plan};
use super::super::taskrun::INTERRUPTED;
use super::Controller;
use crate::kinds::{self, Kind};
use crate::sandbox::executor::{Executor, TaskEvent, TaskExecution};
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Store, StoreError};

/// Ends the TaskRuns whose steps died with an earlier process, and the PipelineRuns that end by that; of the others that had
/// begun it says that nobody is at work on them. To be called by whoever has the store, before an engine runs on it.
pub fn settle(store: &Store, logs: LogDir) -> Result<(), StoreError> {
    let (task_runs, pipeline_runs) = (store.unfinished(&kinds::TASK_RUN)?, store.unfinished(&kinds::PIPELINE_RUN)?);
    if task_runs.is_empty() && pipeline_runs.is_empty() {
        return Ok(());
    }
    let (reports, _) = mpsc::unbounded_channel();
    let mut controller = Controller::new(store.lazy(), Attempts::new(Arc::new(Nobody), logs, reports));
    for run in &task_runs {
        controller.settle(&kinds::TASK_RUN, run, |plan| !starts_something(plan))?;
    }
    for run in &pipeline_runs {
        controller.settle(&kinds::PIPELINE_RUN, run, |plan| ends(plan) && !starts_something(plan))?;
        controller.mark_as_left(run)?;
    }
    store.flush()
}

/// Runs nothing; no plan that is carried out here asks for it.
struct Nobody;

impl Executor for Nobody {
    fn start(&self, _: TaskExecution, _: mpsc::Sender<TaskEvent>, _: watch::Receiver<bool>) {}
}

impl Controller {
    /// Carries out the plan for a run, if it is wanted.
    fn settle(&mut self, kind: &'static Kind, run: &Value, wanted: impl Fn(&Plan) -> bool) -> Result<(), StoreError> {
        let plan = self.plan(kind, run)?;
        if wanted(&plan) { self.carry_out(kind, run, plan) } else { Ok(()) }
    }

    /// Says of a PipelineRun that has begun and not ended that it waits for an engine.
    fn mark_as_left(&mut self, run: &Value) -> Result<(), StoreError> {
        let message = "the sandbox stopped while this run was under way; it goes on when the sandbox is started, or a command starts or follows a run in it";
        let left = Condition::ongoing(INTERRUPTED, message);
        let written = self.store.update(&kinds::PIPELINE_RUN, namespace(run), name(run), |object| {
            let waits = text(object, "/spec/status") == "PipelineRunPending" || text(object, "/status/startTime").is_empty();
            if !waits && !is_done(object) {
                left.write(&mut object["status"], Timestamp::now());
            }
        })?;
        if let Some(written) = written {
            self.cache.wrote(&kinds::PIPELINE_RUN, &written);
        }
        Ok(())
    }
}

fn starts_something(plan: &Plan) -> bool {
    plan.actions.iter().any(|action| matches!(action, Action::Create { .. } | Action::Launch { .. } | Action::Hold { .. }))
}

fn ends(plan: &Plan) -> bool {
    let is_final = |status: &Value| Condition::of_status(status).is_some_and(|condition| condition.is_final());
    plan.actions.iter().any(|action| matches!(action, Action::Update { status, .. } if is_final(status)))
}
