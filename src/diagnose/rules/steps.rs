//! Steps that ran and failed.

use super::Mend::{Anywhere, Kubectl, Own, Say, Shell, Yaml};
use super::{END, LOG, Rule, Weight};
use crate::diagnose::checks::{ended_with_127, workspace_is_apart};
use crate::diagnose::evidence::Place;

const CAUSE: Rule = Rule::of(Weight::Cause, END);

/// What shells say of a program that is not there.
pub(super) const NOT_FOUND: &[&str] =
    &["{_}: line {_}: {program}: not found", "{_}: line {_}: {program}: command not found", "{_}: {_}: {program}: not found"];

/// What the entrypoint says of results that do not fit.
pub(super) const TOO_LARGE: &[&str] = &["Termination message is above max allowed size {size}, caused by large task result"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "FailureIgnored",
        weight: Weight::Note,
        reasons: &["FailureIgnored"],
        patterns: &[""],
        summary: "{object} failed, which its pipeline ignores (`onError: continue`)",
        mend: &[Say("Nothing to do, unless the failure matters.")],
        source: "docs/pipelines.md",
        example: ("FailureIgnored", "\"step-a\" exited with code 1: Error"),
        ..CAUSE
    },
    Rule {
        id: "InitContainerOutOfMemory",
        reasons: &["InitContainerOOM"],
        patterns: &["\"{container}\" exited with", ""],
        summary: "init container {container}, which runs before the steps, used more memory than its limit allows",
        mend: &[Say("Raise its memory limit; for Tekton's own (prepare, place-scripts) that is in ConfigMap config-defaults.")],
        source: "pkg/pod/status.go",
        example: ("InitContainerOOM", "init container failed, \"prepare\" exited with code 137: OOMKilled"),
        ..CAUSE
    },
    Rule {
        id: "SidecarOutOfMemory",
        reasons: &["SidecarOOM"],
        patterns: &[""],
        summary: "a container beside the steps ran out of memory",
        mend: &[Say("Raise the memory limit of the sidecar.")],
        source: "pkg/pod/status.go",
        example: ("SidecarOOM", "sidecar out of memory"),
        ..CAUSE
    },
    Rule {
        id: "StepOutOfMemory",
        patterns: &["\"step-{step}\" exited with code 137: OOMKilled", "OOMKilled"],
        summary: "step {step} used more memory than its limit allows, and was killed",
        mend: &[
            Say("Raise the limit, or let the program use less:"),
            Yaml("steps:\n- name: {step}\n  computeResources:\n    limits:\n      memory: 1Gi"),
        ],
        source: "pkg/pod/status.go, reason StepOOM",
        example: ("StepOOM", "\"step-run\" exited with code 137: OOMKilled"),
        ..CAUSE
    },
    Rule {
        id: "StepOutOfMemoryByReason",
        reasons: &["OOMKilled", "StepOOM"],
        patterns: &["exited with code {_}"],
        summary: "step {step} used more memory than its limit allows, and was killed",
        mend: &[
            Say("Raise the limit, or let the program use less:"),
            Yaml("steps:\n- name: {step}\n  computeResources:\n    limits:\n      memory: 1Gi"),
        ],
        source: "pkg/pod/status.go, reason StepOOM",
        example: ("OOMKilled", "exited with code 137"),
        ..CAUSE
    },
    Rule {
        id: "StepNotStarted",
        reasons: &["StartError", "ContainerCannotRun"],
        patterns: &["exited with code {_}\n{why…}"],
        summary: "the container of step {step} could not be started: {why}",
        mend: &[Say("Correct what is named there: mostly `command`, `workingDir`, a mount, or the image's own settings.")],
        source: "seen with containerd and Pipelines v1.15",
        example: (
            "StartError",
            "exited with code 128\nfailed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: Cwd must be an absolute path: unknown",
        ),
        ..CAUSE
    },
    Rule {
        id: "ResultsTooLarge",
        on: LOG,
        patterns: TOO_LARGE,
        summary: "the results of step {step} are larger than the {size} bytes that fit into a container's last message; all results are lost",
        mend: &[
            Say("Write large data into a workspace; or let Tekton carry results through sidecar logs, for the whole cluster:"),
            Anywhere(
                "-n tekton-pipelines patch configmap feature-flags --type merge -p '{{\"data\":{{\"results-from\":\"sidecar-logs\"}}}}'",
            ),
        ],
        source: "tektoncd/pipeline#4060, #4808",
        example: ("", "Termination message is above max allowed size 4096, caused by large task result."),
        ..CAUSE
    },
    Rule {
        id: "ResultAboveLimit",
        patterns: &["results size exceeds configured limit of {size} bytes", "results exceeded size limit {size} bytes"],
        summary: "a result is larger than the {size} bytes that this cluster allows",
        mend: &[Say("Write less, or raise `max-result-size` in ConfigMap feature-flags.")],
        source: "tektoncd/pipeline#8868",
        example: ("TaskRunResultLargerThanAllowedLimit", "task failed: 9000 bytes results size exceeds configured limit of 4096 bytes"),
        ..CAUSE
    },
    Rule {
        id: "WrongArchitecture",
        on: LOG,
        patterns: &["fork/exec /tekton/scripts/{_}: exec format error"],
        summary: "the script of step {step} cannot be executed: its first line is no `#!`, or the image is for another processor",
        mend: &[Say("Begin the script with `#!/bin/sh` (no blank before it), or run it on a node that fits the image.")],
        source: "tektoncd/pipeline#5233",
        example: ("", "Error executing command: fork/exec /tekton/scripts/script-0-x: exec format error"),
        ..CAUSE
    },
    Rule {
        id: "ImageOfOtherPlatform",
        // The entrypoint says so in the step's log.
        on: &[Place::Condition, Place::Log],
        patterns: &["could not find command for platform \"{platform}\""],
        summary: "the image of a step is not made for {platform}",
        mend: &[
            Say("Use an image for that platform, or a nodeSelector:"),
            Yaml("spec:\n  taskRunTemplate:\n    podTemplate:\n      nodeSelector:\n        kubernetes.io/arch: amd64"),
        ],
        source: "tektoncd/pipeline#9094, #4548",
        example: ("", "2026/01/02 03:04:05 could not find command for platform \"linux/arm64\""),
        ..CAUSE
    },
    Rule {
        id: "ScriptInterpreterMissing",
        on: LOG,
        patterns: &["fork/exec /tekton/scripts/{_}: no such file or directory"],
        summary: "the image of step {step} has not the interpreter that the script's first line names (or the line ends in CR LF)",
        mend: &[Say("Use `#!/bin/sh`, or an image that has the interpreter; save the script with LF line ends.")],
        source: "cmd/entrypoint, seen on Pipelines v1.15",
        example: ("", "2026/11/23 07:56:00 Error executing command: fork/exec /tekton/scripts/script-0-6wqhc: no such file or directory"),
        ..CAUSE
    },
    Rule {
        id: "CommandMissing",
        on: LOG,
        patterns: &[
            "Error executing command: fork/exec {program}: no such file or directory",
            "Error executing command: exec: \"{program}\": executable file not found",
        ],
        summary: "the image of step {step} has no program {program}",
        mend: &[Say("Correct `command`, or use an image that has it.")],
        source: "cmd/entrypoint",
        example: ("", "2026/11/23 06:47:37 Error executing command: fork/exec /no/such/program: no such file or directory"),
        ..CAUSE
    },
    Rule {
        id: "CommandNotExecutable",
        on: LOG,
        patterns: &["Error executing command: fork/exec {program}: permission denied"],
        summary: "step {step} may not execute {program}",
        mend: &[Shell("chmod +x {program}")],
        source: "cmd/entrypoint",
        example: ("", "Error executing command: fork/exec /app/run: permission denied"),
        ..CAUSE
    },
    Rule {
        id: "PushRefused",
        on: LOG,
        patterns: &[
            "denied: requested access to the resource is denied",
            "unexpected status{_…}401 Unauthorized",
            "UNAUTHORIZED: authentication required",
        ],
        summary: "the registry does not let step {step} push (or pull) that image",
        mend: &[
            Say(
                "The step's login comes from the ServiceAccount's `secrets` (`imagePullSecrets` is for pulling the steps' own images only):",
            ),
            Own("secret create docker NAME --config FILE"),
            Own("sa add-secret {account} NAME"),
        ],
        source: "docs/auth.md",
        example: ("", "denied: requested access to the resource is denied"),
        ..CAUSE
    },
    Rule {
        id: "Breakpoint",
        on: LOG,
        patterns: &["debug onFailure breakpoint has taken effect", "debug before step breakpoint has taken effect"],
        summary: "step {step} stands at a breakpoint and waits for you",
        mend: &[
            Kubectl("exec -it {pod} -c step-{step} -- /tekton/debug/scripts/debug-continue"),
            Say("Beside it lie debug-fail-continue, debug-beforestep-continue and debug-beforestep-fail-continue."),
        ],
        source: "docs/debug.md",
        example: ("", "debug onFailure breakpoint has taken effect, waiting for user's decision:"),
        ..CAUSE
    },
    Rule {
        id: "StepTimedOut",
        patterns: &["\"step-{step}\" exited because the step exceeded the specified timeout limit"],
        summary: "step {step} took longer than its own `timeout`",
        mend: &[Say("Raise the step's `timeout`, or see what it waited for:"), Own("{noun} logs {name}")],
        source: "pkg/pod/status.go",
        example: ("StepFailed", "\"step-run\" exited because the step exceeded the specified timeout limit"),
        ..CAUSE
    },
    Rule {
        id: "CommandNotFoundInScript",
        on: LOG,
        patterns: NOT_FOUND,
        summary: "step {step} calls {program}, which its image does not have",
        mend: &[Say("Use an image that has {program}, or install it in the step.")],
        check: Some(ended_with_127),
        source: "exit codes of POSIX shells",
        example: ("", "/tekton/scripts/script-0-rzxnb: line 2: mvn: not found"),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceApart",
        on: LOG,
        patterns: &[
            "No such file or directory",
            "no such file or directory",
            "not a git repository",
            "does not exist",
            "no Go files in",
            "Could not read package.json",
            "Could not find a package.json",
        ],
        check: Some(workspace_is_apart),
        summary: "step {step} misses a file, and workspace {workspace} is an `emptyDir`: each task has one of its own, empty at its begin, so what {before} wrote is not in it",
        mend: &[
            Say("Bind {workspace} to a volume that the run's tasks share, with a storageClassName where no StorageClass is the default:"),
            Yaml(
                "spec:\n  workspaces:\n  - name: {workspace}\n    volumeClaimTemplate:\n      spec:\n        accessModes: [ReadWriteOnce]\n        resources:\n          requests:\n            storage: 1Gi",
            ),
        ],
        source: "docs/workspaces.md, emptyDir",
        example: ("", "cat: /workspace/source/src/README: No such file or directory"),
        ..CAUSE
    },
    Rule {
        id: "StepNotFound",
        weight: Weight::Symptom,
        patterns: &["exited with code 127"],
        summary: "step {step} called a program that its image does not have (exit code 127)",
        mend: &[Say("The log names it. Use an image that has it, or install it in the step:"), Own("{noun} logs {name}")],
        source: "exit codes of POSIX shells",
        example: ("StepFailed", "\"step-run\" exited with code 127: Error"),
        ..CAUSE
    },
    Rule {
        id: "StepNotExecutable",
        weight: Weight::Symptom,
        patterns: &["exited with code 126"],
        summary: "step {step} called a file that cannot be executed (exit code 126)",
        mend: &[Say("The log names it. Give it the right to be executed (`chmod +x`), or an interpreter:"), Own("{noun} logs {name}")],
        source: "exit codes of POSIX shells",
        example: ("StepFailed", "\"step-run\" exited with code 126: Error"),
        ..CAUSE
    },
    Rule {
        id: "StepKilled",
        weight: Weight::Symptom,
        patterns: &["exited with code 137"],
        summary: "step {step} was killed (exit code 137, SIGKILL): mostly for want of memory, on the node or by its limit",
        mend: &[Say("Look at the memory limit of the step, and at the events of its pod:"), Kubectl("describe pod {pod}")],
        source: "pkg/pod/status.go",
        example: ("StepFailed", "\"step-run\" exited with code 137: Error"),
        ..CAUSE
    },
    Rule {
        id: "StepTerminated",
        weight: Weight::Symptom,
        patterns: &["exited with code 143"],
        summary: "step {step} was told to end (exit code 143, SIGTERM): its pod was deleted or evicted, or the step ended itself",
        mend: &[Say("Look at the events of its pod, and start the run again:"), Kubectl("describe pod {pod}")],
        source: "pkg/pod/status.go",
        example: ("StepFailed", "\"step-run\" exited with code 143: Error"),
        ..CAUSE
    },
    Rule {
        id: "StepExited",
        weight: Weight::Symptom,
        patterns: &["\"step-{step}\" exited with code {code}:", "exited with code {code}"],
        summary: "step {step} failed with exit code {code}, and only its own lines tell why",
        mend: &[Say("Correct what the step complains of. Its whole log:"), Own("{noun} logs {name}")],
        source: "pkg/pod/status.go, reason StepFailed",
        example: ("StepFailed", "\"step-compile\" exited with code 7: Error"),
        ..CAUSE
    },
    Rule {
        id: "StepSkipped",
        weight: Weight::Follow,
        on: LOG,
        patterns: &["Skipping step because a previous step failed"],
        summary: "a step was skipped since an earlier one failed",
        mend: &[Say("Look at the step before it.")],
        source: "cmd/entrypoint",
        example: ("", "2026/11/23 06:47:42 Skipping step because a previous step failed"),
        ..CAUSE
    },
    Rule {
        id: "InjectedSidecarRuns",
        on: &[Place::Waiting],
        reasons: &["SidecarRuns"],
        patterns: &["istio-proxy", "linkerd-proxy"],
        summary: "the steps are over, and the injected sidecar of a service mesh keeps the pod running",
        mend: &[Yaml("metadata:\n  annotations:\n    sidecar.istio.io/inject: \"false\"")],
        source: "tektoncd/pipeline#4731, #701",
        example: ("SidecarRuns", "istio-proxy"),
        ..CAUSE
    },
];
