//! What can go wrong between here and the server, in one line each.

use hyper_util::client::legacy::Error as Http;
use kube::client::AuthError;
use kube::core::Status;

use crate::kinds::Kind;

/// What was asked of the server, for messages.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, `patch`, `delete`
    pub verb: &'static str,
    /// Of which kind
    pub kind: &'static Kind,
    /// In which namespace; none for all of them and for cluster-scoped kinds
    pub namespace: Option<String>,
    /// `log`, …
    pub subresource: Option<&'static str>,
}

impl Asked {
    /// The right that was missing, as a sentence about a role.
    pub fn grant(&self) -> String {
        let resource = match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.kind.plural),
            None => self.kind.resource(),
        };
        let scope = match &self.namespace {
            Some(namespace) => format!("a Role and RoleBinding in namespace {namespace}"),
            None => "a ClusterRole and ClusterRoleBinding".into(),
        };
        format!("{scope} with the verb {:?} on {resource:?}", self.verb)
    }
}

/// Why the server gave no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with a `Status` of failure
    #[error("{}", said(status))]
    Status {
        /// The answer
        status: Box<Status>,
        /// The question
        asked: Asked,
    },
    /// Nobody answers there
    #[error("cannot reach the server {server}: {reason}")]
    Unreachable {
        /// Its URL
        server: String,
        /// The innermost cause
        reason: String,
    },
    /// The server knows no such kind
    #[error("{what} is not installed in this cluster: the server {server} does not know {resource}")]
    NoTekton {
        /// `Tekton Pipelines` or `Tekton Triggers`
        what: &'static str,
        /// Its URL
        server: String,
        /// `pipelineruns.tekton.dev`
        resource: String,
    },
    /// An answer that is no JSON of the expected shape
    #[error("the server's answer about {what} cannot be read: {reason}")]
    Undecodable {
        /// The resource
        what: String,
        /// Where it breaks
        reason: String,
    },
    /// A name that cannot be one. It is not sent: without a name, or as a way out of its place in the path, it would mean
    /// every object there is
    #[error("{reason}")]
    Name {
        /// What is wrong with it
        reason: String,
    },
    /// A page of the web that cannot be had
    #[error("Get {url:?}: {reason}")]
    Page {
        /// Its URL
        url: String,
        /// Why
        reason: String,
    },
    /// The connection broke, or could not be set up
    #[error("cannot {what}: {reason}")]
    Transport {
        /// What was being done
        what: String,
        /// The innermost cause
        reason: String,
    },
}

impl Error {
    /// A broken connection.
    pub(super) fn transport(what: impl Into<String>, error: kube::Error) -> Self {
        Self::Transport { what: what.into(), reason: innermost(&error) }
    }

    /// The status code of the server's answer, where there was one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.code),
            _ => None,
        }
    }

    /// How tkn words it, where it has other words. Its first question to a server is which groups it has.
    pub fn said_by_tkn(&self) -> Option<String> {
        match self {
            Self::Status { status, .. } if status.code == 401 => {
                Some("the server has asked for the client to provide credentials".to_owned())
            }
            Self::Unreachable { server, reason } if reason == "Connection refused" => {
                let address = server.split_once("://").map_or(server.as_str(), |(_, address)| address);
                Some(format!("Get \"{server}/api\": dial tcp {address}: connect: connection refused"))
            }
            Self::Page { url, reason } if reason == "Connection refused" => {
                let address = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
                Some(format!("Get {url:?}: dial tcp {address}: connect: connection refused"))
            }
            Self::NoTekton { resource, .. } => {
                let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
                Some(format!("no matches for {group}/, Resource={plural}"))
            }
            _ => None,
        }
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the server refuses the user.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether the same question may be answered a while later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status.code, 408 | 410 | 429) || status.code >= 500,
            Self::Unreachable { .. } | Self::Transport { .. } => true,
            Self::NoTekton { .. } | Self::Undecodable { .. } | Self::Name { .. } | Self::Page { .. } => false,
        }
    }

    /// Whether there is one already, or somebody else changed it.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether what was written rested on an object as it is no longer: it was changed or made meanwhile. Fields that another
    /// manager owns are something else.
    pub fn is_outdated(&self) -> bool {
        let owned = |status: &Status| {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            causes.into_iter().any(|cause| cause.reason == "FieldManagerConflict")
        };
        matches!(self, Self::Status { status, .. } if status.code == 409 && !owned(status))
    }
}

/// What kube says the reason was where an answer was no `Status`: a proxy's, or a load balancer's.
const NO_STATUS: &str = "Failed to parse error data";
/// How many letters of such an answer are shown; it may be a page of HTML.
const SHOWN: usize = 200;

fn said(status: &Status) -> String {
    if status.reason == NO_STATUS {
        let line: String =
            status.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().chars().take(SHOWN).collect();
        return format!("the server answered {}, and not as an API server does: {line}", status.code);
    }
    if status.message.is_empty() {
        format!("the server answered {} {}", status.code, status.reason)
    } else {
        status.message.trim_end().to_owned()
    }
}

/// The last cause of an error: `Connection refused` rather than the five layers around it.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(words) = auth(error).and_then(credentials_wrong) {
        return words;
    }
    let mut cause = error;
    let mut outer = None;
    while let Some(source) = cause.source() {
        outer = Some(cause);
        cause = source;
    }
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    // A resolver's own words say too little without the layer above them.
    match outer {
        Some(outer) if text.len() < 12 => format!("{outer}: {text}"),
        _ => text.to_owned(),
    }
}

impl From<&kube::Error> for Reach {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(_) => Reach::Answered,
            kube::Error::Service(e) if auth(e.as_ref()).is_some() => Reach::Broken,
            kube::Error::Service(_) | kube::Error::HyperError(_) => Reach::Unreachable,
            _ => Reach::Broken,
        }
    }
}

/// Whether the server was there and its answer did not come, or not to its end.
pub(super) fn has_broken_off(error: &kube::Error) -> bool {
    let nobody = |error: &(dyn std::error::Error + 'static)| error.downcast_ref::<Http>().is_some_and(Http::is_connect);
    match error {
        kube::Error::Service(e) => auth(e.as_ref()).is_none() && !chain(e.as_ref()).any(nobody),
        kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// An error and its causes.
fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Whether the server was there at all.
pub(super) enum Reach {
    /// It answered
    Answered,
    /// Nobody is there
    Unreachable,
    /// Something on the way broke
    Broken,
}

/// The error about the user's credentials in a chain of causes.
fn auth<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a AuthError> {
    chain(error).find_map(|error| match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Auth(auth)) => Some(auth),
        _ => error.downcast_ref::<AuthError>(),
    })
}

/// What is wrong with the user's credentials, in words without any of them.
fn credentials_wrong(error: &AuthError) -> Option<String> {
    match error {
        AuthError::AuthExec(words) => Some(words.clone()),
        AuthError::InvalidBearerToken(_) => Some("the token holds characters that no header can have, such as an end of line".into()),
        AuthError::ReadTokenFile(error, file) => Some(format!("the token's file {}: {}", file.display(), innermost(error))),
        _ => None,
    }
}
