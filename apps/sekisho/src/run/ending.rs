//! How a switch comes to its end: in order, once nobody is signed on any more, or at once.
//!
//! An orderly stop leaves the clean mark behind; whatever ends without it makes the next start a recovery.

use super::core::Core;
use switch::{Event, LinkState};
use terms::{LinkId, Text};
use tokio::sync::oneshot;

/// A person wants the switch to end.
pub struct EndOrder {
    /// What of.
    pub how: End,
    /// Who.
    pub by: Text<24>,
    /// Where it is said whether it will.
    pub answer: oneshot::Sender<Result<(), StillSignedOn>>,
}

/// How it is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, and only if no link is signed on.
    Orderly,
    /// In order, signing off first what is signed on.
    SigningOff,
    /// At once, without the clean mark.
    AtOnce,
}

/// Links that are in session, and keep the switch from stopping in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillSignedOn(pub Vec<String>);

impl Core {
    /// Links that sign on and have not signed off.
    pub(crate) fn in_session(&self) -> Vec<LinkId> {
        let now = self.clock.now().instant;
        let ids = (0..self.links.len()).map(|at| LinkId(at as u16));
        let in_session = |id: &LinkId| {
            self.lane.link_seen(now, *id).is_some_and(|seen| {
                let signs_on = seen.sign_on != switch::SignOn::None;
                signs_on && has_a_session(seen.state)
            })
        };
        ids.filter(in_session).collect()
    }

    /// Those links, by name.
    pub(crate) fn still_signed_on(&self) -> Result<(), StillSignedOn> {
        let ids = self.in_session();
        let names: Vec<_> = ids.iter().map(|id| self.links[usize::from(id.0)].name.to_string()).collect();
        if names.is_empty() { Ok(()) } else { Err(StillSignedOn(names)) }
    }

    /// Signs off what is signed on: each once nothing is in flight on it.
    pub(crate) fn sign_everybody_off(&mut self, by: Text<24>) {
        for link in self.in_session() {
            self.step(Event::LinkOrdered { link, order: journal::LinkOrder::SignOff, by });
        }
        self.on_durable();
    }

    /// Whether no answer to a sign-off is awaited any more, nor anything a sign-off waits for.
    pub(crate) fn is_signed_off(&self) -> bool {
        let now = self.clock.now().instant;
        self.in_session().into_iter().filter_map(|id| self.lane.link_seen(now, id)).all(|seen| {
            match seen.state {
                LinkState::SigningOff => false,
                LinkState::Draining => seen.in_flight == 0,
                _ => true,
            }
        })
    }
}

const fn has_a_session(state: LinkState) -> bool {
    match state {
        LinkState::SigningOn | LinkState::SignedOn | LinkState::Draining | LinkState::SigningOff => true,
        LinkState::Disconnected | LinkState::Connected | LinkState::SignedOff | LinkState::Maintenance => {
            false
        }
    }
}
