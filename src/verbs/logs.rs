//! `logs` of runs, Pipelines and Tasks: which run, how its lines look, and what the exit status says.

use clap::Args;

use super::called;
use super::fetch::Related;
use super::pick::{self, Choice};
use crate::client::{Cluster, Select};
use crate::exit::End;
use crate::failure::{Exit, Failure};
use crate::logs::{self, Outcome, Policy, Subject};
use crate::objects::Object;
use crate::objects::run::{PipelineRun, RunOf, TaskRun};
use crate::render::{self, LineLook, Printer};
use crate::session::Session;
use crate::views::Listed;

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
    /// Name of the PipelineRun; asked for when there are several
    #[arg(add = crate::cli::complete::names(&crate::kinds::PIPELINE_RUN))]
    name: Option<String>,
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
    /// Only tasks that failed
    #[arg(long)]
    log_failed: bool,
    /// Call tasks by their display names
    #[arg(long)]
    long: bool,
    /// Each line's time before it
    #[arg(long)]
    timestamps: bool,
}

/// `taskrun logs`
#[derive(Args, Clone, Debug)]
pub struct OfTaskRun {
    /// Name of the TaskRun; asked for when there are several
    #[arg(add = crate::cli::complete::names(&crate::kinds::TASK_RUN))]
    name: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    finder: pick::Finder,
    #[command(flatten)]
    prefixed: Prefixed,
    #[command(flatten)]
    exit: ExitWithTaskRun,
    /// Only these steps
    #[arg(long, short, value_name = "STEP", value_delimiter = ',')]
    step: Vec<String>,
    /// Each line's time before it
    #[arg(long, short)]
    timestamps: bool,
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
    /// Each line's time before it
    #[arg(long, short)]
    timestamps: bool,
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
    /// Each line's time before it
    #[arg(long, short)]
    timestamps: bool,
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
        Self { policy, look: LineLook { subject, prefix: true, long: false, timestamps: false } }
    }

    fn of(subject: Subject, common: &Common, prefix: bool, timestamps: bool) -> Self {
        let policy = Policy { live: common.follow, init: common.all, ..Policy::default() };
        Self { policy, look: LineLook { subject, prefix, long: false, timestamps } }
    }
}

/// Prints the logs of the run of this name in the cluster's namespace, to its end where it is followed, and says how
/// it ended. Dropping the future (Ctrl-C) closes every stream. `start` and `el send` call it for the runs they made:
/// `follow_run(session, &cluster, &name, Following::live(Subject::PipelineRun))`.
///
/// # Errors
/// When there is no such run, it is deleted meanwhile, nothing of what was asked for is there, or the server refuses.
pub async fn follow_run(session: &mut Session, cluster: &Cluster, name: &str, following: Following) -> Result<Outcome, Failure> {
    let Following { policy, look } = following;
    if policy.live {
        session.say_images_are_not_used();
    }
    let kind = match look.subject {
        Subject::PipelineRun => PipelineRun::KIND,
        Subject::TaskRun => TaskRun::KIND,
    };
    let program = session.program.clone();
    let mut printer = Printer::new(&mut session.term, look, &program);
    let followed = logs::follow(cluster, look.subject, &cluster.namespace, name, &policy, &mut printer).await;
    let outcome = match followed {
        Ok(outcome) => outcome,
        Err(logs::Error::Client(error)) if error.is_not_found() => {
            let failure = Failure::from(error);
            let failure = if look.subject == Subject::TaskRun { failure.context("Unable to get TaskRun") } else { failure };
            return Err(super::missing::with_hints(cluster, kind, &[name], failure).await);
        }
        Err(error) => return Err(error.into()),
    };
    match outcome {
        Outcome::Deleted => Err(Failure::other(format!("{} {name} was deleted", kind.kind))),
        Outcome::NoSuchTask { asked, available } => Err(Failure::usage(format!(
            "passed filtered tasks: [{}] is not available, available tasks are: [{}]",
            asked.join(" "),
            available.join(" ")
        ))),
        Outcome::NoneFailed => Err(Failure::other(format!("no failed TaskRuns found in PipelineRun {name}"))),
        Outcome::Nothing(notice) => Err(Failure::other(render::sentence(&notice, look.subject, &program))),
        outcome => Ok(outcome),
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
    /// Shows the logs of a PipelineRun.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is none or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let name = name_or_chosen::<PipelineRun>(session, self.name, &self.common, self.finder).await?;
        let mut following = Following::of(Subject::PipelineRun, &self.common, self.prefixed.prefix, self.timestamps);
        following.look.long = self.long;
        following.policy = Policy { tasks: self.task, failed_only: self.log_failed, ..following.policy };
        show(session, &name, following, self.exit.error).await
    }
}

impl OfTaskRun {
    /// Shows the logs of a TaskRun.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is none or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        if self.common.all && !self.step.is_empty() {
            return Err(Failure::usage("option --all and option --step are not compatible"));
        }
        let name = name_or_chosen::<TaskRun>(session, self.name, &self.common, self.finder).await?;
        let mut following = Following::of(Subject::TaskRun, &self.common, self.prefixed.prefix, self.timestamps);
        following.policy.steps = self.step;
        show(session, &name, following, self.exit.error).await
    }
}

impl OfPipeline {
    /// Shows the logs of a run of a Pipeline.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is no such Pipeline or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let name = match run_of_parent::<PipelineRun>(session, self.name, self.run, &self.common).await? {
            Meant::Run(name) => name,
            // As tkn: an answer on standard output, and no failure.
            Meant::NoParent { namespace } => return answer(session, &format!("No Pipelines found in namespace {namespace}")),
            Meant::NoRun { parent } => return answer(session, &format!("No PipelineRuns found for Pipeline {parent}")),
        };
        let following = Following::of(Subject::PipelineRun, &self.common, self.prefixed.prefix, self.timestamps);
        show(session, &name, following, self.exit.error).await
    }
}

impl OfTask {
    /// Shows the logs of a run of a Task.
    ///
    /// # Errors
    /// As [`follow_run`], and when there is no such Task, no run of it, or nobody who chooses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        let name = match run_of_parent::<TaskRun>(session, self.name, self.run, &self.common).await? {
            Meant::Run(name) => name,
            Meant::NoParent { namespace } => return Err(Failure::not_found(format!("no Tasks found in namespace {namespace}"))),
            Meant::NoRun { parent } => return Err(Failure::not_found(format!("no TaskRuns found for Task {parent}"))),
        };
        let following = Following::of(Subject::TaskRun, &self.common, self.prefix, self.timestamps);
        show(session, &name, following, self.exit.error).await
    }
}

async fn show(session: &mut Session, name: &str, following: Following, exit_with_error: bool) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let outcome = follow_run(session, &cluster, name, following).await?;
    Ok(exit_of(&outcome, exit_with_error))
}

fn answer(session: &mut Session, text: &str) -> Result<Exit, Failure> {
    session.term.answer(text)?;
    Ok(Exit::Done)
}

/// How many runs are offered to somebody who finds one by its letters and gives no number.
const FOUND_AMONG: i64 = 100;

async fn name_or_chosen<R: RunOf + Listed + Related>(
    session: &mut Session,
    name: Option<String>,
    common: &Common,
    finder: pick::Finder,
) -> Result<String, Failure> {
    if let Some(name) = name {
        let cluster = session.cluster().await?;
        return called::name(&cluster, R::KIND, &name).await;
    }
    let find = finder.is_wanted();
    // As tkn has it, the number that is taken when none is given counts as none.
    let limit = if find && common.limit == 5 { FOUND_AMONG } else { common.limit };
    let choice = Choice::<R> { last: common.last, limit, find, ..Choice::default() };
    let chosen = pick::run(session, choice).await?;
    let nothing = || Failure::not_found(format!("No {}s found", R::KIND.kind));
    chosen.map(|run| run.meta().name.clone()).ok_or_else(nothing)
}

/// What a command that names a Pipeline or Task means.
enum Meant {
    Run(String),
    NoParent { namespace: String },
    NoRun { parent: String },
}

/// The run of a Pipeline or Task that is meant. A run that is named is taken as it is; the parent is not looked at then.
async fn run_of_parent<R: RunOf + Listed + Related>(
    session: &mut Session,
    parent: Option<String>,
    run: Option<String>,
    common: &Common,
) -> Result<Meant, Failure> {
    let cluster = session.cluster().await?;
    if let Some(run) = run {
        let select = parent.map_or_else(Select::default, |parent| Select::labels(format!("{}={parent}", R::LABEL)));
        return Ok(Meant::Run(called::name_among(&cluster, R::KIND, &select, &run).await?));
    }
    let parent = match parent {
        Some(name) => match cluster.get::<R::Parent>(&cluster.namespace, &name).await {
            Ok(_) => name,
            Err(error) => return Err(super::missing::with_hints(&cluster, R::Parent::KIND, &[&name], error.into()).await),
        },
        None => match pick::object::<R::Parent>(session).await? {
            Some(parent) => parent.meta().name.clone(),
            None => return Ok(Meant::NoParent { namespace: cluster.namespace }),
        },
    };
    let keep = common.last.then_some(R::is_of_parent as fn(&R) -> bool);
    let select = Select::labels(format!("{}={parent}", R::LABEL));
    let choice = Choice { select, keep, last: common.last, limit: common.limit, ..Choice::default() };
    Ok(match pick::run(session, choice).await? {
        Some(run) => Meant::Run(run.meta().name.clone()),
        None => Meant::NoRun { parent },
    })
}
