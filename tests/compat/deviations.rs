//! Where tkn is wrong, and what is to be had instead: `deviations.toml`, from which the documentation's table is made too.

use std::fs;

use regex::RegexBuilder;
use serde::Deserialize;

use crate::cases::{Case, folder};
use crate::programs::Ran;

/// What holds for some lines instead of tkn's answer. Each field is a regular expression, or `same` for as tkn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The lines, as they stand in `cases/`
    pub cases: Vec<String>,
    /// What is wrong about tkn's answer
    why: String,
    /// The exit status, the whole of it
    rc: Option<String>,
    /// Something on standard output
    stdout: Option<String>,
    /// Nothing on standard output
    not_stdout: Option<String>,
    /// Something on standard error
    stderr: Option<String>,
    /// Nothing on standard error
    not_stderr: Option<String>,
    /// What has changed on the server, as JSON; `none` for nothing
    effects: Option<String>,
}

#[derive(Deserialize)]
struct File {
    deviation: Vec<Deviation>,
}

/// All of them. Each line that they name has to be one.
pub fn all(cases: &[Case]) -> Vec<Deviation> {
    let text = fs::read_to_string(folder().join("deviations.toml")).expect("deviations.toml");
    let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("deviations.toml: {error}"));
    for deviation in &file.deviation {
        assert!(!deviation.cases.is_empty(), "no line holds rtkn to this: {}", deviation.why);
    }
    for line in file.deviation.iter().flat_map(|deviation| &deviation.cases) {
        assert!(cases.iter().any(|case| case.line == *line), "deviations.toml names no line of cases/: {line}");
    }
    file.deviation
}

impl Deviation {
    /// Whether this is what is to be had instead of tkn's answer.
    pub fn is_met(&self, ours: &Ran, theirs: &Ran) -> bool {
        let changes = ours.changes.to_string();
        let effects = match self.effects.as_deref() {
            // Lines that cannot change anything are not looked after.
            Some("none") => ours.changes.as_object().is_none_or(serde_json::Map::is_empty),
            wanted => holds(wanted, &changes, ours.changes == theirs.changes),
        };
        effects
            && self
                .rc
                .as_deref()
                .is_none_or(|rc| ours.status == theirs.status && rc == "same" || found(&format!("^(?:{rc})$"), &ours.status))
            && holds(self.stdout.as_deref(), &ours.stdout, ours.stdout == theirs.stdout)
            && holds(self.stderr.as_deref(), &ours.stderr, ours.stderr == theirs.stderr)
            && self.not_stdout.as_deref().is_none_or(|pattern| !found(pattern, &ours.stdout))
            && self.not_stderr.as_deref().is_none_or(|pattern| !found(pattern, &ours.stderr))
    }
}

fn holds(wanted: Option<&str>, text: &str, same: bool) -> bool {
    match wanted {
        None => true,
        Some("same") => same,
        Some(pattern) => found(pattern, text),
    }
}

fn found(pattern: &str, text: &str) -> bool {
    let pattern = RegexBuilder::new(pattern).multi_line(true).dot_matches_new_line(true).build();
    pattern.unwrap_or_else(|error| panic!("deviations.toml: {error}")).is_match(text)
}
