//! What becomes of a run that was put together: it is printed or made, told, followed or waited for.

use clap::Args;
use serde_json::Value;

use super::{Startable as _, build};
use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::{shape, upgrade};
use crate::render;
use crate::session::Session;
use crate::verbs::watch::{self, Watchable};
use crate::verbs::{logs, stay, wait};

/// What is to become of the run.
#[derive(Args, Clone, Debug, Default)]
pub struct Then {
    /// Print the run and make nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print the run as yaml, json or name
    #[arg(long, short, value_name = "FORMAT")]
    pub(super) output: Option<String>,
    /// Follow the run's logs
    #[arg(long)]
    pub(super) showlog: bool,
    /// Wait until the run has ended, and end with its status
    #[arg(long)]
    pub(super) wait: bool,
    /// Watch the run as it goes on, and end with its status
    #[arg(long)]
    pub(super) watch: bool,
}

/// How the answer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Words,
    Yaml,
    Json,
    Name,
}

impl Then {
    /// How the answer shall look.
    ///
    /// # Errors
    /// When there is no such format.
    pub(super) fn shape(&self) -> Result<Shape, Failure> {
        let typed = self.output.as_deref().unwrap_or_default();
        match typed.to_lowercase().as_str() {
            "" => Ok(Shape::Words),
            "yaml" => Ok(Shape::Yaml),
            "json" => Ok(Shape::Json),
            "name" => Ok(Shape::Name),
            _ => Err(Failure::usage(format!("output format specified is {typed} but must be yaml or json"))),
        }
    }

    /// Refuses flags that contradict each other, and one that would do nothing. tkn lets both pass.
    ///
    /// # Errors
    /// Both flags are named.
    pub(super) fn check(&self, as_tkn: bool, exit_with_error: bool) -> Result<(), Failure> {
        let after = [(self.showlog && !as_tkn, "--showlog"), (self.wait, "--wait"), (self.watch, "--watch")];
        if self.watch && (self.showlog || self.wait) {
            let other = if self.showlog { "--showlog" } else { "--wait" };
            return Err(Failure::usage(format!("cannot use --watch with {other}: it shows the logs and waits by itself")));
        }
        if let Some((_, flag)) = after.into_iter().find(|(given, _)| *given && self.dry_run) {
            return Err(Failure::usage(format!("cannot use --dry-run with {flag}: nothing is started")));
        }
        if exit_with_error && !as_tkn && !self.showlog && !self.wait && !self.watch {
            return Err(Failure::usage("-E is about how the run ends: give --showlog, --wait or --watch as well"));
        }
        Ok(())
    }
}

/// Makes the run, or prints what would be made, and does what the flags want after it.
///
/// # Errors
/// When the server refuses, standard output is gone, or the run fails that is waited for.
pub(super) async fn make<R: Watchable>(
    session: &mut Session,
    cluster: Cluster,
    run: Value,
    shape: Shape,
    then: &Then,
    exit_with_error: bool,
) -> Result<Exit, Failure> {
    let kind = R::KIND;
    let run = if session.stands_in_for_tkn() { as_tkn_writes(kind, run) } else { run };
    if then.dry_run {
        let mut run = run;
        let stem = run["metadata"]["generateName"].as_str().filter(|_| shape == Shape::Name && run["metadata"]["name"].is_null());
        if let Some(stem) = stem.filter(|_| !session.stands_in_for_tkn()) {
            // The server puts letters of its own after it; tkn prints an empty line.
            return session.term.answer(stem).map(|()| Exit::Done).map_err(Failure::from);
        }
        let served = cluster.discovered(kind).await?;
        upgrade::from_v1(kind, served, &mut run);
        return print(session, &run, if shape == Shape::Words { Shape::Yaml } else { shape });
    }
    let made = cluster.create(kind, &cluster.namespace, &run, false).await.map_err(Failure::from)?;
    let name = made["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if shape == Shape::Words {
        tell(session, &cluster, kind, &name, then)?;
    } else {
        let current = made["apiVersion"] == kind.api_version(kind.version());
        let shown = if current && session.stands_in_for_tkn() { shape::written(kind, &made) } else { made };
        print(session, &shown, shape)?;
    }
    session.term.flush()?;
    session.say_what_has_no_effect(&cluster, kind, &[&name]).await;
    if then.showlog {
        let outcome = logs::follow_run(session, &cluster, &name, logs::Following::live(R::Parent::WORDS.subject)).await?;
        return Ok(logs::exit_of(&outcome, exit_with_error || then.wait));
    }
    if then.wait {
        return wait::wait_for::<R>(session, &cluster, &[name], wait::Wanted::default()).await;
    }
    if then.watch {
        return watch::watch_run::<R>(session, &cluster, &name, watch::Way::default()).await;
    }
    stay::for_run::<R>(session, &cluster, &name).await
}

fn tell(session: &mut Session, cluster: &Cluster, kind: &Kind, name: &str, then: &Then) -> Result<(), Failure> {
    session.term.answer(format!("{} started: {name}", kind.kind))?;
    if then.showlog {
        session.term.answer("Waiting for logs to be available...")?;
    } else if !then.wait && !then.watch {
        let context = session.wanted.context.as_deref().map(|c| format!("--context={c} ")).unwrap_or_default();
        let sandbox = if session.sandbox { "--sandbox " } else { "" };
        let (program, namespace) = (&session.program, &cluster.namespace);
        let track = format!("{program} {} {context}{sandbox}logs {name} -f -n {namespace}", kind.noun);
        session.term.answer(format!("\nIn order to track the {} progress run:\n{track}", kind.kind))?;
    }
    Ok(())
}

/// The run in the form in which Go's structs write it: their order of fields, and those that they never leave out.
fn as_tkn_writes(kind: &Kind, mut run: Value) -> Value {
    fill_types(&mut run["spec"]);
    shape::written(kind, &run)
}

/// Says of params of embedded definitions that they are strings, where nothing is said and their default tells nothing else.
fn fill_types(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(fill_types),
        Value::Object(fields) => {
            let is_spec = fields.contains_key("steps") || fields.contains_key("tasks");
            for (name, field) in fields.iter_mut() {
                match field.as_array_mut().filter(|_| name == "params" && is_spec) {
                    Some(params) => params.iter_mut().for_each(fill_type),
                    None => fill_types(field),
                }
            }
        }
        _ => {}
    }
}

fn fill_type(param: &mut Value) {
    let natural = match &param["default"] {
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => "string",
    };
    if let Some(fields) = param.as_object_mut() {
        fields.entry("type").or_insert_with(|| natural.into());
    }
}

fn print(session: &mut Session, run: &Value, shape: Shape) -> Result<Exit, Failure> {
    let out = session.term.out();
    match shape {
        Shape::Yaml => write!(out, "{}", render::yaml(run))?,
        Shape::Json => write!(out, "{}", build::tabbed(run))?,
        Shape::Name | Shape::Words => writeln!(out, "{}", run["metadata"]["name"].as_str().unwrap_or_default())?,
    }
    Ok(Exit::Done)
}
