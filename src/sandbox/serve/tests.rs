//! Scenarios of a whole sandbox.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ListParams, PostParams};

use super::{Running, Sandbox, kubeconfig_file};

fn config(name: &str) -> ConfigMap {
    serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).expect("an object")
}

#[tokio::test]
async fn what_was_made_without_a_port_is_found_on_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    assert!(Running::find(dir.path()).await.is_none());
    let sandbox = Sandbox::open(dir.path()).expect("opened");
    let inside: Api<ConfigMap> = Api::namespaced(kube::Client::new(sandbox.client_service(), "default"), "default");
    inside.create(&PostParams::default(), &config("a")).await.expect("made");
    let running = sandbox.listen(None).await.expect("listening");
    let found = Running::find(dir.path()).await.expect("it answers");
    assert_eq!((found.pid, found.address), (running.pid, running.address));
    let outside: Api<ConfigMap> = Api::namespaced(found.client("default").expect("a client"), "default");
    assert_eq!(outside.list(&ListParams::default()).await.expect("listed").items.len(), 1);
    drop((inside, outside));
    sandbox.shutdown().await.expect("ended");
    assert!(Running::find(dir.path()).await.is_none());
    drop(sandbox);
    let again = Sandbox::open(dir.path()).expect("opened again");
    assert_eq!(again.listen(None).await.expect("listening").address, running.address, "the port of the last time");
}

#[tokio::test]
async fn its_files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sandbox_dir = dir.path().join("sandbox");
    let sandbox = Sandbox::open(&sandbox_dir).expect("opened");
    sandbox.listen(None).await.expect("listening");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox_dir), 0o700);
    for file in ["store.redb", "server.json", "kubeconfig", "holder.json"] {
        assert_eq!(mode(&sandbox_dir.join(file)), 0o600, "{file}");
    }
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig_file(&sandbox_dir)).expect("a kubeconfig");
    assert_eq!(kubeconfig.current_context.as_deref(), Some("rtkn-sandbox"));
}
