//! The one loop of logs: feeds the machine from lists, watches and streams, does what it asks for, and hands its events
//! to a sink.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures::stream::{BoxStream, FuturesUnordered, SelectAll, StreamExt as _};

use super::event::{LogEvent, Outcome, Sink};
use super::machine::{Effect, Find, Follow, Input, Policy, Subject};
use super::slots::{Reader, Ready, Slots};
use super::watch::Telling;
use crate::client::{self, Cluster, LogQuery, Select};
use crate::objects::core::Pod;
use crate::objects::run::{CustomRun, PipelineRun, Run, TaskRun};
use crate::objects::{Object, Seen, Undecodable};

impl From<Undecodable> for Error {
    fn from(undecodable: Undecodable) -> Self {
        Self::Odd(Box::new(undecodable))
    }
}

/// Why a run cannot be followed.
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
}

const PODS: Telling<Pod> = Telling {
    now: Input::Pod,
    // A pod that cannot be read gives no logs, as one that is not there.
    gone: |name, _| Some(Input::PodGone(name)),
    listed: Some(|| Input::PodsListed),
};

const TASKS: Telling<TaskRun> = Telling {
    now: Input::Task,
    gone: |name, odd| Some(Input::TaskGone { name, reason: odd.map(|o| o.reason) }),
    listed: Some(|| Input::TasksListed),
};

const RUN: Telling<PipelineRun> = Telling {
    now: Input::Run,
    // What was read of it before still holds.
    gone: |_, odd| odd.is_none().then_some(Input::RunGone),
    listed: None,
};

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
    match subject {
        Subject::PipelineRun => pipeline_run(cluster, namespace, name, policy.clone(), sink).await,
        Subject::TaskRun => task_run(cluster, namespace, name, policy.clone(), sink).await,
    }
}

async fn pipeline_run(cluster: &Cluster, namespace: &str, name: &str, policy: Policy, sink: &mut dyn Sink) -> Result<Outcome, Error> {
    let run = cluster.get::<PipelineRun>(namespace, name).await?.lens?;
    let live = policy.live && !policy.failed_only && !run.is_done();
    let mut drive = Drive::new(cluster, namespace, Follow::new(Subject::PipelineRun, Policy { live, ..policy }));
    let children = Select::labels(format!("tekton.dev/pipelineRun={name}"));
    drive.tell(Input::Run(Box::new(run)), sink)?;
    if live {
        drive.watch(&Select::fields(format!("metadata.name={name}")), RUN);
        drive.watch(&children, TASKS);
        drive.watch(&children, PODS);
    } else {
        let (tasks, pods) = futures::try_join!(drive.list(&children, TASKS), drive.list(&children, PODS))?;
        drive.tell_all(tasks.into_iter().chain(pods), sink)?;
    }
    drive.run(sink).await
}

async fn task_run(cluster: &Cluster, namespace: &str, name: &str, policy: Policy, sink: &mut dyn Sink) -> Result<Outcome, Error> {
    let run = cluster.get::<TaskRun>(namespace, name).await?.lens?;
    let live = policy.live && !run.is_done();
    let mut drive = Drive::new(cluster, namespace, Follow::new(Subject::TaskRun, Policy { live, ..policy }));
    let pods = Select::labels(format!("tekton.dev/taskRun={name}"));
    drive.tell(Input::Task(Box::new(run)), sink)?;
    if live {
        drive.watch(&Select::fields(format!("metadata.name={name}")), TASKS);
        drive.watch(&pods, PODS);
    } else {
        let pods = drive.list(&pods, PODS).await?;
        drive.tell_all([Input::TasksListed].into_iter().chain(pods), sink)?;
    }
    drive.run(sink).await
}

type Inputs = Result<Vec<Input<'static>>, client::Error>;

struct Drive<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    slots: Slots,
    watches: SelectAll<BoxStream<'a, Inputs>>,
    finds: FuturesUnordered<Pin<Box<dyn Future<Output = Inputs> + Send + 'a>>>,
    machine: Follow,
}

impl<'a> Drive<'a> {
    fn new(cluster: &'a Cluster, namespace: &'a str, machine: Follow) -> Self {
        Self { cluster, namespace, slots: Slots::default(), watches: SelectAll::new(), finds: FuturesUnordered::new(), machine }
    }

    fn watch<T: Object>(&mut self, select: &Select, telling: Telling<T>) {
        let watch = self.cluster.watch::<T>(Some(self.namespace), select);
        self.watches.push(telling.watch(watch).boxed());
    }

    async fn list<T: Object>(&self, select: &Select, telling: Telling<T>) -> Inputs {
        Ok(telling.list(self.cluster.list::<T>(Some(self.namespace), select).await?))
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
                Next::Slot(Ready::Ended(stream, broken)) => self.tell(Input::Ended { stream, broken }, sink)?,
                Next::Slot(Ready::Refused(stream, error)) => self.refused(stream, error, sink)?,
            }
        }
    }

    /// Waits for whatever comes first. Before it really waits, what was written is handed to the reader.
    async fn next(&mut self, sink: &mut dyn Sink) -> io::Result<Next> {
        let floor = self.machine.floor();
        std::future::poll_fn(|cx| {
            if let Poll::Ready(Some(inputs)) = self.watches.poll_next_unpin(cx) {
                return Poll::Ready(Ok(Next::Told(inputs)));
            }
            if let Poll::Ready(Some(inputs)) = self.finds.poll_next_unpin(cx) {
                return Poll::Ready(Ok(Next::Told(inputs)));
            }
            match self.slots.poll(cx, floor) {
                Poll::Ready(ready) => Poll::Ready(Ok(Next::Slot(ready))),
                Poll::Pending => match sink.rest() {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                },
            }
        })
        .await
    }

    fn take(&mut self, stream: usize, sink: &mut dyn Sink) -> Result<(), Error> {
        let machine = &mut self.machine;
        let written = self.slots.take(stream, |bytes| step(machine, Input::Bytes { stream, bytes }, sink).map(drop));
        Ok(written.unwrap_or(Ok(()))?)
    }

    fn refused(&mut self, stream: usize, error: client::Error, sink: &mut dyn Sink) -> Result<(), Error> {
        // Whoever may not read one log may read none.
        if error.is_forbidden() {
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
        Ok(())
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Open { stream, pod, container, since, follow, previous, after } => {
                let (cluster, namespace) = (self.cluster.clone(), self.namespace.to_owned());
                let query = LogQuery { container, follow, timestamps: true, since, previous, ..LogQuery::default() };
                let opening = async move {
                    if !after.is_zero() {
                        tokio::time::sleep(after).await;
                    }
                    let reader = cluster.log(&namespace, &pod, &query).await?;
                    Ok(Box::new(reader) as Reader)
                };
                self.slots.open(stream, Box::pin(opening));
            }
            Effect::Limit { stream, quiet } => self.slots.limit(stream, quiet),
            Effect::Find(find) => self.finds.push(Box::pin(found(self.cluster, self.namespace, find))),
        }
    }
}

enum Next {
    Told(Inputs),
    Slot(Ready),
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
async fn found(cluster: &Cluster, namespace: &str, find: Find) -> Inputs {
    let mut pauses = (0..5).map(|power| Duration::from_secs(1 << power));
    loop {
        match (look(cluster, namespace, find.clone()).await, pauses.next()) {
            (Err(error), Some(pause)) if error.may_pass() => tokio::time::sleep(pause).await,
            (inputs, _) => return inputs,
        }
    }
}

async fn look(cluster: &Cluster, namespace: &str, find: Find) -> Inputs {
    let input = match find {
        Find::Task(name) => told(cluster.find(namespace, &name).await?, name, &TASKS),
        Find::Pod(name) => told(cluster.find(namespace, &name).await?, name, &PODS),
        Find::Child { kind, name } if kind == "CustomRun" => Some(stands(cluster.find::<CustomRun>(namespace, &name).await?, name)),
        Find::Child { name, .. } => Some(stands(cluster.find::<PipelineRun>(namespace, &name).await?, name)),
    };
    Ok(input.into_iter().collect())
}

fn told<T: Object>(seen: Option<Seen<T>>, name: String, telling: &Telling<T>) -> Option<Input<'static>> {
    match seen {
        Some(seen) => telling.object(seen),
        None => (telling.gone)(name, None),
    }
}

fn stands<T: Run>(seen: Option<Seen<T>>, name: String) -> Input<'static> {
    let run = seen.and_then(|s| s.lens.ok());
    let message = |run: &T| run.succeeded().and_then(|c| c.message.clone()).unwrap_or_default();
    Input::Child { name, stands: run.map(|run| (run.verdict(), message(&run))) }
}

#[cfg(test)]
mod tests;
