//! What Triggers' webhook refuses, and what the sandbox cannot do with what it would accept: every problem names its field.
//! Pure.

use serde_json::{Value, json};

use super::interceptors;
use super::jsonpath::{Path, PathError};
use super::params::expressions;
use crate::kinds::{self, Kind};
use crate::objects::name::LABEL_MAX;
use crate::sandbox::json::{list, text};

/// `el-` is put before the name of a listener, which has to stay a DNS label.
const LISTENER_NAME_MAX: usize = 60;

/// What a listener may say of the pod that would run it; the controller writes the rest.
const OF_POD: &[&str] = &[
    "serviceAccountName",
    "containers",
    "tolerations",
    "nodeSelector",
    "affinity",
    "topologySpreadConstraints",
    "imagePullSecrets",
    "securityContext",
];

/// What it may say of the pod's container.
const OF_CONTAINER: &[&str] = &["resources", "env", "livenessProbe", "readinessProbe", "startupProbe", "securityContext"];

/// Checks an object of `triggers.tekton.dev` in its current version; objects of other groups pass.
///
/// # Errors
/// With all problems, each in the words of Tekton's webhook: what is wrong, and the field.
pub fn admit(kind: &Kind, object: &Value) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let spec = &object["spec"];
    match kind {
        kind if kind == &kinds::EVENT_LISTENER => listener(object, &mut problems),
        kind if kind == &kinds::TRIGGER => trigger(spec, "spec", &mut problems),
        kind if [&kinds::TRIGGER_BINDING, &kinds::CLUSTER_TRIGGER_BINDING].contains(&kind) => binding_params(spec, &mut problems),
        kind if kind == &kinds::TRIGGER_TEMPLATE => template(spec, "spec", &mut problems),
        kind if [&kinds::CLUSTER_INTERCEPTOR, &kinds::INTERCEPTOR].contains(&kind) => interceptor(&spec["clientConfig"], &mut problems),
        _ => {}
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Fills in what Triggers' webhook fills in: the kinds of references, and the address of an interceptor.
pub fn complete(kind: &Kind, object: &mut Value) {
    match kind {
        kind if kind == &kinds::TRIGGER => name_kinds(&mut object["spec"]),
        kind if kind == &kinds::EVENT_LISTENER => {
            let Some(spec) = object["spec"].as_object_mut() else { return };
            for field in ["triggers", "triggerGroups"] {
                spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().for_each(name_kinds);
            }
        }
        kind if [&kinds::CLUSTER_INTERCEPTOR, &kinds::INTERCEPTOR].contains(&kind) => {
            if let Some(address) = interceptors::address(&object["spec"]["clientConfig"]) {
                object["status"] = json!({ "address": { "url": address } });
            }
            let labels = &mut object["metadata"]["labels"];
            if labels["server/type"].is_null() {
                labels["server/type"] = "http".into();
            }
        }
        _ => {}
    }
}

fn name_kinds(spec: &mut Value) {
    let Some(spec) = spec.as_object_mut() else { return };
    let default = |reference: &mut Value, kind: &str| {
        if let Some(reference) = reference.as_object_mut().filter(|reference| reference.get("kind").is_none_or(is_empty)) {
            reference.insert("kind".to_owned(), kind.into());
        }
    };
    for binding in spec.get_mut("bindings").and_then(Value::as_array_mut).into_iter().flatten() {
        default(binding, kinds::TRIGGER_BINDING.kind);
    }
    for interceptor in spec.get_mut("interceptors").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(reference) = interceptor.get_mut("ref") {
            default(reference, kinds::CLUSTER_INTERCEPTOR.kind);
        }
    }
}

fn listener(object: &Value, problems: &mut Vec<String>) {
    let spec = &object["spec"];
    let name = text(&object["metadata"]["name"]);
    if name.len() > LISTENER_NAME_MAX {
        problems.push(format!(
            "invalid value: eventListener name '{name}' must be no more than {LISTENER_NAME_MAX} characters long: metadata.name"
        ));
    }
    let sources = [&spec["namespaceSelector"]["matchNames"], &spec["triggerGroups"], &spec["triggers"]];
    // A selector that selects everything is one.
    if !spec["labelSelector"].is_object() && sources.iter().all(|source| is_empty(source)) {
        problems.push(neither(&["spec.labelSelector", "spec.namespaceSelector", "spec.triggerGroups", "spec.triggers"]));
    }
    if !is_empty(&spec["cloudEventURI"]) {
        problems.push(unsupported("spec.cloudEventURI"));
    }
    if !is_empty(&spec["resources"]["customResource"]) {
        problems.push(unsupported("spec.resources.customResource"));
    }
    kubernetes_resource(&spec["resources"]["kubernetesResource"], "spec.resources.kubernetesResource", problems);
    for (i, entry) in list(&spec["triggers"]).enumerate() {
        listed_trigger(entry, &format!("spec.triggers[{i}]"), problems);
    }
    for (i, group) in list(&spec["triggerGroups"]).enumerate() {
        let at = format!("spec.triggerGroups[{i}]");
        let selector = &group["triggerSelector"];
        if !selector["labelSelector"].is_object() && is_empty(&selector["namespaceSelector"]["matchNames"]) {
            problems.push(neither(&["labelSelector", "namespaceSelector"].map(|field| format!("{at}.triggerSelector.{field}"))));
        }
        if is_empty(&group["interceptors"]) {
            problems.push(missing(&format!("{at}.interceptors")));
        }
        refuse_interceptors(group, &at, problems);
    }
}

/// What a listener says about its Deployment, Service and pod.
fn kubernetes_resource(resource: &Value, at: &str, problems: &mut Vec<String>) {
    if let Some(replicas) = resource["replicas"].as_i64().filter(|replicas| *replicas < 0) {
        problems.push(format!("invalid value: {replicas}: {at}.spec.replicas"));
    }
    let class = text(&resource["serviceLoadBalancerClass"]);
    if !class.is_empty() && resource["serviceType"] != "LoadBalancer" {
        let detail = "ServiceLoadBalancerClass is only needed for LoadBalancer service type";
        problems.push(format!("invalid value: {class}: {at}.serviceLoadBalancerClass\n{detail}"));
    }
    let (pod, at) = (&resource["spec"]["template"]["spec"], format!("{at}.spec.template.spec"));
    if list(&pod["containers"]).count() > 1 {
        problems.push(both(&[&format!("{at}.containers")]));
    }
    must_not_set(pod, OF_POD, &at, problems);
    let (container, at) = (&pod["containers"][0], format!("{at}.containers[0]"));
    must_not_set(container, OF_CONTAINER, &at, problems);
    if !is_empty(&container["env"]) {
        // It configures TLS, and nothing else.
        problems.push(unsupported(&format!("{at}.env")));
    }
}

/// Names fields that are set and may not be. `false` is what most flags are without being set.
fn must_not_set(object: &Value, may: &[&str], at: &str, problems: &mut Vec<String>) {
    let set = object.as_object().into_iter().flatten().filter(|(_, value)| !is_empty(value) && **value != false);
    let mut fields: Vec<String> = set.filter(|(name, _)| !may.contains(&name.as_str())).map(|(name, _)| format!("{at}.{name}")).collect();
    fields.sort();
    if !fields.is_empty() {
        problems.push(format!("must not set the field(s): {}", fields.join(", ")));
    }
}

/// How an interceptor's object says where it answers.
fn interceptor(client: &Value, problems: &mut Vec<String>) {
    if client["url"].is_string() && client["service"].is_object() {
        problems.push(both(&["spec.clientConfig.service", "spec.clientConfig.url"]));
    }
    problems.extend(interceptors::unreachable(client).map(|field| unsupported(&field)));
}

/// What of the interceptors of a trigger or a group is more than the sandbox can do.
fn refuse_interceptors(spec: &Value, at: &str, problems: &mut Vec<String>) {
    for (i, interceptor) in list(&spec["interceptors"]).enumerate() {
        let at = format!("{at}.interceptors[{i}]");
        if interceptor["webhook"].is_object() {
            problems.push(unsupported(&format!("{at}.webhook")));
        }
        let owners = list(&interceptor["params"]).position(|param| param["name"] == "githubOwners" && param["value"]["enabled"] == true);
        problems.extend(owners.map(|param| unsupported(&format!("{at}.params[{param}] (githubOwners)"))));
    }
}

fn listed_trigger(entry: &Value, at: &str, problems: &mut Vec<String>) {
    let referred = !text(&entry["triggerRef"]).is_empty();
    let own = ["template", "bindings", "interceptors"].iter().any(|field| !is_empty(&entry[*field]));
    match (referred, own) {
        (true, true) => problems.push(both(&[&format!("{at}.template or bindings or interceptors"), &format!("{at}.triggerRef")])),
        (true, false) => {}
        (false, _) if entry["template"].is_object() => trigger(entry, at, problems),
        (false, _) => problems.push(neither(&[&format!("{at}.template"), &format!("{at}.triggerRef")])),
    }
    let name = text(&entry["name"]);
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let legal =
        name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && edge(name.chars().next()) && edge(name.chars().next_back());
    if name.len() > LABEL_MAX || !legal {
        problems.push(format!("invalid value: trigger name '{name}' must be a valid label value: {at}.name"));
    }
}

/// The parts that a Trigger and an inline trigger of a listener share.
fn trigger(spec: &Value, at: &str, problems: &mut Vec<String>) {
    for (i, interceptor) in list(&spec["interceptors"]).enumerate() {
        if !interceptor["webhook"].is_object() && text(&interceptor["ref"]["name"]).is_empty() {
            problems.push(missing(&format!("{at}.interceptors[{i}].interceptor")));
        }
    }
    refuse_interceptors(spec, at, problems);
    for (i, binding) in list(&spec["bindings"]).enumerate() {
        let at = format!("{at}.bindings[{i}]");
        let (name, reference, kind) = (text(&binding["name"]), text(&binding["ref"]), text(&binding["kind"]));
        if !reference.is_empty() {
            if !name.is_empty() {
                problems.push(both(&[&format!("{at}.name"), &format!("{at}.ref")]));
            } else if !["", kinds::TRIGGER_BINDING.kind, kinds::CLUSTER_TRIGGER_BINDING.kind].contains(&kind) {
                problems.push(format!("invalid value: invalid kind: {at}.kind"));
            }
        } else if name.is_empty() {
            problems.push(neither(&[&format!("{at}.name"), &format!("{at}.ref"), &format!("{at}.spec")]));
        } else if let Some(value) = binding["value"].as_str() {
            readable(value, &format!("{at}.value"), problems);
        } else if binding["value"].is_null() {
            problems.push(missing(&format!("{at}.value")));
        } else {
            textual(&binding["value"], &format!("{at}.value"), problems);
        }
    }
    let own = &spec["template"];
    if !["", "v1alpha1", "v1beta1"].contains(&text(&own["apiVersion"])) {
        problems.push(format!("invalid value: invalid apiVersion: {at}.template.apiVersion"));
    }
    match (own["spec"].is_object(), own["ref"].as_str()) {
        (true, Some(_)) => problems.push(both(&[&format!("{at}.template.ref"), &format!("{at}.template.spec")])),
        (true, None) => template(&own["spec"], &format!("{at}.template.spec"), problems),
        (false, Some("")) => problems.push(missing(&format!("{at}.template.ref"))),
        (false, Some(_)) => {}
        (false, None) => problems.push(neither(&[&format!("{at}.template.ref"), &format!("{at}.template.spec")])),
    }
}

fn binding_params(spec: &Value, problems: &mut Vec<String>) {
    // For a ClusterTriggerBinding the webhook says the same without naming the field.
    if is_empty(&spec["params"]) {
        return problems.push(missing("spec"));
    }
    let params: Vec<&Value> = list(&spec["params"]).collect();
    for (i, param) in params.iter().enumerate() {
        if params[..i].iter().any(|earlier| earlier["name"] == param["name"]) {
            return problems.push(both(&[&format!("spec.params[{i}].name")]));
        }
        let at = format!("spec.params[{i}].value");
        textual(&param["value"], &at, problems);
        let value = text(&param["value"]);
        // The webhook forgives the last expression of a value that it has no end.
        let begun = value.rsplit_once("$(").map_or("", |(before, _)| before);
        if expressions(begun).len() < begun.matches("$(").count() {
            return problems.push(format!("invalid value: {value}: {at}"));
        }
        readable(value, &at, problems);
    }
}

/// Refuses expressions that the sandbox cannot read and a cluster can.
fn readable(value: &str, at: &str, problems: &mut Vec<String>) {
    for expression in expressions(value) {
        // One that is merely wrong is accepted by Tekton too, and said in the listener's log.
        if let Err(error @ PathError::Unsupported(_)) = Path::parse(expression) {
            problems.push(format!("{at}: {error}"));
        }
    }
}

fn template(spec: &Value, at: &str, problems: &mut Vec<String>) {
    let within = format!("{at}.resourcetemplates");
    if is_empty(&spec["resourcetemplates"]) {
        let whole = is_empty(&spec["params"]);
        return problems.push(missing(&if whole { format!("{at}, {within}") } else { within }));
    }
    let at = within;
    for (i, param) in list(&spec["params"]).enumerate() {
        textual(&param["default"], &format!("spec.params[{i}].default"), problems);
    }
    let declared: Vec<&str> = list(&spec["params"]).map(|param| text(&param["name"])).collect();
    for (i, resource) in list(&spec["resourcetemplates"]).enumerate() {
        for field in ["kind", "apiVersion"] {
            if text(&resource[field]).is_empty() {
                problems.push(missing(&format!("{at}[{i}].{field}")));
            }
        }
        if let Some(name) = used_params(&resource.to_string()).into_iter().find(|name| !declared.contains(&name.as_str())) {
            let detail = format!("'$(tt.params.{name})' must be declared in spec.params");
            problems.push(format!("invalid value: undeclared param '$(tt.params.{name})': {at}[{i}]\n{detail}"));
        }
    }
}

/// Refuses what a struct of Triggers cannot hold where it has a text.
fn textual(value: &Value, at: &str, problems: &mut Vec<String>) {
    if !value.is_string() && !value.is_null() {
        problems.push(format!("invalid value: {value}: {at}: expected a text, write it in quotes"));
    }
}

fn used_params(text: &str) -> Vec<String> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let legal = |name: &str| name.starts_with(first) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let names = text.split("$(tt.params.").skip(1).filter_map(|rest| rest.split_once(')')).map(|(name, _)| name);
    names.filter(|name| legal(name)).map(str::to_owned).collect()
}

fn unsupported(field: &str) -> String {
    format!("{field}: not supported by the sandbox yet; try it on a cluster")
}

fn missing(field: &str) -> String {
    format!("missing field(s): {field}")
}

fn neither<S: AsRef<str>>(fields: &[S]) -> String {
    let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
    format!("expected exactly one, got neither: {}", fields.join(", "))
}

fn both(fields: &[&str]) -> String {
    format!("expected exactly one, got both: {}", fields.join(", "))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(kind: &Kind, spec: Value) -> Vec<String> {
        admit(kind, &json!({"metadata": {"name": "x"}, "spec": spec})).err().unwrap_or_default()
    }

    #[test]
    fn the_usual_chain_is_accepted() {
        let listener = json!({"serviceAccountName": "tt-sa", "triggers": [{"triggerRef": "tt-tr"}], "resources": {"kubernetesResource": {"serviceType": "ClusterIP", "servicePort": 80}}});
        assert!(problems(&kinds::EVENT_LISTENER, listener).is_empty());
        let trigger =
            json!({"bindings": [{"ref": "tt-tb", "kind": "TriggerBinding"}, {"name": "a", "value": ""}], "template": {"ref": "tt-tt"}});
        assert!(problems(&kinds::TRIGGER, trigger).is_empty());
        assert!(problems(&kinds::TRIGGER_BINDING, json!({"params": [{"name": "url", "value": "$(body.url)"}]})).is_empty());
        let template =
            json!({"params": [{"name": "url"}], "resourcetemplates": [{"apiVersion": "v1", "kind": "X", "spec": "$(tt.params.url)"}]});
        assert!(problems(&kinds::TRIGGER_TEMPLATE, template).is_empty());
    }

    #[test]
    fn what_the_sandbox_cannot_do_names_its_field() {
        let inline = json!({"name": "t", "interceptors": [{"webhook": {}}], "template": {"ref": "tt"}});
        let found = problems(&kinds::EVENT_LISTENER, json!({"triggers": [inline], "cloudEventURI": "http://x"}));
        assert!(found.iter().any(|p| p.starts_with("spec.triggers[0].interceptors[0].webhook: ")), "{found:?}");
        assert!(found.iter().any(|p| p.starts_with("spec.cloudEventURI: ")), "{found:?}");
        let owners = json!({"name": "githubOwners", "value": {"enabled": true}});
        let trigger = json!({"interceptors": [{"ref": {"name": "github"}, "params": [owners]}], "template": {"ref": "tt"}});
        assert!(problems(&kinds::TRIGGER, trigger)[0].starts_with("spec.interceptors[0].params[0] (githubOwners): "));
        let own = json!({"clientConfig": {"service": {"name": "own", "namespace": "ns"}}});
        assert!(problems(&kinds::CLUSTER_INTERCEPTOR, own)[0].starts_with("spec.clientConfig.service: "));
        let found = problems(&kinds::TRIGGER_BINDING, json!({"params": [{"name": "a", "value": "$(body.l[?(@.x=='y')].z)"}]}));
        assert!(found[0].starts_with("spec.params[0].value: a filter"), "{found:?}");
    }

    #[test]
    fn kinds_of_references_and_addresses_are_filled_in() {
        let mut trigger = json!({"spec": {"bindings": [{"ref": "a"}, {"ref": "b", "kind": "ClusterTriggerBinding"}],
            "interceptors": [{"ref": {"name": "cel"}}]}});
        complete(&kinds::TRIGGER, &mut trigger);
        let expected = json!({"bindings": [{"ref": "a", "kind": "TriggerBinding"}, {"ref": "b", "kind": "ClusterTriggerBinding"}],
            "interceptors": [{"ref": {"name": "cel", "kind": "ClusterInterceptor"}}]});
        assert_eq!(trigger["spec"], expected);
        let mut own = json!({"spec": {"clientConfig": {"url": "http://127.0.0.1:9"}}});
        complete(&kinds::CLUSTER_INTERCEPTOR, &mut own);
        assert_eq!(own["status"]["address"]["url"], "http://127.0.0.1:9");
        assert_eq!(own["metadata"]["labels"], json!({"server/type": "http"}));
    }

    #[test]
    fn what_the_webhook_lets_pass_is_accepted() {
        let unended = json!({"params": [{"name": "a", "value": "$(body"}]});
        assert!(problems(&kinds::TRIGGER_BINDING, unended).is_empty());
        let bound = json!({"bindings": [{"name": "a", "value": "$(body $(header.x)"}], "template": {"ref": "t"}});
        assert!(problems(&kinds::TRIGGER, bound).is_empty());
        assert!(problems(&kinds::EVENT_LISTENER, json!({"labelSelector": {}})).is_empty());
        let group = json!({"triggerGroups": [{"triggerSelector": {"labelSelector": {}}, "interceptors": [{}]}]});
        assert!(problems(&kinds::EVENT_LISTENER, group).is_empty());
        let number = json!({"resourcetemplates": [{"apiVersion": "v1", "kind": "X", "a": "$(tt.params.1b)"}]});
        assert!(problems(&kinds::TRIGGER_TEMPLATE, number).is_empty());
    }

    #[test]
    fn a_listeners_pod_is_the_controllers() {
        let with = |resource: Value| {
            let spec = json!({"triggers": [{"triggerRef": "t"}], "resources": {"kubernetesResource": resource}});
            problems(&kinds::EVENT_LISTENER, spec)
        };
        let of_pod = |pod: Value| with(json!({"spec": {"template": {"spec": pod}}}));
        let at = "spec.resources.kubernetesResource.spec.template.spec";
        assert!(
            of_pod(json!({"nodeSelector": {"a": "b"}, "hostNetwork": false, "containers": [{"resources": {}, "name": ""}]})).is_empty()
        );
        let image = of_pod(json!({"containers": [{"name": "x", "image": "y"}], "volumes": [{"name": "v"}]}));
        let refused = [
            format!("must not set the field(s): {at}.volumes"),
            format!("must not set the field(s): {at}.containers[0].image, {at}.containers[0].name"),
        ];
        assert_eq!(image, refused);
        assert_eq!(of_pod(json!({"containers": [{}, {}]})), [format!("expected exactly one, got both: {at}.containers")]);
        assert_eq!(with(json!({"replicas": -1})), ["invalid value: -1: spec.resources.kubernetesResource.spec.replicas"]);
        assert!(with(json!({"serviceLoadBalancerClass": "x"}))[0].contains("serviceLoadBalancerClass\nServiceLoadBalancerClass is only"));
        assert!(with(json!({"serviceLoadBalancerClass": "x", "serviceType": "LoadBalancer"})).is_empty());
    }

    #[test]
    fn mistakes_are_said_in_the_webhooks_words() {
        let expect = |kind: &Kind, spec: Value, problem: &str| assert_eq!(problems(kind, spec), [problem]);
        expect(
            &kinds::EVENT_LISTENER,
            json!({}),
            "expected exactly one, got neither: spec.labelSelector, spec.namespaceSelector, spec.triggerGroups, spec.triggers",
        );
        expect(
            &kinds::EVENT_LISTENER,
            json!({"triggers": [{"name": "t"}]}),
            "expected exactly one, got neither: spec.triggers[0].template, spec.triggers[0].triggerRef",
        );
        expect(
            &kinds::EVENT_LISTENER,
            json!({"triggerGroups": [{"name": "g", "triggerSelector": {"labelSelector": {}}}]}),
            "missing field(s): spec.triggerGroups[0].interceptors",
        );
        expect(
            &kinds::TRIGGER,
            json!({"interceptors": [{"params": []}], "template": {"ref": "t"}}),
            "missing field(s): spec.interceptors[0].interceptor",
        );
        expect(&kinds::TRIGGER, json!({"bindings": [{"name": "a"}], "template": {"ref": "t"}}), "missing field(s): spec.bindings[0].value");
        expect(
            &kinds::TRIGGER_BINDING,
            json!({"params": [{"name": "a", "value": "$(body $(header.x)"}, {"name": "b", "value": "$(body $(header.x)"}]}),
            "invalid value: $(body $(header.x): spec.params[0].value",
        );
        expect(
            &kinds::TRIGGER_BINDING,
            json!({"params": [{"name": "a", "value": 5}]}),
            "invalid value: 5: spec.params[0].value: expected a text, write it in quotes",
        );
        for nothing in [json!(null), json!({}), json!({"params": []}), json!({"params": null})] {
            expect(&kinds::TRIGGER_BINDING, nothing, "missing field(s): spec");
        }
        for nothing in [json!(null), json!({}), json!({"resourcetemplates": []})] {
            expect(&kinds::TRIGGER_TEMPLATE, nothing, "missing field(s): spec, spec.resourcetemplates");
        }
        expect(&kinds::TRIGGER_TEMPLATE, json!({"params": [{"name": "a"}]}), "missing field(s): spec.resourcetemplates");
        expect(
            &kinds::TRIGGER,
            json!({"template": {"ref": "t", "apiVersion": "v2"}}),
            "invalid value: invalid apiVersion: spec.template.apiVersion",
        );
        expect(
            &kinds::CLUSTER_INTERCEPTOR,
            json!({"clientConfig": {"url": "http://x", "service": {"name": "a", "namespace": "b"}}}),
            "expected exactly one, got both: spec.clientConfig.service, spec.clientConfig.url",
        );
        expect(
            &kinds::TRIGGER_TEMPLATE,
            json!({"resourcetemplates": [{"apiVersion": "v1", "kind": "X", "a": "$(tt.params.b)"}]}),
            "invalid value: undeclared param '$(tt.params.b)': spec.resourcetemplates[0]\n'$(tt.params.b)' must be declared in spec.params",
        );
    }
}
