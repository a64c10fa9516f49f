//! What whoever starts a switch says about that start.

use super::recovery::Recover;

/// How a switch is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Nothing is synced: for measuring, never for money.
    pub unsafe_no_sync: bool,
    /// What to do after an unclean stop.
    pub recover: Recover,
}
