//! The process's exit statuses, and which of them a run's end gives: one table for logs, watch, wait and start, of
//! Pipelines and Tasks alike. Help, man pages and the README are made from it.

/// The process's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; also «nothing found», and a reader that closed the pipe
    Done = 0,
    /// Any failure, usage errors included, as `tkn` does; a failed run where its status was asked for
    Failed = 1,
    /// The status of the run was asked for and is not known
    Unknown = 2,
    /// A plugin is there and cannot be run
    NotRun = 127,
    /// Interrupted by Ctrl-C, at a prompt or at work
    Interrupted = 130,
}

impl Exit {
    /// Each status with what it means, in order.
    pub const ALL: &'static [(Exit, &'static str)] = &[
        (Exit::Done, "done; also when nothing was found, and when the reader closed the pipe"),
        (Exit::Failed, "any failure, wrong usage included; a run that failed, where its status was asked for"),
        (Exit::Unknown, "the status of a run was asked for and is not known"),
        (Exit::NotRun, "a plugin is there and cannot be run"),
        (Exit::Interrupted, "interrupted by Ctrl-C, at a prompt or at work"),
    ];
}

/// How a run stood when a command that looked at it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ended as it should: it succeeded, or is what `wait --for` asks
    Good,
    /// It ended otherwise
    Bad,
    /// It has not ended
    Open,
    /// It is no more
    Deleted,
}

/// A row of the table: an end, and the statuses that it gives.
#[derive(Clone, Copy, Debug)]
pub struct OfRun {
    /// How the run stood
    pub end: End,
    /// The same in words
    pub when: &'static str,
    /// Of a command that was asked for something else: `logs`, `start`
    pub unasked: Exit,
    /// Of a command that was asked how the run ended: `-E`, `watch`, `wait`
    pub asked: Exit,
}

/// Heading of [`OfRun::unasked`].
pub const UNASKED: &str = "logs, start, rerun";
/// Heading of [`OfRun::asked`].
pub const ASKED: &str =
    "the same with -E; watch, wait, --watch, --wait, el send --follow; staying with a run, where the sandbox is not started";

/// The table.
pub const OF_RUNS: &[OfRun] = &[
    OfRun { end: End::Good, when: "it succeeded (wait: it is what --for asks)", unasked: Exit::Done, asked: Exit::Done },
    OfRun {
        end: End::Bad,
        when: "it failed, timed out or was cancelled (wait: it ended otherwise)",
        unasked: Exit::Done,
        asked: Exit::Failed,
    },
    OfRun {
        end: End::Open,
        when: "it has not ended: the time of wait is over, watch was left, logs did not follow",
        unasked: Exit::Done,
        asked: Exit::Unknown,
    },
    OfRun { end: End::Deleted, when: "it was deleted meanwhile", unasked: Exit::Failed, asked: Exit::Failed },
];

/// The verbs that the table is about; their man pages show it.
pub const VERBS_OF_RUNS: &[&str] = &["logs", "rerun", "send", "start", "wait", "watch"];

impl End {
    /// The status that this end gives, where it was asked for or not.
    pub fn exit(self, asked: bool) -> Exit {
        let row = OF_RUNS.iter().find(|row| row.end == self).expect("the table has a row for each end");
        if asked { row.asked } else { row.unasked }
    }

    /// The worse of two: what can be known of several runs together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let badness = |end| match end {
            End::Good => 0,
            End::Open => 1,
            End::Bad => 2,
            End::Deleted => 3,
        };
        if badness(other) > badness(self) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_fails_the_command_only_where_that_was_asked() {
        assert_eq!(End::Bad.exit(false), Exit::Done);
        assert_eq!(End::Bad.exit(true), Exit::Failed);
        assert_eq!(End::Open.exit(true), Exit::Unknown);
        assert_eq!(End::Deleted.exit(false), Exit::Failed);
    }

    #[test]
    fn one_failure_among_several_runs_is_known_even_while_others_go_on() {
        assert_eq!(End::Good.and(End::Open).and(End::Bad), End::Bad);
        assert_eq!(End::Open.and(End::Good), End::Open);
    }
}
