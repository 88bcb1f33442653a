//! rtkn beside tkn, both in one run: `TKN=/path/to/tkn KUBECONFIG=… cargo bench --bench peer`. The namespace of the
//! context should hold a few runs. Figures are medians; the ratio is what counts, since machines differ.

mod measure;

use std::process::Command;

use measure::{Cost, median};

const RUNS: usize = 15;

fn main() {
    let Some(tkn) = std::env::var_os("TKN") else {
        println!("TKN names no tkn to compare with; nothing was measured");
        return;
    };
    let rtkn = env!("CARGO_BIN_EXE_rtkn");
    println!("| command | rtkn: wall, CPU, memory | tkn: wall, CPU, memory | ratio of wall, CPU, memory |");
    println!("|---|---|---|---|");
    for line in [["--help"].as_slice(), &["pipelinerun", "list"], &["version"]] {
        let ours = median(RUNS, || with(Command::new(rtkn), line));
        let theirs = median(RUNS, || with(Command::new(&tkn), line));
        println!("| `{}` | {} | {} | {} |", line.join(" "), shown(ours), shown(theirs), ratio(ours, theirs));
    }
    let size = |path: &std::path::Path| std::fs::metadata(path).map(|m| m.len() as f64 / 1e6).unwrap_or_default();
    println!("| size of the binary | {:.1} MB | {:.1} MB | |", size(rtkn.as_ref()), size(tkn.as_ref()));
}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args).env_remove("RTKN_SANDBOX");
    command
}

fn shown(cost: Cost) -> String {
    format!("{:.1} ms, {:.1} ms, {:.1} MB", cost.wall.as_secs_f64() * 1e3, cost.cpu.as_secs_f64() * 1e3, cost.memory as f64 / 1e6)
}

fn ratio(ours: Cost, theirs: Cost) -> String {
    let part = |a: f64, b: f64| format!("1/{:.1}", b / a);
    let wall = part(ours.wall.as_secs_f64(), theirs.wall.as_secs_f64());
    let cpu = part(ours.cpu.as_secs_f64(), theirs.cpu.as_secs_f64());
    format!("{wall}, {cpu}, {}", part(ours.memory as f64, theirs.memory as f64))
}
