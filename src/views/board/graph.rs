//! The order of a Pipeline's tasks, and what each of them waits for: its `runAfter`, and the tasks whose results it uses.

use serde_json::Value;

use crate::objects::pipeline::PipelineTask;

/// A task, and the names of those that end before it starts.
#[derive(Clone, Debug)]
pub(super) struct Placed<'p> {
    pub task: &'p PipelineTask,
    pub after: Vec<&'p str>,
}

/// The tasks, each behind those that it waits for and otherwise in the author's order.
pub(super) fn in_order(tasks: &[PipelineTask]) -> Vec<Placed<'_>> {
    let mut waiting: Vec<Placed<'_>> = tasks.iter().map(|task| Placed { task, after: after(task, tasks) }).collect();
    let mut placed = Vec::new();
    while !waiting.is_empty() {
        let free = |one: &Placed<'_>| !waiting.iter().any(|other| one.after.contains(&other.task.name.as_str()));
        // Tekton refuses circles; a place in one is as good as another.
        let next = waiting.iter().position(free).unwrap_or(0);
        placed.push(waiting.remove(next));
    }
    placed
}

fn after<'p>(task: &PipelineTask, tasks: &'p [PipelineTask]) -> Vec<&'p str> {
    let mut texts = Vec::new();
    task.params.iter().for_each(|param| gather(&param.value, &mut texts));
    [&task.matrix, &task.when].into_iter().flatten().for_each(|value| gather(value, &mut texts));
    let uses = |name: &str| texts.iter().any(|text| refers(text, name));
    let others = tasks.iter().filter(|other| other.name != task.name);
    others.map(|other| other.name.as_str()).filter(|name| task.run_after.iter().any(|t| t == name) || uses(name)).collect()
}

fn gather<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, texts)),
        _ => {}
    }
}

/// Whether a text holds `$(tasks.NAME.results.…`, or an output of the task in another form.
fn refers(text: &str, task: &str) -> bool {
    text.split("tasks.").skip(1).any(|rest| rest.strip_prefix(task).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tasks_stand_behind_what_they_wait_for() {
        let tasks: Vec<PipelineTask> = serde_json::from_value(json!([
            {"name": "deploy", "runAfter": ["test"], "when": [{"input": "$(tasks.lint.results.ok)", "operator": "in", "values": ["yes"]}]},
            {"name": "clone"},
            {"name": "test", "params": [{"name": "rev", "value": "$(tasks.clone.results.rev)"}]},
            {"name": "lint", "matrix": {"params": [{"name": "go", "value": ["$(tasks.clone.results.go[*])"]}]}},
            {"name": "cloned"},
        ]))
        .unwrap();
        let placed = in_order(&tasks);
        let names: Vec<&str> = placed.iter().map(|p| p.task.name.as_str()).collect();
        assert_eq!(names, ["clone", "test", "lint", "deploy", "cloned"]);
        assert_eq!(placed[1].after, ["clone"]);
        assert_eq!(placed[3].after, ["test", "lint"]);
        assert!(placed[4].after.is_empty());
    }

    #[test]
    fn a_circle_loses_no_task() {
        let tasks: Vec<PipelineTask> =
            serde_json::from_value(json!([{"name": "a", "runAfter": ["b"]}, {"name": "b", "runAfter": ["a"]}])).unwrap();
        assert_eq!(in_order(&tasks).len(), 2);
    }
}
