//! Other ways into the story than this program as the cluster's master: curl, an account with few rights, older manifests.

use std::net::TcpStream;
use std::process::Command;

use crate::servers::Server;
use crate::world::{Ran, World, eventually, run};
use crate::{IMAGE, cluster, kubeconfig, kubectl, node, setting, story};

#[test]
fn an_event_from_curl_is_as_good_as_one_from_el_send() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl on this machine");
        return;
    }
    let world = cluster();
    let server = Server::start(world.path(), &node());
    let setting = setting(&server, server.key.clone());
    story::set_up(&world, &setting);
    let address =
        kubectl(&["-n", &world.namespace, "get", "service", "el-tt-ev", "-o", "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}"]);
    // The Service leads to a pod a moment after the listener says that it is there.
    eventually("the Service to lead to the listener", || TcpStream::connect(&address).ok());
    let post = |body: &str| -> Ran {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-X", "POST", "-H", "Content-Type: application/json", "-w", "\n%{http_code}\n", "-d", body, &address]);
        run(curl, &["curl"], "")
    };
    let answer = post(&format!(r#"{{"url": "{}"}}"#, setting.repository)).ok().prints("\n202\n").prints(r#""eventListener":"tt-ev""#);
    let id = answer.stdout.split(r#""eventID":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an eventID").to_owned();
    let label = format!("triggers.tekton.dev/triggers-eventid={id}");
    eventually("the run of the event", || world.rtkn(&["pr", "list", "--label", &label]).ok().stdout.contains("tt-tt-pr").then_some(()));
    world.rtkn(&["pr", "logs", "-f"]).ok().prints("[fetch-source : clone] cloned").prints("[show : commit] at commit ");
    post("no json").ok().prints("\n400\n");
}

/// The program as a ServiceAccount of the world's namespace, which has no rights but those that were granted.
fn as_account(world: &World, account: &str) -> World {
    let file = world.path().join("kubeconfig-of-the-account");
    std::fs::copy(kubeconfig(), &file).expect("a copy of the kubeconfig");
    let token = kubectl(&["-n", &world.namespace, "create", "token", account]);
    let file = file.to_string_lossy().into_owned();
    kubectl(&["--kubeconfig", &file, "config", "set-credentials", account, &format!("--token={}", token.trim())]);
    kubectl(&["--kubeconfig", &file, "config", "set-context", "--current", "--user", account]);
    let mut other = World::empty().with("KUBECONFIG", file);
    other.namespace = world.namespace.clone();
    other
}

#[test]
fn what_an_account_may_not_do_is_said_with_the_grant_that_is_missing() {
    let world = cluster();
    world.rtkn(&["sa", "create", "limited"]).ok();
    let limited = as_account(&world, "limited");
    let refused = limited.rtkn(&["pr", "list"]).exits(1).says(r#"cannot list resource "pipelineruns""#);
    refused.says(&format!(r#"in namespace {} with the verb "list" on "pipelineruns.tekton.dev""#, world.namespace));
    let everywhere = limited.rtkn(&["pr", "list", "-A"]).exits(1).says("at the cluster scope");
    everywhere.says(r#"ClusterRoleBinding with the verb "list" on "pipelineruns.tekton.dev""#);
    limited.rtkn(&["secret", "list"]).exits(1).says(r#"verb "list" on "secrets""#);
    limited.rtkn(&["sa", "grant", "limited", "--for", "pipelinerun"]).exits(1).says("forbidden");

    world.rtkn(&["sa", "grant", "limited", "--for", "pipelinerun"]).ok();
    limited.rtkn(&["pr", "list"]).ok().prints("No PipelineRuns found");
    limited.rtkn(&["pr", "list", "-A"]).exits(1).says("ClusterRoleBinding");
}

#[test]
fn manifests_of_v1beta1_run_and_are_shown() {
    let world = cluster();
    let step = format!("{{name: say, image: {IMAGE}, imagePullPolicy: Never, script: 'echo hello $(params.whom)'}}");
    let task = format!(
        "apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {{name: greet}}
spec:
  params: [{{name: whom}}]
  steps: [{step}]
"
    );
    let run = "apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {name: old}
spec:
  serviceAccountName: default
  timeout: 10m0s
  pipelineSpec:
    tasks: [{name: say, taskRef: {name: greet}, params: [{name: whom, value: world}]}]
";
    let manifest = world.write("old.yaml", &format!("{task}---\n{run}"));
    world.rtkn(&["apply", "-f", &manifest]).ok().prints("task.tekton.dev/greet created").prints("pipelinerun.tekton.dev/old created");
    world.rtkn(&["pr", "logs", "old", "-f"]).ok().prints("[say : say] hello world");
    world.rtkn(&["pr", "list"]).ok().prints("old").prints("Succeeded");
    world.rtkn(&["pr", "describe", "old"]).ok().prints("10m0s").prints("default");
    world.rtkn(&["apply", "-f", &manifest]).ok().prints("greet unchanged").prints("old unchanged");
}
