//! Secrets as Tekton reads them: types, keys and annotations (Tekton's `docs/auth.md`), and how one that is there
//! compares with one that is wanted.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::Manifest;
use super::ssh::Key;
use crate::kinds;
use crate::objects::core::Secret;
use crate::objects::meta::LAST_APPLIED;

/// The prefix of the annotations that name the git servers of a Secret.
pub const GIT: &str = "tekton.dev/git-";
/// The prefix of the annotations that name the registries of a Secret.
pub const DOCKER: &str = "tekton.dev/docker-";
/// Type of a Secret with an ssh key
pub const SSH_AUTH: &str = "kubernetes.io/ssh-auth";
/// Type of a Secret with user and password
pub const BASIC_AUTH: &str = "kubernetes.io/basic-auth";
/// Type of a Secret with a docker configuration
pub const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";
/// The older type of a Secret with a docker configuration
pub const DOCKER_CFG: &str = "kubernetes.io/dockercfg";

/// Keys of the data of these types.
pub const SSH_KEY: &str = "ssh-privatekey";
/// Key of the known hosts in a Secret of type ssh-auth; Tekton's own
pub const KNOWN_HOSTS: &str = "known_hosts";
/// What it means that a Secret for ssh has none: Tekton writes no word about host keys into `.ssh/config` (`pkg/credentials/gitcreds`),
/// and ssh, which cannot ask anybody in a step, gives up. The git-init of the catalog's git-clone sets `accept-new` by itself.
pub const WITHOUT_KNOWN_HOSTS: &str = "without known hosts, git and ssh in a step fail with \"Host key verification failed\" (only the \
     git-clone of Tekton's catalog accepts whatever key the server shows first)";
const DOCKER_KEY: &str = ".dockerconfigjson";

/// A value that nothing prints: it has neither `Debug` nor `Display`.
pub struct Redacted(pub String);

/// A Secret for git over ssh.
pub fn ssh(namespace: &str, name: &str, hosts: &[String], key: &Key, known_hosts: Option<&str>) -> Manifest {
    let mut data = vec![(SSH_KEY, key.private_text())];
    data.extend(known_hosts.map(|text| (KNOWN_HOSTS, text)));
    secret(namespace, name, SSH_AUTH, &data).annotated(numbered(GIT, hosts))
}

/// A Secret for git over https.
pub fn basic(namespace: &str, name: &str, urls: &[String], user: &Redacted, password: &Redacted) -> Manifest {
    secret(namespace, name, BASIC_AUTH, &[("username", &user.0), ("password", &password.0)]).annotated(numbered(GIT, urls))
}

/// A Secret for registries, from a docker configuration with `auths` only.
pub fn docker(namespace: &str, name: &str, config: &Redacted) -> Manifest {
    secret(namespace, name, DOCKER_CONFIG, &[(DOCKER_KEY, &config.0)])
}

fn secret(namespace: &str, name: &str, kind: &str, data: &[(&str, &str)]) -> Manifest {
    let data: Map<String, Value> = data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into())).collect();
    Manifest::new(&kinds::SECRET, namespace, name, json!({"type": kind, "data": data}))
}

fn numbered(prefix: &str, hosts: &[String]) -> Vec<(String, String)> {
    hosts.iter().enumerate().map(|(i, host)| (format!("{prefix}{i}"), host.clone())).collect()
}

/// The hosts that a Secret is annotated with, in the order of their numbers.
pub fn hosts(annotations: &IndexMap<String, String>) -> Vec<&str> {
    let mut hosts: Vec<_> = annotations
        .iter()
        .filter(|(key, host)| (key.starts_with(GIT) || key.starts_with(DOCKER)) && !host.is_empty())
        .map(|(key, host)| (key, host.as_str()))
        .collect();
    hosts.sort_by_key(|(key, _)| (key.len(), *key));
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// Checks a git server for ssh: `HOST` or `HOST:PORT`.
///
/// # Errors
/// What is wrong, with the host that was probably meant.
pub fn ssh_host(text: &str) -> Result<String, String> {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.rsplit_once('@').map_or(bare, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    let (host, port) = bare.split_once(':').map_or((bare, None), |(host, port)| (host, Some(port)));
    let port_is_one = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|p| p > 0));
    let letters = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    match (letters, bare == text && port_is_one) {
        (true, true) => Ok(text.to_owned()),
        (true, false) => Err(format!("{text:?} is no host: give HOST or HOST:PORT, here {host}")),
        (false, _) => Err(format!("{text:?} is no host: give HOST or HOST:PORT, like github.com")),
    }
}

/// Checks a git server for https and completes its scheme: `https://github.com`.
///
/// # Errors
/// What is wrong.
pub fn https_url(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    if !matches!(scheme, "https" | "http") {
        return Err(format!("{text:?} is no URL of a git server over https; for ssh there is `secret create ssh`"));
    }
    if rest.contains('@') {
        return Err("the URL holds credentials: give https://HOST alone, user and password are asked for".to_owned());
    }
    let host = rest.trim_end_matches('/');
    if host.is_empty() || host.contains([' ', '"']) {
        return Err(format!("{text:?} is no URL of a git server: give https://HOST"));
    }
    Ok(format!("{scheme}://{host}"))
}

/// Why a docker configuration gives no Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DockerError {
    /// It is no JSON object
    #[error("this is no docker configuration: {0}")]
    Json(String),
    /// The passwords are elsewhere
    #[error("the password of {registry} is not in this file: the credential helper docker-credential-{helper} keeps it")]
    Helper {
        /// The registry
        registry: String,
        /// The helper's name
        helper: String,
    },
    /// Something else in the place of user and password
    #[error("the entry of {registry} is no login: its auth is not USER:PASSWORD in base64")]
    Auth {
        /// The registry
        registry: String,
    },
    /// Nothing to hand over
    #[error("this file holds no password of any registry")]
    Empty,
    /// Another registry
    #[error("this file holds no password of {registry}; it has {}", known.join(", "))]
    NoRegistry {
        /// The one that was asked for
        registry: String,
        /// Those that are there
        known: Vec<String>,
    },
}

/// What a docker configuration gives.
pub struct DockerLogins {
    /// A configuration with the entries of `auths` that hold credentials, and with nothing else
    pub config: Redacted,
    /// Registries whose password is kept by a helper, with the helper's name: they are not in it
    pub elsewhere: Vec<(String, String)>,
}

/// The part of a docker configuration that a step needs: the logins of one registry or of all.
///
/// # Errors
/// When the credentials are not in the file.
pub fn docker_config(text: &str, registry: Option<&str>) -> Result<DockerLogins, DockerError> {
    let config: Value = serde_json::from_str(text).map_err(|e| DockerError::Json(format!("line {}, column {}", e.line(), e.column())))?;
    let Value::Object(config) = config else { return Err(DockerError::Json("it is no JSON object".into())) };
    let auths = config.get("auths").and_then(Value::as_object).cloned().unwrap_or_default();
    let helpers = config.get("credHelpers").and_then(Value::as_object);
    let helper = |registry: &str| {
        let own = helpers.and_then(|h| h.get(registry));
        own.or(config.get("credsStore")).and_then(Value::as_str).filter(|h| !h.is_empty()).map(str::to_owned)
    };
    let kept: Map<String, Value> = auths
        .iter()
        .filter(|(name, auth)| registry.is_none_or(|r| same_registry(r, name)) && holds_credentials(auth))
        .map(|(name, auth)| (name.clone(), auth.clone()))
        .collect();
    if let Some((registry, _)) = kept.iter().find(|(_, auth)| !is_login(auth)) {
        return Err(DockerError::Auth { registry: registry.clone() });
    }
    if !kept.is_empty() {
        let names = helpers
            .into_iter()
            .flat_map(Map::keys)
            .chain(auths.keys())
            .filter(|name| registry.is_none_or(|r| same_registry(r, name)) && !kept.contains_key(*name));
        let elsewhere: IndexMap<_, _> = names.filter_map(|name| Some((name.clone(), helper(name)?))).collect();
        let elsewhere = elsewhere.into_iter().collect();
        return Ok(DockerLogins { config: Redacted(json!({"auths": kept}).to_string()), elsewhere });
    }
    let first = auths.keys().chain(helpers.into_iter().flat_map(Map::keys)).next();
    let asked = registry.map(str::to_owned).or_else(|| first.cloned());
    match asked {
        Some(asked) if let Some(helper) = helper(&asked) => Err(DockerError::Helper { registry: asked, helper }),
        Some(asked) if registry.is_some() && !auths.is_empty() => {
            Err(DockerError::NoRegistry { registry: asked, known: auths.keys().cloned().collect() })
        }
        _ => Err(DockerError::Empty),
    }
}

fn holds_credentials(auth: &Value) -> bool {
    ["auth", "identitytoken", "registrytoken", "username"]
        .iter()
        .any(|key| auth.get(key).and_then(Value::as_str).is_some_and(|v| !v.is_empty()))
}

/// Whether an entry's `auth`, where it has one, is user and password in base64.
fn is_login(entry: &Value) -> bool {
    let auth = entry.get("auth").and_then(Value::as_str).filter(|auth| !auth.is_empty());
    auth.is_none_or(|auth| STANDARD.decode(auth).is_ok_and(|login| login.contains(&b':')))
}

/// Docker's own registry has three names.
fn same_registry(asked: &str, name: &str) -> bool {
    let bare = |s: &str| {
        let s = s.trim_start_matches("https://").trim_start_matches("http://");
        let host = s.split('/').next().unwrap_or_default().to_ascii_lowercase();
        if host == "index.docker.io" || host == "registry-1.docker.io" { "docker.io".to_owned() } else { host }
    };
    bare(asked) == bare(name)
}

/// The registries of a Secret with a docker configuration.
pub fn registries(secret: &Secret) -> Vec<String> {
    let text = value(secret, DOCKER_KEY).or_else(|| value(secret, ".dockercfg"));
    let Some(config) = text.and_then(|text| serde_json::from_slice::<Value>(&text).ok()) else { return Vec::new() };
    let auths = config.get("auths").unwrap_or(&config);
    auths.as_object().map(|auths| auths.keys().cloned().collect()).unwrap_or_default()
}

/// A value of a Secret, for fingerprints only.
pub fn value(secret: &Secret, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.data.get(key)?).ok()
}

/// How a Secret that is there differs from one that is wanted: what writing it would lose, in words; empty when
/// nothing would be lost.
pub fn losses(existing: &Secret, wanted: &Manifest) -> Vec<String> {
    let mut losses = Vec::new();
    let kind = existing.kind.as_deref().unwrap_or("Opaque");
    if wanted.value["type"].as_str() != Some(kind) {
        losses.push(format!("it is of type {kind}"));
    }
    // In the order in which an API server tells them.
    let data: BTreeMap<&String, &String> = existing.data.iter().collect();
    for (key, value) in data {
        match wanted.value["data"].get(key).and_then(Value::as_str) {
            Some(new) if STANDARD.decode(new).ok() == STANDARD.decode(value).ok() => {}
            Some(_) => losses.push(format!("its {key} is another")),
            None => losses.push(format!("it has {key} as well")),
        }
    }
    let annotation = |key: &String| wanted.value["metadata"]["annotations"].get(key).and_then(Value::as_str);
    for (key, host) in existing.metadata.annotations.iter().filter(|(key, _)| key.starts_with(GIT) || key.starts_with(DOCKER)) {
        if annotation(key) != Some(host) {
            losses.push(format!("it is for {host}"));
        }
    }
    losses
}

/// The JSON patch that puts the wanted data and hosts in the place of the existing ones; the type is the same.
pub fn replacement(existing: &Secret, wanted: &Manifest) -> Value {
    let kept = existing.metadata.annotations.iter().filter(|(key, _)| !key.starts_with(GIT) && !key.starts_with(DOCKER));
    let mut annotations: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone().into())).collect();
    if let Some(wanted) = wanted.value["metadata"]["annotations"].as_object() {
        annotations.extend(wanted.clone());
    }
    let mut labels: Map<String, Value> = existing.metadata.labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    labels.extend(wanted.value["metadata"]["labels"].as_object().cloned().unwrap_or_default());
    json!([
        {"op": "add", "path": "/data", "value": wanted.value["data"]},
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
        {"op": "add", "path": "/metadata/labels", "value": labels},
    ])
}

/// A copy in which nothing of a Secret can be read: every value of `data` and `stringData` is replaced, and so is what
/// kubectl keeps of them in an annotation. Other objects stay as they are.
pub fn redacted(object: &Value) -> Value {
    let mut object = object.clone();
    // The items of a list come without their kind.
    let in_list = object.get("kind").is_none() && object.get("type").is_some() && object.get("data").is_some();
    if object["kind"] != "Secret" && !in_list {
        return object;
    }
    for field in ["data", "stringData"] {
        if let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) {
            values.values_mut().for_each(|value| *value = "REDACTED".into());
        }
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Seen;
    use ssh_key::rand_core::OsRng;

    fn key() -> Key {
        Key::generate(&mut OsRng, "c").unwrap_or_else(|e| panic!("{e}"))
    }

    fn seen(manifest: &Manifest) -> Secret {
        Seen::<Secret>::from_value(&manifest.value).lens.expect("a Secret")
    }

    #[test]
    fn an_ssh_secret_is_annotated_with_its_hosts() {
        let hosts_given = ["github.com".to_owned(), "git.here:2222".to_owned()];
        let manifest = ssh("ns", "s", &hosts_given, &key(), Some("github.com k v\n"));
        assert_eq!(manifest.value["type"], SSH_AUTH);
        let secret = seen(&manifest);
        assert_eq!(hosts(&secret.metadata.annotations), ["github.com", "git.here:2222"]);
        assert_eq!(value(&secret, KNOWN_HOSTS).as_deref(), Some(b"github.com k v\n".as_slice()));
    }

    #[test]
    fn nothing_is_lost_by_writing_the_same_or_more() {
        let key = key();
        let hosts = ["github.com".to_owned()];
        let existing = seen(&ssh("ns", "s", &hosts, &key, None));
        assert!(losses(&existing, &ssh("ns", "s", &hosts, &key, None)).is_empty());
        assert!(losses(&existing, &ssh("ns", "s", &hosts, &key, Some("k"))).is_empty());
        let other = ssh("ns", "s", &["gitlab.com".to_owned()], &self::key(), None);
        assert_eq!(losses(&existing, &other), ["its ssh-privatekey is another", "it is for github.com"]);
        let known = seen(&ssh("ns", "s", &hosts, &key, Some("k")));
        let without = ssh("ns", "s", &hosts, &self::key(), None);
        assert_eq!(losses(&known, &without), ["it has known_hosts as well", "its ssh-privatekey is another"]);
        let basic = basic("ns", "s", &[], &Redacted("u".into()), &Redacted("p".into()));
        assert_eq!(losses(&existing, &basic)[0], "it is of type kubernetes.io/ssh-auth");
    }

    #[test]
    fn a_replacement_keeps_what_others_annotated() {
        let mut existing = seen(&ssh("ns", "s", &["a".to_owned(), "b".to_owned()], &key(), None));
        existing.metadata.annotations.insert("owner".into(), "me".into());
        let patch = replacement(&existing, &ssh("ns", "s", &["c".to_owned()], &key(), None));
        assert_eq!(patch[1]["value"], json!({"owner": "me", "tekton.dev/git-0": "c"}));
    }

    #[test]
    fn hosts_and_urls_are_checked() {
        assert_eq!(ssh_host("git.here:2222"), Ok("git.here:2222".into()));
        for wrong in ["git@github.com:a/b", "ssh://github.com/a", "github.com:ssh", "", "a b"] {
            assert!(ssh_host(wrong).is_err(), "{wrong}");
        }
        assert_eq!(https_url("github.com/"), Ok("https://github.com".into()));
        for wrong in ["ssh://github.com", "https://u:p@github.com", "https://"] {
            assert!(https_url(wrong).is_err_and(|e| !e.contains("u:p")), "{wrong}");
        }
    }

    #[test]
    fn a_docker_configuration_is_cut_to_what_holds_credentials() {
        let text = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dTpw"}, "ghcr.io": {"auth": "dTpx"}, "quay.io": {}}}"#;
        let read = |text: &str, registry| docker_config(text, registry).map(|logins| (logins.config.0, logins.elsewhere));
        let (config, elsewhere) = read(text, Some("docker.io")).expect("a login");
        assert_eq!(config, r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#);
        assert!(elsewhere.is_empty());
        assert!(matches!(read(text, Some("quay.io")), Err(DockerError::NoRegistry { .. })));
        let helper = r#"{"auths": {"ghcr.io": {}}, "credsStore": "desktop"}"#;
        assert_eq!(read(helper, None), Err(DockerError::Helper { registry: "ghcr.io".into(), helper: "desktop".into() }));
        assert_eq!(read("{}", None), Err(DockerError::Empty));
        assert!(matches!(read("[", None), Err(DockerError::Json(_))));
    }

    #[test]
    fn what_a_docker_configuration_keeps_elsewhere_is_named() {
        let text = r#"{"auths": {"ghcr.io": {"auth": "dTpw"}, "quay.io": {}}, "credHelpers": {"gcr.io": "gcloud", "quay.io": "pass"}}"#;
        let elsewhere = docker_config(text, None).map(|logins| logins.elsewhere).expect("a login");
        assert_eq!(elsewhere, [("gcr.io".to_owned(), "gcloud".to_owned()), ("quay.io".to_owned(), "pass".to_owned())]);
        let alone = docker_config(r#"{"credHelpers": {"gcr.io": "gcloud"}}"#, None).map(|logins| logins.elsewhere);
        assert_eq!(alone, Err(DockerError::Helper { registry: "gcr.io".into(), helper: "gcloud".into() }));
        for auth in ["x", "bm8tY29sb24="] {
            let text = format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}}}}}"#);
            assert_eq!(docker_config(&text, None).map(|logins| logins.elsewhere), Err(DockerError::Auth { registry: "ghcr.io".into() }));
        }
    }

    #[test]
    fn a_redacted_secret_tells_its_keys_only() {
        let shown = redacted(&ssh("ns", "s", &[], &key(), None).value);
        assert_eq!(shown["data"], json!({"ssh-privatekey": "REDACTED"}));
    }
}
