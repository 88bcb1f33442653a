//! What is said beside the lines, as sentences: in tkn's words where tkn has any (`pkg/log`).

use crate::logs::{Notice, Source, Subject, Wait};
use crate::objects::core::Terminated;
use crate::objects::run::StepState;
use crate::objects::verdict::State;

/// A notice as a sentence, in tkn's words where tkn has any.
pub fn sentence(notice: &Notice, subject: Subject, program: &str) -> String {
    match notice {
        Notice::Waiting(Wait { who, why }) => format!("{who} waits: {why}"),
        Notice::NotBegun(Wait { who, why }) => format!("{who} has not begun: {why}"),
        Notice::Interrupted { source, reason } => {
            format!("task {}: the log of {} cannot be read at the moment: {reason}; trying again", source.called.label(), source.step())
        }
        Notice::StillRunning { message: None, .. } => "Pipeline still running ...".to_owned(),
        Notice::StillRunning { run: None, message: Some(message) } => format!("PipelineRun is still running: {message}"),
        Notice::StillRunning { run: Some(run), message: Some(message) } => format!("PipelineRun {run} is still running: {message}"),
        Notice::TaskFailed { task, message } => format!("task {task} has failed: {message}"),
        Notice::NotStarted { task } => format!("task {task} has not started yet"),
        Notice::NoPod { run } => format!("pod for taskrun {run} not available yet"),
        Notice::TaskRunGone { task, run, reason: None } => format!("task {task}: its taskrun {run} is gone, and its logs with it"),
        Notice::TaskRunGone { task, run, reason: Some(reason) } => format!("task {task}: its taskrun {run} cannot be read: {reason}"),
        Notice::Child { task, kind, name, stands: None } => format!("task {task}: its {kind} {name} is gone"),
        Notice::Child { task, kind, name, stands: Some((verdict, message)) } if verdict.state == State::Unstarted => {
            let message = if message.is_empty() { "nobody has taken it up yet" } else { message };
            format!("task {task}: {kind} {name}: {message}")
        }
        Notice::Child { task, kind, name, stands: Some((verdict, message)) } => {
            let colon = if message.is_empty() { "" } else { ": " };
            format!("task {task}: {kind} {name} {verdict}{colon}{message}")
        }
        Notice::RunGone { run } => format!("{run} was deleted"),
        Notice::RunFailed { run: None, message } => message.clone(),
        Notice::RunFailed { run: Some(run), message } => format!("PipelineRun {run} has failed: {message}"),
        Notice::TasksSkipped { tasks, reason } => format!("{}: {reason}", skipped("task", tasks)),
        Notice::StepsSkipped { task, steps, after: Some(failed) } => {
            format!("task {task}: {}, since step {failed} failed", skipped("step", steps))
        }
        Notice::StepsSkipped { task, steps, after: None } => {
            format!("task {task}: {}: when expressions evaluated to false", skipped("step", steps))
        }
        Notice::Continued { source, code } => {
            format!(
                "task {}: step {} exited with code {code}, and the task went on (onError: continue)",
                source.called.label(),
                source.step()
            )
        }
        Notice::PodReplaced { task, pod } => {
            format!("task {task}: its pod {pod} is gone and another was made in its place, in which the steps begin anew")
        }
        Notice::PodGone { task, run, pod, steps } => {
            let text = format!("task {task} failed: pods {pod:?} not found. Run {program} tr desc {run} for more details");
            steps.iter().fold(of_task(text, task, subject), |text, step| format!("{text}\n  its status tells: {}", told(step)))
        }
        Notice::NoAttempt { task, attempt, attempts } => {
            format!("task {task} has no attempt {attempt}: {attempts} have been made")
        }
        Notice::NoSteps { task } => of_task(format!("no steps found for task {task}"), task, subject),
        Notice::Refused { source, reason } => {
            let Source { pod, container, .. } = &**source;
            let text =
                format!("error in getting logs for step {}: error getting logs for pod {pod}({container}) : {reason}", source.step());
            of_container(text, source, subject)
        }
        Notice::ContainerFailed { source, end, why, init } => {
            of_container(container_failed(source, end, why.as_deref(), *init), source, subject)
        }
    }
}

/// `task ship was skipped`, `tasks test, ship were skipped`
fn skipped(what: &str, names: &[String]) -> String {
    let (plural, were) = if names.len() == 1 { ("", "was") } else { ("s", "were") };
    format!("{what}{plural} {} {were} skipped", names.join(", "))
}

/// tkn says of a PipelineRun which task it speaks of.
fn of_task(text: String, task: &str, subject: Subject) -> String {
    match subject {
        Subject::PipelineRun => format!("failed to get logs for task {task} : {text}"),
        Subject::TaskRun => text,
    }
}

/// The same of a container, whose TaskRun may be one of several.
fn of_container(text: String, source: &Source, subject: Subject) -> String {
    match subject {
        Subject::TaskRun if source.called.several => format!("TaskRun {}: {text}", source.run),
        _ => of_task(text, &source.called.label(), subject),
    }
}

/// tkn's words for an exit with status 1; any other status is named.
fn container_failed(source: &Source, end: &Terminated, why: Option<&str>, init: bool) -> String {
    let container = &source.container;
    // Tekton's own word says more than «Error», which is the cluster's for every failure.
    let word = why.filter(|word| !matches!(*word, "" | "Error" | "Completed"));
    let reason = word.or(end.reason.as_deref()).unwrap_or_default().to_owned();
    let code = (end.exit_code != 1).then(|| format!("exit code {}", end.exit_code));
    if init {
        let code = code.map(|c| format!(" ({c})")).unwrap_or_default();
        return format!("container {container} has failed: {reason}{code}");
    }
    // Tekton keeps results and times for itself in the message.
    let message = end.message.clone().filter(|m| !m.trim_start().starts_with("[{")).unwrap_or_default();
    let said = [code.unwrap_or_default(), reason, message];
    let said = said.iter().map(|s| s.trim()).filter(|s| !s.is_empty() && *s != "Error");
    said.fold(format!("container {container} has failed "), |text, part| format!("{text} : {part}"))
}

/// What the status tells of a step whose logs are lost.
fn told(step: &StepState) -> String {
    let name = &step.name;
    if let Some(end) = &step.state.terminated {
        match (step.ended_with_run(), end.started_at) {
            _ if step.termination_reason.as_deref() == Some("Skipped") => return format!("step {name} was skipped"),
            (Some(_), None) => return format!("step {name} did not start"),
            (Some(reason), Some(_)) => return format!("step {name} was ended ({reason})"),
            (None, _) => {}
        }
        let reason = step.termination_reason.as_ref().or(end.reason.as_ref()).filter(|r| *r != "Error");
        let reason = reason.map(|r| format!(" ({r})")).unwrap_or_default();
        return format!("step {name} exited with code {}{reason}", end.exit_code);
    }
    match &step.state.running {
        Some(_) => format!("step {name} was running"),
        None => format!("step {name} did not start"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(container: &str) -> Box<Source> {
        Box::new(super::super::lines::tests::source(0, container))
    }
    #[test]
    fn of_a_step_that_tekton_ended_no_exit_code_is_told() {
        let said = |reason: &str, started: bool| {
            let started = if started { "\"2026-01-02T11:50:05Z\"" } else { "null" };
            let step =
                format!(r#"{{"name": "b", "terminationReason": "{reason}", "terminated": {{"exitCode": 1, "startedAt": {started}}}}}"#);
            told(&serde_json::from_str(&step).expect("a step"))
        };
        assert_eq!(said("Skipped", true), "step b was skipped");
        assert_eq!(said("TaskRunImagePullFailed", false), "step b did not start");
        assert_eq!(said("TaskRunCancelled", true), "step b was ended (TaskRunCancelled)");
        assert_eq!(said("Error", true), "step b exited with code 1");
    }

    #[test]
    fn every_exit_status_but_one_is_named() {
        let end = |exit_code, reason: &str, message: Option<&str>| Terminated {
            exit_code,
            reason: Some(reason.into()),
            message: message.map(str::to_owned),
            ..Terminated::default()
        };
        let said = |end: Terminated, init| {
            let notice = Notice::ContainerFailed { source: source("step-make"), end, why: None, init };
            sentence(&notice, Subject::PipelineRun, "rtkn")
        };
        assert_eq!(said(end(1, "Error", None), false), "failed to get logs for task build : container step-make has failed ");
        assert_eq!(
            said(end(137, "OOMKilled", Some(r#"[{"key":"StartedAt"}]"#)), false),
            "failed to get logs for task build : container step-make has failed  : exit code 137 : OOMKilled"
        );
        assert_eq!(
            said(end(2, "Error", None), true),
            "failed to get logs for task build : container step-make has failed: Error (exit code 2)"
        );
    }

    #[test]
    fn a_pod_that_is_gone_is_told_with_what_the_status_knows() {
        let step = StepState {
            name: "make".into(),
            state: serde_json::from_str(r#"{"terminated":{"exitCode":3,"reason":"Error"}}"#).unwrap(),
            ..StepState::default()
        };
        let notice = Notice::PodGone { task: "build".into(), run: "r-build".into(), pod: "p".into(), steps: vec![step] };
        assert_eq!(
            sentence(&notice, Subject::TaskRun, "tkn"),
            "task build failed: pods \"p\" not found. Run tkn tr desc r-build for more details\n  its status tells: step make exited with code 3"
        );
    }

    #[test]
    fn a_custom_run_that_nobody_took_up_or_that_cannot_be_read_is_told_so() {
        let said = |message: &str| {
            let stands = Some((crate::objects::verdict::Verdict::of(None), message.to_owned()));
            let notice = Notice::Child { task: "ask".into(), kind: "CustomRun".into(), name: "r-ask".into(), stands };
            sentence(&notice, Subject::PipelineRun, "rtkn")
        };
        assert_eq!(said(""), "task ask: CustomRun r-ask: nobody has taken it up yet");
        assert_eq!(said("it cannot be read: no"), "task ask: CustomRun r-ask: it cannot be read: no");
    }

    #[test]
    fn tektons_word_for_an_end_stands_in_place_of_the_clusters() {
        let end = Terminated { exit_code: 1, reason: Some("Error".into()), ..Terminated::default() };
        let notice = Notice::ContainerFailed { source: source("step-make"), end, why: Some("TimeoutExceeded".into()), init: false };
        assert_eq!(sentence(&notice, Subject::TaskRun, "rtkn"), "container step-make has failed  : TimeoutExceeded");
    }

    #[test]
    fn what_did_not_run_is_told_in_one_sentence() {
        let tasks = vec!["test".to_owned(), "ship".to_owned()];
        let notice = Notice::TasksSkipped { tasks, reason: "PipelineRun was stopping".into() };
        assert_eq!(sentence(&notice, Subject::PipelineRun, "rtkn"), "tasks test, ship were skipped: PipelineRun was stopping");
        let skipped = |after: Option<&str>| {
            let notice = Notice::StepsSkipped { task: "build".into(), steps: vec!["push".into()], after: after.map(str::to_owned) };
            sentence(&notice, Subject::PipelineRun, "rtkn")
        };
        assert_eq!(skipped(Some("make")), "task build: step push was skipped, since step make failed");
        assert_eq!(skipped(None), "task build: step push was skipped: when expressions evaluated to false");
    }
}
