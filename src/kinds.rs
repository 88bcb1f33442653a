//! The table of kinds: every resource that rtkn knows, with the words people use for it. One row per kind;
//! help, completion, discovery of the sandbox and the client's paths are all made from it.

/// A resource of the API, as the Kubernetes API conventions name its parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// `PipelineRun`
    pub kind: &'static str,
    /// The resource's path segment: `pipelineruns`
    pub plural: &'static str,
    /// API group; empty for the core group
    pub group: &'static str,
    /// Versions that are read, the one that is written first
    pub versions: &'static [&'static str],
    /// Whether objects live in a namespace
    pub namespaced: bool,
    /// The word of the command line: `pipelinerun`
    pub noun: &'static str,
    /// Other words for the same: `pr`, `pipelineruns`
    pub aliases: &'static [&'static str],
}

macro_rules! kinds {
    ($($name:ident = $kind:literal $plural:literal $group:literal $versions:expr, $namespaced:literal, $noun:literal $aliases:expr;)*) => {
        $(
            #[doc = concat!("`", $kind, "` of group `", $group, "`")]
            pub static $name: Kind = Kind {
                kind: $kind, plural: $plural, group: $group, versions: &$versions,
                namespaced: $namespaced, noun: $noun, aliases: &$aliases,
            };
        )*
        /// Every kind, in the order of the table.
        pub static ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    PIPELINE = "Pipeline" "pipelines" "tekton.dev" ["v1", "v1beta1"], true, "pipeline" ["p", "pipelines"];
    PIPELINE_RUN = "PipelineRun" "pipelineruns" "tekton.dev" ["v1", "v1beta1"], true, "pipelinerun" ["pr", "pipelineruns"];
    TASK = "Task" "tasks" "tekton.dev" ["v1", "v1beta1"], true, "task" ["t", "tasks"];
    TASK_RUN = "TaskRun" "taskruns" "tekton.dev" ["v1", "v1beta1"], true, "taskrun" ["tr", "taskruns"];
    CUSTOM_RUN = "CustomRun" "customruns" "tekton.dev" ["v1beta1"], true, "customrun" ["cr", "customruns"];
    EVENT_LISTENER = "EventListener" "eventlisteners" "triggers.tekton.dev" ["v1beta1", "v1alpha1"], true, "eventlistener" ["el", "eventlisteners"];
    TRIGGER = "Trigger" "triggers" "triggers.tekton.dev" ["v1beta1", "v1alpha1"], true, "trigger" ["triggers"];
    TRIGGER_BINDING = "TriggerBinding" "triggerbindings" "triggers.tekton.dev" ["v1beta1", "v1alpha1"], true, "triggerbinding" ["tb", "triggerbindings"];
    TRIGGER_TEMPLATE = "TriggerTemplate" "triggertemplates" "triggers.tekton.dev" ["v1beta1", "v1alpha1"], true, "triggertemplate" ["tt", "triggertemplates"];
    CLUSTER_TRIGGER_BINDING = "ClusterTriggerBinding" "clustertriggerbindings" "triggers.tekton.dev" ["v1beta1", "v1alpha1"], false, "clustertriggerbinding" ["ctb", "clustertriggerbindings"];
    INTERCEPTOR = "Interceptor" "interceptors" "triggers.tekton.dev" ["v1alpha1"], true, "interceptor" ["interceptors"];
    CLUSTER_INTERCEPTOR = "ClusterInterceptor" "clusterinterceptors" "triggers.tekton.dev" ["v1alpha1"], false, "clusterinterceptor" ["ci", "clusterinterceptors"];
    NAMESPACE = "Namespace" "namespaces" "" ["v1"], false, "namespace" ["ns", "namespaces"];
    SECRET = "Secret" "secrets" "" ["v1"], true, "secret" ["secrets"];
    SERVICE_ACCOUNT = "ServiceAccount" "serviceaccounts" "" ["v1"], true, "sa" ["serviceaccount", "serviceaccounts"];
    CONFIG_MAP = "ConfigMap" "configmaps" "" ["v1"], true, "configmap" ["cm", "configmaps"];
    POD = "Pod" "pods" "" ["v1"], true, "pod" ["po", "pods"];
    SERVICE = "Service" "services" "" ["v1"], true, "service" ["svc", "services"];
    EVENT = "Event" "events" "" ["v1"], true, "event" ["ev", "events"];
    PERSISTENT_VOLUME_CLAIM = "PersistentVolumeClaim" "persistentvolumeclaims" "" ["v1"], true, "persistentvolumeclaim" ["pvc", "persistentvolumeclaims"];
    PERSISTENT_VOLUME = "PersistentVolume" "persistentvolumes" "" ["v1"], false, "persistentvolume" ["pv", "persistentvolumes"];
    STORAGE_CLASS = "StorageClass" "storageclasses" "storage.k8s.io" ["v1"], false, "storageclass" ["sc", "storageclasses"];
    DEPLOYMENT = "Deployment" "deployments" "apps" ["v1"], true, "deployment" ["deploy", "deployments"];
    ROLE = "Role" "roles" "rbac.authorization.k8s.io" ["v1"], true, "role" ["roles"];
    CLUSTER_ROLE = "ClusterRole" "clusterroles" "rbac.authorization.k8s.io" ["v1"], false, "clusterrole" ["clusterroles"];
    ROLE_BINDING = "RoleBinding" "rolebindings" "rbac.authorization.k8s.io" ["v1"], true, "rolebinding" ["rolebindings"];
    CLUSTER_ROLE_BINDING = "ClusterRoleBinding" "clusterrolebindings" "rbac.authorization.k8s.io" ["v1"], false, "clusterrolebinding" ["clusterrolebindings"];
    SUBJECT_ACCESS_REVIEW = "SubjectAccessReview" "subjectaccessreviews" "authorization.k8s.io" ["v1"], false, "subjectaccessreview" [];
    SELF_SUBJECT_ACCESS_REVIEW = "SelfSubjectAccessReview" "selfsubjectaccessreviews" "authorization.k8s.io" ["v1"], false, "selfsubjectaccessreview" [];
}

impl Kind {
    /// Whether a word of the command line means this kind.
    pub fn is_called(&self, word: &str) -> bool {
        self.noun == word || self.aliases.contains(&word)
    }

    /// Whether Tekton hands the labels of these objects down to runs and their pods (Tekton, `docs/labels.md`).
    pub fn hands_labels_down(&self) -> bool {
        [&PIPELINE, &TASK, &PIPELINE_RUN, &TASK_RUN, &CUSTOM_RUN].contains(&self)
    }

    /// The version that is written: `v1`
    pub fn version(&self) -> &'static str {
        self.versions[0]
    }

    /// `tekton.dev/v1`, or `v1` for the core group, at the given version
    pub fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// `pipelineruns.tekton.dev`, the name that API errors and RBAC use
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `secret/deploy-key`, `pipelinerun.tekton.dev/x`: an object as kubectl names it
    pub fn label(&self, name: &str) -> String {
        let kind = self.kind.to_ascii_lowercase();
        if self.group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{}/{name}", self.group) }
    }

    /// The collection's path on the server: `/apis/tekton.dev/v1/namespaces/ns/pipelineruns`
    pub fn path(&self, version: &str, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{}/{version}", self.group) };
        match namespace {
            Some(namespace) if self.namespaced => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }
}

/// The kind that a manifest's `apiVersion` and `kind` name.
pub fn of_manifest(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ALL.iter().copied().find(|k| k.kind == kind && k.group == group && k.versions.contains(&version))
}

/// The kind served under a group and plural.
pub fn of_resource(group: &str, plural: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|k| k.group == group && k.plural == plural)
}

/// The kind that somebody means by a word of the command line, in any letter case.
pub fn of_word(word: &str) -> Option<&'static Kind> {
    let word = word.to_ascii_lowercase();
    ALL.iter().copied().find(|k| k.is_called(&word) || k.resource() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_and_resources_are_unique_and_lower_case() {
        let mut seen = HashSet::new();
        for kind in ALL {
            for word in std::iter::once(&kind.noun).chain(kind.aliases) {
                assert!(seen.insert(*word), "{word} is used twice");
                assert_eq!(*word, word.to_ascii_lowercase());
            }
            assert_eq!(of_resource(kind.group, kind.plural), Some(*kind));
        }
    }

    #[test]
    fn paths_follow_the_api_convention() {
        assert_eq!(PIPELINE_RUN.path("v1", Some("ns")), "/apis/tekton.dev/v1/namespaces/ns/pipelineruns");
        assert_eq!(SECRET.path("v1", None), "/api/v1/secrets");
        assert_eq!(CLUSTER_ROLE.path("v1", Some("ns")), "/apis/rbac.authorization.k8s.io/v1/clusterroles");
    }
}
