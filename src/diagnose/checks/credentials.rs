//! The ssh credentials of a step as Tekton puts them together (docs/auth.md): of the Secrets that its ServiceAccount
//! lists, those of type `kubernetes.io/ssh-auth` with an annotation `tekton.dev/git-*` that names the host.

use super::super::evidence::{Evidence, Place, SecretFacts, Trace, Unit};
use super::super::pattern::{Facts, find};
use crate::scaffold::secret::{KNOWN_HOSTS, SSH_AUTH, SSH_KEY};

/// A repository's address as a run's parameter gives it.
struct Remote {
    url: String,
    host: String,
    port: Option<String>,
}

impl Remote {
    /// Reads `ssh://user@host:port/path`, `user@host:path`, and URLs of other schemes.
    fn parse(url: &str) -> Option<Self> {
        let (authority, port_allowed) = match url.split_once("://") {
            Some((_, rest)) => (rest.split('/').next()?, true),
            None => (url.split_once(':').filter(|(before, _)| before.contains('@') && !before.contains('/'))?.0, false),
        };
        let address = authority.rsplit('@').next()?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if port_allowed && port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (address, None),
        };
        let fit = !host.is_empty() && !host.contains(char::is_whitespace);
        fit.then(|| Self { url: url.to_owned(), host: host.to_owned(), port: port.filter(|p| *p != "22").map(str::to_owned) })
    }

    /// A server as ssh names it: `host`, or `[host]:port` where its port is another than 22.
    fn named(said: &str) -> Self {
        let (host, port) = match said.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').map(str::to_owned)),
            None => (said, None),
        };
        Self { url: said.to_owned(), host: host.to_owned(), port }
    }

    /// As an annotation names it: `host` or `host:port`
    fn annotation(&self) -> String {
        self.port.as_ref().map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    fn is_meant_by(&self, annotation: &str) -> bool {
        let address = annotation.split('/').next().unwrap_or_default();
        address == self.host || address.rsplit_once(':').is_some_and(|(host, _)| host == self.host)
    }
}

/// What ssh says with the name of the server that it does not trust, or that does not trust it.
const NAMED: [&str; 2] = ["{_}@{host}: Permission denied (", "host key is known for {host} and you have requested strict"];

/// The repository that the step spoke to: the parameter or the word of a script whose host the log names, or the first that is
/// an address.
fn remote(unit: &Unit, facts: &Facts) -> Option<Remote> {
    let lines = || unit.traces.iter().filter(|t| t.place == Place::Log);
    let named = || lines().find_map(|line| NAMED.iter().find_map(|pattern| find(pattern, &line.text)?.get("host").map(str::to_owned)));
    let said = facts.get("host").map(str::to_owned).or_else(named).map(|said| Remote::named(&said));
    let given = unit.params.iter().filter_map(|p| p.value.as_str()).chain(unit.addresses.iter().map(String::as_str));
    let mut addresses = given.filter_map(Remote::parse);
    match said {
        Some(said) => addresses.find(|r| r.host == said.host && (said.port.is_none() || r.port == said.port)).or(Some(said)),
        None => addresses.next(),
    }
}

/// Names of an address for templates: `host`, `url`, `scan` (arguments of ssh-keyscan) and `slug` (a Secret's name).
fn about(remote: &Remote, facts: &mut Facts) {
    facts.add("url", &remote.url);
    let slug: String = remote.host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    facts.add("slug", format!("git-{}", slug.trim_matches('-')));
    facts.add("scan", remote.port.as_ref().map_or_else(|| remote.host.clone(), |port| format!("-p {port} {}", remote.host)));
}

/// Adds what is known of the repository; never refuses.
pub fn about_repository(_: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    if let Some(remote) = remote(unit, facts) {
        about(&remote, facts);
        facts.add("host", remote.annotation());
    } else if let Some(url) = unit.params.iter().find(|p| p.name.to_lowercase().contains("url")).and_then(|p| p.value.as_str()) {
        facts.add("url", url);
    }
    if let Some(path) = facts.get("path").map(str::to_owned) {
        facts.add("url", path);
    }
    facts.add("scan", "HOST");
    true
}

/// What a step was given for a host, and what there would have been.
struct Given<'e> {
    remote: Remote,
    /// The account's ssh Secrets
    listed: Vec<&'e SecretFacts>,
    /// All of the namespace
    all: &'e [SecretFacts],
}

impl<'e> Given<'e> {
    fn to(evidence: &'e Evidence, unit: &Unit, facts: &Facts) -> Option<Self> {
        let all = evidence.secrets.as_deref()?;
        let names = evidence.listed(&unit.account)?;
        let listed = all.iter().filter(|s| s.kind == SSH_AUTH && names.contains(&s.name)).collect();
        Some(Self { remote: remote(unit, facts)?, listed, all })
    }

    fn means(&self, secret: &SecretFacts) -> bool {
        secret.hosts.iter().any(|host| self.remote.is_meant_by(host))
    }

    /// The Secret whose key the step used: rather one for the very port than one for the host.
    fn used(&self) -> Option<&'e SecretFacts> {
        self.best(self.listed.iter().copied())
    }

    fn best(&self, secrets: impl Iterator<Item = &'e SecretFacts>) -> Option<&'e SecretFacts> {
        let exact = |secret: &&SecretFacts| !secret.hosts.contains(&self.remote.annotation());
        secrets.filter(|s| self.means(s)).min_by_key(exact)
    }
}

/// Names a Secret and the host for the row's templates.
fn tell(given: &Given<'_>, secret: Option<&SecretFacts>, facts: &mut Facts) -> bool {
    about(&given.remote, facts);
    let mut exact = Facts::default();
    exact.add("host", given.remote.annotation());
    if let Some(secret) = secret {
        exact.add("secret", &secret.name);
        exact.add("type", &secret.kind);
        exact.add("hosts", if secret.hosts.is_empty() { "no host".to_owned() } else { secret.hosts.join(", ") });
        let known: Vec<&str> = secret.known_hosts.iter().map(|k| k.hosts.as_str()).collect();
        exact.add("known", if known.is_empty() { "nobody".to_owned() } else { known.join(", ") });
        exact.add("fingerprint", secret.fingerprint.as_deref().unwrap_or("a key whose fingerprint cannot be read"));
    }
    facts.put_before(exact);
    true
}

/// A Secret for the host is there, and the account does not list it.
pub fn secret_not_listed(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    let there = given.best(given.all.iter().filter(|s| s.kind == SSH_AUTH));
    given.used().is_none() && there.is_some() && tell(&given, there, facts)
}

/// A Secret for the host is there, and its type is not that of ssh keys.
pub fn secret_of_wrong_type(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    let names = evidence.listed(&unit.account).unwrap_or_default();
    let holds_key = |s: &&SecretFacts| s.kind != SSH_AUTH && given.means(s) && s.keys.iter().any(|k| k == SSH_KEY || k.starts_with("id_"));
    let wrong = given.all.iter().filter(holds_key).min_by_key(|s| !names.contains(&s.name));
    given.used().is_none() && wrong.is_some() && tell(&given, wrong, facts)
}

/// The account lists ssh Secrets, all of them for other hosts.
pub fn secret_of_other_host(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    given.used().is_none() && !given.listed.is_empty() && tell(&given, given.listed.first().copied(), facts)
}

/// The account lists a Secret that does not exist, and no other for the host.
pub fn secret_gone(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    let names = evidence.listed(&unit.account).unwrap_or_default();
    let gone = names.iter().find(|name| !given.all.iter().any(|s| s.name == **name));
    if let Some(gone) = gone.filter(|_| given.used().is_none()) {
        facts.add("secret", gone);
        return tell(&given, None, facts);
    }
    false
}

/// There is no Secret for the host at all.
pub fn no_secret_for_host(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    given.used().is_none() && tell(&given, None, facts)
}

/// ssh says that it cannot read a key; Tekton names its file after the Secret (docs/auth.md: `id_SECRET`).
pub fn key_unreadable(evidence: &Evidence, unit: &Unit, trace: &Trace, facts: &mut Facts) -> bool {
    let unreadable = |text: &str| {
        let (path, why) = text.split_once("Load key \"")?.1.split_once("\": ")?;
        let secret = path.rsplit('/').next()?.strip_prefix("id_")?;
        let known = ["invalid format", "error in libcrypto"].iter().any(|known| why.starts_with(known));
        known.then(|| secret.to_owned())
    };
    let found = unit.traces.iter().filter(|t| t.place == Place::Log).find_map(|t| unreadable(&t.text));
    if let Some(secret) = &found {
        about_repository(evidence, unit, trace, facts);
        facts.add("host", "HOST");
        facts.add("secret", secret);
    }
    found.is_some()
}

/// ssh says that it knows the server under another key.
pub fn host_key_changed(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let log = unit.traces.iter().filter(|t| t.place == Place::Log);
    let changed = log.into_iter().any(|t| t.text.contains("IDENTIFICATION HAS CHANGED") || t.text.contains("Host key for "));
    if changed && let Some(given) = Given::to(evidence, unit, facts) {
        tell(&given, given.used(), facts);
    }
    changed
}

/// The Secret that was used has no `known_hosts`.
pub fn known_hosts_missing(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    let bare = given.used().filter(|s| !s.keys.iter().any(|k| k == KNOWN_HOSTS));
    bare.is_some() && tell(&given, bare, facts)
}

/// `known_hosts` of the Secret that was used names other hosts.
pub fn known_hosts_lack_host(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    let other = given.used().filter(|s| !s.known_hosts.iter().any(|k| k.may_be(&given.remote.annotation())));
    other.is_some() && tell(&given, other, facts)
}

/// A Secret for the host was used.
pub fn secret_lists_fine(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(given) = Given::to(evidence, unit, facts) else { return false };
    given.used().is_some() && tell(&given, given.used(), facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<String> {
        Remote::parse(url).map(|r| r.annotation())
    }

    #[test]
    fn addresses_of_repositories_are_read_as_git_reads_them() {
        let of = |annotation: &str| Some(annotation.to_owned());
        assert_eq!(address("git@github.com:me/app.git"), of("github.com"));
        assert_eq!(address("ssh://git@192.0.2.2:2322/srv/app.git"), of("192.0.2.2:2322"));
        assert_eq!(address("ssh://git@host:22/app"), of("host"));
        assert_eq!(address("https://github.com/me/app"), of("github.com"));
        assert_eq!(address("main"), None);
        assert_eq!(address("/srv/app.git"), None);
        assert_eq!(address("https://"), None);
    }

    #[test]
    fn servers_are_read_as_ssh_names_them() {
        assert_eq!(Remote::named("github.com").annotation(), "github.com");
        assert_eq!(Remote::named("[git.example.com]:2222").annotation(), "git.example.com:2222");
    }

    #[test]
    fn an_annotation_means_a_host_with_or_without_port_and_path_but_not_with_a_scheme() {
        let remote = Remote::parse("ssh://git@host:2322/app").unwrap();
        assert!(remote.is_meant_by("host") && remote.is_meant_by("host:2322") && remote.is_meant_by("host/me/app"));
        assert!(!remote.is_meant_by("ssh://host") && !remote.is_meant_by("other"));
    }
}
