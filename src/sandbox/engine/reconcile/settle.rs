//! What an earlier process left under way when it was killed: settled for whoever opens the sandbox next, also to look
//! only. Nothing is started here; what can go on goes on with the next engine.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::super::attempts::Attempts;
use super::super::condition::{Condition, is_done};
use super::super::left::Left;
use super::super::object::{items, label, name, namespace, text};
use super::super::pipelinerun::{MEMBER_OF, OF_FINALLY};
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
    let mut controller = Controller::new(store.lazy(), Attempts::new(Arc::new(Nobody), logs, reports), Left::default());
    for run in &task_runs {
        let plan = controller.plan(&kinds::TASK_RUN, run)?;
        if starts_something(&plan) {
            controller.mark_as_left(&kinds::TASK_RUN, run, WAITS.to_owned())?;
        } else {
            controller.carry_out(&kinds::TASK_RUN, run, plan)?;
        }
    }
    for run in &pipeline_runs {
        let plan = controller.plan(&kinds::PIPELINE_RUN, run)?;
        if ends(&plan) && !starts_something(&plan) {
            controller.carry_out(&kinds::PIPELINE_RUN, run, plan)?;
        } else {
            let message = controller.what_is_left(run, &plan)?;
            controller.mark_as_left(&kinds::PIPELINE_RUN, run, message)?;
        }
    }
    store.flush()
}

/// What is said of a run that goes on where it was left.
const WAITS: &str = "the sandbox stopped while this run was under way; it goes on when the sandbox is started or a command follows it";

/// Runs nothing; no plan that is carried out here asks for it.
struct Nobody;

impl Executor for Nobody {
    fn start(&self, _: TaskExecution, _: mpsc::Sender<TaskEvent>, _: watch::Receiver<bool>) {}
}

impl Controller {
    /// What is said of a PipelineRun that waits for an engine: what is lost, and what that has still to do.
    fn what_is_left(&mut self, run: &Value, plan: &Plan) -> Result<String, StoreError> {
        let lost = self.lost_tasks(run, plan)?;
        if lost.is_empty() || !only_ends_with_finally(plan) {
            return Ok(WAITS.to_owned());
        }
        Ok(format!(
            "the sandbox stopped while task {} was at work, and it has failed by that; only the finally tasks are still to come, \
             when the sandbox is started or a command follows the run",
            lost.join(" and ")
        ))
    }

    /// Says of a run that has begun and not ended that it waits for an engine.
    fn mark_as_left(&mut self, kind: &'static Kind, run: &Value, message: String) -> Result<(), StoreError> {
        let left = Condition::ongoing(INTERRUPTED, message);
        let written = self.store.update(kind, namespace(run), name(run), |object| {
            let waits = text(object, "/spec/status").ends_with("RunPending") || text(object, "/status/startTime").is_empty();
            if !waits && !is_done(object) {
                left.write(&mut object["status"], Timestamp::now());
            }
        })?;
        if let Some(written) = written {
            self.cache.wrote(kind, &written);
        }
        Ok(())
    }

    /// Names of the run's tasks whose steps died with the sandbox.
    fn lost_tasks(&self, run: &Value, plan: &Plan) -> Result<Vec<String>, StoreError> {
        let status = plan.actions.iter().find_map(|action| match action {
            Action::Update { status, .. } => Some(status),
            _ => None,
        });
        let is_lost = |child: &&Value| {
            let task_run = self.cache.get(&kinds::TASK_RUN, namespace(run), text(child, "/name"));
            let condition = task_run.as_deref().and_then(Condition::of);
            condition.is_some_and(|condition| condition.is_final() && condition.reason == INTERRUPTED)
        };
        let children = items(status.unwrap_or(&run["status"]), "/childReferences").iter();
        let mut lost: Vec<String> = children.filter(is_lost).map(|child| text(child, "/pipelineTaskName").to_owned()).collect();
        lost.dedup();
        self.cache.check()?;
        Ok(lost)
    }
}

/// Whether what comes next are finally tasks and nothing else.
fn only_ends_with_finally(plan: &Plan) -> bool {
    let mut made = plan.actions.iter().filter_map(|action| match action {
        Action::Create { object, .. } => Some(label(object, MEMBER_OF) == OF_FINALLY),
        _ => None,
    });
    made.next() == Some(true) && made.all(|is_final| is_final)
}

fn starts_something(plan: &Plan) -> bool {
    plan.actions.iter().any(|action| matches!(action, Action::Create { .. } | Action::Launch { .. } | Action::Hold { .. }))
}

fn ends(plan: &Plan) -> bool {
    let is_final = |status: &Value| Condition::of_status(status).is_some_and(|condition| condition.is_final());
    plan.actions.iter().any(|action| matches!(action, Action::Update { status, .. } if is_final(status)))
}
