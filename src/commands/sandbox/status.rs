//! `rtkn sandbox status`

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use serde_json::{Map, Value, json};

use crate::failure::{Exit, Failure};
use crate::kinds::{self, Kind};
use crate::render::json as go_json;
use crate::sandbox::serve::{CONTEXT, Running, Sandbox, SandboxError, kubeconfig_file};
use crate::sandbox::store::{self, StoreError};
use crate::session::Session;
use crate::views::age;

/// Kinds of which the number is said.
const COUNTED: [&Kind; 5] = [&kinds::PIPELINE, &kinds::PIPELINE_RUN, &kinds::TASK, &kinds::TASK_RUN, &kinds::EVENT_LISTENER];

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print it for a program to read
    #[arg(long, short, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

/// What is known of the sandbox.
enum State {
    /// A process serves it
    Started(Running),
    /// A command has it open
    Held(String),
    /// It is there, and nobody has it
    Stopped,
    /// There is none yet
    Absent,
}

/// Says how the sandbox is.
///
/// # Errors
/// When its store cannot be read.
pub async fn run(session: &mut Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = Sandbox::default_dir()?;
    let (state, counts) = look(&dir, &session.program).await?;
    if arguments.output.is_some() {
        let text = go_json(&as_json(&state, &counts, &dir));
        session.term.answer(text.trim_end())?;
    } else {
        for line in lines(&state, &counts, &dir, &session.program, Timestamp::now()) {
            session.term.answer(line)?;
        }
    }
    Ok(Exit::Done)
}

async fn look(dir: &Path, program: &str) -> Result<(State, Map<String, Value>), Failure> {
    if let Some(running) = Running::find(dir).await {
        let counts = count(running.client("default")?).await?;
        return Ok((State::Started(running), counts));
    }
    if !dir.join(store::FILE).exists() {
        return Ok((State::Absent, Map::new()));
    }
    match Sandbox::open(dir) {
        Ok(sandbox) => {
            let counts = count(kube::Client::new(sandbox.client_service(), "default")).await?;
            sandbox.shutdown().await?;
            Ok((State::Stopped, counts))
        }
        Err(SandboxError::Store(error @ StoreError::Held { .. })) => Ok((State::Held(error.to_string()), Map::new())),
        Err(error) => Err(Failure::unopened(error, program)),
    }
}

/// The number of objects of each kind, from lists that hold one object.
async fn count(client: kube::Client) -> Result<Map<String, Value>, Failure> {
    let mut counts = Map::new();
    for kind in COUNTED {
        let resource = ApiResource {
            group: kind.group.to_owned(),
            version: kind.version().to_owned(),
            api_version: kind.api_version(kind.version()),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
        };
        let objects: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let page = objects.list_metadata(&ListParams::default().limit(1)).await;
        let page = page.map_err(|error| Failure::other(format!("the sandbox does not answer: {error}")))?;
        let number = page.items.len() as i64 + page.metadata.remaining_item_count.unwrap_or(0);
        counts.insert(kind.plural.to_owned(), json!(number));
    }
    Ok(counts)
}

fn as_json(state: &State, counts: &Map<String, Value>, dir: &Path) -> Value {
    let mut status = json!({"started": matches!(state, State::Started(_)), "directory": dir.display().to_string()});
    match state {
        State::Started(running) => {
            status["pid"] = json!(running.pid);
            status["address"] = json!(format!("http://{}", running.address));
            status["since"] = json!(running.started);
            status["context"] = json!(CONTEXT);
            status["kubeconfig"] = json!(kubeconfig_file(dir).display().to_string());
        }
        State::Held(by) => status["held"] = json!(by),
        State::Stopped | State::Absent => {}
    }
    if !counts.is_empty() {
        status["counts"] = Value::Object(counts.clone());
    }
    status
}

fn lines(state: &State, counts: &Map<String, Value>, dir: &Path, program: &str, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    match state {
        State::Started(running) => {
            let since = age::ago(Some(running.started), now);
            lines.push(format!("The sandbox is started: process {}, {since}", running.pid));
            lines.push(format!("Address:     http://{}", running.address));
            lines.push(format!("Directory:   {}", dir.display()));
            lines.push(format!("Kubeconfig:  {} (context {CONTEXT})", kubeconfig_file(dir).display()));
        }
        State::Held(by) => {
            lines.push(format!("The sandbox is not started: {by}"));
            lines.push(format!("Directory:   {}", dir.display()));
        }
        State::Stopped => {
            lines.push(format!(
                "The sandbox is not started. Commands with --sandbox open it themselves; start it with: {program} sandbox start"
            ));
            lines.push(format!("Directory:   {}", dir.display()));
        }
        State::Absent => {
            lines.push(format!("There is no sandbox yet; the first command with --sandbox makes it, or: {program} sandbox start"));
            lines.push(format!("Directory:   {} (not there yet)", dir.display()));
        }
    }
    if !counts.is_empty() {
        let counts: Vec<String> = counts.iter().map(|(plural, number)| format!("{number} {plural}")).collect();
        lines.push(format!("Objects:     {}", counts.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sandbox_that_is_not_there_is_not_made_by_looking() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (state, counts) = look(dir.path(), "rtkn").await.expect("looked");
        assert!(matches!(state, State::Absent) && counts.is_empty());
        assert_eq!(as_json(&state, &counts, Path::new("/x")), json!({"started": false, "directory": "/x"}));
        assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 0);
    }

    #[tokio::test]
    async fn the_objects_of_a_stopped_one_are_counted() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        drop(Sandbox::open(dir.path()).expect("made"));
        let (state, counts) = look(dir.path(), "rtkn").await.expect("looked");
        assert!(matches!(state, State::Stopped));
        assert_eq!(counts["pipelineruns"], 0);
    }

    #[tokio::test]
    async fn one_that_another_has_open_is_said_to_be_held() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let held = Sandbox::open(dir.path()).expect("opened");
        let (state, _) = look(dir.path(), "rtkn").await.expect("looked");
        assert!(matches!(state, State::Held(_)));
        drop(held);
    }
}
