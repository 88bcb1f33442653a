//! YAML exactly as `sigs.k8s.io/yaml` writes it, which kubectl and tkn use: keys sorted, two spaces, lists not
//! indented, and quotes wherever YAML 1.1 would read something else. No crate writes these bytes; the rules are those
//! of go.yaml.in/yaml/v2 (resolve.go, sorter.go, emitterc.go).

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Number, Value};

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
    let mut entries: Vec<_> = fields.iter().collect();
    entries.sort_by(|(a, _), (b, _)| natural(a, b));
    for (i, (key, value)) in entries.into_iter().enumerate() {
        spaces(out, indent - if i == 0 { skip } else { 0 });
        let written = key_text(key);
        // A key of more than 128 bytes, or of several lines, is announced by a question mark.
        if key.len() > 128 || key.contains(is_break) {
            let _ = write!(out, "? {written}");
            out.push('\n');
            spaces(out, indent);
        } else {
            out.push_str(&written);
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
    let Some(value) = n.as_f64().filter(|_| n.is_f64()) else { return n.to_string() };
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // `%g` with the shortest precision turns to an exponent below 1e-4 and from 1e21 on.
    if !(-4..21).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
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
    match style(text, false) {
        Style::Plain => out.push_str(text),
        Style::Single => out.push_str(&single(text)),
        Style::Double => out.push_str(&double(text)),
        Style::Literal => literal(out, text, indent),
    }
}

fn key_text(key: &str) -> String {
    match style(key, true) {
        Style::Plain => key.to_owned(),
        Style::Single => single(key),
        Style::Double | Style::Literal => double(key),
    }
}

/// The style that the encoder asks for, and what the emitter makes of it (`select_scalar_style`).
fn style(text: &str, key: bool) -> Style {
    let facts = Facts::of(text);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if reads_as_string(text) {
        Style::Plain
    } else {
        Style::Double
    };
    let multiline_key = key && facts.breaks;
    match wanted {
        Style::Literal if multiline_key || key || !facts.block_allowed => Style::Double,
        _ if multiline_key => Style::Double,
        Style::Plain if facts.plain_allowed => Style::Plain,
        Style::Plain if facts.single_allowed => Style::Single,
        Style::Plain => Style::Double,
        other => other,
    }
}

/// What the emitter finds out about a text (`analyze_scalar`).
struct Facts {
    breaks: bool,
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
}

impl Facts {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { breaks: false, plain_allowed: true, single_allowed: true, block_allowed: false };
        }
        let chars: Vec<char> = text.chars().collect();
        let (first, last) = (chars[0], chars[chars.len() - 1]);
        let pairs = || chars.iter().zip(&chars[1..]);
        let breaks = chars.iter().any(|c| is_break(*c));
        let break_then_space = pairs().any(|(a, b)| is_break(*a) && *b == ' ');
        let special = chars.iter().any(|c| !is_printable(*c)) || pairs().any(|(a, b)| *a == ' ' && is_break(*b));
        let at_the_ends = [first, last].iter().any(|c| *c == ' ' || is_break(*c));
        Self {
            breaks,
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

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if is_printable(c) && !is_break(c) && c != '"' && c != '\\' {
            out.push(c);
            continue;
        }
        let named = "\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\"\\\u{85}\u{a0}\u{2028}\u{2029}".chars().zip("0abtnvfre\"\\N_LP".chars());
        let _ = match (named.into_iter().find(|(special, _)| *special == c), u32::from(c)) {
            (Some((_, letter)), _) => write!(out, "\\{letter}"),
            (None, code @ ..=0xff) => write!(out, "\\x{code:02X}"),
            (None, code @ ..=0xffff) => write!(out, "\\u{code:04X}"),
            (None, code) => write!(out, "\\U{code:08X}"),
        };
    }
    out.push('"');
    out
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

/// Whether YAML 1.1, as Go reads it, takes the plain text for a string.
fn reads_as_string(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO", "false", "False",
        "FALSE", "off", "Off", "OFF", "", "~", "null", "Null", "NULL", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf",
        "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    ];
    if WORDS.contains(&text) {
        return false;
    }
    match text.as_bytes()[0] {
        b'.' => !go_float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = text.replace('_', "");
            !(is_timestamp(text) || go_integer(&plain) || yaml_float(&plain) || binary(&plain) || base_60(text))
        }
        _ => true,
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Go's `ParseInt(text, 0, 64)` and `ParseUint(text, 0, 64)`, underscores being gone.
fn go_integer(text: &str) -> bool {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = unsigned.len() < text.len();
    let lower = unsigned.to_ascii_lowercase();
    let (radix, body) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // Rust would take a second sign, Go does not.
    if body.starts_with(['+', '-']) {
        return false;
    }
    match u64::from_str_radix(body, radix) {
        Ok(value) if negative => value <= i64::MIN.unsigned_abs(),
        Ok(value) if signed => value <= i64::MAX.unsigned_abs(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// `-0b…` is read by a rule of its own, which takes a sign behind the prefix.
fn binary(text: &str) -> bool {
    let (body, negative) = match (text.strip_prefix("0b"), text.strip_prefix("-0b")) {
        (Some(body), _) => (body, false),
        (_, Some(body)) => (body, true),
        _ => return false,
    };
    let text = if negative { format!("-{body}") } else { body.to_owned() };
    i64::from_str_radix(&text, 2).is_ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, within the range of a double.
fn yaml_float(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Go's `ParseFloat` of a text that begins with a point.
fn go_float(text: &str) -> bool {
    yaml_float(text)
}

/// `190:20:30`, which YAML 1.1 reads in base 60.
fn base_60(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = body.split(':');
    let first = parts.next().is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()) && p.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    let mut rest: Vec<&str> = parts.collect();
    let Some(last) = rest.last_mut() else { return false };
    if let Some((whole, fraction)) = last.split_once('.') {
        if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
        *last = whole;
    }
    first && rest.iter().all(|p| digits(p) && (p.len() == 1 || p.len() == 2 && p.as_bytes()[0] < b'6'))
}

/// The forms of `parseTimestamp`: a date, or a date and a time.
fn is_timestamp(text: &str) -> bool {
    let Some((date, time)) = split_date(text) else { return false };
    let mut parts = date.split('-');
    let number = |part: Option<&str>| part.filter(|p| digits(p) && p.len() <= 2).and_then(|p| p.parse::<i8>().ok());
    let year = parts.next().filter(|y| y.len() == 4 && digits(y)).and_then(|y| y.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day), None) = (year, number(parts.next()), number(parts.next()), parts.next()) else { return false };
    jiff::civil::Date::new(year, month, day).is_ok()
        && match time {
            None => true,
            Some((b' ', time)) => is_clock(time),
            Some((_, time)) => zone(time).is_some_and(is_clock),
        }
}

/// The date, and the separator and time behind it.
fn split_date(text: &str) -> Option<(&str, Option<(u8, &str)>)> {
    match text.find(['T', 't', ' ']) {
        Some(at) => Some((&text[..at], Some((text.as_bytes()[at], &text[at + 1..])))),
        None => text.as_bytes().get(4).filter(|b| **b == b'-').map(|_| (text, None)),
    }
}

/// The time before `Z` or `+01:00`.
fn zone(time: &str) -> Option<&str> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some(time);
    }
    let at = time.rfind(['+', '-'])?;
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let fits = |part: &str, most: u8| part.len() == 2 && digits(part) && part.parse::<u8>().is_ok_and(|n| n <= most);
    (fits(hours, 24) && fits(minutes, 60)).then_some(&time[..at])
}

/// `15:4:5.999999999`: hours of one or two digits, as Go's layout takes them.
fn is_clock(time: &str) -> bool {
    let (clock, fraction) = match time.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let fits = |part: &str, below: u8| digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < below);
    matches!(parts[..], [h, m, s] if fits(h, 24) && fits(m, 60) && fits(s, 60)) && fraction.is_none_or(digits)
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
