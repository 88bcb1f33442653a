//! Evidence of an EventListener: itself, its pod and log, the rights of its ServiceAccount, and what it refers to.

use futures::future::join_all;

use super::super::evidence::{Evidence, LogOf, Place, Trace, Unit};
use super::{listed, seen, traces};
use crate::client::{Cluster, Error, Select};
use crate::kinds;
use crate::near::nearest;
use crate::objects::core::Pod;
use crate::objects::meta::Condition;
use crate::objects::trigger::{
    ClusterInterceptor, ClusterTriggerBinding, EventListener, Trigger, TriggerBinding, TriggerSpec, TriggerTemplate,
};
use crate::objects::verdict::{State, Verdict};
use crate::objects::{Object, Undecodable};
use crate::scaffold::rbac::{Purpose, Right};

/// Gathers it.
pub(super) async fn gather(cluster: &Cluster, namespace: &str, name: &str) -> Result<Evidence, Error> {
    let undecodable = |e: Undecodable| Error::Undecodable { what: format!("EventListener {name}"), reason: e.reason };
    let listener = cluster.get::<EventListener>(namespace, name).await?.lens.map_err(undecodable)?;
    let mut evidence = Evidence::new(&kinds::EVENT_LISTENER, namespace, name);
    let state = if listener.is_up() { State::Succeeded } else { State::Failed };
    evidence.state = Verdict { state, reason: None };
    evidence.since = listener.since().or(listener.metadata.creation_timestamp);
    let mut unit = own(&listener);
    let select = Select::labels(format!("eventlistener={name}"));
    if let Some(pods) = listed::<Pod>(cluster, &mut evidence, Some(namespace), select).await {
        add_pod(&mut unit, &pods);
    }
    unit.traces.extend(rights(cluster, &mut evidence, &unit.account).await);
    unit.traces.extend(references(cluster, &mut evidence, &listener).await);
    evidence.units.push(unit);
    Ok(evidence)
}

fn own(listener: &EventListener) -> Unit {
    let account = listener.spec.service_account_name.as_deref().filter(|a| !a.is_empty()).unwrap_or("default");
    let mut unit = Unit { kind: "EventListener", name: listener.metadata.name.clone(), account: account.to_owned(), ..Unit::default() };
    let object = unit.object();
    // ReplicaFailure is the one condition that is bad when it is true.
    let bad = |c: &&Condition| (c.kind == "ReplicaFailure") == (c.status == "True");
    unit.traces = listener
        .status
        .conditions
        .iter()
        .filter(bad)
        .map(|c| {
            let source = format!("condition {} of {object}", c.kind);
            Trace::new(Place::Condition, source, c.reason.as_deref(), c.message.clone().unwrap_or_default())
        })
        .collect();
    unit
}

/// The newest pod stands for the listener: older ones go when it is ready.
fn add_pod(unit: &mut Unit, pods: &[Pod]) {
    let Some(pod) = pods.iter().max_by_key(|p| p.metadata.creation_timestamp) else { return };
    unit.waits = pod.status.phase == "Pending";
    traces::add_pod(unit, pod);
    if let Some(container) = pod.status.container_statuses.first() {
        let restarted = container.restart_count > 0;
        unit.log = Some(LogOf { pod: pod.metadata.name.clone(), container: container.name.clone(), restarted });
    }
}

/// Asks the API which of the rights that a listener needs its account lacks. A `watch` goes with its `list`.
async fn rights(cluster: &Cluster, evidence: &mut Evidence, account: &str) -> Option<Trace> {
    let asked: Vec<&Right> = Purpose::EventListener.rights().iter().filter(|r| matches!(r.verb, "list" | "create")).collect();
    let namespace = evidence.namespace.clone();
    let answers = join_all(asked.iter().map(|right| cluster.review(right.question(&namespace, account)))).await;
    let mut missing = Vec::new();
    for (right, answer) in asked.into_iter().zip(answers) {
        match seen(evidence, &format!("the rights of ServiceAccount {account}"), answer) {
            Some(true) => {}
            Some(false) => missing.push(right.words()),
            None => return None,
        }
    }
    evidence.rights_known = true;
    let text = format!("may not {}", missing.join(", "));
    (!missing.is_empty()).then(|| Trace::new(Place::Access, format!("access review of ServiceAccount {account}"), None, text))
}

/// What the listener's triggers refer to and is not there. The listener itself answers 202 all the same.
async fn references(cluster: &Cluster, evidence: &mut Evidence, listener: &EventListener) -> Vec<Trace> {
    let mut specs: Vec<(String, TriggerSpec)> = listener
        .spec
        .triggers
        .iter()
        .enumerate()
        .map(|(i, spec)| (spec.name.clone().map_or_else(|| format!("trigger {i}"), |n| format!("trigger {n}")), spec.clone()))
        .collect();
    let mut traces = Vec::new();
    let object = format!("EventListener {}", listener.metadata.name);
    if specs.iter().any(|(_, spec)| spec.trigger_ref.is_some()) {
        let Some(triggers) = named::<Trigger>(cluster, evidence).await else { return traces };
        for (_, spec) in &mut specs {
            let Some(wanted) = spec.trigger_ref.clone() else { continue };
            match triggers.iter().find(|t| t.metadata.name == wanted) {
                Some(trigger) => *spec = trigger.spec.clone(),
                None => traces.extend(missing(&object, "it", Trigger::KIND.kind, &wanted, names(&triggers))),
            }
        }
    }
    if let Some(templates) = used(&specs, |s| s.template.iter().filter_map(|t| t.reference.clone()).collect()) {
        traces.extend(unknown::<TriggerTemplate>(cluster, evidence, &object, templates).await);
    }
    let bindings = |cluster_wide: bool| {
        move |spec: &TriggerSpec| {
            let of_kind = spec.bindings.iter().filter(move |b| (b.kind.as_deref() == Some("ClusterTriggerBinding")) == cluster_wide);
            of_kind.filter_map(|b| b.reference.clone()).collect()
        }
    };
    if let Some(wanted) = used(&specs, bindings(false)) {
        traces.extend(unknown::<TriggerBinding>(cluster, evidence, &object, wanted).await);
    }
    if let Some(wanted) = used(&specs, bindings(true)) {
        traces.extend(unknown::<ClusterTriggerBinding>(cluster, evidence, &object, wanted).await);
    }
    let interceptors = |spec: &TriggerSpec| {
        let of_cluster = spec.interceptors.iter().filter(|i| i.reference.kind.as_deref().is_none_or(|kind| kind == "ClusterInterceptor"));
        of_cluster.filter_map(|i| i.reference.name.clone()).collect()
    };
    if let Some(wanted) = used(&specs, interceptors) {
        traces.extend(unknown::<ClusterInterceptor>(cluster, evidence, &object, wanted).await);
    }
    traces
}

/// The references of one kind with who refers, or none at all.
fn used(specs: &[(String, TriggerSpec)], references: impl Fn(&TriggerSpec) -> Vec<String>) -> Option<Vec<(String, String)>> {
    let used: Vec<(String, String)> = specs.iter().flat_map(|(who, s)| references(s).into_iter().map(|r| (who.clone(), r))).collect();
    (!used.is_empty()).then_some(used)
}

async fn named<T: Object>(cluster: &Cluster, evidence: &mut Evidence) -> Option<Vec<T>> {
    let namespace = evidence.namespace.clone();
    listed::<T>(cluster, evidence, Some(&namespace), Select::default()).await
}

fn names<T: Object>(objects: &[T]) -> Vec<String> {
    objects.iter().map(|o| o.meta().name.clone()).collect()
}

async fn unknown<T: Object>(cluster: &Cluster, evidence: &mut Evidence, object: &str, used: Vec<(String, String)>) -> Vec<Trace> {
    let Some(there) = named::<T>(cluster, evidence).await else { return Vec::new() };
    let there = names(&there);
    used.into_iter().filter_map(|(who, wanted)| missing(object, &who, T::KIND.kind, &wanted, there.clone())).collect()
}

/// The trace of a reference to something that is not among what is there.
fn missing(object: &str, who: &str, kind: &str, wanted: &str, there: Vec<String>) -> Option<Trace> {
    if there.iter().any(|name| name == wanted) {
        return None;
    }
    let near = nearest(wanted, there.iter().map(String::as_str)).map(|n| format!("; there is {n}")).unwrap_or_default();
    let text = format!("{who} refers to {kind} {wanted}, which does not exist{near}");
    Some(Trace::new(Place::Reference, format!("references of {object}"), None, text))
}
