//! One listener: brought to what its object and its account's rights say it should be, again and again.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::event::Surroundings;
use super::server::{Sink, open_port, serve};
use super::sink_log::{Severity, SinkLog};
use super::state::{self, CONTAINER, Phase};
use super::{ListenerError, rights};
use crate::kinds::{self, Kind};
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Store, StoreError};

/// How long the sink waits between complaints before it gives up; the real one takes a minute.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How long it rests after it has given up, doubled every time up to the last.
const FIRST_REST: Duration = Duration::from_secs(10);
const LAST_REST: Duration = Duration::from_secs(300);

/// What the sink dies of when it may not read what it needs.
const GAVE_UP: &str = "Timed out waiting on CaBundle to available for clusterInterceptor: Timed out waiting on CaBundle to available for Interceptor: context deadline exceeded";

/// What all listeners share.
#[derive(Clone)]
pub struct Ground {
    /// The objects
    pub store: Store,
    /// The containers' logs
    pub logs: LogDir,
    /// The API server, through which listeners make objects
    pub api: Router,
}

/// One listener.
pub struct Listener {
    namespace: String,
    name: String,
    port: Option<u16>,
    pod: Option<PodOf>,
    server: Option<JoinHandle<()>>,
    trouble: Option<Trouble>,
    restarts: u32,
}

/// The pod that stands for it, and its log.
struct PodOf {
    name: String,
    log: Arc<SinkLog>,
}

/// Rights that are missing, and when that is said next.
struct Trouble {
    refusals: Vec<String>,
    said: usize,
    rest: Duration,
    next: Instant,
}

impl Listener {
    /// A listener that has yet to be brought up.
    pub fn new(namespace: &str, name: &str) -> Listener {
        Listener { namespace: namespace.to_owned(), name: name.to_owned(), port: None, pod: None, server: None, trouble: None, restarts: 0 }
    }

    /// Makes things as they should be. To be called after every change of the object or of anybody's rights.
    ///
    /// # Errors
    /// When the store, the log or the port fails; calling again later is what helps.
    pub fn reconcile(&mut self, ground: &Ground, listener: &Value) -> Result<(), ListenerError> {
        ensure(&ground.store, &kinds::SERVICE, state::service(listener))?;
        ensure(&ground.store, &kinds::DEPLOYMENT, state::deployment(listener))?;
        let account = rights::service_account(listener);
        let phase = if ground.store.get(&kinds::SERVICE_ACCOUNT, &self.namespace, account)?.is_none() {
            self.stop();
            self.trouble = None;
            Phase::NoAccount { account: account.to_owned() }
        } else {
            let log = self.ensure_pod(ground, listener)?;
            self.judge(rights::refusals(&ground.store, listener)?);
            if self.trouble.is_none() && self.server.is_none() {
                self.start(ground, listener, log)?;
            }
            if self.server.is_some() { Phase::Up } else { Phase::NotReady }
        };
        self.show(ground, listener, &phase)
    }

    /// When something is to be said next, if anything is.
    pub fn next_word(&self) -> Option<Instant> {
        self.trouble.as_ref().map(|trouble| trouble.next)
    }

    /// Says what is due: what the account is refused, and at last that the sink gives up and is started again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn speak(&mut self, ground: &Ground, now: Instant) -> Result<(), ListenerError> {
        let (Some(trouble), Some(pod)) = (&mut self.trouble, &self.pod) else { return Ok(()) };
        if trouble.next > now {
            return Ok(());
        }
        for refusal in &trouble.refusals {
            pod.log.refused(refusal);
        }
        trouble.said += 1;
        if let Some(wait) = PATIENCE.get(trouble.said - 1) {
            trouble.next = now + *wait;
            return Ok(());
        }
        pod.log.write(Severity::Fatal, "Start returned an error", &[("error", GAVE_UP)]);
        trouble.said = 0;
        trouble.next = now + trouble.rest;
        trouble.rest = (trouble.rest * 2).min(LAST_REST);
        self.restarts += 1;
        let restarts = self.restarts;
        ground.store.update(&kinds::POD, &self.namespace, &pod.name, |pod| {
            state::write_pod_status(pod, false, restarts, Timestamp::now());
        })?;
        Ok(())
    }

    /// The log of the pod, which is made if it is not there; one of an earlier sandbox is taken over.
    fn ensure_pod(&mut self, ground: &Ground, listener: &Value) -> Result<Arc<SinkLog>, ListenerError> {
        let uid = &listener["metadata"]["uid"];
        let pods = ground.store.list(&kinds::POD, Some(&self.namespace))?;
        let mine = pods.into_iter().find(|pod| {
            let owners = pod["metadata"]["ownerReferences"].as_array();
            owners.into_iter().flatten().any(|owner| owner["uid"] == *uid)
        });
        let found = match mine {
            Some(pod) if pod["spec"]["serviceAccountName"] == rights::service_account(listener) => Arc::new(pod),
            Some(old) => {
                // Another account means another pod.
                ground.store.delete(&kinds::POD, &self.namespace, old["metadata"]["name"].as_str().unwrap_or_default())?;
                self.stop();
                ground.store.create(&kinds::POD, state::pod(listener))?
            }
            None => ground.store.create(&kinds::POD, state::pod(listener))?,
        };
        let field = |name: &str| found["metadata"][name].as_str().unwrap_or_default();
        if let Some(pod) = self.pod.as_ref().filter(|pod| pod.name == field("name")) {
            return Ok(Arc::clone(&pod.log));
        }
        let writer = ground.logs.append(field("uid"), CONTAINER).map_err(ListenerError::Log)?;
        let log = Arc::new(SinkLog::new(writer, &self.namespace, &self.name));
        // Whoever answers on the port writes to the log of the pod before.
        self.stop();
        self.restarts = found["status"]["containerStatuses"][0]["restartCount"].as_u64().and_then(|n| n.try_into().ok()).unwrap_or(0);
        self.pod = Some(PodOf { name: field("name").to_owned(), log: Arc::clone(&log) });
        Ok(log)
    }

    /// Takes note of what the account is refused.
    fn judge(&mut self, refusals: Vec<String>) {
        if refusals.is_empty() {
            self.trouble = None;
            return;
        }
        self.stop();
        match &mut self.trouble {
            Some(trouble) => trouble.refusals = refusals,
            None => self.trouble = Some(Trouble { refusals, said: 0, rest: FIRST_REST, next: Instant::now() }),
        }
    }

    fn start(&mut self, ground: &Ground, listener: &Value, log: Arc<SinkLog>) -> Result<(), ListenerError> {
        let (socket, port) = self.open_port(listener)?;
        let surroundings = Surroundings { store: ground.store.clone(), api: ground.api.clone(), log: Arc::clone(&log) };
        let sink = Sink { namespace: self.namespace.clone(), name: self.name.clone(), surroundings };
        self.server = Some(serve(socket, Arc::new(sink)).map_err(ListenerError::Port)?);
        self.port = Some(port);
        log.write(Severity::Info, &format!("listening on http://127.0.0.1:{port}/"), &[]);
        Ok(())
    }

    fn open_port(&self, listener: &Value) -> Result<(std::net::TcpListener, u16), ListenerError> {
        let remembered = self.port.or_else(|| state::remembered_port(listener));
        open_port(&self.namespace, &self.name, remembered).map_err(ListenerError::Port)
    }

    /// Closes the port.
    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }

    fn show(&mut self, ground: &Ground, listener: &Value, phase: &Phase) -> Result<(), ListenerError> {
        let port = match self.port {
            Some(port) => port,
            // Nobody answers there yet, but the address is what it will be.
            None => match state::remembered_port(listener) {
                Some(port) => port,
                None => self.open_port(listener)?.1,
            },
        };
        self.port = Some(port);
        let now = Timestamp::now();
        let shown = ground
            .store
            .update(&kinds::EVENT_LISTENER, &self.namespace, &self.name, |object| state::write_status(object, phase, port, now))?;
        if let Some(shown) = shown {
            let name = state::generated_name(&shown);
            ground.store.update(&kinds::DEPLOYMENT, &self.namespace, &name, |object| state::write_deployment_status(object, &shown))?;
        }
        if let Some(pod) = &self.pod {
            let (ready, restarts) = (*phase == Phase::Up, self.restarts);
            ground.store.update(&kinds::POD, &self.namespace, &pod.name, |pod| state::write_pod_status(pod, ready, restarts, now))?;
        }
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes an object, or gives the one that is there the labels and spec that it should have.
fn ensure(store: &Store, kind: &'static Kind, object: Value) -> Result<(), StoreError> {
    let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
    let found = store.update(kind, field("namespace"), field("name"), |found| {
        found["metadata"]["labels"] = object["metadata"]["labels"].clone();
        found["metadata"]["ownerReferences"] = object["metadata"]["ownerReferences"].clone();
        found["spec"] = object["spec"].clone();
    })?;
    if found.is_none() {
        store.create(kind, object)?;
    }
    Ok(())
}
