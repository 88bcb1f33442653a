//! Rules as data. A row says where a text shows up, what it means in plain words, and what mends it; to teach the
//! program a new failure is to add a row to one of the tables below. The first row that fits a trace speaks for it, so
//! exact rows stand before general ones.

mod admission;
mod claims;
mod clones;
mod listeners;
mod pods;
mod references;
mod resolvers;
mod runs;
mod sandbox;
mod steps;

use super::checks::Check;
use super::evidence::{Need, Place};

/// How much a rule knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Harmless, said because it looks like a cause
    Note,
    /// What followed from something else
    Follow,
    /// That it failed, not yet why
    Symptom,
    /// Why
    Cause,
}

/// What to do, as a template of [`super::pattern`].
#[derive(Clone, Copy, Debug)]
pub enum Mend {
    /// A command of this program, without the program's name and namespace: `sa add-secret {account} {secret}`
    Own(&'static str),
    /// A command of this program that has no namespace, without the program's name: `sandbox start`
    OwnAnywhere(&'static str),
    /// Arguments of kubectl, without the namespace
    Kubectl(&'static str),
    /// Arguments of kubectl that name their namespace themselves, or need none
    Anywhere(&'static str),
    /// A line for any shell; it speaks to no cluster
    Shell(&'static str),
    /// Fields of a manifest
    Yaml(&'static str),
    /// A sentence
    Say(&'static str),
}

impl Mend {
    /// The template within.
    pub fn template(&self) -> &'static str {
        match self {
            Mend::Own(t) | Mend::OwnAnywhere(t) | Mend::Kubectl(t) | Mend::Anywhere(t) | Mend::Shell(t) | Mend::Yaml(t) | Mend::Say(t) => t,
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, stable for programs that read `-o json`
    pub id: &'static str,
    /// How much it knows
    pub weight: Weight,
    /// Where it looks
    pub on: &'static [Place],
    /// Reasons of which the trace has one; any when empty
    pub reasons: &'static [&'static str],
    /// Patterns of which one is in the text; any text when empty, and then the row comes after all that have some
    pub patterns: &'static [&'static str],
    /// What has to be known to be exact
    pub needs: &'static [Need],
    /// Looks further than the text: may refuse, and adds to what the templates are filled with
    pub check: Option<Check>,
    /// What is wrong, one sentence without its period
    pub summary: &'static str,
    /// What mends it
    pub mend: &'static [Mend],
    /// Where this is known from: a section of Tekton's documentation or source, or an issue
    pub source: &'static str,
    /// Reason and text of a trace that it fits; the table's own test tries it
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the table"))]
    pub example: (&'static str, &'static str),
}

impl Rule {
    /// What a row leaves out.
    pub const fn of(weight: Weight, on: &'static [Place]) -> Self {
        Self {
            id: "",
            weight,
            on,
            reasons: &[],
            patterns: &[],
            needs: &[],
            check: None,
            summary: "",
            mend: &[],
            source: "",
            example: ("", ""),
        }
    }
}

/// A condition of a run or EventListener
pub const CONDITION: &[Place] = &[Place::Condition];
/// A log
pub const LOG: &[Place] = &[Place::Log];
/// What the scheduler and the kubelet say of a pod, and TaskRun conditions that repeat it
pub const POD: &[Place] = &[Place::Condition, Place::PodCondition, Place::Waiting, Place::Event];
/// Where a container's end shows
pub const END: &[Place] = &[Place::Condition, Place::Terminated];

/// The rows in the order in which they are tried: a reason alone says less than any text, so those rows come last.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let by_text = tables().filter(|rule| !rule.patterns.is_empty());
    by_text.chain(tables().filter(|rule| rule.patterns.is_empty()))
}

fn tables() -> impl Iterator<Item = &'static Rule> {
    [
        // Before the general rows, which speak of images and of the cluster's settings.
        sandbox::RULES,
        references::RULES,
        claims::RULES,
        clones::RULES,
        resolvers::RULES,
        admission::RULES,
        pods::RULES,
        listeners::RULES,
        steps::RULES,
        runs::RULES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::diagnose::checks::ADDED;
    use crate::diagnose::evidence::Trace;
    use crate::diagnose::explain::{COMMON, fits};
    use crate::diagnose::pattern::names;

    fn example(rule: &Rule) -> (Trace, String) {
        let (reason, text) = rule.example;
        let trace = Trace::new(rule.on[0], "", Some(reason), text);
        let meaning = trace.meaning();
        (trace, meaning)
    }

    #[test]
    fn ids_are_unique_and_rows_complete() {
        let mut seen = HashSet::new();
        for rule in all() {
            assert!(seen.insert(rule.id), "{} is used twice", rule.id);
            assert!(!rule.summary.is_empty() && !rule.mend.is_empty() && !rule.source.is_empty(), "{} lacks something", rule.id);
            assert!(!rule.summary.ends_with('.'), "{}: the period is added later", rule.id);
            assert!(!rule.patterns.is_empty() || !rule.reasons.is_empty(), "{} fits everything", rule.id);
        }
    }

    #[test]
    fn every_rule_fits_its_example_on_each_of_its_places() {
        for rule in all() {
            let (mut trace, text) = example(rule);
            for place in rule.on {
                trace.place = *place;
                assert!(fits(rule, &trace, &text).is_some(), "{} does not fit its example", rule.id);
            }
        }
    }

    #[test]
    fn no_earlier_row_without_a_check_takes_a_rows_example() {
        for (index, rule) in all().enumerate() {
            let (trace, text) = example(rule);
            let taken = all().take(index).find(|earlier| earlier.check.is_none() && fits(earlier, &trace, &text).is_some());
            assert!(taken.is_none(), "{} never speaks: {} stands before it", rule.id, taken.map_or("", |t| t.id));
        }
    }

    #[test]
    fn a_line_for_any_shell_speaks_to_no_cluster() {
        let shell = |mend: &&Mend| matches!(mend, Mend::Shell(_));
        for template in all().flat_map(|rule| rule.mend).filter(shell).map(Mend::template) {
            assert!(!template.contains("kubectl"), "{template:?} has to name its cluster: Kubectl or Anywhere");
        }
    }

    #[test]
    fn templates_ask_only_for_what_is_captured_or_known() {
        for rule in all() {
            let (trace, text) = example(rule);
            let captured = fits(rule, &trace, &text).expect("tested above");
            let known =
                |name: &str| captured.get(name).is_some() || COMMON.contains(&name) || (rule.check.is_some() && ADDED.contains(&name));
            for template in rule.mend.iter().map(Mend::template).chain([rule.summary]) {
                for name in names(template) {
                    assert!(known(name), "{}: nothing fills {{{name}}} in {template:?}", rule.id);
                }
            }
        }
    }
}
