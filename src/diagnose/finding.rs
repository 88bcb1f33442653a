//! What came out, in the shape that `rtkn diagnose -o json` prints. Fields are only ever added to it.

use serde::Serialize;

use super::pattern::{Facts, fill};
use super::rules::Mend;

/// A piece of evidence, quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// Where it was seen: `condition Succeeded of TaskRun x`
    pub source: String,
    /// What stands there, in full
    pub text: String,
}

/// What kind of advice it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AdviceKind {
    /// A sentence
    Text,
    /// A line for a shell
    Command,
    /// Fields of a manifest
    Yaml,
}

/// One piece of advice; they are to be read in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Sentence, command or YAML
    pub kind: AdviceKind,
    /// The sentence, command or YAML
    pub text: String,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Id of the rule; stable
    pub rule: &'static str,
    /// `cause`, `symptom`, `follow` or `note`
    pub weight: &'static str,
    /// What it is about: `TaskRun x`
    pub object: String,
    /// What is wrong, in one sentence
    pub summary: String,
    /// What says so
    pub evidence: Vec<Quote>,
    /// What mends it
    pub mend: Vec<Advice>,
    /// Where the rule is known from
    pub known_from: &'static str,
}

/// How the object stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It ended badly
    Failed,
    /// Somebody ended it
    Cancelled,
    /// Something of it ended badly, and the rest has not ended
    Stopping,
    /// It should go on and does not
    Hangs,
    /// It is at work, and nothing is wrong so far
    Running,
    /// It ended well
    Succeeded,
    /// An EventListener that answers
    Ready,
    /// An EventListener that does not
    NotReady,
}

/// All about one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// `PipelineRun`, `TaskRun` or `EventListener`
    pub kind: &'static str,
    /// Its namespace
    pub namespace: String,
    /// Its name
    pub name: String,
    /// How it stands
    pub standing: Standing,
    /// Since when (RFC 3339), where that is known
    pub since: Option<String>,
    /// What is wrong, the cause first; empty when nothing is
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why
    pub unseen: Vec<String>,
}

/// How commands are written here: under the name this program was called by, and for the cluster it was called with.
pub struct Voice<'a> {
    /// A command of this program from its words
    pub command: &'a dyn Fn(&str) -> String,
    /// A command of kubectl from its words
    pub kubectl: &'a dyn Fn(&str) -> String,
}

impl Voice<'_> {
    /// Advice from a row's template.
    pub(super) fn advise(&self, mend: &Mend, facts: &Facts, namespace: &str) -> Advice {
        let text = fill(mend.template(), facts);
        let (kind, text) = match mend {
            Mend::Own(_) => (AdviceKind::Command, (self.command)(&format!("{text} -n {namespace}"))),
            Mend::OwnAnywhere(_) => (AdviceKind::Command, (self.command)(&text)),
            Mend::Kubectl(_) => (AdviceKind::Command, (self.kubectl)(&format!("-n {namespace} {text}"))),
            Mend::Anywhere(_) => (AdviceKind::Command, (self.kubectl)(&text)),
            Mend::Shell(_) => (AdviceKind::Command, text),
            Mend::Yaml(_) => (AdviceKind::Yaml, text),
            Mend::Say(_) => (AdviceKind::Text, text),
        };
        Advice { kind, text }
    }
}
