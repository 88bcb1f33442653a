//! `start` of Pipelines and Tasks, and `rerun` of their runs: flags, questions for what they leave out, and the run that
//! is made of both. Texts are those of tkn.

mod again;
mod ask;
mod build;
mod check;
mod files;
mod flags;
mod limits;
mod params;
mod rerun;
mod source;
mod strict;
mod told;
mod workspaces;

use clap::Args;
use serde_json::Value;

use crate::bundle::Access;
use crate::client::Cluster;
use crate::failure::{Exit, Failure};
use crate::objects::Object;
use crate::objects::pipeline::{ParamSpec, Pipeline, Task, WorkspaceDeclaration};
use crate::objects::run::{PipelineRun, RunOf, TaskRun};
use crate::scaffold::places::Places;
use crate::session::Session;
use crate::verbs::watch::Watchable;
use build::{Given, Layout};
pub use flags::{OfPipeline, OfTask};
use params::{Declared, Param};
pub use rerun::{Arguments as Rerun, once_more};
use source::Source;
use told::Then;

/// What is laid over a run.
#[derive(Args, Clone, Debug, Default)]
struct Overlay {
    /// A param, as name=value; items of arrays are parted by commas, objects are key:value,key:value. Both may be JSON
    /// as well, ["a,b","c"]; given several times, each value is one item
    #[arg(long, short, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// A file with params: a YAML or JSON map of names and values; what --param says wins
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    param_file: Option<String>,
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
    pod_template: Option<String>,
}

/// Flags that both have.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Name of the {Kind}
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    overlay: Overlay,
    /// Start what this file or URL defines, without making the {Kind} itself; a file with a {Kind}Run is started with
    /// the flags laid over it
    #[arg(long, short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    filename: Option<String>,
    /// Start again as the newest run was
    #[arg(long, short = 'L')]
    last: bool,
    /// Take the defaults of params without asking
    #[arg(long)]
    use_param_defaults: bool,
    /// Do not ask for optional workspaces
    #[arg(long)]
    skip_optional_workspace: bool,
    /// Start what this resolver fetches: git, hub, http, cluster, bundles or one of the cluster's own
    #[arg(long, value_name = "RESOLVER")]
    resolver: Option<String>,
    /// What the resolver is told, as name=value
    #[arg(long, value_name = "NAME=VALUE")]
    resolver_param: Vec<String>,
    #[command(flatten)]
    then: Then,
}

/// What a kind adds to the flags.
#[derive(Default)]
struct Own {
    /// `--use-pipelinerun`, `--use-taskrun`
    again: Option<String>,
    /// Time limits that were typed: one by no name, or several by their names
    limits: Vec<(&'static str, String)>,
    /// ServiceAccounts of single tasks, as they were typed
    task_accounts: Vec<String>,
    /// `--resolvertype`
    resolvertype: Option<String>,
    /// `--image`, and how its registry is reached
    image: Option<(String, Access)>,
    /// End with the run's status
    exit_with_error: bool,
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
    /// Whether a name is looked for where a file is given as well
    pub name_first: bool,
    /// Whether workspaces are looked at before params
    pub workspaces_first: bool,
    /// Whether a run that is started again has to be of this very kind of definition
    pub checks_kind: bool,
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
        name_first: false,
        workspaces_first: false,
        checks_kind: false,
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
        name_first: true,
        workspaces_first: true,
        checks_kind: true,
        subject: crate::logs::Subject::TaskRun,
    };
    fn params(&self) -> &[ParamSpec] {
        &self.spec.params
    }
    fn workspaces(&self) -> &[WorkspaceDeclaration] {
        &self.spec.workspaces
    }
}

/// Starts a run.
///
/// # Errors
/// When the flags contradict each other, there is no such definition, something needed is missing and nobody can be
/// asked, or the server refuses.
async fn start<R: Watchable>(session: &mut Session, args: Common, own: Own) -> Result<Exit, Failure> {
    let shape = args.then.shape()?;
    let cluster = session.cluster().await?;
    let mut source = source::source::<R::Parent>(session, &cluster, &args, &own).await?;
    check::after_source::<R::Parent>(&args, &own)?;
    let again = own.resolvertype.is_none() && (args.last || own.again.is_some());
    let mut answers = Answers { of_file: param_file(&args.overlay, &source.declared).await?, ..Answers::default() };
    if source.asks && !again {
        answers.ask(session, &source, &args)?;
    }
    if again && let Some(run) = again::run::<R::Parent>(session, &cluster, &source.name, &args, &own).await? {
        source.base = build::Base::Again(run);
    }
    let run = laid_over::<R::Parent>(session, &cluster, source, &args.overlay, own.limits, own.task_accounts, answers).await?;
    told::make::<R>(session, cluster, run, shape, &args.then, own.exit_with_error).await
}

/// What is said beside the flags.
#[derive(Default)]
struct Answers {
    /// Params of `--param-file`
    of_file: Vec<Param>,
    /// Params that somebody answered
    params: Vec<Param>,
    /// Workspaces that somebody answered
    workspaces: Vec<Value>,
}

impl Answers {
    fn ask(&mut self, session: &mut Session, source: &Source, args: &Common) -> Result<(), Failure> {
        let overlay = &args.overlay;
        params::check(&overlay.param)?;
        let typed: Vec<&str> = overlay.param.iter().filter_map(|p| Some(p.split_once('=')?.0.trim())).collect();
        let given = |name: &str| typed.contains(&name) || self.of_file.iter().any(|(known, _)| known == name);
        self.params = ask::params(session, &source.declared, given, args.use_param_defaults)?;
        if overlay.workspace.is_empty() {
            self.workspaces = ask::workspaces(session, &source.workspaces, args.skip_optional_workspace)?;
        }
        Ok(())
    }

    /// The params of the file and the answers, under those that were typed.
    fn params(&mut self, session: &Session, overlay: &Overlay, declared: &Declared) -> Result<Vec<Param>, Failure> {
        let mut params = std::mem::take(&mut self.of_file);
        params.append(&mut self.params);
        let typed = params::parse(&overlay.param, declared, session.stands_in_for_tkn())?;
        params.retain(|(name, _)| typed.iter().all(|(other, _)| other != name));
        params.extend(typed);
        Ok(params)
    }
}

/// The run, made of what it begins as, the flags and the answers, in tkn's order, in which it finds mistakes.
async fn laid_over<T: Startable>(
    session: &Session,
    cluster: &Cluster,
    source: Source,
    overlay: &Overlay,
    limits: Vec<(&'static str, String)>,
    task_accounts: Vec<String>,
    mut answers: Answers,
) -> Result<Value, Failure> {
    let limits = limits.into_iter().map(|(name, text)| Ok((name, limits::limit(&text)?))).collect::<Result<_, Failure>>()?;
    let mut labels = flags::pairs(&overlay.labels, |text| format!("invalid input format for label parameter: {text}"))?;
    labels.sort();
    let workspaces_first = T::WORDS.workspaces_first;
    let mut workspaces = std::mem::take(&mut answers.workspaces);
    if workspaces_first {
        workspaces.extend(read_workspaces(overlay).await?);
    }
    let params = answers.params(session, overlay, &source.declared)?;
    if !workspaces_first {
        workspaces.extend(read_workspaces(overlay).await?);
    }
    let task_accounts = flags::task_accounts(&task_accounts)?;
    let pod_template = match &overlay.pod_template {
        Some(file) if !file.is_empty() => Some(strict::part(file, "Template").await?),
        _ => None,
    };
    let given = Given {
        name: &source.name,
        namespace: &cluster.namespace,
        base: source.base,
        prefix: overlay.prefix_name.as_deref(),
        labels,
        params,
        workspaces,
        account: overlay.serviceaccount.as_deref(),
        task_accounts,
        pod_template,
        limits,
    };
    Ok(given.run(T::Run::KIND, &T::LAYOUT))
}

/// Reads `--param-file`.
async fn param_file(overlay: &Overlay, declared: &Declared) -> Result<Vec<Param>, Failure> {
    let Some(place) = &overlay.param_file else { return Ok(Vec::new()) };
    let text = files::read(place).await?;
    params::of_file(&text.value_of_texts()?, declared).map_err(|(path, mut failure)| {
        let at = Places::of(&text.text, 0).at(&path).map(|(line, column)| format!(", line {line}, column {column}")).unwrap_or_default();
        failure.message = format!("{}{at}: {}", text.name, failure.message);
        failure
    })
}

/// Reads `-w`, and the files that it names.
async fn read_workspaces(overlay: &Overlay) -> Result<Vec<Value>, Failure> {
    let mut read = Vec::with_capacity(overlay.workspace.len());
    for text in &overlay.workspace {
        let typed = workspaces::parse(text)?;
        let content = match typed.file() {
            Some((field, file)) => {
                let part = if field == "csi" { "CSIVolumeSource" } else { "PersistentVolumeClaim" };
                Some(strict::part(file, part).await?)
            }
            None => None,
        };
        read.push(typed.with(content));
    }
    Ok(workspaces::last_of_each(read))
}
