//! Params of the command line, by the types that the definition declares.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::objects::pipeline::ParamSpec;

/// A param and its value.
pub(super) type Param = (String, Value);

/// Reads `-p name=value`.
///
/// # Errors
/// As tkn words them, with the param that was probably meant.
pub(super) fn parse(given: &[String], declared: &[ParamSpec]) -> Result<Vec<Param>, Failure> {
    let mut params: Vec<Param> = Vec::with_capacity(given.len());
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| invalid(text))?;
        let Some(spec) = declared.iter().find(|p| p.name == name) else {
            let failure = Failure::usage(format!("param '{name}' not present in spec"));
            let near = crate::near::nearest(name, declared.iter().map(|p| p.name.as_str()));
            return Err(match near {
                Some(near) => failure.hint(format!("did you mean {near}?")),
                None => failure,
            });
        };
        let value = typed(spec, value).ok_or_else(|| invalid(text))?;
        // As with any flag, what was said last counts.
        params.retain(|(known, _)| known != name);
        params.push((name.to_owned(), value));
    }
    Ok(params)
}

fn invalid(text: &str) -> Failure {
    Failure::usage(format!("invalid input format for param parameter: {text}"))
}

/// The type of a declared param.
pub(super) fn kind(spec: &ParamSpec) -> &str {
    match (&spec.kind, &spec.default) {
        (Some(kind), _) => kind,
        (None, Some(Value::Array(_))) => "array",
        (None, Some(Value::Object(_))) => "object",
        (None, _) => "string",
    }
}

/// A text as the value of a param: an array parted by commas, an object as `key:value,key:value`.
pub(super) fn typed(spec: &ParamSpec, text: &str) -> Option<Value> {
    match kind(spec) {
        "array" if text.is_empty() => Some(Value::Array(Vec::new())),
        "array" => Some(text.split(',').collect()),
        "object" => {
            let entry = |entry: &str| entry.split_once(':').map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim())));
            text.split(',').map(entry).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        _ => Some(text.into()),
    }
}

/// A default as it would be typed.
pub(super) fn as_typed(default: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match default {
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Object(fields) => fields.iter().map(|(key, value)| format!("{key}:{}", text(value))).collect::<Vec<_>>().join(","),
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn declared() -> Vec<ParamSpec> {
        let specs = json!([{"name": "s", "type": "string"}, {"name": "a", "type": "array"}, {"name": "o", "type": "object"}, {"name": "d", "default": ["x"]}]);
        serde_json::from_value(specs).expect("specs")
    }

    fn parsed(given: &[&str]) -> Result<Vec<Param>, String> {
        let given: Vec<String> = given.iter().map(|s| (*s).to_owned()).collect();
        parse(&given, &declared()).map_err(|failure| failure.message)
    }

    #[test]
    fn values_have_the_declared_types() {
        let params = parsed(&["s=a=b,c", "a=x,y", "o=k:v, l : m:n", "d=z"]).expect("params");
        let values: Vec<&Value> = params.iter().map(|(_, v)| v).collect();
        assert_eq!(values, [&json!("a=b,c"), &json!(["x", "y"]), &json!({"k": "v", "l": "m:n"}), &json!(["z"])]);
        assert_eq!(parsed(&["a="]), Ok(vec![("a".into(), json!([]))]));
        assert_eq!(parsed(&["s=1", "s=2"]), Ok(vec![("s".into(), json!("2"))]));
    }

    #[test]
    fn errors_are_worded_as_tkn_words_them() {
        assert_eq!(parsed(&["s"]), Err("invalid input format for param parameter: s".into()));
        assert_eq!(parsed(&["o=x"]), Err("invalid input format for param parameter: o=x".into()));
        assert_eq!(parsed(&["x=1"]), Err("param 'x' not present in spec".into()));
    }

    #[test]
    fn defaults_are_shown_as_they_would_be_typed() {
        assert_eq!(as_typed(&json!(["a", "b"])), "a,b");
        assert_eq!(as_typed(&json!({"k": "v"})), "k:v");
        assert_eq!(as_typed(&json!("x")), "x");
    }
}
