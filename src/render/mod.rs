//! From views to bytes: tables, pages, YAML and JSON. Pure: the hour and the choice of colour are handed in.

pub mod board;
mod logs;
mod output;
mod page;
mod raw;
mod table;
mod tabs;
mod yaml;

use jiff::Timestamp;

use crate::term::style::{self, Label};
use crate::views::{Cell, age};
pub use logs::{Filter, Form, LineLook, Printer, Stamps, sentence};
pub use output::{Document, Printer as ObjectPrinter, Refused, Wanted};
pub use page::page;
pub use raw::{Format, UnknownFormat, object, objects};
pub use table::{more, table, table_of_tkn};
pub use yaml::yaml;

/// A value as indented JSON as Go prints it for kubectl and tkn, with a line break at its end; keys stand in the order of
/// the value.
pub fn json(value: &serde_json::Value) -> String {
    output::gotext::json_indented(value, false) + "\n"
}

/// What rendering needs to know of the world.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The hour against which ages are counted
    pub now: Timestamp,
    /// Whether the text may carry colour
    pub colour: bool,
}

impl Look {
    /// How it looks at this hour on this terminal.
    pub fn at(now: Timestamp, term: &crate::term::Term) -> Self {
        Self { now, colour: term.colour }
    }

    fn cell(self, cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => text.clone(),
            Cell::Command { before, words, after } => format!("{before}{words}{after}"),
            Cell::Label(label) => {
                // Spaces behind a label's name stand behind its colon.
                let name = label.trim_end();
                format!("{}:{}", style::paint(name, Label::Field, self.colour), &label[name.len()..])
            }
            Cell::Strong(text) => style::paint(text, Label::Field, self.colour),
            Cell::Yaml(value) => yaml(value),
            Cell::Age(since) => age::ago(*since, self.now),
            Cell::Took(from, to) => age::took(*from, *to),
            Cell::Status(verdict) => {
                let word = style::paint(verdict.state.word(), Label::State(verdict.state), self.colour);
                match &verdict.reason {
                    Some(reason) => format!("{word}({reason})"),
                    None => word,
                }
            }
            Cell::Step(word) => style::paint(word, Label::Step, self.colour),
        }
    }
}
