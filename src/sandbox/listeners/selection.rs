//! Which Triggers an event reaches: those that a listener or one of its groups selects, and those that it lists.

use serde_json::Value;

use super::event::{Surroundings, Trigger, not_found};
use super::sink_log::Severity;
use crate::kinds;
use crate::sandbox::json::{list, strings, text};
use crate::sandbox::store::{Store, StoreError};

/// Why the Triggers of a listener cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The store failed
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry without template and reference
    #[error("error merging triggers: EventListenerTrigger not defined")]
    Undefined,
}

/// The Triggers that an event reaches: those that the listener selects, then those that it lists. One that is referred to
/// but not there is only said in the log.
///
/// # Errors
/// When the store cannot be read, or an entry of the listener is empty.
pub fn triggers(surroundings: &Surroundings, listener: &Value) -> Result<Vec<Trigger>, SelectError> {
    let namespace = text(&listener["metadata"]["namespace"]);
    let mut found = selected(&surroundings.store, &listener["spec"], namespace)?;
    for entry in list(&listener["spec"]["triggers"]) {
        let reference = text(&entry["triggerRef"]);
        if entry["template"].is_object() {
            found.push(Trigger { name: text(&entry["name"]).to_owned(), namespace: namespace.to_owned(), spec: entry.clone() });
        } else if reference.is_empty() {
            return Err(SelectError::Undefined);
        } else if let Some(trigger) = surroundings.store.get(&kinds::TRIGGER, namespace, reference)? {
            found.push(of_object(&trigger));
        } else {
            let problem = format!("Error getting Trigger {reference} in Namespace {namespace}: {}", not_found(&kinds::TRIGGER, reference));
            surroundings.log.write(Severity::Error, &problem, &[]);
        }
    }
    Ok(found)
}

fn of_object(trigger: &Value) -> Trigger {
    let field = |name: &str| text(&trigger["metadata"][name]).to_owned();
    Trigger { name: field("name"), namespace: field("namespace"), spec: trigger["spec"].clone() }
}

/// The Triggers that the selectors of a listener or a group take: of the listener's own namespace when only labels are
/// given.
///
/// # Errors
/// When the store cannot be read.
pub fn selected(store: &Store, selectors: &Value, own: &str) -> Result<Vec<Trigger>, StoreError> {
    let names: Vec<&str> = strings(&selectors["namespaceSelector"]["matchNames"]).collect();
    let namespaces: Vec<Option<&str>> = match names.as_slice() {
        [] if selectors["labelSelector"].is_object() => vec![Some(own)],
        ["*"] => vec![None],
        names => names.iter().copied().map(Some).collect(),
    };
    let mut found = Vec::new();
    for namespace in namespaces {
        let all = store.list(&kinds::TRIGGER, namespace)?;
        found.extend(
            all.iter().filter(|trigger| matches_labels(&selectors["labelSelector"], &trigger["metadata"]["labels"])).map(of_object),
        );
    }
    Ok(found)
}

/// Whether labels satisfy a `metav1.LabelSelector`; an absent one takes everything.
fn matches_labels(selector: &Value, labels: &Value) -> bool {
    let exact = selector["matchLabels"].as_object().is_none_or(|wanted| wanted.iter().all(|(name, value)| labels.get(name) == Some(value)));
    exact
        && list(&selector["matchExpressions"]).all(|expression| {
            let label = labels.get(text(&expression["key"]));
            let listed = label.is_some_and(|label| list(&expression["values"]).any(|value| value == label));
            match text(&expression["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_label_selector_is_evaluated_whole() {
        let labels = json!({"app": "x", "tier": "web"});
        let matches = |selector: Value| matches_labels(&selector, &labels);
        assert!(matches(Value::Null));
        assert!(matches(json!({"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]})));
        assert!(!matches(json!({"matchLabels": {"app": "y"}})));
        assert!(matches(
            json!({"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}, {"key": "no", "operator": "NotIn", "values": ["x"]}]})
        ));
        assert!(!matches(json!({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]})));
    }
}
