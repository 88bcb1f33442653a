//! The last lines of a container's log, in bounded memory, and how they are shown where other text stands around them.

use std::collections::VecDeque;

/// How many lines are kept.
const LINES: usize = 1_000;
/// How many bytes are kept of all lines together.
const BYTES: usize = 128 << 10;
/// How much of one line is kept.
const LINE: usize = 4 << 10;

/// The last lines of one container.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    passed: u64,
}

impl Tail {
    /// Takes a line, or a piece of one.
    pub(super) fn piece(&mut self, begins: bool, text: &[u8]) {
        if begins {
            // The oldest line's memory serves the newest.
            let mut line = if self.lines.len() >= LINES { self.pass() } else { Vec::new() };
            line.clear();
            self.lines.push_back(line);
        }
        let Some(line) = self.lines.back_mut() else { return };
        let room = LINE.saturating_sub(line.len()).min(text.len());
        line.extend_from_slice(&text[..room]);
        self.bytes += room;
        while self.bytes > BYTES && self.lines.len() > 1 {
            drop(self.pass());
        }
    }

    fn pass(&mut self) -> Vec<u8> {
        let line = self.lines.pop_front().unwrap_or_default();
        self.bytes -= line.len();
        self.passed += 1;
        line
    }

    /// How many lines there are, those that are not kept any more included.
    pub fn count(&self) -> u64 {
        self.passed + self.lines.len() as u64
    }

    /// At most so many of the last lines that are kept, as they can be shown.
    pub fn last(&self, count: usize) -> impl Iterator<Item = String> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count)).map(|line| shown(line))
    }
}

/// A line without anything that would move the cursor or change colours; of a progress bar what it wrote last.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().replace('\t', "    ");
    let text: String = console::strip_ansi_codes(&text).chars().filter(|c| !c.is_control()).collect();
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(tail: &Tail) -> Vec<String> {
        tail.last(10).collect()
    }

    #[test]
    fn only_the_last_lines_are_kept_and_the_others_counted() {
        let mut tail = Tail::default();
        for n in 0..LINES + 5 {
            tail.piece(true, format!("line {n}").as_bytes());
        }
        assert_eq!(tail.count(), LINES as u64 + 5);
        assert_eq!(tail.last(usize::MAX).next().as_deref(), Some("line 5"));
        assert_eq!(tail.last(1).next(), Some(format!("line {}", LINES + 4)));
    }

    #[test]
    fn a_line_of_any_length_takes_bounded_memory() {
        let mut tail = Tail::default();
        tail.piece(true, b"begin ");
        for _ in 0..1000 {
            tail.piece(false, &[b'x'; 1000]);
        }
        assert_eq!((tail.count(), tail.bytes), (1, LINE));
    }

    #[test]
    fn nothing_of_a_line_moves_the_cursor() {
        let mut tail = Tail::default();
        tail.piece(true, b"10%\r50%\r99%\r");
        tail.piece(true, b"\x1b[31mred\x1b[0m\tand\x07 \xff");
        assert_eq!(lines(&tail), ["99%", "red    and \u{fffd}"]);
    }
}
