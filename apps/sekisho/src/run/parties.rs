//! Sources and links as the loop around a lane knows them.

use super::guard::Rule;
use dialects::Dialect;
use net::LinkHandle;
use std::rc::Rc;
use terms::LinkName;

/// A source as the loop needs it.
pub(crate) struct Source {
    pub(crate) dialect: Rc<Dialect>,
    /// Messages that cannot be read after which its connection is closed.
    pub(crate) unreadable_max: u32,
    /// What its messages are guarded by.
    pub(crate) guard: Option<Rule>,
}

/// A link as the loop needs it.
pub(crate) struct Link {
    pub(crate) name: LinkName,
    pub(crate) dialect: Rc<Dialect>,
    /// Set once the network runs.
    pub(crate) handle: Option<LinkHandle>,
    /// What its messages are guarded by.
    pub(crate) guard: Option<Rule>,
}
