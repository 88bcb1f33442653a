//! `rtkn version`: this program's version, and those of the Tekton components in the cluster.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use clap::Args;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::client::{Cluster, Error, Select};
use crate::failure::{Exit, Failure, Kind};
use crate::kinds;
use crate::objects::core::{ConfigMap, Deployment};
use crate::session::Session;

/// A component of Tekton that can be installed in a cluster.
struct Component {
    /// What `--component` calls it
    name: &'static str,
    /// What the list of versions calls it
    heading: &'static str,
    /// The ConfigMap that holds its version
    map: &'static str,
    /// For components whose older releases have no such map: the Deployment that does its work
    deployment: Option<Deployed>,
}

/// How the Deployment of a component is found, and where it tells its version.
struct Deployed {
    /// Label selectors, the newest release's first
    selectors: [&'static str; 2],
    /// The version, where the label `app.kubernetes.io/version` of its pods does not tell it
    older: fn(&Deployment) -> Option<String>,
}

const COMPONENTS: [Component; 6] = [
    Component { name: "chains", heading: "Chains", map: "chains-info", deployment: None },
    Component {
        name: "pipeline",
        heading: "Pipeline",
        map: "pipelines-info",
        deployment: Some(Deployed {
            selectors: [
                "app.kubernetes.io/part-of=tekton-pipelines,app.kubernetes.io/component=controller,app.kubernetes.io/name=controller",
                "app.kubernetes.io/component=controller,app.kubernetes.io/name=tekton-pipelines",
            ],
            older: older_pipelines,
        }),
    },
    Component {
        name: "triggers",
        heading: "Triggers",
        map: "triggers-info",
        deployment: Some(Deployed {
            selectors: [
                "app.kubernetes.io/part-of=tekton-triggers,app.kubernetes.io/component=controller,app.kubernetes.io/name=controller",
                "app.kubernetes.io/component=controller,app.kubernetes.io/name=tekton-triggers",
            ],
            older: |deployment| label(deployment, "triggers.tekton.dev/release"),
        }),
    },
    Component {
        name: "dashboard",
        heading: "Dashboard",
        map: "dashboard-info",
        deployment: Some(Deployed {
            selectors: [
                "app.kubernetes.io/part-of=tekton-dashboard,app.kubernetes.io/component=dashboard,app.kubernetes.io/name=dashboard",
                "app=tekton-dashboard",
            ],
            older: |deployment| deployment.metadata.label("version").map(str::to_owned),
        }),
    },
    Component { name: "operator", heading: "Operator", map: "tekton-operator-info", deployment: None },
    Component { name: "hub", heading: "Hub", map: "hub-info", deployment: None },
];

/// Where the components are installed, in the order in which they are looked for.
const NAMESPACES: [&str; 5] = ["tekton-pipelines", "openshift-pipelines", "tekton-chains", "tekton-operator", "openshift-operators"];

/// How long the server may be silent; a version is asked for in scripts and in bug reports, where waiting helps nobody.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many questions are under way at once: each needs a connection, of which making one takes longer than an answer.
const AT_ONCE: usize = 4;

/// Until when an answer has to come. Each answer moves it on, so that a slow way is no silent server.
struct Patience {
    by: Cell<Instant>,
    turns: Semaphore,
}

impl Patience {
    fn new() -> Self {
        Self { by: Cell::new(Instant::now() + PATIENCE), turns: Semaphore::new(AT_ONCE) }
    }

    /// An answer that comes in time; none when the server is silent.
    async fn answer<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        let mut asked = std::pin::pin!(async {
            let _turn = self.turns.acquire().await;
            asked.await
        });
        loop {
            let by = self.by.get();
            match timeout_at(by, asked.as_mut()).await {
                Ok(answer) => {
                    self.by.set(Instant::now() + PATIENCE);
                    return Some(answer);
                }
                Err(_) if self.by.get() > by => {}
                Err(_) => return None,
            }
        }
    }
}

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print the version of one component only: client, chains, pipeline, triggers, dashboard, operator or hub
    #[arg(long, value_name = "COMPONENT", add = crate::cli::complete::words(component_names))]
    component: Option<String>,
    /// Say whether there is a newer release of this program
    #[arg(long)]
    check: bool,
}

/// The words for `--component`.
fn component_names() -> Vec<String> {
    std::iter::once("client").chain(COMPONENTS.iter().map(|component| component.name)).map(str::to_owned).collect()
}

/// Prints the versions. Without a reachable cluster only the client's is known, which is no failure.
///
/// # Errors
/// When a kubeconfig that was named does not exist, or the reader has gone.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let cluster = match session.cluster().await {
        Ok(cluster) => Some(cluster),
        Err(failure) if failure.kind == Kind::Unconfigured => None,
        Err(failure) => return Err(failure),
    };
    match &arguments.component {
        Some(name) if !name.is_empty() => one(session, cluster.as_ref(), name).await?,
        _ => all(session, cluster.as_ref()).await?,
    }
    if arguments.check {
        session.term.say("Note: releases of rtkn are listed nowhere yet, so there is nothing to compare this version with");
    }
    Ok(Exit::Done)
}

/// The version of one component.
async fn one(session: &mut Session, cluster: Option<&Cluster>, name: &str) -> Result<(), Failure> {
    let known = COMPONENTS.iter().find(|component| component.name == name);
    // tkn knows of no hub where it knows of no cluster.
    let known = known.filter(|component| cluster.is_some() || component.name != "hub" || !session.stands_in_for_tkn());
    let version = match (known, cluster) {
        (Some(component), Some(cluster)) => found(cluster, session.wanted.namespace.as_deref(), &[component]).await.pop().flatten(),
        (Some(_), None) => None,
        (None, _) if name == "client" => Some(env!("CARGO_PKG_VERSION").to_owned()),
        (None, _) if session.stands_in_for_tkn() => return Ok(session.term.answer("Invalid component value")?),
        (None, _) => return Err(Failure::usage(format!("there is no component {name:?}; give one of {}", component_names().join(", ")))),
    };
    Ok(session.term.answer(version.as_deref().unwrap_or("unknown"))?)
}

/// The versions of this program and of all components that are found.
async fn all(session: &mut Session, cluster: Option<&Cluster>) -> Result<(), Failure> {
    session.term.answer(format!("Client version: {}", env!("CARGO_PKG_VERSION")))?;
    let Some(cluster) = cluster else { return Ok(()) };
    let components: Vec<&Component> = COMPONENTS.iter().collect();
    let versions = found(cluster, session.wanted.namespace.as_deref(), &components).await;
    for (component, version) in components.iter().zip(versions) {
        match version {
            Some(version) => session.term.answer(format!("{} version: {version}", component.heading))?,
            None if component.name == "pipeline" => {
                let way = match session.stands_in_for_tkn() {
                    true => format!("{} version -n {{namespace}}", session.program),
                    false => session.command("version -n {namespace}"),
                };
                let unknown = "unknown, pipeline controller may be installed in another namespace please use";
                session.term.answer(format!("Pipeline version: {unknown} {way}"))?;
            }
            None => {}
        }
    }
    Ok(())
}

/// The version of each component, asked for side by side; a silent server costs a second.
async fn found(cluster: &Cluster, namespace: Option<&str>, components: &[&Component]) -> Vec<Option<String>> {
    let by = &Patience::new();
    let (first, others): (&str, &[&str]) = match namespace {
        Some(namespace) => (namespace, &[]),
        None => (NAMESPACES[0], &NAMESPACES[1..]),
    };
    // Nearly always everything is in the first namespace, and the others are not there.
    let maps = futures::future::join_all(components.iter().map(|component| map(cluster, by, first, component)));
    let there = futures::future::join_all(others.iter().map(|namespace| is_there(cluster, by, namespace)));
    let (versions, there) = futures::future::join(maps, there).await;
    let others: Vec<&str> = others.iter().zip(there).filter_map(|(namespace, there)| there.then_some(*namespace)).collect();
    let rest = components.iter().zip(versions).map(|(component, version)| {
        let others = &others;
        async move {
            match version {
                Some(version) => Some(version),
                None => elsewhere(cluster, by, first, others, component).await,
            }
        }
    });
    futures::future::join_all(rest).await
}

/// The version in the other namespaces' maps, or of the Deployment.
async fn elsewhere(cluster: &Cluster, by: &Patience, first: &str, others: &[&str], component: &Component) -> Option<String> {
    let maps = futures::future::join_all(others.iter().map(|namespace| map(cluster, by, namespace, component)));
    let namespaces = std::iter::once(&first).chain(others);
    let deployed = futures::future::join_all(namespaces.map(|namespace| deployed(cluster, by, namespace, component)));
    let (maps, deployed) = futures::future::join(maps, deployed).await;
    maps.into_iter().chain(deployed).flatten().next()
}

async fn map(cluster: &Cluster, by: &Patience, namespace: &str, component: &Component) -> Option<String> {
    let map = within(by, cluster.get::<ConfigMap>(namespace, component.map)).await?;
    map.lens.ok()?.data.get("version").filter(|version| !version.is_empty()).cloned()
}

async fn deployed(cluster: &Cluster, by: &Patience, namespace: &str, component: &Component) -> Option<String> {
    let deployed = component.deployment.as_ref()?;
    for selector in deployed.selectors {
        let select = Select::labels(selector);
        let found = within(by, cluster.list::<Deployment>(Some(namespace), &select)).await?;
        if let Some(deployment) = found.into_iter().filter_map(|seen| seen.lens.ok()).next_back() {
            return label(&deployment, "app.kubernetes.io/version").or_else(|| (deployed.older)(&deployment));
        }
    }
    None
}

/// Whether a namespace is there, as far as anybody says.
async fn is_there(cluster: &Cluster, by: &Patience, namespace: &str) -> bool {
    let asked = by.answer(cluster.get_raw(&kinds::NAMESPACE, "", namespace)).await;
    !matches!(asked, Some(Err(error)) if error.is_not_found())
}

/// An answer that comes in time. Whoever may not look, or finds nothing, knows no version.
async fn within<T>(by: &Patience, asked: impl Future<Output = Result<T, Error>>) -> Option<T> {
    by.answer(asked).await?.ok()
}

/// A label of a Deployment's pods.
fn label(deployment: &Deployment, key: &str) -> Option<String> {
    deployment.spec.template.metadata.label(key).filter(|version| !version.is_empty()).map(str::to_owned)
}

/// The version of Tekton Pipelines before 0.12: a label, an annotation, or the tag of the controller's image.
fn older_pipelines(deployment: &Deployment) -> Option<String> {
    let template = &deployment.spec.template;
    let annotation = || template.metadata.annotations.get("tekton.dev/release").filter(|version| !version.is_empty()).cloned();
    let tag = || {
        let image = template.spec.containers.first()?.image.as_deref().filter(|image| image.contains("pipeline/cmd/controller"))?;
        let (tag, _digest) = image.split_once(':')?.1.split_once('@')?;
        Some(tag.to_owned())
    };
    label(deployment, "pipeline.tekton.dev/release").or_else(annotation).or_else(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn older_releases_of_pipelines_tell_their_version_otherwise() {
        let cases = [
            (json!({"metadata": {"labels": {"pipeline.tekton.dev/release": "v0.11.3"}}}), Some("v0.11.3")),
            (json!({"metadata": {"annotations": {"tekton.dev/release": "v0.10.1"}}}), Some("v0.10.1")),
            (json!({"spec": {"containers": [{"image": "gcr.io/t/pipeline/cmd/controller:v0.9.2@sha256:01"}]}}), Some("v0.9.2")),
            (json!({"spec": {"containers": [{"image": "gcr.io/t/other:v0.9.2@sha256:01"}]}}), None),
        ];
        for (template, version) in cases {
            let deployment: Deployment = serde_json::from_value(json!({"spec": {"template": template}})).unwrap();
            assert_eq!(older_pipelines(&deployment).as_deref(), version);
        }
    }
}
