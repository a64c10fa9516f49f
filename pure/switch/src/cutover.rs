//! How a host's day becomes the next.
//!
//! ```text
//!              we ask (cutreq)                 the peer begins (in two messages)
//!    open(D) ─────────────────▶ asked(D) ───────────────────────────▶ begun(D)
//!      ▲ ▲                         │                                      │ the peer ends it
//!      │ └── nothing came of it ───┘                                      ▼
//!      └──────────────────────── open(D+1): recorded, in one step ◀───────┘
//! ```
//! The peer moves the day; we only ask. A request is stamped with the day that stands when it is written down,
//! in the same step and never again, so nothing is stamped with a day that was closed. Nothing is frozen: what
//! is in flight keeps its day.
//!
//! A day moves by one, and only to a day the calendar allows; one that is behind the calendar, because we were
//! away when it changed, catches up. What the peer says twice is answered twice and
//! changes nothing; what it says of another day is refused, and people are told.
//!
//! Durable is that the peer has begun: a switch that dies between the two messages knows the second one.

use crate::lane::REPEATED_WITHIN_MS;
use crate::pairing::{Link, link_mut};
use crate::{Lane, Outbox, Recorded, Tell};
use journal::{CutStage, DayRecord, Observation, Observed, Record};
use terms::{Answer, BusinessDate, Code, Instant, LinkId, Network, Now, Outcome, Stan, Text, Timestamp, Txn};

/// An accepted wish that is not followed, or a change that is not ended, is told to people after so long.
/// Reason: no public document states the centre's own time; a minute is long for one message.
const OVERDUE_MS: u32 = 60_000;

/// One that says no day and comes so soon after the last is the last once more. Reason: a message is repeated within
/// minutes, and no host changes its day twice in ten of them.
const SAME_WITHIN_MS: i64 = 10 * 60_000;

/// A message that changed a day, or began to, and said no day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaidAt {
    pub(crate) stan: Stan,
    pub(crate) transmitted_at: Text<10>,
    pub(crate) at: Timestamp,
}

/// The last of them, by which one that comes again is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CutSaid {
    begins: Option<SaidAt>,
    ends: Option<SaidAt>,
}

impl CutSaid {
    pub(crate) fn note(&mut self, ends: bool, said: SaidAt) {
        let last = if ends { &mut self.ends } else { &mut self.begins };
        *last = Some(said);
    }

    /// As records, for a snapshot.
    pub(crate) fn keep(&self, link: LinkId, keep: &mut impl FnMut(Record)) {
        for (ends, said) in [(false, self.begins), (true, self.ends)] {
            if let Some(SaidAt { stan, transmitted_at, at }) = said {
                keep(Record::Day(DayRecord::CutoverSaid { link, ends, stan, transmitted_at, at }));
            }
        }
    }

    /// Whether a message that says no day was heard before, by what it is and by when it comes.
    fn knows(&self, now: Now, ends: bool, message: &Txn) -> bool {
        let age_ms = |said: SaidAt| now.wall.as_unix_ms() - said.at.as_unix_ms();
        let last = if ends { self.ends } else { self.begins };
        let is_same = last.is_some_and(|last| {
            let by_number = (last.stan, last.transmitted_at) == (message.stan, message.transmitted_at);
            by_number && (!message.transmitted_at.is_empty() || age_ms(last) < REPEATED_WITHIN_MS)
        });
        // A repeat whose first was lost is the first we hear, and must not be swallowed: but not within hours.
        let within = if message.message.is_repeat() { REPEATED_WITHIN_MS } else { SAME_WITHIN_MS };
        is_same || self.ends.is_some_and(|last| age_ms(last) < within)
    }
}

/// How far the change of a link's day is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) stage: CutStage,
    /// When people are told that it hangs.
    overdue: Option<Instant>,
}

impl Default for Cut {
    fn default() -> Self {
        Self { stage: CutStage::Open, overdue: None }
    }
}

impl Cut {
    pub(crate) const fn at(stage: CutStage) -> Self {
        Self { stage, overdue: None }
    }

    pub(crate) const fn overdue(&self) -> Option<Instant> {
        self.overdue
    }
}

/// What a peer's word about the day comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The day is this from now on.
    Move(BusinessDate),
    /// It has begun; this day ends.
    Begin(BusinessDate),
    /// It was said and done before.
    Already,
    /// That cannot be.
    Refuse(Code),
}

/// Everything a verdict depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The host's day, where it is known.
    date: Option<BusinessDate>,
    stage: CutStage,
    today: BusinessDate,
    /// Days a host's day may be ahead of the calendar.
    ahead_max: u32,
    /// The dialect changes the day in two messages.
    in_two: bool,
    /// The link is in session.
    in_session: bool,
    /// The message says no day, and was heard before or comes right behind the last change.
    known: bool,
}

impl Facts {
    /// Whether the day may become that one.
    pub(crate) fn may_be(self, next: BusinessDate) -> bool {
        let ahead = next.days() - self.today.days();
        match self.date {
            // Behind the calendar we have missed some: whoever was there knows which day it is.
            Some(date) => {
                let follows = next == date.next() || next > date && date < self.today;
                follows && ahead <= i64::from(self.ahead_max)
            }
            // Nobody has told us a day yet: near the calendar's it is believed.
            None => (-1..=i64::from(self.ahead_max)).contains(&ahead),
        }
    }

    fn verdict(self, about: Network, said: Option<BusinessDate>) -> Verdict {
        if !self.in_session {
            return Verdict::Refuse(Code::NotSignedOn);
        }
        match (about, self.in_two) {
            // What is under way may end however soon it does.
            (Network::Cutover | Network::CutoverEnd, _)
                if said.is_none() && self.known && self.stage != CutStage::Begun =>
            {
                Verdict::Already
            }
            (Network::Cutover, true) => self.begins(said),
            // Which day ends, only its beginning said.
            (Network::CutoverEnd, true) if said.is_none() && self.stage != CutStage::Begun => {
                Verdict::Refuse(Code::WrongBusinessDate)
            }
            (Network::Cutover | Network::CutoverEnd, _) => self.moves(said),
            _ => Verdict::Refuse(Code::NotSupported),
        }
    }

    /// The first of two messages carries the day that ends.
    fn begins(self, said: Option<BusinessDate>) -> Verdict {
        match (said, self.date) {
            // It was ended already, and this one overtaken.
            (Some(said), Some(date)) if said.next() == date => Verdict::Already,
            (Some(said), Some(date)) if said != date && (said > self.today || !self.may_be(said)) => {
                Verdict::Refuse(Code::WrongBusinessDate)
            }
            (Some(said), Some(date)) if said != date => Verdict::Begin(said),
            _ if self.stage == CutStage::Begun => Verdict::Already,
            (said, date) => {
                let old = said.or(date).unwrap_or(self.today);
                let known = Self { date: Some(old), ..self };
                let fits = date.is_some() || self.may_be(old);
                match fits && known.may_be(old.next()) {
                    true => Verdict::Begin(old),
                    false => Verdict::Refuse(Code::WrongBusinessDate),
                }
            }
        }
    }

    /// The only message, or the second of two, carries the new day, or none.
    fn moves(self, said: Option<BusinessDate>) -> Verdict {
        match said {
            Some(said) if self.date == Some(said) => Verdict::Already,
            Some(said) if self.may_be(said) => Verdict::Move(said),
            Some(_) => Verdict::Refuse(Code::WrongBusinessDate),
            None => self.moves_unsaid(),
        }
    }

    /// No day is said: the calendar says which one was meant. Yesterday's becomes today's, today's tomorrow's,
    /// and tomorrow's stays, because then it was said before.
    fn moves_unsaid(self) -> Verdict {
        match self.date {
            Some(date) if date < self.today => Verdict::Move(self.today),
            Some(date) if date == self.today => Verdict::Move(date.next()),
            Some(_) => Verdict::Already,
            None => Verdict::Move(self.today),
        }
    }
}

impl Link {
    /// Whether the day is the peer's to move.
    pub(crate) fn day_is_told(&self) -> bool {
        !self.config.host.day_is_calendar
    }

    /// Whether it signs on, and is not signed on: what was written for the session before must not leave in
    /// the next one before that has begun.
    pub(crate) fn is_between_sessions(&self) -> bool {
        self.config.management.signs_on() && !self.in_session()
    }

    /// Whether the peer and we are in session, business or not.
    pub(crate) fn in_session(&self) -> bool {
        let signed_on =
            matches!(self.life.position.state, crate::LinkState::SignedOn | crate::LinkState::Draining);
        self.up && (signed_on || !self.config.management.signs_on())
    }
}

impl Lane {
    /// The peer says something about its day. A peer that was told yes takes the old day for closed and says no more
    /// about it, so the yes waits for the disk: a switch that dies before it stands on the old day would go on in it.
    pub(crate) fn on_cutover(
        &mut self,
        now: Now,
        id: LinkId,
        message: &Txn,
        out: &mut Outbox,
    ) -> (Answer, Option<Recorded>) {
        let Some(link) = self.links.get(usize::from(id.0)).filter(|link| link.day_is_told()) else {
            return (Answer::ours(Code::NotSupported, Outcome::Refused), None);
        };
        let facts = self.day_facts(now, link);
        let ends = message.network == Network::CutoverEnd || !facts.in_two;
        let facts = Facts { known: link.cut_said.knows(now, ends, message), ..facts };
        let recorded = match facts.verdict(message.network, message.settlement_date) {
            Verdict::Move(date) => {
                self.note_cut_said(now, id, true, message, out);
                self.on_host_date(now, id, date, out)
            }
            Verdict::Begin(date) => {
                self.note_cut_said(now, id, false, message, out);
                self.begin_cutover(now, id, date, out)
            }
            // The first may still wait for the disk.
            Verdict::Already => Some(out.record(said_before(now, id, message))),
            Verdict::Refuse(code) => {
                out.tell(Tell::CutoverRefused { link: id, date: message.settlement_date });
                return (Answer::ours(code, Outcome::Refused), None);
            }
        };
        let settlement_date = self.links.get(usize::from(id.0)).and_then(|link| link.date);
        (Answer { settlement_date, ..Answer::ours(Code::Approved, Outcome::Approved) }, recorded)
    }

    /// Whether the peer's change to its next day would be taken now. Asking for one that would not leaves the two on
    /// different days.
    pub fn takes_next_day(&self, now: Now, id: LinkId) -> bool {
        let Some(link) = self.links.get(usize::from(id.0)) else { return false };
        link.date.is_none_or(|date| self.day_facts(now, link).may_be(date.next()))
    }

    /// Everything a verdict depends on but the message.
    pub(crate) fn day_facts(&self, now: Now, link: &Link) -> Facts {
        Facts {
            date: link.date,
            stage: link.cut.stage,
            today: now.local().date,
            ahead_max: link.config.host.days_ahead_max,
            in_two: link.config.management.types.of(Network::CutoverEnd).is_some(),
            in_session: link.in_session(),
            known: false,
        }
    }

    /// Before what it does: nobody can know that and not the message it came by.
    fn note_cut_said(&mut self, now: Now, id: LinkId, ends: bool, message: &Txn, out: &mut Outbox) {
        if message.settlement_date.is_some() {
            return;
        }
        let (stan, transmitted_at, at) = (message.stan, message.transmitted_at, now.wall);
        if let Some(link) = link_mut(&mut self.links, id) {
            link.cut_said.note(ends, SaidAt { stan, transmitted_at, at });
        }
        out.record(Record::Day(DayRecord::CutoverSaid { link: id, ends, stan, transmitted_at, at }));
    }

    fn begin_cutover(
        &mut self,
        now: Now,
        id: LinkId,
        date: BusinessDate,
        out: &mut Outbox,
    ) -> Option<Recorded> {
        let _ = self.on_host_date(now, id, date, out);
        let link = link_mut(&mut self.links, id)?;
        let overdue = Some(now.instant.plus_ms(OVERDUE_MS));
        link.cut = Cut { stage: CutStage::Begun, overdue };
        let recorded = out.record(Record::Cutover { link: id, stage: CutStage::Begun, date, at: now.wall });
        out.tell(Tell::Cutover { link: id, stage: CutStage::Begun });
        self.watch_links();
        Some(recorded)
    }

    /// Our wish was accepted: the peer will begin, or people will be told.
    pub(crate) fn on_cutover_promised(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if link.cut.stage == CutStage::Open {
            let overdue = Some(now.instant.plus_ms(OVERDUE_MS));
            link.cut = Cut { stage: CutStage::Asked, overdue };
            out.tell(Tell::Cutover { link: id, stage: CutStage::Asked });
        }
    }

    /// Tells people of a change that hangs. One that was only asked for is forgotten; one the peer has begun
    /// stays begun, because only the peer can end it.
    pub(crate) fn mind_cutover(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        if link.cut.overdue.is_some_and(|at| at <= now.instant) {
            out.tell(Tell::CutoverOverdue { link: id, stage: link.cut.stage });
            link.cut = match link.cut.stage {
                CutStage::Begun => Cut::at(CutStage::Begun),
                CutStage::Open | CutStage::Asked => Cut::default(),
            };
        }
    }
}

fn said_before(now: Now, link: LinkId, message: &Txn) -> Record {
    let (kind, wire_code) = (Observation::AskedAgain, Text::EMPTY);
    Record::Observed(Observed { kind, link, host_stan: message.stan, id: None, wire_code, at: now.wall })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String};

    fn day(days: i64) -> BusinessDate {
        BusinessDate::from_days(20_000 + days)
    }

    fn facts(date: Option<i64>, in_two: bool, stage: CutStage) -> Facts {
        let date = date.map(day);
        Facts { date, stage, today: day(0), ahead_max: 1, in_two, in_session: true, known: false }
    }

    /// Our day, how far its change is, what the peer's message is about, the day it says, the verdict.
    type Said = (Option<i64>, CutStage, Network, Option<i64>, &'static str);

    /// A verdict with days told from today.
    fn in_words(verdict: Verdict) -> String {
        let from_today = |date: BusinessDate| date.days() - 20_000;
        match verdict {
            Verdict::Move(date) => format!("move {}", from_today(date)),
            Verdict::Begin(date) => format!("begin {}", from_today(date)),
            Verdict::Already => "already".into(),
            Verdict::Refuse(code) => code.name().into(),
        }
    }

    #[test]
    fn the_day_moves_by_one_and_never_past_what_the_calendar_allows() {
        #[rustfmt::skip]
        let table: [(Option<i64>, Option<i64>, &str); 17] = [
            // ours      said      in one message
            (Some(0),  Some(1),  "move 1"),
            (Some(0),  Some(0),  "already"),
            (Some(0),  Some(2),  "wrong_business_date"),
            (Some(0),  Some(-1), "wrong_business_date"),
            (Some(1),  Some(2),  "wrong_business_date"), // tomorrow is over before it began
            (Some(-1), Some(0),  "move 0"),
            (Some(-3), Some(-2), "move -2"),
            (Some(-3), Some(0),  "move 0"), // we were away
            (Some(-1), Some(1),  "move 1"),
            (Some(-3), Some(-4), "wrong_business_date"),
            (Some(-3), None,     "move 0"),
            (Some(0),  None,     "move 1"),
            (Some(1),  None,     "already"),
            (None,     Some(1),  "move 1"),
            (None,     Some(-1), "move -1"),
            (None,     Some(2),  "wrong_business_date"),
            (None,     None,     "move 0"),
        ];
        for (date, said, wanted) in table {
            let verdict = facts(date, false, CutStage::Open).verdict(Network::Cutover, said.map(day));
            assert_eq!(in_words(verdict), wanted, "{date:?} and {said:?}");
        }
    }

    #[test]
    fn two_messages_may_come_twice_and_in_either_order() {
        use CutStage::{Begun, Open};
        use Network::{Cutover, CutoverEnd};
        #[rustfmt::skip]
        let table: [Said; 17] = [
            (Some(0), Open,  Cutover,    Some(0),  "begin 0"),
            (Some(0), Open,  Cutover,    None,     "begin 0"),
            (Some(0), Begun, Cutover,    Some(0),  "already"),
            (Some(1), Open,  Cutover,    Some(0),  "already"),              // after its end
            (Some(0), Open,  Cutover,    Some(1),  "wrong_business_date"),
            (Some(0), Open,  Cutover,    Some(-2), "wrong_business_date"),
            (Some(1), Open,  Cutover,    Some(1),  "wrong_business_date"),  // it would end past tomorrow
            (Some(0), Begun, CutoverEnd, Some(1),  "move 1"),
            (Some(0), Begun, CutoverEnd, Some(2),  "wrong_business_date"),
            (Some(1), Open,  CutoverEnd, Some(1),  "already"),
            (Some(0), Open,  CutoverEnd, Some(1),  "move 1"),               // the first was lost
            (Some(0), Begun, CutoverEnd, None,     "move 1"),
            (Some(0), Open,  CutoverEnd, None,     "wrong_business_date"),  // of what?
            (Some(-3), Open, Cutover,    Some(0),  "begin 0"),              // we were away
            (Some(-3), Open, Cutover,    Some(1),  "wrong_business_date"),
            (None,    Open,  Cutover,    Some(0),  "begin 0"),
            (None,    Open,  Cutover,    Some(5),  "wrong_business_date"),
        ];
        for (date, stage, about, said, wanted) in table {
            let verdict = facts(date, true, stage).verdict(about, said.map(day));
            assert_eq!(in_words(verdict), wanted, "{date:?} {stage:?} {about} {said:?}");
        }
    }

    #[test]
    fn whatever_is_said_however_often_one_identity_moves_the_day_once() {
        for in_two in [false, true] {
            for date in [None, Some(-2), Some(-1), Some(0), Some(1)] {
                for said in -3..=3 {
                    for about in [Network::Cutover, Network::CutoverEnd] {
                        let (mut now, mut moves) = (facts(date, in_two, CutStage::Open), 0);
                        for _ in 0..3 {
                            match now.verdict(about, Some(day(said))) {
                                Verdict::Move(next) => {
                                    (now.date, now.stage, moves) = (Some(next), CutStage::Open, moves + 1);
                                }
                                Verdict::Begin(old) => (now.date, now.stage) = (Some(old), CutStage::Begun),
                                Verdict::Already | Verdict::Refuse(_) => {}
                            }
                        }
                        assert!(moves <= 1, "{about} {said} moved {date:?} {moves} times");
                        assert!(now.date.is_none_or(|date| date <= day(1)), "never past tomorrow");
                    }
                }
            }
        }
    }

    #[test]
    fn out_of_session_nobody_moves_the_day() {
        let facts = Facts { in_session: false, ..facts(Some(0), false, CutStage::Open) };
        assert_eq!(facts.verdict(Network::Cutover, Some(day(1))), Verdict::Refuse(Code::NotSignedOn));
    }
}
