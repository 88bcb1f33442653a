//! Tasks and pipelines that are fetched from elsewhere.

use super::Mend::{Anywhere, Kubectl, Own, Say, Yaml};
use super::{CONDITION, Rule, Weight};

const CAUSE: Rule = Rule::of(Weight::Cause, CONDITION);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ResolverSwitchedOff",
        patterns: &["enable-{resolver}-resolver feature flag not true"],
        summary: "the {resolver} resolver is switched off in this cluster",
        mend: &[Anywhere(
            "-n tekton-pipelines-resolvers patch configmap resolvers-feature-flags --type merge -p '{{\"data\":{{\"enable-{resolver}-resolver\":\"true\"}}}}'",
        )],
        source: "pkg/remoteresolution",
        example: ("CouldntGetTask", "cannot handle resolution request, enable-git-resolver feature flag not true"),
        ..CAUSE
    },
    Rule {
        id: "TektonHubGone",
        patterns: &["please configure TEKTON_HUB_API env variable to use tekton type"],
        summary: "the hub resolver is asked for the Tekton Hub, which no longer exists",
        mend: &[
            Say("Take the Task from Artifact Hub:"),
            Yaml("params:\n- {{name: type, value: artifact}}\n- {{name: catalog, value: tekton-catalog-tasks}}"),
        ],
        source: "pkg/resolution/resolver/hub",
        example: ("CouldntGetTask", "please configure TEKTON_HUB_API env variable to use tekton type"),
        ..CAUSE
    },
    Rule {
        id: "HubLacksResource",
        patterns: &["requested resource '{resource}' not found on hub", "no version found for constraint {resource…}"],
        summary: "the hub has no {resource}",
        mend: &[Say("Correct name, version and catalog of the hub resolver's params.")],
        source: "pkg/resolution/resolver/hub",
        example: ("CouldntGetTask", "requested resource 'https://artifacthub.io/api/v1/packages/tekton-task/x' not found on hub"),
        ..CAUSE
    },
    Rule {
        id: "ResolverParamsMissing",
        patterns: &[
            "missing required hub resolver params: {params…}",
            "missing required cluster resolver params: {params…}",
            "missing required git resolver params: {params…}",
            "missing required {_…} params: {params…}",
        ],
        summary: "the resolver lacks params: {params}",
        mend: &[Say("Give them under `params` of the reference.")],
        source: "pkg/resolution/resolver",
        example: ("CouldntGetTask", "missing required cluster resolver params: name"),
        ..CAUSE
    },
    Rule {
        id: "HubUrlMissing",
        patterns: &["no hub URL configured for type"],
        summary: "no hub is configured for the type that the reference names",
        mend: &[Say("Use `type: artifact`, or configure the hub in ConfigMap hubresolver-config.")],
        source: "pkg/resolution/resolver/hub",
        example: ("CouldntGetTask", "no hub URL configured for type tekton"),
        ..CAUSE
    },
    Rule {
        id: "GitResolverUnauthorized",
        patterns: &["clone error: authentication required"],
        summary: "the git resolver may not read the repository without a token",
        mend: &[Say(
            "Give the resolver a token: params `token` and `tokenKey` name a Secret of this namespace, or set it in ConfigMap git-resolver-config.",
        )],
        source: "docs/git-resolver.md",
        example: ("CouldntGetTask", "clone error: authentication required"),
        ..CAUSE
    },
    Rule {
        id: "GitResolverTokenMissing",
        patterns: &[
            "cannot get API token, secret {secret} not found in namespace {where}",
            "cannot get API token, key {key} not found in secret {secret}",
        ],
        summary: "the git resolver's token is not where its configuration says: Secret {secret}",
        mend: &[Say("Make that Secret, or correct ConfigMap git-resolver-config.")],
        source: "pkg/resolution/resolver/git",
        example: ("CouldntGetTask", "cannot get API token, secret s not found in namespace n"),
        ..CAUSE
    },
    Rule {
        id: "GitResolverPathMissing",
        patterns: &["error opening file \"{path}\": file does not exist"],
        summary: "the repository has no file {path} at that revision",
        mend: &[Say("Correct `pathInRepo` and `revision` of the git resolver's params.")],
        source: "pkg/resolution/resolver/git",
        example: ("CouldntGetTask", "error opening file \"task/x.yaml\": file does not exist"),
        ..CAUSE
    },
    Rule {
        id: "GitResolverParamsWrong",
        patterns: &["must specify one of 'url' or 'repo'", "'org' is required when 'repo' is specified", "invalid git repository url"],
        summary: "the git resolver's params do not name a repository",
        mend: &[Say("Give `url`; or `repo` together with `org`.")],
        source: "pkg/resolution/resolver/git",
        example: ("CouldntGetTask", "must specify one of 'url' or 'repo'"),
        ..CAUSE
    },
    Rule {
        id: "GitResolverNotReached",
        patterns: &[
            "git clone error: {_…}unable to access '{url}': {why…}",
            "unable to access '{url}': {why…}",
            "git {_} error: {why…}",
            "clone error: {why…}",
        ],
        summary: "the git resolver cannot fetch the repository: {why}",
        mend: &[
            Say("Look at `url` and `revision` of the resolver's params, and at the network of the resolvers' pod:"),
            Anywhere("-n tekton-pipelines-resolvers logs deploy/tekton-pipelines-remote-resolvers --tail 50"),
        ],
        source: "pkg/resolution/resolver/git",
        example: ("CouldntGetTask", "error resolving repository: git clone error: exit status 128"),
        ..CAUSE
    },
    Rule {
        id: "ClusterResolverRefused",
        patterns: &[
            "access to specified namespace {where} is blocked",
            "access to specified namespace {where} is not allowed",
            "only explicit allowed access to namespaces is allowed",
        ],
        summary: "the cluster resolver may not read that namespace",
        mend: &[
            Say("Add it to `allowed-namespaces` (and take it out of `blocked-namespaces`):"),
            Anywhere("-n tekton-pipelines-resolvers edit configmap cluster-resolver-config"),
        ],
        source: "docs/cluster-resolver.md",
        example: ("CouldntGetTask", "access to specified namespace prod is blocked"),
        ..CAUSE
    },
    Rule {
        id: "BundleNotFetched",
        patterns: &["cannot retrieve the oci image: {why…}"],
        summary: "the bundle's image cannot be fetched: {why}",
        mend: &[
            Say("Look at the reference; for a private registry, the ServiceAccount of the params needs the registry's Secret:"),
            Own("secret create docker NAME --config FILE"),
            Own("sa add-secret {account} NAME"),
        ],
        source: "docs/bundle-resolver.md",
        example: ("CouldntGetTask", "cannot retrieve the oci image: GET https://x: UNAUTHORIZED"),
        ..CAUSE
    },
    Rule {
        id: "BundleLacksObject",
        patterns: &["could not find object in image with kind: {kind} and name: {object_name}"],
        summary: "the bundle holds no {kind} named {object_name}",
        mend: &[Say("Correct `name` and `kind` of the resolver's params (the kind in lower case).")],
        source: "pkg/resolution/resolver/bundle",
        example: ("CouldntGetTask", "could not find object in image with kind: task and name: x"),
        ..CAUSE
    },
    Rule {
        id: "BundleInvalid",
        patterns: &["does not contain a dev.tekton.image.{_} annotation", "contained more than the maximum {_} allow objects"],
        summary: "the image is no Tekton bundle",
        mend: &[Say("Make it with a tool that writes bundles, with at most 20 objects in it.")],
        source: "docs/tekton-bundle-contracts.md",
        example: ("CouldntGetTask", "the layer 0 does not contain a dev.tekton.image.apiVersion annotation"),
        ..CAUSE
    },
    Rule {
        id: "HttpResolverMissing",
        patterns: &["requested URL '{url}' is not found"],
        summary: "there is nothing at {url}",
        mend: &[Say("Correct `url` of the http resolver's params.")],
        source: "pkg/resolution/resolver/http",
        example: ("CouldntGetTask", "requested URL 'https://example.org/t.yaml' is not found"),
        ..CAUSE
    },
    Rule {
        id: "HttpResolverRefused",
        patterns: &["SHA mismatch", "response body exceeds maximum allowed size"],
        summary: "what the http resolver fetched is not what was asked for: other content than its checksum, or too large",
        mend: &[Say("Correct the checksum in the params, or the URL.")],
        source: "pkg/resolution/resolver/http",
        example: ("CouldntGetTask", "SHA mismatch, expected a got b"),
        ..CAUSE
    },
    Rule {
        id: "ResolutionTimedOut",
        patterns: &[
            "ResolutionTimedOut",
            "resolution took longer than global timeout",
            "failed to run resolver: context deadline exceeded",
        ],
        summary: "the resolver did not answer within its minute",
        mend: &[Say("Start the run again; if it stays so, look at the resolvers:"), Anywhere("-n tekton-pipelines-resolvers get pods")],
        source: "tektoncd/pipeline#6025, #8571",
        example: ("CouldntGetTask", "resolution took longer than global timeout of 1m0s"),
        ..CAUSE
    },
    Rule {
        id: "Resolving",
        weight: Weight::Symptom,
        reasons: &["ResolvingPipelineRef", "ResolvingTaskRef", "ResolvingStepActionRef"],
        summary: "a resolver has not answered yet; that takes seconds, so after a minute something is wrong with it",
        mend: &[Kubectl("get resolutionrequests"), Anywhere("-n tekton-pipelines-resolvers get pods")],
        source: "tektoncd/pipeline#10414",
        example: ("ResolvingTaskRef", "TaskRun ns/x awaiting remote resource"),
        ..CAUSE
    },
    Rule {
        id: "RemoteResourceFailed",
        weight: Weight::Symptom,
        patterns: &["error requesting remote resource: {why…}"],
        summary: "a resolver could not fetch a Task or Pipeline: {why}",
        mend: &[Kubectl("get resolutionrequests")],
        source: "pkg/remoteresolution",
        example: ("CouldntGetTask", "error requesting remote resource: error getting \"Git\" \"ns/git-1\": something"),
        ..CAUSE
    },
];
