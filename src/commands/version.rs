//! `rtkn version`: this program's version, and those of the Tekton components in the cluster.

use clap::Args;

use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::objects::core::ConfigMap;
use crate::session::Session;

/// The components that say their version in a ConfigMap `NAME-info`, with the heading tkn prints for each.
const COMPONENTS: [(&str, &str, &str); 6] = [
    ("chains", "Chains", "chains-info"),
    ("pipeline", "Pipeline", "pipelines-info"),
    ("triggers", "Triggers", "triggers-info"),
    ("dashboard", "Dashboard", "dashboard-info"),
    ("operator", "Operator", "tekton-operator-info"),
    ("hub", "Hub", "hub-info"),
];

/// Where the components are installed, in the order in which they are looked for.
const NAMESPACES: [&str; 5] = ["tekton-pipelines", "openshift-pipelines", "tekton-chains", "tekton-operator", "openshift-operators"];

/// How long the cluster may take; a version is asked for in scripts and in bug reports, where waiting helps nobody.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print the version of one component only
    #[arg(long, value_parser = ["client", "chains", "pipeline", "triggers", "dashboard", "operator", "hub"])]
    component: Option<String>,
}

/// Prints the versions. Without a reachable cluster only the client's is known, which is no failure.
///
/// # Errors
/// When a kubeconfig that was named does not exist, or the reader has gone.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let client = env!("CARGO_PKG_VERSION");
    if arguments.component.as_deref() == Some("client") {
        session.term.answer(client)?;
        return Ok(Exit::Done);
    }
    let cluster = match session.cluster().await {
        Ok(cluster) => Some(cluster),
        Err(failure) if session.wanted.file.is_some() || session.wanted.context.is_some() => return Err(failure),
        Err(_) => None,
    };
    let namespaces: Vec<String> = match &session.wanted.namespace {
        Some(namespace) => vec![namespace.clone()],
        None => NAMESPACES.map(str::to_owned).to_vec(),
    };
    let versions = match &cluster {
        Some(cluster) => found(cluster, &namespaces).await,
        None => COMPONENTS.map(|_| None).to_vec(),
    };
    if let Some(component) = arguments.component {
        let version = COMPONENTS.iter().zip(versions).find(|((name, _, _), _)| *name == component).and_then(|(_, version)| version);
        session.term.answer(version.as_deref().unwrap_or("unknown"))?;
        return Ok(Exit::Done);
    }
    session.term.answer(format!("Client version: {client}"))?;
    for ((name, heading, _), version) in COMPONENTS.iter().zip(versions) {
        match version {
            Some(version) => session.term.answer(format!("{heading} version: {version}"))?,
            None if *name == "pipeline" && cluster.is_some() => {
                let way = session.command("version -n {namespace}");
                session.term.answer(format!(
                    "Pipeline version: unknown, pipeline controller may be installed in another namespace please use {way}"
                ))?;
            }
            None => {}
        }
    }
    Ok(Exit::Done)
}

/// The version of each component, all asked for at once.
async fn found(cluster: &Cluster, namespaces: &[String]) -> Vec<Option<String>> {
    let asked = COMPONENTS.map(|(_, _, map)| async move {
        let maps = namespaces.iter().map(|namespace| cluster.get::<ConfigMap>(namespace, map));
        let maps = tokio::time::timeout(PATIENCE, futures::future::join_all(maps)).await.unwrap_or_default();
        maps.into_iter().flatten().find_map(|map| map.lens.ok()?.data.get("version").cloned())
    });
    futures::future::join_all(asked).await
}
