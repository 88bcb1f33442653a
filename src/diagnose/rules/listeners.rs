//! EventListeners: they answer 202 to every event, so that only their rights, references and log tell what went wrong.

use super::Mend::{Anywhere, Kubectl, Own, Say, Yaml};
use super::{CONDITION, LOG, Mend, Rule, Weight};
use crate::diagnose::checks::{rights_are_there, runs_as_default};
use crate::diagnose::evidence::Place;

const CAUSE: Rule = Rule::of(Weight::Cause, LOG);
const RIGHTS: &[Place] = &[Place::Access, Place::Log, Place::Condition];

/// The refusals of the API server, as the listener logs them and the access review answers them.
const REFUSED: &[&str] = &[
    "{resource}.triggers.tekton.dev is forbidden: User \"system:serviceaccount:{_}:{user}\" cannot {verb} resource",
    "{resource} is forbidden: User \"system:serviceaccount:{_}:{user}\" cannot {verb} resource",
    "Error getting EventListener {_} in Namespace {_}: {resource}.triggers.tekton.dev \"{_}\" is forbidden",
    "may not {verb} {resource…}",
];
const REFUSED_EXAMPLE: (&str, &str) = (
    "",
    "failed to list *v1alpha1.ClusterInterceptor: clusterinterceptors.triggers.tekton.dev is forbidden: User \\\"system:serviceaccount:ns:default\\\" cannot list resource \\\"clusterinterceptors\\\" in API group \\\"triggers.tekton.dev\\\" at the cluster scope",
);
const REFUSED_SOURCE: &str = "tektoncd/triggers#902, #1780; config/200-clusterrole.yaml";

/// Gives the rights to an account of the listener's own.
const OWN_ACCOUNT: &[Mend] = &[
    Say("Make a ServiceAccount for it, give that the two bindings, and name it in the EventListener's spec:"),
    Own("sa create {name}-sa"),
    Own("sa grant {name}-sa --for eventlistener"),
    Kubectl("patch eventlistener {name} --type merge -p '{{\"spec\":{{\"serviceAccountName\":\"{name}-sa\"}}}}'"),
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ListenerRightsCameLater",
        on: &[Place::Log],
        patterns: REFUSED,
        check: Some(rights_are_there),
        weight: Weight::Symptom,
        summary: "the listener's log tells of missing rights that ServiceAccount {account} has by now",
        mend: &[Say("The listener takes them up at its next start; to start it now:"), Kubectl("rollout restart deployment el-{name}")],
        source: REFUSED_SOURCE,
        example: REFUSED_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ListenerWithoutAccount",
        on: RIGHTS,
        patterns: REFUSED,
        check: Some(runs_as_default),
        summary: "the EventListener runs under ServiceAccount default, which may not read triggers and interceptors, so it never becomes ready",
        mend: OWN_ACCOUNT,
        source: REFUSED_SOURCE,
        example: REFUSED_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "ListenerForbidden",
        on: RIGHTS,
        patterns: REFUSED,
        summary: "ServiceAccount {account}, under which the EventListener runs, lacks rights that it needs, so that it never becomes ready",
        mend: &[Say("Bind it to the roles that Tekton Triggers brings for listeners:"), Own("sa grant {account} --for eventlistener")],
        source: REFUSED_SOURCE,
        example: REFUSED_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "CaBundleEmpty",
        patterns: &["empty caBundle in clusterInterceptor spec"],
        summary: "the ClusterInterceptors have no certificate, or were deleted: the core interceptors did not come up after them",
        mend: &[
            Anywhere("get clusterinterceptors"),
            Say("Where there are none, apply the interceptors.yaml of this release of Triggers again. Then:"),
            Anywhere("-n tekton-pipelines rollout restart deployment tekton-triggers-core-interceptors"),
            Kubectl("rollout restart deployment el-{name}"),
        ],
        source: "seen with Triggers v0.37",
        example: ("", "Timed out waiting on CaBundle to available for clusterInterceptor: empty caBundle in clusterInterceptor spec"),
        ..CAUSE
    },
    Rule {
        id: "CaBundleAwaited",
        weight: Weight::Symptom,
        patterns: &["Timed out waiting on CaBundle", "failed to start informers"],
        summary: "the listener gave up waiting for what it reads at its start",
        mend: &[Say("Mostly it lacks the rights to read it:"), Own("sa describe {account}"), Own("sa grant {account} --for eventlistener")],
        source: "tektoncd/triggers#1780",
        example: ("", "Start returned an error: Timed out waiting on CaBundle to available for clusterInterceptor"),
        ..CAUSE
    },
    Rule {
        id: "TriggerReferenceMissing",
        on: &[Place::Reference],
        patterns: &[
            "{user…} refers to {kind} {missing}, which does not exist; there is {near}",
            "{user…} refers to {kind} {missing}, which does not exist",
        ],
        summary: "{user} refers to {kind} {missing}, which does not exist: events are answered with 202 and nothing is made",
        mend: &[Say("Correct the reference, or make the {kind}:"), Own("apply -f {missing}.yaml")],
        source: "tektoncd/triggers#1898",
        example: ("", "trigger t refers to TriggerTemplate tt-tt, which does not exist"),
        ..CAUSE
    },
    Rule {
        id: "TriggerReferenceNotFound",
        patterns: &[
            "error getting TriggerTemplate {missing}: {why…}",
            "error getting TriggerBinding {missing}: {why…}",
            "error getting ClusterTriggerBinding {missing}: {why…}",
            "{kind}.triggers.tekton.dev \"{missing}\" not found",
        ],
        weight: Weight::Symptom,
        summary: "there is no {missing}, which a trigger refers to",
        mend: &[Say("Correct the reference, or make it:"), Own("apply -f {missing}.yaml")],
        source: "pkg/sink",
        example: ("", "error getting TriggerTemplate tt-tt: triggertemplates.triggers.tekton.dev \"tt-tt\" not found"),
        ..CAUSE
    },
    Rule {
        id: "TriggerMakesWhatIsRefused",
        patterns: &["couldn't create resource with group version kind {_…}: {why…}"],
        summary: "what the TriggerTemplate makes of the event is refused: {why}",
        mend: &[Say("Correct the TriggerTemplate, or the values that its params get:"), Own("tt list")],
        source: "seen with Triggers v0.37",
        example: (
            "",
            "problem creating obj: couldn't create resource with group version kind \"tekton.dev/v1, Resource=pipelineruns\": the server could not find the requested resource",
        ),
        ..CAUSE
    },
    Rule {
        id: "EventBreaksTemplate",
        patterns: &["couldn't unmarshal json from the TriggerTemplate: {why…}", "couldn't unmarshal json from the TriggerTemplate"],
        summary: "with the values of an event in it, the TriggerTemplate is no JSON any more: an object or list stands where it has a text",
        mend: &[
            Say("Let the TriggerBinding take a field that is a text, or do without the quotes around `$(tt.params.…)`."),
            Own("tb list"),
        ],
        source: "pkg/template; docs/triggertemplates.md",
        example: ("", "couldn't unmarshal json from the TriggerTemplate: invalid character 'm' after object key:value pair"),
        ..CAUSE
    },
    Rule {
        id: "EventLacksField",
        patterns: &[
            "failed to replace JSONPath value for param {param}: {expression}: {field} is not found",
            "failed to ApplyEventValuesToParams: {why…}",
        ],
        summary: "the event has not the field that a TriggerBinding takes a param from",
        mend: &[
            Say("Correct the binding's expression, or let the TriggerTemplate declare a default for the param:"),
            Own("tb list"),
            Yaml("spec:\n  params:\n  - name: NAME\n    default: VALUE"),
        ],
        source: "pkg/template",
        example: ("", "failed to ApplyEventValuesToParams: failed to replace JSONPath value for param url: $(body.url): url is not found"),
        ..CAUSE
    },
    Rule {
        id: "EventNotJson",
        patterns: &["Invalid event body format", "invalid event body format"],
        summary: "an event's body was no JSON, and was answered with 400",
        mend: &[
            Say("Let the sender post JSON with `Content-Type: application/json`; to try by hand:"),
            Own("el send {name} -d '{{\"url\": \"…\"}}'"),
        ],
        source: "pkg/sink",
        example: ("", "Invalid event body format : invalid character 'x' looking for beginning of value"),
        ..CAUSE
    },
    Rule {
        id: "EventFormEncoded",
        patterns: &["form parameter encoding not supported"],
        summary: "the sender posts a form; the GitHub interceptor wants JSON",
        mend: &[Say("Set the webhook's content type to application/json.")],
        source: "pkg/interceptors/github",
        example: ("", "form parameter encoding not supported, please change the hook to send JSON payloads"),
        ..CAUSE
    },
    Rule {
        id: "SignatureMissing",
        patterns: &["no X-Hub-Signature-256 header set", "no X-Hub-Signature header set", "no X-Gitlab-Token header set"],
        summary: "an event came without the signature that the interceptor demands",
        mend: &[Say(
            "Set the secret in the sender's webhook settings to the value in the Secret that the interceptor's `secretRef` names.",
        )],
        source: "docs/troubleshooting.md",
        example: ("", "no X-Hub-Signature-256 header set"),
        ..CAUSE
    },
    Rule {
        id: "SignatureWrong",
        patterns: &["Invalid X-GitLab-Token", "payload signature check failed"],
        summary: "an event's signature does not match the secret that the interceptor knows",
        mend: &[Say("Set the same value in the sender's webhook settings and in the Secret that `secretRef` names.")],
        source: "pkg/interceptors",
        example: ("", "Invalid X-GitLab-Token"),
        ..CAUSE
    },
    Rule {
        id: "EventFiltered",
        weight: Weight::Follow,
        patterns: &[
            "event type {event} is not allowed",
            "expression {expression…} did not return true",
            "expression \"{expression…}\" check failed",
        ],
        summary: "an interceptor let an event pass by, as it was told to",
        mend: &[Own("el describe {name}")],
        source: "pkg/interceptors",
        example: ("", "event type push is not allowed"),
        ..CAUSE
    },
    Rule {
        id: "CelFilterInvalid",
        patterns: &["error evaluating cel expression: {why…}", "error evaluating cel expression"],
        summary: "a CEL expression of an interceptor cannot be evaluated",
        mend: &[Say("Correct the expression under `params` of the interceptor.")],
        source: "pkg/interceptors/cel",
        example: ("", "error evaluating cel expression: no such key: ref"),
        ..CAUSE
    },
    Rule {
        id: "InterceptorSecretMissing",
        patterns: &["cannot find {key} key in secret {where}"],
        summary: "Secret {where} has no key {key}, which an interceptor's `secretRef` names",
        mend: &[Say("Add the key to the Secret, or correct `secretRef.secretKey`.")],
        source: "pkg/interceptors",
        example: ("", "cannot find token key in secret ns/hook"),
        ..CAUSE
    },
    Rule {
        id: "InterceptorNotReached",
        patterns: &[
            "\"logger\":\"eventlistener\"{_…}\"message\":\"Post \"{url}\": {why…}\",\"eventlistener\"",
            "\"logger\":\"eventlistener\"{_…}\"msg\":\"Post \"{url}\": {why…}\",\"",
        ],
        summary: "the interceptor at {url} does not answer ({why}), so that its trigger makes nothing of the event",
        mend: &[
            Say("Look whether the Service that the interceptor names is there, and its pods run:"),
            Own("el describe {name}"),
            Own("clusterinterceptor list"),
            Kubectl("get services,endpoints"),
        ],
        source: "seen with Triggers v0.37, sink/sink.go",
        example: (
            "",
            "{\"severity\":\"error\",\"logger\":\"eventlistener\",\"caller\":\"sink/sink.go:413\",\"message\":\"Post \\\"http://nosvc.ns.svc/\\\": context deadline exceeded\",\"eventlistener\":\"tt-ev\"}",
        ),
        ..CAUSE
    },
    Rule {
        id: "InterceptorRefused",
        patterns: &[
            "interceptor response was not 200: {why…}",
            "interceptor response was not 200",
            "request rejected; status: {why…}",
            "url resolution failed for interceptor {why…}",
        ],
        summary: "an interceptor could not be asked, or answered with an error",
        mend: &[Say("Look whether it runs and answers:"), Own("clusterinterceptor list")],
        source: "pkg/interceptors",
        example: ("", "url resolution failed for interceptor mine with: not found"),
        ..CAUSE
    },
    Rule {
        id: "DuplicateParam",
        patterns: &["duplicate param name"],
        summary: "two bindings of a trigger give the same param",
        mend: &[Say("Take one of them out.")],
        source: "pkg/template",
        example: ("", "duplicate param name: url"),
        ..CAUSE
    },
    Rule {
        id: "GenerateNameInvalid",
        patterns: &["metadata.generateName: Invalid value: \"{value}\"", "metadata.name: Invalid value: \"{value}\""],
        summary: "the TriggerTemplate makes an object with the name {value}, which is not allowed",
        mend: &[Say("Names are lower-case letters, digits and `-`: correct `generateName` in the TriggerTemplate.")],
        source: "tektoncd/triggers#1183",
        example: ("", "PipelineRun.tekton.dev \"Build-x\" is invalid: metadata.generateName: Invalid value: \"Build-\""),
        ..CAUSE
    },
    Rule {
        id: "ListenerNotAvailable",
        weight: Weight::Symptom,
        on: CONDITION,
        reasons: &["MinimumReplicasUnavailable"],
        summary: "the EventListener's pod is not ready, so nobody answers events",
        mend: &[Kubectl("get pods -l eventlistener={name}"), Kubectl("logs -l eventlistener={name} --tail 50")],
        source: "pkg/reconciler/eventlistener",
        example: ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
        ..CAUSE
    },
];
