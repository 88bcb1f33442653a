//! A board as lines of a width: marks, names, states and times in columns, notes where there is room, last lines below.

use std::collections::HashMap;

use console::{measure_text_width, truncate_str};
use jiff::SignedDuration;

use super::Look;
use crate::objects::verdict::State;
use crate::term::style::{Label, paint};
use crate::term::wrap::wrapped;
use crate::views::age;
use crate::views::board::{Mark, Node};

/// How much of a board is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything, a failed step's last lines as far as they are kept
    Whole,
    /// Everything, and the last lines of what runs or failed
    Roomy,
    /// The inside of what runs or failed only
    Tight,
}

/// How a board looks.
#[derive(Clone, Copy, Debug)]
pub struct BoardLook<'l> {
    /// Hour and colour
    pub look: Look,
    /// Columns
    pub width: usize,
    /// Whether signs beyond ASCII may be used
    pub unicode: bool,
    /// How much is shown
    pub detail: Detail,
    /// What a person has opened or closed, by key
    pub toggled: &'l HashMap<String, bool>,
}

/// A line of a board; the first line of a node has its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardLine {
    /// Whose line
    pub key: Option<String>,
    /// The text, with escapes where there is colour
    pub text: String,
}

/// Columns that a state and a time take, with the spaces before them.
const FACTS: usize = 2 + STATE + 2 + TIME;
const STATE: usize = 9;
const TIME: usize = 7;
/// How wide the column of names may be.
const NAMES: usize = 60;
/// From how many columns on notes have room beside names and facts.
const ROOMY: usize = 60;
/// How many of a failed step's last lines stand below it at the end.
const LAST_LINES: usize = 200;

/// The lines of a board.
pub fn board(tree: &Node<'_>, look: &BoardLook<'_>) -> Vec<BoardLine> {
    let mut rows = vec![Row { node: tree, depth: 0 }];
    rows_below(tree, 1, look, &mut rows);
    let widest = rows.iter().map(|row| row.head(look).1).max().unwrap_or_default();
    // A few long names must not leave the notes without room, unless there is none for anybody.
    let most = if look.width < ROOMY { look.width.saturating_sub(FACTS) } else { look.width * 9 / 20 };
    let names = widest.min(most.clamp(1, NAMES));
    rows.iter().flat_map(|row| row.lines(names, look)).collect()
}

/// A sign for how a node stands.
pub fn sign(mark: Mark, unicode: bool) -> &'static str {
    let (sign, plain) = match mark {
        Mark::Heading => ("", ""),
        Mark::Waiting => ("○", "o"),
        Mark::Running => ("●", ">"),
        Mark::Good => ("✓", "+"),
        Mark::Ignored => ("!", "!"),
        Mark::Bad => ("✗", "x"),
        Mark::Cancelled => ("⊘", "/"),
        Mark::Skipped => ("–", "-"),
    };
    if unicode { sign } else { plain }
}

/// The text in the colour of a mark.
pub fn marked(text: &str, mark: Mark, colour: bool) -> String {
    let label = match mark {
        Mark::Heading | Mark::Waiting | Mark::Skipped => Label::Dim,
        Mark::Running => Label::State(State::Running),
        Mark::Good => Label::State(State::Succeeded),
        Mark::Ignored | Mark::Cancelled => Label::State(State::Cancelled),
        Mark::Bad => Label::State(State::Failed),
    };
    if text.is_empty() { String::new() } else { paint(text, label, colour) }
}

struct Row<'n> {
    node: &'n Node<'n>,
    depth: usize,
}

fn rows_below<'n>(node: &'n Node<'n>, depth: usize, look: &BoardLook<'_>, rows: &mut Vec<Row<'n>>) {
    for child in &node.children {
        rows.push(Row { node: child, depth });
        if is_open(child, look) {
            rows_below(child, depth + 1, look, rows);
        }
    }
}

fn is_open(node: &Node<'_>, look: &BoardLook<'_>) -> bool {
    let by_itself = look.detail != Detail::Tight || matches!(node.mark, Mark::Heading | Mark::Running | Mark::Bad | Mark::Cancelled);
    look.toggled.get(&node.key).copied().unwrap_or(by_itself)
}

/// How many of a node's last lines stand below it.
fn tail_lines(node: &Node<'_>, look: &BoardLook<'_>) -> usize {
    let by_itself = match (node.mark, look.detail) {
        (Mark::Bad, Detail::Whole) => LAST_LINES,
        (Mark::Bad, Detail::Roomy) => 20,
        (Mark::Bad, Detail::Tight) => 10,
        (Mark::Running, Detail::Whole | Detail::Roomy) => 5,
        (Mark::Running, Detail::Tight) => 3,
        _ => 0,
    };
    match look.toggled.get(&node.key) {
        Some(true) => by_itself.max(20),
        Some(false) => 0,
        None => by_itself,
    }
}

impl Row<'_> {
    /// Sign and name with the spaces before them, plain, and how wide that is.
    fn head(&self, look: &BoardLook<'_>) -> (String, usize) {
        let sign = sign(self.node.mark, look.unicode);
        let space = if sign.is_empty() { "" } else { " " };
        let head = format!("{}{sign}{space}{}", "  ".repeat(self.depth), self.node.name);
        let width = measure_text_width(&head);
        (head, width)
    }

    /// The name as it looks.
    fn painted(&self, look: &BoardLook<'_>) -> String {
        let (node, colour) = (self.node, look.look.colour);
        let sign = sign(node.mark, look.unicode);
        let space = if sign.is_empty() { "" } else { " " };
        let name = match (self.depth, node.mark) {
            (0, _) => paint(&node.name, Label::Field, colour),
            (_, Mark::Heading | Mark::Waiting | Mark::Skipped) => paint(&node.name, Label::Dim, colour),
            _ => node.name.clone(),
        };
        format!("{}{}{space}{name}", "  ".repeat(self.depth), marked(sign, node.mark, colour))
    }

    fn lines(&self, names: usize, look: &BoardLook<'_>) -> Vec<BoardLine> {
        let (node, colour) = (self.node, look.look.colour);
        let (head, width) = self.head(look);
        let indent = "  ".repeat(self.depth + 1);
        let mut texts = Vec::new();
        let mut line = if width <= names {
            format!("{}{}", self.painted(look), " ".repeat(names - width))
        } else {
            // A name that is too long for its column has lines of its own.
            texts.extend(wrapped(&head, look.width, &indent));
            " ".repeat(names)
        };
        let (facts, facts_width) = facts(node, look);
        line.push_str(&facts);
        let (used, column, note) = (names + facts_width, names + FACTS, measure_text_width(&node.note));
        let mut below = Vec::new();
        if !node.note.is_empty() {
            let beside = [column.max(used), used].into_iter().find(|start| start + 2 + note <= look.width);
            match beside {
                Some(start) => line.push_str(&format!("{}  {}", " ".repeat(start - used), painted_note(node, &node.note, colour))),
                None => below = note_below(node, &indent, look),
            }
        }
        if !line.trim().is_empty() || texts.is_empty() {
            texts.push(line.trim_end().to_owned());
        }
        texts.extend(below);
        texts.extend(tail(node, &indent, look));
        let key = Some(node.key.clone());
        texts.into_iter().enumerate().map(|(n, text)| BoardLine { key: key.clone().filter(|_| n == 0), text }).collect()
    }
}

/// State and time, and how wide they are.
fn facts(node: &Node<'_>, look: &BoardLook<'_>) -> (String, usize) {
    if node.mark == Mark::Heading {
        return (String::new(), 0);
    }
    let word = marked(&node.word, node.mark, look.look.colour);
    let took = took(node, look.look);
    let gap = STATE.saturating_sub(measure_text_width(&node.word));
    if took.is_empty() {
        return (format!("  {word}"), 2 + measure_text_width(&node.word));
    }
    (format!("  {word}{}  {took:>TIME$}", " ".repeat(gap)), 2 + measure_text_width(&node.word) + gap + 2 + took.len().max(TIME))
}

/// How long it has lasted; nothing for what has not begun.
fn took(node: &Node<'_>, look: Look) -> String {
    let Some(from) = node.span.0 else { return String::new() };
    let to = match node.span.1 {
        Some(to) => to,
        None if matches!(node.mark, Mark::Running | Mark::Waiting) => look.now,
        None => return String::new(),
    };
    // The server's clock may be ahead of this one.
    age::duration(to.duration_since(from).max(SignedDuration::ZERO))
}

fn painted_note(node: &Node<'_>, note: &str, colour: bool) -> String {
    match node.mark {
        Mark::Bad => paint(note, Label::Bad, colour),
        _ => paint(note, Label::Dim, colour),
    }
}

/// A note that has no room beside its node.
fn note_below(node: &Node<'_>, indent: &str, look: &BoardLook<'_>) -> Vec<String> {
    let mut lines = wrapped(&format!("{indent}{}", node.note), look.width, indent);
    let most = match look.detail {
        Detail::Whole => usize::MAX,
        _ if look.width < ROOMY => 4,
        _ => 2,
    };
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = truncate_str(&format!("{last} …"), look.width, "…").into_owned();
        }
    }
    lines.iter().map(|line| painted_note(node, line, look.look.colour)).collect()
}

/// The last lines of a container.
fn tail(node: &Node<'_>, indent: &str, look: &BoardLook<'_>) -> Vec<String> {
    let Some(tail) = node.tail else { return Vec::new() };
    let count = tail_lines(node, look);
    let gutter = paint(if look.unicode { "│" } else { "|" }, Label::Dim, look.look.colour);
    let shown: Vec<String> = tail.last(count).collect();
    let before = tail.count() - shown.len() as u64;
    let cut = |line: String| match look.detail {
        Detail::Whole => line,
        _ => truncate_str(&line, look.width.saturating_sub(indent.len() + 2), "…").into_owned(),
    };
    let first = (before > 0 && look.detail == Detail::Whole && !shown.is_empty())
        .then(|| paint(&format!("… {before} lines before"), Label::Dim, look.look.colour));
    first.into_iter().chain(shown.into_iter().map(cut)).map(|line| format!("{indent}{gutter} {line}")).collect()
}
