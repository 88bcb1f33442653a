//! A bad way to the cluster: connections that break and answers that fail while a run is followed.

use std::sync::Arc;

use super::{Working, apply, run, task};
use crate::plan::Plan;
use crate::proxy::{self, Proxy};
use crate::world::World;
use crate::{cluster, kubeconfig};

/// A world like this one whose way to the cluster goes through a proxy.
fn over(proxy: &Proxy, world: &World) -> World {
    let mut other = World::empty();
    other.write("home/.kube/config", &proxy.kubeconfig(&world.namespace));
    other.namespace.clone_from(&world.namespace);
    other
}

fn counting(seconds: u32) -> String {
    format!("i=0; while [ $i -lt {} ]; do i=$((i + 1)); echo line $i; sleep 0.1; done", seconds * 10)
}

#[track_caller]
fn assert_whole(printed: &str, seconds: u32) {
    for name in ["left", "right"] {
        let prefix = format!("[{name} : say] ");
        let lines: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        let expected: Vec<String> = (1..=seconds * 10).map(|number| format!("line {number}")).collect();
        assert_eq!(lines, expected, "{printed}");
    }
}

#[test]
fn connections_that_break_while_a_run_is_followed_lose_and_double_no_line() {
    let world = cluster();
    let proxy = Proxy::start(Arc::new(proxy::client_of(&kubeconfig())), Plan::none());
    apply(&world, &run("broken", &[task("left", &counting(10)), task("right", &counting(10))], ""));
    let way = over(&proxy, &world);
    let working = Working::start(&way, &["pr", "logs", "broken", "-f", "-E"]);
    for line in [10, 40, 70] {
        working.until(&format!("[left : say] line {line}\n"));
        proxy.cut();
    }
    let (status, printed) = working.end();
    assert_eq!(status, Some(0), "{printed}");
    assert_whole(&printed, 10);
}

#[test]
fn a_cluster_behind_a_bad_way_is_followed_all_the_same() {
    let world = cluster();
    let client = Arc::new(proxy::client_of(&kubeconfig()));
    apply(&world, &run("faulty", &[task("left", &counting(6)), task("right", &counting(6))], ""));
    let proxies: Vec<Proxy> = (0..8).map(|seed| Proxy::start(client.clone(), Plan::seeded(seed))).collect();
    let ways: Vec<World> = proxies.iter().map(|proxy| over(proxy, &world)).collect();
    let working: Vec<Working> = ways.iter().map(|way| Working::start(way, &["pr", "logs", "faulty", "-f", "-E"])).collect();
    for (seed, working) in working.into_iter().enumerate() {
        let (status, printed) = working.end();
        assert_eq!(status, Some(0), "seed {seed}:\n{printed}");
        assert_whole(&printed, 6);
    }
}
