//! The rules of `src/` as data: which module may use which, and what no file may contain. A new edge is a decision;
//! whoever makes one adds it here and says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each top-level module may use of the others. `cli` appears below `commands` for the completers of names only.
const MAY_USE: &[(&str, &[&str])] = &[
    ("bundle", &["client"]),
    ("cli", &["commands", "failure", "kinds", "kubeconfig", "near", "objects", "sandbox", "session", "term"]),
    ("client", &["kinds", "kubeconfig", "objects"]),
    (
        "commands",
        &[
            "cli", "client", "diagnose", "exit", "failure", "input", "kinds", "logs", "near", "objects", "render", "sandbox", "scaffold",
            "session", "shell", "term", "verbs", "views",
        ],
    ),
    // Rules look at evidence; only its gathering asks the server, and only `words` knows how an explanation looks.
    ("diagnose", &["client", "kinds", "near", "objects", "scaffold", "term", "views"]),
    ("exit", &[]),
    ("failure", &["bundle", "client", "exit", "kubeconfig", "logs", "sandbox", "term"]),
    ("input", &[]),
    ("kinds", &[]),
    ("kubeconfig", &["near"]),
    // The loop that feeds the machine asks the server; the machine itself is forbidden to, below.
    ("logs", &["client", "kinds", "objects"]),
    ("near", &[]),
    ("objects", &["kinds"]),
    ("render", &["kinds", "logs", "objects", "term", "views"]),
    // `kubeconfig` and `client` are for clusters; the sandbox is a server and knows neither.
    ("sandbox", &["kinds", "objects"]),
    ("scaffold", &["kinds", "near", "objects"]),
    // The only place that knows both ways to a server.
    ("session", &["client", "failure", "kinds", "kubeconfig", "sandbox", "shell", "term"]),
    ("shell", &[]),
    ("term", &["input", "objects"]),
    (
        "verbs",
        &[
            "bundle", "cli", "client", "diagnose", "exit", "failure", "input", "kinds", "logs", "near", "objects", "render", "scaffold",
            "session", "term", "views",
        ],
    ),
    // A Secret's page says what `scaffold` knows of Secrets: types, hosts, fingerprints.
    ("views", &["kinds", "objects", "scaffold"]),
];

/// Parts that decide: nothing in them waits, reads a clock or an environment, or speaks to anybody.
const PURE: &[&str] = &[
    "diagnose/checks",
    "diagnose/evidence.rs",
    "diagnose/pattern.rs",
    "diagnose/rules",
    "logs/machine",
    "near.rs",
    "objects/",
    "sandbox/engine/graph.rs",
    "sandbox/engine/params.rs",
    "sandbox/engine/pipelinerun",
    "sandbox/engine/plan.rs",
    "sandbox/engine/substitute.rs",
    "sandbox/engine/taskrun",
    "sandbox/engine/when.rs",
    "scaffold/",
    "views/",
];

/// What gives a pure part away.
const IMPURE: &[&str] = &[
    ".await",
    "Instant::now()",
    "SystemTime::now()",
    "Timestamp::now()",
    "async fn ",
    "crate::client",
    "crate::commands",
    "crate::session",
    "crate::term",
    "std::env::",
    "std::fs",
    "tokio::",
];

/// A file of `src/`.
struct Source {
    /// Path below `src/`
    path: String,
    /// The whole text
    text: String,
    /// The text without comments and without tests; empty for a file that is nothing but tests
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    gather(&root, &root, &mut files);
    let test_files: BTreeSet<String> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let source = |(path, text): (String, String)| {
        let tests = test_files.iter().any(|file| path == format!("{file}.rs") || path.starts_with(&format!("{file}/")));
        let code = if tests { String::new() } else { code_of(&text) };
        Source { path, text, code }
    };
    files.into_iter().map(source).collect()
}

/// Gathers the Rust files below a folder: the path from the root on, and the text.
pub fn gather(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            gather(root, &path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root).expect("it is below src").to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path).expect("a source is text")));
        }
    }
}

/// The files that a file declares with `#[cfg(test)] mod NAME;`, without `.rs`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let folder = path.trim_end_matches("mod.rs").trim_end_matches(".rs").trim_end_matches('/').to_owned();
    let after = text.split("#[cfg(test)]").skip(1);
    let names = after.filter_map(|rest| rest.trim_start().strip_prefix("mod ")?.split_once(';').map(|(name, _)| name.to_owned()));
    names.filter(|name| !name.contains('{')).map(|name| format!("{folder}/{name}")).collect()
}

fn code_of(text: &str) -> String {
    let tests = text.match_indices("#[cfg(test)]\n").find(|(at, mark)| {
        let declared = text[at + mark.len()..].lines().find(|line| !line.starts_with("#["));
        declared.is_some_and(|line| line.ends_with("mod tests {"))
    });
    let text = tests.map_or(text, |(at, _)| &text[..at]);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The top-level module that a path belongs to.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// The top-level modules that a text names as `crate::NAME` or in `crate::{NAME, …}`.
fn used(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group.split('}').next().unwrap_or_default().split(',').map(word)),
            None => drop(found.insert(word(rest))),
        }
    }
    found
}

fn assert_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.path != "main.rs" && s.path != "lib.rs") {
        let own = module(&source.path);
        let Some(allowed) = table.get(own) else {
            wrong.push(format!("{own} is not in the table"));
            continue;
        };
        let others = used(&source.code).into_iter().filter(|name| name != own && table.contains_key(name.as_str()));
        wrong.extend(others.filter(|name| !allowed.contains(&name.as_str())).map(|name| format!("{} uses {name}", source.path)));
    }
    assert_none("imports that no rule allows", wrong);
}

#[test]
fn commands_take_nothing_from_the_command_line_but_completers_and_marks() {
    let wrong = sources().into_iter().filter(|s| matches!(module(&s.path), "commands" | "verbs")).flat_map(|source| {
        let uses: Vec<String> = source.code.split("crate::cli::").skip(1).map(str::to_owned).collect();
        let wrong: Vec<String> = uses
            .into_iter()
            .filter(|rest| !rest.starts_with("complete") && !rest.starts_with("marks"))
            .map(|_| source.path.clone())
            .collect();
        wrong
    });
    assert_none("files that use more of cli than cli::complete and cli::marks", wrong.collect());
}

#[test]
fn deciding_is_pure() {
    let mut wrong = Vec::new();
    for part in PURE {
        let files: Vec<Source> = sources().into_iter().filter(|s| s.path.starts_with(part)).collect();
        assert!(!files.is_empty(), "{part} is in the table and not in src/");
        for file in &files {
            wrong.extend(IMPURE.iter().filter(|word| file.code.contains(**word)).map(|word| format!("{}: {word}", file.path)));
        }
    }
    assert_none("parts that shall only decide", wrong);
}

#[test]
fn escapes_are_written_in_one_place() {
    let elsewhere =
        sources().into_iter().filter(|s| s.path != "term/style.rs" && (s.code.contains(r"\x1b[") || s.code.contains(r"\u{1b}[")));
    assert_none("files with escape codes of their own", elsewhere.map(|s| s.path).collect());
}

#[test]
fn nothing_is_left_for_later_and_nothing_is_unwrapped() {
    let mut wrong = Vec::new();
    for source in sources() {
        for mark in ["TODO", "FIXME", "XXX:", "(stub)"] {
            wrong.extend(source.text.contains(mark).then(|| format!("{}: {mark}", source.path)));
        }
        for word in [".unwrap()", "todo!(", "unimplemented!(", "dbg!("] {
            wrong.extend(source.code.contains(word).then(|| format!("{}: {word}", source.path)));
        }
    }
    assert_none("marks of unfinished work", wrong);
}

#[test]
fn every_file_says_its_duty_and_fits_the_eye() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with //!", source.path));
        }
        let lines = source.text.lines().count();
        if lines > 600 {
            wrong.push(format!("{} has {lines} lines; split it by meaning", source.path));
        }
    }
    assert_none("files that break the house rules", wrong);
}

/// So many lines in a row count as repeated when they stand in another file as well.
const REPEATED: usize = 6;

/// Percent of the lines that may be repeated. In tkn it is 14.
const MOST_REPEATED: usize = 3;

#[test]
fn hardly_any_lines_stand_in_two_files() {
    let sources = sources();
    let lines = |source: &'_ Source| -> Vec<String> {
        source.text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let files: Vec<Vec<String>> = sources.iter().map(lines).collect();
    let mut places: BTreeMap<&[String], BTreeSet<usize>> = BTreeMap::new();
    for (file, lines) in files.iter().enumerate() {
        for run in lines.windows(REPEATED) {
            places.entry(run).or_default().insert(file);
        }
    }
    let repeated = |lines: &Vec<String>| {
        let begins: Vec<usize> =
            (0..lines.len()).filter(|at| lines.get(*at..at + REPEATED).is_some_and(|run| places[run].len() > 1)).collect();
        begins.iter().flat_map(|at| *at..at + REPEATED).collect::<BTreeSet<usize>>().len()
    };
    let (all, repeated): (usize, usize) = (files.iter().map(Vec::len).sum(), files.iter().map(repeated).sum());
    assert!(repeated * 100 < all * MOST_REPEATED, "{repeated} of {all} lines stand in another file as well");
}
