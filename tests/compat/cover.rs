//! Whether every command and every flag stands in a line. What there is comes from the program's own tree of commands;
//! what tkn does not have, and so cannot be compared with, is named in `beyond.txt`, a command or a flag a line.

use std::collections::BTreeSet;
use std::fs;

use crate::cases::{Case, folder};

/// Commands and flags that no line covers, and lines of `beyond.txt` that name nothing.
pub fn uncovered(cases: &[Case]) -> Vec<String> {
    let text = fs::read_to_string(folder().join("beyond.txt")).expect("beyond.txt");
    let beyond: BTreeSet<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut tree = rtkn::cli::tree("tkn");
    tree.build();
    let covered: BTreeSet<String> = cases.iter().flat_map(|case| covers(&tree, case)).collect();
    let (mut wanted, mut known) = (BTreeSet::new(), BTreeSet::new());
    collect(&tree, "", &beyond, &mut wanted, &mut known);
    let missing = wanted.difference(&covered).cloned();
    let idle =
        beyond.iter().filter(|line| !known.contains(**line)).map(|line| format!("{line} (beyond.txt names it, and it is not there)"));
    missing.chain(idle).collect()
}

/// Gathers what is to be covered below a command, and every name that `beyond.txt` may use.
fn collect(command: &clap::Command, path: &str, beyond: &BTreeSet<&str>, wanted: &mut BTreeSet<String>, known: &mut BTreeSet<String>) {
    for flag in command.get_arguments().filter(|arg| !arg.is_global_set() || path.is_empty()) {
        let Some(long) = flag.get_long().filter(|long| !matches!(*long, "help" | "version")) else { continue };
        let name = format!("{path} --{long}").trim_start().to_owned();
        known.insert(name.clone());
        // One that tkn has nowhere is named once.
        let anywhere = format!("--{long}");
        if !beyond.contains(name.as_str()) && !beyond.contains(anywhere.as_str()) {
            wanted.insert(name);
        }
        known.insert(anywhere);
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{path} {}", sub.get_name()).trim_start().to_owned();
        known.insert(name.clone());
        if beyond.contains(name.as_str()) {
            continue;
        }
        if !sub.has_subcommands() {
            wanted.insert(name.clone());
        }
        collect(sub, &name, beyond, wanted, known);
    }
}

/// The command of a line, and its flags.
fn covers(tree: &clap::Command, case: &Case) -> Vec<String> {
    let command = case
        .leaf
        .split(' ')
        .filter(|word| !word.is_empty())
        .fold(tree, |command, word| command.find_subcommand(word).expect("the leaf was found in this tree"));
    let mut names = vec![case.leaf.clone()];
    for argument in case.arguments.iter().take_while(|argument| *argument != "--") {
        for flag in flags(command, argument).into_iter().filter_map(|flag| Some((flag.get_long()?, flag.is_global_set()))) {
            names.push(match flag {
                (long, true) => format!("--{long}"),
                (long, false) => format!("{} --{long}", case.leaf),
            });
        }
    }
    names
}

/// The flags in one word: `--label=x`, `-A`, or several letters of which the last may take the rest as its value.
fn flags<'a>(command: &'a clap::Command, word: &str) -> Vec<&'a clap::Arg> {
    if let Some(long) = word.strip_prefix("--") {
        let long = long.split('=').next().unwrap_or_default();
        let named = |arg: &&clap::Arg| arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&long));
        return command.get_arguments().find(named).into_iter().collect();
    }
    let mut found = Vec::new();
    for letter in word.strip_prefix('-').unwrap_or_default().chars() {
        let Some(flag) = command.get_arguments().find(|arg| arg.get_short() == Some(letter)) else { break };
        found.push(flag);
        if flag.get_action().takes_values() {
            break;
        }
    }
    found
}
