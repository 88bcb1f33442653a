//! A proxy between a client and an API server that does to requests what a plan says, and counts them. The client
//! speaks plain HTTP to it; it speaks to the server as the server's kubeconfig says.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::plan::{Asked, Fault, Plan};

/// An answer's body.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Who answers.
pub trait Origin: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
}

impl Origin for kube::Client {
    fn answer(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            // The client on this side has its own.
            for name in ["host", "accept-encoding", "authorization", "connection"] {
                head.headers.remove(name);
            }
            let sent = client.send(Request::from_parts(head, kube::client::Body::from(body.to_vec()))).await;
            match sent {
                Ok(answer) => {
                    let (mut head, body) = answer.into_parts();
                    for name in ["connection", "transfer-encoding", "content-length"] {
                        head.headers.remove(name);
                    }
                    let body = body.into_data_stream().map(|part| part.map(Frame::data).map_err(io::Error::other));
                    Response::from_parts(head, BodyExt::boxed_unsync(StreamBody::new(body)))
                }
                Err(error) => status(502, &error.to_string(), None),
            }
        })
    }
}

/// The proxies of a test binary run on one thread.
pub fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}

/// A client of the server that a kubeconfig names.
#[allow(dead_code, reason = "the cluster's tier and the benches use it")]
pub fn client_of(kubeconfig: &std::path::Path) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions::default();
    runtime().block_on(async move {
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a kubeconfig that names a server");
        kube::Client::try_from(config).expect("a client of that server")
    })
}

struct State {
    origin: Arc<dyn Origin>,
    plan: Mutex<Plan>,
    told: Mutex<Vec<(String, Option<Fault>)>>,
    connections: Mutex<Vec<JoinHandle<()>>>,
}

/// A running proxy; it ends with the value.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts it on a free port of loopback.
    pub fn start(origin: Arc<dyn Origin>, plan: Plan) -> Self {
        let state = Arc::new(State { origin, plan: Mutex::new(plan), told: Mutex::default(), connections: Mutex::default() });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("a bound socket has an address");
        let accepting = runtime().spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, accepting }
    }

    /// `http://ADDRESS:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig whose one context names this proxy, without a user.
    pub fn kubeconfig(&self, namespace: &str) -> String {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.url()}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy", "namespace": namespace}}],
        });
        config.to_string()
    }

    /// The requests so far, and what was done to them.
    pub fn told(&self) -> Vec<(String, Option<Fault>)> {
        self.state.told.lock().expect("no request panics").clone()
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.state.connections.lock().expect("no request panics").drain(..).for_each(|c| c.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<State>) {
    let listener = TcpListener::from_std(listener).expect("a socket of this runtime");
    while let Ok((stream, _)) = listener.accept().await {
        // A line is to go on at once.
        stream.set_nodelay(true).expect("a TCP socket");
        let of_connection = Arc::clone(&state);
        let service = service_fn(move |request| serve(Arc::clone(&of_connection), request));
        // A connection that breaks is what this is for.
        let connection = tokio::spawn(async move {
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        let mut connections = state.connections.lock().expect("no request panics");
        connections.retain(|c| !c.is_finished());
        connections.push(connection);
    }
}

async fn serve(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let asked = asked(&head);
    let fault = state.plan.lock().expect("no request panics").next(asked, &format!("{} {asked:?}", head.uri.path()));
    state.told.lock().expect("no request panics").push((format!("{} {}", head.method, head.uri), fault.clone()));
    match fault {
        Some(Fault::Drop) => return Err(io::Error::other("the plan drops it")),
        Some(Fault::Status { code, retry_after }) => return Ok(status(code, "the plan says so", retry_after)),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let answer = state.origin.answer(Request::from_parts(head, body)).await;
    Ok(match fault {
        Some(Fault::Cut { after, clean }) => answer.map(|body| cut(body, after, clean)),
        Some(Fault::Expired { after }) => answer.map(|body| expired(body, after)),
        Some(Fault::Dribble(size)) => answer.map(|body| dribble(body, size)),
        _ => answer,
    })
}

fn asked(head: &http::request::Parts) -> Asked {
    let query = head.uri.query().unwrap_or_default();
    if head.method != http::Method::GET {
        Asked::Write
    } else if query.contains("watch=") {
        Asked::Watch
    } else if query.contains("follow=true") {
        Asked::FollowedLog
    } else {
        Asked::Read
    }
}

/// A `Status` of failure, as the API server words it.
pub fn status(code: u16, message: &str, retry_after: Option<u64>) -> Response<Body> {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        404 => "NotFound",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code,
    });
    let mut answer = whole(&status.to_string());
    *answer.status_mut() = StatusCode::from_u16(code).expect("a status of HTTP");
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert("Retry-After", seconds.into());
    }
    answer
}

/// An answer of JSON whose length is known.
pub fn whole(text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::builder().header("Content-Type", "application/json").body(body).expect("a fixed header")
}

/// An answer that comes in parts.
pub fn streamed(parts: impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(parts.map(|part| part.map(Frame::data))))
}

/// What is left of an answer that is to end early.
enum Rest {
    /// So many bytes or events of it
    Part(Pin<Box<dyn futures::Stream<Item = io::Result<Bytes>> + Send>>, usize),
    /// A broken connection
    Break,
    /// Nothing
    Nothing,
}

impl Rest {
    fn of(body: Body, after: usize) -> Self {
        Self::Part(Box::pin(body.into_data_stream().map_err(io::Error::other)), after)
    }
}

fn cut(body: Body, after: usize, clean: bool) -> Body {
    let end = move || if clean { Rest::Nothing } else { Rest::Break };
    streamed(stream::unfold(Rest::of(body, after), move |rest| async move {
        match rest {
            Rest::Part(_, 0) if clean => None,
            Rest::Part(_, 0) | Rest::Break => Some((Err(io::Error::other("the plan cuts it")), Rest::Nothing)),
            Rest::Part(mut parts, left) => match parts.next().await? {
                Ok(bytes) if bytes.len() >= left => Some((Ok(bytes.slice(..left)), end())),
                Ok(bytes) => {
                    let left = left - bytes.len();
                    Some((Ok(bytes), Rest::Part(parts, left)))
                }
                Err(error) => Some((Err(error), Rest::Nothing)),
            },
            Rest::Nothing => None,
        }
    }))
}

fn expired(body: Body, after: usize) -> Body {
    streamed(stream::unfold(Rest::of(body, after), |rest| async move {
        let Rest::Part(mut parts, left) = rest else { return None };
        if left == 0 {
            return Some((Ok(Bytes::from(error_event())), Rest::Nothing));
        }
        match parts.next().await? {
            Ok(bytes) => {
                let mut ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
                match ends.nth(left - 1) {
                    Some(end) => Some((Ok(bytes.slice(..end)), Rest::Part(parts, 0))),
                    None => {
                        let left = left - bytes.iter().filter(|b| **b == b'\n').count();
                        Some((Ok(bytes), Rest::Part(parts, left)))
                    }
                }
            }
            Err(error) => Some((Err(error), Rest::Nothing)),
        }
    }))
}

fn error_event() -> String {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410,
    });
    format!("{}\n", json!({"type": "ERROR", "object": status}))
}

fn dribble(body: Body, size: usize) -> Body {
    let parts = body.into_data_stream().flat_map(move |part| {
        let pieces: Vec<io::Result<Bytes>> = match part {
            // Long answers come at once after a while, so that a test ends.
            Ok(bytes) => {
                let begin = bytes.len().min(size * 20);
                let small = (0..begin).step_by(size).map(|at| Ok(bytes.slice(at..(at + size).min(begin))));
                small.chain((begin < bytes.len()).then(|| Ok(bytes.slice(begin..)))).collect()
            }
            Err(error) => vec![Err(error)],
        };
        stream::iter(pieces)
    });
    streamed(parts.then(|part| async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        part
    }))
}
