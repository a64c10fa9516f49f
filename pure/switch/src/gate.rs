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
pub(crate) struct Gate {
    /// Nobody has tried to tell it.
    left: BTreeSet<ForwardId>,
    /// On its way; shut again for it where it turns out that it never left.
    leaving: BTreeSet<ForwardId>,
}

impl Gate {
    /// Keeps the gate shut until its host has been told of this one.
    pub(crate) fn wait_for(&mut self, id: ForwardId) {
        self.left.insert(id);
    }

    /// The host is being told of it. Whether that opened the gate.
    pub(crate) fn pass(&mut self, id: ForwardId) -> bool {
        let passes = self.left.remove(&id);
        if passes {
            self.leaving.insert(id);
        }
        passes && self.left.is_empty()
    }

    /// No byte of it left: the host has still to be told.
    pub(crate) fn come_back(&mut self, id: ForwardId) {
        if self.leaving.remove(&id) {
            self.left.insert(id);
        }
    }

    /// It was told, or never will be. Whether that opened the gate.
    pub(crate) fn end(&mut self, id: ForwardId) -> bool {
        self.leaving.remove(&id);
        self.left.remove(&id) && self.left.is_empty()
    }

    /// Whether requests may go.
    pub(crate) fn is_open(&self) -> bool {
        self.left.is_empty()
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.left.len()
    }
}
