//! The two programs, each behind a link named `tkn`, in a folder and an environment that are alike.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::cases::{Case, folder};

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program printed and did, with what nobody can choose replaced.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    /// Standard output
    pub stdout: String,
    /// Standard error
    pub stderr: String,
    /// Exit status, or why there is none
    pub status: String,
    /// Objects made, changed (both whole) and deleted (null), by kind, namespace and name
    pub changes: Value,
}

/// One of the two programs.
pub struct Program {
    /// The link named `tkn`
    pub path: PathBuf,
    kubeconfig: PathBuf,
    home: TempDir,
}

impl Program {
    /// A program, called through a link named `tkn`.
    pub fn new(path: &Path, kubeconfig: &Path) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let link = home.path().join("tkn");
        symlink(path, &link).expect("a link in a new folder");
        Self { path: link, kubeconfig: kubeconfig.to_owned(), home }
    }

    /// The command of a line in a folder of its own with copies of `files/`. The folder ends with what is returned.
    pub fn command(&self, arguments: &[String], environment: &[(String, String)]) -> (Command, TempDir) {
        let place = TempDir::new_in(self.home.path()).expect("a temporary folder");
        let files = fs::read_dir(folder().join("files")).expect("the folder of the files");
        for file in files.map(|entry| entry.expect("an entry of the folder")) {
            fs::copy(file.path(), place.path().join(file.file_name())).expect("a copy in a new folder");
        }
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(place.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home.path());
        command.env("KUBECONFIG", &self.kubeconfig).env("TERM", "dumb").env("COLUMNS", "100").env("LANG", "C.UTF-8").env("TZ", "UTC");
        for (name, value) in environment {
            command.env(name, value);
        }
        (command, place)
    }

    /// Runs a line to its end.
    pub fn run(&self, case: &Case) -> Ran {
        let (mut command, place) = self.command(&case.arguments, &case.environment);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that reads nothing may have closed it already.
        let _ = stdin.write_all(case.stdin.as_bytes());
        drop(stdin);
        let id = Pid::from_raw(i32::try_from(child.id()).expect("a process id is a small number"));
        let (ended, wait) = mpsc::channel();
        std::thread::spawn(move || {
            if wait.recv_timeout(PATIENCE).is_err() {
                // It may end at this very moment; then there is nothing to end.
                let _ = kill(id, Signal::SIGKILL);
            }
        });
        let output = child.wait_with_output().expect("the program ends");
        let _ = ended.send(());
        let clean = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(&*place.path().to_string_lossy(), "FOLDER");
            text.replace(&*self.home.path().to_string_lossy(), "HOME").replace(&*self.kubeconfig.to_string_lossy(), "KUBECONFIG")
        };
        let (mut stdout, stderr) = (clean(&output.stdout), clean(&output.stderr));
        if case.sorted {
            stdout = sorted(&stdout);
        }
        let status = output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string());
        Ran { stdout, stderr: steady(&stderr), status, changes: Value::Null }
    }
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Without what differs from run to run: a local port, and the trace of a program written in Go.
fn steady(text: &str) -> String {
    let port = Regex::new(r"127\.0\.0\.1:\d{4,5}->").expect("a fixed expression");
    let trace = Regex::new(r"(?s)goroutine \d+ \[.*").expect("a fixed expression");
    let text = port.replace_all(text, "127.0.0.1:PORT->");
    trace.replace_all(&text, "TRACE").into_owned()
}
