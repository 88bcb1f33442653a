//! Systems other than Linux have no mount namespaces: paths are put in by substitution there.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::Mode;
use super::attempt::Volume;

/// There is none on this system.
#[derive(Debug)]
pub enum NewRoot {}

/// Never made on this system.
#[derive(Debug, Clone, Copy)]
pub struct SetupError {
    /// What was being done
    pub stage: &'static str,
    /// What the kernel said
    pub errno: Errno,
}

impl NewRoot {
    /// Always an error.
    pub fn plan(_: &Mode, _: &Path, _: &[Volume], _: Option<(&Path, &Path)>, _: &[PathBuf]) -> io::Result<NewRoot> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has mount namespaces"))
    }

    /// Cannot be called, as there is no value to call it on.
    ///
    /// # Safety
    /// Nothing to keep.
    pub unsafe fn enter(&self) -> Result<(), SetupError> {
        match *self {}
    }
}

/// Always substitution.
pub fn probe(_: &Path) -> Mode {
    Mode::Substitution { reason: "only Linux has mount namespaces".to_owned() }
}
