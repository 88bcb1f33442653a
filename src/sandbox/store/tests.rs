//! Scenarios of the store.

use serde_json::{Value, json};

use super::{ChangeType, Store, StoreError, UpdateError};
use crate::kinds;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(dir.path()).expect("a new store");
    (dir, store)
}

fn run(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns"}, "spec": {"pipelineRef": {"name": "p"}}})
}

#[test]
fn a_new_object_gets_what_the_server_owns() {
    let (_dir, store) = store();
    let object = json!({"metadata": {"generateName": "tt-tt-pr", "namespace": "ns"}, "spec": {}});
    let made = store.create(&kinds::PIPELINE_RUN, object).expect("made");
    let name = made["metadata"]["name"].as_str().expect("a name");
    assert!(name.starts_with("tt-tt-pr") && name.len() == "tt-tt-pr".len() + 5, "{name}");
    assert_eq!(made["apiVersion"], "tekton.dev/v1");
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["metadata"]["resourceVersion"], store.revision().to_string());
    assert_eq!(made["metadata"]["uid"].as_str().map(str::len), Some(36));
    assert_eq!(made["metadata"]["creationTimestamp"].as_str().map(str::len), Some("2026-01-01T00:00:00Z".len()));
    assert_eq!(store.get(&kinds::PIPELINE_RUN, "ns", name).expect("read").as_ref(), Some(&*made));
}

#[test]
fn a_taken_name_and_no_name_are_refused() {
    let (_dir, store) = store();
    store.create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    let error = store.create(&kinds::PIPELINE_RUN, run("a")).expect_err("taken");
    assert_eq!(error.to_string(), "pipelineruns.tekton.dev \"a\" already exists");
    let error = store.create(&kinds::PIPELINE_RUN, json!({})).expect_err("unnamed");
    assert!(matches!(error, StoreError::Unnamed { .. }));
}

#[test]
fn lists_are_ordered_and_keep_namespaces_apart() {
    let (_dir, store) = store();
    for (namespace, name) in [("b", "x"), ("a", "z"), ("ab", "y"), ("a", "k")] {
        store.create(&kinds::TASK, json!({"metadata": {"name": name, "namespace": namespace}})).expect("made");
    }
    store.create(&kinds::TASK_RUN, json!({"metadata": {"name": "other", "namespace": "a"}})).expect("made");
    let names = |namespace: Option<&str>| -> Vec<String> {
        let objects = store.list(&kinds::TASK, namespace).expect("read");
        objects.iter().map(|o| o["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(Some("a")), ["k", "z"]);
    assert_eq!(names(None), ["k", "z", "y", "x"]);
}

#[test]
fn a_page_begins_after_the_last_one_and_counts_the_rest() {
    let (_dir, store) = store();
    let store = store.lazy();
    for name in ["a", "b", "c", "d", "e"] {
        store.create(&kinds::TASK_RUN, run(name)).expect("made");
    }
    let page = |after: Option<(&str, &str)>, limit: usize| {
        let page = store.list_page(&kinds::TASK_RUN, None, after, limit, |o| o["metadata"]["name"] != "b").expect("read");
        let names: Vec<String> = page.objects.iter().filter_map(|o| o["metadata"]["name"].as_str().map(str::to_owned)).collect();
        (names.concat(), page.behind)
    };
    assert_eq!(page(None, 2), ("ac".to_owned(), 2));
    assert_eq!(page(Some(("ns", "c")), 2), ("de".to_owned(), 0));
    assert_eq!(page(Some(("ns", "e")), 2), (String::new(), 0));
}

#[test]
fn an_update_that_changes_nothing_is_no_event() {
    let (_dir, store) = store();
    let made = store.create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    let mut changes = store.subscribe();
    let same = store.update(&kinds::PIPELINE_RUN, "ns", "a", |o| o["metadata"]["uid"] = json!("mine")).expect("updated");
    assert_eq!(same, Some(made));
    assert!(changes.try_recv().is_err());
    let changed = store.update(&kinds::PIPELINE_RUN, "ns", "a", |o| o["status"] = json!({"x": 1})).expect("updated").expect("there");
    assert_eq!(changed["metadata"]["generation"], 1);
    let event = changes.try_recv().expect("an event");
    assert_eq!((event.change, event.revision), (ChangeType::Modified, store.revision()));
    let changed =
        store.update(&kinds::PIPELINE_RUN, "ns", "a", |o| o["spec"]["status"] = json!("Cancelled")).expect("updated").expect("there");
    assert_eq!(changed["metadata"]["generation"], 2);
    assert_eq!(store.update(&kinds::PIPELINE_RUN, "ns", "b", |_| ()).expect("read"), None);
}

#[test]
fn a_refused_update_leaves_the_object() {
    let (_dir, store) = store();
    let made = store.create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    let refused = store.try_update(&kinds::PIPELINE_RUN, "ns", "a", |o| {
        o["spec"] = Value::Null;
        Err("no")
    });
    assert!(matches!(refused, Err(UpdateError::Refused("no"))));
    assert_eq!(store.get(&kinds::PIPELINE_RUN, "ns", "a").expect("read").as_ref(), Some(&*made));
}

#[test]
fn unfinished_runs_are_known_without_reading_the_others() {
    let (_dir, store) = store();
    store.create(&kinds::TASK_RUN, run("done")).expect("made");
    store.create(&kinds::TASK_RUN, run("going")).expect("made");
    store.update(&kinds::TASK_RUN, "ns", "done", |o| o["status"] = json!({"completionTime": "2026-01-01T00:00:00Z"})).expect("updated");
    let unfinished = store.unfinished(&kinds::TASK_RUN).expect("read");
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0]["metadata"]["name"], "going");
    store.delete(&kinds::TASK_RUN, "ns", "going").expect("deleted");
    assert!(store.unfinished(&kinds::TASK_RUN).expect("read").is_empty());
}

#[test]
fn what_an_object_owns_goes_with_it_unless_another_owns_it_too() {
    let (_dir, store) = store();
    let owner = |name: &str| store.create(&kinds::PIPELINE_RUN, run(name)).expect("made")["metadata"]["uid"].clone();
    let (a, b) = (owner("a"), owner("b"));
    let child = |name: &str, owners: &[&Value]| {
        let owners: Vec<Value> = owners.iter().map(|uid| json!({"uid": uid})).collect();
        let object = json!({"metadata": {"name": name, "namespace": "ns", "ownerReferences": owners}});
        store.create(&kinds::TASK_RUN, object).expect("made")["metadata"]["uid"].clone()
    };
    let only_a = child("only-a", &[&a]);
    child("both", &[&a, &b]);
    let pod = json!({"metadata": {"name": "pod", "namespace": "ns", "ownerReferences": [{"uid": only_a}]}});
    store.create(&kinds::POD, pod).expect("made");
    store.delete(&kinds::PIPELINE_RUN, "ns", "a").expect("deleted");
    let left = store.list(&kinds::TASK_RUN, None).expect("read");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["metadata"]["ownerReferences"], json!([{"uid": b}]));
    assert!(store.list(&kinds::POD, None).expect("read").is_empty());
    store.delete(&kinds::PIPELINE_RUN, "ns", "b").expect("deleted");
    assert!(store.list(&kinds::TASK_RUN, None).expect("read").is_empty());
}

#[test]
fn a_namespace_takes_its_contents_along() {
    let (_dir, store) = store();
    store.create(&kinds::NAMESPACE, json!({"metadata": {"name": "ns"}})).expect("made");
    store.create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    store.delete(&kinds::NAMESPACE, "", "ns").expect("deleted");
    assert!(store.list(&kinds::PIPELINE_RUN, None).expect("read").is_empty());
}

#[test]
fn the_change_log_replays_and_is_compacted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open_keeping(dir.path(), 100).expect("a new store").lazy();
    store.create(&kinds::TASK_RUN, run("a")).expect("made");
    let from = store.revision();
    store.update(&kinds::TASK_RUN, "ns", "a", |o| o["status"] = json!(0)).expect("updated");
    store.delete(&kinds::TASK_RUN, "ns", "a").expect("deleted");
    let changes = store.changes_since(from).expect("read").expect("kept");
    assert_eq!(changes.iter().map(|c| c.change).collect::<Vec<_>>(), [ChangeType::Modified, ChangeType::Deleted]);
    assert!(store.changes_since(from + 100).expect("read").is_none(), "a revision of another store");
    store.create(&kinds::TASK_RUN, run("b")).expect("made");
    for i in 0..120 {
        store.update(&kinds::TASK_RUN, "ns", "b", |o| o["status"] = json!(i)).expect("updated");
    }
    assert!(store.changes_since(from).expect("read").is_none());
    assert!(store.changes_since(store.revision() - 90).expect("read").is_some());
}

#[test]
fn what_was_written_is_there_after_opening_anew() {
    let (dir, store) = store();
    store.lazy().create(&kinds::PIPELINE_RUN, run("lazy")).expect("made");
    store.create(&kinds::PIPELINE_RUN, run("durable")).expect("made");
    let revision = store.revision();
    drop(store);
    let store = Store::open(dir.path()).expect("opened again");
    assert_eq!(store.revision(), revision);
    assert_eq!(store.list(&kinds::PIPELINE_RUN, None).expect("read").len(), 2);
}

#[test]
fn a_flushed_change_survives_a_crash() {
    let (dir, store) = store();
    store.lazy().create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    store.flush().expect("flushed");
    // A copy of the file while it is open is what a killed process leaves.
    let crashed = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy(dir.path().join("store.redb"), crashed.path().join("store.redb")).expect("copied");
    let copy = Store::open(crashed.path()).expect("opened");
    assert_eq!(copy.list(&kinds::PIPELINE_RUN, None).expect("read").len(), 1);
}

#[test]
fn a_durable_change_takes_those_before_it_to_disk() {
    let (dir, store) = store();
    let lazy = store.lazy();
    lazy.create(&kinds::PIPELINE_RUN, run("before")).expect("made");
    lazy.durable().create(&kinds::PIPELINE_RUN, run("durable")).expect("made");
    let crashed = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy(dir.path().join("store.redb"), crashed.path().join("store.redb")).expect("copied");
    let copy = Store::open(crashed.path()).expect("opened");
    assert_eq!(copy.list(&kinds::PIPELINE_RUN, None).expect("read").len(), 2);
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let (dir, _store) = store();
    let error = Store::open(dir.path()).err().expect("held");
    let StoreError::Held { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
}

#[test]
fn a_store_is_free_when_nobody_has_it() {
    let (dir, store) = store();
    let held = Store::wait_until_free(dir.path());
    assert!(matches!(held, Err(StoreError::Held { .. })), "{held:?}");
    drop(store);
    Store::wait_until_free(dir.path()).expect("free");
    drop(Store::open(dir.path()).expect("looking takes nothing"));
}

#[test]
fn a_file_that_is_no_store_is_not_touched() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("store.redb"), vec![b'x'; 9000]).expect("written");
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Database { .. })));
    assert_eq!(std::fs::read(dir.path().join("store.redb")).expect("read"), vec![b'x'; 9000]);
}

#[test]
fn a_dry_run_answers_and_keeps_nothing() {
    let (_dir, store) = store();
    let made = store.dry_run().create(&kinds::PIPELINE_RUN, run("a")).expect("tried");
    assert_eq!(made["metadata"]["name"], "a");
    assert_eq!((store.revision(), store.get(&kinds::PIPELINE_RUN, "ns", "a").expect("read")), (0, None));
    store.create(&kinds::PIPELINE_RUN, run("a")).expect("made");
    assert!(store.dry_run().create(&kinds::PIPELINE_RUN, run("a")).is_err());
    let tried = store.dry_run().update(&kinds::PIPELINE_RUN, "ns", "a", |o| o["status"] = json!(1)).expect("tried").expect("there");
    assert_eq!(tried["status"], 1);
    let kept = store.update(&kinds::PIPELINE_RUN, "ns", "a", |o| assert_eq!(o.get("status"), None)).expect("read").expect("there");
    assert_eq!(kept.get("status"), None);
}
