//! How often streams are looked at. A server that sends a long log in small parts would wake the program for each of
//! them; while it does, a short pause lets them gather, and most of the work of waking up is spared.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

/// The pause. Nobody sees that a line of a stream as dense as this comes so much later.
const PAUSE: Duration = Duration::from_millis(4);

/// From how many bytes on, taken since the last wait, a stream is dense: single lines of a step are told at once. An API
/// server's parts are a little shorter than four kilobytes.
const DENSE: usize = 2 << 10;

/// From how many bytes on the server is faster than the program, and a pause would only hold it up.
const FAST: usize = 256 << 10;

/// What was read since the last wait, and the pause.
#[derive(Default)]
pub(super) struct Pace {
    taken: usize,
    /// Whether the connections had their turn since the last bytes
    yielded: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// So many bytes were there to take.
    pub(super) fn takes(&mut self, bytes: usize) {
        self.taken += bytes;
        self.yielded = false;
    }

    /// Whether it is a pause now.
    pub(super) fn rests(&mut self, cx: &mut Context<'_>) -> bool {
        match self.pause.as_mut().map(|pause| pause.as_mut().poll(cx)) {
            Some(Poll::Pending) => true,
            _ => {
                self.pause = None;
                false
            }
        }
    }

    /// There is nothing to take now: begins a pause where one is worth it. Before that, the connections have their turn,
    /// since they hand over one part after the other; then it is true, and to be looked at again at once.
    pub(super) fn yields(&mut self, cx: &mut Context<'_>) -> bool {
        if self.taken == 0 {
            return false;
        }
        if !std::mem::replace(&mut self.yielded, true) {
            cx.waker().wake_by_ref();
            return true;
        }
        if is_dense(std::mem::take(&mut self.taken)) {
            let mut pause = Box::pin(tokio::time::sleep(PAUSE));
            // The timer has to know whom to wake; it is not over yet.
            if pause.as_mut().poll(cx).is_pending() {
                self.pause = Some(pause);
            }
        }
        false
    }
}

/// Whether so many bytes between two waits are many small parts.
fn is_dense(taken: usize) -> bool {
    (DENSE..FAST).contains(&taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a wait comes to after so many bytes: whether it is a pause, once the connections had their turn.
    async fn rests_after(bytes: usize) -> bool {
        let mut pace = Pace::default();
        std::future::poll_fn(|cx| {
            pace.takes(bytes);
            assert!(pace.yields(cx) && !pace.rests(cx), "the connections come first");
            assert!(!pace.yields(cx));
            Poll::Ready(pace.rests(cx))
        })
        .await
    }

    #[tokio::test]
    async fn single_lines_are_told_at_once_and_a_fast_server_is_not_held_up() {
        assert!(!rests_after(200).await);
        assert!(rests_after(8 << 10).await);
        assert!(!rests_after(1 << 20).await);
    }

    #[tokio::test]
    async fn a_pause_ends() {
        let mut pace = Pace::default();
        pace.takes(8 << 10);
        std::future::poll_fn(|cx| {
            while pace.yields(cx) {}
            if pace.rests(cx) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert!(pace.pause.is_none());
    }
}
