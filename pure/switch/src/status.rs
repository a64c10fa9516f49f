//! Numbers of a lane, for people and for metrics.

use crate::pairing::Link;
use crate::{BreakerState, Lane, LinkState};
use alloc::vec::Vec;
use terms::{BusinessDate, LinkId, LinkName, Timestamp};

/// Counters since the lane was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) approved: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) not_sent: u64,
    pub(crate) repeats: u64,
    pub(crate) owed: u64,
    pub(crate) paid: u64,
    pub(crate) exceptions: u64,
    pub(crate) turned_away: u64,
}

impl Lane {
    /// Numbers for people and for metrics.
    pub fn status(&self) -> LaneStatus {
        let owed_to = |at: usize| self.forwards.owed_to(LinkId(at as u16));
        LaneStatus {
            in_flight: self.in_flight(),
            remembered: self.memory.finished_len(),
            transactions: self.next_id.0 - 1,
            approved: self.counts.approved,
            refused: self.counts.refused,
            unknown: self.counts.unknown,
            not_sent: self.counts.not_sent,
            repeats: self.counts.repeats,
            owed: self.counts.owed,
            paid: self.counts.paid,
            pending: self.forwards.len(),
            exceptions: self.counts.exceptions,
            turned_away: self.counts.turned_away,
            recovery_waits: self.recovery_waits,
            links: self
                .links
                .iter()
                .enumerate()
                .map(|(at, link)| LinkStatus::of(link, owed_to(at), self.takes_business(link)))
                .collect(),
        }
    }
}

/// Numbers of a lane since it was made (`transactions`, `owed`: since its journal began).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStatus {
    /// Requests whose host has not answered yet.
    pub in_flight: usize,
    /// Finished transactions still known.
    pub remembered: usize,
    /// Transactions numbered in the life of the journal.
    pub transactions: u64,
    /// Approved by a host.
    pub approved: u64,
    /// Refused by a host.
    pub refused: u64,
    /// Unanswered in time.
    pub unknown: u64,
    /// Declined or proved unsent.
    pub not_sent: u64,
    /// Requests that came again.
    pub repeats: u64,
    /// Messages that came to be owed to hosts, in the life of the journal.
    pub owed: u64,
    /// Of these, accepted by their hosts.
    pub paid: u64,
    /// Of these, still to be accepted.
    pub pending: usize,
    /// Items for a person, in the life of the journal; some end an owed message.
    pub exceptions: u64,
    /// Requests declined without a record, because nothing new was to begin ([`Lane::take_nothing_new`]).
    pub turned_away: u64,
    /// Whether recovery waits for a person.
    pub recovery_waits: bool,
    /// Link by link.
    pub links: Vec<LinkStatus>,
}

/// Numbers of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its name.
    pub name: LinkName,
    /// Whether it has a usable connection.
    pub up: bool,
    /// Where it stands above its connections.
    pub state: LinkState,
    /// Since when.
    pub since: Timestamp,
    /// Whether new business may pass.
    pub is_open: bool,
    /// Requests unanswered now.
    pub in_flight: u32,
    /// Whether its host is asked at all.
    pub breaker: BreakerState,
    /// Requests sent.
    pub asked: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered in time.
    pub unanswered: u64,
    /// Answers that came late or twice.
    pub late: u64,
    /// Answers to nothing we asked.
    pub strange: u64,
    /// Messages owed to its host.
    pub pending: usize,
    /// Of these, messages it has to be told of before it gets anything new: more than 0 after an unclean stop.
    pub recovering: usize,
    /// The host's business day, where it is known.
    pub date: Option<BusinessDate>,
}

impl LinkStatus {
    fn of(link: &Link, pending: usize, is_open: bool) -> Self {
        Self {
            name: link.config.name,
            up: link.up,
            state: link.life.position.state,
            since: link.life.since,
            is_open,
            in_flight: link.in_flight,
            breaker: link.breaker.state(),
            asked: link.asked,
            answered: link.answered,
            unanswered: link.unanswered,
            late: link.late,
            strange: link.strange,
            pending,
            recovering: link.gate.left(),
            date: link.date,
        }
    }
}
