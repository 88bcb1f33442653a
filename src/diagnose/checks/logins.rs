//! User and password for https as Tekton puts them together (docs/auth.md): of the Secrets that the step's ServiceAccount lists,
//! those of type `kubernetes.io/basic-auth` with an annotation `tekton.dev/git-*` that is the server's URL.

use super::super::evidence::{Evidence, SecretFacts, Trace, Unit};
use super::super::pattern::Facts;
use crate::scaffold::secret::BASIC_AUTH;

/// A Secret for a URL, as the annotation or as somebody who left the scheme out means it.
struct Logins<'e> {
    url: String,
    listed: &'e [String],
    all: &'e [SecretFacts],
}

impl<'e> Logins<'e> {
    fn of(evidence: &'e Evidence, unit: &Unit, facts: &Facts) -> Option<Self> {
        Some(Self { url: facts.get("url")?.to_owned(), listed: evidence.listed(&unit.account)?, all: evidence.secrets.as_deref()? })
    }

    /// `https://github.com`
    fn server(&self) -> Option<(&str, &str)> {
        let (scheme, rest) = self.url.split_once("://")?;
        Some((scheme, host(rest)))
    }

    fn means(&self, secret: &SecretFacts) -> bool {
        let of = |annotation: &String| annotation.split_once("://").map(|(scheme, rest)| (scheme.to_owned(), host(rest).to_owned()));
        let server = self.server().map(|(scheme, host)| (scheme.to_owned(), host.to_owned()));
        secret.kind == BASIC_AUTH && server.is_some() && secret.hosts.iter().any(|annotation| of(annotation) == server)
    }

    /// The annotation is the server's name without the scheme, which git does not take for it.
    fn nearly_means(&self, secret: &SecretFacts) -> bool {
        let server = self.server().map(|(_, host)| host);
        secret.kind == BASIC_AUTH && secret.hosts.iter().any(|annotation| Some(annotation.as_str()) == server)
    }

    fn is_listed(&self, secret: &SecretFacts) -> bool {
        self.listed.contains(&secret.name)
    }

    fn find(&self, wanted: impl Fn(&SecretFacts) -> bool) -> Option<&'e SecretFacts> {
        self.all.iter().find(|secret| wanted(secret))
    }

    /// What the row's templates are filled with.
    fn tell(&self, secret: Option<&str>, facts: &mut Facts) -> bool {
        if let (Some((scheme, host)), Some(secret)) = (self.server(), secret) {
            facts.add("host", format!("{scheme}://{host}"));
            facts.add("secret", secret);
        }
        secret.is_some()
    }
}

/// The server's name and port, without user and path.
fn host(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// A Secret for the URL was used.
pub fn login_refused(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(logins) = Logins::of(evidence, unit, facts) else { return false };
    let used = logins.find(|secret| logins.is_listed(secret) && logins.means(secret));
    logins.tell(used.map(|secret| secret.name.as_str()), facts)
}

/// The account lists a Secret whose annotation lacks the scheme.
pub fn login_without_scheme(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(logins) = Logins::of(evidence, unit, facts) else { return false };
    let near = logins.find(|secret| logins.is_listed(secret) && logins.nearly_means(secret));
    logins.tell(near.map(|secret| secret.name.as_str()), facts)
}

/// A Secret for the URL is there, and the account does not list it.
pub fn login_not_listed(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(logins) = Logins::of(evidence, unit, facts) else { return false };
    let there = logins.find(|secret| logins.means(secret) && !logins.is_listed(secret));
    logins.tell(there.map(|secret| secret.name.as_str()), facts)
}

/// The account lists a Secret that does not exist.
pub fn login_gone(evidence: &Evidence, unit: &Unit, _: &Trace, facts: &mut Facts) -> bool {
    let Some(logins) = Logins::of(evidence, unit, facts) else { return false };
    let gone = logins.listed.iter().find(|name| !logins.all.iter().any(|secret| secret.name == **name));
    logins.tell(gone.map(String::as_str), facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_means_a_server_by_scheme_and_name() {
        let secret = |annotation: &str| SecretFacts { kind: BASIC_AUTH.into(), hosts: vec![annotation.into()], ..SecretFacts::default() };
        let logins = Logins { url: "https://me@git.example.org/app.git".into(), listed: &[], all: &[] };
        assert!(logins.means(&secret("https://git.example.org")) && logins.means(&secret("https://git.example.org/app.git")));
        assert!(!logins.means(&secret("http://git.example.org")) && !logins.means(&secret("https://example.org")));
        assert!(logins.nearly_means(&secret("git.example.org")) && !logins.nearly_means(&secret("https://git.example.org")));
    }
}
