//! The streams and what is known of them: terminal or pipe, colour. Facts are read once, here.

mod picker;
pub mod progress;
pub mod prompt;
pub mod screen;
pub mod style;
mod unseen;
pub mod wrap;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd as _;

pub use prompt::PromptError;

/// How much of the answer is gathered before it is written.
const GATHERED: usize = 64 << 10;

/// Standard input, output and error of this invocation.
pub struct Term {
    out: BufWriter<Box<dyn Write + Send>>,
    /// Whether answers can be typed
    pub stdin_is_terminal: bool,
    /// Whether somebody looks at the talk
    pub stderr_is_terminal: bool,
    /// Whether somebody looks at the answer
    pub stdout_is_terminal: bool,
    /// Whether the answer may carry colour
    pub colour: bool,
    /// Whether the answer goes to a terminal on which a frame can be drawn over the one before
    pub drawable: bool,
    /// Whether signs beyond ASCII are understood
    pub unicode: bool,
}

/// Standard output without the buffer of the library, which looks for the line ends of what is gathered already.
fn plain_stdout() -> Box<dyn Write + Send> {
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(own) => Box::new(File::from(own)),
        Err(_) => Box::new(io::stdout()),
    }
}

impl Term {
    /// Looks at the streams. Colour needs a terminal and no `NO_COLOR`, `TERM=dumb` or `--no-color`.
    pub fn new(no_colour: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let locale = locale.unwrap_or_default().to_lowercase().replace('-', "");
        let plain = no_colour || std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Self {
            out: BufWriter::with_capacity(GATHERED, plain_stdout()),
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            colour: io::stdout().is_terminal() && !plain,
            drawable: io::stdout().is_terminal() && !dumb,
            unicode: locale.contains("utf8"),
        }
    }

    /// Standard output, buffered until [`Term::flush`] or the end.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes a line of the answer.
    ///
    /// # Errors
    /// When the reader has gone, or the disk is full.
    pub fn answer(&mut self, line: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// All of standard input. A thread of its own reads it, so that Ctrl-C is heard meanwhile: what came until then must
    /// not pass for the whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn input(&self) -> io::Result<Vec<u8>> {
        let read = tokio::task::spawn_blocking(|| crate::input::whole(io::stdin().lock()));
        read.await.unwrap_or_else(|broken| Err(io::Error::other(broken)))
    }

    /// How many columns the answer has, where it goes to a terminal.
    pub fn columns(&self) -> Option<usize> {
        self.drawable.then(|| usize::from(console::Term::stdout().size().1))
    }

    /// Hands what was written to the reader.
    ///
    /// # Errors
    /// When the reader has gone, or the disk is full.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Shows a text in place of the one shown before, which had so many lines, and says how many it has. What is wider or
    /// higher than the terminal is cut off, since nothing that has scrolled away can be replaced.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn replace(&mut self, text: &str, before: usize) -> io::Result<usize> {
        self.out.flush()?;
        let terminal = console::Term::stdout();
        let (height, width) = terminal.size();
        let lines: Vec<&str> = text.lines().take(usize::from(height.max(2)) - 1).collect();
        terminal.clear_last_lines(before)?;
        for line in &lines {
            terminal.write_line(&console::truncate_str(line, usize::from(width.max(1)), "…"))?;
        }
        Ok(lines.len())
    }

    /// Says something beside the answer, on standard error. What was answered before stands before it.
    pub fn say(&mut self, line: impl std::fmt::Display) {
        // Talk that nobody can hear is no failure.
        let _ = self.out.flush();
        let _ = writeln!(io::stderr(), "{line}");
    }
}
