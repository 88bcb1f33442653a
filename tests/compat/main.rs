//! rtkn beside the real tkn, each called `tkn`: the same lines on the same objects of a real API server, compared in
//! what they print, how they end and what they change. Run it with `cargo test --test compat`, or with
//! `cargo test --test compat -- [-v] WORDS` for the lines that have these words in them.
//!
//! The API server is the one that `../shared/cluster/up api` starts, or one that `RTKN_COMPAT_KUBECONFIG` names: it must be
//! spare, since all ClusterInterceptors and ClusterTriggerBindings that are not in the corpus are deleted. Every case is
//! a line of `cases/`, every object is in `corpus/`. `deviations.toml` says where tkn is wrong and what is to be had
//! instead; `beyond.txt` names what tkn does not have; `matched.txt` is the record of what matched, from which nothing may go.
//! `BLESS=1` writes that record anew.

#![allow(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

mod cases;
mod cover;
mod deviations;
mod judge;
mod lab;
mod programs;
mod record;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut verbose, mut words) = (false, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "-v" => verbose = true,
            // What `cargo test` hands to every test program.
            flag if flag.starts_with("--") => {}
            _ => words.push(argument),
        }
    }
    let words = words.join(" ");
    let cases = cases::all();
    let uncovered = cover::uncovered(&cases);
    let chosen: Vec<_> = cases.iter().filter(|case| case.line.contains(&words)).collect();
    let lab = lab::Lab::start();
    let mut outcomes = judge::judge(&lab, &chosen, &deviations::all(&cases));
    outcomes.extend(terminal::play(&lab, &words));
    record::report(&outcomes, verbose);
    let gone = if words.is_empty() { record::compare(&outcomes) } else { Vec::new() };
    for line in &uncovered {
        println!("no line covers: {line}");
    }
    for line in &gone {
        println!("matched before, and does so no more: {line}");
    }
    if uncovered.is_empty() && gone.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
