//! How a run stands, read from its condition of type `Succeeded`; the one place where reasons are understood.

use super::meta::Condition;

/// The state of a run in a word that tkn's users know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No condition yet
    Unstarted,
    /// Waiting for leave, quota or a node
    Pending,
    /// At work
    Running,
    /// Ended well
    Succeeded,
    /// Ended badly
    Failed,
    /// Ended by somebody
    Cancelled,
}

impl State {
    /// What a run is at. The word that tkn has for one that is being stopped tells how it will end; it has not ended yet.
    pub fn of(condition: Option<&Condition>) -> Self {
        let goes_on = condition.is_some_and(|c| c.status == "Unknown");
        match Verdict::of(condition).state {
            State::Failed | State::Cancelled if goes_on => State::Running,
            state => state,
        }
    }

    /// The word, as `tkn` prints it.
    pub fn word(self) -> &'static str {
        match self {
            State::Unstarted => "---",
            State::Pending => "Pending",
            State::Running => "Running",
            State::Succeeded => "Succeeded",
            State::Failed => "Failed",
            State::Cancelled => "Cancelled",
        }
    }
}

/// A state and the reason that stands behind it in brackets, where there is one worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The state
    pub state: State,
    /// The condition's reason, when it says more than the state
    pub reason: Option<String>,
}

impl Verdict {
    /// Reads a condition as `tkn` does (`pkg/formatted/k8s.go`): reasons that mean a state of their own come before
    /// the condition's status.
    pub fn of(condition: Option<&Condition>) -> Self {
        let Some(condition) = condition else { return Self { state: State::Unstarted, reason: None } };
        let reason = condition.reason.as_deref().unwrap_or_default();
        let (state, said) = match (condition.status.as_str(), reason) {
            (_, "Cancelled") => (State::Cancelled, true),
            (_, "PipelineRunCancelled" | "TaskRunCancelled") => (State::Cancelled, false),
            (_, "PipelineRunStopping" | "TaskRunStopping") => (State::Failed, false),
            (_, "CreateContainerConfigError" | "ExceededNodeResources" | "ExceededResourceQuota") => (State::Pending, false),
            (_, "PipelineRunPending") => (State::Pending, true),
            // The sandbox's own: nobody is at work on it until the next engine is.
            ("Unknown", "SandboxStopped") => (State::Pending, false),
            ("True", "" | "Succeeded" | "Completed") => (State::Succeeded, true),
            ("True", _) => (State::Succeeded, false),
            ("False", "" | "Failed") => (State::Failed, true),
            ("False", _) => (State::Failed, false),
            (_, "" | "Running") => (State::Running, true),
            _ => (State::Running, false),
        };
        Self { state, reason: (!said).then(|| reason.to_owned()) }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}({reason})", self.state.word()),
            None => f.write_str(self.state.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: &str, reason: &str) -> String {
        let condition = Condition { status: status.into(), reason: Some(reason.into()), ..Condition::default() };
        Verdict::of(Some(&condition)).to_string()
    }

    #[test]
    fn a_run_that_is_being_stopped_is_at_work() {
        let state = |status: &str| {
            State::of(Some(&Condition { status: status.into(), reason: Some("PipelineRunStopping".into()), ..Condition::default() }))
        };
        assert_eq!((state("Unknown"), state("False")), (State::Running, State::Failed));
    }

    #[test]
    fn reasons_read_as_tkn_reads_them() {
        assert_eq!(Verdict::of(None).to_string(), "---");
        assert_eq!(said("True", "Completed"), "Succeeded");
        assert_eq!(said("True", "Odd"), "Succeeded(Odd)");
        assert_eq!(said("False", "Failed"), "Failed");
        assert_eq!(said("False", "StepFailed"), "Failed(StepFailed)");
        assert_eq!(said("False", "Cancelled"), "Cancelled");
        assert_eq!(said("False", "TaskRunCancelled"), "Cancelled(TaskRunCancelled)");
        assert_eq!(said("Unknown", "PipelineRunPending"), "Pending");
        assert_eq!(said("Unknown", "ExceededResourceQuota"), "Pending(ExceededResourceQuota)");
        assert_eq!(said("Unknown", "Started"), "Running(Started)");
        assert_eq!(said("Unknown", "SandboxStopped"), "Pending(SandboxStopped)");
        assert_eq!(said("False", "SandboxStopped"), "Failed(SandboxStopped)");
        assert_eq!(said("Unknown", "PipelineRunStopping"), "Failed(PipelineRunStopping)");
    }
}
