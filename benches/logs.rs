//! What reading and following logs costs, beside tkn, curl and kubectl, all in one run on the cluster that `KUBECONFIG`
//! names: `TKN=/path/to/tkn KUBECONFIG=… cargo bench --bench logs [-- NAME…]`. The cluster needs an image with a shell
//! and awk in it: `RTKN_BENCH_IMAGE`, or the lab's. Names are `lines`, `many-lines`, `requests`, `delay` and `runs`.

#[path = "logs/bench.rs"]
mod bench;
#[path = "logs/cluster.rs"]
mod cluster;
#[path = "logs/delay.rs"]
mod delay;
mod measure;
#[allow(dead_code, reason = "only a plan without faults is asked for here")]
#[path = "../tests/faults/plan.rs"]
mod plan;
#[allow(dead_code, reason = "nothing is cut here")]
#[path = "../tests/faults/proxy.rs"]
mod proxy;

use cluster::Cluster;

/// One measurement, on a cluster.
type Bench = fn(&Cluster);

fn main() {
    let Some(tkn) = std::env::var_os("TKN") else {
        println!("TKN names no tkn to compare with; nothing was measured");
        return;
    };
    let Some(kubeconfig) = std::env::var_os("KUBECONFIG") else {
        println!("KUBECONFIG names no cluster; nothing was measured");
        return;
    };
    let cluster = Cluster::of(tkn.into(), kubeconfig.into());
    // `cargo bench` itself hands over `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let benches: [(&str, Bench); 5] = [
        ("lines", |cluster| bench::lines(cluster, 1_000_000)),
        ("many-lines", |cluster| bench::lines(cluster, 10_000_000)),
        ("requests", bench::requests),
        ("delay", delay::delay),
        ("runs", bench::runs),
    ];
    println!("| what | rtkn | beside it | ratio |");
    println!("|---|---|---|---|");
    for (name, measure) in benches {
        // The ten million lines take minutes: only when they are asked for.
        let wanted = if asked.is_empty() { name != "many-lines" } else { asked.iter().any(|a| a == name) };
        if wanted {
            measure(&cluster);
        }
    }
}
