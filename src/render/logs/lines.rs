//! The lines of all containers, with the prefixes that belong to them.

use std::io::{self, Write};

use indexmap::IndexSet;
use jiff::{SignedDuration, Timestamp};

use super::json;
use super::look::{Form, LineLook, Stamps};
use crate::logs::{Called, End, Piece, Source, Subject};
use crate::objects::core::Event;
use crate::term::style::{Label, paint, paired};

/// Writes lines.
pub(super) struct Lines {
    look: LineLook,
    colour: bool,
    /// Whether a whole line is its prefix and what the container wrote
    whole: bool,
    /// What stands before each line, by the number of the source, made once
    prefixes: Vec<Vec<u8>>,
    /// Whether a line of the source was shown, by its number
    shown: Vec<bool>,
    /// Names of steps in the order of their first appearance, which chooses the colour
    steps: IndexSet<String>,
    within_line: bool,
    /// Whether the line that is being written is left out
    left_out: bool,
    /// The time of the line that is being written
    stamp: Vec<u8>,
    /// What begins and what ends a part that stands out
    stands_out: (String, String),
}

impl Lines {
    pub(super) fn new(look: LineLook, colour: bool) -> Self {
        let (prefixes, shown, steps, stamp) = (Vec::new(), Vec::new(), IndexSet::new(), Vec::new());
        let stands_out = paired(Label::Match);
        let parted = look.filter.is_strict() || colour && !look.filter.highlight.is_empty();
        let whole = look.form == Form::Lines && look.stamps == Stamps::None && !parted;
        Self { look, colour, whole, prefixes, shown, steps, within_line: false, left_out: false, stamp, stands_out }
    }

    pub(super) fn look(&self) -> &LineLook {
        &self.look
    }

    /// Whether a line was written up to a point within it.
    pub(super) fn is_within_line(&self) -> bool {
        self.within_line
    }

    /// Writes a piece, or several lines.
    pub(super) fn pieces(&mut self, out: &mut dyn Write, source: &Source, piece: Piece<'_>) -> io::Result<()> {
        if self.whole && !self.within_line && piece.begins && piece.ends() {
            self.know(source);
            self.shown[source.id] = true;
            let prefix = &self.prefixes[source.id];
            return piece.lines().try_for_each(|line| {
                out.write_all(prefix)?;
                out.write_all(line.text)?;
                out.write_all(b"\n")
            });
        }
        piece.lines().try_for_each(|line| self.piece(out, source, line))
    }

    fn piece(&mut self, out: &mut dyn Write, source: &Source, piece: Piece<'_>) -> io::Result<()> {
        if piece.begins {
            self.left_out = self.look.filter.is_strict() && !self.look.filter.shows(piece.text);
            self.know(source);
        }
        if self.left_out {
            return Ok(());
        }
        self.shown[source.id] = true;
        if self.look.form == Form::Json {
            if piece.begins {
                self.stamp.clear();
                self.stamp.extend_from_slice(piece.stamp);
            }
            return json::line(out, &self.prefixes[source.id], &self.stamp, piece);
        }
        if piece.begins {
            self.end_line(out)?;
            out.write_all(&self.prefixes[source.id])?;
            self.time(out, source, piece.stamp)?;
        }
        self.text(out, piece.text)?;
        match piece.end {
            // A time stands at a line's begin, also where the container has not ended the one before.
            Some(end) if self.look.form == Form::Raw && (end != End::Log || self.look.stamps == Stamps::None) => {
                out.write_all(end.bytes())?;
            }
            Some(_) => out.write_all(b"\n")?,
            None => {}
        }
        self.within_line = piece.end.is_none();
        Ok(())
    }

    pub(super) fn container_end(&mut self, out: &mut dyn Write, source: &Source) -> io::Result<()> {
        self.end_line(out)?;
        let shown = self.shown.get(source.id).is_some_and(|shown| *shown);
        if self.look.form != Form::Lines || !self.look.gaps || self.look.sparse && !shown {
            return Ok(());
        }
        out.write_all(b"\n")
    }

    /// What the cluster says of a task's pod, told apart by a prefix of its own.
    pub(super) fn cluster_event(&mut self, out: &mut dyn Write, called: &Called, event: &Event) -> io::Result<()> {
        if self.look.form == Form::Json {
            return json::event(out, called, event);
        }
        self.end_line(out)?;
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let time = event.time().filter(|_| self.look.stamps != Stamps::None).map(|time| format!("{time} ")).unwrap_or_default();
        let (kind, reason, message) = (word(&event.kind), word(&event.reason), word(&event.message));
        let task = self.marked(self.task(called), called, None);
        let text = format!("[{task} * event] {time}{kind} {reason}: {}", message.trim_end().replace('\n', " "));
        let label = if kind == "Warning" { Label::Bad } else { Label::Dim };
        writeln!(out, "{}", paint(&text, label, self.colour))
    }

    /// Nothing may be written into the middle of a line.
    fn end_line(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.within_line) { out.write_all(b"\n") } else { Ok(()) }
    }

    fn time(&self, out: &mut dyn Write, source: &Source, stamp: &[u8]) -> io::Result<()> {
        if stamp.is_empty() {
            return Ok(());
        }
        match self.look.stamps {
            Stamps::None => Ok(()),
            Stamps::Server => {
                out.write_all(stamp)?;
                out.write_all(b" ")
            }
            Stamps::Relative => match relative(stamp, source.began) {
                Some(since) => write!(out, "{since} "),
                None => Ok(()),
            },
        }
    }

    fn text(&self, out: &mut dyn Write, text: &[u8]) -> io::Result<()> {
        if !self.colour || self.look.filter.highlight.is_empty() {
            return out.write_all(text);
        }
        let mut written = 0;
        for (from, to) in self.look.filter.highlighted(text) {
            out.write_all(&text[written..from])?;
            out.write_all(self.stands_out.0.as_bytes())?;
            out.write_all(&text[from..to])?;
            out.write_all(self.stands_out.1.as_bytes())?;
            written = to;
        }
        out.write_all(&text[written..])
    }

    /// Makes what stands before the lines of a source, once.
    fn know(&mut self, source: &Source) {
        if self.shown.len() > source.id && !self.prefixes[source.id].is_empty() {
            return;
        }
        if self.shown.len() <= source.id {
            self.prefixes.resize(source.id + 1, Vec::new());
            self.shown.resize(source.id + 1, false);
        }
        self.prefixes[source.id] = match self.look.form {
            Form::Json => json::head(source),
            Form::Lines if self.look.prefix => {
                let (place, _) = self.steps.insert_full(source.step().to_owned());
                paint(&self.prefix(source), Label::Prefix(place), self.colour).into_bytes()
            }
            _ => Vec::new(),
        };
    }

    /// `[build : make] `, and between the brackets what sets this container apart from others of the same names.
    fn prefix(&self, source: &Source) -> String {
        let step = source.step();
        let task = match self.look.subject {
            Subject::PipelineRun => self.task(&source.called),
            Subject::TaskRun if self.look.several => source.run.clone(),
            Subject::TaskRun => String::new(),
        };
        let task = self.marked(task, &source.called, attempt(source));
        if task.is_empty() { format!("[{step}] ") } else { format!("[{task} : {step}] ") }
    }

    /// The name with what sets it apart from others of the same name.
    fn marked(&self, task: String, called: &Called, attempt: Option<String>) -> String {
        let params = called.params.iter().map(|(name, value)| format!("{name}={value}"));
        let marks: Vec<String> = params.chain(attempt).filter(|_| self.look.marks).collect();
        match (marks.is_empty(), task.is_empty()) {
            (true, _) => task,
            (false, true) => marks.join(", "),
            (false, false) => format!("{task} ({})", marks.join(", ")),
        }
    }

    /// The task's name as lines call it.
    fn task(&self, called: &Called) -> String {
        let task = called.display.as_ref().filter(|_| self.look.long).unwrap_or(&called.task);
        match (self.look.subject, self.look.several) {
            (Subject::PipelineRun, true) => format!("{} > {task}", called.root),
            (Subject::TaskRun, true) => called.root.clone(),
            _ => task.clone(),
        }
    }
}

/// `attempt 2/3`, where there is more than one.
pub(super) fn attempt(source: &Source) -> Option<String> {
    source.tried_again.then(|| format!("attempt {}/{}", source.attempt, source.attempts))
}

/// The time since the run's begin: `+2.345s`, `+1m02.345s`, `+1h02m03.456s`.
fn relative(stamp: &[u8], began: Option<Timestamp>) -> Option<String> {
    let time: Timestamp = std::str::from_utf8(stamp).ok()?.parse().ok()?;
    let since = time.duration_since(began?).max(SignedDuration::ZERO);
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(match (hours, minutes) {
        (0, 0) => format!("+{rest}.{millis:03}s"),
        (0, _) => format!("+{minutes}m{rest:02}.{millis:03}s"),
        _ => format!("+{hours}h{minutes:02}m{rest:02}.{millis:03}s"),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::look::Filter;
    use super::*;
    use crate::logs::End;

    pub(in crate::render::logs) fn source(id: usize, container: &str) -> Source {
        let called =
            Called { root: "r".into(), task: "build".into(), display: Some("Build it".into()), params: Vec::new(), several: false };
        Source {
            id,
            called,
            run: "r-build".into(),
            pod: "r-build-pod".into(),
            container: container.into(),
            attempt: 1,
            attempts: 1,
            tried_again: false,
            began: "2026-01-02T03:03:03Z".parse().ok(),
        }
    }

    fn whole(text: &[u8]) -> Piece<'_> {
        Piece { stamp: b"2026-01-02T03:04:05.000000006Z", text, begins: true, end: Some(End::Feed) }
    }

    fn look() -> LineLook {
        LineLook::plain(Subject::PipelineRun)
    }

    fn printed_of(look: LineLook, colour: bool, make: &Source) -> String {
        let (mut out, mut lines) = (Vec::new(), Lines::new(look, colour));
        lines.pieces(&mut out, make, whole(b"one")).unwrap();
        lines.container_end(&mut out, make).unwrap();
        let web = source(1, "sidecar-web");
        lines.pieces(&mut out, &web, Piece { end: None, ..whole(b"half") }).unwrap();
        lines.container_end(&mut out, &web).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn printed(look: LineLook, colour: bool) -> String {
        printed_of(look, colour, &source(0, "step-make"))
    }

    #[test]
    fn lines_look_as_tkns_do() {
        assert_eq!(printed(look(), false), "[build : make] one\n\n[build : sidecar-web] half\n\n");
        assert_eq!(printed(LineLook::plain(Subject::TaskRun), false), "[make] one\n\n[sidecar-web] half\n\n");
        assert_eq!(printed(LineLook { prefix: false, ..look() }, false), "one\n\nhalf\n\n");
        assert_eq!(printed(LineLook { long: true, ..look() }, false), "[Build it : make] one\n\n[Build it : sidecar-web] half\n\n");
        let stamped = printed(LineLook { stamps: Stamps::Server, ..look() }, false);
        assert!(stamped.starts_with("[build : make] 2026-01-02T03:04:05.000000006Z one\n"), "{stamped}");
        let stamped = printed(LineLook { stamps: Stamps::Relative, ..look() }, false);
        assert!(stamped.starts_with("[build : make] +1m02.000s one\n"), "{stamped}");
    }

    #[test]
    fn several_lines_look_as_one_after_the_other() {
        let filter = |highlight| Filter { leave: vec![regex::bytes::Regex::new("two").unwrap()], highlight, ..Filter::default() };
        let strict = LineLook { filter: filter(Vec::new()), ..look() };
        for look in [look(), LineLook { form: Form::Raw, ..look() }, LineLook { form: Form::Json, ..look() }, strict] {
            let (mut together, mut apart) = (Vec::new(), Vec::new());
            let (mut lines, make) = (Lines::new(look.clone(), false), source(0, "step-make"));
            let piece = |text, end| Piece { stamp: b"", text, begins: true, end: Some(end) };
            lines.pieces(&mut together, &make, piece(b"one\n\ntwo\r\n10%\r20%\nend", End::ReturnFeed)).unwrap();
            let mut lines = Lines::new(look, false);
            for (text, end) in
                [(&b"one"[..], End::Feed), (b"", End::Feed), (b"two", End::ReturnFeed), (b"10%\r20%", End::Feed), (b"end", End::ReturnFeed)]
            {
                lines.piece(&mut apart, &make, piece(text, end)).unwrap();
            }
            assert_eq!(String::from_utf8(together), String::from_utf8(apart));
        }
    }

    #[test]
    fn only_the_prefix_is_coloured_each_step_in_its_own() {
        let text = printed(look(), true);
        assert!(text.starts_with("\u{1b}[92m\u{1b}[92;1m[build : make] \u{1b}[0mone\n"), "{text:?}");
        assert!(text.contains("\u{1b}[93m\u{1b}[93;1m[build : sidecar-web] \u{1b}[0mhalf\n"), "{text:?}");
    }

    #[test]
    fn combinations_attempts_and_runs_are_told_apart_unless_tkn_is_stood_in_for() {
        let params = vec![("os".to_owned(), "linux".to_owned()), ("arch".to_owned(), "arm64".to_owned())];
        let plain = source(0, "step-make");
        let second = Source { attempt: 2, attempts: 3, tried_again: true, ..plain.clone() };
        let combined = Source { called: Called { params, ..plain.called.clone() }, ..second.clone() };
        let first = |look, source: &Source| printed_of(look, false, source).lines().next().unwrap().to_owned();
        assert_eq!(first(look(), &second), "[build (attempt 2/3) : make] one");
        assert_eq!(first(look(), &combined), "[build (os=linux, arch=arm64, attempt 2/3) : make] one");
        assert_eq!(first(LineLook { marks: false, ..look() }, &combined), "[build : make] one");
        assert_eq!(first(LineLook { several: true, ..look() }, &plain), "[r > build : make] one");
        let alone = LineLook::plain(Subject::TaskRun);
        assert_eq!(first(alone.clone(), &second), "[attempt 2/3 : make] one");
        assert_eq!(first(LineLook { several: true, ..alone }, &second), "[r-build (attempt 2/3) : make] one");
    }

    #[test]
    fn raw_lines_are_what_the_container_wrote() {
        let (mut out, mut lines) = (Vec::new(), Lines::new(LineLook { form: Form::Raw, ..look() }, false));
        let make = source(0, "step-make");
        lines.pieces(&mut out, &make, Piece { end: Some(End::ReturnFeed), ..whole(b"\xff one") }).unwrap();
        lines.pieces(&mut out, &make, Piece { end: Some(End::Log), ..whole(b"two") }).unwrap();
        lines.container_end(&mut out, &make).unwrap();
        assert_eq!(out, b"\xff one\r\ntwo");
    }

    #[test]
    fn json_lines_say_where_they_come_from_and_keep_every_byte() {
        let (mut out, mut lines) = (Vec::new(), Lines::new(LineLook { form: Form::Json, ..look() }, false));
        let make = source(0, "step-make");
        lines.pieces(&mut out, &make, whole("say \"hä\"".as_bytes())).unwrap();
        lines.pieces(&mut out, &make, Piece { end: None, ..whole(b"\xff") }).unwrap();
        lines.container_end(&mut out, &make).unwrap();
        let objects: Vec<serde_json::Value> = out.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert_eq!(objects.len(), 2, "{}", String::from_utf8_lossy(&out));
        assert_eq!(objects[0]["line"], "say \"hä\"");
        assert_eq!((&objects[0]["run"], &objects[0]["task"], &objects[0]["step"]), (&"r".into(), &"build".into(), &"make".into()));
        assert_eq!(objects[0]["time"], "2026-01-02T03:04:05.000000006Z");
        assert_eq!((&objects[1]["base64"], &objects[1]["partial"]), (&"/w==".into(), &true.into()));
    }

    #[test]
    fn a_container_without_a_line_that_is_shown_leaves_no_trace() {
        let filter = Filter { keep: vec![regex::bytes::Regex::new("ha").unwrap()], ..Filter::default() };
        let text = printed(LineLook { filter, sparse: true, ..look() }, false);
        assert_eq!(text, "[build : sidecar-web] half\n\n");
    }

    #[test]
    fn what_stands_out_is_coloured_and_stays_readable_without_colour() {
        let filter = Filter { highlight: vec![regex::bytes::Regex::new("n").unwrap()], ..Filter::default() };
        let look = LineLook { filter, ..look() };
        assert!(printed(look.clone(), true).contains("o\u{1b}[1;4mn\u{1b}[0me"), "{:?}", printed(look.clone(), true));
        assert!(printed(look, false).contains("one\n"));
    }
}
