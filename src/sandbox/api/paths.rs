//! Paths of the API, taken apart. Pure.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::kinds::{self, Kind};

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz`
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Resources {
        /// Empty for the core group
        group: String,
        /// `v1`
        version: String,
    },
    /// `/openapi/v3`
    OpenApi,
    /// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`
    OpenApiOf {
        /// Empty for the core group
        group: String,
        /// `v1`
        version: String,
    },
    /// A collection or an object
    Resource(Address),
}

/// The collection or object that a path names.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// Kind of it
    pub kind: &'static Kind,
    /// API version that the path speaks
    pub version: &'static str,
    /// Namespace; empty for all, and for cluster-scoped kinds
    pub namespace: String,
    /// Name of the object
    pub name: Option<String>,
    /// `status`, `log`; empty for none
    pub subresource: String,
}

/// Takes a path apart; `None` for one that is not served.
pub fn parse(path: &str) -> Option<Target> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let segments: Vec<Cow<'_, str>> = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect();
    match segments.iter().map(AsRef::as_ref).collect::<Vec<&str>>().as_slice() {
        ["version"] => Some(Target::Version),
        ["healthz" | "livez" | "readyz", ..] => Some(Target::Health),
        ["api"] => Some(Target::CoreVersions),
        ["apis"] => Some(Target::Groups),
        ["apis", group] => served(group).then(|| Target::Group((*group).to_owned())),
        ["openapi", "v3"] => Some(Target::OpenApi),
        ["openapi", "v3", "api", version] => group_version("", version, |group, version| Target::OpenApiOf { group, version }),
        ["openapi", "v3", "apis", group, version] => group_version(group, version, |group, version| Target::OpenApiOf { group, version }),
        ["api", version] => group_version("", version, |group, version| Target::Resources { group, version }),
        ["apis", group, version] => group_version(group, version, |group, version| Target::Resources { group, version }),
        ["api", version, rest @ ..] => address("", version, rest).map(Target::Resource),
        ["apis", group, version, rest @ ..] => address(group, version, rest).map(Target::Resource),
        _ => None,
    }
}

fn served(group: &str) -> bool {
    !group.is_empty() && kinds::ALL.iter().any(|kind| kind.group == group)
}

fn group_version(group: &str, version: &str, target: fn(String, String) -> Target) -> Option<Target> {
    let known = kinds::ALL.iter().any(|kind| kind.group == group && kind.versions.contains(&version));
    known.then(|| target(group.to_owned(), version.to_owned()))
}

fn address(group: &str, version: &str, rest: &[&str]) -> Option<Address> {
    let find = |plural: &str| {
        let kind = kinds::of_resource(group, plural)?;
        let version = kind.versions.iter().find(|known| **known == version)?;
        Some((kind, *version))
    };
    let (namespace, plural, rest) = match rest {
        // Below a namespace's name stand the resources in it, or a subresource of the namespace itself.
        ["namespaces", namespace, plural, rest @ ..] if find(plural).is_some_and(|(kind, _)| kind.namespaced) => {
            (*namespace, *plural, rest)
        }
        [plural, rest @ ..] => ("", *plural, rest),
        [] => return None,
    };
    let (kind, version) = find(plural)?;
    let (name, subresource) = match rest {
        [] => (None, ""),
        [name] => (Some((*name).to_owned()), ""),
        [name, subresource] => (Some((*name).to_owned()), *subresource),
        _ => return None,
    };
    // An object of a namespaced kind has no path outside of its namespace.
    if name.is_some() && kind.namespaced && namespace.is_empty() {
        return None;
    }
    Some(Address { kind, version, namespace: namespace.to_owned(), name, subresource: subresource.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> Option<(&'static str, String, Option<String>, String)> {
        match parse(path)? {
            Target::Resource(a) => Some((a.kind.kind, a.namespace, a.name, a.subresource)),
            _ => None,
        }
    }

    #[test]
    fn collections_objects_and_subresources() {
        let of = |kind, namespace: &str, name: Option<&str>, sub: &str| {
            Some((kind, namespace.to_owned(), name.map(str::to_owned), sub.to_owned()))
        };
        assert_eq!(resource("/apis/tekton.dev/v1/namespaces/ns/pipelineruns"), of("PipelineRun", "ns", None, ""));
        assert_eq!(resource("/apis/tekton.dev/v1beta1/taskruns"), of("TaskRun", "", None, ""));
        assert_eq!(resource("/apis/tekton.dev/v1/namespaces/ns/taskruns/a/status"), of("TaskRun", "ns", Some("a"), "status"));
        assert_eq!(resource("/api/v1/namespaces/ns/pods/p/log"), of("Pod", "ns", Some("p"), "log"));
        assert_eq!(resource("/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab"), of("ClusterRole", "", Some("a:b"), ""));
        assert_eq!(resource("/api/v1/namespaces"), of("Namespace", "", None, ""));
        assert_eq!(resource("/api/v1/namespaces/ns"), of("Namespace", "", Some("ns"), ""));
        assert_eq!(resource("/api/v1/namespaces/ns/status"), of("Namespace", "", Some("ns"), "status"));
    }

    #[test]
    fn what_is_not_served() {
        for path in
            ["/", "/apis/apps/v2", "/apis/nope", "/api/v1/namespaces/ns/nopes/x/y/z", "/api/v1/pods/p", "/apis/tekton.dev/v1/customruns"]
        {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn discovery() {
        assert_eq!(parse("/api/"), Some(Target::CoreVersions));
        assert_eq!(parse("/apis/tekton.dev"), Some(Target::Group("tekton.dev".to_owned())));
        assert_eq!(parse("/api/v1"), Some(Target::Resources { group: String::new(), version: "v1".to_owned() }));
    }
}
