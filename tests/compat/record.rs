//! The report, and the record of the lines that matched: from it nothing may go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::cases::folder;
use crate::judge::{Outcome, Verdict};

/// Prints how many lines of each command match, and what differs.
pub fn report(outcomes: &[Outcome], verbose: bool) {
    let mut commands: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for outcome in outcomes {
        let counts = commands.entry(if outcome.leaf.is_empty() { "(no command)" } else { &outcome.leaf }).or_default();
        counts[outcome.verdict as usize] += 1;
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Differs) {
        println!("differs: {}", outcome.line);
        if verbose {
            print!("{}", outcome.difference);
        }
    }
    println!("{:<32} {:>6} {:>6} {:>8}", "command", "as tkn", "better", "differs");
    for (command, [same, better, differs]) in &commands {
        println!("{command:<32} {same:>6} {better:>6} {differs:>8}");
    }
    let total = commands.values().fold([0; 3], |sum, counts| std::array::from_fn(|i| sum[i] + counts[i]));
    let [same, better, differs] = total;
    println!("{} of {} lines match: {same} as tkn, {better} better as deviations.toml has it", same + better, same + better + differs);
}

/// The lines of the record that match no more. `BLESS=1` writes the record instead.
pub fn compare(outcomes: &[Outcome]) -> Vec<String> {
    let path = folder().join("matched.txt");
    let matched: BTreeSet<&str> =
        outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Differs).map(|outcome| outcome.line.as_str()).collect();
    if std::env::var_os("BLESS").is_some() {
        let text: String = matched.iter().map(|line| format!("{line}\n")).collect();
        fs::write(path, text).expect("the record can be written");
        return Vec::new();
    }
    let record = fs::read_to_string(path).expect("the record");
    record.lines().filter(|line| !matched.contains(line)).map(str::to_owned).collect()
}
