//! `rerun` of a PipelineRun or TaskRun: the same again, with flags laid over it. What it was started of need not be there
//! any more as long as the cluster can find it; labels and annotations of its author go with it, those of controllers not.

use clap::Args;
use serde_json::{Map, Value};

use super::build::{Base, Given};
use super::source::Source;
use super::told::{self, Then};
use super::{Answers, Overlay, Startable as _, again, laid_over};
use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::verbs::watch::Watchable;

/// What begins the names of labels and annotations that controllers and tools put on a run.
const OF_CONTROLLERS: [&str; 7] = [
    "tekton.dev/",
    "chains.tekton.dev/",
    "results.tekton.dev/",
    "triggers.tekton.dev/",
    "pipeline.tekton.dev/",
    "kubectl.kubernetes.io/",
    "app.kubernetes.io/managed-by",
];

/// Flags of `rerun`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Name of the {Kind}, or @latest, @failed, @running
    name: String,
    #[command(flatten)]
    overlay: Overlay,
    #[command(flatten)]
    then: Then,
    /// With --showlog, end with the run's status: 0 when it succeeded, 1 when it failed, 2 when that is not known
    #[arg(long = "exit-with-error", short = 'E')]
    exit_with_error: bool,
}

impl Arguments {
    /// Starts the run again.
    ///
    /// # Errors
    /// When there is no such run, the flags do not fit it, or the server refuses.
    pub async fn rerun<R: Watchable>(self, session: &mut Session) -> Result<Exit, Failure> {
        let shape = self.then.shape()?;
        self.then.check(session.stands_in_for_tkn(), self.exit_with_error)?;
        let cluster = session.cluster().await?;
        let seen = again::named::<R>(&cluster, &self.name).await?;
        let run = again::current(seen);
        let name = run["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let source = Source::of_run(name, Base::Again(run.clone()), &run);
        let answers = Answers { of_file: super::param_file(&self.overlay, &source.declared).await?, ..Answers::default() };
        let mut new = laid_over::<R::Parent>(session, &cluster, source, &self.overlay, Vec::new(), Vec::new(), answers).await?;
        keep_authors_words(&run["metadata"], &mut new["metadata"]);
        told::make::<R>(session, cluster, new, shape, &self.then, self.exit_with_error).await
    }
}

/// Starts a run once more, as it was, and gives the new one's name.
///
/// # Errors
/// When the run is not there any more, or the server refuses the new one.
pub async fn once_more<R: Watchable>(cluster: &Cluster, name: &str) -> Result<String, Failure> {
    let run = again::current(again::named::<R>(cluster, name).await?);
    let metadata = run["metadata"].clone();
    let mut new = Given::of(name, &cluster.namespace, Base::Again(run)).run(R::KIND, &R::Parent::LAYOUT);
    keep_authors_words(&metadata, &mut new["metadata"]);
    let made = cluster.create(R::KIND, &cluster.namespace, &new, false).await?;
    Ok(made["metadata"]["name"].as_str().unwrap_or_default().to_owned())
}

/// Copies labels and annotations that no controller wrote; those that were given anew stay.
fn keep_authors_words(old: &Value, new: &mut Value) {
    for field in ["labels", "annotations"] {
        let kept = old[field].as_object().into_iter().flatten();
        let kept = kept.filter(|(name, _)| !OF_CONTROLLERS.iter().any(|begin| name.starts_with(begin)));
        let mut words: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        words.extend(new[field].as_object().cloned().unwrap_or_default());
        if !words.is_empty() {
            new[field] = words.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_of_the_author_go_with_the_run() {
        let old = json!({"labels": {"app": "web", "tekton.dev/pipeline": "p", "who": "ann"}, "annotations": {"chains.tekton.dev/signed": "true"}});
        let mut new = json!({"generateName": "p-", "labels": {"who": "bob"}});
        keep_authors_words(&old, &mut new);
        assert_eq!(new, json!({"generateName": "p-", "labels": {"app": "web", "who": "bob"}}));
    }
}
