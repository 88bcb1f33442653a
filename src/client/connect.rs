//! The connection to a cluster. Without a proxy it is put together here from kube's own layers, on a socket that sends
//! at once: kube leaves Nagle's algorithm on, and the first request then waits 40 ms for the server's delayed
//! acknowledgement of the TLS handshake.

use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use kube::Config;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ConfigExt as _};
use tokio::sync::Mutex;
use tower::retry::RetryLayer;
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::identity;

/// After this long without a byte, the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A client of the server that a configuration names.
///
/// # Errors
/// When certificates, keys, credentials or the proxy cannot be used.
pub(super) fn client(config: Config) -> kube::Result<kube::Client> {
    let now = Arc::new(RwLock::new(Arc::new(Identity::of(&config)?)));
    let namespace = config.default_namespace.clone();
    let renewing = Renewing { config: Arc::new(config), now, at_it: Arc::default() };
    Ok(kube::Client::new(renewing, namespace))
}

/// A client with the credentials that a configuration holds. Its answers are given as they come: redirections, and
/// refusals of the credentials.
///
/// # Errors
/// As [`client`] has them.
pub(super) fn plain(mut config: Config) -> kube::Result<kube::Client> {
    if config.accept_invalid_certs && config.root_cert.is_none() {
        // Nobody looks at the machine's certificates then, and reading them takes longer than the rest of a start.
        config.root_cert = Some(Vec::new());
    }
    if config.proxy_url.is_some() {
        return kube::Client::try_from(config);
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_connect_timeout(config.connect_timeout);
    let https = config.rustls_https_connector_with_connector(tcp)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .layer(RetryLayer::new(retries()))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_response(without_long_pause)
        .map_err(BoxError::from)
        .service(Http::builder(TokioExecutor::new()).build(https));
    Ok(kube::Client::new(service, config.default_namespace))
}

/// How often a server that is busy or starting is asked again: for six seconds, or when it says itself. kube's own policy
/// doubles its pauses up to minutes, in which nobody hears that the server answers, and what.
fn retries() -> RetryPolicy {
    RetryPolicy::new(Duration::from_millis(50), Duration::from_secs(4), 7, true).expect("the pauses grow")
}

/// For how many seconds a server that asks for it is left alone; one that asks for more is asked as any busy one, and told of.
const LONG_PAUSE: u64 = 30;

fn without_long_pause<B>(mut answer: Response<B>) -> Response<B> {
    if header(&answer, "Retry-After").parse::<u64>().is_ok_and(|seconds| seconds > LONG_PAUSE) {
        answer.headers_mut().remove("Retry-After");
    }
    answer
}

fn header<'a, B>(answer: &'a Response<B>, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// How long before their end credentials are renewed.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// A client with the credentials of a time.
struct Identity {
    client: kube::Client,
    /// Until when they are good, where that is known
    until: Option<Timestamp>,
}

impl Identity {
    /// The one that the configuration leads to now: a plugin is run, a file is read.
    fn of(config: &Config) -> kube::Result<Self> {
        let mut config = config.clone();
        let until = identity::settle(&mut config).map_err(kube::Error::Auth)?;
        Ok(Self { client: plain(config)?, until })
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Timestamp::now() + MARGIN >= until)
    }
}

/// Sends requests with the credentials of now. New ones are gone for where these are at their end, or the server refuses
/// them; the request is sent again then, once.
#[derive(Clone)]
struct Renewing {
    config: Arc<Config>,
    now: Arc<RwLock<Arc<Identity>>>,
    /// Held by who goes for new credentials, so that a plugin asks its user once
    at_it: Arc<Mutex<()>>,
}

impl Renewing {
    fn identity(&self) -> Arc<Identity> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Credentials that are newer than these.
    async fn renewed(&self, old: &Arc<Identity>) -> Result<Arc<Identity>, BoxError> {
        let _one_at_a_time = self.at_it.lock().await;
        let now = self.identity();
        if !Arc::ptr_eq(&now, old) {
            return Ok(now);
        }
        let (config, runtime) = (self.config.clone(), tokio::runtime::Handle::current());
        let fresh = tokio::task::spawn_blocking(move || {
            // The client's worker belongs to the runtime.
            let _within = runtime.enter();
            Identity::of(&config)
        });
        let fresh = Arc::new(fresh.await.map_err(|_| "the credentials cannot be renewed")??);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

impl Service<Request<Body>> for Renewing {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let renewing = self.clone();
        Box::pin(async move {
            let mut identity = renewing.identity();
            if identity.is_over() {
                identity = renewing.renewed(&identity).await?;
            }
            let again = copy(&request);
            let answer = identity.client.send(request).await?;
            // None of an API server's, and it would pass for an empty answer.
            if answer.status().is_redirection() {
                let (code, place) = (answer.status().as_u16(), header(&answer, "Location"));
                return Err(format!("it answers {code} and points to {place:?}, as no API server does").into());
            }
            match again {
                Some(again) if answer.status() == StatusCode::UNAUTHORIZED => {
                    Ok(renewing.renewed(&identity).await?.client.send(again).await?)
                }
                _ => Ok(answer),
            }
        })
    }
}

/// The same request, unless its body is a stream.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}
