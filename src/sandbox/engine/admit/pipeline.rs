//! Checks of a pipeline's spec.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::graph;
use super::super::object::{items, text};
use super::super::references;
use super::super::spec::{PipelineSpec, PipelineTask};
use super::super::substitute::expressions;
use super::super::value::ParamValue;
use super::report::{Report, is_label, repeated};
use super::task;
use super::variables::under;

/// Beginnings of the variables that a pipeline's tasks may use.
const PREFIXES: [&str; 6] = ["params", "tasks", "finally", "context", "workspaces", "results"];

/// Checks a pipeline's spec at a path, all but the use of params and workspaces.
pub fn check(raw: &Value, path: &str, report: &mut Report) {
    let spec: PipelineSpec = match serde_json::from_value(raw.clone()) {
        Ok(spec) => spec,
        Err(error) => return report.at(path, error),
    };
    if spec.tasks.is_empty() && spec.finally.is_empty() {
        report.errors.push(format!("expected at least one, got none: {path}.tasks"));
    }
    check_names(&spec, path, report);
    for (field, tasks) in [("tasks", &spec.tasks), ("finally", &spec.finally)] {
        for (index, task) in tasks.iter().enumerate() {
            let raw = &items(raw, &format!("/{field}"))[index];
            check_task(task, raw, &format!("{path}.{field}[{index}]"), report);
        }
    }
    if let Err(error) = graph::build(&spec.tasks) {
        report.invalid(&format!("{path}.tasks"), error);
    }
    task::check_params(items(raw, "/params"), path, report);
    for index in repeated(spec.workspaces.iter().map(|w| w.name.as_str())) {
        let name = &spec.workspaces[index].name;
        report.invalid(&format!("{path}.workspaces[{index}]"), format!("workspace with name {name:?} appears more than once"));
    }
    check_results(&spec, path, report);
    check_finally(&spec, path, report);
}

fn check_names(spec: &PipelineSpec, path: &str, report: &mut Report) {
    let places = spec.tasks.iter().enumerate().map(|(index, task)| (format!("tasks[{index}]"), task));
    let places = places.chain(spec.finally.iter().enumerate().map(|(index, task)| (format!("finally[{index}]"), task)));
    let places: Vec<(String, &PipelineTask)> = places.collect();
    for (place, task) in &places {
        if !is_label(&task.name) {
            report.errors.push(format!(
                "invalid value {:?}: {path}.{place}.name\nPipeline Task name must be a valid DNS Label.For more info refer to \
                 https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names",
                task.name
            ));
        }
    }
    for index in repeated(places.iter().map(|(_, task)| task.name.as_str())) {
        report.twice(&format!("{path}.{}.name", places[index].0));
    }
}

fn check_task(task: &PipelineTask, raw: &Value, path: &str, report: &mut Report) {
    report.exactly_one(raw, path, &["taskRef", "taskSpec"]);
    if let Some(reference) = &task.task_ref {
        let path = format!("{path}.taskRef");
        check_reference(&raw["taskRef"], &reference.name, &path, report);
        if !["", "Task"].contains(&text(&raw["taskRef"], "/kind")) && text(&raw["taskRef"], "/apiVersion").is_empty() {
            report.invalid(&format!("{path}.apiVersion"), "custom task ref must specify apiVersion");
        }
    }
    if let Some(spec) = &task.task_spec {
        super::task::check(spec, &format!("{path}.taskSpec"), report);
    }
    let on_error = task.on_error.as_deref().unwrap_or_default();
    if !["", "continue", "stopAndFail"].contains(&on_error) && !on_error.starts_with("$(params") {
        let message = "PipelineTask OnError must be either \"continue\" or \"stopAndFail\"";
        report.errors.push(format!("invalid value: {on_error}: {path}.OnError\n{message}"));
    }
    if on_error == "continue" && task.retries > 0 {
        report.at(path, "PipelineTask OnError cannot be set to \"continue\" when Retries is greater than 0");
    }
    for (index, when) in task.when.iter().enumerate() {
        if !["in", "notin"].contains(&when.operator.as_str()) {
            let message = format!("operator {:?} is not recognized. valid operators: in,notin", when.operator);
            report.invalid(&format!("{path}.when[{index}]"), message);
        } else if when.values.is_empty() {
            report.invalid(&format!("{path}.when[{index}]"), "expecting non-empty values field");
        }
    }
    for index in repeated(task.params.iter().map(|param| param.name.as_str())) {
        let message = format!("parameter names must be unique, the parameter {:?} is also defined at", task.params[index].name);
        report.at(&format!("{path}.params[{index}].name"), message);
    }
    super::matrix::check(task, path, report);
    check_prefixes(task, path, report);
}

/// A reference to a Task or Pipeline of the namespace.
pub fn check_reference(raw: &Value, name: &str, path: &str, report: &mut Report) {
    if name.is_empty() {
        report.missing(&format!("{path}.name"));
    }
    let version = text(raw, "/apiVersion");
    if !version.is_empty() && !version.starts_with("tekton.dev/") {
        report.at(path, "custom tasks are not supported by this sandbox yet; run it on a cluster");
    }
}

/// Checks how the variables in a task's params and guards begin.
pub fn check_prefixes(task: &PipelineTask, path: &str, report: &mut Report) {
    let params = task
        .params
        .iter()
        .flat_map(|param| param.value.texts().into_iter().map(move |text| (format!("params[{}].value", param.name), text)));
    let guards = task.when.iter().enumerate().flat_map(|(index, when)| {
        std::iter::once(&when.input).chain(&when.values).map(move |text| (format!("when[{index}]"), text.as_str()))
    });
    for (field, text) in params.chain(guards) {
        for expression in expressions(text) {
            let prefix = expression.split(['.', '[']).next().unwrap_or_default();
            if !PREFIXES.contains(&prefix) {
                let message = format!(
                    "invalid variable reference \"$({expression})\", must start with a valid prefix: params, tasks, finally, \
                     context, workspaces, or results; if you meant a shell variable, use ${{VAR}} instead"
                );
                report.invalid(&format!("{path}.{field}"), message);
            }
        }
    }
}

fn check_results(spec: &PipelineSpec, path: &str, report: &mut Report) {
    for (index, result) in spec.results.iter().enumerate() {
        let at = format!("{path}.results[{index}].value");
        let found: Vec<&str> = result.value.texts().into_iter().flat_map(expressions).collect();
        let references: Vec<_> = found.iter().filter_map(|e| references::ResultRef::parse(e)).collect();
        if found.is_empty() {
            report.invalid(&at, "expected pipeline results to be task result expressions but no expressions were found");
        } else if references.is_empty() {
            report.invalid(&at, "expected pipeline results to be task result expressions but an invalid expressions was found");
        }
        let exists = |reference: &references::ResultRef| {
            let tasks = if reference.of_finally { &spec.finally } else { &spec.tasks };
            tasks.iter().any(|task| task.name == reference.task)
        };
        // The webhook reads what stands before the first expression as another one.
        let begins = result.value.as_str().is_none_or(|text| text.starts_with('$') || found.is_empty());
        if !(begins && references.iter().all(exists)) {
            report.invalid(&at, "referencing a nonexistent task");
        }
    }
}

fn check_finally(spec: &PipelineSpec, path: &str, report: &mut Report) {
    if spec.tasks.is_empty() && !spec.finally.is_empty() {
        let message = format!("spec.tasks is empty but spec.finally has {} tasks", spec.finally.len());
        report.invalid(&format!("{path}.finally"), message);
    }
    let names = |tasks: &[PipelineTask]| tasks.iter().map(|task| task.name.clone()).collect::<BTreeSet<_>>();
    let (graph, last) = (names(&spec.tasks), names(&spec.finally));
    for (index, task) in spec.tasks.iter().enumerate() {
        if status_references(task).next().is_some() {
            let message = "pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks";
            report.invalid(&format!("{path}.tasks[{index}]"), message);
        }
    }
    for (index, task) in spec.finally.iter().enumerate() {
        let at = format!("{path}.finally[{index}]");
        if !task.run_after.is_empty() {
            let message = format!("no runAfter allowed under spec.finally, final task {} has runAfter specified", task.name);
            report.invalid(&at, message);
        }
        for name in status_references(task).flatten().filter(|name| !graph.contains(name)) {
            report.invalid(&at, format!("pipeline task {name} is not defined in the pipeline"));
        }
        for reference in references::in_inputs(task) {
            let start = "invalid task result reference, final task has task result reference from a";
            if last.contains(&reference.task) {
                report.invalid(&at, format!("{start} final task {}", reference.task));
            } else if !graph.contains(&reference.task) {
                report.invalid(&at, format!("{start} task {} which is not defined in the pipeline", reference.task));
            }
        }
    }
}

/// The tasks whose status or reason a task's inputs name; nothing for the status of all.
fn status_references(task: &PipelineTask) -> impl Iterator<Item = Option<String>> {
    let params = task.params.iter().flat_map(|param| param.value.texts());
    let guards = task.when.iter().flat_map(|when| std::iter::once(&when.input).chain(&when.values).map(String::as_str));
    params.chain(guards).flat_map(expressions).filter_map(|expression| match expression {
        "tasks.status" => Some(None),
        other => {
            let inner = other.strip_prefix("tasks.")?;
            let name = inner.strip_suffix(".status").or_else(|| inner.strip_suffix(".reason"))?;
            (!name.contains('.')).then(|| Some(name.to_owned()))
        }
    })
}

/// Checks that a pipeline's tasks use only params that there are, and each as its type allows.
pub fn check_param_use(raw: &Value, declared: &task::Declared, path: &str, report: &mut Report) {
    for field in ["tasks", "finally"] {
        for (index, pipeline_task) in items(raw, &format!("/{field}")).iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            check_inputs(pipeline_task, declared, &path, report);
            if let Some(spec) = pipeline_task.get("taskSpec") {
                let mut inner = declared.clone();
                task::declare_passed(items(pipeline_task, "/params"), &mut inner);
                let fanned = matrix_params(pipeline_task).map(|(_, param)| json!({"name": param["name"], "value": ""}));
                task::declare_passed(&fanned.collect::<Vec<_>>(), &mut inner);
                task::declare(items(spec, "/params"), &mut inner);
                task::check_param_use(spec, &inner, &format!("{path}.taskSpec"), report);
            }
        }
    }
}

/// The params of a task's matrix, each with the place where it stands.
fn matrix_params(pipeline_task: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let own = items(pipeline_task, "/matrix/params").iter().map(|param| ("matrix.params", param));
    let include = items(pipeline_task, "/matrix/include").iter().flat_map(|include| items(include, "/params"));
    own.chain(include.map(|param| ("matrix.include.params", param)))
}

fn check_inputs(pipeline_task: &Value, declared: &task::Declared, path: &str, report: &mut Report) {
    let mut texts = Vec::new();
    for (place, param) in items(pipeline_task, "/params").iter().map(|param| ("params", param)).chain(matrix_params(pipeline_task)) {
        let value = ParamValue::of(param.get("value").unwrap_or(&Value::Null));
        let name = text(param, "/name");
        texts.extend(value.texts().into_iter().map(|text| (format!("{place}[{name}]"), text.to_owned())));
    }
    for (index, when) in items(pipeline_task, "/when").iter().enumerate() {
        texts.push((format!("when[{index}].input"), text(when, "/input").to_owned()));
        let values = items(when, "/values").iter().filter_map(Value::as_str);
        texts.extend(values.map(|text| (format!("when[{index}].values"), text.to_owned())));
    }
    for (field, text) in texts {
        for variable in under(&text, "params") {
            let at = format!("{path}.{field}");
            match declared.get(variable.name()) {
                None => report.at(&at, format!("non-existent variable in {text:?}")),
                Some(param) if param.kind == "object" => {
                    if variable.key().is_some_and(|key| !param.keys.contains(key)) {
                        report.at(&at, format!("non-existent variable in {text:?}"));
                    }
                }
                Some(param) if param.kind == "array" && variable.is_whole() && variable.whole != text => {
                    report.at(&at, format!("variable type invalid in {text:?}"));
                }
                Some(_) => {}
            }
        }
    }
}

/// Checks that a Pipeline's tasks pass on only workspaces that it declares.
pub fn check_workspace_use(raw: &Value, path: &str, report: &mut Report) {
    let declared: BTreeSet<&str> = items(raw, "/workspaces").iter().map(|workspace| text(workspace, "/name")).collect();
    for field in ["tasks", "finally"] {
        for (index, pipeline_task) in items(raw, &format!("/{field}")).iter().enumerate() {
            for (position, passed) in items(pipeline_task, "/workspaces").iter().enumerate() {
                let name = match text(passed, "/workspace") {
                    "" => text(passed, "/name"),
                    name => name,
                };
                if !declared.contains(name) {
                    let task = text(pipeline_task, "/name");
                    let message = format!("pipeline task {task:?} expects workspace with name {name:?} but none exists in pipeline spec");
                    report.invalid(&format!("{path}.{field}[{index}].workspaces[{position}]"), message);
                }
            }
        }
    }
}
