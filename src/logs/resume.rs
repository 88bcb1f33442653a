//! How far a container's log was read, so that a stream that dropped goes on where it ended. The server takes up a log
//! at a whole second (`sinceTime`), so the lines of the last second are counted, and as many are skipped.

use jiff::Timestamp;

/// Length of `2026-01-02T03:04:05`, the part of a stamp that `sinceTime` looks at.
const SECOND: usize = 19;

/// Longest stamp: nanoseconds and an offset.
const LONGEST: usize = 35;

/// The time at a line's begin, as the server wrote it (RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    text: [u8; LONGEST],
    length: u8,
}

impl Stamp {
    /// Reads the stamp before the first space of a line. Lines that the kubelet itself puts into a log have none.
    pub fn of(line: &[u8]) -> Option<Self> {
        let length = memchr::memchr(b' ', &line[..line.len().min(LONGEST + 1)])?;
        let shaped = length > SECOND && line[4] == b'-' && line[7] == b'-' && line[10] == b'T' && line[13] == b':' && line[16] == b':';
        if !shaped || !line[..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut text = [0; LONGEST];
        text[..length].copy_from_slice(&line[..length]);
        Some(Self { text, length: length as u8 })
    }

    /// As the server wrote it, without the space behind it.
    pub fn text(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    fn second(&self) -> &[u8] {
        &self.text[..SECOND]
    }

    /// Whether it lies in the first tenth of its second.
    fn is_young(&self) -> bool {
        self.text[SECOND] != b'.' || self.text[SECOND + 1] == b'0'
    }

    /// The time that it says.
    pub fn time(&self) -> Option<Timestamp> {
        std::str::from_utf8(self.text()).ok()?.parse().ok()
    }
}

/// How much of a line's text tells it from another with the same stamp.
const TOLD: usize = 24;

/// A line by its stamp and the begin of its text: clocks of some nodes stand still for longer than a line takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    stamp: Stamp,
    begin: [u8; TOLD],
}

impl Mark {
    /// Of a line, or of the begin of a long one.
    pub fn of(stamp: Stamp, text: &[u8]) -> Self {
        let mut begin = [0; TOLD];
        let length = text.len().min(TOLD);
        begin[..length].copy_from_slice(&text[..length]);
        Self { stamp, begin }
    }

    /// The line's time.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn second(&self) -> &[u8] {
        self.stamp.second()
    }
}

/// The complete lines of one second.
#[derive(Clone, Copy, Debug)]
struct Window {
    first: Mark,
    count: u64,
}

/// The lines read so far, as far as a new stream would repeat them.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    before: Option<Window>,
    now: Option<Window>,
    last: Option<Stamp>,
    young: bool,
}

impl Seen {
    /// Counts a complete line.
    pub fn count(&mut self, line: &Mark) {
        self.young = line.stamp.is_young();
        self.last = Some(line.stamp);
        match (&mut self.now, &mut self.before) {
            (Some(now), _) if now.first.second() == line.second() => now.count += 1,
            // Standard output and error are stamped apart, so that a line may be a little older than the one before it.
            (_, Some(before)) if before.first.second() == line.second() => before.count += 1,
            (Some(now), _) if now.first.second() > line.second() => {}
            _ => self.before = self.now.replace(Window { first: *line, count: 1 }),
        }
    }

    /// The stamp of the line that was counted last.
    pub fn last(&self) -> Option<&Stamp> {
        self.last.as_ref()
    }

    /// From which second on a new stream is to be asked for, and what of it is known already; none when nothing is.
    pub fn resume(&self) -> Option<(Timestamp, Skip)> {
        let now = self.now?;
        // Just after a second's begin, a line of the other stream may still come in with a stamp of the second before.
        let before = self.before.filter(|_| self.young);
        let from = before.unwrap_or(now);
        let since = Timestamp::from_second(from.first.stamp.time()?.as_second()).ok()?;
        let left = now.count + before.map_or(0, |b| b.count);
        Some((since, Skip { firsts: [from.first, now.first], last: now.first, left, begun: false }))
    }
}

/// What of a stream's begin is known already.
#[derive(Clone, Debug)]
pub struct Skip {
    firsts: [Mark; 2],
    last: Mark,
    left: u64,
    begun: bool,
}

impl Skip {
    /// Whether the next line of the stream is known. After the first «no» it is not asked again.
    pub fn knows(&mut self, line: &Mark) -> bool {
        if self.left == 0 || line.second() > self.last.second() {
            return false;
        }
        if !self.begun && !self.firsts.contains(line) {
            // The end of a long line that began before the window: it is stored in parts with stamps of their own.
            return true;
        }
        self.begun = true;
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Stamp {
        Stamp::of(format!("{text} line").as_bytes()).unwrap()
    }

    fn line(stamped: &str) -> Mark {
        Mark::of(stamp(stamped), b"line")
    }

    #[test]
    fn a_stamp_is_read_only_where_there_is_one() {
        assert_eq!(stamp("2026-01-02T03:04:05.000000006Z").text(), b"2026-01-02T03:04:05.000000006Z");
        assert_eq!(stamp("2026-01-02T03:04:05.000000006+02:00").time(), "2026-01-02T01:04:05.000000006Z".parse().ok());
        assert_eq!(Stamp::of(b"unable to retrieve container logs for containerd://x"), None);
        assert_eq!(Stamp::of(b"2026-01-02T03:04:05.000000006Z"), None);
        assert_eq!(Stamp::of(b""), None);
    }

    #[test]
    fn lines_of_the_last_second_are_skipped_by_their_number() {
        let mut seen = Seen::default();
        for text in ["2026-01-02T03:04:04.5Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.5Z"] {
            seen.count(&line(text));
        }
        let (since, mut skip) = seen.resume().unwrap();
        assert_eq!(since.to_string(), "2026-01-02T03:04:05Z");
        let known: Vec<bool> = (0..3).map(|_| skip.knows(&line("2026-01-02T03:04:05.5Z"))).collect();
        assert_eq!(known, [true, true, false]);
    }

    #[test]
    fn the_second_before_is_read_again_while_the_last_is_young() {
        let mut seen = Seen::default();
        seen.count(&line("2026-01-02T03:04:04.9Z"));
        seen.count(&line("2026-01-02T03:04:05.01Z"));
        let (since, mut skip) = seen.resume().unwrap();
        assert_eq!(since.to_string(), "2026-01-02T03:04:04Z");
        assert!(skip.knows(&line("2026-01-02T03:04:04.9Z")));
        assert!(skip.knows(&line("2026-01-02T03:04:05.01Z")));
        assert!(!skip.knows(&line("2026-01-02T03:04:04.95Z")));
    }

    #[test]
    fn the_end_of_a_long_line_from_before_the_window_is_known() {
        let mut seen = Seen::default();
        seen.count(&line("2026-01-02T03:04:03.9Z"));
        seen.count(&line("2026-01-02T03:04:05.5Z"));
        let (_, mut skip) = seen.resume().unwrap();
        assert!(skip.knows(&line("2026-01-02T03:04:05.2Z")));
        assert!(skip.knows(&line("2026-01-02T03:04:05.5Z")));
        assert!(!skip.knows(&line("2026-01-02T03:04:05.6Z")));
    }

    #[test]
    fn the_end_of_a_long_line_is_told_from_the_next_line_when_the_clock_stood_still() {
        let mut seen = Seen::default();
        seen.count(&line("2026-01-02T03:04:03.9Z"));
        seen.count(&line("2026-01-02T03:04:05.5Z"));
        let (_, mut skip) = seen.resume().unwrap();
        assert!(skip.knows(&Mark::of(stamp("2026-01-02T03:04:05.5Z"), b"the end of the long one")));
        assert!(skip.knows(&line("2026-01-02T03:04:05.5Z")));
        assert!(!skip.knows(&line("2026-01-02T03:04:05.5Z")));
    }
}
