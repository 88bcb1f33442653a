//! Putting values into `$(…)`: one pass over each text, as Tekton does, so that a value that looks like a variable is
//! never replaced again.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::value::{Param, ParamValue};

/// What variables stand for, by the text between `$(` and `)`.
#[derive(Clone, Debug, Default)]
pub struct Replacements {
    /// Variables that stand for text
    pub strings: HashMap<String, String>,
    /// Variables that stand for a whole list
    pub arrays: HashMap<String, Vec<String>>,
    /// Variables that stand for a whole map
    pub objects: HashMap<String, IndexMap<String, String>>,
}

/// Fields of a step, a volume or a step template that Tekton leaves as they are.
const LITERAL_FIELDS: [&str; 5] = ["securityContext", "computeResources", "description", "results", "displayName"];

/// Fields whose elements become several when a variable stands for a whole list.
const LIST_FIELDS: [&str; 2] = ["command", "args"];

impl Replacements {
    /// Replacements of text only.
    pub fn of_strings<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let strings = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { strings, ..Self::default() }
    }

    /// Adds a value under each of the spellings of its variable.
    pub fn insert(&mut self, spellings: &[String], value: &ParamValue) {
        for spelling in spellings {
            match value {
                ParamValue::String(text) => {
                    self.strings.insert(spelling.clone(), text.clone());
                }
                ParamValue::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.strings.insert(format!("{spelling}[{index}]"), item.clone());
                    }
                    self.arrays.insert(spelling.clone(), items.clone());
                }
                ParamValue::Object(map) => {
                    for (key, text) in map {
                        self.strings.insert(format!("{spelling}.{key}"), text.clone());
                    }
                    self.objects.insert(spelling.clone(), map.clone());
                }
            }
        }
    }

    /// Adds all of another's, which win.
    pub fn extend(&mut self, other: Self) {
        self.strings.extend(other.strings);
        self.arrays.extend(other.arrays);
        self.objects.extend(other.objects);
    }

    /// The text with every known variable replaced; unknown ones stay literally.
    pub fn text(&self, input: &str) -> String {
        let mut out = String::with_capacity(input.len());
        let mut rest = input;
        while let Some(start) = rest.find("$(") {
            out.push_str(&rest[..start]);
            let inner = &rest[start + 2..];
            let known = inner.find(')').and_then(|end| Some((end, self.strings.get(&inner[..end])?)));
            match known {
                Some((end, value)) => {
                    out.push_str(value);
                    rest = &inner[end + 1..];
                }
                None => {
                    out.push_str("$(");
                    rest = inner;
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// The elements that one element of a list becomes: several when it is exactly a variable for a whole list.
    pub fn elements(&self, input: &str) -> Vec<String> {
        match self.arrays.get(whole_reference(input).unwrap_or_default()) {
            Some(items) => items.clone(),
            None => vec![self.text(input)],
        }
    }

    /// A param's value. A string that is exactly a variable for a list or map becomes that list or map.
    pub fn param_value(&self, value: &ParamValue) -> ParamValue {
        match value {
            ParamValue::Array(items) => ParamValue::Array(items.iter().flat_map(|i| self.elements(i)).collect()),
            ParamValue::Object(map) => ParamValue::Object(map.iter().map(|(k, v)| (k.clone(), self.text(v))).collect()),
            ParamValue::String(text) => {
                let whole = whole_reference(text).unwrap_or_default();
                if let Some(items) = self.arrays.get(whole) {
                    return ParamValue::Array(items.clone());
                }
                if let Some(map) = self.objects.get(whole) {
                    return ParamValue::Object(map.clone());
                }
                ParamValue::String(self.text(text))
            }
        }
    }

    /// The values of params.
    pub fn params(&self, params: &mut [Param]) {
        for param in params {
            param.value = self.param_value(&param.value);
        }
    }

    /// A task's spec: its steps, template, sidecars and volumes, and where workspaces are mounted.
    pub fn task_spec(&self, spec: &mut Value) {
        for field in ["steps", "stepTemplate", "sidecars", "volumes"] {
            if let Some(value) = spec.get_mut(field) {
                self.tree(value);
            }
        }
        for workspace in spec.get_mut("workspaces").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(path) = workspace.get_mut("mountPath") {
                self.tree(path);
            }
        }
    }

    /// Every text of a JSON tree, but the fields that stay literal.
    pub fn tree(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains("$(") => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.tree(item)),
            Value::Object(map) => {
                for (key, value) in map.iter_mut().filter(|(key, _)| !LITERAL_FIELDS.contains(&key.as_str())) {
                    match value {
                        Value::Array(items) if LIST_FIELDS.contains(&key.as_str()) => self.list(items),
                        other => self.tree(other),
                    }
                }
            }
            _ => {}
        }
    }

    fn list(&self, items: &mut Vec<Value>) {
        let replaced = items.iter().flat_map(|item| match item.as_str() {
            Some(text) => self.elements(text).into_iter().map(Value::from).collect(),
            None => vec![item.clone()],
        });
        *items = replaced.collect();
    }
}

/// The variable of a text that is nothing but one variable, without `[*]`: `params.list` of `$(params.list[*])`.
pub fn whole_reference(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("$(")?.strip_suffix(')')?;
    let inner = inner.strip_suffix("[*]").unwrap_or(inner);
    (!inner.contains(['(', ')'])).then_some(inner)
}

/// The variables of a text, without `$(` and `)`: dotted names with an optional `[0]` or `[*]`, or with a quoted name in
/// brackets. Shell substitutions such as `$(cat x)` are none.
pub fn expressions(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        rest = &rest[start + 2..];
        if let Some(end) = rest.find(')')
            && is_variable(&rest[..end])
        {
            found.push(&rest[..end]);
        }
    }
    found
}

fn is_variable(inner: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let name = inner.find(|c| !plain(c)).unwrap_or(inner.len());
    let mut rest = &inner[name..];
    while let Some(bracket) = rest.strip_prefix('[') {
        let Some(end) = bracket.find(']') else { return false };
        let index = &bracket[..end];
        let quoted = index.len() > 2 && (index.starts_with(['"', '\'']) && index.ends_with(['"', '\'']));
        if index != "*" && !quoted && (index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit())) {
            return false;
        }
        rest = &bracket[end + 1..];
        if let Some(after) = rest.strip_prefix('.') {
            rest = after.trim_start_matches(plain);
        }
    }
    name > 0 && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Replacements, expressions, whole_reference};
    use crate::sandbox::engine::value::ParamValue;
    use serde_json::json;

    fn replacements() -> Replacements {
        let mut r = Replacements::of_strings([("params.a", "$(params.b)"), ("params.b", "two")]);
        r.insert(&["params.list".into()], &ParamValue::Array(vec!["x".into(), "y".into()]));
        r.insert(&["params.map".into()], &ParamValue::Object([("k".to_owned(), "v".to_owned())].into_iter().collect()));
        r
    }

    #[test]
    fn one_pass_leaves_values_and_unknown_variables_alone() {
        let r = replacements();
        assert_eq!(r.text("$(params.a) $(params.b)"), "$(params.b) two");
        assert_eq!(r.text("$(cat $(params.b)) $(params.none) $("), "$(cat two) $(params.none) $(");
        assert_eq!(r.text("$(params.list[1]) $(params.map.k)"), "y v");
    }

    #[test]
    fn whole_lists_and_maps_change_the_type() {
        let r = replacements();
        assert_eq!(r.elements("$(params.list[*])"), ["x", "y"]);
        assert_eq!(r.elements("-$(params.list[*])"), ["-$(params.list[*])"]);
        assert_eq!(r.param_value(&ParamValue::String("$(params.list[*])".into())).type_name(), "array");
        assert_eq!(r.param_value(&ParamValue::String("$(params.map[*])".into())).type_name(), "object");
    }

    #[test]
    fn a_task_spec_is_replaced_where_tekton_does() {
        let mut spec = json!({
            "description": "$(params.b)",
            "steps": [{"script": "$(params.b)", "args": ["a", "$(params.list)"], "securityContext": {"x": "$(params.b)"}}],
            "results": [{"name": "r", "description": "$(params.b)"}],
            "workspaces": [{"name": "w", "mountPath": "/$(params.b)"}],
        });
        replacements().task_spec(&mut spec);
        assert_eq!(spec["steps"][0]["script"], "two");
        assert_eq!(spec["steps"][0]["args"], json!(["a", "x", "y"]));
        assert_eq!(spec["steps"][0]["securityContext"]["x"], "$(params.b)");
        assert_eq!(spec["description"], "$(params.b)");
        assert_eq!(spec["workspaces"][0]["mountPath"], "/two");
    }

    #[test]
    fn variables_are_told_from_shell_substitutions() {
        assert_eq!(
            expressions(r#"$(params.a) $(cat x) $(tasks.t.results.r[0]) $(params["a.b"]) $(x"#),
            ["params.a", "tasks.t.results.r[0]", r#"params["a.b"]"#]
        );
        assert_eq!(whole_reference("$(params.a[*])"), Some("params.a"));
        assert_eq!(whole_reference("x$(params.a)"), None);
    }
}
