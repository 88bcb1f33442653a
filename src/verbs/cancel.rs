//! `cancel` of PipelineRuns and TaskRuns: one field of the spec, which Tekton's controller acts upon.

use serde_json::json;

use super::{called, missing, stay};
use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::objects::run::{PipelineRun, Run, TaskRun};
use crate::session::Session;

/// A kind of run that can be cancelled.
pub trait Cancel: Run {
    /// What `spec.status` may be set to; the first when nothing else is asked for.
    const WAYS: &'static [&'static str];
    /// How tkn begins to say that the server refuses
    const REFUSED: &'static str;
}

impl Cancel for PipelineRun {
    const WAYS: &'static [&'static str] = &["Cancelled", "CancelledRunFinally", "StoppedRunFinally"];
    const REFUSED: &'static str = "failed to cancel PipelineRun:";
}

impl Cancel for TaskRun {
    const WAYS: &'static [&'static str] = &["TaskRunCancelled"];
    const REFUSED: &'static str = "failed to cancel TaskRun";
}

/// The value of `spec.status` for the word of `--grace`, in any letter case.
///
/// # Errors
/// When there is no such way; the message names those that there are.
fn way<R: Cancel>(grace: Option<&str>) -> Result<&'static str, Failure> {
    let Some(word) = grace.filter(|word| !word.is_empty()) else { return Ok(R::WAYS[0]) };
    let way = R::WAYS.iter().find(|way| way.eq_ignore_ascii_case(word)).copied();
    way.ok_or_else(|| Failure::usage(format!("--grace {word:?} is none of {}; nothing was cancelled", R::WAYS.join(", "))))
}

/// Cancels a run that has not ended.
///
/// # Errors
/// When there is no such run, when it is over, or when the server refuses.
pub async fn cancel<R: Cancel>(session: &mut Session, name: &str, grace: Option<&str>) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let name = &*called::name(&cluster, R::KIND, name).await?;
    match way::<R>(grace) {
        Ok(way) => request::<R>(&cluster, name, way).await?,
        // What is wrong with the run comes first, as in tkn, which knows no wrong way.
        Err(misspelt) => return Err(at_work::<R>(&cluster, name).await.err().unwrap_or(misspelt)),
    }
    session.term.answer(format!("{} cancelled: {name}", R::KIND.kind))?;
    // In a sandbox that is not started nobody else brings it to its end, finally tasks included.
    if session.stays() {
        session.term.flush()?;
        stay::until(&cluster, name, R::is_done).await?;
    }
    Ok(Exit::Done)
}

/// Asks the server to cancel a run that has not ended, in one of [`Cancel::WAYS`].
///
/// # Errors
/// When there is no such run, when it is over, or when the server refuses.
pub async fn request<R: Cancel>(cluster: &Cluster, name: &str, way: &str) -> Result<(), Failure> {
    at_work::<R>(cluster, name).await?;
    // `add` sets the field whether or not it is there.
    let patch = json!([{"op": "add", "path": "/spec/status", "value": way}]);
    let patched = cluster.patch(R::KIND, &cluster.namespace, name, patch, false).await;
    patched.map(drop).map_err(|e| Failure::from(e).context(format!("{} {name}", R::REFUSED)))
}

/// Makes sure that there is such a run and that it has not ended.
async fn at_work<R: Cancel>(cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let kind = R::KIND.kind;
    let seen = match cluster.get::<R>(&cluster.namespace, name).await {
        Ok(seen) => seen,
        Err(error) => {
            let missing = error.is_not_found();
            let failure = Failure::from(error);
            // tkn says so whatever the reason.
            let said = format!("failed to find {kind}: {name}");
            let failure = if missing { Failure { message: said, as_tkn: None, ..failure } } else { failure.in_words_of_tkn(said) };
            return Err(missing::with_hints(cluster, R::KIND, &[name], failure).await);
        }
    };
    if seen.lens.as_ref().is_ok_and(R::is_done) {
        return Err(Failure::other(format!("failed to cancel {kind} {name}: {kind} has already finished execution")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_way_is_refused_with_the_choice() {
        assert_eq!(way::<PipelineRun>(Some("stoppedrunfinally")).unwrap(), "StoppedRunFinally");
        assert_eq!(way::<PipelineRun>(None).unwrap(), "Cancelled");
        let refused = way::<PipelineRun>(Some("Bogus")).unwrap_err();
        assert!(refused.message.contains("Bogus") && refused.message.contains("CancelledRunFinally"));
    }
}
