//! A request, read: its address, query, body, and for whom it is made.

use std::collections::HashMap;

use axum::extract::{Query, Request};
use http::{HeaderMap, Method, header};
use serde_json::Value;

use super::error::ApiError;
use super::paths::Address;
use super::protobuf;
use super::selectors::Selector;
use crate::sandbox::access::Attributes;

/// Largest body that is read, as the real server's limit.
const BODY_MAX: usize = 3 << 20;

/// The user that a request is made for (`--as`), in place of the sandbox's owner.
#[derive(Clone, Debug)]
pub struct User {
    /// `system:serviceaccount:ns:name`
    pub name: String,
    /// Groups that were named with it, or that a service account is in
    pub groups: Vec<String>,
}

/// A request for a resource.
pub struct Call {
    /// What the path names
    pub address: Address,
    /// HTTP method
    pub method: Method,
    /// Content type of the body, without parameters
    pub content_type: String,
    /// What the client wants as answer
    pub accept: String,
    /// Name of the client, for the managed fields
    pub user_agent: String,
    /// Set for a request on behalf of somebody
    pub user: Option<User>,
    query: HashMap<String, String>,
    body: Option<Value>,
}

impl Call {
    /// Reads a request to its end.
    pub async fn read(address: Address, request: Request) -> Result<Call, ApiError> {
        let Query(query) = Query::<HashMap<String, String>>::try_from_uri(request.uri())
            .map_err(|error| ApiError::bad_request(format!("the query cannot be read: {error}")))?;
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, BODY_MAX)
            .await
            .map_err(|error| ApiError::bad_request(format!("the body of the request cannot be read: {error}")))?;
        let content_type = text(&parts.headers, header::CONTENT_TYPE.as_str());
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_owned();
        let body = if bytes.is_empty() { None } else { Some(parse_body(&content_type, &bytes)?) };
        let user = impersonated(&parts.headers);
        let (accept, user_agent) = (text(&parts.headers, "accept"), text(&parts.headers, "user-agent"));
        Ok(Call { address, method: parts.method, content_type, accept, user_agent, user, query, body })
    }

    /// A parameter of the query; empty when it is not there
    pub fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A parameter that is true or false
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.parameter(name), "true" | "1" | "True")
    }

    /// A parameter that is a number
    pub fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.parameter(name) {
            "" => Ok(None),
            text => {
                let wrong = |_| ApiError::bad_request(format!("invalid value {text:?} of the parameter {name}: it is a number"));
                text.parse().map(Some).map_err(wrong)
            }
        }
    }

    /// The revision that a list or watch names; `None` for any
    pub fn revision(&self) -> Result<Option<u64>, ApiError> {
        Ok(self.number("resourceVersion")?.filter(|revision| *revision > 0))
    }

    /// The label and field selector
    pub fn selector(&self) -> Result<Selector, ApiError> {
        Selector::parse(self.address.kind, self.parameter("labelSelector"), self.parameter("fieldSelector")).map_err(ApiError::bad_request)
    }

    /// The body, which this request has to have
    pub fn body(&self) -> Result<&Value, ApiError> {
        self.body.as_ref().ok_or_else(|| ApiError::bad_request("the request has no body"))
    }

    /// The body of a deletion, which may be left out
    pub fn options(&self) -> &Value {
        self.body.as_ref().unwrap_or(&Value::Null)
    }

    /// Whether nothing is to be kept
    pub fn dry_run(&self) -> Result<bool, ApiError> {
        match (self.parameter("dryRun"), &self.options()["dryRun"]) {
            ("All", _) => Ok(true),
            ("", Value::Array(stages)) if stages.iter().any(|stage| stage == "All") => Ok(true),
            ("", _) => Ok(false),
            (other, _) => Err(ApiError::bad_request(format!("invalid value {other:?} of the parameter dryRun: only All is known"))),
        }
    }

    /// The manager of the fields that this request writes
    pub fn manager(&self) -> &str {
        match self.parameter("fieldManager") {
            "" => self.user_agent.split(['/', ' ']).next().filter(|name| !name.is_empty()).unwrap_or("unknown"),
            name => name,
        }
    }

    /// The question of access that this request is
    pub fn attributes(&self) -> Attributes {
        let collection = self.address.name.is_none();
        let verb = match self.method {
            Method::GET if collection && self.flag("watch") => "watch",
            Method::GET if collection => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if collection => "deletecollection",
            Method::DELETE => "delete",
            _ => "",
        };
        Attributes {
            verb: verb.to_owned(),
            group: self.address.kind.group.to_owned(),
            resource: self.address.kind.plural.to_owned(),
            subresource: self.address.subresource.clone(),
            namespace: self.address.namespace.clone(),
            name: self.address.name.clone().unwrap_or_default(),
            non_resource_url: None,
        }
    }
}

fn parse_body(content_type: &str, bytes: &[u8]) -> Result<Value, ApiError> {
    if content_type.contains("protobuf") {
        return protobuf::decode(bytes).map_err(ApiError::bad_request);
    }
    if content_type.contains("cbor") {
        return Err(ApiError::media_type("application/json, application/yaml, application/vnd.kubernetes.protobuf"));
    }
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if content_type.contains("yaml")
        && let Ok(value) = serde_saphyr::from_slice(bytes)
    {
        return Ok(value);
    }
    Err(ApiError::bad_request(format!("the body of the request is no JSON: {error}")))
}

fn impersonated(headers: &HeaderMap) -> Option<User> {
    let name = text(headers, "impersonate-user");
    if name.is_empty() {
        return None;
    }
    let mut groups: Vec<String> =
        headers.get_all("impersonate-group").iter().filter_map(|group| group.to_str().ok().map(str::to_owned)).collect();
    if groups.is_empty()
        && let Some((namespace, _)) = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
    {
        groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
    }
    groups.push("system:authenticated".to_owned());
    Some(User { name, groups })
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
