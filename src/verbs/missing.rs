//! What is said when something that a command names is not there: the one that is spelled alike, or how to see them all.

use crate::client::{Cluster, Select};
use crate::failure::Failure;
use crate::near::nearest;
use crate::objects::Object;

/// The failure for an object that is not there. Whoever may not list the kind is offered no name.
pub async fn missing<T: Object>(cluster: &Cluster, name: &str) -> Failure {
    let namespace = T::KIND.namespaced.then_some(cluster.namespace.as_str());
    let place = namespace.map(|n| format!(" in namespace {n}")).unwrap_or_default();
    let failure = Failure::not_found(format!("there is no {} {name}{place}", T::KIND.kind));
    let known = cluster.list::<T>(namespace, &Select::default()).await.unwrap_or_default();
    match nearest(name, known.iter().map(|seen| seen.meta().name.as_str())) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure,
    }
}

/// An object that a command names and can read.
///
/// # Errors
/// When it is not there, with the one that is spelled alike, or cannot be read.
pub async fn existing<T: Object>(cluster: &Cluster, name: &str) -> Result<T, Failure> {
    match found::<T>(cluster, name).await? {
        Some(object) => Ok(object),
        None => Err(missing::<T>(cluster, name).await),
    }
}

/// An object that may be there.
///
/// # Errors
/// When it cannot be read, or the server refuses.
pub async fn found<T: Object>(cluster: &Cluster, name: &str) -> Result<Option<T>, Failure> {
    let seen = cluster.find::<T>(&cluster.namespace, name).await?;
    seen.map(|seen| seen.lens.map_err(|e| Failure::invalid(format!("{} {e}", T::KIND.kind)))).transpose()
}
