//! `task start --image`: a Task out of a bundle, from a registry that asks for a token as the public ones do.

use std::io::Read;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake::{Answer, FakeServer, Request};
use crate::world::{Ran, World};

const TASK: &str = r#"{"apiVersion": "tekton.dev/v1beta1", "kind": "Task", "metadata": {"name": "seal"}, "spec": {
    "params": [{"name": "wax", "type": "string"}], "steps": [{"name": "press", "image": "none", "script": "echo $(params.wax)"}]}}"#;

/// `Basic` with user ann and password pw.
const ANN: &str = "Basic YW5uOnB3";

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A layer as `tkn bundle push` makes it.
fn layer(text: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, "seal", text.as_bytes()).expect("memory takes all");
    let archive = archive.into_inner().expect("memory takes all");
    let mut packed = Vec::new();
    GzEncoder::new(&archive[..], Compression::fast()).read_to_end(&mut packed).expect("memory takes all");
    packed
}

fn manifest(layers: &[(&str, &str, &[u8])]) -> Value {
    let layers = layers.iter().map(|(kind, name, bytes)| {
        let annotations = json!({"dev.tekton.image.kind": kind, "dev.tekton.image.name": name, "dev.tekton.image.apiVersion": "v1beta1"});
        json!({"digest": digest(bytes), "size": bytes.len(), "annotations": annotations})
    });
    json!({"schemaVersion": 2, "layers": layers.collect::<Vec<_>>()})
}

/// A registry with one bundle, `lab/tools:v1`, whose blobs lie on another server. It takes the token that it gives to ann.
struct Hub {
    registry: FakeServer,
    blobs: Arc<FakeServer>,
}

fn hub(blob: &'static [u8]) -> Hub {
    let sealed = layer(TASK);
    let manifest = manifest(&[("task", "seal", &sealed), ("pipeline", "press", b"another")]);
    let blobs = Arc::new(FakeServer::start(move |_, _| Answer::bytes(if blob.is_empty() { &sealed } else { blob })));
    let elsewhere = blobs.url();
    let registry = FakeServer::start(move |request, _| match request.target.split('?').next().unwrap_or_default() {
        "/token" if request.header("authorization") == ANN => Answer::json(&json!({"token": "for-ann"})),
        "/token" => Answer::json(&json!({"token": "for-anybody"})),
        _ if request.header("authorization").is_empty() => {
            let realm = format!("http://{}/token", request.header("host"));
            Answer::no_status(401, "").header("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"lab\""))
        }
        _ if request.header("authorization") != "Bearer for-ann" => {
            let refusal = json!({"errors": [{"code": "DENIED", "message": "ann only"}]});
            Answer::no_status(403, &refusal.to_string())
        }
        "/v2/lab/tools/manifests/v1" => Answer::json(&manifest),
        target if target.starts_with("/v2/lab/tools/blobs/") => Answer::moved(&format!("{elsewhere}/blob")),
        _ => Answer::no_status(404, r#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such tag"}]}"#),
    });
    Hub { registry, blobs }
}

impl Hub {
    fn host(&self) -> String {
        self.registry.url().replace("http://", "")
    }

    fn start(&self, world: &World, image: &str, more: &[&str]) -> Ran {
        let image = format!("{}/{image}", self.host());
        let line = ["task", "start", "--image", &image, "seal", "-p", "wax=red", "--dry-run", "-o", "json"];
        world.rtkn(&[&line[..], more].concat())
    }

    fn asked(&self, path: &str) -> Vec<Request> {
        self.registry.asked().into_iter().filter(|request| request.target.starts_with(path)).collect()
    }
}

/// A world in which ann has logged in with docker.
fn logged_in(hub: &Hub) -> World {
    let world = World::sandbox();
    let auths = json!({"auths": {hub.host(): {"auth": ANN.trim_start_matches("Basic ")}}});
    world.write("home/.docker/config.json", &auths.to_string());
    world
}

#[test]
fn a_task_of_a_bundle_is_started_as_if_a_file_held_it() {
    let hub = hub(b"");
    let run: Value = serde_json::from_str(&hub.start(&logged_in(&hub), "lab/tools:v1", &[]).ok().stdout).expect("JSON");
    assert_eq!(run["metadata"]["generateName"], "seal-run-");
    assert_eq!(run["spec"]["params"], json!([{"name": "wax", "value": "red"}]));
    assert_eq!(run["spec"]["taskSpec"]["steps"][0]["script"], "echo $(params.wax)");
}

#[test]
fn a_registry_gets_its_token_and_nobody_else_gets_anything() {
    let hub = hub(b"");
    hub.start(&logged_in(&hub), "lab/tools:v1", &[]).ok();
    let tokens = hub.asked("/token");
    assert_eq!(tokens.len(), 1, "one token serves for the whole image");
    assert!(
        tokens[0].target.contains("scope=repository%3Alab%2Ftools%3Apull") && tokens[0].target.contains("service=lab"),
        "{}",
        tokens[0].target
    );
    assert!(hub.asked("/v2/").iter().all(|request| ["", "Bearer for-ann"].contains(&request.header("authorization"))));
    assert!(hub.blobs.asked().iter().all(|request| request.header("authorization").is_empty()));
}

#[test]
fn the_flags_go_before_who_is_logged_in() {
    let hub = hub(b"");
    let world = World::sandbox();
    hub.start(&world, "lab/tools:v1", &["--remote-username", "ann", "--remote-password", "pw"]).ok();
    hub.start(&world, "lab/tools:v1", &["--remote-bearer", "for-ann"]).ok();
    hub.start(&logged_in(&hub), "lab/tools:v1", &["--remote-bearer", "other"]).exits(1).says("DENIED: ann only");
}

#[test]
fn a_refusal_says_how_one_logs_in_and_no_secret() {
    let hub = hub(b"");
    let ran = hub.start(&World::sandbox(), "lab/tools:v1", &["--remote-username", "eve", "--remote-password", "hidden-word"]).exits(1);
    ran.says("/v2/lab/tools/manifests/v1: DENIED: ann only").says("`docker login`").never_shows("hidden-word").never_shows("for-anybody");
}

#[test]
fn what_the_bundle_does_not_hold_is_told_with_what_it_holds() {
    let hub = hub(b"");
    let image = format!("{}/lab/tools:v1", hub.host());
    let ran = logged_in(&hub).rtkn(&["task", "start", "-i", &image, "steal"]).exits(1);
    ran.says(&format!("{image} holds no task \"steal\"; it holds seal"));
    hub.start(&logged_in(&hub), "lab/tools:v2", &[]).exits(1).says("MANIFEST_UNKNOWN: no such tag");
}

#[test]
fn a_layer_that_is_not_the_one_of_the_manifest_starts_nothing() {
    let hub = hub(b"something else");
    hub.start(&logged_in(&hub), "lab/tools:v1", &[]).exits(1).says("the registry's answer is not sha256:");
}

#[test]
fn flags_of_a_registry_need_one() {
    let world = World::sandbox();
    world.rtkn(&["task", "start", "seal", "--remote-skip-tls"]).exits(1).says("--remote-skip-tls goes with --image");
    let half = ["task", "start", "seal", "-i", "reg.example/tools", "--remote-username", "ann"];
    world.rtkn(&half).exits(1).says("--remote-username and --remote-password go together");
    world.rtkn(&["task", "start", "seal", "-i", "Not A Name"]).exits(1).says("could not parse reference: Not A Name");
}
