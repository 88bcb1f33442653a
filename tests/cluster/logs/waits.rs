//! Runs that have not begun: what they wait for is said, and when they begin their lines come.

use super::{Working, apply, run, task};
use crate::{cluster, kubectl, try_kubectl};

#[test]
fn a_run_that_waits_for_quota_says_so_and_is_shown_when_it_may_begin() {
    let world = cluster();
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n";
    let file = world.write("quota.yaml", quota);
    kubectl(&["-n", &world.namespace, "apply", "-f", &file]);
    // The API server counts against a quota a moment after it is there.
    std::thread::sleep(std::time::Duration::from_secs(3));
    apply(&world, &run("poor", &[task("work", "echo at last")], ""));
    let working = Working::start(&world, &["pr", "logs", "poor", "-f", "-E"]);
    working.until("quota");
    kubectl(&["-n", &world.namespace, "delete", "resourcequota", "none"]);
    working.until("[work : say] at last");
    assert_eq!(working.end().0, Some(0));
}

/// Takes the label off the node again.
struct Label(String);

impl Drop for Label {
    fn drop(&mut self) {
        if let Err(said) = try_kubectl(&["label", "node", "--all", &format!("{}-", self.0)]) {
            eprintln!("the node keeps the label {}: {said}", self.0);
        }
    }
}

#[test]
fn a_run_that_is_not_scheduled_yet_says_why_and_is_shown_when_it_is() {
    let world = cluster();
    let label = Label(format!("for-{}", world.namespace));
    let nowhere = format!("taskRunTemplate: {{podTemplate: {{nodeSelector: {{{}: here}}}}}}", label.0);
    apply(&world, &run("nowhere", &[task("work", "echo at last")], &nowhere));
    let working = Working::start(&world, &["pr", "logs", "nowhere", "-f", "-E"]);
    working.until("node affinity/selector");
    kubectl(&["label", "node", "--all", &format!("{}=here", label.0)]);
    working.until("[work : say] at last");
    assert_eq!(working.end().0, Some(0));
}

#[test]
fn a_run_that_is_pending_is_waited_for_until_it_is_let_go() {
    let world = cluster();
    apply(&world, &run("held", &[task("work", "echo at last")], "status: PipelineRunPending"));
    let working = Working::start(&world, &["pr", "logs", "held", "-f", "-E"]);
    working.until("Pending");
    kubectl(&["-n", &world.namespace, "patch", "pipelinerun", "held", "--type", "merge", "-p", r#"{"spec":{"status":null}}"#]);
    working.until("[work : say] at last");
    assert_eq!(working.end().0, Some(0));
}
