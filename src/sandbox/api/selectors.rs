//! Label and field selectors as the API server reads them. Pure.

use serde_json::Value;

use crate::kinds::{self, Kind};

/// What of a collection is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    Above(String, i64),
    Below(String, i64),
}

#[derive(Clone, Debug, PartialEq)]
struct FieldRequirement {
    field: String,
    value: String,
    equal: bool,
}

/// Fields beside a name and namespace that a field selector may name, by kind.
const FIELDS: &[(&Kind, &[&str])] = &[
    (&kinds::POD, &["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"]),
    (&kinds::NAMESPACE, &["status.phase"]),
    (&kinds::SECRET, &["type"]),
    (
        &kinds::EVENT,
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
];

impl Selector {
    /// Reads both selectors of a request for a kind; the error is the server's message.
    pub fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Selector, String> {
        let labels = split_outside_parentheses(labels).into_iter().map(parse_label).collect::<Result<_, _>>()?;
        let fields = fields.split(',').map(str::trim).filter(|f| !f.is_empty()).map(|f| parse_field(kind, f)).collect::<Result<_, _>>()?;
        Ok(Selector { labels, fields })
    }

    /// Whether everything is wanted
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is wanted
    pub fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.matches(labels)) && self.fields.iter().all(|field| field.matches(object))
    }
}

impl Requirement {
    fn matches(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str);
        let number = |key: &str| value(key).and_then(|value| value.parse::<i64>().ok());
        match self {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|unwanted| unwanted != value)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
            Requirement::Above(key, bound) => number(key).is_some_and(|number| number > *bound),
            Requirement::Below(key, bound) => number(key).is_some_and(|number| number < *bound),
        }
    }
}

impl FieldRequirement {
    fn matches(&self, object: &Value) -> bool {
        let found = match self.field.as_str() {
            // The event's source is an object, of which the selector means the component.
            "source" => object["source"]["component"].as_str(),
            field => field.split('.').try_fold(object, |value, name| value.get(name)).and_then(Value::as_str),
        };
        (found.unwrap_or_default() == self.value) == self.equal
    }
}

fn split_outside_parentheses(selector: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (position, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&selector[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn parse_label(text: &str) -> Result<Requirement, String> {
    let wrong = || format!("unable to parse requirement: {text:?} is no requirement on a label");
    let key = |key: &str| {
        let key = key.trim();
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if key.is_empty() || !key.chars().all(legal) { Err(wrong()) } else { Ok(key.to_owned()) }
    };
    if let Some((name, values)) = text.split_once('(') {
        let values = values.trim_end().strip_suffix(')').ok_or_else(wrong)?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        return match name.trim().rsplit_once(char::is_whitespace) {
            Some((name, "in")) => Ok(Requirement::In(key(name)?, values)),
            Some((name, "notin")) => Ok(Requirement::NotIn(key(name)?, values)),
            _ => Err(wrong()),
        };
    }
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Requirement::Absent(key(name)?));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(name)?, vec![value.trim().to_owned()]));
    }
    let number = |value: &str| value.trim().parse::<i64>().map_err(|_| wrong());
    if let Some((name, value)) = text.split_once('>') {
        return Ok(Requirement::Above(key(name)?, number(value)?));
    }
    if let Some((name, value)) = text.split_once('<') {
        return Ok(Requirement::Below(key(name)?, number(value)?));
    }
    Ok(Requirement::Exists(key(text)?))
}

fn parse_field(kind: &Kind, text: &str) -> Result<FieldRequirement, String> {
    let (field, value, equal) = if let Some((field, value)) = text.split_once("!=") {
        (field, value, false)
    } else if let Some((field, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (field, value, true)
    } else {
        return Err(format!("invalid selector: '{text}'; can't understand '{text}'"));
    };
    let field = field.trim();
    let own = FIELDS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, fields)| fields);
    if !["metadata.name", "metadata.namespace"].contains(&field) && !own.contains(&field) {
        return Err(format!("field label not supported: {field}"));
    }
    Ok(FieldRequirement { field: field.to_owned(), value: value.trim().to_owned(), equal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(kind: &Kind, labels: &str, fields: &str) -> bool {
        let object = json!({
            "metadata": {"name": "a", "namespace": "ns", "labels": {"app": "x", "tekton.dev/pipeline": "p", "n": "5"}},
            "status": {"phase": "Running"}, "involvedObject": {"kind": "Pod"},
        });
        Selector::parse(kind, labels, fields).expect("a selector").matches(&object)
    }

    #[test]
    fn labels() {
        for selector in [
            "",
            "app=x",
            "app==x,tekton.dev/pipeline=p",
            "app in (y, x)",
            "app notin (y)",
            "none notin (y)",
            "app",
            "!none",
            "app!=y",
            "none!=y",
            "n>4",
            "app in (x),n < 6",
        ] {
            assert!(matches(&kinds::POD, selector, ""), "{selector}");
        }
        for selector in ["app=y", "app in (y,z)", "app notin (x)", "none", "!app", "app!=x", "n>5", "app>1"] {
            assert!(!matches(&kinds::POD, selector, ""), "{selector}");
        }
    }

    #[test]
    fn fields() {
        assert!(matches(&kinds::POD, "", "metadata.name=a,metadata.namespace==ns,status.phase!=Failed"));
        assert!(!matches(&kinds::POD, "", "metadata.name=b"));
        assert!(matches(&kinds::EVENT, "", "involvedObject.kind=Pod"));
        let error = Selector::parse(&kinds::PIPELINE_RUN, "", "status.phase=x").expect_err("not supported");
        assert_eq!(error, "field label not supported: status.phase");
    }

    #[test]
    fn nonsense_is_refused() {
        for labels in ["a b", "=x", "a in x", "a foo (x)", "a in (x", "a>b"] {
            assert!(Selector::parse(&kinds::POD, labels, "").is_err(), "{labels}");
        }
        assert!(Selector::parse(&kinds::POD, "", "metadata.name").is_err());
    }
}
