//! What goes wrong on a cluster, and what `diagnose` says of it: each with the cluster's own words as evidence.

use crate::servers::Server;
use crate::world::eventually;
use crate::{IMAGE, cluster, node, setting, story};

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
    let told = eventually("the listener to be refused", || {
        let told = world.rtkn(&["diagnose", "el", "bare"]).ok();
        told.stdout.contains("is forbidden").then_some(told)
    });
    told.prints("sa grant").prints("--for eventlistener").prints("serviceAccountName");
    world
        .rtkn(&["el", "send", "bare", "-d", "{}"])
        .exits(1)
        .says("may not get eventlisteners")
        .says("sa grant default --for eventlistener");
    world.rtkn(&["sa", "create", "listener"]).ok();
    world.rtkn(&["sa", "grant", "listener", "--for", "eventlistener"]).ok();
    world.stdin(&["apply", "-f", "-"], &manifest.replace("spec:\n", "spec:\n  serviceAccountName: listener\n")).ok();
    eventually("the listener to be available", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
}

#[test]
fn a_claim_without_a_class_is_explained() {
    let world = cluster();
    world.stdin(&["apply", "-f", "-"], &unbound_claim()).ok();
    let told = eventually("the pod to be unschedulable", || {
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
    let told = eventually("the run to fail", || {
        let told = world.rtkn(&["diagnose", "pr", "lost"]).ok();
        told.stdout.contains("git-clonn").then_some(told)
    });
    told.prints("does not exist");
}

#[test]
fn a_secret_that_the_account_does_not_list_is_explained_and_added() {
    let world = cluster();
    let server = Server::start(world.path(), &node());
    world
        .rtkn(&["secret", "create", "ssh", "tt-ssh", "--host", &server.host, "--key", &server.key, "--known-hosts", &server.known_hosts])
        .ok();
    world.rtkn(&["sa", "create", "tt-sa"]).ok();
    let manifest = world.write("pipeline.yaml", &story::pipeline(IMAGE));
    world.rtkn(&["apply", "-f", &manifest]).ok();
    let url = format!("repo-url={}", server.url);
    let start = ["pipeline", "start", "tt-pl", "-p", &url, "-w", "name=shared-data,emptyDir=", "-s", "tt-sa", "--showlog"];
    world.rtkn(&start).prints("Host key verification failed");
    world.rtkn(&["diagnose"]).ok().prints("does not list Secret tt-ssh").prints("sa add-secret tt-sa tt-ssh");
    world.rtkn(&["sa", "add-secret", "tt-sa", "tt-ssh"]).ok();
    world.rtkn(&start).ok().prints("[fetch-source : clone] cloned");
    world.rtkn(&["secret", "delete", "tt-ssh", "-f"]).ok().says("ServiceAccount tt-sa lists Secret tt-ssh");
    world.rtkn(&start).prints("Host key verification failed");
    world.rtkn(&["diagnose", "--last"]).ok().prints("ServiceAccount tt-sa lists Secret tt-ssh, which does not exist");
}
