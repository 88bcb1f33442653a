//! The creating commands through the real program, in the sandbox: each a second time, and with what they must refuse.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::fake::{Answer, FakeServer};
use crate::world::{World, eventually};

const PIPELINE: &str = "\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: tt-pl}
spec:
  params: [{name: repo-url}]
  workspaces: [{name: shared-data}]
  tasks:
    - name: say
      params: [{name: url, value: $(params.repo-url)}]
      workspaces: [{name: shared-data, workspace: shared-data}]
      taskSpec:
        params: [{name: url}]
        workspaces: [{name: shared-data}]
        steps: [{name: say, image: busybox, script: 'echo got $(params.url)'}]
";

/// Roles whose names, put behind an account's, read in two ways.
const ROLES: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: b-c}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: c}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: view}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: view}
rules: []
";

#[test]
fn a_generated_key_is_made_once_and_its_private_half_shown_never() {
    let world = World::sandbox();
    let create = ["secret", "create", "ssh", "git", "--host", "github.com", "--generate", "--save", "key"];
    let first = world.rtkn(&create).ok().says("secret/git created").never_shows("PRIVATE KEY");
    assert!(first.stdout.starts_with("ssh-ed25519 ") && first.stdout.lines().count() == 1, "{first}");
    let mode = std::fs::metadata(world.path().join("key")).expect("the saved key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = world.rtkn(&create).ok().says("secret/git unchanged");
    assert_eq!(first.stdout, second.stdout);
    world.rtkn(&["secret", "create", "ssh", "git", "--host", "gitlab.com", "--generate"]).exits(1).says("its ssh-privatekey is another");
    world
        .rtkn(&["secret", "create", "ssh", "other", "--host", "github.com", "--generate", "--save", "key"])
        .exits(1)
        .says("key is there already");
    world.rtkn(&["secret", "list"]).ok().prints("github.com").prints("SHA256:");
    for format in ["yaml", "json"] {
        world.rtkn(&["secret", "describe", "git", "-o", format]).ok().prints("REDACTED");
        world.rtkn(&["secret", "list", "-o", format]).ok().prints("REDACTED");
    }
}

#[test]
fn a_key_file_that_is_no_key_makes_nothing() {
    let world = World::sandbox();
    let file = world.write("key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me\n");
    world.rtkn(&["secret", "create", "ssh", "git", "--host", "h", "--key", &file]).exits(1).says("this is a public key");
    world.stdin(&["secret", "create", "ssh", "git", "--host", "h", "--key", "-"], "hello").exits(1).says("this is no private key");
    world.rtkn(&["secret", "describe", "git"]).exits(1).says("not found");
}

#[test]
fn a_password_comes_from_standard_input_and_is_never_shown() {
    let world = World::sandbox();
    let create = ["secret", "create", "basic", "login", "--host", "github.com", "--stdin"];
    world.stdin(&create, "me\nhunter2\n").ok().prints("secret/login created").never_shows("hunter2");
    world.stdin(&create, "me\nhunter2\n").ok().prints("secret/login unchanged");
    world.stdin(&create, "me\nhunter3\n").exits(1).says("its password is another").never_shows("hunter");
    let replace = [create.as_slice(), &["--replace"]].concat();
    world.stdin(&replace, "me\nhunter3\n").ok().prints("secret/login configured");
    world.stdin(&create, "me\n").exits(1).says("the password is empty");
    world.rtkn(&["secret", "create", "basic", "asked", "--host", "github.com"]).exits(1).says("give --stdin");
    let show = [create.as_slice(), &["--dry-run", "-o", "yaml", "--replace"]].concat();
    world.stdin(&show, "me\nhunter4\n").ok().prints("password: REDACTED");
    world.stdin(&[show.as_slice(), &["--show-values"]].concat(), "me\nhunter4\n").ok().prints("password: aHVudGVyNA==");
}

#[test]
fn an_account_keeps_its_secrets_and_says_what_it_lacks() {
    let world = World::sandbox();
    for name in ["git", "more"] {
        world.rtkn(&["secret", "create", "ssh", name, "--host", "github.com", "--generate"]).ok();
    }
    world.rtkn(&["sa", "create", "build", "--secret", "git"]).ok().prints("serviceaccount/build created");
    world.rtkn(&["sa", "create", "build", "--secret", "git"]).ok().prints("serviceaccount/build unchanged");
    world.rtkn(&["sa", "add-secret", "build", "more"]).ok().prints("serviceaccount/build configured");
    world.rtkn(&["sa", "add-secret", "buidl", "more"]).exits(1).says("did you mean build?");
    world.rtkn(&["sa", "describe", "build"]).ok().prints("git").prints("more").prints("it cannot run an EventListener");
    let grant = ["sa", "grant", "build", "--for", "eventlistener", "--for", "pipelinerun"];
    let first = world.rtkn(&grant).ok().prints("clusterrolebinding.rbac.authorization.k8s.io/default-build-");
    assert_eq!(first.stdout.matches(" created").count(), 4, "{first}");
    let second = world.rtkn(&grant).ok();
    assert_eq!(second.stdout.matches(" unchanged").count(), 4, "{second}");
    world.rtkn(&["sa", "describe", "build"]).ok().prints("it can run an EventListener").prints("it can create PipelineRuns");
    world.rtkn(&["sa", "grant", "build", "--role", "nobody"]).exits(1).says("there is no Role nobody");
}

#[test]
fn a_secret_that_goes_is_missed_where_it_is_listed() {
    let world = World::sandbox();
    for name in ["git", "old"] {
        world.rtkn(&["secret", "create", "ssh", name, "--host", "github.com", "--generate"]).ok();
    }
    world.rtkn(&["sa", "create", "build", "--secret", "git", "--secret", "old", "--pull-secret", "old"]).ok();
    let gone = world.rtkn(&["secret", "delete", "old", "-f"]).ok();
    gone.says("Note: ServiceAccount build lists Secret old; to take it off: rtkn --sandbox sa remove-secret build old");
    world.rtkn(&["sa", "list"]).ok().prints("git, old (missing)");
    let page = world.rtkn(&["sa", "describe", "build"]).ok();
    assert_eq!(
        page.stdout.matches("old: does not exist; make it anew, or: rtkn --sandbox sa remove-secret build old").count(),
        2,
        "{page}"
    );
    world.rtkn(&["sa", "remove-secret", "build", "old", "git", "--dry-run"]).ok();
    world.rtkn(&["sa", "remove-secret", "build", "old"]).ok().prints("serviceaccount/build configured");
    world.rtkn(&["sa", "describe", "build"]).ok().prints("git").never_shows("old");
    world.rtkn(&["sa", "remove-secret", "build", "old"]).exits(1).says("ServiceAccount build does not list Secret old");
    world.rtkn(&["sa", "remove-secret", "buidl", "git"]).exits(1).says("did you mean build?");
    world.rtkn(&["secret", "delete", "git", "-f"]).ok().says("lists Secret git");
}

#[test]
fn a_listener_of_a_sandbox_that_is_not_started_is_said_not_to_listen() {
    let world = World::sandbox();
    world.rtkn(&["el", "list"]).ok().never_shows("nobody listens");
    let listener =
        "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {name: ev}\nspec: {triggers: [{triggerRef: any}]}\n";
    world.stdin(&["apply", "-f", "-"], listener).ok();
    for line in [["el", "list"].as_slice(), &["el", "describe", "ev"]] {
        world.rtkn(line).ok().says("nobody listens at these addresses until the sandbox is started: rtkn sandbox start");
    }
    world.rtkn(&["sandbox", "start"]).ok();
    world.rtkn(&["el", "list"]).ok().never_shows("nobody listens");
}

#[test]
fn of_what_several_commands_add_at_once_nothing_is_lost() {
    let world = World::started_sandbox();
    let at_once = |commands: Vec<Vec<String>>| {
        let start = |args: &Vec<String>| {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            world.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
        };
        let started: Vec<_> = commands.iter().map(start).collect();
        for mut command in started {
            assert!(command.wait().expect("it ends").success());
        }
    };
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        world.rtkn(&["secret", "create", "ssh", name, "--host", "github.com", "--generate"]).ok();
    }
    let words = |line: String| line.split(' ').map(str::to_owned).collect();
    at_once(names.iter().map(|name| words(format!("sa create build --secret {name}"))).collect());
    let secrets = world.rtkn(&["sa", "describe", "build", "-o", "jsonpath={.secrets[*].name}"]).ok().stdout;
    let mut secrets: Vec<&str> = secrets.split_whitespace().collect();
    secrets.sort_unstable();
    assert_eq!(secrets, names);
    world.rtkn(&["apply", "-f", &world.write("pipeline.yaml", PIPELINE)]).ok();
    let chain = |name: &&str| {
        words(format!("trigger create {name}-tr --pipeline tt-pl -p repo-url=x -w shared-data=emptyDir --eventlistener tt-ev"))
    };
    at_once(names.iter().map(chain).collect());
    let triggers = world.rtkn(&["el", "describe", "tt-ev", "-o", "jsonpath={.spec.triggers[*].triggerRef}"]).ok().stdout;
    assert_eq!(triggers.split_whitespace().count(), names.len(), "{triggers}");
}

#[test]
fn what_does_not_exist_is_given_to_nobody() {
    let world = World::sandbox();
    world.rtkn(&["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate"]).ok();
    world
        .rtkn(&["sa", "create", "tt-sa", "--secret", "tt-shh"])
        .exits(1)
        .says("there is no Secret tt-shh in namespace default")
        .says("did you mean tt-ssh?")
        .says("secret create ssh tt-shh");
    world.rtkn(&["sa", "describe", "tt-sa"]).exits(1);
    world.rtkn(&["sa", "create", "tt-sa", "--secret", "tt-ssh"]).ok();
    world.rtkn(&["sa", "add-secret", "tt-sa", "other"]).exits(1).says("there is no Secret other");
    let grant = world.rtkn(&["sa", "grant", "tt-as", "--for", "eventlistener"]).exits(1);
    grant.says("there is no ServiceAccount tt-as").says("did you mean tt-sa?");
    let file = world.write("pipeline.yaml", PIPELINE);
    world.rtkn(&["apply", "-f", &file]).ok();
    let chain = ["trigger", "create", "tt-tr", "--pipeline", "tt-pl", "-p", "repo-url=x", "-w", "shared-data=emptyDir"];
    world.rtkn(&[chain.as_slice(), &["--service-account", "tt-as"]].concat()).exits(1).says("there is no ServiceAccount tt-as");
    world.rtkn(&["trigger", "describe", "tt-tr"]).exits(1);
}

#[test]
fn a_chain_whose_runs_could_not_be_made_is_refused() {
    let world = World::sandbox();
    world.rtkn(&["apply", "-f", &world.write("pipeline.yaml", PIPELINE)]).ok();
    let chain = ["trigger", "create", "tt-tr", "--pipeline", "tt-pl", "-p", "repo-url=x"];
    let refused = |further: &[&str], why: &str| drop(world.rtkn(&[chain.as_slice(), further].concat()).exits(1).says(why));
    refused(&["-w", "shared-data=claim:1Gx"], "\"1Gx\" is no size");
    refused(&["-w", "shared-data=claim:1Gi,mode=RWX"], "ReadWriteMany");
    refused(&["-w", "shared-data=emptyDir", "--generate-name", "Bad_"], "small letters");
    refused(&["-w", "shared-data=emptyDir", "-p", "repo-url=y"], "the param repo-url is given more than once");
    world.rtkn(&["trigger", "create", "tt-tr", "--pipeline", ""]).exits(1).says("--pipeline");
    world.rtkn(&["trigger", "describe", "tt-tr"]).exits(1);
}

#[test]
fn a_second_chain_says_what_it_does_not_change_and_what_it_leaves() {
    let world = World::sandbox();
    world.rtkn(&["apply", "-f", &world.write("pipeline.yaml", PIPELINE)]).ok();
    for account in ["one", "two"] {
        world.rtkn(&["sa", "create", account]).ok();
    }
    let chain = |value: &str, account: &str| {
        let param = format!("repo-url={value}");
        let args = ["trigger", "create", "tt-tr", "--pipeline", "tt-pl", "-p", &param, "-w", "shared-data=emptyDir"];
        let listener = ["--eventlistener", "tt-ev", "--eventlistener-service-account", account];
        world.rtkn(&[args.as_slice(), &listener].concat())
    };
    chain("$(body.url)", "one").ok();
    chain("$(body.url)", "two").exits(1).says("runs as ServiceAccount one, not as two");
    chain("fixed", "one").ok().says("TriggerBinding tt-tb is used by this Trigger no longer").says("triggerbinding delete tt-tb");
}

#[test]
fn no_grant_takes_the_binding_of_another() {
    let world = World::sandbox();
    for account in ["a", "a-b"] {
        world.rtkn(&["sa", "create", account]).ok();
    }
    world.stdin(&["apply", "-f", "-"], ROLES).ok();
    world.rtkn(&["sa", "grant", "a", "--role", "b-c"]).ok().prints("rolebinding.rbac.authorization.k8s.io/a-b-c created");
    for outcome in ["created", "unchanged"] {
        let other = world.rtkn(&["sa", "grant", "a-b", "--role", "c"]).ok();
        other.prints(&format!("rolebinding.rbac.authorization.k8s.io/a-b:role:c {outcome}"));
    }
    world.rtkn(&["sa", "grant", "a", "--role", "b-c"]).ok().prints("rolebinding.rbac.authorization.k8s.io/a-b-c unchanged");
    let both = world.rtkn(&["sa", "grant", "a", "--role", "view", "--cluster-role", "view"]).ok();
    assert_eq!(both.stdout.matches(" created").count(), 2, "{both}");
}

#[test]
fn a_chain_is_made_once_and_a_second_trigger_joins_its_listener() {
    let world = World::sandbox();
    let file = world.write("pipeline.yaml", PIPELINE);
    world.rtkn(&["apply", "-f", &file]).ok().prints("pipeline.tekton.dev/tt-pl created");
    world.rtkn(&["apply", "-f", &file]).ok().prints("pipeline.tekton.dev/tt-pl unchanged");
    let rest = ["--pipeline", "tt-pl", "-p", "repo-url=$(body.url)", "-w", "shared-data=emptyDir", "--eventlistener", "tt-ev"];
    let chain = |name| world.rtkn(&[["trigger", "create", name].as_slice(), &rest].concat());
    let first = chain("tt-tr").ok().says("ServiceAccount default cannot run an EventListener").says("sa grant default --for eventlistener");
    assert_eq!(first.stdout.matches(" created").count(), 4, "{first}");
    let second = chain("tt-tr").ok();
    assert_eq!(second.stdout.matches(" unchanged").count(), 4, "{second}");
    chain("other").ok().prints("eventlistener.triggers.tekton.dev/tt-ev configured");
    world.rtkn(&["el", "describe", "tt-ev", "-o", "yaml"]).ok().prints("triggerRef: tt-tr").prints("triggerRef: other");
    world.rtkn(&["trigger", "create", "x", "--pipeline", "tt-p"]).exits(1).says("did you mean tt-pl?");
    world
        .rtkn(&["trigger", "create", "x", "--pipeline", "tt-pl", "-p", "repo-ur=1"])
        .exits(1)
        .says("did you mean repo-url?")
        .says("nothing was made");
    world.rtkn(&["tb", "describe", "x-tb"]).exits(1);
}

#[test]
fn manifests_come_from_a_page_of_the_web_too() {
    let world = World::sandbox();
    let server =
        FakeServer::start(|request, _| if request.target == "/pipeline.yaml" { Answer::text(PIPELINE) } else { Answer::no_such_path() });
    world.rtkn(&["apply", "-f", &format!("{}/pipeline.yaml", server.url())]).ok().prints("pipeline.tekton.dev/tt-pl created");
    world.rtkn(&["apply", "-f", &format!("{}/other.yaml", server.url())]).exits(1).says("/other.yaml answered with status 404");
}

#[test]
fn an_item_of_a_list_is_told_by_its_own_line() {
    let world = World::sandbox();
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: fine}\n- apiVersion: v1\n  metadata: {name: other}\n";
    world.rtkn(&["apply", "-f", &world.write("list.yaml", list)]).exits(1).says("list.yaml, line 7: items[1].kind: is missing");
}

#[test]
fn a_manifest_that_cannot_be_read_makes_nothing() {
    let world = World::sandbox();
    let file = world.write("bad.yaml", &format!("{PIPELINE}---\napiVersion: tekton.dev/v1\nkind: Tsk\nmetadata: {{name: t}}\n"));
    world.rtkn(&["apply", "-f", &file]).exits(1).says("bad.yaml, line 16: kind: Tsk").says("did you mean Task?");
    world.rtkn(&["pipeline", "describe", "tt-pl"]).exits(1);
}

#[test]
fn a_started_run_is_stayed_with_while_the_sandbox_is_not_started() {
    let world = World::sandbox();
    let file = world.write("pipeline.yaml", PIPELINE);
    world.rtkn(&["apply", "-f", &file]).ok();
    let start = ["pipeline", "start", "tt-pl", "-p", "repo-url=here", "-w", "name=shared-data,emptyDir="];
    world.rtkn(&start).ok().prints("PipelineRun started: tt-pl-run-").says("this stays until").says("Succeeded");
    world.rtkn(&["pr", "logs", "-L"]).ok().prints("[say : say] got here");
    world.rtkn(&["pipeline", "start", "tt-pl", "-L", "--showlog"]).ok().prints("got here");
    world.rtkn(&["pipeline", "start", "tt-pl"]).exits(1).says("give --param repo-url=VALUE");
}

#[test]
fn an_event_is_followed_to_the_end_of_its_run() {
    let world = World::started_sandbox();
    let file = world.write("pipeline.yaml", PIPELINE);
    world.rtkn(&["apply", "-f", &file]).ok();
    world.rtkn(&["sa", "create", "tt-sa"]).ok();
    world.rtkn(&["sa", "grant", "tt-sa", "--for", "eventlistener"]).ok();
    let chain = ["trigger", "create", "tt-tr", "--pipeline", "tt-pl", "-p", "repo-url=$(body.url)", "-w", "shared-data=emptyDir"];
    world.rtkn(&[chain.as_slice(), &["--service-account", "tt-sa", "--eventlistener", "tt-ev"]].concat()).ok();
    eventually("the listener", || world.rtkn(&["el", "list"]).ok().stdout.contains("True").then_some(()));
    let sent = world.rtkn(&["el", "send", "tt-ev", "-d", r#"{"url": "there"}"#, "-H", "X-GitHub-Event: push", "--follow"]).ok();
    sent.prints("eventListener: tt-ev").prints("eventID: ").prints("pipelinerun.tekton.dev/tt-tt-pr").prints("[say : say] got there");
    world.rtkn(&["el", "send", "tt-ev", "-d", "no JSON"]).exits(1).says("400 Bad Request");
    world.rtkn(&["el", "send", "tt-e"]).exits(1).says("did you mean tt-ev?");
}
