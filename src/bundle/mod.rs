//! Tekton bundles: images whose layers are Tekton objects, one each. What a layer holds is said by its annotations
//! (<https://github.com/tektoncd/pipeline/blob/main/docs/tekton-bundle-contracts.md>).

mod credentials;
mod layers;
mod reference;
mod registry;

use crate::client;
pub use credentials::Access;
pub use reference::Reference;
use registry::Registry;

/// Why a bundle gives no object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name of an image
    #[error("could not parse reference: {text}")]
    Reference {
        /// What was given
        text: String,
    },
    /// The registry does not answer
    #[error(transparent)]
    Web(#[from] client::Error),
    /// The registry answers, and refuses
    #[error("GET {url}: {said}")]
    Refused {
        /// What was asked for
        url: String,
        /// The answer's status
        status: u16,
        /// What the registry says of it
        said: String,
        /// What was wrong with the credentials that a tool keeps for it
        credentials: Option<String>,
    },
    /// An image that is no bundle, or not the one that was asked for
    #[error("{image}: {reason}")]
    Unreadable {
        /// Its name
        image: String,
        /// What is wrong
        reason: String,
    },
    /// A bundle without the object
    #[error("{image} holds no {kind} {name:?}{}", Self::instead(.known))]
    Absent {
        /// The bundle
        image: String,
        /// Kind as the annotation has it: `task`
        kind: &'static str,
        /// What was asked for
        name: String,
        /// The names of this kind that it does hold
        known: Vec<String>,
    },
}

impl Error {
    fn instead(known: &[String]) -> String {
        if known.is_empty() { String::new() } else { format!("; it holds {}", known.join(", ")) }
    }

    /// How tkn words it, where it has other words.
    pub fn said_by_tkn(&self) -> Option<String> {
        match self {
            Self::Absent { kind, known, .. } if known.is_empty() => Some(format!("no objects of kind {kind:?} found in img")),
            Self::Absent { kind, name, .. } => Some(format!("no objects of kind {kind:?} named {name:?} found in img")),
            _ => None,
        }
    }
}

/// The JSON of one object of a bundle. Only its own layer is fetched.
///
/// # Errors
/// When the image cannot be had, is no bundle, or holds no such object.
pub async fn object(image: &Reference, access: &Access, kind: &'static str, name: &str) -> Result<String, Error> {
    let mut registry = Registry::of(image, access);
    let layers = registry.layers().await?;
    let of_kind = || layers.iter().filter(|layer| layer.kind() == kind);
    let Some(layer) = of_kind().find(|layer| layer.name() == name) else {
        let known = of_kind().map(|layer| layer.name().to_owned()).collect();
        return Err(Error::Absent { image: image.to_string(), kind, name: name.to_owned(), known });
    };
    let bytes = registry.blob(&layer.digest).await?;
    layers::text(&bytes).map_err(|reason| registry.unreadable(format!("the layer of {kind} {name:?} {reason}")))
}
