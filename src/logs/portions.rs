//! A stream that comes in many small pieces, handed on in portions: beside the loop of logs a task gathers what is there,
//! so that the loop turns once for a portion and not once for each piece.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use futures::{AsyncBufRead, AsyncBufReadExt as _, FutureExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::{PORTION, Pace, Then};
use super::slots::Reader;

/// How many portions are gathered ahead of a slow reader.
const AHEAD: usize = 1;

type Portion = io::Result<Vec<u8>>;

/// The same bytes in portions, of a log that is followed or not. Dropping it closes the stream.
pub(super) fn in_portions(stream: impl AsyncBufRead + Send + Unpin + 'static, followed: bool) -> Reader {
    let (portions, mut gathered) = channel(AHEAD);
    let mut gathering = JoinSet::new();
    gathering.spawn(async move {
        // It fails when nobody reads any more.
        let _ = gather(stream, portions, followed).await;
    });
    let portions = stream::poll_fn(move |cx| {
        let _lives_as_long = &gathering;
        gathered.poll_recv(cx)
    });
    Box::new(portions.into_async_read())
}

/// Gathers until the stream ends.
async fn gather(mut stream: impl AsyncBufRead + Unpin, portions: Sender<Portion>, followed: bool) -> Result<(), SendError<Portion>> {
    let mut pace = Pace::new(Instant::now());
    let mut portion = Vec::new();
    loop {
        let read = match take(&mut stream, &mut portion).now_or_never() {
            Some(read) => read,
            None => match pace.dry() {
                Then::Yield => {
                    step_back().await;
                    continue;
                }
                Then::Rest(time) => {
                    hand(&mut portion, &portions).await?;
                    rest(time, followed).await;
                    pace.rested();
                    continue;
                }
                Then::Wait => {
                    hand(&mut portion, &portions).await?;
                    take(&mut stream, &mut portion).await
                }
            },
        };
        match read {
            Ok(0) => return hand(&mut portion, &portions).await,
            Ok(count) => pace.came(Instant::now(), count),
            Err(error) => {
                hand(&mut portion, &portions).await?;
                return portions.send(Err(error)).await;
            }
        }
        if portion.len() >= PORTION {
            hand(&mut portion, &portions).await?;
        }
    }
}

/// Leaves the stream alone. Where nobody waits for lines that are yet to be written, the whole thread sleeps: the runtime
/// would wake for each packet that comes meanwhile, ten thousand times for a million lines, and that is half of all work.
async fn rest(time: Duration, followed: bool) {
    match followed {
        true => tokio::time::sleep(time).await,
        false => std::thread::sleep(time),
    }
}

/// Takes a piece of the stream; none is left at its end.
async fn take(stream: &mut (impl AsyncBufRead + Unpin), portion: &mut Vec<u8>) -> io::Result<usize> {
    let piece = stream.fill_buf().await?;
    let count = piece.len();
    portion.extend_from_slice(piece);
    stream.consume_unpin(count);
    Ok(count)
}

/// Lets the tasks go first that are ready, of which one brings the next piece. tokio's own `yield_now` asks the system for
/// news each time, which costs as much as the piece.
async fn step_back() {
    let mut is_last = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_last, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn hand(portion: &mut Vec<u8>, portions: &Sender<Portion>) -> Result<(), SendError<Portion>> {
    if portion.is_empty() {
        return Ok(());
    }
    // The next one is likely as long as one of those before it.
    let next = Vec::with_capacity(portion.capacity());
    portions.send(Ok(std::mem::replace(portion, next))).await
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt as _, SinkExt as _, StreamExt as _};

    use super::*;

    fn in_a_runtime<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    #[test]
    fn all_bytes_come_in_order_and_the_end_after_them() {
        let pieces: Vec<Vec<u8>> = (0..2000_u32).map(|number| number.to_be_bytes().repeat(number as usize % 50)).collect();
        for followed in [true, false] {
            assert_eq!(read(pieces.clone(), followed), pieces.concat());
        }
    }

    fn read(pieces: Vec<Vec<u8>>, followed: bool) -> Vec<u8> {
        in_a_runtime(async {
            let (mut sender, receiver) = futures::channel::mpsc::channel::<io::Result<Vec<u8>>>(1);
            let written = async move {
                for piece in pieces {
                    sender.send(Ok(piece)).await.unwrap();
                }
            };
            let mut portions = in_portions(receiver.into_async_read(), followed);
            let mut read = Vec::new();
            let (_, result) = futures::join!(written, portions.read_to_end(&mut read));
            result.unwrap();
            read
        })
    }

    #[test]
    fn what_came_before_a_stream_broke_comes_before_the_reason() {
        let pieces = stream::iter([Ok(b"one\n".to_vec()), Err(io::Error::other("cut"))]).chain(stream::pending());
        let (read, error) = in_a_runtime(async {
            let mut portions = in_portions(pieces.boxed().into_async_read(), true);
            let mut read = Vec::new();
            let error = portions.read_to_end(&mut read).await.unwrap_err();
            (read, error)
        });
        assert_eq!((read.as_slice(), error.to_string().as_str()), (&b"one\n"[..], "cut"));
    }

    #[test]
    fn a_stream_that_nobody_reads_any_more_is_closed() {
        in_a_runtime(async {
            let (sender, receiver) = futures::channel::mpsc::channel::<io::Result<Vec<u8>>>(1);
            let portions = in_portions(receiver.into_async_read(), true);
            tokio::task::yield_now().await;
            drop(portions);
            tokio::time::timeout(Duration::from_secs(5), async {
                while !sender.is_closed() {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .unwrap();
        });
    }
}
