//! Params: what the variables `params.…` stand for, defaults that name other params, and the checks of what is passed
//! against what is declared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::substitute::{Replacements, expressions};
use super::value::{Param, ParamSpec, ParamValue};

/// How deep a default may refer to other defaults.
const DEEPEST_DEFAULT: usize = 10;

/// Every spelling of a param's variable.
pub fn spellings(name: &str) -> Vec<String> {
    vec![format!("params.{name}"), format!("params[\"{name}\"]"), format!("params['{name}']"), format!("inputs.params.{name}")]
}

/// What passed params stand for.
pub fn passed(params: &[Param]) -> Replacements {
    let mut replacements = Replacements::default();
    for param in params {
        replacements.insert(&spellings(&param.name), &param.value);
    }
    replacements
}

/// What a task's params stand for: declared defaults, then what is passed. Keys of an object that are not passed keep
/// their default.
pub fn of_task(declared: &[ParamSpec], params: &[Param]) -> Replacements {
    let mut replacements = Replacements::default();
    let (plain, referring): (Vec<_>, Vec<_>) = declared.iter().filter(|p| p.default.is_some()).partition(|p| !refers(p));
    for spec in plain.into_iter().chain(referring) {
        let Some(default) = &spec.default else { continue };
        replacements.insert(&spellings(&spec.name), &replacements.param_value(default));
    }
    for param in params {
        let mut value = param.value.clone();
        let default = declared.iter().find(|spec| spec.name == param.name).and_then(|spec| spec.default.as_ref());
        if let (ParamValue::Object(passed), Some(ParamValue::Object(default))) = (&mut value, default) {
            for (key, text) in default {
                passed.entry(key.clone()).or_insert_with(|| text.clone());
            }
        }
        replacements.insert(&spellings(&param.name), &value);
    }
    replacements
}

fn refers(spec: &ParamSpec) -> bool {
    spec.default.iter().flat_map(ParamValue::texts).any(|text| text.contains("$(params"))
}

/// What a pipeline's params stand for. A default may refer to other params in any order of declaration; a circle, a
/// chain of more than ten and a param that is not declared are errors.
pub fn of_pipeline(declared: &[ParamSpec], params: &[Param]) -> Result<Replacements, String> {
    let mut known = passed(params);
    let given: BTreeSet<&str> = params.iter().map(|param| param.name.as_str()).collect();
    let open: BTreeMap<&str, &ParamValue> = declared
        .iter()
        .filter(|spec| !given.contains(spec.name.as_str()))
        .filter_map(|spec| Some((spec.name.as_str(), spec.default.as_ref()?)))
        .collect();
    for (name, default) in open.iter().filter(|(_, default)| default.as_str().is_some()) {
        resolve(name, default, &open, &mut known, &mut Vec::new())?;
    }
    for (name, default) in open.iter().filter(|(_, default)| default.as_str().is_none()) {
        known.insert(&spellings(name), &known.param_value(default));
    }
    Ok(known)
}

fn resolve(
    name: &str,
    default: &ParamValue,
    open: &BTreeMap<&str, &ParamValue>,
    known: &mut Replacements,
    visiting: &mut Vec<String>,
) -> Result<(), String> {
    let key = format!("params.{name}");
    if known.strings.contains_key(&key) {
        return Ok(());
    }
    if visiting.contains(&key) {
        return Err(format!("parameter resolution failed: circular dependency detected in param {key:?}"));
    }
    if visiting.len() > DEEPEST_DEFAULT {
        return Err(format!("parameter resolution failed: maximum recursion depth ({DEEPEST_DEFAULT}) exceeded for param {key:?}"));
    }
    visiting.push(key.clone());
    for reference in default.texts().into_iter().flat_map(expressions).filter(|e| e.starts_with("params.")) {
        let bare = reference.split('[').next().unwrap_or(reference);
        if known.strings.contains_key(reference) || known.arrays.contains_key(bare) {
            continue;
        }
        let other = bare.trim_start_matches("params.");
        let Some((other, default)) = open.get_key_value(other) else {
            return Err(format!("parameter resolution failed: param {key:?} references undefined param {reference:?}"));
        };
        resolve(other, default, open, known, visiting)?;
    }
    visiting.pop();
    known.insert(&spellings(name), &known.param_value(default));
    Ok(())
}

/// Declared params that have neither a value nor a default.
pub fn missing(declared: &[ParamSpec], params: &[Param]) -> Vec<String> {
    let given: BTreeSet<&str> = params.iter().map(|param| param.name.as_str()).collect();
    let open = declared.iter().filter(|spec| spec.default.is_none() && !given.contains(spec.name.as_str()));
    open.map(|spec| spec.name.clone()).collect()
}

/// Passed params whose type is not the declared one. A text with a variable may still become a list or map when
/// `variables_allowed`.
pub fn wrong_types(declared: &[ParamSpec], params: &[Param], variables_allowed: bool) -> Vec<String> {
    let wrong = params.iter().filter(|param| {
        let Some(spec) = declared.iter().find(|spec| spec.name == param.name) else { return false };
        let pending = variables_allowed && param.value.as_str().is_some_and(|text| !expressions(text).is_empty());
        !pending && spec.type_name() != param.value.type_name()
    });
    wrong.map(|param| param.name.clone()).collect()
}

/// Declared keys of object params that neither the default nor the value has, by param, as Go prints such a map.
pub fn missing_keys(declared: &[ParamSpec], params: &[Param]) -> Option<String> {
    let mut found = BTreeMap::new();
    for spec in declared.iter().filter(|spec| spec.type_name() == "object") {
        let values = params.iter().filter(|param| param.name == spec.name).map(|param| &param.value);
        let maps: Vec<_> = values.chain(&spec.default).filter_map(|v| if let ParamValue::Object(m) = v { Some(m) } else { None }).collect();
        if maps.is_empty() {
            continue;
        }
        let wanted = spec.properties.iter().flatten().map(|(key, _)| key.as_str());
        let absent: Vec<&str> = wanted.filter(|key| !maps.iter().any(|map| map.contains_key(*key))).collect();
        if !absent.is_empty() {
            found.insert(spec.name.as_str(), absent);
        }
    }
    let entries: Vec<String> = found.iter().map(|(name, keys)| format!("{name}:{}", go_list(keys))).collect();
    (!entries.is_empty()).then(|| format!("map[{}]", entries.join(" ")))
}

/// References such as `$(params.list[5])` in a JSON tree whose index the list does not have.
pub fn out_of_bounds(declared: &[ParamSpec], params: &[Param], tree: &Value) -> Vec<String> {
    let mut lengths: BTreeMap<&str, usize> = BTreeMap::new();
    let defaults = declared.iter().filter_map(|spec| Some((spec.name.as_str(), spec.default.as_ref()?)));
    for (name, value) in defaults.chain(params.iter().map(|param| (param.name.as_str(), &param.value))) {
        if let ParamValue::Array(items) = value {
            lengths.insert(name, items.len());
        }
    }
    let mut found = BTreeSet::new();
    visit(tree, &mut |text| {
        for expression in expressions(text) {
            if let Some((name, index)) = indexed_param(expression)
                && lengths.get(name).is_some_and(|length| index >= *length)
            {
                found.insert(format!("$({expression})"));
            }
        }
    });
    found.into_iter().collect()
}

/// Name and index of `params.list[2]`, in any spelling of the name.
fn indexed_param(expression: &str) -> Option<(&str, usize)> {
    let (head, index) = expression.strip_suffix(']')?.rsplit_once('[')?;
    let name = head.strip_prefix("params")?;
    let name = name.strip_prefix('.').unwrap_or_else(|| name.trim_matches(['[', ']', '"', '\'']));
    Some((name, index.parse().ok()?))
}

fn visit(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, each)),
        Value::Object(map) => map.values().for_each(|value| visit(value, each)),
        _ => {}
    }
}

/// A list as Go prints one: `[a b]`.
pub fn go_list<S: AsRef<str>>(items: &[S]) -> String {
    format!("[{}]", items.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::{missing, missing_keys, of_pipeline, of_task, out_of_bounds, wrong_types};
    use crate::sandbox::engine::value::{Param, ParamSpec};
    use serde_json::{Value, json};

    fn specs(value: Value) -> Vec<ParamSpec> {
        serde_json::from_value(value).expect("declared params")
    }

    fn params(value: Value) -> Vec<Param> {
        serde_json::from_value(value).expect("params")
    }

    #[test]
    fn what_is_passed_wins_over_defaults_and_keys_are_merged() {
        let declared = specs(json!([
            {"name": "a", "default": "x"}, {"name": "b", "default": "$(params.a)!"},
            {"name": "o", "default": {"k": "1", "l": "2"}},
        ]));
        let r = of_task(&declared, &params(json!([{"name": "o", "value": {"k": "9"}}])));
        assert_eq!(r.text("$(params.b) $(params['a']) $(params.o.k) $(params.o.l)"), "x! x 9 2");
        let r = of_task(&declared, &params(json!([{"name": "a", "value": "y"}])));
        assert_eq!(r.text("$(params.a)"), "y");
    }

    #[test]
    fn pipeline_defaults_resolve_in_any_order() {
        let declared = specs(json!([
            {"name": "image", "default": "$(params.registry)/$(params.repo)"},
            {"name": "registry", "default": "reg"}, {"name": "repo"},
            {"name": "args", "type": "array", "default": ["--image=$(params.image)"]},
        ]));
        let r = of_pipeline(&declared, &params(json!([{"name": "repo", "value": "app"}]))).expect("resolves");
        assert_eq!(r.elements("$(params.args[*])"), ["--image=reg/app"]);
        assert_eq!(r.text("$(params.args[0])"), "--image=reg/app");
    }

    #[test]
    fn circles_and_unknown_params_in_defaults_are_told() {
        let circle = specs(json!([{"name": "a", "default": "$(params.b)"}, {"name": "b", "default": "$(params.a)"}]));
        assert!(of_pipeline(&circle, &[]).is_err_and(|e| e.contains("circular dependency")));
        let unknown = specs(json!([{"name": "a", "default": "$(params.zz)"}]));
        assert!(of_pipeline(&unknown, &[]).is_err_and(|e| e.contains("undefined param \"params.zz\"")));
    }

    #[test]
    fn what_is_missing_or_mistyped_is_named() {
        let declared = specs(json!([
            {"name": "s"}, {"name": "l", "type": "array", "default": ["1"]},
            {"name": "o", "type": "object", "properties": {"k": {}, "m": {}}},
        ]));
        assert_eq!(missing(&declared, &[]), ["s", "o"]);
        let given = params(json!([{"name": "s", "value": ["x"]}, {"name": "o", "value": {"k": "v"}}, {"name": "more", "value": "1"}]));
        assert_eq!(wrong_types(&declared, &given, false), ["s"]);
        assert_eq!(missing_keys(&declared, &given).as_deref(), Some("map[o:[m]]"));
        assert_eq!(out_of_bounds(&declared, &[], &json!({"a": "$(params.l[0]) $(params['l'][1])"})), ["$(params['l'][1])"]);
    }
}
