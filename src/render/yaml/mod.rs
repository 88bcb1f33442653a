//! YAML exactly as `sigs.k8s.io/yaml` writes it, which kubectl and tkn use: keys sorted, two spaces, lists not
//! indented, and quotes wherever YAML 1.1 would read something else. No crate writes these bytes; the rules are those
//! of go.yaml.in/yaml/v2 (resolve.go, sorter.go, emitterc.go).

mod resolve;

use std::cmp::Ordering;
use std::fmt::Write as _;

use resolve::reads_as_string;
use serde_json::{Number, Value};

use super::output::gotext::float;

/// The value as a YAML document with a line break at its end.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(&mut out, value, 0, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0, 0),
        scalar => {
            inline(&mut out, scalar, 0);
            out.push('\n');
        }
    }
    out
}

/// Writes the entries of an object; `skip` is how much of the first line's indent stands there already.
fn mapping(out: &mut String, value: &Value, indent: usize, skip: usize) {
    let Value::Object(fields) = value else { return };
    let mut entries: Vec<(&String, &Value)> = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        // The order of Go's sorter is not transitive for some odd keys, which the library's sort would not forgive.
        let at = entries.iter().rposition(|(before, _)| natural(before, key).is_lt()).map_or(0, |i| i + 1);
        entries.insert(at, (key, value));
    }
    for (i, (key, value)) in entries.into_iter().enumerate() {
        spaces(out, indent - if i == 0 { skip } else { 0 });
        // A key of more than 128 bytes, or of several lines, is announced by a question mark.
        if key.len() > 128 || key.contains(is_break) {
            out.push_str("? ");
            string(out, key, indent + 2);
            out.push('\n');
            spaces(out, indent);
        } else {
            simple_key(out, key);
        }
        out.push(':');
        below(out, value, indent);
    }
}

/// Writes the value after `key:`.
fn below(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            mapping(out, value, indent + 2, 0);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            sequence(out, items, indent, 0);
        }
        scalar => {
            out.push(' ');
            inline(out, scalar, indent + 2);
            out.push('\n');
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize, skip: usize) {
    for (i, item) in items.iter().enumerate() {
        spaces(out, indent - if i == 0 { skip } else { 0 });
        out.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => mapping(out, item, indent + 2, indent + 2),
            Value::Array(items) if !items.is_empty() => sequence(out, items, indent + 2, indent + 2),
            scalar => {
                inline(out, scalar, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(s) => string(out, s, indent),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn spaces(out: &mut String, n: usize) {
    out.extend(std::iter::repeat_n(' ', n));
}

/// Integers as they are; others as Go's `%g` writes them.
fn number(n: &Number) -> String {
    match n.as_f64().filter(|_| n.is_f64()) {
        Some(value) => float(value),
        None => n.to_string(),
    }
}

/// How a string is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn string(out: &mut String, text: &str, indent: usize) {
    match style(text) {
        Style::Plain => folded(out, text, Quote::None, Some(indent)),
        Style::Single => folded(out, text, Quote::Single, Some(indent)),
        Style::Double => folded(out, text, Quote::Double, Some(indent)),
        Style::Literal => literal(out, text, indent),
    }
}

/// A key stands on one line.
fn simple_key(out: &mut String, key: &str) {
    let quote = match style(key) {
        Style::Plain if key.is_empty() => Quote::Single,
        Style::Plain => Quote::None,
        Style::Single => Quote::Single,
        Style::Double | Style::Literal => Quote::Double,
    };
    folded(out, key, quote, None);
}

/// The style that the encoder asks for, and what the emitter makes of it (`select_scalar_style`).
fn style(text: &str) -> Style {
    let facts = Facts::of(text);
    match (text.contains('\n'), reads_as_string(text)) {
        (true, _) if facts.block_allowed => Style::Literal,
        (false, true) if facts.plain_allowed => Style::Plain,
        (false, true) if facts.single_allowed => Style::Single,
        _ => Style::Double,
    }
}

/// What the emitter finds out about a text (`analyze_scalar`).
struct Facts {
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
}

impl Facts {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { plain_allowed: true, single_allowed: true, block_allowed: false };
        }
        let chars: Vec<char> = text.chars().collect();
        let (first, last) = (chars[0], chars[chars.len() - 1]);
        let pairs = || chars.iter().zip(&chars[1..]);
        let breaks = chars.iter().any(|c| is_break(*c));
        let break_then_space = pairs().any(|(a, b)| is_break(*a) && *b == ' ');
        let special = chars.iter().any(|c| !is_printable(*c)) || pairs().any(|(a, b)| *a == ' ' && is_break(*b));
        let at_the_ends = [first, last].iter().any(|c| *c == ' ' || is_break(*c));
        Self {
            plain_allowed: !(at_the_ends || break_then_space || special || breaks || has_indicator(text, &chars)),
            single_allowed: !(break_then_space || special),
            block_allowed: !(last == ' ' || special),
        }
    }
}

/// Whether something in the text would begin another thing than a string.
fn has_indicator(text: &str, chars: &[char]) -> bool {
    let blank_follows = |i: usize| chars.get(i + 1).is_none_or(|c| matches!(c, ' ' | '\t'));
    let first = chars[0];
    text.starts_with("---")
        || text.starts_with("...")
        || "#,[]{}&*!|>'\"%@`".contains(first)
        || ("?:-".contains(first) && blank_follows(0))
        || chars.iter().enumerate().skip(1).any(|(i, c)| match c {
            ':' => blank_follows(i),
            '#' => matches!(chars[i - 1], ' ' | '\t') || is_break(chars[i - 1]),
            _ => false,
        })
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// What stands around a text.
#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

/// Lines longer than this go on below, at a single space.
const WIDTH: usize = 80;

/// Writes a text; given an indent, it may go on in further lines with that indent.
fn folded(out: &mut String, text: &str, quote: Quote, indent: Option<usize>) {
    let mark = match quote {
        Quote::None => "",
        Quote::Single => "'",
        Quote::Double => "\"",
    };
    out.push_str(mark);
    let mut column = out.chars().rev().take_while(|c| *c != '\n').count();
    let chars: Vec<char> = text.chars().collect();
    for (i, c) in chars.iter().copied().enumerate() {
        let (before, after) = (i.checked_sub(1).map(|b| chars[b]), chars.get(i + 1).copied());
        let inside = quote == Quote::None || i > 0 && after.is_some();
        let may_fold = c == ' ' && before != Some(' ') && column > WIDTH && inside && (quote == Quote::Double || after != Some(' '));
        if let Some(indent) = indent.filter(|_| may_fold) {
            out.push('\n');
            spaces(out, indent);
            column = indent;
            if after == Some(' ') {
                out.push('\\');
                column += 1;
            }
            continue;
        }
        let start = out.len();
        match quote {
            Quote::Double => escaped(out, c, text.starts_with('\u{feff}')),
            Quote::Single if c == '\'' => out.push_str("''"),
            _ => out.push(c),
        }
        column += out[start..].chars().count();
        if quote != Quote::Double && is_break(c) {
            column = indent.unwrap_or_default();
            // The next line begins at the indent, unless it is another break.
            if after.is_some_and(|next| !is_break(next)) {
                spaces(out, column);
            }
        }
    }
    out.push_str(mark);
}

/// A character within double quotes; behind a byte order mark all of them are escaped.
fn escaped(out: &mut String, c: char, all: bool) {
    if is_printable(c) && !is_break(c) && c != '"' && c != '\\' && !all {
        out.push(c);
        return;
    }
    let mut named = "\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\"\\\u{85}\u{a0}\u{2028}\u{2029}".chars().zip("0abtnvfre\"\\N_LP".chars());
    let _ = match (named.find(|(special, _)| *special == c), u32::from(c)) {
        (Some((_, letter)), _) => write!(out, "\\{letter}"),
        (None, code @ ..=0xff) => write!(out, "\\x{code:02X}"),
        (None, code @ ..=0xffff) => write!(out, "\\u{code:04X}"),
        (None, code) => write!(out, "\\U{code:08X}"),
    };
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        out.push('2');
    }
    let mut backwards = text.chars().rev();
    match (backwards.next().is_some_and(is_break), backwards.next().is_none_or(is_break)) {
        (false, _) => out.push('-'),
        (true, true) => out.push('+'),
        (true, false) => {}
    }
    out.push('\n');
    // What follows brings its own line break, so the text's last one is left to it.
    let body = text.strip_suffix('\n').unwrap_or(text);
    for (i, line) in body.split_inclusive(is_break).enumerate() {
        if !(line.starts_with(is_break) || i > 0 && line.is_empty()) {
            spaces(out, indent);
        }
        out.push_str(line);
    }
}

/// Numbers within keys are compared by value, and letters come after everything else (`sorter.go`).
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    let (x, y) = (a[i], b[i]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros behind other digits are no leading zeros.
    let digits_before = a[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let start = i64::from((x == '0' || y == '0') && digits_before);
    let value = |chars: &[char]| {
        let run: Vec<i64> = chars.iter().map_while(|c| c.to_digit(10)).map(i64::from).collect();
        (run.iter().fold(start, |n, d| n.wrapping_mul(10).wrapping_add(*d)), run.len())
    };
    value(&a[i..]).cmp(&value(&b[i..])).then(x.cmp(&y))
}
