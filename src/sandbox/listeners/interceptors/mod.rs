//! What stands between an event and a Trigger: the interceptors that Tekton installs, answered in this process, and those
//! that somebody serves at an address of their own.

mod cel;
mod forges;
mod functions;
mod overlay;
mod remote;
mod signature;
mod slack;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::event::{Event, Headers};
use crate::kinds::{self, Kind};
use crate::sandbox::json::{list, text};
use crate::sandbox::store::Store;

/// The Service of Tekton's own interceptors, which this process stands for.
pub const CORE: (&str, &str) = ("tekton-pipelines", "tekton-triggers-core-interceptors");

/// How `ref.kind` calls an interceptor that belongs to a namespace; its own kind is `Interceptor`.
pub const NAMESPACED: &str = "NamespacedInterceptor";

/// The interceptors that Tekton installs, by the path at which their Service has them.
const BUILT_IN: [(&str, Process); 5] = [
    ("bitbucket", forges::bitbucket),
    ("cel", cel::process),
    ("github", forges::github),
    ("gitlab", forges::gitlab),
    ("slack", slack::process),
];

/// What one of Tekton's own interceptors does with an event.
type Process = fn(&Request<'_>) -> Result<Map<String, Value>, Refusal>;

/// Why an event does not come through.
#[derive(Debug, PartialEq, Eq)]
pub enum Halt {
    /// An interceptor stopped it, as it was told to
    Stopped(Refusal),
    /// An interceptor could not be asked
    Failed(String),
}

/// The refusal of an interceptor: a code of gRPC, and a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("rpc error: code = {code} desc = {message}")]
pub struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    /// The params of the interceptor or the event are not as they should be.
    fn invalid(message: impl Into<String>) -> Refusal {
        Refusal { code: "InvalidArgument".to_owned(), message: message.into() }
    }

    /// The event does not fulfil what is asked of it.
    fn unfulfilled(message: impl Into<String>) -> Refusal {
        Refusal { code: "FailedPrecondition".to_owned(), message: message.into() }
    }

    /// Something is not there.
    fn missing(message: impl Into<String>) -> Refusal {
        Refusal { code: "NotFound".to_owned(), message: message.into() }
    }

    /// A result that cannot be handed on.
    fn internal(message: impl Into<String>) -> Refusal {
        Refusal { code: "Internal".to_owned(), message: message.into() }
    }
}

/// What an interceptor is asked.
struct Request<'a> {
    /// The body as it came, or as JSON when it was a form
    body: &'a str,
    headers: &'a Headers,
    /// What interceptors before it have added
    extensions: &'a Map<String, Value>,
    /// `params` of the reference, by name
    params: Map<String, Value>,
    /// The path and query that the event was posted to
    url: &'a str,
    secrets: Secrets,
}

/// Looks up one key of a Secret in the Trigger's namespace, by name and key.
type Secrets = Arc<dyn Fn(&str, &str) -> Result<Vec<u8>, String> + Send + Sync>;

impl Request<'_> {
    /// The first value of a header, or nothing.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// The value that `secretRef` names, if there is such a param.
    fn secret_of(&self, interceptor: &str, reference: &Value) -> Result<Vec<u8>, Refusal> {
        let key = text(&reference["secretKey"]);
        if key.is_empty() {
            return Err(Refusal::unfulfilled(format!("{interceptor} interceptor secretRef.secretKey is empty")));
        }
        (self.secrets)(text(&reference["secretName"]), key).map_err(|error| Refusal::unfulfilled(format!("error getting secret: {error}")))
    }
}

/// Where interceptors are looked for, and for whom.
pub struct Chain<'a> {
    /// The objects
    pub store: &'a Store,
    /// Namespace of the EventListener, where interceptors of a namespace are
    pub listener_namespace: &'a str,
    /// Namespace of the Trigger, where Secrets are
    pub namespace: &'a str,
    /// `namespaces/NS/triggers/NAME`
    pub id: String,
}

impl Chain<'_> {
    /// Takes an event through interceptors one after the other; each sees what those before it have added.
    ///
    /// # Errors
    /// When one of them stops the event or cannot be asked.
    pub async fn pass(&self, interceptors: &Value, event: &Event) -> Result<Event, Halt> {
        let mut event = event.clone();
        if list(interceptors).next().is_none() {
            return Ok(event);
        }
        if let Some(json) = form_as_json(&event) {
            event.body = json;
        }
        for interceptor in list(interceptors) {
            let added = self.ask(interceptor, &event).await?;
            event.extensions.extend(added);
        }
        Ok(event)
    }

    async fn ask(&self, interceptor: &Value, event: &Event) -> Result<Map<String, Value>, Halt> {
        let params = list(&interceptor["params"]).map(|param| (text(&param["name"]).to_owned(), param["value"].clone())).collect();
        match self.resolve(&interceptor["ref"]).map_err(Halt::Failed)? {
            Place::BuiltIn(process) => {
                let (store, namespace) = (self.store.clone(), self.namespace.to_owned());
                let secrets: Secrets = Arc::new(move |name, key| secret(&store, &namespace, name, key));
                let (body, headers, extensions, url) = (&event.body, &event.headers, &event.extensions, &event.url);
                process(&Request { body, headers, extensions, params, url, secrets }).map_err(Halt::Stopped)
            }
            Place::At(url) => {
                let context = json!({ "event_url": event.url, "event_id": event.id, "trigger_id": self.id });
                let request = json!({
                    "body": event.body, "header": event.headers, "extensions": event.extensions,
                    "interceptor_params": params, "context": context,
                });
                remote::ask(&url, &request).await
            }
        }
    }

    /// Where an interceptor is to be asked.
    fn resolve(&self, reference: &Value) -> Result<Place, String> {
        let name = text(&reference["name"]);
        let (kind, namespace): (&Kind, _) = if reference["kind"] == NAMESPACED {
            (&kinds::INTERCEPTOR, self.listener_namespace)
        } else {
            (&kinds::CLUSTER_INTERCEPTOR, "")
        };
        let unresolved = |problem: String| format!("url resolution failed for interceptor {name} with: {problem}");
        let found = self.store.get(kind, namespace, name).map_err(|error| unresolved(error.to_string()))?;
        let found = found.ok_or_else(|| unresolved(format!("{}.{} {name:?} not found", kind.kind.to_ascii_lowercase(), kind.group)))?;
        let client = &found["spec"]["clientConfig"];
        if let Some(url) = client["url"].as_str() {
            return Ok(Place::At(url.to_owned()));
        }
        let path = text(&client["service"]["path"]).trim_start_matches('/').to_ascii_lowercase();
        let process = BUILT_IN.iter().find(|(name, _)| *name == path).map(|(_, process)| Place::BuiltIn(*process));
        process.ok_or_else(|| "interceptor response was not 200: path did not match any interceptors".to_owned())
    }
}

fn secret(store: &Store, namespace: &str, name: &str, key: &str) -> Result<Vec<u8>, String> {
    let found = store.get(&kinds::SECRET, namespace, name).map_err(|error| error.to_string())?;
    let secret = found.ok_or_else(|| format!("secrets {name:?} not found"))?;
    let value = secret["data"][key].as_str().and_then(|value| BASE64_STANDARD.decode(value).ok());
    value.ok_or_else(|| format!("cannot find {key} key in secret {namespace}/{name}"))
}

/// How an interceptor is reached.
enum Place {
    BuiltIn(Process),
    At(String),
}

/// A form of several fields as JSON: every field with the list of its values.
fn form_as_json(event: &Event) -> Option<String> {
    let form =
        event.headers.get("Content-Type").is_some_and(|values| values.first().is_some_and(|v| v == "application/x-www-form-urlencoded"));
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(event.body.as_bytes()).filter(|_| form) {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    (fields.len() > 1).then(|| json!(fields).to_string())
}

/// Whether an interceptor's object is one that the sandbox can ask; else the field that it cannot follow.
pub fn unreachable(client: &Value) -> Option<String> {
    if let Some(url) = client["url"].as_str() {
        return (!url.starts_with("http://")).then(|| "spec.clientConfig.url (other than http://)".to_owned());
    }
    let service = &client["service"];
    let core = (text(&service["namespace"]), text(&service["name"])) == CORE;
    (service.is_object() && !core).then(|| "spec.clientConfig.service".to_owned())
}

/// The address that the controller writes into the status of an interceptor.
pub fn address(client: &Value) -> Option<String> {
    if let Some(url) = client["url"].as_str() {
        return Some(url.to_owned());
    }
    let service = &client["service"];
    let (name, namespace) = (service["name"].as_str()?, service["namespace"].as_str()?);
    let (scheme, port) = if text(&client["caBundle"]).is_empty() { ("http", 80) } else { ("https", 8443) };
    let port = service["port"].as_u64().unwrap_or(port);
    let path = text(&service["path"]);
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    Some(format!("{scheme}://{name}.{namespace}.svc:{port}{slash}{path}"))
}

#[cfg(test)]
mod tests;
