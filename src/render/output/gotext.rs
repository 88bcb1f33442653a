//! Values as Go prints them: `%v`, `%#v`, and compact JSON with sorted keys. Templates show maps and numbers so, and the
//! errors of kubectl's printers quote the object so.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// `%v`: `map[a:1 b:[x y]]`, `<nil>`, strings without quotes.
pub fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value);
    out
}

fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(b) => write!(out, "{b}").expect("a string takes all"),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(s) => out.push_str(s),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { " " });
                write_plain(out, item);
            }
            out.push(']');
        }
        Value::Object(_) => {
            out.push_str("map[");
            for (i, (key, item)) in in_order(value).into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { " " });
                out.push_str(key);
                out.push(':');
                write_plain(out, item);
            }
            out.push(']');
        }
    }
}

/// `%#v`: the value in Go's own syntax.
pub fn syntax(value: &Value) -> String {
    let mut out = String::new();
    write_syntax(&mut out, value);
    out
}

fn write_syntax(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("interface {}(nil)"),
        Value::Bool(b) => write!(out, "{b}").expect("a string takes all"),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(s) => out.push_str(&quoted(s)),
        Value::Array(items) => {
            out.push_str("[]interface {}{");
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_syntax(out, item);
            }
            out.push('}');
        }
        Value::Object(_) => {
            out.push_str("map[string]interface {}{");
            for (i, (key, item)) in in_order(value).into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(&quoted(key));
                out.push(':');
                write_syntax(out, item);
            }
            out.push('}');
        }
    }
}

/// `%q`: in double quotes, with Go's escapes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => write!(out, "\\x{:02x}", c as u32).expect("a string takes all"),
            c if invisible(c) && (c as u32) < 0x10000 => write!(out, "\\u{:04x}", c as u32).expect("a string takes all"),
            c if invisible(c) => write!(out, "\\U{:08x}", c as u32).expect("a string takes all"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What Go holds for not printable: controls, spaces other than the plain one, formats and private characters.
fn invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c as u32, 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe000..=0xf8ff | 0xe0000..)
}

/// An integer as it is, anything else as `%v` prints a float.
pub fn number(n: &Number) -> String {
    match n.as_f64().filter(|_| n.is_f64()) {
        Some(value) => float(value),
        None => n.to_string(),
    }
}

/// `%g` with as many digits as the value needs: it turns to an exponent below 1e-4 and from 1e6 on.
pub(in crate::render) fn float(value: f64) -> String {
    exponent_outside(value, -4, 6, 2)
}

/// The shortest digits, with an exponent of at least so many digits outside of the range of powers of ten.
fn exponent_outside(value: f64, from: i32, to: i32, width: usize) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (from..to).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:0width$}", exponent.abs())
}

/// JSON as Go's `json.Marshal` writes it: keys sorted, no blanks, `<`, `>` and `&` escaped.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, None, true);
    out
}

/// JSON in the order of the value's own keys, as Go writes a struct.
pub fn json_as_is(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, None, false);
    out
}

/// JSON as `json.MarshalIndent` writes it with four spaces; `sorted` for what was a map in Go.
pub fn json_indented(value: &Value, sorted: bool) -> String {
    let mut out = String::new();
    write_json(&mut out, value, Some(0), sorted);
    out
}

fn write_json(out: &mut String, value: &Value, depth: Option<usize>, sorted: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => write!(out, "{b}").expect("a string takes all"),
        Value::Number(n) => match n.as_f64().filter(|_| n.is_f64()) {
            Some(float) => out.push_str(&exponent_outside(float, -6, 21, 1)),
            None => write!(out, "{n}").expect("a string takes all"),
        },
        Value::String(s) => json_string(out, s),
        Value::Array(items) => {
            let entries = items.iter().map(|item| (None, item)).collect();
            nested(out, ['[', ']'], entries, depth, sorted);
        }
        Value::Object(fields) => {
            let entries = if sorted { in_order(value) } else { fields.iter().map(|(k, v)| (k.as_str(), v)).collect() };
            nested(out, ['{', '}'], entries.into_iter().map(|(k, v)| (Some(k), v)).collect(), depth, sorted);
        }
    }
}

fn nested(out: &mut String, [open, close]: [char; 2], entries: Vec<(Option<&str>, &Value)>, depth: Option<usize>, sorted: bool) {
    out.push(open);
    let inner = depth.map(|depth| depth + 1);
    let empty = entries.is_empty();
    for (i, (key, item)) in entries.into_iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        line(out, inner);
        if let Some(key) = key {
            json_string(out, key);
            out.push_str(if depth.is_some() { ": " } else { ":" });
        }
        write_json(out, item, inner, sorted);
    }
    if !empty {
        line(out, depth);
    }
    out.push(close);
}

fn line(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    }
}

fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(out, "\\u{:04x}", c as u32).expect("a string takes all"),
            c if (c as u32) < 0x20 => write!(out, "\\u{:04x}", c as u32).expect("a string takes all"),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The entries of an object by their keys; none of anything else.
pub fn in_order(value: &Value) -> Vec<(&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> = value.as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), v)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

/// The name of the value's type in Go, where it was read from JSON.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn values_print_as_go_prints_them() {
        let object = value!({"b": [1, "x y", null, true], "a": {"f": 1e6, "g": 0.5, "h": 1e-7, "i": 1e21}});
        assert_eq!(plain(&object), "map[a:map[f:1e+06 g:0.5 h:1e-07 i:1e+21] b:[1 x y <nil> true]]");
        assert_eq!(syntax(&value!({"k": ["a\n", null]})), r#"map[string]interface {}{"k":[]interface {}{"a\n", interface {}(nil)}}"#);
        assert_eq!(
            json(&value!({"b": "<&>", "a": 1e6, "c": 1e-7, "d": 1e21})),
            r#"{"a":1000000,"b":"\u003c\u0026\u003e","c":1e-7,"d":1e+21}"#
        );
        assert_eq!(quoted("é\u{a0}\u{1}"), "\"é\\u00a0\\x01\"");
    }
}
