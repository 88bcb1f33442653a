//! How reading begins: the runs that are meant, then their children and pods, as lists or as watches. The requests do
//! not grow with the runs but by a few for each forty of them.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Drive, Error, Inputs, Which, is_waived, of_run, telling};
use crate::client::{Cluster, Select};
use crate::logs::event::Sink;
use crate::logs::machine::{Input, Policy, Subject};
use crate::logs::watch::Telling;
use crate::objects::run::{PipelineRun, Run, RunOf as _, TaskRun};
use crate::objects::{Object, Seen};

/// How many runs one selector names; with names of the usual length it stays below what proxies take for a URL.
const AT_ONCE: usize = 40;

/// Up to how many runs that are named are watched one by one; more of them with all of the namespace.
const ONE_BY_ONE: usize = 4;

/// The runs as they are at the begin.
pub(super) struct Begun {
    pub(super) names: Vec<String>,
    pub(super) runs: Vec<Input<'static>>,
    /// Whether there is anything to follow
    pub(super) live: bool,
}

/// Gets the runs that are meant.
pub(super) async fn begin(cluster: &Cluster, subject: Subject, namespace: &str, which: Which<'_>, policy: &Policy) -> Result<Begun, Error> {
    let live = policy.live && !policy.failed_only;
    match subject {
        Subject::PipelineRun => begun(meant::<PipelineRun>(cluster, namespace, which).await?, live, Input::Run),
        Subject::TaskRun => begun(meant::<TaskRun>(cluster, namespace, which).await?, live, Input::Task),
    }
}

fn begun<R: Run>(runs: Vec<R>, live: bool, told: fn(Box<R>) -> Input<'static>) -> Result<Begun, Error> {
    if runs.is_empty() {
        return Err(Error::NoRuns);
    }
    Ok(Begun {
        names: runs.iter().map(|run| run.meta().name.clone()).collect(),
        live: live && !runs.iter().all(R::is_done),
        runs: runs.into_iter().map(|run| told(Box::new(run))).collect(),
    })
}

async fn meant<R: Run>(cluster: &Cluster, namespace: &str, which: Which<'_>) -> Result<Vec<R>, Error> {
    match which {
        Which::Named(names) => {
            let gets = names.iter().map(|name| async move { Ok(cluster.get::<R>(namespace, name).await?.lens?) });
            stream::iter(gets).buffered(8).try_collect().await
        }
        Which::Labelled(labels) => {
            let listed = cluster.list::<R>(Some(namespace), &Select::labels(labels)).await?;
            let mut runs = listed.into_iter().map(|seen| Ok(seen.lens?)).collect::<Result<Vec<R>, Error>>()?;
            // The oldest first, as lines are.
            runs.sort_by_key(|run| (run.started().is_none(), run.started(), run.meta().creation_timestamp));
            Ok(runs)
        }
    }
}

impl Drive<'_> {
    /// Has the runs, their children and pods told.
    pub(super) async fn begin(
        &mut self,
        subject: Subject,
        which: Which<'_>,
        names: &Arc<[String]>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let label = match subject {
            Subject::PipelineRun => PipelineRun::OF_CHILDREN,
            Subject::TaskRun => TaskRun::OF_CHILDREN,
        };
        let groups = names.chunks(AT_ONCE).map(|names| (labelled(label, names), Arc::<[String]>::from(names)));
        if !self.machine.is_live() {
            return self.list_all(subject, groups, names, sink).await;
        }
        match subject {
            Subject::PipelineRun => self.watch_runs(which, names, telling::runs),
            Subject::TaskRun => self.watch_runs(which, names, telling::tasks),
        }
        for (select, scope) in groups {
            if subject == Subject::PipelineRun {
                self.watch(&select, telling::tasks(&scope));
            }
            self.watch_pods(&select, &scope);
        }
        if self.machine.wants_events() {
            self.watch(&of_pods(), telling::events());
        }
        Ok(())
    }

    async fn list_all(
        &mut self,
        subject: Subject,
        groups: impl Iterator<Item = (Select, Arc<[String]>)>,
        names: &Arc<[String]>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let (cluster, namespace) = (self.cluster, self.namespace);
        if self.machine.wants_events() {
            let events = list(cluster, namespace, &of_pods(), telling::events()).await?;
            self.tell_all(events, sink)?;
        }
        for (select, scope) in groups {
            let (tasks, pods) = futures::try_join!(
                async {
                    match subject {
                        Subject::PipelineRun => list(cluster, namespace, &select, telling::tasks(&scope)).await,
                        Subject::TaskRun => Ok(Vec::new()),
                    }
                },
                pods(cluster, namespace, &select, &scope, self.lenient)
            )?;
            self.tell_all(tasks.into_iter().chain(pods), sink)?;
        }
        match subject {
            Subject::PipelineRun => Ok(()),
            Subject::TaskRun => self.tell_all([Input::TasksListed(names.clone())], sink),
        }
    }

    fn watch_runs<R: Run>(&mut self, which: Which<'_>, names: &Arc<[String]>, telling: fn(&Arc<[String]>) -> Telling<R>) {
        match which {
            Which::Labelled(labels) => self.watch(&Select::labels(labels), telling(names)),
            Which::Named(_) if names.len() > ONE_BY_ONE => self.watch(&Select::default(), telling(names)),
            Which::Named(_) => {
                for name in names.iter() {
                    self.watch(&Select::fields(format!("metadata.name={name}")), telling(&Arc::from([name.clone()])));
                }
            }
        }
    }
}

async fn list<T: Object>(cluster: &Cluster, namespace: &str, select: &Select, telling: Telling<T>) -> Inputs {
    let listed: Vec<Seen<T>> = cluster.list::<T>(Some(namespace), select).await?;
    Ok(telling.list(listed))
}

/// The pods, or none where the user may not read them and that does not matter.
async fn pods(cluster: &Cluster, namespace: &str, select: &Select, scope: &Arc<[String]>, lenient: bool) -> Inputs {
    let told = list(cluster, namespace, select, telling::pods(scope)).await;
    if is_waived(&told, lenient) { Ok(vec![Input::PodsListed(scope.clone())]) } else { told }
}

/// The run of a Pipeline within the Pipeline, its TaskRuns and its pods.
pub(super) async fn listed_with_children(cluster: &Cluster, namespace: &str, run: String, lenient: bool) -> Inputs {
    let scope: Arc<[String]> = Arc::from([run.clone()]);
    let select = of_run(&run);
    let (found, tasks, pods) = futures::try_join!(
        cluster.find::<PipelineRun>(namespace, &run),
        list(cluster, namespace, &select, telling::tasks(&scope)),
        pods(cluster, namespace, &select, &scope, lenient),
    )?;
    let run = found.and_then(|seen| telling::runs(&scope).object(seen)).unwrap_or(Input::RunGone(run));
    Ok([run].into_iter().chain(tasks).chain(pods).collect())
}

fn labelled(label: &str, names: &[String]) -> Select {
    match names {
        [name] => Select::labels(format!("{label}={name}")),
        names => Select::labels(format!("{label} in ({})", names.join(","))),
    }
}

/// The Events about pods; the server knows them by the kind of what they are about.
fn of_pods() -> Select {
    Select::fields("involvedObject.kind=Pod")
}
