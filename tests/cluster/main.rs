//! The second tier: the story on the real cluster that `KUBECONFIG` names. Run it with `cargo test --test cluster`.

#[path = "../faults/plan.rs"]
mod plan;
#[allow(dead_code, reason = "the first tier uses the rest of it")]
#[path = "../faults/proxy.rs"]
mod proxy;
#[path = "../story.rs"]
mod story;
#[allow(dead_code, reason = "the first tier uses the rest of it")]
#[path = "../world.rs"]
mod world;

mod explained;
mod logs;
mod other_ways;
mod servers;
mod watching;

use std::path::PathBuf;
use std::process::Command;

use servers::{Daemon, Server};
use story::Setting;
use world::World;

/// An image that the lab cluster has: git, ssh and a shell.
const IMAGE: &str = "localhost/git:1";

fn kubeconfig() -> PathBuf {
    let path = std::env::var_os("KUBECONFIG").expect("KUBECONFIG names the cluster of this tier");
    PathBuf::from(path)
}

/// What `kubectl` prints on the cluster, or what it says against it. The lab cluster does not come up without it.
fn try_kubectl(args: &[&str]) -> Result<String, String> {
    let output = Command::new("kubectl").args(args).env("KUBECONFIG", kubeconfig()).output().map_err(|e| e.to_string())?;
    let said = if output.status.success() { &output.stdout } else { &output.stderr };
    let said = String::from_utf8_lossy(said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// The same; fails the test when it is refused.
#[track_caller]
fn kubectl(args: &[&str]) -> String {
    try_kubectl(args).unwrap_or_else(|said| panic!("kubectl {args:?}: {said}"))
}

/// A world on the cluster, in a namespace that is made now and deleted when the test is over.
fn cluster() -> World {
    let mut world = World::new(|_| vec![("KUBECONFIG", kubeconfig())], leave);
    let suffix = world.path().file_name().expect("a folder has a name").to_string_lossy().to_lowercase();
    let namespace = format!("rtkn{}", suffix.replace('.', "-"));
    world.stdin(&["apply", "-f", "-"], &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n")).ok();
    world.namespace = namespace;
    // A cluster gives a namespace its account some time later, and a run that comes before it fails.
    kubectl(&["wait", "--for=create", "serviceaccount/default", "-n", &world.namespace, "--timeout=60s"]);
    world
}

/// Deletes the namespace of a world, and what `sa grant` made for it outside of namespaces. It does not panic, since
/// it runs for a test that failed as well.
fn leave(world: &World) {
    if world.namespace.is_empty() {
        return;
    }
    let own = format!("/{}-", world.namespace);
    let bindings = try_kubectl(&["get", "clusterrolebindings", "-l", "app.kubernetes.io/managed-by=rtkn", "-o", "name"]);
    let bindings = bindings.unwrap_or_else(|said| said);
    let left = bindings.lines().filter(|name| name.contains(&own)).map(|binding| try_kubectl(&["delete", binding]));
    for done in left.chain([try_kubectl(&["delete", "namespace", "--wait=false", &world.namespace])]) {
        if let Err(said) = done {
            eprintln!("namespace {} leaves something behind: {said}", world.namespace);
        }
    }
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
fn the_demo_plays_on_the_cluster() {
    let world = cluster();
    // The demo makes a key of its own for github.com, so it clones without one.
    let daemon = Daemon::serve(world.path(), &node());
    let told = world.rtkn(&["demo", "--cluster", "--image", IMAGE, "--repository", &daemon.url]).ok();
    let told = told.prints("[fetch-source : clone] cloned").prints("9. Now you").prints(&format!("-n {}", world.namespace));
    told.prints("there is no repository at");
}
