//! What an earlier process left under way. A command that holds the sandbox itself ends with its own run, so it leaves
//! those of others alone: what it took up would end with it. Whoever asks for one, by watching it or by asking for its end, has
//! it taken up.

use std::collections::HashSet;

use serde_json::Value;
use tokio::sync::watch;

use super::object::{items, text, uid};
use crate::kinds::{self, Kind};
use crate::sandbox::store::{Store, StoreError};

/// The kinds that the engine runs.
pub const RUNS: [&Kind; 2] = [&kinds::PIPELINE_RUN, &kinds::TASK_RUN];

/// UIDs of the runs that are left alone; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Left(watch::Sender<HashSet<String>>);

impl Left {
    /// All runs of a store that have not ended.
    pub fn alone(store: &Store) -> Result<Left, StoreError> {
        let mut uids = HashSet::new();
        for kind in RUNS {
            uids.extend(store.unfinished(kind)?.iter().map(|run| uid(run).to_owned()));
        }
        Ok(Left(watch::Sender::new(uids)))
    }

    /// None of them: every run is taken up.
    pub fn take_up_all(&self) {
        self.0.send_replace(HashSet::new());
    }

    /// Those of a kind that are wanted are taken up, each with its TaskRuns.
    pub fn take_up(&self, store: &Store, kind: &Kind, wanted: impl Fn(&Value) -> bool) -> Result<(), StoreError> {
        let Some(kind) = RUNS.into_iter().find(|run| *run == kind).filter(|_| !self.0.borrow().is_empty()) else { return Ok(()) };
        let asked: HashSet<String> = store.unfinished(kind)?.iter().filter(|run| wanted(run)).map(|run| uid(run).to_owned()).collect();
        let of_asked = |run: &Value| items(run, "/metadata/ownerReferences").iter().any(|owner| asked.contains(text(owner, "/uid")));
        let children = store.unfinished(&kinds::TASK_RUN)?.into_iter().filter(of_asked).map(|run| uid(&run).to_owned());
        let taken: HashSet<String> = asked.iter().cloned().chain(children).collect();
        self.0.send_if_modified(|left| {
            let before = left.len();
            left.retain(|uid| !taken.contains(uid));
            left.len() < before
        });
        Ok(())
    }

    /// Whether a run is left alone.
    pub fn has(&self, run: &Value) -> bool {
        self.0.borrow().contains(uid(run))
    }

    /// Tells when some are taken up.
    pub fn changes(&self) -> watch::Receiver<HashSet<String>> {
        self.0.subscribe()
    }
}
