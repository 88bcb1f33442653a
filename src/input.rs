//! Files that a user names, read whole, and never more than there can be of anything here: a device or an endless pipe ends
//! with a message, not with the memory of the machine.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// How many bytes are read at most. An API server takes about 3 MiB in one request; a file of many manifests may hold more.
const MOST: u64 = 64 << 20;

/// What is in a file.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn bytes(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    whole(File::open(path)?)
}

/// The text in a file.
///
/// # Errors
/// When it cannot be read, is too large or is no UTF-8.
pub fn text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "is no UTF-8"))
}

/// All that a stream gives.
///
/// # Errors
/// When it breaks off, or gives too much.
pub fn whole(stream: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "is larger than 64 MiB, and no more is read"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_an_end_is_refused() {
        assert_eq!(whole(io::repeat(0)).expect_err("no end").kind(), ErrorKind::FileTooLarge);
        assert_eq!(whole(&b"text"[..]).expect("a text"), b"text");
    }
}
