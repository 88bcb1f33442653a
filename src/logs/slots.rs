//! The streams that are open or being opened, each in a slot of its own. They are polled in one place, so that their
//! bytes are handed on where they lie, without a copy.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::AsyncBufRead;
use tokio::time::{Instant, Sleep};

use crate::client;

/// A container's log as it comes.
pub type Reader = Box<dyn AsyncBufRead + Send + Unpin>;

/// A log that is being asked for.
pub type Asked = Pin<Box<dyn Future<Output = Result<Reader, client::Error>> + Send>>;

/// How long a log may take to be opened, however quiet it may be then: a kubelet that is busy answers late.
const OPENING: Duration = Duration::from_secs(10);

enum Slot {
    Opening(Asked),
    Reading(Reader),
}

/// When a stream counts as dead: after nothing has come for so long.
type Quiet = Option<(Duration, Pin<Box<Sleep>>)>;

/// A stream that is open or being opened.
struct Held {
    id: usize,
    slot: Slot,
    quiet: Quiet,
    /// When bytes came last, or it was asked for
    came: Instant,
    /// When it was seen last that nothing had come and it had not ended
    open: Instant,
}

/// What a slot has to tell.
pub(super) enum Ready {
    /// Bytes are there, to be taken with [`Slots::take`]
    Bytes(usize),
    /// The stream ended, or broke; for how long nothing had come at least
    Ended(usize, Option<String>, Duration),
    /// It was not opened
    Refused(usize, client::Error),
}

/// Slots by the number of the stream.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Held>,
    turn: usize,
    /// When nothing was there last, in any slot that was asked
    rested: Option<Instant>,
}

impl Slots {
    /// Opens a stream, in place of what it was before.
    pub fn open(&mut self, stream: usize, opening: Asked) {
        self.close(stream);
        let now = Instant::now();
        self.slots.push(Held { id: stream, slot: Slot::Opening(opening), quiet: None, came: now, open: now });
    }

    /// Lets go of a stream.
    pub fn close(&mut self, stream: usize) {
        self.slots.retain(|held| held.id != stream);
    }

    /// Breaks a stream off when nothing comes for this long.
    pub fn limit(&mut self, stream: usize, after: Duration) {
        for Held { slot, quiet, .. } in self.slots.iter_mut().filter(|held| held.id == stream) {
            let first = if matches!(slot, Slot::Opening(_)) { after.max(OPENING) } else { after };
            quiet.get_or_insert_with(|| (after, Box::pin(tokio::time::sleep(first))));
        }
    }

    /// The next thing that a slot has to tell, of those that `takes` names. A slot that ended is empty afterwards.
    /// `woken` says that nothing was done since the last time but to wait, so that what is told happens now.
    pub fn poll(&mut self, cx: &mut Context<'_>, takes: impl Fn(usize) -> bool, woken: bool) -> Poll<Ready> {
        let count = self.slots.len();
        for step in 0..count {
            let place = (self.turn + step) % count;
            let Held { id, slot, quiet, came, open } = &mut self.slots[place];
            let (id, came, open) = (*id, *came, *open);
            if !takes(id) {
                continue;
            }
            if let Slot::Opening(opening) = slot {
                match opening.as_mut().poll(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(reader)) => {
                        *slot = Slot::Reading(reader);
                        if let Some((after, sleep)) = quiet {
                            sleep.as_mut().reset(tokio::time::Instant::now() + *after);
                        }
                    }
                    Poll::Ready(Err(error)) => {
                        self.close(id);
                        return Poll::Ready(Ready::Refused(id, error));
                    }
                }
            }
            let read = match slot {
                Slot::Opening(_) => Poll::Pending,
                Slot::Reading(reader) => Pin::new(reader).poll_fill_buf(cx),
            };
            let ended = match read {
                Poll::Ready(Ok([])) => None,
                Poll::Ready(Ok(_)) => {
                    // The next slot is asked first next time, so that none waits for ever.
                    self.turn = (place + 1) % count;
                    return Poll::Ready(Ready::Bytes(id));
                }
                Poll::Ready(Err(error)) => Some(error.to_string()),
                Poll::Pending => match quiet.as_mut().map(|(_, sleep)| sleep.as_mut().poll(cx)) {
                    Some(Poll::Ready(())) => Some("nothing came any more".to_owned()),
                    _ => continue,
                },
            };
            self.close(id);
            // Whoever waits for a slow reader learns of an end long after it.
            let until = if woken && self.rested == Some(open) { Instant::now() } else { open };
            return Poll::Ready(Ready::Ended(id, ended, until.saturating_duration_since(came)));
        }
        let now = Instant::now();
        self.slots.iter_mut().filter(|held| takes(held.id)).for_each(|held| held.open = now);
        self.rested = Some(now);
        Poll::Pending
    }

    /// Hands over the bytes that are there.
    pub fn take<R>(&mut self, stream: usize, hand: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let Held { slot, quiet, came, .. } = self.slots.iter_mut().find(|held| held.id == stream)?;
        let Slot::Reading(reader) = slot else { return None };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Ok(bytes)) = Pin::new(&mut *reader).poll_fill_buf(&mut cx) else { return None };
        *came = Instant::now();
        let (result, count) = (hand(bytes), bytes.len());
        Pin::new(reader).consume(count);
        if let Some((after, sleep)) = quiet {
            sleep.as_mut().reset(tokio::time::Instant::now() + *after);
        }
        Some(result)
    }
}
