//! Much: many lines, and long ones. `RTKN_LINES=10000000` says how many.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{apply, run, step, task};
use crate::cluster;

#[test]
fn every_line_of_a_step_that_prints_millions_comes_once_and_in_order() {
    let world = cluster();
    let count: u64 = std::env::var("RTKN_LINES").map_or(1_000_000, |text| text.parse().expect("a number"));
    let script = format!("awk 'BEGIN {{ for (i = 1; i <= {count}; i++) printf \"%08d %072d\\n\", i, i }}'");
    apply(&world, &run("many", &[task("print", &script)], ""));
    for args in [["pr", "logs", "many", "-f", "-E"].as_slice(), &["pr", "logs", "many", "-E"]] {
        let mut child = world.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::with_capacity(1 << 20, child.stdout.take().expect("stdout is piped"));
        let (mut line, mut number) = (String::new(), 0);
        while lines.read_line(&mut line).expect("lines of digits are text") > 0 {
            if line != "\n" {
                number += 1;
                assert_eq!(line, format!("[print : say] {number:08} {number:072}\n"));
            }
            line.clear();
        }
        assert_eq!((number, child.wait().expect("it ends").code()), (count, Some(0)), "rtkn {}", args.join(" "));
    }
}

#[test]
fn a_line_of_two_hundred_kilobytes_without_an_end_comes_whole() {
    let world = cluster();
    let long = step("long", "head -c 200000 /dev/zero | tr '\\0' x");
    let short = step("short", "echo after it");
    apply(&world, &run("long", &[format!("{{name: print, taskSpec: {{steps: [{long}, {short}]}}}}")], ""));
    let expected = format!("[print : long] {}\n\n[print : short] after it\n\n", "x".repeat(200_000));
    for args in [["pr", "logs", "long", "-f", "-E"].as_slice(), &["pr", "logs", "long", "-E"]] {
        let ran = world.rtkn(args).ok();
        assert!(ran.stdout == expected, "{} bytes came, beginning with {:?}", ran.stdout.len(), ran.stdout.get(..100));
    }
}
