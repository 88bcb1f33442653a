//! RBAC as the API server evaluates it: Roles, ClusterRoles and their bindings in the store decide.

use serde_json::Value;

use crate::kinds;
use crate::sandbox::json::{strings, text};
use crate::sandbox::store::{Store, StoreError};

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `create`, `list`, …
    pub verb: String,
    /// API group; empty for the core group
    pub group: String,
    /// Plural of the resource
    pub resource: String,
    /// `log`, `status`, …; empty for none
    pub subresource: String,
    /// Empty for all namespaces and for cluster-scoped resources
    pub namespace: String,
    /// Name of the object; empty for all and for a new one
    pub name: String,
    /// A path such as `/healthz`, instead of a resource
    pub non_resource_url: Option<String>,
}

/// The answer to a question about access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether some rule allows it
    pub allowed: bool,
    /// Which binding and role allow it, as the real server words it; empty when none does
    pub reason: String,
}

/// The name and groups of a service account as a user: every account is in the groups of all accounts and of its
/// namespace's.
pub fn service_account(namespace: &str, name: &str) -> (String, Vec<String>) {
    let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}"), "system:authenticated".to_owned()];
    (format!("system:serviceaccount:{namespace}:{name}"), groups.to_vec())
}

/// Whether a user may do something, by the bindings as they are now.
pub fn allowed(store: &Store, user: &str, groups: &[String], what: &Attributes) -> Result<Decision, StoreError> {
    if groups.iter().any(|group| group == "system:masters") {
        return Ok(Decision { allowed: true, reason: String::new() });
    }
    for binding in store.list(&kinds::CLUSTER_ROLE_BINDING, None)? {
        if let Some(decision) = decide(store, &binding, "", user, groups, what)? {
            return Ok(decision);
        }
    }
    if !what.namespace.is_empty() {
        for binding in store.list(&kinds::ROLE_BINDING, Some(&what.namespace))? {
            if let Some(decision) = decide(store, &binding, &what.namespace, user, groups, what)? {
                return Ok(decision);
            }
        }
    }
    Ok(Decision { allowed: false, reason: String::new() })
}

/// The real server's sentence for a denied request.
pub fn forbidden(user: &str, what: &Attributes) -> String {
    if let Some(path) = &what.non_resource_url {
        return format!("forbidden: User \"{user}\" cannot {} path \"{path}\"", what.verb);
    }
    let full = if what.group.is_empty() { what.resource.clone() } else { format!("{}.{}", what.resource, what.group) };
    let object = if what.name.is_empty() { full } else { format!("{full} \"{}\"", what.name) };
    let place =
        if what.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{}\"", what.namespace) };
    let resource = with_subresource(what);
    format!("{object} is forbidden: User \"{user}\" cannot {} resource \"{resource}\" in API group \"{}\" {place}", what.verb, what.group)
}

fn with_subresource(what: &Attributes) -> String {
    if what.subresource.is_empty() { what.resource.clone() } else { format!("{}/{}", what.resource, what.subresource) }
}

/// The decision if this binding names the user and its role allows the request.
fn decide(
    store: &Store,
    binding: &Value,
    namespace: &str,
    user: &str,
    groups: &[String],
    what: &Attributes,
) -> Result<Option<Decision>, StoreError> {
    let subjects = binding["subjects"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(subject) = subjects.iter().find(|subject| is_subject(subject, namespace, user, groups)) else {
        return Ok(None);
    };
    let role_kind = text(&binding["roleRef"]["kind"]);
    let role_name = text(&binding["roleRef"]["name"]);
    // A binding to a role that does not exist grants nothing, and is no error.
    let role = match role_kind {
        "ClusterRole" => store.get(&kinds::CLUSTER_ROLE, "", role_name)?,
        "Role" if !namespace.is_empty() => store.get(&kinds::ROLE, namespace, role_name)?,
        _ => None,
    };
    let rules = role.as_ref().and_then(|role| role["rules"].as_array()).map(Vec::as_slice).unwrap_or_default();
    if !rules.iter().any(|rule| allows(rule, what)) {
        return Ok(None);
    }
    let binding_kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let binding_name = text(&binding["metadata"]["name"]);
    let binding_name = if namespace.is_empty() { binding_name.to_owned() } else { format!("{binding_name}/{namespace}") };
    let reason = format!(
        "RBAC: allowed by {binding_kind} \"{binding_name}\" of {role_kind} \"{role_name}\" to {}",
        subject_words(subject, namespace)
    );
    Ok(Some(Decision { allowed: true, reason }))
}

fn is_subject(subject: &Value, binding_namespace: &str, user: &str, groups: &[String]) -> bool {
    let name = text(&subject["name"]);
    match text(&subject["kind"]) {
        "User" => name == user,
        "Group" => groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let namespace = subject["namespace"].as_str().filter(|ns| !ns.is_empty()).unwrap_or(binding_namespace);
            user == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

fn subject_words(subject: &Value, namespace: &str) -> String {
    let (kind, name) = (text(&subject["kind"]), text(&subject["name"]));
    match kind {
        "ServiceAccount" => format!("{kind} \"{name}/{}\"", subject["namespace"].as_str().unwrap_or(namespace)),
        _ => format!("{kind} \"{name}\""),
    }
}

fn allows(rule: &Value, what: &Attributes) -> bool {
    if !has(&rule["verbs"], &what.verb) {
        return false;
    }
    if let Some(path) = &what.non_resource_url {
        return strings(&rule["nonResourceURLs"]).any(|url| match url.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => url == path,
        });
    }
    let names = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    has(&rule["apiGroups"], &what.group)
        && covers_resource(&rule["resources"], what)
        && names.is_none_or(|names| !what.name.is_empty() && names.iter().any(|name| name == what.name.as_str()))
}

/// `pods`, `*`, `pods/log` and `*/log` are what a rule may say for `pods/log`.
fn covers_resource(resources: &Value, what: &Attributes) -> bool {
    let wanted = with_subresource(what);
    strings(resources).any(|resource| {
        resource == "*"
            || resource == wanted
            || (!what.subresource.is_empty() && resource.strip_prefix("*/") == Some(what.subresource.as_str()))
    })
}

fn has(list: &Value, wanted: &str) -> bool {
    strings(list).any(|entry| entry == "*" || entry == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct World {
        _dir: tempfile::TempDir,
        store: Store,
    }

    impl World {
        fn new() -> World {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let store = Store::open(dir.path()).expect("a store").lazy();
            let rules = json!([
                {"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["create", "get"]},
                {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["*"]},
                {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"], "verbs": ["get"]},
                {"nonResourceURLs": ["/healthz", "/metrics/*"], "verbs": ["get"]},
            ]);
            store.create(&kinds::CLUSTER_ROLE, json!({"metadata": {"name": "reader"}, "rules": rules})).expect("made");
            World { _dir: dir, store }
        }

        fn bind(&self, namespace: &str, subject: Value) {
            let kind = if namespace.is_empty() { &kinds::CLUSTER_ROLE_BINDING } else { &kinds::ROLE_BINDING };
            let binding = json!({
                "metadata": {"name": "b", "namespace": namespace}, "subjects": [subject],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
            });
            self.store.create(kind, binding).expect("made");
        }

        fn may(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
            self.ask(verb, resource, namespace, name).allowed
        }

        fn ask(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> Decision {
            let (user, groups) = service_account("ns", "sa");
            allowed(&self.store, &user, &groups, &attributes(verb, resource, namespace, name)).expect("decided")
        }
    }

    /// `resource` as `group/plural` or `/plural/subresource`.
    fn attributes(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
        let mut parts = resource.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (group, resource, subresource) = (next(), next(), next());
        let (verb, namespace, name) = (verb.to_owned(), namespace.to_owned(), name.to_owned());
        Attributes { verb, group, resource, subresource, namespace, name, non_resource_url: None }
    }

    #[test]
    fn nothing_is_allowed_without_a_binding() {
        let world = World::new();
        assert!(!world.may("get", "tekton.dev/pipelineruns", "ns", ""));
    }

    #[test]
    fn a_role_binding_counts_in_its_namespace_only() {
        let world = World::new();
        world.bind("ns", json!({"kind": "ServiceAccount", "name": "sa"}));
        assert!(world.may("create", "tekton.dev/pipelineruns", "ns", ""));
        assert!(!world.may("delete", "tekton.dev/pipelineruns", "ns", ""));
        assert!(!world.may("create", "tekton.dev/pipelineruns", "other", ""));
        assert!(!world.may("create", "tekton.dev/pipelineruns", "", ""));
        let reason = world.ask("create", "tekton.dev/pipelineruns", "ns", "").reason;
        assert_eq!(reason, "RBAC: allowed by RoleBinding \"b/ns\" of ClusterRole \"reader\" to ServiceAccount \"sa/ns\"");
    }

    #[test]
    fn subresources_names_and_groups_of_subjects() {
        let world = World::new();
        world.bind("", json!({"kind": "Group", "name": "system:serviceaccounts:ns"}));
        assert!(world.may("get", "/pods/log", "any", "p"));
        assert!(!world.may("get", "/pods", "any", "p"));
        assert!(world.may("get", "/secrets", "any", "mine"));
        assert!(!world.may("get", "/secrets", "any", "other"));
        assert!(!world.may("list", "/secrets", "any", ""));
    }

    #[test]
    fn paths_outside_of_resources() {
        let world = World::new();
        world.bind("", json!({"kind": "User", "name": "system:serviceaccount:ns:sa"}));
        let ask = |path: &str| {
            let what = Attributes { verb: "get".to_owned(), non_resource_url: Some(path.to_owned()), ..Attributes::default() };
            allowed(&world.store, "system:serviceaccount:ns:sa", &[], &what).expect("decided").allowed
        };
        assert!(ask("/healthz") && ask("/metrics/x"));
        assert!(!ask("/version"));
    }

    #[test]
    fn denials_are_worded_as_the_server_does() {
        let mut what = attributes("create", "tekton.dev/pipelineruns", "ns", "");
        let user = "system:serviceaccount:ns:sa";
        assert_eq!(
            forbidden(user, &what),
            "pipelineruns.tekton.dev is forbidden: User \"system:serviceaccount:ns:sa\" cannot create resource \"pipelineruns\" in API group \"tekton.dev\" in the namespace \"ns\""
        );
        what = attributes("list", "triggers.tekton.dev/clusterinterceptors", "", "");
        assert_eq!(
            forbidden(user, &what),
            "clusterinterceptors.triggers.tekton.dev is forbidden: User \"system:serviceaccount:ns:sa\" cannot list resource \"clusterinterceptors\" in API group \"triggers.tekton.dev\" at the cluster scope"
        );
    }
}
