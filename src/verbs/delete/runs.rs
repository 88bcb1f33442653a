//! `delete` of runs: by name, those of a Pipeline or Task, or all but those that are kept back.

use std::collections::HashSet;

use clap::{ArgAction, Args};
use jiff::Timestamp;

use super::choice::{self, Bulk, Choice, Keep};
use super::definitions::all_alone;
use super::{Leave, ask, glance, joined, present, quoted, say_deleted};
use crate::client::{Cluster, Error, Select};
use crate::failure::{Exit, Failure};
use crate::objects::Object;
use crate::objects::run::{PipelineRun, TaskRun};
use crate::session::Session;
use crate::verbs::called;
use crate::verbs::list::order;

/// Flags of every delete of runs.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Names of {Kinds}
    names: Vec<String>,
    /// All {Kinds} of the namespace
    #[arg(long)]
    all: bool,
    /// Keep the N newest; means --all when no parent is given
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    keep: i64,
    /// Keep those that ended within the last MINUTES; means --all when no parent is given
    #[arg(long, value_name = "MINUTES", default_value_t = 0, allow_negative_numbers = true)]
    keep_since: i64,
    /// Leave {Kinds} alone that are not over; `-i=false` deletes them as well
    #[arg(long, short, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = true, value_name = "BOOL")]
    ignore_running: bool,
    /// Only {Kinds} with these labels; with --all, --keep, --keep-since or a parent
    #[arg(long, value_name = "SELECTOR")]
    label: Option<String>,
    #[command(flatten)]
    leave: Leave,
}

/// What the runs of one kind need beyond the flags of all.
pub struct Of<'a> {
    /// The Pipeline or Task whose runs are meant
    parent: Option<&'a str>,
    /// Whether runs that belong to a PipelineRun which is not over are left alone
    spare_owned: bool,
}

impl<'a> Of<'a> {
    /// The runs of a Pipeline or Task; an empty name is none.
    pub fn parent(name: Option<&'a str>, spare_owned: bool) -> Self {
        Self { parent: name.filter(|name| !name.is_empty()), spare_owned }
    }
}

/// A kind of run with its own rules about being deleted.
pub trait Spared: Bulk {
    /// The names of owners that are over, where some of the runs have owners.
    fn owners_over(_cluster: &Cluster, _runs: &[Self]) -> impl Future<Output = Result<Option<HashSet<String>>, Error>> {
        std::future::ready(Ok(None))
    }

    /// Which runs go, told without reading them; none where that cannot be.
    fn at_a_glance(_cluster: &Cluster, _select: &Select, _keep: Keep) -> impl Future<Output = Result<Option<Choice>, Error>> {
        std::future::ready(Ok(None))
    }
}

impl Spared for PipelineRun {
    async fn at_a_glance(cluster: &Cluster, select: &Select, keep: Keep) -> Result<Option<Choice>, Error> {
        glance::choose(cluster, select, keep).await
    }
}

impl Spared for TaskRun {
    async fn owners_over(cluster: &Cluster, runs: &[Self]) -> Result<Option<HashSet<String>>, Error> {
        if !runs.iter().any(|run| choice::owner(run).is_some()) {
            return Ok(None);
        }
        let (kind, namespace, all) = (PipelineRun::KIND, Some(&*cluster.namespace), Select::default());
        if let Some(rows) = cluster.cells(kind, namespace, &all, ["CompletionTime"]).await? {
            return Ok(Some(rows.into_iter().filter(|(_, [ended])| ended.is_some()).map(|(name, _)| name).collect()));
        }
        let owners = cluster.list::<PipelineRun>(namespace, &all).await?;
        let over = owners.into_iter().filter_map(|seen| seen.lens.ok()).filter(|run| run.status.completion_time.is_some());
        Ok(Some(over.map(|run| run.metadata.name).collect()))
    }
}

/// Deletes runs.
///
/// # Errors
/// When the flags contradict each other, a run is not there, or the server refuses.
pub async fn delete_runs<R: Spared>(session: &mut Session, args: &RunArguments, of: Of<'_>) -> Result<Exit, Failure> {
    let keep = args.keep::<R>()?;
    let kept_back = keep.number > 0 || keep.minutes > 0;
    let all = args.all || kept_back && of.parent.is_none();
    if kept_back && all && of.parent.is_some() {
        let parent = <R::Parent as Object>::KIND.noun;
        return Err(Failure::usage(format!("--keep or --keep-since, --all and --{parent} cannot be used together")));
    }
    let cluster = session.cluster().await?;
    let (names, absent) = present(&cluster, R::KIND, &called::names(&cluster, R::KIND, &args.names).await?).await?;
    args.check::<R>(&names, all, keep, &of)?;
    if args.leave.is_to_be_asked_for() {
        let question = question::<R>(&names, all, keep, &of, &cluster.namespace);
        ask(session, R::KIND, &question, &names).await?;
    }
    let done = if all || of.parent.is_some() {
        let parent = if all { None } else { of.parent };
        delete_many::<R>(session, &cluster, args, keep, parent, of.spare_owned).await
    } else {
        delete_named::<R>(session, &cluster, names, args.leave).await
    };
    joined(done.err().into_iter().chain(absent).collect()).map_or(Ok(Exit::Done), Err)
}

impl RunArguments {
    fn keep<R: Bulk>(&self) -> Result<Keep, Failure> {
        // tkn words the last of these differently for TaskRuns.
        let since = if R::COUNTED { "since" } else { "keep-since" };
        match (usize::try_from(self.keep), u32::try_from(self.keep_since)) {
            (Ok(number), Ok(minutes)) => Ok(Keep { number, minutes, unfinished: self.ignore_running }),
            (Err(_), Err(_)) => Err(Failure::usage("keep and keep-since option should not be lower than 0")),
            (Err(_), _) => Err(Failure::usage("keep option should not be lower than 0")),
            (_, Err(_)) if self.keep_since > 0 => Err(Failure::usage("keep-since option is too large")),
            (_, Err(_)) => Err(Failure::usage(format!("{since} option should not be lower than 0"))),
        }
    }

    fn check<R: Bulk>(&self, names: &[String], all: bool, keep: Keep, of: &Of<'_>) -> Result<(), Failure> {
        if !names.is_empty() && keep.number > 0 {
            return Err(Failure::usage("--keep flag should not have any arguments specified with it"));
        }
        if !names.is_empty() && all {
            return Err(all_alone());
        }
        if names.is_empty() && !all && of.parent.is_none() {
            // tkn names the parent's flag for PipelineRuns only.
            let kind = R::KIND.kind;
            return Err(Failure::usage(match R::COUNTED {
                true => format!("must provide {kind} name(s) or use --all flag with delete"),
                false => {
                    let parent = <R::Parent as Object>::KIND.noun;
                    format!("must provide {kind} name(s) or use --{parent} flag or --all flag to use delete")
                }
            }));
        }
        Ok(())
    }
}

fn question<R: Bulk>(names: &[String], all: bool, keep: Keep, of: &Of<'_>, namespace: &str) -> String {
    let kind = R::KIND.kind;
    let except = match (keep.number, keep.minutes) {
        (0, 0) => String::new(),
        (number, 0) => format!(" keeping {number} {kind}s"),
        (0, minutes) => format!(" except for ones created in last {minutes} minutes"),
        (number, minutes) => format!(" except for ones created in last {minutes} minutes and keeping {number} {kind}s"),
    };
    let what = match of.parent {
        _ if all => format!("all {kind}s in namespace {namespace:?}{except}"),
        Some(parent) => format!("all {kind}s related to {} {parent:?}{except}", <R::Parent as Object>::KIND.kind),
        None => format!("{kind}(s) {}", quoted(names)),
    };
    format!("Are you sure you want to delete {what} (y/n): ")
}

async fn delete_many<R: Spared>(
    session: &mut Session,
    cluster: &Cluster,
    args: &RunArguments,
    keep: Keep,
    parent: Option<&str>,
    spare_owned: bool,
) -> Result<(), Failure> {
    let label = parent.map(|parent| format!("{}={parent}", R::LABEL));
    let labels: Vec<String> = label.into_iter().chain(args.label.clone()).filter(|l| !l.is_empty()).collect();
    let select = Select::labels(labels.join(","));
    let choice = match R::at_a_glance(cluster, &select, keep).await? {
        Some(choice) => choice,
        None => choose_whole::<R>(session, cluster, &select, keep, parent, spare_owned).await?,
    };
    if let Some(parent) = parent {
        match nothing_to_do::<R>(parent, keep, &choice) {
            Some(Ok(said)) => return Ok(session.term.answer(said)?),
            Some(Err(failure)) => return Err(failure),
            None => {}
        }
    }
    let plan = args.leave.plan;
    let (_, failed) = plan.perform(session, cluster, R::KIND, &choice.doomed).await?;
    match failed {
        Some(failure) => Err(failure),
        None if plan.is_wanted() => Ok(()),
        None => Ok(session.term.answer(choice::report::<R>(parent, keep, &choice, &cluster.namespace))?),
    }
}

/// Which of the runs go, from the runs themselves.
async fn choose_whole<R: Spared>(
    session: &mut Session,
    cluster: &Cluster,
    select: &Select,
    keep: Keep,
    parent: Option<&str>,
    spare_owned: bool,
) -> Result<Choice, Failure> {
    let mut seen = cluster.list::<R>(Some(&cluster.namespace), select).await?;
    if keep.number > 0 {
        order(&mut seen, false);
    }
    let unreadable: Vec<String> = seen.iter().filter(|s| s.lens.is_err()).map(|s| s.meta().name.clone()).collect();
    if !unreadable.is_empty() {
        session.term.say(format!("Warning: left alone, since it cannot be read whether they are over: {}", unreadable.join(", ")));
    }
    let mut runs: Vec<R> = seen.into_iter().filter_map(|s| s.lens.ok()).filter(|run| parent.is_none() || run.is_of_parent()).collect();
    if spare_owned && let Some(over) = R::owners_over(cluster, &runs).await? {
        runs = choice::without_running_owner(runs, &over);
    }
    Ok(choice::choose(&runs, keep, Timestamp::now()))
}

/// What is said of a parent's runs when none goes; the spaces at the ends are tkn's.
fn nothing_to_do<R: Bulk>(parent: &str, keep: Keep, choice: &Choice) -> Option<Result<String, Failure>> {
    let (kind, of, kept) = (R::KIND.kind, <R::Parent as Object>::KIND.kind, choice.kept.len());
    if choice.doomed.is_empty() && keep.number > 0 && keep.number == kept {
        return Some(Ok(format!("Associated {kind} ({kept}) for {of}:{parent} is/are equal to keep ({}) ", keep.number)));
    }
    if keep.number > kept {
        return Some(Ok(format!("There is/are only {kept} {kind}(s) associated for {of}: {parent} ")));
    }
    let none = format!("no {kind}s associated with {of} {parent:?}");
    choice.doomed.is_empty().then_some(Err(Failure::not_found(none)))
}

/// Deletes runs by name; for a TaskRun whose PipelineRun is not over, that is asked for once more.
async fn delete_named<R: Spared>(session: &mut Session, cluster: &Cluster, names: Vec<String>, leave: Leave) -> Result<(), Failure> {
    let mut doomed = Vec::new();
    for name in names {
        let run = cluster.get::<R>(&cluster.namespace, &name).await?.lens.ok();
        let runs: Vec<R> = run.into_iter().collect();
        let spared = match R::owners_over(cluster, &runs).await? {
            Some(over) => choice::without_running_owner(runs, &over).is_empty(),
            None => false,
        };
        let kind = R::KIND.kind;
        if spared && !leave.is_to_be_asked_for() {
            session.term.answer(format!("warning: Taskrun {name} related pipelinerun still running."))?;
        } else if spared {
            let question = format!(
                "{kind}(s): {name} attached to PipelineRun is still running deleting will restart the completed taskrun. Proceed (y/n): "
            );
            if !session.term.yes_or_no(&question, "--force to delete without a question").await? {
                continue;
            }
        }
        doomed.push(name);
    }
    let (gone, failed) = leave.plan.perform(session, cluster, R::KIND, &doomed).await?;
    match failed {
        Some(failure) => Err(failure),
        None => say_deleted(session, R::KIND, &gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Keep = Keep { number: 0, minutes: 0, unfinished: true };

    #[test]
    fn questions_say_what_would_go() {
        let of = |parent| Of { parent, spare_owned: true };
        let names = ["a".to_owned(), "b".to_owned()];
        let asked = question::<PipelineRun>(&names, false, NONE, &of(None), "ns");
        assert_eq!(asked, r#"Are you sure you want to delete PipelineRun(s) "a", "b" (y/n): "#);
        let asked = question::<PipelineRun>(&[], true, Keep { number: 2, minutes: 5, ..NONE }, &of(None), "ns");
        let kept = "except for ones created in last 5 minutes and keeping 2 PipelineRuns";
        assert_eq!(asked, format!(r#"Are you sure you want to delete all PipelineRuns in namespace "ns" {kept} (y/n): "#));
        let asked = question::<TaskRun>(&[], false, Keep { number: 2, ..NONE }, &of(Some("t")), "ns");
        assert_eq!(asked, r#"Are you sure you want to delete all TaskRuns related to Task "t" keeping 2 TaskRuns (y/n): "#);
    }

    #[test]
    fn nothing_to_do_is_told() {
        let keep = Keep { number: 2, ..NONE };
        let two = Choice { doomed: vec![], kept: vec!["a".into(), "b".into()] };
        let said = nothing_to_do::<PipelineRun>("p", keep, &two).unwrap().unwrap();
        assert_eq!(said, "Associated PipelineRun (2) for Pipeline:p is/are equal to keep (2) ");
        let said = nothing_to_do::<PipelineRun>("p", Keep { number: 5, ..NONE }, &two).unwrap().unwrap();
        assert_eq!(said, "There is/are only 2 PipelineRun(s) associated for Pipeline: p ");
        assert!(nothing_to_do::<PipelineRun>("p", NONE, &Choice::default()).unwrap().is_err());
    }
}
