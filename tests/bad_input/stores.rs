//! A sandbox that somebody else has open, or whose disk is full.

use std::process::{Command, Stdio};

use crate::world::{World, eventually};

#[test]
fn a_store_that_another_process_holds_is_named_with_its_holder() {
    let world = World::sandbox();
    // Held by a process that others cannot speak to: it took the lock and listens nowhere.
    std::fs::create_dir_all(world.path().join("sandbox")).expect("a folder");
    let slow = "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: slow}\nspec: {taskSpec: {steps: [{name: wait, image: none, script: 'sleep 1000'}]}}\n";
    let file = world.write("slow.yaml", slow);
    let mut holder = world.command(&["apply", "-f", &file]);
    let mut holder = holder.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    eventually("the store to be held", || world.path().join("sandbox/holder.json").exists().then_some(()));
    let ran = world.rtkn(&["pr", "list"]).exits(1).says("in use").says(&holder.id().to_string()).says("apply");
    assert_eq!(ran.stdout, "");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(holder.id().cast_signed()), nix::sys::signal::Signal::SIGINT).expect("it is there");
    let ended = holder.wait().expect("it can be waited for");
    assert_eq!(ended.code(), Some(130), "Ctrl-C while a run goes on");
    world.rtkn(&["tr", "list"]).ok().prints("slow");
}

#[test]
fn a_full_disk_as_the_answers_end_is_an_error() {
    let world = World::started_sandbox();
    for line in [["version"].as_slice(), &["--help"], &["pr"], &["completion", "bash"]] {
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
            eprintln!("skipped: this machine has no /dev/full");
            return;
        };
        let ran = world.command(line).stdout(full).stderr(Stdio::piped()).output().expect("the program runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{line:?}: {said}");
        assert!(said.contains("the disk is full"), "{line:?}: {said}");
    }
}

#[test]
fn a_full_disk_below_the_sandbox_changes_nothing_and_says_so() {
    let world = World::sandbox();
    let folder = world.path().join("small");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&folder).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: mounting a small disk needs root");
        return;
    }
    let _unmount = Mounted(&folder);
    let world = world.with("RTKN_SANDBOX_DIR", folder.join("sandbox"));
    let filler = "x".repeat(60_000);
    let failed = (0..200).find_map(|n| {
        let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: filler-{n}}}\ndata: {{a: {filler}}}\n");
        let ran = world.stdin(&["apply", "-f", "-"], &object);
        (ran.status != 0).then_some(ran)
    });
    let failed = failed.expect("two megabytes are full at some time").exits(1);
    assert!(failed.stderr.contains("no space left") || failed.stderr.contains("disk is full"), "{failed}");
}

#[test]
fn a_disk_that_fills_up_while_a_run_is_at_work_ends_the_command_and_says_so() {
    let world = World::sandbox();
    let folder = world.path().join("small");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(&folder).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: mounting a small disk needs root");
        return;
    }
    let _unmount = Mounted(&folder);
    let world = world.with("RTKN_SANDBOX_DIR", folder.join("sandbox"));
    world.rtkn(&["sa", "list"]).ok();
    // A little room, so that the run is accepted, and not enough to carry it out.
    let used = nix::sys::statvfs::statvfs(&folder).expect("the disk says how full it is");
    let left = used.blocks_available() * used.fragment_size();
    std::fs::write(folder.join("fill"), vec![0; usize::try_from(left).expect("it is small") - 32 * 1024]).expect("a file that fills it");
    let file = world.write("run.yaml", &crate::steps::task_run("late", "head -c 400000 /dev/zero | tr '\\0' x; echo done"));
    world.rtkn(&["apply", "-f", &file]).exits(1).says("o space left");
    std::fs::remove_file(folder.join("fill")).expect("there is room again");
    world.rtkn(&["sa", "create", "later"]).ok();
}

/// Takes the small disk away again.
struct Mounted<'a>(&'a std::path::Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Whatever still uses it loses it with the test's folder.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
