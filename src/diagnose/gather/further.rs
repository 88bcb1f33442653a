//! What rules want to know beyond the object and its pods, each in one request.

use std::collections::BTreeSet;

use super::super::evidence::{Evidence, Need, SecretFacts};
use super::{listed, seen};
use crate::client::{Cluster, Select};
use crate::objects::Object;
use crate::objects::core::{PersistentVolumeClaim, Secret, ServiceAccount, StorageClass};
use crate::objects::pipeline::{Pipeline, Task};
use crate::scaffold::secret::{KNOWN_HOSTS, SSH_KEY, hosts, value};
use crate::scaffold::ssh::{Key, known_hosts};

/// Looks at what is needed and has not been looked at.
pub(super) async fn look(cluster: &Cluster, evidence: &mut Evidence, needs: &BTreeSet<Need>) {
    let namespace = evidence.namespace.clone();
    for need in needs {
        if !evidence.looked.insert(*need) {
            continue;
        }
        match need {
            Need::Storage => {
                evidence.claims = listed::<PersistentVolumeClaim>(cluster, evidence, Some(&namespace), Select::default()).await;
                evidence.classes = listed::<StorageClass>(cluster, evidence, None, Select::default()).await;
            }
            Need::Credentials => credentials(cluster, evidence, &namespace).await,
            Need::Tasks => names::<Task>(cluster, evidence, Need::Tasks).await,
            Need::Pipelines => names::<Pipeline>(cluster, evidence, Need::Pipelines).await,
            Need::Accounts => names::<ServiceAccount>(cluster, evidence, Need::Accounts).await,
        }
    }
}

async fn names<T: Object>(cluster: &Cluster, evidence: &mut Evidence, need: Need) {
    let namespace = evidence.namespace.clone();
    if let Some(objects) = listed::<T>(cluster, evidence, Some(&namespace), Select::default()).await {
        evidence.names.push((need, objects.iter().map(|o| o.meta().name.clone()).collect()));
    }
}

async fn credentials(cluster: &Cluster, evidence: &mut Evidence, namespace: &str) {
    let accounts: BTreeSet<String> = evidence.units.iter().map(|u| u.account.clone()).filter(|a| !a.is_empty()).collect();
    for account in accounts {
        let found = cluster.find::<ServiceAccount>(namespace, &account).await;
        let found = seen(evidence, &format!("ServiceAccount {account}"), found).flatten().and_then(|s| s.lens.ok());
        let secrets = found.map(|a| a.secrets.into_iter().map(|s| s.name).collect());
        evidence.accounts.push((account, secrets));
    }
    let secrets = listed::<Secret>(cluster, evidence, Some(namespace), Select::default()).await;
    evidence.secrets = secrets.map(|all| all.iter().map(facts).collect());
}

/// What of a Secret may be known: everything but its values.
fn facts(secret: &Secret) -> SecretFacts {
    let known = value(secret, KNOWN_HOSTS).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    SecretFacts {
        name: secret.metadata.name.clone(),
        kind: secret.kind.clone().unwrap_or_default(),
        hosts: hosts(&secret.metadata.annotations).into_iter().map(str::to_owned).collect(),
        keys: secret.data.keys().cloned().collect(),
        known_hosts: known_hosts(&known).unwrap_or_default(),
        fingerprint: value(secret, SSH_KEY).and_then(|bytes| Key::read(&bytes).ok()).map(|key| key.fingerprint()),
    }
}
