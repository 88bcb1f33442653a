//! `logs` of runs, Pipelines and Tasks: which run, how its lines look, and what the exit status says.

mod tools;

use clap::Args;
use indexmap::IndexSet;

use super::called;
use super::fetch::Related;
use super::pick::{self, Choice};
use crate::client::{Cluster, Select};
use crate::exit::End;
use crate::failure::{Exit, Failure};
use crate::logs::{self, Outcome, Policy, Subject};
use crate::objects::Object;
use crate::objects::pipeline::Pipeline;
use crate::objects::run::{PipelineRun, RunOf, TaskRun};
use crate::render::{self, LineLook, Printer, Stamps};
use crate::session::Session;
use crate::views::Listed;
use tools::{ShortTimestamps, Timestamps, Tools};

/// Flags that all of them take.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Init containers as well as steps and sidecars
    #[arg(long, short)]
    all: bool,
    /// Go on until the run has ended
    #[arg(long, short)]
    follow: bool,
    /// The newest run
    #[arg(long, short = 'L')]
    last: bool,
    /// How many runs are offered when several may be meant
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true)]
    limit: i64,
    #[command(flatten)]
    tools: Tools,
}

impl Common {
    /// Refuses a limit that offers nothing; tkn does so even where nobody is asked.
    fn check_limit(&self) -> Result<(), Failure> {
        match self.limit {
            1.. => Ok(()),
            limit => Err(Failure::usage(format!("limit was {limit} but must be a positive number"))),
        }
    }
}

/// Whether lines say where they come from, where they do so unless told otherwise.
#[derive(Args, Clone, Debug)]
pub struct Prefixed {
    /// Say before each line where it comes from; --prefix=false leaves it out
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    prefix: bool,
}

/// The status of the run as exit status.
#[derive(Args, Clone, Debug)]
pub struct ExitWith {
    /// End with the run's status: 0 when it succeeded, 1 when it failed, 2 when that is not known
    #[arg(long = "exit-with-pipelinerun-error", short = 'E')]
    error: bool,
}

/// The same of a TaskRun.
#[derive(Args, Clone, Debug)]
pub struct ExitWithTaskRun {
    /// End with the run's status: 0 when it succeeded, 1 when it failed, 2 when that is not known
    #[arg(long = "exit-with-taskrun-error", short = 'E')]
    pub error: bool,
}

/// `pipelinerun logs`
#[derive(Args, Clone, Debug)]
pub struct OfPipelineRun {
    /// Names of PipelineRuns, whose logs are shown at once; asked for when there are several and none is named
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::PIPELINE_RUN))]
    names: Vec<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    finder: pick::Finder,
    #[command(flatten)]
    prefixed: Prefixed,
    #[command(flatten)]
    exit: ExitWith,
    /// Only these tasks
    #[arg(long, short, value_name = "TASK", value_delimiter = ',')]
    task: Vec<String>,
    #[command(flatten)]
    step: Steps,
    /// Call tasks by their display names
    #[arg(long)]
    long: bool,
    #[command(flatten)]
    stamps: Timestamps,
}

/// Which steps.
#[derive(Args, Clone, Debug)]
pub struct Steps {
    /// Only these steps
    #[arg(long, short, value_name = "STEP", value_delimiter = ',')]
    step: Vec<String>,
}

/// `taskrun logs`
#[derive(Args, Clone, Debug)]
pub struct OfTaskRun {
    /// Names of TaskRuns, whose logs are shown at once; asked for when there are several and none is named
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::TASK_RUN))]
    names: Vec<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    finder: pick::Finder,
    #[command(flatten)]
    prefixed: Prefixed,
    #[command(flatten)]
    exit: ExitWithTaskRun,
    #[command(flatten)]
    step: Steps,
    #[command(flatten)]
    stamps: ShortTimestamps,
}

/// `pipeline logs`
#[derive(Args, Clone, Debug)]
pub struct OfPipeline {
    /// Name of the Pipeline; asked for when there are several
    #[arg(add = crate::cli::complete::names(&crate::kinds::PIPELINE))]
    name: Option<String>,
    /// Name of its PipelineRun; asked for when there are several
    #[arg(value_name = "PIPELINERUN", add = crate::cli::complete::names(&crate::kinds::PIPELINE_RUN))]
    run: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    prefixed: Prefixed,
    #[command(flatten)]
    exit: ExitWith,
    /// Only these tasks
    #[arg(long, value_name = "TASK", value_delimiter = ',')]
    task: Vec<String>,
    #[command(flatten)]
    step: Steps,
    /// Call tasks by their display names
    #[arg(long)]
    long: bool,
    #[command(flatten)]
    stamps: ShortTimestamps,
}

/// `task logs`
#[derive(Args, Clone, Debug)]
pub struct OfTask {
    /// Name of the Task; asked for when there are several
    #[arg(add = crate::cli::complete::names(&crate::kinds::TASK))]
    name: Option<String>,
    /// Name of its TaskRun; asked for when there are several
    #[arg(value_name = "TASKRUN", add = crate::cli::complete::names(&crate::kinds::TASK_RUN))]
    run: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    exit: ExitWithTaskRun,
    /// Say before each line which step it comes from
    #[arg(long)]
    prefix: bool,
    #[command(flatten)]
    step: Steps,
    #[command(flatten)]
    stamps: ShortTimestamps,
}

/// How a run's logs are read and shown.
#[derive(Clone, Debug)]
pub struct Following {
    /// What is read
    pub policy: Policy,
    /// How lines look; its subject says of which kind the run is
    pub look: LineLook,
}

impl Following {
    /// Follows a run to its end, with prefixes, as after `start --showlog`.
    pub fn live(subject: Subject) -> Self {
        let policy = Policy { live: true, ..Policy::default() };
        Self { policy, look: LineLook::plain(subject) }
    }

    fn of(subject: Subject, common: &Common, prefix: bool, stamps: Stamps, steps: Steps) -> Result<Self, Failure> {
        if common.all && !steps.step.is_empty() {
            return Err(Failure::usage("option --all and option --step are not compatible"));
        }
        let mut policy = Policy { live: common.follow, init: common.all, steps: steps.step, ..Policy::default() };
        common.tools.choose(&mut policy);
        let mut look = LineLook { prefix, stamps, ..LineLook::plain(subject) };
        common.tools.clone().shape(&mut look);
        policy.stamps = look.tells_time();
        Ok(Self { policy, look })
    }
}

/// Prints the logs of the run of this name in the cluster's namespace, to its end where it is followed, and says how
/// it ended. Dropping the future (Ctrl-C) closes every stream. `start` and `el send` call it for the runs they made:
/// `follow_run(session, &cluster, &name, Following::live(Subject::PipelineRun))`.
///
/// # Errors
/// When there is no such run, it is deleted meanwhile, nothing of what was asked for is there, or the server refuses.
pub async fn follow_run(session: &mut Session, cluster: &Cluster, name: &str, following: Following) -> Result<Outcome, Failure> {
    follow_runs(session, cluster, &Meant::Named(vec![name.to_owned()]), following).await
}

/// The same for several runs at once; the outcome is the worst of theirs.
///
/// # Errors
/// As [`follow_run`].
pub async fn follow_runs(session: &mut Session, cluster: &Cluster, meant: &Meant, following: Following) -> Result<Outcome, Failure> {
    let Following { policy, mut look } = following;
    let (subject, kind) = match look.subject {
        Subject::PipelineRun => (Subject::PipelineRun, PipelineRun::KIND),
        Subject::TaskRun => (Subject::TaskRun, TaskRun::KIND),
    };
    if policy.live {
        let labelled = labelled_names(session, cluster, subject, meant).await?;
        let names = meant.names().into_iter().chain(labelled.iter().map(String::as_str)).collect::<Vec<_>>();
        session.say_what_has_no_effect(cluster, kind, &names).await;
    }
    // tkn's prefix has no place for what tkn does not know.
    look.marks = !session.stands_in_for_tkn();
    look.several = meant.are_several();
    let program = session.program.clone();
    let mut printer = Printer::new(&mut session.term, look, &program);
    let followed = logs::follow_all(cluster, subject, &cluster.namespace, meant.which(), &policy, &mut printer).await;
    let outcome = match followed {
        Ok(outcome) => outcome,
        Err(logs::Error::Client(error)) => {
            let missing = error.is_not_found();
            let failure = Failure::from(error);
            let failure = if subject == Subject::TaskRun { failure.context("Unable to get TaskRun") } else { failure };
            return Err(if missing { super::missing::with_hints(cluster, kind, &meant.names(), failure).await } else { failure });
        }
        Err(logs::Error::NoRuns) => return Err(Failure::not_found(format!("No {}s found{meant}", kind.kind))),
        Err(error) => return Err(error.into()),
    };
    match outcome {
        Outcome::Deleted => Err(Failure::other(format!("{}{meant} was deleted", kind.kind))),
        Outcome::NoSuchTask { asked, available } => Err(Failure::usage(format!(
            "passed filtered tasks: [{}] is not available, available tasks are: [{}]",
            asked.join(" "),
            available.join(" ")
        ))),
        Outcome::NoneFailed => Err(Failure::other(format!("no failed TaskRuns found in {}{meant}", kind.kind))),
        Outcome::Unstarted if subject == Subject::PipelineRun && session.stands_in_for_tkn() => {
            look_for_pipelines(cluster, meant).await?;
            Ok(Outcome::Unstarted)
        }
        Outcome::Nothing(notice) => Err(Failure::other(render::sentence(&notice, subject, &program))),
        outcome => Ok(outcome),
    }
}

/// tkn fails where the Pipeline of a run that has not begun is not there. What runs that are labelled lack is not asked.
async fn look_for_pipelines(cluster: &Cluster, meant: &Meant) -> Result<(), Failure> {
    for name in meant.names() {
        let run = cluster.get::<PipelineRun>(&cluster.namespace, name).await?.lens.ok();
        let reference = run.and_then(|run| run.spec.pipeline_ref).filter(|reference| reference.resolver.is_none());
        if let Some(pipeline) = reference.and_then(|reference| reference.name) {
            cluster.get::<Pipeline>(&cluster.namespace, &pipeline).await?;
        }
    }
    Ok(())
}

/// Names of the runs in the sandbox that are meant by their labels. On a cluster nobody asks for them.
async fn labelled_names(session: &Session, cluster: &Cluster, subject: Subject, meant: &Meant) -> Result<Vec<String>, Failure> {
    async fn names<R: RunOf>(cluster: &Cluster, labels: &str) -> Result<Vec<String>, Failure> {
        let runs = cluster.list::<R>(Some(&cluster.namespace), &Select::labels(labels)).await?;
        Ok(runs.iter().map(|run| run.meta().name.clone()).collect())
    }
    match (meant, subject) {
        (Meant::Labelled(labels), Subject::PipelineRun) if session.sandbox => names::<PipelineRun>(cluster, labels).await,
        (Meant::Labelled(labels), Subject::TaskRun) if session.sandbox => names::<TaskRun>(cluster, labels).await,
        _ => Ok(Vec::new()),
    }
}

/// Which runs are meant.
#[derive(Clone, Debug)]
pub enum Meant {
    /// Those of these names
    Named(Vec<String>),
    /// Those with these labels
    Labelled(String),
}

impl Meant {
    fn which(&self) -> logs::Which<'_> {
        match self {
            Self::Named(names) => logs::Which::Named(names),
            Self::Labelled(labels) => logs::Which::Labelled(labels),
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Named(names) => names.iter().map(String::as_str).collect(),
            Self::Labelled(_) => Vec::new(),
        }
    }

    /// Whether each line has to name its run.
    fn are_several(&self) -> bool {
        !matches!(self, Self::Named(names) if names.len() == 1)
    }
}

impl std::fmt::Display for Meant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(names) => write!(f, " {}", names.join(", ")),
            Self::Labelled(labels) => write!(f, " with the labels {labels}"),
        }
    }
}

/// The exit status that a run's end gives, where it was asked for (`-E`).
pub fn exit_of(outcome: &Outcome, asked: bool) -> Exit {
    end_of(outcome).exit(asked)
}

/// How the run stands that was followed.
pub fn end_of(outcome: &Outcome) -> End {
    match outcome {
        Outcome::Succeeded => End::Good,
        Outcome::Failed => End::Bad,
        Outcome::Deleted => End::Deleted,
        _ => End::Open,
    }
}

impl OfPipelineRun {
    /// Shows the logs of PipelineRuns.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is none or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let mut following = Following::of(Subject::PipelineRun, &self.common, self.prefixed.prefix, self.stamps.timestamps, self.step)?;
        following.look.long = self.long;
        following.policy.tasks = self.task;
        let meant = named_or_chosen::<PipelineRun>(session, self.names, &self.common, self.finder).await?;
        show(session, &meant, following, self.exit.error).await
    }
}

impl OfTaskRun {
    /// Shows the logs of TaskRuns.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is none or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let following = Following::of(Subject::TaskRun, &self.common, self.prefixed.prefix, self.stamps.timestamps, self.step)?;
        let meant = named_or_chosen::<TaskRun>(session, self.names, &self.common, self.finder).await?;
        show(session, &meant, following, self.exit.error).await
    }
}

impl OfPipeline {
    /// Shows the logs of runs of a Pipeline.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is no such Pipeline or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let mut following = Following::of(Subject::PipelineRun, &self.common, self.prefixed.prefix, self.stamps.timestamps, self.step)?;
        following.look.long = self.long;
        following.policy.tasks = self.task;
        let meant = match runs_of_parent::<PipelineRun>(session, self.name, self.run, &self.common).await? {
            OfParent::Runs(meant) => meant,
            // As tkn: an answer on standard output, and no failure.
            OfParent::NoParent { namespace } => return answer(session, &format!("No Pipelines found in namespace {namespace}")),
            OfParent::NoRun { parent } if self.common.last => {
                let namespace = session.cluster().await?.namespace;
                let text = format!("no pipelineruns related to pipeline {parent} found in namespace {namespace}");
                return Err(Failure::not_found(text));
            }
            OfParent::NoRun { parent } => return answer(session, &format!("No PipelineRuns found for Pipeline {parent}")),
        };
        show(session, &meant, following, self.exit.error).await
    }
}

impl OfTask {
    /// Shows the logs of runs of a Task.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is no such Task, no run of it, or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        // As tkn, for a run that is named as well.
        self.common.check_limit()?;
        let following = Following::of(Subject::TaskRun, &self.common, self.prefix, self.stamps.timestamps, self.step)?;
        let meant = match runs_of_parent::<TaskRun>(session, self.name, self.run, &self.common).await? {
            OfParent::Runs(meant) => meant,
            OfParent::NoParent { namespace } => return Err(Failure::not_found(format!("no Tasks found in namespace {namespace}"))),
            OfParent::NoRun { parent } => return Err(Failure::not_found(format!("no TaskRuns found for Task {parent}"))),
        };
        show(session, &meant, following, self.exit.error).await
    }
}

async fn show(session: &mut Session, meant: &Meant, following: Following, exit_with_error: bool) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let outcome = follow_runs(session, &cluster, meant, following).await?;
    Ok(exit_of(&outcome, exit_with_error))
}

fn answer(session: &mut Session, text: &str) -> Result<Exit, Failure> {
    // tkn does not end this line.
    let end = if session.stands_in_for_tkn() { "" } else { "\n" };
    write!(session.term.out(), "{text}{end}")?;
    Ok(Exit::Done)
}

/// How many runs are offered to somebody who finds one by its letters and gives no number.
const FOUND_AMONG: i64 = 100;

async fn named_or_chosen<R: RunOf + Listed + Related>(
    session: &mut Session,
    names: Vec<String>,
    common: &Common,
    finder: pick::Finder,
) -> Result<Meant, Failure> {
    // An empty word is none, as for tkn: a script's variable that is not set.
    let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if let Some(labels) = &common.tools.label {
        return labelled(labels, None, &names);
    }
    if !names.is_empty() {
        let cluster = session.cluster().await?;
        let names = called::names(&cluster, R::KIND, &names).await?;
        // A run that two words mean is read once.
        let mut names: Vec<String> = names.into_iter().collect::<IndexSet<String>>().into_iter().collect();
        if session.stands_in_for_tkn() && names.len() > 1 {
            session.term.say(format!("Note: as in tkn, the first name counts alone; rtkn {} logs takes several", R::KIND.noun));
            names.truncate(1);
        }
        return Ok(Meant::Named(names));
    }
    common.check_limit()?;
    let find = finder.is_wanted();
    // As tkn has it, the number that is taken when none is given counts as none.
    let limit = if find && common.limit == 5 { FOUND_AMONG } else { common.limit };
    let choice = Choice::<R> { last: common.last, limit, find, ..Choice::default() };
    let chosen = pick::run(session, choice).await?;
    let nothing = || Failure::not_found(format!("No {}s found", R::KIND.kind));
    chosen.map(|run| Meant::Named(vec![run.meta().name.clone()])).ok_or_else(nothing)
}

/// Runs with labels, of a parent where there is one.
fn labelled(labels: &str, parent: Option<String>, names: &[String]) -> Result<Meant, Failure> {
    if !names.is_empty() {
        return Err(Failure::usage("give names of runs or --label, not both"));
    }
    Ok(Meant::Labelled(parent.map_or_else(|| labels.to_owned(), |parent| format!("{parent},{labels}"))))
}

/// What a command that names a Pipeline or Task means.
enum OfParent {
    Runs(Meant),
    NoParent { namespace: String },
    NoRun { parent: String },
}

/// The runs of a Pipeline or Task that are meant. A run that is named is taken as it is; the parent is not looked at then.
async fn runs_of_parent<R: RunOf + Listed + Related>(
    session: &mut Session,
    parent: Option<String>,
    run: Option<String>,
    common: &Common,
) -> Result<OfParent, Failure> {
    let of_parent = |parent: &str| format!("{}={parent}", R::LABEL);
    if let Some(labels) = &common.tools.label {
        let names: Vec<String> = run.into_iter().collect();
        return Ok(OfParent::Runs(labelled(labels, parent.as_deref().map(of_parent), &names)?));
    }
    let cluster = session.cluster().await?;
    // An empty variable of a script is no name for tkn.
    let run = run.filter(|run| !run.is_empty() || !session.stands_in_for_tkn());
    if let Some(run) = run {
        let select = parent.as_deref().map(of_parent).map(Select::labels).unwrap_or_default();
        let name = called::name_among(&cluster, R::KIND, &select, &run).await?;
        return Ok(OfParent::Runs(Meant::Named(vec![name])));
    }
    let parent = match parent {
        Some(name) => match cluster.get::<R::Parent>(&cluster.namespace, &name).await {
            Ok(_) => name,
            Err(error) => return Err(super::missing::with_hints(&cluster, R::Parent::KIND, &[&name], error.into()).await),
        },
        None => match pick::object::<R::Parent>(session).await? {
            Some(parent) => parent.meta().name.clone(),
            None => return Ok(OfParent::NoParent { namespace: cluster.namespace }),
        },
    };
    common.check_limit()?;
    let keep = common.last.then_some(R::is_of_parent as fn(&R) -> bool);
    let choice = Choice { select: Select::labels(of_parent(&parent)), keep, last: common.last, limit: common.limit, ..Choice::default() };
    Ok(match pick::run(session, choice).await? {
        Some(run) => OfParent::Runs(Meant::Named(vec![run.meta().name.clone()])),
        None => OfParent::NoRun { parent },
    })
}
