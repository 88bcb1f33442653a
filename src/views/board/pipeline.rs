//! The nodes of a PipelineRun: its tasks in the graph's order, their combinations, and Pipelines within the Pipeline.

use serde_json::Value;

use super::graph::{Placed, in_order};
use super::node::{Mark, Node, WAITING};
use super::{Board, first_line};
use crate::objects::pipeline::{PipelineSpec, PipelineTask};
use crate::objects::run::{ChildReference, PipelineRun, Run};
use crate::objects::verdict::State;

impl Board {
    /// A PipelineRun with its tasks.
    pub(super) fn pipeline_run<'b>(&'b self, key: &str, name: &str, run: &'b PipelineRun) -> Node<'b> {
        let state = run.state();
        let mark = Mark::of(state);
        let word = if state == State::Unstarted { "Pending" } else { state.word() };
        let nothing = PipelineSpec::default();
        let spec = run.status.pipeline_spec.as_ref().or(run.spec.pipeline_spec.as_ref());
        let (tasks, finally) = spec.map_or((&nothing.tasks[..], &nothing.finally[..]), |spec| (&spec.tasks, &spec.finally));
        let below = |task: &str| if key.is_empty() { task.to_owned() } else { format!("{key}/{task}") };
        let mut children: Vec<Node<'b>> = Vec::new();
        for placed in in_order(tasks) {
            let node = self.task_of(&below(&placed.task.name), &placed, run, &children);
            children.push(node);
        }
        let (all, over) = (children.len(), children.iter().filter(|task| task.mark.is_over()).count());
        if !finally.is_empty() {
            let last = Placed { task: &finally[0], after: Vec::new() };
            let nodes = finally.iter().map(|task| {
                let node = self.task_of(&below(&task.name), &Placed { task, ..last.clone() }, run, &[]);
                let waits = node.word == WAITING && node.note.is_empty();
                if waits { node.noted("when the tasks are over") } else { node }
            });
            let nodes = nodes.collect();
            children.push(Node::new(below("finally:"), "finally", Mark::Heading, "").within(nodes));
        }
        let message = run.succeeded().and_then(|c| c.message.as_deref()).unwrap_or_default();
        let note = match mark {
            Mark::Running if all > 0 => format!("{over} of {all} tasks are over"),
            Mark::Good => String::new(),
            _ => first_line(message),
        };
        Node { span: (run.started(), run.completed()), ..Node::new(key, name, mark, word).noted(note).within(children) }
    }

    /// A task of the Pipeline with its children, or what it waits for.
    fn task_of<'b>(&'b self, key: &str, placed: &Placed<'_>, run: &'b PipelineRun, before: &[Node<'b>]) -> Node<'b> {
        let task = placed.task;
        let references = &run.status.child_references;
        let mut children: Vec<Node<'b>> = Vec::new();
        let own: Vec<&ChildReference> = references.iter().filter(|child| child.pipeline_task_name == task.name).collect();
        for child in &own {
            let name = if own.len() > 1 { &child.name } else { &task.name };
            let label = match self.combination(child, task) {
                Some(combination) if own.len() > 1 => format!("[{combination}]"),
                Some(combination) => format!("{name} [{combination}]"),
                None => name.clone(),
            };
            children.push(self.child(&format!("{key}:{}", child.name), &label, child));
        }
        match children.len() {
            0 => no_child(key, placed, run, before),
            1 => {
                let mut only = children.remove(0);
                key.clone_into(&mut only.key);
                only
            }
            _ => matrix(key, &task.name, children),
        }
    }

    fn child<'b>(&'b self, key: &str, name: &str, child: &ChildReference) -> Node<'b> {
        let kind = child.kind.as_str();
        if self.gone.contains(&child.name) {
            return Node::new(key, name, Mark::Cancelled, "Deleted").noted(format!("its {kind} {} is gone", child.name));
        }
        match kind {
            "TaskRun" => self.tasks.get(&child.name).map(|run| self.task_run(key, name, run)),
            "PipelineRun" => self.runs.get(&child.name).map(|run| self.pipeline_run(key, name, run)),
            _ => self.customs.get(&child.name).map(|custom| {
                let verdict = &custom.verdict;
                let word = if verdict.state == State::Unstarted { "Pending" } else { verdict.state.word() };
                let node = Node::new(key, format!("{name} ({kind})"), Mark::of(verdict.state), word);
                let nobody = verdict.state == State::Unstarted && custom.message.is_empty();
                let note = if nobody { "nobody has taken it up yet".to_owned() } else { first_line(&custom.message) };
                Node { span: custom.span, ..node.noted(note) }
            }),
        }
        .unwrap_or_else(|| Node::new(key, name, Mark::Waiting, "Pending"))
    }

    /// The parameters in which a child of a matrix differs from its siblings: `go=1.22, os=linux`.
    fn combination(&self, child: &ChildReference, task: &PipelineTask) -> Option<String> {
        let names = varied(task.matrix.as_ref()?);
        let params = &self.tasks.get(&child.name)?.spec.params;
        let own = names.iter().filter_map(|name| params.iter().find(|param| param.name == *name));
        let text: Vec<String> = own.map(|param| format!("{}={}", param.name, plain(&param.value))).collect();
        (!text.is_empty()).then(|| text.join(", "))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), first_line)
}

/// The names of a matrix' parameters, those of its `include` as well.
fn varied(matrix: &Value) -> Vec<&str> {
    let include = matrix["include"].as_array().into_iter().flatten().map(|include| &include["params"]);
    let lists = std::iter::once(&matrix["params"]).chain(include);
    let mut names = Vec::new();
    for name in lists.filter_map(Value::as_array).flatten().filter_map(|param| param["name"].as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A task that has no child: it was skipped, will not run any more, or waits.
fn no_child<'b>(key: &str, placed: &Placed<'_>, run: &PipelineRun, before: &[Node<'b>]) -> Node<'b> {
    let name = &placed.task.name;
    if let Some(skipped) = run.status.skipped_tasks.iter().find(|skipped| skipped.name == *name) {
        return Node::new(key, name, Mark::Skipped, "Skipped").noted(&skipped.reason);
    }
    if run.is_done() {
        return Node::new(key, name, Mark::Skipped, "Not run");
    }
    let open = |after: &&str| before.iter().any(|node| !node.mark.is_over() && node.key.rsplit('/').next() == Some(*after));
    let after: Vec<&str> = placed.after.iter().copied().filter(open).collect();
    let note = if after.is_empty() { String::new() } else { format!("after {}", after.join(", ")) };
    Node::new(key, name, Mark::Waiting, WAITING).noted(note)
}

/// A task that fans out.
fn matrix<'b>(key: &str, name: &str, children: Vec<Node<'b>>) -> Node<'b> {
    let over = children.iter().filter(|child| child.mark.is_over()).count();
    let with = |mark: Mark| children.iter().find(|child| child.mark == mark);
    let order = [Mark::Running, Mark::Waiting, Mark::Bad, Mark::Cancelled, Mark::Ignored, Mark::Good];
    let first = order.iter().find_map(|mark| with(*mark));
    let began = children.iter().any(|child| child.span.0.is_some());
    let (mark, word) = match first {
        Some(child) if child.mark == Mark::Waiting && began => (Mark::Running, State::Running.word().to_owned()),
        Some(child) => (child.mark, child.word.clone()),
        None => (Mark::Skipped, "Skipped".to_owned()),
    };
    let count = children.len();
    let note = match mark {
        // Before the first begins there is nothing to count, and each says for itself what it waits for.
        Mark::Waiting => String::new(),
        Mark::Running => format!("{over} of {count} are over"),
        Mark::Good => format!("{count} combinations"),
        _ => format!("{} of {count} {}", children.iter().filter(|child| child.mark == mark).count(), word.to_lowercase()),
    };
    let from = children.iter().filter_map(|child| child.span.0).min();
    let to = children.iter().filter_map(|child| child.span.1).max().filter(|_| over == count);
    Node { span: (from, to), ..Node::new(key, name, mark, word).noted(note).within(children) }
}
