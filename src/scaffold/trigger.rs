//! The chain from an event to a PipelineRun: TriggerBinding, TriggerTemplate, Trigger, and the EventListener that
//! serves it.
//!
//! Names: a Trigger `tt-tr` (or `tt-trigger`) has the binding `tt-tb` and the template `tt-tt`; any other name NAME has
//! `NAME-tb` and `NAME-tt`. Runs are called after the template: `tt-tt-pr` and five letters of the server's.

mod params;
mod workspace;

use serde_json::{Value, json};

use super::Manifest;
use crate::kinds;
use crate::near::nearest;
use crate::objects::pipeline::PipelineSpec;
use params::Drawn;
pub use params::unclosed;
pub use workspace::workspace;

/// What a chain is made of.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Namespace of all of it
    pub namespace: String,
    /// Name of the Trigger
    pub trigger: String,
    /// Name of the TriggerBinding
    pub binding: String,
    /// Name of the TriggerTemplate
    pub template: String,
    /// Name of the Pipeline
    pub pipeline: String,
    /// Prefix of the runs' names
    pub generate_name: String,
    /// Params of the Pipeline and their values, which may hold expressions such as `$(body.url)`
    pub params: Vec<(String, String)>,
    /// Workspaces as the PipelineRun binds them
    pub workspaces: Vec<Value>,
    /// ServiceAccount of the PipelineRun
    pub service_account: Option<String>,
}

/// The names of binding and template that go with a Trigger's.
pub fn names(trigger: &str) -> (String, String) {
    let stem =
        ["-trigger", "-tr"].iter().find_map(|suffix| trigger.strip_suffix(suffix)).filter(|stem| !stem.is_empty()).unwrap_or(trigger);
    (format!("{stem}-tb"), format!("{stem}-tt"))
}

impl Chain {
    /// TriggerBinding, TriggerTemplate and Trigger, in the order in which they refer to each other. The Pipeline tells
    /// which params are arrays or objects. Where nothing comes from the event there is no binding: Triggers refuses an empty one.
    pub fn manifests(&self, pipeline: Option<&PipelineSpec>) -> Vec<Manifest> {
        let drawn = Drawn::from(&self.params, pipeline);
        let mut template = json!({"spec": {"resourcetemplates": [self.run(&drawn.run)]}});
        let mut trigger = json!({"spec": {"template": {"ref": self.template}}});
        let mut manifests = Vec::with_capacity(3);
        if !drawn.binding.is_empty() {
            template["spec"]["params"] = drawn.binding.iter().map(|param| json!({"name": param["name"]})).collect();
            trigger["spec"]["bindings"] = json!([{"ref": self.binding, "kind": kinds::TRIGGER_BINDING.kind}]);
            let binding = json!({"spec": {"params": drawn.binding}});
            manifests.push(Manifest::new(&kinds::TRIGGER_BINDING, &self.namespace, &self.binding, binding));
        }
        manifests.push(Manifest::new(&kinds::TRIGGER_TEMPLATE, &self.namespace, &self.template, template));
        manifests.push(Manifest::new(&kinds::TRIGGER, &self.namespace, &self.trigger, trigger));
        manifests
    }

    fn run(&self, params: &[Value]) -> Value {
        let kind = &kinds::PIPELINE_RUN;
        let mut spec = json!({"pipelineRef": {"name": self.pipeline}});
        if !params.is_empty() {
            spec["params"] = params.into();
        }
        if !self.workspaces.is_empty() {
            spec["workspaces"] = self.workspaces.clone().into();
        }
        if let Some(account) = &self.service_account {
            spec["taskRunTemplate"] = json!({"serviceAccountName": account});
        }
        json!({
            "apiVersion": kind.api_version(kind.version()), "kind": kind.kind,
            "metadata": {"generateName": self.generate_name}, "spec": spec,
        })
    }

    /// What keeps every run of this chain from starting, each as a sentence.
    pub fn problems(&self, pipeline: &PipelineSpec) -> Vec<String> {
        let given: Vec<&str> = self.params.iter().map(|(name, _)| name.as_str()).collect();
        let declared: Vec<(&str, bool)> = pipeline.params.iter().map(|p| (p.name.as_str(), p.default.is_none())).collect();
        let bound: Vec<&str> = self.workspaces.iter().filter_map(|w| w["name"].as_str()).collect();
        let wanted: Vec<(&str, bool)> = pipeline.workspaces.iter().map(|w| (w.name.as_str(), !w.optional)).collect();
        let mut problems = mismatches("param", &self.pipeline, &given, &declared);
        problems.extend(mismatches("workspace", &self.pipeline, &bound, &wanted));
        problems
    }
}

fn mismatches(what: &str, pipeline: &str, given: &[&str], declared: &[(&str, bool)]) -> Vec<String> {
    let names = || declared.iter().map(|(name, _)| *name);
    let unknown = given.iter().filter(|name| !names().any(|n| n == **name)).map(|name| {
        let near = nearest(name, names()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("Pipeline {pipeline} has no {what} {name}{near}")
    });
    let twice = given.iter().enumerate().filter(|(i, name)| given[..*i].iter().filter(|n| n == name).count() == 1);
    let twice = twice.map(|(_, name)| format!("the {what} {name} is given more than once"));
    let missing = declared.iter().filter(|(name, required)| *required && !given.contains(name));
    unknown
        .chain(twice)
        .chain(missing.map(|(name, _)| format!("Pipeline {pipeline} needs the {what} {name}, which is not given")))
        .collect()
}

/// An EventListener that serves one Trigger; more are added to it with [`with_trigger`].
pub fn listener(namespace: &str, name: &str, trigger: &str, service_account: Option<&str>) -> Manifest {
    let mut spec = json!({
        "triggers": [{"triggerRef": trigger}],
        "resources": {"kubernetesResource": {"serviceType": "ClusterIP", "servicePort": 80}},
    });
    if let Some(account) = service_account {
        spec["serviceAccountName"] = account.into();
    }
    Manifest::new(&kinds::EVENT_LISTENER, namespace, name, json!({"spec": spec}))
}

/// The JSON patch that adds a Trigger to an EventListener without touching the others; none when it is served already.
pub fn with_trigger(listener: &Value, trigger: &str) -> Option<Value> {
    let entry = json!({"triggerRef": trigger});
    match listener.pointer("/spec/triggers").and_then(Value::as_array) {
        Some(triggers) if triggers.iter().any(|t| t["triggerRef"] == trigger) => None,
        Some(_) => Some(json!([{"op": "add", "path": "/spec/triggers/-", "value": entry}])),
        None => Some(json!([{"op": "add", "path": "/spec/triggers", "value": [entry]}])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Chain {
        let (binding, template) = names("tt-tr");
        Chain {
            namespace: "ci".into(),
            trigger: "tt-tr".into(),
            generate_name: format!("{template}-pr"),
            binding,
            template,
            pipeline: "tt-pl".into(),
            params: vec![("repo-url".into(), "$(body.url)".into())],
            workspaces: vec![json!({"name": "shared-data", "emptyDir": {}})],
            service_account: Some("tt-sa".into()),
        }
    }

    fn pipeline() -> PipelineSpec {
        let spec = json!({
            "params": [{"name": "repo-url"}, {"name": "depth", "default": "1"}],
            "workspaces": [{"name": "shared-data"}, {"name": "cache", "optional": true}],
        });
        serde_json::from_value(spec).expect("a spec")
    }

    #[test]
    fn names_follow_the_trigger() {
        assert_eq!(names("tt-tr"), ("tt-tb".into(), "tt-tt".into()));
        assert_eq!(names("push-trigger"), ("push-tb".into(), "push-tt".into()));
        assert_eq!(names("push"), ("push-tb".into(), "push-tt".into()));
        assert_eq!(names("-tr"), ("-tr-tb".into(), "-tr-tt".into()));
    }

    #[test]
    fn the_chain_of_the_story() {
        let manifests = story().manifests(Some(&pipeline()));
        assert_eq!(manifests[0].value["spec"]["params"], json!([{"name": "url", "value": "$(body.url)"}]));
        assert_eq!(manifests[1].value["spec"]["params"], json!([{"name": "url"}]));
        let run = &manifests[1].value["spec"]["resourcetemplates"][0];
        assert_eq!(run["metadata"], json!({"generateName": "tt-tt-pr"}));
        assert_eq!(run["spec"]["params"], json!([{"name": "repo-url", "value": "$(tt.params.url)"}]));
        assert_eq!(run["spec"]["workspaces"], json!([{"name": "shared-data", "emptyDir": {}}]));
        assert_eq!(run["spec"]["taskRunTemplate"], json!({"serviceAccountName": "tt-sa"}));
        assert_eq!(
            manifests[2].value["spec"],
            json!({"bindings": [{"ref": "tt-tb", "kind": "TriggerBinding"}], "template": {"ref": "tt-tt"}})
        );
    }

    #[test]
    fn without_a_param_from_the_event_there_is_no_binding() {
        let fixed = Chain { params: vec![("repo-url".into(), "https://example.com/r.git".into())], ..story() };
        let manifests = fixed.manifests(Some(&pipeline()));
        let kinds: Vec<&str> = manifests.iter().map(|manifest| manifest.kind.kind).collect();
        assert_eq!(kinds, ["TriggerTemplate", "Trigger"]);
        assert_eq!(manifests[0].value["spec"].get("params"), None);
        assert_eq!(manifests[1].value["spec"], json!({"template": {"ref": "tt-tt"}}));
    }

    #[test]
    fn what_the_pipeline_does_not_take_is_named() {
        assert!(story().problems(&pipeline()).is_empty());
        let wrong = Chain { params: vec![("repo-ur".into(), String::new())], workspaces: vec![], ..story() };
        assert_eq!(
            wrong.problems(&pipeline()),
            [
                "Pipeline tt-pl has no param repo-ur; did you mean repo-url?",
                "Pipeline tt-pl needs the param repo-url, which is not given",
                "Pipeline tt-pl needs the workspace shared-data, which is not given",
            ]
        );
    }

    #[test]
    fn what_is_given_twice_is_named_once() {
        let mut twice = story();
        twice.params.extend([("repo-url".into(), "a".into()), ("repo-url".into(), "b".into())]);
        assert_eq!(twice.problems(&pipeline()), ["the param repo-url is given more than once"]);
    }

    #[test]
    fn a_trigger_is_added_to_a_listener_once() {
        let served = listener("ci", "tt-ev", "tt-tr", Some("tt-sa")).value;
        assert_eq!(with_trigger(&served, "tt-tr"), None);
        let patch = with_trigger(&served, "other").expect("a patch");
        assert_eq!(patch[0]["path"], "/spec/triggers/-");
        let empty = with_trigger(&json!({"spec": {}}), "other").expect("a patch");
        assert_eq!(empty[0]["value"], json!([{"triggerRef": "other"}]));
    }
}
