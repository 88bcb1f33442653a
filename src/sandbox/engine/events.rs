//! Event objects, as the controllers of a cluster record them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{name, namespace, stamp, text, uid};
use super::plan::Event;

/// Longest message that the API takes.
const LONGEST_MESSAGE: usize = 1024;

/// The object of an event about another object. `unique` sets it apart from others about the same.
pub fn object(about: &Value, event: &Event, component: &str, unique: &str, now: Timestamp) -> Value {
    let message: String = event.message.chars().take(LONGEST_MESSAGE).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{unique}", name(about)), "namespace": namespace(about)},
        "involvedObject": {
            "apiVersion": text(about, "/apiVersion"),
            "kind": text(about, "/kind"),
            "name": name(about),
            "namespace": namespace(about),
            "resourceVersion": text(about, "/metadata/resourceVersion"),
            "uid": uid(about),
        },
        "reason": event.reason,
        "message": message,
        "type": event.kind,
        "count": 1,
        "firstTimestamp": stamp(now),
        "lastTimestamp": stamp(now),
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
    })
}
