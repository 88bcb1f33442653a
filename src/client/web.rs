//! A page of the web, read as a person's browser would: with the machine's certificates, through the proxy that the
//! environment names, and after the server's redirections. Nothing of a cluster's credentials goes there.

use http::header::LOCATION;
use http::{Request, Uri};
use kube::Config;

use super::connect;
use super::error::{Error, innermost};

/// How often a server may send on to another place.
const REDIRECTIONS: usize = 10;

/// The status and the text of a page.
///
/// # Errors
/// When the address is none, nobody answers, or the text is no UTF-8.
pub async fn get(url: &str) -> Result<(u16, String), Error> {
    let failed = |reason: String| Error::Page { url: url.to_owned(), reason };
    let mut uri: Uri = url.parse().map_err(|_| failed("this is no URL".into()))?;
    for _ in 0..REDIRECTIONS {
        let answer = once(&uri).await.map_err(|error| failed(innermost(&error)))?;
        let status = answer.status();
        let Some(next) = answer.headers().get(LOCATION).filter(|_| status.is_redirection()) else {
            let bytes = answer.into_body().collect_bytes().await.map_err(|error| failed(innermost(&error)))?;
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| failed("the page is no UTF-8".into()))?;
            return Ok((status.as_u16(), text));
        };
        let next = next.to_str().ok().and_then(|place| joined(&uri, place));
        uri = next.ok_or_else(|| failed("it sends on to a place that is no URL".into()))?;
    }
    Err(failed(format!("it sends on more than {REDIRECTIONS} times")))
}

async fn once(uri: &Uri) -> kube::Result<http::Response<kube::client::Body>> {
    let origin = format!("{}://{}/", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |a| a.as_str()));
    let mut config = Config::new(origin.parse().expect("the parts of a URL make one"));
    config.proxy_url = proxy(uri);
    let client = connect::client(config)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header("Accept", "*/*").header("User-Agent", super::FIELD_MANAGER).body(kube::client::Body::empty());
    client.send(request.expect("a URL's path makes a request")).await
}

/// Where a redirection leads.
fn joined(from: &Uri, place: &str) -> Option<Uri> {
    match place.starts_with('/') {
        true => format!("{}://{}{place}", from.scheme_str()?, from.authority()?).parse().ok(),
        false => place.parse().ok().filter(|uri: &Uri| uri.scheme().is_some()),
    }
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
        assert_eq!(joined(&from, "/d").map(|u| u.to_string()), Some("https://example.org/d".into()));
        assert_eq!(joined(&from, "http://other.example/x").map(|u| u.to_string()), Some("http://other.example/x".into()));
        assert_eq!(joined(&from, "mailto"), None);
    }
}
