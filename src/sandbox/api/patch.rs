//! JSON patch, merge patch and strategic merge patch. Pure; server-side apply has a module of its own.

use json_patch::Patch;
use serde_json::{Map, Value};

use super::lists::{Merge, join, key_of, position};
use crate::kinds::Kind;

/// Applies the operations of a JSON patch; on an error nothing is said about the object's state.
pub fn json(object: &mut Value, patch: &Value) -> Result<(), String> {
    let patch: Patch = serde_json::from_value(patch.clone()).map_err(|error| format!("the body is no JSON patch: {error}"))?;
    json_patch::patch(object, &patch).map_err(|error| error.to_string())
}

/// Applies a merge patch (RFC 7386).
pub fn merge(object: &mut Value, patch: &Value) {
    json_patch::merge(object, patch);
}

/// Applies a strategic merge patch: a merge patch that merges lists with keys entry by entry.
pub fn strategic(kind: &Kind, object: &mut Value, patch: &Value) -> Result<(), String> {
    let Value::Object(patch) = patch else { return Err("a strategic merge patch is an object".to_owned()) };
    merge_fields(kind, "", object, patch)
}

fn merge_fields(kind: &Kind, path: &str, object: &mut Value, patch: &Map<String, Value>) -> Result<(), String> {
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        let rest = patch.iter().filter(|(field, _)| *field != "$patch");
        *object = Value::Object(rest.map(|(field, value)| (field.clone(), value.clone())).collect());
        return Ok(());
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    for (field, value) in patch {
        // The order of a list's entries; they are kept in the order they have.
        if field.starts_with("$setElementOrder/") {
            continue;
        }
        if let Some(list) = field.strip_prefix("$deleteFromPrimitiveList/") {
            remove_entries(&mut object[list], value);
            continue;
        }
        if field.starts_with('$') {
            return Err(format!("the directive {field} of strategic merge patches is not supported by the sandbox (at {path})"));
        }
        merge_value(kind, &join(path, field), &mut object[field.as_str()], value)?;
        if object[field.as_str()].is_null() {
            object.as_object_mut().expect("it was made one above").shift_remove(field);
        }
    }
    Ok(())
}

fn merge_value(kind: &Kind, path: &str, target: &mut Value, patch: &Value) -> Result<(), String> {
    match patch {
        Value::Object(fields) => merge_fields(kind, path, target, fields),
        Value::Array(entries) => match key_of(kind, path, Merge::Strategic) {
            Some(key) => merge_list(kind, path, key, target, entries),
            None if path == "metadata.finalizers" => {
                let present = target.as_array().cloned().unwrap_or_default();
                let added = entries.iter().filter(|entry| !present.contains(entry)).cloned();
                *target = Value::Array(present.iter().cloned().chain(added).collect());
                Ok(())
            }
            None => {
                *target = patch.clone();
                Ok(())
            }
        },
        _ => {
            *target = patch.clone();
            Ok(())
        }
    }
}

fn merge_list(kind: &Kind, path: &str, key: &str, target: &mut Value, entries: &[Value]) -> Result<(), String> {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let list = target.as_array_mut().expect("it was made one above");
    for entry in entries {
        let fields = entry.as_object().ok_or_else(|| format!("an entry of {path} is no object"))?;
        let value = fields.get(key).ok_or_else(|| format!("an entry of {path} has no {key}, which tells its entries apart"))?;
        let found = position(list, key, value);
        if fields.get("$patch").and_then(Value::as_str) == Some("delete") {
            if let Some(found) = found {
                list.remove(found);
            }
            continue;
        }
        let index = found.unwrap_or_else(|| {
            list.push(Value::Null);
            list.len() - 1
        });
        merge_fields(kind, path, &mut list[index], fields)?;
    }
    Ok(())
}

fn remove_entries(list: &mut Value, unwanted: &Value) {
    if let (Some(list), Some(unwanted)) = (list.as_array_mut(), unwanted.as_array()) {
        list.retain(|entry| !unwanted.contains(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use serde_json::json;

    fn patched(object: Value, patch: &Value) -> Result<Value, String> {
        let mut object = object;
        strategic(&kinds::SERVICE_ACCOUNT, &mut object, patch).map(|()| object)
    }

    #[test]
    fn keyed_lists_are_merged_by_entry() {
        let patch =
            json!({"secrets": [{"name": "b"}, {"name": "a", "$patch": "delete"}], "$setElementOrder/secrets": [{"name": "b"}], "x": null});
        let object = json!({"secrets": [{"name": "a"}, {"name": "c"}], "x": 1});
        assert_eq!(patched(object, &patch), Ok(json!({"secrets": [{"name": "c"}, {"name": "b"}]})));
    }

    #[test]
    fn other_lists_are_replaced_and_finalizers_are_a_set() {
        let patch = json!({"rules": [2], "metadata": {"finalizers": ["b"], "labels": {"a": null, "b": "c"}}});
        let object = json!({"rules": [1, 1], "metadata": {"finalizers": ["a"], "labels": {"a": "x"}}});
        assert_eq!(patched(object, &patch), Ok(json!({"rules": [2], "metadata": {"finalizers": ["a", "b"], "labels": {"b": "c"}}})));
    }

    #[test]
    fn unknown_directives_are_refused_by_name() {
        let error = patched(json!({}), &json!({"spec": {"$retainKeys": ["a"]}})).expect_err("refused");
        assert!(error.contains("$retainKeys"), "{error}");
        assert!(patched(json!({}), &json!({"secrets": [{}]})).is_err());
    }

    #[test]
    fn a_json_patch_that_does_not_fit_is_an_error() {
        let mut object = json!({"a": 1});
        assert!(json(&mut object, &json!([{"op": "test", "path": "/a", "value": 2}])).is_err());
        assert!(json(&mut object, &json!({"a": 2})).is_err());
        json(&mut object, &json!([{"op": "replace", "path": "/a", "value": 2}])).expect("applied");
        assert_eq!(object, json!({"a": 2}));
    }
}
