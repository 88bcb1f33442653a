//! Labels of meaning and how they look. Escapes exist only here; without colour the same words stand plain.

use owo_colors::{AnsiColors, OwoColorize as _, Style};

use crate::objects::verdict::State;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A state of a run
    State(State),
    /// A command to type
    Command,
    /// The name of a field
    Field,
    /// How a step stands, in Kubernetes' words
    Step,
    /// A heading
    Heading,
    /// Something that ended badly
    Bad,
    /// Something beside the point
    Dim,
    /// A part of a line that somebody looks for
    Match,
    /// A log line's prefix; the number counts steps
    Prefix(usize),
}

const PREFIXES: [AnsiColors; 5] =
    [AnsiColors::BrightGreen, AnsiColors::BrightYellow, AnsiColors::BrightBlue, AnsiColors::BrightMagenta, AnsiColors::BrightCyan];

/// What a terminal is told when it is drawn on as a whole.
pub mod screen {
    /// Another screen in place of what stands there, without a cursor
    pub const ENTER: &str = "\x1b[?1049h\x1b[?25l";
    /// Back to what stood there
    pub const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
    /// A frame begins, at the upper left; terminals that know how show it only when it is complete
    pub const BEGIN: &str = "\x1b[?2026h\x1b[H";
    /// The line is cleared from here on
    pub const CLEAR_LINE: &str = "\x1b[K";
    /// Everything from here on is cleared
    pub const CLEAR_BELOW: &str = "\x1b[J";
    /// The frame is complete
    pub const END: &str = "\x1b[?2026l";
}

/// The text with the label's escapes around it, or plain.
pub fn paint(text: &str, label: Label, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    match label {
        Label::State(state) => match state_colour(state) {
            Some(c) => text.style(Style::new().color(c)).to_string(),
            None => text.to_owned(),
        },
        Label::Step => match step_colour(text) {
            Some(c) => text.style(Style::new().color(c)).to_string(),
            None => text.to_owned(),
        },
        Label::Command | Label::Field => text.bold().to_string(),
        Label::Heading => text.bold().underline().to_string(),
        Label::Bad => text.color(AnsiColors::Red).to_string(),
        Label::Dim => text.dimmed().to_string(),
        Label::Match => text.style(Style::new().bold().underline()).to_string(),
        // As tkn writes it: the colour, then the colour in bold.
        Label::Prefix(n) => {
            let colour = Style::new().color(PREFIXES[n % PREFIXES.len()]);
            format!("{}{}", colour.prefix_formatter(), text.style(colour.bold()))
        }
    }
}

/// What stands before and behind a text with a label, for text that is no string.
pub fn paired(label: Label) -> (String, String) {
    let painted = paint("\0", label, true);
    painted.split_once('\0').map(|(before, behind)| (before.to_owned(), behind.to_owned())).unwrap_or_default()
}

fn step_colour(word: &str) -> Option<AnsiColors> {
    match word {
        "Completed" => Some(AnsiColors::BrightMagenta),
        "Started" => Some(AnsiColors::BrightCyan),
        "Succeeded" => state_colour(State::Succeeded),
        "Failed" => state_colour(State::Failed),
        "Running" => state_colour(State::Running),
        "Cancelled" => state_colour(State::Cancelled),
        "Pending" => state_colour(State::Pending),
        _ => None,
    }
}

fn state_colour(state: State) -> Option<AnsiColors> {
    match state {
        State::Unstarted => None,
        State::Pending | State::Cancelled => Some(AnsiColors::BrightYellow),
        State::Running => Some(AnsiColors::BrightBlue),
        State::Succeeded => Some(AnsiColors::BrightGreen),
        State::Failed => Some(AnsiColors::BrightRed),
    }
}
