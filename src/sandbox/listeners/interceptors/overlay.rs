//! Puts an overlay's value where its key says: `a.b`, with a number for a place in a list and `\.` for a dot in a name.
//! Pure.

use serde_json::{Map, Value};

/// The longest list that a number in a key may make.
const LONGEST: usize = 10_000;

/// Puts `value` below `into` at `key`; what is missing on the way is made.
///
/// # Errors
/// When the key is empty, or a part of it cannot be a place in the list that stands there.
pub fn set(into: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), String> {
    let parts = parts(key);
    let (first, rest) = parts.split_first().filter(|(first, _)| !first.is_empty()).ok_or("path cannot be empty")?;
    put(into.entry(first.clone()).or_insert(Value::Null), rest, value)
}

fn put(place: &mut Value, parts: &[String], value: Value) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        *place = value;
        return Ok(());
    };
    let number = part.parse::<usize>().ok();
    match place {
        Value::Object(_) | Value::Array(_) => {}
        // A number begins a list, as does `-1`, which stands for the place behind the last.
        _ if number.is_some() || part == "-1" => *place = Value::Array(Vec::new()),
        _ => *place = Value::Object(Map::new()),
    }
    match place {
        Value::Array(items) => {
            let index = if part == "-1" { Some(items.len()) } else { number };
            let index =
                index.filter(|index| *index < LONGEST).ok_or_else(|| format!("cannot set array element for non-numeric key '{part}'"))?;
            if items.len() <= index {
                items.resize(index + 1, Value::Null);
            }
            put(&mut items[index], rest, value)
        }
        Value::Object(fields) => put(fields.entry(part.clone()).or_insert(Value::Null), rest, value),
        _ => Ok(()),
    }
}

fn parts(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            ('.', _) => parts.push(String::new()),
            ('\\', Some(part)) => part.extend(chars.next()),
            (c, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_leads_into_objects_and_lists() {
        let mut extensions = Map::new();
        for (key, value) in [
            ("a", json!(1)),
            ("b.c.d", json!("x")),
            ("b.c.e", json!(true)),
            ("l.1", json!("two")),
            ("l.-1", json!("three")),
            (r"x\.y", json!({})),
        ] {
            set(&mut extensions, key, value).expect(key);
        }
        let expected = json!({"a": 1, "b": {"c": {"d": "x", "e": true}}, "l": [null, "two", "three"], "x.y": {}});
        assert_eq!(Value::Object(extensions), expected);
    }

    #[test]
    fn what_cannot_be_a_place_is_refused() {
        let mut extensions = Map::from_iter([("l".to_owned(), json!([1]))]);
        assert_eq!(set(&mut extensions, "", json!(1)), Err("path cannot be empty".to_owned()));
        assert!(set(&mut extensions, "l.name", json!(1)).is_err());
        assert!(set(&mut extensions, "l.99999999999", json!(1)).is_err());
    }
}
