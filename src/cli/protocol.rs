//! Completion by cobra's protocol: `tkn __complete WORDS…` prints what may stand for the last word, one to a line, and a
//! number that tells the shell what else to do. Scripts that tkn printed ask so.

use std::ffi::OsStr;

use clap::builder::StyledStr;
use clap_complete::engine::ArgValueCompleter;

use super::flag::{Flag, Type};
use super::suggest::offered;
use super::words::{Found, Given, Reader};

/// What the shell is told beside the words.
#[derive(Clone, Copy)]
enum Directive {
    /// Go on as if there had been no answer
    Default = 0,
    /// Offer no files
    NoFiles = 4,
}

impl Directive {
    fn name(self) -> &'static str {
        match self {
            Self::Default => "ShellCompDirectiveDefault",
            Self::NoFiles => "ShellCompDirectiveNoFileComp",
        }
    }
}

/// Words with what is said of them, and the directive.
struct Answer {
    words: Vec<(String, String)>,
    directive: Directive,
    error: Option<String>,
}

impl Answer {
    fn new(words: Vec<(String, String)>, directive: Directive) -> Self {
        Self { words, directive, error: None }
    }

    fn error(error: String) -> Self {
        Self { words: Vec::new(), directive: Directive::Default, error: Some(error) }
    }
}

/// The word that asks for completion, and whether the answer is to describe the words.
pub fn asked(word: Option<&str>) -> Option<bool> {
    match word? {
        "__complete" => Some(true),
        "__completeNoDesc" => Some(false),
        _ => None,
    }
}

/// Answers for a line whose last word is being typed: the text for standard output, and the one for standard error.
pub fn answer(reader: Reader<'_>, line: &[String], described: bool) -> (String, String) {
    let (last, before) = line.split_last().map_or(("", line), |(last, before)| (last.as_str(), before));
    let answer = complete(reader, before, last);
    let lines = answer.words.iter().map(|(word, about)| match about.lines().next().unwrap_or_default() {
        about if described && !about.is_empty() => format!("{word}\t{about}\n"),
        _ => format!("{word}\n"),
    });
    let out = lines.collect::<String>() + &format!(":{}\n", answer.directive as u8);
    let error = answer.error.map(|error| format!("[Debug] [Error] {error}\n")).unwrap_or_default();
    (out, format!("{error}Completion ended with directive: {}\n", answer.directive.name()))
}

fn complete(reader: Reader<'_>, before: &[String], last: &str) -> Answer {
    let (found, mut line) = reader.find(before);
    let ended = line.iter().any(|word| word == "--");
    let value = valued(reader, &found, &mut line, last);
    let given = match reader.flags_of(&found, &line) {
        Ok(given) => given,
        Err(error) => return Answer::error(format!("Error while parsing flags from args [{}]: {}", line.join(" "), error.message)),
    };
    let value = match value {
        Ok(value) => value,
        Err(_) if ended => None,
        Err(error) => return Answer::error(error),
    };
    if given.asks_for_help() {
        return Answer::new(Vec::new(), Directive::NoFiles);
    }
    match value.filter(|_| !ended) {
        Some((flag, typed)) => of_arg(reader, &found, flag.0, typed),
        None if last.starts_with('-') && !last.contains('=') && !ended => {
            Answer::new(flags(reader, &found, &given, last), Directive::NoFiles)
        }
        None => words(reader, &found, &given, last),
    }
}

/// The flag whose value is being typed, with what is typed of it; the flag's name is taken off the line.
fn valued<'a, 'w>(
    reader: Reader<'a>,
    found: &Found<'a>,
    line: &mut Vec<String>,
    last: &'w str,
) -> Result<Option<(Flag<'a>, &'w str)>, String> {
    let (name, typed) = match last.split_once('=').filter(|_| last.starts_with('-')) {
        Some((name, typed)) => (name.to_owned(), typed),
        None if last.starts_with('-') => return Ok(None),
        None => match line.last().filter(|word| word.len() > 1 && word.starts_with('-') && *word != "--" && !word.contains('=')) {
            Some(name) => (name.clone(), last),
            None => return Ok(None),
        },
    };
    let long = name.strip_prefix("--");
    let known = reader.known(found);
    let flag = match long {
        Some(long) => known.into_iter().find(|flag| flag.is(long)),
        None => known.into_iter().find(|flag| name.bytes().next_back().is_some_and(|letter| flag.has_letter(letter))),
    };
    let attached = last.starts_with('-');
    match flag {
        Some(flag) if flag.stands_alone() && !attached => Ok(None),
        Some(flag) => {
            if !attached {
                line.pop();
            }
            Ok(Some((flag, typed)))
        }
        None if matches!(name.as_str(), "--help" | "-h") => Ok(None),
        None => {
            let shown = long.map_or_else(|| name.chars().next_back().map(String::from).unwrap_or_default(), str::to_owned);
            Err(format!("Subcommand '{}' does not support flag '{shown}'", found.command().get_name()))
        }
    }
}

/// The flags that begin with what is typed: those of the group, then those of the command, by name.
fn flags(reader: Reader<'_>, found: &Found<'_>, given: &Given<'_>, typed: &str) -> Vec<(String, String)> {
    let shown = |flag: &Flag<'_>| match reader.of_tkn(found) {
        Some(known) => known.flag(flag.name()).is_some_and(|flag| !flag.hidden),
        None => !reader.as_tkn && !flag.0.is_hide_set() && flag.deprecation().is_none(),
    };
    // A group's own flags stand among those of its commands' only where the group itself is asked.
    let in_group = found.commands.len() < 3;
    let again = |flag: &Flag<'_>| matches!(flag.kind(), Type::Texts | Type::CommaTexts) || !given.has(flag.0.get_id());
    let mut known: Vec<(bool, &str, Option<char>, String)> = reader
        .known(found)
        .into_iter()
        .filter(|flag| shown(flag) && again(flag))
        .map(|flag| (in_group || !flag.0.is_global_set(), flag.name(), flag.0.get_short(), text(flag.0.get_help())))
        .collect();
    known.push((true, "help", Some('h'), "Print help".to_owned()));
    known.sort_by_key(|(own, name, ..)| (*own, *name));
    let spellings = known.into_iter().flat_map(|(_, name, letter, about)| {
        let letter = letter.map(|letter| (format!("-{letter}"), about.clone()));
        std::iter::once((format!("--{name}"), about)).chain(letter)
    });
    spellings.filter(|(spelling, _)| spelling.starts_with(typed)).collect()
}

/// The commands of a group, or what the words of a command may be.
fn words(reader: Reader<'_>, found: &Found<'_>, given: &Given<'_>, typed: &str) -> Answer {
    if found.path() == ["help"] {
        let (about, _) = reader.find(&given.words);
        return Answer::new(commands(reader, &about, typed), Directive::NoFiles);
    }
    if found.command().has_subcommands() {
        let offered = if given.words.is_empty() { commands(reader, found, typed) } else { Vec::new() };
        let directive = if given.words.is_empty() { Directive::NoFiles } else { Directive::Default };
        return Answer::new(offered, directive);
    }
    match found.command().get_positionals().next() {
        Some(arg) if given.words.is_empty() => of_arg(reader, found, arg, typed),
        Some(arg) if arg.get::<ArgValueCompleter>().is_some() => Answer::new(Vec::new(), Directive::NoFiles),
        _ => Answer::new(Vec::new(), Directive::Default),
    }
}

fn commands(reader: Reader<'_>, group: &Found<'_>, typed: &str) -> Vec<(String, String)> {
    let mut names = offered(group, reader.as_tkn);
    names.sort_unstable();
    let about = |name: &str| text(group.command().find_subcommand(name).and_then(clap::Command::get_about));
    names.into_iter().filter(|name| name.starts_with(typed)).map(|name| (name.to_owned(), about(name))).collect()
}

/// What a value may be: one of a few words, or what the cluster has. Without a choice, files may be meant.
fn of_arg(reader: Reader<'_>, found: &Found<'_>, arg: &clap::Arg, typed: &str) -> Answer {
    let words: Vec<String> = if let Some(completer) = arg.get::<ArgValueCompleter>() {
        let mut names: Vec<String> =
            completer.complete(OsStr::new(typed)).iter().map(|word| word.get_value().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    } else if arg.is_positional() {
        reader.choice(found, arg)
    } else if Flag(arg).kind() == Type::Bool {
        Vec::new()
    } else {
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
    };
    let offers = arg.get::<ArgValueCompleter>().is_some() || !words.is_empty();
    let words = words.into_iter().filter(|word| word.starts_with(typed)).map(|word| (word, String::new())).collect();
    Answer::new(words, if offers { Directive::NoFiles } else { Directive::Default })
}

fn text(styled: Option<&StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}
