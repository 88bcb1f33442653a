//! The loop of the engine: it wakes on changes of the store, on what executors tell and on the nearest deadline, has
//! plans made, and carries them out.

mod act;
mod settle;
mod volumes;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};

use super::attempts::{Attempts, PodKey, Report};
use super::cache::{Cache, Key, key_of};
use super::condition::is_done;
use super::left::{Left, RUNS};
use super::object::{namespace, text, uid};
use super::plan::{Clock, Draft, Plan};
use super::{pipelinerun, taskrun};
use crate::kinds::{self, Kind};
use crate::sandbox::executor::{Executor, TaskEvent};
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Change, ChangeType, Store, StoreError};

pub use settle::settle;

/// How long what an attempt tells gathers between two writes of it: steps that take no time cost no write each. The
/// first word and the end are written at once.
const GATHER: Duration = Duration::from_millis(50);
/// How long steps have to end when the sandbox stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The engine's state between two wakings.
pub struct Controller {
    store: Store,
    cache: Cache,
    volumes: PathBuf,
    attempts: Attempts,
    /// Runs that are not looked at
    left: Left,
    /// Runs to look at, in order
    queue: IndexSet<Key>,
    /// When to look at runs again
    wakes: BTreeSet<(Timestamp, Key)>,
    /// Namespaces and names of the pods whose attempts have told what is not written yet, and when to write it
    gathering: BTreeSet<(Timestamp, PodKey)>,
    /// TaskRuns whose pod waits for something
    waiting: HashSet<Key>,
    /// What PipelineRuns run
    known: pipelinerun::Known,
    /// Starts of runs by UID, more exactly than their status has them
    starts: HashMap<String, Clock>,
    /// Revisions of the engine's own writes, about which it needs no telling
    own: HashSet<u64>,
}

/// Runs the engine until `shutdown` turns true, or the store fails. It works on all runs but those that are left alone. Gives the
/// names of the TaskRuns whose steps it ended when it was told to stop.
pub async fn run(
    store: Store,
    logs: LogDir,
    executor: Arc<dyn Executor>,
    left: Left,
    mut shutdown: watch::Receiver<bool>,
) -> Result<Vec<String>, StoreError> {
    let (mut changes, mut taken_up) = (store.subscribe(), left.changes());
    let (sender, mut reports) = mpsc::unbounded_channel();
    let mut controller = Controller::new(store.lazy(), Attempts::new(executor, logs, sender), left);
    let mut failed = std::pin::pin!(store.failed());
    controller.resume()?;
    loop {
        controller.work()?;
        tokio::select! {
            change = changes.recv() => match change {
                Ok(change) => {
                    controller.notice(&change)?;
                    while let Ok(change) = changes.try_recv() {
                        controller.notice(&change)?;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => controller.resume()?,
                Err(broadcast::error::RecvError::Closed) => return Ok(Vec::new()),
            },
            Some(report) = reports.recv() => {
                let mut heard = vec![report];
                while let Ok(report) = reports.try_recv() {
                    heard.push(report);
                }
                controller.hear(heard)?;
            }
            Ok(()) = taken_up.changed() => controller.queue_unfinished()?,
            () = until(controller.next_wake()) => controller.wake()?,
            error = &mut failed => return Err(error),
            () = stopped(&mut shutdown) => return controller.stop(&mut reports).await,
        }
    }
}

/// Waits until the engine is to stop; whoever can say so being gone counts as well.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Sleeps until a time; for ever when there is none.
async fn until(at: Option<Timestamp>) {
    match at {
        None => std::future::pending().await,
        Some(at) => {
            let left = at.duration_since(Timestamp::now());
            tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
        }
    }
}

impl Controller {
    fn new(store: Store, attempts: Attempts, left: Left) -> Self {
        Self {
            volumes: store.dir().join("volumes"),
            cache: Cache::new(store.clone()),
            store,
            attempts,
            left,
            queue: IndexSet::new(),
            wakes: BTreeSet::new(),
            gathering: BTreeSet::new(),
            waiting: HashSet::new(),
            known: pipelinerun::Known::default(),
            starts: HashMap::new(),
            own: HashSet::new(),
        }
    }

    /// Looks at everything that has not ended, as after a start or after changes were missed.
    fn resume(&mut self) -> Result<(), StoreError> {
        self.cache.clear();
        self.own.clear();
        self.queue_unfinished()?;
        self.bind_claims()
    }

    fn queue_unfinished(&mut self) -> Result<(), StoreError> {
        for kind in RUNS {
            self.queue.extend(self.store.unfinished(kind)?.iter().map(|run| key_of(kind, run)));
        }
        Ok(())
    }

    /// Carries out what is queued.
    fn work(&mut self) -> Result<(), StoreError> {
        while let Some(key) = self.queue.shift_remove_index(0) {
            self.reconcile(key)?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let (run, attempt) = (self.wakes.first(), self.gathering.first());
        run.map(|(at, _)| *at).into_iter().chain(attempt.map(|(at, _)| *at)).min()
    }

    fn wake(&mut self) -> Result<(), StoreError> {
        let now = Timestamp::now();
        while self.wakes.first().is_some_and(|(at, _)| *at <= now) {
            self.queue.extend(self.wakes.pop_first().map(|(_, key)| key));
        }
        self.write_gathered(|at, _| at <= now)
    }

    fn reconcile(&mut self, key: Key) -> Result<(), StoreError> {
        self.wakes.retain(|(_, other)| *other != key);
        // What ends a TaskRun from outside has to know which of its steps have ended by themselves.
        let told = self.attempts.pods_of(&key);
        self.write_gathered(|_, pod| told.contains(pod))?;
        let (kind, namespace) = (run_kind(key.0), key.1.as_str());
        let Some(run) = self.cache.get(kind, namespace, &key.2) else {
            return self.cache.check();
        };
        if self.left.has(&run) {
            return Ok(());
        }
        let plan = self.plan(kind, &run)?;
        self.carry_out(kind, &run, plan)
    }

    /// What is to be done about a run.
    fn plan(&mut self, kind: &'static Kind, run: &Value) -> Result<Plan, StoreError> {
        let clock = Clock { now: Timestamp::now(), ..self.starts.get(uid(run)).copied().unwrap_or(Clock::at(Timestamp::now())) };
        let objects = self.cache.namespace(namespace(run));
        let plan = if *kind == kinds::PIPELINE_RUN {
            pipelinerun::plan(run, &objects, clock, &mut self.known)
        } else {
            let live = self.attempts.is_live(namespace(run), text(run, "/status/podName"));
            taskrun::plan(run, &objects, clock, live, &self.volumes)
        };
        self.cache.check()?;
        Ok(plan)
    }

    /// Takes in what executors told, then writes each attempt's state once, at once or when enough has gathered.
    fn hear(&mut self, reports: Vec<Report>) -> Result<(), StoreError> {
        let now = Timestamp::now();
        for key in self.attempts.hear(reports) {
            let due = self.attempts.next_write(&key, GATHER).filter(|due| *due > now);
            match due {
                Some(due) => drop(self.gathering.insert((due, key))),
                None => self.write_progress(&key)?,
            }
        }
        Ok(())
    }

    /// Writes what attempts have told before, as far as it is wanted.
    fn write_gathered(&mut self, wanted: impl Fn(Timestamp, &PodKey) -> bool) -> Result<(), StoreError> {
        let due: Vec<PodKey> = self.gathering.iter().filter(|(at, pod)| wanted(*at, pod)).map(|(_, pod)| pod.clone()).collect();
        due.iter().try_for_each(|pod| self.write_progress(pod))
    }

    fn write_progress(&mut self, of: &PodKey) -> Result<(), StoreError> {
        self.gathering.retain(|(_, other)| other != of);
        let (namespace, pod) = (of.0.as_str(), of.1.as_str());
        let Some((key, progress)) = self.attempts.progress(of) else { return Ok(()) };
        if !progress.is_worth_telling() {
            return Ok(());
        }
        let (key, progress) = (key.clone(), progress.clone());
        self.attempts.written(of, Timestamp::now());
        if progress.has_ended() {
            self.attempts.finish(namespace, pod);
        }
        let begins = self.cache.get(&kinds::POD, namespace, pod).is_some_and(|pod| text(&pod, "/status/phase") == "Pending");
        // Steps must not run again because nobody remembers that they did: that they began outlives a crash.
        let store = if begins { self.store.durable() } else { self.store.clone() };
        let written = store.update(&kinds::POD, namespace, pod, |object| progress.write_pod(object))?;
        if let Some(written) = written {
            self.cache.wrote(&kinds::POD, &written);
        }
        let Some(run) = self.cache.get(&kinds::TASK_RUN, &key.1, &key.2) else { return self.cache.check() };
        if is_done(&run) || text(&run, "/status/podName") != pod {
            return Ok(());
        }
        let draft = Draft::new(&run, Clock::at(Timestamp::now()));
        let plan = progress.plan(&run, draft);
        for action in plan.actions {
            self.act(&kinds::TASK_RUN, &run, action)?;
        }
        Ok(())
    }

    /// Takes in a change of the store.
    fn notice(&mut self, change: &Change) -> Result<(), StoreError> {
        self.cache.changed(change);
        let own = self.own.remove(&change.revision);
        let (kind, object) = (change.kind, &change.object);
        let deleted = change.change == ChangeType::Deleted;
        if deleted {
            self.let_go(object);
        }
        // Somebody wants it to end.
        if !own && !text(object, "/spec/status").is_empty() && self.left.has(object) {
            self.left.take_up(&self.store, kind, |run| uid(run) == uid(object))?;
        }
        if *kind == kinds::PIPELINE_RUN && !deleted && !own && !is_done(object) {
            self.queue.insert(key_of(kind, object));
        }
        if *kind == kinds::TASK_RUN && !own {
            if deleted {
                self.attempts.stop_run(&key_of(kind, object));
                self.waiting.remove(&key_of(kind, object));
            }
            if deleted || is_done(object) {
                self.queue_owner(object);
            } else {
                self.queue.insert(key_of(kind, object));
            }
        }
        if *kind == kinds::PERSISTENT_VOLUME_CLAIM {
            if deleted {
                self.release(object)?;
            } else {
                self.bind(object)?;
            }
        }
        if *kind == kinds::STORAGE_CLASS {
            self.bind_claims()?;
        }
        let wanted = [&kinds::PERSISTENT_VOLUME_CLAIM, &kinds::STORAGE_CLASS, &kinds::SECRET, &kinds::CONFIG_MAP];
        if wanted.contains(&kind) {
            self.queue.extend(self.waiting.iter().cloned());
        }
        Ok(())
    }

    /// Forgets what is kept of a run that goes on no more.
    fn let_go(&mut self, run: &Value) {
        self.starts.remove(uid(run));
        self.known.forget(uid(run));
    }

    /// Ends all steps, and the TaskRuns whose steps had begun, which it names.
    async fn stop(&mut self, reports: &mut mpsc::UnboundedReceiver<Report>) -> Result<Vec<String>, StoreError> {
        self.write_gathered(|_, _| true)?;
        let mut runs = self.attempts.stop_all();
        let mut interrupted = Vec::new();
        let deadline = tokio::time::Instant::now() + LAST_WORDS;
        while !runs.is_empty() {
            let Ok(Some(report)) = tokio::time::timeout_at(deadline, reports.recv()).await else { break };
            if matches!(report.event, None | Some(TaskEvent::TaskEnded { .. } | TaskEvent::Refused { .. })) {
                let Some(key) = runs.remove(&(report.namespace, report.pod)) else { continue };
                interrupted.extend(self.interrupt(key)?);
            }
        }
        for key in runs.into_values() {
            interrupted.extend(self.interrupt(key)?);
        }
        self.store.flush()?;
        Ok(interrupted)
    }

    /// Ends a TaskRun whose steps had begun and were ended; gives its name.
    fn interrupt(&mut self, key: Key) -> Result<Option<String>, StoreError> {
        let Some(run) = self.cache.get(&kinds::TASK_RUN, &key.1, &key.2) else { return self.cache.check().map(|()| None) };
        let pod = self.cache.get(&kinds::POD, &key.1, text(&run, "/status/podName"));
        if pod.is_none_or(|pod| text(&pod, "/status/phase") == "Pending") {
            return Ok(None);
        }
        let name = key.2.clone();
        self.reconcile(key)?;
        Ok(Some(name))
    }
}

fn run_kind(kind: &str) -> &'static Kind {
    if kind == kinds::PIPELINE_RUN.kind { &kinds::PIPELINE_RUN } else { &kinds::TASK_RUN }
}
