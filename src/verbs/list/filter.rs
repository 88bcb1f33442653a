//! What selects beside labels: fields, how long ago, and how runs stand.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::Which;
use crate::failure::Failure;
use crate::objects::duration::GoDuration;
use crate::objects::run::Run;
use crate::objects::verdict::State;
use crate::views::Listed;

/// Flags that select among objects of any kind.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only {Kinds} with these fields, as far as the server knows them: `metadata.name=x`
    #[arg(long, value_name = "SELECTOR")]
    field_selector: Option<String>,
    /// Only {Kinds} that began so long ago at most, runs by their start: `30m`, `2h`, `7d`
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
}

impl Filter {
    /// The field selector; empty for none.
    pub fn fields(&self) -> &str {
        self.field_selector.as_deref().unwrap_or_default()
    }

    /// The time from which on objects are wanted.
    ///
    /// # Errors
    /// When what was given is no duration.
    pub fn since(&self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = &self.since else { return Ok(None) };
        let wrong = || Failure::usage(format!("--since {text:?} is no duration; write it like 30m, 2h or 7d"));
        let span = duration(text).ok_or_else(wrong)?;
        now.checked_sub(span).map(Some).map_err(|_| wrong())
    }
}

/// A duration as Go reads it, or in days or weeks.
fn duration(text: &str) -> Option<SignedDuration> {
    for (unit, hours) in [("d", 24), ("w", 168)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Some(SignedDuration::from_hours(i64::from(number.parse::<u32>().ok()?) * hours));
        }
    }
    GoDuration::parse(text).and_then(|d| SignedDuration::try_from(d.0).ok())
}

/// When an object began: a run with its start, anything else, and a run that waits, with its making.
pub fn began<T: Listed>(object: &T) -> Option<Timestamp> {
    T::STARTED.and_then(|started| started(object)).or(object.meta().creation_timestamp)
}

/// Flags that select among runs.
#[derive(Args, Clone, Debug, Default)]
pub struct StatusFilter {
    /// Only {Kinds} that stand so: succeeded, failed, cancelled, running, pending, none
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = state)]
    status: Vec<State>,
}

impl StatusFilter {
    /// Of these runs, those that stand as is wanted.
    pub fn of<R: Run + Listed>(&self, which: Which<R>) -> Which<R> {
        let wanted = self.status.clone();
        if wanted.is_empty() {
            which
        } else {
            which.and(move |run| [run.state(), run.verdict().state].iter().any(|state| wanted.contains(state)))
        }
    }
}

const STATES: [State; 6] = [State::Succeeded, State::Failed, State::Cancelled, State::Running, State::Pending, State::Unstarted];

fn word(state: State) -> String {
    if state == State::Unstarted { "none".to_owned() } else { state.word().to_lowercase() }
}

fn state(text: &str) -> Result<State, String> {
    let known = STATES.into_iter().find(|state| word(*state) == text.to_lowercase() || state.word() == text);
    known.ok_or_else(|| format!("no such status; there are {}", STATES.map(word).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_may_be_days_and_weeks() {
        for (text, hours) in [("2h", 2), ("7d", 168), ("1w", 168), ("1h60m", 2)] {
            assert_eq!(duration(text), Some(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in ["", "d", "-1h", "tomorrow"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_status_is_any_word_of_the_table() {
        assert_eq!(state("failed"), Ok(State::Failed));
        assert_eq!(state("Running"), Ok(State::Running));
        assert_eq!(state("---"), Ok(State::Unstarted));
        assert!(state("odd").unwrap_err().ends_with("succeeded, failed, cancelled, running, pending, none"));
    }
}
