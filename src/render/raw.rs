//! Objects as they are: `-o yaml`, `-o json`, `-o name`.

use std::str::FromStr;

use serde_json::Value;

use super::output::gotext;
use super::yaml as to_yaml;
use crate::kinds;

/// How `-o` shows objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Indented JSON
    Json,
    /// `pipelinerun.tekton.dev/NAME`
    Name,
    /// YAML
    Yaml,
}

impl Format {
    /// The words for them, in the order of the error message.
    pub const ALL: &'static [(&'static str, Format)] = &[("json", Format::Json), ("name", Format::Name), ("yaml", Format::Yaml)];
}

/// A word after `-o` that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to match a printer suitable for the output format {0:?}, allowed formats are: {list}", list = allowed())]
pub struct UnknownFormat(pub String);

fn allowed() -> String {
    Format::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(",")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, format)| *format).ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// One object with the keys in alphabetical order, as kubectl prints what it does not decode.
pub fn object(object: &Value, format: Format) -> String {
    match format {
        Format::Json => gotext::json_indented(object, true) + "\n",
        Format::Yaml => to_yaml(object),
        Format::Name => name(object),
    }
}

/// Several objects one after another: YAML documents parted by `---`, JSON texts, names.
pub fn objects(objects: &[Value], format: Format) -> String {
    let separator = if format == Format::Yaml { "---\n" } else { "" };
    objects.iter().map(|o| object(o, format)).collect::<Vec<_>>().join(separator)
}

/// `pipelinerun.tekton.dev/NAME`, as kubectl names objects.
pub(super) fn name(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let name = [text("/metadata/name"), text("/metadata/generateName")].into_iter().find(|n| !n.is_empty()).unwrap_or_default();
    match kinds::of_manifest(api_version, kind) {
        Some(kind) => kind.label(name) + "\n",
        None => format!("{}/{name}\n", kind.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats_are_known_in_any_case_and_others_are_refused_with_the_choice() {
        assert_eq!("YAML".parse(), Ok(Format::Yaml));
        let refused = "wide".parse::<Format>().unwrap_err().to_string();
        assert_eq!(refused, r#"unable to match a printer suitable for the output format "wide", allowed formats are: json,name,yaml"#);
    }

    #[test]
    fn names_carry_the_group() {
        let run = json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "r"}});
        assert_eq!(object(&run, Format::Name), "pipelinerun.tekton.dev/r\n");
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "s-"}});
        assert_eq!(objects(&[run, secret], Format::Name), "pipelinerun.tekton.dev/r\nsecret/s-\n");
    }

    #[test]
    fn several_objects_are_documents() {
        let text = objects(&[json!({"b": 1, "a": 2}), json!({"c": 3})], Format::Yaml);
        assert_eq!(text, "a: 2\nb: 1\n---\nc: 3\n");
    }
}
