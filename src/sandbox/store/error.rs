//! What can go wrong with the sandbox's store, in words a person can act on.

use std::io;
use std::path::{Path, PathBuf};

use crate::kinds::Kind;

/// An operation on the store that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open
    #[error("the sandbox in {} is in use by {}; wait until it has ended; to use the sandbox from several places at once, start it first (`sandbox start`)", dir.display(), holder(*pid, command))]
    Held {
        /// The sandbox's directory
        dir: PathBuf,
        /// That process, when it could be learned
        pid: Option<u32>,
        /// The command that it runs; empty when unknown
        command: String,
    },
    /// The disk, or the user's share of it, has no room left
    #[error("no space left on the disk that holds {}; nothing was changed; free some space and try again, after stopping the sandbox if it is started", path.display())]
    Full {
        /// The store's file
        path: PathBuf,
    },
    /// A lazily written change did not reach the disk, after which the database writes nothing more
    #[error("a write to {} has failed before this one, most likely since no space was left on its disk; free some space and try again", path.display())]
    Broken {
        /// The store's file
        path: PathBuf,
    },
    /// The directory or the file could not be made or opened
    #[error("cannot open the sandbox in {}", path.display())]
    Open {
        /// What was being opened
        path: PathBuf,
        /// Why not
        source: io::Error,
    },
    /// The file was written by a later version of rtkn
    #[error("{} has the store format {found}, this rtkn reads {known}; use the rtkn that made it", path.display())]
    Format {
        /// The store's file
        path: PathBuf,
        /// Format of the file
        found: u64,
        /// Format that this program writes
        known: u64,
    },
    /// An object of that name is there already
    #[error("{} \"{name}\" already exists", kind.resource())]
    Exists {
        /// Kind of the object
        kind: &'static Kind,
        /// Its name
        name: String,
    },
    /// An object without `metadata.name` and `metadata.generateName`
    #[error("the {} has neither metadata.name nor metadata.generateName", kind.kind)]
    Unnamed {
        /// Kind of the object
        kind: &'static Kind,
    },
    /// A stored object is no JSON
    #[error("{key} in the sandbox's store cannot be read; remove it by resetting the sandbox (`sandbox reset`)")]
    Decode {
        /// `resource namespace/name`
        key: String,
        /// What the parser said
        source: serde_json::Error,
    },
    /// The database failed otherwise
    #[error("the sandbox's store {} failed", path.display())]
    Database {
        /// The store's file
        path: PathBuf,
        /// What the database said
        source: Box<redb::Error>,
    },
}

fn holder(pid: Option<u32>, command: &str) -> String {
    match (pid, command) {
        (Some(pid), "") => format!("process {pid}"),
        (Some(pid), command) => format!("process {pid} ({command})"),
        (None, _) => "another process".to_owned(),
    }
}

impl StoreError {
    /// Whether the store is there and cannot be read, so that a new one is the way out.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Format { .. } | Self::Database { .. })
    }

    /// Sorts an error of the database: a full disk is told apart from everything else.
    pub(super) fn from_redb(path: &Path, error: impl Into<redb::Error>) -> Self {
        let source = error.into();
        match &source {
            redb::Error::Io(cause) if is_full(cause) => Self::Full { path: path.to_owned() },
            redb::Error::PreviousIo => Self::Broken { path: path.to_owned() },
            _ => Self::Database { path: path.to_owned(), source: Box::new(source) },
        }
    }

    /// Sorts an error of opening a file or directory.
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        if is_full(&source) {
            return Self::Full { path: path.to_owned() };
        }
        Self::Open { path: path.to_owned(), source }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
