//! A run started once more, as it was.

use crate::client::Cluster;
use crate::failure::Failure;
use crate::objects::run::RunOf;
use crate::objects::{Object, upgrade};
use crate::verbs::start::{Given, Startable};

/// Starts a run like this one and gives its name.
///
/// # Errors
/// When the run is not there any more, or the server refuses the new one.
pub(super) async fn once_more<T: Startable>(cluster: &Cluster, name: &str) -> Result<String, Failure> {
    let (kind, namespace) = (T::Run::KIND, cluster.namespace.as_str());
    let seen = cluster.get::<T::Run>(namespace, name).await?;
    let mut again = seen.value();
    upgrade::to_v1(kind, &mut again);
    let given = Given {
        name: seen.meta().label(T::Run::LABEL).unwrap_or(name),
        namespace,
        spec: None,
        again: Some(again),
        prefix: None,
        labels: Vec::new(),
        params: Vec::new(),
        workspaces: Vec::new(),
        account: None,
        pod_template: None,
        fields: Vec::new(),
    };
    let made = cluster.create(kind, namespace, &given.run(kind, &T::LAYOUT), false).await?;
    Ok(made["metadata"]["name"].as_str().unwrap_or_default().to_owned())
}
