//! Questions under a pseudo-terminal, answered with the same keys in both programs. What is compared is what comes of
//! it: the exit status, what is printed after the last answer, and the objects. How a list of choices is painted is
//! each program's own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use regex::Regex;
use rexpect::process::{PtyProcess, WaitStatus};
use serde_json::Value;

use crate::cases::folder;
use crate::judge::{Outcome, Verdict, difference};
use crate::lab::Lab;
use crate::programs::{Program, Ran};

/// How long a question may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing may be printed before a question counts as asked.
const QUIET: Duration = Duration::from_millis(300);

/// A line, the questions that are waited for, and the keys that answer them.
struct Scene {
    line: String,
    steps: Vec<(Regex, Vec<String>)>,
}

/// Plays the scenes of `prompts.txt` that have these words in their line.
pub fn play(lab: &Lab, words: &str) -> Vec<Outcome> {
    scenes().into_iter().filter(|scene| scene.line.contains(words)).map(|scene| outcome(lab, &scene)).collect()
}

/// A scene is a line, and below it, further in, `QUESTION => KEYS`.
fn scenes() -> Vec<Scene> {
    let text = fs::read_to_string(folder().join("prompts.txt")).expect("prompts.txt");
    let mut scenes: Vec<Scene> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("  "), scenes.last_mut()) {
            (Some(step), Some(scene)) => {
                let (question, answer) = step.split_once(" => ").unwrap_or_else(|| panic!("no answer in: {line}"));
                scene.steps.push((Regex::new(question).expect("a question is an expression"), keys(answer)));
            }
            _ => scenes.push(Scene { line: line.to_owned(), steps: Vec::new() }),
        }
    }
    scenes
}

/// `chair <enter>` as keys, one press each.
fn keys(answer: &str) -> Vec<String> {
    let key = |word: &str| match word {
        "<enter>" => "\r".to_owned(),
        "<down>" => "\x1b[B".to_owned(),
        "<up>" => "\x1b[A".to_owned(),
        "<ctrl-c>" => "\x03".to_owned(),
        "<ctrl-d>" => "\x04".to_owned(),
        text => text.to_owned(),
    };
    answer.split(' ').map(key).collect()
}

fn outcome(lab: &Lab, scene: &Scene) -> Outcome {
    let run = |program: &Program| {
        let mut ran = played(program, scene);
        let now = lab.objects();
        let changed = now.iter().filter(|(key, object)| lab.loaded().get(*key) != Some(object));
        let gone = lab.loaded().keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), Value::Null));
        ran.changes = changed.map(|(_, object)| (object["kind"].to_string(), object["spec"].clone())).chain(gone).collect();
        lab.restore(&now);
        ran
    };
    let (theirs, ours) = (run(&lab.tkn), run(&lab.rtkn));
    let verdict = if theirs == ours { Verdict::Same } else { Verdict::Differs };
    let steps: Vec<String> = scene.steps.iter().map(|(question, keys)| format!("{question} => {keys:?}")).collect();
    let line = format!("{} ({})", scene.line, steps.join(", "));
    Outcome { line, leaf: "on a terminal".into(), verdict, difference: difference(&theirs, &ours) }
}

/// Plays a scene with one program.
fn played(program: &Program, scene: &Scene) -> Ran {
    let arguments: Vec<String> = scene.line.split(' ').skip(1).map(str::to_owned).collect();
    let (inner, _place) = program.command(&arguments, &[("TERM".into(), "xterm-256color".into()), ("NO_COLOR".into(), "1".into())]);
    let mut command = Command::new("sh");
    command.args(["-c", r#"stty cols 160 rows 40 && exec "$@""#, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("a folder of its own")).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let process = PtyProcess::new(command).expect("a pseudo-terminal");
    let mut terminal = process.get_file_handle().expect("its other end");
    let mut reader = terminal.try_clone().expect("its other end");
    let (sender, chunks) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Reading fails when the program has gone.
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut screen = Screen { raw: Vec::new(), chunks };
    let mut mark = 0;
    for (question, keys) in &scene.steps {
        if !screen.waits(&mut terminal, |raw| question.is_match(&plain(&raw[mark..]))) {
            let asked = plain(&screen.raw[mark..]);
            return Ran { status: format!("{question} was not asked: {asked}"), ..Ran::default() };
        }
        mark = screen.raw.len();
        for key in keys {
            terminal.write_all(key.as_bytes()).expect("a key is pressed");
            std::thread::sleep(Duration::from_millis(120));
        }
    }
    screen.waits(&mut terminal, |_| false);
    let interrupted = scene.steps.iter().any(|(_, keys)| keys.iter().any(|key| key == "\x03"));
    let status = match process.wait() {
        // tkn ends with 1 where an interrupted program is expected to end with 130.
        Ok(WaitStatus::Exited(_, 130)) if interrupted => "1".to_owned(),
        Ok(WaitStatus::Exited(_, code)) => code.to_string(),
        other => format!("{other:?}"),
    };
    Ran { stdout: answer(&plain(&screen.raw[mark..])), status, ..Ran::default() }
}

struct Screen {
    raw: Vec<u8>,
    chunks: Receiver<Vec<u8>>,
}

impl Screen {
    /// Waits until the screen is as wanted and nothing more comes; false when the program ends or takes too long.
    fn waits(&mut self, terminal: &mut impl std::io::Write, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.chunks.recv_timeout(QUIET) {
                Ok(chunk) => {
                    // A terminal tells where its cursor is when it is asked.
                    for _ in chunk.windows(4).filter(|bytes| *bytes == b"\x1b[6n") {
                        terminal.write_all(b"\x1b[12;1R").expect("the terminal answers");
                    }
                    self.raw.extend(chunk);
                }
                Err(RecvTimeoutError::Timeout) if wanted(&self.raw) => return true,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return wanted(&self.raw),
            }
        }
        false
    }
}

/// The text without escape sequences.
fn plain(raw: &[u8]) -> String {
    let escape = Regex::new(r"\x1b\][^\x07]*\x07|\x1b[78=>]|\x1b[()][A-Z0-9]|\x1b\[[0-9;?]*[a-zA-Z]").expect("a fixed expression");
    escape.replace_all(&String::from_utf8_lossy(raw), "").replace("\r\n", "\n").replace('\r', "\n")
}

/// What was answered: the lines without questions, choices and what was typed. A page that stands beside the choices is
/// painted anew with each key; the last one counts.
fn answer(text: &str) -> String {
    let choice = |line: &str| line.starts_with("  ") && line.to_lowercase().contains("started");
    let asked = |line: &str| line.starts_with(['?', '>']) || choice(line) || line.contains("(y/n): ") || line == "Error: interrupt";
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !asked(line)).collect();
    let page = lines.iter().rposition(|line| line.starts_with("Name:")).unwrap_or(0);
    lines[page..].iter().map(|line| format!("{line}\n")).collect()
}
