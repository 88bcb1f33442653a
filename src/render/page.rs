//! Pages of one object, as tkn's `describe` prints them. Elastic tabstops align the cells of neighbouring lines, so the
//! whole page goes through one tabwriter, as it does in tkn.

use std::fmt::Write as _;
use std::io::Write as _;

use tabwriter::TabWriter;

use super::Look;
use crate::term::style::{self, Label};
use crate::views::{Line, Page, Section};

/// The page as text.
pub fn page(page: &Page, look: Look) -> String {
    let mut tabbed = String::new();
    for line in &page.head {
        push_line(&mut tabbed, line, look);
    }
    for section in &page.sections {
        push_section(&mut tabbed, section, look);
    }
    let mut out = TabWriter::new(Vec::new()).minwidth(0).padding(3);
    let aligned = out.write_all(tabbed.as_bytes()).and_then(|()| out.flush());
    aligned.expect("writing to memory does not fail");
    let bytes = out.into_inner().unwrap_or_else(|_| unreachable!("memory was flushed just now"));
    String::from_utf8(bytes).expect("text stays text between tabs")
}

fn push_section(out: &mut String, section: &Section, look: Look) {
    let icon = if look.colour { section.icon } else { "" };
    let _ = writeln!(out, "\n{icon}{}", style::paint(section.heading, Label::Heading, look.colour));
    if section.gap {
        out.push('\n');
    }
    for line in &section.lines {
        push_line(out, line, look);
    }
}

fn push_line(out: &mut String, line: &Line, look: Look) {
    out.extend(std::iter::repeat_n(' ', line.indent));
    if line.bullet && look.colour {
        out.push_str("∙ ");
    }
    let cells: Vec<String> = line.cells.iter().map(|cell| look.cell(cell)).collect();
    let _ = writeln!(out, "{}", cells.join("\t"));
}
