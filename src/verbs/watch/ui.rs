//! What a person who watches sees and does: which line is marked, what is open, what a key means. Frames are made here
//! and drawn elsewhere.

use std::collections::HashMap;

use console::truncate_str;

use crate::render::Look;
use crate::render::board::{BoardLine, BoardLook, Detail, board, marked, sign};
use crate::term::screen::Key;
use crate::term::style::{Label, paint};
use crate::term::wrap::wrapped;
use crate::views::board::{Mark, Node};

/// What a key asks for that is done elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Cancel,
    Again,
    Leave,
    Interrupt,
    Suspend,
}

/// Something that wants a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Cancel,
    Again,
}

/// The log that is open.
#[derive(Debug)]
struct Log {
    key: String,
    /// How many lines stand below the lowest that is seen
    up: usize,
}

/// What is on the screen.
#[derive(Debug, Default)]
pub(super) struct Ui {
    /// Key of the marked node
    at: String,
    /// Whether a person has marked it
    chosen: bool,
    /// First line that is seen
    first: usize,
    toggled: HashMap<String, bool>,
    log: Option<Log>,
    asks: Option<Question>,
    /// What was said last; it stands until the next key
    said: String,
    /// Keys of the nodes that are seen, in order
    seen: Vec<String>,
    /// Lines of a page
    page: usize,
    /// Which lines of how many are seen, where those are not all
    place: String,
}

/// What frames need to know beside the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub rows: usize,
    pub columns: usize,
    pub look: Look,
    pub unicode: bool,
}

const KEYS: [&str; 2] =
    ["up/down or j/k move   enter log   space fold   c cancel   r run again   q leave", "j/k move enter log c cancel r again q quit"];
const LOG_KEYS: [&str; 2] = ["up/down or j/k scroll   g begin   G end   q back", "j/k scroll g/G begin/end q back"];

impl Ui {
    /// Says something below the tree.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.said = text.into();
    }

    /// Whether somebody reads a log or is asked something, so that the screen is not to be taken away.
    pub(super) fn is_in_use(&self) -> bool {
        self.log.is_some() || self.asks.is_some()
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: Key, tree: &Node<'_>) -> Option<Act> {
        self.said.clear();
        match key {
            Key::Interrupt => return Some(Act::Interrupt),
            Key::Suspend => return Some(Act::Suspend),
            _ => {}
        }
        if let Some(question) = self.asks.take() {
            return (key == Key::Char('y')).then_some(match question {
                Question::Cancel => Act::Cancel,
                Question::Again => Act::Again,
            });
        }
        match self.log {
            Some(_) => self.key_in_log(key),
            None => return self.key_in_tree(key, tree),
        }
        None
    }

    fn key_in_tree(&mut self, key: Key, tree: &Node<'_>) -> Option<Act> {
        match key {
            Key::Char('q') => return Some(Act::Leave),
            Key::Char('c') if tree.mark.is_over() => self.say(format!("{} has ended already", tree.name)),
            Key::Char('c') => self.asks = Some(Question::Cancel),
            Key::Char('r') => self.asks = Some(Question::Again),
            Key::Char('k') | Key::Up => self.go(-1),
            Key::Char('j') | Key::Down => self.go(1),
            Key::PageUp => self.go(-(self.page as isize)),
            Key::PageDown => self.go(self.page as isize),
            Key::Char('g') | Key::Home => self.go(isize::MIN / 2),
            Key::Char('G') | Key::End => self.go(isize::MAX / 2),
            Key::Enter | Key::Char('l') | Key::Right => {
                self.log = Some(Log { key: self.at.clone(), up: 0 });
            }
            Key::Char(' ') => {
                let at = self.at.clone();
                // A node of which nothing is seen below it is opened.
                let next = self.seen.iter().position(|key| *key == at).and_then(|place| self.seen.get(place + 1));
                let open = next.is_some_and(|next| tree.find(&at).is_some_and(|node| node.find(next).is_some()));
                self.toggled.insert(at, !open);
                self.chosen = true;
            }
            _ => {}
        }
        None
    }

    fn key_in_log(&mut self, key: Key) {
        let page = self.page;
        let Some(log) = &mut self.log else { return };
        match key {
            Key::Char('k') | Key::Up => log.up += 1,
            Key::Char('j') | Key::Down => log.up = log.up.saturating_sub(1),
            Key::PageUp => log.up += page,
            Key::PageDown | Key::Char(' ') => log.up = log.up.saturating_sub(page),
            Key::Char('g') | Key::Home => log.up = usize::MAX / 2,
            Key::Char('G') | Key::End => log.up = 0,
            Key::Char('q' | 'h') | Key::Escape | Key::Left | Key::Enter => self.log = None,
            _ => {}
        }
    }

    fn go(&mut self, by: isize) {
        let at = self.seen.iter().position(|key| *key == self.at).unwrap_or_default();
        let last = self.seen.len().saturating_sub(1);
        let to = (at as isize).saturating_add(by).clamp(0, last as isize);
        self.at = self.seen.get(to as usize).cloned().unwrap_or_default();
        self.chosen = true;
    }

    /// The lines of the screen.
    pub(super) fn frame(&mut self, tree: &Node<'_>, size: Size) -> Vec<String> {
        let rows = size.rows.saturating_sub(1).max(1);
        self.page = rows;
        let mut lines = match self.log.as_ref().and_then(|log| tree.find(&log.key)) {
            Some(node) => self.log_lines(tree, node, rows, size),
            None => self.tree_lines(tree, rows, size),
        };
        lines.truncate(rows);
        lines.resize(rows, String::new());
        lines.push(self.foot(tree, size));
        lines.iter().map(|line| truncate_str(line, size.columns, "…").into_owned()).collect()
    }

    /// The last line: a question, what was said, or the keys.
    fn foot(&self, tree: &Node<'_>, size: Size) -> String {
        let question = match self.asks {
            Some(Question::Cancel) => format!("Cancel {}? y/n", tree.name),
            Some(Question::Again) => format!("Start {} again and watch that? y/n", tree.name),
            None => String::new(),
        };
        let colour = size.look.colour;
        if let Some(text) = [&question, &self.said].into_iter().find(|text| !text.is_empty()) {
            return paint(text, Label::Field, colour);
        }
        let keys = if self.log.is_some() { LOG_KEYS } else { KEYS };
        let fitting = keys.iter().find(|keys| keys.len() + self.place.len() <= size.columns).unwrap_or(&keys[1]);
        paint(&format!("{}{fitting}", self.place), Label::Dim, colour)
    }

    fn tree_lines(&mut self, tree: &Node<'_>, rows: usize, size: Size) -> Vec<String> {
        let draw = |detail| {
            let look =
                BoardLook { look: size.look, width: size.columns.saturating_sub(2), unicode: size.unicode, detail, toggled: &self.toggled };
            board(tree, &look)
        };
        let roomy = draw(Detail::Roomy);
        let lines = if roomy.len() <= rows { roomy } else { draw(Detail::Tight) };
        self.seen = lines.iter().filter_map(|line| line.key.clone()).collect();
        if !self.chosen || !self.seen.contains(&self.at) {
            self.at = at_work(tree, &self.seen);
        }
        self.scroll(&lines, rows);
        let last = (self.first + rows).min(lines.len());
        let all_seen = self.first == 0 && last == lines.len();
        self.place = if all_seen { String::new() } else { format!("{}-{last} of {}   ", self.first + 1, lines.len()) };
        let margin = |line: &BoardLine| if line.key.as_deref() == Some(&self.at) { "> " } else { "  " };
        lines.iter().skip(self.first).take(rows).map(|line| format!("{}{}", margin(line), line.text)).collect()
    }

    /// Moves what is seen so that the marked node is in it, with all its lines where there is room.
    fn scroll(&mut self, lines: &[BoardLine], rows: usize) {
        let start = lines.iter().position(|line| line.key.as_ref() == Some(&self.at)).unwrap_or_default();
        let count = 1 + lines[(start + 1).min(lines.len())..].iter().take_while(|line| line.key.is_none()).count();
        let end = start + count.min(rows);
        self.first = self.first.clamp(end.saturating_sub(rows), start).min(lines.len().saturating_sub(rows));
    }

    fn log_lines(&mut self, tree: &Node<'_>, node: &Node<'_>, rows: usize, size: Size) -> Vec<String> {
        self.place.clear();
        let look = size.look;
        let title = format!(
            "{} {}",
            marked(sign(node.mark, size.unicode), node.mark, look.colour),
            paint(&path(tree, node), Label::Field, look.colour)
        );
        let sources: Vec<&Node<'_>> = node.all().into_iter().filter(|node| node.tail.is_some()).collect();
        let up = self.log.as_ref().map(|log| log.up).unwrap_or_default();
        let room = rows.saturating_sub(1);
        let mut lines: Vec<String> = Vec::new();
        for source in &sources {
            if sources.len() > 1 {
                let of = path(node, source);
                lines.push(paint(&format!("{}:", if of.is_empty() { &source.name } else { &of }), Label::Dim, look.colour));
            }
            let tail = source.tail.into_iter().flat_map(|tail| tail.last(usize::MAX));
            lines.extend(tail.flat_map(|line| wrapped(&line, size.columns, "")));
        }
        if lines.is_empty() {
            let nothing = if node.mark.is_over() { "It has written nothing." } else { "It has written nothing so far." };
            lines.push(paint(nothing, Label::Dim, look.colour));
        }
        let most = lines.len().saturating_sub(room);
        let up = up.min(most);
        if let Some(log) = &mut self.log {
            log.up = up;
        }
        let seen = lines.into_iter().skip(most - up).take(room);
        let place = if up > 0 { format!("  ({up} more below)") } else { String::new() };
        let note = if node.note.is_empty() { String::new() } else { format!(": {}", node.note) };
        let stands = format!("  {}{note}{place}", node.word);
        std::iter::once(title + &stands).chain(seen).collect()
    }
}

/// The names on the way from one node to another below it.
pub(super) fn path(from: &Node<'_>, to: &Node<'_>) -> String {
    fn names<'n>(from: &'n Node<'_>, to: &Node<'_>) -> Option<Vec<&'n str>> {
        if from.key == to.key {
            return Some(Vec::new());
        }
        from.children.iter().find_map(|child| {
            let mut below = names(child, to)?;
            if child.mark != Mark::Heading {
                below.insert(0, &child.name);
            }
            Some(below)
        })
    }
    match names(from, to) {
        Some(names) if !names.is_empty() => names.join(" / "),
        _ => to.name.clone(),
    }
}

/// The node that is looked at before anybody chose one: what runs now, else what failed, else the run.
fn at_work(tree: &Node<'_>, seen: &[String]) -> String {
    let all = tree.all();
    let below = || all.iter().skip(1).filter(|node| seen.contains(&node.key));
    let last = |mark: Mark| below().rfind(|node| node.mark == mark);
    last(Mark::Running).or_else(|| last(Mark::Bad)).map(|node| node.key.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::views::board::Board;

    /// A run of so many tasks, of which the last is at work.
    fn run(tasks: usize) -> Board {
        let mut board = Board::new(&crate::kinds::PIPELINE_RUN, "r");
        let names: Vec<String> = (0..tasks).map(|n| format!("task-{n}")).collect();
        let children: Vec<_> = names.iter().map(|n| json!({"kind": "TaskRun", "name": format!("r-{n}"), "pipelineTaskName": n})).collect();
        let spec: Vec<_> = names.iter().map(|n| json!({"name": n})).collect();
        let status = json!({"conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}],
            "childReferences": children, "pipelineSpec": {"tasks": spec}});
        board.run(serde_json::from_value(json!({"metadata": {"name": "r"}, "status": status})).unwrap());
        for (n, name) in names.iter().enumerate() {
            let over = n + 1 < tasks;
            let state = if over { json!({"exitCode": 0}) } else { json!(null) };
            let step = json!({"name": "only", "container": "step-only", "terminated": state, "running": if over { json!(null) } else { json!({}) }});
            let condition = if over { "True" } else { "Unknown" };
            board.task(
                serde_json::from_value(
                    json!({"metadata": {"name": format!("r-{name}")}, "status": {"podName": format!("p-{n}"), "steps": [step],
                "conditions": [{"type": "Succeeded", "status": condition, "reason": "Running"}]}}),
                )
                .unwrap(),
            );
            for line in 0..30 {
                board.piece(n, (&format!("p-{n}"), "step-only"), true, format!("{name} line {line}").as_bytes());
            }
        }
        board
    }

    fn size(rows: usize, columns: usize) -> Size {
        Size { rows, columns, look: Look { now: Timestamp::UNIX_EPOCH, colour: false }, unicode: true }
    }

    fn marked_line(frame: &[String]) -> &str {
        frame.iter().find(|line| line.starts_with("> ")).expect("a line is marked")
    }

    #[test]
    fn a_frame_fills_the_terminal_and_no_more_at_any_size() {
        let board = run(12);
        for (rows, columns) in [(2, 10), (5, 40), (24, 80), (60, 200)] {
            let frame = Ui::default().frame(&board.tree(), size(rows, columns));
            assert_eq!(frame.len(), rows, "at {rows} by {columns}");
            assert!(frame.iter().all(|line| console::measure_text_width(line) <= columns), "at {rows} by {columns}: {frame:#?}");
        }
    }

    #[test]
    fn a_tree_that_is_larger_than_the_terminal_shows_what_runs() {
        let frame = Ui::default().frame(&run(40).tree(), size(10, 80));
        assert!(frame.iter().any(|line| line.contains("task-39")), "{frame:#?}");
        assert!(marked_line(&frame).contains("only"), "{frame:#?}");
    }

    #[test]
    fn keys_move_the_mark_and_the_tree_scrolls_with_it() {
        let board = run(40);
        let (tree, mut ui) = (board.tree(), Ui::default());
        ui.frame(&tree, size(10, 80));
        ui.key(Key::Char('g'), &tree);
        let frame = ui.frame(&tree, size(10, 80));
        assert!(marked_line(&frame).contains("PipelineRun r"), "{frame:#?}");
        for _ in 0..15 {
            ui.key(Key::Down, &tree);
        }
        assert!(marked_line(&ui.frame(&tree, size(10, 80))).contains("task-14"));
        ui.key(Key::Char('k'), &tree);
        assert!(marked_line(&ui.frame(&tree, size(10, 80))).contains("task-13"));
    }

    #[test]
    fn enter_opens_the_log_of_the_marked_task_and_q_leaves_it_before_the_program() {
        let board = run(3);
        let (tree, mut ui) = (board.tree(), Ui::default());
        ui.frame(&tree, size(12, 80));
        ui.key(Key::Char('g'), &tree);
        ui.key(Key::Char('j'), &tree);
        assert_eq!(ui.key(Key::Enter, &tree), None);
        let log = ui.frame(&tree, size(12, 80));
        assert!(log[0].contains("task-0") && log[10].contains("task-0 line 29"), "{log:#?}");
        ui.key(Key::PageUp, &tree);
        let up = ui.frame(&tree, size(12, 80));
        assert!(up[0].contains("more below") && !up.iter().any(|line| line.contains("line 29")), "{up:#?}");
        assert_eq!(ui.key(Key::Char('q'), &tree), None);
        assert_eq!(ui.key(Key::Char('q'), &tree), Some(Act::Leave));
    }

    #[test]
    fn cancel_and_start_again_want_a_yes() {
        let board = run(2);
        let (tree, mut ui) = (board.tree(), Ui::default());
        for (key, act) in [('c', Act::Cancel), ('r', Act::Again)] {
            assert_eq!(ui.key(Key::Char(key), &tree), None);
            assert!(ui.frame(&tree, size(8, 80))[7].contains("y/n"));
            assert_eq!(ui.key(Key::Char('n'), &tree), None);
            ui.key(Key::Char(key), &tree);
            assert_eq!(ui.key(Key::Char('y'), &tree), Some(act));
        }
    }

    #[test]
    fn space_folds_a_task_and_unfolds_it() {
        let board = run(2);
        let (tree, mut ui) = (board.tree(), Ui::default());
        let steps = |frame: Vec<String>| frame.iter().filter(|line| line.contains(" only")).count();
        assert_eq!(steps(ui.frame(&tree, size(30, 80))), 2);
        ui.key(Key::Char('g'), &tree);
        ui.key(Key::Char('j'), &tree);
        ui.key(Key::Char(' '), &tree);
        assert_eq!(steps(ui.frame(&tree, size(30, 80))), 1);
        ui.key(Key::Char(' '), &tree);
        assert_eq!(steps(ui.frame(&tree, size(30, 80))), 2);
    }
}
