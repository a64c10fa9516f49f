//! A journal folded into a lane: as a start does it, and for those who want to know beforehand what a start would do.

use super::plan::{Names, Plan};
use journal::{Record, Vault};
use std::sync::Arc;
use switch::{Lane, LaneConfig, Outbox, Replay, ReplayError, Secrets};
use terms::Now;

/// Messages of one link that may have left without a record: as many questions as are ever in flight on most links,
/// and the network messages of days.
const UNRECORDED_MAX: u32 = 1_000;

/// A lane on its way back from its journal, under a configuration.
pub(crate) struct Folded<'a> {
    plan: &'a Plan,
    replay: Replay,
}

impl<'a> Folded<'a> {
    /// Nothing yet.
    pub(crate) fn new(plan: &'a Plan, vault: Arc<Vault>) -> Self {
        let secrets = Secrets { fingerprint: vault.secret_for(b"request fingerprint"), vault };
        let nothing = LaneConfig { remembered_max: plan.config.lane.remembered_max, ..LaneConfig::default() };
        Self { plan, replay: Replay::into_lane(Lane::new(nothing, secrets)) }
    }

    /// Takes in the next record.
    pub(crate) fn apply(&mut self, record: Record) -> Result<(), ReplayError> {
        self.replay.apply(record)
    }

    /// Whether the journal was closed in order, or holds nothing yet.
    pub(crate) fn was_closed(&self) -> bool {
        self.replay.was_closed()
    }

    /// Requests in flight so far.
    pub(crate) fn in_flight(&self) -> usize {
        self.replay.open()
    }

    /// Decides what was in flight; the records of that are left in `out`.
    pub(crate) fn finish(mut self, now: Now, out: &mut Outbox) -> Result<(Lane, Names), ReplayError> {
        if !self.was_closed() {
            self.replay.skip_trace_numbers(UNRECORDED_MAX);
        }
        let mut names = Names::default();
        let configure = |lane: &Lane| {
            names = Names::known(lane);
            self.plan.lane(&mut names)
        };
        let lane = self.replay.finish(now, configure, out)?;
        Ok((lane, names))
    }
}
