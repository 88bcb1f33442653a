//! A world of its own for each test: a home, an environment, and the real program in it, pointed at a sandbox or at
//! the cluster that `KUBECONFIG` names.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder, an environment, a namespace, and what is done when the test is over.
pub struct World {
    folder: TempDir,
    environment: Vec<(&'static str, PathBuf)>,
    end: fn(&World),
    /// The namespace that commands get by `-n`; empty for none
    pub namespace: String,
}

/// What a command printed, and how it ended.
pub struct Ran {
    line: String,
    /// Standard output
    pub stdout: String,
    /// Standard error
    pub stderr: String,
    /// Exit status; -1 for a signal
    pub status: i32,
}

impl Ran {
    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Fails the test unless standard output has this in it.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} on stdout\n{self}");
        self
    }

    /// Fails the test unless standard error has this in it.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} on stderr\n{self}");
        self
    }

    /// Fails the test if either stream has this in it.
    #[track_caller]
    pub fn never_shows(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} was shown\n{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "$ {}\n--- status {}\n--- stdout\n{}--- stderr\n{}", self.line, self.status, self.stdout, self.stderr)
    }
}

impl World {
    /// A world whose programs get these variables, made from the world's folder.
    pub fn new(environment: fn(&Path) -> Vec<(&'static str, PathBuf)>, end: fn(&World)) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let environment = environment(folder.path());
        Self { folder, environment, end, namespace: String::new() }
    }

    /// A world without any cluster or sandbox.
    pub fn empty() -> Self {
        Self::new(|_| Vec::new(), |_| ())
    }

    /// The same with another variable in the environment of its programs.
    pub fn with(mut self, variable: &'static str, value: impl Into<PathBuf>) -> Self {
        self.environment.push((variable, value.into()));
        self
    }

    /// A world with a sandbox of its own, not started; it is stopped when the test is over.
    pub fn sandbox() -> Self {
        let environment = |folder: &Path| vec![("RTKN_SANDBOX", "1".into()), ("RTKN_SANDBOX_DIR", folder.join("sandbox"))];
        Self::new(environment, |world| drop(world.rtkn(&["sandbox", "stop"])))
    }

    /// A world with a sandbox that is started.
    pub fn started_sandbox() -> Self {
        let world = Self::sandbox();
        world.rtkn(&["sandbox", "start"]).ok();
        world
    }

    /// The world's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the world's folder.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        let folder = path.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(folder).expect("a folder in the test's folder");
        std::fs::write(&path, text).expect("a file in the test's folder");
        path.to_string_lossy().into_owned()
    }

    /// A command of the program, in this world's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtkn"));
        let home = self.path().join("home");
        std::fs::create_dir_all(&home).expect("a home in the test's folder");
        command.current_dir(self.path()).env_clear().env("HOME", &home).env("COLUMNS", "120").env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // `git` as the steps call it must not depend on who runs the tests.
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command.envs(self.environment.iter().cloned());
        if !self.namespace.is_empty() {
            command.args(["-n", &self.namespace]);
        }
        command.args(args);
        command
    }

    /// Runs the program with nothing on standard input.
    pub fn rtkn(&self, args: &[&str]) -> Ran {
        self.stdin(args, "")
    }

    /// Runs the program under the name of the one in whose place it stands.
    pub fn tkn(&self, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        std::os::unix::process::CommandExt::arg0(&mut command, "tkn");
        run(command, args, "")
    }

    /// Runs the program with this on standard input.
    pub fn stdin(&self, args: &[&str], input: &str) -> Ran {
        run(self.command(args), args, input)
    }
}

/// Runs a command to its end.
pub fn run(mut command: Command, args: &[&str], input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A command that reads nothing may have closed it already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Ran {
        line: format!("rtkn {}", args.join(" ")),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code().unwrap_or(-1),
    }
}

impl Drop for World {
    fn drop(&mut self) {
        (self.end)(self);
    }
}

/// Calls again until it gives something; fails the test after a while.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while std::time::Instant::now() < end {
        if let Some(found) = ask() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("waited in vain for {what}");
}
