//! Whole runs against a real store, with scripted steps. Conditions, reasons and messages are those that a cluster with
//! Tekton Pipelines v1.15 gave for the same runs.

mod matrix;
mod pipeline_runs;
mod task_runs;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::condition::{Condition, is_done};
use super::fake::FakeExecutor;
use super::left::Left;
use super::object::{items, text};
use crate::kinds::{self, Kind};
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Store, StoreError};

/// A store with an engine on it.
struct World {
    dir: tempfile::TempDir,
    store: Store,
    executor: FakeExecutor,
    stop: watch::Sender<bool>,
    engine: JoinHandle<Result<Vec<String>, StoreError>>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).expect("a store");
        let executor = FakeExecutor::default();
        let (stop, stopped) = watch::channel(false);
        let engine = super::run(store.clone(), LogDir::new(dir.path()), Arc::new(executor.clone()), Left::default(), stopped);
        Self { dir, store, executor, stop, engine: tokio::spawn(engine) }
    }

    fn create(&self, kind: &'static Kind, name: &str, spec: Value) {
        let mut object = json!({"metadata": {"name": name, "namespace": "ns"}, "spec": spec});
        super::admit(kind, &mut object).expect("admitted");
        self.store.create(kind, object).expect("created");
    }

    fn plain(&self, kind: &'static Kind, mut object: Value) {
        object["metadata"]["namespace"] = json!("ns");
        self.store.create(kind, object).expect("created");
    }

    fn get(&self, kind: &'static Kind, name: &str) -> Value {
        self.store.get(kind, "ns", name).expect("readable").unwrap_or_default()
    }

    async fn until(&self, kind: &'static Kind, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut changes = self.store.subscribe();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let object = self.get(kind, name);
            if holds(&object) {
                return object;
            }
            let waited = tokio::time::timeout_at(deadline, changes.recv()).await;
            assert!(waited.is_ok(), "it did not come to that: {object:#}");
        }
    }

    async fn end_of(&self, kind: &'static Kind, name: &str) -> Value {
        self.until(kind, name, is_done).await
    }

    async fn pipeline_run(&self, spec: Value) -> Value {
        self.create(&kinds::PIPELINE_RUN, "run", spec);
        self.end_of(&kinds::PIPELINE_RUN, "run").await
    }

    async fn task_run(&self, spec: Value) -> Value {
        self.create(&kinds::TASK_RUN, "run", spec);
        self.end_of(&kinds::TASK_RUN, "run").await
    }

    fn patch(&self, kind: &'static Kind, name: &str, status: &str) {
        let changed = self.store.update(kind, "ns", name, |object| object["spec"]["status"] = json!(status));
        assert!(changed.expect("updated").is_some());
    }
}

fn steps(script: &str) -> Value {
    json!({"steps": [{"name": "s", "image": "i", "script": script}]})
}

fn task(name: &str, script: &str) -> Value {
    json!({"name": name, "taskSpec": steps(script)})
}

/// `status reason message` of a run.
fn told(run: &Value) -> String {
    let condition = Condition::of(run).expect("a condition");
    format!("{} {} {}", condition.status.word(), condition.reason, condition.message)
}

fn children(run: &Value) -> Vec<&str> {
    items(run, "/status/childReferences").iter().map(|child| text(child, "/name")).collect()
}

fn skipped(run: &Value) -> Vec<String> {
    let entry = |s: &Value| format!("{}: {}", text(s, "/name"), text(s, "/reason"));
    items(run, "/status/skippedTasks").iter().map(entry).collect()
}

fn is_running(run: &Value) -> bool {
    Condition::of(run).is_some_and(|c| c.reason == "Running")
}
