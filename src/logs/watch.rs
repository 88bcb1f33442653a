//! Watches and lists as inputs of the machine. After a broken watch the server's list is told anew; what it does not
//! name any more is told as gone.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};

use super::machine::Input;
use crate::client::{self, Watched};
use crate::objects::{Object, Seen, Undecodable};

/// What says that all objects of these runs have been told.
type Listed = fn(Arc<[String]>) -> Input<'static>;

/// How the objects of a kind are told to the machine.
pub(super) struct Telling<T> {
    /// An object as it is now
    pub now: fn(Box<T>) -> Input<'static>,
    /// An object that is gone, or that cannot be read
    pub gone: fn(String, Option<Undecodable>) -> Option<Input<'static>>,
    /// All objects have been told
    pub listed: Option<Listed>,
    /// Of which runs
    pub scope: Arc<[String]>,
}

impl<T: Object> Telling<T> {
    /// One object.
    pub fn object(&self, seen: Seen<T>) -> Option<Input<'static>> {
        match seen.lens {
            Ok(object) => Some((self.now)(Box::new(object))),
            Err(odd) => (self.gone)(odd.meta.name.clone(), Some(odd)),
        }
    }

    /// A whole list.
    pub fn list(&self, list: Vec<Seen<T>>) -> Vec<Input<'static>> {
        list.into_iter().filter_map(|seen| self.object(seen)).chain(self.end()).collect()
    }

    /// That all have been told.
    fn end(&self) -> Option<Input<'static>> {
        self.listed.map(|listed| listed(self.scope.clone()))
    }

    /// A watch.
    pub fn watch(
        self,
        watch: impl Stream<Item = Result<Watched<T>, client::Error>> + Send,
    ) -> impl Stream<Item = Result<Vec<Input<'static>>, client::Error>> + Send {
        let (mut known, mut missing) = (HashSet::<String>::new(), HashSet::<String>::new());
        watch.map(move |told| {
            Ok(match told? {
                Watched::Listing => {
                    missing = known.clone();
                    Vec::new()
                }
                Watched::Now(seen) => {
                    let name = &seen.meta().name;
                    missing.remove(name);
                    known.insert(name.clone());
                    self.object(seen).into_iter().collect()
                }
                Watched::Listed => {
                    let gone = missing.drain().inspect(|name| {
                        known.remove(name);
                    });
                    gone.filter_map(|name| (self.gone)(name, None)).chain(self.end()).collect()
                }
                Watched::Gone(seen) => {
                    let name = seen.meta().name.clone();
                    known.remove(&name);
                    (self.gone)(name, None).into_iter().collect()
                }
            })
        })
    }
}
