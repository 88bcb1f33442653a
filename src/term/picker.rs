//! A list on the terminal from which one item is chosen, by arrows and by typing some of its letters; with a page about the
//! item below it where there is one. Which item the keys lead to is pure; painting stands below.

use console::{Key, Term as Console, truncate_str};

/// How many choices are shown at once.
const SHOWN: usize = 10;

/// What the letters that are typed leave of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Items in which they stand together
    Contains,
    /// Items in which they stand in this order, the nearest first
    Fuzzy,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// This item is meant
    Chosen(usize),
    /// None is
    Left,
    /// The person goes on
    Again,
}

/// The list and where the person stands in it.
pub(super) struct Picker<'a> {
    prompt: &'a str,
    items: &'a [String],
    narrow: Narrow,
    typed: String,
    shown: Vec<usize>,
    at: usize,
    painted: usize,
}

impl<'a> Picker<'a> {
    pub(super) fn new(prompt: &'a str, items: &'a [String], narrow: Narrow) -> Self {
        Self { prompt, items, narrow, typed: String::new(), shown: (0..items.len()).collect(), at: 0, painted: 0 }
    }

    /// The same, where Enter alone chooses this item.
    pub(super) fn starting_at(mut self, first: usize) -> Self {
        self.at = first;
        self
    }

    /// The item that Enter would choose.
    pub(super) fn current(&self) -> Option<usize> {
        self.shown.get(self.at).copied()
    }

    pub(super) fn press(&mut self, key: &Key) -> Pressed {
        let count = self.shown.len();
        match key {
            Key::Enter => return self.current().map_or(Pressed::Again, Pressed::Chosen),
            Key::CtrlC | Key::Escape => return Pressed::Left,
            // Above the first is the last.
            Key::ArrowUp | Key::BackTab if count > 0 => self.at = (self.at + count - 1) % count,
            Key::ArrowDown | Key::Tab if count > 0 => self.at = (self.at + 1) % count,
            Key::PageUp => self.at = self.at.saturating_sub(SHOWN),
            Key::PageDown => self.at = (self.at + SHOWN).min(count.saturating_sub(1)),
            Key::Home => self.at = 0,
            Key::End => self.at = count.saturating_sub(1),
            Key::Char(letter) if !letter.is_control() => {
                self.typed.push(*letter);
                self.search();
            }
            Key::Backspace if self.typed.pop().is_some() => self.search(),
            _ => {}
        }
        Pressed::Again
    }

    fn search(&mut self) {
        let wanted = self.typed.to_lowercase();
        let mut found: Vec<(usize, usize)> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| Some((distance(self.narrow, &wanted, &item.to_lowercase())?, i)))
            .collect();
        found.sort_unstable();
        self.shown = found.into_iter().map(|(_, i)| i).collect();
        self.at = 0;
    }

    fn lines(&self, width: usize, rows: usize, page: &str) -> Vec<String> {
        let fits = |line: &str| truncate_str(line, width.saturating_sub(1), "…").into_owned();
        let room = rows.saturating_sub(2).clamp(1, SHOWN);
        let first = (self.at + 1).saturating_sub(room);
        let mut lines = vec![fits(&format!("? {} {}", self.prompt, self.typed))];
        for (place, item) in self.shown.iter().enumerate().skip(first).take(room) {
            let mark = if place == self.at { '>' } else { ' ' };
            lines.push(fits(&format!("{mark} {}", self.items[*item].replace('\t', "  "))));
        }
        if !page.is_empty() {
            lines.push("─".repeat(width.saturating_sub(1).min(60)));
            let room = rows.saturating_sub(lines.len() + 1);
            lines.extend(page.lines().map(|line| line.replace('\t', "    ")).take(room).map(|line| fits(&line)));
        }
        lines
    }

    /// Paints the list over what was painted of it before.
    pub(super) fn paint(&mut self, screen: &Console, page: &str) -> std::io::Result<()> {
        let (rows, width) = screen.size();
        screen.hide_cursor()?;
        screen.clear_last_lines(self.painted)?;
        let lines = self.lines(usize::from(width), usize::from(rows), page);
        for line in &lines {
            screen.write_line(line)?;
        }
        self.painted = lines.len();
        screen.flush()
    }

    /// Leaves one line in the list's place: the question, and the answer where there is one.
    pub(super) fn leave(&mut self, screen: &Console, chosen: Option<usize>) -> std::io::Result<()> {
        screen.clear_last_lines(std::mem::take(&mut self.painted))?;
        let answer = chosen.map_or("", |chosen| &self.items[chosen]);
        let line = format!("? {} {}", self.prompt, answer.replace('\t', "  "));
        screen.write_line(line.trim_end())?;
        screen.show_cursor()
    }
}

/// How far an item is from what was typed; none when it is not meant. Both come in small letters.
fn distance(narrow: Narrow, wanted: &str, item: &str) -> Option<usize> {
    match narrow {
        Narrow::Contains => item.contains(wanted).then_some(0),
        Narrow::Fuzzy => match item.find(wanted) {
            Some(place) => Some(place),
            None => spread(wanted, item).map(|spread| item.len() + spread),
        },
    }
}

/// Over how many bytes the letters are spread in an item that has them all in this order.
fn spread(wanted: &str, item: &str) -> Option<usize> {
    let (mut first, mut rest) = (None, item.char_indices());
    let mut last = 0;
    for letter in wanted.chars() {
        last = rest.find(|(_, c)| *c == letter)?.0;
        first.get_or_insert(last);
    }
    Some(last - first.unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;

    fn items(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn after(narrow: Narrow, names: &[&str], keys: &[Key]) -> Option<String> {
        let items = items(names);
        let mut picker = Picker::new("Select pipelinerun:", &items, narrow);
        for key in keys {
            assert_eq!(picker.press(key), Pressed::Again);
        }
        picker.current().map(|i| items[i].clone())
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn arrows_go_round() {
        let names = ["a", "b", "c"];
        assert_eq!(after(Narrow::Contains, &names, &[Key::ArrowUp]).as_deref(), Some("c"));
        assert_eq!(after(Narrow::Contains, &names, &[Key::ArrowDown, Key::ArrowDown, Key::ArrowDown]).as_deref(), Some("a"));
    }

    #[test]
    fn letters_narrow_the_list_in_its_order() {
        let names = ["table-10 started 1 hour ago", "chair-1", "table-1"];
        assert_eq!(after(Narrow::Contains, &names, &typed("TABLE-1")).as_deref(), Some("table-10 started 1 hour ago"));
        assert_eq!(after(Narrow::Contains, &names, &typed("tb")), None);
        let mut corrected = typed("chx");
        corrected.push(Key::Backspace);
        assert_eq!(after(Narrow::Contains, &names, &corrected).as_deref(), Some("chair-1"));
    }

    #[test]
    fn a_fuzzy_list_has_the_nearest_first() {
        let names = ["build-deploy-1", "bd", "deploy-build-1"];
        assert_eq!(after(Narrow::Fuzzy, &names, &typed("bd")).as_deref(), Some("bd"));
        assert_eq!(after(Narrow::Fuzzy, &names, &typed("dpl1")).as_deref(), Some("build-deploy-1"));
        assert_eq!(after(Narrow::Fuzzy, &names, &typed("xyz")), None);
    }

    #[test]
    fn enter_chooses_only_what_is_shown() {
        let items = items(&["a"]);
        let mut picker = Picker::new("Select task:", &items, Narrow::Contains);
        picker.press(&Key::Char('z'));
        assert_eq!(picker.press(&Key::Enter), Pressed::Again);
        picker.press(&Key::Backspace);
        assert_eq!(picker.press(&Key::Enter), Pressed::Chosen(0));
        assert_eq!(picker.press(&Key::CtrlC), Pressed::Left);
    }

    #[test]
    fn narrow_and_low_terminals_get_what_fits() {
        let items = items(&["a-name-that-is-longer-than-the-terminal-is-wide", "b", "c"]);
        let mut picker = Picker::new("Select task:", &items, Narrow::Contains);
        picker.press(&Key::End);
        let lines = picker.lines(20, 4, "page");
        assert!(lines.iter().all(|line| measure_text_width(line) < 20), "{lines:?}");
        assert!(lines.contains(&"> c".to_owned()), "the current one is in sight: {lines:?}");
        assert_eq!(picker.lines(20, 24, "first\nsecond").last().map(String::as_str), Some("second"));
    }
}
