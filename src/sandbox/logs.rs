//! Logs of the steps on disk, in the format of container runtimes: `<dir>/logs/<pod uid>/<container>.log` has one
//! record `TIME stdout F|P BYTES` per line (`P`: the line goes on in the next record). Reading follows what is written.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use tokio::sync::watch;

/// Bytes of a line after which it is written as a record of its own, as containerd does.
const RECORD_BYTES: usize = 16 << 10;
const READ_BYTES: usize = 64 << 10;

/// The directory of all logs. Clones share what is being written, so that a reader of one hears a writer of another.
#[derive(Clone, Debug)]
pub struct LogDir {
    root: PathBuf,
    /// Logs with a writer. The value turns true when it has closed; every write is a notification.
    open: Arc<Mutex<HashMap<PathBuf, watch::Sender<bool>>>>,
}

/// What of a log is wanted, as the query of `pods/NAME/log` names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogOptions {
    /// Go on until the writer has closed
    pub follow: bool,
    /// Put the time of each line before it
    pub timestamps: bool,
    /// Leave out what was written before
    pub since: Option<Timestamp>,
    /// Begin this many lines before the end
    pub tail: Option<u64>,
    /// End after this many bytes of output
    pub limit: Option<u64>,
}

impl LogDir {
    /// The logs below a sandbox's directory.
    pub fn new(dir: &Path) -> LogDir {
        LogDir { root: dir.join("logs"), open: Arc::default() }
    }

    /// Starts a container's log anew.
    pub fn writer(&self, pod_uid: &str, container: &str) -> io::Result<LogWriter> {
        self.open(pod_uid, container, OpenOptions::new().write(true).truncate(true))
    }

    /// Goes on with a container's log, which outlives the sandbox for a listener's container.
    pub fn append(&self, pod_uid: &str, container: &str) -> io::Result<LogWriter> {
        self.open(pod_uid, container, OpenOptions::new().append(true))
    }

    fn open(&self, pod_uid: &str, container: &str, how: &mut OpenOptions) -> io::Result<LogWriter> {
        let path = self.path(pod_uid, container)?;
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        let file = how.create(true).mode(0o600).open(&path)?;
        self.writers().insert(path.clone(), watch::Sender::new(false));
        Ok(LogWriter { file, path, dir: self.clone(), line: Vec::new(), at: Timestamp::UNIX_EPOCH })
    }

    /// Removes the logs of a pod; none is no error.
    pub fn remove(&self, pod_uid: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.root.join(segment(pod_uid)?)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// A container's log as a stream of bytes. A log that was never written is empty; with `follow` the stream ends
    /// when the writer has closed.
    pub fn read(
        &self,
        pod_uid: &str,
        container: &str,
        options: &LogOptions,
    ) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let path = self.path(pod_uid, container)?;
        let progress = if options.follow { self.writers().get(&path).map(watch::Sender::subscribe) } else { None };
        let file = match File::open(&path) {
            Ok(mut file) => {
                if let Some(lines) = options.tail {
                    seek_to_tail(&mut file, lines)?;
                }
                Some(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let reader = file.map(|file| Reader { file, progress, pending: Vec::new(), selection: Selection::new(options) });
        Ok(futures::stream::unfold(reader, |reader| async {
            let mut reader = reader?;
            match reader.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reader))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    fn path(&self, pod_uid: &str, container: &str) -> io::Result<PathBuf> {
        Ok(self.root.join(segment(pod_uid)?).join(format!("{}.log", segment(container)?)))
    }

    fn writers(&self) -> MutexGuard<'_, HashMap<PathBuf, watch::Sender<bool>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A UID or name as one segment of a path; the request that brought it cannot lead elsewhere.
fn segment(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} names no log")));
    }
    Ok(name)
}

/// Writes one container's log; splits what it is given into lines.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    path: PathBuf,
    dir: LogDir,
    /// The line that has not ended
    line: Vec<u8>,
    at: Timestamp,
}

impl LogWriter {
    /// Appends output of the container; whole lines can be read at once, the rest when its line has ended.
    pub fn write(&mut self, chunk: &[u8], at: Timestamp) -> io::Result<()> {
        self.at = at;
        let mut records = Vec::with_capacity(chunk.len() + 64);
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.line.extend_from_slice(text);
            while self.line.len() > RECORD_BYTES {
                let rest = self.line.split_off(RECORD_BYTES);
                append_record(&mut records, at, b'P', &std::mem::replace(&mut self.line, rest));
            }
            if ended {
                append_record(&mut records, at, b'F', &self.line);
                self.line.clear();
            }
        }
        self.put(&records)
    }

    /// Writes what is left of the last line and tells the readers that there is no more.
    pub fn close(mut self) -> io::Result<()> {
        let mut records = Vec::new();
        if !self.line.is_empty() {
            append_record(&mut records, self.at, b'F', &std::mem::take(&mut self.line));
        }
        self.put(&records)
    }

    fn put(&mut self, records: &[u8]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.file.write_all(records)?;
        if let Some(progress) = self.dir.writers().get(&self.path) {
            progress.send_replace(false);
        }
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if let Some(progress) = self.dir.writers().remove(&self.path) {
            progress.send_replace(true);
        }
    }
}

fn append_record(records: &mut Vec<u8>, at: Timestamp, tag: u8, text: &[u8]) {
    records.extend_from_slice(format!("{at:.9} stdout ").as_bytes());
    records.extend_from_slice(&[tag, b' ']);
    records.extend_from_slice(text);
    records.push(b'\n');
}

/// Puts the file's position before the last `lines` records.
fn seek_to_tail(file: &mut File, lines: u64) -> io::Result<()> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = vec![0; READ_BYTES];
    // The newline that ends the last record begins no further one.
    let mut newlines_wanted = lines.saturating_add(1);
    let size = end;
    while end > 0 {
        let start = end.saturating_sub(READ_BYTES as u64);
        let length = usize::try_from(end - start).expect("a block is small");
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..length])?;
        for position in (0..length).rev().filter(|position| block[*position] == b'\n') {
            newlines_wanted -= 1;
            if newlines_wanted == 0 {
                let after = start + position as u64 + 1;
                return file.seek(SeekFrom::Start(if lines == 0 { size } else { after })).map(|_| ());
            }
        }
        end = start;
    }
    file.seek(SeekFrom::Start(0)).map(|_| ())
}

struct Reader {
    file: File,
    progress: Option<watch::Receiver<bool>>,
    pending: Vec<u8>,
    selection: Selection,
}

impl Reader {
    /// The next bytes of the answer; waits for the writer at the file's end. Reading is blocking: a local file's next
    /// block costs less than handing it to another thread.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            // Looked at before reading: a writer that closes in between has left nothing unread or is seen next time.
            let open = self.progress.as_mut().is_some_and(|progress| !*progress.borrow_and_update());
            let mut out = Vec::new();
            let read = self.read_block(&mut out)?;
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
            if self.selection.is_full() || (read == 0 && !open) {
                return Ok(None);
            }
            if read == 0
                && let Some(progress) = &mut self.progress
                && progress.changed().await.is_err()
            {
                self.progress = None;
            }
        }
    }

    fn read_block(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let mut block = vec![0; READ_BYTES];
        let read = self.file.read(&mut block)?;
        self.pending.extend_from_slice(&block[..read]);
        let whole = self.pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let rest = self.pending.split_off(whole);
        for record in std::mem::replace(&mut self.pending, rest).split_inclusive(|byte| *byte == b'\n') {
            self.selection.take(record, out);
        }
        Ok(read)
    }
}

/// Decides which records are shown, and how.
struct Selection {
    timestamps: bool,
    since: Option<Timestamp>,
    left: Option<u64>,
    at_line_start: bool,
}

impl Selection {
    fn new(options: &LogOptions) -> Self {
        Selection { timestamps: options.timestamps, since: options.since, left: options.limit, at_line_start: true }
    }

    fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Appends what a record shows. A record that is none (the disk was full in its midst) is left out.
    fn take(&mut self, record: &[u8], out: &mut Vec<u8>) {
        let Some((at, partial, text)) = parse_record(record) else { return };
        if self.since.is_some_and(|since| at.parse::<Timestamp>().is_ok_and(|at| at < since)) {
            return;
        }
        let start = out.len();
        if self.timestamps && self.at_line_start {
            out.extend_from_slice(at.as_bytes());
            out.push(b' ');
        }
        out.extend_from_slice(text);
        if !partial {
            out.push(b'\n');
        }
        self.at_line_start = !partial;
        if let Some(left) = &mut self.left {
            let shown = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len() - start);
            out.truncate(start + shown);
            *left -= shown as u64;
        }
    }
}

/// Time, whether the line goes on, and the text without the record's newline.
fn parse_record(record: &[u8]) -> Option<(&str, bool, &[u8])> {
    let mut fields = record.strip_suffix(b"\n").unwrap_or(record).splitn(4, |byte| *byte == b' ');
    let at = std::str::from_utf8(fields.next()?).ok()?;
    let _stream = fields.next()?;
    let partial = fields.next()? == b"P";
    Some((at, partial, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    fn logs() -> (tempfile::TempDir, LogDir) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let logs = LogDir::new(dir.path());
        (dir, logs)
    }

    async fn text(logs: &LogDir, options: LogOptions) -> Vec<u8> {
        let stream = logs.read("uid", "step-a", &options).expect("readable");
        stream.map(|bytes| bytes.expect("read")).collect::<Vec<_>>().await.concat()
    }

    #[tokio::test]
    async fn bytes_of_any_kind_and_length_come_back() {
        let (_dir, logs) = logs();
        let mut long = vec![b'x'; 100_000];
        long.extend_from_slice(b"\n\xff\x00 F P\n\nlast");
        let mut writer = logs.writer("uid", "step-a").expect("a writer");
        for chunk in long.chunks(7_001) {
            writer.write(chunk, at(0)).expect("written");
        }
        writer.close().expect("closed");
        long.push(b'\n');
        assert!(text(&logs, LogOptions::default()).await == long);
        let timed = text(&logs, LogOptions { timestamps: true, ..LogOptions::default() }).await;
        assert!(timed.starts_with(b"2023-11-14T22:13:20.000000000Z xxx"));
        assert_eq!(timed.windows(9).filter(|w| *w == b".00000000").count(), 4, "one time for each line");
    }

    #[tokio::test]
    async fn tail_since_and_limit_select() {
        let (_dir, logs) = logs();
        let mut writer = logs.writer("uid", "step-a").expect("a writer");
        for line in 0..5 {
            writer.write(format!("line {line}\n").as_bytes(), at(line)).expect("written");
        }
        let with = |change: fn(&mut LogOptions)| {
            let mut options = LogOptions::default();
            change(&mut options);
            text(&logs, options)
        };
        assert_eq!(with(|o| o.tail = Some(2)).await, b"line 3\nline 4\n");
        assert_eq!(with(|o| o.tail = Some(0)).await, b"");
        assert_eq!(with(|o| o.tail = Some(9)).await.len(), 35);
        assert_eq!(with(|o| o.tail = Some(u64::MAX)).await.len(), 35);
        assert_eq!(with(|o| o.since = Some(at(4))).await, b"line 4\n");
        assert_eq!(with(|o| o.limit = Some(9)).await, b"line 0\nli");
    }

    #[tokio::test]
    async fn a_follower_sees_each_line_and_ends_with_the_writer() {
        let (_dir, logs) = logs();
        let mut writer = logs.writer("uid", "step-a").expect("a writer");
        writer.write(b"one\ntw", at(0)).expect("written");
        let stream = logs.read("uid", "step-a", &LogOptions { follow: true, ..LogOptions::default() }).expect("readable");
        let mut stream = std::pin::pin!(stream);
        assert_eq!(stream.next().await.expect("more").expect("read"), "one\n");
        assert!(futures::poll!(stream.next()).is_pending());
        writer.write(b"o\n", at(1)).expect("written");
        assert_eq!(stream.next().await.expect("more").expect("read"), "two\n");
        writer.write(b"end", at(2)).expect("written");
        writer.close().expect("closed");
        assert_eq!(stream.next().await.expect("more").expect("read"), "end\n");
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn no_log_is_empty_and_removing_stays_inside() {
        let (dir, logs) = logs();
        assert_eq!(text(&logs, LogOptions { follow: true, ..LogOptions::default() }).await, b"");
        logs.writer("uid", "step-a").expect("a writer").close().expect("closed");
        logs.remove("uid").expect("removed");
        logs.remove("uid").expect("removed before");
        for outside in ["", "..", "a/b"] {
            assert!(logs.remove(outside).is_err());
        }
        assert!(dir.path().join("logs").exists());
    }
}
