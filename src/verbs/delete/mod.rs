//! `delete` of any kind: what would go is looked up first, then asked for, then deleted; what happened is said in
//! `tkn`'s words.

mod choice;
mod definitions;
mod glance;
mod runs;

pub use definitions::{Arguments, delete};
pub use runs::{Of, RunArguments, delete_runs};

use clap::Args;
use futures::{StreamExt as _, stream};

use super::missing;
use crate::client::Cluster;
use crate::failure::{Failure, Kind as FailureKind};
use crate::kinds::Kind;
use crate::session::Session;

/// How many deletions are under way at once.
const AT_ONCE: usize = 8;

/// Flags about the leave to delete.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Leave {
    /// Without a question
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    plan: Plan,
}

/// The flag for a delete that is only told.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Print what would be deleted, one object a line, and delete nothing
    #[arg(long)]
    plan: bool,
}

impl Leave {
    /// Whether somebody has to be asked.
    fn is_to_be_asked_for(self) -> bool {
        !self.force && !self.plan.is_wanted()
    }
}

impl Plan {
    /// Whether nothing is to be deleted.
    pub fn is_wanted(self) -> bool {
        self.plan
    }

    /// Deletes objects, or tells that they would be; gives the names of those that are gone.
    ///
    /// # Errors
    /// When the answer cannot be written. What the server refuses is given beside the names.
    pub async fn perform(
        self,
        session: &mut Session,
        cluster: &Cluster,
        kind: &'static Kind,
        names: &[String],
    ) -> Result<(Vec<String>, Option<Failure>), Failure> {
        if !self.plan {
            return Ok(perform(cluster, kind, names).await);
        }
        for name in names {
            session.term.answer(kind.label(name))?;
        }
        let number = if names.is_empty() { "no".to_owned() } else { names.len().to_string() };
        session.term.say(format!("{number} {}s would be deleted; nothing was", kind.kind));
        Ok((Vec::new(), None))
    }
}

/// The kind's name in questions; `tkn` writes those of Triggers in small letters.
fn spoken(kind: &Kind) -> String {
    if kind.group == "triggers.tekton.dev" { kind.kind.to_lowercase() } else { kind.kind.to_owned() }
}

/// `"a", "b"`
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// Those of the names that are there, and a failure about the others.
///
/// # Errors
/// When none of them is there.
async fn present(cluster: &Cluster, kind: &'static Kind, names: &[String]) -> Result<(Vec<String>, Option<Failure>), Failure> {
    let (mut there, mut refused, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match cluster.get_raw(kind, &cluster.namespace, name).await {
            Ok(_) => there.push(name.clone()),
            Err(error) => {
                if error.is_not_found() {
                    absent.push(name.as_str());
                }
                let failure = Failure::from(error);
                // tkn says what it was doing for this one kind only.
                refused.push(if kind.kind == "EventListener" {
                    failure.context(format!("failed to get EventListener {name}"))
                } else {
                    failure
                });
            }
        }
    }
    let Some(failure) = joined(refused) else { return Ok((there, None)) };
    let failure = missing::with_hints(cluster, kind, &absent, failure).await;
    if there.is_empty() { Err(failure) } else { Ok((there, Some(failure))) }
}

/// Several failures as one line, as `tkn` says them.
fn joined(failures: Vec<Failure>) -> Option<Failure> {
    let said = |failure: &Failure| failure.as_tkn.clone().unwrap_or_else(|| failure.message.clone());
    failures.into_iter().reduce(|mut all, next| {
        if all.as_tkn.is_some() || next.as_tkn.is_some() {
            all.as_tkn = Some(format!("{}; {}", said(&all), said(&next)));
        }
        all.message = format!("{}; {}", all.message, next.message);
        all.hints.extend(next.hints.into_iter().filter(|hint| !all.hints.contains(hint)).collect::<Vec<_>>());
        all
    })
}

/// Asks for leave. Without an answer nothing is deleted.
///
/// # Errors
/// When the answer is no, and when there is none.
async fn ask(session: &mut Session, kind: &Kind, question: &str, names: &[String]) -> Result<(), Failure> {
    match session.term.yes_or_no(question, "--force to delete without a question").await? {
        true => Ok(()),
        false => Err(Failure::new(FailureKind::Other, format!("canceled deleting {}(s) {}", spoken(kind), quoted(names)))),
    }
}

/// Deletes objects and gives the names of those that are gone, and the failure about the others.
async fn perform(cluster: &Cluster, kind: &'static Kind, names: &[String]) -> (Vec<String>, Option<Failure>) {
    let deletions = names.iter().map(|name| async move { (name, cluster.delete(kind, &cluster.namespace, name).await) });
    let ended: Vec<_> = stream::iter(deletions).buffered(AT_ONCE).collect().await;
    let (mut gone, mut failed) = (Vec::new(), Vec::new());
    for (name, end) in ended {
        match end {
            Ok(()) => gone.push(name.clone()),
            Err(error) => failed.push(Failure::from(error).context(format!("failed to delete {} {name:?}", kind.kind))),
        }
    }
    (gone, joined(failed))
}

/// `Pipelines deleted: "a", "b"`; nothing when there are none.
fn say_deleted(session: &mut Session, kind: &Kind, names: &[String]) -> Result<(), Failure> {
    if !names.is_empty() {
        session.term.answer(format!("{}s deleted: {}", kind.kind, quoted(names)))?;
    }
    Ok(())
}
