//! The terminal as a whole: frames drawn one over the other, keys as they are pressed, and everything as it was before
//! when it is left, whatever the reason.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, Once};

use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Term;
use super::style::screen;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Arrow
    Up,
    /// Arrow
    Down,
    /// Arrow
    Left,
    /// Arrow
    Right,
    /// A screen up
    PageUp,
    /// A screen down
    PageDown,
    /// To the begin
    Home,
    /// To the end
    End,
    /// Enter
    Enter,
    /// Escape
    Escape,
    /// Ctrl-C
    Interrupt,
    /// Ctrl-Z
    Suspend,
    /// A letter
    Char(char),
}

/// The keys of a terminal's bytes. Bytes that stand for no key of these are passed over.
fn keys(bytes: &[u8]) -> Vec<Key> {
    const ESC: u8 = 27;
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (key, used) = match (first, after) {
            (&ESC, [b'[' | b'O', sequence @ ..]) => {
                let end = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)).unwrap_or(sequence.len());
                (of_sequence(&sequence[..(end + 1).min(sequence.len())]), 2 + end + 1)
            }
            (&ESC, _) => (Some(Key::Escape), 1),
            (3, _) => (Some(Key::Interrupt), 1),
            (26, _) => (Some(Key::Suspend), 1),
            (b'\r' | b'\n', _) => (Some(Key::Enter), 1),
            (byte, _) => (byte.is_ascii_graphic().then_some(Key::Char(char::from(*byte))).or((*byte == b' ').then_some(Key::Char(' '))), 1),
        };
        keys.extend(key);
        rest = &rest[used.min(rest.len())..];
    }
    keys
}

fn of_sequence(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"C" => Key::Right,
        b"D" => Key::Left,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        _ => return None,
    })
}

/// The terminal as it was before the screen was taken.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// A panic ends the program without dropping anything, so it gives the screen back itself, once.
static PANIC: Once = Once::new();

/// The screen while a command has it.
pub struct Screen {
    input: AsyncFd<io::Stdin>,
    pressed: VecDeque<Key>,
}

impl Term {
    /// Whether the screen can be drawn on and keys can be read.
    pub fn is_screen(&self) -> bool {
        self.drawable && self.stdin_is_terminal
    }

    /// Takes the screen, until what this returns is dropped.
    ///
    /// # Errors
    /// When the terminal does not let itself be set up.
    pub fn screen(&mut self) -> io::Result<Screen> {
        self.flush()?;
        // SAFETY: nobody closes standard input, so its descriptor means the same as long as the program runs.
        let input = unsafe { AsyncFd::register_with_interest(io::stdin(), Interest::READABLE) }?;
        enter()?;
        Ok(Screen { input, pressed: VecDeque::new() })
    }
}

fn enter() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN);
    raw.input_flags.remove(InputFlags::IXON);
    // A read gives what is there, and nothing where nothing is.
    raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 0;
    raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    *BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
    PANIC.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            usual(panic);
        }));
    });
    tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
    write_now(screen::ENTER)
}

/// Gives the terminal back as it was. One that has gone needs nothing any more.
fn leave() {
    let before = BEFORE.try_lock().ok().and_then(|mut before| before.take());
    if let Some(before) = before {
        let _ = write_now(screen::LEAVE);
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &before);
    }
}

impl Screen {
    /// Rows and columns.
    pub fn size(&self) -> (usize, usize) {
        let (rows, columns) = console::Term::stdout().size();
        (usize::from(rows).max(2), usize::from(columns).max(10))
    }

    /// Draws a frame, which is as many lines as there are rows at most, each as wide as there are columns at most.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut frame = String::from(screen::BEGIN);
        for (n, line) in lines.iter().enumerate() {
            if n > 0 {
                frame.push('\n');
            }
            // Before the text: after it the cursor may stand on its last character.
            frame.push_str(screen::CLEAR_LINE);
            frame.push_str(line);
        }
        if lines.len() < self.size().0 {
            frame.push('\n');
            frame.push_str(screen::CLEAR_BELOW);
        }
        frame.push_str(screen::END);
        write_now(&frame)
    }

    /// The next key.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub async fn key(&mut self) -> io::Result<Key> {
        loop {
            if let Some(key) = self.pressed.pop_front() {
                return Ok(key);
            }
            let mut ready = self.input.readable().await?;
            let mut bytes = [0; 256];
            match read(io::stdin(), &mut bytes) {
                Ok(0) => ready.clear_ready(),
                Ok(count) => self.pressed.extend(keys(&bytes[..count])),
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the terminal back to the shell until the program is called to the foreground again.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave();
        raise(Signal::SIGTSTP)?;
        enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn write_now(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_keys() {
        assert_eq!(keys(b"j\x1b[A\x1bOBq"), [Key::Char('j'), Key::Up, Key::Down, Key::Char('q')]);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b[5~\x1b[6~\x1b[H\x1b[F"), [Key::PageUp, Key::PageDown, Key::Home, Key::End]);
        assert_eq!(keys(b"\r \x03\x1a"), [Key::Enter, Key::Char(' '), Key::Interrupt, Key::Suspend]);
        assert_eq!(keys(b"\x1b[1;5A\x01\xff"), []);
    }
}
