//! Books of transfers between two hosts, broken by hand.

use crate::invariant::Invariant::{self, *};
use crate::truth::{Cash, Truth};
use crate::truth_table::{approved, broken_by, decided, forward, of, owed, paid};
use journal::{Credited, Debited, Forward, Onward, Record};
use terms::{BusinessDate, Kind, LinkId, Stan, Text, Timestamp, TxnId};

const AT: Timestamp = Timestamp::from_unix_ms(0);
const OTHER: LinkId = LinkId(1);

fn debited(id: u64) -> Record {
    let onward = Onward { link: OTHER, route: Text::EMPTY };
    Record::Debited(Debited { sent: journal::Sent { kind: Kind::Transfer, ..of(id, 1) }, onward })
}

fn credited(id: u64) -> Record {
    Record::Credited(Credited {
        id: TxnId(id),
        wire_code: Text::EMPTY,
        approval_code: Text::EMPTY,
        link: OTHER,
        host_stan: Stan(1),
        host_transmitted_at: Text::EMPTY,
        // Each host has its own day.
        business_date: BusinessDate::from_days(20_001),
        at: AT,
    })
}

fn to_other(id: u64) -> Forward {
    Forward { link: OTHER, business_date: BusinessDate::from_days(20_001), ..forward(id, 7) }
}

fn unsent(id: u64, owes: Option<Forward>) -> Record {
    Record::NotSent { id: TxnId(id), answer: approved(), owes, at: AT }
}

fn then(id: u64, owes: Forward) -> Record {
    let Record::Forwarded { forward, wire_code, at, .. } = paid(id, b"00") else { panic!("it is one") };
    Record::Forwarded { forward, wire_code, settlement_date: None, owes: Some(owes), at }
}

#[rustfmt::skip]
fn table() -> Vec<(&'static str, Option<Invariant>, Vec<Record>)> {
    let (back, undo) = (forward(2, 8), to_other(1));
    vec![
        ("both legs",                             None,      vec![debited(1), credited(1), decided(1)]),
        ("both undone, the credit first",         None,      vec![debited(1), credited(1), decided(1), owed(1, undo), then(1, back), paid(2, b"00")]),
        ("both owed at once",                     Some(I5),  vec![debited(1), credited(1), decided(1), owed(1, undo), owed(1, back)]),
        ("a credit that was not sent, undone",    Some(I16), vec![debited(1), decided(1), owed(1, undo)]),
        ("an unsent credit, undone",              Some(I16), vec![debited(1), credited(1), unsent(1, Some(undo))]),
        ("an unsent credit gives the debit back", None,      vec![debited(1), credited(1), unsent(1, Some(back))]),
        ("an unsent debit, given back",           Some(I16), vec![debited(1), unsent(1, Some(back))]),
        ("credited twice",                        Some(I10), vec![debited(1), credited(1), credited(1)]),
        ("credited, and never debited",           Some(I10), vec![credited(1)]),
        ("credited behind the decision",          Some(I10), vec![debited(1), decided(1), credited(1)]),
        ("undone on the other host's day",        Some(I31), vec![debited(1), credited(1), decided(1), owed(1, Forward { business_date: back.business_date, ..undo })]),
    ]
}

#[test]
fn books_of_transfers_broken_by_hand_are_noticed() {
    for (what, wanted, records) in table() {
        assert_eq!(broken_by(&records), wanted, "{what}");
    }
}

/// A transfer that a terminal holds for done or not, and what its two hosts hold of it.
fn at_rest(cash: Cash, left: i64, arrived: i64, noted: u32) -> Option<Invariant> {
    let mut truth = two_legs();
    let op = &mut truth.ops[0];
    (op.honest, op.cash, op.noted) = (true, cash, noted);
    op.first.net = left;
    op.books_mut(OTHER).net = arrived;
    truth.settle();
    truth.broken.map(|broken| broken.invariant)
}

fn two_legs() -> Truth {
    let mut truth = Truth::new(false);
    [debited(1), credited(1), decided(1)].iter().for_each(|record| truth.apply(record));
    truth
}

#[test]
fn both_legs_of_a_transfer_are_done_or_neither_unless_a_person_knows_once() {
    for (cash, left, arrived, noted, wanted) in [
        (Cash::Moved(500), 500, 500, 0, None),
        (Cash::Stayed, 0, 0, 0, None),
        (Cash::Stayed, 500, 0, 0, Some(I1)),
        (Cash::Stayed, 0, 500, 0, Some(I1)),
        (Cash::Stayed, 500, 500, 0, Some(I1)),
        (Cash::Moved(500), 500, 0, 0, Some(I1)),
        (Cash::Stayed, 500, 0, 1, None),
        (Cash::Stayed, 500, 0, 2, Some(I1)),
    ] {
        assert_eq!(at_rest(cash, left, arrived, noted), wanted, "{cash:?} {left} {arrived} {noted}");
    }
}

#[test]
fn a_debit_given_back_while_the_credit_stands_is_noticed() {
    let mut truth = two_legs();
    truth.ops[0].books_mut(OTHER).net = 500;
    truth.apply(&owed(1, forward(2, 8)));
    assert_eq!(truth.broken.map(|broken| broken.invariant), Some(I8));
}
