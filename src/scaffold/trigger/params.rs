//! Params of a run that come from the event: which part is drawn by the binding, and how the template puts it in.

use serde_json::{Map, Value, json};

use crate::objects::pipeline::PipelineSpec;

/// What an event's expressions begin with (Tekton Triggers, `docs/triggerbindings.md`).
const SOURCES: [&str; 4] = ["body", "header", "extensions", "context"];

/// The params of a binding and of the run.
#[derive(Default)]
pub(super) struct Drawn {
    /// `{name: url, value: $(body.url)}`
    pub binding: Vec<Value>,
    /// `{name: repo-url, value: $(tt.params.url)}`
    pub run: Vec<Value>,
}

impl Drawn {
    pub(super) fn from(params: &[(String, String)], pipeline: Option<&PipelineSpec>) -> Self {
        let mut drawn = Self::default();
        for (name, value) in params {
            let kind = pipeline.and_then(|p| p.params.iter().find(|p| p.name == *name)).and_then(|p| p.kind.as_deref());
            let value = match kind {
                Some("array") => {
                    let items = value.split(',').filter(|v| !v.is_empty()).enumerate();
                    items.map(|(i, item)| drawn.put(&format!("{name}-{i}"), item)).collect()
                }
                Some("object") => object(value)
                    .map(|(key, item)| (key.to_owned(), drawn.put(&format!("{name}-{key}"), item)))
                    .collect::<Map<_, _>>()
                    .into(),
                _ => drawn.put(name, value),
            };
            drawn.run.push(json!({"name": name, "value": value}));
        }
        drawn
    }

    /// The value as the template has it: as it was given, or through a param of the binding.
    fn put(&mut self, param: &str, value: &str) -> Value {
        if !has_expression(value) {
            return value.into();
        }
        let known = self.binding.iter().find(|p| p["value"] == value).and_then(|p| p["name"].as_str());
        let name = match known {
            Some(name) => name.to_owned(),
            None => self.add(param, value),
        };
        format!("$(tt.params.{name})").into()
    }

    /// A param of the binding, called by the last word of its expression: `url` for `$(body.repository.url)`; by the
    /// run's own param where that word is taken or the value is more than one expression.
    fn add(&mut self, param: &str, value: &str) -> String {
        let taken = |name: &str| self.binding.iter().any(|p| p["name"] == name);
        let name = last_word(value).filter(|name| !taken(name)).unwrap_or(param).to_owned();
        self.binding.push(json!({"name": name, "value": value}));
        name
    }
}

fn object(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split(',').filter_map(|entry| entry.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
}

fn has_expression(value: &str) -> bool {
    expressions(value).next().is_some()
}

/// The expression of a value that is begun and not ended: `$(body.url`. Triggers would take it for plain text.
pub fn unclosed(value: &str) -> Option<&str> {
    expressions(value).find(|text| !text.contains(')'))
}

/// What stands from each place where an expression begins.
fn expressions(value: &str) -> impl Iterator<Item = &str> {
    let begins = |rest: &str| SOURCES.iter().any(|source| rest.strip_prefix(source).is_some_and(|rest| rest.starts_with(['.', ')', '['])));
    value.match_indices("$(").map(|(at, _)| &value[at..]).filter(move |text| begins(&text[2..]))
}

fn last_word(value: &str) -> Option<&str> {
    let inner = value.strip_prefix("$(")?.strip_suffix(')')?;
    let plain = inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let word = inner.rsplit('.').next()?;
    (plain && inner.contains('.') && !word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(params: &[(&str, &str)], spec: Value) -> Drawn {
        let params: Vec<_> = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Drawn::from(&params, Some(&serde_json::from_value(spec).expect("a spec")))
    }

    #[test]
    fn an_expression_that_is_not_ended_is_found() {
        assert_eq!(unclosed("$(body.url"), Some("$(body.url"));
        assert_eq!(unclosed("$(body.a)/$(header.b"), Some("$(header.b"));
        assert_eq!(unclosed("$(body.a) $(echo"), None, "a shell's, for all that is known");
    }

    #[test]
    fn only_expressions_go_through_the_binding() {
        let drawn = drawn(&[("a", "$(body.url)"), ("b", "plain $(params.x)"), ("c", "$(body.url)"), ("d", "v$(header.X-Id)")], json!({}));
        assert_eq!(drawn.binding, [json!({"name": "url", "value": "$(body.url)"}), json!({"name": "d", "value": "v$(header.X-Id)"})]);
        let values: Vec<_> = drawn.run.iter().map(|p| p["value"].as_str().unwrap_or_default()).collect();
        assert_eq!(values, ["$(tt.params.url)", "plain $(params.x)", "$(tt.params.url)", "$(tt.params.d)"]);
    }

    #[test]
    fn two_expressions_that_end_alike_keep_two_names() {
        let drawn = drawn(&[("from", "$(body.head.sha)"), ("to", "$(body.base.sha)")], json!({}));
        assert_eq!(drawn.binding[0]["name"], "sha");
        assert_eq!(drawn.binding[1]["name"], "to");
    }

    #[test]
    fn arrays_and_objects_are_built_of_their_items() {
        let spec = json!({"params": [{"name": "list", "type": "array"}, {"name": "map", "type": "object"}]});
        let drawn = drawn(&[("list", "$(body.a),b"), ("map", "k:$(body.v), l: m")], spec);
        assert_eq!(drawn.run[0]["value"], json!(["$(tt.params.a)", "b"]));
        assert_eq!(drawn.run[1]["value"], json!({"k": "$(tt.params.v)", "l": "m"}));
    }
}
