//! What lists and pages of Secrets and ServiceAccounts need: who uses a Secret, and what an account may do.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _};

use super::{Beside, Related};
use crate::client::{Cluster, Error, Select};
use crate::kinds;
use crate::objects::Object;
use crate::objects::core::{Secret, ServiceAccount};
use crate::scaffold::rbac::Purpose;
use crate::verbs::rights::{lacking, suffices};
use crate::views::{Abilities, Able, Standing};

/// The two purposes that Tekton's accounts serve, in the order of their columns.
const PURPOSES: [Purpose; 2] = [Purpose::EventListener, Purpose::PipelineRun];
/// How many accounts are asked about at once.
const AT_ONCE: usize = 8;

async fn all<T: Object>(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<T>, Error> {
    let listed = cluster.list::<T>(namespace, &Select::default()).await?;
    Ok(listed.into_iter().filter_map(|seen| seen.lens.ok()).collect())
}

/// An answer, or none where the user may not ask.
fn permitted<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Beside for Secret {
    async fn beside(cluster: &Cluster, namespace: Option<&str>) -> Result<Option<Vec<ServiceAccount>>, Error> {
        permitted(all(cluster, namespace).await)
    }
}

impl Related for Secret {
    async fn related(&self, cluster: &Cluster) -> Result<Option<Vec<ServiceAccount>>, Error> {
        permitted(all(cluster, Some(&self.metadata.namespace)).await)
    }
}

impl Beside for ServiceAccount {
    async fn beside(cluster: &Cluster, namespace: Option<&str>) -> Result<Abilities, Error> {
        let accounts: Vec<Self> = all(cluster, namespace).await?;
        let asked = futures::stream::iter(accounts).map(|account| async move {
            let meta = account.metadata;
            let mut able: [Able; 2] = [None, None];
            for (answer, purpose) in able.iter_mut().zip(PURPOSES) {
                *answer = permitted(suffices(cluster, &meta.namespace, &meta.name, purpose).await)?;
            }
            Ok(((meta.namespace, meta.name), able))
        });
        let able = asked.buffered(AT_ONCE).try_collect().await?;
        let secrets = permitted(cluster.every_meta(&kinds::SECRET, namespace).await)?;
        let secrets = secrets.map(|all| all.into_iter().map(|meta| (meta.namespace, meta.name)).collect());
        Ok(Abilities { able, secrets })
    }
}

impl Related for ServiceAccount {
    async fn related(&self, cluster: &Cluster) -> Result<Standing, Error> {
        let (namespace, name) = (&self.metadata.namespace, &self.metadata.name);
        let bindings = permitted(all(cluster, Some(namespace)).await)?.unwrap_or_default();
        let cluster_bindings = permitted(all(cluster, None).await)?;
        let mut rights = Vec::with_capacity(PURPOSES.len());
        for purpose in PURPOSES {
            rights.push((purpose, permitted(lacking(cluster, namespace, name, purpose).await)?));
        }
        let mut gone = HashSet::new();
        for secret in self.secrets.iter().chain(&self.image_pull_secrets) {
            if permitted(cluster.find::<Secret>(namespace, &secret.name).await)?.is_some_and(|found| found.is_none()) {
                gone.insert(secret.name.clone());
            }
        }
        Ok(Standing { bindings, cluster_bindings, lacking: rights, gone })
    }
}
