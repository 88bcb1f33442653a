//! How values read: params and results, workspace bindings, time limits, descriptions. The forms are those of tkn, and
//! through it of Go's `%v`.

use jiff::SignedDuration;
use serde_json::Value;

use super::{ABSENT, age};
use crate::objects::duration::GoDuration;
use crate::objects::pipeline::ParamSpec;
use crate::objects::run::{Param, WorkspaceBinding};

/// A param's value: a string as it is, an array as `[a b]`, an object as `map[k:v]` with its keys sorted.
pub fn param(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(" ")),
        Value::Object(_) => format!("map[{}]", entries(value).map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(" ")),
        other => scalar(other),
    }
}

/// A result's value: a string without the line break at its end, an array as `a, b`, an object as JSON.
pub fn result(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(", "),
        Value::Object(_) => {
            let fields: Vec<String> = entries(value).map(|(k, v)| format!("{}:{}", Value::from(k), Value::from(v))).collect();
            escaped_for_html(&format!("{{{}}}", fields.join(",")))
        }
        other => {
            let text = scalar(other);
            text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
        }
    }
}

/// JSON as Go writes it, whose strings may stand in a page of HTML.
fn escaped_for_html(json: &str) -> String {
    let escaped = |c: char| match c {
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(escaped).collect()
}

/// A string without quotes; anything else as JSON; nothing for null.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The fields of an object in alphabetical order.
fn entries(value: &Value) -> impl Iterator<Item = (&str, String)> {
    let mut fields: Vec<(&str, String)> = value.as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), scalar(v))).collect();
    fields.sort_unstable();
    fields.into_iter()
}

/// What a task of a Pipeline is given: `name: value, list: [ a, b ], object: { k: v }`. A value that names a param of
/// the Pipeline is shown as that param's default.
pub fn task_params(params: &[Param], declared: &[ParamSpec]) -> String {
    if params.is_empty() {
        return ABSENT.to_owned();
    }
    let text = |param: &Param| match &param.value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| with_default(&scalar(item), declared)).collect();
            if items.is_empty() { "[".to_owned() } else { format!("[ {} ]", items.join(", ")) }
        }
        Value::Object(fields) if fields.is_empty() => "{".to_owned(),
        Value::Object(_) => {
            let fields: Vec<String> = entries(&param.value).map(|(k, v)| format!("{k}: {}", with_default(&v, declared))).collect();
            format!("{{ {} }}", fields.join(" , "))
        }
        other => with_default(&scalar(other), declared),
    };
    params.iter().map(|p| format!("{}: {}", p.name, text(p))).collect::<Vec<_>>().join(", ")
}

fn with_default(value: &str, declared: &[ParamSpec]) -> String {
    if !value.contains('$') {
        return value.to_owned();
    }
    let name = value.replace(['$', '(', ')'], "").replace("params.", "");
    let Some(spec) = declared.iter().find(|spec| spec.name == name) else { return String::new() };
    match &spec.default {
        None => spec.kind.clone().unwrap_or_default(),
        Some(Value::Array(items)) => items.iter().map(scalar).collect::<Vec<_>>().join(" "),
        Some(object @ Value::Object(_)) => {
            format!("{{{}}}", entries(object).map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(","))
        }
        Some(other) => scalar(other),
    }
}

/// What a workspace is bound to: `PersistentVolumeClaim (claimName=cache)`.
pub fn binding(workspace: &WorkspaceBinding) -> String {
    let text = |source: &Value, field: &str| source[field].as_str().unwrap_or_default().to_owned();
    if workspace.volume_claim_template.is_some() {
        return "VolumeClaimTemplate".to_owned();
    }
    type Form = fn(&Value, String) -> String;
    let sources: [(&Option<Value>, Form, &str); 5] = [
        (&workspace.persistent_volume_claim, |_, name| format!("PersistentVolumeClaim (claimName={name})"), "claimName"),
        (&workspace.empty_dir, |_, medium| format!("EmptyDir (emptyDir={medium})"), "medium"),
        (&workspace.config_map, |source, name| format!("ConfigMap (config={name}{})", items(source)), "name"),
        (&workspace.secret, |source, name| format!("Secret (secret={name}{})", items(source)), "secretName"),
        (&workspace.csi, |_, driver| format!("CSI (Driver={driver})"), "driver"),
    ];
    let bound = sources.into_iter().find_map(|(source, form, field)| source.as_ref().map(|s| form(s, text(s, field))));
    bound.unwrap_or_default()
}

fn items(source: &Value) -> String {
    let items = source["items"].as_array().into_iter().flatten();
    items.map(|i| format!(",item={}={}", i["key"].as_str().unwrap_or_default(), i["path"].as_str().unwrap_or_default())).collect()
}

/// A time limit as Go writes it, `1h0m0s`; a text that is no duration stays as it is.
pub fn timeout(text: &str) -> String {
    GoDuration::parse(text).map_or_else(|| text.to_owned(), |limit| limit.to_string())
}

/// A time limit in words: `1 hour 30 minutes`.
pub fn timeout_in_words(text: Option<&str>) -> String {
    match text {
        None => ABSENT.to_owned(),
        Some(text) => text.parse::<SignedDuration>().map_or_else(|_| text.to_owned(), age::in_words),
    }
}

/// A description in twenty bytes; a longer one ends in three points. tkn counts bytes too, but cuts characters in two.
pub fn shortened(description: &str) -> String {
    if description.len() <= 20 {
        return description.to_owned();
    }
    let end = (0..=19).rev().find(|at| description.is_char_boundary(*at)).unwrap_or_default();
    format!("{}...", &description[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_read_as_go_writes_them() {
        assert_eq!(param(&json!("a b")), "a b");
        assert_eq!(param(&json!(["a", "b c"])), "[a b c]");
        assert_eq!(param(&json!({"b": "2", "a": "1"})), "map[a:1 b:2]");
        assert_eq!(result(&json!("text\n\n")), "text\n");
        assert_eq!(result(&json!(["a", "b"])), "a, b");
        assert_eq!(result(&json!({"b": "\"", "a": "1"})), r#"{"a":"1","b":"\""}"#);
    }

    #[test]
    fn values_that_name_a_param_are_shown_as_its_default() {
        let declared: Vec<ParamSpec> = serde_json::from_value(json!([
            {"name": "url", "type": "string"}, {"name": "tag", "type": "string", "default": "latest"},
            {"name": "list", "type": "array", "default": ["x", "y"]},
        ]))
        .unwrap();
        let params: Vec<Param> = serde_json::from_value(json!([
            {"name": "a", "value": "$(params.url)"}, {"name": "b", "value": ["$(params.tag)", "z"]},
            {"name": "c", "value": {"k": "$(params.list)", "l": "v"}}, {"name": "d", "value": "at $(params.tag)"},
        ]))
        .unwrap();
        assert_eq!(task_params(&params, &declared), "a: string, b: [ latest, z ], c: { k: x y , l: v }, d: ");
        assert_eq!(task_params(&[], &declared), "---");
    }

    #[test]
    fn bindings_name_their_source() {
        let bound = |source: Value| binding(&serde_json::from_value(source).unwrap());
        assert_eq!(bound(json!({"name": "w", "emptyDir": {}})), "EmptyDir (emptyDir=)");
        assert_eq!(bound(json!({"name": "w", "emptyDir": {"medium": "Memory"}})), "EmptyDir (emptyDir=Memory)");
        let items = json!({"name": "w", "configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}});
        assert_eq!(bound(items), "ConfigMap (config=c,item=k=p)");
        assert_eq!(bound(json!({"name": "w"})), "");
    }

    #[test]
    fn limits_read_as_durations() {
        assert_eq!(timeout("1h30m"), "1h30m0s");
        assert_eq!(timeout("1.5s"), "1.5s");
        assert_eq!(timeout("soon"), "soon");
        assert_eq!(timeout_in_words(Some("90m")), "1 hour 30 minutes");
        assert_eq!(timeout_in_words(None), "---");
    }

    #[test]
    fn descriptions_are_cut_between_characters() {
        assert_eq!(shortened("twenty bytes, no more"), "twenty bytes, no mo...");
        assert_eq!(shortened("exactly twenty bytes"), "exactly twenty bytes");
        assert_eq!(shortened("日本語の説明です"), "日本語の説明...");
    }
}
