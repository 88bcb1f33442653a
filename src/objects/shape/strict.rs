//! Fields that the API's structs do not have, and values that cannot be what a field holds.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Field, STRUCTS, fields_of, named, quantity};
use crate::objects::duration::GoDuration;

/// What v1beta1 had beside the fields of v1, in the form of `fields.txt`.
static OLDER: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| fields_of(include_str!("older.txt")));

/// The fields that every object has around its spec.
pub(super) const AROUND: [Field; 5] =
    [("apiVersion", "", "s"), ("kind", "", "s"), ("metadata", "", "ObjectMeta"), ("status", "", "a"), ("spec", "", "")];

/// A field that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Names of fields and numbers of items that lead to it
    pub path: Vec<String>,
    /// What it should be; none where there is no such field
    pub wanted: Option<&'static str>,
    /// The fields that there are in its place
    pub known: Vec<&'static str>,
}

impl Wrong {
    /// `spec.steps[0].image`
    pub fn field(&self) -> String {
        let step = |step: &String| match step.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("[{step}]"),
            false => format!(".{step}"),
        };
        self.path.iter().map(step).collect::<String>().trim_start_matches('.').to_owned()
    }
}

/// What is wrong with an object of a kind: `Task`, `PipelineRun`. Fields are looked at in alphabetical order, as tkn does.
pub fn object(kind: &str, object: &Value) -> Vec<Wrong> {
    let older = object["apiVersion"].as_str().is_none_or(|version| version.ends_with("/v1beta1"));
    let spec = format!("{kind}Spec");
    let fields = AROUND.iter().map(|field| if field.0 == "spec" { ("spec", "", spec.as_str()) } else { *field });
    let mut look = Look { older, path: Vec::new(), wrong: Vec::new() };
    look.fields(&fields.collect::<Vec<_>>(), object);
    look.wrong
}

/// What is wrong with a value that stands alone: `Template`, which is a pod template, or `PersistentVolumeClaim`.
pub fn part(name: &str, value: &Value) -> Vec<Wrong> {
    let mut look = Look { older: false, path: Vec::new(), wrong: Vec::new() };
    look.value(name, value);
    look.wrong
}

struct Look {
    older: bool,
    path: Vec<String>,
    wrong: Vec<Wrong>,
}

impl Look {
    fn value(&mut self, shape: &str, value: &Value) {
        if value.is_null() {
            return;
        }
        if let Some(own) = shape.strip_prefix('!') {
            return self.own(own, value);
        }
        match (shape.as_bytes()[0], value) {
            (b'*', _) => self.value(&shape[1..], value),
            (b'[', Value::Array(items)) => items.iter().enumerate().for_each(|(i, item)| self.below(i.to_string(), &shape[1..], item)),
            (b'{', Value::Object(entries)) => entries.iter().for_each(|(key, entry)| self.below(key.clone(), &shape[1..], entry)),
            (b'[', _) => self.mistyped("a list"),
            (b'{', _) => self.mistyped("a map"),
            _ if shape.len() > 1 => self.structure(shape, value),
            (b's', Value::Array(_) | Value::Object(_)) => self.mistyped("a text"),
            (b'b', other) if !other.is_boolean() => self.mistyped("true or false"),
            (b'i', other) if !other.is_i64() && !other.is_u64() => self.mistyped("a whole number"),
            _ => {}
        }
    }

    /// A value of a type that reads its JSON itself.
    fn own(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("Quantity", Value::Number(_)) => {}
            ("Quantity", value) if !value.as_str().is_some_and(quantity::is_quantity) => self.mistyped("an amount, such as 500m or 1Gi"),
            ("Duration", value) if value.as_str().and_then(GoDuration::parse).is_none() => self.mistyped("a time, such as 90s or 1h30m"),
            _ => {}
        }
    }

    fn below(&mut self, step: String, shape: &str, value: &Value) {
        self.path.push(step);
        self.value(shape, value);
        self.path.pop();
    }

    fn structure(&mut self, name: &str, value: &Value) {
        let older = OLDER.get(name).filter(|_| self.older).into_iter().flatten();
        let fields: Vec<(&str, &str, &str)> = STRUCTS.get(name).into_iter().flatten().chain(older).copied().collect();
        // A struct that the table does not hold takes what it is given.
        if !fields.is_empty() {
            self.fields(&fields, value);
        }
    }

    fn fields<'a>(&mut self, fields: &[(&'static str, &'a str, &'a str)], value: &Value) {
        let Value::Object(given) = value else { return self.mistyped("a map") };
        let mut given: Vec<(&String, &Value)> = given.iter().collect();
        given.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in given {
            match named(fields, name) {
                Some((_, _, shape)) => self.below(name.clone(), shape, value),
                None => {
                    let path = self.path.iter().chain([name]).cloned().collect();
                    self.wrong.push(Wrong { path, wanted: None, known: fields.iter().map(|field| field.0).collect() });
                }
            }
        }
    }

    fn mistyped(&mut self, wanted: &'static str) {
        self.wrong.push(Wrong { path: self.path.clone(), wanted: Some(wanted), known: Vec::new() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(kind: &str, value: &Value) -> Vec<String> {
        object(kind, value).iter().map(|wrong| format!("{} {}", wrong.field(), wrong.wanted.unwrap_or("unknown"))).collect()
    }

    #[test]
    fn a_field_that_is_not_there_is_told_with_its_path() {
        let task = json!({"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t", "lable": {}},
            "spec": {"stepz": [], "steps": [{"name": "a", "imag": "x", "env": [{"name": "n", "valeu": "v"}]}]}});
        let expected = ["metadata.lable unknown", "spec.steps[0].env[0].valeu unknown", "spec.steps[0].imag unknown", "spec.stepz unknown"];
        assert_eq!(told("Task", &task), expected);
        let imag = &object("Task", &task)[2];
        assert!(imag.known.contains(&"image"));
    }

    #[test]
    fn older_fields_are_known_in_the_older_version_only() {
        let task =
            |version: &str| json!({"apiVersion": version, "spec": {"resources": {}, "steps": [{"resources": {"limits": {"cpu": 1}}}]}});
        assert_eq!(told("Task", &task("tekton.dev/v1beta1")), [""; 0]);
        assert_eq!(told("Task", &task("tekton.dev/v1")), ["spec.resources unknown", "spec.steps[0].resources unknown"]);
    }

    #[test]
    fn a_value_of_another_shape_is_told() {
        let run = json!({"apiVersion": "tekton.dev/v1", "spec": {"params": {"a": "b"}, "pipelineRef": "p", "taskRunTemplate": {"podTemplate": {"hostNetwork": "yes"}}}});
        let expected = ["spec.params a list", "spec.pipelineRef a map", "spec.taskRunTemplate.podTemplate.hostNetwork true or false"];
        assert_eq!(told("PipelineRun", &run), expected);
        let step = json!({"timeout": 5, "computeResources": {"limits": {"cpu": 1, "memory": "1 GB"}}});
        let expected = [
            "spec.steps[0].computeResources.limits.memory an amount, such as 500m or 1Gi",
            "spec.steps[0].timeout a time, such as 90s or 1h30m",
        ];
        assert_eq!(told("Task", &json!({"apiVersion": "tekton.dev/v1", "spec": {"steps": [step]}})), expected);
        assert_eq!(part("Template", &json!({"nodeSelektor": {}}))[0].field(), "nodeSelektor");
    }

    #[test]
    fn everything_that_a_step_may_have_is_known() {
        let step = json!({"name": "a", "image": "x", "script": "s", "timeout": "1m", "computeResources": {"requests": {"cpu": "1"}},
            "securityContext": {"runAsUser": 1}, "env": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}], "onError": "continue", "workspaces": [{"name": "w", "mountPath": "/w"}]});
        let spec = json!({"apiVersion": "tekton.dev/v1", "spec": {"tasks": [{"name": "t", "taskSpec": {"metadata": {"labels": {"l": "m"}}, "steps": [step]},
            "when": [{"input": "a", "operator": "in", "values": ["b"]}], "matrix": {"params": [{"name": "p", "value": ["a"]}]}}]}});
        assert_eq!(told("Pipeline", &spec), [""; 0]);
    }
}
