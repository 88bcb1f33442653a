//! The sandbox's objects in an embedded transactional database: every write is one transaction that also appends to
//! a change log, from which watches are served. Methods are synchronous and quick.

mod error;
mod flush;
mod open;
mod recent;
mod tables;
mod write;

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::kinds::{self, Kind};
use crate::sandbox::logs::LogDir;

pub use error::StoreError;
pub use open::FILE;
pub use write::UpdateError;

/// How many changes the log of a sandbox keeps at least; older ones answer as compacted.
const CHANGES_KEPT: u64 = 10_000;
/// Changes that a slow subscriber may be behind before it is told to list again.
const SUBSCRIBER_BUFFER: usize = 4096;

/// A handle on the store; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    mode: Mode,
}

/// What a write through a handle means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It is on disk when it returns
    Durable,
    /// It is on disk a little later
    Lazy,
    /// It answers as if it were done, and is not
    DryRun,
}

struct Inner {
    /// Dropped before the database, since it writes what is not on disk yet
    flusher: flush::Flusher,
    database: Arc<Database>,
    path: PathBuf,
    logs: LogDir,
    revision: AtomicU64,
    /// Serializes writers up to the sending of their changes, so that subscribers see revisions in order; whoever
    /// writes knows what was written last
    writer: Arc<Mutex<recent::Recent>>,
    changes: broadcast::Sender<Change>,
    /// How many changes the log keeps at least
    changes_kept: u64,
    /// Set when a write found the disk full; the database refuses work afterwards without saying why
    full: AtomicBool,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The objects, ordered by namespace and name
    pub objects: Vec<Value>,
    /// How many objects lie behind the last one, wanted or not
    pub behind: usize,
    /// Revision at which the page is true
    pub revision: u64,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// It was made
    Added,
    /// It was changed
    Modified,
    /// It was removed; the change carries its last state
    Deleted,
}

/// One entry of the change log.
#[derive(Clone, Debug)]
pub struct Change {
    /// Kind of the object
    pub kind: &'static Kind,
    /// What happened
    pub change: ChangeType,
    /// The object after the change
    pub object: Arc<Value>,
    /// Revision of the store that the change made; the object's `resourceVersion`
    pub revision: u64,
}

impl Store {
    /// Opens the store in a directory, and makes both when they are not there. Waits a moment when another process
    /// has it.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        Self::open_keeping(dir, CHANGES_KEPT)
    }

    /// Waits a moment until no process has the store in a directory, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Held`] when one keeps it.
    pub fn wait_until_free(dir: &Path) -> Result<(), StoreError> {
        open::wait_until_free(dir)
    }

    fn open_keeping(dir: &Path, changes_kept: u64) -> Result<Store, StoreError> {
        let opened = open::open(dir)?;
        let database = Arc::new(opened.database);
        let writer = Arc::<Mutex<recent::Recent>>::default();
        let (changes, _) = broadcast::channel(SUBSCRIBER_BUFFER);
        let inner = Inner {
            flusher: flush::Flusher::new(database.clone(), writer.clone()),
            database,
            path: opened.path,
            logs: LogDir::new(dir),
            revision: AtomicU64::new(opened.revision),
            writer,
            changes,
            changes_kept,
            full: AtomicBool::new(false),
        };
        Ok(Store { inner: Arc::new(inner), mode: Mode::Durable })
    }

    /// The same store for a writer of many small changes that can be made again: a write returns at once and is on
    /// disk within a fifth of a second. A crash loses the last ones as a whole and never half of one.
    pub fn lazy(&self) -> Store {
        Store { inner: self.inner.clone(), mode: Mode::Lazy }
    }

    /// The same store for a writer whose change, with all that came before it, is on disk before anybody reads it.
    pub fn durable(&self) -> Store {
        Store { inner: self.inner.clone(), mode: Mode::Durable }
    }

    /// The same store for trying what a write would do: everything is checked and answered, nothing is kept or told.
    pub fn dry_run(&self) -> Store {
        Store { inner: self.inner.clone(), mode: Mode::DryRun }
    }

    /// Waits until everything written so far is on disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.inner.flusher.flush().map_err(|error| self.inner.fail(error))
    }

    /// Waits until something that was written lazily could not be brought to disk, and says why. Nothing is kept from then on.
    pub async fn failed(&self) -> StoreError {
        let mut failed = self.inner.flusher.failed();
        // Whoever tells it lives as long as this store.
        let _ = failed.wait_for(|failed| *failed).await;
        match self.flush() {
            Err(error) => error,
            Ok(()) => std::future::pending().await,
        }
    }

    /// One object; the namespace is empty for cluster-scoped kinds.
    pub fn get(&self, kind: &'static Kind, namespace: &str, name: &str) -> Result<Option<Value>, StoreError> {
        let read = self.read()?;
        let objects = read.open_table(tables::OBJECTS).map_err(|e| self.inner.fail(e))?;
        let resource = kind.resource();
        let found = objects.get((resource.as_str(), namespace, name)).map_err(|e| self.inner.fail(e))?;
        found.map(|bytes| tables::decode(&resource, namespace, name, bytes.value())).transpose()
    }

    /// All objects of a kind, or those of one namespace, ordered by namespace and name.
    pub fn list(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<Vec<Value>, StoreError> {
        self.list_at(kind, namespace).map(|(objects, _)| objects)
    }

    /// As `list`, with the revision at which the list is true.
    pub fn list_at(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<(Vec<Value>, u64), StoreError> {
        let page = self.list_page(kind, namespace, None, usize::MAX, |_| true)?;
        Ok((page.objects, page.revision))
    }

    /// At most `limit` of the objects that are wanted, from the one after a namespace and name on. What lies behind the
    /// page is only counted, so that a page costs what is in it.
    pub fn list_page(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
        after: Option<(&str, &str)>,
        limit: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Page, StoreError> {
        let read = self.read()?;
        let fail = |error: redb::StorageError| self.inner.fail(error);
        let table = read.open_table(tables::OBJECTS).map_err(|e| self.inner.fail(e))?;
        let (bounds, resource) = (tables::Bounds::new(kind, namespace), kind.resource());
        let lower = match after {
            Some((namespace, name)) => Bound::Excluded((resource.as_str(), namespace, name)),
            None => Bound::Included(bounds.lower()),
        };
        let mut rows = table.range((lower, Bound::Excluded(bounds.upper()))).map_err(fail)?;
        let mut objects = Vec::new();
        while objects.len() < limit
            && let Some(row) = rows.next()
        {
            let (key, bytes) = row.map_err(fail)?;
            let (resource, namespace, name) = key.value();
            objects.extend(Some(tables::decode(resource, namespace, name, bytes.value())?).filter(&wanted));
        }
        let behind = rows.count();
        let meta = read.open_table(tables::META).map_err(|e| self.inner.fail(e))?;
        let revision = meta.get(tables::REVISION).map_err(fail)?.map_or(0, |value| value.value());
        Ok(Page { objects, behind, revision })
    }

    /// Runs of a kind that have no `status.completionTime`, from an index.
    pub fn unfinished(&self, kind: &'static Kind) -> Result<Vec<Value>, StoreError> {
        let read = self.read()?;
        let fail = |error: redb::StorageError| self.inner.fail(error);
        let index = read.open_table(tables::UNFINISHED).map_err(|e| self.inner.fail(e))?;
        let objects = read.open_table(tables::OBJECTS).map_err(|e| self.inner.fail(e))?;
        let bounds = tables::Bounds::new(kind, None);
        let mut found = Vec::new();
        for row in index.range(bounds.lower()..bounds.upper()).map_err(fail)? {
            let (key, _) = row.map_err(fail)?;
            let (resource, namespace, name) = key.value();
            if let Some(bytes) = objects.get((resource, namespace, name)).map_err(fail)? {
                found.push(tables::decode(resource, namespace, name, bytes.value())?);
            }
        }
        Ok(found)
    }

    /// Changes from now on, in the order of their revisions. A receiver that lags has to list again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    /// The sandbox's directory, which the store lies in.
    pub fn dir(&self) -> &Path {
        self.inner.path.parent().unwrap_or(&self.inner.path)
    }

    /// Revision of the last change.
    pub fn revision(&self) -> u64 {
        self.inner.revision.load(Ordering::Acquire)
    }

    /// The changes after a revision, oldest first. `None` when the log no longer reaches back that far, or the
    /// revision is one that this store has not reached.
    pub fn changes_since(&self, revision: u64) -> Result<Option<Vec<Change>>, StoreError> {
        if revision > self.revision() {
            return Ok(None);
        }
        let read = self.read()?;
        let fail = |error: redb::StorageError| self.inner.fail(error);
        let log = read.open_table(tables::CHANGES).map_err(|e| self.inner.fail(e))?;
        let oldest = log.first().map_err(fail)?.map(|(key, _)| key.value());
        if oldest.is_some_and(|oldest| revision + 1 < oldest) {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for row in log.range(revision + 1..).map_err(fail)? {
            let (key, value) = row.map_err(fail)?;
            changes.extend(tables::decode_change(key.value(), value.value())?);
        }
        Ok(Some(changes))
    }

    fn read(&self) -> Result<ReadTransaction, StoreError> {
        self.inner.database.begin_read().map_err(|error| self.inner.fail(error))
    }
}

impl Inner {
    fn fail(&self, error: impl Into<redb::Error>) -> StoreError {
        let error = error.into();
        if matches!(error, redb::Error::PreviousIo) && self.full.load(Ordering::Relaxed) {
            return StoreError::Full { path: self.path.clone() };
        }
        let error = StoreError::from_redb(&self.path, error);
        if matches!(error, StoreError::Full { .. }) {
            self.full.store(true, Ordering::Relaxed);
        }
        error
    }
}

/// The kinds whose runs `unfinished` knows.
fn is_run(kind: &Kind) -> bool {
    [&kinds::PIPELINE_RUN, &kinds::TASK_RUN, &kinds::CUSTOM_RUN].contains(&kind)
}

#[cfg(test)]
mod tests;
