//! A diagnosis as a person reads it: what is wrong, what says so, what to do.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::finding::{Advice, AdviceKind, Diagnosis, Finding, Quote, Standing};
use crate::term::style::{Label, paint};
use crate::term::wrap::wrapped;
use crate::views::age::largest_unit;

/// How much of a long message is quoted for a person; `-o json` has it all.
const LONG: usize = 500;

/// The text, with a line end after its last line. Where there is a width, sentences are broken there between words;
/// quotes and commands stay as they are, to be copied.
pub fn text(diagnosis: &Diagnosis, now: Timestamp, colour: bool, width: Option<usize>) -> String {
    let mut text = String::new();
    let object = format!("{} {}", diagnosis.kind, diagnosis.name);
    let fine = matches!(diagnosis.standing, Standing::Running | Standing::Ready) && diagnosis.findings.is_empty();
    let fine = if fine { "; nothing is wrong so far" } else { "" };
    let head = format!("{object} (namespace {}) {}{}{fine}.", diagnosis.namespace, standing(diagnosis.standing), since(diagnosis, now));
    write_sentence(&mut text, &head, "", Some(Label::Heading), colour, width);
    for finding in &diagnosis.findings {
        write_finding(&mut text, finding, &object, colour, width);
    }
    if !diagnosis.unseen.is_empty() {
        text.push('\n');
    }
    for unseen in &diagnosis.unseen {
        let _ = writeln!(text, "Could not look at {unseen}");
    }
    text
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Failed => "failed",
        Standing::Cancelled => "was cancelled",
        Standing::Stopping => "is stopping",
        Standing::Hangs => "hangs",
        Standing::Running => "is at work",
        Standing::Succeeded => "succeeded",
        Standing::Ready => "is ready",
        Standing::NotReady => "is not ready",
    }
}

/// `, 3 minutes ago` for what has ended, `, for 3 minutes` for what stands so still.
fn since(diagnosis: &Diagnosis, now: Timestamp) -> String {
    let Some(since) = diagnosis.since.as_deref().and_then(|t| t.parse::<Timestamp>().ok()) else { return String::new() };
    let span = largest_unit(now.duration_since(since).max(SignedDuration::ZERO));
    match diagnosis.standing {
        Standing::Failed | Standing::Cancelled | Standing::Succeeded => format!(" {span} ago"),
        _ => format!(" (for {span})"),
    }
}

/// A sentence, in lines that fit.
fn write_sentence(text: &mut String, sentence: &str, indent: &str, label: Option<Label>, colour: bool, width: Option<usize>) {
    for line in wrapped(&format!("{indent}{sentence}"), width.unwrap_or(usize::MAX), indent) {
        let _ = writeln!(text, "{}", label.map_or_else(|| line.clone(), |label| paint(&line, label, colour)));
    }
}

fn write_finding(text: &mut String, finding: &Finding, object: &str, colour: bool, width: Option<usize>) {
    // The head has named the object already.
    let about = if finding.object == object { String::new() } else { format!("{}: ", finding.object) };
    let lead = if finding.weight == "note" { "Beside that: " } else { "" };
    let summary = format!("{lead}{about}{}", finding.summary);
    let label = if finding.weight == "note" { Label::Dim } else { Label::Bad };
    text.push('\n');
    write_sentence(text, &format!("{}.", first_upper(&summary)), "", Some(label), colour, width);
    if !finding.evidence.is_empty() {
        text.push_str("  What says so:\n");
        write_quotes(text, &finding.evidence, colour);
    }
    if !finding.mend.is_empty() {
        text.push_str("  What mends it:\n");
    }
    for advice in &finding.mend {
        write_advice(text, advice, colour, width);
    }
}

/// Quotes of one source stand together under its name.
fn write_quotes(text: &mut String, quotes: &[Quote], colour: bool) {
    let mut source = "";
    for quote in quotes {
        if quote.source != source {
            let _ = writeln!(text, "    {}", paint(&format!("{}:", quote.source), Label::Dim, colour));
        }
        source = &quote.source;
        for line in shortened(&quote.text).lines().filter(|l| !l.trim().is_empty()) {
            let _ = writeln!(text, "      {}", shown(line));
        }
    }
}

fn write_advice(text: &mut String, advice: &Advice, colour: bool, width: Option<usize>) {
    for line in advice.text.lines() {
        let line = match advice.kind {
            AdviceKind::Text => {
                write_sentence(text, line, "    ", None, colour, width);
                continue;
            }
            AdviceKind::Command => format!("      $ {}", paint(line, Label::Command, colour)),
            AdviceKind::Yaml => format!("      {line}"),
        };
        let _ = writeln!(text, "{line}");
    }
}

fn first_upper(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

/// A log may hold escapes, which would act on the terminal of whoever reads the quote.
fn shown(line: &str) -> String {
    line.trim_end().chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_do_not_act_on_the_terminal_and_are_cut() {
        assert_eq!(shown("\u{1b}[31mred\u{7}"), "[31mred");
        assert_eq!(shortened(&"ä".repeat(LONG + 1)).chars().count(), LONG + 2);
    }

    #[test]
    fn times_are_told_from_the_clock_that_is_given() {
        let mut diagnosis = Diagnosis {
            kind: "PipelineRun",
            namespace: "ns".into(),
            name: "x".into(),
            standing: Standing::Failed,
            since: Some("2026-01-01T00:00:00Z".into()),
            findings: Vec::new(),
            unseen: vec!["Events: forbidden".into()],
        };
        let now = "2026-01-01T00:03:10Z".parse().unwrap();
        assert_eq!(
            text(&diagnosis, now, false, None),
            "PipelineRun x (namespace ns) failed 3 minutes ago.\n\nCould not look at Events: forbidden\n"
        );
        diagnosis.standing = Standing::Hangs;
        assert!(text(&diagnosis, now, false, None).starts_with("PipelineRun x (namespace ns) hangs (for 3 minutes)."));
        assert!(text(&diagnosis, now, false, Some(40)).starts_with("PipelineRun x (namespace ns) hangs (for\n3 minutes).\n"));
    }
}
