//! Pods that cannot be made, placed or started.

use super::Mend::{Anywhere, Kubectl, Own, Say, Shell, Yaml};
use super::{CONDITION, POD, Rule, Weight};
use crate::diagnose::evidence::Place;

const CAUSE: Rule = Rule::of(Weight::Cause, POD);
const SYMPTOM: Rule = Rule::of(Weight::Symptom, POD);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "QuotaDemandsLimits",
        patterns: &["failed quota: {quota}: must specify {what…} for: {_…}", "failed quota: {quota}: must specify {what…}"],
        summary: "quota {quota} of namespace {namespace} demands that every container says its {what}",
        mend: &[
            Say("Give the steps `computeResources`, or the namespace a LimitRange with defaults."),
            Kubectl("describe resourcequota {quota}"),
        ],
        source: "tektoncd/pipeline#3879",
        example: ("PodCreationFailed", "pods \"x\" is forbidden: failed quota: q: must specify limits.cpu for: step-a"),
        ..CAUSE
    },
    Rule {
        id: "QuotaExceeded",
        patterns: &["exceeded quota: {quota}, requested: {asked…}, used: {used…}, limited: {limit…}"],
        summary: "quota {quota} of namespace {namespace} is used up: {asked} asked for, {used} in use, {limit} allowed",
        mend: &[
            Say("Delete finished runs whose pods still count, lower the requests, or raise the quota; Tekton tries again every minute."),
            Kubectl("describe resourcequota {quota}"),
        ],
        source: "tektoncd/pipeline#1791",
        example: (
            "ExceededResourceQuota",
            "TaskRun Pod exceeded available resources: pods \"x\" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0",
        ),
        ..CAUSE
    },
    Rule {
        id: "NodesTooSmall",
        patterns: &["Insufficient {resource}.", "Insufficient {resource},", "Insufficient {resource}"],
        summary: "no node has enough {resource} for the pod",
        mend: &[
            Say(
                "Lower the requests: they are those of the largest step, while limits of the steps add up; or set `computeResources` for the whole task. Or add a node.",
            ),
            Anywhere("describe nodes"),
        ],
        source: "tektoncd/pipeline#4976, #7148",
        example: ("Unschedulable", "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available"),
        ..CAUSE
    },
    Rule {
        id: "PodAffinityUnmet",
        patterns: &["didn't match pod affinity rules"],
        summary: "the pod must run where the affinity assistant runs, and that is not placed, or its node is full",
        mend: &[
            Say("Free the node, or switch the assistant off for the whole cluster:"),
            Anywhere("-n tekton-pipelines patch configmap feature-flags --type merge -p '{{\"data\":{{\"coschedule\":\"disabled\"}}}}'"),
        ],
        source: "tektoncd/pipeline#2769, #3049",
        example: ("Unschedulable", "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."),
        ..CAUSE
    },
    Rule {
        id: "NodeTainted",
        patterns: &["untolerated taint {taint…}}"],
        summary: "the nodes have a taint that the pod does not tolerate: {taint}}}",
        mend: &[
            Say("Add a toleration:"),
            Yaml("spec:\n  taskRunTemplate:\n    podTemplate:\n      tolerations:\n      - operator: Exists"),
        ],
        source: "Kubernetes scheduler",
        example: ("Unschedulable", "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: }."),
        ..CAUSE
    },
    Rule {
        id: "NodeSelectorUnmet",
        patterns: &["didn't match Pod's node affinity/selector"],
        summary: "no node has the labels that the pod's nodeSelector asks for",
        mend: &[Say("Correct `podTemplate.nodeSelector` of the run, or label a node."), Anywhere("get nodes --show-labels")],
        source: "Kubernetes scheduler",
        example: ("Unschedulable", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
        ..CAUSE
    },
    Rule {
        id: "PodSecurityRefused",
        patterns: &["violates PodSecurity \"{level}\""],
        summary: "namespace {namespace} enforces pod security {level}, and the pod does not keep it",
        mend: &[
            Say("Tekton's own containers can keep it:"),
            Anywhere(
                "-n tekton-pipelines patch configmap feature-flags --type merge -p '{{\"data\":{{\"set-security-context\":\"true\"}}}}'",
            ),
            Say("The steps need it as well:"),
            Yaml(
                "stepTemplate:\n  securityContext:\n    runAsNonRoot: true\n    allowPrivilegeEscalation: false\n    capabilities: {{drop: [ALL]}}\n    seccompProfile: {{type: RuntimeDefault}}",
            ),
        ],
        source: "tektoncd/pipeline#5896, #6867",
        example: (
            "PodAdmissionFailed",
            "pods \"x-pod\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
        ),
        ..CAUSE
    },
    Rule {
        id: "SecurityContextConstraintRefused",
        patterns: &["unable to validate against any security context constraint"],
        summary: "no security context constraint of OpenShift allows this pod to ServiceAccount {account}",
        mend: &[Shell("oc adm policy add-scc-to-user anyuid -z {account} -n {namespace}")],
        source: "OpenShift",
        example: ("PodAdmissionFailed", "pods \"x\" is forbidden: unable to validate against any security context constraint: []"),
        ..CAUSE
    },
    Rule {
        id: "EntrypointLookupRefused",
        on: CONDITION,
        reasons: &["PodCreationFailed", "CouldntGetTask", "Failed"],
        patterns: &["MANIFEST_UNKNOWN{_…}", "UNAUTHORIZED{_…}", "TOOMANYREQUESTS{_…}"],
        summary: "Tekton's controller could not read the image of a step that has neither `command` nor `script`: the registry refused it",
        mend: &[Say(
            "Give the step `command:` or `script:`, so that nothing has to be looked up; or correct the image, or the registry's Secret.",
        )],
        source: "tektoncd/pipeline#2316",
        example: ("PodCreationFailed", "translating TaskSpec to Pod: GET https://index.docker.io/v2/x: MANIFEST_UNKNOWN: manifest unknown"),
        ..CAUSE
    },
    Rule {
        id: "EntrypointLookupFailed",
        on: CONDITION,
        patterns: &["translating TaskSpec to Pod: Get \"{url}\": {why…}"],
        summary: "Tekton's controller could not look into the image of a step that has neither `command` nor `script`: {why}",
        mend: &[Say(
            "Give the step `command:` or `script:`, so that nothing has to be looked up; or let the controller reach the registry (it is the controller's network, not the node's).",
        )],
        source: "tektoncd/pipeline#6286",
        example: (
            "PodCreationFailed",
            "translating TaskSpec to Pod: Get \"https://index.docker.io/v2/\": dial tcp: i/o timeout. Maybe invalid TaskSpec",
        ),
        ..CAUSE
    },
    Rule {
        id: "VolumeNamesClash",
        on: CONDITION,
        patterns: &["multiple volumes with same name", "must be unique: Duplicate value"],
        summary: "two volumes of the pod have the same name",
        mend: &[Say("Shorten the names of the ServiceAccount's Secrets and of the volumes.")],
        source: "tektoncd/pipeline#1941",
        example: ("PodCreationFailed", "multiple volumes with same name \"tekton-internal-secret-volume-x\""),
        ..CAUSE
    },
    Rule {
        id: "RequestAboveLimit",
        on: CONDITION,
        patterns: &[
            "Invalid value: \"{value}\": must be less than or equal to {resource} limit",
            "invalid request resource value: {value} must be less or equal to limit",
        ],
        summary: "a step asks for {value}, more than its limit (which a LimitRange may have set)",
        mend: &[Say("Set request and limit both."), Kubectl("describe limitrange")],
        source: "tektoncd/pipeline#5230",
        example: ("PodCreationFailed", "Invalid value: \"300Mi\": must be less than or equal to memory limit"),
        ..CAUSE
    },
    Rule {
        id: "ImageNeverPulled",
        patterns: &["Container image \"{image}\" is not present with pull policy of Never"],
        summary: "image {image} is not on the node, and `imagePullPolicy: Never` forbids to pull it",
        mend: &[Say("Load the image into the node, correct its name, or take the policy away.")],
        source: "Kubernetes kubelet, ErrImageNeverPull",
        example: ("ErrImageNeverPull", "Container image \"localhost/nowhere:1\" is not present with pull policy of Never"),
        ..CAUSE
    },
    Rule {
        id: "ImageNameInvalid",
        patterns: &[
            "couldn't parse image name \"{image}\": {why…}",
            "couldn't parse image reference \"{image}\": {why…}",
            "Failed to apply default image tag \"{image}\": {why…}",
        ],
        summary: "{image} is no image name: {why}",
        mend: &[Say("Correct the step's `image`; a variable that stayed empty shows here as well.")],
        source: "Kubernetes kubelet, InvalidImageName",
        example: (
            "InvalidImageName",
            "Failed to apply default image tag \"localhost/NoWhere:1\": couldn't parse image name \"localhost/NoWhere:1\": invalid reference format",
        ),
        ..CAUSE
    },
    Rule {
        id: "ImagePullUnauthorized",
        patterns: &[
            "failed to pull and unpack image \"{image}\": {_…}401 Unauthorized",
            "failed to pull and unpack image \"{image}\": {_…}pull access denied",
            "failed to pull and unpack image \"{image}\": {_…}authorization failed",
            "pulling image \"{image}\": {_…}pull access denied",
        ],
        summary: "the registry does not give image {image} to this namespace: it is private, or is not there",
        mend: &[
            Say("Images are pulled with the ServiceAccount's `imagePullSecrets` (`secrets` are for steps only):"),
            Own("secret create docker NAME --config FILE"),
            Kubectl("patch serviceaccount {account} -p '{{\"imagePullSecrets\":[{{\"name\":\"NAME\"}}]}}'"),
        ],
        source: "docs/auth.md",
        example: (
            "ErrImagePull",
            "failed to pull and unpack image \"docker.io/me/x:1\": failed to resolve reference: pull access denied, repository does not exist",
        ),
        ..CAUSE
    },
    Rule {
        id: "ImageMissing",
        patterns: &["failed to pull and unpack image \"{image}\": {_…}: not found", "manifest for {image} not found"],
        summary: "the registry has no image {image}",
        mend: &[Say("Correct the name or tag of the step's `image`.")],
        source: "Kubernetes kubelet, ErrImagePull",
        example: (
            "ErrImagePull",
            "failed to pull and unpack image \"docker.io/library/busybox:99\": failed to resolve reference \"docker.io/library/busybox:99\": docker.io/library/busybox:99: not found",
        ),
        ..CAUSE
    },
    Rule {
        id: "ImagePullFailed",
        patterns: &[
            "failed to pull and unpack image \"{image}\": {why…}",
            "Back-off pulling image \"{image}\": {why…}",
            "Back-off pulling image \"{image}\"",
            "Failed to pull image \"{image}\": {why…}",
        ],
        summary: "image {image} cannot be pulled",
        mend: &[
            Say("Look at the name, the tag, and whether the node reaches the registry. For a private registry:"),
            Own("secret create docker NAME --config FILE"),
            Kubectl("patch serviceaccount {account} -p '{{\"imagePullSecrets\":[{{\"name\":\"NAME\"}}]}}'"),
        ],
        source: "tektoncd/pipeline#4895",
        example: ("ImagePullBackOff", "Back-off pulling image \"localhost/nowhere:1\""),
        ..CAUSE
    },
    Rule {
        id: "ImagePullWaits",
        reasons: &[
            "ImagePullBackOff",
            "ErrImagePull",
            "ImageInspectError",
            "RegistryUnavailable",
            "PullImageFailed",
            "TaskRunImagePullFailed",
        ],
        weight: Weight::Symptom,
        summary: "the image of step {step} cannot be pulled",
        mend: &[Kubectl("describe pod {pod}")],
        source: "pkg/pod/status.go",
        example: ("RegistryUnavailable", "registry is unavailable"),
        ..CAUSE
    },
    Rule {
        id: "EnvConfigMapMissing",
        patterns: &["configmap \"{map}\" not found"],
        summary: "step {step} needs ConfigMap {map}, which does not exist in namespace {namespace}",
        mend: &[Say("Make it, or mark the reference `optional: true`:"), Kubectl("create configmap {map} --from-literal=KEY=VALUE")],
        source: "pkg/pod/status.go, reason CreateContainerConfigError",
        example: ("CreateContainerConfigError", "configmap \"nowhere\" not found"),
        ..CAUSE
    },
    Rule {
        id: "EnvSecretMissing",
        patterns: &["secret \"{secret}\" not found"],
        summary: "step {step} needs Secret {secret}, which does not exist in namespace {namespace}",
        mend: &[
            Say("Make it, or mark the reference `optional: true`:"),
            Kubectl("create secret generic {secret} --from-literal=KEY=VALUE"),
        ],
        source: "pkg/pod/status.go, reason CreateContainerConfigError",
        example: ("CreateContainerConfigError", "secret \"nowhere\" not found"),
        ..CAUSE
    },
    Rule {
        id: "ConfigKeyMissing",
        patterns: &["couldn't find key {key} in ConfigMap {map}", "couldn't find key {key} in Secret {map}"],
        summary: "{map} has no key {key}, from which step {step} takes its environment",
        mend: &[Say("Add the key, or correct the reference.")],
        source: "pkg/pod/status.go, reason CreateContainerConfigError",
        example: ("CreateContainerConfigError", "couldn't find key a in ConfigMap ns/settings"),
        ..CAUSE
    },
    Rule {
        id: "RootImageRefused",
        patterns: &["container has runAsNonRoot and image will run as root"],
        summary: "step {step} may not run as root, and its image does",
        mend: &[Say("Give it a user:"), Yaml("securityContext:\n  runAsUser: 65532")],
        source: "Kubernetes kubelet",
        example: ("CreateContainerConfigError", "Error: container has runAsNonRoot and image will run as root"),
        ..CAUSE
    },
    Rule {
        id: "ContainerConfigInvalid",
        reasons: &["CreateContainerConfigError", "CreateContainerError", "RunContainerError"],
        ..Rule {
            summary: "a container of the pod could not be made from its configuration",
            mend: &[Kubectl("describe pod {pod}")],
            source: "pkg/pod/status.go",
            example: ("CreateContainerConfigError", "Failed to create pod due to config error"),
            ..SYMPTOM
        }
    },
    Rule {
        id: "QuotaConflict",
        weight: Weight::Follow,
        patterns: &["failed with ResourceQuotaConflictError", "tried to create pod, but it already exists"],
        summary: "making the pod collided with another change; Tekton tries again by itself",
        mend: &[Say("Nothing to do.")],
        source: "pkg/reconciler/taskrun",
        example: ("Pending", "tried to create pod, but it failed with ResourceQuotaConflictError"),
        ..CAUSE
    },
    Rule {
        id: "NodeExhausted",
        on: &[Place::Condition, Place::Terminated],
        patterns: &["The node was low on resource: {resource}."],
        summary: "the pod was evicted since its node ran out of {resource}",
        mend: &[Say("Give the step requests for it, clean up the node, and start the run again.")],
        source: "pkg/pod/status.go, reason PodEvicted",
        example: ("PodEvicted", "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi"),
        ..CAUSE
    },
    Rule {
        id: "NodeLost",
        on: &[Place::Condition, Place::Event],
        reasons: &["NodeNotReady", "TaintManagerEviction", "PodEvicted"],
        summary: "the pod's node was lost or sent it away",
        mend: &[Say("Start the run again."), Anywhere("get nodes")],
        source: "Kubernetes node controller",
        example: ("NodeNotReady", "Node is not ready"),
        ..CAUSE
    },
    Rule {
        id: "NodesCannotTakePod",
        reasons: &["Unschedulable", "FailedScheduling", "ExceededNodeResources"],
        summary: "no node can take the pod",
        mend: &[Kubectl("describe pod {pod}")],
        source: "pkg/pod/status.go",
        example: ("Unschedulable", "0/1 nodes are available: something new."),
        ..SYMPTOM
    },
    Rule {
        id: "PodNotMade",
        on: CONDITION,
        reasons: &["PodCreationFailed", "PodAdmissionFailed", "CreateRunFailed"],
        summary: "the server refused to make the pod or TaskRun; the message says why",
        mend: &[Own("{noun} describe {name}")],
        source: "pkg/reconciler/taskrun",
        example: ("PodCreationFailed", "failed to create task run pod \"x\": something new. Maybe invalid TaskSpec"),
        ..SYMPTOM
    },
    Rule {
        id: "PodNotStarted",
        on: CONDITION,
        weight: Weight::Follow,
        reasons: &["Pending"],
        summary: "the pod has not started yet; that takes seconds, so after a minute something holds it up",
        mend: &[Say("The events of the pod mostly tell:"), Kubectl("describe pod {pod}")],
        source: "pkg/pod/status.go",
        example: ("Pending", "pod status \"PodReadyToStartContainers\":\"False\"; message: \"\""),
        ..SYMPTOM
    },
];
