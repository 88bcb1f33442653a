//! What one event sets off: which Triggers it reaches, what each of them takes out of it, and the objects that are made,
//! with everything said in the listener's log that the real one says there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::params::{self, Binding};
use super::rights;
use super::sink_log::{Severity, SinkLog};
use crate::kinds::{self, Kind};
use crate::sandbox::json::{list, strings, text};
use crate::sandbox::store::{Store, StoreError};

/// The longest answer of the API server that is read; its errors are short.
const ANSWER_LIMIT: usize = 16 << 20;

/// An event as it came in.
#[derive(Clone, Debug)]
pub struct Event {
    /// The id that the sender was told
    pub id: String,
    /// Headers in canonical spelling, several of one name joined by commas
    pub headers: BTreeMap<String, String>,
    /// The body; null when it was empty
    pub body: Result<Value, String>,
}

/// A Trigger that an event reaches, wherever it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    name: String,
    namespace: String,
    /// Fields `bindings`, `template`, `interceptors` and `serviceAccountName`
    spec: Value,
}

/// Where the parts of a listener are.
pub struct Surroundings {
    /// The objects
    pub store: Store,
    /// The API server, for what is made
    pub api: Router,
    /// The listener's log
    pub log: Arc<SinkLog>,
}

/// Why the Triggers of a listener cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The store failed
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry without template and reference
    #[error("error merging triggers: EventListenerTrigger not defined")]
    Undefined,
}

/// The Triggers that an event reaches: those that the listener selects, then those that it lists. One that is referred to
/// but not there is only said in the log.
///
/// # Errors
/// When the store cannot be read, or an entry of the listener is empty.
pub fn triggers(surroundings: &Surroundings, listener: &Value) -> Result<Vec<Trigger>, SelectError> {
    let namespace = text(&listener["metadata"]["namespace"]);
    let mut found = selected(&surroundings.store, listener, namespace)?;
    for entry in list(&listener["spec"]["triggers"]) {
        let reference = text(&entry["triggerRef"]);
        if entry["template"].is_object() {
            found.push(Trigger { name: text(&entry["name"]).to_owned(), namespace: namespace.to_owned(), spec: entry.clone() });
        } else if reference.is_empty() {
            return Err(SelectError::Undefined);
        } else if let Some(trigger) = surroundings.store.get(&kinds::TRIGGER, namespace, reference)? {
            found.push(of_object(&trigger));
        } else {
            let problem = format!("Error getting Trigger {reference} in Namespace {namespace}: {}", not_found(&kinds::TRIGGER, reference));
            surroundings.log.write(Severity::Error, &problem, &[]);
        }
    }
    Ok(found)
}

fn of_object(trigger: &Value) -> Trigger {
    let field = |name: &str| text(&trigger["metadata"][name]).to_owned();
    Trigger { name: field("name"), namespace: field("namespace"), spec: trigger["spec"].clone() }
}

/// The Triggers that the listener's selectors take: of its own namespace when only labels are given.
fn selected(store: &Store, listener: &Value, own: &str) -> Result<Vec<Trigger>, StoreError> {
    let spec = &listener["spec"];
    let names: Vec<&str> = strings(&spec["namespaceSelector"]["matchNames"]).collect();
    let namespaces: Vec<Option<&str>> = match names.as_slice() {
        [] if spec["labelSelector"].is_object() => vec![Some(own)],
        ["*"] => vec![None],
        names => names.iter().copied().map(Some).collect(),
    };
    let mut found = Vec::new();
    for namespace in namespaces {
        let all = store.list(&kinds::TRIGGER, namespace)?;
        found.extend(all.iter().filter(|trigger| matches_labels(&spec["labelSelector"], &trigger["metadata"]["labels"])).map(of_object));
    }
    Ok(found)
}

/// Whether labels satisfy a `metav1.LabelSelector`; an absent one takes everything.
fn matches_labels(selector: &Value, labels: &Value) -> bool {
    let exact = selector["matchLabels"].as_object().is_none_or(|wanted| wanted.iter().all(|(name, value)| labels.get(name) == Some(value)));
    exact
        && list(&selector["matchExpressions"]).all(|expression| {
            let label = labels.get(text(&expression["key"]));
            let listed = label.is_some_and(|label| list(&expression["values"]).any(|value| value == label));
            match text(&expression["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

/// Lets one Trigger make its objects. Whatever goes wrong is said in the log, and nothing further is made.
pub async fn process(surroundings: &Surroundings, listener: &Value, trigger: &Trigger, event: &Event) {
    let fields = [
        ("/triggers-eventid", event.id.as_str()),
        ("eventlistenerUID", text(&listener["metadata"]["uid"])),
        ("/trigger", trigger.name.as_str()),
    ];
    if let Err(problem) = make_objects(surroundings, listener, trigger, event, &fields).await {
        surroundings.log.write(Severity::Error, &problem, &fields);
    }
}

async fn make_objects(
    surroundings: &Surroundings,
    listener: &Value,
    trigger: &Trigger,
    event: &Event,
    fields: &[(&str, &str)],
) -> Result<(), String> {
    let log = &surroundings.log;
    if list(&trigger.spec["interceptors"]).next().is_some() {
        return Err("spec.interceptors: interceptors are not supported by the sandbox".to_owned());
    }
    let bindings = bindings(&surroundings.store, trigger)?;
    let (template, annotations) = template(&surroundings.store, trigger)?;
    let body = event.body.clone().map_err(|error| {
        format!("failed to ApplyEventValuesToParams: failed to marshal event: failed to unmarshal request body: {error}")
    })?;
    let seen = params::event(&event.headers, body, &event.id);
    let values = params::resolve(&bindings, &template, &seen).map_err(|error| error.to_string())?;
    let shown: Vec<String> = values.iter().map(|(name, value)| format!("{{Name:{name} Value:{value}}}")).collect();
    log.write(Severity::Info, &format!("ResolvedParams : [{}]", shown.join(" ")), fields);
    let uid = uuid::Uuid::new_v4().to_string();
    let objects = params::fill(&template, &annotations, &values, &uid).map_err(|error| error.to_string())?;
    let account = text(&trigger.spec["serviceAccountName"]);
    let user = rights::acting_user(&surroundings.store, listener, &trigger.namespace, account).map_err(|error| error.to_string())?;
    for object in objects {
        let made = match &user {
            Ok(user) => create(surroundings, listener, trigger, event, object, user, fields).await,
            Err(forbidden) => Err(forbidden.clone()),
        };
        made.inspect_err(|problem| log.write(Severity::Error, &format!("problem creating obj: {problem}"), fields))?;
    }
    Ok(())
}

fn bindings(store: &Store, trigger: &Trigger) -> Result<Vec<Binding>, String> {
    let mut found = Vec::new();
    for entry in list(&trigger.spec["bindings"]) {
        let (name, reference) = (text(&entry["name"]), text(&entry["ref"]));
        if let (false, Some(value)) = (name.is_empty(), entry["value"].as_str()) {
            found.push(Binding { name: name.to_owned(), value: value.to_owned() });
            continue;
        }
        if reference.is_empty() {
            return Err(format!("failed to resolve bindings: invalid binding: {entry}"));
        }
        let cluster = text(&entry["kind"]) == kinds::CLUSTER_TRIGGER_BINDING.kind;
        let (kind, namespace) =
            if cluster { (&kinds::CLUSTER_TRIGGER_BINDING, "") } else { (&kinds::TRIGGER_BINDING, trigger.namespace.as_str()) };
        let object = referred(store, kind, namespace, reference).map_err(|error| format!("failed to resolve bindings: {error}"))?;
        let binding = |param: &Value| Binding { name: text(&param["name"]).to_owned(), value: text(&param["value"]).to_owned() };
        found.extend(list(&object["spec"]["params"]).map(binding));
    }
    Ok(found)
}

/// The template's spec, and the annotations of the object that it comes from.
fn template(store: &Store, trigger: &Trigger) -> Result<(Value, Value), String> {
    let template = &trigger.spec["template"];
    if template["spec"].is_object() {
        return Ok((template["spec"].clone(), Value::Null));
    }
    let mut object = referred(store, &kinds::TRIGGER_TEMPLATE, &trigger.namespace, text(&template["ref"]))?;
    Ok((object["spec"].take(), object["metadata"]["annotations"].take()))
}

fn referred(store: &Store, kind: &'static Kind, namespace: &str, name: &str) -> Result<Value, String> {
    let found = store.get(kind, namespace, name).map_err(|error| format!("error getting {} {name}: {error}", kind.kind))?;
    found.ok_or_else(|| format!("error getting {} {name}: {}", kind.kind, not_found(kind, name)))
}

/// As the real listener's cache words it, with the kind in the singular.
fn not_found(kind: &Kind, name: &str) -> String {
    format!("{}.{} {name:?} not found", kind.kind.to_ascii_lowercase(), kind.group)
}

/// Makes one object through the API server, as the account that may or may not be allowed to.
async fn create(
    surroundings: &Surroundings,
    listener: &Value,
    trigger: &Trigger,
    event: &Event,
    mut object: Value,
    user: &str,
    fields: &[(&str, &str)],
) -> Result<(), String> {
    let (api_version, kind_name) = (text(&object["apiVersion"]).to_owned(), text(&object["kind"]).to_owned());
    let kind = kinds::of_manifest(&api_version, &kind_name).ok_or_else(|| {
        format!("couldn't find API resource for json: error could not find resource with apiVersion {api_version} and kind {kind_name}")
    })?;
    label(&mut object, text(&listener["metadata"]["name"]), &trigger.name, &event.id)?;
    let named = [&object["metadata"]["name"], &object["metadata"]["generateName"]];
    let name = named.iter().map(|name| text(name)).find(|name| !name.is_empty()).unwrap_or_default();
    let log = &surroundings.log;
    log.write(Severity::Info, &format!("Generating resource: kind: {}, name: {name}", kind.resource()), fields);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let resource = format!("{}/{version}, Resource={}", kind.group, kind.plural);
    log.write(Severity::Info, &format!("For event ID {:?} creating resource {resource}", event.id), fields);
    let namespace = Some(text(&object["metadata"]["namespace"])).filter(|ns| !ns.is_empty()).unwrap_or(&trigger.namespace);
    let path = kind.path(version, Some(namespace));
    post(&surroundings.api, &path, user, &object).await.map_err(|(code, message)| match code {
        401 | 403 => message,
        _ => format!("couldn't create resource with group version kind {resource:?}: {message}"),
    })
}

fn label(object: &mut Value, listener: &str, trigger: &str, event_id: &str) -> Result<(), String> {
    let metadata = &mut object["metadata"];
    if metadata.is_null() {
        *metadata = json!({});
    }
    let metadata = metadata.as_object_mut().ok_or("metadata of the TriggerTemplate's object is no map")?;
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if labels.is_null() {
        *labels = json!({});
    }
    let labels = labels.as_object_mut().ok_or("metadata.labels of the TriggerTemplate's object is no map")?;
    for (name, value) in [("eventlistener", listener), ("triggers-eventid", event_id), ("trigger", trigger)] {
        labels.insert(format!("triggers.tekton.dev/{name}"), value.into());
    }
    Ok(())
}

/// Posts an object as a user; an error is the status code and the server's message.
async fn post(api: &Router, path: &str, user: &str, object: &Value) -> Result<(), (u16, String)> {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "eventlistener")
        .header("impersonate-user", user)
        .body(Body::from(object.to_string()))
        .map_err(|error| (0, format!("{path}: {error}")))?;
    let response = match api.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.status().is_success() {
        return Ok(());
    }
    let code = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), ANSWER_LIMIT).await.unwrap_or_default();
    let message = serde_json::from_slice::<Value>(&bytes).ok().and_then(|status| Some(status["message"].as_str()?.to_owned()));
    Err((code, message.unwrap_or_else(|| format!("the server answered {code}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_selector_is_evaluated_whole() {
        let labels = json!({"app": "x", "tier": "web"});
        let matches = |selector: Value| matches_labels(&selector, &labels);
        assert!(matches(Value::Null));
        assert!(matches(json!({"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]})));
        assert!(!matches(json!({"matchLabels": {"app": "y"}})));
        assert!(matches(
            json!({"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}, {"key": "no", "operator": "NotIn", "values": ["x"]}]})
        ));
        assert!(!matches(json!({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]})));
    }

    #[test]
    fn labels_are_put_on_an_object_and_on_nothing_else() {
        let mut object = json!({"kind": "PipelineRun"});
        label(&mut object, "el", "tr", "id").expect("labelled");
        assert_eq!(object["metadata"]["labels"]["triggers.tekton.dev/trigger"], "tr");
        for odd in [json!({"metadata": "x"}), json!({"metadata": {"labels": "x"}})] {
            assert!(label(&mut odd.clone(), "el", "tr", "id").is_err());
        }
    }
}
