//! A page of the web, read as a person's browser would: with the machine's certificates, through the proxy that the
//! environment names, and after the server's redirections. Nothing of a cluster's credentials goes there.

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION, USER_AGENT};
use http::request::Parts;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use kube::Config;

use super::connect;
use super::error::{Error, innermost};

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
    let answer = fetch(request.map_err(|_| failed(url, "this is no URL"))?, false).await?;
    let text = String::from_utf8(answer.body().to_vec()).map_err(|_| failed(url, "the page is no UTF-8"))?;
    Ok((answer.status().as_u16(), text))
}

/// What a server answers, wherever it sends on to. Credentials are not taken along to another server.
///
/// # Errors
/// When nobody answers, or the answer leads nowhere.
pub async fn fetch(request: Request<Bytes>, any_certificate: bool) -> Result<Response<Bytes>, Error> {
    let url = request.uri().to_string();
    let (mut parts, body) = request.into_parts();
    for _ in 0..REDIRECTIONS {
        let answer = once(&parts, &body, any_certificate).await.map_err(|reason| failed(&url, reason))?;
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

fn failed(url: &str, reason: impl Into<String>) -> Error {
    Error::Page { url: url.to_owned(), reason: reason.into() }
}

async fn once(parts: &Parts, body: &Bytes, any_certificate: bool) -> Result<Response<Bytes>, String> {
    let uri = &parts.uri;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("this is no URL of a server".into());
    };
    let origin = format!("{scheme}://{authority}/").parse().map_err(|_| "this is no URL")?;
    let mut config = Config::new(origin);
    config.proxy_url = proxy(uri);
    config.accept_invalid_certs = any_certificate;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(kube::client::Body::from(body.clone()));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = path.parse().map_err(|_| "this is no URL")?;
    *request.headers_mut() = parts.headers.clone();
    request.headers_mut().insert(USER_AGENT, http::HeaderValue::from_static(super::FIELD_MANAGER));
    let sent = async { connect::plain(config)?.send(request).await };
    let (head, body) = sent.await.map_err(|error| innermost(&error))?.into_parts();
    let bytes = Limited::new(body, LONGEST).collect().await.map_err(|error| innermost(error.as_ref()))?.to_bytes();
    Ok(Response::from_parts(head, bytes))
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

/// The proxy that the environment names for a place; none for those that `NO_PROXY` lists.
fn proxy(uri: &Uri) -> Option<Uri> {
    let env = |name: &str| std::env::var(name).or_else(|_| std::env::var(name.to_lowercase())).ok().filter(|value| !value.is_empty());
    let name = if uri.scheme_str() == Some("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let host = uri.host()?;
    let spared = |entry: &str| {
        entry == "*" || host == entry.trim_start_matches('.') || host.ends_with(&format!(".{}", entry.trim_start_matches('.')))
    };
    let direct = env("NO_PROXY").is_some_and(|list| list.split(',').map(str::trim).any(spared));
    env(name).filter(|_| !direct && host != "localhost" && host != "127.0.0.1")?.parse().ok()
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
