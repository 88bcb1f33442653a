//! Live completion of names: asks the cluster that the words typed so far name, within a second, and stays silent on
//! errors, since whatever it said would stand in the middle of somebody's command.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::protocol;
use crate::kinds::{self, Kind};
use crate::kubeconfig::{self, Wanted};
use crate::objects::called::{WORDS, is_word};
use crate::session::Session;
use crate::term::Term;

/// How long a person waits for a Tab.
const PATIENCE: Duration = Duration::from_millis(900);

/// Completes `--namespace`.
pub fn namespaces() -> ArgValueCompleter {
    names(&kinds::NAMESPACE)
}

/// Completes `--context` from the kubeconfig alone.
pub fn contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let words = Words::of(std::env::args_os());
        beginning(typed, kubeconfig::contexts(words.wanted.file.as_deref()))
    })
}

/// Completes one of a few words.
pub fn words(words: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| beginning(typed, words()))
}

/// Completes the name of an object of a kind.
pub fn names(kind: &'static Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        if kind.kind.ends_with("Run") && is_word(&typed.to_string_lossy()) {
            return beginning(typed, WORDS.iter().map(|w| w.word.to_owned()).collect());
        }
        beginning(typed, ask(kind).unwrap_or_default())
    })
}

fn beginning(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

fn ask(kind: &'static Kind) -> Option<Vec<String>> {
    let words = Words::of(std::env::args_os());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let names = runtime.block_on(async {
        let mut session = Session::new(String::new(), Term::new(true), words.wanted, words.sandbox);
        let asked = async {
            let cluster = session.cluster().await.ok()?;
            let namespace = cluster.namespace.clone();
            cluster.names(kind, Some(&namespace)).await.ok()
        };
        tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
    });
    runtime.shutdown_background();
    names
}

/// Whether the environment chooses the sandbox.
pub fn sandbox_by_environment() -> bool {
    std::env::var("RTKN_SANDBOX").is_ok_and(|v| !matches!(v.as_str(), "" | "0" | "false" | "no" | "off" | "n" | "f"))
}

/// What the words typed so far say about the cluster. The shell hands them over after `--`, or after `__complete`,
/// unfinished, so they are not parsed by the tree but looked through for the flags that matter.
struct Words {
    wanted: Wanted,
    sandbox: bool,
}

impl Words {
    fn of(args: impl Iterator<Item = OsString>) -> Self {
        let begins = |word: &OsString| word == "--" || protocol::asked(word.to_str()).is_some();
        let words: Vec<String> = args.skip_while(|a| !begins(a)).skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
        Self {
            wanted: Wanted {
                file: flag(&words, "--kubeconfig", "-k").map(PathBuf::from),
                context: flag(&words, "--context", "-c"),
                namespace: flag(&words, "--namespace", "-n"),
            },
            sandbox: sandbox_by_environment() || words.iter().any(|w| w == "--sandbox"),
        }
    }
}

/// The value of a flag in any of its spellings: `--flag v`, `--flag=v`, `-f v`, `-fv`.
fn flag(words: &[String], long: &str, short: &str) -> Option<String> {
    words.iter().enumerate().find_map(|(i, word)| {
        if word == long || word == short {
            return words.get(i + 1).cloned();
        }
        let attached = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
        let grouped = word.strip_prefix(short).filter(|rest| !rest.is_empty() && !word.starts_with("--"));
        attached.or(grouped).map(|value| value.trim_start_matches('=').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Words {
        Words::of(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_words_before_the_name_choose_the_cluster() {
        let words = of("rtkn -- rtkn -n one pr logs --context=two -k/tmp/three tt-");
        assert_eq!(words.wanted.namespace.as_deref(), Some("one"));
        assert_eq!(words.wanted.context.as_deref(), Some("two"));
        assert_eq!(words.wanted.file, Some(PathBuf::from("/tmp/three")));
        assert!(of("rtkn -- rtkn --sandbox pr describe x").sandbox);
    }
}
