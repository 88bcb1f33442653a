//! The attempts of TaskRuns whose steps run in this process.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::cache::Key;
use super::names;
use super::taskrun::Progress;
use crate::sandbox::executor::{Executor, MountSource, TaskEvent, TaskExecution};
use crate::sandbox::logs::LogDir;

/// Events that an executor may be ahead of the engine.
const EVENT_BUFFER: usize = 64;

/// Namespace and name of the pod of an attempt.
pub type PodKey = (String, String);

/// What an executor told about an attempt; nothing when it fell silent.
#[derive(Debug)]
pub struct Report {
    /// Namespace of the pod
    pub namespace: String,
    /// Name of the pod
    pub pod: String,
    /// What it told
    pub event: Option<TaskEvent>,
}

struct Attempt {
    task_run: Key,
    progress: Progress,
    /// When the progress was last written
    written: Option<Timestamp>,
    stop: watch::Sender<bool>,
    /// Where a refusal is written, so that it can be read as the step's log
    pod_uid: String,
    first_container: String,
}

/// All running attempts.
pub struct Attempts {
    executor: Arc<dyn Executor>,
    logs: LogDir,
    reports: mpsc::UnboundedSender<Report>,
    running: HashMap<PodKey, Attempt>,
}

impl Attempts {
    /// No attempts yet; what executors tell goes to `reports`.
    pub fn new(executor: Arc<dyn Executor>, logs: LogDir, reports: mpsc::UnboundedSender<Report>) -> Self {
        Self { executor, logs, reports, running: HashMap::new() }
    }

    /// Whether the steps of a pod run.
    pub fn is_live(&self, namespace: &str, pod: &str) -> bool {
        !pod.is_empty() && self.running.contains_key(&(namespace.to_owned(), pod.to_owned()))
    }

    /// Starts an attempt.
    pub fn start(&mut self, task_run: Key, execution: TaskExecution) {
        let key = (execution.namespace.clone(), execution.pod.clone());
        let (stop, stopped) = watch::channel(false);
        let attempt = Attempt {
            task_run,
            progress: Progress::new(execution.steps.len()),
            written: None,
            stop,
            pod_uid: execution.pod_uid.clone(),
            first_container: execution.steps.first().map(|step| names::container(&step.name, 0)).unwrap_or_default(),
        };
        self.running.insert(key.clone(), attempt);
        let (sender, mut events) = mpsc::channel(EVENT_BUFFER);
        let (reports, (namespace, pod)) = (self.reports.clone(), key);
        let report = move |event| Report { namespace: namespace.clone(), pod: pod.clone(), event };
        if let Err(message) = make_directories(&execution) {
            // The receiver is this engine's own loop, which outlives its attempts.
            let _ = reports.send(report(Some(TaskEvent::Refused { message })));
            return;
        }
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if reports.send(report(Some(event))).is_err() {
                    return;
                }
            }
            let _ = reports.send(report(None));
        });
        self.executor.start(execution, sender, stopped);
    }

    /// Takes in reports, and returns the pods that they are about, each once.
    pub fn hear(&mut self, reports: Vec<Report>) -> Vec<PodKey> {
        let mut touched = Vec::new();
        let mut seen = HashSet::new();
        for report in reports {
            let key = (report.namespace, report.pod);
            let Some(attempt) = self.running.get_mut(&key) else { continue };
            match report.event {
                Some(event) => attempt.progress.apply(event),
                None if !attempt.progress.has_ended() => {
                    let message = "the executor of this task ended without saying how".to_owned();
                    attempt.progress.apply(TaskEvent::Refused { message });
                }
                None => {}
            }
            if seen.insert(key.clone()) {
                touched.push(key);
            }
        }
        touched
    }

    /// The TaskRun of an attempt and how far it is.
    pub fn progress(&self, pod: &PodKey) -> Option<(&Key, &Progress)> {
        let attempt = self.running.get(pod)?;
        Some((&attempt.task_run, &attempt.progress))
    }

    /// Notes that an attempt's progress is written.
    pub fn written(&mut self, pod: &PodKey, at: Timestamp) {
        if let Some(attempt) = self.running.get_mut(pod) {
            attempt.written = Some(at);
        }
    }

    /// When an attempt's progress is to be written next, if writes keep their distance; `None` for at once, as its first
    /// word and its end are.
    pub fn next_write(&self, pod: &PodKey, distance: Duration) -> Option<Timestamp> {
        let attempt = self.running.get(pod).filter(|attempt| !attempt.progress.has_ended())?;
        attempt.written?.checked_add(distance).ok()
    }

    /// The pods whose steps run for a TaskRun.
    pub fn pods_of(&self, task_run: &Key) -> Vec<PodKey> {
        self.running.iter().filter(|(_, attempt)| attempt.task_run == *task_run).map(|(pod, _)| pod.clone()).collect()
    }

    /// Forgets an attempt that has ended; what was refused goes into the log of the first step.
    pub fn finish(&mut self, namespace: &str, pod: &str) {
        let Some(attempt) = self.running.remove(&(namespace.to_owned(), pod.to_owned())) else { return };
        if let Some(message) = attempt.progress.refusal() {
            let written = self.logs.writer(&attempt.pod_uid, &attempt.first_container).and_then(|mut log| {
                log.write(format!("{message}\n").as_bytes(), Timestamp::now())?;
                log.close()
            });
            // The TaskRun's condition says the same; a log that cannot be written takes nothing from it.
            drop(written);
        }
    }

    /// Ends the steps of a pod.
    pub fn stop(&mut self, namespace: &str, pod: &str) {
        if let Some(attempt) = self.running.remove(&(namespace.to_owned(), pod.to_owned())) {
            attempt.stop.send_replace(true);
        }
    }

    /// Ends the steps of a TaskRun that is gone.
    pub fn stop_run(&mut self, task_run: &Key) {
        for (namespace, pod) in self.pods_of(task_run) {
            self.stop(&namespace, &pod);
        }
    }

    /// Ends everything; returns the TaskRuns by pod.
    pub fn stop_all(&mut self) -> HashMap<PodKey, Key> {
        let ended = self.running.drain().map(|(pod, attempt)| {
            attempt.stop.send_replace(true);
            (pod, attempt.task_run)
        });
        ended.collect()
    }
}

/// Makes the directories inside volumes that steps are to see.
fn make_directories(execution: &TaskExecution) -> Result<(), String> {
    for mount in &execution.mounts {
        if let MountSource::Directory(path) = &mount.source {
            std::fs::create_dir_all(path)
                .map_err(|error| format!("cannot make the directory {} for {}: {error}", path.display(), mount.path.display()))?;
        }
    }
    Ok(())
}
