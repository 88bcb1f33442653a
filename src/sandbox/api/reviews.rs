//! SubjectAccessReview and SelfSubjectAccessReview: questions that are answered and not kept.

use http::Method;
use serde_json::{Value, json};

use super::Api;
use super::error::ApiError;
use super::request::Call;
use crate::kinds;
use crate::sandbox::access::{self, Attributes, Decision};

/// The review with its status.
pub fn answer(api: &Api, call: &Call) -> Result<Value, ApiError> {
    if call.method != Method::POST || call.address.name.is_some() {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = call.body()?.clone();
    if !review["spec"].is_object() {
        return Err(ApiError::bad_request("spec: Required value"));
    }
    let what = attributes(&review["spec"])?;
    let decision = if call.address.kind == &kinds::SELF_SUBJECT_ACCESS_REVIEW {
        match &call.user {
            Some(user) => access::allowed(&api.store, &user.name, &user.groups, &what)?,
            None => Decision { allowed: true, reason: "the sandbox belongs to the caller".to_owned() },
        }
    } else {
        let spec = &review["spec"];
        let groups: Vec<String> = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let user = spec["user"].as_str().unwrap_or_default();
        if user.is_empty() && groups.is_empty() {
            return Err(ApiError::bad_request("spec.user: Invalid value: \"\": at least one of user or group must be specified"));
        }
        access::allowed(&api.store, user, &groups, &what)?
    };
    review["kind"] = json!(call.address.kind.kind);
    review["apiVersion"] = json!(call.address.kind.api_version(call.address.version));
    review["status"] = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        review["status"]["reason"] = json!(decision.reason);
    }
    Ok(review)
}

fn attributes(spec: &Value) -> Result<Attributes, ApiError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(path) = spec["nonResourceAttributes"]["path"].as_str() {
        let verb = text(&spec["nonResourceAttributes"]["verb"]);
        return Ok(Attributes { verb, non_resource_url: Some(path.to_owned()), ..Attributes::default() });
    }
    let resource = &spec["resourceAttributes"];
    if !resource.is_object() {
        return Err(ApiError::bad_request(
            "spec.resourceAttributes: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    }
    Ok(Attributes {
        verb: text(&resource["verb"]),
        group: text(&resource["group"]),
        resource: text(&resource["resource"]),
        subresource: text(&resource["subresource"]),
        namespace: text(&resource["namespace"]),
        name: text(&resource["name"]),
        non_resource_url: None,
    })
}
