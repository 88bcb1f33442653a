//! Carrying out plans: writing objects and events, starting and stopping steps.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::cache::key_of;
use super::super::condition::{Condition, is_done};
use super::super::events;
use super::super::object::{is_owned_by, map_mut, name, namespace, owner_name, uid};
use super::super::plan::{Action, Clock, Event, Plan};
use super::Controller;
use crate::kinds::{self, Kind};
use crate::sandbox::store::StoreError;

impl Controller {
    /// Carries out the plan for a run.
    pub(super) fn carry_out(&mut self, kind: &'static Kind, run: &Value, plan: Plan) -> Result<(), StoreError> {
        let key = key_of(kind, run);
        self.waiting.remove(&key);
        for action in plan.actions {
            self.act(kind, run, action)?;
        }
        if let Some(at) = plan.wake {
            self.wakes.insert((at, key));
        }
        Ok(())
    }

    pub(super) fn act(&mut self, kind: &'static Kind, run: &Value, action: Action) -> Result<(), StoreError> {
        match action {
            Action::Create { kind, object } => self.create(kind, run, object),
            Action::Cancel { task_run, message } => self.cancel(namespace(run), &task_run, message),
            Action::Event(event) => self.record(run, &event, "Tekton"),
            Action::Update { status, labels, annotations } => self.update(kind, run, status, labels, annotations),
            Action::Launch { pod, mut execution } => {
                if let Some(pod) = self.put_pod(pod)? {
                    execution.pod_uid = uid(&pod).to_owned();
                    self.attempts.start(key_of(kind, run), *execution);
                }
                Ok(())
            }
            Action::Hold { pod, event } => {
                self.waiting.insert(key_of(kind, run));
                let before = self.cache.get(&kinds::POD, namespace(&pod), name(&pod));
                let changed = before.is_none_or(|before| before.pointer("/status/conditions") != pod.pointer("/status/conditions"));
                match self.put_pod(pod)? {
                    Some(pod) if changed => self.record(&pod, &event, "default-scheduler"),
                    _ => Ok(()),
                }
            }
            Action::Bury { pod } => self.put_pod(pod).map(drop),
            Action::Stop { pod } => {
                self.attempts.stop(namespace(run), &pod);
                self.store.delete(&kinds::POD, namespace(run), &pod).map(drop)
            }
        }
    }

    fn update(
        &mut self,
        kind: &'static Kind,
        run: &Value,
        status: Value,
        labels: Map<String, Value>,
        annotations: Map<String, Value>,
    ) -> Result<(), StoreError> {
        let written = self.store.update(kind, namespace(run), name(run), |object| {
            object["status"] = status;
            if let Some(metadata) = object.get_mut("metadata") {
                for (field, added) in [("labels", labels), ("annotations", annotations)].into_iter().filter(|(_, added)| !added.is_empty())
                {
                    map_mut(metadata, field).extend(added);
                }
            }
        })?;
        if let Some(written) = written {
            self.updated(kind, run, &written);
        }
        Ok(())
    }

    /// After a run's status was written: who else has to look, and when it started.
    fn updated(&mut self, kind: &'static Kind, before: &Value, run: &Arc<Value>) {
        let revision = self.cache.wrote(kind, run);
        self.own.insert(revision);
        let now = Timestamp::now();
        let changed = |field: &str| before.pointer(field) != run.pointer(field);
        if is_done(run) {
            self.let_go(run);
            let owner = owner_name(run, &kinds::PIPELINE_RUN);
            let owner = owner.and_then(|owner| self.cache.get(&kinds::PIPELINE_RUN, namespace(run), owner));
            // What belongs to a PipelineRun is looked at until that has ended.
            if owner.is_none_or(|owner| is_done(&owner)) {
                self.cache.forget(kind, run);
            }
        } else {
            let clock = self.starts.entry(uid(run).to_owned()).or_insert(Clock::at(now));
            if changed("/status/startTime") {
                clock.started = Some(now);
            }
            if changed("/status/finallyStartTime") {
                clock.finally_started = Some(now);
            }
        }
        if *kind == kinds::TASK_RUN {
            if is_done(run) {
                self.queue_owner(run);
            }
            if Condition::of(run).is_some_and(|condition| condition.reason == "ToBeRetried") {
                self.queue.insert(key_of(kind, run));
            }
        }
    }

    pub(super) fn queue_owner(&mut self, run: &Value) {
        if let Some(owner) = owner_name(run, &kinds::PIPELINE_RUN) {
            self.queue.insert((kinds::PIPELINE_RUN.kind, namespace(run).to_owned(), owner.to_owned()));
        }
    }

    fn create(&mut self, kind: &'static Kind, run: &Value, object: Value) -> Result<(), StoreError> {
        match self.store.create(kind, object) {
            Ok(created) => {
                let revision = self.cache.wrote(kind, &created);
                if *kind == kinds::TASK_RUN {
                    self.own.insert(revision);
                    self.queue.insert(key_of(kind, &created));
                } else if *kind == kinds::PERSISTENT_VOLUME_CLAIM {
                    self.bind(&created)?;
                }
                Ok(())
            }
            Err(StoreError::Exists { kind, name }) => {
                let found = self.cache.get(kind, namespace(run), &name);
                if found.is_some_and(|found| is_owned_by(&found, run)) {
                    return Ok(());
                }
                let message = format!("Failed to create {} {name:?}: it already exists and belongs to something else", kind.kind);
                self.record(run, &Event::warning("TaskRunsCreationFailed", message), "Tekton")
            }
            Err(error) => Err(error),
        }
    }

    fn cancel(&mut self, namespace: &str, task_run: &str, message: &str) -> Result<(), StoreError> {
        let written = self.store.update(&kinds::TASK_RUN, namespace, task_run, |object| {
            if !is_done(object) {
                object["spec"]["status"] = json!("TaskRunCancelled");
                object["spec"]["statusMessage"] = json!(message);
            }
        })?;
        if let Some(written) = written {
            let revision = self.cache.wrote(&kinds::TASK_RUN, &written);
            self.own.insert(revision);
            self.queue.insert(key_of(&kinds::TASK_RUN, &written));
        }
        Ok(())
    }

    fn record(&mut self, about: &Value, event: &Event, component: &str) -> Result<(), StoreError> {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let object = events::object(about, event, component, &unique[..16], Timestamp::now());
        self.store.create(&kinds::EVENT, object).map(drop)
    }

    /// Makes a pod, or writes the status of one that is there.
    fn put_pod(&mut self, pod: Value) -> Result<Option<Arc<Value>>, StoreError> {
        let written = if uid(&pod).is_empty() {
            match self.store.create(&kinds::POD, pod.clone()) {
                // One of an attempt that never started, from a process that died in between.
                Err(StoreError::Exists { .. }) => {
                    self.store.delete(&kinds::POD, namespace(&pod), name(&pod))?;
                    Some(self.store.create(&kinds::POD, pod)?)
                }
                created => Some(created?),
            }
        } else {
            let status = pod.get("status").cloned().unwrap_or_default();
            self.store.update(&kinds::POD, namespace(&pod), name(&pod), |object| object["status"] = status)?
        };
        if let Some(written) = &written {
            self.cache.wrote(&kinds::POD, written);
        }
        Ok(written)
    }
}
