//! Runs each line with both programs on the same state, and says in what they differ.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use serde_json::{Value, json};

use crate::cases::Case;
use crate::deviations::Deviation;
use crate::lab::{Lab, Objects};
use crate::programs::{Program, Ran};

/// How many lines are run at once that change nothing.
const AT_ONCE: usize = 3;

/// How often a line is tried: a second or a minute may end between the two programs.
const TRIES: usize = 3;

/// What came of a line.
pub struct Outcome {
    /// The line
    pub line: String,
    /// The command's words
    pub leaf: String,
    /// How it went
    pub verdict: Verdict,
    /// In what they differ, for a person
    pub difference: String,
}

/// How a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As tkn
    Same,
    /// As `deviations.toml` has it
    Better,
    /// Neither
    Differs,
}

/// Judges the lines; the outcomes come in their order.
pub fn judge(lab: &Lab, cases: &[&Case], deviations: &[Deviation]) -> Vec<Outcome> {
    let outcomes = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    // Lines that change nothing come first, on the state as it was loaded.
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((place, case)) = take(&next, cases) {
                    if !case.changes() {
                        let outcome = decide(case, deviations, || beside(lab, case));
                        outcomes.lock().unwrap().insert(place, outcome);
                    }
                }
            });
        }
    });
    for (place, case) in cases.iter().enumerate().filter(|(_, case)| case.changes()) {
        let outcome = decide(case, deviations, || (changing(lab, &lab.tkn, case), changing(lab, &lab.rtkn, case)));
        outcomes.lock().unwrap().insert(place, outcome);
    }
    outcomes.into_inner().unwrap().into_values().collect()
}

fn take<'a>(next: &AtomicUsize, cases: &[&'a Case]) -> Option<(usize, &'a Case)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    cases.get(place).map(|case| (place, *case))
}

/// Both at the same time, so that they see the same clock.
fn beside(lab: &Lab, case: &Case) -> (Ran, Ran) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| lab.tkn.run(case));
        let ours = lab.rtkn.run(case);
        (theirs.join().expect("the peer's thread"), ours)
    })
}

/// One program, what it changed, and the way back.
fn changing(lab: &Lab, program: &Program, case: &Case) -> Ran {
    let mut ran = program.run(case);
    ran.stdout = without_the_servers(&ran.stdout);
    let now = lab.objects();
    ran.changes = told(&mut ran, lab.loaded(), &now, case.sorted);
    lab.restore(&now);
    ran
}

/// Without what the server gives each object that it makes.
fn without_the_servers(stdout: &str) -> String {
    let fields = Regex::new(r#"(?m)("?\b(?:uid|resourceVersion|creationTimestamp|time)"?: ).*$"#).expect("a fixed expression");
    fields.replace_all(stdout, "${1}THE-SERVERS").into_owned()
}

/// What has changed, as data. A name that the server made is replaced, in what was printed as well.
fn told(ran: &mut Ran, before: &Objects, now: &Objects, sorted: bool) -> Value {
    let mut changes = serde_json::Map::new();
    for key in before.keys().filter(|key| !now.contains_key(*key)) {
        changes.insert(key.clone(), Value::Null);
    }
    for (key, object) in now.iter().filter(|(key, object)| before.get(*key) != Some(object)) {
        let (mut key, mut object) = (key.clone(), object.clone());
        let made = object["metadata"]["generateName"].as_str().map(|begin| format!("{begin}RANDOM"));
        if let (Some(made), Some(name)) = (made, object["metadata"]["name"].as_str().map(str::to_owned)) {
            key = key.replace(&name, &made);
            ran.stdout = ran.stdout.replace(&name, &made);
            object["metadata"]["name"] = json!(made);
        }
        if sorted {
            for field in ["workspaces", "params", "taskRunSpecs"] {
                if let Some(list) = object["spec"][field].as_array_mut() {
                    list.sort_by_key(Value::to_string);
                }
            }
        }
        changes.insert(key, object);
    }
    Value::Object(changes)
}

fn decide(case: &Case, deviations: &[Deviation], mut run: impl FnMut() -> (Ran, Ran)) -> Outcome {
    let deviation = deviations.iter().find(|deviation| deviation.cases.contains(&case.line));
    let mut outcome = Outcome { line: case.line.clone(), leaf: case.leaf.clone(), verdict: Verdict::Same, difference: String::new() };
    for _ in 0..TRIES {
        let (theirs, ours) = run();
        if theirs == ours {
            outcome.verdict = Verdict::Same;
            return outcome;
        }
        if deviation.is_some_and(|deviation| deviation.is_met(&ours, &theirs)) {
            outcome.verdict = Verdict::Better;
            return outcome;
        }
        outcome.verdict = Verdict::Differs;
        outcome.difference = difference(&theirs, &ours);
    }
    outcome
}

/// Each part in which the two differ, tkn's first.
pub fn difference(theirs: &Ran, ours: &Ran) -> String {
    let changes = |ran: &Ran| serde_json::to_string_pretty(&ran.changes).expect("JSON can be written");
    let parts = [
        ("status", theirs.status.clone(), ours.status.clone()),
        ("stdout", theirs.stdout.clone(), ours.stdout.clone()),
        ("stderr", theirs.stderr.clone(), ours.stderr.clone()),
        ("changes", changes(theirs), changes(ours)),
    ];
    let differing = parts.into_iter().filter(|(_, a, b)| a != b);
    differing.map(|(part, a, b)| format!("  {part}, tkn:\n{}  {part}, rtkn:\n{}", indented(&a), indented(&b))).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
