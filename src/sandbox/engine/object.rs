//! Reading and making the common parts of objects: metadata, owners, times.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// The part of an object at a JSON pointer (RFC 6901). Most have no escapes, and need not the two copies of each name that are
/// made to undo them: a run of a hundred tasks asks some hundred thousand times.
pub fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return object.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(object, |value, name| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The text at a JSON pointer; empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// A map of `metadata`: `labels` or `annotations`.
pub fn metadata<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.pointer(&format!("/metadata/{field}")).and_then(Value::as_object).into_iter().flatten()
}

/// One label; empty when it is not there.
pub fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    at(object, "/metadata/labels").and_then(|l| l.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// One annotation; empty when it is not there.
pub fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    at(object, "/metadata/annotations").and_then(|a| a.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer; empty when there is none.
pub fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The part of an object at a JSON pointer, read through a lens; its default when it is not there.
pub fn read<T: DeserializeOwned + Default>(object: &Value, pointer: &str) -> Result<T, serde_json::Error> {
    match at(object, pointer) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(part) => T::deserialize(part),
    }
}

/// A time of an object's status or metadata.
pub fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// A time as the API writes it, in whole seconds: `2026-11-23T06:47:42Z`.
pub fn stamp(at: Timestamp) -> Value {
    Value::from(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The owner reference that a controller puts on what it makes.
pub fn owner(kind: &Kind, object: &Value) -> Value {
    json!([{
        "apiVersion": kind.api_version(kind.version()),
        "kind": kind.kind,
        "name": name(object),
        "uid": uid(object),
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

/// UID of the first owner of a kind.
pub fn owner_name<'a>(object: &'a Value, kind: &Kind) -> Option<&'a str> {
    items(object, "/metadata/ownerReferences").iter().find(|o| text(o, "/kind") == kind.kind).map(|o| text(o, "/name"))
}

/// Whether an object is owned by another.
pub fn is_owned_by(object: &Value, owner: &Value) -> bool {
    items(object, "/metadata/ownerReferences").iter().any(|reference| text(reference, "/uid") == uid(owner))
}

/// A map inside an object, made when it is not there.
pub fn map_mut<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let map = object.as_object_mut().expect("made an object above");
    let slot = map.entry(field).or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("made an object above")
}
