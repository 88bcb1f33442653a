//! Credentials of a ServiceAccount's annotated Secrets as the files that Tekton makes of them: `.ssh`, `.gitconfig`,
//! `.git-credentials` and `.docker/config.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::object::{items, metadata, name, text};
use super::volumes::data;
use crate::kinds;

/// Where the files lie as steps see them.
const CREDENTIALS: &str = "/tekton/creds";
const GIT: &str = "tekton.dev/git-";
const DOCKER: &str = "tekton.dev/docker-";

/// What the Secrets of an account come to.
pub(super) struct Found {
    /// Files by path below `/tekton/creds`, or what is wrong with a Secret
    pub files: Result<BTreeMap<String, Vec<u8>>, String>,
    /// Secrets that the account lists and that are not there
    pub missing: Vec<String>,
}

/// Collects the Secrets that an account lists.
pub(super) fn of_account(account: &Value, secret: impl Fn(&str) -> Option<Arc<Value>>) -> Found {
    let (mut secrets, mut missing, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for listed in items(account, "/secrets").iter().map(|entry| text(entry, "/name")) {
        if listed.is_empty() || seen.contains(&listed) {
            continue;
        }
        seen.push(listed);
        match secret(listed) {
            Some(found) => secrets.push(found),
            None => missing.push(listed.to_owned()),
        }
    }
    Found { files: files(&secrets), missing }
}

fn files(secrets: &[Arc<Value>]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let (mut ssh, mut basic, mut docker) = (Vec::new(), Vec::new(), Map::new());
    for secret in secrets {
        match text(secret, "/type") {
            "kubernetes.io/ssh-auth" => {
                for host in annotated(secret, GIT) {
                    ssh.push(SshKey::read(secret, host)?);
                }
            }
            "kubernetes.io/basic-auth" => {
                for url in annotated(secret, GIT) {
                    basic.push((url, entry(secret, "username")?, entry(secret, "password")?));
                }
                for registry in annotated(secret, DOCKER) {
                    docker.insert(registry, docker_entry(&entry(secret, "username")?, &entry(secret, "password")?));
                }
            }
            "kubernetes.io/dockerconfigjson" => {
                let config = docker_config(secret, ".dockerconfigjson")?;
                docker.extend(config.get("auths").and_then(Value::as_object).cloned().unwrap_or_default());
            }
            "kubernetes.io/dockercfg" => {
                docker.extend(docker_config(secret, ".dockercfg")?.as_object().cloned().unwrap_or_default());
            }
            _ => {}
        }
    }
    let mut files = BTreeMap::new();
    write_basic(&basic, &mut files);
    write_ssh(&ssh, &mut files);
    if !docker.is_empty() {
        files.insert(".docker/config.json".to_owned(), json!({"auths": docker}).to_string().into_bytes());
    }
    Ok(files)
}

/// Values of a Secret's annotations with a prefix, sorted as Tekton sorts them.
fn annotated(secret: &Value, prefix: &str) -> Vec<String> {
    let annotations = metadata(secret, "annotations").filter(|(key, _)| key.starts_with(prefix));
    let mut found: Vec<String> = annotations.filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect();
    found.sort_unstable();
    found
}

fn entry(secret: &Value, key: &str) -> Result<String, String> {
    let bytes = data(&kinds::SECRET, secret).remove(key);
    let bytes = bytes.ok_or_else(|| format!("secret {:?} has no key {key}", name(secret)))?;
    String::from_utf8(bytes).map_err(|_| format!("the key {key} of secret {:?} is no text", name(secret)))
}

fn docker_config(secret: &Value, key: &str) -> Result<Value, String> {
    serde_json::from_str(&entry(secret, key)?).map_err(|_| format!("the key {key} of secret {:?} is no JSON", name(secret)))
}

fn docker_entry(username: &str, password: &str) -> Value {
    let auth = STANDARD.encode(format!("{username}:{password}"));
    json!({"username": username, "password": password, "auth": auth, "email": "not@val.id"})
}

/// A key for a host, or for one repository on it.
struct SshKey {
    /// The annotation as it is written
    target: String,
    host: String,
    port: String,
    /// Path of the repository without the leading slash; empty for the whole host
    repository: String,
    secret: String,
    key: String,
    known_hosts: Option<String>,
}

impl SshKey {
    fn read(secret: &Value, target: String) -> Result<Self, String> {
        let (address, repository) = target.split_once('/').unwrap_or((&target, ""));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host.trim_matches(['[', ']']), port),
            _ => (address, "22"),
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.to_owned(),
            repository: repository.to_owned(),
            secret: name(secret).to_owned(),
            key: entry(secret, "ssh-privatekey")?,
            known_hosts: entry(secret, "known_hosts").ok(),
            target,
        })
    }

    /// The name under which ssh finds the key: the host, or an alias that Git rewrites the repository's address to.
    fn alias(&self) -> String {
        if self.repository.is_empty() {
            return self.host.clone();
        }
        format!("{}--{}", self.host, self.repository.replace('/', "--"))
    }

    fn rewrites(&self) -> String {
        let (alias, host, path) = (self.alias(), &self.host, &self.repository);
        let port = if self.port == "22" { String::new() } else { format!(":{}", self.port) };
        format!(
            "[url \"git@{alias}:{path}.git\"]\n\tinsteadOf = git@{host}:{path}.git\n\
             [url \"ssh://{alias}/{path}.git\"]\n\tinsteadOf = ssh://{host}{port}/{path}.git\n"
        )
    }
}

fn write_ssh(keys: &[SshKey], files: &mut BTreeMap<String, Vec<u8>>) {
    if keys.is_empty() {
        return;
    }
    let mut targets: Vec<&SshKey> = Vec::new();
    for key in keys {
        if !targets.iter().any(|known| known.target == key.target) {
            targets.push(key);
        }
    }
    // Keys for whole hosts come first: they are what is left when no repository's own key fits.
    targets.sort_by_key(|key| !key.repository.is_empty());
    let (mut config, mut known_hosts, mut rewrites) = (String::new(), Vec::new(), String::new());
    for target in targets {
        config.push_str(&format!("Host {}\n    HostName {}\n    Port {}\n", target.alias(), target.host, target.port));
        for key in keys.iter().filter(|key| key.target == target.target) {
            let file = format!(".ssh/id_{}", key.secret);
            config.push_str(&format!("    IdentityFile {CREDENTIALS}/{file}\n"));
            files.insert(file, key.key.clone().into_bytes());
            known_hosts.extend(key.known_hosts.clone());
        }
        if !target.repository.is_empty() {
            rewrites.push_str(&target.rewrites());
        }
    }
    files.insert(".ssh/config".to_owned(), config.into_bytes());
    if !known_hosts.is_empty() {
        files.insert(".ssh/known_hosts".to_owned(), known_hosts.join("\n").into_bytes());
    }
    if !rewrites.is_empty() {
        files.entry(".gitconfig".to_owned()).or_default().extend(rewrites.into_bytes());
    }
}

fn write_basic(entries: &[(String, String, String)], files: &mut BTreeMap<String, Vec<u8>>) {
    if entries.is_empty() {
        return;
    }
    let mut config = "[credential]\n\thelper = store\n".to_owned();
    for (url, username, _) in entries {
        let username = username.replace('\\', "\\\\");
        let by_path = if has_path(url) { "\tuseHttpPath = true\n" } else { "" };
        config.push_str(&format!("[credential \"{url}\"]\n\tusername = {username}\n{by_path}"));
    }
    let mut ordered: Vec<_> = entries.iter().collect();
    ordered.sort_by_key(|(url, _, _)| has_path(url));
    let lines = ordered.into_iter().map(|(url, username, password)| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        format!("{scheme}://{}:{}@{rest}\n", encode(username), encode(password))
    });
    files.insert(".git-credentials".to_owned(), lines.collect::<String>().into_bytes());
    files.insert(".gitconfig".to_owned(), config.into_bytes());
}

fn has_path(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
}

/// Escapes the user part of a URL as Go does.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,;=".contains(&byte);
    let escape = |byte: u8| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::of_account;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn files(secrets: Vec<Value>) -> std::collections::BTreeMap<String, String> {
        let listed: Vec<Value> = secrets.iter().map(|s| json!({"name": s["metadata"]["name"]})).collect();
        let find = |name: &str| secrets.iter().find(|s| s["metadata"]["name"] == name).cloned().map(Arc::new);
        let found = of_account(&json!({"secrets": listed}), find).files.expect("credentials");
        found.into_iter().map(|(k, v)| (k, String::from_utf8(v).expect("text"))).collect()
    }

    #[test]
    fn ssh_keys_are_laid_out_by_host() {
        let files = files(vec![json!({
            "metadata": {"name": "key", "annotations": {"tekton.dev/git-0": "github.com", "tekton.dev/git-1": "git.local:2222"}},
            "type": "kubernetes.io/ssh-auth",
            "stringData": {"ssh-privatekey": "PRIVATE", "known_hosts": "hosts\n"},
        })]);
        assert_eq!(
            files[".ssh/config"],
            "Host git.local\n    HostName git.local\n    Port 2222\n    IdentityFile /tekton/creds/.ssh/id_key\n\
             Host github.com\n    HostName github.com\n    Port 22\n    IdentityFile /tekton/creds/.ssh/id_key\n"
        );
        assert_eq!(files[".ssh/id_key"], "PRIVATE");
        assert!(files[".ssh/known_hosts"].starts_with("hosts\n"));
    }

    #[test]
    fn passwords_go_to_git_and_docker() {
        let files = files(vec![json!({
            "metadata": {"name": "b", "annotations": {"tekton.dev/git-0": "https://github.com", "tekton.dev/docker-0": "https://reg"}},
            "type": "kubernetes.io/basic-auth",
            "data": {"username": "bWU=", "password": "YS9i"},
        })]);
        assert_eq!(files[".git-credentials"], "https://me:a%2Fb@github.com\n");
        assert_eq!(files[".gitconfig"], "[credential]\n\thelper = store\n[credential \"https://github.com\"]\n\tusername = me\n");
        assert!(files[".docker/config.json"].contains("\"auth\":\"bWU6YS9i\""));
    }

    #[test]
    fn secrets_without_annotation_or_key() {
        let plain = json!({"metadata": {"name": "p"}, "type": "kubernetes.io/ssh-auth", "data": {}});
        assert!(files(vec![plain]).is_empty());
        let broken = json!({"metadata": {"name": "p", "annotations": {"tekton.dev/git-0": "h"}}, "type": "kubernetes.io/ssh-auth"});
        let found =
            of_account(&json!({"secrets": [{"name": "p"}, {"name": "gone"}]}), |name| (name == "p").then(|| Arc::new(broken.clone())));
        assert_eq!(found.files.err().as_deref(), Some("secret \"p\" has no key ssh-privatekey"));
        assert_eq!(found.missing, ["gone"]);
    }
}
