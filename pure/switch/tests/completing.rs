//! Terminals turn what they were authorized into money: a report (0220) that names an approved authorization (0100) is
//! owed to the host, once, and never only acknowledged.

mod world;

use journal::Record;
use switch::Event;
use terms::{
    Amount, BusinessDate, Class, Code, ConnId, Function, Kind, LocalTime, MessageType, Original, Outcome,
    Stan, Txn,
};
use world::*;

fn with_mti(digits: [u8; 3], stan: u32) -> Txn {
    let message = MessageType::from_digits(digits).expect("a message type");
    Txn { message, kind: Kind::Purchase, ..withdrawal(stan) }
}

/// A report under its own trace number that names an earlier request.
fn completion(stan: u32, of: u32, amount: u64) -> Txn {
    let original = Original { stan: Some(Stan(of)), ..Original::default() };
    Txn { original: Some(original), amount: Amount::minor(amount), ..with_mti([2, 2, 0], stan) }
}

/// An authorization of 30,000 whose host said that.
fn authorized(w: &mut World, stan: u32, code: Code) {
    let (link, _, ours) = w.ask(with_mti([1, 0, 0], stan)).asked_once();
    let message = MessageType::from_digits([1, 1, 0]).expect("0110");
    w.host_says(link, Txn { message, ..reply(ours, code) });
}

/// What was owed is what the host is told: a financial advice of that amount.
#[track_caller]
fn tells_the_host(w: &World, left: &Left, amount: u64) {
    assert_eq!(left.answer(), (Code::Approved, Outcome::Approved), "an advice is acknowledged");
    left.asked_once();
    let told = w.last_asked().expect("the host is told");
    assert_eq!((told.message.class, told.message.function), (Class::Financial, Function::Advice));
    assert_eq!(told.amount, Amount::minor(amount));
}

fn accepted(w: &mut World, left: &Left) {
    let (link, _, ours) = left.asked_once();
    let message = MessageType::from_digits([2, 3, 0]).expect("0230");
    assert_eq!(
        w.host_says(link, Txn { message, ..reply(ours, Code::Approved) }).record_names(),
        ["forwarded"]
    );
}

#[test]
fn a_completion_of_an_approved_authorization_reaches_the_host_and_does_so_once() {
    let mut w = World::new();
    authorized(&mut w, 1, Code::Approved);
    let first = w.ask(completion(2, 1, 20_000));
    assert_eq!(first.record_names()[..2], ["resolved", "advised"]);
    tells_the_host(&w, &first, 20_000);
    // The terminal did not hear us, and says it again: while it is owed, when it is paid, and after each restart.
    let again = Txn {
        message: MessageType { origin: 1, ..completion(2, 1, 20_000).message },
        ..completion(2, 1, 20_000)
    };
    assert_eq!(w.ask(again.clone()).record_names(), ["observed"]);
    accepted(&mut w, &first);
    for round in 0..3 {
        match round {
            0 => Left::default(),
            1 => w.restart(),
            _ => w.restart_from_snapshot(),
        };
        let repeated = w.ask(again.clone());
        assert_eq!(repeated.record_names(), ["observed"], "{round}");
        assert_eq!(repeated.answer(), (Code::Approved, Outcome::Approved), "{round}");
        assert!(w.wait_ms(600_000).asked.is_empty(), "{round}");
    }
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn a_completion_under_the_trace_number_of_its_authorization_is_one_as_well() {
    let date = BusinessDate::new(2026, 11, 22).expect("a day");
    for time in [None, LocalTime::new(date, 13, 0, 0)] {
        let mut w = World::new();
        authorized(&mut w, 1, Code::Approved);
        let said = Txn { local_time: time, ..with_mti([2, 2, 0], 1) };
        let original = Original { stan: Some(Stan(1)), ..Original::default() };
        let said = Txn { original: time.map(|_| original), ..said };
        let first = w.ask(said.clone());
        tells_the_host(&w, &first, 30_000);
        accepted(&mut w, &first);
        assert_eq!(w.ask(said.clone()).record_names(), ["observed"], "{time:?}");
        w.restart_from_snapshot();
        assert_eq!(w.ask(said).record_names(), ["observed"], "{time:?}");
        // The authorization asked again is the authorization: it is given its answer.
        let asked_again = w.ask(with_mti([1, 0, 0], 1));
        assert_eq!((asked_again.answer().0, asked_again.asked.len()), (Code::Approved, 0), "{time:?}");
    }
}

#[test]
fn a_second_completion_is_no_repeat_of_the_first_and_a_persons() {
    let mut w = World::new();
    authorized(&mut w, 1, Code::Approved);
    let first = w.ask(completion(2, 1, 20_000));
    accepted(&mut w, &first);
    let second = w.ask(completion(3, 1, 10_000));
    assert_eq!(second.answer(), (Code::Approved, Outcome::Approved), "it is acknowledged: it has happened");
    assert_eq!(second.record_names(), ["exception"]);
    assert!(second.asked.is_empty());
    assert_eq!(w.ask(completion(3, 1, 10_000)).record_names(), ["observed"], "and told once");
}

#[test]
fn what_was_not_approved_is_not_completed_and_a_person_hears_of_it() {
    let mut w = World::new();
    authorized(&mut w, 1, Code::Declined);
    let left = w.ask(completion(2, 1, 20_000));
    assert_eq!((left.answer().0, left.asked.len()), (Code::Approved, 0));
    assert!(left.record_names().contains(&"exception"), "{:?}", left.record_names());
    // Nobody can say yet what becomes of one that is under way.
    let (link, _, ours) = w.ask(with_mti([1, 0, 0], 5)).asked_once();
    let early = w.ask(completion(6, 5, 20_000));
    assert_eq!((early.answer().0, early.asked.len()), (Code::Approved, 0));
    assert_eq!(early.record_names(), ["exception"]);
    assert_eq!(w.ask(completion(6, 5, 20_000)).record_names(), ["observed"]);
    let message = MessageType::from_digits([1, 1, 0]).expect("0110");
    w.host_says(link, Txn { message, ..reply(ours, Code::Approved) });
    assert!(w.wait_ms(600_000).asked.is_empty());
}

#[test]
fn a_sale_that_is_reported_is_what_the_host_has_already() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(with_mti([2, 0, 0], 1)).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
    let left = w.ask(completion(2, 1, 30_000));
    assert_eq!((left.record_names(), left.asked.len()), (vec!["observed"], 0));
}

#[test]
fn a_completion_is_taken_back_by_its_own_name_and_its_authorization_is_spent() {
    let mut w = World::new();
    authorized(&mut w, 1, Code::Approved);
    let first = w.ask(completion(2, 1, 30_000));
    accepted(&mut w, &first);
    let back = |of: u32| Txn {
        original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
        amount: Amount::default(),
        ..with_mti([4, 2, 0], of)
    };
    assert_eq!(w.ask(back(1)).record_names(), ["observed", "exception"], "the money went by the completion");
    let undone = w.ask(back(2));
    assert_eq!(undone.record_names()[..1], ["owed"]);
    assert_eq!(w.last_asked().map(|asked| asked.message.class), Some(Class::Reversal));
}

#[test]
fn a_completion_whose_second_record_was_lost_is_taken_anew() {
    let mut w = World::new();
    authorized(&mut w, 1, Code::Approved);
    w.ask(completion(2, 1, 20_000));
    let upto =
        w.journal.iter().position(|record| matches!(record, Record::Resolved { .. })).expect("it was") + 1;
    w.journal.truncate(upto);
    w.restart();
    let left = w.step(Event::Asked { source: TILL, conn: ConnId(1), txn: completion(2, 1, 20_000) });
    tells_the_host(&w, &left, 20_000);
}
