//! The asking: a run or EventListener with its pods in one request per kind, then only what a rule wants to know. What
//! the user may not see is noted and left out.

mod further;
mod listener;
mod run;
mod traces;

use std::time::Duration;

use futures::{AsyncBufRead, AsyncReadExt as _};

use super::evidence::{Evidence, LogOf, Place, Trace, Unit};
use super::explain::needs;
use crate::client::{Cluster, Error, LogQuery, Select};
use crate::kinds::{self, Kind};
use crate::objects::core::Event;
use crate::objects::run::{PipelineRun, Run, TaskRun};
use crate::objects::trigger::EventListener;
use crate::objects::verdict::State;
use crate::objects::{Object, Seen};

/// How many of a log's last lines are read.
const TAIL: u64 = 50;

/// How much of a log is read, should its lines be long.
const LOG_BYTES: u64 = 256 * 1024;

/// How long a log may take: a node that is gone does not answer, which is no reason to say nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many pods' logs and events are looked at: what fails in the fourth failed in the first.
const PODS: usize = 3;

/// Gathers what there is to know about a PipelineRun, TaskRun or EventListener.
///
/// # Errors
/// When there is no such object, or the server refuses it or does not answer.
pub async fn gather(cluster: &Cluster, kind: &'static Kind, namespace: &str, name: &str) -> Result<Evidence, Error> {
    let mut evidence = if kind == &kinds::EVENT_LISTENER {
        listener::gather(cluster, namespace, name).await?
    } else if kind == &kinds::TASK_RUN {
        run::task_run(cluster, namespace, name).await?
    } else {
        run::pipeline_run(cluster, namespace, name).await?
    };
    evidence.in_sandbox = cluster.sandbox;
    events(cluster, &mut evidence).await;
    logs(cluster, &mut evidence).await;
    let wanted = needs(&evidence);
    further::look(cluster, &mut evidence, &wanted).await;
    Ok(evidence)
}

/// Runs that failed or are not done, the newest first, and EventListeners that are not ready; TaskRuns of PipelineRuns
/// are left to those. At most `most` of each kind, and how many more there are.
///
/// # Errors
/// When the server refuses a list or does not answer.
pub async fn troubled(
    cluster: &Cluster,
    namespace: &str,
    kind: Option<&'static Kind>,
    most: usize,
) -> Result<(Vec<(&'static Kind, String)>, usize), Error> {
    let wants = |k: &'static Kind| kind.is_none_or(|wanted| wanted == k);
    let (mut found, mut more) = (Vec::new(), 0);
    let mut add = |kind: &'static Kind, names: Vec<String>| {
        more += names.len().saturating_sub(most);
        found.extend(names.into_iter().take(most).map(|name| (kind, name)));
    };
    if wants(&kinds::PIPELINE_RUN) {
        add(&kinds::PIPELINE_RUN, newest(cluster.list::<PipelineRun>(Some(namespace), &Select::default()).await?));
    }
    if wants(&kinds::TASK_RUN) {
        add(&kinds::TASK_RUN, newest(cluster.list::<TaskRun>(Some(namespace), &Select::labels("!tekton.dev/pipelineRun")).await?));
    }
    if wants(&kinds::EVENT_LISTENER) {
        match cluster.list::<EventListener>(Some(namespace), &Select::default()).await {
            Ok(listeners) => {
                let dead = listeners.into_iter().filter_map(|l| l.lens.ok()).filter(|l| !l.is_up());
                add(&kinds::EVENT_LISTENER, dead.map(|l| l.metadata.name).collect());
            }
            // A cluster may have Pipelines without Triggers.
            Err(Error::NoTekton { .. }) if kind.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    Ok((found, more))
}

fn newest<T: Run>(runs: Vec<Seen<T>>) -> Vec<String> {
    let mut runs: Vec<T> = runs.into_iter().filter_map(|seen| seen.lens.ok()).collect();
    runs.retain(|run| !matches!(run.verdict().state, State::Succeeded | State::Cancelled));
    runs.sort_by_key(|run| std::cmp::Reverse(run.meta().creation_timestamp));
    runs.iter().map(|run| run.meta().name.clone()).collect()
}

/// What a request brought, or a note that it could not be made.
fn seen<T>(evidence: &mut Evidence, what: &str, result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Status { status, asked }) if status.code == 403 => {
            evidence.unseen.push(format!("{what}: forbidden; it takes {}", asked.grant()));
            None
        }
        Err(error) => {
            evidence.unseen.push(format!("{what}: {error}"));
            None
        }
    }
}

/// The objects of a list that could be read.
async fn listed<T: Object>(cluster: &Cluster, evidence: &mut Evidence, namespace: Option<&str>, select: Select) -> Option<Vec<T>> {
    let result = cluster.list::<T>(namespace, &select).await;
    let objects = seen(evidence, &format!("{}s", T::KIND.kind), result)?;
    Some(objects.into_iter().filter_map(|seen| seen.lens.ok()).collect())
}

/// Events of the pods that wait, where alone the reason may stand.
async fn events(cluster: &Cluster, evidence: &mut Evidence) {
    let waiting: Vec<(usize, String)> =
        evidence.units.iter().enumerate().filter(|(_, u)| u.waits).filter_map(|(i, u)| Some((i, u.pod.clone()?))).take(PODS).collect();
    for (index, pod) in waiting {
        let namespace = evidence.namespace.clone();
        let select = Select::fields(format!("involvedObject.name={pod}"));
        let Some(events) = listed::<Event>(cluster, evidence, Some(&namespace), select).await else { return };
        let told = events.iter().filter(|e| e.involved_object.name == pod && e.kind.as_deref() == Some("Warning"));
        let traces = told
            .map(|e| Trace::new(Place::Event, format!("event on Pod {pod}"), e.reason.as_deref(), e.message.clone().unwrap_or_default()));
        let traces: Vec<Trace> = traces.collect();
        evidence.units[index].traces.extend(traces);
    }
}

/// The last lines of the containers that failed.
async fn logs(cluster: &Cluster, evidence: &mut Evidence) {
    let wanted: Vec<(usize, LogOf)> = evidence.units.iter().enumerate().filter_map(|(i, u)| Some((i, u.log.clone()?))).take(PODS).collect();
    for (index, log) in wanted {
        let mut lines = Vec::new();
        for previous in [true, false] {
            if previous && !log.restarted {
                continue;
            }
            let query = LogQuery { container: log.container.clone(), tail: Some(TAIL), previous, ..LogQuery::default() };
            let what = format!("the log of {} in Pod {}", log.container, log.pod);
            let namespace = evidence.namespace.clone();
            let asked = async { Ok(read(cluster.log(&namespace, &log.pod, &query).await?).await) };
            let text = match tokio::time::timeout(PATIENCE, asked).await {
                Ok(Ok(text)) => text,
                // The container before a restart may have left no log; nobody misses that one.
                _ if previous => continue,
                Ok(Err(error)) => seen(evidence, &what, Err(error)).unwrap_or_default(),
                Err(_) => {
                    evidence.unseen.push(format!("{what}: no answer within {} seconds", PATIENCE.as_secs()));
                    String::new()
                }
            };
            lines.extend(text.lines().map(str::trim_end).filter(|l| !l.is_empty()).map(str::to_owned));
        }
        add_lines(&mut evidence.units[index], &log, lines);
    }
}

fn add_lines(unit: &mut Unit, log: &LogOf, lines: Vec<String>) {
    let of = log.container.strip_prefix("step-").map_or_else(|| format!("container {}", log.container), |step| format!("step {step}"));
    unit.traces.extend(lines.into_iter().map(|line| Trace::new(Place::Log, format!("log of {of} in Pod {}", log.pod), None, line)));
}

/// The text of a log; what breaks off in the middle has still said something.
async fn read(stream: impl AsyncBufRead + Unpin) -> String {
    let mut bytes = Vec::new();
    let _ = stream.take(LOG_BYTES).read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
