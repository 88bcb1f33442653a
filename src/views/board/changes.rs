//! A board for readers that are no terminals: one line for each change.

use std::collections::HashMap;

use super::node::{Mark, Node, STARTING, WAITING};
use crate::views::age;

/// What was told last of each node.
#[derive(Debug, Default)]
pub struct Changes {
    told: HashMap<String, String>,
}

impl Changes {
    /// The lines that say what differs from the tree that was told before. The run's own end is told only when all is
    /// known of its tasks, and comes last.
    pub fn lines(&mut self, tree: &Node<'_>, complete: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if !tree.mark.is_over() {
            lines.extend(self.line(tree, &tree.name));
        }
        tree.children.iter().for_each(|child| self.below(child, "", &mut lines));
        if complete {
            lines.extend(self.line(tree, &tree.name));
        }
        lines
    }

    fn below(&mut self, node: &Node<'_>, above: &str, lines: &mut Vec<String>) {
        let name = if above.is_empty() { node.name.clone() } else { format!("{above} / {}", node.name) };
        if node.mark == Mark::Heading {
            node.children.iter().for_each(|child| self.below(child, above, lines));
            return;
        }
        let own = self.line(node, &name);
        let (before, after) = if node.mark.is_over() { (None, own) } else { (own, None) };
        lines.extend(before);
        node.children.iter().for_each(|child| self.below(child, &name, lines));
        lines.extend(after);
    }

    /// The line of one node, where how it stands has changed.
    fn line(&mut self, node: &Node<'_>, name: &str) -> Option<String> {
        // A count that goes up is told by what is counted.
        let counts = node.mark == Mark::Running && !node.children.is_empty();
        let note = if counts { "" } else { node.note.as_str() };
        // What waits for others, is on its usual way, or of which nothing is known yet, has not changed.
        let usual = [WAITING, STARTING].contains(&node.word.as_str()) || node.note.is_empty();
        if node.mark == Mark::Waiting && usual {
            return None;
        }
        let colon = if note.is_empty() { "" } else { ": " };
        let stands = format!("{}{}{colon}{note}", node.word, took(node));
        if self.told.get(&node.key) == Some(&stands) {
            return None;
        }
        self.told.insert(node.key.clone(), stands.clone());
        Some(format!("{name}: {stands}"))
    }
}

/// ` after 3s`, of what has ended.
fn took(node: &Node<'_>) -> String {
    let (from, to) = node.span;
    from.zip(to).filter(|_| node.mark.is_over()).map(|span| format!(" after {}", age::took(Some(span.0), Some(span.1)))).unwrap_or_default()
}
