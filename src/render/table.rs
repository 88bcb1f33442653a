//! Tables of lists: columns three spaces apart, each as wide as its cells are on a screen. In tkn's place they are spaced as
//! tkn spaces them, which counts characters and knows no cells of several lines.

use comfy_table::{Cell as Boxed, ColumnConstraint, Table as Grid, Width, presets};

use super::{Look, tabs};
use crate::views::{Cell, Table};

/// Spaces between columns.
const PADDING: u16 = 3;

/// The table as text, each line with its line break; empty for a table without rows and headings.
pub fn table(table: &Table, headings: bool, look: Look) -> String {
    more(table, headings, look, &mut Vec::new())
}

/// Rows that come later than others, in columns as wide as any row so far.
pub fn more(table: &Table, headings: bool, look: Look, known: &mut Vec<u16>) -> String {
    laid_out(table.headings.iter().copied().filter(|_| headings), table.rows.iter().map(|row| texts(row, look)), known)
}

/// Rows of texts under headings.
pub fn aligned<'a>(headings: impl Iterator<Item = &'a str>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    laid_out(headings, rows, &mut Vec::new())
}

/// The table as tkn prints it: line breaks and tabs within a cell begin lines and cells of their own.
pub fn table_of_tkn(table: &Table, headings: bool, look: Look) -> String {
    let headings = headings.then(|| table.headings.join("\t"));
    let lines: Vec<String> = headings.into_iter().chain(table.rows.iter().map(|row| texts(row, look).join("\t"))).collect();
    tabs::aligned(&lines.join("\n")).lines().fold(String::new(), |out, line| out + line.trim_end() + "\n")
}

/// Escapes would count as width, so only the last cell may have colour; nothing is padded behind it.
fn texts(row: &[Cell], look: Look) -> Vec<String> {
    let last = row.len().saturating_sub(1);
    row.iter().enumerate().map(|(i, cell)| Look { colour: look.colour && i == last, ..look }.cell(cell)).collect()
}

/// Texts in columns that are at least as wide as is known, which grow with them.
fn laid_out<'a>(headings: impl Iterator<Item = &'a str>, rows: impl IntoIterator<Item = Vec<String>>, known: &mut Vec<u16>) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    let mut headings = headings.peekable();
    if headings.peek().is_some() {
        grid.add_row(headings);
    }
    grid.add_rows(rows.into_iter().map(|row| row.into_iter().map(Boxed::new_owned)));
    let widths = grid.column_max_content_widths();
    known.resize(known.len().max(widths.len()), 0);
    known.iter_mut().zip(widths).for_each(|(known, width)| *known = width.max(*known));
    for (column, width) in grid.column_iter_mut().zip(known.iter()) {
        column.set_padding((0, PADDING)).set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width.saturating_add(PADDING))));
    }
    grid.lines().fold(String::new(), |out, line| out + line.trim_end() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::verdict::{State, Verdict};

    #[test]
    fn columns_are_three_spaces_apart_and_lines_end_without_any() {
        let status = |state| Cell::Status(Verdict { state, reason: None });
        let rows = vec![vec!["build-xyz".into(), Cell::Age(None), status(State::Failed)], vec!["b".into(), Cell::Age(None), "".into()]];
        let shown = Table { headings: vec!["NAME", "STARTED", "STATUS"], rows };
        let look = Look { now: jiff::Timestamp::UNIX_EPOCH, colour: false };
        assert_eq!(table(&shown, true, look), "NAME        STARTED   STATUS\nbuild-xyz   ---       Failed\nb           ---\n");
        assert_eq!(table(&shown, false, look), "build-xyz   ---   Failed\nb           ---\n");
        let coloured = table(&shown, false, Look { colour: true, ..look });
        assert_eq!(coloured, "build-xyz   ---   \u{1b}[91mFailed\u{1b}[0m\nb           ---\n");
    }

    fn of(rows: &[[&str; 3]]) -> Table {
        Table { headings: vec!["A", "B", "C"], rows: rows.iter().map(|row| row.map(Cell::from).to_vec()).collect() }
    }

    const LOOK: Look = Look { now: jiff::Timestamp::UNIX_EPOCH, colour: false };

    #[test]
    fn a_line_break_stays_in_its_column_but_for_tkn() {
        let broken = of(&[["a", "first\nsecond", "1h"], ["bbbb", "c", "2h"]]);
        assert_eq!(table(&broken, false, LOOK), "a      first    1h\n       second\nbbbb   c        2h\n");
        assert_eq!(table_of_tkn(&broken, false, LOOK), "a        first\nsecond   1h\nbbbb     c   2h\n");
    }

    #[test]
    fn wide_characters_take_two_places_but_for_tkn() {
        let wide = of(&[["日本", "x", "y"], ["abc", "x", "y"]]);
        assert_eq!(table(&wide, false, LOOK), "日本   x   y\nabc    x   y\n");
        assert_eq!(table_of_tkn(&wide, false, LOOK), "日本    x   y\nabc   x   y\n");
    }

    #[test]
    fn rows_that_come_later_stand_in_the_columns_so_far() {
        let mut known = Vec::new();
        assert_eq!(more(&of(&[["long-name", "x", "y"]]), true, LOOK, &mut known), "A           B   C\nlong-name   x   y\n");
        assert_eq!(more(&of(&[["b", "xyz", "y"]]), false, LOOK, &mut known), "b           xyz   y\n");
        assert_eq!(more(&of(&[["c", "x", "y"]]), false, LOOK, &mut known), "c           x     y\n");
    }
}
