//! A source that says two things of one request: neither word is lost, and a person hears of the second.

mod world;

use journal::{After, Record};
use switch::{Ended, Event, LaneConfig, Tell};
use terms::{Amount, BusinessDate, Code, ConnId, ForwardId, Kind, MessageType, Original, Text, Txn};
use world::*;

fn deposit(stan: u32) -> Txn {
    Txn { kind: Kind::Deposit, ..withdrawal(stan) }
}

fn report(of: u32) -> Txn {
    Txn { message: MessageType::from_digits([2, 2, 0]).expect("0220"), ..deposit(of) }
}

fn reversal(of: Txn) -> Txn {
    let message = MessageType::from_digits([4, 2, 0]).expect("0420");
    let original = Some(Original { stan: Some(of.stan), ..Original::default() });
    Txn { message, original, ..of }
}

fn part(remaining: u64) -> Txn {
    Txn { remaining: Some(Amount::minor(remaining)), ..reversal(withdrawal(7)) }
}

/// Why people were called, in this step.
fn items(left: &Left) -> Vec<String> {
    let reason = |record: &Record| match record {
        Record::Exception { reason, .. } => Some(reason.to_string()),
        _ => None,
    };
    left.records.iter().filter_map(reason).collect()
}

/// Ways to go on: as it is, from the records, from a snapshot.
const WAYS: [fn(&mut World); 3] = [|_| {}, |w| drop(w.restart()), |w| drop(w.restart_from_snapshot())];

/// The same, and no host can be reached.
const WAYS_DOWN: [fn(&mut World); 3] =
    [|_| {}, |w| drop(w.restart_with_links_down()), |w| drop(w.restart_from_snapshot_with_links_down())];

fn approve(w: &mut World, txn: Txn) {
    let (link, _, ours) = w.ask(txn).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
}

#[test]
fn a_request_in_flight_that_is_reported_and_taken_back_is_a_persons_whichever_came_first() {
    for (first, second, why) in [
        (report(7), reversal(deposit(7)), "reported, and then taken back"),
        (reversal(deposit(7)), report(7), "taken back, and then reported"),
    ] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(deposit(7)).asked_once();
        assert_eq!(w.ask(first.clone()).record_names(), ["marked"]);
        assert!(items(&w.ask(first.clone())).is_empty(), "the same again is the same");
        let left = w.ask(second.clone());
        assert_eq!((items(&left), left.answer().0), (vec![why.into()], Code::Approved));
        assert!(left.answers[0].2, "acknowledged when the item is durable");
        assert!(items(&w.ask(second.clone())).is_empty(), "once");
        assert!(items(&w.host_says(link, reply(ours, Code::Approved))).is_empty(), "the first word stands");
        assert_eq!(w.lane.pending(), usize::from(first.message != report(7).message));
        w.restart_from_snapshot();
        assert_eq!(w.lane.status().exceptions, 0, "counted of this process alone");
        assert!(items(&w.ask(report(7))).is_empty(), "nor does a restart forget that they know");
    }
}

#[test]
fn what_is_known_of_a_request_in_flight_outlives_the_power_with_the_item() {
    let mut w = World::new();
    w.ask(deposit(7));
    w.ask(report(7));
    assert_eq!(items(&w.ask(reversal(deposit(7)))).len(), 1);
    w.restart();
    // By silence it is posted, as the first word wants; the same word again tells nobody anew.
    assert!(items(&w.ask(reversal(deposit(7)))).is_empty());
}

#[test]
fn two_reversals_that_leave_different_parts_are_a_persons_and_the_first_is_done() {
    for (one, other) in [(part(10_000), part(0)), (part(0), part(10_000)), (part(10_000), part(20_000))] {
        for go_on in WAYS {
            // In flight.
            let mut w = World::new();
            let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
            w.ask(one.clone());
            let left = w.ask(other.clone());
            assert_eq!(items(&left), ["taken back twice, in different parts"]);
            w.host_says(link, reply(ours, Code::Approved));
            let wanted = one.remaining.filter(|remaining| *remaining != Amount::default());
            assert_eq!(w.last_asked().and_then(|sent| sent.remaining), wanted, "the first word stands");
            go_on(&mut w);
            assert!(items(&w.ask(other.clone())).is_empty(), "once");

            // Being undone, and undone.
            for is_over in [false, true] {
                let mut w = World::new();
                approve(&mut w, withdrawal(7));
                let left = w.ask(one.clone());
                let (_, _, again) = left.asked_once();
                if is_over {
                    let message = MessageType::from_digits([4, 3, 0]).expect("0430");
                    w.host_says(BANK, Txn { message, ..reply(again, Code::Approved) });
                    assert_eq!(w.lane.pending(), 0);
                }
                go_on(&mut w);
                assert!(items(&w.ask(one.clone())).is_empty(), "the same again is the same");
                assert_eq!(items(&w.ask(other.clone())), ["taken back twice, in different parts"]);
                go_on(&mut w);
                assert!(items(&w.ask(other.clone())).is_empty(), "once");
            }
        }
    }
}

#[test]
fn a_part_that_remains_of_what_was_not_done_is_a_persons() {
    // Said before the host refuses, and after.
    for before in [true, false] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
        let early = before.then(|| w.ask(part(10_000)));
        let refused = w.host_says(link, reply(ours, Code::DoNotHonour));
        let late = w.ask(part(10_000));
        let all: Vec<String> =
            [early.as_ref(), Some(&refused), Some(&late)].into_iter().flatten().flat_map(items).collect();
        assert_eq!(all, ["a part remains, and nothing was done"]);
    }
    // Nothing left us: the same.
    let mut w = World::new();
    w.step(Event::LinkDown { link: BANK });
    w.ask(withdrawal(7));
    assert_eq!(items(&w.ask(part(10_000))), ["a part remains, and nothing was done"]);
}

/// Two days differ by it, and no money is in question: that must not hide what comes later.
#[test]
fn that_days_differ_hides_no_later_item_about_money() {
    for go_on in WAYS {
        let mut w = World::with(LaneConfig { remembered_max: 8, ..config() });
        approve(&mut w, withdrawal(7));
        let left = w.ask(reversal(withdrawal(7)));
        let (_, _, again) = left.asked_once();
        let elsewhere = w.lane.status().links[0].date.map(BusinessDate::next);
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        let yes = Txn { message, settlement_date: elsewhere, ..reply(again, Code::Approved) };
        assert_eq!(items(&w.host_says(BANK, yes)), ["settled by the host on another day"]);
        go_on(&mut w);
        let dispensed = Txn { kind: Kind::Withdrawal, ..report(7) };
        assert_eq!(items(&w.ask(dispensed.clone())), ["reported after it was refused or undone"]);
        go_on(&mut w);
        assert!(items(&w.ask(dispensed)).is_empty(), "once");
        let another = Txn { amount: Amount::minor(1), ..reversal(withdrawal(7)) };
        assert_eq!(items(&w.ask(another.clone())), ["reversal of another amount"], "another matter");
        go_on(&mut w);
        assert!(items(&w.ask(another)).is_empty(), "once");
    }
}

#[test]
fn a_person_who_settles_says_how_it_ended_and_that_is_the_last_word() {
    for (ended, after) in [(Ended::Done, After::Confirmed), (Ended::Undone, After::Reversed)] {
        for go_on in WAYS_DOWN {
            let mut w = World::new();
            let ticket = w.lane.ticket(b"app", b"one", &[0; 32]);
            w.step(Event::Submitted { source: TILL, conn: ConnId(1), txn: withdrawal(7), ticket });
            w.wait_ms(REPLY_TIMEOUT_MS);
            let forward = w.lane.owed(w.now.instant, ForwardId(0), 9)[0].forward.id;
            let (by, reason) = (Text::clipped(b"suzuki"), Text::clipped(b"CHG-881"));
            let left = w.step(Event::Settled { forward, ended, by, reason });
            assert_eq!(left.record_names(), ["ruled", "resolved"]);
            assert!(left.told.iter().any(|tell| matches!(tell, Tell::Settled { .. })), "{:?}", left.told);
            go_on(&mut w);
            let seen = w.lane.submitted(&ticket).and_then(|known| known.seen).expect("it is remembered");
            assert_eq!(seen.after, after);
            assert_eq!(
                w.ask(reversal(withdrawal(7))).record_names(),
                ["observed"],
                "nothing is undone twice"
            );
        }
    }
}

/// The host's yes to the message that was asked last.
fn accepted(w: &World, left: &Left) -> Txn {
    let (_, _, ours) = left.asked_once();
    let message = w.last_asked().and_then(|asked| asked.message.answered_by()).expect("it wants an answer");
    Txn { message, ..reply(ours, Code::Approved) }
}

#[test]
fn a_report_taken_back_before_it_left_never_leaves() {
    for go_on in WAYS_DOWN {
        let mut w = World::new();
        w.step(Event::LinkDown { link: BANK });
        assert_eq!(w.ask(report(7)).record_names(), ["advised"]);
        go_on(&mut w);
        let left = w.ask(reversal(deposit(7)));
        assert_eq!((left.record_names(), left.answer().0), (vec!["withdrawn"], Code::Approved));
        assert!(left.answers[0].2, "acknowledged when it is durable");
        go_on(&mut w);
        w.step(Event::LinkUp { link: BANK });
        w.wait_ms(600_000);
        assert!(w.asked.is_empty(), "the host never hears of it");
        assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, 0));
        assert!(items(&w.ask(reversal(deposit(7)))).is_empty(), "the same again is the same");
        assert_eq!(items(&w.ask(report(7))), ["reported after it was refused or undone"]);
    }
}

#[test]
fn a_deposit_nobody_answered_that_is_taken_back_before_its_advice_left_is_undone_instead() {
    for go_on in WAYS_DOWN {
        let mut w = World::new();
        let (_, _, asked) = w.ask(deposit(7)).asked_once();
        w.step(Event::LinkDown { link: BANK });
        assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).record_names(), ["timed_out"]);
        let left = w.ask(reversal(deposit(7)));
        assert_eq!((left.record_names(), left.answer().0), (vec!["withdrawn"], Code::Approved));
        go_on(&mut w);
        assert_eq!(w.lane.pending(), 1);
        let up = w.step(Event::LinkUp { link: BANK });
        let sent = w.last_asked().expect("a reversal");
        assert_eq!(sent.message.class, terms::Class::Reversal);
        assert_eq!(sent.original.and_then(|original| original.stan), Some(asked.stan));
        w.host_says(BANK, accepted(&w, &up));
        assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, 0), "both hands are empty");
    }
}

#[test]
fn what_is_taken_back_while_its_advice_is_under_way_is_undone_when_it_is_posted() {
    for part in [None, Some(Amount::minor(10_000))] {
        for go_on in WAYS {
            let mut w = World::new();
            w.ask(deposit(7));
            assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).record_names(), ["timed_out", "attempt"]);
            let back = Txn { remaining: part, ..reversal(deposit(7)) };
            let left = w.ask(back.clone());
            assert_eq!((left.record_names(), left.answer().0), (vec!["marked"], Code::Approved));
            assert!(left.answers[0].2, "acknowledged when it is durable");
            go_on(&mut w);
            assert_eq!(w.ask(back).record_names(), ["observed"], "the same again is the same");
            let again = w.wait_ms(600_000);
            assert_eq!(w.last_asked().map(|sent| sent.message.class), Some(terms::Class::Financial));
            let posted = w.host_says(BANK, accepted(&w, &again));
            assert_eq!(posted.record_names()[..2], ["forwarded", "attempt"], "in the record of the posting");
            go_on(&mut w);
            let undone = w.wait_ms(600_000);
            let sent = w.last_asked().expect("a reversal");
            assert_eq!((sent.message.class, sent.remaining), (terms::Class::Reversal, part));
            w.host_says(BANK, accepted(&w, &undone));
            assert_eq!(w.lane.pending(), 0);
        }
    }
}
