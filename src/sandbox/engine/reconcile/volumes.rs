//! Volumes for claims: made when a storage class provides them, removed with their claim.

use serde_json::Value;

use super::super::claims;
use super::super::object::{name, namespace, text};
use super::Controller;
use crate::kinds;
use crate::sandbox::store::StoreError;

impl Controller {
    /// Binds every claim that can be bound.
    pub(super) fn bind_claims(&mut self) -> Result<(), StoreError> {
        let claims = self.cache.list(&kinds::PERSISTENT_VOLUME_CLAIM, "");
        self.cache.check()?;
        claims.iter().try_for_each(|claim| self.bind(claim))
    }

    /// Binds a claim, if it can be bound.
    pub(super) fn bind(&mut self, claim: &Value) -> Result<(), StoreError> {
        let binding = claims::bind(claim, &self.cache.namespace(namespace(claim)), &self.volumes);
        self.cache.check()?;
        let Some(binding) = binding else { return Ok(()) };
        match self.store.create(&kinds::PERSISTENT_VOLUME, binding.object.clone()) {
            Ok(_) | Err(StoreError::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        let kind = &kinds::PERSISTENT_VOLUME_CLAIM;
        let bound = self.store.update(kind, namespace(claim), name(claim), |object| claims::write(&binding, object))?;
        if let Some(bound) = bound {
            self.cache.wrote(kind, &bound);
        }
        Ok(())
    }

    /// Removes the volume of a claim that is gone.
    pub(super) fn release(&mut self, claim: &Value) -> Result<(), StoreError> {
        let volume = text(claim, "/spec/volumeName");
        if !volume.is_empty() && self.store.delete(&kinds::PERSISTENT_VOLUME, "", volume)?.is_some() {
            // What cannot be removed only costs room; the claim is gone already.
            let _ = std::fs::remove_dir_all(self.volumes.join(namespace(claim)).join(name(claim)));
        }
        Ok(())
    }
}
