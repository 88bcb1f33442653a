//! The API server: the Kubernetes API over the store, as a router that a client in this process calls without a port
//! and that `serve` puts on one.

mod admission;
mod apply;
mod discovery;
mod error;
mod lists;
mod patch;
mod paths;
mod podlog;
mod protobuf;
mod read;
mod request;
mod reviews;
mod seed;
mod selectors;
mod watch;
mod write;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::kinds;
use crate::sandbox::access;
use crate::sandbox::engine::Left;
use crate::sandbox::logs::LogDir;
use crate::sandbox::store::{Store, StoreError};

use error::ApiError;
use paths::Target;
use request::Call;

/// What the server needs to answer.
#[derive(Clone)]
pub struct Api {
    store: Store,
    logs: LogDir,
    /// Runs that nobody works on until somebody watches them
    left: Left,
    /// Required of every request, when the server is one that others can reach
    token: Option<Arc<str>>,
}

impl Api {
    /// A server for this process, whose caller is the sandbox's owner. A new store gets what every cluster with Tekton
    /// has: namespaces, roles, a storage class.
    pub fn new(store: Store, logs: LogDir) -> Result<Api, StoreError> {
        seed::plant(&store)?;
        Ok(Api { store, logs, left: Left::default(), token: None })
    }

    /// The same server over a store with runs that are taken up when somebody watches them.
    #[must_use]
    pub fn with_left(self, left: Left) -> Api {
        Api { left, ..self }
    }

    /// The same server for a port: it answers those who have the token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Api {
        Api { token: Some(token.into()), ..self.clone() }
    }

    /// The service to call or to listen with.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }
}

async fn handle(State(api): State<Api>, request: Request) -> Response {
    respond(&api, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn respond(api: &Api, request: Request) -> Result<Response, ApiError> {
    let path = match &api.token {
        Some(token) => authorized_path(token, &request)?,
        None => request.uri().path(),
    };
    let address = match paths::parse(path).ok_or_else(ApiError::no_resource)? {
        Target::Resource(address) => address,
        discovery => return discover(&discovery, request.method()),
    };
    let call = Call::read(address, request).await?;
    if let Some(user) = &call.user {
        let what = call.attributes();
        if !access::allowed(&api.store, &user.name, &user.groups, &what)?.allowed {
            return Err(ApiError::forbidden(access::forbidden(&user.name, &what)));
        }
    }
    dispatch(api, call).await
}

/// The path of a request that brings the token: as bearer, or as the path's first part. The latter is for kubectl and
/// whatever else uses client-go, which sends no credentials over plain HTTP, not even to this very machine.
fn authorized_path<'r>(token: &str, request: &'r Request) -> Result<&'r str, ApiError> {
    let path = request.uri().path();
    let below = path.strip_prefix('/').and_then(|path| path.strip_prefix(token));
    if let Some(below) = below.filter(|below| below.starts_with('/')) {
        return Ok(below);
    }
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(token) { Ok(path) } else { Err(ApiError::unauthorized()) }
}

fn discover(target: &Target, method: &Method) -> Result<Response, ApiError> {
    if method != Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    Ok(Json(match target {
        Target::Health => return Ok("ok".into_response()),
        Target::Version => discovery::version(),
        Target::CoreVersions => discovery::core_versions(),
        Target::Groups => discovery::groups(),
        Target::Group(group) => discovery::group(group),
        Target::Resources { group, version } => discovery::resources(group, version),
        Target::OpenApi => discovery::open_api(),
        Target::OpenApiOf { group, version } => discovery::open_api_of(group, version),
        Target::Resource(_) => return Err(ApiError::no_resource()),
    })
    .into_response())
}

async fn dispatch(api: &Api, call: Call) -> Result<Response, ApiError> {
    let address = &call.address;
    if discovery::is_review(address.kind) {
        return reviews::answer(api, &call).map(|object| answer(StatusCode::CREATED, &object));
    }
    if address.kind == &kinds::POD && address.subresource == "log" && call.method == Method::GET {
        return podlog::stream(api, &call);
    }
    let known = address.subresource.is_empty() || (address.subresource == "status" && discovery::has_status(address.kind));
    if !known {
        return Err(ApiError::no_resource());
    }
    match (&call.method, &address.name) {
        (&Method::GET, None) if call.flag("watch") => watch::stream(api, &call),
        (&Method::GET, None) => read::list(api, &call),
        (&Method::GET, Some(name)) => read::get(api, &call, name),
        (&Method::POST, None) => write::create(api, &call),
        (&Method::PUT, Some(name)) => write::replace(api, &call, name),
        (&Method::PATCH, Some(name)) => write::patch(api, &call, name),
        (&Method::DELETE, Some(name)) => write::delete(api, &call, name),
        (&Method::DELETE, None) => write::delete_collection(api, &call),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn answer(code: StatusCode, object: &Value) -> Response {
    (code, Json(object)).into_response()
}

fn streamed(content_type: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

#[cfg(test)]
mod tests;
