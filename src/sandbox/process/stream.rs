//! What a step writes: both of its streams go to one log in the order of their arrival, and to the files that
//! `stdoutConfig` and `stderrConfig` name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use jiff::Timestamp;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::sandbox::logs::LogWriter;

/// As much as a pipe holds by default.
const CHUNK: usize = 64 * 1024;

/// Takes a step's output until it ends.
pub struct Capture {
    out: Option<Source>,
    err: Option<Source>,
    log: LogWriter,
}

struct Source {
    pipe: Receiver,
    copy: Option<File>,
    buffer: Vec<u8>,
    /// The beginning of a line whose end has not come; only kept when two streams must not mix within a line
    pending: Option<Vec<u8>>,
}

/// The ends that the step's process gets.
pub struct StepEnds {
    /// Its standard output
    pub stdout: Stdio,
    /// Its standard error
    pub stderr: Stdio,
}

impl Capture {
    /// Pipes for a step. When neither stream is copied to a file, both are one pipe, which keeps their order exactly.
    ///
    /// # Errors
    /// When no pipe can be had or a file cannot be opened.
    pub fn open(log: LogWriter, stdout_copy: Option<&Path>, stderr_copy: Option<&Path>) -> io::Result<(Capture, StepEnds)> {
        let (out, writer) = io::pipe()?;
        if stdout_copy.is_none() && stderr_copy.is_none() {
            let ends = StepEnds { stdout: writer.try_clone()?.into(), stderr: writer.into() };
            let out = Source { pipe: receiver(out.into())?, copy: None, buffer: vec![0; CHUNK], pending: None };
            return Ok((Capture { out: Some(out), err: None, log }, ends));
        }
        let (err, err_writer) = io::pipe()?;
        let source = |pipe: OwnedFd, copy: Option<&Path>| -> io::Result<Source> {
            let copy = copy.map(open_copy).transpose()?;
            Ok(Source { pipe: receiver(pipe)?, copy, buffer: vec![0; CHUNK], pending: Some(Vec::new()) })
        };
        let capture = Capture { out: Some(source(out.into(), stdout_copy)?), err: Some(source(err.into(), stderr_copy)?), log };
        Ok((capture, StepEnds { stdout: writer.into(), stderr: err_writer.into() }))
    }

    /// Takes output until both streams have ended. May be dropped and called again without losing any.
    ///
    /// # Errors
    /// When the log or a copy cannot be written.
    pub async fn pump(&mut self) -> io::Result<()> {
        while self.out.is_some() || self.err.is_some() {
            let (source, count) = tokio::select! {
                count = read(&mut self.out) => (&mut self.out, count?),
                count = read(&mut self.err) => (&mut self.err, count?),
            };
            let Some(open) = source else { continue };
            let finished = open.take(count, &mut self.log)?;
            if finished {
                *source = None;
            }
        }
        Ok(())
    }

    /// Adds a line of the sandbox's own to the step's log.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.log.write(format!("{line}\n").as_bytes(), Timestamp::now())
    }

    /// Ends the log.
    pub fn close(self) -> io::Result<()> {
        self.log.close()
    }
}

impl Source {
    /// Hands on what was read; true when the stream has ended.
    fn take(&mut self, count: usize, log: &mut LogWriter) -> io::Result<bool> {
        let chunk = &self.buffer[..count];
        if let Some(copy) = &mut self.copy {
            copy.write_all(chunk)?;
        }
        let now = Timestamp::now();
        let Some(pending) = &mut self.pending else {
            if count > 0 {
                log.write(chunk, now)?;
            }
            return Ok(count == 0);
        };
        pending.extend_from_slice(chunk);
        let whole = match pending.iter().rposition(|b| *b == b'\n') {
            _ if count == 0 || pending.len() >= CHUNK => pending.len(),
            Some(last) => last + 1,
            None => 0,
        };
        if whole > 0 {
            log.write(&pending[..whole], now)?;
            pending.drain(..whole);
        }
        Ok(count == 0)
    }
}

async fn read(source: &mut Option<Source>) -> io::Result<usize> {
    match source {
        Some(Source { pipe, buffer, .. }) => pipe.read(buffer).await,
        None => std::future::pending().await,
    }
}

fn receiver(end: OwnedFd) -> io::Result<Receiver> {
    Receiver::from_owned_fd(end)
}

/// Opens a copy as Tekton does: its directory is made, and it is appended to.
fn open_copy(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
