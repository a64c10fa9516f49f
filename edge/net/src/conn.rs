use crate::party::{Manner, Party};
use crate::shared::Shared;
use crate::{CloseReason, Counters};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use terms::{ConnId, LinkId, LinkName, SourceId};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;
use wire::{Framing, WriteError};

/// One connection, as the switch holds it. A clone is another hold on the same connection; holding one does
/// not keep it open.
#[derive(Clone)]
pub struct Conn(pub(crate) Rc<Inner>);

/// Which end of the configuration a connection belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It came in through a listener.
    Source(SourceId),
    /// We dialled it.
    Link {
        /// The link.
        link: LinkId,
        /// Which of the link's connections, from 0.
        slot: u16,
    },
}

/// Why a frame was not queued. `E` is the error of whoever wrote the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError<E> {
    /// The connection is closed or being closed.
    #[error("the connection is closed")]
    Closed,
    /// The connection carries one answer, and it was given.
    #[error("the one answer of this connection was given already")]
    Answered,
    /// Too much waits for the peer already; the connection is being closed.
    #[error("the peer reads too slowly: {unsent_bytes} bytes wait for it")]
    SlowReader {
        /// Bytes that wait.
        unsent_bytes: usize,
    },
    /// The frame could not be written; nothing of it was queued.
    #[error("the frame could not be written: {0}")]
    Frame(WriteError<E>),
}

pub(crate) struct Inner {
    pub(crate) id: ConnId,
    pub(crate) peer: SocketAddr,
    pub(crate) role: Role,
    pub(crate) name: LinkName,
    pub(crate) party: Rc<Party>,
    pub(crate) net: Rc<Shared>,
    tag: Cell<u64>,
    out: RefCell<Out>,
    /// The writing half of a plain connection. TLS is written by the connection's own task.
    direct: RefCell<Option<OwnedWriteHalf>>,
    waker: RefCell<Option<Waker>>,
    ending: RefCell<Option<CloseReason>>,
    dirty: Cell<bool>,
    /// The operating system took less than it was given: the task finishes when it takes more.
    pub(crate) blocked: Cell<bool>,
    pub(crate) abandoned: Cell<bool>,
    pub(crate) asked: Cell<bool>,
    pub(crate) answered: Cell<bool>,
    /// Bytes of an unfinished frame that lie here, and since when.
    pub(crate) pending_bytes: Cell<usize>,
    pub(crate) pending_since_ms: Cell<u64>,
    pub(crate) heard_ms: Cell<u64>,
    pub(crate) stalled_since_ms: Cell<u64>,
}

/// Bytes on their way out; the first `sent` of them are gone already.
#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    sent: usize,
}

impl Conn {
    pub(crate) fn new(id: ConnId, at: Place, party: Rc<Party>, net: Rc<Shared>) -> Self {
        let now_ms = net.now_ms();
        Self(Rc::new(Inner {
            id,
            peer: at.peer,
            role: at.role,
            name: at.name,
            party,
            net,
            tag: Cell::new(0),
            out: RefCell::default(),
            direct: RefCell::default(),
            waker: RefCell::default(),
            ending: RefCell::default(),
            dirty: Cell::new(false),
            blocked: Cell::new(false),
            abandoned: Cell::new(false),
            asked: Cell::new(false),
            answered: Cell::new(false),
            pending_bytes: Cell::new(0),
            pending_since_ms: Cell::new(0),
            heard_ms: Cell::new(now_ms),
            stalled_since_ms: Cell::new(0),
        }))
    }

    /// Its identity, never used again in this process.
    pub fn id(&self) -> ConnId {
        self.0.id
    }

    /// The address of the other end.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Which end of the configuration it belongs to.
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// The name of its listener or link, or of the peer where the listener knows its peers by address.
    pub fn name(&self) -> &LinkName {
        &self.0.name
    }

    /// How frames are told apart on it.
    pub fn framing(&self) -> &Framing {
        &self.0.party.framing
    }

    /// The figures of its listener or link.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.0.party.counters
    }

    /// The number the switch last left here; 0 at first. Net makes nothing of it.
    pub fn tag(&self) -> u64 {
        self.0.tag.get()
    }

    /// Leaves a number here for [`Conn::tag`].
    pub fn set_tag(&self, tag: u64) {
        self.0.tag.set(tag);
    }

    /// Whether frames can still be sent.
    pub fn is_open(&self) -> bool {
        self.0.ending.borrow().is_none()
    }

    /// Bytes that wait for the peer or for the end of this turn.
    pub fn unsent_bytes(&self) -> usize {
        self.0.out.borrow().unsent().len()
    }

    /// Queues one frame: `body` appends the body to what it is given and does nothing else. It leaves at the
    /// end of the turn, or at [`crate::Net::flush`].
    ///
    /// - Errors: [`SendError`]; nothing is queued then. Over the limit of unsent bytes the connection is also
    ///   closed, because a peer that does not read must not cost memory.
    /// - Panics: when `body` sends on this same connection.
    pub fn send<E>(
        &self,
        header: &[u8],
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), SendError<E>> {
        self.may_send()?;
        let mut out = self.0.out.borrow_mut();
        self.0.party.framing.write(header, &mut out.bytes, body).map_err(SendError::Frame)?;
        drop(out);
        self.0.party.counters.frames_out.add(1);
        if self.0.party.manner == Manner::OneRequest {
            self.0.answered.set(true);
        }
        self.mark_dirty();
        self.check_unsent()
    }

    /// [`Conn::send`] of a body that is there already.
    pub fn send_bytes(&self, header: &[u8], body: &[u8]) -> Result<(), SendError<Infallible>> {
        self.send(header, |out| {
            out.extend_from_slice(body);
            Ok(())
        })
    }

    /// The request that came last will get no answer. A persistent connection does not mind; one with a single
    /// request ends, in good order, because it would only wait and keep its place from others.
    pub fn leave_unanswered(&self) {
        if self.0.party.manner == Manner::OneRequest && !self.0.answered.get() {
            self.close();
        }
    }

    /// Ends the connection in good order: what is queued is still sent, no frame is handed over any more.
    pub fn close(&self) {
        self.end(CloseReason::Ours);
    }

    /// Ends the connection at once: what is queued is dropped and the peer sees a reset.
    pub fn abort(&self) {
        self.0.abandoned.set(true);
        self.end(CloseReason::Ours);
    }

    /// The first reason given is the one that is told.
    pub(crate) fn end(&self, why: CloseReason) {
        let mut ending = self.0.ending.borrow_mut();
        if ending.is_none() {
            *ending = Some(why);
        }
        drop(ending);
        self.wake();
    }

    pub(crate) fn ending(&self) -> Option<CloseReason> {
        self.0.ending.borrow().clone()
    }

    pub(crate) fn keep_waker(&self, waker: &Waker) {
        let mut kept = self.0.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    pub(crate) fn keep_direct(&self, half: OwnedWriteHalf) {
        *self.0.direct.borrow_mut() = Some(half);
    }

    pub(crate) fn take_direct(&self) -> Option<OwnedWriteHalf> {
        self.0.direct.take()
    }

    /// Writes through the direct half, on behalf of the task that waits with `cx`.
    pub(crate) fn poll_direct(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.0.direct.borrow_mut().as_mut() {
            Some(half) => Pin::new(half).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Gives what is queued to the operating system, in one call. What it does not take is left to the task.
    pub(crate) fn flush(&self) {
        self.0.dirty.set(false);
        if self.0.blocked.get() {
            return;
        }
        match self.write_direct() {
            Direct::Done => self.written_all(),
            Direct::Later => self.hand_to_task(),
            Direct::Failed(kind) => self.end(CloseReason::Reset(kind)),
        }
    }

    fn write_direct(&self) -> Direct {
        let mut out = self.0.out.borrow_mut();
        if out.unsent().is_empty() {
            return Direct::Done;
        }
        let direct = self.0.direct.borrow();
        let Some(half) = direct.as_ref() else { return Direct::Later };
        match half.try_write(out.unsent()) {
            Ok(taken) => {
                self.0.party.counters.bytes_out.add(taken as u64);
                if out.take(taken) { Direct::Done } else { Direct::Later }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Direct::Later,
            Err(error) => Direct::Failed(error.kind()),
        }
    }

    fn hand_to_task(&self) {
        self.block();
        self.wake();
    }

    /// The task is waiting for the operating system to take more.
    pub(crate) fn block(&self) {
        if !self.0.blocked.replace(true) {
            self.0.stalled_since_ms.set(self.0.net.now_ms());
        }
    }

    /// Shows `write` what is queued.
    pub(crate) fn with_unsent<R>(&self, write: impl FnOnce(&[u8]) -> R) -> R {
        write(self.0.out.borrow().unsent())
    }

    /// So many of the queued bytes are with the operating system.
    pub(crate) fn taken(&self, count: usize) {
        self.0.party.counters.bytes_out.add(count as u64);
        self.0.stalled_since_ms.set(self.0.net.now_ms());
        self.0.out.borrow_mut().take(count);
    }

    /// Lets go of the socket and of all memory, whoever still holds this.
    pub(crate) fn detach(&self) {
        drop(self.take_direct());
        self.0.waker.take();
        self.0.out.take();
    }

    /// Everything queued is with the operating system.
    pub(crate) fn written_all(&self) {
        self.0.blocked.set(false);
        if self.0.answered.get() && self.is_open() {
            self.end(CloseReason::Answered);
        }
    }

    /// Gives back the memory of a queue that is empty.
    pub(crate) fn shrink(&self) {
        let mut out = self.0.out.borrow_mut();
        if out.bytes.is_empty() && out.bytes.capacity() > 0 {
            out.bytes = Vec::new();
        }
    }

    fn may_send<E>(&self) -> Result<(), SendError<E>> {
        if self.0.answered.get() {
            return Err(SendError::Answered);
        }
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        Ok(())
    }

    /// A turn may queue more than the limit for a peer that reads well, so it is asked to take some first.
    fn check_unsent<E>(&self) -> Result<(), SendError<E>> {
        let unsent_bytes_max = self.0.party.limits.unsent_bytes_max;
        if self.unsent_bytes() <= unsent_bytes_max {
            return Ok(());
        }
        self.flush();
        let unsent_bytes = self.unsent_bytes();
        if unsent_bytes <= unsent_bytes_max {
            return Ok(());
        }
        self.end(CloseReason::SlowReader { unsent_bytes });
        Err(SendError::SlowReader { unsent_bytes })
    }

    fn mark_dirty(&self) {
        if !self.0.dirty.replace(true) {
            self.0.net.dirty(self.clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.0.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conn({} {} {:?})", self.0.id.0, self.0.peer, self.0.role)
    }
}

/// Where a new connection stands.
pub(crate) struct Place {
    pub(crate) peer: SocketAddr,
    pub(crate) role: Role,
    pub(crate) name: LinkName,
}

enum Direct {
    Done,
    Later,
    Failed(io::ErrorKind),
}

impl Out {
    fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Forgets `count` bytes that were sent; `true` when none are left.
    fn take(&mut self, count: usize) -> bool {
        self.sent += count;
        assert!(self.sent <= self.bytes.len(), "no more is sent than was queued");
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
            return true;
        }
        // Moving what is left pays only when more was sent than is left.
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_in_the_queue_is_what_was_not_taken() {
        let mut out = Out { bytes: (0..10).collect(), sent: 0 };
        assert!(!out.take(4));
        assert_eq!(out.unsent(), [4, 5, 6, 7, 8, 9]);
        out.bytes.push(10);
        assert!(!out.take(3));
        assert_eq!(out.unsent(), [7, 8, 9, 10]);
        assert!(out.take(4));
        assert!(out.unsent().is_empty());
    }
}
