//! Words that stand for a run by what became of it: `@latest`, `@failed`, `@running`. The server gives no object such a
//! name, so nothing else can be meant.

use super::Seen;
use super::meta::Condition;
use super::run::Run;
use super::verdict::State;

/// A word that stands for a run's name.
pub struct Word {
    /// As it is typed
    pub word: &'static str,
    /// What it means, behind «there is no PipelineRun»
    pub meaning: &'static str,
    /// Which runs it means; the newest of them is taken
    fits: fn(Option<&Condition>) -> bool,
}

/// The words.
pub const WORDS: [Word; 3] = [
    Word { word: "@latest", meaning: "", fits: |_| true },
    Word { word: "@failed", meaning: " that failed", fits: |condition| State::of(condition) == State::Failed },
    Word { word: "@running", meaning: " that has not ended", fits: |condition| condition.is_none_or(|c| c.status == "Unknown") },
];

/// Whether a name is such a word, or meant to be one.
pub fn is_word(typed: &str) -> bool {
    typed.starts_with('@')
}

impl Word {
    /// The word as it was typed.
    pub fn of(typed: &str) -> Option<&'static Self> {
        WORDS.iter().find(|w| w.word == typed)
    }

    /// The name of the newest run that it means.
    pub fn newest<R: Run>(&self, runs: Vec<Seen<R>>) -> Option<String> {
        let fitting = runs.into_iter().filter_map(|seen| seen.lens.ok()).filter(|run| (self.fits)(run.succeeded()));
        let newest = fitting.max_by_key(|run| (run.meta().creation_timestamp, run.started(), run.meta().written()))?;
        Some(newest.meta().name.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::objects::run::PipelineRun;

    fn run(name: &str, made: &str, conditions: &Value) -> Seen<PipelineRun> {
        Seen::from_value(&json!({
            "metadata": {"name": name, "creationTimestamp": made}, "status": {"conditions": conditions},
        }))
    }

    #[test]
    fn a_word_means_the_newest_run_that_fits() {
        let is = |status: &str, reason: &str| json!([{"type": "Succeeded", "status": status, "reason": reason}]);
        let runs = || {
            vec![
                run("failed-long-ago", "2026-01-01T00:00:00Z", &is("False", "Failed")),
                run("failed", "2026-01-02T00:00:00Z", &is("False", "PipelineRunTimeout")),
                run("running", "2026-01-03T00:00:00Z", &is("Unknown", "Running")),
                run("queued", "2026-01-04T00:00:00Z", &json!([])),
                run("cancelled", "2026-01-05T00:00:00Z", &is("False", "Cancelled")),
                run("well", "2026-01-06T00:00:00Z", &is("True", "Succeeded")),
            ]
        };
        let named = |word: &str| Word::of(word).and_then(|w| w.newest(runs()));
        assert_eq!(named("@latest").as_deref(), Some("well"));
        assert_eq!(named("@failed").as_deref(), Some("failed"));
        assert_eq!(named("@running").as_deref(), Some("queued"));
        assert_eq!(named("@last"), None);
    }

    #[test]
    fn of_one_second_the_run_that_was_written_last_is_the_newest() {
        let run = |name: &str, version: &str| {
            let metadata = json!({"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": version});
            Seen::<PipelineRun>::from_value(&json!({"metadata": metadata, "status": {"startTime": "2026-01-01T00:00:00Z"}}))
        };
        let newest = |runs: Vec<_>| Word::of("@latest").and_then(|w| w.newest(runs));
        assert_eq!(newest(vec![run("a", "100"), run("b", "99")]).as_deref(), Some("a"));
        assert_eq!(newest(vec![run("a", "99"), run("b", "100")]).as_deref(), Some("b"));
    }
}
