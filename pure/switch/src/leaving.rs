//! Whether a message that waited for the disk may still leave.

use crate::Lane;
use crate::forward::State;
use crate::pairing::Owner;
use terms::{Instant, LinkId, SourceId, Stan, TxnId};

/// What is to be done with a message whose record is durable now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayLeave {
    /// It leaves.
    Yes,
    /// Its time is over, or the session it was written for, and nobody has said so yet: it does not leave, and the lane is told that not a byte of
    /// it did ([`crate::Event::Unsent`]). What provably never left owes nothing.
    TooLate,
    /// It was decided meanwhile, or is owed no more: it is dropped.
    No,
}

impl Lane {
    /// Asked right before the first byte: the disk may have been slower than the deadline, or the whole process
    /// may have stood still. A request that leaves after its deadline is a posting nobody waits for any more,
    /// and one that lies in the host's queue longer than the guard allows for.
    pub fn may_leave(&self, now: Instant, link: LinkId, host_stan: Stan, id: TxnId) -> MayLeave {
        let Some(link) = self.links.get(usize::from(link.0)) else { return MayLeave::No };
        let by = |until, now| if link.is_between_sessions() { MayLeave::TooLate } else { by(until, now) };
        match link.find(host_stan) {
            Some(Owner::InFlight(at)) => {
                let slot = self.memory.get(at as usize).filter(|slot| slot.id == id);
                slot.and_then(|slot| slot.deadline()).map_or(MayLeave::No, |until| by(until, now))
            }
            Some(Owner::Forward(id)) => match self.forwards.get(id).map(|item| item.state) {
                Some(State::InFlight(until)) => by(until, now),
                // Somebody holds it, or the attempt was given up before it began.
                Some(State::Held | State::Due(_)) => MayLeave::TooLate,
                None => MayLeave::No,
            },
            // A question about the link itself: late or not, its answer says that somebody is there.
            Some(Owner::Management) => MayLeave::Yes,
            // The same day's totals, however late: they were frozen before.
            Some(Owner::Totals(..)) => match link.is_between_sessions() {
                true => MayLeave::TooLate,
                false => MayLeave::Yes,
            },
            Some(Owner::Finished(_)) | None => MayLeave::No,
        }
    }

    /// Who asked what is in flight under that trace number of ours: whose keys its PIN is under.
    pub fn asked_by(&self, link: LinkId, host_stan: Stan) -> Option<SourceId> {
        match self.links.get(usize::from(link.0))?.find(host_stan)? {
            Owner::InFlight(at) => self.memory.get(at as usize).map(|slot| slot.key.source),
            Owner::Finished(_) | Owner::Forward(_) | Owner::Management | Owner::Totals(..) => None,
        }
    }
}

fn by(until: Instant, now: Instant) -> MayLeave {
    if now < until { MayLeave::Yes } else { MayLeave::TooLate }
}
