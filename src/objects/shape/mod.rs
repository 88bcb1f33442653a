//! Objects as tkn's lists print them: written anew through Go's structs, in the order of their fields, without what the
//! structs do not know, and with the fields that Go never leaves out. `fields.txt` holds the structs as data.

pub mod quantity;
pub mod scalars;
pub mod strict;

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::duration::GoDuration;
use crate::kinds::Kind;

/// One struct to a line: `Name:field type,field? type,…`. `?` leaves out what is empty, `~` what is zero. A type is a
/// letter (`s`tring, `b`ool, `i`nteger, `f`loat, `a`ny, `B`ytes), `*` pointer, `[` slice or `{` map of a type, `!` a type
/// with JSON of its own, or the name of a struct.
static FIELDS: &str = include_str!("fields.txt");

type Field = (&'static str, &'static str, &'static str);

static STRUCTS: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| fields_of(FIELDS));

fn fields_of(table: &'static str) -> HashMap<&'static str, Vec<Field>> {
    let field = |text: &'static str| {
        let (name, shape) = text.split_once(' ')?;
        let bare = name.trim_end_matches(['?', '~']);
        Some((bare, &name[bare.len()..], shape))
    };
    let line = |line: &'static str| {
        let (name, fields) = line.split_once(':')?;
        Some((name, fields.split(',').filter_map(field).collect()))
    };
    table.lines().filter_map(line).collect()
}

/// The field of a name, which Go takes in any letter case.
fn named<'a, 'b>(fields: &'a [(&'static str, &'b str, &'b str)], name: &str) -> Option<&'a (&'static str, &'b str, &'b str)> {
    fields.iter().find(|field| field.0 == name).or_else(|| fields.iter().find(|field| field.0.eq_ignore_ascii_case(name)))
}

/// Whether lists of the kind are printed through a struct.
pub fn is_known(kind: &Kind) -> bool {
    STRUCTS.contains_key(kind.kind)
}

/// The object as the struct of its kind writes it; a kind without one is left as it is.
pub fn written(kind: &Kind, object: &Value) -> Value {
    match STRUCTS.get_key_value(kind.kind) {
        Some((name, _)) => of(name, Some(object)),
        None => object.clone(),
    }
}

/// A value of a type, or the type's zero value.
fn of(shape: &str, value: Option<&Value>) -> Value {
    let value = value.filter(|v| !v.is_null());
    let letter = |otherwise: Value| value.cloned().unwrap_or(otherwise);
    match shape {
        "s" => letter(Value::String(String::new())),
        "b" => letter(Value::Bool(false)),
        "i" | "f" => letter(Value::from(0)),
        "B" => letter(Value::Null),
        "a" => value.map_or(Value::Null, sorted),
        _ if shape.starts_with('!') => own(&shape[1..], value),
        _ => match shape.as_bytes()[0] {
            b'*' => value.map_or(Value::Null, |v| of(&shape[1..], Some(v))),
            b'[' => value.and_then(Value::as_array).map_or(Value::Null, |items| items.iter().map(|v| of(&shape[1..], Some(v))).collect()),
            b'{' => value.and_then(Value::as_object).map_or(Value::Null, |fields| map(&shape[1..], fields)),
            _ => structure(shape, value),
        },
    }
}

fn map(shape: &str, fields: &Map<String, Value>) -> Value {
    let mut entries: Vec<(&String, &Value)> = fields.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), of(shape, Some(value)))).collect())
}

fn structure(name: &str, value: Option<&Value>) -> Value {
    let mut out = Map::new();
    for (field, left_out, shape) in STRUCTS.get(name).into_iter().flatten() {
        let given = value.and_then(|v| v.get(field)).filter(|v| !v.is_null());
        let written = of(shape, given);
        let empty = left_out.contains('?') && is_empty(shape, &written);
        if !(empty || left_out.contains('~') && given.is_none()) {
            out.insert((*field).to_owned(), written);
        }
    }
    Value::Object(out)
}

/// What Go's `omitempty` leaves out: never a struct, and of a pointer only the missing one.
fn is_empty(shape: &str, written: &Value) -> bool {
    match written {
        Value::Null => shape.starts_with(['*', '[', '{', 'a', 'B']),
        Value::Bool(b) => shape == "b" && !b,
        Value::Number(n) => matches!(shape, "i" | "f") && n.as_f64() == Some(0.0),
        Value::String(s) => matches!(shape, "s" | "B") && s.is_empty(),
        Value::Array(items) => shape.starts_with('[') && items.is_empty(),
        Value::Object(fields) => shape.starts_with('{') && fields.is_empty(),
    }
}

/// A value of a type that writes its JSON itself.
fn own(name: &str, value: Option<&Value>) -> Value {
    let text = value.and_then(Value::as_str);
    match (name, value) {
        ("Time" | "VolatileTime", Some(given)) => text.and_then(seconds).unwrap_or_else(|| given.clone()),
        ("Duration", Some(given)) => text.and_then(GoDuration::parse).map_or_else(|| given.clone(), |d| Value::String(d.to_string())),
        ("Duration", None) => Value::String("0s".into()),
        ("Quantity", Some(Value::Number(n))) => Value::String(quantity::canonical(&n.to_string())),
        ("Quantity", Some(given)) => text.map_or_else(|| given.clone(), |t| Value::String(quantity::canonical(t))),
        ("Quantity", None) => Value::String("0".into()),
        ("IntOrString", None) => Value::from(0),
        ("ParamValue", given) => param(given),
        ("URL", None) => Value::String(String::new()),
        (_, Some(given)) => sorted(given),
        (_, None) => Value::Null,
    }
}

/// A time in whole seconds of UTC.
fn seconds(text: &str) -> Option<Value> {
    let time: Timestamp = text.parse().ok()?;
    Some(Value::String(Timestamp::from_second(time.as_second()).ok()?.to_string()))
}

/// Texts, arrays and maps of texts are kept; anything else is a text of its JSON.
fn param(value: Option<&Value>) -> Value {
    let text_of = |value: &Value| Value::String(sorted(value).to_string());
    match value {
        None => Value::String(String::new()),
        Some(Value::String(text)) => Value::String(text.clone()),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => value.cloned().unwrap_or_default(),
        Some(given @ Value::Object(fields)) if fields.values().all(Value::is_string) => sorted(given),
        Some(other) => text_of(other),
    }
}

/// The value with the keys of every map in alphabetical order, as Go writes maps.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&fields[key]))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    #[test]
    fn every_type_that_a_struct_names_is_there() {
        for (name, fields) in STRUCTS.iter() {
            for (field, _, shape) in fields {
                let inner = shape.trim_start_matches(['*', '[', '{']);
                let known = matches!(inner, "s" | "b" | "i" | "f" | "a" | "B") || inner.starts_with('!') || STRUCTS.contains_key(inner);
                assert!(known, "{name}.{field} is of the unknown type {shape}");
            }
        }
    }

    #[test]
    fn a_run_is_written_in_the_order_of_its_struct_with_what_go_never_leaves_out() {
        let run = json!({
            "apiVersion": "tekton.dev/v1", "kind": "TaskRun", "later": 1,
            "metadata": {"labels": {"b": "2", "a": "1"}, "name": "r", "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"timeout": "1h", "params": [{"value": 5, "name": "n"}], "taskSpec": {"steps": [{"name": "s"}]}, "retries": 0},
        });
        let text = written(&kinds::TASK_RUN, &run).to_string();
        let expected = concat!(
            r#"{"kind":"TaskRun","apiVersion":"tekton.dev/v1","#,
            r#""metadata":{"name":"r","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"a":"1","b":"2"}},"#,
            r#""spec":{"params":[{"name":"n","value":"5"}],"serviceAccountName":"","#,
            r#""taskSpec":{"steps":[{"name":"s","computeResources":{}}]},"timeout":"1h0m0s"},"status":{"podName":""}}"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_kind_without_a_struct_is_left_as_it_is() {
        let task = json!({"later": 1});
        assert_eq!(written(&kinds::TASK, &task), task);
        assert!(!is_known(&kinds::TASK) && is_known(&kinds::EVENT_LISTENER));
    }
}
