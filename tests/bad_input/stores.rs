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
    world.rtkn(&["sandbox", "reset", "--force"]).exits(1).says("in use").says(&holder.id().to_string());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(holder.id().cast_signed()), nix::sys::signal::Signal::SIGINT).expect("it is there");
    let ended = holder.wait().expect("it can be waited for");
    assert_eq!(ended.code(), Some(130), "Ctrl-C while a run goes on");
    world.rtkn(&["tr", "list"]).ok().prints("slow");
}

#[test]
fn a_store_that_cannot_be_read_names_the_way_out() {
    let world = World::sandbox();
    world.write("sandbox/store.redb", &"no store ".repeat(1000));
    let broken = "sandbox/store.redb failed";
    for args in [["pr", "list"], ["sandbox", "status"], ["sandbox", "start"]] {
        world.rtkn(&args).exits(1).says(broken).says("rtkn sandbox reset");
    }
    world.tkn(&["pr", "list"]).exits(1).says(broken).says("tkn sandbox reset").never_shows("rtkn sandbox");
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("Removed the sandbox");
    world.rtkn(&["pr", "list"]).ok();
}

#[test]
fn a_store_with_a_damaged_page_names_the_way_out_and_can_be_reset() {
    let world = World::sandbox();
    world.rtkn(&["sa", "create", "builder"]).ok();
    let path = world.path().join("sandbox/store.redb");
    let mut bytes = std::fs::read(&path).expect("a store");
    // The first page keeps what is needed to open it.
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).expect("written");
    world.rtkn(&["sa", "list"]).exits(1).says("the sandbox's store").says("rtkn sandbox reset").never_shows("panicked");
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("Removed the sandbox");
    world.rtkn(&["sa", "list"]).ok().never_shows("builder");
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
    let Some(disk) = SmallDisk::mount(&world, "size=2m") else { return };
    let world = world.with("RTKN_SANDBOX_DIR", disk.0.join("sandbox"));
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
fn a_sandbox_that_does_not_start_on_a_full_disk_says_why_and_leaves_nothing_half_made() {
    // The last one has room for the store and not for what belongs into a new one, which the next start puts in.
    let cases: [(&str, &[&str]); 3] = [("size=4k", &[]), ("size=16k", &[]), ("size=64k", &["holder.json", "store.redb"])];
    for (size, left) in cases {
        let world = World::sandbox();
        let Some(disk) = SmallDisk::mount(&world, size) else { return };
        let world = world.with("RTKN_SANDBOX_DIR", disk.0.join("sandbox"));
        let ran = world.rtkn(&["sandbox", "start"]).exits(1).says("did not start: no space left").says("small/sandbox/");
        assert_eq!(disk.left(), left, "{size}: {ran}");
        world.rtkn(&["sandbox", "reset", "--force"]).ok();
        world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("There is no sandbox");
        assert_eq!(disk.left(), [""; 0], "{size}");
    }
}

#[test]
fn a_start_on_a_disk_that_has_become_full_says_why_and_can_be_reset() {
    let world = World::sandbox();
    let Some(disk) = SmallDisk::mount(&world, "size=2m") else { return };
    let world = world.with("RTKN_SANDBOX_DIR", disk.0.join("sandbox"));
    world.rtkn(&["sa", "list"]).ok();
    disk.fill(0);
    let before = disk.left();
    world.rtkn(&["sandbox", "start"]).exits(1).says("did not start").says("sandbox/kubeconfig: the disk is full");
    let after: Vec<String> = disk.left().into_iter().filter(|name| name != "serve.log").collect();
    assert_eq!(after, before);
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("Removed the sandbox").never_shows("Left there");
    world.rtkn(&["sandbox", "reset", "--force"]).ok().prints("There is no sandbox");
}

#[test]
fn a_disk_that_fills_up_while_a_run_is_at_work_ends_the_command_and_says_so() {
    let world = World::sandbox();
    let Some(disk) = SmallDisk::mount(&world, "size=6m") else { return };
    let world = world.with("RTKN_SANDBOX_DIR", disk.0.join("sandbox"));
    world.rtkn(&["sa", "list"]).ok();
    // A little room, so that the run is accepted, and not enough to carry it out.
    disk.fill(32 * 1024);
    let file = world.write("run.yaml", &crate::steps::task_run("late", "head -c 400000 /dev/zero | tr '\\0' x; echo done"));
    let failed = world.rtkn(&["apply", "-f", &file]).exits(1).prints("late created").says("no space left");
    failed.says("look at the runs").never_shows("nothing was changed");
    std::fs::remove_file(disk.0.join("fill")).expect("there is room again");
    world.rtkn(&["sa", "create", "later"]).ok();
    world.rtkn(&["tr", "logs", "-f", "late"]).prints("done");
}

#[test]
fn a_run_whose_end_the_disk_does_not_take_is_not_said_to_have_succeeded() {
    let run = crate::steps::task_run("late", "true");
    // How much the first writes take is the database's affair; with one of these the last one finds no room.
    let mut failures = 0;
    for kilobytes in (72..136).step_by(8) {
        let world = World::sandbox();
        let Some(disk) = SmallDisk::mount(&world, "size=5m") else { return };
        let world = world.with("RTKN_SANDBOX_DIR", disk.0.join("sandbox"));
        world.rtkn(&["sa", "list"]).ok();
        disk.fill(kilobytes * 1024);
        let ran = world.stdin(&["apply", "-f", "-"], &run);
        std::fs::remove_file(disk.0.join("fill")).expect("there is room again");
        let kept = world.rtkn(&["tr", "list"]).ok();
        assert_eq!(ran.status == 0, kept.stdout.contains("Succeeded"), "{kilobytes} kB: {ran}\n{kept}");
        failures += usize::from(ran.status != 0);
    }
    assert!(failures > 0, "there was always room");
}

/// A disk of its own for a sandbox, small enough to be filled; it is taken away with the test.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// `size=2m` and the like; none where that is not permitted.
    fn mount(world: &World, size: &str) -> Option<Self> {
        let folder = world.path().join("small");
        std::fs::create_dir_all(&folder).expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(&folder).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: mounting a small disk needs root");
        None
    }

    /// Fills it up to so many bytes.
    fn fill(&self, room: usize) {
        let used = nix::sys::statvfs::statvfs(&self.0).expect("the disk says how full it is");
        let left = used.blocks_available() * used.fragment_size();
        std::fs::write(self.0.join("fill"), vec![0; usize::try_from(left).expect("it is small") - room]).expect("a file that fills it");
    }

    /// What is in the sandbox's directory, by name.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("sandbox")).into_iter().flatten().flatten();
        let names: std::collections::BTreeSet<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.into_iter().collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whatever still uses it loses it with the test's folder.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
