//! Aligns cells that tabs part, by the rules of Go's `text/tabwriter` as tkn sets it up: a column is as wide as its widest
//! cell in neighbouring lines and three spaces, characters are counted whatever their width on a screen, and a line's
//! leading empty cells are filled with tabs. The crates for elastic tabstops count and fill otherwise, and texts of objects
//! hold tabs and wide characters.

use std::ops::Range;

/// Spaces between columns.
const PADDING: usize = 3;
/// How far a tab in front of a line is taken to reach.
const TAB: usize = 5;

/// The text with its cells aligned. The last cell of a line is part of no column.
pub fn aligned(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text.split(['\n', '\u{c}']).map(|line| line.split(['\t', '\u{b}']).collect()).collect();
    let mut page = Page { lines: &lines, widths: Vec::new(), out: String::with_capacity(text.len() * 2) };
    page.columns(0..lines.len());
    page.out
}

struct Page<'a> {
    lines: &'a [Vec<&'a str>],
    /// The widths of the columns to the left
    widths: Vec<usize>,
    out: String,
}

impl Page<'_> {
    /// Writes lines, finding among them the blocks that share the next column.
    fn columns(&mut self, lines: Range<usize>) {
        let column = self.widths.len();
        let has = |line: &Vec<&str>| column + 1 < line.len();
        let (mut written, mut at) = (lines.start, lines.start);
        while at < lines.end {
            if !has(&self.lines[at]) {
                at += 1;
                continue;
            }
            self.write(written..at);
            let block = at + self.lines[at..lines.end].iter().take_while(|line| has(line)).count();
            let width = self.lines[at..block].iter().map(|line| line[column].chars().count() + PADDING).max();
            self.widths.push(width.unwrap_or_default());
            self.columns(at..block);
            self.widths.pop();
            (written, at) = (block, block);
        }
        self.write(written..lines.end);
    }

    fn write(&mut self, lines: Range<usize>) {
        for at in lines {
            let mut leading = true;
            for (column, cell) in self.lines[at].iter().enumerate() {
                leading &= cell.is_empty();
                self.out.push_str(cell);
                let width = self.widths.get(column).copied().unwrap_or_default();
                let (fill, count) = match leading {
                    true => ('\t', width.div_ceil(TAB)),
                    false => (' ', width.saturating_sub(cell.chars().count())),
                };
                self.out.extend(std::iter::repeat_n(fill, count));
            }
            if at + 1 < self.lines.len() {
                self.out.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_reach_over_neighbouring_lines_only() {
        assert_eq!(aligned("a\tb\nlonger\tc\n\nx\ty\n"), "a        b\nlonger   c\n\nx   y\n");
        assert_eq!(aligned("a\tb\tc\naa\td\nx\te\tf"), "a    b   c\naa   d\nx    e   f");
    }

    #[test]
    fn characters_are_counted_and_leading_cells_are_tabs() {
        assert_eq!(aligned("日本\tx\nabc\ty\n"), "日本    x\nabc   y\n");
        assert_eq!(aligned("make:\n\tgo build\n"), "make:\n\tgo build\n");
        assert_eq!(aligned("name\tvalue\n\tmore\n"), "name   value\n\t\tmore\n");
    }
}
