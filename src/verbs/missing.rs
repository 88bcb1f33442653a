//! What is said when there is no such object: names that are spelled alike, or that the namespace itself is not there.

use crate::client::{Cluster, Error};
use crate::failure::{Failure, Kind as FailureKind};
use crate::kinds::{self, Kind};
use crate::near::nearest;
use crate::objects::{Object, Seen};

/// The failure to reach a named object, worded as `tkn` words it for the kind, with what may have been meant.
pub async fn describe_failure(cluster: &Cluster, kind: &'static Kind, name: &str, error: Error) -> Failure {
    let namespace = &cluster.namespace;
    let missing = error.is_not_found();
    let failure = Failure::from(error);
    let failure = match (kind.group, kind.kind) {
        (_, "PipelineRun") if missing => Failure { message: format!("failed to find pipelinerun {name:?}"), ..failure },
        (_, "PipelineRun") => failure.context(format!("failed to find pipelinerun {name:?}")),
        (_, "Pipeline") => failure,
        (_, "EventListener") => {
            let said = format!("failed to get EventListener {name}");
            let said_twice = format!("{said}: {said}: {}", failure.as_tkn.as_ref().unwrap_or(&failure.message));
            failure.context(said).in_words_of_tkn(said_twice)
        }
        ("triggers.tekton.dev", _) if kind.namespaced => {
            failure.context(format!("failed to get {} {name} from {namespace} namespace", kind.kind))
        }
        _ => failure.context(format!("failed to get {} {name}", kind.kind)),
    };
    with_hints(cluster, kind, &[name], failure).await
}

/// Adds what may have been meant to a failure about names that are not there; leaves any other failure as it is.
pub async fn with_hints(cluster: &Cluster, kind: &'static Kind, names: &[&str], failure: Failure) -> Failure {
    if failure.kind != FailureKind::NotFound {
        return failure;
    }
    let Ok(known) = cluster.names(kind, Some(&cluster.namespace)).await else { return failure };
    if known.is_empty()
        && let Some(hint) = absent_namespace(cluster, kind).await
    {
        return failure.hint(hint);
    }
    let near: Vec<&str> = names.iter().filter_map(|name| nearest(name, known.iter().map(String::as_str))).collect();
    if near.is_empty() { failure } else { failure.hint(format!("did you mean {}?", near.join(", "))) }
}

/// A sentence about a namespace that is not there; none when it is, or when nobody may know.
pub async fn absent_namespace(cluster: &Cluster, kind: &Kind) -> Option<String> {
    if !kind.namespaced {
        return None;
    }
    let namespace = &cluster.namespace;
    let error = cluster.get_raw(&kinds::NAMESPACE, "", namespace).await.err().filter(Error::is_not_found)?;
    drop(error);
    let known = cluster.names(&kinds::NAMESPACE, None).await.unwrap_or_default();
    Some(match nearest(namespace, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no namespace {namespace:?}; did you mean {near}?"),
        None => format!("there is no namespace {namespace:?}; -n chooses another"),
    })
}

/// The failure for an object that is not there. Whoever may not list the kind is offered no name.
pub async fn missing<T: Object>(cluster: &Cluster, name: &str) -> Failure {
    let namespace = T::KIND.namespaced.then_some(cluster.namespace.as_str());
    let place = namespace.map(|n| format!(" in namespace {n}")).unwrap_or_default();
    let failure = Failure::not_found(format!("there is no {} {name}{place}", T::KIND.kind));
    with_hints(cluster, T::KIND, &[name], failure).await
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

/// Refuses a name that something is about to refer to and that nothing has; `make` is the command that makes it. None where
/// the user may not look.
///
/// # Errors
/// When it is not there, with the one that is spelled alike, or the server does not answer.
pub async fn referred<T: Object>(cluster: &Cluster, name: &str, make: String) -> Result<Option<Seen<T>>, Failure> {
    match cluster.find::<T>(&cluster.namespace, name).await {
        Ok(Some(seen)) => Ok(Some(seen)),
        Ok(None) => Err(missing::<T>(cluster, name).await.hint(format!("to make it: {make}"))),
        Err(error) if error.is_forbidden() => Ok(None),
        Err(error) => Err(error.into()),
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
