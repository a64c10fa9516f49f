//! Connections of the API: so many and no more, and none that only sits there.

use axum::serve::Listener;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// From the first byte of a request to the last one read of it. Whoever drips is not waited for.
const ASKED_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of one request, head and body, at most: a body as large as is taken, and as much again.
const ASKED_BYTES_MAX: usize = 128 * 1_024;
/// From the beginning of a connection to its first byte: longer than ten thousand of them take to be let in.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// A peer that takes nothing of what is written to it for so long has stopped reading.
const STALLED: Duration = Duration::from_secs(30);
/// What somebody hears for whom there is no room.
const NO_ROOM: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n\
                       Retry-After: 5\r\nConnection: close\r\nContent-Length: 171\r\n\r\n";
const NO_ROOM_BODY: &str = "{\"type\":\"urn:sekisho:problem:busy\",\"title\":\"Too many connections.\",\"status\":503,\
                            \"code\":\"busy\",\"outcome_known\":true,\"retryable\":true,\"retry_after_s\":5}";

/// Counts of connections, for the figures.
#[derive(Default)]
pub(crate) struct LineCounts {
    /// Open now.
    pub(crate) open: AtomicU64,
    /// Sent away because there were too many.
    pub(crate) refused: AtomicU64,
    /// Closed because nothing moved on them.
    pub(crate) stalled: AtomicU64,
}

/// A listener with room for so many.
pub(crate) struct Lines<L> {
    inner: L,
    room: Arc<Semaphore>,
    counts: Arc<LineCounts>,
    idle: Duration,
}

impl<L> Lines<L> {
    /// At most so many, and none on which neither side says anything for `idle`.
    pub(crate) fn new(inner: L, most: usize, idle: Duration, counts: Arc<LineCounts>) -> Self {
        Self { inner, room: Arc::new(Semaphore::new(most)), counts, idle }
    }
}

impl<L: Listener> Listener for Lines<L> {
    type Io = Line<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (io, address) = self.inner.accept().await;
            let Ok(room) = self.room.clone().try_acquire_owned() else {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(send_away(io));
                continue;
            };
            return (Line::new(io, room, self.counts.clone(), self.idle), address);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// Says why, where that can be said at once.
async fn send_away(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let said = format!("{}{NO_ROOM_BODY}", NO_ROOM.replace("171", &NO_ROOM_BODY.len().to_string()));
    let telling = async {
        io.write_all(said.as_bytes()).await?;
        io.shutdown().await?;
        // What was asked is read and dropped: closed with it unread, a line takes the answer along.
        let (mut rest, mut left) = ([0; 1_024], ASKED_BYTES_MAX);
        while let bytes @ 1.. = io.read(&mut rest).await? {
            left = left.checked_sub(bytes).ok_or(io::ErrorKind::FileTooLarge)?;
        }
        Ok::<(), io::Error>(())
    };
    // Whoever does not listen to that either misses nothing.
    let _ = tokio::time::timeout(Duration::from_secs(1), telling).await;
}

/// One connection, with its place and its patience.
pub(crate) struct Line<Io> {
    io: Io,
    counts: Arc<LineCounts>,
    idle: Duration,
    /// When something moved last.
    moved: Instant,
    /// Since when a write waits.
    stuck: Option<Instant>,
    /// Since when bytes come that were not answered yet, and how many they are.
    asking: Option<(Instant, usize)>,
    /// Whether anything was read yet.
    began: bool,
    alarm: Pin<Box<Sleep>>,
    _room: OwnedSemaphorePermit,
}

impl<Io> Line<Io> {
    fn new(io: Io, room: OwnedSemaphorePermit, counts: Arc<LineCounts>, idle: Duration) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        let moved = Instant::now();
        let alarm = Box::pin(sleep_until(moved + idle));
        Self { io, counts, idle, moved, stuck: None, asking: None, began: false, alarm, _room: room }
    }

    fn moved(&mut self) {
        self.moved = Instant::now();
        self.stuck = None;
    }

    /// Whether nothing has moved for too long; otherwise sees to it that this is asked again in time.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            let patience = if self.began { self.idle } else { self.idle.min(FIRST_BYTE) };
            let idle_ends = self.moved + patience;
            let until = self.stuck.map_or(idle_ends, |since| idle_ends.min(since + STALLED));
            if Instant::now() >= until {
                self.counts.stalled.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            if self.alarm.deadline() != until {
                self.alarm.as_mut().reset(until);
            }
            if self.alarm.as_mut().poll(context).is_pending() {
                return false;
            }
        }
    }

    /// Whether one request takes too long to be said, or is too long.
    fn asks_too_much(&mut self, bytes: usize) -> bool {
        self.began = true;
        let (since, before) = self.asking.unwrap_or((self.moved, 0));
        self.asking = Some((since, before + bytes));
        let is_too_much = since.elapsed() > ASKED_WITHIN || before + bytes > ASKED_BYTES_MAX;
        if is_too_much {
            self.counts.stalled.fetch_add(1, Ordering::Relaxed);
        }
        is_too_much
    }

    fn over() -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, "nothing moved")
    }
}

impl<Io> Drop for Line<Io> {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Line<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Ready(read) => {
                self.moved();
                let bytes = buffer.filled().len() - before;
                if bytes > 0 && self.asks_too_much(bytes) {
                    return Poll::Ready(Err(Self::over()));
                }
                Poll::Ready(read)
            }
            Poll::Pending if self.is_over(context) => Poll::Ready(Err(Self::over())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<Io: AsyncWrite + Unpin> Line<Io> {
    fn wrote<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(written) => {
                self.moved();
                self.asking = None;
                Poll::Ready(written)
            }
            Poll::Pending => {
                self.stuck.get_or_insert_with(Instant::now);
                if self.is_over(context) { Poll::Ready(Err(Self::over())) } else { Poll::Pending }
            }
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Line<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.wrote(context, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;
    use tokio::runtime::Builder;

    fn line(
        io: tokio::io::DuplexStream,
        counts: &Arc<LineCounts>,
        idle: Duration,
    ) -> Line<tokio::io::DuplexStream> {
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one");
        Line::new(io, room, counts.clone(), idle)
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(test);
    }

    #[test]
    fn a_line_on_which_nobody_says_anything_is_closed_and_one_that_talks_is_not() {
        run(async {
            let counts = Arc::new(LineCounts::default());
            let (ours, mut theirs) = duplex(64);
            let mut line = line(ours, &counts, Duration::from_millis(200));
            let mut byte = [0; 1];
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                theirs.write_all(b"x").await.expect("there is room");
                line.read_exact(&mut byte).await.expect("it talks");
            }
            let error = line.read_exact(&mut byte).await.expect_err("it is silent");
            assert_eq!((error.kind(), counts.stalled.load(Ordering::Relaxed)), (io::ErrorKind::TimedOut, 1));
            drop(line);
            assert_eq!(counts.open.load(Ordering::Relaxed), 0);
        });
    }

    #[test]
    fn a_request_without_an_end_is_cut_off() {
        run(async {
            let counts = Arc::new(LineCounts::default());
            let (ours, mut theirs) = duplex(1_024);
            let mut line = line(ours, &counts, Duration::from_secs(60));
            let talker = tokio::spawn(async move { while theirs.write_all(&[b'x'; 512]).await.is_ok() {} });
            let mut read = 0;
            let mut buffer = [0; 4_096];
            let error = loop {
                match line.read(&mut buffer).await {
                    Ok(bytes) => read += bytes,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!((ASKED_BYTES_MAX - 4_096..=ASKED_BYTES_MAX).contains(&read), "{read}");
            drop(line);
            talker.await.expect("it ends with the line");
        });
    }

    #[test]
    fn a_reader_that_takes_nothing_is_closed_too() {
        run(async {
            let counts = Arc::new(LineCounts::default());
            let (ours, theirs) = duplex(64);
            let mut line = line(ours, &counts, Duration::from_millis(200));
            let error = line.write_all(&[0; 1_000]).await.expect_err("nobody reads");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            drop(theirs);
        });
    }
}
