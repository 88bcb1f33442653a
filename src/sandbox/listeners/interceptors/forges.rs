//! The interceptors `github`, `gitlab` and `bitbucket`: kinds of events that are let in, and proof that the forge sent
//! them. Pure.

use serde_json::{Map, Value, json};

use super::signature;
use super::{Refusal, Request};
use crate::sandbox::json::{list, text};

/// Events whose files GitHub's interceptor can list.
const WITH_FILES: [&str; 2] = ["pull_request", "push"];

/// GitHub: `eventTypes`, `secretRef` (a signature) and `addChangedFiles`.
pub fn github(request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    if request.header("Content-Type") == "application/x-www-form-urlencoded" {
        return Err(Refusal::invalid("form parameter encoding not supported, please change the hook to send JSON payloads"));
    }
    let event = request.header("X-Github-Event");
    let_in(request, event)?;
    if let Some(reference) = given(request, "secretRef") {
        // The key is asked for before the header, so that a mistake in the Trigger shows before one of the sender.
        text(&reference["secretKey"]).is_empty().then(|| request.secret_of("github", reference)).transpose()?;
        let signature = request.header("X-Hub-Signature-256");
        if signature.is_empty() {
            return Err(Refusal::unfulfilled("no X-Hub-Signature-256 header set"));
        }
        let key = request.secret_of("github", reference)?;
        signature::check(signature, request.body.as_bytes(), &key).map_err(Refusal::unfulfilled)?;
    }
    match given(request, "addChangedFiles") {
        Some(wanted) if wanted["enabled"] == true && WITH_FILES.contains(&event) => {
            let files = changed_files(request.body, event).map_err(Refusal::unfulfilled)?;
            Ok(Map::from_iter([("changed_files".to_owned(), json!(files))]))
        }
        _ => Ok(Map::new()),
    }
}

/// GitLab: `eventTypes` and `secretRef` (a token).
pub fn gitlab(request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    let_in(request, request.header("X-Gitlab-Event"))?;
    if let Some(reference) = given(request, "secretRef") {
        text(&reference["secretKey"]).is_empty().then(|| request.secret_of("gitlab", reference)).transpose()?;
        let token = request.header("X-Gitlab-Token");
        if token.is_empty() {
            return Err(Refusal::invalid("no X-Gitlab-Token header set"));
        }
        if !same(token.as_bytes(), &request.secret_of("gitlab", reference)?) {
            return Err(Refusal::invalid("Invalid X-GitLab-Token"));
        }
    }
    Ok(Map::new())
}

/// Bitbucket: `eventTypes` and `secretRef` (a signature).
pub fn bitbucket(request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    let_in(request, request.header("X-Event-Key"))?;
    if let Some(reference) = given(request, "secretRef") {
        text(&reference["secretKey"]).is_empty().then(|| request.secret_of("bitbucket", reference)).transpose()?;
        let signature = request.header("X-Hub-Signature");
        if signature.is_empty() {
            return Err(Refusal::invalid("no X-Hub-Signature header set"));
        }
        let key = request.secret_of("bitbucket", reference)?;
        signature::check(signature, request.body.as_bytes(), &key)
            .map_err(|error| Refusal::unfulfilled(format!("error validating signature: {error}")))?;
    }
    Ok(Map::new())
}

fn given<'r>(request: &'r Request<'_>, param: &str) -> Option<&'r Value> {
    request.params.get(param).filter(|value| !value.is_null())
}

/// Whether `eventTypes`, if given, has the event's kind in it.
fn let_in(request: &Request<'_>, event: &str) -> Result<(), Refusal> {
    match given(request, "eventTypes") {
        Some(types) if !list(types).any(|one| one == event) => Err(Refusal::unfulfilled(format!("event type {event} is not allowed"))),
        _ => Ok(()),
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The files that the commits of a push added, modified and removed.
fn changed_files(body: &str, event: &str) -> Result<String, String> {
    if event != "push" {
        return Err("error getting changed files: the sandbox does not ask GitHub for the files of a pull request".to_owned());
    }
    let body: Value = serde_json::from_str(body).map_err(|error| format!("error parsing body: {error}"))?;
    if !body["repository"]["full_name"].is_string() {
        return Err("error parsing body: payload body missing 'repository.full_name' field".to_owned());
    }
    let mut files = Vec::new();
    for commit in list(&body["commits"]) {
        for part in ["added", "modified", "removed"] {
            if !commit[part].is_array() {
                return Err(format!("error parsing body: payload body missing 'commits.*.{part}' field"));
            }
            files.extend(list(&commit[part]).map(text));
        }
    }
    Ok(files.join(","))
}
