//! Finds the cluster that the user means, by kubectl's rules: `--kubeconfig`, then the files of `$KUBECONFIG` merged,
//! then `~/.kube/config`, then the ServiceAccount of the pod that rtkn runs in.

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

/// What the command line says about the cluster.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `--kubeconfig`
    pub file: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
}

/// A cluster, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Server, credentials, proxy
    pub config: Config,
    /// The namespace of commands without `-n`
    pub namespace: String,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file anywhere
    #[error("no kubeconfig was found")]
    None,
    /// None of the files of `$KUBECONFIG` is there
    #[error("no kubeconfig was found: KUBECONFIG names {0}, which is not there")]
    Absent(String),
    /// A file that cannot be read
    #[error("kubeconfig {}: {source}", path.display())]
    Read {
        /// The file
        path: PathBuf,
        /// Why
        source: std::io::Error,
    },
    /// A file that is no kubeconfig
    #[error("kubeconfig {}: {reason}", path.display())]
    Parse {
        /// The file
        path: PathBuf,
        /// Where it breaks
        reason: String,
    },
    /// The chosen context is not there
    #[error("kubeconfig: there is no context {name:?}")]
    Context {
        /// The one that was asked for
        name: String,
        /// Those that are there
        known: Vec<String>,
        /// One that is spelled alike
        near: Option<String>,
    },
    /// A proxy that can be none
    #[error("invalid configuration: invalid 'proxy-url' for cluster {cluster:?}: it has to begin with http://, https:// or socks5://")]
    Proxy {
        /// The cluster that names it
        cluster: String,
    },
    /// A server that can be none
    #[error("kubeconfig: the server {url:?} is no URL")]
    Server {
        /// What stands there
        url: String,
    },
    /// No context is chosen
    #[error("kubeconfig: no current-context is set; choose one with --context")]
    NoContext,
    /// Anything else that is wrong with it
    #[error("kubeconfig: {0}")]
    Invalid(KubeconfigError),
}

/// Finds the cluster.
///
/// # Errors
/// When no file is there, or the one that is says nothing usable.
pub async fn target(wanted: &Wanted) -> Result<Target, Error> {
    let kubeconfig = match read(wanted.file.as_deref())? {
        Some(kubeconfig) => kubeconfig,
        None => return in_cluster(wanted),
    };
    let options = KubeConfigOptions { context: wanted.context.clone(), ..KubeConfigOptions::default() };
    check_context(&kubeconfig, wanted.context.as_deref())?;
    let named_proxy = named_proxy(&kubeconfig, wanted.context.as_deref())?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(Error::Invalid)?;
    config.connect_timeout = Some(std::time::Duration::from_secs(10));
    config.cluster_url = with_scheme(&config)?;
    // The environment's proxies do not apply where the cluster has its own (client-go).
    config.proxy_url = named_proxy.or_else(|| proxy(&config.cluster_url));
    // A watch or a followed log is silent for as long as nothing happens.
    config.read_timeout = None;
    Ok(with_namespace(config, wanted))
}

fn with_namespace(config: Config, wanted: &Wanted) -> Target {
    // A path without a namespace is that of all of them.
    let named = [wanted.namespace.as_deref(), Some(&config.default_namespace)].into_iter().flatten().find(|name| !name.is_empty());
    let namespace = named.unwrap_or("default").to_owned();
    Target { config, namespace }
}

/// The server's URL. Without a scheme it is `https` where the kubeconfig speaks of certificates (client-go).
fn with_scheme(config: &Config) -> Result<http::Uri, Error> {
    let url = &config.cluster_url;
    if url.scheme().is_some() {
        return Ok(url.clone());
    }
    let who = &config.auth_info;
    let certificate = who.client_certificate.is_some() || who.client_certificate_data.is_some();
    let scheme = if config.root_cert.is_some() || config.accept_invalid_certs || certificate { "https" } else { "http" };
    format!("{scheme}://{url}").parse().map_err(|_| Error::Server { url: url.to_string() })
}

fn in_cluster(wanted: &Wanted) -> Result<Target, Error> {
    if wanted.context.is_some() {
        return Err(Error::None);
    }
    Config::incluster().map(|config| with_namespace(config, wanted)).map_err(|_| match listed() {
        Some(paths) => Error::Absent(paths.to_string_lossy().into_owned()),
        None => Error::None,
    })
}

/// The files of `$KUBECONFIG`, as a list for the system's paths.
fn listed() -> Option<std::ffi::OsString> {
    std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty())
}

fn read(file: Option<&Path>) -> Result<Option<Kubeconfig>, Error> {
    if let Some(path) = file {
        return read_file(path).map(Some);
    }
    if let Some(paths) = listed() {
        // Like client-go: files of the list that are not there are passed over.
        let files = std::env::split_paths(&paths).filter(|p| p.is_file()).map(|p| read_file(&p)).collect::<Result<Vec<_>, _>>()?;
        return files.into_iter().map(Ok).reduce(|a, b| a?.merge(b?)).transpose().map_err(Error::Invalid);
    }
    let default = std::env::home_dir().map(|home| home.join(".kube/config"));
    match default.filter(|p| p.is_file()) {
        Some(path) => read_file(&path).map(Some),
        None => Ok(None),
    }
}

fn read_file(path: &Path) -> Result<Kubeconfig, Error> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(source, path) => Error::Read { path, source },
        KubeconfigError::Parse(error) => Error::Parse { path: path.to_owned(), reason: first_line(&error.to_string()) },
        other => Error::Invalid(other),
    })?;
    match kubeconfig.kind.as_deref() {
        None | Some("" | "Config") => Ok(kubeconfig),
        Some(kind) => Err(Error::Parse { path: path.to_owned(), reason: format!("this is no kubeconfig: its kind is {kind}, not Config") }),
    }
}

/// The place and the reason. The parser would go on to show the lines around it, and in this file they may hold a token.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn check_context(kubeconfig: &Kubeconfig, asked: Option<&str>) -> Result<(), Error> {
    let name = match asked.or(kubeconfig.current_context.as_deref()) {
        None | Some("") => return Err(Error::NoContext),
        Some(name) => name,
    };
    let known: Vec<String> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
    if known.iter().any(|k| k == name) {
        return Ok(());
    }
    let near = crate::near::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Err(Error::Context { name: name.to_owned(), known, near })
}

/// The `proxy-url` of the chosen cluster.
fn named_proxy(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<Option<http::Uri>, Error> {
    let context = context.or(kubeconfig.current_context.as_deref());
    let context = kubeconfig.contexts.iter().find(|c| Some(c.name.as_str()) == context);
    let name = context.and_then(|c| c.context.as_ref()).map(|c| c.cluster.as_str());
    let cluster = kubeconfig.clusters.iter().find(|c| Some(c.name.as_str()) == name).and_then(|c| c.cluster.as_ref());
    let Some(url) = cluster.and_then(|c| c.proxy_url.as_deref()).filter(|url| !url.is_empty()) else { return Ok(None) };
    let uri = url.parse().ok().filter(|uri: &http::Uri| matches!(uri.scheme_str(), Some("http" | "https" | "socks5")));
    uri.map(Some).ok_or_else(|| Error::Proxy { cluster: name.unwrap_or_default().to_owned() })
}

/// The proxy that the environment names for a server (`HTTPS_PROXY`, `NO_PROXY`, …).
pub fn proxy(server: &http::Uri) -> Option<http::Uri> {
    proxy_of(&Matcher::from_env(), server)
}

/// The same of an environment. kube compares `NO_PROXY` with the
/// proxy's own address, so it is decided here; like Go, loopback is never proxied.
fn proxy_of(environment: &Matcher, server: &http::Uri) -> Option<http::Uri> {
    let host = server.host().unwrap_or_default();
    let loopback = host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let intercept = environment.intercept(server).filter(|_| !loopback)?;
    let proxy = intercept.uri();
    let Some((user, password)) = intercept.raw_auth() else { return Some(proxy.clone()) };
    let text = format!("{}://{user}:{password}@{}", proxy.scheme_str().unwrap_or("http"), proxy.authority()?);
    text.parse().ok()
}

/// The names of the contexts, for completion.
pub fn contexts(file: Option<&Path>) -> Vec<String> {
    let kubeconfig = read(file).ok().flatten();
    kubeconfig.map(|k| k.contexts.into_iter().map(|c| c.name).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no: &str, server: &str) -> Option<String> {
        let environment = Matcher::builder().https("http://proxy.corp:3128").no(no).build();
        proxy_of(&environment, &server.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn no_proxy_names_the_cluster_and_not_the_proxy() {
        assert_eq!(proxied("", "https://cluster.example:6443").as_deref(), Some("http://proxy.corp:3128/"));
        assert_eq!(proxied("cluster.example", "https://cluster.example:6443"), None);
        assert_eq!(proxied("proxy.corp", "https://cluster.example:6443").as_deref(), Some("http://proxy.corp:3128/"));
        assert_eq!(proxied("", "https://127.0.0.1:6443"), None);
        assert_eq!(proxied("", "https://[::1]:6443"), None);
    }
}
