//! What views need beside the objects themselves, fetched in as few requests as there are kinds.

mod accounts;

use std::future::{Future, ready};

use super::list::order;
use crate::client::{Cluster, Error, Select};
use crate::objects::Meta;
use crate::objects::pipeline::{Pipeline, Task};
use crate::objects::run::{CustomRun, PipelineRun, RunOf, TaskRun};
use crate::objects::trigger::{ClusterInterceptor, ClusterTriggerBinding, EventListener, Trigger, TriggerBinding, TriggerTemplate};
use crate::views::{Described, LastRuns, Listed};

/// A kind whose list can be fetched.
pub trait Beside: Listed {
    /// Fetches what the rows of a list need; `None` means all namespaces.
    fn beside(_cluster: &Cluster, _namespace: Option<&str>) -> impl Future<Output = Result<<Self as Listed>::Beside, Error>> {
        ready(Ok(Default::default()))
    }
}

impl Beside for Task {}
impl Beside for PipelineRun {}
impl Beside for TaskRun {}
impl Beside for CustomRun {}
impl Beside for EventListener {}
impl Beside for Trigger {}
impl Beside for TriggerBinding {}
impl Beside for TriggerTemplate {}
impl Beside for ClusterTriggerBinding {}
impl Beside for ClusterInterceptor {}

impl Beside for Pipeline {
    async fn beside(cluster: &Cluster, namespace: Option<&str>) -> Result<LastRuns, Error> {
        let runs = cluster.list::<PipelineRun>(namespace, &Select::labels("tekton.dev/pipeline")).await?;
        Ok(LastRuns::among(runs.into_iter().filter_map(|seen| seen.lens.ok())))
    }
}

/// A kind whose page can be filled.
pub trait Related: Described {
    /// Fetches what the page shows beside the object.
    fn related(&self, _cluster: &Cluster) -> impl Future<Output = Result<<Self as Described>::With, Error>> {
        ready(Ok(Default::default()))
    }
}

impl Related for TaskRun {}
impl Related for CustomRun {}
impl Related for EventListener {}
impl Related for Trigger {}
impl Related for TriggerBinding {}
impl Related for TriggerTemplate {}
impl Related for ClusterTriggerBinding {}
impl Related for ClusterInterceptor {}

impl Related for Pipeline {
    async fn related(&self, cluster: &Cluster) -> Result<Vec<PipelineRun>, Error> {
        runs_of(cluster, &self.metadata).await
    }
}

impl Related for Task {
    async fn related(&self, cluster: &Cluster) -> Result<Vec<TaskRun>, Error> {
        runs_of(cluster, &self.metadata).await
    }
}

/// The runs of a Pipeline or Task, the newest first.
async fn runs_of<R: RunOf + Listed>(cluster: &Cluster, parent: &Meta) -> Result<Vec<R>, Error> {
    let select = Select::labels(format!("{}={}", R::LABEL, parent.name));
    let mut runs = cluster.list::<R>(Some(&parent.namespace), &select).await?;
    order(&mut runs, false);
    Ok(runs.into_iter().filter_map(|seen| seen.lens.ok()).filter(R::is_of_parent).collect())
}

impl Related for PipelineRun {
    async fn related(&self, cluster: &Cluster) -> Result<Vec<TaskRun>, Error> {
        let references: Vec<&str> =
            self.status.child_references.iter().filter(|child| child.kind == "TaskRun").map(|child| child.name.as_str()).collect();
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let namespace = &self.metadata.namespace;
        let select = Select::labels(format!("{}={}", Self::OF_CHILDREN, self.metadata.name));
        let listed = cluster.list::<TaskRun>(Some(namespace), &select).await?;
        let mut children: Vec<TaskRun> = listed.into_iter().filter_map(|seen| seen.lens.ok()).collect();
        // Somebody may have taken the label away.
        for name in references {
            if !children.iter().any(|child| child.metadata.name == name) {
                children.extend(cluster.find::<TaskRun>(namespace, name).await?.and_then(|seen| seen.lens.ok()));
            }
        }
        Ok(children)
    }
}
