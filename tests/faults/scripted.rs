//! A fake API server with one run in it that goes by a script: at which time which object changes, and which record of
//! which container's log is written. It keeps and gives logs as a kubelet does. No controller, no node, no container.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::proxy::{Body, Origin, status, streamed, whole};

/// A change of an object.
pub struct Change {
    /// When, from the script's begin
    pub at: Duration,
    /// `pipelineruns`, `taskruns`, `pods`
    pub plural: &'static str,
    /// `ADDED` or `MODIFIED`
    pub event: &'static str,
    /// The object from then on
    pub object: Value,
}

/// A container's log as a kubelet keeps it: records with a time each, of which a long line takes several.
#[derive(Default)]
pub struct Log {
    /// When the container began
    pub begin: Duration,
    /// When it ended
    pub end: Duration,
    /// Time and bytes, with the line's end where the record ends a line
    pub records: Vec<(Duration, Vec<u8>)>,
}

/// What happens, in the order of time.
#[derive(Default)]
pub struct Script {
    /// Changes of objects
    pub changes: Vec<Change>,
    /// Logs by pod and container
    pub logs: HashMap<(String, String), Log>,
}

/// A script that has begun.
#[derive(Clone)]
pub struct Scripted {
    script: Arc<Script>,
    began: Instant,
    clock: Timestamp,
}

impl Scripted {
    /// Begins a script so long ago, whose first instant is called by this time in stamps of logs.
    pub fn begin(script: Script, ago: Duration, clock: Timestamp) -> Self {
        let now = Instant::now();
        Self { script: Arc::new(script), began: now.checked_sub(ago).unwrap_or(now), clock }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn respond(&self, request: &Request<Bytes>) -> Response<Body> {
        let query: HashMap<String, String> = form(request.uri().query().unwrap_or_default());
        let parts: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
        let after = parts.iter().position(|part| *part == "namespaces").map_or(parts.len(), |at| at + 2);
        match parts[after.min(parts.len())..] {
            [plural] if query.contains_key("watch") => self.watch(plural, &query),
            [plural] => self.list(plural),
            [plural, name] => self.get(plural, name),
            ["pods", pod, "log"] => self.log(pod, &query),
            _ => status(404, "the script has no such thing", None),
        }
    }

    /// The newest state of each object, in the order of their begin.
    fn objects(&self, plural: &str) -> Vec<&Value> {
        let mut objects: Vec<&Value> = Vec::new();
        for change in self.script.changes.iter().filter(|c| c.plural == plural && c.at <= self.now()) {
            match objects.iter_mut().find(|o| name(o) == name(&change.object)) {
                Some(object) => *object = &change.object,
                None => objects.push(&change.object),
            }
        }
        objects
    }

    fn get(&self, plural: &str, wanted: &str) -> Response<Body> {
        match self.objects(plural).into_iter().find(|o| name(o) == wanted) {
            Some(object) => whole(&object.to_string()),
            None => status(404, &format!("{plural} {wanted:?} not found"), None),
        }
    }

    fn list(&self, plural: &str) -> Response<Body> {
        let version = self.script.changes.iter().filter(|c| c.at <= self.now()).count();
        let kind = format!("{plural}List");
        whole(&json!({"kind": kind, "metadata": {"resourceVersion": version.to_string()}, "items": self.objects(plural)}).to_string())
    }

    fn watch(&self, plural: &str, query: &HashMap<String, String>) -> Response<Body> {
        let from: usize = query.get("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
        let (server, plural) = (self.clone(), plural.to_owned());
        let events = stream::unfold(from, move |from| {
            let (server, plural) = (server.clone(), plural.clone());
            async move {
                let mut rest = server.script.changes.iter().enumerate().skip(from);
                let Some((at, change)) = rest.find(|(_, c)| c.plural == plural) else {
                    // Nothing happens any more; a watch stays open all the same.
                    return std::future::pending().await;
                };
                sleep_until(server.began + change.at).await;
                let event = json!({"type": change.event, "object": change.object});
                Some((Ok(Bytes::from(format!("{event}\n"))), at + 1))
            }
        });
        Response::new(streamed(events))
    }

    fn log(&self, pod: &str, query: &HashMap<String, String>) -> Response<Body> {
        let container = query.get("container").cloned().unwrap_or_default();
        let key = (pod.to_owned(), container.clone());
        let Some(log) = self.script.logs.get(&key) else { return status(404, &format!("pods {pod:?} not found"), None) };
        if self.now() < log.begin {
            let waits = format!("container {container:?} in pod {pod:?} is waiting to start: PodInitializing");
            return status(400, &waits, None);
        }
        let follow = query.get("follow").is_some_and(|f| f == "true");
        let since = query.get("sinceTime").map(|t| t.parse::<Timestamp>().expect("a time as in RFC 3339"));
        let stamps = query.get("timestamps").is_some_and(|t| t == "true");
        let read = Read { next: 0, begins: true, stamps, until: if follow { log.end } else { self.now() }, since };
        let server = self.clone();
        let parts = stream::unfold(read, move |read| server.clone().part(key.clone(), read));
        Response::new(streamed(parts))
    }

    /// The records that are there now, or the next one as soon as it is.
    async fn part(self, key: (String, String), mut read: Read) -> Option<(io::Result<Bytes>, Read)> {
        let log = &self.script.logs[&key];
        let mut text = Vec::new();
        loop {
            let next = log.records.get(read.next).filter(|(at, _)| *at <= read.until);
            let Some((at, bytes)) = next else {
                if text.is_empty() {
                    sleep_until(self.began + read.until).await;
                    return None;
                }
                break;
            };
            if *at > self.now() {
                if !text.is_empty() {
                    break;
                }
                sleep_until(self.began + *at).await;
            }
            let stamp = self.clock + *at;
            read.next += 1;
            if read.since.is_some_and(|since| stamp < since) {
                continue;
            }
            if read.begins && read.stamps {
                text.extend_from_slice(format!("{stamp:.9} ").as_bytes());
            }
            text.extend_from_slice(bytes);
            read.begins = bytes.ends_with(b"\n");
        }
        Some((Ok(Bytes::from(text)), read))
    }
}

/// How far a log was given.
struct Read {
    next: usize,
    begins: bool,
    stamps: bool,
    until: Duration,
    since: Option<Timestamp>,
}

impl Origin for Scripted {
    fn answer(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let answer = self.respond(&request);
        Box::pin(std::future::ready(answer))
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// A query's parameters.
fn form(query: &str) -> HashMap<String, String> {
    let decoded = |text: &str| {
        let mut parts = text.split('%');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push(char::from(u8::from_str_radix(&part[..2], 16).expect("two digits after a percent sign")));
            out.push_str(&part[2..]);
        }
        out
    };
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decoded(key), decoded(value))).collect()
}
