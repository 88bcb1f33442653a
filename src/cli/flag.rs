//! One flag of the tree as tkn's library reads it (pflag): its type, which values it takes, and what is said about wrong
//! ones. The types are those of the tree; nothing is declared twice.

use std::any::TypeId;

use clap::{Arg, ArgAction};

use super::marks::Deprecated;

/// A flag and what can be asked of it.
#[derive(Clone, Copy)]
pub struct Flag<'a>(pub &'a Arg);

/// What a flag's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`; the flag alone means `true`
    Bool,
    /// A whole number
    Int,
    /// Text; of several occurrences the last counts
    Text,
    /// Text; all occurrences count
    Texts,
    /// Text that is split at commas; all occurrences count
    CommaTexts,
}

impl<'a> Flag<'a> {
    /// Its long name.
    pub fn name(self) -> &'a str {
        self.0.get_long().unwrap_or_else(|| self.0.get_id().as_str())
    }

    /// Whether it is called so, by its long name or another one that is still understood.
    pub fn is(self, name: &str) -> bool {
        self.0.get_long() == Some(name) || self.0.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
    }

    /// Whether this is its letter.
    pub fn has_letter(self, letter: u8) -> bool {
        self.0.get_short() == Some(char::from(letter))
    }

    /// Whether it means something without a value.
    pub fn stands_alone(self) -> bool {
        !self.0.get_action().takes_values() || self.0.get_num_args().is_some_and(|values| values.min_values() == 0)
    }

    /// What its values are.
    pub fn kind(self) -> Type {
        let parsed = self.0.get_value_parser().type_id();
        match self.0.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => Type::Bool,
            ArgAction::Append if self.0.get_value_delimiter().is_some() => Type::CommaTexts,
            ArgAction::Append => Type::Texts,
            // A switch that knows further words than true and false.
            _ if parsed == TypeId::of::<bool>() || self.stands_alone() && self.defaults_to_false() => Type::Bool,
            _ if parsed == TypeId::of::<i64>() || parsed == TypeId::of::<u64>() || parsed == TypeId::of::<usize>() => Type::Int,
            _ => Type::Text,
        }
    }

    fn defaults_to_false(self) -> bool {
        self.0.get_default_values().first().is_some_and(|value| value == "false")
    }

    /// A word that a switch knows beside true and false; the tree's own parser says whether it is one.
    fn further_word(self, text: &str) -> Option<Vec<String>> {
        let switch = self.0.get_value_parser().type_id() == TypeId::of::<bool>() || !self.0.get_action().takes_values();
        (!switch && !text.is_empty()).then(|| vec![text.to_owned()])
    }

    /// What is said to whoever uses it, where something better has taken its place.
    pub fn deprecation(self) -> Option<String> {
        let Deprecated(instead) = self.0.get::<Deprecated>()?;
        Some(format!("Flag --{} has been deprecated, {instead}", self.name()))
    }

    /// The values that a text stands for, in the form that the tree's own parser takes.
    ///
    /// # Errors
    /// The text, as tkn's library words it, when it stands for none.
    pub fn values(self, text: &str) -> Result<Vec<String>, String> {
        let read = match self.kind() {
            Type::Bool => truth(text).map(|truth| vec![truth.to_string()]).or_else(|why| self.further_word(text).ok_or(why)),
            Type::Int => number(text).map(|number| vec![number.to_string()]),
            Type::CommaTexts => fields(text),
            Type::Text | Type::Texts => Ok(vec![text.to_owned()]),
        };
        read.map_err(|why| {
            let letter = self.0.get_short().map(|letter| format!("-{letter}, ")).unwrap_or_default();
            format!("invalid argument {} for \"{letter}--{}\" flag: {why}", quoted(text), self.name())
        })
    }
}

/// Go's `strconv.ParseBool`.
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(text))),
    }
}

/// Go's `strconv.ParseInt` with base 0: `0x1f`, `0b11`, `0o17`, `017` and `1_000` are numbers too.
fn number(text: &str) -> Result<i64, String> {
    let wrong = |what: &str| format!("strconv.ParseInt: parsing {}: {what}", quoted(text));
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, format!("0{}", &lower[2..])),
        [b'0', b'b', _, ..] => (2, format!("0{}", &lower[2..])),
        [b'0', b'o', _, ..] => (8, format!("0{}", &lower[2..])),
        [b'0', _, ..] => (8, lower),
        _ => (10, lower),
    };
    // Single underscores may stand between digits.
    let plain = body.replace('_', "");
    if body.split('_').any(str::is_empty) || !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(wrong("invalid syntax"));
    }
    let signed = if negative { format!("-{plain}") } else { plain };
    i64::from_str_radix(&signed, radix).map_err(|_| wrong("value out of range"))
}

/// One line of comma-separated values with Go's `encoding/csv` rules: quotes keep commas together, and are doubled inside.
fn fields(text: &str) -> Result<Vec<String>, String> {
    let wrong = |at: usize, what: &str| format!("parse error on line 1, column {}: {what}", at + 1);
    let mut fields = Vec::new();
    let mut at = 0;
    if text.is_empty() {
        return Ok(fields);
    }
    loop {
        let rest = &text[at..];
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find(',').unwrap_or(rest.len());
            if let Some(quote) = rest[..end].find('"') {
                return Err(wrong(at + quote, "bare \" in non-quoted-field"));
            }
            fields.push(rest[..end].to_owned());
            if end == rest.len() {
                return Ok(fields);
            }
            at += end + 1;
            continue;
        };
        let mut field = String::new();
        let mut inner = at + 1;
        let mut left = quoted;
        loop {
            let Some(quote) = left.find('"') else { return Err(wrong(text.len(), "extraneous or missing \" in quoted-field")) };
            field.push_str(&left[..quote]);
            inner += quote + 1;
            left = &left[quote + 1..];
            match left.as_bytes().first() {
                Some(b'"') => {
                    field.push('"');
                    inner += 1;
                    left = &left[1..];
                }
                Some(b',') => {
                    at = inner + 1;
                    break;
                }
                None => {
                    fields.push(field);
                    return Ok(fields);
                }
                Some(_) => return Err(wrong(inner - 1, "extraneous or missing \" in quoted-field")),
            }
        }
        fields.push(field);
    }
}

/// A text in quotes as Go's `%q` writes it.
pub fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| if c == '\'' { "'".to_owned() } else { escaped(c) }).collect();
    format!("\"{escaped}\"")
}

/// A character as it stands between Go's quotes.
pub fn escaped(c: char) -> String {
    match c {
        '\u{7}' => r"\a".into(),
        '\u{8}' => r"\b".into(),
        '\u{b}' => r"\v".into(),
        '\u{c}' => r"\f".into(),
        '\n' | '\r' | '\t' | '"' | '\'' | '\\' => c.escape_default().to_string(),
        c if c.is_ascii_control() => format!(r"\x{:02x}", u32::from(c)),
        // Rust escapes the characters that Go does not print.
        c if c.escape_debug().count() > 1 => match u32::from(c) {
            code @ 0..=0xffff => format!(r"\u{code:04x}"),
            code => format!(r"\U{code:08x}"),
        },
        c => c.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, value) in [
            ("12", 12),
            ("-3", -3),
            ("+4", 4),
            ("0x1F", 31),
            ("0b11", 3),
            ("0o17", 15),
            ("017", 15),
            ("0", 0),
            ("0x_1f", 31),
            ("1_000", 1000),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "abc", "1.5", "08", "0x", "_1", "1__0", " 1"] {
            assert!(number(text).is_err_and(|why| why.ends_with("invalid syntax")), "{text}");
        }
        assert_eq!(number("99999999999999999999").unwrap_err(), "strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
    }

    #[test]
    fn commas_part_values_unless_they_are_quoted() {
        assert_eq!(fields("a,b").unwrap(), ["a", "b"]);
        assert_eq!(fields(r#"a,"b,""c""",d"#).unwrap(), ["a", "b,\"c\"", "d"]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert!(fields("").unwrap().is_empty());
        assert_eq!(fields(r#"a"b"#).unwrap_err(), "parse error on line 1, column 2: bare \" in non-quoted-field");
        assert_eq!(fields(r#""a"#).unwrap_err(), "parse error on line 1, column 3: extraneous or missing \" in quoted-field");
        assert_eq!(fields(r#""a"b"#).unwrap_err(), "parse error on line 1, column 3: extraneous or missing \" in quoted-field");
    }

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        assert_eq!(quoted("a'b\"c\\\t\u{1}日"), r#""a'b\"c\\\t\x01日""#);
    }
}
