//! The functions that Triggers adds to CEL, and the way between its values and JSON. Pure but for the Secrets that it is
//! given a way to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::extractors::{Arguments, This};
use cel::objects::Map as CelMap;
use cel::{Context, DeclarationError, ExecutionError, FunctionContext, Value as Cel};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::Secrets;
use super::forges::same;
use crate::sandbox::listeners::jsonpath::go_json;
use crate::sandbox::listeners::params::canonical_header;

type Outcome = Result<Cel, ExecutionError>;

/// Makes the functions known.
///
/// # Errors
/// When the language has one of that name already.
pub fn add(context: &mut Context<'_, '_>, secrets: &Secrets) -> Result<(), DeclarationError> {
    context
        .add_function("match", |This(headers): This<Cel>, name: Arc<String>, value: Arc<String>| first_header(&headers, &name) == *value)?;
    context.add_function("canonical", |This(headers): This<Cel>, name: Arc<String>| first_header(&headers, &name))?;
    context.add_function("truncate", |This(text): This<Arc<String>>, length: i64| truncated(&text, length))?;
    context.add_function("parseJSON", |ftx: &FunctionContext, This(text): This<Arc<String>>| {
        parsed(ftx, serde_json::from_str(&text).map_err(|error| error.to_string()), &text)
    })?;
    context.add_function("parseYAML", |ftx: &FunctionContext, This(text): This<Arc<String>>| {
        parsed(ftx, serde_saphyr::from_str(&text).map_err(|error| error.to_string()), &text)
    })?;
    context.add_function("parseURL", |This(text): This<Arc<String>>| of_json(&url(&text)))?;
    context.add_function("marshalJSON", |ftx: &FunctionContext, This(value): This<Cel>| -> Outcome {
        Ok(Cel::from(go_json(&to_json(&value).map_err(|error| ftx.error(error))?)))
    })?;
    context.add_function("first", |This(list): This<Arc<Vec<Cel>>>| list.first().cloned().unwrap_or(Cel::Null))?;
    context.add_function("last", |This(list): This<Arc<Vec<Cel>>>| list.last().cloned().unwrap_or(Cel::Null))?;
    context.add_function(
        "translate",
        |ftx: &FunctionContext, This(text): This<Arc<String>>, pattern: Arc<String>, by: Arc<String>| -> Outcome {
            let pattern = regex::Regex::new(&pattern);
            let pattern = pattern.map_err(|error| ftx.error(format!("failed to parse regular expression for translation: {error}")))?;
            Ok(Cel::from(pattern.replace_all(&text, by.as_str()).into_owned()))
        },
    )?;
    let secrets = Arc::clone(secrets);
    context.add_function("compareSecret", move |ftx: &FunctionContext, This(text): This<Arc<String>>, Arguments(args): Arguments| {
        compare_secret(ftx, &secrets, &text, &args)
    })?;
    context.add_function("sets.contains", |of: Arc<Vec<Cel>>, all: Arc<Vec<Cel>>| all.iter().all(|item| of.contains(item)))?;
    context.add_function("sets.intersects", |one: Arc<Vec<Cel>>, other: Arc<Vec<Cel>>| one.iter().any(|item| other.contains(item)))?;
    context.add_function("sets.equivalent", |one: Arc<Vec<Cel>>, other: Arc<Vec<Cel>>| {
        one.iter().all(|item| other.contains(item)) && other.iter().all(|item| one.contains(item))
    })
}

/// JSON as the language sees it after Go has decoded it: every number is floating point.
pub fn of_json(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => Cel::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(of_json).collect())),
        Value::Object(fields) => {
            let fields: HashMap<String, Cel> = fields.iter().map(|(name, value)| (name.clone(), of_json(value))).collect();
            Cel::Map(CelMap::from(fields))
        }
    }
}

/// What can be handed on as JSON: texts, bytes, numbers, truth, lists and maps.
///
/// # Errors
/// When it is something else.
pub fn to_json(value: &Cel) -> Result<Value, String> {
    match value {
        Cel::String(_) | Cel::Bytes(_) | Cel::Int(_) | Cel::Float(_) | Cel::Bool(_) | Cel::List(_) | Cel::Map(_) => {
            value.json().map(sorted).map_err(|error| error.to_string())
        }
        other => Err(format!("a value of type {} cannot be an overlay", other.type_of())),
    }
}

/// The same with the fields of objects in the order of their names; a map of the language has none.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// The first value of a header, whatever its spelling, or nothing.
fn first_header(headers: &Cel, name: &str) -> String {
    let Cel::Map(headers) = headers else { return String::new() };
    match headers.map.get(&cel::objects::Key::from(canonical_header(name))) {
        Some(Cel::List(values)) => match values.first() {
            Some(Cel::String(value)) => value.to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn truncated(text: &str, length: i64) -> String {
    // Go counts bytes; one that would cut a character in two leaves it out.
    let mut end = usize::try_from(length).unwrap_or(0).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn parsed(ftx: &FunctionContext, value: Result<Value, String>, text: &str) -> Outcome {
    let value = value.and_then(|value| if value.is_object() { Ok(value) } else { Err("it is no object".to_owned()) });
    value.map(|value| of_json(&value)).map_err(|error| ftx.error(format!("failed to decode '{text}' in {}: {error}", ftx.name)))
}

/// `KEY, SECRET` or `KEY, SECRET, NAMESPACE`; the namespace is not looked at, as in Triggers.
fn compare_secret(ftx: &FunctionContext, secrets: &Secrets, text: &str, args: &[Cel]) -> Result<bool, ExecutionError> {
    let (Some(Cel::String(key)), Some(Cel::String(name))) = (args.first(), args.get(1)) else {
        return Err(ftx.error("the key and the name of a Secret are needed"));
    };
    let secret = secrets(name, key).map_err(|error| ftx.error(format!("failed to find secret {name:?} in compareSecret: {error}")))?;
    Ok(same(&secret, text.as_bytes()))
}

/// The parts of a URL, by the names that Triggers gives them.
fn url(text: &str) -> Value {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let scheme =
        rest.split_once(':').filter(|(scheme, _)| scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(legal));
    let (scheme, rest) = scheme.unwrap_or(("", rest));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        all.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let joined: BTreeMap<&String, String> = all.iter().map(|(name, values)| (name, values.join(","))).collect();
    let mut parts = json!({
        "scheme": scheme.to_ascii_lowercase(), "host": host, "path": decoded(path), "rawQuery": query, "fragment": decoded(fragment),
        "queryStrings": all, "query": joined,
    });
    if let Some(user) = user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        parts["auth"] = json!({ "username": decoded(name), "password": decoded(password) });
    }
    parts
}
