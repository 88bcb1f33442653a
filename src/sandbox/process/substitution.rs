//! Paths without a mount namespace: where a step's text names `/workspace`, `/tekton` or the path of a mount, the real
//! directory of this machine is put in. A mention that cannot be replaced safely is refused with the reason.
//!
//! The rule looks at each place where such a path is written out in full:
//! - It is *replaced* when it stands alone or begins a longer path (`/workspace`, `"/workspace/a b"`, `X=/tekton/home`,
//!   `file:///workspace/r`, `@/workspace/f`), that is, when a blank, a quote or one of ``=:,;([{<>|&!@`` ` or nothing
//!   stands before it, and a `/`, a blank, a quote, one of ``:,;)]}<>|&!=` `` or nothing after it.
//! - It is *another path* and left alone when more of a name stands before or after it (`/workspaces`, `./workspace`,
//!   `$HOME/workspace`).
//! - It is *refused* when its end is only known to the shell (`/workspace$X`, `/workspace*`), or when it is glued to an
//!   option's letters (`-I/workspace/include`), or when the real directory has characters that a shell would take apart.
//!
//! What a step finds in files (a script of the repository that names `/workspace`) cannot be known and is not looked at.

use std::path::Path;

use super::attempt::Volume;

/// Replaces the paths that steps see by the ones that are there.
#[derive(Debug)]
pub struct Substitution {
    /// Path that steps write, and the directory of this machine; no path lies inside another
    rules: Vec<(String, String)>,
}

/// Why a text cannot be used; a sentence that begins with the path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// The path goes on with something that the shell expands
    #[error("it writes {path}{next}…, whose meaning is only known to the shell that runs it")]
    Continued {
        /// The path
        path: String,
        /// The character after it
        next: char,
    },
    /// The path stands right behind an option's letters
    #[error("it writes {option}{path}, where the path is part of a word")]
    Glued {
        /// What stands before the path
        option: String,
        /// The path
        path: String,
    },
    /// The directory's name would be taken apart by a shell
    #[error("it writes {path}, which is {dir:?} on this machine, a path that a shell would take apart")]
    UnsuitableDirectory {
        /// The path
        path: String,
        /// The directory it stands for
        dir: String,
    },
}

enum Place {
    Replace,
    Leave,
}

impl Substitution {
    /// The rules for an attempt's volumes. Those that lie inside others are reached by links in the outer ones.
    pub fn new(volumes: &[Volume]) -> Substitution {
        let outer = |v: &&Volume| !volumes.iter().any(|o| o.path != v.path && v.path.starts_with(&o.path));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Substitution { rules: volumes.iter().filter(outer).map(|v| (text(&v.path), text(&v.dir))).collect() }
    }

    /// A script, command or argument with every path replaced.
    ///
    /// # Errors
    /// When a mention cannot be replaced safely.
    pub fn replace(&self, text: &str) -> Result<String, Unsafe> {
        self.replace_if(text, |dir| dir.chars().all(is_plain))
    }

    /// A variable's value with every path replaced. No shell takes it apart, so any directory is fine.
    ///
    /// # Errors
    /// When a mention cannot be replaced safely.
    pub fn replace_value(&self, value: &str) -> Result<String, Unsafe> {
        self.replace_if(value, |_| true)
    }

    fn replace_if(&self, text: &str, suitable: impl Fn(&str) -> bool) -> Result<String, Unsafe> {
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        let mut from = 0;
        while let Some((start, rule)) = self.next_mention(text, from) {
            let (path, dir) = &self.rules[rule];
            let end = start + path.len();
            if let Place::Replace = judge(&text[..start], path, &text[end..])? {
                if !suitable(dir) {
                    return Err(Unsafe::UnsuitableDirectory { path: path.clone(), dir: dir.clone() });
                }
                out.push_str(&text[rest..start]);
                out.push_str(dir);
                rest = end;
            }
            from = end;
        }
        out.push_str(&text[rest..]);
        Ok(out)
    }

    /// A step's result with the paths as a container would have written them, for another step or task to use.
    pub fn restore(&self, text: &str) -> String {
        self.rules.iter().fold(text.to_owned(), |text, (path, dir)| text.replace(dir, path))
    }

    fn next_mention(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let hits = self.rules.iter().enumerate().filter_map(|(i, (path, _))| Some((from + text[from..].find(path.as_str())?, i)));
        // Of two at one place the longer path is meant: /data-2 is not /data.
        hits.min_by_key(|(start, i)| (*start, usize::MAX - self.rules[*i].0.len()))
    }
}

fn judge(before: &str, path: &str, after: &str) -> Result<Place, Unsafe> {
    match after.chars().next() {
        Some(next) if "$*?[{\\".contains(next) => {
            return if begins_here(before) { Err(Unsafe::Continued { path: path.to_owned(), next }) } else { Ok(Place::Leave) };
        }
        Some(next) if !(next.is_whitespace() || "/\"':,;)]}<>|&!=`#".contains(next)) => return Ok(Place::Leave),
        _ => {}
    }
    if begins_here(before) {
        return Ok(Place::Replace);
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || "\"'=`(;".contains(c)).next().unwrap_or_default();
    let option = word.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && letters.chars().all(|c| c.is_ascii_alphabetic()));
    if option { Err(Unsafe::Glued { option: word.to_owned(), path: path.to_owned() }) } else { Ok(Place::Leave) }
}

/// Whether a path may begin after this text.
fn begins_here(before: &str) -> bool {
    match before.chars().next_back() {
        None => true,
        Some(last) => last.is_whitespace() || "\"'=:,;([{<>|&!@`".contains(last) || before.ends_with("file://"),
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "/._-+@%:,=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substitution(dir: &str) -> Substitution {
        let volume = |path: &str| Volume { path: path.into(), dir: format!("{dir}{path}").into(), read_only: false };
        Substitution::new(&[volume("/workspace"), volume("/workspace/source"), volume("/tekton"), volume("/data")])
    }

    #[test]
    fn paths_that_stand_alone_or_begin_a_longer_one_are_replaced() {
        for (text, expected) in [
            ("cd /workspace/source && ls", "cd /r/workspace/source && ls"),
            ("echo x > '/tekton/results/a b'", "echo x > '/r/tekton/results/a b'"),
            ("#!/workspace/bin/x", "#!/r/workspace/bin/x"),
            ("A=/workspace:/data/x", "A=/r/workspace:/r/data/x"),
            ("git clone file:///workspace/repo", "git clone file:///r/workspace/repo"),
            ("curl -d @/workspace/b /workspace/$X", "curl -d @/r/workspace/b /r/workspace/$X"),
            ("/workspace", "/r/workspace"),
        ] {
            assert_eq!(substitution("/r").replace(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_paths_are_left_alone() {
        for text in [
            "/workspaces/x",
            "./workspace",
            "$HOME/workspace/x",
            "${D}/tekton",
            "repo/data/x",
            "s/workspace/x/",
            "/data.csv",
            "https://h/workspace",
        ] {
            assert_eq!(substitution("/r").replace(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_cannot_be_replaced_safely_is_refused() {
        let refused = |text: &str| substitution("/r").replace(text).expect_err("refused").to_string();
        assert!(refused("ls /workspace$X").contains("/workspace$…"));
        assert!(refused("rm -r /tekton*").contains("/tekton*…"));
        assert!(refused("cc -I/workspace/include a.c").contains("-I/workspace"));
        let spaced = substitution("/a b").replace("ls /workspace").expect_err("refused");
        assert!(matches!(spaced, Unsafe::UnsuitableDirectory { .. }));
        assert_eq!(substitution("/a b").replace("ls /tmp").as_deref(), Ok("ls /tmp"));
        assert_eq!(substitution("/a b").replace_value("/tekton/home").as_deref(), Ok("/a b/tekton/home"));
    }

    #[test]
    fn results_name_the_paths_of_a_container() {
        assert_eq!(substitution("/r").restore("/r/workspace/source/a\n"), "/workspace/source/a\n");
    }
}
