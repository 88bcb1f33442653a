//! Server-side apply: who manages which field, what a new configuration changes, and where two managers disagree.
//! Fields are tracked down to their leaves; a list is one leaf unless its entries have a key. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::lists::{Merge, join, key_of, position};
use crate::kinds::Kind;

/// One step of a path: a field, or the entry of a list by its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(String),
    /// Key and its value as JSON
    Entry(String, String),
}

type Path = Vec<Step>;
type Fields = BTreeSet<Path>;

/// Who writes, as an entry of `managedFields` names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manager<'a> {
    /// `rtkn`, `kubectl-edit`
    pub name: &'a str,
    /// `tekton.dev/v1`
    pub api_version: String,
    /// `status`, or empty
    pub subresource: &'a str,
}

/// A field that another manager has with another value: the field, and the manager in words.
pub type Conflict = (String, String);

/// Fields of the metadata that nobody manages.
const UNMANAGED: &[&str] = &[
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "managedFields",
];

/// Lays a manager's configuration over the live object. Fields that it applied before and no longer names go, unless
/// another manager has them too.
pub fn apply(kind: &Kind, live: &mut Value, config: &Value, manager: &Manager, force: bool, now: Timestamp) -> Result<(), Vec<Conflict>> {
    let before = live.clone();
    let wanted = leaves(kind, config);
    let mut entries = read_managers(live);
    let own = (manager.name.to_owned(), "Apply".to_owned(), manager.subresource.to_owned());
    let mut conflicts = Vec::new();
    for (id, entry) in entries.iter_mut().filter(|(id, _)| **id != own) {
        let taken: Vec<Path> = entry.fields.iter().filter(|path| disagrees(path, &wanted, live, config)).cloned().collect();
        for path in taken {
            if !force {
                conflicts.push((words(&path), manager_words(id, &entry.api_version)));
            }
            entry.fields.remove(&path);
        }
    }
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let old = entries.remove(&own).map(|entry| entry.fields).unwrap_or_default();
    for path in old.difference(&wanted) {
        let shared = entries.values().any(|entry| entry.fields.contains(path));
        if !shared && !wanted.iter().any(|kept| kept.starts_with(path)) {
            remove(live, path);
        }
    }
    for path in &wanted {
        set(live, path, &get(config, path).cloned().unwrap_or_default());
    }
    entries.insert(own, Entry { api_version: manager.api_version.clone(), time: now.to_string(), fields: wanted });
    write_managers(live, entries, &before);
    Ok(())
}

/// Notes an update that was no apply: what it changed is the manager's from now on, and of nobody else.
pub fn track(kind: &Kind, before: &Value, after: &mut Value, manager: &Manager, now: Timestamp) {
    let (old, new) = (leaves(kind, before), leaves(kind, after));
    let changed: Fields = new.iter().filter(|path| get(before, path) != get(after, path)).cloned().collect();
    let mut entries = read_managers(before);
    for entry in entries.values_mut() {
        entry.fields.retain(|path| !changed.contains(path) && (new.contains(path) || !old.contains(path)));
    }
    if !changed.is_empty() {
        let own = (manager.name.to_owned(), "Update".to_owned(), manager.subresource.to_owned());
        let entry = entries.entry(own).or_default();
        entry.api_version.clone_from(&manager.api_version);
        entry.time = now.to_string();
        entry.fields.extend(changed);
    }
    write_managers(after, entries, before);
}

/// Whether a field of another manager is one that the configuration sets otherwise.
fn disagrees(path: &Path, wanted: &Fields, live: &Value, config: &Value) -> bool {
    let overlaps = wanted.iter().any(|mine| mine.starts_with(path) || path.starts_with(mine));
    // An empty object is a leaf that everybody may fill.
    overlaps && get(live, path) != get(config, path) && !get(live, path).is_some_and(is_empty)
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    api_version: String,
    time: String,
    fields: Fields,
}

/// Manager, operation, subresource
type Id = (String, String, String);

fn read_managers(object: &Value) -> BTreeMap<Id, Entry> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |entry: &Value| {
        let mut fields = Fields::new();
        if let Some(root) = entry["fieldsV1"].as_object() {
            read_fields(root, &mut Vec::new(), &mut fields);
        }
        let id = (text(&entry["manager"]), text(&entry["operation"]), text(&entry["subresource"]));
        (id, Entry { api_version: text(&entry["apiVersion"]), time: text(&entry["time"]), fields })
    };
    entries.iter().map(read).collect()
}

fn read_fields(node: &Map<String, Value>, path: &mut Path, fields: &mut Fields) {
    for (name, below) in node {
        let step = if let Some(field) = name.strip_prefix("f:") {
            Step::Field(field.to_owned())
        } else if let Some(Ok(Value::Object(key))) = name.strip_prefix("k:").map(serde_json::from_str)
            && let Some((key, value)) = key.iter().next()
        {
            Step::Entry(key.clone(), value.to_string())
        } else {
            continue;
        };
        path.push(step);
        match below.as_object() {
            Some(below) if !below.is_empty() => read_fields(below, path, fields),
            _ => {
                fields.insert(path.clone());
            }
        }
        path.pop();
    }
}

/// Writes the entries, and keeps the time of those whose fields are what they were.
fn write_managers(object: &mut Value, entries: BTreeMap<Id, Entry>, before: &Value) {
    let old = read_managers(before);
    let mut list = Vec::new();
    for (id, entry) in entries.into_iter().filter(|(_, entry)| !entry.fields.is_empty()) {
        let kept = old.get(&id).filter(|old| old.fields == entry.fields && old.api_version == entry.api_version);
        let mut root = Value::Object(Map::new());
        for path in &entry.fields {
            let mut node = &mut root;
            for step in path {
                node = &mut node[match step {
                    Step::Field(field) => format!("f:{field}"),
                    Step::Entry(key, value) => format!("k:{{{}:{value}}}", Value::String(key.clone())),
                }];
            }
            if node.is_null() {
                *node = json!({});
            }
        }
        let time = kept.map_or(entry.time, |old| old.time.clone());
        let (manager, operation, subresource) = id;
        let mut written = json!({
            "manager": manager, "operation": operation, "apiVersion": entry.api_version, "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": root,
        });
        if !subresource.is_empty() {
            written["subresource"] = json!(subresource);
        }
        list.push(written);
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if list.is_empty() {
        metadata.shift_remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), Value::Array(list));
    }
}

/// The paths of all leaves that somebody can manage.
fn leaves(kind: &Kind, object: &Value) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        if ["apiVersion", "kind"].contains(&name.as_str()) {
            continue;
        }
        let mut path = vec![Step::Field(name.clone())];
        if name == "metadata" {
            for (field, value) in value.as_object().into_iter().flatten().filter(|(field, _)| !UNMANAGED.contains(&field.as_str())) {
                path.push(Step::Field(field.clone()));
                collect(kind, &join(name, field), value, &mut path, &mut fields);
                path.pop();
            }
        } else {
            collect(kind, name, value, &mut path, &mut fields);
        }
    }
    fields
}

fn collect(kind: &Kind, dotted: &str, value: &Value, path: &mut Path, fields: &mut Fields) {
    match value {
        Value::Null => {}
        Value::Array(entries) if entries.is_empty() && key_of(kind, dotted, Merge::Apply).is_some() => {}
        Value::Object(below) if !below.is_empty() => {
            for (field, value) in below {
                path.push(Step::Field(field.clone()));
                collect(kind, &join(dotted, field), value, path, fields);
                path.pop();
            }
        }
        Value::Array(entries) if !entries.is_empty() && keyed(kind, dotted, entries).is_some() => {
            let key = keyed(kind, dotted, entries).unwrap_or_default();
            for entry in entries {
                path.push(Step::Entry(key.to_owned(), entry[key].to_string()));
                collect(kind, dotted, entry, path, fields);
                path.pop();
            }
        }
        _ => {
            fields.insert(path.clone());
        }
    }
}

fn keyed(kind: &Kind, dotted: &str, entries: &[Value]) -> Option<&'static str> {
    let key = key_of(kind, dotted, Merge::Apply)?;
    entries.iter().all(|entry| entry.get(key).is_some()).then_some(key)
}

fn get<'v>(object: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, step| match step {
        Step::Field(field) => value.get(field),
        Step::Entry(key, wanted) => {
            let list = value.as_array()?;
            list.get(position(list, key, &key_value(wanted))?)
        }
    })
}

/// The value of a key, which a path keeps as its JSON.
fn key_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn set(object: &mut Value, path: &[Step], value: &Value) {
    let Some((step, rest)) = path.split_first() else {
        *object = value.clone();
        return;
    };
    match step {
        Step::Field(field) => {
            if !object.is_object() {
                *object = json!({});
            }
            set(&mut object[field.as_str()], rest, value);
        }
        Step::Entry(key, wanted) => {
            if !object.is_array() {
                *object = json!([]);
            }
            let list = object.as_array_mut().expect("it was made one above");
            let wanted = key_value(wanted);
            let index = position(list, key, &wanted).unwrap_or_else(|| {
                list.push(json!({key.as_str(): wanted}));
                list.len() - 1
            });
            set(&mut list[index], rest, value);
        }
    }
}

/// Removes a leaf, and what is empty above it afterwards.
fn remove(object: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else { return };
    match step {
        Step::Field(field) => {
            let Some(fields) = object.as_object_mut() else { return };
            let Some(below) = fields.get_mut(field) else { return };
            remove(below, rest);
            if rest.is_empty() || is_empty(below) {
                fields.shift_remove(field);
            }
        }
        Step::Entry(key, wanted) => {
            let Some(list) = object.as_array_mut() else { return };
            let Some(index) = position(list, key, &key_value(wanted)) else { return };
            remove(&mut list[index], rest);
            if rest.is_empty() || is_empty(&list[index]) {
                list.remove(index);
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn words(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Field(field) => format!(".{field}"),
        Step::Entry(key, value) => format!("[{key}={value}]"),
    };
    path.iter().map(step).collect()
}

fn manager_words((manager, _, subresource): &Id, api_version: &str) -> String {
    if subresource.is_empty() {
        format!("\"{manager}\" using {api_version}")
    } else {
        format!("\"{manager}\" with subresource \"{subresource}\" using {api_version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn by(name: &'static str) -> Manager<'static> {
        Manager { name, api_version: "v1".to_owned(), subresource: "" }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn applied(live: &Value, config: &Value, manager: &'static str, force: bool) -> Result<Value, Vec<Conflict>> {
        let mut live = live.clone();
        apply(&kinds::CONFIG_MAP, &mut live, config, &by(manager), force, at(9)).map(|()| live)
    }

    fn config(data: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": {"a": "b"}}, "data": data})
    }

    #[test]
    fn the_same_configuration_changes_nothing() {
        let mut once = json!({"metadata": {"name": "c"}});
        apply(&kinds::CONFIG_MAP, &mut once, &config(json!({"x": "1", "l": [1]})), &by("rtkn"), false, at(1)).expect("applied");
        let twice = applied(&once, &config(json!({"x": "1", "l": [1]})), "rtkn", false).expect("applied");
        assert_eq!(once, twice);
        assert_eq!(once["metadata"]["managedFields"][0]["fieldsV1"]["f:data"], json!({"f:x": {}, "f:l": {}}));
    }

    #[test]
    fn a_field_that_is_no_longer_applied_goes() {
        let once = applied(&json!({"metadata": {}}), &config(json!({"x": "1", "y": "2"})), "rtkn", false).expect("applied");
        let twice = applied(&once, &config(json!({"x": "1"})), "rtkn", false).expect("applied");
        assert_eq!(twice["data"], json!({"x": "1"}));
        let shared = applied(&once, &config(json!({"y": "2"})), "other", false).expect("no conflict over equal values");
        let twice = applied(&shared, &config(json!({"x": "1"})), "rtkn", false).expect("applied");
        assert_eq!(twice["data"], json!({"x": "1", "y": "2"}));
    }

    #[test]
    fn another_managers_field_is_a_conflict_unless_forced() {
        let live = applied(&json!({"metadata": {}}), &config(json!({"x": "1"})), "rtkn", false).expect("applied");
        let conflicts = applied(&live, &config(json!({"x": "2"})), "other", false).expect_err("a conflict");
        assert_eq!(conflicts, [(".data.x".to_owned(), "\"rtkn\" using v1".to_owned())]);
        let taken = applied(&live, &config(json!({"x": "2"})), "other", true).expect("forced");
        assert_eq!(taken["data"]["x"], "2");
        assert!(applied(&taken, &config(json!({"x": "1"})), "rtkn", false).is_err());
    }

    #[test]
    fn an_update_takes_the_fields_it_changes() {
        let live = applied(&json!({"metadata": {}}), &config(json!({"x": "1", "y": "1"})), "rtkn", false).expect("applied");
        let mut edited = live.clone();
        edited["data"] = json!({"x": "2"});
        track(&kinds::CONFIG_MAP, &live, &mut edited, &by("kubectl-edit"), at(5));
        let conflicts = applied(&edited, &config(json!({"x": "1"})), "rtkn", false).expect_err("a conflict");
        assert_eq!(conflicts[0].1, "\"kubectl-edit\" using v1");
        let again = applied(&edited, &json!({"metadata": {}}), "rtkn", false).expect("applied");
        assert_eq!(again["data"], json!({"x": "2"}), "what another changed is not removed");
    }

    #[test]
    fn entries_with_a_key_are_managed_one_by_one() {
        let sa = |names: &[&str]| {
            let secrets: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"metadata": {}, "secrets": secrets})
        };
        let mut live = sa(&["a"]);
        let kind = &kinds::SERVICE_ACCOUNT;
        apply(kind, &mut live, &sa(&["b"]), &by("one"), false, at(1)).expect("applied");
        apply(kind, &mut live, &sa(&["c"]), &by("two"), false, at(1)).expect("applied");
        assert_eq!(live["secrets"], json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
        apply(kind, &mut live, &sa(&[]), &by("one"), false, at(1)).expect("applied");
        assert_eq!(live["secrets"], json!([{"name": "a"}, {"name": "c"}]));
    }
}
