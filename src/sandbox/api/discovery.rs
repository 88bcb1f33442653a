//! Discovery: which groups, versions, resources and verbs there are, all from the table of kinds. Pure.

use serde_json::{Map, Value, json};

use crate::kinds::{self, Kind};

/// Version of Kubernetes whose API conventions are followed.
const KUBERNETES: (&str, &str) = ("1", "34");
const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch"];
const REMOVE: &[&str] = &["delete", "deletecollection"];

/// `/version`
pub fn version() -> Value {
    let (major, minor) = KUBERNETES;
    json!({
        "major": major, "minor": minor,
        "gitVersion": format!("v{major}.{minor}.0+rtkn.sandbox.{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// `/api`
pub fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// `/apis`
pub fn groups() -> Value {
    let mut names: Vec<&str> = Vec::new();
    for kind in kinds::ALL.iter().filter(|kind| !kind.group.is_empty()) {
        if !names.contains(&kind.group) {
            names.push(kind.group);
        }
    }
    let groups: Vec<Value> = names.into_iter().map(group_fields).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`
pub fn group(name: &str) -> Value {
    let mut group = group_fields(name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    group
}

fn group_fields(name: &str) -> Value {
    let versions: Vec<Value> =
        versions(name).iter().map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version})).collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
}

/// Versions of a group, the preferred one first. The kinds of a group need not agree (CustomRun is at v1beta1).
fn versions(group: &str) -> Vec<&'static str> {
    let mut versions: Vec<&str> = Vec::new();
    for kind in kinds::ALL.iter().filter(|kind| kind.group == group) {
        versions.extend(kind.versions.iter().filter(|version| !versions.contains(version)).copied().collect::<Vec<_>>());
    }
    versions
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub fn resources(group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for kind in kinds::ALL.iter().filter(|kind| kind.group == group && kind.versions.contains(&version)) {
        resources.push(resource(kind));
        if has_status(kind) {
            resources.push(subresource(kind, "status", &["get", "patch", "update"]));
        }
        if kind == &&kinds::POD {
            resources.push(subresource(kind, "log", &["get"]));
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources})
}

fn resource(kind: &Kind) -> Value {
    let singular = kind.kind.to_ascii_lowercase();
    let mut resource = json!({
        "name": kind.plural, "singularName": singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs(kind),
    });
    let words = std::iter::once(kind.noun).chain(kind.aliases.iter().copied());
    let short: Vec<&str> = words.filter(|word| *word != kind.plural && *word != singular && word.len() > 1).collect();
    if !short.is_empty() {
        resource["shortNames"] = json!(short);
    }
    if kind.group == "tekton.dev" {
        resource["categories"] = json!(["tekton", "tekton-pipelines"]);
    } else if kind.group == "triggers.tekton.dev" {
        resource["categories"] = json!(["tekton", "tekton-triggers"]);
    }
    resource
}

fn subresource(kind: &Kind, name: &str, verbs: &[&str]) -> Value {
    json!({
        "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
        "kind": kind.kind, "verbs": verbs,
    })
}

/// What can be done with a kind.
pub fn verbs(kind: &Kind) -> Vec<&'static str> {
    if is_review(kind) {
        return vec!["create"];
    }
    let write: &[&str] = if made_by_sandbox(kind) { &["update", "patch"] } else { WRITE };
    [REMOVE, READ, write].concat()
}

/// Kinds of questions, of which nothing is kept.
pub fn is_review(kind: &Kind) -> bool {
    kind.group == "authorization.k8s.io"
}

/// Kinds of which the sandbox has only what its runs and listeners make: a pod of somebody else's would never run.
pub fn made_by_sandbox(kind: &Kind) -> bool {
    [&kinds::POD, &kinds::DEPLOYMENT, &kinds::SERVICE].contains(&kind)
}

/// Kinds whose `status` is written through a path of its own.
pub fn has_status(kind: &Kind) -> bool {
    let core =
        [&kinds::POD, &kinds::NAMESPACE, &kinds::SERVICE, &kinds::DEPLOYMENT, &kinds::PERSISTENT_VOLUME, &kinds::PERSISTENT_VOLUME_CLAIM];
    kind.group.ends_with("tekton.dev") || core.contains(&kind)
}

/// `/openapi/v3`: where the documents are.
pub fn open_api() -> Value {
    let mut paths = Map::new();
    for kind in kinds::ALL {
        for version in kind.versions {
            let root = if kind.group.is_empty() { format!("api/{version}") } else { format!("apis/{}/{version}", kind.group) };
            let url = format!("/openapi/v3/{root}");
            paths.insert(root, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// The document of a group and version, as far as kubectl needs it: that a write checks the fields on the server.
pub fn open_api_of(group: &str, version: &str) -> Value {
    let mut paths = Map::new();
    for kind in kinds::ALL.iter().filter(|kind| kind.group == group && kind.versions.contains(&version)) {
        let path = format!("{}/{{name}}", kind.path(version, kind.namespaced.then_some("{namespace}")));
        paths.insert(
            path,
            json!({"patch": {
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind.kind},
                "responses": {"200": {"description": "OK"}},
            }}),
        );
    }
    json!({"openapi": "3.0.0", "info": {"title": "rtkn sandbox", "version": env!("CARGO_PKG_VERSION")}, "paths": paths, "components": {"schemas": {}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_group_and_version() {
        for kind in kinds::ALL {
            for version in kind.versions {
                let list = resources(kind.group, version);
                let found = list["resources"].as_array().into_iter().flatten().any(|r| r["name"] == kind.plural && r["kind"] == kind.kind);
                assert!(found, "{} {version}", kind.kind);
            }
        }
    }

    #[test]
    fn the_written_version_is_preferred() {
        assert_eq!(group("tekton.dev")["preferredVersion"]["version"], "v1");
        assert_eq!(group("triggers.tekton.dev")["preferredVersion"]["version"], "v1beta1");
        let names: Vec<_> = groups()["groups"].as_array().into_iter().flatten().map(|g| g["name"].clone()).collect();
        assert_eq!(names.iter().filter(|name| *name == "tekton.dev").count(), 1);
    }
}
