//! What is said about a word that is no command.

use super::flag::quoted;
use super::surface;
use super::words::Found;

/// The most letters by which a command may differ from the word that was typed.
const NEAR: usize = 2;

/// The message about a word that a group does not know, with the commands that may be meant.
pub fn unknown(group: &Found<'_>, word: &str, as_tkn: bool) -> String {
    let names: Vec<&str> = group.commands.iter().map(|command| command.get_name()).collect();
    // `kubectl tkn` has a name of two words.
    let root = group.commands[0].get_bin_name().unwrap_or(names[0]);
    let path = [&[root], &names[1..]].concat();
    let (own, place) = (path[path.len() - 1], path.join(" "));
    let near = meant(group, word, as_tkn);
    if near.is_empty() {
        return format!("command {own} {word} doesn't exist. Run {root} help for available commands");
    }
    let lines: String = near.iter().map(|name| format!("\t{name}\n")).collect();
    format!("unknown command \"{word}\" for {}\n\nDid you mean this?\n{lines}", quoted(&place))
}

/// The commands that are spelled alike or begin with the word, by name; help comes last.
fn meant<'a>(group: &Found<'a>, word: &str, as_tkn: bool) -> Vec<&'a str> {
    // A command or its short form in other letter case.
    let called = group.command().get_subcommands().flat_map(|sub| std::iter::once(sub.get_name()).chain(sub.get_visible_aliases()));
    if let Some(name) = called.into_iter().find(|name| !as_tkn && name.eq_ignore_ascii_case(word)) {
        return vec![name];
    }
    let mut names = offered(group, as_tkn);
    names.sort_by_key(|name| (*name == "help", *name));
    names.retain(|name| is_near(&word.to_lowercase(), name));
    names
}

/// The commands of a group, those of tkn alone in its place: its scripts compare the answer.
pub fn offered<'a>(group: &Found<'a>, as_tkn: bool) -> Vec<&'a str> {
    let path = group.path().join(" ");
    let known = |name: &str| !as_tkn || surface::of(format!("{path} {name}").trim_start()).is_some();
    let commands = group.command().get_subcommands().filter(|sub| !sub.is_hide_set() && known(sub.get_name()));
    commands.map(clap::Command::get_name).collect()
}

fn is_near(word: &str, name: &str) -> bool {
    name.starts_with(word) || strsim::levenshtein(word, name) <= NEAR
}
