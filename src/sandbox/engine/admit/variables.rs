//! Variables in the texts of a spec, read as Tekton's webhook reads them.

use std::collections::BTreeSet;

use serde_json::Value;

/// A text of a step and the field that holds it.
pub struct StepText<'a> {
    /// `script`, `args[1]`, `env[NAME]`
    pub field: String,
    /// The text
    pub text: &'a str,
    /// Whether it is an element of a list, where a variable may stand for several
    pub in_list: bool,
}

/// The texts of a step that variables may stand in.
pub fn step_texts(step: &Value) -> Vec<StepText<'_>> {
    let mut found = Vec::new();
    for field in ["name", "image", "workingDir", "script", "onError"] {
        if let Some(text) = step.get(field).and_then(Value::as_str) {
            found.push(StepText { field: field.to_owned(), text, in_list: false });
        }
    }
    for field in ["command", "args"] {
        for (index, text) in step.get(field).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let Some(text) = text.as_str() else { continue };
            found.push(StepText { field: format!("{field}[{index}]"), text, in_list: true });
        }
    }
    for variable in step.get("env").and_then(Value::as_array).into_iter().flatten() {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
        if let Some(text) = variable.get("value").and_then(Value::as_str) {
            found.push(StepText { field: format!("env[{name}]"), text, in_list: false });
        }
    }
    for (index, mount) in step.get("volumeMounts").and_then(Value::as_array).into_iter().flatten().enumerate() {
        for field in ["name", "mountPath", "subPath"] {
            if let Some(text) = mount.get(field).and_then(Value::as_str) {
                found.push(StepText { field: format!("volumeMounts[{index}].{field}"), text, in_list: false });
            }
        }
    }
    found
}

/// A variable under a prefix: `$(params.NAME…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// What follows the prefix, without brackets around a quoted name: `NAME`, `NAME.key`, `NAME[*]`
    pub inner: &'a str,
    /// Whether it is written with a dot
    dotted: bool,
    /// The whole, with `$(` and `)`
    pub whole: &'a str,
}

impl Variable<'_> {
    /// The name alone, without key and index.
    pub fn name(&self) -> &str {
        let name = if self.dotted { self.inner.split('.').next().unwrap_or_default() } else { self.inner };
        name.split('[').next().unwrap_or_default()
    }

    /// The key of an object that it names.
    pub fn key(&self) -> Option<&str> {
        if !self.dotted {
            return None;
        }
        self.inner.split_once('.').map(|(_, key)| key)
    }

    /// Whether it has more parts than a name and a key.
    pub fn is_too_long(&self) -> bool {
        self.dotted && self.inner.split('.').count() > 2
    }

    /// Whether it stands for a whole list or map: no key and no index.
    pub fn is_whole(&self) -> bool {
        self.key().is_none() && (self.inner.ends_with("[*]") || !self.inner.ends_with(']'))
    }
}

/// The variables of a text under a prefix such as `params` or `context.task`.
pub fn under<'a>(text: &'a str, prefix: &str) -> Vec<Variable<'a>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        let begin = &rest[start..];
        rest = &rest[start + 2..];
        let Some(after) = rest.strip_prefix(prefix) else { continue };
        let Some(end) = after.find(')') else { continue };
        let inside = &after[..end];
        let whole = &begin[..2 + prefix.len() + end + 1];
        if let Some(inner) = inside.strip_prefix('.') {
            found.push(Variable { inner, dotted: true, whole });
        } else if let Some(inner) = quoted(inside, '"').or_else(|| quoted(inside, '\'')) {
            found.push(Variable { inner, dotted: false, whole });
        }
    }
    found
}

fn quoted(inside: &str, quote: char) -> Option<&str> {
    let rest = inside.strip_prefix('[')?.strip_prefix(quote)?;
    let end = rest.find(quote)?;
    rest[end + 1..].starts_with(']').then(|| &rest[..end])
}

/// What is wrong with the variables of a text under a prefix, if only the given names exist.
pub fn unknown(text: &str, prefix: &str, names: &BTreeSet<String>) -> Option<String> {
    for variable in under(text, prefix) {
        if variable.is_too_long() {
            return Some(format!(
                "Invalid referencing of parameters in {text:?}! Only two dot-separated components after the prefix \
                 \"{prefix}\" are allowed."
            ));
        }
        if !names.contains(variable.name()) {
            return Some(format!("non-existent variable in {text:?}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{under, unknown};

    #[test]
    fn variables_are_read_with_key_and_index() {
        let read = |text| under(text, "params").iter().map(|v| (v.name().to_owned(), v.is_whole())).collect::<Vec<_>>();
        assert_eq!(read("$(params.a) $(params.b[*]) $(params.c[1]) $(params.d.k)").len(), 4);
        assert_eq!(read("$(params.b[*])"), [("b".to_owned(), true)]);
        assert_eq!(read("$(params.c[1])"), [("c".to_owned(), false)]);
        assert_eq!(read("$(params['x.y'])"), [("x.y".to_owned(), true)]);
        assert_eq!(read("$(paramsx.a) $(tasks.params.a)"), []);
    }

    #[test]
    fn what_does_not_exist_is_told() {
        let names = ["a".to_owned()].into();
        assert_eq!(unknown("$(params.a)", "params", &names), None);
        assert!(unknown("$(params.b)", "params", &names).is_some_and(|e| e == "non-existent variable in \"$(params.b)\""));
        assert!(unknown("$(params.a.b.c)", "params", &names).is_some_and(|e| e.contains("Only two dot-separated")));
        assert!(unknown("$(results.x-${i}.path)", "results", &names).is_some());
    }
}
