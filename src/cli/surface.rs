//! What tkn's command line has, as data: `surface.txt`. In tkn's place this program goes by it where its own tree has more
//! or less: extra words and flags are passed over as tkn does, and only its commands are suggested.

use std::sync::LazyLock;

use clap::{Arg, ArgAction, Command};

use super::flag::Type;

/// A command of tkn.
#[derive(Debug)]
pub struct Known {
    /// Its names from the root on
    pub path: &'static str,
    /// Other names of its last word
    pub aliases: Vec<&'static str>,
    /// How many words it takes beside its flags
    pub words: Count,
    /// What its first word may be, where that is one of a few
    pub choice: Vec<&'static str>,
    /// Its flags, those of its group included
    pub flags: Vec<KnownFlag>,
}

/// How many words a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Any number; those that it has no use for are passed over
    Any,
    /// So many at least and at most
    Between(usize, usize),
    /// None or so many at most, refused in tkn's own words
    UpTo(usize),
}

/// A flag of tkn.
#[derive(Clone, Copy, Debug)]
pub struct KnownFlag {
    /// Its long name
    pub name: &'static str,
    /// Its letter
    pub letter: Option<char>,
    /// What its values are
    pub kind: Type,
    /// What it is when it is not given; empty for false and for no text
    pub default: &'static str,
    /// Whether help and completion leave it out
    pub hidden: bool,
    /// Whether tkn takes it and makes nothing of it
    pub idle: bool,
}

impl Known {
    /// The flag of a name.
    pub fn flag(&self, name: &str) -> Option<&KnownFlag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Whether it looks at the configuration before anything else: all do that have a kind for their group.
    pub fn speaks_to_cluster(&self) -> bool {
        self.flag("context").is_some() && self.path != "version"
    }
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| read(include_str!("surface.txt")));

/// Every command of tkn.
pub fn all() -> &'static [Known] {
    &KNOWN
}

/// The command of tkn with this path of names.
pub fn of(path: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.path == path)
}

/// The tree with the flags that tkn takes and makes nothing of, where the tree has none of the name.
pub fn with_idle_flags(tree: Command) -> Command {
    all().iter().filter(|known| known.flags.iter().any(|flag| flag.idle)).fold(tree, |tree, known| {
        let (group, command) = known.path.split_once(' ').unwrap_or((known.path, ""));
        tree.mut_subcommand(group, |group| group.mut_subcommand(command, |command| with_idle_flags_of(command, known)))
    })
}

/// The tree without letters of our own on flags of tkn that have none there: a script would learn of its mistake only here.
pub fn without_own_letters(tree: Command) -> Command {
    let own = |arg: &Arg, known: &Known| {
        let flag = arg.get_long().and_then(|name| known.flag(name));
        arg.get_short().is_some() && flag.is_some_and(|flag| flag.letter.is_none())
    };
    all().iter().fold(tree, |tree, known| {
        let (group, command) = known.path.split_once(' ').unwrap_or((known.path, ""));
        let Some(found) = tree.find_subcommand(group).and_then(|group| group.find_subcommand(command)) else { return tree };
        let names: Vec<clap::Id> = found.get_arguments().filter(|arg| own(arg, known)).map(|arg| arg.get_id().clone()).collect();
        names.into_iter().fold(tree, |tree, name| {
            tree.mut_subcommand(group, |group| group.mut_subcommand(command, |command| command.mut_arg(name, |arg| arg.short(None))))
        })
    })
}

fn with_idle_flags_of(command: Command, known: &'static Known) -> Command {
    known.flags.iter().filter(|flag| flag.idle).fold(command, |command, flag| {
        let taken = |arg: &Arg| arg.get_long() == Some(flag.name) || (flag.letter.is_some() && arg.get_short() == flag.letter);
        if command.get_arguments().any(taken) {
            return command;
        }
        let action = if flag.kind == Type::Bool { ArgAction::SetTrue } else { ArgAction::Set };
        command.arg(Arg::new(flag.name).long(flag.name).short(flag.letter).action(action).hide(true))
    })
}

fn read(text: &'static str) -> Vec<Known> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let (sets, commands): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('@'));
    let sets: Vec<(&str, &str)> = sets.iter().filter_map(|line| line.split_once(" = ")).collect();
    let flags = |words: &'static str| -> Vec<KnownFlag> {
        let set = |word: &'static str| sets.iter().find(|(name, _)| *name == word).map_or(word, |(_, words)| words);
        words.split_whitespace().flat_map(|word| set(word).split_whitespace()).map(flag).collect()
    };
    let command = |line: &&'static str| {
        let mut fields = line.split(" | ");
        let mut field = || fields.next().unwrap_or_default();
        let (path, aliases, words, given) = (field(), field(), field(), field());
        let aliases = aliases.split(',').filter(|alias| *alias != "-").collect();
        let (words, choice) = words.split_once(':').unwrap_or((words, ""));
        let choice = choice.split(',').filter(|word| !word.is_empty()).collect();
        Known { path, aliases, words: count(words), choice, flags: flags(given) }
    };
    commands.iter().map(command).collect()
}

fn count(text: &str) -> Count {
    match text {
        "1" => Count::Between(1, 1),
        "1+" => Count::Between(1, usize::MAX),
        "0-2" => Count::UpTo(2),
        _ => Count::Any,
    }
}

fn flag(text: &'static str) -> KnownFlag {
    let idle = text.ends_with('!');
    let hidden = text.ends_with('~');
    let (text, default) = text.trim_end_matches(['!', '~']).split_once('=').unwrap_or((text.trim_end_matches(['!', '~']), ""));
    let (text, kind) = text.split_once(':').unwrap_or((text, ""));
    let (name, letter) = text.split_once('/').unwrap_or((text, ""));
    let kind = match kind {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "list" => Type::Texts,
        "comma-list" => Type::CommaTexts,
        _ => Type::Text,
    };
    KnownFlag { name, letter: letter.chars().next(), kind, default, hidden, idle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flag::Flag;

    /// What the tree lacks or has otherwise than tkn.
    fn apart(tree: &Command, known: &Known) -> Vec<String> {
        let mut command = tree;
        for name in known.path.split(' ') {
            match command.find_subcommand(name) {
                Some(next) => command = next,
                None => return vec![known.path.to_owned()],
            }
        }
        let aliases = known.aliases.iter().filter(|alias| !command.get_all_aliases().any(|a| a == **alias));
        let mut apart: Vec<String> = aliases.map(|alias| format!("{} alias {alias}", known.path)).collect();
        let flags: Vec<Flag<'_>> =
            command.get_arguments().chain(tree.get_arguments().filter(|arg| arg.is_global_set())).map(Flag).collect();
        for flag in &known.flags {
            let what = format!("{} --{}", known.path, flag.name);
            let Some(own) = flags.iter().find(|own| own.is(flag.name)) else {
                apart.push(what);
                continue;
            };
            let default = own.0.get_default_values().first().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
            // A name that is no longer shown is another name of the same flag here.
            let letter = if own.name() == flag.name { own.0.get_short() } else { None };
            let same_default = flag.idle || default == flag.default || (default == "false" && flag.default.is_empty());
            // A letter where tkn has none misreads no script of tkn's.
            let same_letter = flag.letter.is_none() || letter == flag.letter;
            if !same_letter || own.kind() != flag.kind || !same_default {
                apart.push(format!(
                    "{what}: {letter:?} {:?} {default:?}, tkn {:?} {:?} {:?}",
                    own.kind(),
                    flag.letter,
                    flag.kind,
                    flag.default
                ));
            }
        }
        apart
    }

    #[test]
    fn the_tree_has_all_commands_and_flags_of_tkn() {
        let tree = crate::cli::tree("tkn");
        let apart: Vec<String> = all().iter().flat_map(|known| apart(&tree, known)).collect();
        assert!(apart.is_empty(), "tkn has what the tree has not, or otherwise:\n  {}", apart.join("\n  "));
    }
}
