//! What is shown of an object, in meaning: cells, tables, pages. No colour, width or clock here; `render` adds those.

mod accounts;
pub mod age;
pub mod board;
mod columns;
mod definitions;
mod runs;
mod sections;
mod triggers;
mod values;

use jiff::Timestamp;
use serde_json::Value;

use crate::objects::verdict::Verdict;
use crate::objects::{Object, Seen};
pub use accounts::{Abilities, Able, Standing, is_for_tekton};
pub use columns::LastRuns;

/// What stands where there is nothing to show.
pub const ABSENT: &str = age::UNKNOWN;

/// One thing shown of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text as it is
    Text(String),
    /// What the following cell is about: `Name:`
    Label(&'static str),
    /// Text that stands out
    Strong(&'static str),
    /// A command of this program within a sentence; how the program was called is put before it at the end
    Command {
        /// The sentence up to it
        before: String,
        /// `sa grant NAME --for eventlistener`
        words: String,
        /// The sentence after it
        after: &'static str,
    },
    /// A value as YAML, from the first column on
    Yaml(Value),
    /// How long ago something was
    Age(Option<Timestamp>),
    /// How long something took: from, to
    Took(Option<Timestamp>, Option<Timestamp>),
    /// How a run stands
    Status(Verdict),
    /// How a step or sidecar stands, in Kubernetes' words: `Completed`, `Error`, `Running`
    Step(String),
}

impl Cell {
    /// Text, or `---` where there is none or where it is empty.
    pub fn or_absent(text: Option<&str>) -> Self {
        Self::Text(text.filter(|t| !t.is_empty()).unwrap_or(ABSENT).to_owned())
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// A column of a kind's list, as data: its heading, and what it shows of an object and of what was fetched beside it.
pub struct Column<T: Listed> {
    /// `NAME`
    pub heading: &'static str,
    /// What stands in it
    pub cell: fn(&T, &T::Beside) -> Cell,
}

/// A kind that can be listed. The columns of name and namespace are the same for every kind and are not among
/// [`Listed::COLUMNS`].
pub trait Listed: Object {
    /// What the rows need that the objects do not hold, such as the last run of each Pipeline; `()` for most kinds
    type Beside: Default;
    /// The columns after the name
    const COLUMNS: &'static [Column<Self>];
    /// The columns after those, where all that is worth showing is wanted
    const WIDE: &'static [Column<Self>] = &[];
    /// What the rows need beside the objects, where that is nothing
    const ALONE: Option<Self::Beside> = None;
    /// For runs: when it started; lists then begin with the newest. `None` keeps the server's order.
    const STARTED: Option<fn(&Self) -> Option<Timestamp>> = None;
}

/// When a run started, as far as it can be read.
pub fn started<T: Listed>(seen: &Seen<T>) -> Option<Timestamp> {
    T::STARTED.and_then(|started| seen.lens.as_ref().ok().and_then(started))
}

/// Headings and rows. A row has as many cells as there are headings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// `NAME`, `STARTED`, …
    pub headings: Vec<&'static str>,
    /// The cells, row by row
    pub rows: Vec<Vec<Cell>>,
}

/// The table of a kind. An object that could not be read has a row that says so.
pub fn table<T: Listed>(objects: &[Seen<T>], beside: &T::Beside, with_namespace: bool) -> Table {
    let rows = objects.iter().map(|seen| row(seen, beside, with_namespace, false)).collect();
    Table { headings: headings::<T>(with_namespace, false), rows }
}

/// The headings of a kind's table.
pub fn headings<T: Listed>(with_namespace: bool, wide: bool) -> Vec<&'static str> {
    let namespace = with_namespace.then_some("NAMESPACE");
    namespace.into_iter().chain(["NAME"]).chain(columns::<T>(wide).map(|c| c.heading)).collect()
}

/// The row of an object in its kind's table.
pub fn row<T: Listed>(seen: &Seen<T>, beside: &T::Beside, with_namespace: bool, wide: bool) -> Vec<Cell> {
    let meta = seen.meta();
    let namespace = with_namespace.then(|| Cell::from(&meta.namespace));
    let cells: Vec<Cell> = match &seen.lens {
        Ok(object) => columns::<T>(wide).map(|c| (c.cell)(object, beside)).collect(),
        Err(why) => unreadable(&why.reason, columns::<T>(wide).count()),
    };
    namespace.into_iter().chain([Cell::from(&meta.name)]).chain(cells).collect()
}

fn columns<T: Listed>(wide: bool) -> impl Iterator<Item = &'static Column<T>> {
    T::COLUMNS.iter().chain(T::WIDE.iter().filter(move |_| wide))
}

/// The reason stands in the last column, where its length moves nothing.
fn unreadable(reason: &str, columns: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::from(ABSENT); columns.saturating_sub(1)];
    cells.push(Cell::Text(format!("cannot be read: {reason}")));
    cells
}

/// A line of a page; its cells stand under those of the lines above and below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Spaces before it
    pub indent: usize,
    /// Whether it has a bullet, where there is colour
    pub bullet: bool,
    /// What stands in it
    pub cells: Vec<Cell>,
}

impl Line {
    /// `Name:   build`
    pub fn field(label: &'static str, value: impl Into<Cell>) -> Self {
        Self { cells: vec![Cell::Label(label), value.into()], ..Self::default() }
    }

    /// One cell on its own.
    pub fn text(text: impl Into<Cell>) -> Self {
        Self { cells: vec![text.into()], ..Self::default() }
    }

    /// The same, moved to the right.
    #[must_use]
    pub fn indented(self, indent: usize) -> Self {
        Self { indent, ..self }
    }
}

/// A part of a page under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// `Params`
    pub heading: &'static str,
    /// Stands before the heading, where there is colour; empty for none
    pub icon: &'static str,
    /// Whether a blank line follows the heading
    pub gap: bool,
    /// What stands below
    pub lines: Vec<Line>,
}

impl Section {
    /// A section of lines, under its heading and a blank line.
    pub fn new(icon: &'static str, heading: &'static str, lines: Vec<Line>) -> Self {
        Self { heading, icon, gap: true, lines }
    }

    /// A section of a table whose rows are named by their first cell.
    pub fn table(icon: &'static str, heading: &'static str, headings: &[&'static str], rows: Vec<Vec<Cell>>) -> Self {
        let head = Line { indent: 1, bullet: false, cells: headings.iter().map(|h| Cell::from(*h)).collect() };
        let rows = rows.into_iter().map(|cells| Line { indent: 1, bullet: true, cells });
        Self::new(icon, heading, std::iter::once(head).chain(rows).collect())
    }

    /// A section of names, one to a line.
    pub fn names(icon: &'static str, heading: &'static str, names: impl IntoIterator<Item = String>) -> Self {
        let lines = names.into_iter().map(|name| Line { indent: 1, bullet: true, cells: vec![name.into()] });
        Self::new(icon, heading, lines.collect())
    }
}

/// All that is shown of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Name, namespace and other facts that need no heading
    pub head: Vec<Line>,
    /// The rest, by heading
    pub sections: Vec<Section>,
}

impl Page {
    /// Writes the commands on it as a person would type them.
    pub fn spell_commands(&mut self, spell: impl Fn(&str) -> String) {
        for cell in self.sections.iter_mut().flat_map(|section| &mut section.lines).flat_map(|line| &mut line.cells) {
            if let Cell::Command { before, words, after } = cell {
                *cell = Cell::Text(format!("{before}{}{after}", spell(words)));
            }
        }
    }

    /// Adds a field to the head, unless its text is missing or empty.
    pub fn field(&mut self, label: &'static str, text: Option<&str>) {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            self.head.push(Line::field(label, text));
        }
    }

    /// Adds a section, unless it would have no rows.
    pub fn table(&mut self, icon: &'static str, heading: &'static str, headings: &[&'static str], rows: Vec<Vec<Cell>>) {
        if !rows.is_empty() {
            self.sections.push(Section::table(icon, heading, headings, rows));
        }
    }
}

/// A kind that can be described on a page.
pub trait Described: Object {
    /// What the page needs that the object does not hold, such as the runs of a Pipeline; `()` for most kinds
    type With: Default;
    /// Words after `-o` that are no format and have an answer for this kind, such as `url`
    const ANSWERS: &'static [&'static str] = &[];
    /// The page
    fn page(&self, with: &Self::With) -> Page;
    /// What tkn makes of the object before it shows it, where scripts may compare its page with this one.
    ///
    /// # Errors
    /// What tkn says where it shows no page.
    fn as_tkn_takes_it(&mut self, _with: &Self::With) -> Result<(), &'static str> {
        Ok(())
    }
    /// The answer to one of [`Self::ANSWERS`].
    ///
    /// # Errors
    /// Says why there is none.
    fn answer(&self, word: &str) -> Result<String, String> {
        Err(format!("{} has no {word}", Self::KIND.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::core::ConfigMap;
    use serde_json::json;

    impl Listed for ConfigMap {
        type Beside = ();
        const COLUMNS: &'static [Column<Self>] = &[
            Column { heading: "KEYS", cell: |c, ()| c.data.len().to_string().into() },
            Column { heading: "AGE", cell: |c, ()| Cell::Age(c.metadata.creation_timestamp) },
        ];
    }

    #[test]
    fn an_object_that_cannot_be_read_has_a_row_that_says_so() {
        let objects = [json!({"metadata": {"name": "a"}, "data": {"k": "v"}}), json!({"metadata": {"name": "odd"}, "data": 7})];
        let objects: Vec<Seen<ConfigMap>> = objects.iter().map(Seen::from_value).collect();
        let table = table(&objects, &(), false);
        assert_eq!(table.headings, ["NAME", "KEYS", "AGE"]);
        assert_eq!(table.rows[0], ["a".into(), "1".into(), Cell::Age(None)]);
        assert_eq!(table.rows[1][..2], ["odd".into(), Cell::from(ABSENT)]);
        assert!(matches!(&table.rows[1][2], Cell::Text(text) if text.starts_with("cannot be read: invalid type")));
    }
}
