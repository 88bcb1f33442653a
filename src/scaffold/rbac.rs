//! RBAC for Tekton: the rights that an EventListener and the makers of runs need, and the bindings that give them.

use serde_json::{Value, json};

use super::Manifest;
use crate::kinds::{self, Kind};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The ClusterRole of Tekton Triggers for the namespace of an EventListener (`config/200-clusterrole.yaml` of
/// tektoncd/triggers).
pub const LISTENER_ROLE: &str = "tekton-triggers-eventlistener-roles";
/// The ClusterRole of Tekton Triggers for what an EventListener reads across the cluster.
pub const LISTENER_CLUSTER_ROLE: &str = "tekton-triggers-eventlistener-clusterroles";
/// The Role that rtkn makes for `--for pipelinerun`.
pub const RUNNER_ROLE: &str = "rtkn-runs";

/// What an account shall be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Purpose {
    /// Run an EventListener: read triggers, make runs
    #[value(name = "eventlistener", alias = "el")]
    EventListener,
    /// Make PipelineRuns and TaskRuns and see what becomes of them
    #[value(name = "pipelinerun", alias = "pr")]
    PipelineRun,
}

impl Purpose {
    /// The word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::EventListener => "eventlistener",
            Self::PipelineRun => "pipelinerun",
        }
    }

    /// What an account with these rights can do, after «can».
    pub fn ability(self) -> &'static str {
        match self {
            Self::EventListener => "run an EventListener",
            Self::PipelineRun => "create PipelineRuns",
        }
    }

    /// The rights it takes.
    pub fn rights(self) -> &'static [Right] {
        match self {
            Self::EventListener => LISTENER,
            Self::PipelineRun => RUNNER,
        }
    }
}

/// A verb on a resource.
#[derive(Debug, PartialEq, Eq)]
pub struct Right {
    /// `get`, `list`, …
    pub verb: &'static str,
    /// API group
    pub group: &'static str,
    /// Plural
    pub resource: &'static str,
    /// Whether it is needed across the cluster, or in one namespace
    pub cluster: bool,
}

impl Right {
    /// `list clusterinterceptors.triggers.tekton.dev in the whole cluster`
    pub fn words(&self) -> String {
        let resource = if self.group.is_empty() { self.resource.to_owned() } else { format!("{}.{}", self.resource, self.group) };
        format!("{} {resource}{}", self.verb, if self.cluster { " in the whole cluster" } else { "" })
    }

    /// The question for a SubjectAccessReview whether a ServiceAccount has it.
    pub fn question(&self, namespace: &str, account: &str) -> Value {
        let mut attributes = json!({"verb": self.verb, "group": self.group, "resource": self.resource});
        if !self.cluster {
            attributes["namespace"] = namespace.into();
        }
        json!({
            "user": format!("system:serviceaccount:{namespace}:{account}"),
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "resourceAttributes": attributes,
        })
    }
}

macro_rules! rights {
    ($($verb:literal $resource:literal in $group:literal $(($scope:ident))?;)*) => {
        &[$(Right { verb: $verb, group: $group, resource: $resource, cluster: rights!(@ $($scope)?) }),*]
    };
    (@ cluster) => { true };
    (@) => { false };
}

/// What the listener's own code asks of the server (its informers, and what it creates).
const LISTENER: &[Right] = rights! {
    "get" "eventlisteners" in "triggers.tekton.dev";
    "list" "eventlisteners" in "triggers.tekton.dev";
    "watch" "eventlisteners" in "triggers.tekton.dev";
    "list" "triggers" in "triggers.tekton.dev";
    "watch" "triggers" in "triggers.tekton.dev";
    "list" "triggerbindings" in "triggers.tekton.dev";
    "watch" "triggerbindings" in "triggers.tekton.dev";
    "list" "triggertemplates" in "triggers.tekton.dev";
    "watch" "triggertemplates" in "triggers.tekton.dev";
    "list" "interceptors" in "triggers.tekton.dev";
    "watch" "interceptors" in "triggers.tekton.dev";
    "list" "clustertriggerbindings" in "triggers.tekton.dev" (cluster);
    "watch" "clustertriggerbindings" in "triggers.tekton.dev" (cluster);
    "list" "clusterinterceptors" in "triggers.tekton.dev" (cluster);
    "watch" "clusterinterceptors" in "triggers.tekton.dev" (cluster);
    "create" "pipelineruns" in "tekton.dev";
    "create" "taskruns" in "tekton.dev";
    "create" "events" in "";
};

/// What it takes to create runs. [`runner_role`] gives more: whoever creates a run wants to see what becomes of it.
const RUNNER: &[Right] = rights! {
    "create" "pipelineruns" in "tekton.dev";
};

/// A role that an account gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `Role` or `ClusterRole`
    pub role: &'static Kind,
    /// Its name
    pub name: String,
    /// Whether it shall hold in the whole cluster
    pub cluster: bool,
}

impl Grant {
    /// The grants of a purpose, each of a role that is there or made beside it.
    pub fn of(purpose: Purpose) -> Vec<Self> {
        let cluster_role = |name: &str, cluster| Self { role: &kinds::CLUSTER_ROLE, name: name.into(), cluster };
        match purpose {
            Purpose::EventListener => vec![cluster_role(LISTENER_ROLE, false), cluster_role(LISTENER_CLUSTER_ROLE, true)],
            Purpose::PipelineRun => vec![Self { role: &kinds::ROLE, name: RUNNER_ROLE.into(), cluster: false }],
        }
    }

    /// The binding, under a name that tells account and role. That of the whole cluster tells the namespace too, since
    /// accounts of several namespaces may get the same role.
    pub fn binding(&self, namespace: &str, account: &str) -> Manifest {
        let name = match self.cluster {
            true => format!("{namespace}-{account}-{}", self.name),
            false => format!("{account}-{}", self.name),
        };
        self.binding_called(&name, namespace, account)
    }

    /// The binding under a name that no other grant has, for where the first one is taken: `a-b` and `c` read as `a` and `b-c`.
    /// Neither namespaces nor accounts have colons in their names.
    pub fn binding_apart(&self, namespace: &str, account: &str) -> Manifest {
        let kind = self.role.noun;
        let name = match self.cluster {
            true => format!("{namespace}:{account}:{kind}:{}", self.name),
            false => format!("{account}:{kind}:{}", self.name),
        };
        self.binding_called(&name, namespace, account)
    }

    fn binding_called(&self, name: &str, namespace: &str, account: &str) -> Manifest {
        let kind = if self.cluster { &kinds::CLUSTER_ROLE_BINDING } else { &kinds::ROLE_BINDING };
        let content = json!({
            "roleRef": {"apiGroup": GROUP, "kind": self.role.kind, "name": self.name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        });
        Manifest::new(kind, namespace, name, content)
    }
}

/// Whether a binding gives what another one does: the same role, to the other's account at least.
pub fn binds_as(binding: &Value, other: &Value) -> bool {
    let has = |subject: &Value| {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        subjects.into_iter().any(|s| ["kind", "name", "namespace"].iter().all(|field| s[*field] == subject[*field]))
    };
    ["kind", "name"].iter().all(|field| binding["roleRef"][*field] == other["roleRef"][*field])
        && other["subjects"].as_array().into_iter().flatten().all(has)
}

/// The Role of `--for pipelinerun`.
pub fn runner_role(namespace: &str) -> Manifest {
    let rules =
        json!([{"apiGroups": ["tekton.dev"], "resources": ["pipelineruns", "taskruns"], "verbs": ["create", "get", "list", "watch"]}]);
    Manifest::new(&kinds::ROLE, namespace, RUNNER_ROLE, json!({"rules": rules}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_gets_one_binding_in_its_namespace_and_one_in_the_cluster() {
        let bindings: Vec<_> = Grant::of(Purpose::EventListener).iter().map(|g| g.binding("ci", "tt-sa")).collect();
        assert_eq!(bindings[0].label(), "rolebinding.rbac.authorization.k8s.io/tt-sa-tekton-triggers-eventlistener-roles");
        assert_eq!(bindings[0].namespace(), "ci");
        assert_eq!(bindings[1].label(), "clusterrolebinding.rbac.authorization.k8s.io/ci-tt-sa-tekton-triggers-eventlistener-clusterroles");
        assert_eq!(bindings[1].namespace(), "");
        assert_eq!(bindings[1].value["subjects"][0]["namespace"], "ci");
    }

    #[test]
    fn the_runner_role_gives_every_right_of_a_runner() {
        let role = runner_role("ci").value;
        for right in Purpose::PipelineRun.rights() {
            let rule = &role["rules"][0];
            assert!(rule["resources"].as_array().is_some_and(|r| r.contains(&right.resource.into())), "{right:?}");
            assert!(rule["verbs"].as_array().is_some_and(|v| v.contains(&right.verb.into())), "{right:?}");
        }
    }

    #[test]
    fn a_question_names_the_namespace_unless_the_right_is_of_the_cluster() {
        let list = |cluster| Right { verb: "list", group: "g", resource: "r", cluster }.question("ns", "sa");
        assert_eq!(list(false)["resourceAttributes"]["namespace"], "ns");
        assert!(list(true)["resourceAttributes"].get("namespace").is_none());
        assert_eq!(list(true)["user"], "system:serviceaccount:ns:sa");
    }
}
