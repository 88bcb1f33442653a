//! A page of the web, read as a person's browser would: with the machine's certificates, through the proxy that the
//! environment names, and after the server's redirections. Nothing of a cluster's credentials goes there.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION, USER_AGENT};
use http::request::Parts;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use kube::Config;

use super::connect;
use super::error::{Error, innermost};
use crate::kubeconfig;

/// How often a server may send on to another place.
const REDIRECTIONS: usize = 10;

/// How many bytes of an answer are read. What Tekton can be given is smaller; a page without an end is none.
const LONGEST: usize = 64 << 20;

/// The status and the text of a page.
///
/// # Errors
/// When the address is none, nobody answers, or the text is no UTF-8.
pub async fn get(url: &str) -> Result<(u16, String), Error> {
    let request = Request::get(url).header("Accept", "*/*").body(Bytes::new());
    let answer = Web::default().fetch(request.map_err(|_| failed(url, "this is no URL"))?).await?;
    let text = String::from_utf8(answer.body().to_vec()).map_err(|_| failed(url, "the page is no UTF-8"))?;
    Ok((answer.status().as_u16(), text))
}

/// The servers that were spoken to. A second question to one takes the way of the first, and neither a handshake nor the
/// machine's certificates once more.
#[derive(Default)]
pub struct Web {
    any_certificate: bool,
    /// By the begin of their URLs
    servers: HashMap<String, kube::Client>,
}

impl Web {
    /// No server yet, of which a certificate will do that nobody vouches for.
    pub fn new(any_certificate: bool) -> Self {
        Self { any_certificate, ..Self::default() }
    }

    /// What a server answers, wherever it sends on to. Credentials are not taken along to another server.
    ///
    /// # Errors
    /// When nobody answers, or the answer leads nowhere.
    pub async fn fetch(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let url = request.uri().to_string();
        let (mut parts, body) = request.into_parts();
        for _ in 0..REDIRECTIONS {
            let answer = self.once(&parts, &body).await.map_err(|reason| failed(&url, reason))?;
            let Some(place) = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection()) else { return Ok(answer) };
            let next = place.to_str().ok().and_then(|place| joined(&parts.uri, place));
            let next = next.ok_or_else(|| failed(&url, "it sends on to a place that is no URL"))?;
            if next.authority() != parts.uri.authority() || next.scheme() != parts.uri.scheme() {
                parts.headers.remove(AUTHORIZATION);
            }
            parts.uri = next;
        }
        Err(failed(&url, format!("it sends on more than {REDIRECTIONS} times")))
    }

    async fn once(&mut self, parts: &Parts, body: &Bytes) -> Result<Response<Bytes>, String> {
        let client = self.server(&parts.uri)?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(kube::client::Body::from(body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = path.parse().map_err(|_| "this is no URL")?;
        *request.headers_mut() = parts.headers.clone();
        request.headers_mut().insert(USER_AGENT, http::HeaderValue::from_static(super::FIELD_MANAGER));
        let (head, body) = client.send(request).await.map_err(|error| innermost(&error))?.into_parts();
        let bytes = Limited::new(body, LONGEST).collect().await.map_err(|error| innermost(error.as_ref()))?.to_bytes();
        Ok(Response::from_parts(head, bytes))
    }

    /// The way to the server of a URL.
    fn server(&mut self, uri: &Uri) -> Result<kube::Client, String> {
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("this is no URL of a server".into());
        };
        let begin = format!("{scheme}://{authority}/");
        if let Some(client) = self.servers.get(&begin) {
            return Ok(client.clone());
        }
        let mut config = Config::new(begin.parse().map_err(|_| "this is no URL")?);
        config.proxy_url = kubeconfig::proxy(uri);
        config.accept_invalid_certs = self.any_certificate;
        let client = connect::plain(config).map_err(|error| innermost(&error))?;
        self.servers.insert(begin, client.clone());
        Ok(client)
    }
}

fn failed(url: &str, reason: impl Into<String>) -> Error {
    Error::Page { url: url.to_owned(), reason: reason.into() }
}

/// Where a redirection leads (RFC 3986, section 5.2): to another server, another path, or a neighbour of the page.
fn joined(from: &Uri, place: &str) -> Option<Uri> {
    let (scheme, server) = (from.scheme_str()?, from.authority()?);
    let whole = match place {
        _ if place.contains("://") => place.to_owned(),
        _ if place.starts_with("//") => format!("{scheme}:{place}"),
        _ if place.starts_with('/') => format!("{scheme}://{server}{place}"),
        _ => format!("{scheme}://{server}{}/{place}", from.path().rsplit_once('/').map_or("", |(folder, _)| folder)),
    };
    whole.parse().ok().filter(|uri: &Uri| uri.authority().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_may_leave_out_the_server() {
        let from: Uri = "https://example.org/a/b?c".parse().expect("a URL");
        let leads = |place: &str| joined(&from, place).map(|uri| uri.to_string());
        assert_eq!(leads("/d").as_deref(), Some("https://example.org/d"));
        assert_eq!(leads("d?e").as_deref(), Some("https://example.org/a/d?e"));
        assert_eq!(leads("//other.example/x").as_deref(), Some("https://other.example/x"));
        assert_eq!(leads("http://other.example/x").as_deref(), Some("http://other.example/x"));
        assert_eq!(leads("http:// none"), None);
    }
}
