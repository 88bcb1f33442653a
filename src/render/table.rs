//! Tables of lists, spaced as Go's tabwriter spaces tkn's: a column is as wide as its longest cell and three spaces, over
//! as many lines as have it.

use super::Look;
use crate::views::{Cell, Table};

/// Spaces between columns.
const PADDING: usize = 3;

/// The table as text, each line with its line break; empty for a table without rows and headings.
pub fn table(table: &Table, headings: bool, look: Look) -> String {
    let rows = table.rows.iter().map(|row| texts(row, look)).collect();
    aligned(table.headings.iter().map(|h| (*h).to_owned()).collect(), rows, headings)
}

/// Escapes would count as width, so only the last cell may have colour; nothing is padded behind it.
fn texts(row: &[Cell], look: Look) -> Vec<String> {
    let last = row.len().saturating_sub(1);
    row.iter().enumerate().map(|(i, cell)| Look { colour: look.colour && i == last, ..look }.cell(cell)).collect()
}

/// Rows that come later than others, in columns as wide as any row so far.
pub fn more(table: &Table, headings: bool, look: Look, known: &mut Vec<usize>) -> String {
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| texts(row, look)).collect();
    let head = headings.then(|| table.headings.iter().map(|h| (*h).to_owned()).collect());
    let lines: Vec<Vec<String>> = head.into_iter().chain(rows).collect();
    known.resize(known.len().max(table.headings.len().saturating_sub(1)), 0);
    for widths in widths(&lines) {
        known.iter_mut().zip(widths).for_each(|(known, width)| *known = width.max(*known));
    }
    lines.iter().fold(String::new(), |out, line| padded(out, line, known))
}

/// Rows of texts under headings. Line breaks and tabs within a cell begin lines and cells of their own.
pub fn aligned(headings: Vec<String>, rows: Vec<Vec<String>>, with_headings: bool) -> String {
    let rows = with_headings.then_some(headings).into_iter().chain(rows);
    let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows.size_hint().0);
    for row in rows {
        match row.iter().any(|cell| cell.contains(['\n', '\t'])) {
            true => lines.extend(row.join("\t").split('\n').map(|line| line.split('\t').map(str::to_owned).collect())),
            false => lines.push(row),
        }
    }
    let widths = widths(&lines);
    lines.iter().zip(widths).fold(String::new(), |out, (line, widths)| padded(out, line, &widths))
}

/// Adds a line, each cell but the last as wide as its column.
fn padded(mut out: String, line: &[String], widths: &[usize]) -> String {
    let begin = out.len();
    for (i, cell) in line.iter().enumerate() {
        out.push_str(cell);
        if let Some(width) = widths.get(i) {
            out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
    }
    out.truncate(begin + out[begin..].trim_end().len());
    out.push('\n');
    out
}

/// The widths of each line's cells but the last, which nothing follows.
fn widths(lines: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|line| vec![0; line.len().saturating_sub(1)]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or_default();
    for column in 0..columns {
        let mut from = 0;
        while from < lines.len() {
            let run = lines[from..].iter().take_while(|line| line.len() > column + 1);
            let (length, widest) = run.fold((0, 0), |(n, widest), line| (n + 1, line[column].chars().count().max(widest)));
            widths[from..from + length].iter_mut().for_each(|line| line[column] = widest + PADDING);
            from += length.max(1);
        }
    }
    widths
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

    #[test]
    fn a_line_break_in_a_cell_ends_the_columns() {
        let rows = [["a", "first\nsecond", "1h"], ["bbbb", "c", "2h"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(aligned(Vec::new(), rows, false), "a        first\nsecond   1h\nbbbb     c   2h\n");
    }
}
