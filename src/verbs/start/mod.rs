//! `start` of Pipelines and Tasks: flags, questions for what they leave out, and the run that is made of both. Texts
//! are those of tkn.

mod ask;
mod build;
mod flags;
mod params;
mod workspaces;

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::client::{Cluster, Select};
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::Object;
use crate::objects::pipeline::{ParamSpec, Pipeline, Task, WorkspaceDeclaration};
use crate::objects::run::{PipelineRun, RunOf, TaskRun};
use crate::render;
use crate::scaffold::documents::documents;
use crate::session::Session;
use crate::verbs::{called, logs, missing, stay};
pub use build::{Given, Layout};
pub use flags::{OfPipeline, OfTask};

/// Flags that both have.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Name of the {Kind}
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A param, as name=value; items of arrays are parted by commas, objects are key:value,key:value
    #[arg(long, short, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// A workspace, as name=NAME and one of emptyDir=, claimName=CLAIM, config=NAME, secret=NAME,
    /// volumeClaimTemplateFile=FILE, csiFile=FILE, all parted by commas; subPath=PATH and item=KEY=PATH may follow
    #[arg(long, short, value_name = "SPEC")]
    workspace: Vec<String>,
    /// A label of the run, as key=value
    #[arg(long, short, value_name = "KEY=VALUE", value_delimiter = ',')]
    labels: Vec<String>,
    /// ServiceAccount of the run
    #[arg(long, short, value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::SERVICE_ACCOUNT))]
    serviceaccount: Option<String>,
    /// What the run's name begins with
    #[arg(long, value_name = "PREFIX")]
    prefix_name: Option<String>,
    /// A file with a pod template
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pod_template: Option<PathBuf>,
    /// Start what this file defines, without making the {Kind} itself
    #[arg(long, short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    filename: Option<PathBuf>,
    /// Start again as the newest run was
    #[arg(long, short = 'L')]
    last: bool,
    /// Take the defaults of params without asking
    #[arg(long)]
    use_param_defaults: bool,
    /// Do not ask for optional workspaces
    #[arg(long)]
    skip_optional_workspace: bool,
    /// Print the run and make nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the run as yaml, json or name
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<String>,
    /// Follow the run's logs
    #[arg(long)]
    showlog: bool,
}

/// What a kind adds to the flags: which run to start again, and fields of the run.
#[derive(Debug, Default)]
pub struct Own {
    /// `--use-pipelinerun`, `--use-taskrun`
    pub again: Option<String>,
    /// Fields of the run's spec
    pub fields: Vec<(&'static str, Value)>,
    /// End with the run's status
    pub exit_with_error: bool,
}

/// A kind that can be started.
pub trait Startable: Object {
    /// The kind of its runs
    type Run: RunOf<Parent = Self>;
    /// Where a run's fields stand
    const LAYOUT: Layout;
    /// The words of tkn's messages
    const WORDS: Words;
    /// Declared params
    fn params(&self) -> &[ParamSpec];
    /// Declared workspaces
    fn workspaces(&self) -> &[WorkspaceDeclaration];
}

/// The parts of tkn's messages that differ between the kinds.
pub struct Words {
    /// No name was given
    pub no_name: &'static str,
    /// The flag that names a run to start again
    pub again: &'static str,
    /// Both ways to start again were given
    pub two_runs: &'static str,
    /// `--last` and a file were given
    pub last_of_file: &'static str,
    /// There is no run to start again; `{name}` and `{namespace}` stand in it
    pub no_runs: &'static str,
    /// How a run's logs are read
    pub subject: crate::logs::Subject,
}

impl Startable for Pipeline {
    type Run = PipelineRun;
    const LAYOUT: Layout = Layout::PIPELINE_RUN;
    const WORDS: Words = Words {
        no_name: "missing Pipeline name",
        again: "--use-pipelinerun",
        two_runs: "option --last and option --use-pipelinerun can't be specify together",
        last_of_file: "cannot use --last option with --filename option",
        no_runs: "no pipelineruns related to pipeline {name} found in namespace {namespace}",
        subject: crate::logs::Subject::PipelineRun,
    };
    fn params(&self) -> &[ParamSpec] {
        &self.spec.params
    }
    fn workspaces(&self) -> &[WorkspaceDeclaration] {
        &self.spec.workspaces
    }
}

impl Startable for Task {
    type Run = TaskRun;
    const LAYOUT: Layout = Layout::TASK_RUN;
    const WORDS: Words = Words {
        no_name: "either a Task name or a --filename argument must be supplied",
        again: "--use-taskrun",
        two_runs: "using --last and --use-taskrun are not compatible",
        last_of_file: "cannot use --last option with --filename or --image option",
        no_runs: "no TaskRuns related to Task {name} found in namespace {namespace}",
        subject: crate::logs::Subject::TaskRun,
    };
    fn params(&self) -> &[ParamSpec] {
        &self.spec.params
    }
    fn workspaces(&self) -> &[WorkspaceDeclaration] {
        &self.spec.workspaces
    }
}

/// How the answer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Words,
    Yaml,
    Json,
    Name,
}

/// Starts a run.
///
/// # Errors
/// When the flags contradict each other, there is no such definition, something needed is missing and nobody can be
/// asked, or the server refuses.
pub async fn start<T: Startable>(session: &mut Session, args: Common, own: Own) -> Result<Exit, Failure> {
    let shape = check::<T>(&args, &own)?;
    let cluster = session.cluster().await?;
    let (name, definition, spec) = definition::<T>(&cluster, &args).await?;
    let again = again::<T>(&cluster, &name, &args, &own).await?;
    let mut params = params::parse(&args.param, definition.params())?;
    let mut workspaces = workspaces::parse(&args.workspace, |file| yaml_file(&file.display().to_string(), file))?;
    let labels = labels(&args.labels)?;
    if again.is_none() {
        let asked = ask::params(session, definition.params(), &params, args.use_param_defaults)?;
        params.extend(asked);
        if args.workspace.is_empty() {
            workspaces = ask::workspaces(session, definition.workspaces(), args.skip_optional_workspace)?;
        }
    }
    let pod_template = args.pod_template.as_deref().map(|file| yaml_file(&file.display().to_string(), file)).transpose()?;
    let given = Given {
        name: &name,
        namespace: &cluster.namespace,
        spec,
        again,
        prefix: args.prefix_name.as_deref(),
        labels,
        params,
        workspaces,
        account: args.serviceaccount.as_deref(),
        pod_template,
        fields: own.fields,
    };
    let run = given.run(T::Run::KIND, &T::LAYOUT);
    if args.dry_run {
        return print(session, &run, if shape == Shape::Words { Shape::Yaml } else { shape });
    }
    let made = cluster.create(T::Run::KIND, &cluster.namespace, &run, false).await.map_err(Failure::from)?;
    started::<T>(session, &cluster, &made, shape, args.showlog, own.exit_with_error).await
}

/// What tkn refuses before it asks the server for anything.
fn check<T: Startable>(args: &Common, own: &Own) -> Result<Shape, Failure> {
    let words = T::WORDS;
    let again = args.last || own.again.is_some();
    let refuse = |text: &str| Err(Failure::usage(text));
    if args.last && own.again.is_some() {
        return refuse(words.two_runs);
    }
    if args.last && args.filename.is_some() {
        return refuse(words.last_of_file);
    }
    if again && args.use_param_defaults {
        return Err(Failure::usage(format!("cannot use --last or {} options with --use-param-defaults option", words.again)));
    }
    let shape = match args.output.as_deref() {
        None | Some("") => Shape::Words,
        Some("yaml") => Shape::Yaml,
        Some("json") => Shape::Json,
        Some("name") => Shape::Name,
        Some(other) => return Err(Failure::usage(format!("output format specified is {other} but must be yaml or json"))),
    };
    if shape != Shape::Words && args.showlog {
        return refuse("cannot use --output option with --showlog option");
    }
    if args.name.is_none() && args.filename.is_none() {
        return refuse(words.no_name);
    }
    Ok(shape)
}

/// The definition, its name, and its spec where the run carries it.
async fn definition<T: Startable>(cluster: &Cluster, args: &Common) -> Result<(String, T, Option<Value>), Failure> {
    if let Some(file) = &args.filename {
        let (name, value) = from_file(T::KIND, file)?;
        let definition = serde_json::from_value(value.clone()).map_err(|e| Failure::invalid(format!("{}: {e}", file.display())))?;
        return Ok((name, definition, Some(value["spec"].clone())));
    }
    let name = args.name.clone().unwrap_or_default();
    let error = match cluster.get::<T>(&cluster.namespace, &name).await {
        Ok(seen) => return Ok((name, seen.lens.map_err(|e| Failure::invalid(e.to_string()))?, None)),
        Err(error) => error,
    };
    let missing = error.is_not_found();
    let failure = Failure::from(error);
    if !missing {
        return Err(failure);
    }
    let message = format!("{} name {name} does not exist in namespace {}", T::KIND.kind, cluster.namespace);
    Err(missing::with_hints(cluster, T::KIND, &[&name], Failure { message, ..failure }).await)
}

fn from_file(kind: &Kind, file: &std::path::Path) -> Result<(String, Value), Failure> {
    let shown = file.display().to_string();
    check_extension(&shown)?;
    let text = std::fs::read_to_string(file).map_err(|e| Failure::file(file, &e))?;
    let documents = documents(&text).map_err(|wrong| Failure::invalid(format!("{shown}, {wrong}")))?;
    let found = documents.into_iter().find(|d| d.manifest.kind == kind);
    let manifest = found.ok_or_else(|| Failure::invalid(format!("{shown}: there is no {} in this file", kind.kind)))?.manifest;
    Ok((manifest.name().to_owned(), manifest.value))
}

fn check_extension(file: &str) -> Result<(), Failure> {
    match file.ends_with(".yaml") || file.ends_with(".yml") {
        true if file.starts_with("http://") || file.starts_with("https://") => {
            Err(Failure::usage(format!("{file}: this program reads files only")).hint(format!("curl -LO {file}, then name the file")))
        }
        true => Ok(()),
        false => Err(Failure::usage(format!("invalid file format for {file}: .yaml or .yml file extension and format required"))),
    }
}

fn yaml_file(shown: &str, file: &std::path::Path) -> Result<Value, Failure> {
    check_extension(shown)?;
    let text = std::fs::read_to_string(file).map_err(|e| Failure::file(file, &e))?;
    crate::scaffold::documents::value(&text).map_err(|wrong| Failure::invalid(format!("{shown}, {wrong}")))
}

/// The run that is to be started again.
async fn again<T: Startable>(cluster: &Cluster, name: &str, args: &Common, own: &Own) -> Result<Option<Value>, Failure> {
    if let Some(run) = &own.again {
        let run = &called::name(cluster, T::Run::KIND, run).await?;
        return match cluster.get::<T::Run>(&cluster.namespace, run).await {
            Ok(seen) => Ok(Some(current(T::Run::KIND, seen.value()))),
            Err(error) => Err(missing::with_hints(cluster, T::Run::KIND, &[run], error.into()).await),
        };
    }
    if !args.last {
        return Ok(None);
    }
    let select = Select::labels(format!("{}={name}", T::Run::LABEL));
    let runs = cluster.list::<T::Run>(Some(&cluster.namespace), &select).await?;
    let own = runs.into_iter().filter(|seen| seen.lens.as_ref().is_ok_and(RunOf::is_of_parent));
    match own.max_by_key(|seen| seen.meta().creation_timestamp) {
        Some(newest) => Ok(Some(current(T::Run::KIND, newest.value()))),
        None => Err(Failure::not_found(T::WORDS.no_runs.replace("{name}", name).replace("{namespace}", &cluster.namespace))),
    }
}

fn current(kind: &Kind, mut value: Value) -> Value {
    crate::objects::upgrade::to_v1(kind, &mut value);
    value
}

fn labels(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| {
        let (key, value) =
            text.split_once('=').ok_or_else(|| Failure::usage(format!("invalid input format for label parameter: {text}")))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    given.iter().map(split).collect()
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

/// Says what was started, and stays where the run needs it or its logs are asked for.
async fn started<T: Startable>(
    session: &mut Session,
    cluster: &Cluster,
    made: &Value,
    shape: Shape,
    showlog: bool,
    exit_with_error: bool,
) -> Result<Exit, Failure> {
    let kind = T::Run::KIND;
    let name = made["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if shape != Shape::Words {
        print(session, made, shape)?;
        return stay::for_run::<T::Run>(session, cluster, &name).await;
    }
    session.term.answer(format!("{} started: {name}", kind.kind))?;
    if showlog {
        session.term.answer("Waiting for logs to be available...")?;
        session.term.flush()?;
        let outcome = logs::follow_run(session, cluster, &name, logs::Following::live(T::WORDS.subject)).await?;
        return Ok(logs::exit_of(&outcome, exit_with_error));
    }
    let context = session.wanted.context.as_deref().map(|c| format!("--context={c} ")).unwrap_or_default();
    let sandbox = if session.sandbox { "--sandbox " } else { "" };
    let (program, namespace) = (&session.program, &cluster.namespace);
    let track = format!("{program} {} {context}{sandbox}logs {name} -f -n {namespace}", kind.noun);
    session.term.answer(format!("\nIn order to track the {} progress run:\n{track}", kind.kind))?;
    stay::for_run::<T::Run>(session, cluster, &name).await
}
