//! Params of the command line, by the types that the definition declares.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::objects::pipeline::ParamSpec;

/// A param and its value.
pub(super) type Param = (String, Value);

/// The params that a run may be given.
pub(super) enum Declared {
    /// These and no others
    Only(Vec<ParamSpec>),
    /// These are known, and there may be others: the definition is out of reach
    Known(Vec<ParamSpec>),
}

impl Declared {
    pub(super) fn specs(&self) -> &[ParamSpec] {
        match self {
            Self::Only(specs) | Self::Known(specs) => specs,
        }
    }

    /// What the params of a run tell of those that were declared.
    pub(super) fn by_run(run: &Value) -> Self {
        let params = run.pointer("/spec/params").and_then(Value::as_array).into_iter().flatten();
        let spec = |param: &Value| ParamSpec {
            name: param["name"].as_str().unwrap_or_default().to_owned(),
            default: Some(param["value"].clone()),
            ..ParamSpec::default()
        };
        Self::Known(params.map(spec).collect())
    }

    fn spec(&self, name: &str) -> Result<Option<&ParamSpec>, Failure> {
        let found = self.specs().iter().find(|p| p.name == name);
        match self {
            Self::Only(specs) if found.is_none() => {
                let failure = Failure::usage(format!("param '{name}' not present in spec"));
                let near = crate::near::nearest(name, specs.iter().map(|p| p.name.as_str()));
                Err(match near {
                    Some(near) => failure.hint(format!("did you mean {near}?")),
                    None => failure,
                })
            }
            _ => Ok(found),
        }
    }
}

/// What tkn looks at before it asks for anything.
///
/// # Errors
/// When a param has no name or no value.
pub(super) fn check(given: &[String]) -> Result<(), Failure> {
    given.iter().try_for_each(|text| match text.split_once('=') {
        Some((name, _)) if !name.trim().is_empty() => Ok(()),
        _ => Err(invalid(text)),
    })
}

/// Reads `-p name=value`. Called as tkn, a value means what it means to tkn. Under its own name the program also reads
/// JSON where an array or an object is declared, and a param that is given several times is an array of what was given,
/// commas and all.
///
/// # Errors
/// As tkn words them, with the param that was probably meant.
pub(super) fn parse(given: &[String], declared: &Declared, as_tkn: bool) -> Result<Vec<Param>, Failure> {
    let mut params: Vec<Param> = Vec::with_capacity(given.len());
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| invalid(text))?;
        let spec = declared.spec(name)?;
        let again = given.iter().filter(|other| other.split_once('=').is_some_and(|(n, _)| n == name)).count() > 1;
        let kind = spec.map_or_else(|| guessed(value, again), kind);
        let value = match as_tkn {
            true => plain(kind, value),
            false if again => one_of_several(kind, value),
            false => meant(kind, value),
        };
        let value = value.ok_or_else(|| invalid(text))?;
        match params.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if !as_tkn => join(known, value),
            // As with any flag, what was said last counts.
            Some((_, known)) => *known = value,
            None => params.push((name.to_owned(), value)),
        }
    }
    Ok(params)
}

/// Reads the params of a file: a map of names and values, or the list that a run has.
///
/// # Errors
/// Which field of the text is wrong, as a path of names and indexes, and what is wrong with it.
pub(super) fn of_file(value: &Value, declared: &Declared) -> Result<Vec<Param>, (Vec<String>, Failure)> {
    let entries: Vec<Entry<'_>> = match value {
        Value::Null => Vec::new(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (vec![name.clone()], name.as_str(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(named).collect::<Result<_, _>>()?,
        _ => return Err((Vec::new(), Failure::invalid("params are a map of names and values"))),
    };
    let read = |(path, name, value): (Vec<String>, &str, &Value)| {
        let spec = declared.spec(name).map_err(|failure| (path.clone(), failure))?;
        let kind = spec.map_or_else(|| natural(value), kind);
        let fitting = fitting(kind, value).ok_or_else(|| {
            let wanted = match kind {
                "array" => "a list of texts",
                "object" => "texts by name",
                _ => "a text",
            };
            (path, Failure::invalid(format!("param {name} of type {kind}: expected {wanted}")))
        })?;
        Ok((name.to_owned(), fitting))
    };
    entries.into_iter().map(read).collect()
}

type Entry<'v> = (Vec<String>, &'v str, &'v Value);

/// A param of a list, as a run has it.
fn named((i, item): (usize, &Value)) -> Result<Entry<'_>, (Vec<String>, Failure)> {
    match (item["name"].as_str(), item.get("value")) {
        (Some(name), Some(value)) => Ok((vec![i.to_string(), "value".to_owned()], name, value)),
        _ => Err((vec![i.to_string()], Failure::invalid("a param of a list has a name and a value"))),
    }
}

fn invalid(text: &str) -> Failure {
    Failure::usage(format!("invalid input format for param parameter: {text}"))
}

/// The type of a declared param.
pub(super) fn kind(spec: &ParamSpec) -> &str {
    match (&spec.kind, &spec.default) {
        (Some(kind), _) => kind,
        (None, Some(default)) => natural(default),
        (None, None) => "string",
    }
}

fn natural(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => "string",
    }
}

/// The type that is probably meant where none is declared.
fn guessed(text: &str, again: bool) -> &'static str {
    let read =
        || [("array", '['), ("object", '{')].into_iter().find(|(kind, begin)| text.starts_with(*begin) && json(kind, text).is_some());
    match again {
        true => "array",
        false => read().map_or("string", |(kind, _)| kind),
    }
}

/// A text as tkn reads it: an array parted by commas, an object as `key:value,key:value`.
fn plain(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "array" if text.is_empty() => Some(Value::Array(Vec::new())),
        "array" => Some(text.split(',').collect()),
        "object" => text.split(',').map(entry).collect::<Option<Map<_, _>>>().map(Value::Object),
        _ => Some(text.into()),
    }
}

fn entry(text: &str) -> Option<(String, Value)> {
    text.split_once(':').map(|(key, value)| (key.trim().to_owned(), value.trim().into()))
}

/// A text as a person means it: as JSON where it is JSON of the declared type.
pub(super) fn meant(kind: &str, text: &str) -> Option<Value> {
    json(kind, text).or_else(|| plain(kind, text))
}

fn json(kind: &str, text: &str) -> Option<Value> {
    if kind == "string" {
        return None;
    }
    let value = serde_json::from_str(text).ok().filter(|value| natural(value) == kind)?;
    fitting(kind, &value)
}

/// One of several values of the same param: an element of an array, or an entry of an object.
fn one_of_several(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "array" => Some(vec![text].into()),
        "object" => entry(text).map(|entry| Value::Object(Map::from_iter([entry]))),
        _ => plain(kind, text),
    }
}

fn join(known: &mut Value, more: Value) {
    match (known, more) {
        (Value::Array(items), Value::Array(more)) => items.extend(more),
        (Value::Object(fields), Value::Object(more)) => fields.extend(more),
        (known, more) => *known = more,
    }
}

/// A JSON value as a param of this type. Numbers and truth values are texts there; more depth has no place in a param.
fn fitting(kind: &str, value: &Value) -> Option<Value> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(Value::from(text.as_str())),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into()),
        _ => None,
    };
    match (kind, value) {
        ("array", Value::Array(items)) => items.iter().map(text).collect::<Option<Vec<_>>>().map(Value::Array),
        ("object", Value::Object(fields)) => {
            fields.iter().map(|(key, value)| Some((key.clone(), text(value)?))).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        ("array" | "object", _) => None,
        (_, value) => text(value),
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

    fn declared() -> Declared {
        let specs = json!([{"name": "s", "type": "string"}, {"name": "a", "type": "array"}, {"name": "o", "type": "object"}, {"name": "d", "default": ["x"]}]);
        Declared::Only(serde_json::from_value(specs).expect("specs"))
    }

    fn read(given: &[&str], as_tkn: bool) -> Result<Vec<Param>, String> {
        let given: Vec<String> = given.iter().map(|s| (*s).to_owned()).collect();
        parse(&given, &declared(), as_tkn).map_err(|failure| failure.message)
    }

    fn one(given: &[&str], as_tkn: bool) -> Value {
        let params = read(given, as_tkn).expect("params");
        assert_eq!(params.len(), 1);
        params[0].1.clone()
    }

    #[test]
    fn values_have_the_declared_types() {
        for as_tkn in [true, false] {
            let params = read(&["s=a=b,c", "a=x,y", "o=k:v, l : m:n", "d=z"], as_tkn).expect("params");
            let values: Vec<&Value> = params.iter().map(|(_, v)| v).collect();
            assert_eq!(values, [&json!("a=b,c"), &json!(["x", "y"]), &json!({"k": "v", "l": "m:n"}), &json!(["z"])]);
            assert_eq!(one(&["a="], as_tkn), json!([]));
            assert_eq!(one(&["s=1", "s=2"], as_tkn), json!("2"));
        }
    }

    #[test]
    fn json_is_read_where_an_array_or_an_object_is_declared() {
        assert_eq!(one(&[r#"a=["a,b","c",1,true]"#], false), json!(["a,b", "c", "1", "true"]));
        assert_eq!(one(&[r#"o={"k":"a,b:c","n":2}"#], false), json!({"k": "a,b:c", "n": "2"}));
        assert_eq!(one(&[r#"s=["a"]"#], false), json!(r#"["a"]"#));
        assert_eq!(one(&["a=[a,b]"], false), json!(["[a", "b]"]), "this is no JSON");
    }

    #[test]
    fn called_as_tkn_json_is_a_text_like_any_other() {
        assert_eq!(one(&[r#"a=["a","b"]"#], true), json!([r#"["a""#, r#""b"]"#]));
        assert_eq!(one(&["a=x", "a=y,z"], true), json!(["y", "z"]));
    }

    #[test]
    fn a_param_that_is_given_several_times_holds_all_of_it() {
        assert_eq!(one(&["a=x,y", "a=z", "a="], false), json!(["x,y", "z", ""]));
        assert_eq!(one(&["o=k:a,b", "o=l:c"], false), json!({"k": "a,b", "l": "c"}));
    }

    #[test]
    fn errors_are_worded_as_tkn_words_them() {
        for as_tkn in [true, false] {
            assert_eq!(read(&["s"], as_tkn), Err("invalid input format for param parameter: s".into()));
            assert_eq!(read(&["o=x"], as_tkn), Err("invalid input format for param parameter: o=x".into()));
            assert_eq!(read(&["x=1"], as_tkn), Err("param 'x' not present in spec".into()));
        }
        assert!(check(&["=v".to_owned()]).is_err() && check(&["v".to_owned()]).is_err() && check(&["v=".to_owned()]).is_ok());
    }

    #[test]
    fn a_file_holds_a_map_or_the_list_of_a_run() {
        let expected = Ok(vec![("s".to_owned(), json!("7")), ("a".to_owned(), json!(["x,y", "2"]))]);
        let of = |value: Value| of_file(&value, &declared()).map_err(|(path, failure)| (path.join("/"), failure.message));
        assert_eq!(of(json!({"s": 7, "a": ["x,y", 2]})), expected);
        assert_eq!(of(json!([{"name": "s", "value": 7}, {"name": "a", "value": ["x,y", 2]}])), expected);
        assert_eq!(of(json!({"z": "1"})), Err(("z".into(), "param 'z' not present in spec".into())));
        assert_eq!(of(json!({"a": "x"})), Err(("a".into(), "param a of type array: expected a list of texts".into())));
        assert_eq!(of(json!([{"name": "s", "value": []}])).map_err(|(path, _)| path), Err("0/value".into()));
    }

    #[test]
    fn params_of_a_run_tell_their_types() {
        let run = json!({"spec": {"params": [{"name": "list", "value": ["a"]}]}});
        let given = ["list=x,y".to_owned(), "new=1".to_owned(), r#"more=["a"]"#.to_owned()];
        let params = parse(&given, &Declared::by_run(&run), false).map_err(|f| f.message).expect("params");
        assert_eq!(params[0].1, json!(["x", "y"]));
        assert_eq!((&params[1].1, &params[2].1), (&json!("1"), &json!(["a"])));
    }

    #[test]
    fn defaults_are_shown_as_they_would_be_typed() {
        assert_eq!(as_typed(&json!(["a", "b"])), "a,b");
        assert_eq!(as_typed(&json!({"k": "v"})), "k:v");
        assert_eq!(as_typed(&json!("x")), "x");
    }
}
