//! A started sandbox as others see it: the file that says where it is, whether it still answers, and the kubeconfig
//! for it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::SandboxError;

/// The context of a started sandbox in its kubeconfig.
pub const CONTEXT: &str = "rtkn-sandbox";

/// How long a sandbox on this machine may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(2);

/// How often whoever uses a started sandbox looks whether its process is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long another may take to be started in its place.
const RESTART: Duration = Duration::from_secs(5);

/// Where a started sandbox is. Whoever can read this can use the sandbox, so only its owner can.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Running {
    /// The process that serves it
    pub pid: i32,
    /// `127.0.0.1:PORT`
    pub address: SocketAddr,
    /// What a request must bring
    pub token: String,
    /// Since when
    pub started: Timestamp,
}

impl Running {
    /// This process, at an address, with a new token.
    pub(super) fn new(address: SocketAddr) -> Running {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        Running { pid, address, token, started: Timestamp::now() }
    }

    /// The started sandbox of a directory, if it answers.
    pub async fn find(dir: &Path) -> Option<Running> {
        let running = Self::read(dir)?;
        running.is_alive().then_some(())?;
        let client = running.client("default").ok()?;
        tokio::time::timeout(ANSWER, client.apiserver_version()).await.ok()?.ok()?;
        Some(running)
    }

    /// Whether its process is there.
    pub fn is_alive(&self) -> bool {
        self.pid > 0 && signal::kill(Pid::from_raw(self.pid), None).is_ok()
    }

    /// Waits until it is gone for good: its process has ended, and none has taken its place for a while. One that does has
    /// its port, so that whoever follows something goes on.
    pub async fn gone(self, dir: &Path) {
        let mut running = self;
        loop {
            while running.is_alive() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            tokio::time::sleep(RESTART).await;
            match Self::find(dir).await {
                Some(another) => running = another,
                None => return,
            }
        }
    }

    /// A client that speaks to it.
    pub fn client(&self, namespace: &str) -> Result<kube::Client, SandboxError> {
        let url = self.url().parse().expect("an address and a token make a URL");
        let mut config = kube::Config::new(url);
        config.default_namespace = namespace.to_owned();
        config.connect_timeout = Some(ANSWER);
        // A watch or a followed log is silent for as long as nothing happens.
        config.read_timeout = None;
        kube::Client::try_from(config).map_err(SandboxError::Client)
    }

    /// The server as a kubeconfig names it, token included.
    pub fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.token)
    }

    /// The port of the last time, so that addresses in other windows stay true.
    pub(super) fn last_port(dir: &Path) -> Option<u16> {
        Self::read(dir).map(|running| running.address.port())
    }

    fn read(dir: &Path) -> Option<Running> {
        serde_json::from_slice(&fs::read(server_file(dir)).ok()?).ok()
    }

    /// Writes the file that says where it is, and its kubeconfig.
    pub(super) fn write(&self, dir: &Path) -> Result<(), SandboxError> {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": {"server": self.url()}}],
            "users": [{"name": CONTEXT, "user": {}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"}}],
        });
        // JSON is YAML.
        replace(&[(kubeconfig_file(dir), format!("{kubeconfig:#}\n")), (server_file(dir), json!(self).to_string())])
    }
}

/// The kubeconfig of a directory's sandbox.
pub fn kubeconfig_file(dir: &Path) -> PathBuf {
    dir.join("kubeconfig")
}

fn server_file(dir: &Path) -> PathBuf {
    dir.join("server.json")
}

/// Writes private files as a whole: a reader sees the old or the new content. All of them are written before the first
/// takes its place, so that a full disk leaves them as they were.
fn replace(files: &[(PathBuf, String)]) -> Result<(), SandboxError> {
    let written = files.iter().try_for_each(|(path, content)| {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(new(path));
        file.and_then(|mut file| file.write_all(content.as_bytes())).map_err(failed(path))
    });
    if written.is_err() {
        for (path, _) in files {
            // One that was not begun is not there.
            let _ = fs::remove_file(new(path));
        }
    }
    written?;
    files.iter().try_for_each(|(path, _)| fs::rename(new(path), path).map_err(failed(path)))
}

fn new(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::File { path, source }
}
