//! Real tasks as real processes, in every mode that this machine permits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::{Mode, ProcessExecutor};
use crate::sandbox::executor::{Executor, Mount, MountSource, StepEnd, StepExecution, TaskEvent, TaskExecution};
use crate::sandbox::logs::{LogDir, LogOptions};

/// A sandbox's directory with an executor in it.
struct World {
    dir: TempDir,
    logs: LogDir,
    executor: ProcessExecutor,
    /// UID of the pods: tests run at the same time, and an attempt ends the processes that see it
    uid: String,
}

/// What became of a task.
struct Outcome {
    events: Vec<TaskEvent>,
    results: BTreeMap<String, String>,
    refused: Option<String>,
}

impl World {
    fn new(mode: Option<Mode>) -> World {
        let dir = TempDir::new().expect("a temporary directory");
        let logs = LogDir::new(dir.path());
        let executor = match mode {
            Some(mode) => ProcessExecutor::with_mode(dir.path(), logs.clone(), mode),
            None => ProcessExecutor::new(dir.path(), logs.clone()),
        };
        World { dir, logs, executor, uid: uuid::Uuid::new_v4().to_string() }
    }

    /// A world in a mount namespace; `None` where this machine permits none.
    fn in_namespace() -> Option<World> {
        let world = World::new(None);
        (!matches!(world.executor.mode(), Mode::Substitution { .. })).then_some(world)
    }

    fn by_substitution() -> World {
        World::new(Some(Mode::Substitution { reason: "a test".to_owned() }))
    }

    /// One world of each kind that is possible here.
    fn each() -> Vec<World> {
        World::in_namespace().into_iter().chain([World::by_substitution()]).collect()
    }

    async fn run(&self, task: TaskExecution) -> Outcome {
        let (_keep, stop) = watch::channel(false);
        self.run_until(task, stop).await
    }

    async fn run_until(&self, mut task: TaskExecution, stop: watch::Receiver<bool>) -> Outcome {
        let (sender, mut receiver) = mpsc::channel(16);
        task.pod_uid.clone_from(&self.uid);
        self.executor.start(task, sender, stop);
        let mut outcome = Outcome { events: Vec::new(), results: BTreeMap::new(), refused: None };
        while let Some(event) = receiver.recv().await {
            match event {
                TaskEvent::TaskEnded { results, .. } => outcome.results = results,
                TaskEvent::Refused { message } => outcome.refused = Some(message),
                other => outcome.events.push(other),
            }
        }
        outcome
    }

    async fn log(&self, step: &str) -> Vec<u8> {
        let stream = self.logs.read(&self.uid, &format!("step-{step}"), &LogOptions::default()).expect("a log");
        let chunks: Vec<_> = stream.map(|chunk| chunk.expect("bytes")).collect().await;
        chunks.concat()
    }

    async fn text(&self, step: &str) -> String {
        String::from_utf8(self.log(step).await).expect("text")
    }
}

impl Outcome {
    fn ends(&self) -> Vec<(i32, StepEnd)> {
        let end = |event: &TaskEvent| match event {
            TaskEvent::StepEnded { exit_code, end, .. } => Some((*exit_code, *end)),
            _ => None,
        };
        self.events.iter().filter_map(end).collect()
    }
}

fn script(name: &str, script: &str) -> StepExecution {
    StepExecution {
        name: name.to_owned(),
        image: "alpine".to_owned(),
        script: Some(script.to_owned()),
        command: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
        working_dir: None,
        continue_on_error: false,
        timeout: None,
        results: Vec::new(),
        stdout_path: None,
        stderr_path: None,
    }
}

fn task(steps: Vec<StepExecution>) -> TaskExecution {
    TaskExecution {
        namespace: "default".to_owned(),
        task_run: "tr".to_owned(),
        pod: "tr-pod".to_owned(),
        pod_uid: String::new(),
        steps,
        mounts: Vec::new(),
        results: Vec::new(),
        credentials: BTreeMap::new(),
    }
}

fn mount(path: &str, source: MountSource, read_only: bool) -> Mount {
    Mount { path: path.into(), source, read_only }
}

/// Waits for a condition that another process brings about.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn alive(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().expect("a process id");
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; whoever should reap it is not our concern.
    !state.contains(") Z") && nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok()
}

#[tokio::test]
async fn steps_run_in_order_and_share_the_workspace() {
    for world in World::each() {
        let mut second = script("b", "cat /workspace/x; pwd > here; cat /workspace/sub/here");
        second.working_dir = Some("/workspace/sub".to_owned());
        let outcome = world.run(task(vec![script("a", "echo one > x; echo out; echo err >&2; echo again"), second])).await;
        assert_eq!(outcome.ends(), [(0, StepEnd::Completed), (0, StepEnd::Completed)], "{:?}", outcome.refused);
        assert_eq!(world.text("a").await, "out\nerr\nagain\n");
        assert!(world.text("b").await.starts_with("one\n"));
        let steps: Vec<usize> = outcome
            .events
            .iter()
            .map(|e| match e {
                TaskEvent::StepStarted { step, .. } | TaskEvent::StepEnded { step, .. } => *step,
                other => panic!("{other:?} is no step's"),
            })
            .collect();
        assert_eq!(steps, [0, 0, 1, 1]);
        eventually("the attempt is removed", || !world.dir.path().join("attempts").join(&world.uid).exists()).await;
    }
}

#[tokio::test]
async fn a_failing_step_passes_the_rest_over_unless_it_may_continue() {
    let world = World::new(None);
    let mut may_fail = script("a", "exit 3");
    may_fail.continue_on_error = true;
    let outcome =
        world.run(task(vec![may_fail, script("b", "cat /tekton/steps/step-a/exitCode; echo; exit 4"), script("c", "echo no")])).await;
    assert_eq!(outcome.ends(), [(3, StepEnd::Continued), (4, StepEnd::Failed), (1, StepEnd::Skipped)]);
    assert_eq!(world.text("b").await, "3\n");
    assert!(world.text("c").await.ends_with("Skipping step because a previous step failed\n"));
}

#[tokio::test]
async fn a_timeout_ends_the_step_and_its_children() {
    let world = World::new(None);
    let pid_file = world.dir.path().join("pid");
    let mut slow = script("a", &format!("trap '' TERM\nsh -c 'trap \"\" TERM; echo $$ > {}; sleep 60' &\nwait", pid_file.display()));
    slow.timeout = Some(Duration::from_millis(300));
    let began = Instant::now();
    let outcome = world.run(task(vec![slow, script("b", "true")])).await;
    assert_eq!(outcome.ends(), [(1, StepEnd::TimedOut), (1, StepEnd::Skipped)]);
    assert!(began.elapsed() < Duration::from_secs(10));
    let pid = fs::read_to_string(pid_file).expect("the child wrote it");
    eventually("the child is gone", || !alive(&pid)).await;
}

#[tokio::test]
async fn a_stop_ends_the_step_and_cancels_the_rest() {
    let world = World::new(None);
    let (stop, stopped) = watch::channel(false);
    let marker = world.dir.path().join("runs");
    let steps = vec![script("a", &format!("touch {}; sleep 60", marker.display())), script("b", "true")];
    let stopper = async {
        eventually("the step runs", || marker.exists()).await;
        stop.send(true).expect("the task listens");
    };
    let (outcome, ()) = tokio::join!(world.run_until(task(steps), stopped), stopper);
    assert_eq!(outcome.ends(), [(255, StepEnd::Cancelled), (1, StepEnd::Cancelled)]);
}

#[tokio::test]
async fn what_a_step_leaves_running_ends_with_it() {
    let world = World::new(None);
    let began = Instant::now();
    let outcome = world.run(task(vec![script("a", "sleep 60 & echo $!")])).await;
    assert_eq!(outcome.ends(), [(0, StepEnd::Completed)]);
    assert!(began.elapsed() < Duration::from_secs(5));
    let pid = world.text("a").await;
    eventually("the child is gone", || !alive(&pid)).await;
}

/// Names the file in which the sandbox that is to be killed leaves its step's child.
const VICTIM: &str = "RTKN_TEST_VICTIM";

#[tokio::test]
async fn nothing_survives_a_killed_sandbox() {
    if let Ok(pid_file) = std::env::var(VICTIM) {
        let world = World::new(None);
        world
            .run(task(vec![script("a", &format!("sh -c 'echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60' & wait"))]))
            .await;
        return;
    }
    let dir = TempDir::new().expect("a temporary directory");
    let pid_file = dir.path().join("pid");
    // The test runs itself once more, as the sandbox that is killed.
    let mut sandbox = std::process::Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "sandbox::process::tests::nothing_survives_a_killed_sandbox"])
        .env(VICTIM, &pid_file)
        .env("TMPDIR", dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    eventually("the step runs", || pid_file.exists()).await;
    let pid = fs::read_to_string(&pid_file).expect("the child wrote it");
    assert!(alive(&pid));
    sandbox.kill().expect("it runs");
    sandbox.wait().expect("it was killed");
    eventually("the step's child is gone", || !alive(&pid)).await;
}

#[tokio::test]
async fn output_is_kept_byte_by_byte() {
    let world = World::new(None);
    world.run(task(vec![script("a", r"printf 'a\377\200b\r\n\nend\n'")])).await;
    assert_eq!(world.log("a").await, b"a\xff\x80b\r\n\nend\n");
}

#[tokio::test]
async fn output_is_copied_to_the_files_that_a_step_names() {
    for world in World::each() {
        let mut step = script("a", "echo out; echo err >&2");
        step.stdout_path = Some("/tekton/results/out".to_owned());
        step.stderr_path = Some("sub/err".to_owned());
        let mut task = task(vec![step, script("b", "cat /workspace/sub/err")]);
        task.results = vec!["out".to_owned()];
        let outcome = world.run(task).await;
        assert_eq!(outcome.results["out"], "out\n");
        let log = world.text("a").await;
        assert!(log.contains("out\n") && log.contains("err\n"), "{log}");
        assert_eq!(world.text("b").await, "err\n");
    }
}

#[tokio::test]
async fn results_are_kept_as_written() {
    for world in World::each() {
        let mut first = script("a", "echo v > /tekton/results/r; printf s > /tekton/steps/step-a/results/q; pwd > /tekton/results/dir");
        first.results = vec!["q".to_owned()];
        let mut second = script("b", "echo \"$X $1\"");
        second.env = vec![("X".to_owned(), "$(steps.a.results.q)".to_owned())];
        second.args = vec!["<$(steps.a.results.q)>".to_owned()];
        let mut task = task(vec![first, second]);
        task.results = vec!["r".to_owned(), "dir".to_owned(), "never".to_owned()];
        let outcome = world.run(task).await;
        let expected = [("dir", "/workspace\n"), ("r", "v\n")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(outcome.results, BTreeMap::from(expected));
        assert_eq!(world.text("b").await, "s <s>\n");
        let of_step = outcome.events.iter().find_map(|e| match e {
            TaskEvent::StepEnded { step: 0, results, .. } => Some(results.clone()),
            _ => None,
        });
        assert_eq!(of_step.expect("the first step's end")["q"], "s");
    }
}

#[tokio::test]
async fn results_that_are_too_large_fail_their_step() {
    let world = World::new(None);
    let mut task = task(vec![script("a", "head -c 5000 /dev/zero | tr '\\0' x > /tekton/results/r")]);
    task.results = vec!["r".to_owned()];
    let outcome = world.run(task).await;
    assert_eq!(outcome.ends(), [(1, StepEnd::Failed)]);
    assert!(outcome.results.is_empty());
    assert!(world.text("a").await.contains("Termination message is above max allowed size 4096"));
}

#[tokio::test]
async fn a_missing_command_says_whose_programs_are_used() {
    let world = World::new(None);
    let mut step = script("a", "");
    step.script = None;
    step.command = vec!["no-such-program".to_owned()];
    let outcome = world.run(task(vec![step])).await;
    assert_eq!(outcome.ends(), [(1, StepEnd::Failed)]);
    let log = world.text("a").await;
    assert!(log.contains("Error executing command: exec: \"no-such-program\": executable file not found in $PATH"), "{log}");
    assert!(log.contains("this machine's programs"), "{log}");
}

#[tokio::test]
async fn a_step_that_a_signal_ends_has_the_exit_code_of_tektons_entrypoint() {
    let world = World::new(None);
    let outcome = world.run(task(vec![script("a", "kill -9 $$")])).await;
    assert_eq!(outcome.ends(), [(255, StepEnd::Failed)]);
}

#[tokio::test]
async fn a_working_directory_that_is_not_there_is_made_and_not_on_this_machine() {
    let Some(world) = World::in_namespace() else { return };
    let on_machine = TempDir::new().expect("a temporary directory");
    fs::write(on_machine.path().join("kept"), "").expect("written");
    let below = on_machine.path().canonicalize().expect("it is there").join("src/app").display().to_string();
    let dirs = ["/no-such-directory/deep", below.as_str(), "/workspace/sub/deep", "/workspace/other", "/tekton/home/own"];
    let step = |(index, dir): (usize, &&str)| {
        let mut step = script(&format!("s{index}"), "touch left; pwd; ls -A ../..");
        step.working_dir = Some((*dir).to_owned());
        step
    };
    let outcome = world.run(task(dirs.iter().enumerate().map(step).collect())).await;
    assert_eq!(outcome.ends(), [(0, StepEnd::Completed); 5]);
    assert_eq!(world.text("s0").await.lines().next(), Some("/no-such-directory/deep"));
    assert_eq!(world.text("s1").await, format!("{below}\nkept\nsrc\n"), "what is around it is still there");
    assert_eq!(world.text("s2").await.lines().next(), Some("/workspace/sub/deep"));
    assert!(!Path::new("/no-such-directory").exists() && !on_machine.path().join("src").exists(), "this machine was written to");
}

#[tokio::test]
async fn a_relative_working_directory_is_refused_as_a_container_would_not_start_there() {
    for world in World::each() {
        let mut step = script("a", "true");
        step.working_dir = Some("sub/deep".to_owned());
        let outcome = world.run(task(vec![step])).await;
        assert!(outcome.ends().is_empty(), "nothing ran");
        assert!(outcome.refused.is_some_and(|why| why.starts_with("steps[0].workingDir: \"sub/deep\" is relative")));
    }
}

#[tokio::test]
async fn a_working_directory_that_cannot_be_made_is_named() {
    let world = World::by_substitution();
    let mut step = script("a", "true");
    step.working_dir = Some("/no-such-directory".to_owned());
    let outcome = world.run(task(vec![step])).await;
    assert_eq!(outcome.ends(), [(128, StepEnd::Failed)]);
    let log = world.text("a").await;
    assert_eq!(log, "rtkn: cannot enter the working directory /no-such-directory: No such file or directory\n");
}

#[tokio::test]
async fn mounts_appear_where_the_task_wants_them() {
    for world in World::each() {
        let claim = world.dir.path().join("claim");
        let file = |name: &str| BTreeMap::from([(PathBuf::from(name), b"from a ConfigMap\n".to_vec())]);
        let mut task = task(vec![script(
            "a",
            "cat /etc/rtkn-test/sub/key /etc/rtkn-test/one.conf /workspace/source/two.conf\necho kept > /workspace/source/kept\nls -d /srv-of-rtkn/cache\ntest -e /etc/passwd",
        )]);
        task.mounts = vec![
            mount("/workspace/source", MountSource::Directory(claim.clone()), false),
            mount("/etc/rtkn-test/sub", MountSource::Files(file("key")), true),
            mount("/srv-of-rtkn/cache", MountSource::EmptyDir("volume".into()), false),
            mount("/etc/rtkn-test/one.conf", MountSource::Files(file("")), true),
            mount("/workspace/source/two.conf", MountSource::Files(file("")), true),
        ];
        let outcome = world.run(task).await;
        assert_eq!(outcome.ends(), [(0, StepEnd::Completed)], "{:?} {}", outcome.refused, world.text("a").await);
        assert!(world.text("a").await.starts_with(&"from a ConfigMap\n".repeat(3)));
        assert_eq!(fs::read_to_string(claim.join("kept")).expect("it was written"), "kept\n");
        for path in ["/workspace/source/kept", "/etc/rtkn-test", "/srv-of-rtkn"] {
            assert!(!Path::new(path).exists(), "{path} was made on the machine itself");
        }
    }
}

#[tokio::test]
async fn a_read_only_mount_cannot_be_written_to() {
    let Some(world) = World::in_namespace() else { return };
    let claim = world.dir.path().join("claim");
    let mut task = task(vec![script("a", "touch /workspace/source/x")]);
    task.mounts = vec![mount("/workspace/source", MountSource::Directory(claim), true)];
    let outcome = world.run(task).await;
    assert_eq!(outcome.ends(), [(1, StepEnd::Failed)]);
    assert!(world.text("a").await.contains("Read-only file system"));
}

#[tokio::test]
async fn what_cannot_be_put_in_is_refused_before_anything_runs() {
    let world = World::by_substitution();
    let marker = world.dir.path().join("ran");
    let outcome = world.run(task(vec![script("a", &format!("touch {}", marker.display())), script("b", "ls /workspace*")])).await;
    let message = outcome.refused.expect("a refusal");
    assert!(message.starts_with("steps[1].script: it writes /workspace*"), "{message}");
    assert!(outcome.events.is_empty() && !marker.exists());
    let mut read_only = task(vec![script("a", "true")]);
    read_only.mounts = vec![mount("/data", MountSource::EmptyDir("volume".into()), true)];
    assert!(world.run(read_only).await.refused.expect("a refusal").contains("is read-only"));
}

#[tokio::test]
async fn ssh_finds_the_credentials_and_nothing_of_the_users() {
    for world in World::each() {
        let config = "Host example.com\n    HostName git.example.com\n    IdentityFile /tekton/creds/.ssh/id_key\n";
        let mut task = task(vec![script(
            "a",
            "eval \"$GIT_SSH_COMMAND -G example.com\"\nstat -c %a /tekton/home/.ssh /tekton/home/.ssh/id_key\ncat $HOME/.ssh/id_key",
        )]);
        let files = [(".ssh/config", config), (".ssh/known_hosts", "example.com ssh-ed25519 AAAA\n"), (".ssh/id_key", "a key\n")];
        task.credentials = files.iter().map(|(name, content)| (PathBuf::from(name), content.as_bytes().to_vec())).collect();
        let outcome = world.run(task).await;
        let log = world.text("a").await;
        assert_eq!(outcome.ends(), [(0, StepEnd::Completed)], "{log}");
        assert!(log.contains("hostname git.example.com") && log.contains("/creds/.ssh/id_key"), "{log}");
        assert!(log.ends_with("700\n600\na key\n"), "{log}");
    }
}

#[tokio::test]
async fn a_process_that_left_its_steps_group_ends_with_the_step() {
    let Some(world) = World::in_namespace() else { return };
    let begun = Instant::now();
    let outcome = world.run(task(vec![script("a", "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.2; echo over")])).await;
    assert_eq!(outcome.ends(), [(0, StepEnd::Completed)]);
    let log = world.text("a").await;
    let pid = log.lines().next().expect("its number");
    eventually("it has ended", || !Path::new("/proc").join(pid).join("exe").exists()).await;
    assert!(log.ends_with("over\n") && begun.elapsed() < Duration::from_secs(100), "{log}");
}

#[tokio::test]
async fn what_a_killed_sandbox_left_is_removed() {
    let dir = TempDir::new().expect("a temporary directory");
    let left = dir.path().join("attempts/old/workspace");
    fs::create_dir_all(&left).expect("it can be made");
    let _executor = ProcessExecutor::new(dir.path(), LogDir::new(dir.path()));
    eventually("it is removed", || !dir.path().join("attempts/old").exists()).await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_said() {
    let world = World::new(Some(Mode::Substitution { reason: "a test".to_owned() }));
    fs::write(world.dir.path().join("attempts"), "a file").expect("it can be written");
    let message = world.run(task(vec![script("a", "true")])).await.refused.expect("a refusal");
    assert!(message.contains("attempts"), "{message}");
}
