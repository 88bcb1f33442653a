//! `man/` and `completions/` are made from the command tree; here they are compared with it. `BLESS=1` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rtkn::commands::completion::{SHELLS, registration};
use rtkn::exit::{ASKED, Exit, OF_RUNS, UNASKED, VERBS_OF_RUNS};

use crate::architecture::gather;

/// Compares a folder of the repository with what it should hold, or writes it.
fn check(folder: &str, expected: &BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("BLESS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder for what is generated");
        for (name, text) in expected {
            fs::write(folder.join(name), text).expect("a file for what is generated");
        }
        return;
    }
    let entries = fs::read_dir(&folder).expect("the folder is there").map(|e| e.expect("it is readable").path());
    let found: BTreeMap<String, String> = entries
        .map(|p| (p.file_name().expect("an entry has a name").to_string_lossy().into_owned(), fs::read_to_string(&p).expect("it is text")))
        .collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{} holds other files; run with BLESS=1", folder.display());
    for (name, text) in expected {
        assert!(&found[name] == text, "{}/{name} is stale; run with BLESS=1", folder.display());
    }
}

#[test]
fn completions_are_those_of_the_program() {
    let files = SHELLS.map(|(shell, file)| (file.to_owned(), registration(shell, "rtkn").expect("the shell is one of them")));
    check("completions", &files.into());
}

#[test]
fn man_pages_are_those_of_the_command_tree() {
    let mut tree = rtkn::cli::tree("rtkn");
    tree.build();
    let mut pages = BTreeMap::new();
    page(&tree, "rtkn", &mut pages);
    check("man", &pages);
}

/// The page of a command and those below it.
fn page(command: &clap::Command, name: &str, pages: &mut BTreeMap<String, String>) {
    let man = clap_mangen::Man::new(command.clone().name(name.to_owned())).title(name.to_uppercase()).date("");
    let mut text = Vec::new();
    man.render(&mut text).expect("writing to memory does not fail");
    let mut text = String::from_utf8(text).expect("help is text");
    text.push_str(".SH \"EXIT STATUS\"\n");
    for (exit, meaning) in Exit::ALL {
        text.push_str(&format!(".TP\n{}\n{meaning}\n", *exit as u8));
    }
    if is_of_runs(name) {
        text.push_str(&format!(".PP\nWhere the command has looked at a run, its end gives the status ({UNASKED} | {ASKED}):\n"));
        for row in OF_RUNS {
            text.push_str(&format!(".TP\n{} | {}\n{}\n", row.unasked as u8, row.asked as u8, row.when));
        }
    }
    pages.insert(format!("{name}.1"), text);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help" && !sub.is_hide_set()) {
        page(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}

/// Whether a page's command looks at runs: `rtkn-pipelinerun-logs`.
fn is_of_runs(page: &str) -> bool {
    let words: Vec<&str> = page.split('-').collect();
    matches!(words[..], [_, group, verb] if VERBS_OF_RUNS.contains(&verb) && group != "sandbox")
}

#[test]
fn the_readme_tells_the_exit_statuses_of_the_program() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("there is a README");
    for (exit, meaning) in Exit::ALL {
        let row = format!("| {} | {meaning} |", *exit as u8);
        assert!(readme.contains(&row), "the README lacks the row {row}");
    }
    assert!(readme.contains(&format!("| the run | {UNASKED} | {ASKED} |")), "the README lacks the table of runs' ends");
    for row in OF_RUNS {
        let row = format!("| {} | {} | {} |", row.when, row.unasked as u8, row.asked as u8);
        assert!(readme.contains(&row), "the README lacks the row {row}");
    }
}

/// The part of the comparison's data that the documentation tells.
#[derive(serde::Deserialize)]
struct Deviations {
    deviation: Vec<Deviation>,
    elsewhere: Vec<Elsewhere>,
}

#[derive(serde::Deserialize)]
struct Deviation {
    why: String,
    cases: Vec<String>,
}

/// A deviation that tests of other tiers hold the program to.
#[derive(serde::Deserialize)]
struct Elsewhere {
    why: String,
    example: String,
    /// Names of the tests
    held_by: Vec<String>,
}

fn deviations() -> Deviations {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/deviations.toml");
    toml::from_str(&fs::read_to_string(file).expect("the comparison has its data")).expect("the data is TOML")
}

#[test]
fn the_tests_that_hold_a_deviation_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    ["src", "tests"].iter().for_each(|folder| gather(root, &root.join(folder), &mut files));
    let deviations = deviations();
    let tests = deviations.elsewhere.iter().flat_map(|deviation| &deviation.held_by);
    let is_there = |test: &String| files.iter().any(|(_, text)| text.contains(&format!("fn {test}()")));
    let missing: Vec<_> = tests.filter(|test| !is_there(test)).collect();
    assert!(missing.is_empty(), "deviations.toml names tests that are not there: {missing:?}");
}

#[test]
fn the_deviations_from_tkn_are_told_as_the_comparison_holds_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = deviations();
    let row = |why: &str, example: &str| format!("| {why} | `{}` |\n", example.replace('|', "\\|"));
    let here = data.deviation.iter().map(|deviation| row(&deviation.why, &deviation.cases[0]));
    let elsewhere = data.elsewhere.iter().map(|deviation| row(&deviation.why, &deviation.example));
    let expected = format!(
        "# Where rtkn differs from tkn\n\nMade from `tests/compat/deviations.toml`, to which the comparison with the real tkn \
         holds rtkn, and for what only a whole cluster can show the tests there. Elsewhere the answers are the same.\n\n| what tkn does, and what is done here | for example |\n|---|---|\n{}",
        here.chain(elsewhere).collect::<String>()
    );
    let file = root.join(".github/DEVIATIONS.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &expected).expect("the document can be written");
    }
    let found = fs::read_to_string(&file).expect("the document is there");
    assert!(found == expected, ".github/DEVIATIONS.md is stale; run with BLESS=1");
}
