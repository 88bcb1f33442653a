//! Webhooks of Tekton that do not answer, and content that the server refuses.

use super::Mend::{Anywhere, Kubectl, Own, Say};
use super::{Rule, Weight};
use crate::diagnose::evidence::Place;

const ANYWHERE: &[Place] = &[Place::Condition, Place::Event, Place::Log];
const CAUSE: Rule = Rule::of(Weight::Cause, ANYWHERE);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "InterceptorCertificateStale",
        patterns: &["tekton-triggers-core-interceptors{_…}x509: certificate signed by unknown authority"],
        summary: "the certificate of Tekton's interceptors is not the one that the ClusterInterceptors name in `caBundle`",
        mend: &[Anywhere("-n tekton-pipelines rollout restart deployment tekton-triggers-core-interceptors"), Own("el describe {name}")],
        source: "tektoncd/triggers#1645, #1644",
        example: (
            "",
            "Post \"https://tekton-triggers-core-interceptors.tekton-pipelines.svc:8443/gitlab\": x509: certificate signed by unknown authority",
        ),
        ..CAUSE
    },
    Rule {
        id: "WebhookCertificateStale",
        patterns: &["failed calling webhook \"{webhook}\": {_…}x509: certificate signed by unknown authority"],
        summary: "the certificate of webhook {webhook} is not the one that the server was told of",
        mend: &[
            Say("Let the webhook make a new one; it stands beside its Secret (`webhook-certs`, for Triggers `triggers-webhook-certs`):"),
            Anywhere("-n tekton-pipelines delete secret webhook-certs"),
            Anywhere("-n tekton-pipelines rollout restart deployment tekton-pipelines-webhook"),
        ],
        source: "tektoncd/triggers#875",
        example: (
            "CreateRunFailed",
            "failed calling webhook \"webhook.pipeline.tekton.dev\": Post \"https://x\": x509: certificate signed by unknown authority",
        ),
        ..CAUSE
    },
    Rule {
        id: "WebhookDoesNotAnswer",
        patterns: &["failed calling webhook \"{webhook}\": {why…}"],
        summary: "webhook {webhook} does not answer the server: {why}",
        mend: &[
            Say("Wait until its pod is ready; on private clusters, let the server reach the nodes on port 8443:"),
            Anywhere("-n tekton-pipelines get pods"),
        ],
        source: "tektoncd/pipeline#2207, #760",
        example: (
            "CreateRunFailed",
            "failed calling webhook \"webhook.pipeline.tekton.dev\": failed to call webhook: Post \"https://x\": connection refused",
        ),
        ..CAUSE
    },
    Rule {
        id: "FieldUnknown",
        patterns: &["json: unknown field \"{field}\""],
        summary: "the object has a field {field} that its apiVersion does not know",
        mend: &[Say("Take it out, or write the object for the version that this cluster serves:"), Own("version")],
        source: "tektoncd/pipelines-tutorial#113",
        example: ("", "mutation failed: cannot decode incoming new object: json: unknown field \"resources\""),
        ..CAUSE
    },
    Rule {
        id: "ContentRefused",
        patterns: &["admission webhook \"{webhook}\" denied the request: {why…}"],
        summary: "Tekton refuses the content of an object: {why}",
        mend: &[Say("Correct the field that the message names in the Pipeline, the Task, or the TriggerTemplate that makes them.")],
        source: "pkg/apis validation",
        example: (
            "CreateRunFailed",
            "admission webhook \"validation.webhook.pipeline.tekton.dev\" denied the request: validation failed: missing field(s): spec.steps",
        ),
        ..CAUSE
    },
    Rule {
        id: "KindNotServed",
        patterns: &[
            "no matches for kind \"{kind}\" in version \"{version}\"",
            "could not find resource with apiVersion {version} and kind {kind}",
        ],
        summary: "the cluster does not serve {kind} in version {version}",
        mend: &[Say("Write the object for a version that is served, or install what serves it:"), Own("version")],
        source: "Kubernetes discovery",
        example: ("", "no matches for kind \"Pipeline\" in version \"tekton.dev/v1alpha1\""),
        ..CAUSE
    },
    Rule {
        id: "ControllerCrashes",
        on: &[Place::Waiting],
        weight: Weight::Symptom,
        reasons: &["CrashLoopBackOff"],
        summary: "a container of {object} ends again and again",
        mend: &[Kubectl("logs {pod} --previous")],
        source: "Kubernetes kubelet",
        example: ("CrashLoopBackOff", "back-off 10s restarting failed container"),
        ..CAUSE
    },
];
