//! The one door to an API server, a cluster's or the sandbox's: get, list, watch, create, apply, patch, delete, logs.
//! Objects come as [`Seen`]: their JSON untouched, beside a lens.

mod connect;
mod error;
mod forward;
mod identity;
mod pages;
mod request;
mod table;
mod watch;
pub mod web;
mod whole;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::AsyncBufRead;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinds::{self, Kind};
use crate::kubeconfig::Target;
use crate::objects::newest::Age;
use crate::objects::{Meta, MetaOnly, Object, Seen, upgrade};
pub use error::{Asked, Error};
pub use forward::{Answer, Way};
pub use pages::Pages;
use request::{Ask, Body};
pub use request::{LogQuery, Select};
pub use table::TableRow;
pub use watch::Watched;

/// The name under which rtkn owns the fields that it applies.
pub const FIELD_MANAGER: &str = "rtkn";

/// How many objects a page of a list holds, as kubectl asks for.
const PAGE: u32 = 500;

/// How often a list begins anew.
const ATTEMPTS: u32 = 3;

/// A server, and the namespace that commands mean when they name none.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    /// Namespace of commands without `-n`
    pub namespace: String,
    /// Whether this is the sandbox
    pub sandbox: bool,
    /// The name under which objects are made
    pub manager: &'static str,
    /// How messages name the server
    server: Arc<str>,
    /// The version of each group that the server has, once it is known
    versions: Arc<Mutex<HashMap<&'static str, &'static str>>>,
}

impl Cluster {
    /// A client of the cluster that a kubeconfig names. Nothing is sent yet.
    ///
    /// # Errors
    /// When certificates, keys or the proxy cannot be used.
    pub fn connect(target: Target) -> Result<Self, Error> {
        let proxy = target.config.proxy_url.as_ref().map(|proxy| format!(" through the proxy {}", shown(proxy)));
        let server = shown(&target.config.cluster_url) + &proxy.unwrap_or_default();
        let client = connect::client(target.config).map_err(|error| Error::transport("set up the connection", error))?;
        Ok(Self::over(client, &server, target.namespace))
    }

    /// A client over any service that speaks the Kubernetes API, such as the sandbox's router.
    pub fn over(client: kube::Client, server: &str, namespace: String) -> Self {
        Self { client, namespace, sandbox: false, manager: FIELD_MANAGER, server: server.into(), versions: Arc::default() }
    }

    /// The library's client, for port-forwards.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// One object.
    ///
    /// # Errors
    /// A [`Error::Status`] with code 404 when there is none.
    pub async fn get<T: Object>(&self, namespace: &str, name: &str) -> Result<Seen<T>, Error> {
        let raw = self.get_raw(T::KIND, namespace, name).await?;
        Ok(self.seen(raw))
    }

    /// One object, or none.
    ///
    /// # Errors
    /// Anything but «not found».
    pub async fn find<T: Object>(&self, namespace: &str, name: &str) -> Result<Option<Seen<T>>, Error> {
        match self.get(namespace, name).await {
            Ok(seen) => Ok(Some(seen)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One object's JSON.
    ///
    /// # Errors
    /// A [`Error::Status`] with code 404 when there is none.
    pub async fn get_raw(&self, kind: &'static Kind, namespace: &str, name: &str) -> Result<Box<RawValue>, Error> {
        let text = self.text(&Ask::new("get", kind, namespace).named(name)).await?;
        RawValue::from_string(text).map_err(|e| self.undecodable(kind, &e))
    }

    /// All objects of a kind, page by page; `namespace: None` means all namespaces. A list that grew too old between two
    /// pages begins anew.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn list<T: Object>(&self, namespace: Option<&str>, select: &Select) -> Result<Vec<Seen<T>>, Error> {
        self.pages::<T>(namespace, select).collect(Some).await.map(|(items, _)| items)
    }

    /// The names of a kind's objects, newest first as far as ages tell; the server is asked for a table without the objects.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn names(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<Vec<String>, Error> {
        let ask = Ask::list(kind, namespace).query("includeObject", "None").in_a_table();
        let text = self.text(&ask).await?;
        if let Some(mut rows) = table::names(&text, &["StartTime", "Age", "Created At"]) {
            rows.sort_by_key(|row| row.age.as_deref().map(Age::of));
            return Ok(rows.into_iter().map(|row| row.name).collect());
        }
        let page: NamePage = serde_json::from_str(&text).map_err(|e| self.undecodable(kind, &e))?;
        let mut items: Vec<Meta> = page.items.into_iter().flatten().map(|item| item.metadata).collect();
        items.sort_by_key(|meta| std::cmp::Reverse(meta.creation_timestamp));
        Ok(items.into_iter().map(|meta| meta.name).collect())
    }

    /// The names of all objects of a kind, in the server's order; it is asked for metadata only, page by page.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn every_name(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<Vec<String>, Error> {
        Ok(self.every_meta(kind, namespace).await?.into_iter().map(|meta| meta.name).collect())
    }

    /// The metadata of all objects of a kind, in the server's order, page by page.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn every_meta(&self, kind: &'static Kind, namespace: Option<&str>) -> Result<Vec<Meta>, Error> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let ask = Ask::list(kind, namespace).query("limit", PAGE.to_string()).query("continue", &token).metadata_only();
            let text = self.text(&ask).await?;
            let page: NamePage = serde_json::from_str(&text).map_err(|e| self.undecodable(kind, &e))?;
            all.extend(page.items.into_iter().flatten().map(|item| item.metadata));
            match page.metadata.next {
                Some(next) if !next.is_empty() => token = next,
                _ => return Ok(all),
            }
        }
    }

    /// Makes an object; the answer is the object as the server made it.
    ///
    /// # Errors
    /// A [`Error::Status`] with code 409 when there is one of that name.
    pub async fn create(&self, kind: &'static Kind, namespace: &str, object: &Value, dry_run: bool) -> Result<Value, Error> {
        let ask = Ask::new("create", kind, namespace)
            .query("fieldManager", self.manager)
            .query("dryRun", if dry_run { "All" } else { "" })
            .body(Body::Json(object.clone()));
        self.value(&ask).await
    }

    /// Server-side apply under the field manager `rtkn`: makes the object or brings its fields in line.
    ///
    /// # Errors
    /// A [`Error::Status`] with code 409 when somebody else owns a field that differs, unless `force`.
    pub async fn apply(&self, kind: &'static Kind, namespace: &str, object: &Value, dry_run: bool, force: bool) -> Result<Value, Error> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let ask = Ask::new("patch", kind, namespace)
            .named(name)
            .query("fieldManager", FIELD_MANAGER)
            .query("force", if force { "true" } else { "" })
            .query("dryRun", if dry_run { "All" } else { "" })
            .body(Body::Apply(object.clone()));
        self.value(&ask).await
    }

    /// A JSON patch (RFC 6902).
    ///
    /// # Errors
    /// When the object is not there or the patch does not fit it.
    pub async fn patch(&self, kind: &'static Kind, namespace: &str, name: &str, patch: Value, dry_run: bool) -> Result<Value, Error> {
        let ask = Ask::new("patch", kind, namespace)
            .named(name)
            .query("fieldManager", FIELD_MANAGER)
            .query("dryRun", if dry_run { "All" } else { "" })
            .body(Body::Patch(patch));
        self.value(&ask).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// A [`Error::Status`] with code 404 when there is none.
    pub async fn delete(&self, kind: &'static Kind, namespace: &str, name: &str) -> Result<(), Error> {
        self.text(&Ask::new("delete", kind, namespace).named(name)).await.map(drop)
    }

    /// Asks whether somebody may do something (SubjectAccessReview, `authorization.k8s.io/v1`).
    ///
    /// # Errors
    /// When the server refuses the question.
    pub async fn review(&self, spec: Value) -> Result<bool, Error> {
        let kind = &kinds::SUBJECT_ACCESS_REVIEW;
        let review = serde_json::json!({"apiVersion": kind.api_version(kind.version()), "kind": kind.kind, "spec": spec});
        let answer = self.create(kind, "", &review, false).await?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
    }

    /// The bytes of a container's log as they come.
    ///
    /// # Errors
    /// When the pod is gone, or its container has not started.
    pub async fn log(&self, namespace: &str, pod: &str, query: &LogQuery) -> Result<impl AsyncBufRead + Send + Unpin + use<>, Error> {
        let ask = query.ask(namespace, pod);
        let stream = self.client.request_stream(ask.http(kinds::POD.version())).await;
        stream.map(Box::pin).map_err(|e| self.error(e, &ask))
    }

    fn seen<T: Object>(&self, raw: Box<RawValue>) -> Seen<T> {
        let served = self.version(T::KIND);
        if served == T::KIND.version() {
            return Seen::new(raw);
        }
        // The lens reads the current version; what the server sent stays as it is.
        let mut value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        upgrade::to_v1(T::KIND, &mut value);
        let lens = Seen::from_value(&value).lens;
        Seen { raw, lens }
    }

    /// The version at which a kind is served, as far as that was found out.
    pub fn served(&self, kind: &'static Kind) -> &'static str {
        self.version(kind)
    }

    /// Whether a kind is served at the version that is written.
    pub fn serves_current(&self, kind: &'static Kind) -> bool {
        self.version(kind) == kind.version()
    }

    fn undecodable(&self, kind: &Kind, error: &serde_json::Error) -> Error {
        Error::Undecodable { what: kind.resource(), reason: error.to_string() }
    }
}

/// A server written in Go may say `null` for no items, and does for metadata only.
#[derive(Deserialize)]
struct NamePage {
    #[serde(default)]
    metadata: PageMeta,
    // What is no list is not an empty one.
    #[serde(deserialize_with = "Option::deserialize")]
    items: Option<Vec<MetaOnly>>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
    #[serde(rename = "resourceVersion")]
    version: Option<String>,
}

/// A server's address without its path and user: those of the sandbox and of some proxies hold a token, and what is said
/// of a server goes into logs.
fn shown(url: &http::Uri) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme_str().unwrap_or("https"), url.host().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_server_holds_no_token() {
        let cases = [
            ("http://127.0.0.1:43079/3842718ac2a9", "http://127.0.0.1:43079"),
            ("https://me:secret@example.org/k8s/c-1", "https://example.org"),
            ("https://[::1]:6443", "https://[::1]:6443"),
        ];
        for (url, text) in cases {
            assert_eq!(shown(&url.parse().expect("a URL")), text);
        }
    }

    #[test]
    fn a_page_may_say_null_for_no_items() {
        let empty = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1"},"items":null}"#;
        assert!(serde_json::from_str::<NamePage>(empty).unwrap().items.is_none());
        assert!(serde_json::from_str::<NamePage>("{}").is_err());
    }
}
