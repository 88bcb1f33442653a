//! The second tier: the story on the real cluster that `KUBECONFIG` names. Run it with `cargo test --test cluster`.

#[path = "../story.rs"]
mod story;
#[allow(dead_code, reason = "the first tier uses the rest of it")]
#[path = "../world.rs"]
mod world;

mod ssh;

use std::path::PathBuf;
use std::process::Command;

use ssh::Server;
use story::Setting;
use world::World;

/// An image that the lab cluster has: git, ssh and a shell.
const IMAGE: &str = "localhost/git:1";

fn kubeconfig() -> PathBuf {
    let path = std::env::var_os("KUBECONFIG").expect("KUBECONFIG names the cluster of this tier");
    PathBuf::from(path)
}

/// A world on the cluster, in a namespace that is made now and deleted when the test is over.
fn cluster() -> World {
    let mut world = World::new(|_| vec![("KUBECONFIG", kubeconfig())], |world| {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["delete", "namespace", "--wait=false", &world.namespace]).env("KUBECONFIG", kubeconfig());
        // The namespace stays behind where there is no kubectl; the cluster is the tests' own.
        let _ = kubectl.output();
    });
    let suffix = world.path().file_name().expect("a folder has a name").to_string_lossy().to_lowercase();
    let namespace = format!("rtkn{}", suffix.replace('.', "-"));
    world.stdin(&["apply", "-f", "-"], &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n")).ok();
    world.namespace = namespace;
    world
}

/// The address of the node, which steps reach as well: the host of the kubeconfig's server.
fn node() -> String {
    let text = std::fs::read_to_string(kubeconfig()).expect("the kubeconfig is readable");
    let server = text.split("server:").nth(1).and_then(|s| s.split("//").nth(1)).expect("the kubeconfig names a server");
    server.split(':').next().expect("a server has an address").to_owned()
}

fn setting(server: &Server, key: String) -> Setting {
    Setting {
        repository: server.url.clone(),
        image: IMAGE.to_owned(),
        host: server.host.clone(),
        key,
        known_hosts: Some(server.known_hosts.clone()),
    }
}

#[test]
fn the_story_with_a_clone_over_ssh() {
    let world = cluster();
    let server = Server::start(world.path(), &node());
    let setting = setting(&server, server.key.clone());
    story::set_up(&world, &setting);
    story::events(&world, &setting);
}

#[test]
fn the_same_story_in_the_sandbox() {
    let world = World::started_sandbox();
    let server = Server::start(world.path(), &node());
    let setting = setting(&server, server.key.clone());
    story::set_up(&world, &setting);
    story::events(&world, &setting);
}

#[test]
fn a_wrong_key_is_refused_and_explained() {
    let world = cluster();
    let server = Server::start(world.path(), &node());
    let stranger = story::key(world.path(), "stranger");
    let setting = setting(&server, stranger);
    story::set_up(&world, &setting);
    let event = format!(r#"{{"url": "{}"}}"#, setting.repository);
    world.rtkn(&["el", "send", "tt-ev", "-d", &event, "--follow"]).exits(1).prints("Permission denied");
    world.rtkn(&["diagnose"]).ok().prints("Permission denied (publickey").prints("tt-ssh");
}

#[test]
fn a_server_that_is_not_known_is_refused_and_explained() {
    let world = cluster();
    let server = Server::start(world.path(), &node());
    let mut setting = setting(&server, server.key.clone());
    let other = story::key(world.path(), "other");
    let public = std::fs::read_to_string(format!("{other}.pub")).expect("the public half");
    let address = server.host.replace(':', "]:");
    setting.known_hosts = Some(world.write("wrong_hosts", &format!("[{address} {public}")));
    story::set_up(&world, &setting);
    let event = format!(r#"{{"url": "{}"}}"#, setting.repository);
    world.rtkn(&["el", "send", "tt-ev", "-d", &event, "--follow"]).exits(1).prints("Host key verification failed");
    world.rtkn(&["diagnose"]).ok().prints("Host key verification failed").prints("known_hosts");
}

#[test]
fn a_listener_without_rights_is_explained_and_mended() {
    let world = cluster();
    let manifest = "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata:\n  name: bare\nspec:\n  triggers:\n    - triggerRef: anything\n";
    world.stdin(&["apply", "-f", "-"], manifest).ok();
    let told = world::eventually("the listener to be refused", || {
        let told = world.rtkn(&["diagnose", "el", "bare"]).ok();
        told.stdout.contains("is forbidden").then_some(told)
    });
    told.prints("sa grant").prints("--for eventlistener").prints("serviceAccountName");
    world.rtkn(&["sa", "create", "listener"]).ok();
    world.rtkn(&["sa", "grant", "listener", "--for", "eventlistener"]).ok();
    world.stdin(&["apply", "-f", "-"], &manifest.replace("spec:\n", "spec:\n  serviceAccountName: listener\n")).ok();
    world::eventually("the listener to be available", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
}

#[test]
fn a_claim_without_a_class_is_explained() {
    let world = cluster();
    world.stdin(&["apply", "-f", "-"], &unbound_claim()).ok();
    let told = world::eventually("the pod to be unschedulable", || {
        let told = world.rtkn(&["diagnose", "pr", "unbound"]).ok();
        told.stdout.contains("unbound immediate PersistentVolumeClaims").then_some(told)
    });
    told.prints("storageClassName");
}

fn unbound_claim() -> String {
    format!(
        "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: unbound
spec:
  pipelineSpec:
    workspaces: [{{name: data}}]
    tasks:
      - name: wait
        workspaces: [{{name: data, workspace: data}}]
        taskSpec:
          workspaces: [{{name: data}}]
          steps: [{{name: wait, image: {IMAGE}, imagePullPolicy: Never, script: 'true'}}]
  workspaces:
    - name: data
      volumeClaimTemplate:
        spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
"
    )
}

#[test]
fn a_task_that_does_not_exist_is_named() {
    let world = cluster();
    let manifest = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: lost
spec:
  pipelineSpec:
    tasks: [{name: fetch, taskRef: {name: git-clonn}}]
";
    world.stdin(&["apply", "-f", "-"], manifest).ok();
    let told = world::eventually("the run to fail", || {
        let told = world.rtkn(&["diagnose", "pr", "lost"]).ok();
        told.stdout.contains("git-clonn").then_some(told)
    });
    told.prints("does not exist");
}
