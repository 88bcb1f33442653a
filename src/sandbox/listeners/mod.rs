//! EventListeners of the sandbox: each has a port of its own on this machine that answers as the real listener does, with
//! the rights of its ServiceAccount, and comes up when these are granted.

mod admission;
mod event;
mod go_error;
mod interceptors;
mod jsonpath;
mod listener;
mod params;
mod rights;
mod selection;
mod server;
mod sink_log;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::kinds::{self, Kind};
use crate::sandbox::api::Api;
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Change, ChangeType, Store, StoreError};

use listener::{Ground, Listener};

pub use admission::{admit, complete};

/// When something that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Changes of these can change what an account may do.
static ABOUT_RIGHTS: [&Kind; 5] =
    [&kinds::ROLE, &kinds::CLUSTER_ROLE, &kinds::ROLE_BINDING, &kinds::CLUSTER_ROLE_BINDING, &kinds::SERVICE_ACCOUNT];

/// Why a listener could not be brought up.
#[derive(Debug, thiserror::Error)]
enum ListenerError {
    /// The store failed
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its log cannot be written
    #[error("cannot write the listener's log")]
    Log(#[source] io::Error),
    /// It has no port
    #[error("cannot open a port on 127.0.0.1")]
    Port(#[source] io::Error),
}

/// Keeps every EventListener of the store as it should be until `shutdown` turns true or whoever could turn it is gone;
/// then the ports are closed.
pub async fn run(store: Store, logs: LogDir, mut shutdown: watch::Receiver<bool>) {
    let mut changes = store.subscribe();
    let Ok(api) = Api::new(store.clone(), logs.clone()) else { return };
    let mut fleet = Fleet { ground: Ground { store, logs, api: api.router() }, listeners: BTreeMap::new(), retry: None };
    fleet.reconcile_all();
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            change = changes.recv() => match change {
                Ok(change) => fleet.hear(&change),
                Err(RecvError::Lagged(_)) => fleet.reconcile_all(),
                Err(RecvError::Closed) => return,
            },
            () = until(fleet.next_word()) => fleet.speak(),
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// All listeners, by namespace and name.
struct Fleet {
    ground: Ground,
    listeners: BTreeMap<(String, String), Listener>,
    /// When to look at everything again after a failure
    retry: Option<Instant>,
}

impl Fleet {
    fn hear(&mut self, change: &Change) {
        let gone = change.change == ChangeType::Deleted;
        if change.kind == &kinds::EVENT_LISTENER {
            let (namespace, name) = key(&change.object);
            // The object as it is by now: the change may be one of several that wait.
            match self.ground.store.get(&kinds::EVENT_LISTENER, &namespace, &name) {
                Ok(Some(listener)) => self.reconcile(&listener),
                Ok(None) => drop(self.listeners.remove(&(namespace, name))),
                Err(_) => self.retry = Some(Instant::now() + RETRY),
            }
        } else if ABOUT_RIGHTS.contains(&change.kind) || (gone && change.kind == &kinds::POD && is_listeners(&change.object)) {
            self.reconcile_all();
        }
    }

    fn reconcile_all(&mut self) {
        self.retry = None;
        match self.ground.store.list(&kinds::EVENT_LISTENER, None) {
            Ok(all) => {
                let keys: Vec<_> = all.iter().map(key).collect();
                self.listeners.retain(|key, _| keys.contains(key));
                all.iter().for_each(|listener| self.reconcile(listener));
            }
            Err(_) => self.retry = Some(Instant::now() + RETRY),
        }
    }

    fn reconcile(&mut self, listener: &Value) {
        let key = key(listener);
        let entry = self.listeners.entry(key.clone()).or_insert_with(|| Listener::new(&key.0, &key.1));
        // A full disk is what fails here; commands that write say so themselves.
        if entry.reconcile(&self.ground, listener).is_err() {
            self.retry = Some(Instant::now() + RETRY);
        }
    }

    fn next_word(&self) -> Option<Instant> {
        self.listeners.values().filter_map(Listener::next_word).chain(self.retry).min()
    }

    fn speak(&mut self) {
        let now = Instant::now();
        if self.retry.is_some_and(|retry| retry <= now) {
            self.reconcile_all();
        }
        for listener in self.listeners.values_mut() {
            if listener.speak(&self.ground, now).is_err() {
                self.retry = Some(now + RETRY);
            }
        }
    }
}

fn key(listener: &Value) -> (String, String) {
    let field = |name: &str| listener["metadata"][name].as_str().unwrap_or_default().to_owned();
    (field("namespace"), field("name"))
}

fn is_listeners(pod: &Value) -> bool {
    pod["metadata"]["labels"]["eventlistener"].is_string()
}
