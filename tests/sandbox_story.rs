//! The story of the README in the sandbox, started and not, and the sandbox's door to other tools.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::story::{self, Setting};
use crate::world::{Ran, World, eventually, run};

fn setting(world: &World) -> Setting {
    Setting {
        repository: format!("file://{}", story::repository(world.path())),
        image: "none".into(),
        host: "github.com".into(),
        key: story::key(world.path(), "key"),
        known_hosts: None,
    }
}

#[test]
fn the_story_in_a_started_sandbox() {
    let world = World::started_sandbox();
    let setting = setting(&world);
    story::set_up(&world, &setting);
    story::events(&world, &setting);
}

#[test]
fn the_story_in_a_sandbox_that_is_not_started() {
    let world = World::sandbox();
    let setting = setting(&world);
    story::set_up(&world, &setting);
    story::events(&world, &setting);
    world.rtkn(&["sandbox", "status"]).ok().never_shows("process ");
}

#[test]
fn the_story_in_a_namespace_of_its_own() {
    let mut world = World::started_sandbox();
    world.stdin(&["apply", "-f", "-"], "apiVersion: v1\nkind: Namespace\nmetadata: {name: ci}\n").ok();
    world.namespace = "ci".into();
    let setting = setting(&world);
    story::set_up(&world, &setting);
    story::events(&world, &setting);
    world.namespace.clear();
    world.rtkn(&["pr", "list"]).ok().prints("No PipelineRuns found");
    world.rtkn(&["pr", "list", "-A"]).ok().prints("ci");
}

#[test]
fn a_command_that_starts_a_run_stays_until_its_end_where_nobody_else_would_run_it() {
    let world = World::sandbox();
    let file = world.write("run.yaml", &crate::steps::task_run("short", "sleep 0.3; echo done"));
    let ran = world.rtkn(&["apply", "-f", &file]).ok().prints("taskrun.tekton.dev/short created");
    assert!(ran.stderr.contains("short"), "it says why it stays: {ran}");
    world.rtkn(&["tr", "list"]).ok().prints("short").prints("Succeeded");
    world.rtkn(&["tr", "logs", "short"]).ok().prints("done");
}

#[test]
fn an_event_from_curl_is_as_good_as_one_from_el_send() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl on this machine");
        return;
    }
    let world = World::started_sandbox();
    let setting = setting(&world);
    story::set_up(&world, &setting);
    let listener: Value = serde_json::from_str(&world.rtkn(&["el", "describe", "tt-ev", "-o", "json"]).ok().stdout).expect("JSON");
    let url = address(&world, &listener);
    let post = |body: &str| -> Ran {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-X", "POST", "-H", "Content-Type: application/json", "-w", "\n%{http_code}\n", "-d", body, &url]);
        run(curl, &["curl"], "")
    };
    let answer = post(&format!(r#"{{"url": "{}"}}"#, setting.repository)).ok();
    let answer =
        answer.prints("\n202\n").prints(r#""eventListener":"tt-ev""#).prints(r#""namespace":"default""#).prints("eventListenerUID");
    let id = answer.stdout.split(r#""eventID":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an eventID").to_owned();
    let label = format!("triggers.tekton.dev/triggers-eventid={id}");
    eventually("the run of the event", || {
        let runs = world.rtkn(&["pr", "list", "--label", &label]).ok();
        runs.stdout.contains("tt-tt-pr").then_some(())
    });
    world.rtkn(&["pr", "logs", "-f"]).ok().prints("[fetch-source : clone] cloned");
    post("no json").ok().prints("\n400\n");
}

#[test]
fn the_interceptors_of_tekton_are_there_and_a_trigger_behind_one_is_shown_and_works() {
    let world = World::started_sandbox();
    let setting = setting(&world);
    story::set_up(&world, &setting);
    let listed = world.rtkn(&["clusterinterceptor", "list"]).ok();
    for name in ["bitbucket", "cel", "github", "gitlab", "slack"] {
        assert!(listed.stdout.contains(&format!("tekton-triggers-core-interceptors.tekton-pipelines.svc:80/{name}")), "{listed}");
    }
    world
        .rtkn(&["clusterinterceptor", "describe", "cel"])
        .ok()
        .prints("tekton-pipelines/tekton-triggers-core-interceptors")
        .never_shows("missing");
    let mut trigger: Value = serde_json::from_str(&world.rtkn(&["trigger", "describe", "tt-tr", "-o", "json"]).ok().stdout).expect("JSON");
    let filter = serde_json::json!({"name": "filter", "value": "body.ref == 'main'"});
    trigger["spec"]["interceptors"] = serde_json::json!([{"ref": {"name": "cel"}, "params": [filter]}]);
    trigger["metadata"] = serde_json::json!({"name": "tt-tr"});
    world.stdin(&["apply", "-f", "-"], &trigger.to_string()).ok();
    world.rtkn(&["trigger", "describe", "tt-tr"]).ok().prints("cel").prints("ClusterInterceptor").prints("body.ref == 'main'");
    world.rtkn(&["trigger", "list"]).ok().prints("cel");
    let body = |branch: &str| format!(r#"{{"url": "{}", "ref": "{branch}"}}"#, setting.repository);
    world.rtkn(&["el", "send", "tt-ev", "-d", &body("other")]).ok();
    world.rtkn(&["el", "send", "tt-ev", "-d", &body("main"), "--follow"]).ok().prints("[fetch-source : clone] cloned");
    assert_eq!(world.rtkn(&["pr", "list", "--no-headers"]).ok().stdout.lines().count(), 1);
}

/// The address at which this machine reaches a listener of the sandbox, from what its page shows.
fn address(world: &World, listener: &Value) -> String {
    let page = world.rtkn(&["el", "describe", "tt-ev"]).ok().stdout;
    let shown = page.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
    shown.unwrap_or_else(|| panic!("the page shows no address of this machine: {page}\n{listener:#}")).to_owned()
}

#[test]
fn the_server_is_on_loopback_needs_the_token_and_has_a_kubeconfig_of_its_own() {
    let world = World::started_sandbox();
    let folder = world.path().join("sandbox");
    let kubeconfig = std::fs::read_to_string(folder.join("kubeconfig")).expect("a kubeconfig");
    let config: Value = serde_json::from_str(&kubeconfig).expect("it is JSON, which is YAML");
    assert_eq!(config["current-context"], "rtkn-sandbox");
    let server = config["clusters"][0]["cluster"]["server"].as_str().expect("a server").to_owned();
    assert!(server.starts_with("http://127.0.0.1:"), "{server}");
    let home = std::fs::read_dir(world.path().join("home")).expect("the home is there");
    assert_eq!(home.count(), 0, "the user's own kubeconfig is not touched");

    let address = server.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
    let path = "/apis/tekton.dev/v1/namespaces/default/pipelineruns";
    assert_eq!(status_of(&address, path, ""), 401);
    assert_eq!(status_of(&address, path, "Authorization: Bearer wrong\r\n"), 401);
    assert_eq!(status_of(&address, "/api/v1/namespaces/default/secrets", ""), 401);
    // Whoever has the file is let in: this program with it as a kubeconfig, and not as its sandbox.
    let outside = World::empty().with("KUBECONFIG", folder.join("kubeconfig"));
    outside.rtkn(&["pr", "list"]).ok().prints("No PipelineRuns found");
    outside.rtkn(&["sa", "create", "from-outside"]).ok();
    world.rtkn(&["sa", "list"]).ok().prints("from-outside");
}

/// The status that a plain request gets.
fn status_of(address: &str, path: &str, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("the sandbox listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n").expect("a request goes out");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer comes");
    answer.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status line")
}

#[test]
fn start_stop_and_reset_do_what_they_say() {
    let world = World::sandbox();
    world.rtkn(&["sandbox", "stop"]);
    world.rtkn(&["sandbox", "start"]).ok().prints("has started").prints("KUBECONFIG=");
    world.rtkn(&["sandbox", "start"]).ok().prints("started already");
    world.rtkn(&["sandbox", "serve"]).exits(1).says("started already");
    world.rtkn(&["sa", "create", "builder"]).ok();
    world.rtkn(&["sandbox", "reset"]).exits(1).says("sandbox stop");
    world.rtkn(&["sandbox", "stop"]).ok();
    world.rtkn(&["sa", "list"]).ok().prints("builder");
    world.rtkn(&["sandbox", "reset", "--force"]).ok();
    world.rtkn(&["sa", "list"]).ok().never_shows("builder");
}

#[test]
fn of_several_runs_that_failed_each_is_named() {
    let world = World::sandbox();
    let run = |name: &str| {
        format!(
            "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: {name}}}\nspec: {{taskSpec: {{steps: [{{name: s, image: none, script: 'exit 3'}}]}}}}\n---\n"
        )
    };
    let ran = world.stdin(&["apply", "-f", "-"], &(run("one") + &run("two"))).exits(1);
    ran.says("TaskRun one has failed").says("TaskRun two has failed").says("diagnose taskrun two");
}

#[test]
fn of_two_starts_at_once_both_find_the_sandbox_started() {
    let world = World::sandbox();
    let start = || world.command(&["sandbox", "start"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    for start in [start(), start()] {
        let start = start.wait_with_output().expect("it ends");
        assert!(start.status.success(), "{}", String::from_utf8_lossy(&start.stderr));
    }
}

#[test]
fn a_reset_removes_all_that_the_sandbox_made_and_nothing_else() {
    let world = World::sandbox();
    let folder = world.path().join("sandbox");
    world.rtkn(&["sandbox", "start"]).ok();
    world.write("sandbox/demo/pipeline.yaml", "kind: Pipeline");
    world.write("sandbox/kubeconfig.new", "{}");
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("Removed the sandbox").never_shows("Left there");
    assert!(!folder.exists());
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("There is no sandbox");
    world.rtkn(&["sa", "list"]).ok();
    world.write("sandbox/notes.txt", "mine");
    world.rtkn(&["sandbox", "reset", "--force"]).ok().says("notes.txt");
    world.rtkn(&["sandbox", "reset"]).ok().prints("There is no sandbox");
    assert_eq!(std::fs::read_to_string(folder.join("notes.txt")).expect("it is still there"), "mine");
}

#[test]
fn a_program_called_by_another_name_calls_itself_so() {
    let world = World::sandbox();
    for (link, name) in [("tkn", "tkn"), ("kubectl-tkn", "kubectl tkn")] {
        let path = world.path().join(link);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rtkn"), &path).expect("a link");
        let called = |args: &[&str]| {
            let own = world.command(args);
            let mut command = Command::new(&path);
            command.args(args).current_dir(world.path()).env_clear();
            command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
            run(command, args, "")
        };
        called(&["--help"]).ok().prints(&format!("Usage: {name} ")).never_shows("Usage: rtkn");
        called(&["pr", "list", "--help"]).ok().prints(&format!("Usage: {name} pipelinerun list")).never_shows("Usage: rtkn");
        called(&["pr", "lsit"]).exits(1).says(&format!("for \"{name} pipelinerun\"")).says("\tlist").never_shows("rtkn");
        called(&["sa", "add-secret", "nobody", "x"]).exits(1).never_shows("rtkn ");
        called(&["secret", "create", "ssh", link, "--host", "github.com", "--generate"]).ok().says(&format!("{name} --sandbox sa create"));
    }
}
