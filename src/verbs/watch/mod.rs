//! `watch`: a run as a tree that changes as it goes on, on a terminal; line by line elsewhere. Logs, states and pods come
//! from the engine of `logs`.

mod feed;
mod screen;
mod ui;

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::{Pin, pin};

use clap::Args;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::called;
use super::cancel::Cancel;
use super::fetch::Related;
use super::logs::end_of;
use super::pick::{self, Choice};
use super::start::Startable;
use crate::client::{Cluster, Select};
use crate::exit::{End, Exit};
use crate::failure::{Failure, Kind as FailureKind};
use crate::logs::{self, Outcome, Policy};
use crate::objects::Object;
use crate::objects::run::RunOf;
use crate::render::Look;
use crate::render::board::{BoardLook, Detail, board};
use crate::session::Session;
use crate::term::Term;
use crate::views::Listed;
use crate::views::board::{Board, Changes, Mark, Node};
use feed::{Feed, Scene};

/// Which run is watched.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Name of the {Kind}; asked for when there are several
    name: Option<String>,
    /// The newest {Kind}
    #[arg(long, short = 'L')]
    last: bool,
    #[command(flatten)]
    way: Way,
}

/// Which Pipeline's or Task's newest run is watched.
#[derive(Args, Clone, Debug)]
pub struct OfParent {
    /// Name of the {Kind}; its newest run is watched
    name: String,
    #[command(flatten)]
    way: Way,
}

/// How a run is watched.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Way {
    /// On a terminal, stay when the run has ended, until q is pressed
    #[arg(long)]
    stay: bool,
}

/// A kind of run that can be watched.
pub trait Watchable: RunOf<Parent: Startable<Run = Self>> + Cancel + Listed + Related {}

impl<R: RunOf<Parent: Startable<Run = R>> + Cancel + Listed + Related> Watchable for R {}

impl Arguments {
    /// Watches a run.
    ///
    /// # Errors
    /// As [`watch_run`], and when there is none or nobody who chooses.
    pub async fn watch<R: Watchable>(self, session: &mut Session) -> Result<Exit, Failure> {
        let cluster = session.cluster().await?;
        let name = match self.name {
            Some(name) => called::name(&cluster, R::KIND, &name).await?,
            None => {
                let choice = Choice::<R> { last: self.last, limit: 10, ..Choice::default() };
                let nothing = || Failure::not_found(format!("there is no {} in namespace {}", R::KIND.kind, cluster.namespace));
                pick::run(session, choice).await?.ok_or_else(nothing)?.meta().name.clone()
            }
        };
        watch_run::<R>(session, &cluster, &name, self.way).await
    }
}

impl OfParent {
    /// Watches the newest run of a Pipeline or Task.
    ///
    /// # Errors
    /// As [`watch_run`], and when it has no run.
    pub async fn watch<R: Watchable>(self, session: &mut Session) -> Result<Exit, Failure> {
        let cluster = session.cluster().await?;
        let select = Select::labels(format!("{}={}", R::LABEL, self.name));
        let choice = Choice::<R> { select, keep: Some(R::is_of_parent), last: true, limit: 1, ..Choice::default() };
        let Some(run) = pick::run(session, choice).await? else {
            super::missing::existing::<R::Parent>(&cluster, &self.name).await?;
            return Err(Failure::not_found(format!("{} {} has no {}", R::Parent::KIND.kind, self.name, R::KIND.kind)));
        };
        watch_run::<R>(session, &cluster, &run.meta().name, self.way).await
    }
}

/// How watching one run ended.
enum Left {
    /// The run has ended, or is no more
    Run(Outcome),
    /// The person has gone, and the run has ended before that
    Ended(End),
    /// The person has gone
    Person,
    /// Ctrl-C, or a signal
    Interrupted,
    /// Another run was started in its place
    For(String),
}

type Following<'f> = Pin<&'f mut (dyn Future<Output = Result<Outcome, logs::Error>> + 'f)>;

/// Watches a run to its end, and leaves a summary behind. The exit status is the run's. `start --watch` calls it.
///
/// # Errors
/// When there is no such run, it is deleted meanwhile, or the server refuses.
pub async fn watch_run<R: Watchable>(session: &mut Session, cluster: &Cluster, name: &str, way: Way) -> Result<Exit, Failure> {
    session.say_what_has_no_effect(cluster, R::KIND, &[name]).await;
    session.work();
    let mut name = name.to_owned();
    loop {
        let scene = Scene { board: RefCell::new(Board::new(R::KIND, &name)), stands: Notify::new(), lines: Notify::new() };
        let left = watch_one::<R>(session, cluster, &name, way, &scene).await;
        let left = match left {
            Err(failure) if failure.kind == FailureKind::NotFound => {
                return Err(super::missing::with_hints(cluster, R::KIND, &[&name], failure).await);
            }
            left => left?,
        };
        match left {
            Left::For(next) => {
                session.term.answer(format!("{} started: {next}", R::KIND.kind))?;
                name = next;
            }
            Left::Interrupted => return Err(Failure::new(FailureKind::Interrupted, "")),
            Left::Person => {
                // In a sandbox that is not started it ends with this command, and the session says so.
                if !session.stays() {
                    let again = session.command(&format!("{} watch {name}", R::KIND.noun));
                    session.term.say(format!("{} {name} goes on: {again}", R::KIND.kind));
                }
                return Ok(End::Open.exit(true));
            }
            Left::Run(Outcome::Deleted) => return Err(Failure::other(format!("{} {name} was deleted", R::KIND.kind))),
            Left::Run(outcome) => return Ok(told::<R>(session, &name, end_of(&outcome))),
            Left::Ended(end) => return Ok(told::<R>(session, &name, end)),
        }
    }
}

/// The exit status of a run's end, which is explained elsewhere where it was bad.
fn told<R: Watchable>(session: &mut Session, name: &str, end: End) -> Exit {
    if end == End::Bad {
        session.term.say(format!("Hint: {}", session.command(&format!("diagnose {} {name}", R::KIND.noun))));
    }
    end.exit(true)
}

async fn watch_one<R: Watchable>(session: &mut Session, cluster: &Cluster, name: &str, way: Way, scene: &Scene) -> Result<Left, Failure> {
    let policy = Policy { live: true, lenient: true, ..Policy::default() };
    let mut feed = Feed(scene);
    let subject = <R::Parent as Startable>::WORDS.subject;
    let mut following = pin!(logs::follow(cluster, subject, &cluster.namespace, name, &policy, &mut feed));
    if !session.term.is_screen() {
        return in_lines(&mut session.term, following, scene).await;
    }
    // Nothing is drawn before something is known.
    let ended = tokio::select! {
        biased;
        ended = &mut following => Some(ended?),
        () = scene.stands.notified() => None,
    };
    let left = match ended {
        Some(outcome) if !way.stay => Left::Run(outcome),
        // What has ended is not worth a screen.
        None if !way.stay && scene.board.borrow().tree().mark.is_over() => Left::Run(following.await?),
        ended => screen::watch::<R>(&mut session.term, cluster, name, way, scene, following, ended).await?,
    };
    let known = scene.board.borrow();
    summarize(&mut session.term, &known)?;
    Ok(match (left, known.tree().mark) {
        // Its last lines may still be on their way; how it ended is known.
        (Left::Person, Mark::Good) => Left::Ended(End::Good),
        (Left::Person, mark) if mark.is_over() => Left::Ended(End::Bad),
        (left, _) => left,
    })
}

/// What stays behind on the terminal.
fn summarize(term: &mut Term, known: &Board) -> Result<(), Failure> {
    let width = term.columns().unwrap_or(80);
    let look =
        BoardLook { look: Look::at(Timestamp::now(), term), width, unicode: term.unicode, detail: Detail::Whole, toggled: &HashMap::new() };
    for line in board(&known.tree(), &look) {
        term.answer(line.text)?;
    }
    Ok(term.flush()?)
}

/// One line for each change, and at the end the last lines of what failed.
async fn in_lines(term: &mut Term, mut following: Following<'_>, scene: &Scene) -> Result<Left, Failure> {
    let mut changes = Changes::default();
    loop {
        let ended = tokio::select! {
            biased;
            () = scene.stands.notified() => None,
            ended = &mut following => Some(ended?),
        };
        let known = scene.board.borrow();
        let tree = known.tree();
        for line in changes.lines(&tree, ended.is_some()) {
            term.answer(line)?;
        }
        if let Some(outcome) = ended {
            show_failed(term, &tree)?;
            return Ok(Left::Run(outcome));
        }
        term.flush()?;
    }
}

/// How many of a failed step's last lines are repeated.
const LAST_LINES: usize = 200;

fn show_failed(term: &mut Term, tree: &Node<'_>) -> Result<(), Failure> {
    for node in tree.all().into_iter().filter(|node| node.mark == Mark::Bad) {
        let Some(tail) = node.tail.filter(|tail| tail.count() > 0) else { continue };
        let lines: Vec<String> = tail.last(LAST_LINES).collect();
        term.answer(format!("--- {}: {}, the last {} of {} lines:", ui::path(tree, node), node.note, lines.len(), tail.count()))?;
        for line in lines {
            term.answer(line)?;
        }
    }
    Ok(term.flush()?)
}
