//! What was written last, so that the next change of it need not read it again: a run changes with each of its steps.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Change, ChangeType};
use crate::kinds::{self, Kind};

/// How many objects are kept as they were written; with more, all are read anew.
const KEPT: usize = 128;

/// Kind, namespace (empty for cluster-scoped kinds) and name.
type Key = (&'static str, String, String);

/// Objects as they are committed, by what identifies them.
#[derive(Default)]
pub(super) struct Recent(HashMap<Key, Arc<Value>>);

impl Recent {
    /// An object, where it is known.
    pub fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.0.get(&key(kind, namespace, name)).cloned()
    }

    /// Takes in a change that is committed. Secrets are not kept in memory longer than they are needed.
    pub fn learn(&mut self, change: &Change) {
        if change.change == ChangeType::Deleted || *change.kind == kinds::SECRET {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        let field = |field: &str| change.object["metadata"][field].as_str().unwrap_or_default();
        self.0.insert(key(change.kind, field("namespace"), field("name")), change.object.clone());
    }

    /// Forgets an object whose change is not committed yet, and may never be.
    pub fn forget(&mut self, kind: &Kind, namespace: &str, name: &str) {
        self.0.remove(&key(kind, namespace, name));
    }
}

fn key(kind: &Kind, namespace: &str, name: &str) -> Key {
    (kind.kind, namespace.to_owned(), name.to_owned())
}
