//! Reading: lists with selectors and pages, single objects, and their metadata alone.

use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::error::ApiError;
use super::paths::Address;
use super::request::Call;
use super::{Api, answer};
use crate::objects::upgrade;

/// How an object is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Whole
    Object,
    /// As `PartialObjectMetadata`
    Metadata,
}

impl Shape {
    /// What a client accepts. Tables are not made here: a client that prefers one also takes metadata or objects.
    pub fn of(accept: &str) -> Shape {
        let metadata = accept.split(',').any(|form| form.contains("as=PartialObjectMetadata"));
        if metadata { Shape::Metadata } else { Shape::Object }
    }

    /// An object of the store as the client reads it: in the path's version, and no more of it than wanted.
    pub fn show(self, address: &Address, mut object: Value) -> Value {
        match self {
            Shape::Object => {
                upgrade::from_v1(address.kind, address.version, &mut object);
                object
            }
            Shape::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"].take(),
            }),
        }
    }
}

/// GET of an object, or of its status, which is the same.
pub fn get(api: &Api, call: &Call, name: &str) -> Result<Response, ApiError> {
    let address = &call.address;
    let object = api.store.get(address.kind, &address.namespace, name)?.ok_or_else(|| ApiError::not_found(address.kind, name))?;
    Ok(answer(StatusCode::OK, &Shape::of(&call.accept).show(address, object)))
}

/// GET of a collection.
pub fn list(api: &Api, call: &Call) -> Result<Response, ApiError> {
    let address = &call.address;
    let selector = call.selector()?;
    let namespace = Some(address.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let after = Some(call.parameter("continue")).filter(|token| !token.is_empty()).map(page_start).transpose()?;
    let after = after.as_ref().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
    let limit = call.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let page = api.store.list_page(address.kind, namespace, after, limit, |object| selector.matches(object))?;
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    if let (Some(last), true) = (page.objects.last(), page.behind > 0) {
        metadata["continue"] = json!(page_token(last));
        // With a selector nobody knows how many more there will be.
        if selector.is_empty() {
            metadata["remainingItemCount"] = json!(page.behind);
        }
    }
    let shape = Shape::of(&call.accept);
    let items: Vec<Value> = page.objects.into_iter().map(|object| shape.show(address, object)).collect();
    let (kind, api_version) = match shape {
        Shape::Object => (format!("{}List", address.kind.kind), address.kind.api_version(address.version)),
        Shape::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
    };
    Ok(answer(StatusCode::OK, &json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items})))
}

fn position(object: &Value) -> (&str, &str) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    (text("namespace"), text("name"))
}

/// Names the last object of a page; the next one begins after it.
fn page_token(last: &Value) -> String {
    let (namespace, name) = position(last);
    BASE64_URL_SAFE_NO_PAD.encode(json!([namespace, name]).to_string())
}

fn page_start(token: &str) -> Result<(String, String), ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| ApiError::bad_request("continue key is not valid: it is no token of this server"))
}
