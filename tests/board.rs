//! The board of a watched run as it looks at several widths, compared with the texts in `golden/`.

use std::collections::HashMap;

use jiff::Timestamp;
use rtkn::kinds;
use rtkn::objects::meta::Condition;
use rtkn::objects::verdict::Verdict;
use rtkn::render::Look;
use rtkn::render::board::{BoardLook, Detail, board};
use rtkn::views::board::{Board, Changes};
use serde_json::Value;

use crate::golden::golden;

/// What was told of a run, one of the cases of `corpus/board.json`.
fn told(case: &str) -> Board {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/board.json")).expect("the cases are there");
    let cases: Value = serde_json::from_str(&text).expect("the cases are JSON");
    let case = &cases[case];
    let list = |field: &str| case[field].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let kind = if list("runs").is_empty() { &kinds::TASK_RUN } else { &kinds::PIPELINE_RUN };
    let mut board = Board::new(kind, &text(&case["run"]));
    list("runs").into_iter().for_each(|run| board.run(serde_json::from_value(run).expect("a PipelineRun")));
    list("tasks").into_iter().for_each(|run| board.task(serde_json::from_value(run).expect("a TaskRun")));
    list("pods").into_iter().for_each(|pod| board.pod(serde_json::from_value(pod).expect("a Pod")));
    list("gone").iter().for_each(|name| board.gone(&text(name)));
    for custom in list("customs") {
        let condition = Condition { status: text(&custom[1]), reason: Some(text(&custom[2])), ..Condition::default() };
        board.custom(&text(&custom[0]), Verdict::of(Some(&condition)), text(&custom[3]), (None, None));
    }
    for (id, log) in list("lines").iter().enumerate() {
        for line in log[2].as_array().expect("lines") {
            board.piece(id, (&text(&log[0]), &text(&log[1])), true, text(line).as_bytes());
        }
    }
    board
}

fn drawn(case: &str, width: usize, detail: Detail, colour: bool, unicode: bool) -> String {
    let now: Timestamp = "2026-01-02T11:51:05Z".parse().expect("a time");
    let (known, toggled) = (told(case), HashMap::new());
    let look = BoardLook { look: Look { now, colour }, width, unicode, detail, toggled: &toggled };
    board(&known.tree(), &look).into_iter().map(|line| line.text + "\n").collect()
}

#[test]
fn a_run_at_work() {
    for width in [40, 80, 200] {
        golden(&format!("board.running.{width}.txt"), &drawn("running", width, Detail::Roomy, false, true));
    }
    golden("board.running.tight.txt", &drawn("running", 80, Detail::Tight, false, true));
}

#[test]
fn a_run_that_has_ended() {
    for width in [40, 80, 200] {
        golden(&format!("board.ended.{width}.txt"), &drawn("ended", width, Detail::Whole, false, true));
    }
}

/// tkn calls it Failed while a task of it is still at work.
#[test]
fn a_run_of_which_a_task_failed_is_at_work_until_the_others_have_ended() {
    assert!(!told("stopping").tree().mark.is_over());
    golden("board.stopping.txt", &drawn("stopping", 80, Detail::Roomy, false, true));
}

#[test]
fn a_task_run() {
    golden("board.taskrun.txt", &drawn("taskrun", 80, Detail::Roomy, false, true));
}

#[test]
fn colour_and_signs_add_nothing_to_the_words() {
    let plain = drawn("running", 80, Detail::Roomy, false, true);
    let coloured = drawn("running", 80, Detail::Roomy, true, true);
    assert!(coloured.contains("\x1b[") && console::strip_ansi_codes(&coloured) == plain);
    let ascii = drawn("running", 80, Detail::Roomy, false, false);
    assert!(ascii.is_ascii() || ascii.lines().all(|line| line.is_ascii() || line.contains('…')), "{ascii}");
    assert_eq!(ascii.lines().count(), plain.lines().count());
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [30, 40, 80, 200] {
        for line in drawn("running", width, Detail::Roomy, false, true).lines() {
            assert!(console::measure_text_width(line) <= width, "at {width}: {line:?}");
        }
    }
}

#[test]
fn without_a_terminal_each_change_is_a_line_and_nothing_is_told_twice() {
    let mut changes = Changes::default();
    let (running, ended) = (told("running"), told("ended"));
    let first = changes.lines(&running.tree(), false);
    assert!(changes.lines(&running.tree(), false).is_empty());
    let second = changes.lines(&ended.tree(), true);
    golden("board.changes.txt", &[first, second].concat().into_iter().map(|line| line + "\n").collect::<String>());
}
