//! What a new sandbox has from the start, as a cluster with Tekton would.

use serde_json::Value;

use crate::kinds;
use crate::sandbox::store::{Store, StoreError};

/// One document per object
const OBJECTS: &str = include_str!("seed.yaml");

/// Puts the first objects into a store that never had any.
pub fn plant(store: &Store) -> Result<(), StoreError> {
    if store.revision() > 0 {
        return Ok(());
    }
    // Written lazily and then brought to disk as one: a crash leaves all of them or none.
    let lazy = store.lazy();
    for object in objects() {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let kind = kinds::of_manifest(text("apiVersion"), text("kind")).expect("the seed has kinds of the table only");
        lazy.create(kind, object)?;
    }
    store.flush()
}

fn objects() -> Vec<Value> {
    serde_saphyr::from_multiple(OBJECTS).expect("the seed is YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_a_known_kind_and_a_name() {
        let objects = objects();
        for object in &objects {
            let text = |field: &str| object[field].as_str().unwrap_or_default();
            assert!(kinds::of_manifest(text("apiVersion"), text("kind")).is_some(), "{object}");
            assert!(object["metadata"]["name"].is_string(), "{object}");
        }
        assert!(objects.len() > 10);
    }
}
