//! Values of params and results: a string, a list of strings, or a map of strings.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::objects::shape::scalars::plain;

/// The value of a param or result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// `type: string`
    String(String),
    /// `type: array`
    Array(Vec<String>),
    /// `type: object`
    Object(IndexMap<String, String>),
}

impl ParamValue {
    /// Reads JSON as Tekton does: lists and maps of anything but strings, and all other values, count as the string
    /// of their JSON.
    pub fn of(json: &Value) -> Self {
        match json {
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => match items.iter().map(|i| i.as_str().map(str::to_owned)).collect() {
                Some(items) => Self::Array(items),
                None => Self::String(json.to_string()),
            },
            Value::Object(map) => match map.iter().map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect() {
                Some(map) => Self::Object(map),
                None => Self::String(json.to_string()),
            },
            Value::Null => Self::String(String::new()),
            Value::Number(number) => Self::String(plain(number)),
            other => Self::String(other.to_string()),
        }
    }

    /// `string`, `array` or `object`
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The text of a string, the first thing of nothing else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Every text in it, where variables may stand.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::String(text) => vec![text],
            Self::Array(items) => items.iter().map(String::as_str).collect(),
            Self::Object(map) => map.values().map(String::as_str).collect(),
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) => Value::from(text.as_str()),
            Self::Array(items) => Value::from(items.clone()),
            Self::Object(map) => map.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for ParamValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Value::deserialize(deserializer)?))
    }
}

/// A named value that somebody passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name
    pub name: String,
    /// Its value
    pub value: ParamValue,
}

/// A declared param.
#[derive(Clone, Debug, Deserialize)]
pub struct ParamSpec {
    /// Its name
    pub name: String,
    /// `string`, `array` or `object`; filled by defaulting
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Declared keys of an object
    pub properties: Option<IndexMap<String, Value>>,
    /// Used when nothing is passed
    pub default: Option<ParamValue>,
}

impl ParamSpec {
    /// The type, with Tekton's defaulting: from `properties`, then from the default's type.
    pub fn type_name(&self) -> &str {
        match (&self.kind, &self.properties, &self.default) {
            (Some(kind), _, _) if !kind.is_empty() => kind,
            (_, Some(_), _) => "object",
            (_, _, Some(default)) => default.type_name(),
            _ => "string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ParamValue;
    use serde_json::json;

    #[test]
    fn json_that_is_no_list_or_map_of_strings_is_its_own_text() {
        assert_eq!(ParamValue::of(&json!("a")).type_name(), "string");
        assert_eq!(ParamValue::of(&json!(["a", "b"])).type_name(), "array");
        assert_eq!(ParamValue::of(&json!({"a": "b"})).type_name(), "object");
        assert_eq!(ParamValue::of(&json!([1, 2])), ParamValue::String("[1,2]".into()));
        assert_eq!(ParamValue::of(&json!(true)), ParamValue::String("true".into()));
        assert_eq!(ParamValue::of(&json!(1e3)), ParamValue::String("1000".into()));
    }
}
