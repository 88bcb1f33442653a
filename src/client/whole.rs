//! A long list in one answer, whose objects are read as they come. An API server answers a whole list from its cache,
//! but the pages of one from its store, which takes three times as long.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::marker::PhantomData;

use futures::io::{AsyncRead, AsyncReadExt as _};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::request::Ask;
use super::{Cluster, Error, PageMeta};
use crate::objects::{Object, Seen};

/// How much of the answer is gathered before it is read.
const GATHERED: usize = 64 << 10;

/// What a closure makes of each object of a list.
///
/// # Errors
/// When the server refuses, or its answer breaks off or is not all of the list.
pub(super) async fn whole<T: Object, R: Send + 'static>(
    cluster: &Cluster,
    ask: Ask,
    make: impl Fn(Seen<T>) -> Option<R> + Send + 'static,
) -> Result<Vec<R>, Error> {
    let answer = cluster.client.request_stream(ask.http(cluster.version(T::KIND))).await.map_err(|e| cluster.error(e, &ask))?;
    let (own, runtime) = (cluster.clone(), Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(GATHERED, Waiting(Box::pin(answer), runtime)));
        let made = List(Items { cluster: &own, make: &make, kind: PhantomData }).deserialize(&mut json)?;
        json.end().map(|()| made)
    });
    let made = read.await.unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic()));
    made.map_err(|e| cluster.undecodable(T::KIND, &e))
}

/// The list around the items.
struct List<'m, M, T>(Items<'m, M, T>);

/// The items: each is made into something before the next is read.
struct Items<'m, M, T> {
    cluster: &'m Cluster,
    make: &'m M,
    kind: PhantomData<T>,
}

impl<'de, T: Object, R, M: Fn(Seen<T>) -> Option<R>> DeserializeSeed<'de> for List<'_, M, T> {
    type Value = Vec<R>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<R>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, T: Object, R, M: Fn(Seen<T>) -> Option<R>> Visitor<'de> for List<'_, M, T> {
    type Value = Vec<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut list: A) -> Result<Vec<R>, A::Error> {
        let (mut items, mut made) = (Some(self.0), Vec::new());
        while let Some(key) = list.next_key::<String>()? {
            match (key.as_str(), items.take_if(|_| key == "items")) {
                (_, Some(items)) => made = list.next_value_seed(items)?,
                ("metadata", _) if list.next_value::<PageMeta>()?.next.is_some_and(|next| !next.is_empty()) => {
                    return Err(A::Error::custom("the list is not whole"));
                }
                ("metadata", _) => {}
                _ => drop(list.next_value::<IgnoredAny>()?),
            }
        }
        // What is no list is not an empty one.
        if items.is_some() { Err(A::Error::missing_field("items")) } else { Ok(made) }
    }
}

impl<'de, T: Object, R, M: Fn(Seen<T>) -> Option<R>> DeserializeSeed<'de> for Items<'_, M, T> {
    type Value = Vec<R>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<R>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: Object, R, M: Fn(Seen<T>) -> Option<R>> Visitor<'de> for Items<'_, M, T> {
    type Value = Vec<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, or null")
    }

    fn visit_unit<E>(self) -> Result<Vec<R>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<R>, A::Error> {
        let mut made = Vec::new();
        while let Some(raw) = items.next_element::<Box<RawValue>>()? {
            made.extend((self.make)(self.cluster.seen(raw)));
        }
        Ok(made)
    }
}

/// Bytes for a reader that waits for them, on a thread on which that holds nobody up.
struct Waiting<R>(R, Handle);

impl<R: AsyncRead + Unpin> Read for Waiting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.block_on(self.0.read(buffer))
    }
}
