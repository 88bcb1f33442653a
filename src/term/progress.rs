//! Progress of long work, for a person at a terminal; a pipe hears nothing of it.

use std::time::Duration;

use indicatif::ProgressBar;

use super::Term;

/// A line that turns while something lasts, and goes when it is dropped.
pub struct Progress(ProgressBar);

impl Term {
    /// Shows that something is going on.
    pub fn progress(&self, what: impl Into<String>) -> Progress {
        if !self.stderr_is_terminal {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_message(what.into());
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }
}

impl Progress {
    /// Says what is going on now.
    pub fn message(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// Writes something while the line is away.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
