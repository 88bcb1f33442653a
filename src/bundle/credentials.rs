//! Who asks a registry: what the flags say, or what `docker login` and `podman login` have kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docker_credential::{CredentialRetrievalError as Retrieval, DockerCredential};

/// What the flags say of the way to a registry.
#[derive(Clone, Default)]
pub struct Access {
    /// A token that the registry itself takes
    pub bearer: Option<String>,
    /// User and password
    pub user: Option<(String, String)>,
    /// Whether a certificate that nobody vouches for will do
    pub any_certificate: bool,
}

/// A way to show who one is.
pub(super) enum Credential {
    /// User and password, for the registry or whoever gives out its tokens
    User(String, String),
    /// A token for whoever gives out the registry's tokens
    Identity(String),
}

impl Access {
    /// The credential for a registry; none where nobody has logged in. The second is what is wrong with the one that is kept.
    pub(super) fn credential(&self, account: &str) -> (Option<Credential>, Option<String>) {
        match &self.user {
            Some((user, password)) => (Some(Credential::User(user.clone(), password.clone())), None),
            None => kept(account),
        }
    }
}

/// `Basic …`, as RFC 7617 has it.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Docker's file goes before podman's.
fn kept(account: &str) -> (Option<Credential>, Option<String>) {
    let found = docker_credential::get_credential(account).or_else(|docker| {
        docker_credential::get_podman_credential(account).map_err(|podman| if is_none(&docker) { podman } else { docker })
    });
    match found {
        Ok(DockerCredential::UsernamePassword(user, password)) => (Some(Credential::User(user, password)), None),
        Ok(DockerCredential::IdentityToken(token)) => (Some(Credential::Identity(token)), None),
        Err(error) => (None, (!is_none(&error)).then(|| wrong(&error))),
    }
}

fn is_none(error: &Retrieval) -> bool {
    matches!(error, Retrieval::NoCredentialConfigured | Retrieval::ConfigNotFound | Retrieval::ConfigReadError)
}

/// What is wrong, without what a helper printed: that may be a password.
fn wrong(error: &Retrieval) -> String {
    match error {
        Retrieval::HelperFailure { helper, .. } => format!("the credential helper {helper} has none for it, or failed"),
        error => error.to_string().to_lowercase(),
    }
}
