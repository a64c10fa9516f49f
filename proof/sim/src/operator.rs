//! A person at the console, who decides about what is owed: also where the host must not get it twice, and
//! then the lane refuses what would be a second sending.

use crate::invariant::Invariant;
use crate::ledger::Moves;
use crate::marks::Mark;
use crate::truth::Owed;
use crate::world::{HOSTS, World};
use journal::{Duty, LinkOrder, Record, Ruling};
use switch::{CannotRule, Event};
use terms::{ForwardId, LinkId, Text};

impl World {
    /// Decides something about some owed message.
    pub(crate) fn rule(&mut self) {
        let open = self.truth.owed.len() as u64;
        if open == 0 {
            return;
        }
        let nth = self.luck.below(open) as usize;
        let Some(id) = self.truth.owed.keys().nth(nth).copied() else { return };
        self.rule_one(id);
        if self.luck.below(4) == 0 {
            // Somebody else, at the same moment.
            self.marks.hit(Mark::TwoRulings);
            self.rule_one(id);
        }
    }

    fn rule_one(&mut self, id: u64) {
        let ruling = Ruling::ALL[self.luck.below(Ruling::ALL.len() as u64) as usize];
        if ruling == Ruling::Hold {
            // For good: a release may be forgotten by a crash.
            self.process.on_hold.insert(id);
        }
        self.ruled(id, ruling);
    }

    /// At the end nothing stays held. What must not be sent again is settled: the person asks the host's people.
    pub(crate) fn release_what_is_held(&mut self) {
        for id in self.process.on_hold.clone() {
            let Some(lane) = &self.process.lane else { return };
            match lane.may_rule(ForwardId(id), Ruling::Release) {
                Err(CannotRule::MayHaveArrived) => self.ruled(id, Ruling::Settle),
                Ok(()) | Err(_) => self.ruled(id, Ruling::Release),
            }
        }
    }

    /// The message that a durable order settles.
    pub(crate) fn settled_by(&self, record: &Record) -> Option<Owed> {
        match record {
            Record::Ruled { forward, ruling: Ruling::Settle, .. } => self.truth.owed.get(&forward.0).copied(),
            _ => None,
        }
    }

    /// Who settles something has it put right by the host's people, who take no notice of what else they are sent
    /// about it.
    pub(crate) fn put_right_by_hand(&mut self, owed: &Owed) {
        self.hosts[usize::from(owed.link.0)].closed.insert(owed.op);
        let amount = self.truth.ops[owed.op].sent_amount as i64;
        let books = self.truth.ops[owed.op].books_mut(owed.link);
        match owed.duty {
            Duty::Reversal if books.posted > books.reversed => {
                books.reversed += 1;
                books.net -= amount - owed.remaining as i64;
                self.book_by_hand(owed.op, owed.link, Moves::Cancelled, amount - owed.remaining as i64);
            }
            Duty::Advice if books.posted == books.reversed => {
                books.posted += 1;
                books.net += amount;
                self.book_by_hand(owed.op, owed.link, Moves::Done, amount);
            }
            Duty::Reversal | Duty::Advice => {}
        }
    }

    /// Orders something of a link; now and then two people do at the same moment.
    pub(crate) fn order_something(&mut self) {
        if self.luck.below(4) == 0 {
            return self.order_totals();
        }
        let link = LinkId(self.luck.below(HOSTS as u64) as u16);
        let first = LinkOrder::ALL[self.luck.below(LinkOrder::ALL.len() as u64) as usize];
        self.order(link, first, "suzuki");
        if self.luck.below(3) > 0 {
            return;
        }
        let second = match self.luck.below(2) {
            0 => first,
            _ => LinkOrder::ALL[self.luck.below(LinkOrder::ALL.len() as u64) as usize],
        };
        self.marks.hit(Mark::TwoOrders);
        self.order(link, second, "tanaka");
    }

    /// One order of one person. What cannot be done, or is so already, changes nothing and is written nowhere.
    pub(crate) fn order(&mut self, link: LinkId, order: LinkOrder, by: &str) {
        let Some(lane) = &self.process.lane else { return };
        let may = lane.may_order(link, order);
        let is_now = self.process.paused_until <= self.now;
        let before = self.process.batch.next_seq();
        self.tell_all(|| format!("{by} orders {} of link {}: {may:?}", order.name(), link.0));
        match may {
            Ok(true) => self.marks.hit(Mark::OrderAlready),
            Err(_) => self.marks.hit(Mark::OrderRefused),
            Ok(false) => {}
        }
        let orders = self.process.orders;
        self.step(Event::LinkOrdered { link, order, by: Text::clipped(by.as_bytes()) });
        let written = self.process.orders - orders;
        let wanted = u64::from(may == Ok(false) && order != LinkOrder::Echo);
        if is_now && self.process.lane.is_some() && written != wanted {
            let why =
                format!("{} is {may:?}, and {written} orders were written from {before:?}", order.name());
            self.truth.breaks(Invariant::Link, None, why);
        }
    }

    fn ruled(&mut self, id: u64, ruling: Ruling) {
        let Some(lane) = &self.process.lane else { return };
        let (forward, by) = (ForwardId(id), Text::clipped(b"operator"));
        let may = lane.may_rule(forward, ruling);
        let owed = self.process.owed;
        if may == Err(CannotRule::MayHaveArrived) && self.process.paused_until <= self.now {
            self.marks.hit(Mark::RulingRefused);
        }
        self.tell(None, || format!("a person says {ruling:?} of {forward}: {may:?}"));
        self.step(Event::Ruled { forward, ruling, by, reason: Text::EMPTY });
        if may == Err(CannotRule::NotOwed) && self.process.owed < owed {
            self.truth.breaks(Invariant::I24, None, format!("{forward} is not owed, and ended"));
        }
    }
}
