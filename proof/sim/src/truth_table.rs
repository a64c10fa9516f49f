//! Books broken by hand: each rule about records is seen to notice.

use crate::invariant::Invariant::{self, *};
use crate::mutant::Mutant;
use crate::terminal::message;
use crate::truth::{Cash, Truth};
use journal::{Card, Declined, Duty, Forward, Kept, Key, Record, Remembered, Ruling, Sent, Why};
use terms::{
    Amount, Answer, BusinessDate, Code, Currency, ForwardId, Kind, LinkId, Outcome, SourceId, Stan, Text,
    Timestamp, TxnId,
};

const AT: Timestamp = Timestamp::from_unix_ms(0);

fn key(stan: u32) -> Key {
    Key { source: SourceId(0), terminal_id: Text::EMPTY, stan: Stan(stan), local_time: None }
}

fn day(days: i64) -> BusinessDate {
    BusinessDate::from_days(20_000 + days)
}

fn sent(id: u64, host_stan: u32) -> Record {
    Record::Sent(of(id, host_stan))
}

pub(crate) fn of(id: u64, host_stan: u32) -> Sent {
    Sent {
        id: TxnId(id),
        key: key(id as u32),
        fingerprint: 0,
        message: message([2, 0, 0]),
        kind: Kind::Withdrawal,
        processing_code: Text::EMPTY,
        pan: Card::None,
        amount: Amount::minor(500),
        currency: Currency::NONE,
        rrn: Text::EMPTY,
        acquirer_id: Text::EMPTY,
        transmitted_at: Text::EMPTY,
        link: LinkId(0),
        host_stan: Stan(host_stan),
        host_rrn: Text::EMPTY,
        host_transmitted_at: Text::EMPTY,
        business_date: day(0),
        own_date: None,
        route: Text::EMPTY,
        to_account: journal::Account::None,
        kept: terms::Carried::default(),
        at: AT,
    }
}

pub(crate) fn approved() -> Remembered {
    Remembered::from(&Answer::ours(Code::Approved, Outcome::Approved))
}

pub(crate) fn forward(id: u64, host_stan: u32) -> Forward {
    Forward {
        id: ForwardId(id),
        duty: Duty::Reversal,
        link: LinkId(0),
        host_stan: Stan(host_stan),
        remaining: Amount::default(),
        business_date: day(0),
    }
}

pub(crate) fn decided(id: u64) -> Record {
    Record::Decided {
        id: TxnId(id),
        answer: approved(),
        wire_code: Text::EMPTY,
        owes: None,
        approved: None,
        at: AT,
    }
}

fn timed_out(id: u64, owes: Option<Forward>) -> Record {
    Record::TimedOut { id: TxnId(id), answer: approved(), owes, at: AT }
}

pub(crate) fn owed(id: u64, forward: Forward) -> Record {
    Record::Owed { id: TxnId(id), forward, why: Why::Asked, at: AT }
}

fn attempt(id: u64, number: u32) -> Record {
    Record::Attempt { forward: ForwardId(id), number, host_stan: Stan(9), at: AT }
}

pub(crate) fn paid(id: u64, code: &[u8]) -> Record {
    Record::Forwarded {
        forward: ForwardId(id),
        wire_code: Text::clipped(code),
        settlement_date: None,
        owes: None,
        at: AT,
    }
}

fn noted(id: u64) -> Record {
    Record::Exception { id: TxnId(id), forward: None, reason: Text::EMPTY, at: AT }
}

fn settled(id: u64) -> Record {
    let (by, reason) = (Text::EMPTY, Text::EMPTY);
    Record::Ruled { forward: ForwardId(id), ruling: Ruling::Settle, by, reason, at: AT }
}

fn buried(id: u64) -> Record {
    Record::Kept(Kept {
        id: TxnId(id + 100),
        key: key(id as u32),
        fingerprint: 0,
        kind: Kind::Withdrawal,
        transmitted_at: Text::EMPTY,
        answer: approved(),
        by: journal::DecidedBy::Tombstone,
        at: AT,
    })
}

fn declined(id: u64) -> Record {
    Record::Declined(Declined {
        id: TxnId(id + 200),
        key: key(id as u32),
        fingerprint: 0,
        takes_key: true,
        message: message([2, 0, 0]),
        kind: Kind::Withdrawal,
        pan: Card::None,
        amount: Amount::minor(500),
        currency: Currency::NONE,
        answer: approved(),
        reason: Text::EMPTY,
        at: AT,
    })
}

fn never_sent(id: u64) -> Record {
    Record::NotSent { id: TxnId(id), answer: approved(), owes: None, at: AT }
}

/// What the books say of these records.
pub(crate) fn broken_by(records: &[Record]) -> Option<Invariant> {
    let mut truth = Truth::new(false);
    truth.guard_us = 1;
    for record in records {
        truth.apply(record);
    }
    truth.committed();
    truth.broken.map(|broken| broken.invariant)
}

#[rustfmt::skip]
fn table() -> Vec<(&'static str, Option<Invariant>, Vec<Record>)> {
    let (one, another_day) = (forward(1, 9), Forward { business_date: day(1), ..forward(1, 9) });
    let too_much = Forward { remaining: Amount::minor(501), ..one };
    vec![
        ("a decision",                        None,      vec![sent(1, 1), decided(1)]),
        ("a time-out and what it owes",       None,      vec![sent(1, 1), timed_out(1, Some(one)), attempt(1, 1), paid(1, b"00")]),
        ("a time-out that owes nothing",      Some(I5),  vec![sent(1, 1), timed_out(1, None)]),
        ("a time-out for a person",           None,      vec![sent(1, 1), timed_out(1, None), noted(1)]),
        ("two things owed for one key",       Some(I5),  vec![sent(1, 1), timed_out(1, Some(one)), owed(1, forward(2, 8))]),
        ("something owed for nothing",        Some(I6),  vec![owed(1, one)]),
        ("more remains than was asked for",   Some(I7),  vec![sent(1, 1), decided(1), owed(1, too_much)]),
        ("an attempt of nothing",             Some(I9),  vec![attempt(1, 1)]),
        ("an attempt left out",               Some(I9),  vec![sent(1, 1), timed_out(1, Some(one)), attempt(1, 2)]),
        ("two decisions",                     Some(I10), vec![sent(1, 1), decided(1), timed_out(1, Some(one))]),
        ("a decision about nothing",          Some(I10), vec![decided(1)]),
        ("sent twice",                        Some(I10), vec![sent(1, 1), sent(1, 2)]),
        ("declined behind its decision",      Some(I10), vec![sent(1, 1), decided(1), declined(1)]),
        ("a reversal of what was never sent", Some(I16), vec![sent(1, 1), never_sent(1), owed(1, one)]),
        ("sent behind its reversal",          Some(I20), vec![buried(1), noted(1), sent(1, 1)]),
        ("taken back, and nobody told",       Some(I5),  vec![buried(1)]),
        ("believed at once",                  Some(I21), vec![sent(1, 1), timed_out(1, Some(one)), attempt(1, 1), paid(1, b"25")]),
        ("paid, and never owed",              Some(I24), vec![paid(1, b"00")]),
        ("paid twice",                        Some(I24), vec![sent(1, 1), timed_out(1, Some(one)), paid(1, b"00"), paid(1, b"00")]),
        ("settled behind its payment",        Some(I24), vec![sent(1, 1), timed_out(1, Some(one)), paid(1, b"00"), settled(1)]),
        ("owed on another day",               Some(I31), vec![sent(1, 1), decided(1), owed(1, another_day)]),
        ("one number for two requests",       Some(I39), vec![sent(1, 1), sent(2, 1)]),
        ("a request's number for a debt",     Some(I39), vec![sent(1, 9), sent(2, 1), timed_out(2, Some(one))]),
    ]
}

#[test]
fn books_broken_by_hand_are_noticed() {
    for (what, wanted, records) in table() {
        assert_eq!(broken_by(&records), wanted, "{what}");
    }
}

/// A withdrawal of an honest terminal that a host has posted, as it stands at rest.
fn at_rest(change: impl FnOnce(&mut Truth)) -> Option<Invariant> {
    let mut truth = Truth::new(false);
    let op = truth.op(key(1), Kind::Withdrawal, 500, LinkId(0), true);
    truth.ops[op].honest = true;
    (truth.ops[op].first.net, truth.ops[op].cash) = (500, Cash::Moved(500));
    change(&mut truth);
    truth.settle();
    truth.broken.map(|broken| broken.invariant)
}

#[test]
fn cash_and_books_that_differ_are_noticed_unless_a_person_knows_once() {
    assert_eq!(at_rest(|_| {}), None);
    assert_eq!(at_rest(|truth| truth.ops[0].first.net = 0), Some(I1));
    assert_eq!(at_rest(|truth| truth.ops[0].cash = Cash::Stayed), Some(I1));
    let known = |times| move |truth: &mut Truth| (truth.ops[0].first.net, truth.ops[0].noted) = (0, times);
    assert_eq!(at_rest(known(1)), None);
    assert_eq!(at_rest(known(2)), Some(I1), "the list would have it twice");
    assert_eq!(at_rest(|truth| truth.ops[0].ended = 1), Some(I1), "nothing was owed");
}

#[test]
fn sums_that_differ_are_noticed_by_themselves() {
    let mut truth = Truth::new(false);
    assert!(truth.compare_sums(500, 500, 0));
    assert!(truth.compare_sums(500, 300, 200));
    assert!(!truth.compare_sums(500, 300, 0));
    assert_eq!(truth.broken.map(|broken| broken.invariant), Some(I8));
}

#[test]
fn every_invariant_has_been_seen_to_fail() {
    let by_hand = table().into_iter().filter_map(|(_, wanted, _)| wanted).chain([I1, I8]);
    let by_rule = Mutant::ALL.iter().flat_map(|(_, _, breaks, _)| breaks.iter().copied());
    let seen: Vec<_> = by_hand.chain(by_rule).collect();
    for (invariant, name, ..) in Invariant::ALL {
        assert!(seen.contains(invariant), "{name} has never been seen to fail");
    }
}
