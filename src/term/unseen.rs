//! A line that is typed and not shown. The terminal reports Ctrl-C as a key meanwhile: the thread that waits here is the
//! one that would have to hear the signal.

use std::io;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const ESCAPE: u8 = 27;

/// The terminal as it was; it is so again when this is dropped.
struct Before(Termios);

impl Drop for Before {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing any more.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}

/// The line; none when it was interrupted.
///
/// # Errors
/// When standard input is no terminal, or breaks.
pub fn line() -> io::Result<Option<String>> {
    let before = Before(tcgetattr(io::stdin())?);
    let mut silent = before.0.clone();
    silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
    tcsetattr(io::stdin(), SetArg::TCSADRAIN, &silent)?;
    let mut typed = Typed::default();
    loop {
        let mut byte = [0];
        let end = match read(io::stdin(), &mut byte) {
            Ok(0) => Some(false),
            Ok(_) => typed.key(byte[0]),
            Err(nix::errno::Errno::EINTR) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(complete) = end {
            return complete.then(|| typed.text()).transpose();
        }
    }
}

/// What was typed so far.
#[derive(Default)]
struct Typed(Vec<u8>);

impl Typed {
    /// Takes a key; tells at the end whether the line is complete.
    fn key(&mut self, byte: u8) -> Option<bool> {
        match byte {
            b'\n' | b'\r' => return Some(true),
            CTRL_C | ESCAPE => return Some(false),
            CTRL_D if self.0.is_empty() => return Some(false),
            CTRL_D => return Some(true),
            CTRL_U => self.0.clear(),
            8 | 127 => {
                // One character may be several bytes; all but its first begin with the bits 10.
                while self.0.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
            }
            other => self.0.push(other),
        }
        None
    }

    fn text(self) -> io::Result<String> {
        String::from_utf8(self.0).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is no UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Option<bool>, String) {
        let mut typed = Typed::default();
        let end = keys.iter().find_map(|key| typed.key(*key));
        (end, typed.text().expect("UTF-8"))
    }

    #[test]
    fn keys_make_a_line() {
        assert_eq!(typed(b"secret\r"), (Some(true), "secret".into()));
        assert_eq!(typed("sü\u{7f}ecret\n".as_bytes()), (Some(true), "secret".into()));
        assert_eq!(typed(b"wrong\x15right\n"), (Some(true), "right".into()));
        assert_eq!(typed(b"sec\x03").0, Some(false));
        assert_eq!(typed(b"\x04").0, Some(false));
        assert_eq!(typed(b"sec").0, None);
    }
}
