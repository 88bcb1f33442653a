//! What a row of the table cannot say with a text: whether a claim has a class, a Secret is listed, a name is near.
//! Each check refuses the row, or accepts it and adds what the row's templates are filled with.

mod credentials;
mod logins;

use super::evidence::{Evidence, Need, Place, Trace, Unit};
use super::pattern::Facts;
use crate::near::nearest;
use crate::objects::core::{PersistentVolumeClaim, StorageClass};
pub use credentials::{
    about_repository, host_key_changed, key_unreadable, known_hosts_lack_host, known_hosts_missing, no_secret_for_host, secret_gone,
    secret_lists_fine, secret_not_listed, secret_of_other_host, secret_of_wrong_type,
};
pub use logins::{login_gone, login_not_listed, login_refused, login_without_scheme};

/// Looks at the evidence around a trace that a row's text was found in.
pub type Check = fn(&Evidence, &Unit, &Trace, &mut Facts) -> bool;

/// The names that checks may add, beside what patterns capture.
#[cfg(test)]
pub const ADDED: &[&str] = &[
    "near",
    "claim",
    "class",
    "classes",
    "wanted",
    "workspace",
    "host",
    "url",
    "scan",
    "slug",
    "secret",
    "type",
    "hosts",
    "known",
    "fingerprint",
    "before",
];

fn near(evidence: &Evidence, need: Need, captured: &str, facts: &mut Facts) -> bool {
    let wanted = facts.get(captured).unwrap_or_default().to_owned();
    match nearest(&wanted, evidence.names(need)) {
        Some(near) => {
            facts.add("near", near);
            true
        }
        None => false,
    }
}

/// A Task of nearly that name exists.
pub fn near_task(evidence: &Evidence, _: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    near(evidence, Need::Tasks, "task", facts)
}

/// A Pipeline of nearly that name exists.
pub fn near_pipeline(evidence: &Evidence, _: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    near(evidence, Need::Pipelines, "pipeline", facts)
}

/// A ServiceAccount of nearly that name exists.
pub fn near_account(evidence: &Evidence, _: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    near(evidence, Need::Accounts, "wanted", facts)
}

/// The pod's claims that are not bound, and the classes that exist; none when either is not known.
fn storage<'e>(evidence: &'e Evidence, unit: &Unit) -> Option<(&'e PersistentVolumeClaim, &'e [StorageClass])> {
    let claims = evidence.claims.as_deref()?;
    let waiting = claims.iter().find(|c| unit.claims.contains(&c.metadata.name) && c.status.phase != "Bound")?;
    Some((waiting, evidence.classes.as_deref()?))
}

fn about_storage(claim: &PersistentVolumeClaim, classes: &[StorageClass], unit: &Unit, facts: &mut Facts) {
    facts.add("claim", &claim.metadata.name);
    if let Some(workspace) = unit.templated.first() {
        facts.add("workspace", workspace);
    }
    let names: Vec<&str> = classes.iter().map(|c| c.metadata.name.as_str()).collect();
    facts.add("classes", if names.is_empty() { "the cluster has no StorageClass at all".to_owned() } else { names.join(", ") });
    if let Some(class) = names.first() {
        facts.add("class", *class);
    }
}

/// The class a claim asks for. An empty one asks for a volume without a class, so that no class serves it.
fn class_of(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim.spec.storage_class_name.as_deref()
}

/// The claim asks for no class, and the cluster has none.
pub fn no_class_at_all(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some((claim, classes)) = storage(evidence, unit) else { return false };
    about_storage(claim, classes, unit, facts);
    class_of(claim).is_none() && classes.is_empty()
}

/// The claim asks for no class, and none is the default.
pub fn claim_needs_default_class(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some((claim, classes)) = storage(evidence, unit) else { return false };
    about_storage(claim, classes, unit, facts);
    class_of(claim).is_none() && !classes.is_empty() && !classes.iter().any(StorageClass::is_default)
}

/// The claim asks for a class that does not exist.
pub fn claim_names_unknown_class(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some((claim, classes)) = storage(evidence, unit) else { return false };
    about_storage(claim, classes, unit, facts);
    match class_of(claim) {
        Some(wanted) if !wanted.is_empty() && !classes.iter().any(|c| c.metadata.name == wanted) => {
            facts.add("wanted", wanted);
            true
        }
        _ => false,
    }
}

/// The listener's account is `default`, which nobody should give rights to.
pub fn runs_as_default(_: &Evidence, unit: &Unit, _: &Trace, _: &mut Facts) -> bool {
    unit.account == "default"
}

/// The step ended as shells end when they do not find a program; otherwise the line is talk of a step that went on.
pub fn ended_with_127(_: &Evidence, unit: &Unit, _: &Trace, _: &mut Facts) -> bool {
    unit.traces.iter().any(|t| t.place == Place::Terminated && t.text.ends_with(" 127"))
}

/// A task before this one had the same workspace, which is another directory for each.
pub fn workspace_is_apart(_: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some((workspace, before)) = unit.apart.first() else { return false };
    facts.add("workspace", workspace);
    facts.add("before", before);
    true
}

/// The run is one of the sandbox, which has no images.
pub fn in_sandbox(evidence: &Evidence, _: &Unit, _: &Trace, _: &mut Facts) -> bool {
    evidence.in_sandbox
}

/// Both of these.
pub fn in_sandbox_with_127(evidence: &Evidence, unit: &Unit, trace: &Trace, facts: &mut Facts) -> bool {
    in_sandbox(evidence, unit, trace, facts) && ended_with_127(evidence, unit, trace, facts)
}

/// The trace is one of the very object that the question is about.
pub fn is_asked_for(evidence: &Evidence, unit: &Unit, _: &Trace, _: &mut Facts) -> bool {
    unit.kind == evidence.kind.kind && unit.name == evidence.name
}

/// The API says that the listener's account has the rights that its log complains of.
pub fn rights_are_there(evidence: &Evidence, unit: &Unit, _: &Trace, _: &mut Facts) -> bool {
    evidence.rights_known && !unit.traces.iter().any(|t| t.place == Place::Access)
}
