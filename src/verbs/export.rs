//! `export`: an object as a manifest that can be made again, without what the server and the controllers wrote.

use clap::Args;
use serde_json::Value;

use super::describe::none_found;
use super::{called, missing, pick};
use crate::failure::{Exit, Failure};
use crate::objects::meta::LAST_APPLIED;
use crate::objects::{Object, Seen};
use crate::render;
use crate::session::Session;

/// Arguments of export.
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// Name of the {Kind}; asked for when there are several
    name: Option<String>,
}

/// Fields of the metadata that say nothing about what was wanted.
const OF_THE_SERVER: [&str; 8] =
    ["managedFields", "resourceVersion", "uid", "finalizers", "generation", "namespace", "creationTimestamp", "ownerReferences"];

impl Arguments {
    /// Prints the manifest as YAML.
    ///
    /// # Errors
    /// When there is no such object.
    pub async fn export<T: Object>(&self, session: &mut Session) -> Result<Exit, Failure> {
        let seen = match &self.name {
            Some(name) => get::<T>(session, name).await?,
            None => pick::object::<T>(session).await?.ok_or_else(|| none_found(T::KIND))?,
        };
        write!(session.term.out(), "{}", render::yaml(&manifest(T::KIND.kind, seen.value())))?;
        Ok(Exit::Done)
    }
}

async fn get<T: Object>(session: &mut Session, name: &str) -> Result<Seen<T>, Failure> {
    let cluster = session.cluster().await?;
    let name = &*called::name(&cluster, T::KIND, name).await?;
    match cluster.get::<T>(&cluster.namespace, name).await {
        Ok(seen) => Ok(seen),
        Err(error) => Err(missing::with_hints(&cluster, T::KIND, &[name], error.into()).await),
    }
}

/// The object without status and history; its name is left to the server again where the server made it.
fn manifest(kind: &str, mut object: Value) -> Value {
    let Some(fields) = object.as_object_mut() else { return object };
    fields.shift_remove("status");
    fields.insert("kind".to_owned(), kind.into());
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|field, _| !matches!(field.as_str(), "status" | "statusMessage"));
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !OF_THE_SERVER.contains(&field.as_str()));
        if metadata.contains_key("generateName") {
            metadata.shift_remove("name");
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_wrote_is_gone() {
        let object = json!({
            "apiVersion": "tekton.dev/v1", "metadata": {"name": "b-x1", "generateName": "b-", "uid": "u", "labels": {"a": "b"}},
            "spec": {"status": "Cancelled", "params": []}, "status": {"conditions": []},
        });
        let wanted = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "b-", "labels": {"a": "b"}},
            "spec": {"params": []},
        });
        assert_eq!(manifest("PipelineRun", object), wanted);
    }
}
