//! The store as the engine reads it: what was read stays in memory until the store tells of a change.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::object::{label, name, namespace, text, uid};
use super::plan::Objects;
use crate::kinds::{self, Kind};
use crate::objects::run::{PipelineRun, RunOf as _, TaskRun};
use crate::sandbox::store::{Change, ChangeType, Store, StoreError};

/// How many objects are kept; with more, all are read anew.
const KEPT: usize = 8192;

/// Kind, namespace (empty for cluster-scoped kinds) and name of an object.
pub type Key = (&'static str, String, String);

/// The key of an object.
pub fn key_of(kind: &'static Kind, object: &Value) -> Key {
    (kind.kind, namespace(object).to_owned(), name(object).to_owned())
}

/// An object, or that there is none, as of a revision of the store.
struct Entry {
    revision: u64,
    object: Option<Arc<Value>>,
}

/// A view of the store through what was read before.
pub struct Cache {
    store: Store,
    entries: RefCell<HashMap<Key, Entry>>,
    failure: RefCell<Option<StoreError>>,
}

impl Cache {
    /// An empty cache over a store.
    pub fn new(store: Store) -> Self {
        Self { store, entries: RefCell::default(), failure: RefCell::default() }
    }

    /// One object.
    pub fn get(&self, kind: &'static Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let namespace = if kind.namespaced { namespace } else { "" };
        let key = (kind.kind, namespace.to_owned(), name.to_owned());
        if let Some(entry) = self.entries.borrow().get(&key) {
            return entry.object.clone();
        }
        let revision = self.store.revision();
        let object = match self.store.get(kind, namespace, name) {
            Ok(object) => object.map(Arc::new),
            Err(error) => {
                self.fail(error);
                return None;
            }
        };
        // Secrets are not kept in memory longer than they are needed.
        if *kind != kinds::SECRET {
            self.remember(key, revision, object.clone());
        }
        object
    }

    /// All objects of a kind, of a namespace when the kind has one.
    pub fn list(&self, kind: &'static Kind, namespace: &str) -> Vec<Arc<Value>> {
        let namespace = Some(namespace).filter(|namespace| kind.namespaced && !namespace.is_empty());
        match self.store.list(kind, namespace) {
            Ok(objects) => objects.into_iter().map(Arc::new).collect(),
            Err(error) => {
                self.fail(error);
                Vec::new()
            }
        }
    }

    /// The failure of a read since this was last asked.
    pub fn check(&self) -> Result<(), StoreError> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// Takes in what the engine wrote itself. Returns the revision of it.
    pub fn wrote(&self, kind: &'static Kind, object: &Arc<Value>) -> u64 {
        let revision = text(object, "/metadata/resourceVersion").parse().unwrap_or_default();
        self.remember(key_of(kind, object), revision, Some(object.clone()));
        revision
    }

    /// Takes in a change of the store.
    pub fn changed(&self, change: &Change) {
        let key = key_of(change.kind, &change.object);
        let mut entries = self.entries.borrow_mut();
        let Some(entry) = entries.get_mut(&key).filter(|entry| entry.revision < change.revision) else { return };
        entry.revision = change.revision;
        entry.object = (change.change != ChangeType::Deleted).then(|| change.object.clone());
    }

    /// Forgets a run that has ended, and what carries its label: its TaskRuns and pods.
    pub fn forget(&self, kind: &'static Kind, run: &Value) {
        let of = if *kind == kinds::PIPELINE_RUN { PipelineRun::OF_CHILDREN } else { TaskRun::OF_CHILDREN };
        let is_its = |object: &Value| namespace(object) == namespace(run) && (uid(object) == uid(run) || label(object, of) == name(run));
        self.entries.borrow_mut().retain(|_, entry| !entry.object.as_deref().is_some_and(is_its));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
    }

    /// The objects of a namespace.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> Namespace<'a> {
        Namespace { cache: self, namespace }
    }

    fn remember(&self, key: Key, revision: u64, object: Option<Arc<Value>>) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= KEPT {
            entries.clear();
        }
        if entries.get(&key).is_none_or(|known| known.revision <= revision) {
            entries.insert(key, Entry { revision, object });
        }
    }

    fn fail(&self, error: StoreError) {
        self.failure.borrow_mut().get_or_insert(error);
    }
}

/// The objects of one namespace, and the cluster's.
pub struct Namespace<'a> {
    cache: &'a Cache,
    namespace: &'a str,
}

impl Objects for Namespace<'_> {
    fn get(&self, kind: &'static Kind, name: &str) -> Option<Arc<Value>> {
        self.cache.get(kind, self.namespace, name)
    }

    fn list(&self, kind: &'static Kind) -> Vec<Arc<Value>> {
        self.cache.list(kind, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_that_has_ended_is_forgotten_with_what_it_made() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(dir.path()).expect("a store");
        let cache = Cache::new(store.clone());
        let made = |kind: &'static Kind, name: &str, of: &str| {
            let metadata = json!({"name": name, "namespace": "ns", "labels": {PipelineRun::OF_CHILDREN: of}});
            let made = store.create(kind, json!({"metadata": metadata})).expect("made");
            cache.wrote(kind, &made);
            made
        };
        let run = made(&kinds::PIPELINE_RUN, "run", "");
        made(&kinds::TASK_RUN, "run-a", "run");
        made(&kinds::POD, "run-a-pod", "run");
        made(&kinds::TASK_RUN, "other-a", "other");
        cache.forget(&kinds::PIPELINE_RUN, &run);
        let kept: Vec<String> = cache.entries.borrow().keys().map(|(_, _, name)| name.clone()).collect();
        assert_eq!(kept, ["other-a"]);
        assert!(cache.get(&kinds::POD, "ns", "run-a-pod").is_some(), "it is read anew");
    }
}
