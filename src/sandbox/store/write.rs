//! Writing: one transaction changes the object, the indexes and the change log together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use redb::{Durability, ReadableTable, Table, WriteTransaction};
use serde_json::{Map, Value, json};

use super::flush::lock;
use super::recent::Recent;
use super::{Change, ChangeType, Inner, Mode, Store, StoreError, is_run, tables};
use crate::kinds::{self, Kind};

/// Letters of generated names, as Kubernetes has them: without vowels and look-alikes.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const GENERATED: usize = 5;
/// Longest part of a `generateName` that is used, so that the whole stays a DNS label.
const GENERATE_NAME_MAX: usize = 63 - GENERATED;
/// The log is cut when it has grown by this part of what is kept.
const CHANGES_SLACK: u64 = 10;

/// Why an update did not happen.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError<E> {
    /// The store failed
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The closure refused the object it was given
    #[error("the change was refused")]
    Refused(E),
}

impl Store {
    /// Stores a new object with name (from `generateName` if it has none), uid, creation time and revision.
    pub fn create(&self, kind: &'static Kind, mut object: Value) -> Result<Arc<Value>, StoreError> {
        stamp(kind, &mut object, Timestamp::now())?;
        self.write(|tables| {
            if metadata(&object, "name").is_empty() {
                let name = tables.free_name(kind, &object)?;
                object["metadata"]["name"] = Value::String(name);
            }
            let (namespace, name) = (metadata(&object, "namespace").to_owned(), metadata(&object, "name").to_owned());
            if tables.get(kind, &namespace, &name)?.is_some() {
                return Err(StoreError::Exists { kind, name });
            }
            tables.put(kind, None, object, ChangeType::Added)
        })
    }

    /// Changes an object in one transaction, and tells nobody when the closure left it as it was. `None` when there
    /// is no such object. The closure cannot change what identifies the object.
    pub fn update(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Option<Arc<Value>>, StoreError> {
        let infallible = |object: &mut Value| {
            change(object);
            Ok::<(), std::convert::Infallible>(())
        };
        self.try_update(kind, namespace, name, infallible).map_err(|error| match error {
            UpdateError::Store(error) => error,
            UpdateError::Refused(never) => match never {},
        })
    }

    /// As `update`, for a closure that may refuse what it finds; then nothing is changed.
    pub fn try_update<E>(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Result<Option<Arc<Value>>, UpdateError<E>> {
        self.write(|tables| {
            let Some(old) = tables.get(kind, namespace, name)? else { return Ok(None) };
            let mut new = Value::clone(&old);
            change(&mut new).map_err(UpdateError::Refused)?;
            keep_identity(&old, &mut new);
            if new == *old {
                return Ok(Some(old));
            }
            if let Some(generation) = old["metadata"]["generation"].as_i64()
                && new.get("spec") != old.get("spec")
            {
                new["metadata"]["generation"] = json!(generation + 1);
            }
            Ok(Some(tables.put(kind, Some(&old), new, ChangeType::Modified)?))
        })
    }

    /// Removes an object and what it owns; a namespace with all that is in it. Finalizers are ignored: nobody here
    /// would ever take them off. `None` when there is no such object.
    pub fn delete(&self, kind: &'static Kind, namespace: &str, name: &str) -> Result<Option<Arc<Value>>, StoreError> {
        self.try_delete(kind, namespace, name, |_| Ok::<(), StoreError>(())).map_err(|error| match error {
            UpdateError::Store(error) | UpdateError::Refused(error) => error,
        })
    }

    /// As `delete`, for a closure that may refuse what it finds; then nothing is changed.
    pub fn try_delete<E>(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        check: impl FnOnce(&Value) -> Result<(), E>,
    ) -> Result<Option<Arc<Value>>, UpdateError<E>> {
        self.write(|tables| {
            let Some(found) = tables.get(kind, namespace, name)? else { return Ok(None) };
            check(&found).map_err(UpdateError::Refused)?;
            Ok(tables.remove_with_owned(kind, namespace, name)?)
        })
    }

    fn write<R, E: From<StoreError>>(&self, change: impl FnOnce(&mut Tables) -> Result<R, E>) -> Result<R, E> {
        let inner = &*self.inner;
        let mut writer = lock(&inner.writer);
        let fail = |error: redb::Error| E::from(inner.fail(error));
        let mut transaction = inner.database.begin_write().map_err(|e| fail(e.into()))?;
        let durable = self.mode == Mode::Durable;
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction.set_durability(durability).map_err(|e| fail(e.into()))?;
        transaction.set_quick_repair(durable);
        let mut tables = Tables::open(inner, &transaction, &mut writer)?;
        let result = change(&mut tables)?;
        let (events, revision) = tables.close()?;
        if events.is_empty() || self.mode == Mode::DryRun {
            transaction.abort().map_err(|e| fail(e.into()))?;
            return Ok(result);
        }
        transaction.commit().map_err(|e| fail(e.into()))?;
        inner.revision.store(revision, Ordering::Release);
        remove_logs(inner, &events);
        for event in events {
            writer.learn(&event);
            // Nobody listening is no failure.
            let _ = inner.changes.send(event);
        }
        drop(writer);
        if !durable {
            inner.flusher.mark_dirty();
        }
        Ok(result)
    }
}

/// A pod's logs go with it, as on a node.
fn remove_logs(inner: &Inner, events: &[Change]) {
    for event in events.iter().filter(|event| event.change == ChangeType::Deleted && event.kind == &kinds::POD) {
        // Files that cannot be removed only cost room; the object is gone already.
        let _ = inner.logs.remove(metadata(&event.object, "uid"));
    }
}

/// The tables of one write transaction.
struct Tables<'t> {
    inner: &'t Inner,
    objects: Table<'t, tables::Key, &'static [u8]>,
    unfinished: Table<'t, tables::Key, ()>,
    owned: Table<'t, (&'static str, &'static str, &'static str, &'static str), ()>,
    changes: Table<'t, u64, (&'static str, u8, &'static [u8])>,
    meta: Table<'t, &'static str, u64>,
    recent: &'t mut Recent,
    revision: u64,
    events: Vec<Change>,
}

impl<'t> Tables<'t> {
    fn open(inner: &'t Inner, transaction: &'t WriteTransaction, recent: &'t mut Recent) -> Result<Self, StoreError> {
        let fail = |error: redb::TableError| inner.fail(error);
        Ok(Tables {
            inner,
            objects: transaction.open_table(tables::OBJECTS).map_err(fail)?,
            unfinished: transaction.open_table(tables::UNFINISHED).map_err(fail)?,
            owned: transaction.open_table(tables::OWNED).map_err(fail)?,
            changes: transaction.open_table(tables::CHANGES).map_err(fail)?,
            meta: transaction.open_table(tables::META).map_err(fail)?,
            recent,
            revision: inner.revision.load(Ordering::Acquire),
            events: Vec::new(),
        })
    }

    fn fail(&self, error: redb::StorageError) -> StoreError {
        self.inner.fail(error)
    }

    fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<Arc<Value>>, StoreError> {
        if let Some(object) = self.recent.get(kind, namespace, name) {
            return Ok(Some(object));
        }
        let resource = kind.resource();
        let found = self.objects.get((resource.as_str(), namespace, name)).map_err(|e| self.fail(e))?;
        found.map(|bytes| tables::decode(&resource, namespace, name, bytes.value()).map(Arc::new)).transpose()
    }

    fn free_name(&self, kind: &Kind, object: &Value) -> Result<String, StoreError> {
        let mut prefix = metadata(object, "generateName");
        if let Some((end, _)) = prefix.char_indices().nth(GENERATE_NAME_MAX) {
            prefix = &prefix[..end];
        }
        loop {
            let name = format!("{prefix}{}", random_letters());
            if self.get(kind, metadata(object, "namespace"), &name)?.is_none() {
                return Ok(name);
            }
        }
    }

    /// Writes an object with the next revision, its index rows, and the change.
    fn put(&mut self, kind: &'static Kind, old: Option<&Value>, mut object: Value, change: ChangeType) -> Result<Arc<Value>, StoreError> {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = Value::String(self.revision.to_string());
        let bytes = encode(&object);
        let resource = kind.resource();
        let key = (resource.as_str(), metadata(&object, "namespace"), metadata(&object, "name"));
        self.objects.insert(key, bytes.as_slice()).map_err(|e| self.inner.fail(e))?;
        if is_run(kind) {
            if object["status"]["completionTime"].is_string() {
                self.unfinished.remove(key).map_err(|e| self.inner.fail(e))?;
            } else {
                self.unfinished.insert(key, ()).map_err(|e| self.inner.fail(e))?;
            }
        }
        if old.is_none_or(|old| old["metadata"]["ownerReferences"] != object["metadata"]["ownerReferences"]) {
            for uid in old.map(owners).unwrap_or_default() {
                self.owned.remove((uid, key.0, key.1, key.2)).map_err(|e| self.inner.fail(e))?;
            }
            for uid in owners(&object) {
                self.owned.insert((uid, key.0, key.1, key.2), ()).map_err(|e| self.inner.fail(e))?;
            }
        }
        self.log(kind, change, object, &bytes)
    }

    fn log(&mut self, kind: &'static Kind, change: ChangeType, object: Value, bytes: &[u8]) -> Result<Arc<Value>, StoreError> {
        self.recent.forget(kind, metadata(&object, "namespace"), metadata(&object, "name"));
        let row = (&*kind.resource(), tables::change_byte(change), bytes);
        self.changes.insert(self.revision, row).map_err(|e| self.inner.fail(e))?;
        let object = Arc::new(object);
        self.events.push(Change { kind, change, object: object.clone(), revision: self.revision });
        Ok(object)
    }

    /// Removes an object, then what it owned: an object with another owner left only loses the reference.
    fn remove_with_owned(&mut self, kind: &'static Kind, namespace: &str, name: &str) -> Result<Option<Arc<Value>>, StoreError> {
        let mut first = None;
        let mut queue = VecDeque::from([(kind, namespace.to_owned(), name.to_owned())]);
        while let Some((kind, namespace, name)) = queue.pop_front() {
            let Some(removed) = self.remove(kind, &namespace, &name)? else { continue };
            if kind == &kinds::NAMESPACE {
                queue.extend(self.contents(&name)?);
            }
            let uid = metadata(&removed, "uid").to_owned();
            for (kind, namespace, name) in self.owned_by(&uid)? {
                let Some(old) = self.get(kind, &namespace, &name)? else { continue };
                if owners(&old).iter().all(|owner| *owner == uid) {
                    queue.push_back((kind, namespace, name));
                    continue;
                }
                let mut object = Value::clone(&old);
                if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
                    references.retain(|reference| reference["uid"] != uid.as_str());
                }
                self.put(kind, Some(&old), object, ChangeType::Modified)?;
            }
            first.get_or_insert(removed);
        }
        Ok(first)
    }

    fn remove(&mut self, kind: &'static Kind, namespace: &str, name: &str) -> Result<Option<Arc<Value>>, StoreError> {
        let Some(found) = self.get(kind, namespace, name)? else { return Ok(None) };
        let mut object = Value::clone(&found);
        let resource = kind.resource();
        let key = (resource.as_str(), namespace, name);
        self.objects.remove(key).map_err(|e| self.inner.fail(e))?;
        self.unfinished.remove(key).map_err(|e| self.inner.fail(e))?;
        for uid in owners(&object) {
            self.owned.remove((uid, key.0, key.1, key.2)).map_err(|e| self.inner.fail(e))?;
        }
        self.revision += 1;
        object["metadata"]["resourceVersion"] = Value::String(self.revision.to_string());
        let bytes = encode(&object);
        self.log(kind, ChangeType::Deleted, object, &bytes).map(Some)
    }

    fn owned_by(&self, uid: &str) -> Result<Vec<(&'static Kind, String, String)>, StoreError> {
        let after = format!("{uid}\0");
        let mut found = Vec::new();
        for row in self.owned.range((uid, "", "", "")..(after.as_str(), "", "", "")).map_err(|e| self.fail(e))? {
            let (key, ()) = row.map(|(key, value)| (key, value.value())).map_err(|e| self.fail(e))?;
            let (_, resource, namespace, name) = key.value();
            let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
            found.extend(kinds::of_resource(group, plural).map(|kind| (kind, namespace.to_owned(), name.to_owned())));
        }
        Ok(found)
    }

    fn contents(&self, namespace: &str) -> Result<Vec<(&'static Kind, String, String)>, StoreError> {
        let mut found = Vec::new();
        for kind in kinds::ALL.iter().filter(|kind| kind.namespaced) {
            let bounds = tables::Bounds::new(kind, Some(namespace));
            for row in self.objects.range(bounds.lower()..bounds.upper()).map_err(|e| self.fail(e))? {
                let (key, _) = row.map_err(|e| self.fail(e))?;
                found.push((*kind, namespace.to_owned(), key.value().2.to_owned()));
            }
        }
        Ok(found)
    }

    /// Cuts the log and notes the last revision; the changes made.
    fn close(mut self) -> Result<(Vec<Change>, u64), StoreError> {
        if self.events.is_empty() {
            return Ok((self.events, self.revision));
        }
        self.meta.insert(tables::REVISION, self.revision).map_err(|e| self.inner.fail(e))?;
        let oldest = self.changes.first().map_err(|e| self.inner.fail(e))?.map_or(self.revision, |(key, _)| key.value());
        let kept = self.inner.changes_kept;
        if self.revision - oldest > kept + kept / CHANGES_SLACK {
            let cut = self.revision - kept;
            self.changes.retain_in(..cut, |_, _| false).map_err(|e| self.inner.fail(e))?;
        }
        Ok((self.events, self.revision))
    }
}

/// A string field of an object's metadata; empty when it is not there.
fn metadata<'v>(object: &'v Value, field: &str) -> &'v str {
    object["metadata"][field].as_str().unwrap_or_default()
}

fn owners(object: &Value) -> Vec<&str> {
    let references = object["metadata"]["ownerReferences"].as_array();
    references.into_iter().flatten().filter_map(|reference| reference["uid"].as_str()).collect()
}

fn encode(object: &Value) -> Vec<u8> {
    serde_json::to_vec(object).expect("a JSON value has only string keys")
}

/// Gives a new object what the server owns of its metadata.
fn stamp(kind: &'static Kind, object: &mut Value, now: Timestamp) -> Result<(), StoreError> {
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    if metadata(object, "name").is_empty() && metadata(object, "generateName").is_empty() {
        return Err(StoreError::Unnamed { kind });
    }
    let has_spec = object.get("spec").is_some();
    // Cut and not rounded: nothing is made in the future.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let fields = object["metadata"].as_object_mut().expect("it was made one above");
    if !kind.namespaced {
        fields.shift_remove("namespace");
    }
    for server_owned in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
        fields.shift_remove(server_owned);
    }
    fields.insert("uid".to_owned(), json!(uuid::Uuid::new_v4().to_string()));
    fields.insert("creationTimestamp".to_owned(), json!(now.to_string()));
    if has_spec {
        fields.insert("generation".to_owned(), json!(1));
    }
    object["apiVersion"] = json!(kind.api_version(kind.version()));
    object["kind"] = json!(kind.kind);
    Ok(())
}

/// What no update changes: the identity, and what only the store counts up.
fn keep_identity(old: &Value, new: &mut Value) {
    for field in ["apiVersion", "kind"] {
        new[field] = old[field].clone();
    }
    if !new["metadata"].is_object() {
        new["metadata"] = Value::Object(Map::new());
    }
    let fields = new["metadata"].as_object_mut().expect("it was made one above");
    for field in ["name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"] {
        match old["metadata"].get(field) {
            Some(value) => fields.insert(field.to_owned(), value.clone()),
            None => fields.shift_remove(field),
        };
    }
}

fn random_letters() -> String {
    (0..GENERATED).map(|_| char::from(NAME_LETTERS[rand::random_range(0..NAME_LETTERS.len())])).collect()
}
