//! The cluster of the benches: a namespace of its own, runs in it, and the programs that are compared.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The image of the steps where none is named: the lab cluster's, which has a shell and awk.
const IMAGE: &str = "localhost/busybox:1";

/// A namespace on the cluster; it is deleted with the value.
pub struct Cluster {
    tkn: PathBuf,
    /// The kubeconfig that names the cluster
    pub kubeconfig: PathBuf,
    /// The namespace
    pub namespace: String,
}

impl Cluster {
    /// Makes a namespace.
    pub fn of(tkn: PathBuf, kubeconfig: PathBuf) -> Self {
        let cluster = Self { tkn, kubeconfig, namespace: format!("rtkn-bench-{}", std::process::id()) };
        cluster.kubectl(&["create", "namespace", &cluster.namespace]);
        cluster
    }

    fn on(&self, mut command: Command, args: &[&str]) -> Command {
        command.env("KUBECONFIG", &self.kubeconfig).env_remove("RTKN_SANDBOX").args(args);
        command
    }

    /// A command of rtkn.
    pub fn rtkn(&self, args: &[&str]) -> Command {
        self.on(Command::new(env!("CARGO_BIN_EXE_rtkn")), &[&["-n", &self.namespace], args].concat())
    }

    /// A command of tkn.
    pub fn tkn(&self, args: &[&str]) -> Command {
        self.on(Command::new(&self.tkn), &[args, &["-n", &self.namespace]].concat())
    }

    /// A command of kubectl in the namespace.
    pub fn kubectl_command(&self, args: &[&str]) -> Command {
        self.on(Command::new("kubectl"), &[&["-n", &self.namespace], args].concat())
    }

    /// What kubectl prints.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = self.kubectl_command(args).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// curl on a path of the API server, with the kubeconfig's token or certificate.
    pub fn curl(&self, path: &str) -> Command {
        let word = |path: &str| {
            let words = ["config", "view", "--raw", "--minify", "-o"];
            self.kubectl(&[&words[..], &[&format!("jsonpath={{{path}}}")]].concat())
        };
        let mut curl = Command::new("curl");
        curl.args(["-sSk", "-o", "/dev/null", &format!("{}{path}", word(".clusters[0].cluster.server"))]);
        match word(".users[0].user.token").as_str() {
            "" => panic!("the bench needs a kubeconfig with a token, which curl can send"),
            token => curl.args(["-H", &format!("Authorization: Bearer {token}")]),
        };
        curl
    }

    /// Makes objects.
    pub fn apply(&self, manifest: &str) {
        let mut child =
            self.kubectl_command(&["create", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("kubectl starts");
        std::io::Write::write_all(&mut child.stdin.take().expect("stdin is piped"), manifest.as_bytes()).expect("kubectl reads it");
        assert!(child.wait().expect("kubectl ends").success(), "the cluster did not take the runs");
    }

    /// Waits until every run of a label has ended well.
    pub fn wait(&self, kind: &str, label: &str) {
        let path = "jsonpath={range .items[*]}{.status.conditions[0].status}{\" \"}{end}";
        let end = Instant::now() + Duration::from_secs(1800);
        loop {
            let states = self.kubectl(&["get", kind, "-l", label, "-o", path]);
            assert!(!states.contains("False"), "a run of the bench failed");
            if !states.contains("Unknown") && !states.trim().is_empty() {
                return;
            }
            assert!(Instant::now() < end, "the runs of the bench do not end");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let deleted = self.kubectl_command(&["delete", "namespace", &self.namespace, "--wait=false"]).stdout(Stdio::null()).status();
        if !deleted.is_ok_and(|status| status.success()) {
            eprintln!("the namespace {} is left behind", self.namespace);
        }
    }
}

/// A step that runs a script.
pub fn step(script: &str) -> String {
    let image = std::env::var("RTKN_BENCH_IMAGE").unwrap_or_else(|_| IMAGE.to_owned());
    let script = serde_json::Value::from(script);
    format!("{{name: say, image: {image:?}, imagePullPolicy: IfNotPresent, script: {script}}}")
}

/// A TaskRun of one step.
pub fn task_run(name: &str, label: &str, script: &str) -> String {
    format!(
        "---\napiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: {name}, labels: {{bench: {label}}}}}\nspec: {{taskSpec: {{steps: [{}]}}}}\n",
        step(script)
    )
}
