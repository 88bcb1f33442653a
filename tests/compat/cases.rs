//! The lines, as data. A line of `cases/*.txt` is a command as a shell would take it, quotes included: variables of its
//! environment, `tkn` and its arguments; then, where wanted, `<<<` and what stands on standard input (`\n` is a line's
//! end), and `| sort` where tkn's own order is that of a hash.

use std::fs;
use std::path::{Path, PathBuf};

/// One line.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// As it stands in the file
    pub line: String,
    /// What it adds to the environment
    pub environment: Vec<(String, String)>,
    /// The arguments after `tkn`
    pub arguments: Vec<String>,
    /// What is typed
    pub stdin: String,
    /// Whether lines and lists may come in any order
    pub sorted: bool,
    /// The command's words after `tkn`: `pipelinerun delete`
    pub leaf: String,
}

impl Case {
    /// Whether it may change objects.
    pub fn changes(&self) -> bool {
        let dry = self.arguments.iter().any(|argument| argument == "--dry-run");
        !dry && ["cancel", "delete", "start"].iter().any(|verb| self.leaf.ends_with(verb))
    }

    fn parse(line: &str) -> Self {
        let mut words = shlex::split(line).unwrap_or_else(|| panic!("quotes do not match: {line}"));
        let mut case = Self { line: line.to_owned(), ..Self::default() };
        if words.ends_with(&["|".to_owned(), "sort".to_owned()]) {
            case.sorted = true;
            words.truncate(words.len() - 2);
        }
        if let Some(place) = words.iter().position(|word| word == "<<<") {
            case.stdin = words[place + 1..].join(" ").replace("\\n", "\n");
            words.truncate(place);
        }
        let program = words.iter().position(|word| word == "tkn").unwrap_or_else(|| panic!("no tkn in: {line}"));
        case.arguments = words.split_off(program + 1);
        words.pop();
        case.environment = words
            .iter()
            .map(|word| word.split_once('=').unwrap_or_else(|| panic!("{word} is no variable: {line}")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        case.leaf = leaf(&rtkn::cli::tree("tkn"), &case.arguments);
        case
    }
}

/// The command that the arguments name, in the words of the tree.
fn leaf(tree: &clap::Command, arguments: &[String]) -> String {
    let (mut command, mut names) = (tree.clone(), Vec::new());
    for word in arguments.iter().filter(|word| !word.starts_with('-')) {
        let Some(next) = command.get_subcommands().find(|c| c.get_name() == word || c.get_all_aliases().any(|a| a == word)) else {
            continue;
        };
        names.push(next.get_name().to_owned());
        command = next.clone();
    }
    names.join(" ")
}

/// The folder of this test's data.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat")
}

/// All lines, file by file.
pub fn all() -> Vec<Case> {
    let entries = fs::read_dir(folder().join("cases")).expect("the folder of the cases");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("cases are text");
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(!cases.iter().any(|case| case.line == line), "{line} stands there twice, once in {}", file.display());
            cases.push(Case::parse(line));
        }
    }
    cases
}
