//! What a board is made of: nodes in a tree, each with how it stands, why, since when, and its last lines.

use jiff::Timestamp;

use super::tail::Tail;
use crate::objects::verdict::State;

/// How a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A heading, which stands for nothing itself
    Heading,
    /// Not begun
    Waiting,
    /// At work
    Running,
    /// Ended well
    Good,
    /// Ended badly, and the run goes on all the same
    Ignored,
    /// Ended badly
    Bad,
    /// Ended by somebody
    Cancelled,
    /// Will not run
    Skipped,
}

/// The word for what has no object on the server yet, or no container at work.
pub(super) const WAITING: &str = "Waiting";

/// The word for what is on its way without anybody's help.
pub(super) const STARTING: &str = "Starting";

impl Mark {
    /// The mark of a run's state.
    pub(super) fn of(state: State) -> Self {
        match state {
            State::Unstarted | State::Pending => Self::Waiting,
            State::Running => Self::Running,
            State::Succeeded => Self::Good,
            State::Failed => Self::Bad,
            State::Cancelled => Self::Cancelled,
        }
    }

    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Heading | Self::Waiting | Self::Running)
    }
}

/// A run, task, attempt or step.
#[derive(Clone, Debug)]
pub struct Node<'b> {
    /// The same as long as the run is watched
    pub key: String,
    /// What people call it
    pub name: String,
    /// How it stands
    pub mark: Mark,
    /// The same in a word
    pub word: String,
    /// Why, or what it waits for; empty where there is nothing to say
    pub note: String,
    /// When it began and ended
    pub span: (Option<Timestamp>, Option<Timestamp>),
    /// Its last lines
    pub tail: Option<&'b Tail>,
    /// What it consists of
    pub children: Vec<Node<'b>>,
}

impl<'b> Node<'b> {
    pub(super) fn new(key: impl Into<String>, name: impl Into<String>, mark: Mark, word: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            mark,
            word: word.into(),
            note: String::new(),
            span: (None, None),
            tail: None,
            children: Vec::new(),
        }
    }

    pub(super) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub(super) fn within(mut self, children: Vec<Node<'b>>) -> Self {
        self.children = children;
        self
    }

    /// The node of this key, in this one or below.
    pub fn find(&self, key: &str) -> Option<&Node<'b>> {
        if self.key == key {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(key))
    }

    /// This node and all below, in the order in which they are shown.
    pub fn all(&self) -> Vec<&Node<'b>> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Node::all));
        all
    }
}
