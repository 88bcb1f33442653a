//! How runs end or wait as a whole: time limits, cancelling, waiting for leave, skipped tasks.

use super::Mend::{Kubectl, Own, Say, Yaml};
use super::{CONDITION, Mend, Rule, Weight};
use crate::diagnose::checks::is_asked_for;
use crate::diagnose::evidence::Place;

const FOLLOW: Rule = Rule::of(Weight::Follow, CONDITION);
const SYMPTOM: Rule = Rule::of(Weight::Symptom, CONDITION);

/// What comes first where a time limit has passed.
const SEE: Mend = Say("See what it did or waited for; or give it more time:");

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "StoppedWithItsPipelineRun",
        patterns: &["TaskRun cancelled as the PipelineRun it belongs to has timed out"],
        summary: "{object} was still at work when the time limit of its PipelineRun ended it",
        mend: &[
            Say("See what it did or waited for; or give the run more time:"),
            Own("{noun} logs {name}"),
            Yaml("spec:\n  timeouts:\n    pipeline: 2h"),
        ],
        source: "pkg/reconciler/pipelinerun",
        example: ("TaskRunCancelled", "TaskRun \"a\" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has timed out."),
        ..FOLLOW
    },
    Rule {
        id: "TasksTimedOut",
        patterns: &["failed due to tasks failed to finish within \"{limit}\""],
        summary: "the tasks of {object} did not end within their time limit of {limit}",
        mend: &[SEE, Own("{noun} logs {name}"), Yaml("spec:\n  timeouts:\n    pipeline: 3h\n    tasks: 2h")],
        source: "docs/pipelineruns.md: timeouts.pipeline is at least timeouts.tasks and timeouts.finally",
        example: ("PipelineRunTimeout", "PipelineRun \"run\" failed due to tasks failed to finish within \"3s\""),
        ..SYMPTOM
    },
    Rule {
        id: "TaskRunTimedOut",
        check: Some(is_asked_for),
        patterns: &["TaskRun \"{_}\" failed to finish within \"{limit}\""],
        summary: "{object} did not end within its time limit of {limit}",
        mend: &[SEE, Own("{noun} logs {name}"), Yaml("spec:\n  timeout: 2h")],
        source: "docs/taskruns.md, config-defaults default-timeout-minutes: 60",
        example: ("TaskRunTimeout", "TaskRun \"run\" failed to finish within \"8s\""),
        ..SYMPTOM
    },
    Rule {
        id: "TaskTimedOut",
        patterns: &["TaskRun \"{_}\" failed to finish within \"{limit}\""],
        summary: "{object} did not end within its time limit of {limit}",
        mend: &[
            Say("See what it did or waited for; or give the task more time in the Pipeline:"),
            Own("{noun} logs {name}"),
            Yaml("tasks:\n- name: TASK\n  timeout: 2h"),
        ],
        source: "docs/pipelines.md: timeout of a task",
        example: ("TaskRunTimeout", "TaskRun \"run\" failed to finish within \"8s\""),
        ..SYMPTOM
    },
    Rule {
        id: "RunTimedOut",
        patterns: &["{_…} \"{_}\" failed to finish within \"{limit}\""],
        summary: "{object} did not end within its time limit of {limit}",
        mend: &[SEE, Own("{noun} logs {name}"), Yaml("spec:\n  timeouts:\n    pipeline: 2h")],
        source: "docs/pipelineruns.md, config-defaults default-timeout-minutes: 60",
        example: ("PipelineRunTimeout", "PipelineRun \"run\" failed to finish within \"8s\""),
        ..SYMPTOM
    },
    Rule {
        id: "CancelledWithItsPipelineRun",
        reasons: &["TaskRunCancelled"],
        patterns: &["TaskRun cancelled as the PipelineRun it belongs to has been cancelled"],
        summary: "{object} was cancelled together with its PipelineRun",
        mend: &[Say("Nothing is broken: somebody cancelled the run.")],
        source: "pkg/reconciler/pipelinerun",
        example: (
            "TaskRunCancelled",
            "TaskRun \"a\" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has been cancelled.",
        ),
        ..FOLLOW
    },
    Rule {
        id: "RunCancelled",
        reasons: &[
            "Cancelled",
            "TaskRunCancelled",
            "CancelledRunningFinally",
            "StoppedRunningFinally",
            "PipelineRunStopping",
            "StoppedRunFinally",
            "CancelledRunFinally",
        ],
        summary: "{object} was cancelled: somebody, or a rule of who starts runs, set `spec.status`",
        mend: &[Say("Nothing is broken. To run it again, start it anew.")],
        source: "docs/pipelineruns.md",
        example: ("Cancelled", "PipelineRun \"run\" was cancelled"),
        ..SYMPTOM
    },
    Rule {
        id: "CancelFailed",
        reasons: &["PipelineRunCouldntCancel", "PipelineRunCouldntTimeOut"],
        summary: "Tekton could not stop the TaskRuns of {object}; the message says why",
        mend: &[Own("tr list --label tekton.dev/pipelineRun={name}")],
        source: "pkg/reconciler/pipelinerun",
        example: ("PipelineRunCouldntCancel", "PipelineRun \"x\" was cancelled but had errors trying to cancel TaskRuns"),
        ..SYMPTOM
    },
    Rule {
        id: "RunWaitsForLeave",
        reasons: &["PipelineRunPending", "TaskRunPending"],
        summary: "{object} waits for leave: its `spec.status` is Pending, and whoever set it has not taken it back",
        mend: &[
            Say("A queue (Pipelines-as-Code, Kueue) may release it in time; to let it go now:"),
            Kubectl("patch {plural} {unit} --type json -p '[{{\"op\":\"remove\",\"path\":\"/spec/status\"}}]'"),
        ],
        source: "openshift-pipelines/pipelines-as-code#2093",
        example: ("PipelineRunPending", "PipelineRun \"run\" is pending"),
        weight: Weight::Cause,
        ..SYMPTOM
    },
    Rule {
        id: "SpecInvalid",
        reasons: &["PipelineValidationFailed", "TaskRunValidationFailed", "InvalidPipelineSpec", "PipelineInvalidGraph"],
        summary: "Tekton refuses the spec of {object}; the message names what is wrong",
        mend: &[Say("Correct the run or its Pipeline or Task, and start it again."), Own("{noun} describe {name}")],
        source: "pkg/reconciler/pipelinerun",
        example: ("PipelineValidationFailed", "it has an invalid spec"),
        ..SYMPTOM
    },
    Rule {
        id: "ReferenceNotResolved",
        reasons: &["CouldntGetPipeline", "CouldntGetTask", "TaskRunResolutionFailed", "CouldntGetTaskRun"],
        summary: "a Pipeline or Task that {object} refers to could not be had; the message says why",
        mend: &[Own("{noun} describe {name}")],
        source: "pkg/reconciler/pipelinerun",
        example: ("CouldntGetTask", "something new"),
        ..SYMPTOM
    },
    Rule {
        id: "SidecarNotStopped",
        reasons: &["TaskRunStopSidecarFailed"],
        summary: "the steps are over, and Tekton could not stop a sidecar",
        mend: &[Kubectl("describe pod {pod}")],
        source: "pkg/reconciler/taskrun",
        example: ("TaskRunStopSidecarFailed", "Error stopping sidecars"),
        ..SYMPTOM
    },
    Rule {
        id: "PodGone",
        patterns: &["build failed for unspecified reasons."],
        summary: "the pod of {object} vanished: it was deleted, or its node was lost",
        mend: &[Say("Start the run again.")],
        source: "pkg/pod/status.go",
        example: ("Failed", "build failed for unspecified reasons."),
        ..SYMPTOM
    },
    Rule {
        id: "TaskSkippedByWhen",
        on: &[Place::Skipped],
        patterns: &["When Expressions evaluated to false"],
        summary: "a task was skipped since its `when` was false",
        mend: &[Own("pr describe {name}")],
        source: "tektoncd/pipeline#4738",
        example: ("", "When Expressions evaluated to false"),
        weight: Weight::Note,
        ..SYMPTOM
    },
    Rule {
        id: "TaskSkippedForResults",
        on: &[Place::Skipped],
        patterns: &["Results were missing"],
        summary: "a task was skipped since a result that it reads was not written",
        mend: &[Say("The task before it failed, was skipped, or does not write the result.")],
        source: "tektoncd/pipeline#4738",
        example: ("", "Results were missing"),
        ..FOLLOW
    },
    Rule {
        id: "TaskSkippedForEmptyMatrix",
        on: &[Place::Skipped],
        patterns: &["Matrix Parameters have an empty array"],
        summary: "a task was skipped since its matrix had nothing to fan out over",
        mend: &[Say("Give the array of the matrix at least one value, if the task should run.")],
        source: "docs/matrix.md",
        example: ("", "Matrix Parameters have an empty array"),
        weight: Weight::Note,
        ..SYMPTOM
    },
];
