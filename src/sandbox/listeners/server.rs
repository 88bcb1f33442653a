//! The port of a listener: what it answers to a request, before anything is made.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use super::event::{self, Event, Headers, Surroundings};
use super::go_error;
use super::params::canonical_header;
use super::selection;
use super::sink_log::Severity;
use crate::kinds;
use crate::sandbox::json::list;

/// The largest body that is taken. The real listener takes any; no forge sends more than 25 MB.
const BODY_LIMIT: usize = 64 << 20;

/// Says `false` on a listener that takes bodies without looking at them first.
const PAYLOAD_VALIDATION: &str = "tekton.dev/payload-validation";

/// Where ports of listeners begin that have none yet, and how many there are: registered ones, below those that systems
/// hand out by themselves.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 10_000;

/// One listener as its port sees it.
pub struct Sink {
    /// Namespace of the EventListener
    pub namespace: String,
    /// Its name
    pub name: String,
    /// What it works with
    pub surroundings: Surroundings,
}

/// Opens the port that a listener had, or one that its name leads to every time, or any that is free.
///
/// # Errors
/// When no port can be had.
pub fn open_port(namespace: &str, name: &str, remembered: Option<u16>) -> io::Result<(TcpListener, u16)> {
    let mut hasher = DefaultHasher::new();
    (namespace, name).hash(&mut hasher);
    let own = FIRST_PORT + (hasher.finish() % u64::from(PORTS)) as u16;
    let mut last = Err(io::Error::from(io::ErrorKind::AddrInUse));
    for port in remembered.into_iter().chain([own, 0]) {
        last = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if let Ok(listener) = last {
            let port = listener.local_addr()?.port();
            listener.set_nonblocking(true)?;
            return Ok((listener, port));
        }
    }
    Err(last.err().unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Answers on a port until the task is aborted.
///
/// # Errors
/// When the port cannot be watched.
pub fn serve(listener: TcpListener, sink: Arc<Sink>) -> io::Result<JoinHandle<()>> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new().route("/live", any(|| async { "ok" })).fallback(handle).with_state(sink);
    Ok(tokio::spawn(async move {
        // It only ends with an error of the socket, after which a port that answers nobody is all that is left.
        let _ = axum::serve(listener, router).await;
    }))
}

async fn handle(State(sink): State<Arc<Sink>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(error) => {
            sink.surroundings.log.write(Severity::Error, &format!("Error reading event body: {error}"), &[]);
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let listener = match sink.surroundings.store.get(&kinds::EVENT_LISTENER, &sink.namespace, &sink.name) {
        Ok(Some(listener)) => listener,
        Ok(None) => return sink.fail(&format!("Error getting EventListener {} in Namespace {}: it is gone", sink.name, sink.namespace)),
        Err(error) => return sink.fail(&format!("Error getting EventListener {} in Namespace {}: {error}", sink.name, sink.namespace)),
    };
    let parsed = parse(&body);
    if listener["metadata"]["annotations"][PAYLOAD_VALIDATION] != "false"
        && let Err(problem) = object(&parsed)
    {
        let message = format!("Invalid event body format : {problem}");
        sink.surroundings.log.write(Severity::Error, &message, &[]);
        let answer = json!({ "eventListener": sink.name, "namespace": sink.namespace, "eventListenerUID": "", "errorMessage": message });
        return answer_json(StatusCode::BAD_REQUEST, &answer);
    }
    let event = Event {
        id: uuid::Uuid::new_v4().to_string(),
        url: parts.uri.to_string(),
        headers: headers(&parts.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
        extensions: Map::new(),
    };
    let triggers = match selection::triggers(&sink.surroundings, &listener) {
        Ok(triggers) => triggers,
        Err(error) => return sink.fail(&error.to_string()),
    };
    let uid = &listener["metadata"]["uid"];
    let answer = json!({ "eventListener": sink.name, "namespace": sink.namespace, "eventListenerUID": uid, "eventID": event.id });
    tokio::spawn(async move {
        for trigger in &triggers {
            event::process(&sink.surroundings, &listener, trigger, &event).await;
        }
        for group in list(&listener["spec"]["triggerGroups"]) {
            event::process_group(&sink.surroundings, &listener, group, &event).await;
        }
    });
    answer_json(StatusCode::ACCEPTED, &answer)
}

impl Sink {
    fn fail(&self, message: &str) -> Response {
        self.surroundings.log.write(Severity::Error, message, &[]);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// JSON and a newline, as Go's encoder writes it.
fn answer_json(code: StatusCode, answer: &Value) -> Response {
    (code, [(http::header::CONTENT_TYPE, "application/json")], format!("{answer}\n")).into_response()
}

/// The body as JSON, or what Go's parser would say.
fn parse(body: &Bytes) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| go_error::words(body, &error))
}

/// Whether the body is an object, as the listener demands of it.
fn object(parsed: &Result<Value, String>) -> Result<(), String> {
    let kind = match parsed {
        Err(problem) => return Err(problem.clone()),
        Ok(Value::Object(_) | Value::Null) => return Ok(()),
        Ok(Value::Array(_)) => "array",
        Ok(Value::String(_)) => "string",
        Ok(Value::Number(_)) => "number",
        Ok(Value::Bool(_)) => "bool",
    };
    Err(format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"))
}

fn headers(headers: &HeaderMap) -> Headers {
    let mut all = Headers::new();
    // Go's server takes `Host` out of the headers.
    for (name, value) in headers.iter().filter(|(name, _)| *name != http::header::HOST) {
        all.entry(canonical_header(name.as_str())).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_object_is_refused_in_gos_words() {
        let problem = |body: &'static str| object(&parse(&Bytes::from_static(body.as_bytes()))).err();
        assert_eq!(problem("{\"a\": 1}"), None);
        assert_eq!(problem("null"), None);
        assert_eq!(problem("").as_deref(), Some("unexpected end of JSON input"));
        assert_eq!(problem("{\"a\":").as_deref(), Some("unexpected end of JSON input"));
        assert_eq!(problem("hello").as_deref(), Some("invalid character 'h' looking for beginning of value"));
        assert!(problem("[1]").is_some_and(|p| p.starts_with("json: cannot unmarshal array")));
    }

    #[test]
    fn a_port_is_the_same_every_time_unless_it_is_taken() {
        let (first, port) = open_port("ns", "a-listener", None).expect("a port");
        let (_second, other) = open_port("ns", "a-listener", None).expect("another");
        assert_ne!(port, other);
        drop(first);
        assert_eq!(open_port("ns", "else", Some(port)).expect("the remembered one").1, port);
    }
}
