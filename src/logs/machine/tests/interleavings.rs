//! Whole runs with matrix, retries and a Pipeline within the Pipeline, told in any order that a server may tell them in,
//! over streams that are cut anywhere: every line comes once, in its place.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::logs::event::{LogEvent, Outcome, Source};
use crate::logs::lines::Piece;
use crate::logs::machine::{Effect, Find, Follow, Input, Opening, Order, Policy, Subject};

const BEGIN: i64 = 1_800_000_000;

/// What a server tells.
#[derive(Clone, Debug)]
enum Thing {
    Run(Value),
    Task(Value),
    Pod(Value),
    TaskFound(String),
    PodFound(String),
    TasksListed(&'static str),
    PodsListed(&'static str),
}

impl Thing {
    fn input(self) -> Input<'static> {
        let one = |run: &str| Arc::<[String]>::from([run.to_owned()]);
        match self {
            Self::Run(value) => Input::Run(Box::new(serde_json::from_value(value).unwrap())),
            Self::Task(value) => Input::Task(Box::new(serde_json::from_value(value).unwrap())),
            Self::Pod(value) => Input::Pod(Box::new(serde_json::from_value(value).unwrap())),
            Self::TaskFound(name) => Input::TaskFound(name),
            Self::PodFound(name) => Input::PodFound(name),
            Self::TasksListed(run) => Input::TasksListed(one(run)),
            Self::PodsListed(run) => Input::PodsListed(one(run)),
        }
    }
}

/// A TaskRun of the world: how many attempts it takes, and whether the last one succeeds.
#[derive(Clone, Debug)]
struct Work {
    run: &'static str,
    name: String,
    attempts: usize,
    succeeds: bool,
    /// Lines of each attempt's two steps
    lines: Vec<[Vec<(i64, String)>; 2]>,
}

impl Work {
    fn pod(&self, attempt: usize) -> String {
        format!("{}-pod{attempt}", self.name)
    }

    /// The TaskRun during an attempt, or after the last.
    fn task(&self, attempt: usize, over: bool) -> Value {
        let earlier: Vec<Value> = (0..attempt).map(|a| json!({"podName": self.pod(a)})).collect();
        let status = match (over, self.succeeds) {
            (false, _) => "Unknown",
            (true, true) => "True",
            (true, false) => "False",
        };
        let os = if self.name.ends_with('1') { "mac" } else { "linux" };
        json!({
            "metadata": {"name": self.name, "uid": self.name},
            "spec": {"retries": self.attempts - 1, "params": [{"name": "os", "value": os}]},
            "status": {
                "conditions": [{"type": "Succeeded", "status": status}], "startTime": "2026-01-02T03:04:05Z",
                "completionTime": over.then_some("2026-01-02T03:05:05Z"), "podName": self.pod(attempt), "retriesStatus": earlier,
            },
        })
    }

    fn pod_now(&self, attempt: usize, ended: usize) -> Value {
        let fails = attempt + 1 < self.attempts || !self.succeeds;
        let state = |step: usize| match step < ended {
            true => json!({"terminated": {"exitCode": i32::from(fails && step == 1)}}),
            false => json!({"running": {}}),
        };
        let statuses: Vec<Value> = (0..2).map(|step| json!({"name": format!("step-s{step}"), "state": state(step)})).collect();
        json!({
            "metadata": {"name": self.pod(attempt)}, "spec": {"containers": [{"name": "step-s0"}, {"name": "step-s1"}]},
            "status": {"phase": "Running", "containerStatuses": statuses},
        })
    }

    /// What is told of it and of its pods, each in its order.
    fn told(&self) -> Vec<VecDeque<Thing>> {
        let created = Thing::Task(json!({"metadata": {"name": self.name, "uid": self.name}, "spec": self.task(0, false)["spec"]}));
        let attempts = (0..self.attempts).map(|attempt| Thing::Task(self.task(attempt, false)));
        let end = Thing::Task(self.task(self.attempts - 1, true));
        let task = [created].into_iter().chain(attempts).chain([end]).collect();
        let pods = (0..self.attempts).map(|attempt| {
            let mut waiting = self.pod_now(attempt, 0);
            waiting["status"] = json!({"phase": "Pending"});
            [waiting].into_iter().chain((0..3).map(|ended| self.pod_now(attempt, ended))).map(Thing::Pod).collect()
        });
        [task].into_iter().chain(pods).collect()
    }
}

/// The runs: `r` with a matrix of two and a Pipeline within, which has one task.
#[derive(Debug)]
struct World {
    work: Vec<Work>,
}

impl World {
    fn run(&self, name: &str, over: bool, children: usize) -> Value {
        let failed = self.work.iter().any(|w| !w.succeeds && (name == "r" || w.run == name));
        let status = match (over, failed) {
            (false, _) => "Unknown",
            (true, true) => "False",
            (true, false) => "True",
        };
        let own = self.work.iter().filter(|w| w.run == name).map(|w| ("TaskRun", w.name.as_str(), "each"));
        let nested = (name == "r").then_some(("PipelineRun", "n", "inner"));
        let references =
            own.chain(nested).take(children).map(|(kind, name, task)| json!({"kind": kind, "name": name, "pipelineTaskName": task}));
        json!({
            "metadata": {"name": name, "uid": name},
            "status": {
                "conditions": [{"type": "Succeeded", "status": status, "message": "it is so"}],
                "childReferences": references.collect::<Vec<_>>(),
                "pipelineSpec": {"tasks": [{"name": "each", "matrix": {"params": [{"name": "os", "value": ["linux", "mac"]}]}}, {"name": "inner"}]},
            },
        })
    }

    /// What is told of one run, its tasks and their pods.
    fn told(&self, name: &'static str) -> Vec<VecDeque<Thing>> {
        let states = (0..4).map(|children| Thing::Run(self.run(name, false, children)));
        let run = states.chain([Thing::Run(self.run(name, true, 3))]).collect();
        let work = self.work.iter().filter(|w| w.run == name).flat_map(Work::told);
        [run, VecDeque::from([Thing::TasksListed(name)]), VecDeque::from([Thing::PodsListed(name)])].into_iter().chain(work).collect()
    }

    /// The same as it is at the end, as lists tell it.
    fn listed(&self, name: &'static str) -> Vec<VecDeque<Thing>> {
        self.told(name).into_iter().map(|mut queue| VecDeque::from_iter(queue.pop_back())).collect()
    }

    fn last(&self, name: &str) -> Option<Thing> {
        self.work.iter().flat_map(Work::told).filter_map(|mut queue| queue.pop_back()).find(|thing| match thing {
            Thing::Task(value) | Thing::Pod(value) => value["metadata"]["name"] == name,
            _ => false,
        })
    }

    fn log(&self, pod: &str, container: &str) -> &[(i64, String)] {
        let of = |w: &&Work| pod.starts_with(&w.name);
        let work = self.work.iter().find(of).expect("a pod of somebody's");
        let attempt: usize = pod.rsplit("pod").next().unwrap().parse().unwrap();
        &work.lines[attempt][usize::from(container == "step-s1")]
    }
}

/// What came out: for each container its lines, and for each TaskRun its containers in order.
#[derive(Default)]
struct Heard {
    lines: HashMap<(String, String), Vec<String>>,
    order: HashMap<String, Vec<String>>,
    stamps: Vec<String>,
    open: String,
    labels: HashMap<String, String>,
}

impl Heard {
    fn on(&mut self, event: &LogEvent<'_>) {
        match event {
            LogEvent::Begun { source } => {
                self.labels.insert(source.run.clone(), source.called.label());
                self.order.entry(source.run.clone()).or_default().push(format!("{}/{}", source.pod, source.container));
                self.lines.entry((source.pod.clone(), source.container.clone())).or_default();
            }
            LogEvent::Piece { source, piece } => piece.lines().for_each(|line| self.line(source, line)),
            _ => {}
        }
    }
}

impl Heard {
    fn line(&mut self, source: &Source, line: Piece<'_>) {
        if line.begins {
            self.stamps.push(String::from_utf8_lossy(line.stamp).into_owned());
        }
        self.open.push_str(&String::from_utf8_lossy(line.text));
        if line.ends() {
            let lines = self.lines.entry((source.pod.clone(), source.container.clone())).or_default();
            lines.push(std::mem::take(&mut self.open));
        }
    }
}

/// Tells a machine everything in an order that the choices make, and serves its streams.
fn play(world: &World, policy: Policy, choices: &[u16]) -> Result<(Heard, Outcome), TestCaseError> {
    let live = policy.live;
    let mut machine = Follow::new(Subject::PipelineRun, ["r".to_owned()], policy);
    let mut queues = if live { world.told("r") } else { world.listed("r") };
    let mut streams: Vec<Opening> = Vec::new();
    let mut heard = Heard::default();
    let mut chosen = choices.iter().copied().cycle();
    // A log that breaks off without anything new eight times in a row is given up.
    let mut cuts = choices.len().min(6);
    for turn in 0..5000 {
        if let Some(outcome) = machine.outcome() {
            return Ok((heard, outcome.clone()));
        }
        queues.retain(|queue| !queue.is_empty());
        let readable: Vec<usize> = (0..streams.len()).filter(|at| machine.takes(streams[*at].stream)).collect();
        prop_assert!(!queues.is_empty() || !readable.is_empty(), "it waits for ever");
        // Few choices that come again and again must leave nobody waiting for ever.
        let choice = if turn % 3 == 2 { 0 } else { usize::from(chosen.next().unwrap()) };
        let effects = match choice % (queues.len() + readable.len()) {
            place if place < queues.len() => {
                let thing = queues[place].pop_front().expect("empty ones are gone");
                machine.step(thing.input(), &mut |event| heard.on(&event))
            }
            place => {
                let opening = streams.remove(readable[place - queues.len()]);
                let stream = opening.stream;
                let bytes = text(world.log(&opening.pod, &opening.container), opening.since, opening.stamps);
                let cut = if cuts > 0 { usize::from(chosen.next().unwrap()) % (bytes.len() + 1) } else { bytes.len() };
                cuts = cuts.saturating_sub(1);
                // A stream that does not follow and is cut breaks; one that follows may seem to end well.
                let broken = (cut < bytes.len() && (!opening.follow || choice % 2 == 0)).then(|| "reset".to_owned());
                let mut effects = Vec::new();
                for chunk in bytes[..cut].chunks(11) {
                    effects.extend(machine.step(Input::Bytes { stream, bytes: chunk }, &mut |event| heard.on(&event)));
                }
                effects.extend(machine.step(Input::Ended { stream, broken, waited: Duration::ZERO }, &mut |event| heard.on(&event)));
                effects
            }
        };
        for effect in effects {
            match effect {
                Effect::Open(opening) => {
                    streams.retain(|s| s.stream != opening.stream);
                    streams.push(*opening);
                }
                Effect::Close(stream) => streams.retain(|s| s.stream != stream),
                Effect::Join(_) => queues.extend(if live { world.told("n") } else { world.listed("n") }),
                Effect::Find(Find::Task(name)) => queues.push(world.last(&name).into_iter().chain([Thing::TaskFound(name)]).collect()),
                Effect::Find(Find::Pod(name)) => queues.push(world.last(&name).into_iter().chain([Thing::PodFound(name)]).collect()),
                Effect::Limit { .. } | Effect::Find(_) | Effect::Customs(_) => {}
            }
        }
    }
    Err(TestCaseError::fail("it does not end"))
}

fn text(records: &[(i64, String)], since: Option<jiff::Timestamp>, stamps: bool) -> Vec<u8> {
    let since = since.map_or(0, jiff::Timestamp::as_second);
    let later = records.iter().filter(|(at, _)| at / 1_000_000_000 >= since);
    let stamp = |at: i64| jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap();
    let written = later.map(|(at, line)| if stamps { format!("{:.9} {line}\n", stamp(*at)) } else { format!("{line}\n") });
    written.collect::<String>().into_bytes()
}

fn lines() -> impl Strategy<Value = Vec<(i64, String)>> {
    let pause = prop::sample::select(vec![0_i64, 1_000, 200_000_000, 1_100_000_000]);
    prop::collection::vec((pause, "[a-z]{0,9}"), 0..8).prop_map(|lines| {
        let mut at = BEGIN * 1_000_000_000;
        let stamp = |(pause, text)| {
            at += pause;
            (at, text)
        };
        lines.into_iter().map(stamp).collect()
    })
}

fn world() -> impl Strategy<Value = World> {
    let one = (1..4_usize, any::<bool>(), prop::collection::vec((lines(), lines()), 3));
    prop::collection::vec(one, 3).prop_map(|all| {
        let runs = [("r", "r-each-0"), ("r", "r-each-1"), ("n", "n-each-0")];
        let work = all.into_iter().zip(runs).map(|((attempts, succeeds, lines), (run, name))| {
            let lines = lines.into_iter().map(|(one, two)| [one, two]).collect();
            Work { run, name: name.to_owned(), attempts, succeeds, lines }
        });
        World { work: work.collect() }
    })
}

fn check(world: &World, heard: &Heard, outcome: &Outcome) -> Result<(), TestCaseError> {
    for work in &world.work {
        let pods = (0..work.attempts).map(|attempt| work.pod(attempt));
        let containers: Vec<String> = pods.flat_map(|pod| [format!("{pod}/step-s0"), format!("{pod}/step-s1")]).collect();
        prop_assert_eq!(heard.order.get(&work.name), Some(&containers));
        for place in containers {
            let (pod, container) = place.split_once('/').unwrap();
            let expected: Vec<String> = world.log(pod, container).iter().map(|(_, line)| line.clone()).collect();
            prop_assert_eq!(heard.lines.get(&(pod.to_owned(), container.to_owned())), Some(&expected), "{}", place);
        }
    }
    let labels = ["r-each-0", "r-each-1", "n-each-0"].map(|run| heard.labels[run].as_str());
    prop_assert_eq!(labels, ["each (os=linux)", "each (os=mac)", "inner > each (os=linux)"]);
    let all_well = world.work.iter().all(|w| w.succeeds);
    prop_assert!(matches!((outcome, all_well), (Outcome::Succeeded, true) | (Outcome::Failed, false)), "{:?}", outcome);
    Ok(())
}

proptest! {
    #[test]
    fn a_followed_run_is_told_once_and_in_order_however_its_parts_come(
        world in world(), choices in prop::collection::vec(any::<u16>(), 1..60),
    ) {
        let (heard, outcome) = play(&world, Policy { live: true, ..Policy::default() }, &choices)?;
        check(&world, &heard, &outcome)?;
    }

    #[test]
    fn one_task_after_the_other_is_told_so(world in world(), choices in prop::collection::vec(any::<u16>(), 1..60)) {
        let (heard, outcome) = play(&world, Policy { live: true, order: Order::Tasks, ..Policy::default() }, &choices)?;
        check(&world, &heard, &outcome)?;
    }

    #[test]
    fn a_run_that_has_ended_is_told_once_and_in_order(world in world(), choices in prop::collection::vec(any::<u16>(), 1..20)) {
        let (heard, outcome) = play(&world, Policy::default(), &choices)?;
        check(&world, &heard, &outcome)?;
    }

    #[test]
    fn lines_by_time_are_in_order_over_all_containers_of_an_attempt(
        mut world in world(), choices in prop::collection::vec(any::<u16>(), 1..20),
    ) {
        // Lines of a further attempt are later than those of the one before.
        for work in &mut world.work {
            work.attempts = 1;
        }
        let (heard, outcome) = play(&world, Policy { order: Order::Time, ..Policy::default() }, &choices)?;
        check(&world, &heard, &outcome)?;
        prop_assert!(heard.stamps.is_sorted(), "{:?}", heard.stamps);
    }
}
