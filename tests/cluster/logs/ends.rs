//! How runs end: exit codes, deletion, pods that are gone, steps that did not run.

use super::{BUSYBOX, Working, apply, run, step, task};
use crate::world::eventually;
use crate::{cluster, kubectl};

#[test]
fn any_exit_code_is_said_with_its_step() {
    let world = cluster();
    apply(&world, &run("codes", &[task("ok", "echo fine"), task("bad", "echo before; exit 42")], ""));
    let ran = world.rtkn(&["pr", "logs", "codes", "-f", "-E"]).exits(1);
    ran.prints("[bad : say] before\n").says("step-say").says("exit code 42");
    world.rtkn(&["pr", "logs", "codes", "-E"]).exits(1).says("exit code 42");
    world.rtkn(&["pr", "logs", "codes", "--log-failed"]).prints("[bad : say] before\n").never_shows("fine");
}

#[test]
fn a_step_that_was_killed_is_said_with_its_reason() {
    let world = cluster();
    apply(&world, &run("killed", &[task("bad", "echo before; kill -9 $$")], ""));
    // Tekton's entrypoint gives this status for a step that a signal ended.
    world.rtkn(&["pr", "logs", "killed", "-f", "-E"]).exits(1).prints("[bad : say] before\n").says("exit code 255");
}

#[test]
fn a_step_that_timed_out_and_those_that_were_skipped_are_said() {
    let world = cluster();
    let slow = step("slow", "echo begun; sleep 60").replace("{name: slow", "{timeout: 3s, name: slow");
    let tasks = [
        format!("{{name: work, taskSpec: {{steps: [{slow}, {}]}}}}", step("after", "echo never")),
        format!(
            "{{name: ship, when: [{{input: a, operator: in, values: [b]}}], {}",
            &task("ship", "echo shipped")["{name: ship, ".len()..]
        ),
    ];
    apply(&world, &run("skips", &tasks, ""));
    let ran = world.rtkn(&["pr", "logs", "skips", "-f", "-E"]).exits(1).prints("[work : slow] begun\n").never_shows("shipped");
    ran.says("exceeded the specified timeout limit").says("task ship was skipped").never_shows("] never");
    // While a run is followed, its pod may tell of a step's end before Tekton tells why; afterwards both are known.
    let ran = world.rtkn(&["pr", "logs", "skips", "-E"]).exits(1).prints("[work : slow] begun\n");
    ran.says("TimeoutExceeded").says("step after was skipped").says("task ship was skipped");
}

#[test]
fn a_run_that_is_deleted_while_it_is_followed_ends_its_following() {
    let world = cluster();
    apply(&world, &run("short", &[task("work", "echo begun; sleep 600")], ""));
    let working = Working::start(&world, &["pr", "logs", "short", "-f", "-E"]);
    working.until("[work : say] begun");
    kubectl(&["-n", &world.namespace, "delete", "pipelinerun", "short", "--wait=false"]);
    let (status, printed) = working.end();
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("was deleted"), "{printed}");
}

#[test]
fn a_pod_that_is_gone_is_said_with_what_the_status_still_tells() {
    let world = cluster();
    apply(&world, &run("bare", &[task("work", "echo begun; exit 4")], ""));
    world.rtkn(&["pr", "logs", "bare", "-f", "-E"]).exits(1).prints("begun");
    kubectl(&["-n", &world.namespace, "delete", "pod", "--all", "--grace-period=1"]);
    let ran = world.rtkn(&["pr", "logs", "bare", "-E"]).exits(1);
    ran.says("bare-work-pod").says("not found").says("step say exited with code 4");
}

#[test]
fn an_image_that_cannot_be_pulled_is_said_and_not_waited_for() {
    let world = cluster();
    let task = task("work", "echo never").replace(BUSYBOX, "localhost/nothing:1").replace("Never", "IfNotPresent");
    apply(&world, &run("imageless", &[task], ""));
    let ran = world.rtkn(&["pr", "logs", "imageless", "-f", "-E", "--events"]).exits(1);
    assert!(ran.stderr.contains("localhost/nothing:1"), "{ran}");
    // The pod's Events stand between the lines, told apart.
    ran.prints("* event]").prints("Failed");
}

#[test]
fn a_run_that_is_cancelled_while_it_is_followed_ends_as_failed() {
    let world = cluster();
    apply(&world, &run("halted", &[task("work", "echo begun; sleep 600")], ""));
    let working = Working::start(&world, &["pr", "logs", "halted", "-f", "-E"]);
    working.until("[work : say] begun");
    world.rtkn(&["pr", "cancel", "halted"]).ok();
    let (status, printed) = working.end();
    assert_eq!(status, Some(1), "{printed}");
    eventually("the run to be cancelled", || world.rtkn(&["pr", "list"]).ok().stdout.contains("Cancelled").then_some(()));
}
