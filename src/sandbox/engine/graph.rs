//! The order of a pipeline's tasks, from `runAfter` and from references to results.

use std::collections::{BTreeMap, BTreeSet};

use super::references;
use super::spec::PipelineTask;

/// A graph that is no graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two tasks of one name
    #[error("task {0} is already present in Graph, can't add it again: duplicate pipeline task")]
    Duplicate(String),
    /// Tasks that wait for each other
    #[error("cycle detected; task \"{task}\" depends on \"{on}\"")]
    Cycle {
        /// One of them
        task: String,
        /// What it waits for
        on: String,
    },
    /// A dependency on a task that is not there
    #[error("couldn't add link between {task} and {on}: task {task} depends on {on} but {on} wasn't present in Pipeline")]
    Missing {
        /// The task
        task: String,
        /// What it waits for
        on: String,
    },
}

/// What each task waits for, in an order in which every task comes after those.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Position in the list of tasks, in a topological order that keeps the list's order where it can
    pub order: Vec<usize>,
    /// Positions of the tasks that a task waits for, by its position
    pub parents: Vec<Vec<usize>>,
}

/// Names of the tasks that a task waits for.
pub fn dependencies(task: &PipelineTask) -> BTreeSet<String> {
    let results = references::of_task(task).into_iter().map(|reference| reference.task);
    results.chain(task.run_after.iter().cloned()).chain(references::of_lengths(task)).collect()
}

/// Builds the graph of a pipeline's `tasks`.
pub fn build(tasks: &[PipelineTask]) -> Result<Graph, GraphError> {
    let mut positions = BTreeMap::new();
    for (position, task) in tasks.iter().enumerate() {
        if positions.insert(task.name.as_str(), position).is_some() {
            return Err(GraphError::Duplicate(task.name.clone()));
        }
    }
    let mut parents = Vec::with_capacity(tasks.len());
    for task in tasks {
        let links = dependencies(task).into_iter().map(|on| match positions.get(on.as_str()) {
            Some(position) => Ok(*position),
            None => Err(GraphError::Missing { task: task.name.clone(), on }),
        });
        parents.push(links.collect::<Result<Vec<_>, _>>()?);
    }
    let order = sort(tasks, &parents)?;
    Ok(Graph { order, parents })
}

fn sort(tasks: &[PipelineTask], parents: &[Vec<usize>]) -> Result<Vec<usize>, GraphError> {
    let mut order = Vec::with_capacity(tasks.len());
    let mut placed = vec![false; tasks.len()];
    while order.len() < tasks.len() {
        let ready = |position: &usize| !placed[*position] && parents[*position].iter().all(|parent| placed[*parent]);
        let next: Vec<usize> = (0..tasks.len()).filter(ready).collect();
        if next.is_empty() {
            let waits = (0..tasks.len()).filter(|position| !placed[*position]);
            let edge = waits.flat_map(|task| parents[task].iter().map(move |on| (task, *on)));
            let (task, on) = edge.filter(|(_, on)| !placed[*on]).min().unwrap_or_default();
            return Err(GraphError::Cycle { task: tasks[task].name.clone(), on: tasks[on].name.clone() });
        }
        for position in next {
            placed[position] = true;
            order.push(position);
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::{GraphError, build};
    use serde_json::{Value, json};

    fn tasks(value: Value) -> Vec<super::PipelineTask> {
        serde_json::from_value(value).expect("pipeline tasks")
    }

    #[test]
    fn tasks_come_after_what_they_wait_for() {
        let graph = build(&tasks(json!([
            {"name": "c", "runAfter": ["b"]},
            {"name": "b", "params": [{"name": "p", "value": "$(tasks.a.results.r)"}]},
            {"name": "a"},
        ])))
        .expect("a graph");
        assert_eq!(graph.order, [2, 1, 0]);
        assert_eq!(graph.parents, [vec![1], vec![2], vec![]]);
    }

    #[test]
    fn cycles_duplicates_and_missing_tasks_are_told() {
        let cycle = build(&tasks(json!([{"name": "a", "runAfter": ["b"]}, {"name": "b", "runAfter": ["a"]}])));
        assert_eq!(cycle.err(), Some(GraphError::Cycle { task: "a".into(), on: "b".into() }));
        let missing = build(&tasks(json!([{"name": "a", "runAfter": ["x"]}])));
        assert_eq!(missing.err(), Some(GraphError::Missing { task: "a".into(), on: "x".into() }));
        let twice = build(&tasks(json!([{"name": "a"}, {"name": "a"}])));
        assert_eq!(
            twice.err().map(|e| e.to_string()).as_deref(),
            Some("task a is already present in Graph, can't add it again: duplicate pipeline task")
        );
    }
}
