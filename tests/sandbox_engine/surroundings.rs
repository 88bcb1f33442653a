//! What stands around a run: credentials, claims, and the rights of a listener.

use std::time::{Duration, Instant};

use crate::steps::{ended, played};
use crate::story;
use crate::world::{World, eventually};

#[test]
fn ssh_credentials_are_laid_out_as_tekton_does() {
    let world = World::started_sandbox();
    let key = story::key(world.path(), "key");
    let public = std::fs::read_to_string(format!("{key}.pub")).expect("its public half");
    let known_hosts = world.write("known_hosts", &format!("git.example {public}"));
    let secret = [
        "secret",
        "create",
        "ssh",
        "tt-ssh",
        "--host",
        "git.example",
        "--host",
        "other.example:2222",
        "--key",
        &key,
        "--known-hosts",
        &known_hosts,
    ];
    world.rtkn(&secret).ok();
    world.rtkn(&["sa", "create", "tt-sa", "--secret", "tt-ssh"]).ok();
    let run = "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  serviceAccountName: tt-sa
  taskSpec:
    steps:
      - name: s
        image: none
        script: |
          cd /tekton/creds/.ssh
          stat -c '%a %n' *
          cat config known_hosts
          cmp id_tt-ssh \"$HOME/.ssh/id_tt-ssh\" && echo the same at home
";
    let log = played(&world, "tr", run);
    if log.stderr.contains("mount namespace") {
        eprintln!("skipped: this machine permits no mount namespace, so /tekton is no path here");
        return;
    }
    let log = log.prints("600 id_tt-ssh").prints("Host git.example").prints("HostName git.example").prints("IdentityFile");
    let log = log.prints("Host other.example").prints("Port 2222").prints("git.example ssh-ed25519 ").prints("the same at home");
    log.never_shows("PRIVATE KEY");
    let inside = std::fs::read_to_string(&key).expect("the key");
    let line = inside.lines().nth(1).expect("a key has lines");
    let log = world.rtkn(&["tr", "logs", "run"]).ok();
    assert!(!log.stdout.contains(line));
}

#[test]
fn a_secret_that_the_account_does_not_list_is_explained() {
    let world = World::started_sandbox();
    let key = story::key(world.path(), "key");
    world.rtkn(&["secret", "create", "ssh", "tt-ssh", "--host", "git.example", "--key", &key]).ok();
    world.rtkn(&["sa", "create", "tt-sa"]).ok();
    let run = "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: run}
spec:
  serviceAccountName: tt-sa
  params: [{name: url, value: 'git@git.example:team/app.git'}]
  taskSpec:
    params: [{name: url}]
    steps:
      - name: clone
        image: none
        script: |
          echo 'git@git.example: Permission denied (publickey).' >&2
          echo 'fatal: Could not read from remote repository.' >&2
          exit 128
";
    played(&world, "tr", run);
    world
        .rtkn(&["diagnose", "tr", "run"])
        .ok()
        .prints("Permission denied (publickey")
        .prints("tt-ssh")
        .prints("sa add-secret tt-sa tt-ssh");
}

const CLAIM: &str = "apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  pipelineSpec:
    workspaces: [{name: data}]
    tasks:
      - name: writes
        workspaces: [{name: data, workspace: data}]
        taskSpec: {workspaces: [{name: data}], steps: [{name: s, image: none, script: 'echo kept > $(workspaces.data.path)/file'}]}
      - name: reads
        runAfter: [writes]
        workspaces: [{name: data, workspace: data}]
        taskSpec: {workspaces: [{name: data}], steps: [{name: s, image: none, script: 'cat $(workspaces.data.path)/file'}]}
  workspaces:
    - name: data
      volumeClaimTemplate:
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
";

#[test]
fn a_claim_without_a_class_leaves_the_pod_pending_and_is_explained() {
    let world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], CLAIM).ok();
    let told = eventually("the pod to be unschedulable", || {
        let told = world.rtkn(&["diagnose", "pr", "run"]).ok();
        told.stdout.contains("unbound immediate PersistentVolumeClaims").then_some(told)
    });
    let told = told.prints("which has no storageClassName, and no StorageClass is the default (there are: local)");
    // A line to paste has to speak to the sandbox and not to the cluster of the person's own kubeconfig.
    told.prints("kubectl --kubeconfig ").prints(" patch storageclass local ").never_shows("kubectl patch").never_shows("kubectl -n");
    world.rtkn(&["pr", "list"]).ok().prints("Running");
    world.rtkn(&["pr", "cancel", "run"]).ok();
}

#[test]
fn a_namespace_that_is_not_there_is_told_without_a_command_for_another_cluster() {
    let world = World::started_sandbox();
    let told = world.rtkn(&["-n", "other", "sa", "create", "a"]).exits(1);
    told.says("there is no namespace other: apply a manifest of kind Namespace").never_shows("kubectl");
}

#[test]
fn a_claim_with_a_class_of_the_sandbox_is_bound_and_shared() {
    let world = World::started_sandbox();
    let bound = CLAIM.replace("spec: {accessModes", "spec: {storageClassName: rtkn-directory, accessModes");
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: rtkn-directory}\nprovisioner: rtkn/directory\n---\n";
    played(&world, "pr", &format!("{class}{bound}")).prints("[reads : s] kept");
    ended(&world, "pr", "True", "Succeeded");
}

#[test]
fn a_listener_without_rights_is_forbidden_explained_and_mended() {
    let world = World::started_sandbox();
    let manifest = "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata:\n  name: bare\nspec:\n  triggers: [{template: {ref: none}}]\n";
    world.stdin(&["apply", "-f", "-"], manifest).ok();
    let told = eventually("the listener to be refused", || {
        let told = world.rtkn(&["diagnose", "el", "bare"]).ok();
        told.stdout.contains("is forbidden").then_some(told)
    });
    told.prints("system:serviceaccount:default:default").prints("sa grant").prints("--for eventlistener").prints("serviceAccountName");
    let asked = Instant::now();
    let send = ["el", "send", "bare", "-d", "{}"];
    let told = world.rtkn(&send).exits(1).says("its ServiceAccount default may not get eventlisteners.triggers.tekton.dev\n");
    told.says("Hint: rtkn --sandbox sa grant default --for eventlistener").says("diagnose eventlistener bare says more");
    assert!(asked.elapsed() < Duration::from_secs(20), "it was waited for what cannot come: {:?}", asked.elapsed());
    world.stdin(&["apply", "-f", "-"], &manifest.replace("spec:\n", "spec:\n  serviceAccountName: listener\n")).ok();
    world.rtkn(&send).exits(1).says("there is no ServiceAccount listener in namespace default").says("sa create listener");
    world.rtkn(&["sa", "create", "listener"]).ok();
    world.rtkn(&["sa", "grant", "listener", "--for", "eventlistener"]).ok();
    eventually("the listener to be available", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
    world.rtkn(&["el", "send", "bare", "-d", "{}", "--timeout", "0"]).ok().prints("eventID");
}
