//! Chooses one object where a command names none: the last one, the only one, or the one that a person points at.

use clap::Args;
use jiff::Timestamp;

use super::fetch::Related;
use super::newest;
use crate::client::{Cluster, Error, Select};
use crate::failure::Failure;
use crate::kinds::{self, Kind};
use crate::objects::newest::Unbegun;
use crate::objects::run::Run;
use crate::objects::{Object, Seen};
use crate::render::{self, Look};
use crate::session::Session;
use crate::views::{Listed, age, started};

/// The flag for finding a run by some of its letters.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Finder {
    /// Find it by some of its letters, with a page about it in sight; TKN_USE_FZF in the environment asks for the same
    #[arg(long, short = 'F')]
    fzf: bool,
}

impl Finder {
    /// Whether it is wanted: by the flag, or by a variable of any value, as tkn has it.
    pub fn is_wanted(self) -> bool {
        self.fzf || std::env::var_os("TKN_USE_FZF").is_some()
    }
}

/// How a run is chosen.
#[derive(Clone, Debug)]
pub struct Choice<R> {
    /// Which runs may be chosen
    pub select: Select,
    /// What is left of those; all where there is none
    pub keep: Option<fn(&R) -> bool>,
    /// Whether the newest one is meant
    pub last: bool,
    /// How many are offered, the newest first
    pub limit: i64,
    /// Whether it is found by its letters, with a page about it
    pub find: bool,
}

impl<R> Default for Choice<R> {
    fn default() -> Self {
        Self { select: Select::default(), keep: None, last: false, limit: 0, find: false }
    }
}

/// The run that is meant; none when there is nothing to choose from.
///
/// # Errors
/// When the limit is not positive, the server refuses, or a person would have to be asked and nobody is there.
pub async fn run<R: Run + Listed + Related>(session: &mut Session, choice: Choice<R>) -> Result<Option<Seen<R>>, Failure> {
    let limit = usize::try_from(choice.limit).ok().filter(|limit| *limit > 0).or(choice.last.then_some(1));
    let no_limit = || Failure::usage(format!("limit was {} but must be a positive number", choice.limit));
    // Of CustomRuns tkn takes the only one whatever the limit.
    let is_custom = R::KIND == &kinds::CUSTOM_RUN;
    if limit.is_none() && !is_custom {
        return Err(no_limit());
    }
    let cluster = session.cluster().await?;
    let mut runs = offered(&cluster, &choice, limit)
        .await
        .map_err(|e| Failure::from(e).context(format!("failed to list {}s from namespace {}", R::KIND.kind, cluster.namespace)))?;
    if choice.last {
        return Ok(runs.into_iter().next());
    }
    runs.truncate(limit.unwrap_or(usize::MAX));
    if runs.len() < 2 {
        return if runs.is_empty() && limit.is_none() { Err(no_limit()) } else { Ok(runs.pop()) };
    }
    if limit.is_none() {
        return Err(no_limit());
    }
    let now = Timestamp::now();
    let as_table = is_custom && session.stands_in_for_tkn();
    let items: Vec<String> = runs.iter().map(|run| if as_table { of_custom(run, now) } else { item(run, now) }).collect();
    let (prompt, needed) = (format!("Select {}:", R::KIND.noun), format!("the name of the {}, or --last", R::KIND.kind));
    let place = match choice.find {
        true => session.term.find(&prompt, &items, &needed, |place| about(&cluster, &runs[place])).await?,
        false => session.term.choose(&prompt, &items, &needed)?,
    };
    Ok(Some(runs.swap_remove(place)))
}

fn item<R: Listed>(run: &Seen<R>, now: Timestamp) -> String {
    format!("{} started {}", run.meta().name, age::ago(started(run), now))
}

/// As tkn offers CustomRuns, and no other kind.
fn of_custom<R: Run + Listed>(run: &Seen<R>, now: Timestamp) -> String {
    let known = run.lens.as_ref().ok();
    let took = known.map_or_else(|| age::took(None, None), |run| age::took(run.started(), run.completed()));
    let status = known.map(|run| run.verdict().to_string()).unwrap_or_default();
    format!("{}\tStarted: {}\tDuration: {took}\tStatus: {status}", run.meta().name, age::ago(started(run), now))
}

/// The runs to choose from, newest first, as many as are offered at least. Without a limit it only matters whether there is
/// more than one.
async fn offered<R: Run + Listed>(cluster: &Cluster, choice: &Choice<R>, limit: Option<usize>) -> Result<Vec<Seen<R>>, Error> {
    let keep = |run: &R| choice.keep.is_none_or(|keep| keep(run));
    let (count, unbegun) = if choice.last { (1, Unbegun::ByCreation) } else { (limit.unwrap_or(2), Unbegun::First) };
    if R::KIND == &kinds::CUSTOM_RUN && !choice.last {
        // tkn offers this one kind in the server's order.
        let mut runs = cluster.list::<R>(Some(&cluster.namespace), &choice.select).await?;
        runs.retain(|seen| seen.lens.as_ref().map_or(true, keep));
        return Ok(runs);
    }
    let wanted = newest::Wanted { namespace: &cluster.namespace, select: &choice.select, count, unbegun };
    newest::or_all(cluster, wanted, keep).await
}

/// What `describe` says of a run.
async fn about<R: Related>(cluster: &Cluster, run: &Seen<R>) -> String {
    let Ok(object) = &run.lens else { return String::new() };
    match object.related(cluster).await {
        Ok(with) => render::page(&object.page(&with), Look { now: Timestamp::now(), colour: false }),
        Err(error) => error.to_string(),
    }
}

/// The object of a kind that is meant; none when there is nothing to choose from.
///
/// # Errors
/// When the server refuses, or a person would have to be asked and nobody is there.
pub async fn object<T: Object>(session: &mut Session) -> Result<Option<Seen<T>>, Failure> {
    let cluster = session.cluster().await?;
    let listed = cluster.list::<T>(Some(&cluster.namespace), &Select::default()).await;
    let mut objects = listed.map_err(|error| refused(&cluster.namespace, T::KIND, error.into()))?;
    if objects.len() < 2 {
        return Ok(objects.pop());
    }
    let items: Vec<String> = objects.iter().map(|object| object.meta().name.clone()).collect();
    let place = session.term.choose(&format!("Select {}:", T::KIND.noun), &items, &format!("the name of the {}", T::KIND.kind))?;
    Ok(Some(objects.swap_remove(place)))
}

/// What is said when the objects that may be meant cannot be listed. tkn calls Pipelines Tasks here, and tells of the kinds of
/// Triggers as the server does.
pub(super) fn refused(namespace: &str, kind: &Kind, failure: Failure) -> Failure {
    match (kind.group, kind.kind) {
        ("tekton.dev", name @ ("Pipeline" | "Task")) => {
            let said = failure.as_tkn.as_ref().unwrap_or(&failure.message);
            let said = format!("failed to list Tasks from namespace {namespace}: {said}");
            failure.context(format!("failed to list {name}s from namespace {namespace}")).in_words_of_tkn(said)
        }
        ("tekton.dev", name) => failure.context(format!("failed to list {name}s from namespace {namespace}")),
        _ => failure,
    }
}
