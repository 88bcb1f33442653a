//! `pr delete --keep N` in a namespace of many runs, rtkn beside tkn in one run:
//! `TKN=/path/to/tkn KUBECONFIG=… NAMESPACE=many cargo bench --bench deletes`. Every measured run deletes the oldest
//! PipelineRun of those that are over, so the namespace has a few less afterwards.

mod measure;

use std::process::Command;

use measure::{Cost, median};

const RUNS: usize = 5;

fn main() {
    let Some(tkn) = std::env::var_os("TKN") else {
        println!("TKN names no tkn to compare with; nothing was measured");
        return;
    };
    let namespace = std::env::var("NAMESPACE").unwrap_or_else(|_| "many".to_owned());
    let rtkn = env!("CARGO_BIN_EXE_rtkn");
    let listed = Command::new(rtkn).args(["pr", "list", "-o", "name", "-n", &namespace]).env_remove("RTKN_SANDBOX").output();
    let mut left = String::from_utf8_lossy(&listed.expect("rtkn lists the runs").stdout).lines().count();
    let mut deleting = |program: &std::ffi::OsStr| {
        median(RUNS, || {
            left -= 1;
            let mut command = Command::new(program);
            command.args(["pr", "delete", "-f", "--keep", &left.to_string(), "-n", &namespace]).env_remove("RTKN_SANDBOX");
            command
        })
    };
    let (ours, theirs) = (deleting(rtkn.as_ref()), deleting(&tkn));
    let shown = |cost: Cost| format!("{:.2} s, {:.0} MB", cost.wall.as_secs_f64(), cost.memory as f64 / 1e6);
    println!("`pr delete --keep {left}`: rtkn {}; tkn {}", shown(ours), shown(theirs));
}
