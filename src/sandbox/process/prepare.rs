//! From a task's steps to programs that can be started: scripts written, environments put together, and, without a mount
//! namespace, every path put in or the task refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::attempt::{Attempt, write_new};
use super::environment;
use super::step_results::{Known, replace, replace_argument};
use super::substitution::{Substitution, Unsafe};
use crate::sandbox::executor::{StepExecution, TaskExecution};

/// What Tekton puts before a script that names no interpreter.
const PREAMBLE: &str = "#!/bin/sh\nset -e\n";

/// A step whose files lie ready.
#[derive(Debug)]
pub struct ReadyStep {
    command: Vec<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    /// Working directory as the process sees it
    pub working_dir: PathBuf,
    /// File of this machine that standard output is copied to
    pub stdout_copy: Option<PathBuf>,
    /// File of this machine that standard error is copied to
    pub stderr_copy: Option<PathBuf>,
    /// What the script's first line names, or the command: what is missing when the step cannot be started
    pub interpreter: String,
}

impl ReadyStep {
    /// The command line, with the results of earlier steps put in.
    pub fn argv(&self, known: &Known) -> Vec<String> {
        self.command.iter().chain(&self.args).flat_map(|argument| replace_argument(argument, known)).collect()
    }

    /// The environment, with the results of earlier steps put in.
    pub fn env(&self, known: &Known) -> Vec<(String, String)> {
        self.env.iter().map(|(name, value)| (name.clone(), replace(value, known))).collect()
    }
}

/// Why a step cannot be run, beginning with the field.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The image's entrypoint is what would run
    #[error(
        "steps[{0}].command: neither command nor script is given, and the entrypoint of an image is not known to an engine that does not use images: write the command into the step"
    )]
    NoCommand(usize),
    /// A container does not start there
    #[error("steps[{0}].workingDir: {1:?} is relative, and no container starts there: write the whole path, such as /workspace/{1}")]
    RelativeDir(usize, String),
    /// A path that cannot be put in
    #[error("{field}: {source}; this machine permits no mount namespace, so that paths can only be put in as text ({reason})")]
    Path {
        /// Field of the TaskRun's spec
        field: String,
        /// What is unsafe
        source: Unsafe,
        /// Why there is no namespace
        reason: String,
    },
    /// The disk
    #[error("steps[{step}]: cannot write {path:?}: {source}")]
    Io {
        /// Position of the step
        step: usize,
        /// What was to be written
        path: PathBuf,
        /// Why not
        source: std::io::Error,
    },
}

/// Puts paths into a step's texts; with a mount namespace there is nothing to put in.
pub struct Paths<'a> {
    /// The rules, and why there is no namespace
    pub substitution: Option<(&'a Substitution, &'a str)>,
}

impl Paths<'_> {
    fn put_in(&self, text: &str, field: impl FnOnce() -> String) -> Result<String, StepError> {
        self.with(text, Substitution::replace, field)
    }

    fn put_in_value(&self, value: &str, field: impl FnOnce() -> String) -> Result<String, StepError> {
        self.with(value, Substitution::replace_value, field)
    }

    fn with(
        &self,
        text: &str,
        replace: impl FnOnce(&Substitution, &str) -> Result<String, Unsafe>,
        field: impl FnOnce() -> String,
    ) -> Result<String, StepError> {
        let Some((substitution, reason)) = self.substitution else { return Ok(text.to_owned()) };
        replace(substitution, text).map_err(|source| StepError::Path { field: field(), source, reason: reason.to_owned() })
    }

    fn put_in_all(&self, texts: &[String], step: usize, field: &str) -> Result<Vec<String>, StepError> {
        texts.iter().enumerate().map(|(i, text)| self.put_in(text, || format!("steps[{step}].{field}[{i}]"))).collect()
    }

    /// A path that the step's process can use.
    fn seen(&self, path: &Path, attempt: &Attempt) -> PathBuf {
        match self.substitution {
            Some(_) => attempt.locate(path).unwrap_or_else(|| path.to_path_buf()),
            None => path.to_path_buf(),
        }
    }
}

/// Makes all steps of a task ready.
///
/// # Errors
/// With the first step that cannot be run; nothing has run then.
pub fn ready(task: &TaskExecution, attempt: &Attempt, paths: &Paths<'_>) -> Result<Vec<ReadyStep>, StepError> {
    let ssh_config = task.credentials.contains_key(Path::new(".ssh/config"));
    let vars = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let base = environment::base(vars, &task.pod, ssh_config);
    task.steps.iter().enumerate().map(|(i, step)| ready_step(i, step, &base, attempt, paths)).collect()
}

fn ready_step(
    i: usize,
    step: &StepExecution,
    base: &BTreeMap<String, String>,
    attempt: &Attempt,
    paths: &Paths<'_>,
) -> Result<ReadyStep, StepError> {
    let (command, interpreter) = match &step.script {
        Some(script) => write_script(i, script, attempt, paths)?,
        None => {
            let command = paths.put_in_all(&step.command, i, "command")?;
            let program = command.first().or(step.args.first()).ok_or(StepError::NoCommand(i))?.clone();
            (command, program)
        }
    };
    if command.is_empty() {
        return Err(StepError::NoCommand(i));
    }
    let mut env = base.clone();
    env.extend(step.env.iter().cloned());
    for (name, value) in &mut env {
        *value = paths.put_in_value(value, || format!("steps[{i}].env[{name}]"))?;
    }
    let dir = match step.working_dir.as_deref().filter(|dir| !dir.is_empty()) {
        Some(dir) if dir.starts_with('/') => Path::new(dir),
        Some(dir) => return Err(StepError::RelativeDir(i, dir.to_owned())),
        None => Path::new("/workspace"),
    };
    if let Some(real) = attempt.locate(dir) {
        std::fs::create_dir_all(&real).map_err(|source| StepError::Io { step: i, path: real, source })?;
    }
    let copy = |path: &Option<String>| path.as_ref().map(|p| dir.join(p)).map(|p| attempt.locate(&p).unwrap_or(p));
    Ok(ReadyStep {
        command,
        args: paths.put_in_all(&step.args, i, "args")?,
        env,
        working_dir: paths.seen(dir, attempt),
        stdout_copy: copy(&step.stdout_path),
        stderr_copy: copy(&step.stderr_path),
        interpreter,
    })
}

/// Writes a step's script; the answer is the command that runs it, and the interpreter.
fn write_script(i: usize, script: &str, attempt: &Attempt, paths: &Paths<'_>) -> Result<(Vec<String>, String), StepError> {
    let text = paths.put_in(script, || format!("steps[{i}].script"))?;
    let trimmed = text.trim_start();
    let text = if trimmed.starts_with("#!") { trimmed.to_owned() } else { format!("{PREAMBLE}{text}") };
    let seen = PathBuf::from(format!("/tekton/scripts/script-{i}"));
    let real = attempt.locate(&seen).unwrap_or_else(|| seen.clone());
    write_new(&real, text.as_bytes(), 0o755).map_err(|source| StepError::Io { step: i, path: real.clone(), source })?;
    let interpreter = text.lines().next().and_then(|line| line.strip_prefix("#!")).and_then(|line| line.split_whitespace().next());
    let interpreter = interpreter.unwrap_or_default().to_owned();
    Ok((vec![paths.seen(&seen, attempt).display().to_string()], interpreter))
}
