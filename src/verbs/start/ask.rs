//! Questions for what the flags leave out, in tkn's words. Without a terminal, what is needed is an error that names the
//! flag; what has a default or is optional is taken as it is then, unless the program is called as tkn, which would fail.

use serde_json::{Value, json};

use super::params::{Declared, Param, as_typed, kind, meant};
use super::workspaces::{empty_dir, item};
use crate::failure::Failure;
use crate::objects::pipeline::{ParamSpec, WorkspaceDeclaration};
use crate::session::Session;

/// Whether what may be left out is left out without a question.
fn silently(session: &Session) -> bool {
    !session.term.stdin_is_terminal && !session.stands_in_for_tkn()
}

/// Asks for every param that was not given.
///
/// # Errors
/// When a value is needed and nobody is there, or the person interrupts.
pub(super) fn params(
    session: &mut Session,
    declared: &Declared,
    given: impl Fn(&str) -> bool,
    use_defaults: bool,
) -> Result<Vec<Param>, Failure> {
    let mut answers = Vec::new();
    for spec in declared.specs().iter().filter(|spec| !given(&spec.name)) {
        if spec.default.is_none() || !(use_defaults || silently(session)) {
            answers.push((spec.name.clone(), param(session, spec)?));
        }
    }
    Ok(answers)
}

fn param(session: &mut Session, spec: &ParamSpec) -> Result<Value, Failure> {
    let default = spec.default.as_ref().map(as_typed);
    let known = default.as_ref().map(|d| format!(" (Default is `{d}`)")).unwrap_or_default();
    let question = format!("Value for param `{}` of type `{}`?{known}", spec.name, kind(spec));
    let needed = format!("--param {}=VALUE{}", spec.name, if spec.default.is_some() { " or --use-param-defaults" } else { "" });
    loop {
        let answer = session.term.line(&question, default.as_deref().or(Some("")), &needed)?;
        // What was shown and taken is the default itself, whatever is in it.
        if let Some(value) = spec.default.as_ref().filter(|_| default.as_deref() == Some(&answer)) {
            return Ok(value.clone());
        }
        match meant(kind(spec), &answer) {
            Some(value) => return Ok(value),
            None => session.term.say("An object is key:value,key:value"),
        }
    }
}

/// Asks for every declared workspace.
///
/// # Errors
/// When one is needed and nobody is there, or the person interrupts.
pub(super) fn workspaces(session: &mut Session, declared: &[WorkspaceDeclaration], skip_optional: bool) -> Result<Vec<Value>, Failure> {
    let mut answers = Vec::new();
    for workspace in declared {
        if workspace.optional && (skip_optional || silently(session) || !wanted(session, &workspace.name)?) {
            continue;
        }
        answers.push(one(session, &workspace.name)?);
    }
    Ok(answers)
}

/// Whether an optional workspace is wanted; Enter is no, as the question says.
fn wanted(session: &mut Session, name: &str) -> Result<bool, Failure> {
    let question = format!("Do you want to give specifications for the optional workspace `{name}`: (y/N)");
    let needed = format!("--workspace name={name},… or --skip-optional-workspace");
    loop {
        match session.term.line(&question, Some(""), &needed)?.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "" | "n" | "no" => return Ok(false),
            _ => session.term.say("Please answer y or n"),
        }
    }
}

fn one(session: &mut Session, declared: &str) -> Result<Value, Failure> {
    let needed = format!("--workspace name={declared},emptyDir= (or claimName=…, config=…, secret=…)");
    if session.term.stdin_is_terminal {
        session.term.answer(format!("Please give specifications for the workspace: {declared} "))?;
    }
    let name = session.term.line("Name for the workspace :", Some(declared), &needed)?;
    let sub_path = session.term.line("Value of the Sub Path :", Some(""), &needed)?;
    let kinds = ["config", "emptyDir", "secret", "pvc"].map(str::to_owned);
    let mut workspace = json!({"name": name});
    if !sub_path.trim().is_empty() {
        workspace["subPath"] = sub_path.trim().into();
    }
    match session.term.choose_from("Type of the Workspace :", &kinds, 1, &needed)? {
        0 => {
            let name = session.term.line("Name of the configmap :", Some(""), &needed)?;
            workspace["configMap"] = with_items(session, json!({"name": name}), &needed)?;
        }
        1 => workspace["emptyDir"] = medium(session, &needed)?,
        2 => {
            let name = session.term.line("Name of the secret :", Some(""), &needed)?;
            workspace["secret"] = with_items(session, json!({"secretName": name}), &needed)?;
        }
        _ => {
            let claim = session.term.line("Value of Claim Name :", Some(""), &needed)?;
            workspace["persistentVolumeClaim"] = json!({"claimName": claim});
        }
    }
    Ok(workspace)
}

fn medium(session: &mut Session, needed: &str) -> Result<Value, Failure> {
    loop {
        let medium = session.term.line("Type of EmptyDir :", Some(""), needed)?;
        match empty_dir(medium.trim()) {
            Some(directory) => return Ok(directory),
            None => session.term.say("The types are Memory and HugePages; Enter is the node's disk"),
        }
    }
}

fn with_items(session: &mut Session, mut source: Value, needed: &str) -> Result<Value, Failure> {
    let mut items = Vec::new();
    loop {
        let answer = session.term.line("Item Value :", Some(""), needed)?;
        if answer.trim().is_empty() {
            break;
        }
        match item(answer.trim()) {
            Ok(item) => items.push(item),
            Err(_) => session.term.say("An item is KEY=PATH; Enter is the end of them"),
        }
    }
    if !items.is_empty() {
        source["items"] = items.into();
    }
    Ok(source)
}
