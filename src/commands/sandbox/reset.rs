//! `rtkn sandbox reset`

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::Args;

use super::stop;
use crate::commands::demo;
use crate::failure::{Exit, Failure};
use crate::sandbox::process::remove_tree;
use crate::sandbox::serve::{CONTENT, DEMO, LOG, Running, Sandbox, SandboxError};
use crate::sandbox::store::{self, Store, StoreError};
use crate::session::Session;

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Ask nothing, and stop the sandbox first if it is started
    #[arg(long, short)]
    force: bool,
}

/// Removes what the sandbox keeps.
///
/// # Errors
/// When it is in use, when nobody can be asked, and when files cannot be removed.
pub async fn run(session: &mut Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = Sandbox::default_dir()?;
    if !is_sandbox(&dir)? {
        session.term.answer(format_args!("There is no sandbox in {}", dir.display()))?;
        return Ok(Exit::Done);
    }
    let running = Running::find(&dir).await;
    if let (Some(running), false) = (&running, arguments.force) {
        return Err(Failure::other(format!("the sandbox is started (process {})", running.pid))
            .hint(format!("stop it first: {} sandbox stop", session.program))
            .hint("or add --force, which stops it"));
    }
    let question = format!("Remove all objects, logs and volumes of the sandbox in {}?", dir.display());
    if !arguments.force && !session.term.confirm(&question, "--force")? {
        session.term.say("Nothing was removed");
        return Ok(Exit::Failed);
    }
    if let Some(running) = running {
        stop::end(&dir, &running).await?;
    }
    // Whoever has it open now would lose its ground. One that is damaged is what a reset is for.
    if let Err(error @ StoreError::Held { .. }) = Store::wait_until_free(&dir) {
        return Err(SandboxError::Store(error).into());
    }
    let left = remove(&dir)?;
    session.term.answer(format_args!("Removed the sandbox in {}", dir.display()))?;
    if !left.is_empty() {
        session.term.say(format!("Left there, since they are not the sandbox's: {}", left.join(", ")));
    }
    Ok(Exit::Done)
}

/// Files that nothing but a sandbox has; what else it has may be anybody's by its name.
const MARKS: &[&str] = &[store::FILE, "holder.json", "server.json", LOG];

/// Whether there is a sandbox in a directory: it has a store, or what is left of one and nothing else. One that has
/// something by the names of a sandbox's things and is none is not touched.
fn is_sandbox(dir: &Path) -> Result<bool, Failure> {
    let names = match names(dir) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Failure::file(dir, &error)),
    };
    let content = |name: &String| CONTENT.contains(&name.as_str());
    let Some(first) = names.iter().find(|name| content(name)) else { return Ok(false) };
    let marked = names.iter().any(|name| MARKS.contains(&name.as_str())) || demo::is_folder(&dir.join(DEMO));
    if names.iter().any(|name| name == store::FILE) || (marked && names.iter().all(content)) {
        return Ok(true);
    }
    Err(Failure::other(format!("{} is no sandbox's directory (it has {first}, and no store), so nothing in it is removed", dir.display()))
        .hint("is RTKN_SANDBOX_DIR right?"))
}

/// Removes the content, and the directory when nothing else is in it; names of what is left.
fn remove(dir: &Path) -> Result<Vec<String>, Failure> {
    for name in CONTENT {
        let path = dir.join(name);
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        if kind.is_dir() {
            remove_tree(&path);
        } else {
            fs::remove_file(&path).map_err(|error| Failure::file(&path, &error))?;
        }
    }
    let left = names(dir).map_err(|error| Failure::file(dir, &error))?;
    if let Some(stuck) = left.iter().find(|name| CONTENT.contains(&name.as_str())) {
        return Err(Failure::other(format!("{} cannot be removed", dir.join(stuck).display())).hint("remove it by hand"));
    }
    if left.is_empty() {
        fs::remove_dir(dir).map_err(|error| Failure::file(dir, &error))?;
    }
    Ok(left)
}

fn names(dir: &Path) -> std::io::Result<Vec<String>> {
    fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sandboxs_own_files_go() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        drop(Sandbox::open(dir.path()).expect("made"));
        fs::create_dir_all(dir.path().join("logs/uid")).expect("made");
        fs::write(dir.path().join("notes.txt"), "mine").expect("written");
        assert!(is_sandbox(dir.path()).expect("looked"));
        assert_eq!(remove(dir.path()).expect("removed"), ["notes.txt"]);
        assert_eq!(fs::read_to_string(dir.path().join("notes.txt")).expect("there"), "mine");
        assert!(!is_sandbox(dir.path()).expect("looked"), "what is left is no sandbox");
        assert!(!is_sandbox(&dir.path().join("nowhere")).expect("looked"));
    }

    #[test]
    fn a_directory_of_something_else_is_refused() {
        for name in ["logs", "demo", "kubeconfig"] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            fs::create_dir(dir.path().join(name)).expect("made");
            let refused = is_sandbox(dir.path()).expect_err("it may be anybody's");
            assert!(refused.message.contains(name), "{}", refused.message);
        }
    }

    #[test]
    fn what_an_interrupted_reset_and_a_lonely_demo_left_goes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("serve.log"), "").expect("written");
        fs::create_dir(dir.path().join("volumes")).expect("made");
        assert!(is_sandbox(dir.path()).expect("looked"));
        fs::remove_file(dir.path().join("serve.log")).expect("removed");
        fs::remove_dir(dir.path().join("volumes")).expect("removed");
        fs::create_dir_all(dir.path().join("demo/hello/.git")).expect("made");
        fs::write(dir.path().join("demo/hello/hello.txt"), "Hello").expect("written");
        assert!(is_sandbox(dir.path()).expect("looked"));
        assert_eq!(remove(dir.path()).expect("removed"), [""; 0]);
        assert!(!dir.path().exists());
    }
}
