//! `delete` of objects by name, or of all of them.

use clap::Args;

use super::{Leave, ask, joined, present, quoted, say_deleted, spoken};
use crate::client::{Cluster, Select};
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::Object;
use crate::objects::run::RunOf;
use crate::session::Session;
use crate::verbs::pick;

/// Arguments of every delete.
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// Names of {Kinds}
    names: Vec<String>,
    /// All {Kinds} of the namespace, or of the cluster where they have none
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    leave: Leave,
}

impl Arguments {
    /// The names that were given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Deletes a Pipeline or Task, and the runs of it where `with_runs`.
    ///
    /// # Errors
    /// When the flags contradict each other, an object is not there, or the server refuses.
    pub async fn delete_parent<R: RunOf>(&self, session: &mut Session, with_runs: bool) -> Result<Exit, Failure> {
        if !with_runs {
            return delete::<R::Parent>(session, self).await;
        }
        if self.all {
            return Err(all_alone());
        }
        let cluster = session.cluster().await?;
        let (kind, runs) = (<R::Parent as Object>::KIND, R::KIND);
        let (names, absent) = present(&cluster, kind, &self.names).await?;
        self.needs_something::<R::Parent>(&names)?;
        if self.leave.is_to_be_asked_for() {
            let question = format!("Are you sure you want to delete {}(s) {} and related resources (y/n): ", kind.kind, quoted(&names));
            ask(session, kind, &question, &names).await?;
        }
        let plan = self.leave.plan;
        let (gone, failed) = plan.perform(session, &cluster, kind, &names).await?;
        let (mut related, mut failures) = (Vec::new(), Vec::from_iter(failed));
        for parent in if plan.is_wanted() { &names } else { &gone } {
            let (deleted, failed) = match related_runs::<R>(&cluster, parent).await {
                Ok(runs) => plan.perform(session, &cluster, R::KIND, &runs).await?,
                Err(failure) => (Vec::new(), Some(failure)),
            };
            related.extend(deleted);
            failures.extend(failed);
        }
        say_deleted(session, runs, &related)?;
        say_deleted(session, kind, &gone)?;
        failures.extend(absent);
        joined(failures).map_or(Ok(Exit::Done), Err)
    }

    fn needs_something<T: Object>(&self, names: &[String]) -> Result<(), Failure> {
        if names.is_empty() && !self.all {
            return Err(Failure::usage(format!("must provide {} name(s) or use --all flag with delete", spoken(T::KIND))));
        }
        Ok(())
    }
}

pub(super) fn all_alone() -> Failure {
    Failure::usage("--all flag should not have any arguments or flags specified with it")
}

/// The runs that carry a parent's label, whether or not they still run.
///
/// # Errors
/// When there are none, or the server refuses.
async fn related_runs<R: RunOf>(cluster: &Cluster, parent: &str) -> Result<Vec<String>, Failure> {
    let listed = cluster.list::<R>(Some(&cluster.namespace), &Select::labels(format!("{}={parent}", R::LABEL))).await;
    let runs = listed.map_err(|error| Failure::from(error).context(format!("failed to list {}", R::KIND.plural)))?;
    let of_parent = runs.iter().filter(|seen| seen.lens.as_ref().map_or(true, R::is_of_parent));
    let names: Vec<String> = of_parent.map(|seen| seen.meta().name.clone()).collect();
    if names.is_empty() {
        let kind = <R::Parent as Object>::KIND.kind;
        return Err(Failure::not_found(format!("no {}s associated with {kind} {parent:?}", R::KIND.kind)));
    }
    Ok(names)
}

async fn all_names(cluster: &Cluster, kind: &'static Kind) -> Result<Vec<String>, Failure> {
    let namespace = &cluster.namespace;
    cluster.every_name(kind, Some(namespace)).await.map_err(|error| pick::refused(namespace, kind, error.into()))
}

/// Deletes objects of any kind by name, or all of them.
///
/// # Errors
/// When the flags contradict each other, an object is not there, or the server refuses.
pub async fn delete<T: Object>(session: &mut Session, args: &Arguments) -> Result<Exit, Failure> {
    let kind = T::KIND;
    let cluster = session.cluster().await?;
    let (names, absent) = present(&cluster, kind, &args.names).await?;
    if args.all && !names.is_empty() {
        return Err(all_alone());
    }
    args.needs_something::<T>(&names)?;
    if args.leave.is_to_be_asked_for() {
        let what = match (args.all, kind.namespaced) {
            (true, true) => format!("all {}s in namespace {:?}", spoken(kind), cluster.namespace),
            (true, false) => format!("all {}s", spoken(kind)),
            (false, _) => format!("{}(s) {}", spoken(kind), quoted(&names)),
        };
        ask(session, kind, &format!("Are you sure you want to delete {what} (y/n): "), &names).await?;
    }
    let names = if args.all { all_names(&cluster, kind).await? } else { names };
    let (gone, failed) = args.leave.plan.perform(session, &cluster, kind, &names).await?;
    match (args.all && !args.leave.plan.is_wanted(), &failed) {
        (false, _) => say_deleted(session, kind, &gone)?,
        (true, None) if kind.namespaced => {
            session.term.answer(format!("All {}s deleted in namespace {:?}", kind.kind, cluster.namespace))?
        }
        (true, None) => session.term.answer(format!("All {}s deleted", kind.kind))?,
        (true, Some(_)) => {}
    }
    joined(failed.into_iter().chain(absent).collect()).map_or(Ok(Exit::Done), Err)
}
