//! Logs of real pods: every kind of run, whole, in order, and with the right end.

mod ends;
mod faulty;
mod kinds;
mod size;
mod waits;

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use crate::world::{World, eventually};
use crate::{kubectl, try_kubectl};

/// An image that the lab cluster has: a shell and little else.
const BUSYBOX: &str = "localhost/busybox:1";

/// A step that runs a script.
fn step(name: &str, script: &str) -> String {
    format!("{{name: {name}, image: {BUSYBOX}, imagePullPolicy: Never, script: {}}}", quoted(script))
}

/// A pipeline task with one step called `say`.
fn task(name: &str, script: &str) -> String {
    format!("{{name: {name}, taskSpec: {{steps: [{}]}}}}", step("say", script))
}

/// A text as YAML takes it anywhere.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A PipelineRun with these tasks; `rest` is what else its spec says.
fn run(name: &str, tasks: &[String], rest: &str) -> String {
    format!(
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {{name: {name}}}\nspec:\n  {rest}\n  pipelineSpec:\n    tasks: [{}]\n",
        tasks.join(", ")
    )
}

/// Makes objects.
#[track_caller]
fn apply(world: &World, manifest: &str) {
    world.stdin(&["apply", "-f", "-"], manifest).ok();
}

/// The program at work, with what it has printed so far.
struct Working {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Working {
    /// Starts the program.
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let printed = Arc::<Mutex<String>>::default();
        gather(child.stdout.take().expect("stdout is piped"), &printed);
        gather(child.stderr.take().expect("stderr is piped"), &printed);
        Self { child, printed }
    }

    fn printed(&self) -> String {
        self.printed.lock().expect("nobody panics with it").clone()
    }

    /// Waits until both streams together have this in them.
    #[track_caller]
    fn until(&self, text: &str) {
        let mut last = String::new();
        let met = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(text, || {
                last = self.printed();
                last.contains(text).then_some(())
            });
        }));
        assert!(met.is_ok(), "{text:?} was never printed:\n{last}");
    }

    /// Waits for its end; returns the exit status and what it printed.
    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        let status = eventually("the program to end", || self.child.try_wait().expect("it can be waited for"));
        // The last lines are on their way through the pipes.
        std::thread::sleep(std::time::Duration::from_millis(300));
        (status.code(), self.printed())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // It has ended unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(stream: impl Read + Send + 'static, into: &Arc<Mutex<String>>) {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            into.lock().expect("nobody panics with it").push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}

/// A feature flag of Tekton that is set until the value is dropped.
struct Flag {
    name: &'static str,
    before: String,
}

impl Flag {
    fn set(name: &'static str, value: &str) -> Self {
        let before = kubectl(&["-n", "tekton-pipelines", "get", "configmap", "feature-flags", "-o", &format!("jsonpath={{.data.{name}}}")]);
        let flag = Self { name, before };
        flag.put(value).unwrap_or_else(|said| panic!("{said}"));
        // The controller sees the change a moment later.
        std::thread::sleep(std::time::Duration::from_secs(3));
        flag
    }

    fn put(&self, value: &str) -> Result<String, String> {
        let patch = serde_json::json!({"data": {self.name: value}}).to_string();
        try_kubectl(&["-n", "tekton-pipelines", "patch", "configmap", "feature-flags", "--type", "merge", "-p", &patch])
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        if let Err(said) = self.put(&self.before) {
            eprintln!("the feature flag {} stays set: {said}", self.name);
        }
    }
}
