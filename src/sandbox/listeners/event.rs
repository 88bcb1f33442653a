//! What one event sets off: what a Trigger takes out of it after its interceptors have seen it, and the objects that are
//! made, with everything said in the listener's log that the real one says there.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, header};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use super::interceptors::{Chain, Halt};
use super::params::{self, Binding};
use super::sink_log::{Severity, SinkLog};
use super::{rights, selection};
use crate::kinds::{self, Kind};
use crate::sandbox::json::{list, text};
use crate::sandbox::store::Store;

/// The longest answer of the API server that is read; its errors are short.
const ANSWER_LIMIT: usize = 16 << 20;

/// An event as it came in.
#[derive(Clone, Debug)]
pub struct Event {
    /// The id that the sender was told
    pub id: String,
    /// The path and query that it was posted to
    pub url: String,
    /// Headers in canonical spelling
    pub headers: Headers,
    /// The body as it came
    pub body: String,
    /// What interceptors have added
    pub extensions: Map<String, Value>,
}

/// Headers with their values.
pub type Headers = BTreeMap<String, Vec<String>>;

/// A Trigger that an event reaches, wherever it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its name, empty for a nameless one in a listener
    pub name: String,
    /// The namespace of what it names and makes
    pub namespace: String,
    /// Fields `bindings`, `template`, `interceptors` and `serviceAccountName`
    pub spec: Value,
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
    let id = format!("namespaces/{}/triggers/{}", trigger.namespace, trigger.name);
    let Some(event) = &intercept(surroundings, listener, &trigger.namespace, id, &trigger.spec["interceptors"], event, fields).await?
    else {
        return Ok(());
    };
    let bindings = bindings(&surroundings.store, trigger)?;
    let (template, annotations) = template(&surroundings.store, trigger)?;
    let seen = params::event(event).map_err(|error| error.to_string())?;
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

/// Takes an event through interceptors; none comes out when one of them stops it, which is said in the log.
async fn intercept(
    surroundings: &Surroundings,
    listener: &Value,
    namespace: &str,
    id: String,
    interceptors: &Value,
    event: &Event,
    fields: &[(&str, &str)],
) -> Result<Option<Event>, String> {
    let chain = Chain { store: &surroundings.store, listener_namespace: text(&listener["metadata"]["namespace"]), namespace, id };
    match chain.pass(interceptors, event).await {
        Ok(event) => Ok(Some(event)),
        Err(Halt::Failed(problem)) => Err(problem),
        Err(Halt::Stopped(refusal)) => {
            surroundings.log.write(Severity::Info, &format!("interceptor stopped trigger processing: {refusal}"), fields);
            Ok(None)
        }
    }
}

/// Lets an event through the interceptors of a group, and then to the Triggers that the group selects.
pub async fn process_group(surroundings: &Surroundings, listener: &Value, group: &Value, event: &Event) {
    let (name, namespace) = (text(&group["name"]), text(&listener["metadata"]["namespace"]));
    let fields =
        [("/triggers-eventid", event.id.as_str()), ("eventlistenerUID", text(&listener["metadata"]["uid"])), ("/triggergroup", name)];
    let id = format!("namespaces/{namespace}/triggerGroups/{name}");
    let passed = intercept(surroundings, listener, namespace, id, &group["interceptors"], event, &fields).await;
    let problem = match passed {
        Ok(None) => return,
        Ok(Some(event)) => match selection::selected(&surroundings.store, &group["triggerSelector"], namespace) {
            Ok(triggers) => {
                for trigger in &triggers {
                    process(surroundings, listener, trigger, &event).await;
                }
                return;
            }
            Err(error) => error.to_string(),
        },
        Err(problem) => problem,
    };
    surroundings.log.write(Severity::Error, &problem, &fields);
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
pub fn not_found(kind: &Kind, name: &str) -> String {
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
    fn labels_are_put_on_an_object_and_on_nothing_else() {
        let mut object = json!({"kind": "PipelineRun"});
        label(&mut object, "el", "tr", "id").expect("labelled");
        assert_eq!(object["metadata"]["labels"]["triggers.tekton.dev/trigger"], "tr");
        for odd in [json!({"metadata": "x"}), json!({"metadata": {"labels": "x"}})] {
            assert!(label(&mut odd.clone(), "el", "tr", "id").is_err());
        }
    }
}
