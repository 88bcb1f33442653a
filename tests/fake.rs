//! An API server that misbehaves on purpose. Where a server behaves, the tests use the sandbox; this one gives the
//! answers that the sandbox never gives: refusals of a user, no Tekton, broken objects, overload.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::world::World;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// Path and query
    pub target: String,
    /// Names in small letters
    pub headers: Vec<(String, String)>,
    /// What came with it
    pub body: String,
}

impl Request {
    /// A header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// What the server answers.
pub struct Answer {
    status: u16,
    media: &'static str,
    /// More of the head, a line each
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// An object.
    pub fn json(object: &Value) -> Self {
        Self { body: object.to_string().into_bytes(), media: "application/json", ..Self::bytes(&[]) }
    }

    /// A `Status` of failure, as the API server words it.
    pub fn failure(code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        Self { status: code, ..Self::json(&status) }
    }

    /// What a real API server answers for a group that no CRD defines: plain text, no `Status`.
    pub fn no_such_path() -> Self {
        Self::no_status(404, "404 page not found\n")
    }

    /// A failure in words of a proxy or a load balancer: no `Status`.
    pub fn no_status(code: u16, body: &str) -> Self {
        Self { status: code, media: "text/plain; charset=utf-8", ..Self::bytes(body.as_bytes()) }
    }

    /// Something that is no JSON, with status 200.
    pub fn text(text: &str) -> Self {
        Self { media: "text/html", ..Self::bytes(text.as_bytes()) }
    }

    /// A file, with status 200.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self { status: 200, media: "application/octet-stream", headers: Vec::new(), body: bytes.to_owned() }
    }

    /// The same with one more line in its head.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The way to another place.
    pub fn moved(place: &str) -> Self {
        Self { status: 302, ..Self::bytes(&[]) }.header("Location", place)
    }

    /// The same with `Retry-After: SECONDS`.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", seconds.to_string())
    }
}

type Answering = dyn Fn(&Request, usize) -> Answer + Send + Sync;

/// A running server on loopback; it ends with the value.
pub struct FakeServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
}

impl FakeServer {
    /// Starts it. `answer` is given each request and how many requests came before it.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let server = Self { address, asked: Arc::default(), ended: Arc::default() };
        let (asked, ended) = (server.asked.clone(), server.ended.clone());
        let answer: Arc<Answering> = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (asked, answer) = (asked.clone(), answer.clone());
                // A client that went away in the middle of its request gets no answer.
                std::thread::spawn(move || drop(serve(stream, &asked, answer.as_ref())));
            }
        });
        server
    }

    /// A world whose kubeconfig names this server.
    pub fn world(&self) -> World {
        let world = World::empty();
        let kubeconfig = kubeconfig(&self.url(), &json!({}));
        world.write("home/.kube/config", &kubeconfig);
        world
    }

    /// `http://ADDRESS:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no request panics").clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection; if nothing listens any more, it has ended.
        let _ = TcpStream::connect(self.address);
    }
}

/// A kubeconfig with one context `fake` in namespace `work`, and this user.
pub fn kubeconfig(server: &str, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": server}}],
        "users": [{"name": "fake", "user": user}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake", "namespace": "work"}}],
    });
    config.to_string()
}

/// A list of PipelineRuns.
pub fn pipeline_runs(items: &Value) -> Answer {
    Answer::json(&json!({"apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": {}, "items": items}))
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<Request>>, answer: &Answering) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, target, headers, body: String::new() };
    let length: u64 = request.header("content-length").parse().unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    let before = {
        let mut asked = asked.lock().expect("no request panics");
        asked.push(request.clone());
        asked.len() - 1
    };
    let answer = answer(&request, before);
    let more: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {} Answer\r\nContent-Type: {}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
        answer.status,
        answer.media,
        answer.body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&answer.body)
}
