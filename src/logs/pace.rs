//! How a stream that comes in many small pieces is read: in portions, a few milliseconds apart. Each waking costs more
//! than the piece that it is for, and nobody reads that fast.

use std::time::Duration;

use tokio::time::Instant;

/// How long pieces are counted together.
const WINDOW: Duration = Duration::from_millis(100);

/// From how many pieces in that time on a stream is busy.
const MANY: u32 = 32;

/// How long a busy stream is left alone.
const REST: Duration = Duration::from_millis(8);

/// A portion of so many bytes is worth its waking, so that the server need not wait.
pub(super) const PORTION: usize = 64 << 10;

/// The pace of one stream.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the counting began
    since: Instant,
    pieces: u32,
    busy: bool,
    /// Bytes since the last rest
    portion: usize,
    /// Whether who brings the pieces has had its turn since the last one
    yielded: bool,
}

/// What to do when nothing is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Wait for the next piece
    Wait,
    /// Look once more when others have had their turn
    Yield,
    /// Look no sooner than then
    Rest(Duration),
}

impl Pace {
    /// Of a stream of which nothing has come.
    pub fn new(now: Instant) -> Self {
        Self { since: now, pieces: 0, busy: false, portion: 0, yielded: false }
    }

    /// So many bytes have come.
    pub fn came(&mut self, now: Instant, bytes: usize) {
        let counted = now.saturating_duration_since(self.since);
        if counted >= WINDOW {
            self.busy = self.pieces >= MANY && counted < 2 * WINDOW;
            (self.since, self.pieces) = (now, 0);
        }
        self.pieces += 1;
        self.busy |= self.pieces >= MANY;
        self.portion += bytes;
        self.yielded = false;
    }

    /// Nothing is there.
    pub fn dry(&mut self) -> Then {
        if self.portion == 0 {
            return Then::Wait;
        }
        if !std::mem::replace(&mut self.yielded, true) {
            return Then::Yield;
        }
        if self.busy && self.portion < PORTION {
            return Then::Rest(REST);
        }
        self.portion = 0;
        Then::Wait
    }

    /// The rest is over.
    pub fn rested(&mut self) {
        (self.portion, self.yielded) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of which so many pieces of 1,000 bytes have come, so far apart.
    fn after(pieces: u32, apart: Duration) -> (Pace, Instant) {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..pieces {
            now += apart;
            pace.came(now, 1000);
        }
        (pace, now)
    }

    #[test]
    fn a_stream_whose_lines_come_one_by_one_is_read_at_once() {
        for (pieces, apart) in [(1000, Duration::from_millis(5)), (20, Duration::from_micros(100))] {
            let (mut pace, _) = after(pieces, apart);
            // What has come with it is gathered, if it is there.
            assert_eq!([pace.dry(), pace.dry(), pace.dry()], [Then::Yield, Then::Wait, Then::Wait]);
        }
    }

    #[test]
    fn a_busy_stream_is_left_alone_for_a_while_once_all_of_it_was_taken() {
        let (mut pace, now) = after(60, Duration::from_micros(500));
        for rests in 1..20 {
            assert_eq!([pace.dry(), pace.dry()], [Then::Yield, Then::Rest(REST)]);
            pace.rested();
            for _ in 0..4 {
                pace.came(now + rests * REST, 1000);
            }
        }
    }

    #[test]
    fn a_busy_stream_that_stops_is_waited_for_as_any() {
        let (mut pace, now) = after(60, Duration::from_micros(500));
        pace.rested();
        assert_eq!(pace.dry(), Then::Wait);
        pace.came(now + 3 * WINDOW, 1000);
        assert_eq!([pace.dry(), pace.dry()], [Then::Yield, Then::Wait]);
    }

    #[test]
    fn a_stream_that_brings_much_at_once_is_not_kept_waiting() {
        let (mut pace, _) = after(100, Duration::from_micros(10));
        assert_eq!([pace.dry(), pace.dry()], [Then::Yield, Then::Wait]);
    }
}
