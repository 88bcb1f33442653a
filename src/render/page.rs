//! Pages of one object, as tkn's `describe` prints them. Tabs align the cells of neighbouring lines, so the whole page is
//! aligned at once, as it is in tkn.

use std::fmt::Write as _;

use super::Look;
use super::tabs::aligned;
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
    aligned(&tabbed)
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
