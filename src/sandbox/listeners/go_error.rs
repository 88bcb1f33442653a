//! What Go's JSON parser says of a text that is no JSON, which is what the real listener answers. Pure.

use serde_json::Error;

/// The words of literals, of which a wrong letter is told.
const LITERALS: [&str; 3] = ["true", "false", "null"];

/// What our parser complains of, and where Go says that the character stands.
const PLACES: [(&str, &str); 8] = [
    ("expected value", "looking for beginning of value"),
    ("key must be a string", "looking for beginning of object key string"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("trailing characters", "after top-level value"),
    ("control character", "in string literal"),
    ("invalid escape", "in string escape code"),
];

/// The complaint in Go's words; in our own where Go has no like of it.
pub fn words(text: &[u8], error: &Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    // A column counts bytes, and the character that is wrong is the last that was read.
    let (before, rest) = line.split_at_checked(error.column().saturating_sub(1)).unwrap_or((&line, ""));
    let wrong = rest.chars().next().unwrap_or('\n');
    let own = error.to_string();
    let place = if own.starts_with("expected ident") {
        literal(before)
    } else if own.starts_with("trailing comma") {
        Some(if wrong == '}' { PLACES[1].1 } else { PLACES[0].1 }.to_owned())
    } else {
        PLACES.iter().find(|(complaint, _)| own.starts_with(complaint)).map(|(_, place)| (*place).to_owned())
    };
    place.map_or(own, |place| format!("invalid character {wrong:?} {place}"))
}

/// Of which literal the text has the beginning at its end, and which letter should come.
fn literal(before: &str) -> Option<String> {
    LITERALS.iter().find_map(|word| {
        let length = (1..word.len()).rev().find(|length| before.ends_with(&word[..*length]))?;
        let next = &word[length..=length];
        Some(format!("in literal {word} (expecting '{next}')"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_gos() {
        let cases = [
            ("", "unexpected end of JSON input"),
            ("{\"a\":", "unexpected end of JSON input"),
            ("hello", "invalid character 'h' looking for beginning of value"),
            ("nojson", "invalid character 'o' in literal null (expecting 'u')"),
            ("{\"a\": trie}", "invalid character 'i' in literal true (expecting 'u')"),
            ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\": 1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{\"a\": 1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{\n  \"a\": 'b'}", "invalid character '\\'' looking for beginning of value"),
        ];
        for (text, expected) in cases {
            let error = serde_json::from_str::<serde_json::Value>(text).expect_err(text);
            assert_eq!(words(text.as_bytes(), &error), expected, "{text}");
        }
    }
}
