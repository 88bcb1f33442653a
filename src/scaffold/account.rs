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
}
