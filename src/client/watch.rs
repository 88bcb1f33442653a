//! Objects as they change. Broken watches and expired versions are taken up again below (kube's watcher), so a reader
//! sees a list, then changes, then perhaps another list.

use futures::{Stream, StreamExt};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};

use super::{Asked, Cluster, Error, Select};
use crate::objects::{Object, Seen, upgrade};

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum Watched<T> {
    /// A list begins; what it does not name is gone
    Listing,
    /// An object as it is now
    Now(Seen<T>),
    /// The list is complete
    Listed,
    /// An object as it was when it was deleted
    Gone(Seen<T>),
}

impl Cluster {
    /// Watches a kind. The stream ends only with an error that a retry does not mend (refused, no such kind).
    pub fn watch<T: Object>(
        &self,
        namespace: Option<&str>,
        select: &Select,
    ) -> impl Stream<Item = Result<Watched<T>, Error>> + Send + use<T> {
        let version = self.version(T::KIND);
        let gvk = GroupVersionKind::gvk(T::KIND.group, version, T::KIND.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, T::KIND.plural);
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) if T::KIND.namespaced => Api::namespaced_with(self.client(), namespace, &resource),
            _ => Api::all_with(self.client(), &resource),
        };
        let mut config = watcher::Config::default();
        if !select.labels.is_empty() {
            config = config.labels(&select.labels);
        }
        if !select.fields.is_empty() {
            config = config.fields(&select.fields);
        }
        let asked = Asked { verb: "watch", kind: T::KIND, namespace: namespace.map(str::to_owned), subresource: None };
        let old = version != T::KIND.version();
        watcher::watcher(api, config)
            .default_backoff()
            .filter_map(move |event| {
                let event = match event {
                    Ok(event) => Some(Ok(understood(event, old))),
                    Err(error) => lasting(error, &asked).map(Err),
                };
                futures::future::ready(event)
            })
            .boxed()
    }
}

fn understood<T: Object>(event: Event<DynamicObject>, old: bool) -> Watched<T> {
    let seen = |object: DynamicObject| {
        let mut value = serde_json::to_value(object).expect("an object that came as JSON goes as JSON");
        if old {
            upgrade::to_v1(T::KIND, &mut value);
        }
        Seen::from_value(&value)
    };
    match event {
        Event::Init => Watched::Listing,
        Event::InitApply(object) | Event::Apply(object) => Watched::Now(seen(object)),
        Event::InitDone => Watched::Listed,
        Event::Delete(object) => Watched::Gone(seen(object)),
    }
}

/// The errors that no retry mends; the others are tried again with growing pauses.
fn lasting(error: watcher::Error, asked: &Asked) -> Option<Error> {
    let error = match error {
        watcher::Error::InitialListFailed(e) | watcher::Error::WatchStartFailed(e) | watcher::Error::WatchFailed(e) => e,
        watcher::Error::WatchError(status) => kube::Error::Api(status),
        watcher::Error::NoResourceVersion => return None,
    };
    match error {
        kube::Error::Api(status) if matches!(status.code, 400 | 401 | 403 | 404 | 405) => {
            Some(Error::Status { status, asked: asked.clone() })
        }
        _ => None,
    }
}
