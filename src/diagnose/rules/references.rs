//! A run that names something that is not there, or leaves out what is asked for.

use super::Mend::{Own, Say, Yaml};
use super::{CONDITION, Rule, Weight};
use crate::diagnose::checks::{near_account, near_pipeline, near_task};
use crate::diagnose::evidence::Need;

const CAUSE: Rule = Rule::of(Weight::Cause, CONDITION);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ClusterTaskGone",
        patterns: &[
            "clustertasks.tekton.dev \"{task}\" not found",
            "the server could not find the requested resource (get clustertasks.tekton.dev {task})",
        ],
        summary: "the pipeline uses ClusterTask {task}; Tekton 1.0 removed that kind",
        mend: &[
            Say("Install the Task into a namespace and name it through the cluster resolver:"),
            Yaml(
                "taskRef:\n  resolver: cluster\n  params:\n  - {{name: kind, value: task}}\n  - {{name: name, value: {task}}}\n  - {{name: namespace, value: {namespace}}}",
            ),
        ],
        source: "openshift-pipelines/pipelines-as-code#784",
        example: ("CouldntGetTask", "Couldn't retrieve Task \"buildah\": clustertasks.tekton.dev \"buildah\" not found"),
        ..CAUSE
    },
    Rule {
        id: "TaskMissingNearName",
        patterns: &["tasks.tekton.dev \"{task}\" not found"],
        needs: &[Need::Tasks],
        check: Some(near_task),
        summary: "Task {task} does not exist in namespace {namespace}; there is one named {near}",
        mend: &[
            Say("If {near} is meant, correct the taskRef:"),
            Yaml("taskRef:\n  name: {near}"),
            Say("Otherwise install the Task:"),
            Own("apply -f {task}.yaml"),
        ],
        source: "pkg/reconciler/pipelinerun, tektoncd/pipeline#8889",
        example: ("CouldntGetTask", "Couldn't retrieve Task \"git-clon\": tasks.tekton.dev \"git-clon\" not found"),
        ..CAUSE
    },
    Rule {
        id: "TaskMissing",
        patterns: &["tasks.tekton.dev \"{task}\" not found"],
        needs: &[Need::Tasks],
        summary: "Task {task} does not exist in namespace {namespace}",
        mend: &[Say("Install it from its manifest, or name another in the taskRef:"), Own("apply -f {task}.yaml")],
        source: "pkg/reconciler/pipelinerun, tektoncd/pipeline#8889",
        example: ("CouldntGetTask", "Couldn't retrieve Task \"git-clone\": tasks.tekton.dev \"git-clone\" not found"),
        ..CAUSE
    },
    Rule {
        id: "PipelineMissingNearName",
        patterns: &["pipelines.tekton.dev \"{pipeline}\" not found"],
        needs: &[Need::Pipelines],
        check: Some(near_pipeline),
        summary: "Pipeline {pipeline} does not exist in namespace {namespace}; there is one named {near}",
        mend: &[
            Say("If {near} is meant, correct the pipelineRef of the run, or of the TriggerTemplate that makes it:"),
            Yaml("pipelineRef:\n  name: {near}"),
            Say("Otherwise make the Pipeline:"),
            Own("apply -f {pipeline}.yaml"),
        ],
        source: "pkg/reconciler/pipelinerun",
        example: (
            "CouldntGetPipeline",
            "tekton client cannot get pipeline buid from local cluster: pipelines.tekton.dev \"buid\" not found",
        ),
        ..CAUSE
    },
    Rule {
        id: "PipelineMissing",
        patterns: &["pipelines.tekton.dev \"{pipeline}\" not found"],
        needs: &[Need::Pipelines],
        summary: "Pipeline {pipeline} does not exist in namespace {namespace}",
        mend: &[
            Say("Make it from its manifest, or look whether the run belongs into another namespace (-n):"),
            Own("apply -f {pipeline}.yaml"),
        ],
        source: "pkg/reconciler/pipelinerun",
        example: (
            "CouldntGetPipeline",
            "tekton client cannot get pipeline nowhere from local cluster: pipelines.tekton.dev \"nowhere\" not found",
        ),
        ..CAUSE
    },
    Rule {
        id: "StepActionMissing",
        patterns: &["stepactions.tekton.dev \"{action}\" not found"],
        summary: "StepAction {action} does not exist in namespace {namespace}",
        mend: &[Say("Install it from its manifest:"), Own("apply -f {action}.yaml")],
        source: "pkg/reconciler/taskrun/resources",
        example: ("TaskRunResolutionFailed", "stepactions.tekton.dev \"lint\" not found"),
        ..CAUSE
    },
    Rule {
        id: "ChildPipelineMissing",
        patterns: &["it contains child Pipelines that don't exist"],
        summary: "the pipeline names a child Pipeline that does not exist",
        mend: &[Say("Correct the pipelineRef of that task, or make the child Pipeline.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("CouldntGetPipeline", "Pipeline ns/p can't be Run; it contains child Pipelines that don't exist: x"),
        ..CAUSE
    },
    Rule {
        id: "PipelineInPipelineCycle",
        patterns: &["detected cycle in pipeline-in-pipeline"],
        summary: "the pipeline contains itself through a child Pipeline",
        mend: &[Say("Break the circle of pipelineRefs.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("CouldntGetPipeline", "detected cycle in pipeline-in-pipeline: a -> b -> a"),
        ..CAUSE
    },
    Rule {
        id: "AccountMissingNearName",
        patterns: &["serviceaccounts \"{wanted}\" not found", "serviceaccount \"{wanted}\" not found"],
        needs: &[Need::Accounts],
        check: Some(near_account),
        summary: "ServiceAccount {wanted} does not exist in namespace {namespace}; there is one named {near}",
        mend: &[
            Say("Give the run that one, or make the one it names:"),
            Yaml("taskRunTemplate:\n  serviceAccountName: {near}"),
            Own("sa create {wanted}"),
        ],
        source: "pkg/pod (pods are made under the run's ServiceAccount)",
        example: ("PodCreationFailed", "translating TaskSpec to Pod: serviceaccounts \"tt-s\" not found. Maybe invalid TaskSpec"),
        ..CAUSE
    },
    Rule {
        id: "AccountMissing",
        patterns: &["serviceaccounts \"{wanted}\" not found", "serviceaccount \"{wanted}\" not found"],
        needs: &[Need::Accounts],
        summary: "ServiceAccount {wanted} does not exist in namespace {namespace}",
        mend: &[Own("sa create {wanted}")],
        source: "pkg/pod (pods are made under the run's ServiceAccount)",
        example: ("PodCreationFailed", "translating TaskSpec to Pod: serviceaccounts \"nobody\" not found. Maybe invalid TaskSpec"),
        ..CAUSE
    },
    Rule {
        id: "AccountListsMissingSecret",
        reasons: &["PodCreationFailed", "CouldntGetTask"],
        patterns: &["secrets \"{secret}\" not found"],
        summary: "ServiceAccount {account} lists Secret {secret}, which does not exist",
        mend: &[
            Say("Make the Secret, or take it off the ServiceAccount's list:"),
            Own("secret create ssh {secret} --host HOST --generate"),
            Own("sa describe {account}"),
        ],
        source: "konflux-ci/build-definitions#870",
        example: ("PodCreationFailed", "translating TaskSpec to Pod: secrets \"gone\" not found"),
        ..CAUSE
    },
    Rule {
        id: "ParamMissing",
        patterns: &[
            "pipelineRun missing parameters: [{params…}]",
            "missing values for these params which have no default values: [{params…}]",
        ],
        summary: "the run gives no value for {params}, which has no default",
        mend: &[
            Say("Give it with `-p NAME=VALUE` when starting, or in the manifest:"),
            Yaml("spec:\n  params:\n  - name: {params}\n    value: VALUE"),
        ],
        source: "pkg/reconciler/pipelinerun, reason ParameterMissing",
        example: (
            "ParameterMissing",
            "[User error] PipelineRun ns/run is missing some parameters required by Pipeline ns/run: pipelineRun missing parameters: [q]",
        ),
        ..CAUSE
    },
    Rule {
        id: "ParamOfWrongType",
        patterns: &["param types don't match the user-specified type: [{params…}]", "parameters have inconsistent types : [{params…}]"],
        summary: "the values of {params} are of another type than declared",
        mend: &[Say("A string, an array and an object are written differently: `value: x`, `value: [x]`, `value: {{k: x}}`.")],
        source: "pkg/reconciler/taskrun/validate_taskrun.go",
        example: (
            "ParameterTypeMismatch",
            "[User error] PipelineRun ns/run parameters have mismatching types with Pipeline ns/p's parameters: parameters have inconsistent types : [flags]",
        ),
        ..CAUSE
    },
    Rule {
        id: "ParamNotAllowed",
        patterns: &["param `{param…}` value: {value…} is not in the enum list"],
        summary: "parameter {param} does not allow the value {value}",
        mend: &[Say("Choose one of the values under `enum` of the parameter's declaration.")],
        source: "pkg/reconciler/taskrun/validate_taskrun.go",
        example: ("InvalidParamValue", "param `level` value: loud is not in the enum list"),
        ..CAUSE
    },
    Rule {
        id: "ParamKeysMissing",
        reasons: &["ObjectParameterMissKeys"],
        patterns: &["missing keys for these params which are required in ParamSpec's properties {keys…}", ""],
        summary: "an object parameter lacks keys that its declaration asks for",
        mend: &[Say("Add the keys that the message names to the parameter's value.")],
        source: "pkg/reconciler/taskrun/validate_taskrun.go",
        example: ("ObjectParameterMissKeys", "missing keys for these params which are required in ParamSpec's properties map[git:[url]]"),
        ..CAUSE
    },
    Rule {
        id: "ParamIndexOutside",
        patterns: &["non-existent param references:[$(params.{param}[{index}])"],
        summary: "parameter {param} is read at index {index}, which its value does not have",
        mend: &[Say("Give a longer array, or correct the index in `$(params.{param}[{index}])`; the first has index 0.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("ParamArrayIndexingInvalid", "non-existent param references:[$(params.a[2])]"),
        ..CAUSE
    },
    Rule {
        id: "MatrixParamOfWrongType",
        reasons: &["InvalidMatrixParameterTypes"],
        summary: "a matrix is given parameters of a type it cannot fan out over",
        mend: &[Say("Parameters of `matrix.params` are arrays, those of `matrix.include` strings.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("InvalidMatrixParameterTypes", "parameters of type array only are allowed, but param \"a\" has type \"string\""),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceMissing",
        patterns: &[
            "pipeline requires workspace with name \"{workspace}\" be provided by pipelinerun",
            "declared workspace \"{workspace}\" is required but has not been bound",
        ],
        summary: "the run binds nothing to workspace {workspace}",
        mend: &[
            Say("Bind it with `-w name={workspace},emptyDir=` when starting, or in the manifest:"),
            Yaml("spec:\n  workspaces:\n  - name: {workspace}\n    emptyDir: {{}}"),
        ],
        source: "pkg/workspace, reasons InvalidWorkspaceBindings and TaskRunValidationFailed",
        example: ("TaskRunValidationFailed", "[User error] declared workspace \"output\" is required but has not been bound"),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceUnknown",
        patterns: &["workspace binding \"{workspace}\" does not match any declared workspace"],
        summary: "the run binds workspace {workspace}, which the task does not declare",
        mend: &[Say("Correct the name of the binding, or declare the workspace in the task.")],
        source: "pkg/workspace/validate.go",
        example: ("TaskRunValidationFailed", "workspace binding \"outptu\" does not match any declared workspace"),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceBindingInvalid",
        patterns: &["binding \"{workspace}\" is invalid"],
        summary: "the binding of workspace {workspace} is not valid",
        mend: &[Say(
            "A binding has exactly one source: emptyDir, persistentVolumeClaim, volumeClaimTemplate, configMap, secret, projected or csi.",
        )],
        source: "pkg/workspace/validate.go",
        example: ("TaskRunValidationFailed", "binding \"output\" is invalid: expected exactly one, got both"),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceBindingsWrong",
        reasons: &["InvalidWorkspaceBindings"],
        summary: "the run does not bind the pipeline's workspaces as they are declared",
        mend: &[Say("Compare `spec.workspaces` of the run with those of the Pipeline.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("InvalidWorkspaceBindings", "PipelineRun ns/r doesn't bind Pipeline ns/p's Workspaces correctly: x"),
        ..CAUSE
    },
    Rule {
        id: "OptionalWorkspaceRequired",
        reasons: &["RequiredWorkspaceMarkedOptional"],
        summary: "the pipeline marks a workspace optional that one of its tasks needs",
        mend: &[Say("Take `optional: true` off the pipeline's workspace, or put it on the task's.")],
        source: "pkg/reconciler/pipelinerun",
        example: (
            "RequiredWorkspaceMarkedOptional",
            "pipeline workspace \"w\" is marked optional but pipeline task \"t\" requires it be provided",
        ),
        ..CAUSE
    },
    Rule {
        id: "SeveralClaimsInOneTask",
        patterns: &["more than one PersistentVolumeClaim is bound"],
        summary: "a task uses two PersistentVolumeClaims, which the affinity assistant does not allow",
        mend: &[
            Say(
                "Use one claim with a `subPath` per workspace, or switch the assistant off (`coschedule: disabled`) for the whole cluster:",
            ),
            super::Mend::Anywhere(
                "-n tekton-pipelines patch configmap feature-flags --type merge -p '{{\"data\":{{\"coschedule\":\"disabled\"}}}}'",
            ),
        ],
        source: "tektoncd/pipeline#4000, #3480",
        example: (
            "TaskRunValidationFailed",
            "[User error] TaskRun mounts more than one PersistentVolumeClaim - that is forbidden: more than one PersistentVolumeClaim is bound",
        ),
        ..CAUSE
    },
    Rule {
        id: "DependencyMissing",
        patterns: &[
            "task {task} depends on {on} but {_} wasn't present in Pipeline",
            "Task {task} depends on {on} but {_} wasn't present in Pipeline",
        ],
        summary: "task {task} runs after {on}, and the pipeline has no such task",
        mend: &[Say("Correct `runAfter`, or the result that {task} takes from {on}.")],
        source: "tektoncd/cli#64",
        example: ("PipelineInvalidGraph", "couldn't add link between a and b: task a depends on b but b wasn't present in Pipeline"),
        ..CAUSE
    },
    Rule {
        id: "DependencyCycle",
        patterns: &["cycle detected"],
        summary: "the pipeline's tasks wait for each other in a circle",
        mend: &[Say("Take one of the `runAfter` or result references out of the circle that the message names.")],
        source: "pkg/reconciler/pipeline/dag",
        example: ("PipelineInvalidGraph", "Pipeline DAG is invalid: cycle detected; task \"a\" depends on \"b\""),
        ..CAUSE
    },
    Rule {
        id: "ResultNotWritten",
        patterns: &[
            "task \"{task}\" completed successfully but did not emit the result \"{result}\", which is referenced by task \"{user}\"",
            "Could not find result with name {result} for task run {task}",
            "Could not find result with name {result} for task {task}",
        ],
        summary: "task {task} ended without writing result {result}, which another task reads",
        mend: &[Say("Let a step write it: `printf %s \"$value\" > $(results.{result}.path)`; or guard the reader with `when`.")],
        source: "tektoncd/pipeline#2617",
        example: (
            "PipelineValidationFailed",
            "task \"a\" completed successfully but did not emit the result \"r\", which is referenced by task \"b\"",
        ),
        ..CAUSE
    },
    Rule {
        id: "ResultReferenceInvalid",
        reasons: &["InvalidTaskResultReference", "InvalidPipelineResultReference", "CouldntGetPipelineResult"],
        summary: "a result that is referred to was not produced",
        mend: &[Say("Look at the task that should write it: it failed, was skipped, or does not write `$(results.NAME.path)`.")],
        source: "tektoncd/pipeline#2617",
        example: ("InvalidTaskResultReference", "invalid result reference"),
        ..CAUSE
    },
    Rule {
        id: "OverrideOfUnknownStep",
        patterns: &["invalid StepOverride: No Step named {step}"],
        summary: "the run overrides step {step}, which the task does not have",
        mend: &[Say("Correct the step's name under `stepSpecs`.")],
        source: "pkg/pod",
        example: ("PodCreationFailed", "invalid StepOverride: No Step named biuld"),
        ..CAUSE
    },
    Rule {
        id: "ParamReferenceUnknown",
        patterns: &["non-existent param references:[{params…}]"],
        summary: "the spec refers to {params}, which is not there",
        mend: &[Say("Declare the parameter, or correct the reference.")],
        source: "pkg/reconciler/taskrun",
        example: ("TaskRunValidationFailed", "non-existent param references:[$(params.urll)]"),
        ..CAUSE
    },
    Rule {
        id: "StepActionParamUnknown",
        patterns: &["extra params passed by Step to StepAction: [{params…}]"],
        summary: "a step gives its StepAction {params}, which that does not declare",
        mend: &[Say("Take them out of the step, or declare them in the StepAction.")],
        source: "pkg/reconciler/taskrun/resources",
        example: ("TaskRunResolutionFailed", "extra params passed by Step to StepAction: [x]"),
        ..CAUSE
    },
    Rule {
        id: "CelInvalid",
        reasons: &["CELEvaluationFailed"],
        patterns: &["", "Error evaluating CEL"],
        summary: "a CEL expression under `when` cannot be evaluated",
        mend: &[Say("Correct the expression that the message names.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("CELEvaluationFailed", "Error evaluating CEL PipelineRun ns/r"),
        ..CAUSE
    },
    Rule {
        id: "TaskRunSpecsInvalid",
        reasons: &["InvalidTaskRunSpecs"],
        summary: "`taskRunSpecs` names a task that the pipeline does not have",
        mend: &[Say("Correct `pipelineTaskName` in the run's `taskRunSpecs`.")],
        source: "pkg/reconciler/pipelinerun",
        example: ("InvalidTaskRunSpecs", "pipelineRun's taskrunSpecs defined wrong taskName: \"x\", does not exist in Pipeline"),
        ..CAUSE
    },
    Rule {
        id: "ResultOfWrongType",
        patterns: &["\"{result}\": task result is expected to be \"{wanted}\" type but was initialized to a different type \"{got}\""],
        summary: "result {result} is declared as {wanted}, and the step wrote a {got}",
        mend: &[Say("Write JSON of the declared type (`[\"a\"]` for an array, `{{\"k\":\"v\"}}` for an object), or declare it as {got}.")],
        source: "pkg/reconciler/taskrun/validate_taskrun.go",
        example: (
            "TaskRunValidationFailed",
            "[User error] Provided results don't match declared results; may be invalid JSON or missing result declaration:  \"list\": task result is expected to be \"array\" type but was initialized to a different type \"string\"",
        ),
        ..CAUSE
    },
    Rule {
        id: "SignatureRefused",
        reasons: &["ResourceVerificationFailed"],
        summary: "the signature of a Task or Pipeline does not verify",
        mend: &[Say("Sign it with a key that a VerificationPolicy trusts, or correct the policy.")],
        source: "docs/trusted-resources.md",
        example: ("ResourceVerificationFailed", "resource verification failed"),
        ..CAUSE
    },
];
