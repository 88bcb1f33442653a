//! What a command fails with. Every conversion from a layer's error, and every hint, is here.

use std::fmt::Write as _;
use std::io;

use crate::bundle;
use crate::client;
pub use crate::exit::Exit;
use crate::kubeconfig;
use crate::logs;
use crate::sandbox::serve::SandboxError;
use crate::term::PromptError;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Wrong arguments
    Usage,
    /// A wrong kubeconfig
    Config,
    /// No kubeconfig, or one that chooses no cluster
    Unconfigured,
    /// The server does not answer
    Unreachable,
    /// The server refuses the user
    Denied,
    /// No such object, namespace or kind
    NotFound,
    /// Something else is there already
    Conflict,
    /// The server or rtkn refuses the content
    Invalid,
    /// A run failed
    RunFailed,
    /// Ctrl-C
    Interrupted,
    /// The reader closed the pipe
    ClosedPipe,
    /// Anything else: the disk, the network in the middle of an answer, …
    Other,
}

/// A failure with its causes and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// What kind it is
    pub kind: Kind,
    /// What happened, to what
    pub message: String,
    /// What to do next, a sentence each
    pub hints: Vec<String>,
    /// The message as tkn has it, which its scripts may compare; the same as `message` where there is none
    pub as_tkn: Option<String>,
    /// The status, where the kind does not tell it
    pub exit: Option<Exit>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), as_tkn: None, exit: None }
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Content that is refused.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Something that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Anything else.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Kind::Other, message)
    }

    /// An error of the file system on a path.
    pub fn file(path: &std::path::Path, error: &io::Error) -> Self {
        Self::other(format!("{}: {}", path.display(), describe_io(error)))
    }

    /// The same with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with something said before the message: `failed to list Tasks: …`.
    #[must_use]
    pub fn context(mut self, before: impl std::fmt::Display) -> Self {
        self.message = format!("{before}: {}", self.message);
        self.as_tkn = self.as_tkn.map(|message| format!("{before}: {message}"));
        self
    }

    /// The same, with the message that tkn has for it.
    #[must_use]
    pub fn in_words_of_tkn(mut self, message: impl Into<String>) -> Self {
        self.as_tkn = Some(message.into());
        self
    }

    /// The exit status.
    pub fn exit(&self) -> Exit {
        self.exit.unwrap_or(match self.kind {
            Kind::ClosedPipe => Exit::Done,
            Kind::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        })
    }

    /// The text for standard error; empty where nothing is to be said.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.message.is_empty() {
            return text;
        }
        let _ = writeln!(text, "Error: {}", self.message);
        for hint in &self.hints {
            let _ = writeln!(text, "Hint: {hint}");
        }
        text
    }

    /// The same in tkn's place: what tkn says and no more, since scripts compare it.
    pub fn text_as_tkn(&self) -> String {
        match self.as_tkn.as_ref().unwrap_or(&self.message) {
            said if said.is_empty() => String::new(),
            said => format!("Error: {said}\n"),
        }
    }
}

/// An IO error in words for a person, without the number in brackets.
fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::ClosedPipe, ""),
            io::ErrorKind::Interrupted => Self::new(Kind::Interrupted, ""),
            _ => Self::other(describe_io(&error)),
        }
    }
}

impl From<PromptError> for Failure {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::Interrupted => Self::new(Kind::Interrupted, ""),
            // tkn says EOF and no more; what is needed is said in its place, too, where hints are left out.
            PromptError::NoTerminal { needed } => Self::usage("standard input is no terminal, so nothing can be asked")
                .in_words_of_tkn(format!("standard input is no terminal, so nothing can be asked: give {needed}"))
                .hint(format!("give {needed}")),
            PromptError::Ended { needed } => Self::usage("standard input ended without an answer")
                .in_words_of_tkn(format!("standard input ended without an answer: give {needed}"))
                .hint(format!("give {needed}")),
            PromptError::Io(error) => error.into(),
        }
    }
}

impl From<kubeconfig::Error> for Failure {
    fn from(error: kubeconfig::Error) -> Self {
        let mut failure = Self::new(Kind::Config, error.to_string());
        if let Some(said) = said_by_tkn(&error) {
            failure.as_tkn = Some(format!("Couldn't get kubeConfiguration namespace: {said}"));
        }
        match &error {
            kubeconfig::Error::Read { path, source } => {
                failure.message = format!("kubeconfig {}: {}", path.display(), describe_io(source));
            }
            kubeconfig::Error::None | kubeconfig::Error::Absent(_) | kubeconfig::Error::NoContext => failure.kind = Kind::Unconfigured,
            _ => {}
        }
        match &error {
            kubeconfig::Error::None | kubeconfig::Error::Absent(_) => {
                failure.hints.push("name one with --kubeconfig or KUBECONFIG, or keep it as ~/.kube/config".into());
                failure.hints.push("no cluster at hand? add --sandbox: it runs the same pipelines on this machine".into());
            }
            kubeconfig::Error::Context { known, near, .. } => {
                if let Some(near) = near {
                    failure.hints.push(format!("did you mean {near}?"));
                }
                if !known.is_empty() {
                    failure.hints.push(format!("the contexts are: {}", known.join(", ")));
                }
            }
            _ => {}
        }
        failure
    }
}

/// How tkn, whose library reads kubeconfigs, words an error about one.
fn said_by_tkn(error: &kubeconfig::Error) -> Option<String> {
    match error {
        kubeconfig::Error::None | kubeconfig::Error::Absent(_) | kubeconfig::Error::NoContext => {
            Some("invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable".to_owned())
        }
        kubeconfig::Error::Read { path, source } => Some(format!("stat {}: {}", path.display(), describe_io(source).to_lowercase())),
        // The reason is told with its place, as this program's reader has it.
        kubeconfig::Error::Parse { path, reason } => {
            Some(format!("error loading config file {:?}: yaml: {reason}", path.display().to_string()))
        }
        kubeconfig::Error::Context { name, .. } => {
            Some(format!("invalid configuration: [context was not found for specified context: {name}, cluster has no server defined]"))
        }
        _ => None,
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let message = error.to_string();
        let as_tkn = error.said_by_tkn();
        let failure = Self::of_client(error, message);
        Self { as_tkn, ..failure }
    }
}

impl Failure {
    fn of_client(error: client::Error, message: String) -> Self {
        match error {
            client::Error::Unreachable { .. } => Self::new(Kind::Unreachable, message)
                .hint("is the server running, and is the context right? `--context` chooses another; `--sandbox` needs no cluster"),
            client::Error::Status { ref status, ref asked } => of_status(status, asked, message),
            client::Error::NoTekton { .. } => {
                Self::new(Kind::NotFound, message).hint("install Tekton into the cluster, or use --sandbox, which needs none")
            }
            client::Error::Name { .. } => Self::usage(message),
            client::Error::Undecodable { .. } | client::Error::Transport { .. } | client::Error::Page { .. } => Self::other(message),
        }
    }
}

impl From<bundle::Error> for Failure {
    fn from(error: bundle::Error) -> Self {
        let (message, as_tkn) = (error.to_string(), error.said_by_tkn());
        let failure = match error {
            bundle::Error::Web(error) => return error.into(),
            bundle::Error::Reference { .. } => {
                Self::usage(message).hint("an image's name is [REGISTRY/]REPOSITORY[:TAG], or with @sha256:DIGEST in place of the tag")
            }
            bundle::Error::Refused { status: 401 | 403, credentials, .. } => {
                let failure = Self::new(Kind::Denied, message);
                let failure = credentials
                    .into_iter()
                    .fold(failure, |failure, wrong| failure.hint(format!("of the credentials kept for it: {wrong}")));
                failure.hint("log in with `docker login` or `podman login`, or give --remote-username and --remote-password")
            }
            bundle::Error::Refused { status: 404, .. } | bundle::Error::Absent { .. } => Self::not_found(message),
            bundle::Error::Refused { .. } => Self::other(message),
            bundle::Error::Unreadable { .. } => Self::invalid(message),
        };
        Self { as_tkn, ..failure }
    }
}

/// The way out of a sandbox whose store cannot be read.
pub fn begin_anew(program: &str) -> String {
    format!("to begin anew, without what was in it: {program} sandbox reset")
}

impl Failure {
    /// A sandbox that cannot be opened. Where it cannot be read, the program's own command is the way out.
    pub fn unopened(error: SandboxError, program: &str) -> Self {
        let unreadable = matches!(&error, SandboxError::Store(error) if error.is_unreadable());
        let mut failure = Self::from(error);
        if unreadable {
            failure.message = format!("{}; {}", failure.message, begin_anew(program));
        }
        failure
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let words = cause.downcast_ref::<io::Error>().map_or_else(|| cause.to_string(), describe_io);
            message = format!("{message}: {words}");
            source = cause.source();
        }
        Self::other(message)
    }
}

impl From<logs::Error> for Failure {
    fn from(error: logs::Error) -> Self {
        match error {
            logs::Error::Client(error) => error.into(),
            logs::Error::Odd(odd) => Self::invalid(odd.to_string()),
            logs::Error::Io(error) => error.into(),
            none @ logs::Error::NoRuns => Self::not_found(none.to_string()),
        }
    }
}

/// What a 403 says that is admission's and no missing right: a quota, a webhook, a policy.
const OF_ADMISSION: [&str; 5] = ["exceeded quota", "failed quota", "denied the request", "violates PodSecurity", "is being terminated"];

fn of_status(status: &kube::core::Status, asked: &client::Asked, message: String) -> Failure {
    match status.code {
        401 => Failure::new(Kind::Denied, "the server does not know who you are (401 Unauthorized)")
            .hint("the credentials of this context are missing or have expired: log in again"),
        403 if OF_ADMISSION.iter().any(|words| message.contains(words)) => Failure::new(Kind::Denied, message),
        403 => {
            let hint = format!("somebody with the right to do so can grant it: {}", asked.grant());
            Failure::new(Kind::Denied, message).hint(hint)
        }
        404 => Failure::new(Kind::NotFound, message),
        409 => Failure::new(Kind::Conflict, message),
        400 | 422 => Failure::new(Kind::Invalid, message),
        _ => Failure::other(message),
    }
}
