//! An executor for tests: instead of running scripts it reads them. One order per line: `result NAME=VALUE`,
//! `step-result NAME=VALUE`, `exit CODE`, `hang` (until stopped), `slow` (a moment), `overtime`, `refuse MESSAGE`; other
//! lines are nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::sandbox::executor::{Executor, StepEnd, StepExecution, TaskEvent, TaskExecution};

/// Reads scripts, and keeps what it was given.
#[derive(Clone, Default)]
pub struct FakeExecutor {
    given: Arc<Mutex<Vec<TaskExecution>>>,
    stopped: Arc<Mutex<Vec<String>>>,
}

impl FakeExecutor {
    /// What it was given so far.
    pub fn given(&self) -> Vec<TaskExecution> {
        self.given.lock().expect("no test panics while it holds this").clone()
    }

    /// Names of the TaskRuns whose steps were stopped.
    pub fn stopped(&self) -> Vec<String> {
        self.stopped.lock().expect("no test panics while it holds this").clone()
    }
}

impl Executor for FakeExecutor {
    fn start(&self, task: TaskExecution, events: mpsc::Sender<TaskEvent>, stop: watch::Receiver<bool>) {
        self.given.lock().expect("no test panics while it holds this").push(task.clone());
        let stopped = self.stopped.clone();
        tokio::spawn(async move {
            let name = task.task_run.clone();
            if play(task, events, stop).await {
                stopped.lock().expect("no test panics while it holds this").push(name);
            }
        });
    }
}

#[derive(Default)]
struct Played {
    exit_code: i32,
    end: Option<StepEnd>,
    results: BTreeMap<String, String>,
}

/// Plays a task; returns whether it was stopped.
async fn play(task: TaskExecution, events: mpsc::Sender<TaskEvent>, mut stop: watch::Receiver<bool>) -> bool {
    let mut results = BTreeMap::new();
    let mut failed = None;
    for (step, execution) in task.steps.iter().enumerate() {
        let started = Timestamp::now();
        if let Some(message) = order(execution, "refuse") {
            let _ = events.send(TaskEvent::Refused { message: message.to_owned() }).await;
            return false;
        }
        let played = match failed {
            Some(end) => Played { exit_code: 1, end: Some(end), ..Played::default() },
            None => {
                let _ = events.send(TaskEvent::StepStarted { step, at: started }).await;
                read(execution, &mut results, &mut stop).await
            }
        };
        let end = played.end.unwrap_or(if played.exit_code == 0 { StepEnd::Completed } else { StepEnd::Failed });
        let end = if end == StepEnd::Failed && execution.continue_on_error { StepEnd::Continued } else { end };
        match end {
            StepEnd::Failed | StepEnd::TimedOut => failed = Some(StepEnd::Skipped),
            StepEnd::Cancelled => failed = Some(StepEnd::Cancelled),
            _ => {}
        }
        let event = TaskEvent::StepEnded { step, started, at: Timestamp::now(), exit_code: played.exit_code, end, results: played.results };
        let _ = events.send(event).await;
    }
    let _ = events.send(TaskEvent::TaskEnded { at: Timestamp::now(), results }).await;
    failed == Some(StepEnd::Cancelled)
}

fn order<'a>(step: &'a StepExecution, word: &str) -> Option<&'a str> {
    let script = step.script.as_deref().unwrap_or_default();
    script.lines().find_map(|line| line.strip_prefix(word).map(str::trim))
}

async fn read(step: &StepExecution, results: &mut BTreeMap<String, String>, stop: &mut watch::Receiver<bool>) -> Played {
    let mut played = Played::default();
    for line in step.script.as_deref().unwrap_or_default().lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pair = rest.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        match word {
            "result" => results.extend(pair),
            "step-result" => played.results.extend(pair),
            "exit" => played.exit_code = rest.parse().unwrap_or(1),
            "overtime" => (played.exit_code, played.end) = (1, Some(StepEnd::TimedOut)),
            "slow" => tokio::time::sleep(Duration::from_millis(150)).await,
            "hang" => {
                let _ = stop.wait_for(|stop| *stop).await;
                (played.exit_code, played.end) = (137, Some(StepEnd::Cancelled));
            }
            _ => {}
        }
    }
    played
}
