//! `wait` of PipelineRuns and TaskRuns: until they stand as asked, by watching nothing but the runs themselves.

use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::StreamExt as _;
use futures::stream::SelectAll;
use indexmap::IndexMap;

use super::{called, missing};
use crate::client::{Cluster, Select, Watched};
use crate::exit::{End, Exit};
use crate::failure::{Failure, Kind as FailureKind};
use crate::objects::Seen;
use crate::objects::duration::GoDuration;
use crate::objects::run::Run;
use crate::session::Session;
use crate::views::age;

/// Which runs, and for what.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Names of the {Kinds}
    #[arg(required_unless_present = "label")]
    names: Vec<String>,
    /// All {Kinds} with these labels that there are now: `app=web,env in (test,prod)`
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "names")]
    label: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

/// What is waited for, and how long.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// What to wait for, of each run to its end; where one has ended otherwise, the status is 1
    #[arg(long = "for", value_enum, value_name = "END", default_value_t)]
    end: For,
    /// Give up after this time, such as 90s, 15m or 1h30m, with status 2; 0 looks once. Without it there is no limit
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,
}

/// What a run is wanted to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// It has ended well
    #[default]
    Succeeded,
    /// It has ended badly, or was cancelled
    Failed,
    /// It has ended
    Done,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = GoDuration::parse(text).map(|duration| duration.0);
    read.ok_or_else(|| "a duration is a number with a unit: 90s, 15m, 1h30m".to_owned())
}

impl For {
    /// What a run has done that is as wanted.
    fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Done => "ended",
        }
    }

    /// How a run stands to this.
    fn end<R: Run>(self, run: &R) -> End {
        match (run.succeeded().map(|c| c.status.as_str()), self) {
            (None | Some("Unknown"), _) => End::Open,
            (Some(_), Self::Done) | (Some("True"), Self::Succeeded) | (Some("False"), Self::Failed) => End::Good,
            _ => End::Bad,
        }
    }
}

impl Arguments {
    /// Waits for the runs that are named or selected.
    ///
    /// # Errors
    /// As [`wait_for`], and when nothing is selected.
    pub async fn wait<R: Run>(self, session: &mut Session) -> Result<Exit, Failure> {
        let cluster = session.cluster().await?;
        let Some(label) = self.label else {
            return wait_for::<R>(session, &cluster, &called::names(&cluster, R::KIND, &self.names).await?, self.wanted).await;
        };
        let select = Select::labels(label.as_str());
        let runs = cluster.list::<R>(Some(&cluster.namespace), &select).await?;
        if runs.is_empty() {
            let place = &cluster.namespace;
            return Err(Failure::not_found(format!("no {} in namespace {place} has the labels {label}", R::KIND.kind)));
        }
        let mut stands = Stands::new(self.wanted.end);
        runs.into_iter().try_for_each(|run| stands.begin(run))?;
        until_all(session, &cluster, stands, vec![select], self.wanted.timeout).await
    }
}

/// Waits until every one of these runs has ended or stands as wanted, and says of each how it ended. Nothing but the
/// runs themselves is asked for: one request each, and a watch of those that have not ended.
///
/// # Errors
/// When one of them is not there, is deleted, ends otherwise than wanted or not in time, and when the server refuses.
pub async fn wait_for<R: Run>(session: &mut Session, cluster: &Cluster, names: &[String], wanted: Wanted) -> Result<Exit, Failure> {
    let mut stands = Stands::new(wanted.end);
    for name in names {
        let found = cluster.find::<R>(&cluster.namespace, name).await?;
        let Some(run) = found else { return Err(missing::missing::<R>(cluster, name).await) };
        stands.begin(run)?;
    }
    let open = stands.open().map(|name| Select::fields(format!("metadata.name={name}"))).collect();
    until_all(session, cluster, stands, open, wanted.timeout).await
}

async fn until_all<R: Run>(
    session: &mut Session,
    cluster: &Cluster,
    mut stands: Stands<R>,
    watched: Vec<Select>,
    limit: Option<Duration>,
) -> Result<Exit, Failure> {
    session.work();
    let progress = session.term.progress(stands.progress());
    let watches = watched.iter().enumerate().map(|(place, select)| {
        let watch = cluster.watch::<R>(Some(&cluster.namespace), select);
        watch.map(move |told| told.map(|told| (place, told))).boxed()
    });
    let mut watches: SelectAll<_> = watches.collect();
    let deadline = limit.map(|limit| tokio::time::Instant::now() + limit);
    loop {
        for line in stands.ended() {
            progress.aside(|| session.term.answer(line).and_then(|()| session.term.flush()))?;
        }
        if stands.open().next().is_none() {
            break;
        }
        let next = async {
            match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline, watches.next()).await.ok(),
                None => Some(watches.next().await),
            }
        };
        match next.await {
            Some(Some(told)) => {
                let (place, told) = told?;
                stands.take(&watched[place], told)?;
                progress.message(stands.progress());
            }
            Some(None) => return Err(Failure::other(format!("the server ended the watch on {}", R::KIND.plural))),
            None => break,
        }
    }
    drop(progress);
    stands.verdict(session, limit)
}

/// A run that is waited for.
struct Stand<R> {
    run: R,
    end: End,
    /// Whether its end was told
    told: bool,
    /// Whether the list that is being told has named it
    listed: bool,
}

/// How the runs stand, which are those that were there at the begin. Nothing here waits or asks.
struct Stands<R> {
    wanted: For,
    runs: IndexMap<String, Stand<R>>,
}

impl<R: Run> Stands<R> {
    fn new(wanted: For) -> Self {
        Self { wanted, runs: IndexMap::new() }
    }

    fn begin(&mut self, seen: Seen<R>) -> Result<(), Failure> {
        let run = readable(seen)?;
        let end = self.wanted.end(&run);
        self.runs.insert(run.meta().name.clone(), Stand { run, end, told: false, listed: false });
        Ok(())
    }

    /// Names of the runs that are still waited for.
    fn open(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter(|(_, stand)| stand.end == End::Open).map(|(name, _)| name.as_str())
    }

    /// Takes what the watch of this selection tells.
    fn take(&mut self, select: &Select, told: Watched<R>) -> Result<(), Failure> {
        let name = select.fields.strip_prefix("metadata.name=");
        let within = |(other, stand): &(&String, &mut Stand<R>)| stand.end == End::Open && name.is_none_or(|name| name == other.as_str());
        match told {
            Watched::Listing => self.runs.iter_mut().filter(within).for_each(|(_, stand)| stand.listed = false),
            // What a list does not name any more has gone while nobody looked.
            Watched::Listed => {
                self.runs.iter_mut().filter(within).filter(|(_, stand)| !stand.listed).for_each(|(_, stand)| stand.end = End::Deleted);
            }
            Watched::Gone(seen) => {
                let stand = self.runs.get_mut(&seen.meta().name).filter(|stand| stand.run.meta().uid == seen.meta().uid);
                if let Some(stand) = stand.filter(|stand| stand.end == End::Open) {
                    stand.end = End::Deleted;
                }
            }
            Watched::Now(seen) => {
                let Some(stand) = self.runs.get_mut(&seen.meta().name).filter(|stand| stand.end == End::Open) else { return Ok(()) };
                stand.listed = true;
                let run = readable(seen)?;
                // Another run of the same name is not the one that is waited for.
                let same = run.meta().uid == stand.run.meta().uid;
                stand.end = if same { self.wanted.end(&run) } else { End::Deleted };
                if same {
                    stand.run = run;
                }
            }
        }
        Ok(())
    }

    /// A line for each run that has ended and was not told yet.
    fn ended(&mut self) -> Vec<String> {
        let new = self.runs.iter_mut().filter(|(_, stand)| stand.end != End::Open && !stand.told);
        new.map(|(name, stand)| {
            stand.told = true;
            format!("{} {name}: {}", R::KIND.kind, stand.words())
        })
        .collect()
    }

    /// What is going on, for a person who waits.
    fn progress(&self) -> String {
        let mut open = self.runs.iter().filter(|(_, stand)| stand.end == End::Open);
        match (open.next(), open.count(), self.runs.len()) {
            (None, ..) => String::new(),
            (Some((name, stand)), 0, 1) => format!("{} {name}: {}", R::KIND.kind, stand.words()),
            (Some((name, _)), others, all) => format!("{} of {all} {}s have not ended: {name}, …", others + 1, R::KIND.kind),
        }
    }

    /// The exit status, or the failure that says which runs are not as wanted.
    fn verdict(&self, session: &Session, limit: Option<Duration>) -> Result<Exit, Failure> {
        let end = self.runs.values().fold(End::Good, |all, stand| all.and(stand.end));
        let Some((name, first)) = self.runs.iter().find(|(_, stand)| stand.end == end).filter(|_| end != End::Good) else {
            return Ok(end.exit(true));
        };
        let kind = R::KIND.kind;
        let others = self.runs.values().filter(|stand| stand.end != End::Good).count() - 1;
        let others = if others > 0 { format!(" (and {others} of {} others)", self.runs.len() - 1) } else { String::new() };
        let message = match end {
            End::Deleted => format!("{kind} {name} was deleted{others}"),
            End::Open => {
                let limit = GoDuration(limit.unwrap_or_default());
                format!("{kind} {name} has not ended within {limit}{others}: {}", first.words())
            }
            _ => format!("{kind} {name} has not {}{others}: {}", self.wanted.word(), first.words()),
        };
        let failure = Failure { exit: Some(end.exit(true)), ..Failure::new(FailureKind::RunFailed, message) };
        let command = |verb: &str| session.command(&format!("{} {verb} {name}", R::KIND.noun));
        Err(match end {
            End::Open => failure.hint(command("watch")),
            End::Bad if first.run.succeeded().is_some_and(|c| c.status == "False") => {
                failure.hint(command("logs")).hint(session.command(&format!("diagnose {} {name}", R::KIND.noun)))
            }
            _ => failure,
        })
    }
}

impl<R: Run> Stand<R> {
    /// How the run stands, how long it took, and what its condition says.
    fn words(&self) -> String {
        if self.end == End::Deleted {
            return "deleted".to_owned();
        }
        let span = self.run.started().zip(self.run.completed());
        let took = span.map(|(from, to)| format!(" after {}", age::duration(to.duration_since(from)))).unwrap_or_default();
        let message = self.run.succeeded().and_then(|c| c.message.as_deref()).unwrap_or_default();
        let message = if message.is_empty() || self.end == End::Good { String::new() } else { format!(": {message}") };
        format!("{}{took}{message}", self.run.verdict())
    }
}

fn readable<R: Run>(seen: Seen<R>) -> Result<R, Failure> {
    seen.lens.map_err(|odd| Failure::invalid(odd.to_string()))
}
