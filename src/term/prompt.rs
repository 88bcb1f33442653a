//! Questions to a person. Every one of them needs a terminal on standard input; without one the error says which
//! argument would have answered it.

use std::io::{self, Write as _};

use dialoguer::theme::Theme;

use super::picker::{Narrow, Picker, Pressed};
use super::{Term, unseen};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Nobody is there
    #[error("standard input is no terminal; give {needed}")]
    NoTerminal {
        /// The argument that would have answered
        needed: String,
    },
    /// The input ended before an answer came
    #[error("standard input ended without an answer; give {needed}")]
    Ended {
        /// The argument that would have answered
        needed: String,
    },
    /// Ctrl-C or Esc
    #[error("interrupted")]
    Interrupted,
    /// The terminal broke
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<dialoguer::Error> for PromptError {
    fn from(dialoguer::Error::IO(error): dialoguer::Error) -> Self {
        // The cursor was hidden for the choice.
        let _ = console::Term::stderr().show_cursor();
        if error.kind() == io::ErrorKind::Interrupted { Self::Interrupted } else { Self::Io(error) }
    }
}

/// Questions that begin with `? `, as tkn's do.
struct Asking;

impl Theme for Asking {
    fn format_prompt(&self, f: &mut dyn std::fmt::Write, prompt: &str) -> std::fmt::Result {
        write!(f, "? {prompt}")
    }
    fn format_input_prompt(&self, f: &mut dyn std::fmt::Write, prompt: &str, default: Option<&str>) -> std::fmt::Result {
        match default {
            Some(default) => write!(f, "? {prompt} ({default}) "),
            None => write!(f, "? {prompt} "),
        }
    }
    fn format_input_prompt_selection(&self, f: &mut dyn std::fmt::Write, prompt: &str, selection: &str) -> std::fmt::Result {
        write!(f, "? {prompt} {selection}")
    }
}

/// Clears the list away; the answer, where there is one.
fn left(picker: &mut Picker<'_>, screen: &console::Term, pressed: Pressed) -> Result<usize, PromptError> {
    let chosen = match pressed {
        Pressed::Chosen(chosen) => Some(chosen),
        Pressed::Left | Pressed::Again => None,
    };
    picker.leave(screen, chosen)?;
    chosen.ok_or(PromptError::Interrupted)
}

impl Term {
    fn asking(&mut self, needed: &str) -> Result<(), PromptError> {
        if !self.stdin_is_terminal || !self.stderr_is_terminal {
            return Err(PromptError::NoTerminal { needed: needed.to_owned() });
        }
        self.flush()?;
        Ok(())
    }

    /// Lets somebody choose one of several; the answer is its position. `needed` names the argument that would have
    /// made the question needless.
    ///
    /// # Errors
    /// Without a terminal, and when the person interrupts.
    pub fn choose(&mut self, prompt: &str, items: &[String], needed: &str) -> Result<usize, PromptError> {
        self.choose_from(prompt, items, 0, needed)
    }

    /// The same, where Enter alone chooses the item at `first`.
    ///
    /// # Errors
    /// As [`Term::choose`].
    pub fn choose_from(&mut self, prompt: &str, items: &[String], first: usize, needed: &str) -> Result<usize, PromptError> {
        self.asking(needed)?;
        let screen = console::Term::stderr();
        let mut picker = Picker::new(prompt, items, Narrow::Contains).starting_at(first);
        let mut pressed = Pressed::Again;
        while pressed == Pressed::Again {
            picker.paint(&screen, "")?;
            pressed = picker.press(&screen.read_key_raw()?);
        }
        left(&mut picker, &screen, pressed)
    }

    /// Lets somebody find one of many by a few of its letters, and shows what `page` says of the one that Enter would
    /// choose.
    ///
    /// # Errors
    /// Without a terminal, and when the person interrupts.
    pub async fn find<F>(&mut self, prompt: &str, items: &[String], needed: &str, page: impl Fn(usize) -> F) -> Result<usize, PromptError>
    where
        F: Future<Output = String>,
    {
        self.asking(needed)?;
        let screen = console::Term::stderr();
        let mut picker = Picker::new(prompt, items, Narrow::Fuzzy);
        let (mut shown, mut text) = (None, String::new());
        let mut pressed = Pressed::Again;
        while pressed == Pressed::Again {
            let current = picker.current();
            if current != shown {
                // The list follows the key at once; its page may take a moment.
                picker.paint(&screen, "")?;
                text = match current {
                    Some(current) => page(current).await,
                    None => String::new(),
                };
                shown = current;
            }
            picker.paint(&screen, &text)?;
            let keys = screen.clone();
            let key = tokio::task::spawn_blocking(move || keys.read_key_raw()).await;
            pressed = picker.press(&key.unwrap_or_else(|broken| Err(io::Error::other(broken)))?);
        }
        left(&mut picker, &screen, pressed)
    }

    /// Asks for a yes or a no; nothing is taken for granted.
    ///
    /// # Errors
    /// Without a terminal, and when the person interrupts.
    pub fn confirm(&mut self, prompt: &str, needed: &str) -> Result<bool, PromptError> {
        self.asking(needed)?;
        Ok(dialoguer::Confirm::with_theme(&Asking).with_prompt(prompt).interact()?)
    }

    /// Asks a question, in a pipe as well, until the answer is exactly `y` or `n`.
    ///
    /// # Errors
    /// When the input ends without an answer: silence is no leave.
    pub async fn yes_or_no(&mut self, question: &str, needed: &str) -> Result<bool, PromptError> {
        write!(self.out, "{question}")?;
        loop {
            self.flush()?;
            // A thread of its own reads, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(|| {
                let mut line = String::new();
                io::stdin().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
            });
            let line = read.await.unwrap_or_else(|broken| Err(io::Error::other(broken)))?;
            match line.as_deref().map(str::trim) {
                Some("y") => return Ok(true),
                Some("n") => return Ok(false),
                Some(_) => write!(self.out, "Please enter (y/n): ")?,
                None => {
                    // The question stands alone on its line otherwise.
                    writeln!(self.out)?;
                    return Err(PromptError::Ended { needed: needed.to_owned() });
                }
            }
        }
    }

    /// Asks for a line of text; Enter alone is the default, which may be nothing.
    ///
    /// # Errors
    /// Without a terminal, and when the person interrupts.
    pub fn line(&mut self, prompt: &str, default: Option<&str>, needed: &str) -> Result<String, PromptError> {
        self.asking(needed)?;
        let mut input = dialoguer::Input::<String>::with_theme(&Asking).with_prompt(prompt);
        match default {
            Some("") => input = input.allow_empty(true),
            Some(default) => input = input.default(default.to_owned()),
            None => {}
        }
        let typed = input.interact_text();
        if typed.is_err() {
            // The question still stands on its line, and the shell's prompt would come after it.
            eprintln!();
        }
        Ok(typed?)
    }

    /// Asks for a secret; what is typed is not shown.
    ///
    /// # Errors
    /// Without a terminal, and when the person interrupts.
    pub fn secret(&mut self, prompt: &str, needed: &str) -> Result<String, PromptError> {
        self.asking(needed)?;
        eprint!("? {prompt} ");
        let typed = unseen::line()?;
        // The key that ended the line was not shown either.
        eprintln!();
        typed.ok_or(PromptError::Interrupted)
    }
}
