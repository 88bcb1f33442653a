//! Refusals of the API server: `Status` objects with the real server's codes, reasons and wording.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::sandbox::store::{StoreError, UpdateError};

/// A request that was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// HTTP status
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, …
    pub reason: &'static str,
    /// One sentence
    pub message: String,
    /// `details` of the Status: name, group, kind, causes
    pub details: Option<Value>,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        ApiError { code, reason, message: message.into(), details: None }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = Some(json!({"name": name, "group": kind.group, "kind": kind.plural}));
        self
    }

    /// No such object
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.resource())).about(kind, name)
    }

    /// No such path
    pub fn no_resource() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Some(json!({}));
        error
    }

    /// A create of what is there
    pub fn exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.resource())).about(kind, name)
    }

    /// An update of an older state than the present one
    pub fn conflict(kind: &Kind, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
            kind.resource()
        );
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// A precondition of a deletion that does not hold
    pub fn precondition(kind: &Kind, name: &str, field: &str, wanted: &str, found: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": Precondition failed: {field} in precondition: {wanted}, {field} in object meta: {found}",
            kind.resource()
        );
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// Server-side apply met fields of other managers; each is a field and the words for its manager
    pub fn apply_conflicts(conflicts: &[(String, String)]) -> Self {
        let message = match conflicts {
            [(field, manager)] => format!("Apply failed with 1 conflict: conflict with {manager}: {field}"),
            many => format!("Apply failed with {} conflicts: {}", many.len(), by_manager(many)),
        };
        let cause = |(field, manager): &(String, String)| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field});
        let causes: Vec<Value> = conflicts.iter().map(cause).collect();
        let mut error = Self::new(409, "Conflict", message);
        error.details = Some(json!({"causes": causes}));
        error
    }

    /// A request that makes no sense
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// An object with a field that is wrong
    pub fn invalid(kind: &Kind, name: &str, field: &str, problem: &str) -> Self {
        let full = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
        let mut error = Self::new(422, "Invalid", format!("{full} \"{name}\" is invalid: {field}: {problem}"));
        error.details = Some(json!({
            "name": name, "group": kind.group, "kind": kind.kind, "causes": [{"message": problem, "field": field}],
        }));
        error
    }

    /// A patch that does not fit the object
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, "Invalid", message)
    }

    /// A user without the right
    pub fn forbidden(message: String) -> Self {
        Self::new(403, "Forbidden", message)
    }

    /// No token, or a wrong one
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// A verb that this path does not have
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// Something that only a cluster does
    pub fn sandbox_cannot(kind: &Kind, what: &str) -> Self {
        Self::new(405, "MethodNotAllowed", format!("{} is not supported by the sandbox: {what}", kind.resource()))
    }

    /// A body in a format that this path does not read
    pub fn media_type(accepted: &str) -> Self {
        let message = format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A watch or list from a revision that the change log no longer has
    pub fn expired(revision: u64, current: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {revision} ({current})"))
    }

    /// The server failed
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// The `Status` object
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

/// Each manager with a line per field of it that is in the way.
fn by_manager(conflicts: &[(String, String)]) -> String {
    let mut managers: Vec<&str> = conflicts.iter().map(|(_, manager)| manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let fields = |wanted: &str| -> String {
        conflicts.iter().filter(|(_, manager)| manager == wanted).map(|(field, _)| format!("\n- {field}")).collect()
    };
    let lines: Vec<String> = managers.into_iter().map(|manager| format!("conflicts with {manager}:{}", fields(manager))).collect();
    lines.join("\n")
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Exists { kind, name } => Self::exists(kind, name),
            StoreError::Unnamed { kind } => Self::invalid(kind, "", "metadata.name", "Required value: name or generateName is required"),
            StoreError::Full { .. } | StoreError::Broken { .. } => Self::new(507, "InsufficientStorage", error.to_string()),
            _ => {
                let mut message = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    message = format!("{message}: {cause}");
                    source = cause.source();
                }
                Self::internal(message)
            }
        }
    }
}

impl From<UpdateError<ApiError>> for ApiError {
    fn from(error: UpdateError<ApiError>) -> Self {
        match error {
            UpdateError::Store(error) => error.into(),
            UpdateError::Refused(error) => error,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, Json(self.status())).into_response()
    }
}
