//! Where the bytes of a container's log are read. Today that is the pod; a store that keeps logs longer than pods live,
//! such as Tekton Results, would be a second source behind this trait, asked where the first answers 404.

use crate::client::{Cluster, LogQuery};
use crate::logs::machine::Opening;
use crate::logs::portions::in_portions;
use crate::logs::slots::Asked;

/// A place that has containers' logs.
pub trait LogSource: Send + Sync {
    /// Asks for a log. An error with status 404 says that the log is not there.
    fn open(&self, namespace: &str, opening: Opening) -> Asked;
}

/// The pods, by way of the API server and the kubelet.
#[derive(Clone)]
pub struct OfPods {
    cluster: Cluster,
}

impl OfPods {
    /// The pods of a cluster.
    pub fn of(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone() }
    }
}

impl LogSource for OfPods {
    fn open(&self, namespace: &str, opening: Opening) -> Asked {
        let (cluster, namespace) = (self.cluster.clone(), namespace.to_owned());
        let Opening { pod, container, since, tail, stamps, follow, previous, .. } = opening;
        let query = LogQuery { container, follow, timestamps: stamps, since, tail, previous };
        Box::pin(async move { Ok(in_portions(cluster.log(&namespace, &pod, &query).await?, query.follow)) })
    }
}
