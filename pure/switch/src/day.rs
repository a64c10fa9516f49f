//! The calendar, and the switch's own day.
//!
//! ```text
//!   every event ─▶ has the calendar passed a mark? ─▶ days of hosts that follow it
//!                                                  ─▶ our own day, where it goes by schedule
//!                                                  ─▶ hosts that are asked for their next day at a time
//!                  then the event itself
//! ```
//! The day is looked at before anything of an event is decided, in the same step, and one thread decides: so
//! whatever is stamped is stamped with the day that stands, and nothing with one that was closed. What is in
//! flight keeps the day it was sent under.
//!
//! Our own day never goes back. By order it moves to the next, and not past tomorrow; by schedule it is what the
//! clock says; with a link it is that host's.

use crate::link::CannotOrder;
use crate::pairing::link_mut;
use crate::{Lane, Moves, Outbox, Recorded, Tell};
use alloc::sync::Arc;
use alloc::vec::Vec;
use journal::{CutStage, DayRecord, LinkOrder, Record};
use terms::{
    BusinessDate, Instant, LinkId, LinkName, LocalTime, Network, NetworkTypes, Now, Outgoing, SourceId, Text,
    Timestamp, Txn,
};

const DAY_S: u32 = 86_400;
/// From this time of day on a schedule opens the day after; before it, the day itself.
const NOON_S: u32 = DAY_S / 2;
/// A host that cannot be asked for its next day at the time is tried again after so long.
const ASK_AGAIN_MS: i64 = 60_000;
/// From its time on a host is asked for its next day for so long. Reason: one that has its next day already, and did
/// not say so, must not be asked for the day after that in the morning.
const ASKED_WITHIN_S: u32 = 6 * 3_600;
const HOUR_MS: i64 = 3_600_000;
/// Days whose totals and comparisons are kept at hand. Older ones are in the journal.
const DAYS_KEPT: i64 = 40;

/// Why our own day is not moved by an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotCutOver {
    /// The configuration has none.
    #[error("this switch keeps no day of its own: there is no [day] in its configuration")]
    NoDay,
    /// It was moved already.
    #[error("its day is tomorrow's already: it moves once, and not past tomorrow")]
    IsTomorrow,
    /// It goes with a host's.
    #[error("its day goes with the link {0}: that one is to be cut over")]
    GoesWith(LinkName),
}

/// Our own day as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnDay {
    /// Which it is.
    pub date: BusinessDate,
    /// Since when; 1970 where that was before the journal's oldest snapshot.
    pub since: Timestamp,
    /// What moves it.
    pub moves: Moves,
    /// Who moved it last.
    pub by: Text<24>,
}

/// A host's day as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySeen {
    /// Whose.
    pub link: LinkName,
    /// Which it is, where it is known.
    pub date: Option<BusinessDate>,
    /// How far its change is.
    pub stage: CutStage,
    /// Our calendar moves it, and not the host.
    pub is_calendar: bool,
    /// Local seconds since midnight at which the host is asked for the next.
    pub ask_at_s: Option<u32>,
    /// From its end to its totals, where they are compared.
    pub reconcile_after_ms: Option<u32>,
}

/// Everything of it that the lane keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    pub(crate) date: Option<BusinessDate>,
    pub(crate) since: Timestamp,
    pub(crate) by: Text<24>,
}

/// A host was asked for its next day by schedule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AskedForDay {
    /// When last.
    pub(crate) at: Timestamp,
    /// How often since it last accepted.
    times: u8,
    /// It accepted.
    is_accepted: bool,
}

impl AskedForDay {
    /// Whether it may be asked again: each minute at first, then each ten.
    fn is_due(&self, now: Now) -> bool {
        now.wall.as_unix_ms() - self.at.as_unix_ms() >= ASK_AGAIN_MS * i64::from(self.times.clamp(1, 10))
    }
}

/// How long what was last read off the calendar holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calendar {
    from_ms: i64,
    until_ms: i64,
    utc_offset_s: i32,
    /// The same end by the clock that never jumps: when to look again, if nothing else happens.
    look_at: Option<Instant>,
}

impl Calendar {
    fn holds(&self, now: Now) -> bool {
        let wall = now.wall.as_unix_ms();
        (self.from_ms..self.until_ms).contains(&wall) && self.utc_offset_s == now.utc_offset_s
    }

    /// Forgets what was read.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// The day a schedule means now: from `at_s` on the next one where that is in the afternoon, and today's where it
/// is in the morning.
fn scheduled(now: Now, at_s: u32) -> BusinessDate {
    scheduled_at(now.local(), at_s)
}

fn scheduled_at(local: LocalTime, at_s: u32) -> BusinessDate {
    let is_past = local.second_of_day >= at_s;
    match (at_s >= NOON_S, is_past) {
        (true, true) => local.date.next(),
        (true, false) | (false, true) => local.date,
        (false, false) => BusinessDate::from_days(local.date.days() - 1),
    }
}

impl Lane {
    /// Our own day, where there is one.
    pub fn own_day(&self) -> Option<OwnDay> {
        let moves = self.day.as_ref()?.moves;
        Some(OwnDay { date: self.own.date?, since: self.own.since, moves, by: self.own.by })
    }

    /// Every host's day, in the order of the links; without those the configuration has no more.
    pub fn days_seen(&self) -> Vec<DaySeen> {
        let is_there = |link: &&crate::pairing::Link| link.config.in_flight_max > 0;
        let seen = self.links.iter().filter(is_there).map(|link| DaySeen {
            link: link.config.name,
            date: link.date,
            stage: link.cut.stage,
            is_calendar: link.config.host.day_is_calendar,
            ask_at_s: link.config.management.ask_cutover_at_s,
            reconcile_after_ms: link.config.reconciliation.as_ref().map(|config| config.after_ms),
        });
        seen.collect()
    }

    /// The day an [`crate::Event::OwnCutover`] would move ours to.
    pub fn may_cut_over(&self, now: Now) -> Result<BusinessDate, CannotCutOver> {
        let today = now.local().date;
        match (self.day.as_ref().map(|day| day.moves), self.own.date) {
            (None, _) | (_, None) => Err(CannotCutOver::NoDay),
            (Some(Moves::With(link)), _) => {
                let link = self.links.get(usize::from(link.0));
                Err(CannotCutOver::GoesWith(link.map_or(Text::EMPTY, |link| link.config.name)))
            }
            (Some(_), Some(date)) if date < today => Ok(today),
            (Some(_), Some(date)) if date == today => Ok(date.next()),
            (Some(_), Some(_)) => Err(CannotCutOver::IsTomorrow),
        }
    }

    /// When the calendar wants to be looked at if nothing else happens: an [`crate::Event::Tick`] will do.
    pub fn next_look_at_the_calendar(&self) -> Option<Instant> {
        self.calendar.look_at
    }

    /// What a transaction is stamped with that is sent now.
    pub(crate) fn own_date(&self) -> Option<BusinessDate> {
        self.day.as_ref().and(self.own.date)
    }

    /// Everything that goes by the clock on the wall.
    pub(crate) fn follow_the_calendar(&mut self, now: Now, out: &mut Outbox) {
        if self.calendar.holds(now) {
            return;
        }
        let today = now.local().date;
        for at in 0..self.links.len() {
            let link = &self.links[at];
            // A clock that is put back does not bring back a day that is closed.
            if link.config.host.day_is_calendar && link.date < Some(today) {
                let _ = self.on_host_date(now, LinkId(at as u16), today, out);
            }
        }
        self.follow_the_schedule(now, out);
        let must_ask_again = self.ask_hosts_at_their_time(now, out);
        let oldest = BusinessDate::from_days(today.days() - DAYS_KEPT);
        self.book.forget_before(oldest);
        self.ended_days.retain(|(_, date), _| *date >= oldest);
        let next = self.next_mark(now, must_ask_again);
        self.calendar = Calendar {
            from_ms: now.wall.as_unix_ms(),
            until_ms: next,
            utc_offset_s: now.utc_offset_s,
            look_at: Some(now.instant.plus_ms((next - now.wall.as_unix_ms()) as u32)),
        };
    }

    /// The next moment of the wall clock at which something here may change.
    fn next_mark(&self, now: Now, must_ask_again: bool) -> i64 {
        let second = now.local().second_of_day;
        let schedule = self.day.as_ref().and_then(|day| match day.moves {
            Moves::BySchedule { at_s } => Some(at_s),
            Moves::ByOrder | Moves::With(_) => None,
        });
        let asked = self.links.iter().filter_map(|link| link.config.management.ask_cutover_at_s);
        let marks = schedule.into_iter().chain(asked).filter(|at| *at > second);
        let seconds = marks.min().unwrap_or(DAY_S).min(DAY_S) - second;
        let begun_ms = now.wall.as_unix_ms().rem_euclid(1_000);
        let next = now.wall.as_unix_ms() - begun_ms + i64::from(seconds) * 1_000;
        // The offset of local time may change in between: an hour is the most it is wrong by.
        let most = if must_ask_again { ASK_AGAIN_MS } else { HOUR_MS };
        next.min(now.wall.as_unix_ms() + most)
    }

    fn follow_the_schedule(&mut self, now: Now, out: &mut Outbox) {
        let Some(moves) = self.day.as_ref().map(|day| day.moves) else { return };
        let (date, by) = match moves {
            Moves::BySchedule { at_s } => (scheduled(now, at_s), Text::clipped(b"schedule")),
            Moves::With(link) => self.day_of(link).unwrap_or((now.local().date, Text::EMPTY)),
            Moves::ByOrder => (now.local().date, Text::EMPTY),
        };
        match (moves, self.own.date) {
            // By order it begins with the calendar's, and is then left alone.
            (Moves::ByOrder, Some(_)) => {}
            (_, Some(own)) if own >= date => {}
            _ => self.move_own_day(now, date, by, out),
        }
    }

    fn day_of(&self, link: LinkId) -> Option<(BusinessDate, Text<24>)> {
        let link = self.links.get(usize::from(link.0))?;
        Some((link.date?, link.config.name))
    }

    /// A host's day has changed: ours goes with it, where it goes with that host's.
    pub(crate) fn own_day_goes_with(&mut self, now: Now, id: LinkId, out: &mut Outbox) {
        let goes_with = self.day.as_ref().is_some_and(|day| day.moves == Moves::With(id));
        if let Some((date, name)) = self.day_of(id).filter(|_| goes_with)
            && self.own.date.is_none_or(|own| own < date)
        {
            self.move_own_day(now, date, name, out);
        }
    }

    /// A person moves our day. What cannot be is not done: see [`Lane::may_cut_over`].
    pub(crate) fn on_own_cutover(&mut self, now: Now, by: Text<24>, out: &mut Outbox) {
        if let Ok(date) = self.may_cut_over(now) {
            self.move_own_day(now, date, by, out);
        }
    }

    fn move_own_day(&mut self, now: Now, date: BusinessDate, by: Text<24>, out: &mut Outbox) {
        let from = self.own.date.replace(date);
        (self.own.since, self.own.by) = (now.wall, by);
        let recorded = out.record(Record::Day(DayRecord::Own { date, by, at: now.wall }));
        out.tell(Tell::OwnDate { from, to: date });
        if let Some(from) = from {
            self.tell_applications(now, (from, date), &recorded, out);
        }
    }

    /// Says the new day to every source that has a message for it: the day itself, or the old one and then the new.
    ///
    /// Whoever is told goes by it, and one that is told twice of the same day, or of one that a death took back, goes
    /// wrong: so it waits for the disk.
    fn tell_applications(
        &mut self,
        now: Now,
        (from, to): (BusinessDate, BusinessDate),
        recorded: &Recorded,
        out: &mut Outbox,
    ) {
        for at in 0..self.sources.len() {
            let types: NetworkTypes = self.sources[at].told_of_days;
            let said = match types.of(Network::CutoverEnd) {
                None => [types.of(Network::Cutover).map(|message| (Network::Cutover, message, to)), None],
                Some(end) => [
                    types.of(Network::Cutover).map(|message| (Network::Cutover, message, from)),
                    Some((Network::CutoverEnd, end, to)),
                ],
            };
            for (network, message, date) in said.into_iter().flatten() {
                self.announced = self.announced.next();
                let (stan, local_time) = (self.announced, Some(now.local()));
                let settlement_date = Some(date);
                let request = Txn { network, stan, local_time, settlement_date, ..Txn::new(message) };
                let ours = Outgoing {
                    stan,
                    rrn: Text::EMPTY,
                    transmitted_at: crate::pairing::local_transmission(now),
                    repeat: false,
                };
                out.announce(recorded, SourceId(at as u16), Arc::new(request), ours);
            }
        }
    }

    /// Asks hosts for their next day whose time for that has come, until they accept it: a question that was lost or
    /// refused is asked again. Whether one has to be.
    fn ask_hosts_at_their_time(&mut self, now: Now, out: &mut Outbox) -> bool {
        let second = now.local().second_of_day;
        let mut must_ask_again = false;
        for at in 0..self.links.len() {
            let (id, link) = (LinkId(at as u16), &self.links[at]);
            let Some(at_s) = link.config.management.ask_cutover_at_s else { continue };
            let is_late = (second + DAY_S - at_s) % DAY_S >= ASKED_WITHIN_S;
            let wanted = scheduled(now, at_s);
            if is_late || link.date.is_some_and(|date| date >= wanted) {
                continue;
            }
            let for_this =
                |asked: &AskedForDay| scheduled_at(asked.at.local(now.utc_offset_s), at_s) == wanted;
            if let Some(asked) = link.asked_for_day.filter(for_this) {
                must_ask_again |= !asked.is_accepted;
                if asked.is_accepted || !asked.is_due(now) {
                    continue;
                }
            }
            match self.may_order(id, LinkOrder::AskCutover) {
                Ok(false) => {
                    let by = Text::clipped(BY_SCHEDULE);
                    self.on_link_ordered(now, id, LinkOrder::AskCutover, by, out);
                    must_ask_again = true;
                }
                Ok(true)
                | Err(CannotOrder::NotSpoken | CannotOrder::NoSuchLink | CannotOrder::DayIsCalendar) => {}
                Err(_) => must_ask_again = true,
            }
        }
        must_ask_again
    }

    /// In a snapshot: when a host was asked by schedule. The order is no more than a note: it changes nothing.
    pub(crate) fn keep_asked_for_day(&self, link: LinkId, at: Timestamp, keep: &mut impl FnMut(Record)) {
        let (order, by) = (LinkOrder::AskCutover, Text::clipped(BY_SCHEDULE));
        keep(Record::LinkOrdered { link, order, by, at });
    }

    /// In a replay, and when it happens: somebody asked a host for its next day.
    pub(crate) fn note_asked_for_day(&mut self, id: LinkId, by: &Text<24>, at: Timestamp) {
        if by.as_bytes() == BY_SCHEDULE
            && let Some(link) = link_mut(&mut self.links, id)
        {
            let times = link.asked_for_day.map_or(0, |asked| asked.times);
            link.asked_for_day =
                Some(AskedForDay { at, times: times.saturating_add(1), ..Default::default() });
        }
    }

    /// What a host said to the wish for its next day. Where it did not accept one of ours by schedule, it is asked
    /// again, and people are told once.
    pub(crate) fn on_wish_answered(&mut self, id: LinkId, is_accepted: bool, out: &mut Outbox) {
        let Some(link) = link_mut(&mut self.links, id) else { return };
        let stage = link.cut.stage;
        let Some(asked) = &mut link.asked_for_day else { return };
        if is_accepted {
            (asked.is_accepted, asked.times) = (true, 0);
        } else if !asked.is_accepted && asked.times == 1 {
            out.tell(Tell::CutoverOverdue { link: id, stage });
        }
    }
}

/// Who moves a day or asks for one when nobody does.
const BY_SCHEDULE: &[u8] = b"schedule";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_opens_the_next_day_in_the_evening_and_todays_in_the_morning() {
        let day = BusinessDate::new(2026, 11, 22).expect("a day");
        #[rustfmt::skip]
        let table = [
            // opens at,  now,        the day
            (23 * 3_600,  82_799,     0),
            (23 * 3_600,  82_800,     1),
            (23 * 3_600,  0,          0),
            (0,           0,          0),
            (0,           86_399,     0),
            (2 * 3_600,   7_199,     -1),
            (2 * 3_600,   7_200,      0),
            (12 * 3_600,  43_199,     0),
            (12 * 3_600,  43_200,     1),
        ];
        for (at_s, second, after) in table {
            let wall = Timestamp::from_unix_ms((day.days() * 86_400 + second) * 1_000);
            let now = Now { wall, ..Now::default() };
            assert_eq!(scheduled(now, at_s).days() - day.days(), after, "{at_s} at {second}");
        }
    }
}
