//! The condition `Succeeded` of runs, looked up by its type.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{items, stamp, text};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not decided yet
    Unknown,
    /// Succeeded
    True,
    /// Failed, or was cancelled
    False,
}

impl Standing {
    /// How a run stands, if it says so.
    pub fn of(run: &Value) -> Option<Self> {
        run.get("status").and_then(succeeded).map(Self::read)
    }

    fn read(condition: &Value) -> Self {
        match text(condition, "/status") {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }

    /// `Unknown`, `True`, `False`
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::True => "True",
            Self::False => "False",
        }
    }
}

/// The condition `Succeeded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How the run stands
    pub status: Standing,
    /// One of Tekton's reasons
    pub reason: String,
    /// For people
    pub message: String,
}

impl Condition {
    /// A run that goes on.
    pub fn ongoing(reason: &str, message: impl Into<String>) -> Self {
        Self { status: Standing::Unknown, reason: reason.to_owned(), message: message.into() }
    }

    /// A run that failed.
    pub fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self { status: Standing::False, reason: reason.to_owned(), message: message.into() }
    }

    /// A run that succeeded.
    pub fn succeeded(reason: &str, message: impl Into<String>) -> Self {
        Self { status: Standing::True, reason: reason.to_owned(), message: message.into() }
    }

    /// The condition of a run's status, if it has one.
    pub fn of_status(status: &Value) -> Option<Self> {
        let found = succeeded(status)?;
        Some(Self { status: Standing::read(found), reason: text(found, "/reason").to_owned(), message: text(found, "/message").to_owned() })
    }

    /// The condition of a run.
    pub fn of(run: &Value) -> Option<Self> {
        run.get("status").and_then(Self::of_status)
    }

    /// Writes it into a status; the time of the transition changes only with the content.
    pub fn write(&self, status: &mut Value, now: Timestamp) {
        if Self::of_status(status).as_ref() == Some(self) {
            return;
        }
        status["conditions"] = json!([{
            "lastTransitionTime": stamp(now),
            "message": self.message,
            "reason": self.reason,
            "status": self.status.word(),
            "type": "Succeeded",
        }]);
    }

    /// Whether the run has ended.
    pub fn is_final(&self) -> bool {
        self.status != Standing::Unknown
    }
}

fn succeeded(status: &Value) -> Option<&Value> {
    items(status, "/conditions").iter().find(|c| text(c, "/type") == "Succeeded")
}

/// Whether a run has ended.
pub fn is_done(run: &Value) -> bool {
    Standing::of(run).is_some_and(|standing| standing != Standing::Unknown)
}

/// The mark that Tekton puts before messages about mistakes of a run's author.
pub const USER_ERROR: &str = "[User error] ";

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The condition's reason
    pub reason: &'static str,
    /// The condition's message
    pub message: String,
}

impl Failure {
    /// A failure with Tekton's reason.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// One that is the author's mistake.
    pub fn user(reason: &'static str, message: impl AsRef<str>) -> Self {
        Self { reason, message: format!("{USER_ERROR}{}", message.as_ref()) }
    }

    /// As the condition of the run.
    pub fn condition(&self) -> Condition {
        Condition::failed(self.reason, self.message.clone())
    }
}
