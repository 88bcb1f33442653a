//! ServiceAccounts, and the Secrets that they hand to runs.

use serde_json::{Value, json};

use super::Manifest;
use crate::kinds;
use crate::objects::core::{ObjectReference, ServiceAccount};

/// A ServiceAccount with the Secrets that it has already, those that are added after them, once each.
pub fn with_secrets(namespace: &str, name: &str, existing: Option<&ServiceAccount>, secrets: &[String], for_pull: &[String]) -> Manifest {
    let has = |get: fn(&ServiceAccount) -> &Vec<ObjectReference>| existing.map(|account| get(account).as_slice()).unwrap_or_default();
    let mut content = json!({});
    for (field, names) in
        [("secrets", together(has(|a| &a.secrets), secrets)), ("imagePullSecrets", together(has(|a| &a.image_pull_secrets), for_pull))]
    {
        if !names.is_empty() {
            content[field] = names.iter().map(|name| json!({"name": name})).collect::<Vec<Value>>().into();
        }
    }
    Manifest::new(&kinds::SERVICE_ACCOUNT, namespace, name, content)
}

/// Whether an account lists a Secret, for steps or for pulling images.
pub fn lists(account: &ServiceAccount, secret: &str) -> bool {
    account.secrets.iter().chain(&account.image_pull_secrets).any(|listed| listed.name == secret)
}

/// The JSON patch (RFC 6902) that takes Secrets off an account's lists. The revision in it lets the server refuse it with a
/// conflict when somebody has changed the account meanwhile.
pub fn without_secrets(account: &Value, secrets: &[String]) -> Value {
    let stays = |entry: &&Value| !secrets.iter().any(|name| entry["name"] == **name);
    let kept = |field: &str| Some(account.get(field)?.as_array()?.iter().filter(stays).cloned().collect::<Vec<Value>>());
    let lists = ["secrets", "imagePullSecrets"].into_iter().filter_map(|field| Some((field, kept(field)?)));
    let revision = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": account["metadata"]["resourceVersion"]});
    let replaced = lists.map(|(field, kept)| json!({"op": "replace", "path": format!("/{field}"), "value": kept}));
    std::iter::once(revision).chain(replaced).collect()
}

fn together<'a>(existing: &'a [ObjectReference], added: &'a [String]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in existing.iter().map(|r| r.name.as_str()).chain(added.iter().map(String::as_str)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Seen;

    #[test]
    fn secrets_are_added_once_and_none_is_lost() {
        let first = with_secrets("ns", "build", None, &["a".into()], &[]);
        assert_eq!(first.value["secrets"], json!([{"name": "a"}]));
        assert!(first.value.get("imagePullSecrets").is_none());
        let existing = Seen::<ServiceAccount>::from_value(&first.value).lens.expect("an account");
        let second = with_secrets("ns", "build", Some(&existing), &["b".into(), "a".into()], &["pull".into()]);
        assert_eq!(second.value["secrets"], json!([{"name": "a"}, {"name": "b"}]));
        assert_eq!(second.value["imagePullSecrets"], json!([{"name": "pull"}]));
    }

    #[test]
    fn secrets_are_taken_off_every_list() {
        let account = json!({
            "metadata": {"resourceVersion": "7"},
            "secrets": [{"name": "a"}, {"name": "b"}], "imagePullSecrets": [{"name": "a"}],
        });
        let patch = without_secrets(&account, &["a".into()]);
        assert_eq!(patch[0], json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}));
        assert_eq!(patch[1], json!({"op": "replace", "path": "/secrets", "value": [{"name": "b"}]}));
        assert_eq!(patch[2], json!({"op": "replace", "path": "/imagePullSecrets", "value": []}));
    }
}
