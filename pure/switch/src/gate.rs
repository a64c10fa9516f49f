//! After an unclean stop a host hears first of what the dead process left, and then of anything new.
//!
//! ```text
//!  unclean stop ─▶ what is owed is noted, link by link ─▶ each attempted once ─▶ the link takes requests
//! ```
//! A customer who comes early is declined, nothing having been sent. A clean stop leaves no gate: nothing was in
//! flight, and what is owed goes out beside business.

use alloc::collections::BTreeSet;
use terms::ForwardId;

/// What one host has not heard of yet since an unclean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gate(BTreeSet<ForwardId>);

impl Gate {
    /// Keeps the gate shut until its host has been told of this one.
    pub(crate) fn wait_for(&mut self, id: ForwardId) {
        self.0.insert(id);
    }

    /// The host was told of it, or will not be. Whether that opened the gate.
    pub(crate) fn pass(&mut self, id: ForwardId) -> bool {
        self.0.remove(&id) && self.0.is_empty()
    }

    /// Whether requests may go.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }
}
