//! The run that is made of what was given: pure.

use serde_json::{Map, Value, json};

use super::params::Param;
use crate::kinds::Kind;

/// Where the fields of a kind of run stand.
pub struct Layout {
    /// `pipelineRef`
    reference: &'static str,
    /// `pipelineSpec`
    spec: &'static str,
    /// The field that holds account and pod template; empty where they stand in the spec itself
    template: &'static str,
    /// What tkn's body always holds
    empty_status: fn() -> Value,
    /// The order of the spec's fields (`pkg/apis/pipeline/v1`), for JSON
    order: &'static [&'static str],
}

impl Layout {
    /// PipelineRuns
    pub const PIPELINE_RUN: Self = Self {
        reference: "pipelineRef",
        spec: "pipelineSpec",
        template: "taskRunTemplate",
        empty_status: || json!({}),
        order: &["pipelineRef", "pipelineSpec", "params", "timeouts", "taskRunTemplate", "workspaces", "taskRunSpecs"],
    };
    /// TaskRuns
    pub const TASK_RUN: Self = Self {
        reference: "taskRef",
        spec: "taskSpec",
        template: "",
        empty_status: || json!({"podName": ""}),
        order: &["params", "serviceAccountName", "taskRef", "taskSpec", "timeout", "podTemplate", "workspaces"],
    };
}

/// What a run is made of.
pub struct Given<'a> {
    /// Name of the Pipeline or Task
    pub name: &'a str,
    /// Namespace of the run
    pub namespace: &'a str,
    /// The definition, where it comes from a file
    pub spec: Option<Value>,
    /// The run that is started again
    pub again: Option<Value>,
    /// `--prefix-name`
    pub prefix: Option<&'a str>,
    /// Labels
    pub labels: Vec<(String, String)>,
    /// Params, given or answered
    pub params: Vec<Param>,
    /// Workspaces, given or answered
    pub workspaces: Vec<Value>,
    /// ServiceAccount
    pub account: Option<&'a str>,
    /// Pod template
    pub pod_template: Option<Value>,
    /// Further fields of the spec
    pub fields: Vec<(&'static str, Value)>,
}

impl Given<'_> {
    /// The run.
    pub fn run(&self, kind: &Kind, layout: &Layout) -> Value {
        let mut metadata = json!({"generateName": self.generate_name(), "namespace": self.namespace});
        if !self.labels.is_empty() {
            metadata["labels"] =
                self.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into();
        }
        json!({
            "kind": kind.kind, "apiVersion": kind.api_version(kind.version()), "metadata": metadata,
            "spec": ordered(self.spec(layout), layout.order), "status": (layout.empty_status)(),
        })
    }

    fn generate_name(&self) -> String {
        if let Some(prefix) = self.prefix.filter(|p| !p.is_empty()) {
            return format!("{prefix}-");
        }
        let Some(again) = &self.again else { return format!("{}-run-", self.name) };
        match again.pointer("/metadata/generateName").and_then(Value::as_str).filter(|n| !n.is_empty()) {
            Some(prefix) => prefix.to_owned(),
            None => format!("{}-", again.pointer("/metadata/name").and_then(Value::as_str).unwrap_or(self.name)),
        }
    }

    fn spec(&self, layout: &Layout) -> Map<String, Value> {
        let mut spec = match self.again.as_ref().and_then(|again| again["spec"].as_object()) {
            Some(again) => again.clone(),
            None => match &self.spec {
                Some(inline) => Map::from_iter([(layout.spec.to_owned(), inline.clone())]),
                None => Map::from_iter([(layout.reference.to_owned(), json!({"name": self.name}))]),
            },
        };
        spec.shift_remove("status");
        if !self.params.is_empty() {
            let params = merged(spec.get("params"), self.params.iter().map(|(name, value)| json!({"name": name, "value": value})));
            spec.insert("params".into(), sorted(params).into());
        }
        if !self.workspaces.is_empty() {
            let workspaces = merged(spec.get("workspaces"), self.workspaces.iter().cloned());
            spec.insert("workspaces".into(), workspaces.into());
        }
        for (field, value) in &self.fields {
            match *field {
                "taskRunSpecs" => {
                    let specs = merged_by("pipelineTaskName", spec.get(*field), value.as_array().into_iter().flatten().cloned());
                    spec.insert((*field).into(), specs.into());
                }
                _ => drop(spec.insert((*field).into(), value.clone())),
            }
        }
        self.put_template(&mut spec, layout);
        spec
    }

    fn put_template(&self, spec: &mut Map<String, Value>, layout: &Layout) {
        let target = match layout.template {
            // tkn's TaskRun always names an account, be it none.
            "" => {
                spec.entry("serviceAccountName").or_insert_with(|| "".into());
                spec
            }
            field => match spec.entry(field).or_insert_with(|| json!({})) {
                Value::Object(template) => template,
                _ => return,
            },
        };
        if let Some(account) = self.account.filter(|a| !a.is_empty()) {
            target.insert("serviceAccountName".into(), account.into());
        }
        if let Some(template) = &self.pod_template {
            target.insert("podTemplate".into(), template.clone());
        }
    }
}

fn merged(existing: Option<&Value>, given: impl Iterator<Item = Value>) -> Vec<Value> {
    merged_by("name", existing, given)
}

/// Those that are there, each replaced by one of the same key that is given, and then the others that are given.
fn merged_by(key: &str, existing: Option<&Value>, given: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut all = existing.and_then(Value::as_array).cloned().unwrap_or_default();
    for new in given {
        match all.iter_mut().find(|old| old[key] == new[key]) {
            Some(old) => *old = new,
            None => all.push(new),
        }
    }
    all
}

fn sorted(mut params: Vec<Value>) -> Vec<Value> {
    params.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    params
}

fn ordered(mut spec: Map<String, Value>, order: &[&str]) -> Value {
    let mut out = Map::new();
    for key in order {
        if let Some(value) = spec.shift_remove(*key) {
            out.insert((*key).to_owned(), value);
        }
    }
    out.extend(spec);
    Value::Object(out)
}

/// JSON indented by tabs, as tkn prints a run that it starts.
pub(super) fn tabbed(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, serde_json::ser::PrettyFormatter::with_indent(b"\t"));
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value is always serializable");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn given() -> Given<'static> {
        Given {
            name: "build",
            namespace: "ns",
            spec: None,
            again: None,
            prefix: None,
            labels: Vec::new(),
            params: Vec::new(),
            workspaces: Vec::new(),
            account: None,
            pod_template: None,
            fields: Vec::new(),
        }
    }

    #[test]
    fn a_plain_run_refers_to_its_definition() {
        let run = given().run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        assert_eq!(
            run,
            json!({
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "build-run-", "namespace": "ns"},
                "spec": {"pipelineRef": {"name": "build"}, "taskRunTemplate": {}}, "status": {},
            })
        );
    }

    #[test]
    fn a_task_run_is_printed_as_tkn_prints_it() {
        let params = vec![("b".to_owned(), json!("2")), ("a".to_owned(), json!("1"))];
        let run = Given { params, account: Some("svc1"), ..given() }.run(&kinds::TASK_RUN, &Layout::TASK_RUN);
        let keys: Vec<_> = run["spec"].as_object().expect("a spec").keys().collect();
        assert_eq!(keys, ["params", "serviceAccountName", "taskRef"]);
        assert_eq!(run["spec"]["params"][0]["name"], "a");
        assert_eq!(run["status"], json!({"podName": ""}));
        assert!(
            tabbed(&run)
                .starts_with("{\n\t\"kind\": \"TaskRun\",\n\t\"apiVersion\": \"tekton.dev/v1\",\n\t\"metadata\": {\n\t\t\"generateName\"")
        );
    }

    #[test]
    fn starting_again_keeps_what_is_not_given_anew() {
        let again = json!({
            "metadata": {"name": "build-1", "labels": {"old": "label"}},
            "spec": {
                "pipelineRef": {"name": "build"}, "status": "Cancelled", "params": [{"name": "z", "value": "1"}, {"name": "a", "value": "1"}],
                "workspaces": [{"name": "w", "emptyDir": {}}, {"name": "v", "emptyDir": {}}], "taskRunTemplate": {"serviceAccountName": "s"},
            },
        });
        let again = Given {
            again: Some(again),
            params: vec![("z".to_owned(), json!("2"))],
            workspaces: vec![json!({"name": "v", "secret": {"secretName": "x"}})],
            ..given()
        };
        let run = again.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        assert_eq!(run["metadata"], json!({"generateName": "build-1-", "namespace": "ns"}));
        assert_eq!(run["spec"]["params"], json!([{"name": "a", "value": "1"}, {"name": "z", "value": "2"}]));
        assert_eq!(run["spec"]["workspaces"], json!([{"name": "w", "emptyDir": {}}, {"name": "v", "secret": {"secretName": "x"}}]));
        assert_eq!(run["spec"]["taskRunTemplate"], json!({"serviceAccountName": "s"}));
        assert!(run["spec"].get("status").is_none());
    }
}
