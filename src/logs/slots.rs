//! The streams that are open or being opened, each in a slot of its own. They are polled in one place, so that their
//! bytes are handed on where they lie, without a copy.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::AsyncBufRead;
use tokio::time::Sleep;

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

/// What a slot has to tell.
pub(super) enum Ready {
    /// Bytes are there, to be taken with [`Slots::take`]
    Bytes(usize),
    /// The stream ended, or broke
    Ended(usize, Option<String>),
    /// It was not opened
    Refused(usize, client::Error),
}

/// Slots by the number of the stream.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<(usize, Slot, Quiet)>,
    turn: usize,
}

impl Slots {
    /// Opens a stream, in place of what it was before.
    pub fn open(&mut self, stream: usize, opening: Asked) {
        self.close(stream);
        self.slots.push((stream, Slot::Opening(opening), None));
    }

    /// Lets go of a stream.
    pub fn close(&mut self, stream: usize) {
        self.slots.retain(|(id, ..)| *id != stream);
    }

    /// Breaks a stream off when nothing comes for this long.
    pub fn limit(&mut self, stream: usize, after: Duration) {
        for (_, slot, quiet) in self.slots.iter_mut().filter(|(id, ..)| *id == stream) {
            let first = if matches!(slot, Slot::Opening(_)) { after.max(OPENING) } else { after };
            quiet.get_or_insert_with(|| (after, Box::pin(tokio::time::sleep(first))));
        }
    }

    /// The next thing that a slot has to tell, of those that `takes` names. A slot that ended is empty afterwards.
    pub fn poll(&mut self, cx: &mut Context<'_>, takes: impl Fn(usize) -> bool) -> Poll<Ready> {
        let count = self.slots.len();
        for step in 0..count {
            let place = (self.turn + step) % count;
            let (id, slot, quiet) = &mut self.slots[place];
            let id = *id;
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
            return Poll::Ready(Ready::Ended(id, ended));
        }
        Poll::Pending
    }

    /// Hands over the bytes that are there.
    pub fn take<R>(&mut self, stream: usize, hand: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let (_, slot, quiet) = self.slots.iter_mut().find(|(id, ..)| *id == stream)?;
        let Slot::Reading(reader) = slot else { return None };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Ok(bytes)) = Pin::new(&mut *reader).poll_fill_buf(&mut cx) else { return None };
        let (result, count) = (hand(bytes), bytes.len());
        Pin::new(reader).consume(count);
        if let Some((after, sleep)) = quiet {
            sleep.as_mut().reset(tokio::time::Instant::now() + *after);
        }
        Some(result)
    }
}
