//! Staying with a run: in a sandbox that is not started, runs live and end with the command that started them.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;

use crate::client::{Cluster, Select, Watched};
use crate::failure::{Exit, Failure, Kind};
use crate::kinds;
use crate::objects::core::Pod;
use crate::objects::run::{PipelineRun, RunOf, TaskRun};
use crate::objects::{Object, waits};
use crate::session::Session;

/// How often it is looked at what a run waits for.
const GLANCE: Duration = Duration::from_secs(2);

/// Waits until the run has ended, where it would end with this process otherwise, and says so.
///
/// # Errors
/// When the run failed or was deleted, since nobody could learn it later from a watch.
pub async fn for_run<R: RunOf>(session: &mut Session, cluster: &Cluster, name: &str) -> Result<Exit, Failure> {
    session.say_what_has_no_effect(cluster, R::KIND, &[name]).await;
    if !session.stays() {
        return Ok(Exit::Done);
    }
    let start = session.command("sandbox start");
    session.term.say(format!("The sandbox is not started, so this stays until {name} has ended ({start} lets runs go on by themselves)"));
    let progress = session.term.progress(format!("{} {name} is running", R::KIND.kind));
    let mut told = HashSet::new();
    let mut ends = pin!(until(cluster, name, R::is_done));
    let ended = loop {
        tokio::select! {
            ended = &mut ends => break ended?,
            () = tokio::time::sleep(GLANCE) => {}
        }
        // Nobody else can look meanwhile: this process holds the store.
        for what in hindrances::<R>(cluster, name).await {
            if told.insert(what.clone()) {
                progress.aside(|| session.term.say(format!("Waiting: {what}")));
            }
        }
    };
    drop(progress);
    let verdict = ended.verdict();
    session.term.say(format!("{} {name}: {verdict}", R::KIND.kind));
    let failed = ended.succeeded().is_some_and(|condition| condition.status == "False");
    if !failed {
        return Ok(Exit::Done);
    }
    let message = ended.succeeded().and_then(|c| c.message.clone()).unwrap_or_default();
    let logs = session.command(&format!("{} logs {name}", R::KIND.noun));
    let diagnose = session.command(&format!("diagnose {} {name}", R::KIND.noun));
    Err(Failure::new(Kind::RunFailed, format!("{} {name} has failed: {message}", R::KIND.kind)).hint(logs).hint(diagnose))
}

/// What keeps the pods of a run from starting, as the server tells it.
async fn hindrances<R: RunOf>(cluster: &Cluster, name: &str) -> Vec<String> {
    let select = Select::labels(format!("{}={name}", R::OF_CHILDREN));
    let pods = cluster.list::<Pod>(Some(&cluster.namespace), &select).await.unwrap_or_default();
    let hindered = pods.iter().filter_map(|seen| seen.lens.as_ref().ok());
    hindered.filter_map(|pod| Some(format!("Pod {}: {}", pod.metadata.name, waits::hindrance(pod)?))).collect()
}

/// The same for several runs, one after the other.
///
/// # Errors
/// When one of them failed or was deleted; the others have ended by then, too.
pub async fn for_all<'a>(
    session: &mut Session,
    cluster: &Cluster,
    runs: impl IntoIterator<Item = (&'static kinds::Kind, &'a str)>,
) -> Result<Exit, Failure> {
    let mut exit = Ok(Exit::Done);
    for (kind, name) in runs {
        let one = match kind.kind {
            "PipelineRun" => for_run::<PipelineRun>(session, cluster, name).await,
            "TaskRun" => for_run::<TaskRun>(session, cluster, name).await,
            _ => continue,
        };
        exit = with(exit, one);
    }
    exit
}

/// The end of several runs with that of one more: two failures become one, one below the other after the word that begins the
/// first line.
pub fn with(all: Result<Exit, Failure>, one: Result<Exit, Failure>) -> Result<Exit, Failure> {
    match (all, one) {
        (Err(mut first), Err(second)) => {
            first.message = format!("{}\n       {}", first.message, second.message);
            Err(second.hints.into_iter().fold(first, Failure::hint))
        }
        (all, one) => all.and(one),
    }
}

/// Waits until an object is as it should be, and gives it as it is then.
///
/// # Errors
/// When it is deleted meanwhile or cannot be read, and when the server refuses the watch.
pub async fn until<T: Object>(cluster: &Cluster, name: &str, settled: impl Fn(&T) -> bool) -> Result<T, Failure> {
    let mut watch = cluster.watch::<T>(Some(&cluster.namespace), &Select::fields(format!("metadata.name={name}")));
    while let Some(event) = watch.next().await {
        match event? {
            Watched::Now(seen) => {
                let object = seen.lens.map_err(|e| Failure::invalid(e.to_string()))?;
                if settled(&object) {
                    return Ok(object);
                }
            }
            Watched::Gone(_) => return Err(Failure::other(format!("{} {name} was deleted", T::KIND.kind))),
            Watched::Listing | Watched::Listed => {}
        }
    }
    Err(Failure::other(format!("the server ended the watch on {} {name}", T::KIND.kind)))
}
