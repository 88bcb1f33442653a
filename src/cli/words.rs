//! Reads a command line as tkn's library (cobra) reads it: which command the words name, which flags it is given, and what
//! is said when they do not fit. It goes by the one clap tree, and hands clap a line in plain order, which clap parses.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

use super::flag::{Flag, Type, escaped, quoted};
use super::surface::{self, Count, Known};
use crate::failure::Failure;
use crate::kubeconfig::Wanted;
use crate::near::nearest;

/// What a command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// Help about a command
    Help {
        /// Whether a line for each flag is enough
        brief: bool,
    },
    /// The program's version
    Version,
    /// A group of commands without one of them, or with a word that is none
    Group {
        /// The word
        word: Option<String>,
        /// The cluster that the flags choose
        wanted: Wanted,
        /// Whether they choose the sandbox
        sandbox: bool,
    },
    /// A command
    Run {
        /// The line for clap
        line: Vec<String>,
        /// What is said before it runs
        notices: Vec<String>,
    },
}

/// The tree, and whether it is called in tkn's place.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The root of the tree
    pub tree: &'a Command,
    /// Whether scripts of tkn rely on it
    pub as_tkn: bool,
}

/// A command in the tree with its names from the root on.
#[derive(Clone)]
pub struct Found<'a> {
    /// The commands from the root on
    pub commands: Vec<&'a Command>,
}

impl<'a> Found<'a> {
    /// The command itself.
    pub fn command(&self) -> &'a Command {
        self.commands.last().expect("the root is always there")
    }

    /// Its names below the root.
    pub fn path(&self) -> Vec<String> {
        self.commands[1..].iter().map(|command| command.get_name().to_owned()).collect()
    }
}

/// Flags as they were given, and the words between them.
#[derive(Default)]
pub struct Given<'a> {
    /// Each flag that was given, with its values
    pub flags: Vec<(Flag<'a>, Vec<String>)>,
    /// The other words
    pub words: Vec<String>,
    /// `-h`, `--help`, and whether the last of them said yes
    help: Option<(bool, bool)>,
    version: bool,
    notices: Vec<String>,
}

impl<'a> Reader<'a> {
    /// What tkn has under the command's name, where this program is called in its place; none for what is its own.
    pub fn of_tkn(self, found: &Found<'_>) -> Option<&'static Known> {
        // tkn's surface is read for those who go by it alone.
        if self.as_tkn { surface::of(&found.path().join(" ")) } else { None }
    }

    /// Reads the words behind the program's name.
    ///
    /// # Errors
    /// The message, when a flag is not known, lacks its value or has a wrong one, or the number of words is wrong.
    pub fn read(self, words: &[String]) -> Result<(Found<'a>, Asked), Failure> {
        let (found, rest) = self.find(words);
        let given = self.flags_of(&found, &rest)?;
        if let Some((_, brief)) = given.help.filter(|(yes, _)| *yes) {
            return Ok((found, Asked::Help { brief }));
        }
        if given.version {
            return Ok((found, Asked::Version));
        }
        if found.path() == ["help"] {
            let (about, _) = self.find(&given.words);
            return Ok((about, Asked::Help { brief: false }));
        }
        if found.command().has_subcommands() {
            let (wanted, sandbox) =
                (given.wanted(), given.flags.iter().any(|(flag, values)| flag.0.get_id() == "sandbox" && values == &["true"]));
            return Ok((found, Asked::Group { word: given.words.into_iter().next(), wanted, sandbox }));
        }
        let words = self.counted(&found, given.words).map_err(Failure::usage)?;
        let line = line(self.tree, &found.path(), &given.flags, words);
        Ok((found, Asked::Run { line, notices: given.notices }))
    }

    /// The command that the words name, and the words without its names. A flag that the command so far does not know is
    /// taken to have a value, which is passed over with it.
    pub fn find(self, words: &[String]) -> (Found<'a>, Vec<String>) {
        let mut found = Found { commands: vec![self.tree] };
        let mut rest = words.to_vec();
        while let Some(at) = self.first_word(&found, &rest)
            && let Some(next) = found.command().get_subcommands().find(|sub| is_called(sub, &rest[at]))
        {
            rest.remove(at);
            found.commands.push(next);
        }
        (found, rest)
    }

    /// The place of the first word that is neither a flag nor a flag's value.
    fn first_word(self, found: &Found<'_>, words: &[String]) -> Option<usize> {
        let flags = self.known(found);
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let stands_alone = |flag: Option<&Flag<'_>>| flag.is_some_and(|flag| flag.stands_alone());
            at += match word.as_bytes() {
                b"--" => return None,
                [b'-', b'-', ..] if !word.contains('=') && !stands_alone(flags.iter().find(|flag| flag.is(&word[2..]))) => 2,
                [b'-', letter] if *letter != b'=' && !stands_alone(flags.iter().find(|flag| flag.has_letter(*letter))) => 2,
                [b'-', ..] | [] => 1,
                _ => return Some(at),
            };
        }
        None
    }

    /// The flags that a command knows. Those that choose a cluster are flags of tkn's groups and not of its root.
    pub fn known(self, found: &Found<'a>) -> Vec<Flag<'a>> {
        let own = found.command().get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set());
        let at_root = found.commands.len() == 1;
        let without = self.as_tkn && (at_root || self.of_tkn(found).is_some_and(|known| known.flag("context").is_none()));
        // The sandbox is none of tkn's flags, so no script is misread by it.
        let shared = self.tree.get_arguments().filter(|arg| arg.is_global_set()).filter(|arg| !without || arg.get_id() == "sandbox");
        own.chain(shared).map(Flag).collect()
    }

    /// The flags and words of a line, read by the flags that the command knows.
    ///
    /// # Errors
    /// The message about the first that is wrong.
    pub fn flags_of(self, found: &Found<'a>, line: &[String]) -> Result<Given<'a>, Failure> {
        let known = self.known(found);
        let mut given = Given::default();
        let versioned = !self.as_tkn && found.commands.len() == 1;
        let mut rest = line.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                given.words.extend(rest.cloned());
                break;
            }
            match word.as_bytes() {
                [b'-', b'-', ..] => given.long(&known, word, versioned, &mut rest)?,
                [b'-', _, ..] => given.letters(&known, &word[1..], versioned, &mut rest)?,
                _ => given.words.push(word.clone()),
            }
        }
        Ok(given)
    }

    /// The words, if there are as many as the command takes. tkn passes over those that are too many for most commands.
    fn counted(self, found: &Found<'_>, mut words: Vec<String>) -> Result<Vec<String>, String> {
        let taken: Vec<&Arg> = found.command().get_positionals().collect();
        let least = taken.iter().filter(|arg| arg.is_required_set()).count();
        let endless = taken.iter().any(|arg| matches!(arg.get_action(), ArgAction::Append));
        let most = if endless { usize::MAX } else { taken.len() };
        let count = words.len();
        let (least, most) = match self.of_tkn(found).map(|known| known.words) {
            Some(Count::Any) => {
                words.truncate(most);
                (least, most)
            }
            Some(Count::UpTo(most)) if count > most => return Err("too many arguments".to_owned()),
            Some(Count::Between(least, most)) => (least, most),
            Some(Count::UpTo(_)) | None => (least, most),
        };
        let count = words.len();
        match (least, most) {
            _ if count >= least && count <= most => {}
            (least, usize::MAX) => return Err(format!("requires at least {least} arg(s), only received {count}")),
            (0, most) => return Err(format!("accepts at most {most} arg(s), received {count}")),
            (least, most) if least == most => return Err(format!("accepts {least} arg(s), received {count}")),
            (least, most) => return Err(format!("accepts between {least} and {most} arg(s), received {count}")),
        }
        for (arg, word) in taken.iter().zip(&words) {
            let choice = self.choice(found, arg);
            if !choice.is_empty() && !choice.contains(word) {
                let names: Vec<&str> = found.commands.iter().map(|command| command.get_name()).collect();
                return Err(format!("invalid argument {} for {}", quoted(word), quoted(&names.join(" "))));
            }
        }
        Ok(words)
    }

    /// What a word of a command may be, where that is one of a few.
    pub fn choice(self, found: &Found<'_>, arg: &Arg) -> Vec<String> {
        match self.of_tkn(found).filter(|known| !known.choice.is_empty()) {
            Some(known) => known.choice.iter().map(|word| (*word).to_owned()).collect(),
            None => arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        }
    }
}

impl<'a> Given<'a> {
    /// The cluster that the flags choose.
    pub fn wanted(&self) -> Wanted {
        let value = |id: &str| {
            let (_, values) = self.flags.iter().find(|(flag, _)| flag.0.get_id() == id)?;
            values.last().filter(|value| !value.is_empty()).cloned()
        };
        Wanted { file: value("kubeconfig").map(PathBuf::from), context: value("context"), namespace: value("namespace") }
    }

    /// Whether help is asked for.
    pub fn asks_for_help(&self) -> bool {
        self.help.is_some()
    }

    /// Whether a flag is given.
    pub fn has(&self, id: &clap::Id) -> bool {
        self.flags.iter().any(|(flag, _)| flag.0.get_id() == id)
    }

    /// A flag with a long name.
    fn long<'w>(
        &mut self,
        known: &[Flag<'a>],
        word: &str,
        versioned: bool,
        rest: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Failure> {
        let body = &word[2..];
        if body.starts_with(['-', '=']) {
            return Err(Failure::usage(format!("bad flag syntax: {word}")));
        }
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        let Some(flag) = known.iter().find(|flag| flag.is(name)) else {
            return self.asks_about_program(name, None, value, versioned).unwrap_or_else(|| Err(unknown(known, name)));
        };
        let value = match value {
            Some(value) => value,
            None if flag.stands_alone() => "true",
            None => rest.next().ok_or_else(|| Failure::usage(format!("flag needs an argument: --{name}")))?,
        };
        self.set(*flag, value)
    }

    /// Flags by their letters, several in one word; the value of the last may follow at once.
    fn letters<'w>(
        &mut self,
        known: &[Flag<'a>],
        letters: &str,
        versioned: bool,
        rest: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), Failure> {
        let mut at = 0;
        while let Some(letter) = letters.as_bytes().get(at) {
            let left = &letters.as_bytes()[at..];
            let shown = || String::from_utf8_lossy(left).into_owned();
            let attached = if left.len() > 2 && left[1] == b'=' { letters.get(at + 2..) } else { None };
            let Some(flag) = known.iter().find(|flag| flag.has_letter(*letter)) else {
                let unknown = || Err(Failure::usage(format!("unknown shorthand flag: '{}' in -{}", escaped(char::from(*letter)), shown())));
                self.asks_about_program("", Some(*letter), attached, versioned).unwrap_or_else(unknown)?;
                match attached {
                    Some(_) => return Ok(()),
                    None => at += 1,
                }
                continue;
            };
            let value = match attached {
                Some(value) => value,
                None if flag.stands_alone() => {
                    self.set(*flag, "true")?;
                    at += 1;
                    continue;
                }
                None if left.len() > 1 => letters.get(at + 1..).unwrap_or_default(),
                None => rest
                    .next()
                    .ok_or_else(|| Failure::usage(format!("flag needs an argument: '{}' in -{}", char::from(*letter), shown())))?,
            };
            return self.set(*flag, value);
        }
        Ok(())
    }

    /// Help and version, which the tree does not hold before it is built; none when it is another flag.
    fn asks_about_program(&mut self, name: &str, letter: Option<u8>, value: Option<&str>, versioned: bool) -> Option<Result<(), Failure>> {
        let help = name == "help" || letter == Some(b'h');
        let version = versioned && (name == "version" || letter == Some(b'V'));
        if !help && !version {
            return None;
        }
        let flag = if help { Arg::new("help").long("help").short('h') } else { Arg::new("version").long("version").short('V') };
        let read =
            Flag(&flag.action(ArgAction::SetTrue)).values(value.unwrap_or("true")).map(|values| values == ["true"]).map_err(Failure::usage);
        Some(read.map(|yes| match help {
            true => self.help = Some((yes, letter.is_some())),
            false => self.version = yes,
        }))
    }

    fn set(&mut self, flag: Flag<'a>, text: &str) -> Result<(), Failure> {
        let values = flag.values(text).map_err(Failure::usage)?;
        self.notices.extend(flag.deprecation());
        match self.flags.iter_mut().find(|(known, _)| known.0.get_id() == flag.0.get_id()) {
            Some((_, all)) if matches!(flag.kind(), Type::Texts | Type::CommaTexts) => all.extend(values),
            Some((_, last)) => *last = values,
            None => self.flags.push((flag, values)),
        }
        Ok(())
    }
}

/// A flag that a command does not have, with the one that is spelled alike.
fn unknown(known: &[Flag<'_>], name: &str) -> Failure {
    let failure = Failure::usage(format!("unknown flag: --{name}"));
    match nearest(name, known.iter().filter(|flag| !flag.0.is_hide_set()).map(|flag| flag.name())) {
        Some(near) => failure.hint(format!("did you mean --{near}?")),
        None => failure,
    }
}

/// The same line in plain order: names, flags with their values attached, and the words behind `--`.
fn line(tree: &Command, path: &[String], flags: &[(Flag<'_>, Vec<String>)], words: Vec<String>) -> Vec<String> {
    let mut line: Vec<String> = std::iter::once(tree.get_name().to_owned()).chain(path.iter().cloned()).collect();
    for (flag, values) in flags {
        let name = flag.name();
        // An empty namespace, context or kubeconfig is none: a script's variable that is not set.
        if flag.0.is_global_set() && values.iter().all(String::is_empty) {
            continue;
        }
        if flag.0.get_action().takes_values() {
            line.extend(values.iter().map(|value| format!("--{name}={value}")));
        } else if values == &["true"] {
            line.push(format!("--{name}"));
        }
    }
    line.push("--".to_owned());
    line.extend(words);
    line
}

fn is_called(command: &Command, word: &str) -> bool {
    command.get_name() == word || command.get_all_aliases().any(|alias| alias == word)
}
