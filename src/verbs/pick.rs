//! Chooses one object where a command names none: the last one, the only one, or the one that a person points at.

use jiff::Timestamp;

use super::list::order;
use crate::client::Select;
use crate::failure::Failure;
use crate::objects::run::Run;
use crate::objects::{Object, Seen};
use crate::session::Session;
use crate::views::{Listed, age};

/// How a run is chosen.
#[derive(Clone, Debug, Default)]
pub struct Choice<R> {
    /// Which runs may be chosen
    pub select: Select,
    /// What is left of those; all where there is none
    pub keep: Option<fn(&R) -> bool>,
    /// Whether the newest one is meant
    pub last: bool,
    /// How many are offered, the newest first
    pub limit: i64,
}

/// The run that is meant; none when there is nothing to choose from.
///
/// # Errors
/// When the limit is not positive, the server refuses, or a person would have to be asked and nobody is there.
pub async fn run<R: Run + Listed>(session: &mut Session, choice: Choice<R>) -> Result<Option<Seen<R>>, Failure> {
    let limit = usize::try_from(choice.limit).ok().filter(|limit| *limit > 0);
    let Some(limit) = limit.or(choice.last.then_some(1)) else {
        return Err(Failure::usage(format!("limit was {} but must be a positive number", choice.limit)));
    };
    let cluster = session.cluster().await?;
    let listed = cluster.list::<R>(Some(&cluster.namespace), &choice.select).await;
    let mut runs =
        listed.map_err(|e| Failure::from(e).context(format!("failed to list {}s from namespace {}", R::KIND.kind, cluster.namespace)))?;
    if let Some(keep) = choice.keep {
        runs.retain(|seen| seen.lens.as_ref().map_or(true, keep));
    }
    if choice.last {
        // A run that has not started comes before all others in lists; it is the last one only when there is no other.
        return Ok(runs.into_iter().max_by_key(|seen| (started(seen), seen.meta().creation_timestamp)));
    }
    order(&mut runs, false);
    runs.truncate(limit);
    let now = Timestamp::now();
    one(session, runs, &format!("the name of the {}, or --last", R::KIND.kind), |run| {
        format!("{} started {}", run.meta().name, age::ago(started(run), now))
    })
}

/// The object of a kind that is meant; none when there is nothing to choose from.
///
/// # Errors
/// When the server refuses, or a person would have to be asked and nobody is there.
pub async fn object<T: Object>(session: &mut Session) -> Result<Option<Seen<T>>, Failure> {
    let cluster = session.cluster().await?;
    let objects = cluster.list::<T>(Some(&cluster.namespace), &Select::default()).await?;
    one(session, objects, &format!("the name of the {}", T::KIND.kind), |object| object.meta().name.clone())
}

/// The only one, or the one that a person points at.
fn one<T: Object>(
    session: &mut Session,
    mut objects: Vec<Seen<T>>,
    needed: &str,
    item: impl Fn(&Seen<T>) -> String,
) -> Result<Option<Seen<T>>, Failure> {
    if objects.len() > 1 {
        let items: Vec<String> = objects.iter().map(item).collect();
        let place = session.term.choose(&format!("Select {}:", T::KIND.noun), &items, needed)?;
        return Ok(Some(objects.swap_remove(place)));
    }
    Ok(objects.pop())
}

fn started<R: Run>(run: &Seen<R>) -> Option<Timestamp> {
    run.lens.as_ref().ok().and_then(Run::started)
}
