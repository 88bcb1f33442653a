//! The interceptor `slack`: fields of a form that Slack posts. Pure.

use serde_json::{Map, Value};

use super::{Refusal, Request};
use crate::sandbox::json::strings;

/// Hands on the fields that `requestedFields` names.
pub fn process(request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    let form = request.header("Content-Type") == "application/x-www-form-urlencoded";
    if !form || request.header("X-Slack-Signature").is_empty() {
        return Err(Refusal::invalid("missing header in payload: ContentType application/x-www-form-urlencoded"));
    }
    let payload: Map<String, Value> =
        serde_json::from_str(request.body).map_err(|error| Refusal::invalid(format!("failed to unmarshl slack payload: {error}")))?;
    let fields = request.params.get("requestedFields").filter(|fields| !fields.is_null());
    let fields = fields.ok_or_else(|| Refusal::missing("missing requested field definition"))?;
    let find = |field: &str| {
        let value = payload.get(field).cloned().map(|value| (field.to_owned(), value));
        value.ok_or_else(|| Refusal::missing(format!("requested field {field} does not exists in payload")))
    };
    strings(fields).map(find).collect()
}
