//! The story of the README, command by command, as a person types it: the same on the sandbox and on a cluster.

use std::path::Path;
use std::process::Command;

use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

use crate::world::{World, eventually};

/// What differs between the engines: where a repository is, and which image has git in it.
pub struct Setting {
    /// The repository's address, as steps reach it
    pub repository: String,
    /// An image with git and sh; the sandbox does not use it
    pub image: String,
    /// The git server as the Secret's annotation names it
    pub host: String,
    /// The private key's file
    pub key: String,
    /// The known_hosts file, where the server is reached over ssh
    pub known_hosts: Option<String>,
}

/// Makes a small repository to clone.
pub fn repository(folder: &Path) -> String {
    let path = folder.join("repository");
    std::fs::create_dir_all(&path).expect("a folder for the repository");
    std::fs::write(path.join("greeting.txt"), "hello from the repository\n").expect("a file to commit");
    let commit = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "Begin"];
    for args in [["init", "-q", "-b", "main"].as_slice(), &["add", "."], &commit] {
        let status = Command::new("git").current_dir(&path).args(args).status().expect("git runs");
        assert!(status.success(), "git {args:?}");
    }
    path.to_string_lossy().into_owned()
}

/// Makes an ed25519 key without a passphrase, as `ssh-keygen -t ed25519` does: FILE and FILE.pub.
pub fn key(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).expect("a key can be made");
    key.set_comment(name);
    key.write_openssh_file(&path, LineEnding::LF).expect("a file for the key");
    let public = path.with_extension("pub");
    key.public_key().write_openssh_file(&public).expect("a file for its public half");
    path.to_string_lossy().into_owned()
}

/// The Task and the Pipeline of the story.
pub fn pipeline(image: &str) -> String {
    format!(
        r#"apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: git-clone
spec:
  params:
    - name: url
  workspaces:
    - name: output
  results:
    - name: commit
  steps:
    - name: clone
      image: {image}
      imagePullPolicy: Never
      env:
        - name: URL
          value: $(params.url)
      script: |
        #!/bin/sh
        set -eu
        git clone --quiet "$URL" "$(workspaces.output.path)/source"
        cd "$(workspaces.output.path)/source"
        git rev-parse HEAD | tr -d '\n' > "$(results.commit.path)"
        echo cloned
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata:
  name: tt-pl
spec:
  params:
    - name: repo-url
  workspaces:
    - name: shared-data
  tasks:
    - name: fetch-source
      taskRef:
        name: git-clone
      params:
        - name: url
          value: $(params.repo-url)
      workspaces:
        - name: output
          workspace: shared-data
    - name: show
      params:
        - name: commit
          value: $(tasks.fetch-source.results.commit)
      taskSpec:
        params:
          - name: commit
        steps:
          - name: commit
            image: {image}
            imagePullPolicy: Never
            script: |
              #!/bin/sh
              echo "at commit $(params.commit)"
"#
    )
}

/// Makes Secret, ServiceAccount, RBAC, Pipeline and the trigger chain, and waits until the listener answers.
pub fn set_up(world: &World, setting: &Setting) {
    let mut secret = vec!["secret", "create", "ssh", "tt-ssh", "--host", &setting.host, "--key", &setting.key];
    if let Some(known_hosts) = &setting.known_hosts {
        secret.extend(["--known-hosts", known_hosts]);
    }
    world.rtkn(&secret).ok().never_shows("PRIVATE KEY");
    world.rtkn(&secret).ok().prints("unchanged");
    world.rtkn(&["secret", "list"]).ok().prints("kubernetes.io/ssh-auth").prints(&setting.host);
    world.rtkn(&["sa", "create", "tt-sa", "--secret", "tt-ssh"]).ok();
    world.rtkn(&["sa", "describe", "tt-sa"]).ok().prints("tt-ssh").prints("sa grant tt-sa --for eventlistener");
    world.rtkn(&["sa", "grant", "tt-sa", "--for", "eventlistener"]).ok();
    world.rtkn(&["sa", "describe", "tt-sa"]).ok().prints("tekton-triggers-eventlistener-roles");
    let manifest = world.write("pipeline.yaml", &pipeline(&setting.image));
    world.rtkn(&["apply", "-f", &manifest]).ok().prints("git-clone").prints("tt-pl");
    let chain = [
        "trigger",
        "create",
        "tt-tr",
        "--pipeline",
        "tt-pl",
        "--param",
        "repo-url=$(body.url)",
        "--workspace",
        "shared-data=emptyDir",
        "--service-account",
        "tt-sa",
        "--eventlistener",
        "tt-ev",
    ];
    world.rtkn(&chain).ok();
    world.rtkn(&chain).ok().prints("unchanged");
    // Nothing of this one comes from the event, so there is nothing to bind.
    let fixed = ["trigger", "create", "fixed", "--pipeline", "tt-pl", "--param", "repo-url=here", "--workspace", "shared-data=emptyDir"];
    world.rtkn(&fixed).ok().prints("fixed-tt created").never_shows("fixed-tb");
    world.rtkn(&["trigger", "describe", "fixed"]).ok().prints("fixed-tt");
    world.rtkn(&["el", "describe", "tt-e"]).exits(1).says("did you mean tt-ev?");
    for noun in ["el", "trigger", "tb", "tt"] {
        world.rtkn(&[noun, "list"]).ok().prints("tt-");
    }
    world.rtkn(&["trigger", "describe", "tt-tr"]).ok().prints("tt-tr");
    eventually("the listener to be available", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
}

/// Sends an event whose run succeeds, and one whose run fails and is explained.
pub fn events(world: &World, setting: &Setting) {
    let event = format!(r#"{{"url": "{}"}}"#, setting.repository);
    let sent = world.rtkn(&["el", "send", "tt-ev", "-d", &event, "-H", "X-GitHub-Event: push", "--follow"]).ok();
    let sent = sent.prints("tt-ev").prints("[fetch-source : clone] cloned").prints("[show : commit] at commit ");
    assert!(sent.stdout.contains("eventID"), "{sent}");
    // One run: it is taken without a question.
    world.rtkn(&["pr", "logs"]).ok().prints("[fetch-source : clone] cloned");
    world.rtkn(&["pr", "list"]).ok().prints("tt-tt-pr").prints("Succeeded");
    world.rtkn(&["tr", "list"]).ok().prints("fetch-source").prints("Succeeded");
    let name = world.rtkn(&["pr", "list", "--no-headers"]).ok().stdout.split_whitespace().next().expect("a run").to_owned();
    world.rtkn(&["pr", "describe", &name]).ok().prints("tt-pl").prints("fetch-source");
    world.rtkn(&["pr", "describe", &name, "-o", "yaml"]).ok().prints("childReferences:");

    let wrong = format!("{}-gone", setting.repository);
    world.rtkn(&["el", "send", "tt-ev", "-d", &format!(r#"{{"url": "{wrong}"}}"#), "--follow"]).exits(1);
    let logs = world.rtkn(&["pr", "logs", "-L"]).ok();
    logs.says(r#"task fetch-source has failed: "step-clone" exited with code 128"#);
    // Several runs and nobody to ask.
    world.rtkn(&["pr", "logs"]).exits(1).says("no terminal").says("the name of the PipelineRun");
    let failed = world.rtkn(&["pr", "list", "--no-headers"]).ok();
    let failed =
        failed.stdout.lines().find(|l| l.contains("Failed")).and_then(|l| l.split_whitespace().next()).expect("a failed run").to_owned();
    world.rtkn(&["diagnose", "pr", &failed]).ok().prints(&wrong);
}
