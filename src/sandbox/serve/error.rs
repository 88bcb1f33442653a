//! What can go wrong with a sandbox as a whole.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::sandbox::store::StoreError;

/// A sandbox that cannot be opened, started or found.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Its store
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine has ended since its store failed
    #[error("the sandbox's engine has stopped: {}", unkept(.0, "what was started before is there"))]
    Engine(Arc<StoreError>),
    /// What happened last could not be brought to disk
    #[error("{}", unkept(.0, "how the last runs ended could not be kept, and they will count as interrupted"))]
    Unkept(StoreError),
    /// There is no home directory to keep it in
    #[error("there is no home directory to keep the sandbox in; name one with RTKN_SANDBOX_DIR")]
    NoHome,
    /// The port cannot be had
    #[error("cannot listen on port {port} of this machine; choose another with --port")]
    Listen {
        /// The port; 0 for any
        port: u16,
        /// Why not
        source: io::Error,
    },
    /// One of its files cannot be read or written
    #[error("{}", path.display())]
    File {
        /// The file
        path: PathBuf,
        /// Why not
        source: io::Error,
    },
    /// A client for it cannot be made
    #[error("cannot set up the connection to the sandbox")]
    Client(#[source] kube::Error),
}

/// Why the store failed, and what that means for runs: what was written before is there, which the words about a single write
/// would deny.
fn unkept(error: &StoreError, means: &str) -> String {
    match error {
        StoreError::Full { path } | StoreError::Broken { path } => format!(
            "no space left on the disk that holds {}; {means}: free some space, and look at the runs (`list`, `diagnose`) before you \
             start any again",
            path.display()
        ),
        other => other.to_string(),
    }
}
