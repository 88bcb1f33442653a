//! The loop of a watched run on a terminal: what comes, which keys are pressed, and when a frame is drawn.

use std::pin::Pin;
use std::time::Duration;

use futures::future::OptionFuture;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::feed::Scene;
use super::ui::{Act, Size, Ui};
use super::{Following, Left, Watchable, Way};
use crate::client::Cluster;
use crate::failure::Failure;
use crate::logs::Outcome;
use crate::render::Look;
use crate::term::Term;
use crate::verbs::{cancel, start};

/// At most so often a frame is drawn.
const PAUSE: Duration = Duration::from_millis(80);
/// At least so often, since times go on.
const BEAT: Duration = Duration::from_secs(1);

/// Something that was asked for and takes its time.
type Work<'w> = OptionFuture<Pin<Box<dyn Future<Output = Result<Done, Failure>> + 'w>>>;

enum Done {
    Cancelled,
    Started(String),
}

/// Draws until the run has ended and nobody looks any more, or until the person leaves.
pub(super) async fn watch<R: Watchable>(
    term: &mut Term,
    cluster: &Cluster,
    name: &str,
    way: Way,
    scene: &Scene,
    mut following: Following<'_>,
    mut ended: Option<Outcome>,
) -> Result<Left, Failure> {
    let mut screen = term.screen()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut ending = signal(SignalKind::terminate())?;
    let mut ui = Ui::default();
    let mut work: Work<'_> = None.into();
    let (mut drawn, mut stale) = (Instant::now() - BEAT, true);
    loop {
        if let Some(outcome) = ended.take_if(|_| !way.stay && !ui.is_in_use()) {
            return Ok(Left::Run(outcome));
        }
        let next = drawn + if stale { PAUSE } else { BEAT };
        tokio::select! {
            outcome = &mut following, if ended.is_none() => {
                ended = Some(outcome?);
                stale = true;
            }
            () = scene.stands.notified() => stale = true,
            () = scene.lines.notified() => stale = true,
            _ = resized.recv() => stale = true,
            _ = ending.recv() => return Ok(Left::Interrupted),
            Some(done) = &mut work => {
                work = None.into();
                stale = true;
                match done {
                    Ok(Done::Started(next)) => return Ok(Left::For(next)),
                    Ok(Done::Cancelled) => ui.say(format!("{} {name} is being cancelled", R::KIND.kind)),
                    Err(failure) => ui.say(failure.text().lines().next().unwrap_or_default()),
                }
            }
            key = screen.key() => {
                (drawn, stale) = (drawn - PAUSE, true);
                let act = ui.key(key?, &scene.board.borrow().tree());
                match act {
                    Some(Act::Leave) => return Ok(ended.map_or(Left::Person, Left::Run)),
                    Some(Act::Interrupt) => return Ok(Left::Interrupted),
                    Some(Act::Suspend) => screen.suspend()?,
                    Some(Act::Cancel) => work = Some(boxed(cancelled::<R>(cluster, name))).into(),
                    Some(Act::Again) => work = Some(boxed(started_again::<R>(cluster, name))).into(),
                    None => {}
                }
            }
            () = tokio::time::sleep_until(next) => {
                let (rows, columns) = screen.size();
                let size = Size { rows, columns, look: Look::at(Timestamp::now(), term), unicode: term.unicode };
                screen.draw(&ui.frame(&scene.board.borrow().tree(), size))?;
                (drawn, stale) = (Instant::now(), false);
            }
        }
    }
}

fn boxed<'w>(work: impl Future<Output = Result<Done, Failure>> + 'w) -> Pin<Box<dyn Future<Output = Result<Done, Failure>> + 'w>> {
    Box::pin(work)
}

async fn cancelled<R: Watchable>(cluster: &Cluster, name: &str) -> Result<Done, Failure> {
    cancel::request::<R>(cluster, name, R::WAYS[0]).await.map(|()| Done::Cancelled)
}

async fn started_again<R: Watchable>(cluster: &Cluster, name: &str) -> Result<Done, Failure> {
    start::once_more::<R>(cluster, name).await.map(Done::Started)
}
