//! Log events as tkn prints them (`pkg/log/writer.go`): `[task : step] line` on standard output, an empty line after
//! each container, and everything else as a sentence on standard error.

use std::io::{self, Write};

use indexmap::IndexSet;

use crate::logs::{LogEvent, Notice, Piece, Sink, Source, Subject};
use crate::objects::core::Terminated;
use crate::objects::run::StepState;
use crate::term::Term;
use crate::term::style::{Label, paint};

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub struct LineLook {
    /// Whose logs: a TaskRun's lines name the step alone
    pub subject: Subject,
    /// Whether lines say where they come from
    pub prefix: bool,
    /// Whether tasks are called by their names for people
    pub long: bool,
    /// Whether lines begin with their time
    pub timestamps: bool,
}

/// Prints the events of one run on the terminal.
pub struct Printer<'a> {
    term: &'a mut Term,
    lines: Lines,
    /// The program's name as it was called, for hints
    program: String,
}

impl<'a> Printer<'a> {
    /// A printer for one run.
    pub fn new(term: &'a mut Term, look: LineLook, program: &str) -> Self {
        let lines = Lines::new(look, term.colour);
        Self { term, lines, program: program.to_owned() }
    }
}

impl Sink for Printer<'_> {
    fn on(&mut self, event: &LogEvent<'_>) -> io::Result<()> {
        match event {
            LogEvent::Piece { source, piece } => self.lines.piece(self.term.out(), source, *piece),
            LogEvent::Ended { .. } => self.lines.container_end(self.term.out()),
            LogEvent::Said(notice) => {
                self.lines.end_line(self.term.out())?;
                let text = sentence(notice, self.lines.look.subject, &self.program);
                let calm = matches!(notice, Notice::TaskFailed { .. } | Notice::StillRunning { .. } | Notice::Child { .. });
                let text = if calm { text } else { paint(&text, Label::Bad, self.term.colour) };
                self.term.say(text);
                Ok(())
            }
        }
    }

    fn rest(&mut self) -> io::Result<()> {
        self.term.flush()
    }
}

/// The lines of all containers, with the prefixes that belong to them.
struct Lines {
    look: LineLook,
    colour: bool,
    /// Prefixes by the number of the source, painted once
    prefixes: Vec<Vec<u8>>,
    /// Names of steps in the order of their first appearance, which chooses the colour
    steps: IndexSet<String>,
    within_line: bool,
}

impl Lines {
    fn new(look: LineLook, colour: bool) -> Self {
        Self { look, colour, prefixes: Vec::new(), steps: IndexSet::new(), within_line: false }
    }

    fn piece(&mut self, out: &mut dyn Write, source: &Source, piece: Piece<'_>) -> io::Result<()> {
        if piece.begins {
            self.end_line(out)?;
            out.write_all(self.prefix(source))?;
            if self.look.timestamps && !piece.stamp.is_empty() {
                out.write_all(piece.stamp)?;
                out.write_all(b" ")?;
            }
        }
        out.write_all(piece.text)?;
        if piece.ends {
            out.write_all(b"\n")?;
        }
        self.within_line = !piece.ends;
        Ok(())
    }

    fn container_end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.end_line(out)?;
        out.write_all(b"\n")
    }

    /// Nothing may be written into the middle of a line.
    fn end_line(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.within_line) { out.write_all(b"\n") } else { Ok(()) }
    }

    fn prefix(&mut self, source: &Source) -> &[u8] {
        if !self.look.prefix {
            return b"";
        }
        if self.prefixes.len() <= source.id {
            self.prefixes.resize(source.id + 1, Vec::new());
        }
        if self.prefixes[source.id].is_empty() {
            let (place, _) = self.steps.insert_full(source.step().to_owned());
            let task = source.display.as_ref().filter(|_| self.look.long).unwrap_or(&source.task);
            let text = match self.look.subject {
                Subject::PipelineRun => format!("[{task} : {}] ", source.step()),
                Subject::TaskRun => format!("[{}] ", source.step()),
            };
            self.prefixes[source.id] = paint(&text, Label::Prefix(place), self.colour).into_bytes();
        }
        &self.prefixes[source.id]
    }
}

/// A notice as a sentence, in tkn's words where tkn has any.
pub fn sentence(notice: &Notice, subject: Subject, program: &str) -> String {
    match notice {
        Notice::StillRunning { message: None } => "Pipeline still running ...".to_owned(),
        Notice::StillRunning { message: Some(message) } => format!("PipelineRun is still running: {message}"),
        Notice::TaskFailed { task, message } => format!("task {task} has failed: {message}"),
        Notice::NotStarted { task } => format!("task {task} has not started yet"),
        Notice::NoPod { run } => format!("pod for taskrun {run} not available yet"),
        Notice::TaskRunGone { task, run, reason: None } => format!("task {task}: its taskrun {run} is gone, and its logs with it"),
        Notice::TaskRunGone { task, run, reason: Some(reason) } => format!("task {task}: its taskrun {run} cannot be read: {reason}"),
        Notice::Child { task, kind, name, stands: None } => format!("task {task}: its {kind} {name} is gone"),
        Notice::Child { task, kind, name, stands: Some((verdict, message)) } => {
            let colon = if message.is_empty() { "" } else { ": " };
            format!("task {task}: {kind} {name} {verdict}{colon}{message}")
        }
        Notice::RunFailed { message } => message.clone(),
        Notice::Continued { source, code } => {
            format!("task {}: step {} exited with code {code}, and the task went on (onError: continue)", source.task, source.step())
        }
        Notice::PodGone { task, run, pod, steps } => {
            let text = format!("task {task} failed: pods {pod:?} not found. Run {program} tr desc {run} for more details");
            steps.iter().fold(of_task(text, task, subject), |text, step| format!("{text}\n  its status tells: {}", told(step)))
        }
        Notice::NoSteps { task } => of_task(format!("no steps found for task {task}"), task, subject),
        Notice::Refused { source, reason } => {
            let Source { pod, container, task, .. } = source;
            let text =
                format!("error in getting logs for step {}: error getting logs for pod {pod}({container}) : {reason}", source.step());
            of_task(text, task, subject)
        }
        Notice::ContainerFailed { source, end, init } => of_task(container_failed(source, end, *init), &source.task, subject),
    }
}

/// tkn says of a PipelineRun which task it speaks of.
fn of_task(text: String, task: &str, subject: Subject) -> String {
    match subject {
        Subject::PipelineRun => format!("failed to get logs for task {task} : {text}"),
        Subject::TaskRun => text,
    }
}

/// tkn's words for an exit with status 1; any other status is named.
fn container_failed(source: &Source, end: &Terminated, init: bool) -> String {
    let container = &source.container;
    let reason = end.reason.clone().unwrap_or_default();
    let code = (end.exit_code != 1).then(|| format!("exit code {}", end.exit_code));
    if init {
        let code = code.map(|c| format!(" ({c})")).unwrap_or_default();
        return format!("container {container} has failed: {reason}{code}");
    }
    // Tekton keeps results and times for itself in the message.
    let message = end.message.clone().filter(|m| !m.trim_start().starts_with("[{")).unwrap_or_default();
    let said = [code.unwrap_or_default(), reason, message];
    let said = said.iter().map(|s| s.trim()).filter(|s| !s.is_empty() && *s != "Error");
    said.fold(format!("container {container} has failed "), |text, part| format!("{text} : {part}"))
}

/// What the status tells of a step whose logs are lost.
fn told(step: &StepState) -> String {
    let name = &step.name;
    if let Some(end) = &step.state.terminated {
        let reason = step.termination_reason.as_ref().or(end.reason.as_ref()).filter(|r| *r != "Error");
        let reason = reason.map(|r| format!(" ({r})")).unwrap_or_default();
        return format!("step {name} exited with code {}{reason}", end.exit_code);
    }
    match &step.state.running {
        Some(_) => format!("step {name} was running"),
        None => format!("step {name} did not start"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(id: usize, container: &str) -> Source {
        Source {
            id,
            task: "build".into(),
            display: Some("Build it".into()),
            run: "r-build".into(),
            pod: "r-build-pod".into(),
            container: container.into(),
        }
    }

    fn whole(text: &[u8]) -> Piece<'_> {
        Piece { stamp: b"2026-01-02T03:04:05.000000006Z", text, begins: true, ends: true }
    }

    fn printed(look: LineLook, colour: bool) -> String {
        let (mut out, mut lines) = (Vec::new(), Lines::new(look, colour));
        lines.piece(&mut out, &source(0, "step-make"), whole(b"one")).unwrap();
        lines.container_end(&mut out).unwrap();
        lines.piece(&mut out, &source(1, "sidecar-web"), Piece { ends: false, ..whole(b"half") }).unwrap();
        lines.container_end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const LOOK: LineLook = LineLook { subject: Subject::PipelineRun, prefix: true, long: false, timestamps: false };

    #[test]
    fn lines_look_as_tkns_do() {
        assert_eq!(printed(LOOK, false), "[build : make] one\n\n[build : sidecar-web] half\n\n");
        assert_eq!(printed(LineLook { subject: Subject::TaskRun, ..LOOK }, false), "[make] one\n\n[sidecar-web] half\n\n");
        assert_eq!(printed(LineLook { prefix: false, ..LOOK }, false), "one\n\nhalf\n\n");
        assert_eq!(printed(LineLook { long: true, ..LOOK }, false), "[Build it : make] one\n\n[Build it : sidecar-web] half\n\n");
        let stamped = printed(LineLook { timestamps: true, ..LOOK }, false);
        assert!(stamped.starts_with("[build : make] 2026-01-02T03:04:05.000000006Z one\n"), "{stamped}");
    }

    #[test]
    fn only_the_prefix_is_coloured_each_step_in_its_own() {
        let text = printed(LOOK, true);
        assert!(text.starts_with("\u{1b}[92m[build : make] \u{1b}[39mone\n"), "{text:?}");
        assert!(text.contains("\u{1b}[93m[build : sidecar-web] \u{1b}[39mhalf\n"), "{text:?}");
    }

    #[test]
    fn every_exit_status_but_one_is_named() {
        let end = |exit_code, reason: &str, message: Option<&str>| Terminated {
            exit_code,
            reason: Some(reason.into()),
            message: message.map(str::to_owned),
            ..Terminated::default()
        };
        let said = |end: Terminated, init| {
            let notice = Notice::ContainerFailed { source: source(0, "step-make"), end, init };
            sentence(&notice, Subject::PipelineRun, "rtkn")
        };
        assert_eq!(said(end(1, "Error", None), false), "failed to get logs for task build : container step-make has failed ");
        assert_eq!(
            said(end(137, "OOMKilled", Some(r#"[{"key":"StartedAt"}]"#)), false),
            "failed to get logs for task build : container step-make has failed  : exit code 137 : OOMKilled"
        );
        assert_eq!(
            said(end(2, "Error", None), true),
            "failed to get logs for task build : container step-make has failed: Error (exit code 2)"
        );
    }

    #[test]
    fn a_pod_that_is_gone_is_told_with_what_the_status_knows() {
        let step = StepState {
            name: "make".into(),
            state: serde_json::from_str(r#"{"terminated":{"exitCode":3,"reason":"Error"}}"#).unwrap(),
            ..StepState::default()
        };
        let notice = Notice::PodGone { task: "build".into(), run: "r-build".into(), pod: "p".into(), steps: vec![step] };
        assert_eq!(
            sentence(&notice, Subject::TaskRun, "tkn"),
            "task build failed: pods \"p\" not found. Run tkn tr desc r-build for more details\n  its status tells: step make exited with code 3"
        );
    }
}
