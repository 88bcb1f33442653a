//! Texts in lines that are no wider than the terminal.

use console::{measure_text_width, truncate_str};

/// A text in lines of at most this width, broken between words where that is possible. The first line has its spaces
/// before it already; the others get these.
pub fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    let width = width.max(indent.len() + 8);
    let start = text.len() - text.trim_start().len();
    let (mut lines, mut line) = (Vec::new(), text[..start].to_owned());
    let mut fresh = true;
    for mut word in text[start..].split(' ').map(str::to_owned) {
        let (used, long) = (measure_text_width(&line), measure_text_width(&word));
        if !fresh && used + 1 + long > width && indent.len() + long <= width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        // A word that is longer than a line is broken anywhere.
        while measure_text_width(&line) + measure_text_width(&word) > width {
            let room = width.saturating_sub(measure_text_width(&line)).max(1);
            let part = truncate_str(&word, room, "").into_owned();
            let rest = word.split_off(part.len().max(word.chars().next().map_or(0, char::len_utf8)));
            line.push_str(&word);
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            word = rest;
        }
        line.push_str(&word);
        fresh = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words_and_a_long_word_anywhere() {
        assert_eq!(wrapped("  one two three", 9, "  "), ["  one two", "  three"]);
        assert_eq!(wrapped("  abcdefghijklmnop", 10, "  "), ["  abcdefgh", "  ijklmnop"]);
        assert_eq!(wrapped("short", 40, ""), ["short"]);
    }
}
