//! From an event to parameters and from parameters to objects: what TriggerBindings take out of an event, and what a
//! TriggerTemplate makes of it. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::event::Event;
use super::jsonpath::{Path, PathError};

/// Tells a TriggerTemplate to put a backslash before every quote of a value, as old versions did.
const OLD_ESCAPE: &str = "triggers.tekton.dev/old-escape-quotes";

/// One parameter of a binding: its name, and its value with expressions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `url`
    pub name: String,
    /// `$(body.url)`
    pub value: String,
}

/// Why an event makes nothing; worded as the real listener's log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// Two bindings give the same parameter
    #[error("failed to resolve bindings: duplicate param name: {0}")]
    Duplicate(String),
    /// An expression selects nothing, and the template has no default
    #[error("failed to ApplyEventValuesToParams: failed to replace JSONPath value for param {name}: {value}: {source}")]
    Expression {
        /// The parameter
        name: String,
        /// Its value as the binding has it
        value: String,
        /// What is wrong with it
        source: PathError,
    },
    /// The body of the event is no JSON, in a listener that takes any
    #[error("failed to ApplyEventValuesToParams: failed to marshal event: failed to unmarshal request body: {0}")]
    Body(String),
    /// The object that the template describes is no JSON once the values are in
    #[error("couldn't unmarshal json from the TriggerTemplate: {0}")]
    Template(String),
}

/// The bindings' parameters with the event's values put in. Defaults of the template fill in for parameters that no binding
/// gives and for expressions that select nothing.
///
/// # Errors
/// When a parameter is given twice, or an expression selects nothing and there is no default.
pub fn resolve(bindings: &[Binding], template: &Value, event: &Value) -> Result<BTreeMap<String, String>, ParamError> {
    let declared = template["params"].as_array().map(Vec::as_slice).unwrap_or_default();
    let default = |param: &Value| Some((param["name"].as_str()?.to_owned(), param["default"].as_str()?.to_owned()));
    let mut params: BTreeMap<String, String> = declared.iter().filter_map(default).collect();
    for (i, binding) in bindings.iter().enumerate() {
        if bindings[..i].iter().any(|earlier| earlier.name == binding.name) {
            return Err(ParamError::Duplicate(binding.name.clone()));
        }
        let fallback = params.get(&binding.name).cloned();
        let mut value = binding.value.clone();
        for expression in expressions(&binding.value) {
            let found = Path::parse(&canonical(expression)).and_then(|path| path.find(event));
            let found = match (found, &fallback) {
                (Ok(found), _) => found,
                (Err(_), Some(default)) => default.clone(),
                (Err(source), None) => {
                    return Err(ParamError::Expression { name: binding.name.clone(), value: binding.value.clone(), source });
                }
            };
            value = value.replace(&format!("$({expression})"), &found);
        }
        params.insert(binding.name.clone(), value);
    }
    Ok(params)
}

/// What stands between each `$(` and its closing bracket.
pub fn expressions(text: &str) -> Vec<&str> {
    let balanced_end = |rest: &str| {
        let mut open = 0;
        rest.char_indices().find_map(|(at, c)| {
            match c {
                '(' => open += 1,
                ')' if open == 0 => return Some(at),
                ')' => open -= 1,
                _ => {}
            }
            None
        })
    };
    text.split("$(").skip(1).filter_map(|rest| Some(&rest[..balanced_end(rest)?])).collect()
}

/// `header.x-y` as `header.X-Y`, the spelling in which headers are kept.
fn canonical(expression: &str) -> String {
    match expression.strip_prefix("header.") {
        Some(name) => format!("header.{}", canonical_header(name)),
        None => expression.to_owned(),
    }
}

/// A header's name with each word's first letter in upper case, as Go's server has it.
pub fn canonical_header(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The event as expressions see it: several values of one header joined by commas, null for an empty body.
///
/// # Errors
/// When the body is no JSON.
pub fn event(event: &Event) -> Result<Value, ParamError> {
    let body = match event.body.as_str() {
        "" => Value::Null,
        body => serde_json::from_str(body).map_err(|error| ParamError::Body(error.to_string()))?,
    };
    let headers: BTreeMap<&String, String> = event.headers.iter().map(|(name, values)| (name, values.join(","))).collect();
    Ok(json!({ "header": headers, "body": body, "extensions": event.extensions, "context": { "eventID": event.id } }))
}

/// The objects of a template with the parameters put in as text, which is how Triggers does it: a value must be something
/// that may stand inside a JSON string. `uid` is the same for all objects of one event.
///
/// # Errors
/// When an object is no JSON afterwards.
pub fn fill(template: &Value, annotations: &Value, params: &BTreeMap<String, String>, uid: &str) -> Result<Vec<Value>, ParamError> {
    let old_escape = annotations.get(OLD_ESCAPE).is_some();
    let resources = template["resourcetemplates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fill_one = |resource: &Value| {
        let filled = params.iter().fold(resource.to_string(), |text, (name, value)| {
            let value = if old_escape { value.replace('"', "\\\"") } else { value.clone() };
            // What an event brings must not become a variable of the object that is made.
            text.replace(&format!("$(tt.params.{name})"), &value.replace("$(", "$$("))
        });
        serde_json::from_str(&filled.replace("$(uid)", uid)).map_err(|error| ParamError::Template(error.to_string()))
    };
    resources.iter().map(fill_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(name: &str, value: &str) -> Binding {
        Binding { name: name.to_owned(), value: value.to_owned() }
    }

    fn an_event() -> Value {
        let body = json!({"url": "git@host:a/b \"c\"", "n": 3, "o": {"k": "v"}, "evil": "$(tasks.a.results.b)"});
        let headers = BTreeMap::from([
            ("X-Github-Event".to_owned(), vec!["push".to_owned()]),
            ("Accept".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ]);
        let extensions = json!({"branch": "main"}).as_object().cloned().unwrap_or_default();
        event(&Event { id: "id-1".to_owned(), url: "/".to_owned(), headers, body: body.to_string(), extensions }).expect("an event")
    }

    #[test]
    fn values_come_from_body_header_and_context() {
        let bindings = [
            binding("a", "<$(body.n)> $(header.x-github-event)"),
            binding("b", "$(context.eventID)"),
            binding("c", "$(body.o)"),
            binding("d", "plain"),
            binding("e", "$(extensions.branch) $(header.Accept)"),
        ];
        let params = resolve(&bindings, &Value::Null, &an_event()).expect("values");
        assert_eq!(params["a"], "<3> push");
        assert_eq!(params["b"], "id-1");
        assert_eq!(params["c"], r#"{"k":"v"}"#);
        assert_eq!(params["d"], "plain");
        assert_eq!(params["e"], "main a,b");
    }

    #[test]
    fn a_missing_value_takes_the_default_or_is_an_error() {
        let template = json!({"params": [{"name": "a", "default": "main"}, {"name": "b", "default": "also"}, {"name": "c"}]});
        let params = resolve(&[binding("a", "$(body.ref)")], &template, &an_event()).expect("a default");
        assert_eq!((params["a"].as_str(), params["b"].as_str()), ("main", "also"));
        let error = resolve(&[binding("c", "$(body.ref)")], &template, &an_event()).expect_err("nothing");
        let expected = "failed to ApplyEventValuesToParams: failed to replace JSONPath value for param c: $(body.ref): ref is not found";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_parameter_given_twice_is_an_error() {
        let twice = [binding("a", "1"), binding("a", "2")];
        assert_eq!(resolve(&twice, &Value::Null, &an_event()), Err(ParamError::Duplicate("a".to_owned())));
    }

    #[test]
    fn brackets_inside_an_expression_belong_to_it() {
        assert_eq!(expressions("a $(b(c)d) $(e) $(open"), ["b(c)d", "e"]);
    }

    #[test]
    fn values_are_put_into_the_template_as_text() {
        let params = resolve(&[binding("url", "$(body.url)"), binding("evil", "$(body.evil)")], &Value::Null, &an_event()).expect("values");
        let resource = json!({"kind": "PipelineRun", "spec": {"url": "<$(tt.params.url)>", "evil": "$(tt.params.evil)", "id": "$(uid)", "other": "$(params.x)"}});
        let template = json!({"resourcetemplates": [resource]});
        let made = fill(&template, &Value::Null, &params, "u-1").expect("an object");
        let expected = json!({"url": "<git@host:a/b \"c\">", "evil": "$$(tasks.a.results.b)", "id": "u-1", "other": "$(params.x)"});
        assert_eq!(made[0]["spec"], expected);
    }

    #[test]
    fn a_value_with_bare_quotes_needs_the_old_escaping() {
        let template = json!({"resourcetemplates": [{"v": "$(tt.params.a)"}]});
        let params = BTreeMap::from([("a".to_owned(), r#"{"k":"v"}"#.to_owned())]);
        assert!(matches!(fill(&template, &Value::Null, &params, ""), Err(ParamError::Template(_))));
        let old = json!({ OLD_ESCAPE: "true" });
        assert_eq!(fill(&template, &old, &params, "").expect("an object")[0]["v"], r#"{"k":"v"}"#);
    }
}
