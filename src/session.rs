//! One invocation: the name it was called by, its terminal, and the cluster it speaks to, which is reached only when a
//! command needs it. The only place that knows both kubeconfig and sandbox.

use std::path::Path;

use crate::client::Cluster;
use crate::failure::Failure;
use crate::kubeconfig::{self, Wanted};
use crate::term::Term;

/// What every command is given.
pub struct Session {
    /// The name the program was called by, as a person types it: `rtkn`, `tkn`, `kubectl tkn`
    pub program: String,
    /// Streams and prompts
    pub term: Term,
    /// Which cluster and namespace the command line names
    pub wanted: Wanted,
    /// Whether the sandbox is meant
    pub sandbox: bool,
    cluster: Option<Cluster>,
}

impl Session {
    /// A session that has not reached for any cluster yet.
    pub fn new(program: String, term: Term, wanted: Wanted, sandbox: bool) -> Self {
        Self { program, term, wanted, sandbox, cluster: None }
    }

    /// The server: the one the kubeconfig names, or the sandbox.
    ///
    /// # Errors
    /// When no kubeconfig names one, or the sandbox cannot be opened.
    pub async fn cluster(&mut self) -> Result<Cluster, Failure> {
        if self.cluster.is_none() {
            self.cluster = Some(self.reach().await?);
        }
        Ok(self.cluster.clone().expect("it was set just now"))
    }

    async fn reach(&self) -> Result<Cluster, Failure> {
        let target = kubeconfig::target(&self.wanted).await?;
        Ok(Cluster::connect(target)?)
    }

    /// A command of this program as a person would type it here, for hints: with the sandbox, kubeconfig, context and
    /// namespace that this one was called with, unless the words name a namespace themselves.
    pub fn command(&self, words: &str) -> String {
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        let kubeconfig = self.wanted.file.as_deref().map(|f| format!(" --kubeconfig {}", f.display())).unwrap_or_default();
        let context = self.wanted.context.as_deref().map(|c| format!(" --context {c}")).unwrap_or_default();
        let namespace = self.wanted.namespace.as_deref().filter(|_| !words.contains(" -n "));
        let namespace = namespace.map(|n| format!(" -n {n}")).unwrap_or_default();
        format!("{}{sandbox}{kubeconfig}{context}{namespace} {words}", self.program)
    }
}

/// The name a person typed: a plugin of kubectl is called `kubectl-tkn` and typed `kubectl tkn`.
pub fn program_name(argv0: Option<&std::ffi::OsStr>) -> String {
    let name = argv0.and_then(|a| Path::new(a).file_name()).and_then(|n| n.to_str()).unwrap_or("rtkn");
    let name = name.strip_suffix(".exe").unwrap_or(name);
    match name.strip_prefix("kubectl-") {
        Some(plugin) => format!("kubectl {}", plugin.replace('_', "-")),
        None => name.to_owned(),
    }
}
