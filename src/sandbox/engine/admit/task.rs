//! Checks of a task's spec.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::object::{items, text};
use super::super::taskrun::merge_step_template;
use super::super::value::ParamValue;
use super::report::{Report, is_label, repeated};
use super::variables::{StepText, step_texts, under, unknown};

/// Declared params: type, and the keys of objects.
pub type Declared = BTreeMap<String, DeclaredParam>;

/// A declared param, or one that is passed and may be used without being declared.
#[derive(Clone, Debug, Default)]
pub struct DeclaredParam {
    /// `string`, `array` or `object`
    pub kind: String,
    /// Keys of an object
    pub keys: BTreeSet<String>,
}

/// Adds declared params.
pub fn declare(params: &[Value], into: &mut Declared) {
    for param in params {
        let keys = param.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.clone());
        let mut declared = DeclaredParam { kind: text(param, "/type").to_owned(), keys: keys.collect() };
        if declared.kind.is_empty() {
            declared.kind = param.get("default").map_or("string", |default| ParamValue::of(default).type_name()).to_owned();
        }
        into.insert(text(param, "/name").to_owned(), declared);
    }
}

/// Adds params that are passed, which embedded specs may use undeclared.
pub fn declare_passed(params: &[Value], into: &mut Declared) {
    for param in params {
        let value = ParamValue::of(param.get("value").unwrap_or(&Value::Null));
        let keys = match &value {
            ParamValue::Object(map) => map.keys().cloned().collect(),
            _ => BTreeSet::new(),
        };
        into.insert(text(param, "/name").to_owned(), DeclaredParam { kind: value.type_name().to_owned(), keys });
    }
}

/// Checks a task's spec at a path, all but the use of params.
pub fn check(spec: &Value, path: &str, report: &mut Report) {
    let mut merged = spec.clone();
    merge_step_template(&mut merged);
    let steps = items(&merged, "/steps");
    if steps.is_empty() {
        report.missing(&format!("{path}.steps"));
    }
    for index in repeated(steps.iter().map(|step| text(step, "/name"))) {
        report.twice(&format!("{path}.steps[{index}].name"));
    }
    let results: BTreeSet<String> = items(spec, "/results").iter().map(|r| text(r, "/name").to_owned()).collect();
    for (index, step) in steps.iter().enumerate() {
        check_step(step, &results, &format!("{path}.steps[{index}]"), report);
    }
    for index in repeated(items(spec, "/volumes").iter().map(|volume| text(volume, "/name"))) {
        let name = text(&items(spec, "/volumes")[index], "/name");
        report.at(&format!("{path}.volumes[{index}].name"), format!("multiple volumes with same name {name:?}"));
    }
    check_workspaces(spec, path, report);
    check_params(items(spec, "/params"), path, report);
    check_results(items(spec, "/results"), &format!("{path}.results"), report);
}

fn check_step(step: &Value, results: &BTreeSet<String>, path: &str, report: &mut Report) {
    if text(step, "/image").is_empty() {
        report.missing(&format!("{path}.Image"));
    }
    if !text(step, "/script").is_empty() && !items(step, "/command").is_empty() {
        report.at(&format!("{path}.script"), "script cannot be used with command");
    }
    let name = text(step, "/name");
    if !name.is_empty() && !is_label(name) {
        report.errors.push(format!(
            "invalid value {name:?}: {path}.name\nTask step name must be a valid DNS Label, For more info refer to \
             https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names"
        ));
    }
    let on_error = text(step, "/onError");
    if !["", "continue", "stopAndFail"].contains(&on_error) && !on_error.starts_with("$(params") {
        report
            .errors
            .push(format!("invalid value: {on_error:?}: {path}.onError\nTask step onError must be either \"continue\" or \"stopAndFail\""));
    }
    for (index, mount) in items(step, "/volumeMounts").iter().enumerate() {
        let (name, at) = (text(mount, "/name"), text(mount, "/mountPath"));
        if at.starts_with("/tekton/") && !at.starts_with("/tekton/home") {
            let message = format!("volumeMount cannot be mounted under /tekton/ (volumeMount {name:?} mounted at {at:?})");
            report.at(&format!("{path}.volumeMounts[{index}].mountPath"), message);
        }
    }
    check_step_variables(step, results, path, report);
    let own: BTreeSet<String> = items(step, "/results").iter().map(|r| text(r, "/name").to_owned()).collect();
    if let Some(error) = unknown(text(step, "/script"), "step.results", &own).filter(|_| !own.is_empty()) {
        report.at(&format!("{path}.script"), error);
    }
    check_results(items(step, "/results"), &format!("{path}.results"), report);
}

/// Variables that exist in every task.
const CONTEXT: [(&str, &[&str]); 2] = [("context.taskRun", &["name", "namespace", "uid"]), ("context.task", &["name", "retry-count"])];

/// Variables of a feature that a cluster has switched off unless it is asked for.
const ARTIFACTS: [&str; 2] = ["$(step.artifacts.path)", "$(artifacts.path)"];

fn check_step_variables(step: &Value, results: &BTreeSet<String>, path: &str, report: &mut Report) {
    for StepText { field, text, .. } in step_texts(step) {
        for (prefix, names) in CONTEXT {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            if let Some(error) = unknown(text, prefix, &names) {
                report.at(&format!("{path}.{field}"), error);
            }
        }
        if field == "script"
            && let Some(error) = unknown(text, "results", results)
        {
            report.at(&format!("{path}.script"), error);
        }
        if ARTIFACTS.iter().any(|variable| text.contains(variable)) {
            let message = "artifacts are not supported by this sandbox yet; run it on a cluster";
            report.at(&format!("{path}.{field}"), message);
        }
        let listed = field.starts_with("env[") || field.starts_with("args[") || field.starts_with("command[");
        if !listed && under(text, "steps").iter().any(|variable| variable.inner.contains(".results.")) {
            let message = "stepResult substitutions are only allowed in env, command and args. Found usage in";
            report.at(&format!("{path}.{field}"), message);
        }
    }
}

fn check_workspaces(spec: &Value, path: &str, report: &mut Report) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for step in items(spec, "/steps").iter().chain(spec.get("stepTemplate")) {
        taken.extend(items(step, "/volumeMounts").iter().map(|mount| text(mount, "/mountPath").trim_end_matches('/').to_owned()));
    }
    let declared = items(spec, "/workspaces");
    for index in repeated(declared.iter().map(|workspace| text(workspace, "/name"))) {
        let name = text(&declared[index], "/name");
        report.at(&format!("{path}.workspaces[{index}].name"), format!("workspace name {name:?} must be unique"));
    }
    for (index, workspace) in declared.iter().enumerate() {
        let mount = match text(workspace, "/mountPath") {
            "" => format!("/workspace/{}", text(workspace, "/name")),
            path => path.trim_end_matches('/').to_owned(),
        };
        if !taken.insert(mount.clone()) {
            let message = format!("workspace mount path {mount:?} must be unique");
            report.at(&format!("{path}.workspaces[{index}].mountpath"), message);
        }
    }
}

/// Checks declarations of params.
pub fn check_params(params: &[Value], path: &str, report: &mut Report) {
    for index in repeated(params.iter().map(|param| text(param, "/name"))) {
        report.at(&format!("{path}.params[{}]", text(&params[index], "/name")), "parameter appears more than once");
    }
    for param in params {
        let (name, kind) = (text(param, "/name"), text(param, "/type"));
        if !is_param_name(name) {
            let message = format!("The format of following array and string variable names is invalid: [{name}]");
            report.at(&format!("{path}.params"), message);
        }
        if !["", "string", "array", "object"].contains(&kind) {
            report.invalid(&format!("{path}.params.{name}.type"), kind);
        } else if let Some(default) = param.get("default").map(ParamValue::of)
            && !kind.is_empty()
            && default.type_name() != kind
        {
            let message = format!("{kind:?} type does not match default value's type: {:?}", default.type_name());
            report.at(&format!("{path}.params.{name}.default.type, {path}.params.{name}.type"), message);
        }
    }
}

fn is_param_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn check_results(results: &[Value], path: &str, report: &mut Report) {
    for (index, result) in results.iter().enumerate() {
        let (name, kind) = (text(result, "/name"), text(result, "/type"));
        let edge = |c: char| c.is_ascii_alphanumeric();
        let inside = |c: char| edge(c) || matches!(c, '-' | '_' | '.');
        if !name.starts_with(edge) || !name.ends_with(edge) || !name.chars().all(inside) {
            report.errors.push(format!(
                "invalid key name {name:?}: {path}[{index}].name\nName must consist of alphanumeric characters, '-', '_', \
                 and must start and end with an alphanumeric character"
            ));
        }
        if !["", "string", "array", "object"].contains(&kind) {
            report.invalid(&format!("{path}[{index}].type"), kind);
        }
        if kind == "object" && result.get("properties").is_none() {
            report.missing(&format!("{path}[{index}].{name}.properties"));
        }
        if let Some(value) = result.get("value").and_then(Value::as_str)
            && !(value.starts_with("$(steps.") && value.ends_with(')') && value.contains(".results."))
        {
            let message = format!(
                "Could not extract step name and result name. Expected value to look like \
                 $(steps.<stepName>.results.<resultName>) but got {value:?}"
            );
            report.at(&format!("{path}[{index}].{name}.value"), message);
        }
    }
}

/// Checks that a task's steps use only params that there are, and each as its type allows.
pub fn check_param_use(spec: &Value, declared: &Declared, path: &str, report: &mut Report) {
    let names: BTreeSet<String> = declared.keys().cloned().collect();
    for (index, step) in items(spec, "/steps").iter().enumerate() {
        for found in step_texts(step) {
            let at = format!("{path}.steps[{index}].{}", found.field);
            match unknown(found.text, "params", &names) {
                Some(error) => report.at(&at, error),
                None => check_kinds(&found, declared, &at, report),
            }
        }
    }
}

fn check_kinds(found: &StepText<'_>, declared: &Declared, at: &str, report: &mut Report) {
    for variable in under(found.text, "params") {
        let Some(param) = declared.get(variable.name()) else { continue };
        match param.kind.as_str() {
            "array" if variable.is_whole() && !found.in_list => {
                report.at(at, format!("variable type invalid in {:?}", found.text));
            }
            "array" if variable.is_whole() && variable.whole != found.text => {
                report.at(at, format!("variable is not properly isolated in {:?}", found.text));
            }
            "object" => match variable.key() {
                None => report.at(at, format!("variable type invalid in {:?}", found.text)),
                Some(key) if !param.keys.contains(key) => {
                    report.at(at, format!("non-existent variable in {:?}", found.text));
                }
                Some(_) => {}
            },
            _ => {}
        }
    }
}
