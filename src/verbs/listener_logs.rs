//! `eventlistener logs`: the last lines of a listener's pods, or all that they write from now on. Lines go out as they
//! came, whatever is in them.

use clap::Args;
use futures::{AsyncBufReadExt as _, StreamExt as _};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

use super::missing;
use crate::client::{self, Cluster, LogQuery, Select, Watched};
use crate::failure::{Exit, Failure};
use crate::logs::{Lines, Piece};
use crate::objects::core::Pod;
use crate::objects::trigger::EventListener;
use crate::objects::{Object, Seen};
use crate::session::Session;

/// How long a stream that ended is left alone before it is asked for again.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Arguments of the logs of a listener.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Name of the {Kind}
    name: String,
    /// How many of the last lines of each pod are shown; -1 for all
    #[arg(long, short, value_name = "N", default_value_t = 10, allow_negative_numbers = true)]
    tail: i64,
    /// Go on with what is written from now on, in pods that come later as well
    #[arg(long, short)]
    follow: bool,
    /// Which container of the pods; needed where they have several
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

impl Arguments {
    /// Shows the logs.
    ///
    /// # Errors
    /// When there is no such listener or container, or the server refuses.
    pub async fn logs(self, session: &mut Session) -> Result<Exit, Failure> {
        if self.tail < -1 || self.tail == 0 {
            return Err(Failure::usage("tail cannot be 0 or less than 0 unless -1 for all pods"));
        }
        let cluster = session.cluster().await?;
        let (namespace, name) = (&cluster.namespace, &self.name);
        if let Err(error) = cluster.get_raw(EventListener::KIND, namespace, name).await {
            let failure = Failure::from(error).context(format!("failed to get EventListener {name}"));
            return Err(missing::with_hints(&cluster, EventListener::KIND, &[name], failure).await);
        }
        let select = Select::labels(format!("eventlistener={name}"));
        if self.follow {
            return self.follow(session, &cluster, &select).await;
        }
        let listed = cluster.list::<Pod>(Some(namespace), &select).await;
        let pods = listed.map_err(|e| Failure::from(e).context(format!("failed to get pods for EventListener {name}")))?;
        if pods.is_empty() {
            session.term.answer(format!("No pods available for EventListener {name}"))?;
        }
        for pod in pods {
            let container = self.container(&pod)?;
            self.read(session, &cluster, &pod.meta().name, container).await?;
        }
        Ok(Exit::Done)
    }

    /// The container that was named; the server chooses where there is only one.
    fn container(&self, pod: &Seen<Pod>) -> Result<String, Failure> {
        let Some(wanted) = &self.container else { return Ok(String::new()) };
        let spec = pod.lens.as_ref().map(|pod| &pod.spec).map_err(|odd| Failure::invalid(odd.to_string()))?;
        let names: Vec<&str> = spec.containers.iter().chain(&spec.init_containers).map(|container| container.name.as_str()).collect();
        if names.contains(&wanted.as_str()) {
            return Ok(wanted.clone());
        }
        let pod = &pod.meta().name;
        Err(Failure::not_found(format!("pod {pod} has no container {wanted:?}")).hint(format!("its containers are: {}", names.join(", "))))
    }

    fn query(&self, container: String) -> LogQuery {
        // The server's stamps tell where a stream that dropped is to go on; they are not shown.
        LogQuery { container, tail: u64::try_from(self.tail).ok(), follow: self.follow, timestamps: true, ..LogQuery::default() }
    }

    fn prefix(&self, pod: &str) -> Vec<u8> {
        format!("[{}-{pod}]: ", self.name).into_bytes()
    }

    /// One pod's lines, to the end of what is there.
    async fn read(&self, session: &mut Session, cluster: &Cluster, pod: &str, container: String) -> Result<(), Failure> {
        let mut reader = match cluster.log(&cluster.namespace, pod, &self.query(container)).await {
            Ok(reader) => reader,
            Err(error) => return Err(self.refused(error)),
        };
        session.term.answer("")?;
        let (mut lines, prefix, mut written) = (Lines::default(), self.prefix(pod), Vec::new());
        loop {
            let bytes = reader.fill_buf().await?;
            let (count, ended) = (bytes.len(), bytes.is_empty());
            let mut emit = |piece: Piece<'_>| write(&mut written, &prefix, piece);
            match ended {
                true => lines.end(&mut emit),
                false => lines.feed(bytes, &mut emit),
            }
            reader.consume_unpin(count);
            session.term.out().write_all(&written)?;
            written.clear();
            if ended {
                return Ok(());
            }
        }
    }

    fn refused(&self, error: client::Error) -> Failure {
        let unnamed = self.container.is_none() && error.code() == Some(400);
        let failure = Failure::from(error);
        if unnamed { failure.hint("--container names the one whose lines are wanted") } else { failure }
    }

    /// The lines of all pods as they come, until the person leaves.
    async fn follow(&self, session: &mut Session, cluster: &Cluster, select: &Select) -> Result<Exit, Failure> {
        let mut watch = cluster.watch::<Pod>(Some(&cluster.namespace), select).boxed();
        let (sender, mut lines) = channel(64);
        let mut readers = JoinSet::new();
        let mut known: Vec<String> = Vec::new();
        loop {
            tokio::select! {
                told = watch.next() => match told {
                    Some(Ok(Watched::Now(pod))) => {
                        let name = pod.meta().name.clone();
                        if !known.contains(&name) && has_begun(&pod) {
                            let query = self.query(self.followed(&pod)?);
                            let log = PodLog { cluster: cluster.clone(), prefix: self.prefix(&name), pod: name.clone(), query };
                            readers.spawn(log.send(sender.clone()));
                            known.push(name);
                        }
                    }
                    Some(Ok(Watched::Listed)) if known.is_empty() => {
                        session.term.say(format!("No pods available for EventListener {}; waiting for one", self.name));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(Exit::Done),
                },
                Some(line) = lines.recv() => {
                    session.term.out().write_all(&line.map_err(|error| self.refused(error))?)?;
                    session.term.flush()?;
                }
            }
        }
    }

    /// The container that is followed. A wrong choice would be refused again and again, so it is looked at before.
    fn followed(&self, pod: &Seen<Pod>) -> Result<String, Failure> {
        let names = pod.lens.iter().flat_map(|pod| &pod.spec.containers).map(|container| container.name.as_str());
        let names: Vec<&str> = names.collect();
        if self.container.is_none() && names.len() > 1 {
            let (pod, choice) = (&pod.meta().name, names.join(" "));
            let failure = Failure::usage(format!("a container name must be specified for pod {pod}, choose one of: [{choice}]"));
            return Err(failure.hint("--container names the one whose lines are wanted"));
        }
        self.container(pod)
    }
}

/// Whether containers of it have started, so that there may be lines.
fn has_begun(pod: &Seen<Pod>) -> bool {
    pod.lens.as_ref().is_ok_and(|pod| !matches!(pod.status.phase.as_str(), "" | "Pending"))
}

/// Writes a piece of a line, with the prefix before its first one.
fn write(out: &mut Vec<u8>, prefix: &[u8], piece: Piece<'_>) {
    if piece.begins {
        out.extend_from_slice(prefix);
    }
    out.extend_from_slice(piece.text);
    if piece.ends() {
        out.push(b'\n');
    }
}

/// The log of one pod that is followed.
struct PodLog {
    cluster: Cluster,
    pod: String,
    prefix: Vec<u8>,
    query: LogQuery,
}

impl PodLog {
    /// Sends whole lines until the pod is gone. A stream that drops goes on where it ended, so no line comes twice.
    async fn send(mut self, lines: Sender<Result<Vec<u8>, client::Error>>) {
        let mut read = Lines::default();
        let mut line = Vec::new();
        let namespace = self.cluster.namespace.clone();
        loop {
            match self.cluster.log(&namespace, &self.pod, &self.query).await {
                Ok(mut reader) => {
                    while let Ok(bytes @ [_, ..]) = reader.fill_buf().await {
                        let mut whole = Vec::new();
                        read.feed(bytes, &mut |piece| {
                            write(&mut line, &self.prefix, piece);
                            if piece.ends() {
                                whole.append(&mut line);
                            }
                        });
                        let count = bytes.len();
                        reader.consume_unpin(count);
                        if !whole.is_empty() && lines.send(Ok(whole)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) if error.is_forbidden() => {
                    // Nobody listens any more when this cannot be told.
                    let _ = lines.send(Err(error)).await;
                    return;
                }
                Err(_) => {}
            }
            if let Some(since) = read.cut() {
                self.query = LogQuery { since: Some(since), tail: None, ..self.query };
            }
            tokio::time::sleep(PAUSE).await;
            if matches!(self.cluster.find::<Pod>(&namespace, &self.pod).await, Ok(None)) {
                return;
            }
        }
    }
}
