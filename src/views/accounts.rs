//! Lists and pages of Secrets and ServiceAccounts: rtkn's own, tkn has none. Of a Secret's values only fingerprints are
//! shown.

use std::collections::{HashMap, HashSet};

use super::sections;
use super::{ABSENT, Cell, Column, Described, Line, Listed, Page, Section};
use crate::objects::Meta;
use crate::objects::core::{ClusterRoleBinding, ObjectReference, RoleBinding, RoleRef, Secret, ServiceAccount, Subject};
use crate::scaffold::rbac::{Purpose, Right};
use crate::scaffold::secret::{self, BASIC_AUTH, DOCKER_CFG, DOCKER_CONFIG, KNOWN_HOSTS, SSH_AUTH, SSH_KEY, WITHOUT_KNOWN_HOSTS};
use crate::scaffold::ssh::{Key, known_hosts};

/// Whether a Secret is of a kind that Tekton does something with.
pub fn is_for_tekton(secret: &Secret) -> bool {
    matches!(secret.kind.as_deref(), Some(SSH_AUTH | BASIC_AUTH | DOCKER_CONFIG | DOCKER_CFG))
        || !secret::hosts(&secret.metadata.annotations).is_empty()
}

/// The hosts or registries that a Secret is for.
fn hosts(secret: &Secret) -> Vec<String> {
    let annotated: Vec<String> = secret::hosts(&secret.metadata.annotations).into_iter().map(str::to_owned).collect();
    if annotated.is_empty() { secret::registries(secret) } else { annotated }
}

/// The fingerprint of a Secret's key, or why it has none.
fn key(secret: &Secret) -> Option<String> {
    let bytes = secret::value(secret, SSH_KEY)?;
    Some(Key::read(&bytes).map_or_else(|error| format!("unusable: {error}"), |key| key.fingerprint()))
}

/// The public half of a Secret's key, for whoever has to register it.
fn public_key(secret: &Secret) -> Option<String> {
    Key::read(&secret::value(secret, SSH_KEY)?).ok()?.public_line()
}

fn users<'a>(secret: &'a Secret, accounts: &'a [ServiceAccount]) -> impl Iterator<Item = (&'a ServiceAccount, bool)> {
    let names = |references: &[ObjectReference]| references.iter().any(|r| r.name == secret.metadata.name);
    let here = accounts.iter().filter(|account| account.metadata.namespace == secret.metadata.namespace);
    here.filter_map(move |account| {
        let for_steps = names(&account.secrets);
        (for_steps || names(&account.image_pull_secrets)).then_some((account, for_steps))
    })
}

/// The accounts that have a Secret, as one cell.
fn named_users(secret: &Secret, accounts: Option<&[ServiceAccount]>) -> Cell {
    match accounts {
        Some(accounts) => joined(users(secret, accounts).map(|(account, _)| account.metadata.name.clone())),
        None => Cell::or_absent(Some("unknown")),
    }
}

fn joined(parts: impl IntoIterator<Item = String>) -> Cell {
    Cell::or_absent(Some(&parts.into_iter().collect::<Vec<_>>().join(", ")))
}

impl Listed for Secret {
    /// None where the user may not look at ServiceAccounts
    type Beside = Option<Vec<ServiceAccount>>;
    const COLUMNS: &'static [Column<Self>] = &[
        Column { heading: "TYPE", cell: |s, _| Cell::or_absent(s.kind.as_deref()) },
        Column { heading: "HOSTS", cell: |s, _| joined(hosts(s)) },
        Column { heading: "KEY", cell: |s, _| Cell::or_absent(key(s).as_deref().map(short)) },
        Column { heading: "SERVICEACCOUNTS", cell: |s, accounts| named_users(s, accounts.as_deref()) },
        Column { heading: "AGE", cell: |s, _| Cell::Age(s.metadata.creation_timestamp) },
    ];
}

/// The fingerprint alone, which tells a key apart, without its size and comment.
fn short(fingerprint: &str) -> &str {
    fingerprint.split(' ').find(|word| word.starts_with("SHA256:")).unwrap_or(fingerprint)
}

impl Described for Secret {
    /// None where the user may not look at ServiceAccounts
    type With = Option<Vec<ServiceAccount>>;

    fn page(&self, accounts: &Self::With) -> Page {
        let mut page = sections::named(&self.metadata);
        page.head.push(Line::field("Type", self.kind.as_deref().unwrap_or("Opaque")));
        page.field("Key", key(self).as_deref());
        page.field("Public key", public_key(self).as_deref());
        let mut keys: Vec<&str> = self.data.keys().map(String::as_str).collect();
        // As a server of Kubernetes orders them; the sandbox keeps the order in which they were written.
        keys.sort_unstable();
        page.field("Data", Some(&keys.join(", ")));
        if is_for_tekton(self) {
            page.sections.push(names_or("Hosts", hosts(self), no_host(self)));
        }
        if let Some(text) = secret::value(self, KNOWN_HOSTS) {
            page.sections.push(Section::names("", "Known hosts", trusted(&String::from_utf8_lossy(&text))));
        } else if self.kind.as_deref() == Some(SSH_AUTH) {
            page.sections.push(names_or("Known hosts", Vec::new(), &format!("none: {WITHOUT_KNOWN_HOSTS}")));
        }
        let called = |(account, for_steps): (&ServiceAccount, bool)| match for_steps {
            true => account.metadata.name.clone(),
            false => format!("{} (for pulling images only)", account.metadata.name),
        };
        page.sections.push(match accounts {
            Some(accounts) => names_or("ServiceAccounts", users(self, accounts).map(called).collect(), "none: no run gets it"),
            None => names_or("ServiceAccounts", Vec::new(), "unknown: you may not list ServiceAccounts"),
        });
        page
    }
}

/// What it means that a Secret names no host.
fn no_host(secret: &Secret) -> &'static str {
    match secret.kind.as_deref() {
        Some(DOCKER_CONFIG | DOCKER_CFG) => "none: its docker configuration names no registry",
        _ => "none: Tekton hands it to no step (annotation tekton.dev/git-0 is missing)",
    }
}

fn trusted(text: &str) -> Vec<String> {
    match known_hosts(text) {
        Ok(hosts) => hosts.into_iter().map(|host| host.fingerprint).collect(),
        Err((line, why)) => vec![format!("line {line} cannot be read: {why}")],
    }
}

fn names_or(heading: &'static str, names: Vec<String>, nothing: &str) -> Section {
    let names = if names.is_empty() { vec![nothing.to_owned()] } else { names };
    Section::names("", heading, names)
}

/// Whether an account can do something; `None` where the user may not ask.
pub type Able = Option<bool>;

/// What the list of ServiceAccounts shows beside them.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// By namespace and name, whether the account can run an EventListener and create PipelineRuns
    pub able: HashMap<(String, String), [Able; 2]>,
    /// Namespaces and names of the Secrets that there are; `None` where the user may not list them
    pub secrets: Option<HashSet<(String, String)>>,
}

impl Abilities {
    /// The Secrets of an account, with a word beside those that are gone.
    fn secrets(&self, account: &ServiceAccount) -> Cell {
        let namespace = &account.metadata.namespace;
        let gone = |name: &str| self.secrets.as_ref().is_some_and(|there| !there.contains(&(namespace.clone(), name.to_owned())));
        joined(account.secrets.iter().map(|s| if gone(&s.name) { format!("{} (missing)", s.name) } else { s.name.clone() }))
    }

    fn cell(&self, meta: &Meta, which: usize) -> Cell {
        let key = (meta.namespace.clone(), meta.name.clone());
        match self.able.get(&key).and_then(|able| able[which]) {
            Some(true) => "yes".into(),
            Some(false) => "no".into(),
            None => ABSENT.into(),
        }
    }
}

impl Listed for ServiceAccount {
    type Beside = Abilities;
    const COLUMNS: &'static [Column<Self>] = &[
        Column { heading: "SECRETS", cell: |a, beside| beside.secrets(a) },
        Column { heading: "EVENTLISTENER", cell: |a, able| able.cell(&a.metadata, 0) },
        Column { heading: "PIPELINERUN", cell: |a, able| able.cell(&a.metadata, 1) },
        Column { heading: "AGE", cell: |a, _| Cell::Age(a.metadata.creation_timestamp) },
    ];
}

/// What the page of a ServiceAccount shows beside it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Bindings of its namespace
    pub bindings: Vec<RoleBinding>,
    /// Bindings of the cluster; `None` where the user may not list them
    pub cluster_bindings: Option<Vec<ClusterRoleBinding>>,
    /// Per purpose what it lacks; `None` where the user may not ask
    pub lacking: Vec<(Purpose, Option<Vec<&'static Right>>)>,
    /// Those of its Secrets that are not there
    pub gone: HashSet<String>,
}

impl Described for ServiceAccount {
    type With = Standing;

    fn page(&self, with: &Standing) -> Page {
        let mut page = sections::named(&self.metadata);
        page.sections.push(listed("Secrets", self, &self.secrets, &with.gone, "none: its runs get no credentials"));
        if !self.image_pull_secrets.is_empty() {
            page.sections.push(listed("Image pull secrets", self, &self.image_pull_secrets, &with.gone, ""));
        }
        let meta = &self.metadata;
        let local = with.bindings.iter().filter(|b| is_subject(&b.subjects, meta));
        let local = local.map(|b| bound("RoleBinding", &b.metadata.name, &b.role_ref, "this namespace"));
        let wide = with.cluster_bindings.iter().flatten().filter(|b| is_subject(&b.subjects, meta));
        let wide = wide.map(|b| bound("ClusterRoleBinding", &b.metadata.name, &b.role_ref, "whole cluster"));
        page.table("", "Bindings", &["KIND", "NAME", "ROLE", "HOLDS IN"], local.chain(wide).collect());
        if with.cluster_bindings.is_none() {
            page.sections.push(Section::names("", "Bindings of the cluster", ["unknown: you may not list clusterrolebindings".to_owned()]));
        }
        let lines = with.lacking.iter().flat_map(|(purpose, lacking)| ability(&meta.name, *purpose, lacking.as_deref()));
        page.sections.push(Section::new("", "Rights", lines.collect()));
        page
    }
}

/// The Secrets that an account lists, and what mends it where one of them is gone.
fn listed(heading: &'static str, account: &ServiceAccount, secrets: &[ObjectReference], gone: &HashSet<String>, nothing: &str) -> Section {
    if secrets.is_empty() {
        return names_or(heading, Vec::new(), nothing);
    }
    let line = |secret: &ObjectReference| {
        let name = &secret.name;
        let cell = if gone.contains(name) {
            let words = format!("sa remove-secret {} {name}", account.metadata.name);
            Cell::Command { before: format!("{name}: does not exist; make it anew, or: "), words, after: "" }
        } else {
            name.clone().into()
        };
        Line { indent: 1, bullet: true, cells: vec![cell] }
    };
    Section::new("", heading, secrets.iter().map(line).collect())
}

fn bound(kind: &'static str, name: &str, role: &RoleRef, scope: &'static str) -> Vec<Cell> {
    vec![kind.into(), name.into(), format!("{} {}", role.kind, role.name).into(), scope.into()]
}

fn is_subject(subjects: &[Subject], account: &Meta) -> bool {
    subjects.iter().any(|subject| match subject.kind.as_str() {
        "ServiceAccount" => subject.name == account.name && subject.namespace.as_deref().is_none_or(|n| n == account.namespace),
        "Group" => subject.name == "system:serviceaccounts" || subject.name == format!("system:serviceaccounts:{}", account.namespace),
        _ => false,
    })
}

fn ability(account: &str, purpose: Purpose, lacking: Option<&[&'static Right]>) -> Vec<Line> {
    let say = |text: String| Line::text(text).indented(1);
    match lacking {
        None => vec![say(format!("whether it can {} is unknown: you may not create subjectaccessreviews", purpose.ability()))],
        Some([]) => vec![say(format!("it can {}", purpose.ability()))],
        Some(rights) => {
            let before = format!("it cannot {}; ", purpose.ability());
            let words = format!("sa grant {account} --for {}", purpose.word());
            let head = Line { indent: 1, bullet: false, cells: vec![Cell::Command { before, words, after: " mends that. It may not:" }] };
            std::iter::once(head).chain(rights.iter().map(|right| say(right.words()).indented(3))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Seen;
    use crate::render::{Look, page};
    use serde_json::json;

    const LOOK: Look = Look { now: jiff::Timestamp::UNIX_EPOCH, colour: false };

    fn secret() -> Secret {
        let key = Key::generate(&mut ssh_key::rand_core::OsRng, "c").unwrap_or_else(|e| panic!("{e}"));
        let manifest = secret::ssh("ns", "git", &["github.com".into()], &key, None);
        Seen::<Secret>::from_value(&manifest.value).lens.expect("a Secret")
    }

    fn account(value: serde_json::Value) -> ServiceAccount {
        Seen::<ServiceAccount>::from_value(&value).lens.expect("an account")
    }

    #[test]
    fn a_secret_shows_its_fingerprint_its_users_and_no_value() {
        let secret = secret();
        let accounts = [
            account(json!({"metadata": {"name": "build", "namespace": "ns"}, "secrets": [{"name": "git"}]})),
            account(json!({"metadata": {"name": "pull", "namespace": "ns"}, "imagePullSecrets": [{"name": "git"}]})),
            account(json!({"metadata": {"name": "elsewhere", "namespace": "other"}, "secrets": [{"name": "git"}]})),
        ];
        let text = page(&secret.page(&Some(accounts.to_vec())), LOOK);
        assert!(text.contains("256 SHA256:") && text.contains("github.com") && text.contains("pull (for pulling images only)"), "{text}");
        assert!(page(&secret.page(&None), LOOK).contains("unknown: you may not list ServiceAccounts"));
        assert!(!text.contains("elsewhere") && !text.contains(secret.data[SSH_KEY].as_str()) && !text.contains("PRIVATE KEY"), "{text}");
    }

    #[test]
    fn an_account_says_what_it_lacks_and_what_mends_it() {
        let binding = json!({
            "metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "build", "namespace": "ns"}, {"kind": "User", "name": "x"}],
        });
        let with = Standing {
            bindings: vec![Seen::<RoleBinding>::from_value(&binding).lens.expect("a binding")],
            cluster_bindings: None,
            lacking: vec![
                (Purpose::EventListener, Some(Purpose::EventListener.rights()[..1].iter().collect())),
                (Purpose::PipelineRun, Some(Vec::new())),
            ],
            gone: HashSet::from(["old".to_owned()]),
        };
        let build = json!({"metadata": {"name": "build", "namespace": "ns"}, "secrets": [{"name": "git"}, {"name": "old"}]});
        let text = page(&account(build).page(&with), LOOK);
        assert!(text.contains("old: does not exist; make it anew, or: ") && text.contains("sa remove-secret build old"), "{text}");
        assert!(text.contains(" git\n"), "{text}");
        assert!(text.contains("it cannot run an EventListener; sa grant build --for eventlistener mends that"), "{text}");
        assert!(text.contains("   get eventlisteners.triggers.tekton.dev") && text.contains("it can create PipelineRuns"), "{text}");
        assert!(text.contains("ClusterRole view") && text.contains("you may not list clusterrolebindings"), "{text}");
    }
}
