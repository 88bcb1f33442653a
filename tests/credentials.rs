//! What is said of a step whose ssh login was refused, by what its ServiceAccount hands to it. The step only says what git
//! says: the same against a real sshd is a test of the cluster tier.

use crate::world::{Ran, World};

const REFUSED: &str =
    "echo git@github.com: Permission denied \\(publickey\\). >&2; echo fatal: Could not read from remote repository. >&2; exit 128";
const UNKNOWN_HOST: &str = "echo git@github.com:me/app.git; echo Host key verification failed. >&2; exit 128";

/// A sandbox with a Secret for a host, and what is said of a run with that account whose step ends so.
fn explained(host: &str, account: &[&str], script: &str) -> Ran {
    let world = World::sandbox();
    world.rtkn(&["secret", "create", "ssh", "key", "--host", host, "--generate"]).ok();
    world.rtkn(&["secret", "create", "ssh", "other", "--host", "git.example.org", "--generate"]).ok();
    world.rtkn(&[&["sa", "create", "clone"], account].concat()).ok();
    if account.contains(&"other") {
        world.rtkn(&["secret", "delete", "other", "-f"]).ok();
    }
    let run = format!(
        "apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: run}}
spec:
  serviceAccountName: clone
  taskSpec:
    steps:
      - name: clone
        image: none
        script: |
          {script}
"
    );
    world.stdin(&["apply", "-f", "-"], &run);
    world.rtkn(&["diagnose", "tr", "run"]).ok()
}

#[test]
fn a_secret_for_the_host_that_the_account_does_not_list_is_named() {
    let told = explained("github.com", &[], REFUSED);
    told.prints("ServiceAccount clone, under which the step ran, does not list Secret key").prints("sa add-secret clone key");
}

#[test]
fn a_listed_secret_that_is_gone_is_named() {
    let told = explained("gitlab.com", &["--secret", "other"], REFUSED);
    told.prints("ServiceAccount clone lists Secret other, which does not exist").prints("secret create ssh other --host github.com");
}

#[test]
fn secrets_for_other_hosts_are_named_with_their_hosts() {
    let told = explained("gitlab.com", &["--secret", "key"], REFUSED);
    told.prints("No Secret of ServiceAccount clone is meant for github.com: key is annotated for gitlab.com");
}

#[test]
fn the_host_is_taken_from_the_script_where_the_log_does_not_name_it() {
    let told = explained("github.com", &[], UNKNOWN_HOST);
    told.prints("does not list Secret key, which is meant for github.com");
}

#[test]
fn the_port_that_ssh_names_is_kept() {
    let said = "echo No ED25519 host key is known for [git.example.org]:2222 and you have requested strict checking.; exit 128";
    let told = explained("git.example.org:2222", &["--secret", "key"], &format!("echo Host key verification failed.; {said}"));
    told.prints("Secret key has no `known_hosts`").prints("ssh-keyscan -p 2222 git.example.org");
}

#[test]
fn what_is_not_known_of_a_host_is_left_to_be_put_in() {
    let told = explained("github.com", &[], "echo Host key verification failed. >&2; exit 128");
    told.prints("$ ssh-keyscan HOST > known_hosts").never_shows("SCAN");
}

/// What is said of a step whose login over https was refused, with this account.
fn login_explained(annotation: &str, account: &[&str]) -> Ran {
    let world = World::sandbox();
    world.stdin(&["secret", "create", "basic", "login", "--host", annotation, "--stdin"], "me\nhunter2\n");
    world.rtkn(&[&["sa", "create", "clone"], account].concat()).ok();
    let script = "echo fatal: could not read Username for \\'https://github.com\\': terminal prompts disabled >&2; exit 128";
    let run = crate::steps::task_run("run", script).replace("spec:\n  taskSpec", "spec:\n  serviceAccountName: clone\n  taskSpec");
    world.stdin(&["apply", "-f", "-"], &run);
    world.rtkn(&["diagnose", "tr", "run"]).ok().never_shows("hunter2")
}

#[test]
fn a_login_that_the_account_does_not_list_or_that_is_refused_is_named() {
    let told = login_explained("https://github.com", &[]);
    told.prints("does not list Secret login, which is meant for https://github.com").prints("sa add-secret clone login");
    let told = login_explained("https://github.com", &["--secret", "login"]);
    told.prints("The user and password in Secret login are not what https://github.com accepts").prints("--replace");
}
