//! What views need beside the objects themselves, fetched in as few requests as there are kinds.

use std::future::{Future, ready};

use crate::client::{Cluster, Error, Select};
use crate::objects::pipeline::{Pipeline, Task};
use crate::objects::run::{CustomRun, PipelineRun, TaskRun};
use crate::objects::trigger::{ClusterInterceptor, ClusterTriggerBinding, EventListener, Trigger, TriggerBinding, TriggerTemplate};
use crate::views::{LastRuns, Listed};

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
