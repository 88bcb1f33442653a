//! An API server with runs, pods and logs that a test writes down, such as no sandbox makes: matrix, retries, children
//! of every kind, pods that are gone.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::fake::{Answer, FakeServer, Request};

/// What the server has.
#[derive(Clone, Default)]
pub struct Objects {
    /// Objects by the path segment of their kind
    objects: HashMap<&'static str, Vec<Value>>,
    /// Logs by pod and container, as they are stored: a stamp before each line
    logs: HashMap<(String, String), String>,
}

/// `[{"type": "Succeeded", …}]`
pub fn stands(status: &str, message: &str) -> Value {
    json!([{"type": "Succeeded", "status": status, "reason": if status == "True" { "Succeeded" } else { "Failed" }, "message": message}])
}

impl Objects {
    /// Adds an object of a kind.
    pub fn with(mut self, kind: &'static str, object: Value) -> Self {
        self.objects.entry(kind).or_default().push(object);
        self
    }

    /// Adds a PipelineRun with its children: kind, name and task of each.
    pub fn run(self, name: &str, status: Value, children: &[(&str, &str, &str)], spec: Value) -> Self {
        let references: Vec<Value> =
            children.iter().map(|(kind, name, task)| json!({"kind": kind, "name": name, "pipelineTaskName": task})).collect();
        let mut whole = json!({"startTime": "2026-01-02T03:04:00Z", "conditions": status, "childReferences": references});
        if !spec.is_null() {
            whole["pipelineSpec"] = spec;
        }
        let labels = json!({"team": "x"});
        self.with("pipelineruns", json!({"metadata": {"name": name, "namespace": "work", "uid": name, "labels": labels}, "status": whole}))
    }

    /// Adds a TaskRun of a PipelineRun that has ended, with pods of its attempts.
    pub fn task(self, of: &str, name: &str, status: &str, pods: &[&str], more: &Value) -> Self {
        let (last, earlier) = pods.split_last().unwrap_or((&"", &[]));
        let retries: Vec<Value> = earlier.iter().map(|pod| json!({"podName": pod})).collect();
        let mut task = json!({
            "metadata": {"name": name, "namespace": "work", "uid": name, "labels": {"tekton.dev/pipelineRun": of}},
            "spec": {},
            "status": {
                "conditions": stands(status, "for a reason"), "startTime": "2026-01-02T03:04:01Z",
                "completionTime": "2026-01-02T03:04:30Z", "podName": last, "retriesStatus": retries,
            },
        });
        for (part, fields) in more.as_object().into_iter().flatten() {
            for (field, value) in fields.as_object().into_iter().flatten() {
                task[part][field] = value.clone();
            }
        }
        self.with("taskruns", task)
    }

    /// Adds a pod with containers that have ended: name, exit status, log.
    pub fn pod(mut self, of: &str, name: &str, containers: &[(&str, i32, &str)]) -> Self {
        let specs: Vec<Value> = containers.iter().map(|(name, ..)| json!({"name": name})).collect();
        let statuses: Vec<Value> = containers
            .iter()
            .map(|(name, code, _)| {
                let reason = if *code == 0 { "Completed" } else { "Error" };
                json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": reason}}})
            })
            .collect();
        for (container, _, log) in containers {
            self.logs.insert((name.to_owned(), (*container).to_owned()), (*log).to_owned());
        }
        self.with(
            "pods",
            json!({
                "metadata": {"name": name, "namespace": "work", "labels": {"tekton.dev/pipelineRun": of}},
                "spec": {"containers": specs}, "status": {"phase": "Succeeded", "containerStatuses": statuses},
            }),
        )
    }

    /// Serves them.
    pub fn serve(self) -> FakeServer {
        FakeServer::start(move |request, _| self.answer(request))
    }

    fn answer(&self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let query: HashMap<&str, String> = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k, plain(v))).collect();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let at = segments.iter().position(|s| *s == "namespaces").expect("a namespaced request");
        let nothing = Vec::new();
        let all = self.objects.get(segments[at + 2]).unwrap_or(&nothing);
        match segments[at + 2..] {
            [_, name, "log"] => self.log(name, &query),
            [_, name] => all
                .iter()
                .find(|object| object["metadata"]["name"] == *name)
                .map_or_else(|| Answer::failure(404, "NotFound", &format!("{} {name:?} not found", segments[at + 2])), Answer::json),
            _ => {
                let selector = query.get("labelSelector").map_or("", String::as_str);
                let items: Vec<&Value> = all.iter().filter(|object| selects(selector, &object["metadata"]["labels"])).collect();
                Answer::json(&json!({"metadata": {"resourceVersion": "1"}, "items": items}))
            }
        }
    }

    fn log(&self, pod: &str, query: &HashMap<&str, String>) -> Answer {
        let Some(log) = self.logs.get(&(pod.to_owned(), query["container"].clone())) else {
            return Answer::failure(400, "BadRequest", "container is not valid for pod");
        };
        let since = query.get("sinceTime").map_or("", String::as_str);
        let lines: Vec<&str> = log.split_inclusive('\n').filter(|line| since.is_empty() || *line >= &since[..19]).collect();
        let tail = query.get("tailLines").and_then(|tail| tail.parse().ok()).unwrap_or(lines.len());
        let stamps = query.get("timestamps").is_some_and(|stamps| stamps == "true");
        // A line that the server itself puts into a log has no time to take off.
        let shown = |line: &&str| {
            if stamps || !line.starts_with("20") { (*line).to_owned() } else { line.split_once(' ').expect("a stamp").1.to_owned() }
        };
        Answer::text(&lines[lines.len().saturating_sub(tail)..].iter().map(shown).collect::<String>())
    }
}

/// Percent-decodes a part of a query.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hex digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("text")
}

/// `key=value` and `key in (a,b)`, joined by commas that stand outside of brackets.
fn selects(selector: &str, labels: &Value) -> bool {
    if let Some((key, values)) = selector.split_once(" in ") {
        return values.trim_matches(['(', ')']).split(',').any(|value| labels[key] == value);
    }
    selector.split(',').filter_map(|pair| pair.split_once('=')).all(|(key, value)| labels[key] == value)
}
