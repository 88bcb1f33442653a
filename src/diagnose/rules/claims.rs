//! Storage: claims that nobody serves, volumes that cannot be mounted.

use super::Mend::{Anywhere, Kubectl, Own, Say, Yaml};
use super::{CONDITION, POD, Rule, Weight};
use crate::diagnose::checks::{claim_names_unknown_class, claim_needs_default_class, no_class_at_all};
use crate::diagnose::evidence::{Need, Place};

const CAUSE: Rule = Rule::of(Weight::Cause, POD);
const UNBOUND: &[&str] = &["pod has unbound immediate PersistentVolumeClaims"];
const EXAMPLE: (&str, &str) = ("Unschedulable", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found");
const SOURCE: &str = "tektoncd/pipeline#899, #5557";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ClaimWithoutAnyClass",
        patterns: UNBOUND,
        needs: &[Need::Storage],
        check: Some(no_class_at_all),
        summary: "the pod waits for PersistentVolumeClaim {claim}, and nothing can provide it: the claim has no storageClassName and the cluster has no StorageClass",
        mend: &[
            Say(
                "Install a storage provisioner with a StorageClass (kind and minikube bring one as an add-on), then name the class in the PipelineRun:",
            ),
            Yaml("spec:\n  workspaces:\n  - name: {workspace}\n    volumeClaimTemplate:\n      spec:\n        storageClassName: CLASS"),
            Say("If the tasks of the run need not share files, a directory that lives as long as the pod is enough:"),
            Yaml("spec:\n  workspaces:\n  - name: {workspace}\n    emptyDir: {{}}"),
            Say("This run goes on by itself when a PersistentVolume that fits, or a default StorageClass, appears."),
        ],
        source: SOURCE,
        example: EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ClaimWithoutDefaultClass",
        patterns: UNBOUND,
        needs: &[Need::Storage],
        check: Some(claim_needs_default_class),
        summary: "the pod waits for PersistentVolumeClaim {claim}, which has no storageClassName, and no StorageClass is the default (there are: {classes})",
        mend: &[
            Say("Name one of the classes in the PipelineRun (or the TriggerTemplate that makes it):"),
            Yaml("spec:\n  workspaces:\n  - name: {workspace}\n    volumeClaimTemplate:\n      spec:\n        storageClassName: {class}"),
            Say("Or make one the default; then this run goes on by itself:"),
            Anywhere(
                "patch storageclass {class} -p '{{\"metadata\":{{\"annotations\":{{\"storageclass.kubernetes.io/is-default-class\":\"true\"}}}}}}'",
            ),
        ],
        source: SOURCE,
        example: EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ClaimOfUnknownClass",
        patterns: UNBOUND,
        needs: &[Need::Storage],
        check: Some(claim_names_unknown_class),
        summary: "the pod waits for PersistentVolumeClaim {claim}, which asks for StorageClass {wanted}; that does not exist ({classes})",
        mend: &[
            Say(
                "Name a class that exists in the PipelineRun (or the TriggerTemplate that makes it); a claim's class cannot be changed, so start the run again:",
            ),
            Yaml("spec:\n  workspaces:\n  - name: {workspace}\n    volumeClaimTemplate:\n      spec:\n        storageClassName: {class}"),
        ],
        source: SOURCE,
        example: EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ClaimUnbound",
        patterns: UNBOUND,
        needs: &[Need::Storage],
        summary: "the pod waits for a PersistentVolumeClaim that is not bound to a volume",
        mend: &[
            Say("See why the provisioner does not serve it, or set another storageClassName in the run's volumeClaimTemplate:"),
            Kubectl("get persistentvolumeclaims"),
            Yaml("volumeClaimTemplate:\n  spec:\n    storageClassName: CLASS"),
        ],
        source: SOURCE,
        example: EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ClaimMissing",
        patterns: &["persistentvolumeclaim \"{claim}\" not found"],
        summary: "PersistentVolumeClaim {claim} does not exist in namespace {namespace}",
        mend: &[
            Say("Correct `claimName` of the workspace; these claims there are:"),
            Kubectl("get persistentvolumeclaims"),
            Say("Or make the claim, from a file for `apply -f`:"),
            Yaml(
                "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {claim}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests:\n      storage: 1Gi",
            ),
        ],
        source: "Kubernetes scheduler",
        example: ("Unschedulable", "0/1 nodes are available: persistentvolumeclaim \"nowhere\" not found. not found"),
        ..CAUSE
    },
    Rule {
        id: "VolumeInOtherZone",
        patterns: &["had volume node affinity conflict"],
        summary: "the volume lies in a zone in which no node can take the pod",
        mend: &[Say(
            "Use a StorageClass with `volumeBindingMode: WaitForFirstConsumer`, or a claim that several nodes can mount (ReadWriteMany).",
        )],
        source: "tektoncd/pipeline#7099",
        example: ("Unschedulable", "0/3 nodes are available: 3 node(s) had volume node affinity conflict."),
        ..CAUSE
    },
    Rule {
        id: "ClaimRefused",
        on: CONDITION,
        patterns: &["PVC creation error for {claim}", "PVC creation error"],
        summary: "the claim of a volumeClaimTemplate could not be made",
        mend: &[
            Say("The message ends with the server's reason: often a storage quota, or a template that is not valid."),
            Kubectl("describe resourcequota"),
        ],
        source: "pkg/reconciler/volumeclaim",
        example: (
            "CouldntCreateWorkspacePVC",
            "Failed to create PVC for PipelineRun ns/x correctly: PVC creation error for pvc-1: exceeded quota",
        ),
        ..CAUSE
    },
    Rule {
        id: "VolumeSecretMissing",
        on: &[Place::Event],
        reasons: &["FailedMount"],
        patterns: &["secret \"{secret}\" not found"],
        summary: "the pod waits for a volume from Secret {secret}, which does not exist; Tekton says nothing of it until the timeout",
        mend: &[Say("Make the Secret; the pod goes on by itself:"), Kubectl("create secret generic {secret} --from-literal=KEY=VALUE")],
        source: "tektoncd/pipeline#9144",
        example: ("FailedMount", "MountVolume.SetUp failed for volume \"v\" : secret \"nowhere\" not found"),
        ..CAUSE
    },
    Rule {
        id: "VolumeConfigMapMissing",
        on: &[Place::Event],
        reasons: &["FailedMount"],
        patterns: &["configmap \"{map}\" not found"],
        summary: "the pod waits for a volume from ConfigMap {map}, which does not exist; Tekton says nothing of it until the timeout",
        mend: &[Say("Make the ConfigMap; the pod goes on by itself:"), Kubectl("create configmap {map} --from-file=FILE")],
        source: "tektoncd/pipeline#9144",
        example: ("FailedMount", "MountVolume.SetUp failed for volume \"v\" : configmap \"nowhere\" not found"),
        ..CAUSE
    },
    Rule {
        id: "VolumeBusy",
        on: &[Place::Event],
        reasons: &["FailedAttachVolume"],
        patterns: &["Multi-Attach error for volume \"{volume}\""],
        summary: "volume {volume} is still mounted on another node",
        mend: &[Say("A ReadWriteOnce claim serves one node at a time: end the run that holds it, or use a ReadWriteMany claim.")],
        source: "tektoncd/catalog#376",
        example: ("FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) x"),
        ..CAUSE
    },
    Rule {
        id: "VolumeNotMounted",
        on: &[Place::Event],
        reasons: &["FailedMount", "FailedAttachVolume"],
        summary: "a volume of the pod cannot be mounted",
        mend: &[Kubectl("describe pod {pod}")],
        source: "tektoncd/pipeline#9144",
        example: ("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition"),
        ..CAUSE
    },
    Rule {
        id: "AffinityAssistantRefused",
        on: CONDITION,
        reasons: &["ReasonCouldntCreateOrUpdateAffinityAssistantStatefulSet", "CouldntCreateOrUpdateAffinityAssistantStatefulSet"],
        summary: "the affinity assistant, which keeps pods of one volume on one node, could not be made",
        mend: &[
            Say("The message ends with the reason (rights, pod security, quota). The assistant can be switched off for the whole cluster:"),
            Anywhere("-n tekton-pipelines patch configmap feature-flags --type merge -p '{{\"data\":{{\"coschedule\":\"disabled\"}}}}'"),
        ],
        source: "docs/affinityassistants.md",
        example: ("ReasonCouldntCreateOrUpdateAffinityAssistantStatefulSet", "failed to create StatefulSet"),
        ..CAUSE
    },
    Rule {
        id: "SubPathPending",
        weight: Weight::Symptom,
        on: CONDITION,
        patterns: &["Waiting for subPath directory creation to complete"],
        summary: "the directory of a workspace's subPath is being made; this passes by itself",
        mend: &[Own("{noun} describe {name}")],
        source: "pkg/reconciler/taskrun",
        example: ("Pending", "Waiting for subPath directory creation to complete"),
        ..CAUSE
    },
];
