//! One invocation: the name it was called by, its terminal, and the cluster it speaks to, which is reached only when a
//! command needs it. The only place that knows both kubeconfig and sandbox.

mod effect;

use std::collections::HashSet;
use std::path::Path;

use tokio::sync::watch;

use crate::client::Cluster;
use crate::failure::{Failure, Kind};
use crate::kubeconfig::{self, Wanted};
use crate::sandbox::serve::{CONTEXT, Running, Sandbox, kubeconfig_file};
use crate::shell::quoted;
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
    /// The sandbox that is used, also for whoever waits for its end
    used: watch::Sender<Option<Used>>,
    /// Whether the person knows already that steps of the sandbox are no containers
    told: bool,
    /// The runs of which it was said what has no effect there
    told_of: HashSet<String>,
}

/// A sandbox in use.
#[derive(Clone)]
enum Used {
    /// This process holds it
    Held(Sandbox),
    /// Another process serves it
    Started(Running),
}

impl Session {
    /// A session that has not reached for any cluster yet.
    pub fn new(program: String, term: Term, wanted: Wanted, sandbox: bool) -> Self {
        Self { program, term, wanted, sandbox, cluster: None, used: watch::Sender::new(None), told: false, told_of: HashSet::new() }
    }

    /// The server: the one the kubeconfig names, or the sandbox.
    ///
    /// # Errors
    /// When no kubeconfig names one, or the sandbox cannot be opened.
    pub async fn cluster(&mut self) -> Result<Cluster, Failure> {
        if self.cluster.is_none() {
            let mut cluster = self.reach().await?;
            if self.stands_in_for_tkn() {
                // What it makes looks as if tkn had made it.
                cluster.manager = "tkn";
            }
            self.cluster = Some(cluster);
        }
        Ok(self.cluster.clone().expect("it was set just now"))
    }

    async fn reach(&mut self) -> Result<Cluster, Failure> {
        if self.sandbox {
            return self.reach_sandbox().await;
        }
        let target = kubeconfig::target(&self.wanted).await?;
        Ok(Cluster::connect(target)?)
    }

    /// The sandbox over its port while it is started; else its store is opened in this process.
    async fn reach_sandbox(&mut self) -> Result<Cluster, Failure> {
        let dir = Sandbox::default_dir()?;
        let namespace = self.wanted.namespace.clone().unwrap_or_else(|| "default".into());
        let (client, server) = match Running::find(&dir).await {
            Some(running) => {
                let (client, server) = (running.client(&namespace)?, format!("http://{}", running.address));
                self.used.send_replace(Some(Used::Started(running)));
                (client, server)
            }
            None => {
                let sandbox = Sandbox::open(&dir).map_err(|error| Failure::unopened(error, &self.program))?;
                let client = kube::Client::new(sandbox.client_service(), namespace.as_str());
                self.hold(&sandbox);
                (client, dir.display().to_string())
            }
        };
        let mut cluster = Cluster::over(client, &server, namespace);
        cluster.sandbox = true;
        Ok(cluster)
    }

    /// Whether runs end with this process, so that a command that starts one has to stay until it is over: the sandbox
    /// is meant and not started.
    pub fn stays(&self) -> bool {
        matches!(&*self.used.borrow(), Some(Used::Held(_)))
    }

    /// Sets engine and listeners of a sandbox going that this process holds; they begin with the first write otherwise.
    pub fn work(&self) {
        if let Some(Used::Held(sandbox)) = &*self.used.borrow() {
            sandbox.work();
        }
    }

    /// Lets go of a sandbox that this process holds: its steps are ended, which is said, and its store is closed.
    ///
    /// # Errors
    /// When the store cannot be written to the end.
    pub async fn end(&mut self) -> Result<(), Failure> {
        self.cluster = None;
        match self.used.send_replace(None) {
            Some(Used::Held(sandbox)) => {
                let ended = sandbox.shutdown().await?;
                if !ended.is_empty() {
                    let start = self.command("sandbox start");
                    self.term.say(format!("Ended with this command: TaskRun {} ({start} lets runs go on by themselves)", ended.join(", ")));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether it was called in tkn's place, by whose scripts its exit statuses are read then.
    pub fn stands_in_for_tkn(&self) -> bool {
        is_tkn(&self.program)
    }

    /// A command of this program as a person would type it here, for hints: with the sandbox, kubeconfig, context and
    /// namespace that this one was called with, unless the words name a namespace themselves.
    pub fn command(&self, words: &str) -> String {
        // Which sandbox is meant says its directory; it has no namespace, context or kubeconfig to choose.
        if words.starts_with("sandbox ") {
            return format!("{} {words}", self.program);
        }
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        let kubeconfig = self.wanted.file.as_deref().map(|f| format!(" --kubeconfig {}", quoted(&f.to_string_lossy()))).unwrap_or_default();
        let context = self.wanted.context.as_deref().map(|c| format!(" --context {}", quoted(c))).unwrap_or_default();
        let namespace = self.wanted.namespace.as_deref().filter(|_| !words.contains(" -n "));
        let namespace = namespace.map(|n| format!(" -n {n}")).unwrap_or_default();
        format!("{}{sandbox}{kubeconfig}{context}{namespace} {words}", self.program)
    }

    /// A command of kubectl as a person would type it, for the server that this one was called for. kubectl knows the
    /// sandbox by a kubeconfig of its own; without it the line would speak to the person's cluster.
    pub fn kubectl(&self, words: &str) -> String {
        let (file, context) = match Sandbox::default_dir() {
            Ok(dir) if self.sandbox => (Some(kubeconfig_file(&dir)), None),
            Err(_) if self.sandbox => (None, Some(CONTEXT)),
            _ => (self.wanted.file.clone(), self.wanted.context.as_deref()),
        };
        let file = file.map(|f| format!(" --kubeconfig {}", quoted(&f.to_string_lossy()))).unwrap_or_default();
        let context = context.map(|c| format!(" --context {}", quoted(c))).unwrap_or_default();
        // Its kubeconfig is there while it is started.
        let first = if self.stays() { format!("   # after: {} sandbox start", self.program) } else { String::new() };
        format!("kubectl{file}{context} {words}{first}")
    }

    /// Keeps a sandbox that this process serves, so that it is ended with the session, Ctrl-C included.
    pub fn hold(&mut self, sandbox: &Sandbox) {
        self.used.send_replace(Some(Used::Held(sandbox.clone())));
    }

    /// Waits until the sandbox that is used works no longer: the engine that this process holds fails, as on a full disk, or the
    /// process that serves it is gone. Whoever waits for a run would wait for ever then.
    pub fn sandbox_failure(&self) -> impl Future<Output = Failure> + use<> {
        let mut used = self.used.subscribe();
        let start = format!("{} sandbox start", self.program);
        async move {
            let used = used.wait_for(Option::is_some).await.ok().and_then(|used| used.clone());
            match (used, Sandbox::default_dir()) {
                (Some(Used::Held(sandbox)), _) => sandbox.failed().await.into(),
                (Some(Used::Started(running)), Ok(dir)) => {
                    let pid = running.pid;
                    running.gone(&dir).await;
                    Failure::new(Kind::Unreachable, format!("the sandbox (process {pid}) is not there any longer"))
                        .hint(format!("to start it: {start}"))
                }
                _ => std::future::pending().await,
            }
        }
    }
}

/// Whether a program of this name stands in tkn's place.
pub fn is_tkn(program: &str) -> bool {
    matches!(program, "tkn" | "kubectl tkn")
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
