//! An API server that answers from a recorded file: objects, logs, and what the user is not allowed to read.

use std::convert::Infallible;

use base64::Engine as _;
use http::{Method, Request, Response};
use rtkn::client::Cluster;
use rtkn::kinds::{self, Kind};
use serde_json::{Value, json};

/// What was recorded of one case. Private keys were not: one of this program stands for them.
pub struct Recording {
    /// Kind, namespace and name of the object that the case is about
    pub about: [String; 3],
    objects: Vec<Value>,
    logs: Value,
    denied: Vec<String>,
    allowed: bool,
}

impl Recording {
    pub fn read(text: &str) -> Self {
        let mut recorded: Value = serde_json::from_str(text).expect("a recording is JSON");
        let take = |recorded: &mut Value, field: &str| recorded.get_mut(field).map(Value::take).unwrap_or_default();
        let mut objects: Vec<Value> = serde_json::from_value(take(&mut recorded, "objects")).expect("objects are a list");
        for key in objects.iter_mut().filter_map(|o| o.pointer_mut("/data/ssh-privatekey")) {
            *key = json!(base64::engine::general_purpose::STANDARD.encode(private_key()));
        }
        Self {
            about: serde_json::from_value(take(&mut recorded, "about")).expect("kind, namespace and name"),
            objects,
            logs: take(&mut recorded, "logs"),
            denied: serde_json::from_value(recorded.get("denied").cloned().unwrap_or(json!([]))).expect("plurals"),
            allowed: recorded.get("allowed").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// A client of it.
    pub fn cluster(self) -> Cluster {
        let namespace = self.about[1].clone();
        let this = std::sync::Arc::new(self);
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let answer = this.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        Cluster::over(kube::Client::new(service, namespace.clone()), "http://recorded", namespace)
    }

    fn answer(&self, request: &Request<kube::client::Body>) -> Response<kube::client::Body> {
        let segments: Vec<&str> = request.uri().path().split('/').filter(|s| !s.is_empty()).collect();
        let (group, rest) = match segments.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return status(404, "no such path", ""),
        };
        let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { rest };
        let Some(kind) = rest.first().and_then(|plural| kinds::of_resource(group, plural)) else { return status(404, "no such kind", "") };
        if self.denied.iter().any(|d| d == kind.plural) {
            return status(403, &format!("{} is forbidden", kind.resource()), "");
        }
        if request.method() == Method::POST {
            return answer(200, &json!({"status": {"allowed": self.allowed}}).to_string());
        }
        let query = request.uri().query().unwrap_or_default();
        match rest {
            [_, pod, "log"] => self.log(pod, query),
            [_, name] => match self.of(kind).find(|o| o["metadata"]["name"] == **name) {
                Some(object) => answer(200, &object.to_string()),
                None => status(404, &format!("{} \"{name}\" not found", kind.resource()), name),
            },
            _ => {
                let items: Vec<&Value> = self.of(kind).filter(|o| selected(o, &parameter(query, "labelSelector"))).collect();
                answer(200, &json!({"kind": "List", "metadata": {}, "items": items}).to_string())
            }
        }
    }

    fn of(&self, kind: &'static Kind) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |o| o["kind"] == kind.kind)
    }

    fn log(&self, pod: &str, query: &str) -> Response<kube::client::Body> {
        let previous = if query.contains("previous=true") { "/previous" } else { "" };
        let key = format!("{pod}/{}{previous}", parameter(query, "container"));
        match self.logs.get(&key).and_then(Value::as_str) {
            Some(text) => answer(200, text),
            None => status(400, &format!("container of {key} is waiting to start"), pod),
        }
    }
}

fn private_key() -> String {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    let key = ssh_key::PrivateKey::new(pair.into(), "me@example.org").expect("a key of that pair");
    key.to_openssh(ssh_key::LineEnding::LF).expect("an OpenSSH key").to_string()
}

fn parameter(query: &str, name: &str) -> String {
    let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_default().replace("%2F", "/").replace("%3D", "=").replace("%21", "!")
}

/// Label selectors as `diagnose` writes them: `key=value`, `!key`, or nothing.
fn selected(object: &Value, selector: &str) -> bool {
    let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
    match (selector.strip_prefix('!'), selector.split_once('=')) {
        (Some(key), _) => label(key).is_none(),
        (None, Some((key, value))) => label(key) == Some(value),
        (None, None) => true,
    }
}

fn status(code: u16, message: &str, name: &str) -> Response<kube::client::Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code, "reason": "", "details": {"name": name}});
    answer(code, &status.to_string())
}

fn answer(code: u16, body: &str) -> Response<kube::client::Body> {
    let body = kube::client::Body::from(body.as_bytes().to_vec());
    Response::builder().status(code).body(body).expect("a plain response")
}
