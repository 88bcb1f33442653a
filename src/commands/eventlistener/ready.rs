//! Finds the way to an EventListener that answers, waits for one that is about to, and tells why one does not.

use std::time::Duration;

use tokio::time::Instant;

use crate::client::{Cluster, Select, Way};
use crate::failure::{Failure, Kind};
use crate::kinds;
use crate::objects::core::{Container, ContainerStatus, Pod, Service, ServiceAccount};
use crate::objects::meta::condition;
use crate::objects::trigger::EventListener;
use crate::scaffold::rbac::Purpose;
use crate::session::Session;
use crate::verbs::missing::existing;
use crate::verbs::rights::lacking;

/// How long a listener that is starting is waited for, how often it is looked at, and when it is said what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(500);
const SILENCE: Duration = Duration::from_secs(2);

/// A listener that answers.
pub struct Ready {
    /// The way to it
    pub way: Way,
    /// What to put into `Host`
    pub host: String,
}

enum Stand {
    Ready(Ready),
    Starting(String),
    Broken(String),
}

/// The way to a listener, once it answers.
///
/// # Errors
/// When there is no such listener, or it does not come up.
pub async fn ready(session: &mut Session, cluster: &Cluster, name: &str) -> Result<Ready, Failure> {
    let began = Instant::now();
    let (mut progress, mut silent) = (None, true);
    session.work();
    loop {
        let listener = existing::<EventListener>(cluster, name).await?;
        let why = match stand(cluster, &listener).await? {
            Stand::Ready(ready) => return Ok(ready),
            Stand::Starting(why) if began.elapsed() < PATIENCE => {
                let progress = progress.get_or_insert_with(|| session.term.progress(format!("waiting for EventListener {name}: {why}")));
                if silent && began.elapsed() >= SILENCE {
                    silent = false;
                    let lack = lack(cluster, &listener).await;
                    // In the sandbox nothing has to come up: what has its rights answers.
                    if let Some(lack) = lack.as_ref().filter(|lack| lack.is_fatal || cluster.sandbox) {
                        return Err(not_ready(session, name, &lack.what, Some(&lack.mend)));
                    }
                    let why = lack.map_or(why, |lack| lack.what);
                    progress.aside(|| session.term.say(format!("Waiting for EventListener {name}: {why}")));
                }
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            Stand::Starting(why) | Stand::Broken(why) => why,
        };
        drop(progress);
        return Err(match lack(cluster, &listener).await {
            Some(lack) => not_ready(session, name, &format!("{} ({why})", lack.what), Some(&lack.mend)),
            None => not_ready(session, name, &why, None),
        });
    }
}

/// What the account lacks as which a listener runs, and the command that mends it.
struct Lack {
    what: String,
    mend: String,
    /// Whether the listener cannot come up without it
    is_fatal: bool,
}

/// What keeps a listener's account from its work. Whoever may not ask learns nothing.
async fn lack(cluster: &Cluster, listener: &EventListener) -> Option<Lack> {
    let (namespace, account) = (&cluster.namespace, listener.spec.service_account_name.as_deref().filter(|name| !name.is_empty()));
    let account = account.unwrap_or("default");
    if cluster.find::<ServiceAccount>(namespace, account).await.ok()?.is_none() {
        let what = format!("there is no ServiceAccount {account} in namespace {namespace}");
        return Some(Lack { what, mend: format!("sa create {account}"), is_fatal: true });
    }
    let purpose = Purpose::EventListener;
    let rights = lacking(cluster, namespace, account, purpose).await.ok()?;
    // It begins to answer when its informers have listed the objects of Triggers; what it may make shows with an event.
    let hindering = rights.iter().find(|right| right.group == kinds::EVENT_LISTENER.group);
    let what = format!("its ServiceAccount {account} may not {}", hindering.or(rights.first())?.words());
    Some(Lack { what, mend: format!("sa grant {account} --for {}", purpose.word()), is_fatal: hindering.is_some() })
}

fn not_ready(session: &Session, name: &str, why: &str, mend: Option<&str>) -> Failure {
    let mut failure = Failure::new(Kind::Unreachable, format!("EventListener {name} is not ready: {why}"));
    if let Some(mend) = mend {
        failure = failure.hint(session.command(mend));
    }
    failure.hint(format!("{} says more", session.command(&format!("diagnose eventlistener {name}"))))
}

async fn stand(cluster: &Cluster, listener: &EventListener) -> Result<Stand, Failure> {
    let status = &listener.status;
    let url = status.address.as_ref().and_then(|a| a.url.as_deref()).unwrap_or_default();
    let address = url.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default()).unwrap_or_default();
    let not_ready = condition(&status.conditions, "Ready").filter(|c| c.status != "True").and_then(|c| c.message.clone());
    let host = if address.is_empty() { listener.metadata.name.clone() } else { address.to_owned() };
    if is_loopback(address) {
        if not_ready.is_none() {
            // The status may be that of the process before; the port of a sandbox that was just opened follows.
            return Ok(match tokio::net::TcpStream::connect(address).await {
                Ok(_) => Stand::Ready(Ready { way: Way::Address(address.to_owned()), host }),
                Err(_) => Stand::Starting(format!("nobody listens on {address}")),
            });
        }
        return Ok(of_pods(&pods(cluster, listener).await?, not_ready.as_deref()));
    }
    let Some(service) = service(cluster, listener).await? else {
        return Ok(Stand::Starting(not_ready.unwrap_or_else(|| "the controller has made no Service for it yet".into())));
    };
    let pods = pods(cluster, listener).await?;
    let Some(pod) = pods.iter().find(|pod| is_ready(pod)) else { return Ok(of_pods(&pods, not_ready.as_deref())) };
    let port = service.spec.ports.first();
    if port.and_then(|p| p["name"].as_str()).is_some_and(|name| name.starts_with("https")) {
        return Ok(Stand::Broken(format!("it answers by https only, which this command does not speak; its address is {url}")));
    }
    let Some(port) = port.and_then(|p| p["targetPort"].as_u64()).and_then(|p| u16::try_from(p).ok()) else {
        return Ok(Stand::Broken(format!("its Service names no port; its address is {url}")));
    };
    let way = Way::Pod { namespace: pod.metadata.namespace.clone(), pod: pod.metadata.name.clone(), port };
    Ok(Stand::Ready(Ready { way, host }))
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn service(cluster: &Cluster, listener: &EventListener) -> Result<Option<Service>, Failure> {
    let generated = listener.status.configuration.as_ref().and_then(|c| c["generatedName"].as_str()).map(str::to_owned);
    let name = generated.unwrap_or_else(|| format!("el-{}", listener.metadata.name));
    Ok(cluster.find::<Service>(&cluster.namespace, &name).await?.and_then(|seen| seen.lens.ok()))
}

/// The listener's pods carry its name (Tekton Triggers, `pkg/reconciler/eventlistener/resources`).
async fn pods(cluster: &Cluster, listener: &EventListener) -> Result<Vec<Pod>, Failure> {
    let select = Select::labels(format!("eventlistener={}", listener.metadata.name));
    let pods = cluster.list::<Pod>(Some(&cluster.namespace), &select).await?;
    Ok(pods.into_iter().filter_map(|seen| seen.lens.ok()).filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect())
}

fn is_ready(pod: &Pod) -> bool {
    condition(&pod.status.conditions, "Ready").is_some_and(|c| c.status == "True")
}

/// Why no pod is ready: a container that dies or cannot start is broken, anything else may still come.
fn of_pods(pods: &[Pod], said: Option<&str>) -> Stand {
    let broken = pods
        .iter()
        .flat_map(|pod| pod.status.container_statuses.iter().map(move |c| (pod, c)))
        .find_map(|(pod, container)| why_broken(container).map(|why| format!("pod {}: {why}", pod.metadata.name)));
    match broken {
        Some(why) => Stand::Broken(why),
        None => Stand::Starting(said.map_or_else(|| waiting_for(pods), str::to_owned)),
    }
}

fn waiting_for(pods: &[Pod]) -> String {
    let images = pods.iter().flat_map(|pod| &pod.spec.containers).filter_map(|c: &Container| c.image.as_deref()).next();
    images.map_or_else(|| "it has no pod yet".to_owned(), |image| format!("its pod ({image}) is starting"))
}

fn why_broken(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.waiting.as_ref().and_then(|w| Some((w.reason.as_deref()?, w.message.as_deref().unwrap_or_default())));
    if let Some((reason, message)) = waiting.filter(|(reason, _)| !matches!(*reason, "ContainerCreating" | "PodInitializing")) {
        return Some(format!("{reason} {message}").trim_end().to_owned());
    }
    let ended = container.state.terminated.as_ref().or(container.last_state.terminated.as_ref())?;
    // One restart may be the race with the webhook's certificates; more of them are a habit.
    (!container.ready && container.restart_count > 1)
        .then(|| format!("its container ended {} times, last with exit code {}", container.restart_count, ended.exit_code))
}
