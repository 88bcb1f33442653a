//! Logs over a bad way: a proxy drops, delays, truncates and refuses by a seeded plan, and every line comes out once
//! and in order all the same. `RTKN_FAULT_SEEDS=1000` says how many seeds, `RTKN_FAULT_SEED=17` looks at one.

mod credentials;
mod plan;
mod proxy;
mod sandbox;
mod scenario;
mod scripted;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plan::Plan;
use proxy::Proxy;
use scenario::Scenario;
use scripted::Scripted;

use crate::world::World;

/// Runs that are followed at the same time.
const AT_ONCE: usize = 24;

/// A run takes two seconds; with all its faults it is over within this time, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn every_line_comes_out_once_and_in_order_whatever_the_way_does() {
    let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = asked("RTKN_FAULT_SEED") {
        return drop(follow(seed).unwrap_or_else(|wrong| panic!("{wrong}")));
    }
    let (next, seeds) = (AtomicU64::new(0), asked("RTKN_FAULT_SEEDS").unwrap_or(60));
    let results: Vec<Result<Vec<String>, String>> = std::thread::scope(|scope| {
        let work = || {
            let seeds = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds));
            seeds.map(follow).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no seed panics")).collect()
    });
    let (right, wrong): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{} of {seeds} seeds went wrong:\n{}", wrong.len(), wrong.join("\n"));
    // A plan that does nothing would prove nothing.
    let met: std::collections::BTreeSet<String> = right.into_iter().flatten().flatten().collect();
    let all = ["401", "410", "429", "500", "503", "broken answer", "delay", "dropped", "expired watch", "short answer", "small pieces"];
    let missed: Vec<&str> = all.into_iter().filter(|fault| !met.contains(*fault)).collect();
    assert!(missed.is_empty() || seeds < 60, "no seed met {missed:?}");
}

/// Follows the run of a seed over the plan of the seed; names the faults that it met, or says what is wrong with what
/// came out.
fn follow(seed: u64) -> Result<Vec<String>, String> {
    let Scenario { script, expected, fails, length, clock } = scenario::scenario(seed);
    // Some are there before they are followed, some have ended.
    let ago = length * u32::try_from(seed % 5).expect("a small number") / 4;
    let _in_runtime = proxy::runtime().enter();
    let proxy = Proxy::start(Arc::new(Scripted::begin(script, ago, clock)), Plan::seeded(seed));
    // A run that has ended is read alike with and without -f.
    let flags: &[&str] = if seed % 10 == 9 { &["-E"] } else { &["-f", "-E"] };
    followed(&proxy, "work", &[&["pr", "logs", scenario::RUN], flags].concat(), &expected, fails)
        .map_err(|wrong| format!("seed {seed}: {wrong}"))?;
    Ok(proxy.told().into_iter().filter_map(|(_, fault)| fault).map(|fault| fault.name()).collect())
}

/// Runs the program over a proxy to its end; says what is wrong with what came out.
fn followed(proxy: &Proxy, namespace: &str, args: &[&str], expected: &[(String, Vec<Vec<u8>>)], fails: bool) -> Result<(), String> {
    let world = World::empty();
    world.write("home/.kube/config", &proxy.kubeconfig(namespace));
    let mut command = world.command(args);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let (done, guard) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let hangs = guard.recv_timeout(PATIENCE).is_err();
        // It may have ended this very moment.
        hangs.then(|| nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)).is_some()
    });
    let output = child.wait_with_output().expect("the program ends");
    // The guard may have given up waiting.
    let _ = done.send(());
    let hangs = guard.join().expect("it only waits");
    let wrong = if hangs {
        Some("it hangs".to_owned())
    } else if output.status.code() != Some(i32::from(fails)) {
        Some(format!("the exit status is {:?}, and the run {}", output.status.code(), if fails { "failed" } else { "succeeded" }))
    } else {
        wrong_lines(&output.stdout, expected)
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let faults: Vec<String> = proxy.told().iter().map(|(request, fault)| format!("  {request}: {fault:?}")).collect();
    wrong.map_or(Ok(()), |wrong| {
        Err(format!("{wrong}\n--- status {:?}\n--- stderr\n{said}--- requests\n{}", output.status.code(), faults.join("\n")))
    })
}

/// The first difference between what was printed and what the steps wrote, whose lines go by prefix.
fn wrong_lines(printed: &[u8], expected: &[(String, Vec<Vec<u8>>)]) -> Option<String> {
    let shown = |line: Option<&[u8]>| line.map_or("nothing".into(), |l| String::from_utf8_lossy(&l[..l.len().min(100)]).into_owned());
    let lines: Vec<&[u8]> = printed.split(|b| *b == b'\n').collect();
    let mut known = 0;
    for (prefix, expected) in expected {
        let got: Vec<&[u8]> = lines.iter().filter_map(|line| line_of(prefix, line)).collect();
        known += got.len();
        for place in 0..got.len().max(expected.len()) {
            let (got, wanted) = (got.get(place).copied(), expected.get(place).map(Vec::as_slice));
            if got != wanted {
                return Some(format!("{prefix}line {place} is {:?} and should be {:?}", shown(got), shown(wanted)));
            }
        }
    }
    let others = lines.iter().filter(|line| !line.is_empty()).count();
    (others != known).then(|| format!("{} lines of nobody", others - known))
}

/// The line behind this prefix `[task : step] `, which may number the attempt: `[task (attempt 2/3) : step] `.
fn line_of<'l>(prefix: &str, line: &'l [u8]) -> Option<&'l [u8]> {
    let (task, step) = prefix.split_once(" : ").expect("a prefix names task and step");
    let rest = line.strip_prefix(task.as_bytes())?;
    let rest = match rest.strip_prefix(b" (attempt ") {
        Some(attempt) => &attempt[attempt.iter().position(|b| *b == b')')? + 1..],
        None => rest,
    };
    rest.strip_prefix(format!(" : {step}").as_bytes())
}
