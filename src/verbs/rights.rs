//! What a ServiceAccount may do, as the server decides it: a SubjectAccessReview for every right that Tekton's work
//! needs.

use futures::{StreamExt as _, TryStreamExt as _};

use crate::client::{Cluster, Error};
use crate::scaffold::rbac::{Purpose, Right};

/// How many questions are under way at once.
const AT_ONCE: usize = 8;

/// The rights that an account lacks for a purpose; empty when it has them all.
///
/// # Errors
/// [`Error::is_forbidden`] when the user may not ask.
pub async fn lacking(cluster: &Cluster, namespace: &str, account: &str, purpose: Purpose) -> Result<Vec<&'static Right>, Error> {
    let answers = futures::stream::iter(purpose.rights()).map(|right| async move {
        let allowed = cluster.review(right.question(namespace, account)).await?;
        Ok((!allowed).then_some(right))
    });
    let lacking: Vec<Option<&'static Right>> = answers.buffered(AT_ONCE).try_collect().await?;
    Ok(lacking.into_iter().flatten().collect())
}

/// Whether an account has every right of a purpose; the first that it lacks ends the questions.
///
/// # Errors
/// [`Error::is_forbidden`] when the user may not ask.
pub async fn suffices(cluster: &Cluster, namespace: &str, account: &str, purpose: Purpose) -> Result<bool, Error> {
    for right in purpose.rights() {
        if !cluster.review(right.question(namespace, account)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
