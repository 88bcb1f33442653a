//! The whole way from a server's answers to events, over a server that breaks a stream off.

use std::io;
use std::sync::{Arc, Mutex};

use futures::stream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::client::Body;
use serde_json::{Value, json};

use super::{Policy, Subject, follow};
use crate::client::Cluster;
use crate::logs::event::{LogEvent, Outcome, Sink};

type Sent = Vec<Result<&'static str, io::Error>>;

/// A server with one finished run of one step, whose log breaks off once within a line.
fn answer(request: &Request<Body>) -> Sent {
    let run = json!({
        "metadata": {"name": "r", "uid": "1"},
        "status": {
            "conditions": [{"type": "Succeeded", "status": "True"}],
            "childReferences": [{"kind": "TaskRun", "name": "r-a", "pipelineTaskName": "a"}],
        },
    });
    let task = json!({
        "metadata": {"name": "r-a"},
        "status": {"conditions": [{"type": "Succeeded", "status": "True"}], "startTime": "2026-01-02T03:04:05Z", "podName": "p"},
    });
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "step-x"}]},
        "status": {"phase": "Succeeded", "containerStatuses": [{"name": "step-x", "state": {"terminated": {"exitCode": 0}}}]},
    });
    let whole = |value: Value| -> Sent { vec![Ok(value.to_string().leak())] };
    let list = |item: Value| whole(json!({"metadata": {}, "items": [item]}));
    let query = request.uri().query().unwrap_or_default();
    match request.uri().path().rsplit('/').next() {
        Some("r") => whole(run),
        Some("taskruns") => list(task),
        Some("pods") => list(pod),
        // The log does not change any more, so its lines' times are asked for only once it has broken off.
        Some("log") if !query.contains("timestamps=true") => {
            let broken = io::Error::from(io::ErrorKind::ConnectionReset);
            vec![Ok("one\ntw"), Err(broken)]
        }
        Some("log") => vec![Ok("2026-01-02T03:04:05.2Z one\n2026-01-02T03:04:05.3Z two\n"), Ok("2026-01-02T03:04:06.1Z three\n")],
        other => panic!("nobody should ask for {other:?}"),
    }
}

#[derive(Default)]
struct Heard(String);

impl Sink for Heard {
    fn on(&mut self, event: &LogEvent<'_>) -> io::Result<()> {
        match event {
            LogEvent::Piece { piece, .. } => self.0.push_str(&String::from_utf8_lossy(piece.text)),
            LogEvent::Ended { .. } => self.0.push_str("ended"),
            LogEvent::Begun { .. } | LogEvent::Cluster { .. } => return Ok(()),
            LogEvent::Said(notice) => self.0.push_str(&format!("{notice:?}")),
        }
        self.0.push('\n');
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_log_that_breaks_off_is_taken_up_where_it_ended() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        log.lock().unwrap().push(request.uri().path().to_owned());
        let frames = answer(&request).into_iter().map(|part| part.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        futures::future::ready(Ok::<_, std::convert::Infallible>(Response::new(body)))
    });
    let cluster = Cluster::over(kube::Client::new(service, "ns"), "http://server", "ns".into());
    let mut heard = Heard::default();
    let outcome = follow(&cluster, Subject::PipelineRun, "ns", "r", &Policy { live: true, ..Policy::default() }, &mut heard).await;
    assert!(matches!(outcome, Ok(Outcome::Succeeded)), "{outcome:?}");
    assert_eq!(heard.0, "one\ntwo\nthree\nended\n");
    // The run, its TaskRuns and its pods are asked for once, however many there are.
    assert_eq!(asked.lock().unwrap().len(), 5);
}
