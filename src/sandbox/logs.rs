//! Logs of the steps on disk: `<dir>/logs/<pod uid>/<container>.log`.

use std::io;
use std::path::{Path, PathBuf};

/// The directory of all logs.
#[derive(Clone, Debug)]
pub struct LogDir {
    root: PathBuf,
}

impl LogDir {
    /// The logs below a sandbox's directory.
    pub fn new(dir: &Path) -> LogDir {
        LogDir { root: dir.join("logs") }
    }

    /// Removes the logs of a pod; none is no error.
    pub fn remove(&self, pod_uid: &str) -> io::Result<()> {
        if pod_uid.is_empty() || pod_uid.contains(['/', '.']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no pod has such a UID"));
        }
        match std::fs::remove_dir_all(self.root.join(pod_uid)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}
