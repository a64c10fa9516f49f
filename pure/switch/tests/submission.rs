//! What an application submits under a name of its own: known again, also after a restart.

mod world;

use journal::{After, Record};
use switch::{CannotCapture, Event, Submission};
use terms::{Amount, Code, ConnId, MessageType, Outcome, TxnId};
use world::{BANK, TILL, World, inquiry, withdrawal};

fn submit(w: &mut World, name: &str, stan: u32) -> world::Left {
    let ticket = w.lane.ticket(b"till-app", name.as_bytes(), &[stan as u8; 32]);
    w.step(Event::Submitted { source: TILL, conn: ConnId(9), txn: withdrawal(stan), ticket })
}

fn found(w: &World, name: &str) -> Option<Submission> {
    w.lane.submitted(&w.lane.ticket(b"till-app", name.as_bytes(), &[0; 32]))
}

#[test]
fn the_name_is_written_before_the_permit_and_finds_the_transaction() {
    let mut w = World::new();
    let left = submit(&mut w, "a", 1);
    assert_eq!(left.record_names(), ["ticketed", "sent"]);
    let known = found(&w, "a").expect("it was submitted");
    let seen = known.seen.expect("it is under way");
    assert_eq!((known.id, seen.answer.is_none(), seen.sent.is_some()), (TxnId(1), true, true));
    assert!(found(&w, "b").is_none());
    let (link, _, ours) = left.asked_once();
    w.host_says(link, world::reply(ours, Code::Approved));
    let seen = found(&w, "a").and_then(|known| known.seen).expect("it is remembered");
    assert_eq!(seen.answer.map(|answer| answer.outcome), Some(Outcome::Approved));
}

#[test]
fn callers_do_not_share_names_and_contents_are_told_apart() {
    let w = World::new();
    let ticket = |caller: &[u8], name: &[u8], contents| w.lane.ticket(caller, name, &[contents; 32]);
    let one = ticket(b"a", b"k", 1);
    assert_ne!(one.name, ticket(b"b", b"k", 1).name);
    assert_ne!(one.caller, ticket(b"b", b"k", 1).caller);
    assert_ne!(ticket(b"a", b"bc", 1).name, ticket(b"ab", b"c", 1).name);
    assert_eq!(one.name, ticket(b"a", b"k", 2).name);
    assert_ne!(one.contents, ticket(b"a", b"k", 2).contents);
}

#[test]
fn a_restart_and_a_snapshot_forget_no_name() {
    let mut w = World::new();
    let (link, _, ours) = submit(&mut w, "a", 1).asked_once();
    w.host_says(link, world::reply(ours, Code::Approved));
    submit(&mut w, "b", 2);
    for round in 0..2 {
        match round {
            0 => w.restart(),
            _ => w.restart_from_snapshot(),
        };
        let outcome =
            |name| found(&w, name).and_then(|known| known.seen?.answer).map(|answer| answer.outcome);
        assert_eq!(
            (outcome("a"), outcome("b")),
            (Some(Outcome::Approved), Some(Outcome::Unknown)),
            "{round}"
        );
    }
}

#[test]
fn a_name_whose_transaction_never_came_to_be_is_free() {
    let mut w = World::new();
    submit(&mut w, "a", 1);
    // The power failed between the two records: the host was never asked.
    w.journal.retain(|record| !matches!(record, Record::Sent(_)));
    w.restart();
    assert!(found(&w, "a").is_none());
    assert_eq!(submit(&mut w, "a", 1).record_names(), ["ticketed", "sent"]);
}

#[test]
fn a_refusal_is_found_too_and_nothing_recorded_takes_no_name() {
    let mut w = World::new();
    let ticket = w.lane.ticket(b"till-app", b"a", &[0; 32]);
    let mut nowhere = withdrawal(1);
    nowhere.pan = terms::Pan::new(b"9111111111111111").expect("digits");
    let left = w.step(Event::Submitted { source: TILL, conn: ConnId(9), txn: nowhere, ticket });
    assert_eq!(left.record_names(), ["ticketed", "declined"]);
    let seen = found(&w, "a").and_then(|known| known.seen).expect("it is remembered");
    assert_eq!(
        seen.answer.map(|answer| (answer.code, answer.outcome)),
        Some((Code::NoRoute, Outcome::NotSent))
    );
    w.lane.take_nothing_new(Some(Code::HostDown));
    let left = submit(&mut w, "b", 2);
    assert_eq!((left.record_names().len(), found(&w, "b").is_none()), (0, true));
}

#[test]
fn a_question_that_moves_no_money_is_found_as_well() {
    let mut w = World::new();
    let ticket = w.lane.ticket(b"till-app", b"q", &[0; 32]);
    let left = w.step(Event::Submitted { source: TILL, conn: ConnId(9), txn: inquiry(1), ticket });
    assert_eq!(left.record_names(), ["ticketed", "inquired"]);
    assert!(found(&w, "q").is_some());
}

#[test]
fn no_more_names_are_kept_than_transactions() {
    let mut w = World::new();
    for stan in 1..=12 {
        let (link, _, ours) = submit(&mut w, &format!("n{stan}"), stan).asked_once();
        w.host_says(link, world::reply(ours, Code::Approved));
    }
    assert!(found(&w, "n1").is_none() && found(&w, "n12").is_some());
}

/// An authorization under a name of its own, approved.
fn authorized(w: &mut World, stan: u32) -> TxnId {
    let ticket = w.lane.ticket(b"till-app", format!("auth {stan}").as_bytes(), &[0; 32]);
    let message = MessageType::from_digits([1, 0, 0]).expect("0100");
    let txn = terms::Txn { kind: terms::Kind::Purchase, message, ..withdrawal(stan) };
    let (link, id, ours) =
        w.step(Event::Submitted { source: TILL, conn: ConnId(9), txn, ticket }).asked_once();
    let message = MessageType::from_digits([1, 1, 0]).expect("0110");
    w.host_says(link, terms::Txn { message, ..world::reply(ours, Code::Approved) });
    id
}

fn capture(w: &mut World, of: TxnId, stan: u32, amount: u64) -> world::Left {
    let ticket = w.lane.ticket(b"till-app", format!("capture {stan}").as_bytes(), &[0; 32]);
    let message = MessageType::from_digits([2, 2, 0]).expect("0220");
    let amount = Amount::minor(amount);
    let txn = terms::Txn { kind: terms::Kind::Purchase, message, amount, ..withdrawal(stan) };
    w.step(Event::Captured { source: TILL, conn: ConnId(10), txn, ticket, of })
}

#[test]
fn of_two_captures_one_is_made_whoever_asked_whether_it_might() {
    let mut w = World::new();
    let of = authorized(&mut w, 1);
    let all = Amount::minor(30_000);
    // Both ask first, and both are told yes.
    assert_eq!(w.lane.may_capture(of, all), Ok(()));
    let first = capture(&mut w, of, 2, 30_000);
    assert_eq!(first.record_names()[..3], ["resolved", "ticketed", "advised"]);
    assert_eq!(first.answer(), (Code::Approved, Outcome::Approved));
    let second = capture(&mut w, of, 3, 30_000);
    assert_eq!((second.records.len(), second.answer().1), (0, Outcome::NotSent));
    assert_eq!(w.lane.may_capture(of, all), Err(CannotCapture::Captured(TxnId(2))));
    // What is spent cannot be given back: that is for its capture, and a person hears of it.
    let known = w.lane.submission(of).expect("it is remembered");
    let back = w.lane.taking_back(&known).expect("enough is remembered");
    assert_eq!(w.ask(back).record_names(), ["observed", "exception"]);
    for round in 0..2 {
        match round {
            0 => w.restart(),
            _ => w.restart_from_snapshot(),
        };
        assert_eq!(w.lane.may_capture(of, all), Err(CannotCapture::Captured(TxnId(2))), "{round}");
    }
}

#[test]
fn no_more_is_captured_than_was_approved_and_nothing_but_what_was_authorized() {
    let mut w = World::new();
    let of = authorized(&mut w, 1);
    assert_eq!(w.lane.may_capture(of, Amount::minor(30_001)), Err(CannotCapture::TooMuch));
    assert_eq!(capture(&mut w, of, 2, 30_001).records, []);
    let (link, paid, ours) = submit(&mut w, "w", 3).asked_once();
    assert_eq!(w.lane.may_capture(paid, Amount::minor(1)), Err(CannotCapture::NotAnAuthorization));
    w.host_says(link, world::reply(ours, Code::Approved));
    assert_eq!(capture(&mut w, paid, 4, 1).records, []);
    assert_eq!(w.lane.may_capture(TxnId(99), Amount::minor(1)), Err(CannotCapture::NotRemembered));
}

#[test]
fn a_capture_goes_to_the_host_that_authorized_it_however_cards_are_routed_by_then() {
    let mut w = World::new();
    let of = authorized(&mut w, 1);
    let mut moved = world::config();
    let mut lines = moved.routes.lines().to_vec();
    lines.iter_mut().for_each(|line| line.link = world::CARDS);
    moved.routes = switch::Routes::new(lines);
    w.reconfigure(moved);
    assert_eq!(
        submit(&mut w, "elsewhere", 2).asked_once().0,
        world::CARDS,
        "the same card goes elsewhere now"
    );
    let (link, ..) = capture(&mut w, of, 3, 30_000).asked_once();
    assert_eq!(link, BANK);
    // And where nothing is routed any more.
    let mut w = World::new();
    let of = authorized(&mut w, 1);
    w.reconfigure(switch::LaneConfig { routes: switch::Routes::default(), ..world::config() });
    assert_eq!(capture(&mut w, of, 2, 30_000).asked_once().0, BANK);
}

#[test]
fn a_capture_taken_back_before_it_left_leaves_the_authorization_as_it_was() {
    for go_on in [|_: &mut World| {}, |w: &mut World| drop(w.restart_from_snapshot_with_links_down())] {
        let mut w = World::new();
        let of = authorized(&mut w, 7);
        w.step(Event::LinkDown { link: BANK });
        assert_eq!(capture(&mut w, of, 8, 30_000).record_names(), ["resolved", "ticketed", "advised"]);
        go_on(&mut w);
        assert!(w.lane.may_capture(of, Amount::minor(30_000)).is_err(), "it is spent");
        let known = w.lane.submission(TxnId(of.0 + 1)).expect("the capture is remembered");
        let txn = w.lane.taking_back(&known).expect("and what it was");
        let left = w.step(Event::Asked { source: TILL, conn: ConnId(1), txn });
        assert_eq!(left.record_names(), ["withdrawn"]);
        go_on(&mut w);
        assert_eq!(w.lane.pending(), 0, "nobody is charged");
        assert_eq!(w.lane.may_capture(of, Amount::minor(30_000)), Ok(()), "and it may be captured again");
    }
}

#[test]
fn an_authorization_whose_capture_never_came_to_be_is_not_spent() {
    let mut w = World::new();
    let of = authorized(&mut w, 1);
    capture(&mut w, of, 2, 10_000);
    // The power failed behind the first of its records.
    let is_mark = |record: &Record| matches!(record, Record::Resolved { after: After::Captured(_), .. });
    let upto = w.journal.iter().position(is_mark).expect("it was captured") + 1;
    w.journal.truncate(upto);
    w.restart();
    assert_eq!(w.lane.may_capture(of, Amount::minor(30_000)), Ok(()));
    assert_eq!(capture(&mut w, of, 2, 10_000).record_names()[..3], ["resolved", "ticketed", "advised"]);
}
