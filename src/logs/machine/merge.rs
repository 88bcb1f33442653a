//! Lines of many containers by the time at which they were written. Every log that is open holds at least one line back,
//! or is waited for; the oldest line is told. A task's logs are opened when the lines' time has come to its begin.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::stream::Stream;
use super::task::Stage;
use super::{Effect, Emit, Follow, LogEvent};
use crate::logs::lines::{End, Piece};

/// Lines that wait for their turn, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    pieces: VecDeque<HeldPiece>,
    /// Time of the last line that had one; a line without has that of the line before it
    time: Timestamp,
}

/// A piece of a line, and where its bytes are.
#[derive(Debug)]
struct HeldPiece {
    stamp: usize,
    begin: usize,
    end: usize,
    begins: bool,
    ends: Option<End>,
    time: Timestamp,
}

impl Held {
    /// Keeps a piece.
    pub(super) fn keep(&mut self, piece: Piece<'_>) {
        if let Some(time) = std::str::from_utf8(piece.stamp).ok().and_then(|stamp| stamp.parse().ok()) {
            self.time = time;
        }
        let stamp = self.bytes.len();
        self.bytes.extend_from_slice(piece.stamp);
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(piece.text);
        let end = self.bytes.len();
        self.pieces.push_back(HeldPiece { stamp, begin, end, begins: piece.begins, ends: piece.end, time: self.time });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn time(&self) -> Option<Timestamp> {
        self.pieces.front().map(|piece| piece.time)
    }

    /// Takes the next piece out.
    fn tell(&mut self, tell: impl FnOnce(Piece<'_>)) -> Option<bool> {
        let piece = self.pieces.pop_front()?;
        let (stamp, text) = (&self.bytes[piece.stamp..piece.begin], &self.bytes[piece.begin..piece.end]);
        tell(Piece { stamp, text, begins: piece.begins, end: piece.ends });
        if self.pieces.is_empty() {
            self.bytes.clear();
        }
        Some(piece.ends.is_some())
    }
}

impl Follow {
    /// Not followed, by time. Done when every task is.
    pub(super) fn proceed_by_time(&mut self, effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        let Some(queue) = self.queued(effects) else { return false };
        let done = self.merge(&queue, effects, emit);
        self.queue = Some(queue);
        done
    }

    fn merge(&mut self, queue: &[usize], effects: &mut Vec<Effect>, emit: &mut Emit<'_>) -> bool {
        loop {
            while let Some(id) = self.streams.iter().position(Stream::is_told) {
                self.settle(id, emit);
            }
            // What has ended goes on to its next attempt.
            let mut done = true;
            for index in &queue[..self.opened] {
                done &= self.advance(*index, effects, emit);
            }
            // A task whose pod is still asked for may have the oldest line.
            if queue[..self.opened].iter().any(|index| self.tasks[*index].stage == Stage::Next) {
                return false;
            }
            let begins = queue.get(self.opened).map(|index| self.span(*index).1);
            if !self.tell_due(begins.flatten(), emit) {
                return false;
            }
            if self.streams.iter().any(Stream::is_told) {
                continue;
            }
            // No line is older than the next task's begin, or there is none at all.
            if begins.is_none() {
                return done;
            }
            self.opened += 1;
        }
    }

    /// Tells the lines that were written before a time, or all; false when some log has to be read first.
    fn tell_due(&mut self, until: Option<Timestamp>, emit: &mut Emit<'_>) -> bool {
        loop {
            if let Some(id) = self.floor
                && !self.tell_line(id, emit)
            {
                return false;
            }
            // The oldest line, and when the oldest of the others was written.
            let (mut oldest, mut other) = (None::<(Timestamp, usize)>, until);
            for stream in self.streams.iter().filter(|s| !s.over) {
                let id = stream.source.id;
                match (stream.held.time(), oldest) {
                    (None, _) if stream.ending => return true,
                    (None, _) => return false,
                    (Some(time), Some((first, _))) if first <= time => other = Some(other.map_or(time, |o| o.min(time))),
                    (Some(time), before) => {
                        let passed = before.map(|(time, _)| time);
                        other = [other, passed].into_iter().flatten().min();
                        oldest = Some((time, id));
                    }
                }
            }
            let Some((first, id)) = oldest.filter(|(time, _)| until.is_none_or(|until| *time < until)) else { return true };
            let mut next = Some(first);
            while next.is_some_and(|time| time == first || other.is_none_or(|other| time < other)) {
                if !self.tell_line(id, emit) {
                    return false;
                }
                next = self.streams[id].held.time();
            }
        }
    }

    /// Tells the next line of a log; false when its end has yet to come.
    fn tell_line(&mut self, id: usize, emit: &mut Emit<'_>) -> bool {
        let Stream { source, held, .. } = &mut self.streams[id];
        loop {
            match held.tell(|piece| emit(LogEvent::Piece { source, piece })) {
                Some(true) => {
                    self.floor = None;
                    return true;
                }
                Some(false) => {}
                None => {
                    self.floor = Some(id);
                    return false;
                }
            }
        }
    }
}
