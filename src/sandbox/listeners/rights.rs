//! What a listener's ServiceAccount must be allowed, and what it is refused: the real sink lists and watches everything
//! that it needs, and comes up only when all of it is granted.

use serde_json::Value;

use crate::kinds::{self, Kind};
use crate::sandbox::access::{self, Attributes};
use crate::sandbox::json::list;
use crate::sandbox::store::{Store, StoreError};

/// The kinds that the sink reads, in the order in which it complains.
static READ: [&Kind; 7] = [
    &kinds::TRIGGER_BINDING,
    &kinds::TRIGGER_TEMPLATE,
    &kinds::TRIGGER,
    &kinds::EVENT_LISTENER,
    &kinds::INTERCEPTOR,
    &kinds::CLUSTER_TRIGGER_BINDING,
    &kinds::CLUSTER_INTERCEPTOR,
];

/// The ServiceAccount of a listener: that of its pod template, its own, or `default`.
pub fn service_account(listener: &Value) -> &str {
    let template = &listener["spec"]["resources"]["kubernetesResource"]["spec"]["template"]["spec"]["serviceAccountName"];
    let named = [template, &listener["spec"]["serviceAccountName"]];
    named.iter().filter_map(|name| name.as_str()).find(|name| !name.is_empty()).unwrap_or("default")
}

/// What the sink's client library says for each kind that the account may not read; empty when it may read all.
///
/// # Errors
/// When the store cannot be read.
pub fn refusals(store: &Store, listener: &Value) -> Result<Vec<String>, StoreError> {
    let namespace = listener["metadata"]["namespace"].as_str().unwrap_or_default();
    let selectors = list(&listener["spec"]["triggerGroups"]).map(|group| &group["triggerSelector"]).chain([&listener["spec"]]);
    let several = selectors.into_iter().any(|selectors| list(&selectors["namespaceSelector"]["matchNames"]).next().is_some());
    let (user, groups) = access::service_account(namespace, service_account(listener));
    let mut refusals = Vec::new();
    for kind in READ {
        let place = if kind.namespaced && !several { namespace } else { "" };
        for verb in ["list", "watch"] {
            let what = attributes(verb, kind, place);
            if !access::allowed(store, &user, &groups, &what)?.allowed {
                let complaint = access::forbidden(&user, &what);
                refusals.push(format!("failed to {verb} *{}.{}: {complaint}", kind.version(), kind.kind));
                break;
            }
        }
    }
    Ok(refusals)
}

/// The user as whom a Trigger's objects are made: the listener's account, or the one that the Trigger names, if the
/// listener's may act as it; otherwise the server's sentence.
///
/// # Errors
/// When the store cannot be read.
pub fn acting_user(
    store: &Store,
    listener: &Value,
    trigger_namespace: &str,
    trigger_account: &str,
) -> Result<Result<String, String>, StoreError> {
    let namespace = listener["metadata"]["namespace"].as_str().unwrap_or_default();
    let (user, groups) = access::service_account(namespace, service_account(listener));
    if trigger_account.is_empty() {
        return Ok(Ok(user));
    }
    let what = Attributes {
        verb: "impersonate".into(),
        resource: "serviceaccounts".into(),
        namespace: trigger_namespace.into(),
        name: trigger_account.into(),
        ..Attributes::default()
    };
    let allowed = access::allowed(store, &user, &groups, &what)?.allowed;
    Ok(if allowed { Ok(access::service_account(trigger_namespace, trigger_account).0) } else { Err(access::forbidden(&user, &what)) })
}

fn attributes(verb: &str, kind: &Kind, namespace: &str) -> Attributes {
    Attributes {
        verb: verb.into(),
        group: kind.group.into(),
        resource: kind.plural.into(),
        namespace: namespace.into(),
        ..Attributes::default()
    }
}
