//! The flags that every `logs` takes beside tkn's: which lines, in which order, in which form.

use clap::{ArgAction, Args, ValueEnum};
use jiff::Timestamp;
use regex::bytes::Regex;

use crate::logs::{Order, Policy};
use crate::objects::duration::GoDuration;
use crate::render::{Filter, Form, LineLook, Stamps};

/// Which lines, in which order, in which form.
#[derive(Args, Clone, Debug)]
pub struct Tools {
    /// All {Kinds} with these labels at once: `env=prod,tier!=web`
    #[arg(long, short = 'l', value_name = "SELECTOR", visible_alias = "selector")]
    pub label: Option<String>,
    /// Only what was written from then on: a duration (5m, 1h30m) or a time (2026-01-02T03:04:05Z)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// Only the last N lines of each container
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// Only lines that match this regular expression; of several, any
    #[arg(long, value_name = "REGEX")]
    grep: Vec<Regex>,
    /// No lines that match this regular expression
    #[arg(long, value_name = "REGEX")]
    exclude: Vec<Regex>,
    /// On a terminal, let what matches this regular expression stand out
    #[arg(long, value_name = "REGEX")]
    highlight: Vec<Regex>,
    /// One task after the other, also while they run side by side; or all lines by their time
    #[arg(long, value_enum, value_name = "ORDER")]
    group: Option<Group>,
    /// Only this attempt of each task, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    attempt: Option<u16>,
    /// Only tasks that failed
    #[arg(long)]
    log_failed: bool,
    /// The cluster's Events about the pods between the lines
    #[arg(long)]
    events: bool,
    /// Print what the containers wrote and nothing else: no prefixes, no empty lines, line ends as they are
    #[arg(long, conflicts_with_all = ["output", "events"])]
    raw: bool,
    /// Print one JSON object a line: run, task, taskRun, pod, container, step, attempt, time, line; params of a matrix;
    /// base64 where the line is no text; partial where a line over 64 KiB goes on in the next object
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

/// Orders.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Group {
    /// One task after the other
    Task,
    /// By the time at which lines were written
    Time,
}

/// Formats.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// One JSON object a line
    Json,
}

/// Each line's time, where `-t` means the tasks.
#[derive(Args, Clone, Copy, Debug)]
pub struct Timestamps {
    /// Each line's time before it; --timestamps=relative tells the time since the run began
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
        value_parser = stamps, action = ArgAction::Set)]
    pub timestamps: Stamps,
}

/// Each line's time.
#[derive(Args, Clone, Copy, Debug)]
pub struct ShortTimestamps {
    /// Each line's time before it; --timestamps=relative tells the time since the run began
    #[arg(long, short, value_name = "FORM", num_args = 0..=1, require_equals = true, default_value = "false",
        default_missing_value = "true", value_parser = stamps, action = ArgAction::Set)]
    pub timestamps: Stamps,
}

impl Tools {
    /// What is to be read.
    pub fn choose(&self, policy: &mut Policy) {
        policy.since = self.since;
        policy.tail = self.tail;
        policy.attempt = self.attempt.map(usize::from);
        policy.failed_only = self.log_failed;
        policy.events = self.events;
        policy.order = match self.group {
            None => Order::Usual,
            Some(Group::Task) => Order::Tasks,
            Some(Group::Time) => Order::Time,
        };
    }

    /// How it is to be shown.
    pub fn shape(self, look: &mut LineLook) {
        look.form = match (self.raw, self.output) {
            (true, _) => Form::Raw,
            (_, Some(Output::Json)) => Form::Json,
            _ => Form::Lines,
        };
        // Where lines of all containers are mixed, an end of one of them is none for the reader.
        look.gaps = !matches!(self.group, Some(Group::Time));
        look.filter = Filter { keep: self.grep, leave: self.exclude, highlight: self.highlight };
        look.sparse = look.filter.is_strict() || self.since.is_some() || self.tail.is_some();
    }
}

/// A time, or how long before now.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let before = GoDuration::parse(text).and_then(|d| Timestamp::now().checked_sub(d.0).ok());
    before.ok_or_else(|| "neither a duration (5m, 1h30m) nor a time (2026-01-02T03:04:05Z)".to_owned())
}

/// tkn's flag is a boolean, in any of Go's words for one.
fn stamps(text: &str) -> Result<Stamps, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Stamps::Server),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Stamps::None),
        "relative" => Ok(Stamps::Relative),
        _ => Err("true, false or relative".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_duration() {
        assert_eq!(since("2026-01-02T03:04:05Z"), Ok("2026-01-02T03:04:05Z".parse().unwrap()));
        let hour = Timestamp::now().duration_since(since("1h").unwrap());
        assert!((3599..=3601).contains(&hour.as_secs()), "{hour}");
        assert!(since("yesterday").is_err());
    }
}
