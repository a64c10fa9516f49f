//! The connections of one link, and which of them its session rests on.
//!
//! A sign-on is a fact about a conversation, and a conversation lives as long as one of its connections does at
//! the peer. What we see of that are the openings and closings of sockets, and these come in any order: a peer
//! that loses everything and dials again at once may be heard as
//!
//! ```text
//!   opened 3 · closed 1 · opened 4 · closed 2        at no moment is there none
//! ```
//! although at the peer 1 and 2 were gone before 3 was dialled. So a connection that comes while others stand is a
//! **newcomer**: it carries nothing until the peer has answered a question that left, on a connection that
//! carries, after the newcomer stood. That is proof that the two stood at the peer side by side. Where the last
//! connection that carries is lost and only newcomers are left, all was lost in between, for all we know: the link
//! was disconnected and stands anew. A sign-on too many harms nobody; business in a session that only we
//! believe in is declined until somebody looks.

use alloc::vec::Vec;
use terms::{ConnId, Instant, Stan};

/// Time after which a question that was to prove something, and is not answered, gives way to another.
const PROOF_MS: u32 = 5_000;

/// What an opening or closing means for the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinesTurn {
    /// The first connection stands.
    Up,
    /// The last one is gone.
    Down,
    /// Everything that carried the session is gone, and others stand by now: down, and up.
    Anew,
    /// The session is what it was; there are more connections, or fewer.
    Same,
    /// It is none of ours any more.
    Stranger,
}

/// The connections of a link.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    carrying: Vec<ConnId>,
    newcomers: Vec<ConnId>,
    proof: Option<Proof>,
}

/// A question that left on a connection that carries, when so many newcomers stood.
#[derive(Clone, Copy, Debug)]
struct Proof {
    stan: Stan,
    newcomers: usize,
    since: Instant,
}

impl Lines {
    /// Connections that stand.
    pub fn standing(&self) -> usize {
        self.carrying.len() + self.newcomers.len()
    }

    /// Where the next question should go, so that its answer lets newcomers in; `None` where it does not matter.
    pub fn best_asked(&self, now: Instant) -> Option<ConnId> {
        let is_wanted = !self.newcomers.is_empty() && !self.is_proving(now);
        self.carrying.first().copied().filter(|_| is_wanted)
    }

    fn is_proving(&self, now: Instant) -> bool {
        self.proof.is_some_and(|proof| now < proof.since.plus_ms(PROOF_MS))
    }

    /// A connection stands.
    pub fn opened(&mut self, conn: ConnId) -> LinesTurn {
        if self.carrying.is_empty() {
            self.carrying.push(conn);
            return LinesTurn::Up;
        }
        self.newcomers.push(conn);
        LinesTurn::Same
    }

    /// A connection is gone.
    pub fn closed(&mut self, conn: ConnId) -> LinesTurn {
        let is = |other: &ConnId| *other == conn;
        if let Some(at) = self.newcomers.iter().position(is) {
            self.newcomers.remove(at);
            self.proof = self.proof.take().and_then(|proof| proof.without(at));
            return LinesTurn::Same;
        }
        let Some(at) = self.carrying.iter().position(is) else { return LinesTurn::Stranger };
        self.carrying.swap_remove(at);
        if !self.carrying.is_empty() {
            return LinesTurn::Same;
        }
        self.proof = None;
        self.carrying = core::mem::take(&mut self.newcomers);
        if self.carrying.is_empty() { LinesTurn::Down } else { LinesTurn::Anew }
    }

    /// We broke every connection: whatever comes from now on is a beginning.
    pub fn hung_up(&mut self) {
        *self = Self::default();
    }

    /// A question of ours was handed to a connection.
    pub fn asked(&mut self, now: Instant, conn: ConnId, stan: Stan) {
        if self.newcomers.is_empty() || self.is_proving(now) || !self.carrying.contains(&conn) {
            return;
        }
        self.proof = Some(Proof { stan, newcomers: self.newcomers.len(), since: now });
    }

    /// The peer answered the question of that number, on whichever connection.
    pub fn answered(&mut self, stan: Stan) {
        let Some(proof) = self.proof.take_if(|proof| proof.stan == stan) else { return };
        self.carrying.extend(self.newcomers.drain(..proof.newcomers));
    }
}

impl Proof {
    /// The newcomer at that place is gone.
    fn without(self, at: usize) -> Option<Self> {
        let newcomers = if at < self.newcomers { self.newcomers - 1 } else { self.newcomers };
        (newcomers > 0).then_some(Self { newcomers, ..self })
    }
}
