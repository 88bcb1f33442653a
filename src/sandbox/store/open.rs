//! Opening the store: one process at a time, private to its user, and named to the others who try.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::ops::Bound;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, StorageBackend, StorageError};
use serde_json::{Value, json};

use super::{StoreError, tables};

/// How long to wait for another process, which may be a command that is about to end.
const PATIENCE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(25);
/// The database's cache of pages, beside that of the system; its own default is a gigabyte. Each step is a fork of this
/// process, which costs by its memory.
const CACHE_BYTES: usize = 8 << 20;
/// Characters of a command line that are kept to name the holder.
const COMMAND_SHOWN: usize = 120;

/// Name of the store's file in the sandbox's directory.
pub const FILE: &str = "store.redb";

/// A store that is ready for use.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) path: PathBuf,
    pub(super) revision: u64,
}

pub(super) fn open(dir: &Path) -> Result<Opened, StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| StoreError::from_io(dir, e))?;
    let path = dir.join(FILE);
    let is_new = fs::metadata(&path).map_or(true, |file| file.len() == 0);
    let opened = open_file(dir, path);
    if is_new && matches!(opened, Err(StoreError::Full { .. })) {
        forget(dir);
    }
    opened
}

fn open_file(dir: &Path, path: PathBuf) -> Result<Opened, StoreError> {
    let database = acquire(dir, || try_open(&path))?;
    let revision = prepare(&path, &database)?;
    record_holder(dir)?;
    Ok(Opened { database, path, revision })
}

/// Removes what was begun of a new store. What cannot be removed goes with a reset.
fn forget(dir: &Path) {
    for file in [dir.join(FILE), holder_file(dir)] {
        let _ = fs::remove_file(file);
    }
    let _ = fs::remove_dir(dir);
}

/// Waits a moment for whoever has the store. What is in it is not looked at, so that one that is damaged can be given up.
pub(super) fn wait_until_free(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(FILE);
    if path.exists() { acquire(dir, || try_lock(&path)) } else { Ok(()) }
}

fn acquire<T>(dir: &Path, attempt: impl Fn() -> Result<T, Attempt>) -> Result<T, StoreError> {
    let started = Instant::now();
    loop {
        match attempt() {
            Err(Attempt::Held) if started.elapsed() < PATIENCE => std::thread::sleep(RETRY),
            Err(Attempt::Held) => {
                let (pid, command) = holder(dir);
                return Err(StoreError::Held { dir: dir.to_owned(), pid, command });
            }
            Err(Attempt::Failed(error)) => return Err(error),
            Ok(acquired) => return Ok(acquired),
        }
    }
}

enum Attempt {
    Held,
    Failed(StoreError),
}

impl Attempt {
    fn failed(path: &Path, error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Held,
            error => Self::Failed(StoreError::from_redb(path, error)),
        }
    }
}

fn try_open(path: &Path) -> Result<Database, Attempt> {
    let opened = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend(path)?);
    opened.map_err(|error| Attempt::failed(path, error))
}

/// Takes the lock that the database takes when it is opened, and lets go of it.
fn try_lock(path: &Path) -> Result<(), Attempt> {
    match backend(path)?.try_lock_range(Bound::Unbounded, Bound::Unbounded) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Attempt::Held),
        Err(error) => Err(Attempt::failed(path, StorageError::from(error).into())),
    }
}

fn backend(path: &Path) -> Result<FileBackend, Attempt> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| Attempt::Failed(StoreError::from_io(path, e)))?;
    FileBackend::new(file).map_err(|error| Attempt::failed(path, error))
}

/// Makes the tables of a new store, and checks the format of an older one; the last revision.
fn prepare(path: &Path, database: &Database) -> Result<u64, StoreError> {
    let fail = |error: redb::Error| StoreError::from_redb(path, error);
    let read = database.begin_read().map_err(|e| fail(e.into()))?;
    match read.open_table(tables::META) {
        Ok(meta) => {
            let value =
                |row: &str| -> Result<u64, StoreError> { Ok(meta.get(row).map_err(|e| fail(e.into()))?.map_or(0, |value| value.value())) };
            let found = value(tables::FORMAT)?;
            if found != tables::FORMAT_NOW {
                return Err(StoreError::Format { path: path.to_owned(), found, known: tables::FORMAT_NOW });
            }
            value(tables::REVISION)
        }
        Err(redb::TableError::TableDoesNotExist(_)) => create_tables(database).map_err(|e| fail(*e)).map(|()| 0),
        Err(error) => Err(fail(error.into())),
    }
}

fn create_tables(database: &Database) -> Result<(), Box<redb::Error>> {
    let boxed = |error: redb::Error| Box::new(error);
    let write = database.begin_write().map_err(|e| boxed(e.into()))?;
    write.open_table(tables::OBJECTS).map_err(|e| boxed(e.into()))?;
    write.open_table(tables::UNFINISHED).map_err(|e| boxed(e.into()))?;
    write.open_table(tables::OWNED).map_err(|e| boxed(e.into()))?;
    write.open_table(tables::CHANGES).map_err(|e| boxed(e.into()))?;
    {
        let mut meta = write.open_table(tables::META).map_err(|e| boxed(e.into()))?;
        meta.insert(tables::FORMAT, tables::FORMAT_NOW).map_err(|e| boxed(e.into()))?;
    }
    write.commit().map_err(|e| boxed(e.into()))
}

fn holder_file(dir: &Path) -> PathBuf {
    dir.join("holder.json")
}

/// Writes who has the store. Others only read it after they found the lock taken, so it may be stale otherwise.
fn record_holder(dir: &Path) -> Result<(), StoreError> {
    let mut words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(program) = words.first_mut() {
        *program = Path::new(program).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    }
    let mut command = words.join(" ");
    if let Some((end, _)) = command.char_indices().nth(COMMAND_SHOWN) {
        command.truncate(end);
        command.push('…');
    }
    let path = holder_file(dir);
    let content = json!({"pid": std::process::id(), "command": command}).to_string();
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    written.and_then(|mut file| file.write_all(content.as_bytes())).map_err(|e| StoreError::from_io(&path, e))
}

fn holder(dir: &Path) -> (Option<u32>, String) {
    let value: Option<Value> = fs::read(holder_file(dir)).ok().and_then(|content| serde_json::from_slice(&content).ok());
    let Some(value) = value else { return (None, String::new()) };
    let pid = value["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    (pid, value["command"].as_str().unwrap_or_default().to_owned())
}
