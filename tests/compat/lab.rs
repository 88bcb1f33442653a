//! The API server and its objects: as they were loaded, as they are, and the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use kube::config::{KubeConfigOptions, Kubeconfig};
use regex::{Captures, Regex};
use rtkn::kinds::{self, Kind};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::cases::folder;
use crate::programs::Program;

/// Objects by `pipelineruns/NAMESPACE/NAME`.
pub type Objects = BTreeMap<String, Value>;

/// The server with the corpus on it, and both programs.
pub struct Lab {
    /// The peer
    pub tkn: Program,
    /// This program
    pub rtkn: Program,
    runtime: Runtime,
    client: kube::Client,
    namespaces: BTreeSet<String>,
    loaded: Objects,
    folder: TempDir,
}

impl Lab {
    /// Reaches or starts the server, and loads the corpus.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        // Not KUBECONFIG: whatever cluster-wide objects of Tekton the server has go, as one of somebody at work must not.
        let given = std::env::var_os("RTKN_COMPAT_KUBECONFIG").map(PathBuf::from);
        let given = given.unwrap_or_else(|| PathBuf::from(printed(Command::new(shared("cluster/up")).arg("api"))));
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, contexts(&given).to_string()).expect("a file in a new folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(client(&given));
        let peer = PathBuf::from(printed(&mut Command::new(shared("cluster/peer"))));
        let mut lab = Self {
            tkn: Program::new(&peer, &kubeconfig),
            rtkn: Program::new(Path::new(env!("CARGO_BIN_EXE_rtkn")), &kubeconfig),
            runtime,
            client,
            namespaces: BTreeSet::new(),
            loaded: Objects::new(),
            folder,
        };
        lab.load(&given);
        lab
    }

    /// The objects as they were loaded.
    pub fn loaded(&self) -> &Objects {
        &self.loaded
    }

    /// Empties the corpus's namespaces and loads it.
    fn load(&mut self, kubeconfig: &Path) {
        let text = corpus();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("the corpus is YAML");
        let named = documents.iter().filter_map(|object| object["metadata"]["namespace"].as_str());
        let own = documents.iter().filter(|object| object["kind"] == "Namespace").filter_map(|object| object["metadata"]["name"].as_str());
        self.namespaces = named.chain(own).map(str::to_owned).collect();
        self.restore(&self.objects());
        let file = self.folder.path().join("corpus.yaml");
        fs::write(&file, text).expect("a file in a new folder");
        let lab = std::env::var_os("TEKTON_LAB").map(PathBuf::from);
        let lab = lab.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache/tekton-lab"));
        printed(Command::new(lab.join("bin/kubelab")).arg("load").arg(file).arg("--kubeconfig").arg(kubeconfig));
        self.loaded = self.objects();
    }

    /// The objects of Tekton's kinds in the corpus's namespaces, without what the server counts.
    pub fn objects(&self) -> Objects {
        let lists = tekton().flat_map(|kind| match kind.namespaced {
            true => self.namespaces.iter().map(|namespace| kind.path(kind.version(), Some(namespace))).map(|path| (kind, path)).collect(),
            false => vec![(kind, kind.path(kind.version(), None))],
        });
        let lists = lists.map(|(kind, path)| async move { self.ask("GET", &path, None).await.map(|list| (kind, list)) });
        let lists = self.runtime.block_on(try_join_all(lists)).expect("the server lists its objects");
        let mut objects = Objects::new();
        for (kind, mut list) in lists {
            for mut object in list["items"].as_array_mut().map(std::mem::take).unwrap_or_default() {
                let metadata = object["metadata"].as_object_mut().expect("an object has metadata");
                for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
                    metadata.remove(field);
                }
                let name = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
                let key = format!("{}/{}/{}", kind.plural, name("namespace"), name("name"));
                object["apiVersion"] = json!(kind.api_version(kind.version()));
                object["kind"] = json!(kind.kind);
                objects.insert(key, object);
            }
        }
        objects
    }

    /// Takes away what was not loaded, and puts back what is not as it was.
    pub fn restore(&self, now: &Objects) {
        let extra = now.iter().filter(|(key, _)| !self.loaded.contains_key(*key));
        let lost = self.loaded.iter().filter(|(key, object)| now.get(*key) != Some(object));
        self.runtime.block_on(async {
            for (_, object) in extra {
                self.ask("DELETE", &path(object), None).await.expect("the server deletes an object");
            }
            for (_, object) in lost {
                self.put(object).await.expect("the server takes an object back");
            }
        });
    }

    /// Makes or replaces an object, and then writes its status.
    async fn put(&self, object: &Value) -> kube::Result<()> {
        let path = path(object);
        let collection = path.rsplit_once('/').expect("a path has parts").0;
        let mut made = match self.ask("POST", collection, Some(object)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let version = self.ask("GET", &path, None).await?["metadata"]["resourceVersion"].clone();
                let mut wanted = object.clone();
                wanted["metadata"]["resourceVersion"] = version;
                self.ask("PUT", &path, Some(&wanted)).await?
            }
            made => made?,
        };
        if let Some(status) = object.get("status") {
            made["status"] = status.clone();
            match self.ask("PUT", &format!("{path}/status"), Some(&made)).await {
                // A kind whose status is a part of the object like any other.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                written => drop(written?),
            }
        }
        Ok(())
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> kube::Result<Value> {
        let request = http::Request::builder().method(method).uri(path).header("Content-Type", "application/json");
        let body = body.map(|value| value.to_string().into_bytes()).unwrap_or_default();
        self.client.request(request.body(body).expect("a path and a fixed header make a request")).await
    }
}

fn tekton() -> impl Iterator<Item = &'static Kind> {
    kinds::ALL.iter().copied().filter(|kind| kind.group.ends_with("tekton.dev"))
}

fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let kind = kinds::of_manifest(&version, &kind).expect("an object of the corpus has a kind that is known");
    let namespace = object["metadata"]["namespace"].as_str();
    let version = version.rsplit('/').next().unwrap_or_default();
    format!("{}/{}", kind.path(version, namespace), text(&object["metadata"]["name"]))
}

/// The corpus as one YAML text. `@90m` is the time ninety and a half minutes ago, `@2h+30s` half a minute after two and a
/// half hours ago: between two ticks, so that no age changes while two programs tell it.
fn corpus() -> String {
    let entries = fs::read_dir(folder().join("corpus")).expect("the folder of the corpus");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    // Namespaces come first.
    files.sort_by_key(|file| (!file.ends_with("namespaces.yaml"), file.clone()));
    let text: Vec<String> = files.iter().map(|file| fs::read_to_string(file).expect("the corpus is text")).collect();
    let time = Regex::new(r"@(\d+)([smhd])(?:\+(\d+)s)?").expect("a fixed expression");
    let now = Timestamp::now();
    let told = |found: &Captures<'_>| {
        let number = |i: usize| found.get(i).map_or(0, |n| n.as_str().parse::<i64>().expect("a number of digits"));
        let unit = match &found[2] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 86400,
        };
        let ago = SignedDuration::from_secs(number(1) * unit + unit / 2 - number(3));
        (now - ago).round(jiff::Unit::Second).expect("a time of this age").to_string()
    };
    time.replace_all(&text.join("\n---\n"), told).into_owned()
}

/// The kubeconfig of both programs: `lab` is the server in the namespace `shop`, `yard` the same in another one, `nobody`
/// somebody without rights, and at `down` there is no server.
fn contexts(given: &Path) -> Value {
    let text = fs::read_to_string(given).unwrap_or_else(|error| panic!("{}: {error}", given.display()));
    let config: Value = serde_saphyr::from_str(&text).expect("a kubeconfig is YAML");
    let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
    let mut nobody = user.clone();
    nobody["as"] = json!("nobody");
    let context = |name: &str, cluster: &str, user: &str, namespace: &str| json!({"name": name, "context": {"cluster": cluster, "user": user, "namespace": namespace}});
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": cluster}, {"name": "down", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "admin", "user": user}, {"name": "nobody", "user": nobody}],
        "contexts": [
            context("lab", "lab", "admin", "shop"), context("yard", "lab", "admin", "yard"),
            context("nobody", "lab", "nobody", "shop"), context("down", "down", "admin", "shop"), context("bare", "lab", "admin", ""),
        ],
    })
}

async fn client(kubeconfig: &Path) -> kube::Client {
    let config = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.expect("a context that is whole");
    kube::Client::try_from(config).expect("a client of the server")
}

/// A path below the folder that is shared, beside this repository.
fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path)
}

/// The last line that a command prints; its talk is shown.
fn printed(command: &mut Command) -> String {
    let output = command.stderr(std::process::Stdio::inherit()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {}", output.status);
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().trim().to_owned()
}
