//! `rtkn eventlistener send`: posts an event as a forge would, and finds what came of it.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use futures::StreamExt as _;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http_body_util::Full;
use serde::Deserialize;

use super::ready::ready;
use crate::client::{Answer, Cluster, Select, Watched};
use crate::exit::End;
use crate::failure::{Exit, Failure};
use crate::input;
use crate::kinds;
use crate::logs::{Outcome, Subject};
use crate::objects::Object;
use crate::objects::run::{PipelineRun, RunOf as _, TaskRun};
use crate::session::Session;
use crate::verbs::logs::{self, Following};
use crate::verbs::stay;

/// The label that the listener puts on what it makes (Tekton Triggers, `pkg/apis/triggers/contexts.go` and `pkg/resources`).
const EVENT_ID: &str = "triggers.tekton.dev/triggers-eventid";
/// The longest time, in seconds, that somebody may want to wait for runs: a day.
const LONGEST: u64 = 86_400;
/// How long after the first run others of the same event may come.
const REST: Duration = Duration::from_millis(700);

/// Sends an event.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the EventListener
    #[arg(value_name = "NAME", add = crate::cli::complete::names(&kinds::EVENT_LISTENER))]
    name: String,
    /// The event's body: JSON, @FILE, or - for standard input
    #[arg(long, short, value_name = "DATA", default_value = "{}", allow_hyphen_values = true)]
    data: String,
    /// A header, such as 'X-GitHub-Event: push'; may be given several times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// Seconds to wait for the runs that the event starts
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=LONGEST))]
    timeout: u64,
    /// Show the logs of the runs as they come, and end with 1 if one of them fails
    #[arg(long, short)]
    follow: bool,
}

/// What a listener answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Accepted {
    event_listener: String,
    namespace: String,
    #[serde(rename = "eventListenerUID")]
    event_listener_uid: String,
    #[serde(rename = "eventID")]
    event_id: String,
    error_message: String,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("give NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("{:?} is no name of a header", name.trim()))?;
    let value = value.trim().parse().map_err(|_| "the value holds a character that no header may hold".to_owned())?;
    Ok((name, value))
}

/// Sends the event and waits for its runs.
///
/// # Errors
/// When the listener is not ready, or refuses the event.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let body = body(session, &args.data).await?;
    let cluster = session.cluster().await?;
    let ready = ready(session, &cluster, &args.name).await?;
    let mut request = http::Request::post("/").body(Full::new(body)).expect("a path makes a valid request");
    let headers = request.headers_mut();
    let host = HeaderValue::try_from(&ready.host);
    headers.insert(
        HOST,
        host.map_err(|_| Failure::invalid(format!("the address of EventListener {} is no host: {:?}", args.name, ready.host)))?,
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &args.header {
        headers.insert(name, value.clone());
    }
    let answer = cluster.send(&ready.way, request).await?;
    let accepted = accepted(&args.name, &answer)?;
    for (what, value) in [
        ("eventListener", &accepted.event_listener),
        ("namespace", &accepted.namespace),
        ("eventListenerUID", &accepted.event_listener_uid),
        ("eventID", &accepted.event_id),
    ] {
        session.term.answer(format!("{what}: {value}"))?;
    }
    session.term.flush()?;
    let runs = runs(session, &cluster, &accepted.event_id, Duration::from_secs(args.timeout)).await?;
    if runs.is_empty() {
        session.term.say(format!(
            "The event was accepted, but it started nothing within {} seconds: it may lack a field that a TriggerBinding takes, an interceptor \
             may have filtered it, or its run cannot be made",
            args.timeout
        ));
        session.term.say(format!("Hint: {}", session.command(&format!("diagnose eventlistener {}", args.name))));
        return Ok(if args.follow { Exit::Failed } else { Exit::Done });
    }
    for run in &runs {
        session.term.answer(format!("{} created", run.kind.label(&run.name)))?;
    }
    if args.follow {
        return follow(session, &cluster, &runs).await;
    }
    for run in &runs {
        let logs = session.command(&format!("{} logs {} -f", run.kind.noun, run.name));
        session.term.say(format!("Follow it: {logs}"));
    }
    let names = runs.iter().map(|run| (run.kind, run.name.as_str()));
    stay::for_all(session, &cluster, names).await
}

/// Shows the logs of one run after the other; runs that go on meanwhile lose no line.
async fn follow(session: &mut Session, cluster: &Cluster, runs: &[Started]) -> Result<Exit, Failure> {
    let mut end = End::Good;
    session.term.flush()?;
    for run in runs {
        let subject = if run.kind == PipelineRun::KIND { Subject::PipelineRun } else { Subject::TaskRun };
        let outcome = logs::follow_run(session, cluster, &run.name, Following::live(subject)).await?;
        end = end.and(logs::end_of(&outcome));
        if !matches!(outcome, Outcome::Succeeded) {
            let diagnose = session.command(&format!("diagnose {} {}", run.kind.noun, run.name));
            session.term.say(format!("Hint: {diagnose}"));
        }
    }
    Ok(end.exit(true))
}

async fn body(session: &Session, data: &str) -> Result<Bytes, Failure> {
    if data == "-" {
        return Ok(session.term.input().await?.into());
    }
    match data.strip_prefix('@') {
        Some(file) => input::bytes(file).map(Bytes::from).map_err(|e| Failure::file(std::path::Path::new(file), &e)),
        None => Ok(data.to_owned().into()),
    }
}

fn accepted(name: &str, answer: &Answer) -> Result<Accepted, Failure> {
    let text = String::from_utf8_lossy(&answer.body);
    let understood: Accepted = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() && !understood.event_id.is_empty() {
        return Ok(understood);
    }
    let said = if understood.error_message.is_empty() { text.trim() } else { understood.error_message.as_str() };
    let failure =
        Failure::invalid(format!("EventListener {name} answered {}: {said}", answer.status).trim_end_matches([' ', ':']).to_owned());
    Err(match answer.status.as_u16() {
        400 => failure.hint("the body of an event must be JSON, unless an interceptor reads another form"),
        _ => failure,
    })
}

/// A run that the event started.
struct Started {
    kind: &'static kinds::Kind,
    name: String,
}

/// The runs of an event, once they appear; a PipelineRun's own TaskRuns are not counted.
async fn runs(session: &Session, cluster: &Cluster, event: &str, timeout: Duration) -> Result<Vec<Started>, Failure> {
    let _progress = session.term.progress("waiting for the runs of the event");
    let select = Select::labels(format!("{EVENT_ID}={event}"));
    let mut found: Vec<Started> = Vec::new();
    let pipeline_runs = started(cluster.watch::<PipelineRun>(Some(&cluster.namespace), &select));
    let task_runs = started(cluster.watch::<TaskRun>(Some(&cluster.namespace), &select));
    let mut stream = futures::stream::select(pipeline_runs, task_runs);
    let mut deadline = tokio::time::Instant::now() + timeout;
    while let Ok(Some(run)) = tokio::time::timeout_at(deadline, stream.next()).await {
        let run = run?;
        if found.iter().any(|r| r.kind == run.kind && r.name == run.name) {
            continue;
        }
        if found.is_empty() {
            deadline = deadline.min(tokio::time::Instant::now() + REST);
        }
        found.push(run);
    }
    Ok(found)
}

fn started<T: Object>(
    watch: impl futures::Stream<Item = Result<Watched<T>, crate::client::Error>> + Send + 'static,
) -> impl futures::Stream<Item = Result<Started, Failure>> + Send {
    watch
        .filter_map(|event| {
            let started = match event {
                Ok(Watched::Now(seen)) if !seen.meta().labels.contains_key(PipelineRun::OF_CHILDREN) => {
                    Some(Ok(Started { kind: T::KIND, name: seen.meta().name.clone() }))
                }
                Ok(_) => None,
                Err(error) => Some(Err(error.into())),
            };
            futures::future::ready(started)
        })
        .boxed()
}
