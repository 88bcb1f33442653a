//! `pods/NAME/log`: the container that is meant, whether it has a log, and the log as a stream.

use axum::body::Body;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::ApiError;
use super::request::Call;
use super::{Api, streamed};
use crate::kinds;
use crate::sandbox::logs::LogOptions;

const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// GET of a pod's log.
pub fn stream(api: &Api, call: &Call) -> Result<Response, ApiError> {
    let name = call.address.name.as_deref().unwrap_or_default();
    let pod = api.store.get(&kinds::POD, &call.address.namespace, name)?.ok_or_else(|| ApiError::not_found(&kinds::POD, name))?;
    let container = container(&pod, name, call.parameter("container"))?;
    if call.flag("previous") {
        return Err(ApiError::bad_request(format!("previous terminated container \"{container}\" in pod \"{name}\" not found")));
    }
    if let Some(reason) = waiting(&pod, &container) {
        return Err(ApiError::bad_request(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}")));
    }
    let options = options(call, Timestamp::now())?;
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let log = api.logs.read(uid, &container, &options).map_err(|error| ApiError::internal(format!("the log cannot be read: {error}")))?;
    Ok(streamed("text/plain", Body::from_stream(log)))
}

fn options(call: &Call, now: Timestamp) -> Result<LogOptions, ApiError> {
    let since = match (call.parameter("sinceTime"), call.number("sinceSeconds")?) {
        ("", None) => None,
        ("", Some(seconds)) => {
            let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            Some(now.checked_sub(span).unwrap_or(Timestamp::MIN))
        }
        (text, None) => {
            let wrong =
                |_| ApiError::bad_request(format!("invalid value {text:?} of the parameter sinceTime: it is a time as in RFC 3339"));
            Some(text.parse().map_err(wrong)?)
        }
        _ => return Err(ApiError::bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")),
    };
    Ok(LogOptions {
        follow: call.flag("follow"),
        timestamps: call.flag("timestamps"),
        since,
        tail: call.number("tailLines")?,
        limit: call.number("limitBytes")?,
    })
}

fn names<'p>(pod: &'p Value, list: &str) -> Vec<&'p str> {
    let containers = pod["spec"][list].as_array().into_iter().flatten();
    containers.filter_map(|container| container["name"].as_str()).collect()
}

/// The container that the request names, or the only one.
fn container(pod: &Value, name: &str, wanted: &str) -> Result<String, ApiError> {
    let (containers, init) = (names(pod, "containers"), names(pod, "initContainers"));
    if !wanted.is_empty() {
        let known = containers.contains(&wanted) || init.contains(&wanted);
        let unknown = || ApiError::bad_request(format!("container {wanted} is not valid for pod {name}"));
        return if known { Ok(wanted.to_owned()) } else { Err(unknown()) };
    }
    if let Some(default) = pod["metadata"]["annotations"][DEFAULT_CONTAINER].as_str().filter(|name| containers.contains(name)) {
        return Ok(default.to_owned());
    }
    match containers.as_slice() {
        [only] => Ok((*only).to_owned()),
        _ => {
            let init = if init.is_empty() { String::new() } else { format!(" or one of the init containers: [{}]", init.join(" ")) };
            let choice = format!("a container name must be specified for pod {name}, choose one of: [{}]{init}", containers.join(" "));
            Err(ApiError::bad_request(choice))
        }
    }
}

/// Why a container has no log: it has not begun.
fn waiting(pod: &Value, container: &str) -> Option<String> {
    let statuses = ["containerStatuses", "initContainerStatuses"].into_iter().flat_map(|list| pod["status"][list].as_array()).flatten();
    let Some(status) = statuses.into_iter().find(|status| status["name"] == container) else {
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        return (!over).then(|| "ContainerCreating".to_owned());
    };
    let state = &status["state"];
    if state["running"].is_object() || state["terminated"].is_object() {
        return None;
    }
    Some(state["waiting"]["reason"].as_str().unwrap_or("ContainerCreating").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_container_that_is_meant() {
        let pod = json!({"spec": {"containers": [{"name": "step-a"}, {"name": "step-b"}], "initContainers": [{"name": "prepare"}]}});
        assert_eq!(container(&pod, "p", "prepare").expect("known"), "prepare");
        assert_eq!(container(&pod, "p", "x").expect_err("unknown").message, "container x is not valid for pod p");
        assert_eq!(
            container(&pod, "p", "").expect_err("several").message,
            "a container name must be specified for pod p, choose one of: [step-a step-b] or one of the init containers: [prepare]"
        );
        assert_eq!(container(&json!({"spec": {"containers": [{"name": "a"}]}}), "p", "").expect("the only one"), "a");
    }

    #[test]
    fn a_container_that_has_not_begun_waits() {
        let pod = |state: Value| json!({"status": {"phase": "Pending", "containerStatuses": [{"name": "a", "state": state}]}});
        assert_eq!(waiting(&pod(json!({"waiting": {"reason": "PodInitializing"}})), "a"), Some("PodInitializing".to_owned()));
        assert_eq!(waiting(&pod(json!({"running": {}})), "a"), None);
        assert_eq!(waiting(&pod(json!({"terminated": {}})), "a"), None);
        assert_eq!(waiting(&pod(json!({})), "b"), Some("ContainerCreating".to_owned()));
    }
}
