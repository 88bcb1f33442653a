//! From a stream's bytes to lines: of any length, in any encoding, in bounded memory, each once however often the
//! stream drops and begins again.

use jiff::Timestamp;

use super::resume::{Mark, Seen, Skip, Stamp};

/// How much of an unfinished line is kept before it is given out in pieces. Up to this length lines stay whole, so
/// that lines of several streams can stand one below the other.
const WHOLE: usize = 64 << 10;

/// With these words the kubelet answers for a log that it has deleted, as if they were the log.
const DELETED: &[u8] = b"unable to retrieve container logs for ";

/// A line, or a piece of a long one; or whole lines one after another, where they come without times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The line's time as the server wrote it, at its first piece; empty where it wrote none
    pub stamp: &'a [u8],
    /// Bytes as the container wrote them, without the last line's end
    pub text: &'a [u8],
    /// Whether a line begins with it
    pub begins: bool,
    /// How the last line ends with it, as the container ended it; none where the line goes on
    pub end: Option<End>,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a line feed
    Feed,
    /// With a carriage return and a line feed
    ReturnFeed,
    /// With the log, or where the log broke off
    Log,
}

impl End {
    /// The bytes that the container wrote.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Feed => b"\n",
            Self::ReturnFeed => b"\r\n",
            Self::Log => b"",
        }
    }
}

impl<'a> Piece<'a> {
    /// Whether the line ends with it.
    pub fn ends(&self) -> bool {
        self.end.is_some()
    }

    /// The same, line by line.
    pub fn lines(self) -> impl Iterator<Item = Self> {
        let mut left = Some(self);
        std::iter::from_fn(move || {
            let piece = left.take()?;
            let Some(feed) = memchr::memchr(b'\n', piece.text) else { return Some(piece) };
            left = Some(Piece { text: &piece.text[feed + 1..], ..piece });
            let (text, end) = ended(&piece.text[..feed]);
            Some(Piece { text, end: Some(end), ..piece })
        })
    }
}

/// The lines of one container's log, over as many streams as it takes.
#[derive(Debug, Default)]
pub struct Lines {
    /// Whether the stream has no stamps
    plain: bool,
    /// Lines that were given out without their stamps; of a stream with stamps, those of them that have yet to come again
    unstamped: u64,
    held: Vec<u8>,
    open: Option<Open>,
    seen: Seen,
    skip: Option<Skip>,
    cut: Option<Open>,
}

/// A line whose begin has been given out, or passed over.
#[derive(Clone, Copy, Debug)]
struct Open {
    mark: Option<Mark>,
    /// Bytes of text that came
    came: u64,
    /// Bytes of text that were given out over an earlier stream, and are not given out again
    known: u64,
    standing: Standing,
}

/// What is known of a line from earlier streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is to be given out
    New,
    /// It was given out without its stamp, and is yet to be counted
    Uncounted,
    /// It was given out and counted
    Counted,
}

impl Open {
    fn is_new(&self) -> bool {
        self.standing == Standing::New
    }
}

impl Lines {
    /// Lines without stamps, of a log that does not change any more. When its stream drops, the next one is to have
    /// stamps and begins at the log's begin: what was given out is counted off.
    pub fn plain() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// Whether the stream is to have no stamps.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// How many lines have yet to come again before there are new ones.
    pub fn behind(&self) -> u64 {
        if self.plain { 0 } else { self.unstamped }
    }

    /// Takes bytes of the stream.
    pub fn feed(&mut self, mut bytes: &[u8], emit: &mut dyn FnMut(Piece<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            if !self.held.is_empty() {
                let mut held = std::mem::take(&mut self.held);
                held.extend_from_slice(&bytes[..end]);
                let (line, ending) = ended(&held);
                self.piece(line, Some(ending), emit);
                held.clear();
                self.held = held;
                bytes = &bytes[end + 1..];
            } else if self.plain && self.open.is_none() && self.cut.is_none() {
                bytes = self.whole_lines(bytes, emit);
            } else {
                let (line, ending) = ended(&bytes[..end]);
                self.piece(line, Some(ending), emit);
                bytes = &bytes[end + 1..];
            }
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > WHOLE {
            self.give_part(emit);
        }
    }

    /// Gives out all lines that end within some bytes, and gives back the rest. They have neither stamps nor a past, as
    /// those of long logs; one by one each would cost several times as much.
    fn whole_lines<'b>(&mut self, bytes: &'b [u8], emit: &mut dyn FnMut(Piece<'_>)) -> &'b [u8] {
        let Some(last) = memchr::memrchr(b'\n', bytes) else { return bytes };
        let (text, end) = ended(&bytes[..last]);
        self.unstamped += 1 + memchr::memchr_iter(b'\n', text).count() as u64;
        emit(Piece { stamp: b"", text, begins: true, end: Some(end) });
        &bytes[last + 1..]
    }

    /// Gives out what is held of a long line. A carriage return at its end waits, since it may belong to the line's end,
    /// and so does a character that has not come to its end.
    fn give_part(&mut self, emit: &mut dyn FnMut(Piece<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        let part = held.len() - unfinished(&held);
        self.piece(&held[..part], None, emit);
        held.drain(..part);
        held.shrink_to(WHOLE);
        self.held = held;
    }

    /// The log is over: a last line without a line end is given out as well.
    pub fn end(&mut self, emit: &mut dyn FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() || self.open.is_some() {
            self.piece(&held, Some(End::Log), emit);
        }
        if self.cut.take().is_some() {
            emit(Piece { stamp: b"", text: b"", begins: false, end: Some(End::Log) });
        }
    }

    /// The stream is over and the log may not be: the next stream is to begin at the time that this returns, or at the
    /// log's begin.
    pub fn cut(&mut self) -> Option<Timestamp> {
        self.plain &= self.held.is_empty() && self.open.is_none() && self.unstamped == 0;
        self.held.clear();
        if let Some(open) = self.open.take().filter(Open::is_new) {
            let given = open.came.max(open.known);
            self.cut = Some(Open { known: given, ..open });
        }
        let (since, skip) = self.seen.resume()?;
        self.skip = Some(skip);
        Some(since)
    }

    /// The time of the last line, where no line is unfinished.
    pub fn last(&self) -> Option<Timestamp> {
        let complete = self.held.is_empty() && self.open.is_none() && self.cut.is_none();
        self.seen.last().filter(|_| complete)?.time()
    }

    /// Whether anything of the log was read.
    pub fn is_begun(&self) -> bool {
        self.is_within_line() || self.unstamped > 0 || self.seen.resume().is_some()
    }

    /// Whether a line was given out up to a point within it, so that nothing else may be written before its end.
    pub fn is_within_line(&self) -> bool {
        self.cut.is_some() || self.open.as_ref().is_some_and(Open::is_new)
    }

    fn piece(&mut self, bytes: &[u8], end: Option<End>, emit: &mut dyn FnMut(Piece<'_>)) {
        let (mut open, text, begins) = match self.open.take() {
            Some(open) => (open, bytes, false),
            None => self.begin(bytes, emit),
        };
        let known = open.known.saturating_sub(open.came).min(text.len() as u64) as usize;
        open.came += text.len() as u64;
        if open.is_new() {
            let mark = open.mark.as_ref().filter(|_| begins);
            let stamp = mark.map_or(&b""[..], |m| m.stamp().text());
            emit(Piece { stamp, text: &text[known..], begins, end });
        }
        if end.is_none() {
            self.open = Some(open);
        } else if self.plain {
            self.unstamped += 1;
        } else if open.standing != Standing::Counted {
            self.unstamped -= u64::from(open.standing == Standing::Uncounted);
            open.mark.iter().for_each(|mark| self.seen.count(mark));
        }
    }

    /// Begins a line: takes its stamp off and finds out whether it is known from an earlier stream.
    fn begin<'b>(&mut self, bytes: &'b [u8], emit: &mut dyn FnMut(Piece<'_>)) -> (Open, &'b [u8], bool) {
        let stamp = if self.plain { None } else { Stamp::of(bytes) };
        let text = stamp.map_or(bytes, |s| &bytes[s.text().len() + 1..]);
        let mark = stamp.map(|s| Mark::of(s, text));
        let new = Open { mark, came: 0, known: 0, standing: Standing::New };
        if let (Some(mark), Some(skip)) = (&mark, &mut self.skip) {
            if skip.knows(mark) {
                return (Open { standing: Standing::Counted, ..new }, text, true);
            }
            self.skip = None;
        }
        if stamp.is_none() && text.starts_with(DELETED) && self.seen.resume().is_some() {
            return (Open { standing: Standing::Counted, ..new }, text, true);
        }
        if !self.plain && self.unstamped > 0 {
            return (Open { standing: Standing::Uncounted, ..new }, text, true);
        }
        match self.cut.take() {
            Some(cut) if cut.mark.is_none() || cut.mark == mark => (Open { known: cut.known, ..new }, text, false),
            Some(_) => {
                // The rest of the line is lost (the log was rotated away meanwhile); what came of it ends here.
                emit(Piece { stamp: b"", text: b"", begins: false, end: Some(End::Log) });
                (new, text, true)
            }
            None => (new, text, true),
        }
    }
}

/// A line before its line feed, without what belongs to its end.
fn ended(line: &[u8]) -> (&[u8], End) {
    line.strip_suffix(b"\r").map_or((line, End::Feed), |line| (line, End::ReturnFeed))
}

/// How many bytes at the end of a part are to wait for the next: a carriage return, or the begin of a character.
fn unfinished(part: &[u8]) -> usize {
    if part.ends_with(b"\r") {
        return 1;
    }
    // A character of UTF-8 has up to four bytes; the first says how many, the others begin with the bits 10.
    let Some(back) = part.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80) else { return 0 };
    let whole = match part[part.len() - 1 - back] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    };
    if back + 1 < whole { back + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop};
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    /// A container's log as the kubelet stores it: records with a stamp each, of which a long line takes several.
    struct Stored(Vec<(i64, Vec<u8>)>);

    const RECORD: usize = 50;

    impl Stored {
        fn new(lines: &[(i64, Vec<u8>)]) -> Self {
            let mut records = Vec::new();
            let mut now = 1_800_000_000_000_000_000;
            for (pause, line) in lines {
                now += pause;
                let mut line = line.clone();
                line.push(b'\n');
                for part in line.chunks(RECORD) {
                    records.push((now, part.to_vec()));
                    now += 400_000_000;
                }
            }
            Self(records)
        }

        /// As the API gives it: filtered by record, stamped where a line begins if that is asked for.
        fn stream(&self, since: Option<Timestamp>, stamps: bool) -> Vec<u8> {
            let since = since.map_or(0, |t| t.as_nanosecond() as i64);
            let mut out = Vec::new();
            let mut begins = true;
            for (at, part) in self.0.iter().filter(|(at, _)| *at >= since) {
                if begins && stamps {
                    let time = Timestamp::from_nanosecond(i128::from(*at)).unwrap();
                    out.extend_from_slice(format!("{time:.9} ").as_bytes());
                }
                out.extend_from_slice(part);
                begins = part.ends_with(b"\n");
            }
            out
        }
    }

    fn collect(out: &mut Vec<u8>) -> impl FnMut(Piece<'_>) {
        |piece: Piece<'_>| {
            for line in piece.lines() {
                out.extend_from_slice(line.text);
                if line.ends() {
                    out.push(b'\n');
                }
            }
        }
    }

    fn line() -> impl Strategy<Value = (i64, Vec<u8>)> {
        let pause = prop::sample::select(vec![0, 1, 1_000_000, 30_000_000, 300_000_000, 1_000_000_000, 4_000_000_000]);
        let short = prop::collection::vec(any::<u8>().prop_filter("no line end", |b| !matches!(b, b'\n' | b'\r')), 0..40);
        let long = (60..200_usize).prop_map(|n| (0..n).map(|i| b'a' + (i % 26) as u8).collect());
        (pause, proptest::prop_oneof![4 => short, 1 => long])
    }

    proptest! {
        #[test]
        fn every_line_comes_once_and_in_order_however_the_stream_is_cut(
            lines in prop::collection::vec(line(), 0..30),
            cuts in prop::collection::vec((0.0..1.0_f64, 1..64_usize), 0..8),
            plain in any::<bool>(),
        ) {
            let stored = Stored::new(&lines);
            let (mut out, mut read, mut since) = (Vec::new(), if plain { Lines::plain() } else { Lines::default() }, None);
            for (share, size) in cuts {
                let stream = stored.stream(since, !read.is_plain());
                let end = (stream.len() as f64 * share) as usize;
                for chunk in stream[..end].chunks(size) {
                    read.feed(chunk, &mut collect(&mut out));
                    // Long lines are given out in pieces at any point.
                    if read.held.len() > 70 {
                        read.give_part(&mut collect(&mut out));
                    }
                }
                since = read.cut();
            }
            read.feed(&stored.stream(since, !read.is_plain()), &mut collect(&mut out));
            read.end(&mut collect(&mut out));
            let expected: Vec<u8> = lines.iter().flat_map(|(_, l)| l.iter().copied().chain([b'\n'])).collect();
            prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
        }
    }

    fn read(chunks: &[&[u8]]) -> Vec<u8> {
        let read = read_by(Lines::default(), chunks);
        assert_eq!(read_by(Lines::plain(), chunks), read, "without times");
        read
    }

    fn read_by(mut lines: Lines, chunks: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for chunk in chunks {
            lines.feed(chunk, &mut collect(&mut out));
        }
        lines.end(&mut collect(&mut out));
        out
    }

    #[test]
    fn a_return_goes_only_before_a_line_end() {
        assert_eq!(read(&[b"10%\r20%\r\nnext\r", b"\nlast\r"]), b"10%\r20%\nnext\nlast\r\n");
    }

    #[test]
    fn a_last_line_without_an_end_and_bytes_that_are_no_text_are_kept() {
        assert_eq!(read(&[b"caf\xe9\n\xff\xfe"]), b"caf\xe9\n\xff\xfe\n");
    }

    #[test]
    fn a_long_line_is_one_line_in_flat_memory() {
        let (mut pieces, mut text, mut lines) = (0, 0, Lines::default());
        let mut count = |piece: Piece<'_>| {
            pieces += 1;
            text += piece.text.len();
            assert_eq!(piece.ends(), piece.text.is_empty() || text == 500 * 1000);
        };
        lines.feed(b"2026-01-02T03:04:05.000000006Z ", &mut count);
        for _ in 0..500 {
            lines.feed(&[b'x'; 1000], &mut count);
            assert!(lines.held.capacity() <= 2 * WHOLE);
        }
        assert!(lines.is_within_line());
        lines.feed(b"\n", &mut count);
        assert!(!lines.is_within_line());
        assert_eq!((text, pieces > 1), (500_000, true));
    }

    #[test]
    fn lines_without_a_stamp_are_given_as_they_are() {
        assert_eq!(
            read(&[b"unable to retrieve container logs for containerd://x\n"]),
            b"unable to retrieve container logs for containerd://x\n"
        );
    }

    #[test]
    fn what_the_kubelet_says_of_a_deleted_log_is_no_line_of_it() {
        let (mut out, mut lines) = (Vec::new(), Lines::default());
        lines.feed(b"2026-01-02T03:04:05.5Z begin\n", &mut collect(&mut out));
        lines.cut();
        lines.feed(b"unable to retrieve container logs for containerd://x", &mut collect(&mut out));
        lines.end(&mut collect(&mut out));
        assert_eq!(out, b"begin\n");
    }
}
