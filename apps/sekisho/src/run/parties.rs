//! Sources and links as the loop around a lane knows them.

use super::guard::Rule;
use dialects::Dialect;
use net::LinkHandle;
use std::rc::Rc;
use switch::Lines;
use terms::LinkName;

/// A source as the loop needs it.
pub(crate) struct Source {
    pub(crate) dialect: Rc<Dialect>,
    /// Messages that cannot be read after which its connection is closed.
    pub(crate) unreadable_max: u32,
    /// What its messages are guarded by.
    pub(crate) guard: Option<Rule>,
}

/// How keys are exchanged with a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchanging {
    /// We draw them, and not the host.
    pub(crate) we_draw: bool,
    /// How often by itself.
    pub(crate) every_ms: Option<u32>,
    /// Ours gives way where the host begins as well.
    pub(crate) yields: bool,
}

/// A link as the loop needs it.
pub(crate) struct Link {
    pub(crate) name: LinkName,
    pub(crate) dialect: Rc<Dialect>,
    /// Set once the network runs.
    pub(crate) handle: Option<LinkHandle>,
    /// What stands of it, and what carries its session.
    pub(crate) lines: Lines,
    /// How keys are exchanged with it, where they are.
    pub(crate) key_exchange: Option<Exchanging>,
    /// What its messages are guarded by.
    pub(crate) guard: Option<Rule>,
}
