//! The database's tables, their keys, and how objects and changes are written as bytes.

use std::sync::Arc;

use redb::TableDefinition;
use serde_json::Value;

use super::{Change, ChangeType, StoreError};
use crate::kinds::{self, Kind};

/// Resource (`pipelineruns.tekton.dev`), namespace (empty for cluster-scoped kinds), name
pub(super) type Key = (&'static str, &'static str, &'static str);

/// Every object as JSON
pub(super) const OBJECTS: TableDefinition<Key, &[u8]> = TableDefinition::new("objects");
/// Keys of runs that have not ended, so that an engine starts without reading the others
pub(super) const UNFINISHED: TableDefinition<Key, ()> = TableDefinition::new("unfinished");
/// UID of an owner and the key of what it owns
pub(super) const OWNED: TableDefinition<(&str, &str, &str, &str), ()> = TableDefinition::new("owned");
/// Revision → (resource, kind of change, the object as JSON)
pub(super) const CHANGES: TableDefinition<u64, (&str, u8, &[u8])> = TableDefinition::new("changes");
/// Single numbers
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Row of `META`: the last revision
pub(super) const REVISION: &str = "revision";
/// Row of `META`: the layout of these tables
pub(super) const FORMAT: &str = "format";
/// The layout that this program reads and writes
pub(super) const FORMAT_NOW: u64 = 1;

/// The range of keys of a kind, or of a kind in a namespace.
pub(super) struct Bounds {
    from: (String, String),
    to: (String, String),
}

impl Bounds {
    pub(super) fn new(kind: &Kind, namespace: Option<&str>) -> Self {
        let resource = kind.resource();
        // No resource or namespace contains NUL, so that a name with it appended is the next one after all its keys.
        match namespace {
            Some(namespace) => Bounds { from: (resource.clone(), namespace.to_owned()), to: (resource, format!("{namespace}\0")) },
            None => Bounds { to: (format!("{resource}\0"), String::new()), from: (resource, String::new()) },
        }
    }

    pub(super) fn lower(&self) -> (&str, &str, &str) {
        (&self.from.0, &self.from.1, "")
    }

    pub(super) fn upper(&self) -> (&str, &str, &str) {
        (&self.to.0, &self.to.1, "")
    }
}

pub(super) fn decode(resource: &str, namespace: &str, name: &str, bytes: &[u8]) -> Result<Value, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Decode { key: format!("{resource} {namespace}/{name}"), source })
}

/// A row of the change log; `None` for a resource that this program no longer knows.
pub(super) fn decode_change(revision: u64, row: (&str, u8, &[u8])) -> Result<Option<Change>, StoreError> {
    let (resource, change, bytes) = row;
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let Some(kind) = kinds::of_resource(group, plural) else { return Ok(None) };
    let object =
        serde_json::from_slice(bytes).map_err(|source| StoreError::Decode { key: format!("change {revision} of {resource}"), source })?;
    Ok(Some(Change { kind, change: change_type(change), object: Arc::new(object), revision }))
}

pub(super) fn change_byte(change: ChangeType) -> u8 {
    match change {
        ChangeType::Added => b'A',
        ChangeType::Modified => b'M',
        ChangeType::Deleted => b'D',
    }
}

fn change_type(byte: u8) -> ChangeType {
    match byte {
        b'A' => ChangeType::Added,
        b'D' => ChangeType::Deleted,
        _ => ChangeType::Modified,
    }
}
