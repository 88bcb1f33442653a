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

    /// The field that refers to a definition
    pub fn reference(&self) -> &'static str {
        self.reference
    }

    /// The field that holds a definition's spec
    pub fn spec(&self) -> &'static str {
        self.spec
    }
}

/// What a run begins as, before anything is laid over it.
pub enum Base {
    /// A run of a definition on the server
    Named,
    /// A run that carries this spec of a definition
    Inline(Value),
    /// What an earlier run was
    Again(Value),
    /// A run as its file has it
    Written(Value),
    /// A run of what a resolver fetches
    Resolved {
        /// `git`, `hub`, …
        resolver: String,
        /// What the resolver is told
        params: Vec<Param>,
    },
}

/// What a run is made of.
pub struct Given<'a> {
    /// Name of the Pipeline or Task
    pub name: &'a str,
    /// Namespace of the run
    pub namespace: &'a str,
    /// What it begins as
    pub base: Base,
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
    /// ServiceAccounts of single tasks
    pub task_accounts: Vec<(String, String)>,
    /// Pod template
    pub pod_template: Option<Value>,
    /// Time limits: one by no name, or several by their names
    pub limits: Vec<(&'static str, String)>,
}

impl<'a> Given<'a> {
    /// A run with nothing laid over it.
    pub fn of(name: &'a str, namespace: &'a str, base: Base) -> Self {
        Self {
            name,
            namespace,
            base,
            prefix: None,
            labels: Vec::new(),
            params: Vec::new(),
            workspaces: Vec::new(),
            account: None,
            task_accounts: Vec::new(),
            pod_template: None,
            limits: Vec::new(),
        }
    }

    /// The run.
    pub fn run(&self, kind: &Kind, layout: &Layout) -> Value {
        json!({
            "kind": kind.kind, "apiVersion": kind.api_version(kind.version()), "metadata": self.metadata(),
            "spec": ordered(self.spec(layout), layout.order), "status": (layout.empty_status)(),
        })
    }

    fn metadata(&self) -> Value {
        let mut metadata = match &self.base {
            // What a file says of a run's name and labels is meant to stay.
            Base::Written(run) => run["metadata"].clone(),
            _ => json!({}),
        };
        metadata["namespace"] = self.namespace.into();
        let own_name = metadata.get("name").or(metadata.get("generateName")).is_some();
        if !own_name || self.prefix.is_some_and(|p| !p.is_empty()) {
            metadata.as_object_mut().map(|fields| fields.shift_remove("name"));
            metadata["generateName"] = self.generate_name().into();
        }
        for (key, value) in &self.labels {
            metadata["labels"][key] = value.as_str().into();
        }
        metadata
    }

    fn generate_name(&self) -> String {
        if let Some(prefix) = self.prefix.filter(|p| !p.is_empty()) {
            return format!("{prefix}-");
        }
        let Base::Again(again) = &self.base else { return format!("{}-run-", self.name) };
        match again.pointer("/metadata/generateName").and_then(Value::as_str).filter(|n| !n.is_empty()) {
            Some(prefix) => prefix.to_owned(),
            None => format!("{}-", again.pointer("/metadata/name").and_then(Value::as_str).unwrap_or(self.name)),
        }
    }

    fn spec(&self, layout: &Layout) -> Map<String, Value> {
        let one = |field: &str, value: Value| Map::from_iter([(field.to_owned(), value)]);
        let mut spec = match &self.base {
            Base::Again(run) | Base::Written(run) => run["spec"].as_object().cloned().unwrap_or_default(),
            Base::Inline(spec) => one(layout.spec, spec.clone()),
            Base::Named => one(layout.reference, json!({"name": self.name})),
            Base::Resolved { resolver, params } => {
                let mut reference = json!({"resolver": resolver});
                if !params.is_empty() {
                    reference["params"] = values(params).collect();
                }
                one(layout.reference, reference)
            }
        };
        if matches!(self.base, Base::Again(_)) {
            // The earlier run may have been cancelled.
            spec.shift_remove("status");
            spec.shift_remove("statusMessage");
        }
        if !self.params.is_empty() {
            let params = merged("name", spec.get("params"), values(&self.params));
            spec.insert("params".into(), sorted(params).into());
        }
        if !self.workspaces.is_empty() {
            let workspaces = merged("name", spec.get("workspaces"), self.workspaces.iter().cloned());
            spec.insert("workspaces".into(), workspaces.into());
        }
        self.put_limits(&mut spec);
        self.put_task_accounts(&mut spec);
        self.put_template(&mut spec, layout);
        spec
    }

    /// One limit is a field; several are a block. In a file they are laid over those that stand there; of an earlier run's, tkn
    /// keeps none.
    fn put_limits(&self, spec: &mut Map<String, Value>) {
        let block = || self.limits.iter().map(|(name, limit)| ((*name).to_owned(), Value::from(limit.as_str()))).collect::<Map<_, _>>();
        match self.limits.as_slice() {
            [] => {}
            [("", limit)] => drop(spec.insert("timeout".into(), limit.as_str().into())),
            _ => match (&self.base, spec.get_mut("timeouts").and_then(Value::as_object_mut)) {
                (Base::Written(_), Some(there)) => there.extend(block()),
                _ => drop(spec.insert("timeouts".into(), Value::Object(block()))),
            },
        }
    }

    fn put_task_accounts(&self, spec: &mut Map<String, Value>) {
        if self.task_accounts.is_empty() {
            return;
        }
        let Value::Array(specs) = spec.entry("taskRunSpecs").or_insert_with(|| json!([])) else { return };
        for (task, account) in &self.task_accounts {
            let known = specs.iter_mut().find(|spec| spec["pipelineTaskName"] == **task);
            match known {
                Some(known) => known["serviceAccountName"] = account.as_str().into(),
                None => specs.push(json!({"pipelineTaskName": task, "serviceAccountName": account})),
            }
        }
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

fn values(params: &[Param]) -> impl Iterator<Item = Value> {
    params.iter().map(|(name, value)| json!({"name": name, "value": value}))
}

/// Those that are there, each replaced by one of the same key that is given, and then the others that are given.
fn merged(key: &str, existing: Option<&Value>, given: impl Iterator<Item = Value>) -> Vec<Value> {
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
    let text = String::from_utf8(out).expect("JSON is UTF-8");
    // These stand in texts only, and Go writes them so that no browser takes them for markup.
    [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
        .into_iter()
        .fold(text, |text, (letter, code)| text.replace(letter, code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn given() -> Given<'static> {
        Given::of("build", "ns", Base::Named)
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
    fn a_task_run_has_what_tkn_gives_it() {
        let params = vec![("b".to_owned(), json!("2")), ("a".to_owned(), json!("1"))];
        let labels = vec![("l".to_owned(), "<&>".to_owned())];
        let run = Given { params, labels, account: Some("svc1"), ..given() }.run(&kinds::TASK_RUN, &Layout::TASK_RUN);
        let keys: Vec<_> = run["spec"].as_object().expect("a spec").keys().collect();
        assert_eq!(keys, ["params", "serviceAccountName", "taskRef"]);
        assert_eq!(run["spec"]["params"][0]["name"], "a");
        assert_eq!(run["status"], json!({"podName": ""}));
        assert!(tabbed(&run).contains(r#""l": "\u003c\u0026\u003e""#));
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
            base: Base::Again(again),
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

    #[test]
    fn a_file_keeps_its_name_and_labels_under_the_flags() {
        let written = json!({"metadata": {"name": "fixed", "labels": {"a": "b"}}, "spec": {"pipelineRef": {"name": "p"}}});
        let laid = Given { base: Base::Written(written.clone()), labels: vec![("c".into(), "d".into())], ..given() };
        let run = laid.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        assert_eq!(run["metadata"], json!({"name": "fixed", "labels": {"a": "b", "c": "d"}, "namespace": "ns"}));
        let renamed = Given { base: Base::Written(written), prefix: Some("new"), ..given() };
        let run = renamed.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        assert_eq!(run["metadata"], json!({"generateName": "new-", "labels": {"a": "b"}, "namespace": "ns"}));
    }

    #[test]
    fn an_account_of_a_task_leaves_the_task_s_other_fields() {
        let again =
            json!({"spec": {"taskRunSpecs": [{"pipelineTaskName": "a", "serviceAccountName": "old", "metadata": {"labels": {"l": "m"}}}]}});
        let accounts = vec![("b".to_owned(), "y".to_owned()), ("a".to_owned(), "x".to_owned())];
        let run = Given { base: Base::Again(again), task_accounts: accounts, ..given() }.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        let expected = json!([
            {"pipelineTaskName": "a", "serviceAccountName": "x", "metadata": {"labels": {"l": "m"}}},
            {"pipelineTaskName": "b", "serviceAccountName": "y"},
        ]);
        assert_eq!(run["spec"]["taskRunSpecs"], expected);
    }

    #[test]
    fn limits_are_laid_over_those_of_a_file() {
        let written = json!({"metadata": {"name": "x"}, "spec": {"timeouts": {"pipeline": "2h", "tasks": "1h"}}});
        let given = Given { base: Base::Written(written), limits: vec![("tasks", "5m0s".into())], ..given() };
        let run = given.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        assert_eq!(run["spec"]["timeouts"], json!({"pipeline": "2h", "tasks": "5m0s"}));
    }

    #[test]
    fn a_resolver_is_told_its_params_and_limits_are_a_block() {
        let base = Base::Resolved { resolver: "git".into(), params: vec![("url".into(), json!("https://x"))] };
        let run = Given { base, limits: vec![("tasks", "5m0s".into())], ..given() }.run(&kinds::PIPELINE_RUN, &Layout::PIPELINE_RUN);
        let reference = json!({"resolver": "git", "params": [{"name": "url", "value": "https://x"}]});
        assert_eq!(run["spec"], json!({"pipelineRef": reference, "timeouts": {"tasks": "5m0s"}, "taskRunTemplate": {}}));
    }
}
