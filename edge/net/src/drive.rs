use crate::conn::Place;
use crate::party::{Manner, Party};
use crate::shared::Shared;
use crate::stream::{Source, Stream};
use crate::{CloseReason, Conn};
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::ReadBuf;
use wire::Next;

/// Time a peer gets to say its last after we said ours.
const PARTING_MS: u64 = 1_000;
/// A queue of unfinished bytes keeps this much when it is empty.
const PENDING_KEPT_BYTES: usize = 1_024;

/// Runs one connection from its opening to its end. `opened` and `gone` are called just before the switch is
/// told; after that the peer's last word is waited for.
pub(crate) async fn run(
    net: &Rc<Shared>,
    party: &Rc<Party>,
    at: Place,
    stream: Stream,
    opened: impl FnOnce(&Conn),
    gone: impl FnOnce(&CloseReason),
) {
    let conn = net.admit(at, party.clone());
    let mut drive = Drive { source: stream.attach(&conn), conn, pending: Vec::new(), heard_last: false };
    party.counters.open.add(1);
    opened(&drive.conn);
    party.handler.opened(&drive.conn);
    net.touch(&party.handler);

    let why = (&mut drive).await;

    let Drive { source, conn, .. } = drive;
    conn.end(why.clone());
    net.forget(conn.id());
    party.counters.open.sub(1);
    party.counters.closed(&why);
    tracing::debug!(conn = conn.id().0, peer = %conn.peer(), name = %conn.name(), %why, "connection closed");
    gone(&why);
    party.handler.closed(&conn, &why);
    net.touch(&party.handler);
    leave(source, &conn, &why).await;
}

async fn leave(source: Source, conn: &Conn, why: &CloseReason) {
    if conn.0.abandoned.get() || matches!(why, CloseReason::SlowReader { .. }) {
        source.reset();
    } else if why.waits_for_unsent() {
        let parting = Duration::from_millis(PARTING_MS);
        // A peer that says nothing more is left alone after a while; nothing of ours depends on it.
        let _ = tokio::time::timeout(parting, source.part(conn)).await;
    }
    conn.detach();
}

/// The life of one connection, as a future.
struct Drive {
    conn: Conn,
    source: Source,
    /// The beginning of a frame whose rest has not arrived.
    pending: Vec<u8>,
    /// One request per connection: the peer will send no more, and waits for its answer.
    heard_last: bool,
}

enum Reading {
    Waiting,
    /// There may be more, but the others come first.
    More,
    Ended(CloseReason),
}

impl Future for Drive {
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = self.get_mut();
        this.conn.keep_waker(cx.waker());
        if this.conn.is_open() {
            match this.read(cx) {
                Reading::Waiting => {}
                Reading::More => cx.waker().wake_by_ref(),
                Reading::Ended(why) => this.conn.end(why),
            }
        }
        if this.conn.0.blocked.get() || !this.conn.is_open() {
            this.write(cx);
        }
        match this.conn.ending() {
            Some(why) if !this.must_wait(&why) => Poll::Ready(why),
            _ => Poll::Pending,
        }
    }
}

impl Drive {
    fn read(&mut self, cx: &mut Context<'_>) -> Reading {
        if self.heard_last {
            return Reading::Waiting;
        }
        let net = self.conn.0.net.clone();
        let mut buffer = net.read_buffer.take();
        let reading = self.read_into(&mut buffer, cx);
        net.read_buffer.set(buffer);
        reading
    }

    fn read_into(&mut self, buffer: &mut [u8], cx: &mut Context<'_>) -> Reading {
        let mut read_bytes = 0;
        let read_bytes_max = self.conn.0.party.read_bytes;
        while read_bytes < read_bytes_max {
            let held = self.pending.len();
            buffer[..held].copy_from_slice(&self.pending);
            let mut space = ReadBuf::new(&mut buffer[held..held + read_bytes_max]);
            match self.source.poll_read(cx, &mut space) {
                Poll::Pending => return Reading::Waiting,
                // TLS ended without saying so. Frames carry their own lengths, so nothing can be cut off unseen.
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return self.last_heard();
                }
                Poll::Ready(Err(error)) => return Reading::Ended(CloseReason::Reset(error.kind())),
                Poll::Ready(Ok(())) => {}
            }
            let count = space.filled().len();
            if count == 0 {
                return self.last_heard();
            }
            read_bytes += count;
            if let Err(why) = self.heard(&buffer[..held + count], count) {
                return Reading::Ended(why);
            }
            if !self.conn.is_open() {
                return Reading::Waiting;
            }
        }
        Reading::More
    }

    /// The peer will send nothing more. One that asked its one question may still wait for the answer.
    fn last_heard(&mut self) -> Reading {
        let pending_bytes = self.pending.len();
        if self.conn.0.asked.get() {
            self.heard_last = true;
            Reading::Waiting
        } else if pending_bytes > 0 {
            Reading::Ended(CloseReason::PeerClosedMidFrame { pending_bytes })
        } else {
            Reading::Ended(CloseReason::PeerClosed)
        }
    }

    /// Hands over the frames of `bytes`, of which the last `count` are new, and keeps what is left.
    fn heard(&mut self, bytes: &[u8], count: usize) -> Result<(), CloseReason> {
        let inner = &self.conn.0;
        inner.party.counters.bytes_in.add(count as u64);
        if inner.asked.get() {
            return Ok(()); // Nothing after the one request means anything.
        }
        inner.heard_ms.set(inner.net.now_ms());
        let used = self.hand_over(bytes)?;
        self.keep(&bytes[used..], used > 0);
        Ok(())
    }

    fn hand_over(&self, bytes: &[u8]) -> Result<usize, CloseReason> {
        let (conn, party) = (&self.conn, &self.conn.0.party);
        let (mut used, mut frames) = (0, 0);
        let result = loop {
            match party.framing.next(&bytes[used..]) {
                Ok(Next::Frame { header, body, consumed }) => {
                    used += consumed;
                    frames += 1;
                    conn.0.asked.set(party.manner == Manner::OneRequest);
                    party.handler.frame(conn, header, body);
                    if conn.0.asked.get() || !conn.is_open() {
                        break Ok(bytes.len());
                    }
                }
                // Never answered: two ends that answer each other's signs of life would never stop.
                Ok(Next::KeepAlive { consumed }) => {
                    used += consumed;
                    party.counters.keep_alives.add(1);
                }
                Ok(Next::NeedMore { .. }) => break Ok(used),
                Err(error) => break Err(CloseReason::Framing(error)),
            }
        };
        if frames > 0 {
            party.counters.frames_in.add(frames);
            conn.0.net.touch(&party.handler);
        }
        result
    }

    /// Keeps the beginning of a frame. Its time runs from its first byte, however many follow one by one.
    fn keep(&mut self, rest: &[u8], another: bool) {
        let inner = &self.conn.0;
        if another || self.pending.is_empty() {
            inner.pending_since_ms.set(inner.net.now_ms());
        }
        inner.pending_bytes.set(rest.len());
        self.pending.clear();
        if rest.is_empty() {
            self.pending.shrink_to(PENDING_KEPT_BYTES);
        } else {
            self.pending.extend_from_slice(rest);
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        if self.conn.0.abandoned.get() {
            return;
        }
        match self.source.poll_write_queued(&self.conn, cx) {
            Poll::Ready(Ok(())) => self.conn.written_all(),
            Poll::Ready(Err(error)) => {
                self.conn.0.abandoned.set(true);
                self.conn.end(CloseReason::Reset(error.kind()));
            }
            Poll::Pending => self.conn.block(),
        }
    }

    /// Whether an ending has to wait for bytes the peer should still get.
    fn must_wait(&self, why: &CloseReason) -> bool {
        why.waits_for_unsent() && self.conn.0.blocked.get() && !self.conn.0.abandoned.get()
    }
}
