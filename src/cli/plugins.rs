//! Plugins: programs called `tkn-WORD` or `rtkn-WORD` that take the place of a command `WORD` which this program does not
//! have, as git's and kubectl's do.

use std::env;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a plugin's file name begins with; one of tkn's comes before one of this program's own.
const PREFIXES: [&str; 2] = ["tkn-", "rtkn-"];

/// The plugin for a word: a file of the plugin directory, else a program on the PATH. A flag has none.
pub fn find(word: &str) -> Option<PathBuf> {
    if word.starts_with('-') {
        return None;
    }
    let named = |dir: &Path, prefix: &str| dir.join(format!("{prefix}{word}"));
    let kept = PREFIXES.iter().find_map(|prefix| directory().map(|dir| named(&dir, prefix)).filter(|path| path.exists()));
    let on_path = || {
        let dirs: Vec<PathBuf> = search_path();
        PREFIXES.iter().find_map(|prefix| dirs.iter().map(|dir| named(dir, prefix)).find(|path| is_program(path)))
    };
    kept.or_else(on_path)
}

/// Puts the plugin in this program's place. It returns only when the plugin cannot be run.
pub fn run(plugin: &Path, arguments: &[OsString]) {
    let error = Command::new(plugin).args(arguments).exec();
    let why = error.to_string();
    let why = why.split(" (os error").next().unwrap_or_default();
    let (first, rest) = why.split_at(why.chars().next().map_or(0, char::len_utf8));
    // There is no line's end here, since scripts may compare it with tkn's text. Nobody is left to hear of a closed pipe.
    let _ = write!(std::io::stderr(), "Command finished with error: {}{rest}", first.to_lowercase());
}

/// The words that plugins answer to, each once: those on the PATH, then those of the plugin directory.
pub fn words() -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for dir in search_path().into_iter().chain(directory()) {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        let mut found: Vec<(OsString, String)> = entries.flatten().filter_map(|entry| plugin(entry.file_name())).collect();
        found.sort();
        for (file, word) in found {
            if !words.contains(&word) && is_program(&dir.join(file)) {
                words.push(word);
            }
        }
    }
    words
}

/// A file's name with the word that it answers to, when it is named like a plugin.
fn plugin(file: OsString) -> Option<(OsString, String)> {
    let word = PREFIXES.iter().find_map(|prefix| file.as_bytes().strip_prefix(prefix.as_bytes())).filter(|word| !word.is_empty())?;
    let word = String::from_utf8_lossy(word).into_owned();
    Some((file, word))
}

/// `$TKN_PLUGINS_DIR`, else `tkn/plugins` of the configuration directory.
fn directory() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TKN_PLUGINS_DIR")
        .or_else(|| set("XDG_CONFIG_HOME").map(|dir| dir.join("tkn/plugins")))
        .or_else(|| env::home_dir().map(|home| home.join(".config/tkn/plugins")))
}

fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A program of the working directory is never meant, whatever the PATH says.
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
