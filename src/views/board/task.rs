//! The nodes of a TaskRun: its attempts, and the steps of each.

use super::node::{Mark, Node, STARTING, WAITING};
use super::{Board, first_line};
use crate::objects::core::Terminated;
use crate::objects::run::{Run, StepState, TaskRun, TaskRunStatus};
use crate::objects::verdict::State;
use crate::objects::waits::{hindrance, on_the_way};

impl Board {
    /// A TaskRun with its attempts and steps.
    pub(super) fn task_run<'b>(&'b self, key: &str, name: &str, run: &'b TaskRun) -> Node<'b> {
        let state = run.state();
        let ignored = run.succeeded().is_some_and(|c| c.reason.as_deref() == Some("FailureIgnored"));
        let (mut mark, mut word) = (Mark::of(state), state.word());
        if ignored {
            mark = Mark::Ignored;
        }
        if state == State::Unstarted {
            word = State::Pending.word();
        }
        let earlier = &run.status.retries_status;
        let of = usize::try_from(run.spec.retries).unwrap_or_default() + 1;
        let named = match earlier.len() {
            0 => name.to_owned(),
            tried => format!("{name} [attempt {} of {}]", tried + 1, of.max(tried + 1)),
        };
        let mut children: Vec<Node<'_>> = earlier.iter().enumerate().map(|(n, status)| self.attempt(key, n, of, status)).collect();
        children.extend(self.steps(key, &run.status, mark.is_over()));
        let pod = self.pods.get(&run.status.pod_name).filter(|pod| pod.status.phase == "Pending");
        let hindrance = pod.and_then(hindrance).map(|why| first_line(&why));
        let way = pod.and_then(|pod| on_the_way(pod, pod.spec.containers.first().map_or("", |first| &first.name)));
        let begun = children.iter().any(|step| step.mark != Mark::Waiting);
        if mark == Mark::Running && !begun && pod.is_some() {
            (mark, word) = (Mark::Waiting, if hindrance.is_some() { State::Pending.word() } else { STARTING });
        }
        let said_by_step = children.iter().any(|step| step.mark == Mark::Bad && !step.note.is_empty());
        let message = run.succeeded().and_then(|c| c.message.as_deref()).unwrap_or_default();
        let note = match mark {
            Mark::Ignored => "the run goes on (onError: continue)".to_owned(),
            Mark::Waiting => hindrance.or(way).unwrap_or_else(|| first_line(message)),
            Mark::Bad | Mark::Cancelled if !said_by_step => first_line(message),
            _ => String::new(),
        };
        Node { span: (run.started(), run.completed()), ..Node::new(key, named, mark, word).noted(note).within(children) }
    }

    /// An attempt that was tried again.
    fn attempt<'b>(&'b self, key: &str, n: usize, of: usize, status: &'b TaskRunStatus) -> Node<'b> {
        let key = format!("{key}#{n}");
        let mut steps = self.steps(&key, status, true);
        // What was tried again is not why the task failed.
        steps.iter_mut().filter(|step| step.mark == Mark::Bad).for_each(|step| step.mark = Mark::Ignored);
        let condition = crate::objects::meta::condition(&status.conditions, "Succeeded");
        let note = match steps.iter().any(|step| step.mark == Mark::Ignored) {
            true => String::new(),
            false => first_line(condition.and_then(|c| c.message.as_deref()).unwrap_or_default()),
        };
        let node = Node::new(key, format!("attempt {} of {}", n + 1, of.max(n + 1)), Mark::Ignored, State::Failed.word());
        Node { span: (status.start_time, status.completion_time), ..node.noted(note).within(steps) }
    }

    /// The steps of an attempt. Their containers start together and work one after the other, so the first that has not
    /// ended is the one at work.
    fn steps<'b>(&'b self, key: &str, status: &'b TaskRunStatus, over: bool) -> Vec<Node<'b>> {
        let mut free = !over;
        let mut since = None;
        let known = status.steps.iter().map(|step| {
            let mut node = Node::new(format!("{key}/{}", step.name), &step.name, Mark::Waiting, WAITING);
            node.tail = self.tail(&status.pod_name, &step.container);
            if let Some(end) = &step.state.terminated {
                ended(&mut node, step, end);
                since = end.finished_at.or(since);
            } else if let Some(running) = step.state.running.as_ref().filter(|_| free) {
                (node.mark, node.word) = (Mark::Running, State::Running.word().to_owned());
                node.span = (running.started_at.max(since), None);
                free = false;
            } else if over {
                (node.mark, node.word) = (Mark::Skipped, "Not run".to_owned());
            } else {
                free = false;
            }
            if let Some(refusal) = self.refusal(&status.pod_name, &step.container) {
                node.note = if node.note.is_empty() { refusal.to_owned() } else { format!("{}; {refusal}", node.note) };
            }
            node
        });
        let mut steps: Vec<Node<'_>> = known.collect();
        if steps.is_empty() && !over {
            let declared = status.task_spec.iter().flat_map(|spec| &spec.steps).filter(|step| !step.name.is_empty());
            steps.extend(declared.map(|step| Node::new(format!("{key}/{}", step.name), &step.name, Mark::Waiting, WAITING)));
        }
        steps
    }
}

fn ended(node: &mut Node<'_>, step: &StepState, end: &Terminated) {
    node.span = (end.started_at, end.finished_at);
    let code = match end.reason.as_deref().filter(|reason| !matches!(*reason, "Error" | "Completed")) {
        Some(reason) => format!("exit code {} ({reason})", end.exit_code),
        None => format!("exit code {}", end.exit_code),
    };
    let with_sandbox = step.termination_reason.as_deref().filter(|reason| *reason == "SandboxStopped");
    if let Some(reason) = step.ended_with_run().or(with_sandbox) {
        let (mark, word, note) = match reason {
            _ if end.started_at.is_none() => (Mark::Skipped, "Not run", ""),
            "TaskRunCancelled" => (Mark::Cancelled, "Cancelled", ""),
            "TaskRunTimeout" => (Mark::Bad, "Failed", "the task's time was over"),
            _ => (Mark::Bad, "Failed", "its pod was ended"),
        };
        (node.mark, node.word, node.note) = (mark, word.to_owned(), note.to_owned());
        if mark == Mark::Skipped {
            node.span = (None, None);
        }
        return;
    }
    let (mark, word, note) = match (step.termination_reason.as_deref(), end.exit_code) {
        (Some("Skipped"), 0) => (Mark::Skipped, "Skipped", "its when is not met".to_owned()),
        (Some("Skipped"), _) => (Mark::Skipped, "Skipped", "a step before it failed".to_owned()),
        (Some("Continued"), 1..) => (Mark::Ignored, "Failed", format!("{code}; the task goes on (onError: continue)")),
        (_, 0) => (Mark::Good, "Succeeded", String::new()),
        (Some("TimeoutExceeded"), _) => (Mark::Bad, "Failed", "its time was over".to_owned()),
        (Some("Cancelled"), _) => (Mark::Cancelled, "Cancelled", String::new()),
        _ => (Mark::Bad, "Failed", code),
    };
    if mark == Mark::Skipped {
        node.span = (None, None);
    }
    (node.mark, node.word, node.note) = (mark, word.to_owned(), note);
}
