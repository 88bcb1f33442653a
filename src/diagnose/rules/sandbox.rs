//! What is otherwise in the sandbox of this program: steps run with this machine's programs, and runs end with the process that
//! works on them.

use super::Mend::{Own, OwnAnywhere, Say};
use super::{END, LOG, Rule, Weight};
use crate::diagnose::checks::{in_sandbox, in_sandbox_with_127};

const CAUSE: Rule = Rule { source: "the sandbox of this program", ..Rule::of(Weight::Cause, END) };

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "MachineLacksInterpreter",
        on: LOG,
        patterns: &["fork/exec /tekton/scripts/{_}: no such file or directory"],
        check: Some(in_sandbox),
        summary: "this machine, whose programs the sandbox's steps run with, has not the interpreter that the first line of step {step}'s script names (or the line ends in CR LF)",
        mend: &[Say("Install it on this machine, or use `#!/bin/sh`; save the script with LF line ends.")],
        example: ("", "2026/11/29 01:59:35 Error executing command: fork/exec /tekton/scripts/script-0-x: no such file or directory"),
        ..CAUSE
    },
    Rule {
        id: "MachineLacksCommand",
        on: LOG,
        patterns: &[
            "Error executing command: fork/exec {program}: no such file or directory",
            "Error executing command: exec: \"{program}\": executable file not found",
        ],
        check: Some(in_sandbox),
        summary: "this machine, whose programs the sandbox's steps run with, has no program {program}, which step {step} calls",
        mend: &[Say("Install it on this machine, or correct `command`.")],
        example: ("", "2026/11/29 01:59:35 Error executing command: exec: \"kaniko\": executable file not found in $PATH"),
        ..CAUSE
    },
    Rule {
        id: "MachineLacksProgram",
        on: LOG,
        patterns: super::steps::NOT_FOUND,
        check: Some(in_sandbox_with_127),
        summary: "this machine, whose programs the sandbox's steps run with, has no program {program}, which step {step} calls",
        mend: &[Say("Install it on this machine, or let the step do without it.")],
        example: ("", "/tekton/scripts/script-0-rzxnb: line 2: mvn: not found"),
        ..CAUSE
    },
    Rule {
        id: "MachineLacksSomeProgram",
        weight: Weight::Symptom,
        patterns: &["exited with code 127"],
        check: Some(in_sandbox),
        summary: "step {step} called a program that this machine, whose programs the sandbox's steps run with, does not have (exit code 127)",
        mend: &[Say("The log names it. Install it on this machine, or let the step do without it:"), Own("{noun} logs {name}")],
        example: ("StepFailed", "\"step-run\" exited with code 127: Error"),
        ..CAUSE
    },
    Rule {
        id: "ResultsTooLargeHere",
        on: LOG,
        patterns: super::steps::TOO_LARGE,
        check: Some(in_sandbox),
        summary: "the results of step {step} are larger than the {size} bytes that fit into a container's last message; all results are lost",
        mend: &[Say(
            "Write large data into a workspace. (A cluster may carry results through sidecar logs, `results-from` in its ConfigMap feature-flags; the sandbox does as one that does not.)",
        )],
        example: ("", "Termination message is above max allowed size 4096, caused by large task result."),
        ..CAUSE
    },
    Rule {
        id: "SandboxStoppedBeforeFinally",
        reasons: &["SandboxStopped"],
        patterns: &["the sandbox stopped while task {task} was at work, and it has failed by that"],
        summary: "the sandbox stopped while task {task} was at work, which has failed by that; only the finally tasks are still to come",
        mend: &[Say("Let the finally tasks run, then start the same again:"), OwnAnywhere("sandbox start"), Own("{noun} rerun {name}")],
        example: (
            "SandboxStopped",
            "the sandbox stopped while task compile was at work, and it has failed by that; only the finally tasks are still to come, \
             when the sandbox is started or a command follows the run",
        ),
        ..CAUSE
    },
    Rule {
        id: "SandboxStoppedMeanwhile",
        reasons: &["SandboxStopped"],
        patterns: &["the sandbox stopped while this run was under way"],
        summary: "the sandbox stopped while this run was under way, and nobody is at work on it",
        mend: &[Say("Let it go on, by itself or while this follows it:"), OwnAnywhere("sandbox start"), Own("{noun} logs -f {name}")],
        example: (
            "SandboxStopped",
            "the sandbox stopped while this run was under way; it goes on when the sandbox is started or a command follows it",
        ),
        ..CAUSE
    },
    Rule {
        id: "SandboxStopped",
        reasons: &["SandboxStopped"],
        patterns: &[""],
        summary: "the sandbox ended while a step ran: by Ctrl-C, by `sandbox stop`, since its process was killed, or since its disk was full",
        mend: &[
            Say("Start the run again. After `sandbox start`, runs go on when the command that follows them is interrupted."),
            Own("{noun} rerun {name}"),
        ],
        example: ("SandboxStopped", "\"step-compile\" did not end: the sandbox stopped while this step ran"),
        ..CAUSE
    },
];
