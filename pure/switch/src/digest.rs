//! A lane as a number: what gives two lanes the same digest will do the same from now on.
//!
//! For those who explore: a model check has seen a state when it has seen its digest. Moments go in as
//! distances from now, and what has passed as passed, so that waiting a day longer for the same thing is the
//! same state. Configuration, counters and what is only for people stay out.

use crate::flow::{Decision, Flow};
use crate::forward::{Item, State};
use crate::{Lane, Replay};
use core::hash::{Hash, Hasher};
use journal::Duty;
use terms::Instant;

impl Lane {
    /// Feeds `into` with everything that can change what the lane does from `now` on. Cost: all that the lane
    /// remembers is visited.
    pub fn digest(&self, now: Instant, into: &mut impl Hasher) {
        (self.next_id, self.next_forward, self.recovery_waits).hash(into);
        for link in &self.links {
            (link.up, link.date, link.last_stan, link.owners(), &link.gate).hash(into);
            link.cut.stage.hash(into);
            link.life.digest(now, into);
        }
        for (at, slot) in self.memory.iter() {
            (at, slot.id, slot.key, slot.fingerprint, slot.kind, slot.transmitted_at).hash(into);
            (slot.told_again, slot.noted).hash(into);
            slot.sent.as_ref().map(|sent| (sent.link, sent.host_stan, sent.business_date)).hash(into);
            slot.legs.as_ref().map(|legs| (legs.onward, legs.credit)).hash(into);
            digest_of_flow(&slot.flow, now, into);
        }
        for slot in self.memory.finished() {
            slot.id.hash(into);
        }
        if self.forwards.len() > 1 {
            // One alone is sent whatever the pace, and whether it had to wait or not.
            self.links.iter().for_each(|link| link.pace.hash(into));
            self.forwards.iter().for_each(|item| item.waited.hash(into));
        }
        self.forwards.due().for_each(|due| due.hash(into));
        self.forwards.iter().for_each(|item| self.digest_of_item(item, now, into));
    }

    fn digest_of_item(&self, item: &Item, now: Instant, into: &mut impl Hasher) {
        let Some(link) = self.links.get(usize::from(item.forward.link.0)) else { return };
        let config = &link.config.forward;
        (item.forward, item.at, item.attempts.min(config.alarm_after.saturating_add(2))).hash(into);
        match item.state {
            State::Due(at) => (0_u8, at.us_since(now)).hash(into),
            State::InFlight(until) => (1_u8, until.us_since(now)).hash(into),
            State::Held => 2_u8.hash(into),
        }
        item.last_sent.plus_ms(config.repeat_ms).us_since(now).hash(into);
        if item.forward.duty == Duty::Reversal && !link.config.host.tombstones {
            let believed_from = item.believed_from(&link.config.host);
            let sent_late = item.first_sent.map(|sent| sent >= believed_from);
            (believed_from.us_since(now), sent_late, item.is_first).hash(into);
        }
    }
}

impl Replay {
    /// Feeds `into` with everything that can change what the lane will do that comes of this replay.
    pub fn digest(&self, into: &mut impl Hasher) {
        // Every moment of a dead process is forgotten, so they are all the same.
        self.lane.digest(Instant::from_us(u64::MAX), into);
        let mut open: alloc::vec::Vec<_> = (self.open.values())
            .map(|open| {
                let (sent, legs) = (&open.sent, open.legs.map(|legs| (legs.onward, legs.credit)));
                let asked = (sent.key, sent.fingerprint, sent.link, sent.host_stan);
                (sent.id, asked, legs, open.mark, open.noted)
            })
            .collect();
        open.sort_unstable_by_key(|(id, ..)| *id);
        open.hash(into);
    }
}

fn digest_of_flow(flow: &Flow, now: Instant, into: &mut impl Hasher) {
    match flow {
        Flow::AwaitingHost(awaiting) => {
            (0_u8, awaiting.asked_by, awaiting.ours.stan, awaiting.mark).hash(into);
            core::mem::discriminant(&awaiting.leg).hash(into);
            awaiting.deadline.us_since(now).hash(into);
        }
        Flow::Decided(Decision { answer, by, after, taken_back }) => {
            (1_u8, answer, by, after, taken_back).hash(into);
        }
    }
}
