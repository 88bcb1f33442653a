//! The sandbox as a whole: its store, API server, engine and listeners, in this process alone or on a port of this
//! machine for others.

mod error;
mod running;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt;
use http::Method;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::sandbox::api::Api;
use crate::sandbox::engine::Left;
use crate::sandbox::logs::LogDir;
use crate::sandbox::process::ProcessExecutor;
use crate::sandbox::store::{Store, StoreError};
use crate::sandbox::{engine, listeners, store};

pub use error::SandboxError;
pub use running::{CONTEXT, Running, kubeconfig_file};

/// How long the engine may take to end the steps that run.
const ENDING: Duration = Duration::from_secs(15);

/// Where the demo of a sandbox keeps its files, in the sandbox's directory.
pub const DEMO: &str = "demo";

/// What a started sandbox says, in its directory.
pub const LOG: &str = "serve.log";

/// What a sandbox keeps in its directory; `reset` removes these and nothing else. The store is the last one, so that a
/// reset that was interrupted can be repeated.
pub const CONTENT: &[&str] =
    &["logs", "attempts", "volumes", DEMO, LOG, "holder.json", "server.json", "server.new", "kubeconfig", "kubeconfig.new", store::FILE];

/// A sandbox that is open in this process; clones share it.
#[derive(Clone)]
pub struct Sandbox {
    dir: PathBuf,
    api: Api,
    workers: Arc<Workers>,
}

/// Engine and listeners, which begin with the first request that could need them: who only looks at the sandbox does
/// not set an interrupted run going again.
struct Workers {
    dir: PathBuf,
    store: Store,
    logs: LogDir,
    left: Left,
    stop: watch::Sender<bool>,
    started: AtomicBool,
    /// Why the engine has ended, when it did so by itself
    failure: watch::Sender<Option<Arc<StoreError>>>,
    /// Names of the TaskRuns whose steps were ended with it
    interrupted: Mutex<Vec<String>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Sandbox {
    /// `$RTKN_SANDBOX_DIR`, or `rtkn/sandbox` where the user's programs keep their data.
    pub fn default_dir() -> Result<PathBuf, SandboxError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(dir) = set("RTKN_SANDBOX_DIR") {
            return std::path::absolute(&dir).map_err(|source| SandboxError::File { path: dir, source });
        }
        let data = set("XDG_DATA_HOME").filter(|dir| dir.is_absolute());
        let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share"))).ok_or(SandboxError::NoHome)?;
        Ok(data.join("rtkn/sandbox"))
    }

    /// Opens the sandbox in a directory, and makes it when it is not there.
    pub fn open(dir: &Path) -> Result<Sandbox, SandboxError> {
        let logs = LogDir::new(dir);
        let store = settled(dir, &logs)?;
        let left = Left::alone(&store)?;
        let api = Api::new(store.clone(), logs.clone())?.with_left(left.clone());
        let workers = Workers {
            dir: dir.to_owned(),
            store,
            logs,
            left,
            stop: watch::Sender::new(false),
            started: AtomicBool::new(false),
            failure: watch::Sender::new(None),
            interrupted: Mutex::default(),
            tasks: Mutex::default(),
        };
        Ok(Sandbox { dir: dir.to_owned(), api, workers: Arc::new(workers) })
    }

    /// The API as a service for a client in this process. Engine and listeners begin with the first write or watch.
    pub fn client_service(&self) -> Router {
        let workers = self.workers.clone();
        self.api.router().layer(middleware::from_fn_with_state(workers, wake))
    }

    /// Starts engine and listeners in the present runtime, if they do not run yet. Runs of an earlier process are left alone
    /// until somebody asks for one.
    pub fn work(&self) {
        self.workers.start();
    }

    /// The same, and takes up what an earlier process left under way.
    pub fn work_on_all(&self) {
        self.workers.left.take_up_all();
        self.workers.start();
    }

    /// Listens on a port of this machine: on `port`, or on that of the last time, or on any that is free. Writes what
    /// others need to find it.
    pub async fn listen(&self, port: Option<u16>) -> Result<Running, SandboxError> {
        let listener = bind(port, Running::last_port(&self.dir)).await?;
        let address = listener.local_addr().map_err(|source| SandboxError::Listen { port: port.unwrap_or(0), source })?;
        let running = Running::new(address);
        let router = self.api.with_token(&running.token).router();
        // Answers and watch events are small; none shall wait for more to send.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let mut stop = self.workers.stop.subscribe();
        let serving = tokio::spawn(async move {
            tokio::select! {
                // Serving ends with the process; single connections that fail are theirs to retry.
                _ = axum::serve(listener, router).into_future() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        self.workers.keep(serving);
        running.write(&self.dir)?;
        Ok(running)
    }

    /// Waits until the engine fails, which it does when its store does; nothing runs any more then.
    pub async fn failed(&self) -> SandboxError {
        let mut failure = self.workers.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        match failed.as_deref() {
            Ok(Some(error)) => SandboxError::Engine(error.clone()),
            // The sender is this sandbox's own and outlives the wait.
            _ => std::future::pending().await,
        }
    }

    /// Ends steps, engine and listeners, and brings everything to disk. Gives the names of the TaskRuns that fail by that.
    pub async fn shutdown(&self) -> Result<Vec<String>, SandboxError> {
        self.workers.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.workers.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // What does not end in time ends with the process.
        let _ = tokio::time::timeout(ENDING, futures::future::join_all(tasks)).await;
        self.workers.store.flush().map_err(SandboxError::Unkept)?;
        Ok(std::mem::take(&mut *self.workers.interrupted.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Workers {
    fn start(self: &Arc<Self>) {
        if *self.stop.borrow() || self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let executor = Arc::new(ProcessExecutor::new(&self.dir, self.logs.clone()));
        // Both write many small changes that they would make again after a crash.
        let lazy = self.store.lazy();
        let engine = engine::run(lazy.clone(), self.logs.clone(), executor, self.left.clone(), self.stop.subscribe());
        let workers = self.clone();
        self.keep(tokio::spawn(async move {
            match engine.await {
                Ok(interrupted) => workers.interrupted.lock().unwrap_or_else(PoisonError::into_inner).extend(interrupted),
                Err(error) => drop(workers.failure.send_replace(Some(Arc::new(error)))),
            }
        }));
        self.keep(tokio::spawn(listeners::run(lazy, self.logs.clone(), self.stop.subscribe())));
    }

    fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

/// The store, in which no run is said to be at work any more that an earlier process ran.
fn settled(dir: &Path, logs: &LogDir) -> Result<Store, StoreError> {
    let store = Store::open(dir)?;
    if engine::settle(&store, logs.clone()).is_ok() {
        return Ok(store);
    }
    // A disk that is full keeps nobody from looking at what is on it.
    drop(store);
    Store::open(dir)
}

/// Starts the workers for a request that changes something or waits for changes.
async fn wake(State(workers): State<Arc<Workers>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let waits = query.split('&').any(|part| ["watch=true", "watch=1", "follow=true", "follow=1"].contains(&part));
    let asks = request.uri().path().starts_with("/apis/authorization.k8s.io/");
    if (request.method() != Method::GET && !asks) || waits {
        workers.start();
    }
    next.run(request).await
}

async fn bind(port: Option<u16>, last: Option<u16>) -> Result<TcpListener, SandboxError> {
    let on = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let failed = |port: u16, source| SandboxError::Listen { port, source };
    if let Some(port) = port {
        return on(port).await.map_err(|source| failed(port, source));
    }
    if let Some(last) = last {
        match on(last).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            bound => return bound.map_err(|source| failed(last, source)),
        }
    }
    on(0).await.map_err(|source| failed(0, source))
}

#[cfg(test)]
mod tests;
