//! Tables of lists, spaced as Go's tabwriter spaces tkn's: columns are as wide as their longest cell and three spaces.

use comfy_table::Table as Columns;

use super::Look;
use crate::views::Table;

/// The table as text, each line with its line break; empty for a table without rows and headings.
pub fn table(table: &Table, headings: bool, look: Look) -> String {
    let mut columns = Columns::new();
    columns.load_style(comfy_table::presets::NOTHING);
    if headings {
        columns.set_header(table.headings.iter().copied());
    }
    for row in &table.rows {
        // Escapes count as width here, so only the last cell may have colour; nothing is padded behind it.
        let last = row.len().saturating_sub(1);
        columns.add_row(row.iter().enumerate().map(|(i, cell)| Look { colour: look.colour && i == last, ..look }.cell(cell)));
    }
    for column in columns.column_iter_mut() {
        column.set_padding((0, 3));
    }
    let text = columns.trim_fmt();
    if text.is_empty() { text } else { text + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::verdict::{State, Verdict};
    use crate::views::Cell;

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
}
