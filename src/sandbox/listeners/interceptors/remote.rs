//! An interceptor that somebody serves on an address of their own: the request and the answer of Triggers' protocol.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};

use super::{Halt, Refusal};

/// How long it may take, and how long its answer may be.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: usize = 16 << 20;

/// The names of gRPC's codes, by their number.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Posts a request to an interceptor; what it adds to the event.
///
/// # Errors
/// When it stops the event, does not answer, or answers something else.
pub async fn ask(url: &str, request: &Value) -> Result<Map<String, Value>, Halt> {
    let failed = |problem: String| Halt::Failed(format!("interceptor at {url}: {problem}"));
    let (status, body) = tokio::time::timeout(PATIENCE, post(url, request))
        .await
        .map_err(|_| failed(format!("no answer within {} seconds", PATIENCE.as_secs())))?
        .map_err(failed)?;
    if status != 200 {
        return Err(Halt::Failed(format!("interceptor response was not 200: {}", String::from_utf8_lossy(&body))));
    }
    let mut answer: Value = serde_json::from_slice(&body).map_err(|error| failed(format!("its answer is no JSON: {error}")))?;
    if answer["continue"] != true {
        let code = usize::try_from(answer["status"]["code"].as_u64().unwrap_or_default()).ok().and_then(|code| CODES.get(code));
        let message = answer["status"]["message"].as_str().unwrap_or_default().to_owned();
        return Err(Halt::Stopped(Refusal { code: (*code.unwrap_or(&"Unknown")).to_owned(), message }));
    }
    Ok(answer["extensions"].as_object_mut().map(std::mem::take).unwrap_or_default())
}

async fn post(url: &str, request: &Value) -> Result<(u16, Bytes), String> {
    let body = Full::new(Bytes::from(request.to_string()));
    let builder = Request::builder().method(Method::POST).uri(url).header(header::CONTENT_TYPE, "application/json");
    let request = builder.body(body).map_err(|error| error.to_string())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.map_err(|error| with_cause(&error))?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await.map_err(|error| error.to_string())?;
    Ok((status, body.to_bytes()))
}

/// An error with what lies at its bottom, since the client's own words say little.
fn with_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}
