//! Which runs go when many are deleted at once, and in which words that is told. Pure.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::objects::Object;
use crate::objects::run::{PipelineRun, Run, RunOf, TaskRun};

/// A kind of run that is deleted many at once.
pub trait Bulk: RunOf + crate::views::Listed {
    /// Whether it is over, so that nothing at work is taken away
    fn is_over(&self) -> bool;
    /// Whether the age of one that nobody has taken up yet can be told, so that it may be too old
    fn has_age(&self) -> bool;
    /// Whether the number is told when all are deleted
    const COUNTED: bool;
}

/// Whether a PipelineRun whose condition is this one is over.
pub fn is_over(status: &str, reason: &str) -> bool {
    status != "Unknown" && !["Running", "Pending", "PipelineRunPending", "Started"].contains(&reason)
}

impl Bulk for PipelineRun {
    fn is_over(&self) -> bool {
        self.succeeded().is_some_and(|c| is_over(&c.status, c.reason.as_deref().unwrap_or_default()))
    }
    fn has_age(&self) -> bool {
        self.succeeded().is_some()
    }
    const COUNTED: bool = false;
}

impl Bulk for TaskRun {
    fn is_over(&self) -> bool {
        self.completed().is_some()
    }
    fn has_age(&self) -> bool {
        true
    }
    const COUNTED: bool = true;
}

/// What is kept back.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Keep so many, the newest by their start; 0 for no such rule
    pub number: usize,
    /// Keep those that ended within so many minutes; 0 for no such rule
    pub minutes: u32,
    /// Keep those that are not over
    pub unfinished: bool,
}

/// The names of those that go and of those that a rule of number or age keeps.
#[derive(Debug, Default, PartialEq)]
pub struct Choice {
    /// To be deleted
    pub doomed: Vec<String>,
    /// Kept by the rule
    pub kept: Vec<String>,
}

/// Divides the runs, which come newest first.
pub fn choose<R: Bulk>(runs: &[R], keep: Keep, now: Timestamp) -> Choice {
    let runs: Vec<&R> = runs.iter().filter(|run| !keep.unfinished || run.is_over()).collect();
    let by_age = || by_age(&runs, keep.minutes, now);
    match (keep.number, keep.minutes) {
        (0, 0) => Choice { doomed: runs.iter().map(|r| r.meta().name.clone()).collect(), kept: Vec::new() },
        (number, 0) => by_number(&runs, number),
        (0, _) => by_age(),
        // Both rules: the number counts, unless the age happens to keep just as many.
        (number, _) => Some(by_age()).filter(|choice| choice.kept.len() == number).unwrap_or_else(|| by_number(&runs, number)),
    }
}

fn by_number<R: Bulk>(runs: &[&R], number: usize) -> Choice {
    let names: Vec<String> = runs.iter().map(|r| r.meta().name.clone()).collect();
    let (kept, doomed) = names.split_at(number.min(names.len()));
    Choice { doomed: doomed.to_vec(), kept: kept.to_vec() }
}

/// A run without a time of its end is kept when it is over, and goes when it is not: what is still at work was left out
/// before, unless it is meant as well.
fn by_age<R: Bulk>(runs: &[&R], minutes: u32, now: Timestamp) -> Choice {
    let age = SignedDuration::from_mins(i64::from(minutes));
    let mut choice = Choice::default();
    for run in runs.iter().filter(|run| run.has_age()) {
        let expired = run.completed().map_or(!run.is_over(), |at| now.duration_since(at) > age);
        if expired { &mut choice.doomed } else { &mut choice.kept }.push(run.meta().name.clone());
    }
    choice
}

/// Leaves out the TaskRuns of PipelineRuns that are not over or not there: Tekton would start them again.
pub fn without_running_owner<R: Object>(runs: Vec<R>, over: &HashSet<String>) -> Vec<R> {
    runs.into_iter().filter(|run| owner(run).is_none_or(|owner| over.contains(owner))).collect()
}

/// The name of the PipelineRun that a TaskRun belongs to.
pub fn owner(run: &impl Object) -> Option<&str> {
    run.meta().owner_references.iter().find(|owner| owner.kind == "PipelineRun").map(|owner| owner.name.as_str())
}

/// What was deleted of which, told as `tkn` tells it; where `tkn` gives the number deleted for the number kept, the
/// sentence is put right.
pub fn report<R: Bulk>(parent: Option<&str>, keep: Keep, choice: &Choice, namespace: &str) -> String {
    let (deleted, kept) = (choice.doomed.len(), choice.kept.len());
    let over = if keep.unfinished { "(Completed)" } else { "" };
    let runs = format!("{}s{over}", R::KIND.kind);
    let of = parent.map(|name| format!(" associated with {} {name:?}", <R::Parent as Object>::KIND.kind)).unwrap_or_default();
    let rest = if parent.is_some() { String::new() } else { format!(", kept {kept}") };
    // tkn has no words for a Pipeline's runs of a certain age when those at work go as well.
    let minutes = if parent.is_some() && !R::COUNTED && keep.number == 0 && !keep.unfinished { 0 } else { keep.minutes };
    match (keep.number, minutes) {
        (0, 0) if R::COUNTED => format!("All {deleted} {runs}{of} deleted in namespace {namespace:?}"),
        (0, 0) => format!("All {runs}{of} deleted in namespace {namespace:?}"),
        (number, 0) => format!("All but {number} {runs}{of} deleted in namespace {namespace:?}"),
        (0, _) if parent.is_some() => format!("{deleted} expired {runs}{of} has been deleted in namespace {namespace:?}, kept {kept}"),
        // tkn writes TaskRuns in another way here.
        (0, _) if R::COUNTED => format!("{deleted} expired Taskruns{over} has been deleted in namespace {namespace:?}{rest}"),
        (0, _) => format!("{deleted} expired {runs} has been deleted in namespace {namespace:?}{rest}"),
        (_, _) => format!("{deleted} {runs}{of} has been deleted in namespace {namespace:?}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-01-01T12:00:00Z";

    fn run(name: &str, status: &str, reason: &str, ended: Option<&str>) -> PipelineRun {
        serde_json::from_value(json!({"metadata": {"name": name}, "status": {
            "conditions": [{"type": "Succeeded", "status": status, "reason": reason}], "completionTime": ended}}))
        .unwrap()
    }

    fn runs() -> Vec<PipelineRun> {
        let waiting = serde_json::from_value(json!({"metadata": {"name": "waiting"}})).unwrap();
        vec![
            waiting,
            run("running", "Unknown", "Running", None),
            run("new", "True", "Succeeded", Some("2026-01-01T11:30:00Z")),
            run("old", "False", "Failed", Some("2026-01-01T01:00:00Z")),
            run("older", "True", "Completed", Some("2025-01-01T01:00:00Z")),
        ]
    }

    fn chosen(number: usize, minutes: u32, unfinished: bool) -> (Vec<String>, Vec<String>) {
        let Choice { doomed, kept } = choose(&runs(), Keep { number, minutes, unfinished }, NOW.parse().unwrap());
        (doomed, kept)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn what_still_runs_stays_unless_it_is_asked_for() {
        assert_eq!(chosen(0, 0, true), (names(&["new", "old", "older"]), names(&[])));
        assert_eq!(chosen(0, 0, false), (names(&["waiting", "running", "new", "old", "older"]), names(&[])));
    }

    #[test]
    fn the_newest_are_kept_by_number_and_by_age() {
        assert_eq!(chosen(2, 0, true), (names(&["older"]), names(&["new", "old"])));
        assert_eq!(chosen(9, 0, true).0, names(&[]));
        assert_eq!(chosen(0, 60, true), (names(&["old", "older"]), names(&["new"])));
        assert_eq!(chosen(0, 60, false), (names(&["running", "old", "older"]), names(&["new"])));
        assert_eq!(chosen(2, 60, true), (names(&["older"]), names(&["new", "old"])), "the number counts");
        assert_eq!(chosen(1, 60, true), (names(&["old", "older"]), names(&["new"])));
    }

    #[test]
    fn a_run_that_has_ended_at_no_time_is_kept() {
        let odd = [run("odd", "True", "Succeeded", None)];
        let choice = choose(&odd, Keep { number: 0, minutes: 1, unfinished: true }, NOW.parse().unwrap());
        assert_eq!(choice, Choice { doomed: vec![], kept: names(&["odd"]) });
    }

    #[test]
    fn reports_read_as_those_of_tkn() {
        let choice = Choice { doomed: names(&["a", "b"]), kept: names(&["c"]) };
        let keep = |number, minutes| Keep { number, minutes, unfinished: true };
        let said = |keep| report::<PipelineRun>(None, keep, &choice, "ns");
        assert_eq!(said(keep(0, 0)), r#"All PipelineRuns(Completed) deleted in namespace "ns""#);
        assert_eq!(said(keep(1, 0)), r#"All but 1 PipelineRuns(Completed) deleted in namespace "ns""#);
        assert_eq!(said(keep(0, 5)), r#"2 expired PipelineRuns(Completed) has been deleted in namespace "ns", kept 1"#);
        assert_eq!(said(keep(1, 5)), r#"2 PipelineRuns(Completed) has been deleted in namespace "ns", kept 1"#);
        let of_task = report::<TaskRun>(Some("t"), Keep { number: 0, minutes: 0, unfinished: false }, &choice, "ns");
        assert_eq!(of_task, r#"All 2 TaskRuns associated with Task "t" deleted in namespace "ns""#);
    }
}
