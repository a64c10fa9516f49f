//! What becomes of money when somebody does not know: reversals, reports, and what is owed until it is paid.

mod world;

use journal::{Duty, Record, Ruling};
use switch::{CannotRule, Demands, Event, ForwardConfig, HostProfile, LaneConfig, Standing, Tell};
use terms::{
    Amount, BusinessDate, Class, Code, ConnId, ForwardId, Function, Kind, LocalTime, MessageType, Original,
    Outcome, Pan, Stan, Text, Txn,
};
use world::*;

fn reversal(of: u32) -> Txn {
    Txn {
        message: MessageType::from_digits([4, 2, 0]).expect("0420"),
        original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
        ..withdrawal(of)
    }
}

fn deposit(stan: u32) -> Txn {
    Txn { kind: Kind::Deposit, ..withdrawal(stan) }
}

fn report(of: u32) -> Txn {
    Txn { message: MessageType::from_digits([2, 2, 0]).expect("0220"), ..deposit(of) }
}

/// The host's answer to an owed message.
fn acknowledged(w: &World, left: &Left, code: Code) -> Txn {
    let (_, _, ours) = left.asked_once();
    let asked = w.last_asked().expect("something was asked");
    let message = asked.message.answered_by().expect("it wants an answer");
    Txn { message, ..reply(ours, code) }
}

fn with_host(profile: HostProfile) -> World {
    let mut config: LaneConfig = config();
    config.links.iter_mut().for_each(|link| link.host = profile);
    World::with(config)
}

fn rule(w: &mut World, forward: ForwardId, ruling: Ruling) -> Left {
    let (by, reason) = (Text::clipped(b"suzuki"), Text::clipped(b"CHG-881"));
    w.step(Event::Ruled { forward, ruling, by, reason })
}

fn approved(w: &mut World, txn: Txn) {
    let (link, _, ours) = w.ask(txn).asked_once();
    assert_eq!(w.host_says(link, reply(ours, Code::Approved)).answer().0, Code::Approved);
}

#[test]
fn a_time_out_is_given_back_at_once_and_until_the_host_says_yes() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(481)).asked_once();
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(first.record_names(), ["timed_out", "attempt"]);
    let (to, _, reversal) = first.asked_once();
    let sent = w.last_asked().expect("a reversal");
    assert_eq!((to, sent.message.class, sent.message.function), (link, Class::Reversal, Function::Advice));
    assert_eq!(
        sent.original.and_then(|original| original.stan),
        Some(ours.stan),
        "it names what the host saw"
    );
    assert!(first.asked[0].3, "the attempt is durable before its first byte");
    assert!(w.wait_ms(29_999).asked.is_empty(), "an answer may still come");
    let second = w.wait_ms(1);
    let (_, _, again) = second.asked_once();
    assert_eq!((again.stan, again.rrn, again.repeat), (reversal.stan, reversal.rrn, true));
    let yes = acknowledged(&w, &second, Code::Approved);
    assert_eq!(w.host_says(link, yes).record_names(), ["forwarded"]);
    assert!(w.wait_ms(600_000).asked.is_empty());
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn a_reversal_of_an_approved_withdrawal_is_acknowledged_first_and_then_sent() {
    let mut w = World::new();
    approved(&mut w, withdrawal(7));
    let left = w.ask(reversal(7));
    assert_eq!(left.record_names(), ["owed", "attempt"]);
    assert_eq!(left.answer(), (Code::Approved, Outcome::Approved));
    assert!(left.answers[0].2, "the debt is durable before it is acknowledged");
    assert_eq!(w.ask(withdrawal(7)).answer().0, Code::Declined, "a repeat is told that it is undone");
    assert!(w.ask(reversal(7)).asked.is_empty(), "and the same reversal again adds nothing");
    let yes = acknowledged(&w, &left, Code::Approved);
    w.host_says(BANK, yes);
    assert_eq!(w.ask(withdrawal(7)).answer().0, Code::Declined);
}

#[test]
fn a_reversal_in_flight_waits_for_the_answer_it_is_about() {
    for (answer, owes) in [(Code::Approved, true), (Code::InsufficientFunds, false)] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
        let marked = w.ask(reversal(7));
        assert_eq!((marked.record_names(), marked.answer().0), (vec!["marked"], Code::Approved));
        let left = w.host_says(link, reply(ours, answer));
        assert_eq!(!left.asked.is_empty(), owes, "{answer}");
        assert_eq!(left.answer().0, Code::Declined, "the source has gone its way");
    }
    let mut w = World::new();
    w.ask(withdrawal(7));
    w.ask(reversal(7));
    let silent = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(silent.asked.len(), 1, "one reversal, not one for the silence and one for the source");
}

#[test]
fn a_reversal_before_its_request_refuses_the_request_for_ever() {
    for come_back in [
        |_: &mut World| {},
        |w: &mut World| drop(w.restart()),
        |w: &mut World| drop(w.restart_from_snapshot()),
    ] {
        let mut w = World::new();
        let left = w.ask(reversal(7));
        assert_eq!((left.record_names(), left.answer().0), (vec!["kept", "exception"], Code::Approved));
        come_back(&mut w);
        let refused = w.ask(withdrawal(7));
        assert!(refused.asked.is_empty(), "the host never hears of it");
        assert_eq!(refused.answer().0, Code::Declined);
    }
}

#[test]
fn a_reversal_of_what_was_refused_or_never_sent_is_acknowledged_and_adds_nothing() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(1)).asked_once();
    w.host_says(link, reply(ours, Code::WrongPin));
    w.step(Event::LinkDown { link: BANK });
    w.ask(withdrawal(2));
    w.step(Event::LinkUp { link: BANK });
    for stan in [1, 2] {
        let left = w.ask(reversal(stan));
        assert_eq!(left.answer().0, Code::Approved);
        assert!(left.asked.is_empty());
    }
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn a_partial_dispense_leaves_what_was_dispensed() {
    let mut w = World::new();
    approved(&mut w, withdrawal(7));
    w.ask(Txn { remaining: Some(Amount::minor(10_000)), ..reversal(7) });
    let sent = w.last_asked().expect("a reversal");
    assert_eq!((sent.amount, sent.remaining), (Amount::minor(30_000), Some(Amount::minor(10_000))));
}

/// What remains is posted if the request was: nobody has said so, and no total can count it.
#[test]
fn a_part_of_what_nobody_answered_is_undone_and_a_person_hears_of_the_rest() {
    let mut w = World::new();
    w.ask(withdrawal(7));
    w.ask(Txn { remaining: Some(Amount::minor(10_000)), ..reversal(7) });
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    let yes = acknowledged(&w, &left, Code::Approved);
    assert_eq!(w.host_says(BANK, yes).record_names(), ["forwarded", "exception"]);
    w.restart();
    assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, 1));
}

#[test]
fn a_reversal_that_contradicts_its_original_is_left_to_a_person() {
    for wrong in [
        Txn { amount: Amount::minor(29_999), ..reversal(7) },
        Txn { remaining: Some(Amount::minor(30_001)), ..reversal(7) },
    ] {
        let mut w = World::new();
        approved(&mut w, withdrawal(7));
        let left = w.ask(wrong);
        assert_eq!((left.record_names(), left.answer().0), (vec!["exception"], Code::Approved));
        assert!(left.asked.is_empty());
    }
}

#[test]
fn a_reversal_of_a_reversal_is_refused() {
    let mut w = World::new();
    let message = MessageType::from_digits([4, 2, 0]);
    let original = Some(Original { message, stan: Some(Stan(7)), ..Original::default() });
    assert_eq!(w.ask(Txn { original, ..reversal(7) }).answer().0, Code::InvalidTransaction);
}

#[test]
fn no_such_original_is_believed_only_when_the_request_can_linger_no_longer() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    let not_found = acknowledged(&w, &first, Code::NotFound);
    assert!(
        w.host_says(link, not_found.clone()).records.is_empty(),
        "sent 30 s after its request: not believed"
    );
    assert!(w.wait_ms(89_999).asked.is_empty());
    let after_guard = w.wait_ms(1);
    let (_, _, fresh) = after_guard.asked_once();
    assert_ne!(fresh.stan, first.asked_once().2.stan, "a message of its own");
    assert!(!fresh.repeat, "which repeats nothing that host knows");
    let late = w.host_says(link, not_found);
    assert!(late.asked.is_empty() && w.lane.pending() == 1, "the answer to the first attempt closes nothing");
    let again = acknowledged(&w, &after_guard, Code::NotFound);
    assert_eq!(w.host_says(link, again).record_names(), ["forwarded"]);
}

#[test]
fn an_answer_to_an_attempt_before_the_guard_is_not_believed_after_it() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    let not_found = acknowledged(&w, &first, Code::NotFound);
    (0..4).for_each(|_| drop(w.wait_ms(30_000)));
    // Attempts under the same number went out on both sides of the guard: nobody knows which is answered.
    assert!(w.host_says(link, not_found).record_names().iter().all(|name| *name == "attempt"));
    assert_eq!(w.lane.pending(), 1);
    let fresh = w.all_asked_since_restart().last().copied().expect("it is sent again").2;
    assert_ne!(fresh.stan, first.asked_once().2.stan, "under a number of its own");
    let message = MessageType::from_digits([4, 3, 0]).expect("0430");
    let left = w.host_says(link, Txn { message, ..reply(fresh, Code::NotFound) });
    assert_eq!(left.record_names(), ["forwarded"]);
}

#[test]
fn an_attempt_that_never_left_is_not_repeated_but_made() {
    let mut w = World::new();
    w.ask(withdrawal(7));
    let (link, id, ours) = w.wait_ms(REPLY_TIMEOUT_MS).asked_once();
    w.step(Event::Unsent { link, host_stan: ours.stan, id });
    let (_, _, second) = w.wait_ms(1_000).asked_once();
    assert_eq!((second.stan, second.repeat), (ours.stan, false), "the host has never heard of it");
    let (_, _, third) = w.wait_ms(30_000).asked_once();
    assert_eq!((third.stan, third.repeat), (ours.stan, true));
    w.step(Event::Unsent { link, host_stan: ours.stan, id });
    assert!(w.wait_ms(1_000).asked_once().2.repeat, "the second attempt may have arrived");
}

#[test]
fn a_reversal_that_could_not_be_guarded_is_made_again_soon() {
    let mut w = World::new();
    w.ask(withdrawal(7));
    let (link, id, ours) = w.wait_ms(REPLY_TIMEOUT_MS).asked_once();
    let left = w.step(Event::Withheld { link, host_stan: ours.stan, id, code: Code::Malfunction });
    assert_eq!(left.order, "", "it is owed as before");
    let (_, _, second) = w.wait_ms(1_000).asked_once();
    assert_eq!((second.stan, second.repeat), (ours.stan, false), "the host has never heard of it");
}

#[test]
fn a_host_that_keeps_tombstones_is_believed_at_once() {
    let mut w = with_host(HostProfile { tombstones: true, ..HostProfile::default() });
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    let not_found = acknowledged(&w, &first, Code::NotFound);
    assert_eq!(w.host_says(link, not_found).record_names(), ["forwarded"]);
}

#[test]
fn what_a_host_answers_to_a_reversal_decides_what_becomes_of_it() {
    for (code, record) in [
        (Code::Approved, "forwarded"),
        (Code::Duplicate, "forwarded"),
        (Code::SuspectedMalfunction, "forwarded"),
        (Code::FormatError, "exception"),
        (Code::Malfunction, "exception"),
    ] {
        let mut w = World::new();
        let (link, ..) = w.ask(withdrawal(7)).asked_once();
        let first = w.wait_ms(REPLY_TIMEOUT_MS);
        let answer = acknowledged(&w, &first, code);
        assert_eq!(w.host_says(link, answer).record_names(), [record], "{code}");
        assert_eq!(w.lane.pending(), 0, "{code}");
    }
    for code in [Code::HostDown, Code::NoAnswer, Code::Busy] {
        let mut w = World::new();
        let (link, ..) = w.ask(withdrawal(7)).asked_once();
        let first = w.wait_ms(REPLY_TIMEOUT_MS);
        let answer = acknowledged(&w, &first, code);
        w.host_says(link, answer);
        assert_eq!(w.wait_ms(30_000).asked.len(), 1, "{code}: again");
    }
}

#[test]
fn a_host_that_would_do_a_reversal_twice_gets_it_once() {
    let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
    w.ask(withdrawal(7));
    w.wait_ms(REPLY_TIMEOUT_MS);
    let silent = w.wait_ms(30_000);
    assert_eq!(silent.record_names(), ["exception"]);
    assert!(w.wait_ms(600_000).asked.is_empty());
}

#[test]
fn a_reversal_that_must_not_be_sent_twice_is_not_sent_again_by_a_restart_or_a_person() {
    let in_flight = || {
        let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
        w.ask(withdrawal(7));
        assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).asked.len(), 1, "once");
        w
    };
    for come_back in [|w: &mut World| drop(w.restart()), |w: &mut World| drop(w.restart_from_snapshot())] {
        let mut w = in_flight();
        come_back(&mut w);
        assert!(w.wait_ms(600_000).asked.is_empty(), "whether it arrived, nobody knows");
        assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, 1));
    }
    let mut w = in_flight();
    let id = w.lane.owed(w.now.instant, ForwardId(0), 9)[0].forward.id;
    rule(&mut w, id, Ruling::Hold);
    assert_eq!(rule(&mut w, id, Ruling::Release).record_names(), [""; 0], "it would be the second time");
    assert_eq!(w.lane.may_rule(id, Ruling::Release), Err(CannotRule::MayHaveArrived));
    assert_eq!(rule(&mut w, id, Ruling::Settle).record_names(), ["ruled"]);
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn an_answer_said_twice_is_not_the_answer_to_the_next_attempt_where_that_must_not_be_sent_twice() {
    let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
    w.ask(withdrawal(7));
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    let (link, _, ours) = first.asked_once();
    let not_now = acknowledged(&w, &first, Code::HostDown);
    assert!(w.host_says(link, not_now.clone()).records.is_empty());
    let second = w.wait_ms(30_000);
    let (_, _, again) = second.asked_once();
    assert_ne!(again.stan, ours.stan, "a message of its own");
    // The host says of the first attempt once more that it was not done; the second one lies in its queue.
    assert_eq!(w.host_says(link, not_now).record_names(), ["observed"]);
    let given_up = w.wait_ms(30_000);
    assert!(given_up.asked.is_empty(), "the second may have arrived");
    assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, 1));
}

#[test]
fn a_person_is_told_once_of_what_is_reported_or_taken_back_again_and_again() {
    for come_back in [
        |_: &mut World| {},
        |w: &mut World| drop(w.restart()),
        |w: &mut World| {
            drop(w.restart_from_snapshot());
        },
    ] {
        let mut w = with_host(HostProfile { deposits_are_posted: false, ..HostProfile::default() });
        w.ask(deposit(7));
        w.wait_ms(REPLY_TIMEOUT_MS);
        assert_eq!(w.ask(report(7)).record_names(), ["observed", "exception"]);
        come_back(&mut w);
        assert_eq!(w.ask(report(7)).record_names(), ["observed"], "they know");
        assert_eq!(w.ask(report(7)).answer().0, Code::Approved);
    }
    let mut w = World::new();
    approved(&mut w, withdrawal(8));
    let another = Txn { amount: Amount::minor(1), ..reversal(8) };
    assert_eq!(w.ask(another.clone()).record_names(), ["exception"]);
    assert_eq!(w.ask(another).record_names(), ["observed"]);
}

#[test]
fn a_hold_outlasts_the_end_of_the_attempt_it_found_under_way() {
    for end in [
        |w: &mut World, left: &Left| {
            let busy = acknowledged(w, left, Code::Busy);
            drop(w.host_says(BANK, busy));
        },
        |w: &mut World, left: &Left| {
            let no_original = acknowledged(w, left, Code::NotFound);
            drop(w.host_says(BANK, no_original));
        },
        |w: &mut World, left: &Left| {
            let (link, id, ours) = left.asked_once();
            drop(w.step(Event::Unsent { link, host_stan: ours.stan, id }));
        },
        |w: &mut World, _: &Left| drop(w.wait_ms(30_000)),
    ] {
        let mut w = World::new();
        w.ask(withdrawal(7));
        let left = w.wait_ms(REPLY_TIMEOUT_MS);
        let id = left.records[0].forward().expect("owed");
        rule(&mut w, id, Ruling::Hold);
        end(&mut w, &left);
        assert!(w.wait_ms(600_000).asked.is_empty());
        assert_eq!(w.lane.pending(), 1, "held, and not forgotten");
        assert_eq!(rule(&mut w, id, Ruling::Release).asked.len(), 1);
    }
}

#[test]
fn what_is_owed_can_be_looked_at_and_what_cannot_be_ruled_is_refused() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    w.step(Event::LinkDown { link });
    let id = w.wait_ms(REPLY_TIMEOUT_MS).records[0].forward().expect("owed");
    let look = |w: &World| w.lane.owed(w.now.instant, ForwardId(0), 9)[0];
    let owed = look(&w);
    assert_eq!((owed.forward.id, owed.kind, owed.attempts), (id, Kind::Withdrawal, 0));
    assert_eq!((owed.standing, owed.since), (Standing::Due { in_ms: 0 }, w.now.wall));
    use CannotRule::{AwaitsAnswer, IsHeld, IsSo, NotOwed};
    #[rustfmt::skip]
    let table = [
        // while it is   Hold         Release      Retry                Settle
        ("due",          [Ok(()),     Err(IsSo),   Ok(()),              Ok(())]),
        ("in flight",    [Ok(()),     Err(IsSo),   Err(AwaitsAnswer),   Ok(())]),
        ("held",         [Err(IsSo),  Ok(()),      Err(IsHeld),         Ok(())]),
        ("gone",         [Err(NotOwed); 4]),
    ];
    for (state, wanted) in table {
        match state {
            "in flight" => drop(w.step(Event::LinkUp { link })),
            "held" => drop(rule(&mut w, id, Ruling::Hold)),
            "gone" => drop(rule(&mut w, id, Ruling::Settle)),
            _ => {}
        }
        assert_eq!(Ruling::ALL.map(|ruling| w.lane.may_rule(id, ruling)), wanted, "{state}");
    }
    assert!(w.lane.owed(w.now.instant, ForwardId(0), 9).is_empty());
}

#[test]
fn an_approval_that_provably_reached_nobody_is_given_back_and_a_deposit_is_not() {
    for (txn, given_back) in [(withdrawal(7), true), (deposit(8), false)] {
        let mut w = World::new();
        let (link, id, ours) = w.ask(txn.clone()).asked_once();
        w.host_says(link, reply(ours, Code::Approved));
        let request = std::sync::Arc::new(txn.clone());
        let left = w.step(Event::Undelivered { source: TILL, request: request.clone(), id });
        assert_eq!(left.asked.len(), usize::from(given_back), "{}", txn.kind);
        let twice = w.step(Event::Undelivered { source: TILL, request, id });
        assert!(twice.asked.is_empty());
    }
}

#[test]
fn an_approval_that_was_told_again_is_not_given_back() {
    let mut w = World::new();
    let (link, id, ours) = w.ask_on(ConnId(1), withdrawal(7)).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
    // The terminal lost its connection, came back and asked again, before the loss of the first was noticed.
    assert_eq!(w.ask_on(ConnId(2), withdrawal(7)).answer().0, Code::Approved);
    let request = std::sync::Arc::new(withdrawal(7));
    let left = w.step(Event::Undelivered { source: TILL, request, id });
    assert!(left.asked.is_empty() && left.records.is_empty(), "somebody may hold the cash");
}

#[test]
fn an_unknown_deposit_is_posted_by_advice_and_never_on_another_day() {
    let mut w = World::new();
    let (link, ..) = w.ask(deposit(7)).asked_once();
    w.step(Event::LinkDown { link });
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    assert!(
        matches!(left.records[0], Record::TimedOut { owes: Some(owed), .. } if owed.duty == Duty::Advice)
    );
    w.step(Event::LinkUp { link });
    let sent = w.last_asked().expect("an advice");
    assert_eq!((sent.message.class, sent.message.function), (Class::Financial, Function::Advice));
    let tomorrow = BusinessDate::new(2026, 11, 23).expect("a day");
    let changed = w.step(Event::HostDate { link, date: tomorrow });
    assert_eq!(changed.record_names(), ["host_date", "exception"], "in the same breath");
    assert!(w.wait_ms(600_000).asked.is_empty());
}

#[test]
fn a_deposit_that_times_out_after_the_hosts_day_changed_is_a_persons() {
    let mut w = World::new();
    let (link, ..) = w.ask(deposit(7)).asked_once();
    w.step(Event::HostDate { link, date: BusinessDate::new(2026, 11, 23).expect("a day") });
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(left.record_names()[..2], ["timed_out", "exception"]);
    assert!(left.asked.is_empty());
}

#[test]
fn a_report_is_answered_by_the_state_of_what_it_reports() {
    type Before = fn(&mut World);
    let rows: [(&str, Before, &[&str]); 6] = [
        ("never asked", |_| {}, &["advised", "attempt"]),
        ("approved", |w| approved(w, deposit(7)), &["observed"]),
        ("in flight", |w| drop(w.ask(deposit(7))), &["marked"]),
        (
            "refused",
            |w| {
                let (link, _, ours) = w.ask(deposit(7)).asked_once();
                w.host_says(link, reply(ours, Code::NotPermittedToCard));
            },
            &["observed", "exception", "resolved"],
        ),
        (
            "never sent",
            |w| {
                w.step(Event::LinkDown { link: BANK });
                w.ask(deposit(7));
                w.step(Event::LinkUp { link: BANK });
            },
            &["observed", "exception", "resolved"],
        ),
        ("reported before", |w| drop(w.ask(report(7))), &["observed"]),
    ];
    for (what, before, records) in rows {
        let mut w = World::new();
        before(&mut w);
        let left = w.ask(report(7));
        assert_eq!(left.record_names(), records, "{what}");
        assert_eq!(left.answer(), (Code::Approved, Outcome::Approved), "{what}");
    }
}

#[test]
fn a_request_after_its_report_is_a_repeat_of_a_posted_deposit() {
    let mut w = World::new();
    w.ask(report(7));
    let left = w.ask(deposit(7));
    assert!(left.asked.is_empty());
    assert_eq!(left.answer().0, Code::Approved);
}

#[test]
fn a_report_in_flight_becomes_the_posting_when_the_host_stays_silent() {
    let mut w = World::new();
    w.ask(deposit(7));
    w.ask(report(7));
    let silent = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(silent.asked.len(), 1);
    assert_eq!(w.last_asked().map(|sent| sent.message.function), Some(Function::Advice));
}

#[test]
fn what_is_owed_outlives_the_power_and_goes_on_as_a_repeat() {
    for come_back in [World::restart, World::restart_from_snapshot] {
        let mut w = World::new();
        let (link, ..) = w.ask(withdrawal(7)).asked_once();
        let (_, _, first) = w.wait_ms(REPLY_TIMEOUT_MS).asked_once();
        come_back(&mut w);
        assert_eq!(w.lane.pending(), 1);
        let again = w.wait_ms(0);
        let sent = w.all_asked_since_restart();
        let ours = sent.last().copied().expect("it is sent at once").2;
        assert_eq!((ours.stan, ours.repeat), (first.stan, true), "{again:?}");
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        let yes = Txn { message, ..reply(ours, Code::Approved) };
        assert_eq!(w.host_says(link, yes).record_names(), ["forwarded"]);
        assert_eq!(come_back(&mut w).asked.len(), 0);
        assert_eq!(w.lane.pending(), 0, "and what is paid stays paid");
    }
}

#[test]
fn a_window_keeps_a_long_queue_from_flooding_its_host() {
    let mut changed = config();
    changed.links[0].in_flight_max = 100;
    changed.links[0].breaker.unanswered_percent = 0;
    changed.links[0].forward = ForwardConfig { window: 2, ..ForwardConfig::default() };
    changed.remembered_max = 100;
    let mut w = World::with(changed);
    for stan in 1..=20 {
        w.ask(withdrawal(stan));
    }
    let first = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(first.asked.len(), 2);
    assert!(w.lane.next_deadline() > Some(w.now.instant), "nothing to do until an answer or its time-out");
    let mut queue: Vec<_> = first.asked.iter().map(|(_, id, ours, _)| (*id, *ours)).collect();
    let mut paid = Vec::new();
    while let Some((id, ours)) = queue.pop() {
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        let left = w.host_says(BANK, Txn { message, ..reply(ours, Code::Approved) });
        paid.push(id);
        queue.extend(left.asked.iter().map(|(_, id, ours, _)| (*id, *ours)));
        assert!(queue.len() <= 2, "the window");
    }
    paid.sort_unstable();
    paid.dedup();
    assert_eq!(paid.len(), 20, "each exactly once");
}

/// Ten withdrawals taken back while their host is away: ten reversals that have to wait.
fn with_ten_waiting() -> World {
    let mut config = config();
    config.links[0].in_flight_max = 20;
    config.links[0].forward = ForwardConfig { window: 3, ..ForwardConfig::default() };
    config.remembered_max = 40;
    let mut w = World::with(config);
    (1..=10).for_each(|stan| approved(&mut w, withdrawal(stan)));
    w.step(Event::LinkDown { link: BANK });
    (1..=10).for_each(|stan| drop(w.ask(reversal(stan))));
    w
}

#[test]
fn a_host_that_comes_back_is_paid_one_by_one_until_it_keeps_up() {
    let mut w = with_ten_waiting();
    let mut left = w.step(Event::LinkUp { link: BANK });
    let mut at_once = Vec::new();
    while !left.asked.is_empty() {
        at_once.push(left.asked.len());
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        for (_, _, ours, _) in std::mem::take(&mut left.asked) {
            let yes = Txn { message, ..reply(ours, Code::Approved) };
            left.asked.extend(w.host_says(BANK, yes).asked);
        }
    }
    assert_eq!(at_once, [1, 1, 1, 3, 3, 1], "three in a row, and then the window");
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn what_comes_to_be_owed_while_a_host_catches_up_is_sent_at_once() {
    let mut w = with_ten_waiting();
    assert_eq!(w.step(Event::LinkUp { link: BANK }).asked.len(), 1);
    approved(&mut w, withdrawal(11));
    assert_eq!(w.ask(reversal(11)).asked.len(), 1, "it does not stand in line behind what waited");
    assert_eq!(w.wait_ms(29_999).asked.len(), 0);
}

#[test]
fn a_link_that_is_down_holds_what_it_owes_and_sends_it_when_it_is_up() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    w.step(Event::LinkDown { link });
    assert!(w.wait_ms(REPLY_TIMEOUT_MS).asked.is_empty());
    assert!(w.wait_ms(3_600_000).asked.is_empty());
    assert_eq!(w.step(Event::LinkUp { link }).asked.len(), 1);
}

#[test]
fn after_an_unclean_stop_a_host_hears_of_what_is_owed_before_anything_new() {
    let mut config = config();
    config.links[0].forward = ForwardConfig { window: 2, ..ForwardConfig::default() };
    let mut w = World::with(config);
    (1..=3).for_each(|stan| assert_eq!(w.ask(withdrawal(stan)).asked.len(), 1));
    assert_eq!(w.restart().record_names(), ["timed_out"; 3]);
    assert_eq!(w.all_asked_since_restart().len(), 2, "the window");
    let early = w.ask(withdrawal(4));
    assert_eq!(early.answer(), (Code::HostDown, Outcome::NotSent));
    assert!(early.asked.is_empty());
    // The other host was asked nothing by the dead switch, and is open.
    let other = Txn { pan: Pan::new(b"6228480000000000").expect("digits"), ..withdrawal(5) };
    assert_eq!(w.ask(other).asked_once().0, CARDS);
    let (_, _, ours) = w.all_asked_since_restart()[0];
    let message = MessageType::from_digits([4, 3, 0]).expect("0430");
    let left = w.host_says(BANK, Txn { message, ..reply(ours, Code::Approved) });
    assert_eq!(left.asked.len(), 1, "the last of the three is sent");
    assert!(left.told.contains(&Tell::Recovered { link: BANK }), "{:?}", left.told);
    assert_eq!(w.ask(withdrawal(6)).asked_once().0, BANK);
}

#[test]
fn a_recovery_that_waits_for_a_person_sends_nothing_and_takes_nothing_until_it_is_ordered() {
    let mut w = World::new();
    w.ask(withdrawal(1));
    w.restart_with_links_down();
    w.lane.wait_for_recovery();
    w.links_up();
    assert!(w.all_asked_since_restart().is_empty(), "the host hears of nothing");
    for (stan, card) in [(2, "4111111111111111"), (3, "6228480000000000")] {
        let early = Txn { pan: Pan::new(card.as_bytes()).expect("digits"), ..withdrawal(stan) };
        assert_eq!(w.ask(early).answer(), (Code::HostDown, Outcome::NotSent), "{card}");
    }
    // What sources report and take back is accepted all the same.
    assert_eq!(w.ask(reversal(1)).answer().0, Code::Approved);
    assert_eq!(w.step(Event::Recover).asked.len(), 1, "the system's own cancel goes first");
    assert_eq!(w.ask(withdrawal(4)).asked_once().0, BANK);
}

#[test]
fn a_person_who_holds_the_last_one_opens_the_gate_too() {
    let mut w = World::new();
    w.ask(withdrawal(1));
    w.restart_with_links_down();
    assert_eq!(w.lane.status().links[0].recovering, 1);
    rule(&mut w, ForwardId(1), Ruling::Hold);
    w.links_up();
    assert_eq!(w.ask(withdrawal(2)).asked_once().0, BANK);
}

#[test]
fn a_cancel_that_never_left_shuts_the_gate_again() {
    let mut w = World::new();
    w.ask(withdrawal(1));
    w.restart_with_links_down();
    w.links_up();
    let &(link, id, ours) = w.all_asked_since_restart().last().expect("the cancel");
    w.step(Event::LinkDown { link });
    w.step(Event::Unsent { link, host_stan: ours.stan, id });
    assert!(w.lane.is_recovering(), "the host was told nothing");
    w.step(Event::LinkUp { link });
    assert_eq!(
        w.ask(withdrawal(2)).answer(),
        (Code::HostDown, Outcome::NotSent),
        "it would be told of that first"
    );
    assert_eq!(w.wait_ms(2_000).asked.len(), 1, "the cancel");
    assert!(!w.lane.is_recovering());
    assert_eq!(w.ask(withdrawal(3)).asked_once().0, BANK);
}

#[test]
fn a_link_that_waits_for_recovery_does_not_look_open() {
    let mut w = World::new();
    w.restart();
    let is_open = |w: &World| {
        (w.lane.status().links[0].is_open, w.lane.link_seen(w.now.instant, BANK).expect("a link").is_open)
    };
    assert_eq!(is_open(&w), (true, true));
    w.lane.wait_for_recovery();
    assert_eq!(is_open(&w), (false, false), "whether something is owed or not");
    w.step(Event::Recover);
    assert_eq!(is_open(&w), (true, true));
}

#[test]
fn after_a_clean_stop_and_where_the_contract_says_so_business_does_not_wait() {
    let mut w = with_ten_waiting();
    w.close_and_start();
    assert_eq!(w.ask(withdrawal(11)).asked_once().0, BANK, "a clean stop leaves no gate");
    let mut config = config();
    config.links[0].forward = ForwardConfig { window: 1, recovery_first: false, ..ForwardConfig::default() };
    let mut w = World::with(config);
    (1..=3).for_each(|stan| drop(w.ask(withdrawal(stan))));
    w.restart();
    assert_eq!(w.ask(withdrawal(4)).asked_once().0, BANK);
}

#[test]
fn a_person_may_hold_release_and_settle_what_is_owed() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(7)).asked_once();
    w.step(Event::LinkDown { link });
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    let id = left.records[0].forward().expect("owed");
    rule(&mut w, id, Ruling::Hold);
    assert!(w.step(Event::LinkUp { link }).asked.is_empty());
    w.restart_from_snapshot();
    assert!(w.wait_ms(600_000).asked.is_empty(), "held is held, also after a restart");
    assert_eq!(rule(&mut w, id, Ruling::Release).asked.len(), 1);
    rule(&mut w, id, Ruling::Settle);
    assert_eq!(w.lane.pending(), 0);
    assert!(w.wait_ms(600_000).asked.is_empty());
}

/// How often people are told of owed messages in ten times half a minute.
fn alarms_in_five_minutes(w: &mut World) -> Vec<(usize, u32)> {
    (1..=10)
        .flat_map(|half_minutes| {
            let alarms = w.wait_ms(30_000).told.into_iter().filter_map(|tell| match tell {
                Tell::ForwardAlarm { attempts, .. } => Some(attempts),
                _ => None,
            });
            alarms.map(|attempts| (half_minutes, attempts)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn too_many_attempts_are_told_to_people_and_told_again_while_it_lasts() {
    let mut w = World::new();
    w.ask(withdrawal(7));
    w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(alarms_in_five_minutes(&mut w), [(5, 6), (10, 11)]);
}

#[test]
fn what_waits_behind_a_link_that_is_down_is_told_to_people_by_its_age_once_for_all_of_it() {
    let mut w = World::new();
    for stan in 1..=3 {
        w.ask(withdrawal(stan));
    }
    w.step(Event::LinkDown { link: BANK });
    w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(w.lane.pending(), 3);
    assert_eq!(alarms_in_five_minutes(&mut w), [(5, 0), (10, 0)]);
    // What people hold they know of.
    for owed in w.lane.owed(w.now.instant, ForwardId(0), 9) {
        rule(&mut w, owed.forward.id, Ruling::Hold);
    }
    assert_eq!(alarms_in_five_minutes(&mut w), []);
}

#[test]
fn a_terminal_without_a_way_to_consistency_gets_no_cash_services() {
    let mut changed = config();
    changed.sources[0].consistency = None;
    let mut w = World::with(changed);
    assert_eq!(w.ask(withdrawal(1)).answer().0, Code::NotAllowedOnDevice);
    assert_eq!(w.ask(deposit(2)).answer().0, Code::NotAllowedOnDevice);
    assert_eq!(w.ask(inquiry(3)).asked.len(), 1);
}

#[test]
fn a_terminal_does_one_thing_at_a_time() {
    let mut changed = config();
    changed.sources[0].per_terminal_max = 1;
    let mut w = World::with(changed);
    let (link, _, ours) = w.ask(withdrawal(1)).asked_once();
    assert_eq!(w.ask(withdrawal(2)).answer(), (Code::Busy, Outcome::NotSent));
    let other = Txn { terminal_id: Text::clipped(b"ATM00002"), ..withdrawal(3) };
    assert_eq!(w.ask(other).asked.len(), 1);
    w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(w.ask(withdrawal(4)).asked.len(), 1);
    assert_eq!(w.ask(reversal(1)).answer().0, Code::Approved, "a reversal is never turned away");
}

#[test]
fn the_least_important_are_shed_first() {
    /// So many per cent of what may be under way, at which a kind is declined.
    const fn level(kind: Kind) -> u32 {
        match kind {
            Kind::BalanceInquiry | Kind::CardStatus | Kind::History | Kind::BillInquiry | Kind::CardType => {
                70
            }
            Kind::PinChange | Kind::CardActivation => 75,
            Kind::Transfer | Kind::TransferOut | Kind::TransferIn | Kind::BillPayment => 80,
            Kind::Deposit => 90,
            Kind::Withdrawal | Kind::Purchase | Kind::Refund => 100,
        }
    }
    let shed = |kind, under_way: u32| {
        let mut changed = config();
        (changed.in_flight_max, changed.links[0].in_flight_max) = (20, 100);
        let mut w = World::with(changed);
        (100..100 + under_way).for_each(|stan| drop(w.ask(withdrawal(stan))));
        let left = w.ask(Txn { kind, ..withdrawal(1) });
        // Before W1, or not at all: what was sent is never shed.
        let is_declined =
            left.record_names() == ["declined"] && left.answer() == (Code::Busy, Outcome::NotSent);
        assert_eq!(left.asked.is_empty(), is_declined, "{kind}");
        is_declined
    };
    for (kind, from) in Kind::ALL.iter().map(|&kind| (kind, level(kind) / 5)) {
        assert!(!shed(kind, from - 1), "{kind} is taken with {} under way", from - 1);
        assert!(shed(kind, from), "{kind} is shed with {from} under way");
    }
}

#[test]
fn what_is_owed_is_remembered_longer_than_what_is_finished() {
    let mut w = World::new();
    let (link, ..) = w.ask(withdrawal(1)).asked_once();
    w.step(Event::LinkDown { link });
    w.wait_ms(REPLY_TIMEOUT_MS);
    w.step(Event::LinkUp { link });
    for stan in 2..=40 {
        let (link, _, ours) = w.ask_on(ConnId(1), withdrawal(stan)).asked_once();
        w.host_says(link, reply(ours, Code::Approved));
    }
    assert_eq!(w.ask(withdrawal(1)).answer(), (Code::NoAnswer, Outcome::Unknown));
    assert_eq!(w.lane.pending(), 1);
}

#[test]
fn what_was_taken_back_stays_declined_when_its_reversal_becomes_a_persons() {
    let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
    approved(&mut w, withdrawal(7));
    w.ask(reversal(7));
    assert_eq!(w.wait_ms(30_000).record_names(), ["exception"], "unanswered, and must not be sent twice");
    for come_back in [
        |_: &mut World| {},
        |w: &mut World| drop(w.restart()),
        |w: &mut World| {
            drop(w.restart_from_snapshot());
        },
    ] {
        come_back(&mut w);
        assert_eq!(w.ask(withdrawal(7)).answer().0, Code::Declined, "the host may have undone it");
    }
}

#[test]
fn an_approval_of_another_amount_is_declined_and_given_back_whole() {
    for change in [
        (|t: &mut Txn| t.code = Some(Code::ApprovedPartly)) as fn(&mut Txn),
        |t| t.amount = Amount::minor(5_000),
        |t| t.amount = Amount::minor(999_999),
    ] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
        let mut partly = reply(ours, Code::Approved);
        change(&mut partly);
        let left = w.host_says(link, partly);
        assert_eq!(left.record_names(), ["decided", "attempt"]);
        assert_eq!(left.answer(), (Code::Declined, Outcome::Refused));
    }
}

#[test]
fn what_a_contract_says_of_deposits_holds_for_those_in_flight_when_the_power_fails() {
    let mut w = with_host(HostProfile { deposits_are_posted: false, ..HostProfile::default() });
    w.ask(deposit(7));
    let left = w.restart();
    let owed = left.records.iter().find_map(|record| match record {
        Record::TimedOut { owes, .. } => *owes,
        _ => None,
    });
    assert_eq!(owed.map(|owed| owed.duty), Some(Duty::Reversal));
}

#[test]
fn a_trace_number_is_not_given_again_after_a_restart() {
    for come_back in [World::restart, World::restart_from_snapshot] {
        let mut w = World::new();
        w.ask(withdrawal(1));
        w.wait_ms(REPLY_TIMEOUT_MS);
        let (_, _, last) = w.ask(withdrawal(2)).asked_once();
        w.host_says(BANK, reply(last, Code::Approved));
        w.wait_ms(30_000); // The reversal once more, under its old number.
        come_back(&mut w);
        let (_, _, next) = w.ask(withdrawal(3)).asked_once();
        assert!(next.stan > last.stan, "{} after {}", next.stan, last.stan);
    }
}

#[test]
fn a_host_that_would_do_a_reversal_twice_gets_no_second_one_after_a_power_failure_not_even_when_it_is_away() {
    for come_back in [
        |w: &mut World| w.restart_with_links_down(),
        |w: &mut World| w.restart_from_snapshot_with_links_down(),
    ] {
        let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
        w.ask(withdrawal(7));
        assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).asked.len(), 1, "sent once");
        let left = come_back(&mut w);
        assert_eq!(left.record_names(), ["exception"], "written down before anything else");
        assert_eq!(w.lane.pending(), 0);
        w.links_up();
        assert!(w.wait_ms(600_000).asked.is_empty());
    }
}

#[test]
fn one_that_never_left_before_the_power_failed_is_sent_after_it() {
    let mut w = with_host(HostProfile { dedups_reversals: false, ..HostProfile::default() });
    w.ask(withdrawal(7));
    w.step(Event::LinkDown { link: BANK });
    assert!(w.wait_ms(REPLY_TIMEOUT_MS).asked.is_empty(), "no attempt is recorded");
    w.restart();
    assert_eq!(w.wait_ms(1).asked.len() + w.all_asked_since_restart().len(), 1, "so this is the first");
}

#[test]
fn a_repeat_answered_while_the_first_answer_waits_for_the_disk_leaves_the_approval_standing() {
    let mut w = World::new();
    let (link, _, ours) = w.ask_on(ConnId(1), withdrawal(7)).asked_once();
    let id = w.all_asked_since_restart()[0].1;
    w.host_says(link, reply(ours, Code::Approved));
    // Not synced yet: the terminal has dropped its connection, and asks again on another.
    let again = w.ask_on(ConnId(2), withdrawal(7));
    assert_eq!(again.answer().0, Code::Approved);
    // Now the sync is back, and the first connection turns out to be gone.
    let request = std::sync::Arc::new(withdrawal(7));
    let left = w.step(Event::Undelivered { source: TILL, request, id });
    assert!(left.records.is_empty() && left.asked.is_empty(), "the second was told: nothing is given back");
    assert_eq!(w.ask_on(ConnId(3), withdrawal(7)).answer().0, Code::Approved);
}

#[test]
fn a_decision_told_to_a_repeat_in_flight_is_given_back_only_when_that_one_is_gone() {
    let mut w = World::new();
    let (link, id, ours) = w.ask_on(ConnId(1), withdrawal(7)).asked_once();
    w.ask_on(ConnId(2), withdrawal(7));
    let told = w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(told.answers[0].0, ConnId(2), "the last to ask");
    let request = std::sync::Arc::new(withdrawal(7));
    let gone = w.step(Event::Undelivered { source: TILL, request, id });
    assert_eq!(gone.record_names(), ["owed", "attempt"], "nobody was told anything");
    assert_eq!(w.ask_on(ConnId(3), withdrawal(7)).answer().0, Code::Declined, "and nobody is told yes after");
}

/// Everything that puts a transaction on the list for people, said three times over, with a start from the
/// records and from a snapshot in between.
#[test]
fn what_needs_a_person_is_listed_once_however_often_it_is_said() {
    type Happened = (&'static str, fn(&mut World), fn() -> Txn);
    #[rustfmt::skip]
    let table: [Happened; 6] = [
        ("reversal of another amount",   |w| approved(w, withdrawal(7)),
                                         || Txn { amount: Amount::minor(29_999), ..reversal(7) }),
        ("more remains than was asked",  |w| approved(w, withdrawal(7)),
                                         || Txn { remaining: Some(Amount::minor(30_001)), ..reversal(7) }),
        ("reported while given back",    |w| { approved(w, deposit(7)); w.ask(reversal(7)); },
                                         || report(7)),
        ("reported and refused",         |w| refused(w, deposit(7)),
                                         || report(7)),
        ("reported, and no route",       |w| { w.reconfigure(LaneConfig { routes: Default::default(), ..config() }); },
                                         || report(7)),
        ("taken back, and never asked",  |_| {},
                                         || reversal(7)),
    ];
    for (what, begin, say) in table {
        let mut w = World::new();
        begin(&mut w);
        let first = w.ask(say());
        assert_eq!(first.answer().0, Code::Approved, "{what}: acknowledged");
        let id = first.records.iter().find_map(|record| match record {
            Record::Exception { id, .. } => Some(*id),
            _ => None,
        });
        assert!(id.is_some(), "{what}: listed at once");
        let mut again = vec![w.ask(say())];
        w.restart();
        again.push(w.ask(say()));
        w.restart_from_snapshot();
        again.push(w.ask(say()));
        for left in &again {
            assert_eq!(left.answer().0, Code::Approved, "{what}: acknowledged again");
            assert!(!left.record_names().contains(&"exception"), "{what}: listed again");
        }
    }
}

#[test]
fn a_report_that_leads_nowhere_is_a_transaction_with_a_name() {
    let mut w = World::with(LaneConfig { routes: Default::default(), ..config() });
    let left = w.ask(report(7));
    assert_eq!(left.record_names(), ["stranded", "exception"]);
    let [Record::Stranded(report_of), Record::Exception { id, .. }] = &left.records[..] else {
        panic!("{left:?}")
    };
    assert_eq!((report_of.id, report_of.key.stan, report_of.amount), (*id, Stan(7), Amount::minor(30_000)));
    assert_eq!(w.ask(deposit(7)).answer().0, Code::Approved, "its request, coming late, is a repeat of it");
    assert_eq!(w.lane.status().exceptions, 1);
}

#[test]
fn a_posted_deposit_that_is_taken_back_is_given_back_whatever_was_told() {
    let mut w = World::new();
    w.ask(deposit(7));
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    let posted = acknowledged(&w, &left, Code::Approved);
    assert_eq!(w.host_says(BANK, posted).record_names(), ["forwarded"]);
    let back = w.ask(Txn { kind: Kind::Deposit, ..reversal(7) });
    assert_eq!(back.record_names(), ["owed", "attempt"], "it was told as unknown, and posted since");
}

/// On networks of 1993 a reversal says when it was made itself, and names the original's time beside its number.
#[test]
fn a_reversal_that_says_its_own_time_is_led_by_the_time_of_its_original() {
    let at = |hour| LocalTime::new(BusinessDate::new(2026, 11, 22).expect("a day"), hour, 3, 11);
    let mut w = World::new();
    approved(&mut w, Txn { local_time: at(14), ..withdrawal(7) });
    approved(&mut w, Txn { local_time: at(16), ..withdrawal(7) });
    let original = |digits: &[u8]| Original {
        stan: Some(Stan(7)),
        local_time: Text::clipped(digits),
        ..Original::default()
    };
    let of = |digits: &[u8]| Txn { local_time: at(17), original: Some(original(digits)), ..reversal(7) };
    assert_eq!(w.ask(of(b"261122140311")).record_names(), ["owed", "attempt"], "the first of the two");
    assert_eq!(w.ask(Txn { local_time: at(14), ..withdrawal(7) }).answer().0, Code::Declined);
    assert_eq!(w.ask(Txn { local_time: at(16), ..withdrawal(7) }).answer().0, Code::Approved);
    assert_eq!(w.ask(of(b"261122150311")).record_names(), ["kept", "exception"], "none was made then");
    assert_eq!(
        w.ask(of(b"261322150311")).record_names(),
        ["kept", "exception"],
        "no such day: its own time leads it"
    );
}

fn refused(w: &mut World, txn: Txn) {
    let (link, _, ours) = w.ask(txn).asked_once();
    assert_eq!(w.host_says(link, reply(ours, Code::InvalidCard)).answer().0, Code::InvalidCard);
}

/// With everything taken and more: whatever ends something is still heard, and what is owed is still sent.
#[test]
fn nothing_that_ends_something_is_ever_shed() {
    let mut changed = config();
    (changed.in_flight_max, changed.links[0].in_flight_max) = (3, 3);
    let mut w = World::with(changed);
    let asked: Vec<_> = (1..=3).map(|stan| w.ask(withdrawal(stan)).asked_once()).collect();
    assert_eq!(w.ask(withdrawal(4)).answer().0, Code::Busy, "full");
    let echo = MessageType::from_digits([8, 0, 0]).expect("0800");
    let echo = Txn { network: terms::Network::Echo, stan: Stan(9), ..Txn::new(echo) };
    assert_eq!(w.ask(echo).answer().0, Code::Approved, "an echo is answered");
    assert_eq!(w.ask(reversal(1)).record_names(), ["marked"], "a reversal is taken");
    assert_eq!(w.ask(reversal(99)).record_names(), ["kept", "exception"], "also of what was never seen");
    let report = w.ask(report(50));
    assert_eq!(report.record_names(), ["advised", "attempt"], "a report is taken, and sent at once");
    let posted = acknowledged(&w, &report, Code::Approved);
    assert_eq!(w.host_says(BANK, posted).record_names(), ["forwarded"], "and its answer heard");
    assert_eq!(w.ask(withdrawal(2)).asked.len(), 0, "a repeat is swallowed, not declined");
    let (link, _, ours) = asked[0];
    let left = w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(left.record_names(), ["decided", "attempt"], "an answer is heard, and what it owes is sent");
}

#[test]
fn another_page_or_another_bill_under_the_same_number_is_another_request() {
    for kind in [Kind::History, Kind::BillInquiry, Kind::BillPayment] {
        let page = |number: &[u8]| {
            let mut txn = Txn { kind, ..withdrawal(7) };
            txn.carried.push(terms::Noun::AdditionalPrivate, number);
            txn
        };
        let mut w = World::new();
        let (link, _, ours) = w.ask(page(b"001")).asked_once();
        let asked = w.last_asked().expect("asked");
        assert_eq!(asked.carried.get(terms::Noun::AdditionalPrivate), Some(&b"001"[..]), "carried unread");
        let mut rows = reply(ours, Code::Approved);
        rows.carried.push(terms::Noun::AdditionalPrivate, b"001 ten rows");
        let told = w.host_says(link, rows);
        let said = told.answers[0].1.carried.get(terms::Noun::AdditionalPrivate);
        assert_eq!(said, Some(&b"001 ten rows"[..]), "and so is what comes back");
        assert_eq!(w.ask(page(b"011")).answer().0, Code::Duplicate, "{kind}");
        assert_eq!(w.ask(page(b"001")).answer().0, Code::Approved, "{kind}: a repeat hears the decision");
        assert_eq!(w.ask(Txn { stan: Stan(8), ..page(b"011") }).asked.len(), 1, "{kind}: the next page");
    }
}

/// A host that demands to hear in a reversal who forwards it hears it, after a restart too; nobody else's word is
/// kept, and none of the card.
#[test]
fn what_a_host_demands_of_a_reversal_is_kept_for_it_and_no_more() {
    use terms::Noun::{AcceptorName, ForwarderId, IccData, PinBlock};
    let demands = Demands::of([ForwarderId, PinBlock, IccData]);
    assert_eq!(demands, Demands::of([ForwarderId]), "what is secret is never kept");
    let mut w = with_host(HostProfile { demands, ..HostProfile::default() });
    let mut asked = withdrawal(7);
    for (noun, said) in [(ForwarderId, &b"12345678901"[..]), (AcceptorName, b"ACME"), (PinBlock, &[7; 8])] {
        asked.carried.push(noun, said);
    }
    w.ask(asked);
    w.wait_ms(REPLY_TIMEOUT_MS);
    let heard = |w: &World| {
        let owed = w.last_asked().expect("a reversal");
        assert_eq!(owed.message.class, Class::Reversal);
        (owed.carried.get(ForwarderId).map(<[u8]>::to_vec), owed.carried.iter().count())
    };
    assert_eq!(heard(&w), (Some(b"12345678901".to_vec()), 1));
    for restart in [World::restart, World::restart_from_snapshot] {
        restart(&mut w);
        w.wait_ms(60_000);
        assert_eq!(heard(&w), (Some(b"12345678901".to_vec()), 1));
    }
}

#[test]
fn a_snapshot_with_more_owed_than_is_remembered_is_read_back_whole() {
    let mut w = World::new();
    for stan in 1..=12 {
        w.ask(withdrawal(stan));
        w.step(Event::LinkDown { link: BANK });
        w.wait_ms(REPLY_TIMEOUT_MS);
        w.step(Event::LinkUp { link: BANK });
        // The breaker lets one try now and then: what counts here is what is owed.
        w.wait_ms(60_000);
    }
    let owed = w.lane.pending();
    assert!(owed > w.config.remembered_max, "{owed} are owed");
    w.restart_from_snapshot();
    assert_eq!(w.lane.pending(), owed);
}

/// Who is going, or whose disk is full, begins nothing new; what ends or repeats something that has begun is taken.
#[test]
fn who_takes_nothing_new_still_answers_repeats_and_takes_back_and_hears_reports() {
    let mut w = World::new();
    approved(&mut w, withdrawal(7));
    let (link, _, ours) = w.ask(deposit(8)).asked_once();
    w.lane.take_nothing_new(Some(Code::HostDown));
    let new = w.ask(withdrawal(9));
    assert_eq!((new.answer(), new.records.len()), ((Code::HostDown, Outcome::NotSent), 0));
    let again = Txn { message: MessageType::from_digits([2, 0, 1]).expect("0201"), ..withdrawal(7) };
    assert_eq!(w.ask(again).answer(), (Code::Approved, Outcome::Approved), "what was decided is told again");
    assert_eq!(w.ask(report(8)).record_names(), ["marked"], "it is written down");
    assert_eq!(w.host_says(link, reply(ours, Code::Approved)).answers.len(), 1);
    let back = w.ask(reversal(7));
    assert_eq!((back.answer().0, back.record_names()[0]), (Code::Approved, "owed"));
    w.lane.take_nothing_new(None);
    assert_eq!(w.ask(withdrawal(10)).asked.len(), 1);
}

#[test]
fn a_host_that_approved_is_not_believed_when_it_knows_no_such_original() {
    for tombstones in [true, false] {
        let mut w = with_host(HostProfile { tombstones, ..HostProfile::default() });
        approved(&mut w, withdrawal(7));
        let left = w.ask(reversal(7));
        let unknown = acknowledged(&w, &left, Code::NotFound);
        assert!(w.host_says(BANK, unknown).record_names().contains(&"exception"), "{tombstones}");
        assert_eq!(w.lane.pending(), 0);
    }
}

#[test]
fn an_invalid_transaction_on_another_day_is_a_refusal_and_not_a_missing_original() {
    let mut w = with_host(HostProfile { tombstones: true, ..HostProfile::default() });
    w.ask(withdrawal(7));
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    let date = w.lane.status().links[0].date.expect("told").next();
    w.step(Event::HostDate { link: BANK, date });
    let refused = acknowledged(&w, &left, Code::InvalidTransaction);
    assert!(w.host_says(BANK, refused).record_names().contains(&"exception"));
}

#[test]
fn a_report_answers_for_what_it_says_and_for_nothing_else() {
    let mut w = World::new();
    w.ask(report(7));
    assert_eq!(w.ask(deposit(7)).answer().0, Code::Approved, "its own request, late");
    assert_eq!(w.ask(withdrawal(7)).answer().0, Code::Duplicate, "cash for a deposit");
    let more = Txn { amount: Amount::minor(99_900), ..deposit(7) };
    assert_eq!(w.ask(more).answer().0, Code::Duplicate, "another amount");
}

#[test]
fn a_repeat_just_after_midnight_is_a_repeat() {
    let mut w = World::new();
    let to_midnight = 86_400_000 - w.now.wall.as_unix_ms().rem_euclid(86_400_000);
    w.wait_ms(to_midnight as u32 - 2_000);
    approved(&mut w, withdrawal(7));
    w.wait_ms(7_000);
    let again = Txn { message: MessageType::from_digits([2, 0, 1]).expect("0201"), ..withdrawal(7) };
    let left = w.ask(again);
    assert_eq!((left.answer().0, left.asked.len()), (Code::Approved, 0), "no second posting");
}

#[test]
fn a_reversal_of_a_report_that_was_posted_names_what_the_host_saw() {
    let mut w = World::new();
    let left = w.ask(report(7));
    let (_, _, ours) = left.asked_once();
    let yes = acknowledged(&w, &left, Code::Approved);
    w.host_says(BANK, yes);
    let back = Txn { kind: Kind::Deposit, ..reversal(7) };
    w.ask(back);
    let sent = w.last_asked().expect("a reversal");
    assert_eq!(sent.original.and_then(|original| original.stan), Some(ours.stan));
}

#[test]
fn a_recovery_that_is_not_over_says_so() {
    let mut w = World::new();
    w.ask(withdrawal(1));
    w.restart_with_links_down();
    assert!(w.lane.is_recovering());
    w.links_up();
    assert!(!w.lane.is_recovering(), "the host was told");
    w.lane.wait_for_recovery();
    assert!(w.lane.is_recovering());
}

#[test]
fn trace_numbers_that_may_have_been_used_without_a_record_are_passed_over() {
    let mut w = World::new();
    let (_, _, first) = w.ask(withdrawal(1)).asked_once();
    let left = w.restart_skipping(1_000);
    assert_eq!(left.record_names(), ["timed_out"]);
    let (_, _, next) = *w.all_asked_since_restart().first().expect("the reversal");
    assert!(next.stan.0 > first.stan.0 + 1_000, "{} after {}", next.stan, first.stan);
}
