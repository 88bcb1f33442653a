//! One HTTP request to a pod through the API server's port-forward, or straight to an address of this machine.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use kube::api::Api;
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::innermost;
use super::{Asked, Cluster, Error};
use crate::kinds;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the API server
    Pod {
        /// Its namespace
        namespace: String,
        /// Its name
        pod: String,
        /// The port it listens on
        port: u16,
    },
    /// `127.0.0.1:8080`
    Address(String),
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 202, …
    pub status: StatusCode,
    /// The whole body
    pub body: Bytes,
}

impl Cluster {
    /// Sends a request and reads the whole answer. The request has a path for its URI, and a `Host`.
    ///
    /// # Errors
    /// When nobody listens there, the user may not forward ports, or the answer breaks off.
    pub async fn send(&self, way: &Way, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        let sent = async {
            match way {
                Way::Address(address) => {
                    let stream = tokio::net::TcpStream::connect(address).await.map_err(|e| broken(format!("connect to {address}"), &e))?;
                    exchange(stream, request).await
                }
                Way::Pod { namespace, pod, port } => {
                    let mut forwarder = self.forward(namespace, pod, *port).await?;
                    let stream = forwarder.take_stream(*port).expect("the one port that was asked for");
                    let answer = exchange(stream, request).await;
                    forwarder.abort();
                    answer
                }
            }
        };
        let late =
            || Error::Transport { what: "send the request".into(), reason: format!("no answer within {} seconds", PATIENCE.as_secs()) };
        tokio::time::timeout(PATIENCE, sent).await.map_err(|_| late())?
    }

    async fn forward(&self, namespace: &str, pod: &str, port: u16) -> Result<kube::api::Portforwarder, Error> {
        let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(self.client(), namespace);
        pods.portforward(pod, &[port]).await.map_err(|error| match error {
            kube::Error::Api(status) => {
                let asked =
                    Asked { verb: "create", kind: &kinds::POD, namespace: Some(namespace.to_owned()), subresource: Some("portforward") };
                Error::Status { status, asked }
            }
            other => Error::transport(format!("forward port {port} of pod {pod}"), other),
        })
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
    let failed = |error: hyper::Error| broken("send the request".into(), &error);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // The connection's own errors come out of the sender as well.
    let connection = tokio::spawn(connection);
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
        let body = body.collect().await.map_err(failed)?.to_bytes();
        Ok(Answer { status: head.status, body })
    };
    let answer = answer.await;
    connection.abort();
    answer
}

fn broken(what: String, error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Transport { what, reason: innermost(error) }
}
