//! The connection to a cluster. Without a proxy it is put together here from kube's own layers, on a socket that sends
//! at once: kube leaves Nagle's algorithm on, and the first request then waits 40 ms for the server's delayed
//! acknowledgement of the TLS handshake.

use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt as _;
use kube::client::retry::RetryPolicy;
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

/// A client of the server that a configuration names.
///
/// # Errors
/// When certificates, keys, credentials or the proxy cannot be used.
pub(super) fn client(mut config: Config) -> kube::Result<kube::Client> {
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
    tcp.set_connect_timeout(config.connect_timeout);
    let https = config.rustls_https_connector_with_connector(tcp)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .layer(RetryLayer::new(RetryPolicy::server_retry()))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(Http::builder(TokioExecutor::new()).build(https));
    Ok(kube::Client::new(service, config.default_namespace))
}
