//! Lists of many runs, rtkn beside tkn and beside curl in one run:
//! `TKN=/path/to/tkn KUBECONFIG=… NAMESPACE=many cargo bench --bench lists`. The namespace should hold some thousand
//! PipelineRuns; nothing in it is changed. curl fetches the list as one answer and shows what reading costs at least;
//! it is measured where kubectl is there and the user of the kubeconfig has a token.

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
    println!("| in a namespace of many runs | rtkn: wall, memory | tkn: wall, memory | wall, memory |");
    println!("|---|---|---|---|");
    let lines: [(&str, &[&str]); 4] = [
        ("pr list --limit 10", &["pr", "list", "--limit", "10"]),
        ("pr describe --last -o name", &["pr", "describe", "--last", "-o", "name"]),
        ("pr list", &["pr", "list"]),
        ("pr list -o name", &["pr", "list", "-o", "name"]),
    ];
    let mut whole = None;
    for (line, words) in lines {
        let words: Vec<&str> = words.iter().copied().chain(["-n", &namespace]).collect();
        let ours = median(RUNS, || with(Command::new(rtkn), &words));
        let theirs = median(RUNS, || with(Command::new(&tkn), &words));
        println!("| `{line}` | {} | {} | {} |", shown(ours), shown(theirs), ratio(ours, theirs));
        whole = whole.or((line == "pr list").then_some(ours));
    }
    completion(rtkn, &namespace);
    if let (Some(curl), Some(whole)) = (curl(&namespace), whole) {
        let curl = median(RUNS, curl);
        println!(
            "| curl of the same list | {} | | `pr list` takes {:.2} of it |",
            shown(curl),
            whole.wall.as_secs_f64() / curl.wall.as_secs_f64()
        );
    }
}

/// The names that a shell is offered; tkn asks kubectl for them.
fn completion(rtkn: &str, namespace: &str) {
    let ours = median(RUNS, || {
        let mut command = with(Command::new(rtkn), &["--", "rtkn", "-n", namespace, "pr", "logs", ""]);
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "5").env("_CLAP_IFS", "\n");
        command
    });
    let kubectl = median(RUNS, || with(Command::new("kubectl"), &["get", "pipelineruns", "-n", namespace, "-o", "name"]));
    println!("| completion of a run's name | {} | {} | {} |", shown(ours), shown(kubectl), ratio(ours, kubectl));
}

/// The command with which curl fetches the list; none where nothing is known of server and token.
fn curl(namespace: &str) -> Option<impl FnMut() -> Command> {
    let known = |path: &str| {
        let answer =
            Command::new("kubectl").args(["config", "view", "--raw", "--minify", "-o", &format!("jsonpath={path}")]).output().ok()?;
        String::from_utf8(answer.stdout).ok().filter(|text| !text.is_empty())
    };
    let (server, token) = (known("{.clusters[0].cluster.server}")?, known("{.users[0].user.token}")?);
    let url = format!("{server}/apis/tekton.dev/v1/namespaces/{namespace}/pipelineruns");
    let header = format!("Authorization: Bearer {token}");
    Some(move || with(Command::new("curl"), &["-sk", "-H", &header, &url]))
}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args).env_remove("RTKN_SANDBOX");
    command
}

fn shown(cost: Cost) -> String {
    format!("{:.2} s, {:.0} MB", cost.wall.as_secs_f64(), cost.memory as f64 / 1e6)
}

fn ratio(ours: Cost, theirs: Cost) -> String {
    let part = |a: f64, b: f64| format!("1/{:.1}", b / a);
    format!("{}, {}", part(ours.wall.as_secs_f64(), theirs.wall.as_secs_f64()), part(ours.memory as f64, theirs.memory as f64))
}
