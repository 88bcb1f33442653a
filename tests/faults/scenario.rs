//! Runs made from a seed: tasks side by side, retries, exit codes, and lines that are hard to follow. With each comes
//! what `logs` has to print of it.

use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::scripted::{Change, Log, Script};

/// The run's name.
pub const RUN: &str = "r";

/// A part of a long line takes a record of this size.
const RECORD: usize = 16 << 10;

/// A run, and what is to be seen of it.
pub struct Scenario {
    /// What happens
    pub script: Script,
    /// Lines by the prefix they are to get, in the order of each
    pub expected: Vec<(String, Vec<Vec<u8>>)>,
    /// Whether the run fails
    pub fails: bool,
    /// How long it takes
    pub length: Duration,
    /// What time its begin is called
    pub clock: Timestamp,
}

/// One step of an attempt.
struct Step {
    name: String,
    code: i32,
    log: Log,
}

struct Making {
    random: StdRng,
    scenario: Scenario,
    references: Vec<Value>,
}

/// The run of a seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
    let clock = Timestamp::from_millisecond(1_800_000_000_000 + random.random_range(0..1000)).expect("a time");
    let scenario = Scenario { script: Script::default(), expected: Vec::new(), fails: false, length: Duration::ZERO, clock };
    let mut making = Making { random, scenario, references: Vec::new() };
    let tasks = making.random.random_range(1..5);
    making.run("Unknown", ms(0));
    let ends: Vec<Duration> = (0..tasks).map(|task| making.task(&format!("t{task}"))).collect();
    let end = ends.into_iter().max().expect("there is a task") + ms(making.random.random_range(0..200));
    making.run(if making.scenario.fails { "False" } else { "True" }, end);
    let mut scenario = making.scenario;
    scenario.script.changes.sort_by_key(|change| change.at);
    for (at, change) in scenario.script.changes.iter_mut().enumerate() {
        change.object["metadata"]["resourceVersion"] = (at + 1).to_string().into();
    }
    Scenario { length: end, ..scenario }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn condition(status: &str) -> Value {
    json!([{"type": "Succeeded", "status": status, "reason": "Scripted", "message": format!("it is {status}")}])
}

impl Making {
    fn stamp(&self, at: Duration) -> String {
        let time = Timestamp::from_second((self.scenario.clock + at).as_second()).expect("a time");
        time.to_string()
    }

    fn change(&mut self, at: Duration, plural: &'static str, mut object: Value) {
        object["metadata"]["namespace"] = "work".into();
        let known =
            self.scenario.script.changes.iter().any(|c| c.plural == plural && c.object["metadata"]["name"] == object["metadata"]["name"]);
        let event = if known { "MODIFIED" } else { "ADDED" };
        self.scenario.script.changes.push(Change { at, plural, event, object });
    }

    fn run(&mut self, status: &str, at: Duration) {
        let mut object = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": RUN, "uid": "run"},
            "status": {
                "conditions": condition(status), "startTime": self.stamp(ms(0)), "childReferences": self.references,
            },
        });
        if status != "Unknown" {
            object["status"]["completionTime"] = self.stamp(at).into();
        }
        self.change(at, "pipelineruns", object);
    }

    /// Scripts a task with its attempts; returns when it ends.
    fn task(&mut self, task: &str) -> Duration {
        let mut now = ms(self.random.random_range(0..600));
        let begin = now;
        let retries = if self.random.random_bool(0.3) { self.random.random_range(1..3) } else { 0 };
        let fails = self.random.random_bool(0.2);
        let reference =
            json!({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "name": format!("{RUN}-{task}"), "pipelineTaskName": task});
        self.references.push(reference);
        // The run may tell of its child before or after the child is there.
        let referred = begin + ms(self.random.random_range(0..120)) - ms(60).min(begin);
        self.run("Unknown", referred.max(ms(1)));
        self.task_run(task, now, "Unknown", &[], None, None);
        let mut earlier = Vec::new();
        for attempt in 0..=retries {
            let pod = format!("{RUN}-{task}-pod{}", if attempt == 0 { String::new() } else { format!("-retry{attempt}") });
            let failure = attempt < retries || fails;
            let steps;
            let made = now + ms(self.random.random_range(1..80));
            (now, steps) = self.pod(task, &pod, attempt, failure, made, begin, &earlier);
            let status = json!({"podName": pod, "steps": steps, "conditions": condition("False")});
            if attempt < retries {
                earlier.push(status);
            } else {
                self.scenario.fails |= fails;
                let end = now + ms(self.random.random_range(1..150));
                self.task_run(task, end, if fails { "False" } else { "True" }, &earlier, Some((&pod, steps)), Some(begin));
                now = end;
            }
        }
        now
    }

    fn task_run(&mut self, task: &str, at: Duration, status: &str, earlier: &[Value], pod: Option<(&str, Value)>, begin: Option<Duration>) {
        let mut object = json!({
            "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
            "metadata": {
                "name": format!("{RUN}-{task}"), "uid": task,
                "labels": {"tekton.dev/pipelineRun": RUN, "tekton.dev/pipelineTask": task},
            },
            "spec": {"retries": earlier.len()},
            "status": {"conditions": condition(status), "startTime": self.stamp(begin.unwrap_or(at)), "retriesStatus": earlier},
        });
        if let Some((pod, steps)) = pod {
            object["status"]["podName"] = pod.into();
            object["status"]["steps"] = steps;
        }
        if status != "Unknown" {
            object["status"]["completionTime"] = self.stamp(at).into();
        }
        self.change(at, "taskruns", object);
    }

    /// Scripts an attempt's pod; returns when it ends, and what the TaskRun's status tells of its steps then.
    #[allow(clippy::too_many_arguments, reason = "an attempt is placed within its task")]
    fn pod(
        &mut self,
        task: &str,
        pod: &str,
        attempt: usize,
        failure: bool,
        at: Duration,
        begin: Duration,
        earlier: &[Value],
    ) -> (Duration, Value) {
        let mut now = at;
        let started = now + ms(self.random.random_range(1..150));
        let count = self.random.random_range(1..4);
        let failing = failure.then(|| self.random.random_range(0..count));
        let mut steps = Vec::new();
        now = started;
        for number in 0..count {
            let code = if failing == Some(number) { [1, 2, 42, 137][self.random.random_range(0..4)] } else { 0 };
            let (step, lines) = self.step(task, attempt, number, code, started, now);
            now = step.log.end;
            self.expect(format!("[{task} : {}] ", step.name), lines);
            steps.push(step);
            if code != 0 {
                break;
            }
        }
        // What comes after a failed step is ended without having run.
        for number in steps.len()..count {
            steps.push(Step { name: format!("s{number}"), code: 1, log: Log { begin: started, end: now, records: Vec::new() } });
        }
        self.change(at, "pods", pod_object(pod, &steps, None, at, "Pending"));
        self.task_run(task, at + ms(1), "Unknown", earlier, Some((pod, json!([]))), Some(begin));
        self.change(started, "pods", pod_object(pod, &steps, None, started, "Running"));
        let last = now + ms(self.random.random_range(0..300));
        // How a container ended is told when it has, or a while later.
        let ends: Vec<Duration> = steps.iter().map(|step| (step.log.end + ms(self.random.random_range(0..200))).min(last)).collect();
        for end in &ends {
            self.change(*end, "pods", pod_object(pod, &steps, Some(&ends), *end, "Running"));
        }
        let phase = if failure { "Failed" } else { "Succeeded" };
        self.change(last, "pods", pod_object(pod, &steps, Some(&ends), last, phase));
        let told: Vec<Value> = steps.iter().map(step_state).collect();
        for step in steps {
            self.scenario.script.logs.insert((pod.to_owned(), format!("step-{}", step.name)), step.log);
        }
        (last, told.into())
    }

    fn step(&mut self, task: &str, attempt: usize, number: usize, code: i32, begin: Duration, start: Duration) -> (Step, Vec<Vec<u8>>) {
        let count = if self.random.random_bool(0.1) { 400 } else { self.random.random_range(0..30) };
        let length = self.random.random_range(1..900_u64);
        let mut times: Vec<u64> = (0..count).map(|_| self.random.random_range(0..length * 1_000_000)).collect();
        times.sort_unstable();
        let mut lines: Vec<Vec<u8>> = (0..count).map(|line| self.line(&format!("{task}.{attempt}.{number} {line}"))).collect();
        let mut records = Vec::new();
        let mut latest = start;
        for (place, line) in lines.iter_mut().enumerate() {
            let at = (start + Duration::from_nanos(times[place])).max(latest);
            // A last line that is empty and does not end would be no line.
            let unended = place + 1 == count && !line.is_empty() && self.random.random_bool(0.2);
            let mut text = line.clone();
            text.extend((!unended).then_some(b'\n'));
            for (part, bytes) in text.chunks(RECORD).enumerate() {
                latest = at + Duration::from_micros(part as u64 * 700);
                records.push((latest, bytes.to_vec()));
            }
            // As every tool that shows lines does, it takes the carriage return of a line's end for a part of that end.
            if !unended && line.ends_with(b"\r") {
                line.pop();
            }
        }
        let end = latest.max(start + ms(length));
        (Step { name: format!("s{number}"), code, log: Log { begin, end, records } }, lines)
    }

    fn line(&mut self, key: &str) -> Vec<u8> {
        match self.random.random_range(0..60) {
            0 => Vec::new(),
            1 => format!("{key} 10 %\r{key} 50 %\r{key} 100 %").into_bytes(),
            2 => format!("{key} ends as in DOS\r").into_bytes(),
            3 => [key.as_bytes(), b" \xff\xfe\x80 no text"].concat(),
            4 => format!("[t0 : s0] {key} is no prefix").into_bytes(),
            5 => b"2026-01-02T03:04:05.000000006Z is no stamp".to_vec(),
            6 => {
                let length = [17_000, 70_000, 200_000][self.random.random_range(0..3)];
                let mut long = format!("{key} long ").into_bytes();
                long.extend((0..length).map(|at| b'a' + (at % 26) as u8));
                long
            }
            _ => format!("{key} a line of the step").into_bytes(),
        }
    }

    fn expect(&mut self, prefix: String, lines: Vec<Vec<u8>>) {
        match self.scenario.expected.iter_mut().find(|(known, _)| *known == prefix) {
            Some((_, known)) => known.extend(lines),
            None => self.scenario.expected.push((prefix, lines)),
        }
    }
}

fn terminated(step: &Step) -> Value {
    json!({"terminated": {"exitCode": step.code, "reason": if step.code == 0 { "Completed" } else { "Error" }}})
}

fn step_state(step: &Step) -> Value {
    let mut state = terminated(step);
    state["name"] = step.name.clone().into();
    state["container"] = format!("step-{}", step.name).into();
    state
}

fn pod_object(pod: &str, steps: &[Step], ends: Option<&[Duration]>, at: Duration, phase: &str) -> Value {
    let containers: Vec<Value> = steps.iter().map(|step| json!({"name": format!("step-{}", step.name), "image": "none"})).collect();
    let status = |(number, step): (usize, &Step)| {
        let over = ends.is_some_and(|ends| ends[number] <= at);
        let state = match phase {
            "Pending" => json!({"waiting": {"reason": "PodInitializing"}}),
            _ if over => terminated(step),
            _ => json!({"running": {"startedAt": "2027-01-15T08:00:00Z"}}),
        };
        json!({"name": format!("step-{}", step.name), "state": state, "restartCount": 0})
    };
    let statuses: Vec<Value> = steps.iter().enumerate().map(status).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": pod, "uid": pod, "labels": {"tekton.dev/pipelineRun": RUN}},
        "spec": {"containers": containers}, "status": {"phase": phase, "containerStatuses": statuses},
    })
}
