//! Plain values where a text is wanted: YAML reads `value: 1` as a number and `value: true` as a truth, and tkn's reader
//! (sigs.k8s.io/yaml) makes texts of them again where the struct has a text. What is null is as if it were not there, and
//! a field in other letters is the struct's field.

use serde_json::{Map, Number, Value};

use super::strict::AROUND;
use super::{STRUCTS, named};

/// Makes texts of an object of a kind: `Task`, `PipelineRun`.
pub fn object(kind: &str, object: &mut Value) {
    if let Value::Object(fields) = object {
        rename(fields, &AROUND);
    }
    if let Some(metadata) = object.get_mut("metadata") {
        value("ObjectMeta", metadata);
    }
    if let Some(spec) = object.get_mut("spec") {
        value(&format!("{kind}Spec"), spec);
    }
}

/// The same of a value of a type in the form of `fields.txt`.
pub fn value(shape: &str, given: &mut Value) {
    match (shape.as_bytes()[0], given) {
        (b'!', _) => {}
        (b'*', given) => value(&shape[1..], given),
        (b'[', Value::Array(items)) => items.iter_mut().for_each(|item| value(&shape[1..], item)),
        (b'{', Value::Object(entries)) => entries.values_mut().for_each(|entry| value(&shape[1..], entry)),
        (b's', given) if shape.len() == 1 => {
            if let Some(text) = text(given) {
                *given = Value::String(text);
            }
        }
        (_, Value::Object(fields)) if STRUCTS.contains_key(shape) => {
            fields.retain(|_, field| !field.is_null());
            rename(fields, &STRUCTS[shape]);
            for (name, _, shape) in &STRUCTS[shape] {
                if let Some(field) = fields.get_mut(*name) {
                    value(shape, field);
                }
            }
        }
        _ => {}
    }
}

/// Gives fields their names. The one that has its name already counts, as it does for Go, where it comes last.
fn rename(fields: &mut Map<String, Value>, known: &[(&'static str, &'static str, &'static str)]) {
    let meant = |name: &String| Some((name.clone(), named(known, name)?.0)).filter(|(name, meant)| name != meant);
    let others: Vec<_> = fields.keys().filter_map(meant).collect();
    for (name, meant) in others {
        let value = fields.shift_remove(&name).unwrap_or_default();
        fields.entry(meant).or_insert(value);
    }
}

fn text(given: &Value) -> Option<String> {
    match given {
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(plain(number)),
        _ => None,
    }
}

/// `1` for `1.0`, as Go writes it.
pub fn plain(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e21 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_in_other_letters_is_the_structs_field() {
        let mut task = json!({"Spec": {"steps": [{"Image": "x", "name": "a", "Name": "b", "unknown": 1}]}});
        object("Task", &mut task);
        assert_eq!(task, json!({"spec": {"steps": [{"image": "x", "name": "a", "unknown": 1}]}}));
    }

    #[test]
    fn numbers_and_truths_become_texts_where_the_struct_has_a_text_and_only_there() {
        let mut task = json!({"metadata": {"name": "t", "labels": {"a": 1}}, "spec": {"params": null, "description": 5, "steps": [
            {"image": "x", "args": [1, true, 1.0], "env": [{"name": "n", "value": true}], "securityContext": {"runAsUser": 1}}]}});
        object("Task", &mut task);
        let step =
            json!({"image": "x", "args": ["1", "true", "1"], "env": [{"name": "n", "value": "true"}], "securityContext": {"runAsUser": 1}});
        assert_eq!(task, json!({"metadata": {"name": "t", "labels": {"a": "1"}}, "spec": {"description": "5", "steps": [step]}}));
        let mut template = json!({"nodeSelector": {"disk": 1}, "hostNetwork": true});
        value("Template", &mut template);
        assert_eq!(template, json!({"nodeSelector": {"disk": "1"}, "hostNetwork": true}));
    }
}
