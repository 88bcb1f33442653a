//! Watching: the change log from a revision on, then changes as they happen, one JSON object per line.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;

use super::error::ApiError;
use super::paths::Address;
use super::read::Shape;
use super::request::Call;
use super::selectors::Selector;
use super::{Api, streamed};
use crate::sandbox::store::{Change, ChangeType, Store, StoreError};

/// How long a watch lasts when the client does not say.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long a watch lasts at most, whatever the client says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a client that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// GET of a collection with `watch=true`.
pub fn stream(api: &Api, call: &Call) -> Result<Response, ApiError> {
    let watch = Watch::open(&api.store, call)?;
    // Whoever watches a run waits for somebody to work on it.
    api.left.take_up(&api.store, watch.address.kind, |run| watch.is_here(run) && watch.selector.matches(run))?;
    let lines = futures::stream::unfold(watch, |mut watch| async {
        let line = watch.next().await?;
        Some((Ok::<Bytes, Infallible>(line), watch))
    });
    Ok(streamed("application/json", Body::from_stream(lines)))
}

struct Watch {
    store: Store,
    changes: Receiver<Change>,
    address: Address,
    selector: Selector,
    shape: Shape,
    /// Objects that the client was told of, when a selector can make them come and go
    told: Option<HashSet<String>>,
    /// Lines that are due
    ready: VecDeque<Value>,
    /// Revision up to which everything is told
    seen: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    ended: bool,
}

impl Watch {
    fn open(store: &Store, call: &Call) -> Result<Watch, ApiError> {
        let timeout = call
            .number("timeoutSeconds")?
            .filter(|seconds| *seconds > 0)
            .map_or(TIMEOUT, |seconds| Duration::from_secs(seconds).min(LONGEST));
        let now = Instant::now();
        let mut watch = Watch {
            store: store.clone(),
            // Before anything is read, so that no change falls between reading and hearing.
            changes: store.subscribe(),
            address: call.address.clone(),
            selector: call.selector()?,
            shape: Shape::of(&call.accept),
            told: None,
            ready: VecDeque::new(),
            seen: 0,
            bookmarks: call.flag("allowWatchBookmarks"),
            next_bookmark: now + BOOKMARK_EVERY,
            end: now + timeout,
            ended: false,
        };
        if !watch.selector.is_empty() {
            watch.told = Some(HashSet::new());
        }
        let initial = call.flag("sendInitialEvents");
        match call.revision()? {
            Some(revision) if !initial => watch.resume(revision)?,
            _ => watch.start(initial)?,
        }
        Ok(watch)
    }

    /// Tells what is there now as additions.
    fn start(&mut self, mark_end: bool) -> Result<(), StoreError> {
        let (objects, revision) = self.store.list_at(self.address.kind, self.namespace())?;
        for object in objects {
            if self.selector.matches(&object) {
                self.remember(&object);
                self.tell("ADDED", object);
            }
        }
        self.seen = revision;
        if mark_end {
            self.ready.push_back(self.bookmark(json!({"k8s.io/initial-events-end": "true"})));
        }
        Ok(())
    }

    /// Tells what has changed since a revision.
    fn resume(&mut self, revision: u64) -> Result<(), StoreError> {
        self.seen = revision;
        if self.told.is_some() {
            for object in self.store.list(self.address.kind, self.namespace())? {
                if self.selector.matches(&object) {
                    self.remember(&object);
                }
            }
        }
        match self.store.changes_since(revision)? {
            Some(changes) => changes.into_iter().for_each(|change| self.take(change)),
            None => self.fail(&ApiError::expired(revision, self.store.revision())),
        }
        Ok(())
    }

    fn namespace(&self) -> Option<&str> {
        Some(self.address.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    fn is_here(&self, object: &Value) -> bool {
        self.namespace().is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
    }

    /// The next line; waits for it. `None` at the end of the watch.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                let mut line = event.to_string();
                line.push('\n');
                return Some(line.into());
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                change = self.changes.recv() => self.hear(change),
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                    self.next_bookmark += BOOKMARK_EVERY;
                    self.ready.push_back(self.bookmark(json!({})));
                }
                () = tokio::time::sleep_until(self.end) => {
                    self.ended = true;
                    if self.bookmarks {
                        self.ready.push_back(self.bookmark(json!({})));
                    }
                }
            }
        }
    }

    fn hear(&mut self, change: Result<Change, RecvError>) {
        match change {
            Ok(change) => self.take(change),
            // Too slow for the channel: the log has what was missed.
            Err(RecvError::Lagged(_)) => match self.store.changes_since(self.seen) {
                Ok(Some(changes)) => changes.into_iter().for_each(|change| self.take(change)),
                Ok(None) => self.fail(&ApiError::expired(self.seen, self.store.revision())),
                Err(error) => self.fail(&error.into()),
            },
            Err(RecvError::Closed) => self.ended = true,
        }
    }

    fn take(&mut self, change: Change) {
        if change.revision <= self.seen {
            return;
        }
        self.seen = change.revision;
        let object = &*change.object;
        if change.kind != self.address.kind || !self.is_here(object) {
            return;
        }
        let wanted = change.change != ChangeType::Deleted && self.selector.matches(object);
        let known = self.is_known(object, change.change);
        let event = match (known, wanted) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        if wanted {
            self.remember(object);
        } else {
            self.forget(object);
        }
        self.tell(event, object.clone());
    }

    /// Whether the client has the object, as far as it was told.
    fn is_known(&self, object: &Value, change: ChangeType) -> bool {
        match &self.told {
            Some(told) => told.contains(uid(object)),
            None => change != ChangeType::Added,
        }
    }

    fn remember(&mut self, object: &Value) {
        if let Some(told) = &mut self.told {
            told.insert(uid(object).to_owned());
        }
    }

    fn forget(&mut self, object: &Value) {
        if let Some(told) = &mut self.told {
            told.remove(uid(object));
        }
    }

    fn tell(&mut self, event: &str, object: Value) {
        let object = self.shape.show(&self.address, object);
        self.ready.push_back(json!({"type": event, "object": object}));
    }

    fn bookmark(&self, annotations: Value) -> Value {
        let mut metadata = json!({"resourceVersion": self.seen.to_string()});
        if annotations.as_object().is_some_and(|annotations| !annotations.is_empty()) {
            metadata["annotations"] = annotations;
        }
        let (kind, api_version) = match self.shape {
            Shape::Object => (self.address.kind.kind, self.address.kind.api_version(self.address.version)),
            Shape::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
        };
        json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": api_version, "metadata": metadata}})
    }

    fn fail(&mut self, error: &ApiError) {
        self.ready.push_back(json!({"type": "ERROR", "object": error.status()}));
        self.ended = true;
    }
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}
