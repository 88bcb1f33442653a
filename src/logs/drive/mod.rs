//! The one loop of logs: feeds the machine from lists, watches and streams, does what it asks for, and hands its events
//! to a sink.

mod begin;
mod patience;
mod source;
mod telling;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::stream::{BoxStream, FuturesUnordered, SelectAll, Stream, StreamExt as _};

use super::event::{LogEvent, Outcome, Sink};
use super::machine::{Effect, Find, Follow, Input, Opening, Policy, Subject};
use super::slots::{Ready, Slots};
use super::watch::Telling;
use crate::client::{self, Cluster, Select};
use crate::objects::core::Pod;
use crate::objects::run::{CustomRun, PipelineRun, RunOf as _};
use crate::objects::{Object, Seen, Undecodable};
use patience::Patience;
pub use source::{LogSource, OfPods};

impl From<Undecodable> for Error {
    fn from(undecodable: Undecodable) -> Self {
        Self::Odd(Box::new(undecodable))
    }
}

/// Why runs cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refuses, or is not there
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The run cannot be read
    #[error(transparent)]
    Odd(Box<Undecodable>),
    /// The lines cannot be written
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No run has the labels that were asked for
    #[error("no run has these labels")]
    NoRuns,
}

/// Which runs.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Those of these names
    Named(&'a [String]),
    /// Those that have these labels now
    Labelled(&'a str),
}

/// Reads or follows the logs of a run and tells them to the sink, in order. With `policy.live`, a run that has not
/// ended is followed until it has; otherwise what is there is read. Dropping the future closes every stream.
///
/// # Errors
/// When there is no such run, the server refuses, or the sink cannot write.
pub async fn follow(
    cluster: &Cluster,
    subject: Subject,
    namespace: &str,
    name: &str,
    policy: &Policy,
    sink: &mut dyn Sink,
) -> Result<Outcome, Error> {
    follow_all(cluster, subject, namespace, Which::Named(&[name.to_owned()]), policy, sink).await
}

/// The same for several runs at once: one process, a few watches for all of them, and a stream for each container that
/// is read.
///
/// # Errors
/// As [`follow`], and when no run is meant.
pub async fn follow_all(
    cluster: &Cluster,
    subject: Subject,
    namespace: &str,
    which: Which<'_>,
    policy: &Policy,
    sink: &mut dyn Sink,
) -> Result<Outcome, Error> {
    let begun = begin::begin(cluster, subject, namespace, which, policy).await?;
    let names: Arc<[String]> = begun.names.into();
    let policy = Policy { live: begun.live, ..policy.clone() };
    let mut drive = Drive {
        lenient: policy.lenient,
        source: Box::new(OfPods::of(cluster)),
        cluster,
        namespace,
        slots: Slots::default(),
        watches: SelectAll::new(),
        finds: FuturesUnordered::new(),
        patience: Patience::default(),
        machine: Follow::new(subject, names.iter().cloned(), policy),
    };
    drive.tell_all(begun.runs, sink)?;
    drive.begin(subject, which, &names, sink).await?;
    drive.run(sink).await
}

type Inputs = Result<Vec<Input<'static>>, client::Error>;

struct Drive<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    source: Box<dyn LogSource>,
    slots: Slots,
    watches: SelectAll<BoxStream<'a, Inputs>>,
    finds: FuturesUnordered<Pin<Box<dyn Future<Output = Inputs> + Send + 'a>>>,
    patience: Patience,
    machine: Follow,
    /// Whether to go on without what the user may not read
    lenient: bool,
}

impl<'a> Drive<'a> {
    fn watch<T: Object>(&mut self, select: &Select, telling: Telling<T>) {
        let watch = self.cluster.watch::<T>(Some(self.namespace), select);
        self.watches.push(telling.watch(watch).boxed());
    }

    /// Watches pods. Where the user may not and that does not matter, it is as if there were none.
    fn watch_pods(&mut self, select: &Select, scope: &Arc<[String]>) {
        let watch = telling::pods(scope).watch(self.cluster.watch::<Pod>(Some(self.namespace), select));
        let none = vec![Input::PodsListed(scope.clone())];
        // A watch ends in no other way.
        let told = until_waived(watch, self.lenient).chain(futures::stream::once(std::future::ready(Ok(none))));
        self.watches.push(told.boxed());
    }

    /// Watches CustomRuns. Where the user may not, each is asked for at the end, and that it cannot be read is said of it.
    fn watch_customs(&mut self, select: &Select) {
        let watch = telling::customs().watch(self.cluster.watch::<CustomRun>(Some(self.namespace), select));
        self.watches.push(until_waived(watch, true).boxed());
    }

    /// Goes on until the machine has its outcome.
    async fn run(mut self, sink: &mut dyn Sink) -> Result<Outcome, Error> {
        loop {
            if let Some(outcome) = self.machine.outcome() {
                sink.rest()?;
                return Ok(outcome.clone());
            }
            match self.next(sink).await? {
                Next::Told(inputs) => self.tell_all(inputs?, sink)?,
                Next::Slot(Ready::Bytes(stream)) => self.take(stream, sink)?,
                Next::Slot(Ready::Ended(stream, broken, waited)) => self.tell(Input::Ended { stream, broken, waited }, sink)?,
                Next::Slot(Ready::Refused(stream, error)) => self.refused(stream, error, sink)?,
                Next::Waited => {
                    for wait in self.patience.lasting(self.machine.waits()) {
                        sink.on(&LogEvent::Said(super::Notice::Waiting(wait)))?;
                    }
                }
            }
        }
    }

    /// Waits for whatever comes first. Before it really waits, what was written is handed to the reader.
    async fn next(&mut self, sink: &mut dyn Sink) -> io::Result<Next> {
        let mut woken = false;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(Some(inputs)) = self.watches.poll_next_unpin(cx) {
                return Poll::Ready(Ok(Next::Told(inputs)));
            }
            if let Poll::Ready(Some(inputs)) = self.finds.poll_next_unpin(cx) {
                return Poll::Ready(Ok(Next::Told(inputs)));
            }
            if let Poll::Ready(ready) = self.slots.poll(cx, |stream| self.machine.takes(stream), woken) {
                return Poll::Ready(Ok(Next::Slot(ready)));
            }
            if self.patience.poll(cx).is_ready() {
                return Poll::Ready(Ok(Next::Waited));
            }
            match sink.rest() {
                Ok(()) => {
                    woken = true;
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    fn take(&mut self, stream: usize, sink: &mut dyn Sink) -> Result<(), Error> {
        let machine = &mut self.machine;
        let written = self.slots.take(stream, |bytes| step(machine, Input::Bytes { stream, bytes }, sink));
        for effect in written.unwrap_or_else(|| Ok(Vec::new()))? {
            self.act(effect);
        }
        Ok(())
    }

    fn refused(&mut self, stream: usize, error: client::Error, sink: &mut dyn Sink) -> Result<(), Error> {
        // Whoever may not read one log may read none.
        if error.is_forbidden() && !self.lenient {
            return Err(error.into());
        }
        let (code, reason) = (error.code(), error.to_string());
        self.tell(Input::Refused { stream, code, reason }, sink)
    }

    fn tell_all(&mut self, inputs: impl IntoIterator<Item = Input<'static>>, sink: &mut dyn Sink) -> Result<(), Error> {
        inputs.into_iter().try_for_each(|input| self.tell(input, sink))
    }

    fn tell(&mut self, input: Input<'static>, sink: &mut dyn Sink) -> Result<(), Error> {
        sink.sees(&input);
        for effect in step(&mut self.machine, input, sink)? {
            self.act(effect);
        }
        self.patience.begin();
        Ok(())
    }

    fn act(&mut self, effect: Effect) {
        let (cluster, namespace) = (self.cluster, self.namespace);
        match effect {
            Effect::Open(opening) => {
                let stream = opening.stream;
                let asked = opened(self.source.as_ref(), namespace, *opening);
                self.slots.open(stream, asked);
            }
            Effect::Limit { stream, quiet } => self.slots.limit(stream, quiet),
            Effect::Close(stream) => self.slots.close(stream),
            Effect::Find(find) => self.finds.push(Box::pin(found(cluster, namespace, find, self.lenient))),
            Effect::Join(run) => self.join(run),
            Effect::Customs(run) => self.watch_customs(&of_run(&run)),
        }
    }

    /// Has the run of a Pipeline within the Pipeline told, with its TaskRuns and pods.
    fn join(&mut self, run: String) {
        let (cluster, namespace) = (self.cluster, self.namespace);
        if !self.machine.is_live() {
            self.finds.push(Box::pin(begin::listed_with_children(cluster, namespace, run, self.lenient)));
            return;
        }
        let scope: Arc<[String]> = [run.clone()].into();
        self.watch(&Select::fields(format!("metadata.name={run}")), telling::runs(&scope));
        self.watch(&of_run(&run), telling::tasks(&scope));
        self.watch_pods(&of_run(&run), &scope);
    }
}

/// What belongs to a PipelineRun carries its name.
fn of_run(run: &str) -> Select {
    Select::labels(format!("{}={run}", PipelineRun::OF_CHILDREN))
}

enum Next {
    Told(Inputs),
    Slot(Ready),
    /// It is time to look what is waited for
    Waited,
}

/// A log after its pause.
fn opened(source: &dyn LogSource, namespace: &str, opening: Opening) -> super::slots::Asked {
    let after = opening.after;
    let asked = source.open(namespace, opening);
    if after.is_zero() {
        return asked;
    }
    Box::pin(async move {
        tokio::time::sleep(after).await;
        asked.await
    })
}

/// One step of the machine; the first event that cannot be written ends it.
fn step(machine: &mut Follow, input: Input<'_>, sink: &mut dyn Sink) -> io::Result<Vec<Effect>> {
    let mut written = Ok(());
    let effects = machine.step(input, &mut |event: LogEvent<'_>| {
        if written.is_ok() {
            written = sink.on(&event);
        }
    });
    written.map(|()| effects)
}

/// Looks for an object that no list or watch has told, until the server says how it is.
async fn found(cluster: &Cluster, namespace: &str, find: Find, lenient: bool) -> Inputs {
    let mut pauses = (0..5).map(|power| Duration::from_secs(1 << power));
    loop {
        match (look(cluster, namespace, find.clone()).await, pauses.next()) {
            (Err(error), Some(pause)) if error.may_pass() => tokio::time::sleep(pause).await,
            (told, _) if is_waived(&told, lenient) => return Ok(unseen(find)),
            // It has no logs that would be missed; whoever may read TaskRuns alone has had no need for more.
            (Err(error), _) if error.is_forbidden() => match find {
                Find::Custom(name) => return Ok(vec![telling::unreadable(name, &error)]),
                _ => return Err(error),
            },
            (inputs, _) => return inputs,
        }
    }
}

/// A watch up to the refusal of what the user may not read, without which it goes on.
fn until_waived<'a>(watch: impl Stream<Item = Inputs> + Send + 'a, lenient: bool) -> impl Stream<Item = Inputs> + Send + 'a {
    watch.take_while(move |told| std::future::ready(!is_waived(told, lenient)))
}

/// Whether the user may not read something without which it goes on.
fn is_waived(told: &Inputs, lenient: bool) -> bool {
    lenient && told.as_ref().is_err_and(client::Error::is_forbidden)
}

/// What stands for an object that the user may not read.
fn unseen(find: Find) -> Vec<Input<'static>> {
    vec![match find {
        Find::Task(name) => Input::TaskGone { name, reason: None },
        Find::Pod(name) => Input::PodGone(name),
        Find::Custom(name) => Input::Child { name, stands: None },
    }]
}

async fn look(cluster: &Cluster, namespace: &str, find: Find) -> Inputs {
    let nothing: Arc<[String]> = Arc::from([]);
    let answered = match &find {
        Find::Task(name) => Some(Input::TaskFound(name.clone())),
        Find::Pod(name) => Some(Input::PodFound(name.clone())),
        Find::Custom(_) => None,
    };
    let input = match find {
        Find::Task(name) => told(cluster.find(namespace, &name).await?, name, &telling::tasks(&nothing)),
        Find::Pod(name) => told(cluster.find(namespace, &name).await?, name, &telling::pods(&nothing)),
        Find::Custom(name) => told(cluster.find::<CustomRun>(namespace, &name).await?, name, &telling::customs()),
    };
    Ok(input.into_iter().chain(answered).collect())
}

fn told<T: Object>(seen: Option<Seen<T>>, name: String, telling: &Telling<T>) -> Option<Input<'static>> {
    match seen {
        Some(seen) => telling.object(seen),
        None => (telling.gone)(name, None),
    }
}

#[cfg(test)]
mod tests;
