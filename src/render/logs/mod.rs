//! Log events as tkn prints them (`pkg/log/writer.go`): `[task : step] line` on standard output, an empty line after
//! each container, and everything else as a sentence on standard error; or raw, or as JSON.

mod json;
mod lines;
mod look;
mod words;

use std::io;

use crate::logs::{LogEvent, Notice, Sink, Source};
use crate::term::Term;
use crate::term::style::{Label, paint};
use lines::Lines;
pub use look::{Filter, Form, LineLook, Stamps};
pub use words::sentence;

/// Prints the events of runs on the terminal.
pub struct Printer<'a> {
    term: &'a mut Term,
    lines: Lines,
    /// The program's name as it was called, for hints
    program: String,
    /// What is to be said when the line that is being written has ended
    later: Vec<String>,
    /// TaskRun and attempt that were announced last
    announced: Option<(String, usize)>,
}

impl<'a> Printer<'a> {
    /// A printer for runs.
    pub fn new(term: &'a mut Term, look: LineLook, program: &str) -> Self {
        let lines = Lines::new(look, term.colour);
        Self { term, lines, program: program.to_owned(), later: Vec::new(), announced: None }
    }

    /// Says something beside the lines, but never within one.
    fn say(&mut self, text: String) {
        if self.lines.is_within_line() {
            self.later.push(text);
        } else {
            self.term.say(text);
        }
    }

    fn say_later(&mut self) {
        for text in std::mem::take(&mut self.later) {
            self.term.say(text);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        // Marks are what tkn has not.
        if matches!(notice, Notice::NotBegun(_)) && !self.lines.look().marks {
            return;
        }
        let text = sentence(notice, self.lines.look().subject, &self.program);
        let calm = matches!(
            notice,
            Notice::TaskFailed { .. }
                | Notice::StillRunning { .. }
                | Notice::Child { .. }
                | Notice::Waiting(_)
                | Notice::NotBegun(_)
                | Notice::TasksSkipped { .. }
                | Notice::StepsSkipped { .. }
        );
        self.say(if calm { text } else { paint(&text, Label::Bad, self.term.colour) });
    }

    /// Says which combination or attempt comes, where the prefix does not tell.
    fn announce(&mut self, source: &Source) {
        if self.lines.look().marks || source.called.params.is_empty() && !source.tried_again {
            return;
        }
        let now = Some((source.run.clone(), source.attempt));
        if self.announced != now {
            self.announced = now;
            let attempt = lines::attempt(source).map(|attempt| format!(": {attempt}")).unwrap_or_default();
            self.say(format!("task {}{attempt}", source.called.label()));
        }
    }
}

impl Sink for Printer<'_> {
    fn on(&mut self, event: &LogEvent<'_>) -> io::Result<()> {
        match event {
            LogEvent::Piece { source, piece } => {
                self.lines.pieces(self.term.out(), source, *piece)?;
                if piece.ends() && !self.later.is_empty() {
                    self.say_later();
                }
            }
            LogEvent::Begun { source } => self.announce(source),
            LogEvent::Ended { source } => {
                self.lines.container_end(self.term.out(), source)?;
                self.say_later();
            }
            LogEvent::Cluster { called, event } => self.lines.cluster_event(self.term.out(), called, event)?,
            LogEvent::Said(notice) => self.notice(notice),
        }
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        self.term.flush()
    }
}
