//! From what following a run tells to the board that shows it.

use std::cell::RefCell;
use std::io;

use tokio::sync::Notify;

use crate::logs::{Input, LogEvent, Notice, Sink};
use crate::views::board::Board;

/// What is known of the run, and bells that ring when more is.
pub(super) struct Scene {
    pub board: RefCell<Board>,
    /// Something stands otherwise than before
    pub stands: Notify,
    /// Lines came
    pub lines: Notify,
}

/// Writes on the board.
pub(super) struct Feed<'s>(pub &'s Scene);

impl Sink for Feed<'_> {
    fn sees(&mut self, input: &Input<'_>) {
        let mut board = self.0.board.borrow_mut();
        match input {
            Input::Run(run) => board.run((**run).clone()),
            Input::Task(run) => board.task((**run).clone()),
            Input::Pod(pod) => board.pod((**pod).clone()),
            Input::TaskGone { name, reason: None } => board.gone(name),
            Input::Child { name, stands: Some((verdict, message)) } => {
                board.custom(name, verdict.clone(), message.clone(), (None, None));
            }
            Input::Child { name, stands: None } | Input::RunGone(name) => board.gone(name),
            _ => return,
        }
        self.0.stands.notify_one();
    }

    fn on(&mut self, event: &LogEvent<'_>) -> io::Result<()> {
        let mut board = self.0.board.borrow_mut();
        match event {
            LogEvent::Piece { source, piece } => {
                for line in piece.lines() {
                    board.piece(source.id, (&source.pod, &source.container), line.begins, line.text);
                }
                self.0.lines.notify_one();
            }
            LogEvent::Said(Notice::Refused { source, reason }) => {
                // The board says it beside each step, so the server's long words are for others.
                let reason = if reason.contains("forbidden") { "you may not read it" } else { reason };
                board.refused(&source.pod, &source.container, reason);
                self.0.stands.notify_one();
            }
            _ => {}
        }
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        Ok(())
    }
}
