//! Questions for what the flags leave out, in tkn's words. Without a terminal, what has a default or is optional is
//! taken as it is, and the rest is an error that names the flag.

use serde_json::{Value, json};

use super::params::{Param, as_typed, kind, typed};
use super::workspaces::empty_dir;
use crate::failure::Failure;
use crate::objects::pipeline::{ParamSpec, WorkspaceDeclaration};
use crate::session::Session;

/// Asks for every param that was not given.
///
/// # Errors
/// When a value is needed and nobody is there, or the person interrupts.
pub(super) fn params(session: &mut Session, declared: &[ParamSpec], given: &[Param], use_defaults: bool) -> Result<Vec<Param>, Failure> {
    let mut answers = Vec::new();
    for spec in declared.iter().filter(|spec| !given.iter().any(|(name, _)| *name == spec.name)) {
        if spec.default.is_some() && (use_defaults || !session.term.stdin_is_terminal) {
            continue;
        }
        let default = spec.default.as_ref().map(as_typed);
        let known = default.as_ref().map(|d| format!(" (Default is `{d}`)")).unwrap_or_default();
        let question = format!("Value for param `{}` of type `{}`?{known}", spec.name, kind(spec));
        let answer = session.term.line(&question, default.as_deref(), &format!("--param {}=VALUE", spec.name))?;
        let value = typed(spec, &answer)
            .ok_or_else(|| Failure::usage(format!("invalid input format for param parameter: {}={answer}", spec.name)))?;
        answers.push((spec.name.clone(), value));
    }
    Ok(answers)
}

/// Asks for every declared workspace.
///
/// # Errors
/// When one is needed and nobody is there, or the person interrupts.
pub(super) fn workspaces(session: &mut Session, declared: &[WorkspaceDeclaration], skip_optional: bool) -> Result<Vec<Value>, Failure> {
    let mut answers = Vec::new();
    for workspace in declared {
        if workspace.optional {
            let question = format!("Do you want to give specifications for the optional workspace `{}`: (y/N)", workspace.name);
            if skip_optional || !session.term.stdin_is_terminal || !session.term.confirm(&question, "--workspace")? {
                continue;
            }
        }
        answers.push(one(session, &workspace.name)?);
    }
    Ok(answers)
}

fn one(session: &mut Session, declared: &str) -> Result<Value, Failure> {
    let needed = format!("--workspace name={declared},emptyDir= (or claimName=…, config=…, secret=…)");
    if session.term.stdin_is_terminal {
        session.term.answer(format!("Please give specifications for the workspace: {declared} "))?;
    }
    let name = session.term.line("Name for the workspace :", Some(declared), &needed)?;
    let sub_path = session.term.line("Value of the Sub Path :", Some(" "), &needed)?;
    let kinds = ["config", "emptyDir", "secret", "pvc"].map(str::to_owned);
    let mut workspace = json!({"name": name});
    if !sub_path.trim().is_empty() {
        workspace["subPath"] = sub_path.trim().into();
    }
    match session.term.choose("Type of the Workspace :", &kinds, &needed)? {
        0 => {
            let name = session.term.line("Name of the configmap :", None, &needed)?;
            workspace["configMap"] = with_items(session, json!({"name": name}), &needed)?;
        }
        1 => {
            let media = ["", "Memory", "HugePages"].map(str::to_owned);
            let medium = session.term.choose("Type of EmptyDir :", &media, &needed)?;
            workspace["emptyDir"] = empty_dir(&media[medium]).unwrap_or_else(|| json!({}));
        }
        2 => {
            let name = session.term.line("Name of the secret :", None, &needed)?;
            workspace["secret"] = with_items(session, json!({"secretName": name}), &needed)?;
        }
        _ => {
            let claim = session.term.line("Value of Claim Name :", None, &needed)?;
            workspace["persistentVolumeClaim"] = json!({"claimName": claim});
        }
    }
    Ok(workspace)
}

fn with_items(session: &mut Session, mut source: Value, needed: &str) -> Result<Value, Failure> {
    let mut items = Vec::new();
    loop {
        let item = session.term.line("Item Value :", Some(" "), needed)?;
        if item.trim().is_empty() {
            break;
        }
        let (key, path) = item.trim().split_once('=').ok_or_else(|| Failure::usage("invalid key value").hint("an item is KEY=PATH"))?;
        items.push(json!({"key": key, "path": path}));
    }
    if !items.is_empty() {
        source["items"] = items.into();
    }
    Ok(source)
}
