//! References to results: `tasks.NAME.results.RESULT`, with an index or a key, and where a pipeline task has them.

use serde_json::Value;

use super::spec::PipelineTask;
use super::substitute::expressions;
use super::value::ParamValue;

/// A reference to a result of a pipeline task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResultRef {
    /// The pipeline task that makes it
    pub task: String,
    /// Name of the result
    pub result: String,
    /// `[2]` of a list
    pub index: Option<usize>,
    /// A key of a map
    pub key: Option<String>,
    /// Whether it stands under `finally.` instead of `tasks.`
    pub of_finally: bool,
}

impl ResultRef {
    /// Reads the text between `$(` and `)`; `None` when it is some other variable.
    pub fn parse(expression: &str) -> Option<Self> {
        let parts: Vec<&str> = expression.split('.').collect();
        let (of_finally, key) = match parts[..] {
            [first @ ("tasks" | "finally"), _, "results", _] => (first == "finally", None),
            [first @ ("tasks" | "finally"), _, "results", _, key] => (first == "finally", Some(key.to_owned())),
            _ => return None,
        };
        let (result, index) = match parts[3].split_once('[') {
            Some((result, index)) => (result, index.trim_end_matches(']').parse().ok()),
            None => (parts[3], None),
        };
        Some(Self { task: parts[1].to_owned(), result: result.to_owned(), index, key, of_finally })
    }

    /// Every spelling of the variable, without index and key.
    pub fn spellings(task: &str, result: &str) -> Vec<String> {
        vec![
            format!("tasks.{task}.results.{result}"),
            format!("tasks.{task}.results[\"{result}\"]"),
            format!("tasks.{task}.results['{result}']"),
        ]
    }
}

/// The references in a text.
pub fn in_text(text: &str) -> impl Iterator<Item = ResultRef> {
    expressions(text).into_iter().filter_map(ResultRef::parse)
}

/// The references in a param's value.
pub fn in_value(value: &ParamValue) -> Vec<ResultRef> {
    value.texts().into_iter().flat_map(in_text).collect()
}

/// The references in a pipeline task's params and guards: they have to be known before it runs.
pub fn in_inputs(task: &PipelineTask) -> Vec<ResultRef> {
    let params = task.all_params().flat_map(|param| in_value(&param.value));
    let guards = task.when.iter().flat_map(|when| std::iter::once(&when.input).chain(&when.values));
    params.chain(guards.flat_map(|text| in_text(text))).collect()
}

/// The tasks whose fan-out the params of a task count: `$(tasks.NAME.matrix.length)`, `$(tasks.NAME.matrix.RESULT.length)`.
pub fn of_lengths(task: &PipelineTask) -> Vec<String> {
    let texts = task.all_params().flat_map(|param| param.value.texts()).chain(task.display_name.as_deref());
    let counted = |expression: &str| match expression.split('.').collect::<Vec<_>>()[..] {
        ["tasks", name, "matrix", "length"] | ["tasks", name, "matrix", _, "length"] => Some(name.to_owned()),
        _ => None,
    };
    texts.flat_map(expressions).filter_map(counted).collect()
}

/// All references of a pipeline task, also those in the steps of its embedded spec; they order the graph.
pub fn of_task(task: &PipelineTask) -> Vec<ResultRef> {
    let mut found = in_inputs(task);
    if let Some(spec) = &task.task_spec {
        for field in ["steps", "sidecars"] {
            collect(spec.get(field).unwrap_or(&Value::Null), &mut found);
        }
    }
    found
}

fn collect(value: &Value, found: &mut Vec<ResultRef>) {
    match value {
        Value::String(text) => found.extend(in_text(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{ResultRef, of_task};
    use serde_json::json;

    #[test]
    fn references_are_read_with_index_and_key() {
        let parse = |text| ResultRef::parse(text).map(|r| (r.task, r.result, r.index, r.key));
        assert_eq!(parse("tasks.a.results.r"), Some(("a".into(), "r".into(), None, None)));
        assert_eq!(parse("tasks.a.results.r[2]"), Some(("a".into(), "r".into(), Some(2), None)));
        assert_eq!(parse("tasks.a.results.r[*]"), Some(("a".into(), "r".into(), None, None)));
        assert_eq!(parse("finally.a.results.r.k"), Some(("a".into(), "r".into(), None, Some("k".into()))));
        assert_eq!(parse("tasks.a.status"), None);
        assert_eq!(parse("params.a"), None);
    }

    #[test]
    fn references_are_found_in_params_guards_and_embedded_steps() {
        let task = json!({
            "name": "t",
            "params": [{"name": "p", "value": ["$(tasks.a.results.x)"]}],
            "when": [{"input": "$(tasks.b.results.x)", "operator": "in", "values": ["$(tasks.c.results.x)"]}],
            "taskSpec": {"steps": [{"script": "echo $(tasks.d.results.x)"}]},
        });
        let task = serde_json::from_value(task).expect("a pipeline task");
        let names: Vec<String> = of_task(&task).into_iter().map(|r| r.task).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }
}
