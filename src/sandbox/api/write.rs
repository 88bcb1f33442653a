//! Writing: create, replace, the patches, server-side apply, and deletion.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::apply::{self, Manager};
use super::discovery::made_by_sandbox;
use super::error::ApiError;
use super::read::Shape;
use super::request::Call;
use super::{Api, admission, answer, patch};
use crate::kinds;
use crate::objects::upgrade;
use crate::sandbox::engine;
use crate::sandbox::store::{Store, StoreError};

const PATCHES: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// POST of a new object.
pub fn create(api: &Api, call: &Call) -> Result<Response, ApiError> {
    let object = call.body()?.clone();
    if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty()) {
        return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
    }
    let mut object = incoming(call, object, None)?;
    let manager = call.manager().to_owned();
    let now = Timestamp::now();
    drop_status(call, &mut object);
    apply::track(call.address.kind, &json!({"metadata": {}}), &mut object, &managed_by(call, &manager), now);
    let made = insert(&store(api, call)?, call, object)?;
    Ok(written(call, StatusCode::CREATED, made))
}

/// PUT of an object or its status.
pub fn replace(api: &Api, call: &Call, name: &str) -> Result<Response, ApiError> {
    let body = call.body()?.clone();
    if !body.is_object() {
        return Err(ApiError::bad_request("the body of the request is no object"));
    }
    let changed = modify(api, call, name, Tracking::Update, move |object| {
        // What the client may leave out of the metadata stays as it is.
        let managed = object["metadata"]["managedFields"].take();
        *object = body;
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("managedFields".to_owned(), managed);
        }
        Ok(())
    })?;
    changed.ok_or_else(|| ApiError::not_found(call.address.kind, name))
}

/// PATCH of any of the four kinds.
pub fn patch(api: &Api, call: &Call, name: &str) -> Result<Response, ApiError> {
    let body = call.body()?.clone();
    let kind = call.address.kind;
    let changed = match call.content_type.as_str() {
        "application/apply-patch+yaml" | "application/apply-patch+json" => return apply_patch(api, call, name, body),
        "application/json-patch+json" => {
            modify(api, call, name, Tracking::Update, move |object| patch::json(object, &body).map_err(ApiError::unprocessable))?
        }
        "application/merge-patch+json" => modify(api, call, name, Tracking::Update, move |object| {
            patch::merge(object, &body);
            Ok(())
        })?,
        "application/strategic-merge-patch+json" if !kind.group.ends_with("tekton.dev") => {
            modify(api, call, name, Tracking::Update, move |object| patch::strategic(kind, object, &body).map_err(ApiError::bad_request))?
        }
        _ => return Err(ApiError::media_type(PATCHES)),
    };
    changed.ok_or_else(|| ApiError::not_found(kind, name))
}

/// Server-side apply: changes the object, or makes it.
fn apply_patch(api: &Api, call: &Call, name: &str, config: Value) -> Result<Response, ApiError> {
    let manager = call.parameter("fieldManager").to_owned();
    if manager.is_empty() {
        return Err(ApiError::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    if config["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let config = incoming(call, config, Some(name))?;
    let (kind, force, now) = (call.address.kind, call.flag("force"), Timestamp::now());
    loop {
        let live_config = config.clone();
        let changed = modify(api, call, name, Tracking::Apply, |object| {
            check_revision(call, object, &live_config, name)?;
            apply::apply(kind, object, &live_config, &managed_by(call, &manager), force, now)
                .map_err(|conflicts| ApiError::apply_conflicts(&conflicts))
        })?;
        if let Some(response) = changed {
            return Ok(response);
        }
        if !call.address.subresource.is_empty() {
            return Err(ApiError::not_found(kind, name));
        }
        if ["uid", "resourceVersion"].iter().any(|field| !config["metadata"][*field].as_str().unwrap_or_default().is_empty()) {
            // It is about an object that is no more.
            return Err(ApiError::conflict(kind, name));
        }
        let mut object = config.clone();
        drop_status(call, &mut object);
        let config = object.clone();
        apply::apply(kind, &mut object, &config, &managed_by(call, &manager), force, now)
            .map_err(|conflicts| ApiError::apply_conflicts(&conflicts))?;
        match insert(&store(api, call)?, call, object) {
            Ok(made) => return Ok(written(call, StatusCode::CREATED, made)),
            // Somebody made it in between: it is changed instead.
            Err(error) if error.reason == "AlreadyExists" => {}
            Err(error) => return Err(error),
        }
    }
}

/// DELETE of an object and what it owns.
pub fn delete(api: &Api, call: &Call, name: &str) -> Result<Response, ApiError> {
    check_propagation(call)?;
    let address = &call.address;
    let kind = address.kind;
    let wanted = |field: &str| call.options()["preconditions"][field].as_str().map(str::to_owned);
    let (uid, version) = (wanted("uid"), wanted("resourceVersion"));
    let check = |object: &Value| {
        for (wanted, field, word) in [(&uid, "uid", "UID"), (&version, "resourceVersion", "ResourceVersion")] {
            let found = object["metadata"][field].as_str().unwrap_or_default();
            if let Some(wanted) = wanted
                && wanted != found
            {
                return Err(ApiError::precondition(kind, name, word, wanted, found));
            }
        }
        Ok(())
    };
    let gone = store(api, call)?.try_delete(kind, &address.namespace, name, check)?.ok_or_else(|| ApiError::not_found(kind, name))?;
    let details = json!({"name": name, "group": kind.group, "kind": kind.plural, "uid": gone["metadata"]["uid"]});
    Ok(answer(StatusCode::OK, &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})))
}

/// DELETE of everything in a collection that a selector takes.
pub fn delete_collection(api: &Api, call: &Call) -> Result<Response, ApiError> {
    check_propagation(call)?;
    let address = &call.address;
    let selector = call.selector()?;
    let store = store(api, call)?;
    let namespace = Some(address.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let mut items = Vec::new();
    for object in store.list(address.kind, namespace)?.into_iter().filter(|object| selector.matches(object)) {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        items.extend(store.delete(address.kind, text("namespace"), text("name"))?);
    }
    let items: Vec<Value> = items.into_iter().map(|object| Shape::Object.show(address, Arc::unwrap_or_clone(object))).collect();
    let metadata = json!({"resourceVersion": store.revision().to_string()});
    let kind = format!("{}List", address.kind.kind);
    let list = json!({"kind": kind, "apiVersion": address.kind.api_version(address.version), "metadata": metadata, "items": items});
    Ok(answer(StatusCode::OK, &list))
}

fn check_propagation(call: &Call) -> Result<(), ApiError> {
    let policy = call.options()["propagationPolicy"].as_str().unwrap_or_else(|| call.parameter("propagationPolicy"));
    let orphan = policy == "Orphan" || call.options()["orphanDependents"] == true || call.flag("orphanDependents");
    match policy {
        _ if orphan => {
            Err(ApiError::bad_request("propagationPolicy: Orphan is not supported by the sandbox: what an object owns goes with it"))
        }
        "" | "Background" | "Foreground" => Ok(()),
        other => Err(ApiError::bad_request(format!("propagationPolicy: invalid value {other:?}: it is Background or Foreground"))),
    }
}

/// Who tracks what a change did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tracking {
    /// The change did so itself
    Apply,
    /// What it changed is noted afterwards
    Update,
}

/// Changes an object in the version that the path speaks; `None` when it is not there.
fn modify(
    api: &Api,
    call: &Call,
    name: &str,
    tracking: Tracking,
    change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
) -> Result<Option<Response>, ApiError> {
    let address = &call.address;
    let now = Timestamp::now();
    let changed = store(api, call)?.try_update(address.kind, &address.namespace, name, |object| {
        let before = object.clone();
        // A configuration to apply is in the store's version already; other changes are made in the client's.
        if tracking == Tracking::Update {
            upgrade::from_v1(address.kind, address.version, object);
            change(object)?;
            check_identity(call, object, name)?;
            upgrade::to_v1(address.kind, object);
        } else {
            change(object)?;
        }
        check_revision(call, &before, object, name)?;
        if address.subresource == "status" {
            let status = object["status"].take();
            let managed = object["metadata"]["managedFields"].take();
            *object = before.clone();
            set_or_remove(object, "status", status);
            if tracking == Tracking::Apply {
                object["metadata"]["managedFields"] = managed;
            }
        } else {
            if super::discovery::has_status(address.kind) {
                set_or_remove(object, "status", before["status"].clone());
            }
            admission::check_update(address.kind, &before, object)?;
        }
        if tracking == Tracking::Update {
            apply::track(address.kind, &before, object, &managed_by(call, call.manager()), now);
        }
        Ok(())
    })?;
    Ok(changed.map(|object| written(call, StatusCode::OK, Arc::unwrap_or_clone(object))))
}

/// The answer to a write, with a warning for each field that has no effect in the sandbox.
fn written(call: &Call, code: StatusCode, object: Value) -> Response {
    let notices = engine::notices(call.address.kind, &object);
    let mut response = answer(code, &Shape::of(&call.accept).show(&call.address, object));
    for notice in notices {
        // The header is ASCII; a notice that is not (a name in it) is told as far as it is.
        let text: String = notice.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

fn set_or_remove(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        if value.is_null() {
            fields.shift_remove(field);
        } else {
            fields.insert(field.to_owned(), value);
        }
    }
}

/// A write that names a revision is one of that state.
fn check_revision(call: &Call, before: &Value, object: &Value, name: &str) -> Result<(), ApiError> {
    match object["metadata"]["resourceVersion"].as_str() {
        None | Some("") => Ok(()),
        wanted if wanted == before["metadata"]["resourceVersion"].as_str() => Ok(()),
        Some(_) => Err(ApiError::conflict(call.address.kind, name)),
    }
}

/// The object of a body, checked against the path and rewritten in the version of the store.
fn incoming(call: &Call, mut object: Value, name: Option<&str>) -> Result<Value, ApiError> {
    let address = &call.address;
    if !object.is_object() {
        return Err(ApiError::bad_request("the body of the request is no object"));
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if let (Some(name), None) = (name, object["metadata"]["name"].as_str()) {
        object["metadata"]["name"] = json!(name);
    }
    let name = name.unwrap_or_else(|| object["metadata"]["name"].as_str().unwrap_or_default()).to_owned();
    check_identity(call, &mut object, &name)?;
    if address.kind.namespaced {
        object["metadata"]["namespace"] = json!(address.namespace);
    }
    upgrade::to_v1(address.kind, &mut object);
    admission::settle_plain_text(address.kind, &mut object)?;
    Ok(object)
}

/// What the body says it is has to be what the path names.
fn check_identity(call: &Call, object: &mut Value, name: &str) -> Result<(), ApiError> {
    let address = &call.address;
    if !object.is_object() {
        return Err(ApiError::bad_request("the result is no object"));
    }
    let expected = address.kind.api_version(address.version);
    if object["apiVersion"].is_null() {
        object["apiVersion"] = json!(expected);
    }
    if object["kind"].is_null() {
        object["kind"] = json!(address.kind.kind);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    check_shape(object)?;
    if api_version != expected {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({expected})"
        )));
    }
    if kind != address.kind.kind {
        return Err(ApiError::bad_request(format!(
            "the kind in the data ({kind}) does not match the expected kind ({})",
            address.kind.kind
        )));
    }
    let (found, namespace) = (text(&object["metadata"]["name"]), text(&object["metadata"]["namespace"]));
    if found != name {
        return Err(ApiError::bad_request(format!("the name of the object ({found}) does not match the name on the URL ({name})")));
    }
    if address.kind.namespaced && !namespace.is_empty() && namespace != address.namespace {
        return Err(ApiError::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
    }
    Ok(())
}

/// The fields that this server and the engine write into are of the form that every object has.
fn check_shape(object: &Value) -> Result<(), ApiError> {
    let wrong = |path: &str, form: &str| {
        let field = path[1..].replace('/', ".");
        Err(ApiError::bad_request(format!("the object provided cannot be read: {field} is no {form}")))
    };
    for path in ["/metadata", "/metadata/labels", "/metadata/annotations", "/spec", "/status", "/data"] {
        if object.pointer(path).is_some_and(|value| !value.is_object() && !value.is_null()) {
            return wrong(path, "map");
        }
    }
    for path in ["/metadata/ownerReferences", "/metadata/finalizers", "/metadata/managedFields"] {
        if object.pointer(path).is_some_and(|value| !value.is_array() && !value.is_null()) {
            return wrong(path, "list");
        }
    }
    Ok(())
}

/// A new object's status is nobody's to set, where it has a path of its own.
fn drop_status(call: &Call, object: &mut Value) {
    if super::discovery::has_status(call.address.kind)
        && let Some(fields) = object.as_object_mut()
    {
        fields.shift_remove("status");
    }
}

/// Checks a new object and stores it.
fn insert(store: &Store, call: &Call, mut object: Value) -> Result<Value, ApiError> {
    let address = &call.address;
    if made_by_sandbox(address.kind) {
        return Err(ApiError::sandbox_cannot(address.kind, "it makes them itself, for the steps of TaskRuns and for EventListeners"));
    }
    if address.kind.namespaced && address.namespace.is_empty() {
        return Err(ApiError::bad_request("an empty namespace may not be set during creation"));
    }
    if address.kind.namespaced && store.get(&kinds::NAMESPACE, "", &address.namespace)?.is_none() {
        return Err(ApiError::not_found(&kinds::NAMESPACE, &address.namespace));
    }
    admission::check_new(address.kind, &mut object)?;
    let made = store.create(address.kind, object)?;
    if address.kind == &kinds::NAMESPACE {
        add_service_account(store, made["metadata"]["name"].as_str().unwrap_or_default())?;
    }
    Ok(Arc::unwrap_or_clone(made))
}

/// Every namespace has the ServiceAccount `default`.
pub fn add_service_account(store: &Store, namespace: &str) -> Result<(), StoreError> {
    match store.create(&kinds::SERVICE_ACCOUNT, json!({"metadata": {"name": "default", "namespace": namespace}})) {
        Ok(_) | Err(StoreError::Exists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn store(api: &Api, call: &Call) -> Result<Store, ApiError> {
    Ok(if call.dry_run()? { api.store.dry_run() } else { api.store.clone() })
}

fn managed_by<'a>(call: &'a Call, manager: &'a str) -> Manager<'a> {
    let api_version = match call.address.kind.group {
        "" => call.address.version.to_owned(),
        group => format!("{group}/{}", call.address.kind.version()),
    };
    Manager { name: manager, api_version, subresource: &call.address.subresource }
}
