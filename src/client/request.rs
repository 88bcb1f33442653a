//! One request: which verb on which kind with which query, how it is sent, retried, and sent again at an older
//! version when the server does not serve the newest.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::error::{Reach, has_broken_off, innermost};
use super::{Asked, Cluster, Error};
use crate::kinds::{self, Kind};
use crate::objects::upgrade;

/// How long an answer may take that is no stream.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pauses before a read is sent again after an answer that broke off and after 410, 500 and 502; 429, 503 and 504 are
/// retried below, with `Retry-After`.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1600)];

/// The parameter that asks for a further page.
pub(super) const CONTINUE: &str = "continue";

/// Which objects of a list or watch.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Label selector, in the API's syntax; empty for all
    pub labels: String,
    /// Field selector, in the API's syntax; empty for all
    pub fields: String,
}

impl Select {
    /// Objects with a label selector.
    pub fn labels(selector: impl Into<String>) -> Self {
        Self { labels: selector.into(), ..Self::default() }
    }

    /// Objects with a field selector.
    pub fn fields(selector: impl Into<String>) -> Self {
        Self { fields: selector.into(), ..Self::default() }
    }
}

/// What of a container's log.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Name of the container
    pub container: String,
    /// Whether to go on while it runs
    pub follow: bool,
    /// Whether each line begins with its time (RFC 3339, nanoseconds)
    pub timestamps: bool,
    /// Only from this time on; the server compares whole seconds
    pub since: Option<jiff::Timestamp>,
    /// Only the last lines
    pub tail: Option<u64>,
    /// The container before its last restart
    pub previous: bool,
}

impl LogQuery {
    pub(super) fn ask(&self, namespace: &str, pod: &str) -> Ask {
        let flag = |on: bool| if on { "true" } else { "" };
        let since = self.since.map(|t| t.to_string()).unwrap_or_default();
        let tail = self.tail.map(|n| n.to_string()).unwrap_or_default();
        Ask::new("get", &kinds::POD, namespace)
            .named(pod)
            .subresource("log")
            .query("container", &self.container)
            .query("follow", flag(self.follow))
            .query("timestamps", flag(self.timestamps))
            .query("previous", flag(self.previous))
            .query("sinceTime", since)
            .query("tailLines", tail)
    }
}

/// The body of a request, with its media type.
pub(super) enum Body {
    None,
    Json(Value),
    Apply(Value),
    Patch(Value),
}

/// A request before its version is known.
pub(super) struct Ask {
    asked: Asked,
    name: String,
    query: Vec<(&'static str, String)>,
    body: Body,
    accept: &'static str,
}

impl Ask {
    pub(super) fn new(verb: &'static str, kind: &'static Kind, namespace: &str) -> Self {
        let namespace = (kind.namespaced && !namespace.is_empty()).then(|| namespace.to_owned());
        let asked = Asked { verb, kind, namespace, subresource: None };
        Self { asked, name: String::new(), query: Vec::new(), body: Body::None, accept: "application/json" }
    }

    pub(super) fn list(kind: &'static Kind, namespace: Option<&str>) -> Self {
        Self::new("list", kind, namespace.unwrap_or_default())
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(super) fn subresource(mut self, subresource: &'static str) -> Self {
        self.asked.subresource = Some(subresource);
        self
    }

    /// Adds a query parameter; an empty value leaves it out.
    pub(super) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.query.push((key, value));
        }
        self
    }

    pub(super) fn select(self, select: &Select) -> Self {
        self.query("labelSelector", &select.labels).query("fieldSelector", &select.fields)
    }

    /// Asks for `PartialObjectMetadataList`, which leaves out spec and status; a server that cannot do so sends all.
    pub(super) fn metadata_only(mut self) -> Self {
        self.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
        self
    }

    /// Asks for a `Table`; a server that makes none may send the metadata alone, or the list.
    pub(super) fn in_a_table(mut self) -> Self {
        self.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                       application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Refuses a name or namespace that is no single part of a path, as client-go does (`IsValidPathSegmentName`).
    fn check(&self) -> Result<(), Error> {
        let one = !matches!(self.asked.verb, "list" | "watch" | "create");
        let reason = match (one, odd(&self.name), self.asked.namespace.as_deref().and_then(odd)) {
            (true, _, _) if self.name.is_empty() => "name is required".to_owned(),
            (true, Some(why), _) => format!("invalid resource name {:?}: [{why}]", self.name),
            (_, _, Some(why)) => format!("invalid namespace {:?}: [{why}]", self.asked.namespace.as_deref().unwrap_or_default()),
            _ => return Ok(()),
        };
        Err(Error::Name { reason })
    }

    /// Whether it asks for a further page of a list.
    fn goes_on(&self) -> bool {
        self.query.iter().any(|(key, _)| *key == CONTINUE)
    }

    fn uri(&self, version: &str) -> String {
        let namespace = self.asked.namespace.as_deref().map(encoded);
        let mut uri = self.asked.kind.path(version, namespace.as_deref());
        for part in [self.name.as_str(), self.asked.subresource.unwrap_or_default()].into_iter().filter(|p| !p.is_empty()) {
            uri.push('/');
            uri.push_str(&encoded(part));
        }
        for (i, (key, value)) in self.query.iter().enumerate() {
            uri.push(if i == 0 { '?' } else { '&' });
            uri.push_str(key);
            uri.push('=');
            uri.push_str(&encoded(value));
        }
        uri
    }

    /// An object as the version that the server has; a patch is no object and stays as it is.
    fn written(&self, body: &Value, version: &str) -> String {
        let kind = self.asked.kind;
        if version == kind.version() || matches!(self.body, Body::Patch(_)) {
            return body.to_string();
        }
        let mut older = body.clone();
        upgrade::from_v1(kind, version, &mut older);
        older.to_string()
    }

    pub(super) fn http(&self, version: &str) -> http::Request<Vec<u8>> {
        let (method, media, body) = match &self.body {
            Body::None if self.asked.verb == "delete" => ("DELETE", "", None),
            Body::None => ("GET", "", None),
            Body::Json(v) => ("POST", "application/json", Some(v)),
            Body::Apply(v) => ("PATCH", "application/apply-patch+yaml", Some(v)),
            Body::Patch(v) => ("PATCH", "application/json-patch+json", Some(v)),
        };
        let mut request = http::Request::builder().method(method).uri(self.uri(version)).header("Accept", self.accept);
        if !media.is_empty() {
            request = request.header("Content-Type", media);
        }
        let bytes = body.map(|v| self.written(v, version).into_bytes()).unwrap_or_default();
        request.body(bytes).expect("encoded paths and fixed headers make a valid request")
    }
}

/// Why a text cannot be one part of a path.
fn odd(text: &str) -> Option<String> {
    if matches!(text, "." | "..") {
        return Some(format!("may not be '{text}'"));
    }
    let odd: Vec<String> = ["/", "%"].iter().filter(|part| text.contains(**part)).map(|part| format!("may not contain '{part}'")).collect();
    (!odd.is_empty()).then(|| odd.join(" "))
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => write!(out, "%{byte:02X}").expect("writing to a string does not fail"),
        }
        out
    })
}

impl Cluster {
    /// The version at which a kind is asked for.
    pub(super) fn version(&self, kind: &'static Kind) -> &'static str {
        let versions = self.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.get(kind.group).copied().filter(|v| kind.versions.contains(v)).unwrap_or(kind.version())
    }

    pub(super) async fn value(&self, ask: &Ask) -> Result<Value, Error> {
        let text = self.text(ask).await?;
        serde_json::from_str(&text).map_err(|e| self.undecodable(ask.asked.kind, &e))
    }

    /// Sends a request, and again at an older version if the server does not know the newest.
    pub(super) async fn text(&self, ask: &Ask) -> Result<String, Error> {
        ask.check()?;
        let version = self.version(ask.asked.kind);
        match self.patiently(ask, version).await {
            Err(error) if unknown_kind(&error) => {
                let served = self.discover(ask.asked.kind, error).await?;
                self.patiently(ask, served).await
            }
            Ok(text) => {
                self.remember(ask.asked.kind, version);
                Ok(text)
            }
            Err(error) => Err(error),
        }
    }

    fn remember(&self, kind: &'static Kind, version: &'static str) {
        let mut versions = self.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        versions.entry(kind.group).or_insert(version);
    }

    /// The version in which the server has a kind. Only where nothing of its group was asked for yet is the server asked.
    ///
    /// # Errors
    /// When it has none that is known, or does not answer.
    pub async fn discovered(&self, kind: &'static Kind) -> Result<&'static str, Error> {
        let known = self.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(kind.group).copied();
        if let Some(version) = known.filter(|version| kind.versions.contains(version)) {
            return Ok(version);
        }
        for version in kind.versions {
            let ask = Ask::new("list", kind, "");
            match self.client.request::<Resources>(group(kind, version)).await {
                Ok(resources) if resources.resources.iter().any(|r| r.name == kind.plural) => {
                    self.remember(kind, version);
                    return Ok(version);
                }
                Ok(_) => {}
                Err(error) => match self.error(error, &ask) {
                    error if error.is_not_found() => {}
                    error => return Err(error),
                },
            }
        }
        Err(self.unserved(kind))
    }

    async fn patiently(&self, ask: &Ask, version: &str) -> Result<String, Error> {
        let reading = matches!(ask.body, Body::None) && ask.asked.verb != "delete";
        let mut pauses = PAUSES.iter().filter(|_| reading);
        loop {
            let sent = self.client.request_text(ask.http(version));
            let error = match tokio::time::timeout(PATIENCE, sent).await {
                Ok(Ok(text)) => return Ok(text),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unreachable(format!("no answer within {} seconds", PATIENCE.as_secs()))),
            };
            let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
            // A list that is too old for its next page begins anew.
            let passing = matches!(code, 500 | 502) || (code == 410 && !ask.goes_on()) || has_broken_off(&error);
            match pauses.next() {
                Some(pause) if passing => tokio::time::sleep(*pause).await,
                _ => return Err(self.error(error, ask)),
            }
        }
    }

    pub(super) fn error(&self, error: kube::Error, ask: &Ask) -> Error {
        match (Reach::from(&error), error) {
            (Reach::Answered, kube::Error::Api(status)) => Error::Status { status, asked: ask.asked.clone() },
            (Reach::Unreachable, error) => self.unreachable(innermost(&error)),
            (_, error) => Error::transport(format!("{} {}", ask.asked.verb, ask.asked.kind.resource()), error),
        }
    }

    fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable { server: self.server.to_string(), reason }
    }

    /// Finds an older version of a kind that the server serves.
    async fn discover(&self, kind: &'static Kind, unknown: Error) -> Result<&'static str, Error> {
        for version in &kind.versions[1..] {
            let Ok(resources) = self.client.request::<Resources>(group(kind, version)).await else { continue };
            if resources.resources.iter().any(|r| r.name == kind.plural) {
                let mut versions = self.versions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                versions.insert(kind.group, version);
                return Ok(version);
            }
        }
        Err(if kind.group.ends_with("tekton.dev") { self.unserved(kind) } else { unknown })
    }

    fn unserved(&self, kind: &Kind) -> Error {
        let what = if kind.group == "triggers.tekton.dev" { "Tekton Triggers" } else { "Tekton Pipelines" };
        Error::NoTekton { what, server: self.server.to_string(), resource: kind.resource() }
    }
}

/// The question what a group's version has.
fn group(kind: &Kind, version: &str) -> http::Request<Vec<u8>> {
    let path = if kind.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{}/{version}", kind.group) };
    http::Request::get(path).body(Vec::new()).expect("a group's path is a valid URI")
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<ResourceName>,
}

#[derive(Deserialize)]
struct ResourceName {
    name: String,
}

/// Whether a 404 speaks of the kind rather than of one object.
fn unknown_kind(error: &Error) -> bool {
    match error {
        Error::Status { status, .. } => {
            status.code == 404 && status.details.as_ref().is_none_or(|d| d.name.is_empty()) && !status.message.contains('"')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_mean_every_object_is_never_sent() {
        let reason = |ask: Ask| ask.check().err().map(|error| error.to_string());
        let delete = |name: &str| reason(Ask::new("delete", &kinds::PIPELINE_RUN, "ns").named(name));
        assert_eq!(delete("").as_deref(), Some("name is required"));
        assert_eq!(delete("/").as_deref(), Some("invalid resource name \"/\": [may not contain '/']"));
        assert_eq!(delete("..").as_deref(), Some("invalid resource name \"..\": [may not be '..']"));
        assert_eq!(delete("a%/").as_deref(), Some("invalid resource name \"a%/\": [may not contain '/' may not contain '%']"));
        assert_eq!(delete("a.b"), None);
        let list = |namespace: &str| reason(Ask::list(&kinds::PIPELINE_RUN, Some(namespace)));
        assert_eq!(list(".").as_deref(), Some("invalid namespace \".\": [may not be '.']"));
        assert_eq!(list(""), None);
    }

    #[test]
    fn a_request_leaves_out_what_is_empty_and_encodes_the_rest() {
        let ask = Ask::list(&kinds::PIPELINE_RUN, Some("ns")).select(&Select::labels("a=b,c in (d)")).query("continue", "");
        assert_eq!(ask.http("v1").uri(), "/apis/tekton.dev/v1/namespaces/ns/pipelineruns?labelSelector=a%3Db%2Cc%20in%20%28d%29");
        let odd = Ask::new("get", &kinds::PIPELINE_RUN, "a b/ü").named("c/d");
        assert_eq!(odd.http("v1").uri(), "/apis/tekton.dev/v1/namespaces/a%20b%2F%C3%BC/pipelineruns/c%2Fd");
    }
}
