//! What one lane decides, told through its front door: events in, effects out.

mod world;

use journal::{Duty, Observation, Record, Ruling};
use switch::{BreakerState, Event, MayLeave, Tell};
use terms::{Amount, Code, ConnId, Kind, MessageType, Network, Outcome, Pan, Stan, Text, Txn};
use world::*;

#[test]
fn a_withdrawal_is_written_before_it_is_asked_and_decided_before_it_is_told() {
    let mut w = World::new();
    let asked = w.ask(withdrawal(481));
    assert_eq!((asked.record_names(), asked.order.as_str()), (vec!["sent"], "rh"));
    assert!(asked.asked[0].3, "not one byte before the disk has it");
    let (link, _, ours) = asked.asked_once();
    let told = w.host_says(link, reply(ours, Code::Approved));
    assert_eq!((told.record_names(), told.order.as_str()), (vec!["decided"], "rts"));
    assert_eq!(told.answer(), (Code::Approved, Outcome::Approved));
    assert!(told.answers[0].2, "not one byte before the disk has it");
}

#[test]
fn an_inquiry_is_recorded_and_does_not_wait_for_the_disk() {
    let mut w = World::new();
    let asked = w.ask(inquiry(1));
    assert_eq!(asked.record_names(), ["inquired"]);
    let (link, _, ours, durable_first) = asked.asked[0];
    assert!(!durable_first);
    let told = w.host_says(link, reply(ours, Code::Approved));
    assert!(!told.answers[0].2);
}

#[test]
fn the_host_sees_our_trace_number_and_the_terminals_reference() {
    let mut w = World::new();
    let (_, _, first) = w.ask(withdrawal(481)).asked_once();
    let (_, _, second) = w.ask(Txn { rrn: Text::EMPTY, ..withdrawal(482) }).asked_once();
    assert_eq!((first.stan, first.rrn.as_str()), (Stan(1), "632614000481"));
    // Without a reference of its own it gets one: last digit of the year, day of the year, hour, number.
    assert_eq!((second.stan, second.rrn.as_str()), (Stan(2), "632600000002"));
    assert_eq!(first.transmitted_at.as_str(), "1122000311");
}

#[test]
fn silence_is_told_as_unknown_and_owes_a_reversal_in_the_same_record() {
    let mut w = World::new();
    w.ask(withdrawal(481));
    assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS - 1).order, "");
    let left = w.wait_ms(1);
    assert_eq!(left.answer(), (Code::NoAnswer, Outcome::Unknown));
    assert!(matches!(
        left.records[..],
        [Record::TimedOut { owes: Some(_), .. }, Record::Attempt { number: 1, .. }]
    ));
    assert_eq!(w.lane.in_flight(), 0);
}

#[test]
fn a_late_answer_never_changes_a_decision_and_is_written_down_once() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(481)).asked_once();
    w.wait_ms(REPLY_TIMEOUT_MS);
    let late = w.host_says(link, reply(ours, Code::Approved));
    assert!(late.answers.is_empty() && late.asked.is_empty());
    assert!(
        matches!(&late.records[..], [Record::Observed(seen)] if seen.kind == Observation::Late && seen.id == Some(id))
    );
    let again = w.ask(withdrawal(481));
    assert_eq!(again.answer(), (Code::NoAnswer, Outcome::Unknown), "the first decision stands");
}

#[test]
fn a_second_answer_is_not_a_late_one_and_a_stranger_is_neither() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(481)).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
    let second = w.host_says(link, reply(ours, Code::DoNotHonour));
    assert_eq!(second.told, [Tell::SecondAnswer { id, link }]);
    let unasked = w.host_says(link, Txn { stan: Stan(777), ..reply(ours, Code::Approved) });
    assert_eq!(unasked.told, [Tell::StrangeAnswer { link, stan_known: false }]);
    let other_till = Txn { terminal_id: Text::clipped(b"ATM00002"), ..reply(ours, Code::Approved) };
    assert_eq!(w.host_says(link, other_till).told, [Tell::StrangeAnswer { link, stan_known: true }]);
}

#[test]
fn an_answer_that_disagrees_with_its_request_is_a_stranger() {
    for (what, change) in [
        ("the terminal", (|t: &mut Txn| t.terminal_id = Text::clipped(b"ATM00009")) as fn(&mut Txn)),
        ("the reference", |t| t.rrn = Text::clipped(b"000000000000")),
        ("the message", |t| t.message = MessageType::from_digits([4, 1, 0]).expect("0410")),
        ("the trace number", |t| t.stan = Stan(999)),
    ] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(withdrawal(481)).asked_once();
        let mut wrong = reply(ours, Code::Approved);
        change(&mut wrong);
        let left = w.host_says(link, wrong);
        assert!(matches!(left.told[..], [Tell::StrangeAnswer { .. }]), "{what} differs: {:?}", left.told);
        assert_eq!(w.lane.in_flight(), 1, "{what}: the request goes on waiting");
    }
}

#[test]
fn an_answer_on_another_link_is_a_stranger() {
    let mut w = World::new();
    let (_, _, ours) = w.ask(withdrawal(481)).asked_once();
    let left = w.host_says(CARDS, reply(ours, Code::Approved));
    assert_eq!(left.told, [Tell::StrangeAnswer { link: CARDS, stan_known: false }]);
}

#[test]
fn a_host_that_does_not_know_is_a_host_that_did_not_answer() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(481)).asked_once();
    let left = w.host_says(link, Txn { outcome: Some(Outcome::Unknown), ..reply(ours, Code::HostDown) });
    assert_eq!(left.answer(), (Code::NoAnswer, Outcome::Unknown));
    assert!(matches!(
        left.records[..],
        [Record::TimedOut { owes: Some(_), .. }, Record::Attempt { number: 1, .. }]
    ));
}

#[test]
fn a_repeat_in_flight_is_swallowed_and_the_answer_goes_to_whoever_asked_last() {
    let mut w = World::new();
    let (link, _, ours) = w.ask_on(ConnId(1), withdrawal(481)).asked_once();
    let repeat = w.ask_on(ConnId(2), withdrawal(481));
    assert!(repeat.asked.is_empty() && repeat.answers.is_empty());
    let told = w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(told.answers[0].0, ConnId(2));
}

#[test]
fn a_repeat_after_the_decision_is_given_the_stored_answer_and_the_host_hears_nothing() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(481)).asked_once();
    let first = w.host_says(link, reply(ours, Code::Approved));
    let again = w.ask_on(ConnId(2), withdrawal(481));
    assert!(again.asked.is_empty());
    assert_eq!(again.answers[0].1, first.answers[0].1);
    assert!(again.answers[0].2, "the decision may be a moment old");
}

#[test]
fn the_same_identity_with_other_content_is_refused_and_harms_nobody() {
    for (what, change) in [
        ("amount", (|t: &mut Txn| t.amount = Amount::minor(1)) as fn(&mut Txn)),
        ("card", |t| t.pan = Pan::new(b"4222222222222222").expect("digits")),
        ("processing code", |t| t.processing_code = Text::clipped(b"310000")),
    ] {
        let mut w = World::new();
        let (link, _, ours) = w.ask(withdrawal(481)).asked_once();
        let mut other = withdrawal(481);
        change(&mut other);
        let refused = w.ask_on(ConnId(2), other);
        assert_eq!(refused.answer(), (Code::Duplicate, Outcome::NotSent), "other {what}");
        let told = w.host_says(link, reply(ours, Code::Approved));
        assert_eq!((told.answers[0].0, told.answer().0), (ConnId(1), Code::Approved), "other {what}");
    }
}

#[test]
fn what_cannot_be_sent_is_declined_at_once_and_never_queued() {
    let decline = |prepare: fn(&mut World), txn: Txn| {
        let mut w = World::new();
        prepare(&mut w);
        let left = w.ask(txn);
        assert!(left.asked.is_empty());
        left.answer()
    };
    let not_sent = |code| (code, Outcome::NotSent);
    let other_card = Txn { pan: Pan::new(b"5555555555554444").expect("digits"), ..withdrawal(1) };
    assert_eq!(decline(|_| {}, other_card), not_sent(Code::NoRoute));
    assert_eq!(
        decline(|w| drop(w.step(Event::LinkDown { link: BANK })), withdrawal(1)),
        not_sent(Code::HostDown)
    );
    let fill = |w: &mut World| (101..104).for_each(|stan| drop(w.ask(withdrawal(stan))));
    assert_eq!(decline(fill, withdrawal(1)), not_sent(Code::Busy));
    assert_eq!(
        decline(|_| {}, Txn { terminal_id: Text::EMPTY, ..withdrawal(1) }),
        not_sent(Code::UnknownTerminal)
    );
    assert_eq!(decline(|_| {}, withdrawal(0)), not_sent(Code::FormatError));
    let file_action = Txn { message: MessageType::from_digits([3, 0, 0]).expect("0300"), ..withdrawal(1) };
    assert_eq!(decline(|_| {}, file_action), not_sent(Code::NotSupported));
}

#[test]
fn a_refusal_too_is_durable_before_it_is_told_and_the_same_when_asked_again() {
    let mut w = World::new();
    w.step(Event::LinkDown { link: BANK });
    let first = w.ask(withdrawal(1));
    assert_eq!((first.record_names(), first.answers[0].2), (vec!["declined"], true));
    w.step(Event::LinkUp { link: BANK });
    let again = w.ask(withdrawal(1));
    assert!(again.asked.is_empty(), "the customer was told no");
    assert_eq!(again.answer(), (Code::HostDown, Outcome::NotSent));
}

#[test]
fn what_provably_never_left_is_declined_and_owes_nothing() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
    let left = w.step(Event::Unsent { link, host_stan: ours.stan, id });
    assert_eq!(left.record_names(), ["not_sent"]);
    assert_eq!(left.answer(), (Code::HostDown, Outcome::NotSent));
    assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).order, "", "no deadline is left behind");
}

#[test]
fn what_could_not_be_guarded_never_leaves_and_its_source_is_told_why() {
    for code in [Code::WrongPinBlock, Code::PinKeyOutOfStep, Code::Malfunction] {
        let mut w = World::new();
        let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
        let left = w.step(Event::Withheld { link, host_stan: ours.stan, id, code });
        assert_eq!(left.record_names(), ["not_sent"]);
        assert_eq!(left.answer(), (code, Outcome::NotSent));
        // A repeat hears the same, after a restart too.
        let again = w.ask(withdrawal(1));
        assert!(again.asked.is_empty());
        assert_eq!(again.answer(), (code, Outcome::NotSent));
        assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).order, "", "no deadline is left behind");
    }
}

#[test]
fn a_request_whose_record_became_durable_too_late_does_not_leave_and_owes_nothing() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::Yes);
    // The process stood still, or the disk did; nobody has looked at the clock yet.
    w.now.instant = w.now.instant.plus_ms(REPLY_TIMEOUT_MS);
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::TooLate);
    assert_eq!(w.step(Event::Unsent { link, host_stan: ours.stan, id }).record_names(), ["not_sent"]);
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::No);
    // Looked at first, it is silence, and its frame is dropped.
    let (link, id, ours) = w.ask(withdrawal(2)).asked_once();
    assert_eq!(w.wait_ms(REPLY_TIMEOUT_MS).record_names(), ["timed_out", "attempt"]);
    assert_eq!(w.lane.may_leave(w.now.instant, link, ours.stan, id), MayLeave::No);
}

#[test]
fn what_is_owed_leaves_while_its_attempt_lasts_and_nobody_holds_it() {
    let mut w = World::new();
    w.ask(withdrawal(1));
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    let (link, id, ours) = left.asked_once();
    let forward = left.records[0].forward().expect("owed");
    let may_leave = |w: &World, ms: u32| w.lane.may_leave(w.now.instant.plus_ms(ms), link, ours.stan, id);
    assert_eq!((may_leave(&w, 29_999), may_leave(&w, 30_000)), (MayLeave::Yes, MayLeave::TooLate));
    let (by, reason) = (Text::EMPTY, Text::EMPTY);
    w.step(Event::Ruled { forward, ruling: Ruling::Hold, by, reason });
    assert_eq!(may_leave(&w, 0), MayLeave::TooLate);
    w.step(Event::Ruled { forward, ruling: Ruling::Settle, by, reason });
    assert_eq!(may_leave(&w, 0), MayLeave::No);
}

#[test]
fn a_decision_overtakes_the_news_that_it_was_never_sent() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
    w.wait_ms(REPLY_TIMEOUT_MS);
    let left = w.step(Event::Unsent { link, host_stan: ours.stan, id });
    assert_eq!(left.told, [Tell::Meaningless { id }]);
    assert_eq!(left.order, "t");
}

#[test]
fn a_link_that_goes_down_leaves_its_requests_to_their_deadlines() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(1)).asked_once();
    assert_eq!(w.step(Event::LinkDown { link }).order, "t");
    w.step(Event::LinkUp { link });
    assert_eq!(w.host_says(link, reply(ours, Code::Approved)).answer().0, Code::Approved);
}

#[test]
fn a_silent_host_opens_its_breaker_and_the_other_host_does_not_notice() {
    let mut w = World::new();
    for stan in 1..=4 {
        w.ask(withdrawal(stan));
        w.wait_ms(REPLY_TIMEOUT_MS);
    }
    assert!(matches!(w.lane.status().links[0].breaker, BreakerState::Open { .. }));
    assert_eq!(w.ask(withdrawal(5)).answer(), (Code::HostDown, Outcome::NotSent));
    let other = Txn { pan: Pan::new(b"6228480000000000").expect("digits"), ..withdrawal(6) };
    assert_eq!(w.ask(other).asked_once().0, CARDS);
    w.wait_ms(5_000);
    let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
    assert_eq!(w.ask(withdrawal(8)).answer().0, Code::HostDown, "only one may try");
    w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(w.lane.status().links[0].breaker, BreakerState::Closed);
}

#[test]
fn an_echo_is_answered_here_in_both_directions() {
    let echo = Txn {
        network: Network::Echo,
        stan: Stan(5),
        ..Txn::new(MessageType::from_digits([8, 0, 0]).expect("0800"))
    };
    let mut w = World::new();
    assert_eq!(w.ask(echo.clone()).answer(), (Code::Approved, Outcome::Approved));
    assert_eq!(w.host_says(BANK, echo.clone()).answer(), (Code::Approved, Outcome::Approved));
    let cutover = Txn { network: Network::Cutover, ..echo };
    assert_eq!(w.host_says(BANK, cutover).answer(), (Code::NotSupported, Outcome::Refused));
}

#[test]
fn the_oldest_finished_transaction_is_forgotten_first_and_leaves_nothing_behind() {
    let mut w = World::new();
    for stan in 1..=20 {
        let (link, _, ours) = w.ask(withdrawal(stan)).asked_once();
        w.host_says(link, reply(ours, Code::Approved));
    }
    assert_eq!(w.lane.status().remembered, 8);
    assert_eq!(w.ask(withdrawal(20)).answer().0, Code::Approved);
    let forgotten = w.ask(withdrawal(12));
    assert_eq!(forgotten.asked.len(), 1, "unknown by now, so it is a new request");
}

#[test]
fn trace_numbers_wrap_and_skip_those_in_flight() {
    let mut w = World::new();
    let (link, _, first) = w.ask(withdrawal(1)).asked_once();
    assert_eq!(first.stan, Stan(1));
    let near_the_end = Record::Numbers {
        next_id: terms::TxnId(0),
        next_forward: terms::ForwardId(0),
        link: Some(link),
        last_stan: Stan(999_998),
    };
    w.journal.push(near_the_end);
    let left = w.restart();
    let Some(Record::TimedOut { owes: Some(owed), .. }) = left.records.first() else { panic!("it is owed") };
    assert_eq!(owed.host_stan, Stan(999_999));
    assert_eq!(
        w.ask(withdrawal(2)).asked_once().2.stan,
        Stan(1),
        "1 is decided by now and may be used again"
    );
    assert_eq!(w.ask(withdrawal(3)).asked_once().2.stan, Stan(2));
    let wrapped = Record::Numbers {
        next_id: terms::TxnId(0),
        next_forward: terms::ForwardId(0),
        link: Some(link),
        last_stan: Stan(999_998),
    };
    w.journal.push(wrapped);
    w.restart();
    assert_eq!(w.ask(withdrawal(4)).asked_once().2.stan, Stan(5), "999,999, 3 and 4 stand for what is owed");
}

#[test]
fn a_dead_switch_owes_what_it_sent_and_never_sends_it_again() {
    let mut w = World::new();
    let (link, id, ours) = w.ask(withdrawal(1)).asked_once();
    let left = w.restart();
    assert!(left.asked.is_empty());
    assert!(
        matches!(left.records[..], [Record::TimedOut { id: timed_out, owes: Some(_), .. }] if timed_out == id)
    );
    assert_eq!(w.ask(withdrawal(1)).answer(), (Code::NoAnswer, Outcome::Unknown));
    let late = w.host_says(link, reply(ours, Code::Approved));
    assert!(matches!(late.told[..], [Tell::LateAnswer { .. }]));
    assert_eq!(w.lane.status().links[0].breaker, BreakerState::Closed, "our death is not the host's silence");
}

#[test]
fn a_lane_comes_back_as_it_was_from_its_records_and_from_its_snapshot() {
    let come_back: [fn(&mut World) -> Left; 2] = [World::restart, World::restart_from_snapshot];
    for come_back in come_back {
        let mut w = World::new();
        let (link, _, approved) = w.ask(withdrawal(1)).asked_once();
        w.host_says(link, reply(approved, Code::Approved));
        let (link, _, refused) = w.ask(withdrawal(2)).asked_once();
        w.host_says(link, reply(refused, Code::WrongPin));
        w.step(Event::LinkDown { link: CARDS });
        let no_host = Txn { pan: Pan::new(b"6228480000000000").expect("digits"), ..withdrawal(3) };
        w.ask(no_host.clone());
        w.ask(inquiry(4));
        come_back(&mut w);
        assert_eq!(w.ask(withdrawal(1)).answer(), (Code::Approved, Outcome::Approved));
        assert_eq!(w.ask(withdrawal(2)).answer(), (Code::WrongPin, Outcome::Refused));
        assert_eq!(w.ask(no_host).answer(), (Code::HostDown, Outcome::NotSent));
        assert_eq!(w.ask(inquiry(4)).answer(), (Code::NoAnswer, Outcome::Unknown));
        let same_key = Txn { amount: Amount::minor(1), ..withdrawal(1) };
        assert_eq!(w.ask(same_key).answer().0, Code::Duplicate);
        let (_, id, ours) = w.ask(withdrawal(5)).asked_once();
        assert_eq!((id.0, ours.stan), (6, Stan(4)), "numbers go on where they stopped");
        assert!(matches!(
            w.host_says(link, reply(approved, Code::Approved)).told[..],
            [Tell::SecondAnswer { .. }]
        ));
    }
}

#[test]
fn routes_and_timers_change_while_requests_are_in_flight() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(1)).asked_once();
    let mut changed = config();
    changed.links[0].reply_timeout_ms = 1_000;
    w.reconfigure(changed);
    w.ask(withdrawal(2));
    assert_eq!(w.wait_ms(1_000).answers.len(), 1, "the new one waits as the new timer says");
    assert_eq!(w.host_says(link, reply(ours, Code::Approved)).answer().0, Code::Approved);
}

#[test]
fn every_kind_that_moves_money_owes_something_when_its_end_is_unknown() {
    for &kind in Kind::ALL {
        let mut w = World::new();
        w.ask(Txn { kind, ..withdrawal(1) });
        let left = w.wait_ms(REPLY_TIMEOUT_MS);
        let [Record::TimedOut { owes, .. }, ..] = left.records[..] else {
            panic!("{kind}: {:?}", left.records)
        };
        let expected = match kind {
            // Not money: the customer is told that both PINs may be good, or to try the card.
            Kind::PinChange | Kind::CardActivation => None,
            // The cash is in the machine, or the money has left the other account.
            Kind::Deposit | Kind::TransferIn => Some(Duty::Advice),
            kind if kind.moves_money() => Some(Duty::Reversal),
            _ => None,
        };
        assert_eq!(owes.map(|forward| forward.duty), expected, "{kind}");
    }
}

#[test]
fn names_keep_their_places_when_the_configuration_changes_its_order() {
    let mut w = World::new();
    let mut changed = config();
    changed.links.push(switch::LinkConfig { name: Text::clipped(b"new"), ..changed.links[0].clone() });
    let left = w.reconfigure(changed);
    assert_eq!(left.record_names(), ["named"]);
    w.restart_from_snapshot();
    let (links, sources) = w.lane.names();
    let names = |names: Vec<terms::LinkName>| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(links), ["bank", "cards", "new"]);
    assert_eq!(names(sources), ["till"]);
}

#[test]
fn only_its_class_and_its_kind_make_a_message_a_mere_question() {
    // A management code that any message may carry opens no door past the disk.
    let mut w = World::new();
    for network in Network::ALL {
        let txn = Txn { network: *network, ..withdrawal(100 + *network as u32) };
        let (link, _, ours) = {
            let asked = w.ask(txn);
            assert_eq!(asked.record_names(), ["sent"], "{network}");
            assert!(asked.asked[0].3, "{network}: not one byte before the disk has it");
            asked.asked_once()
        };
        let told = w.host_says(link, reply(ours, Code::Approved));
        assert!(told.answers[0].2, "{network}: not one byte before the disk has it");
    }
}

#[test]
fn every_network_message_gets_an_answer_whatever_it_is_about() {
    for &network in Network::ALL {
        let message = MessageType::from_digits([8, 0, 0]).expect("0800");
        let txn = Txn { network, stan: Stan(5), ..Txn::new(message) };
        let mut w = World::new();
        assert_eq!(w.ask(txn.clone()).answers.len(), 1, "{network} from a source");
        assert_eq!(w.host_says(BANK, txn).answers.len(), 1, "{network} from a host");
    }
    let mut w = World::new();
    assert_eq!(w.host_says(BANK, withdrawal(5)).answer().0, Code::NotSupported, "a host asks us for money");
}

#[test]
fn a_repeat_that_says_another_time_of_day_is_still_a_repeat() {
    let at = |second_of_day| {
        let date = terms::BusinessDate::new(2026, 11, 22).expect("a day");
        Some(terms::LocalTime { date, second_of_day })
    };
    let mut w = World::new();
    let (link, _, ours) = w.ask(Txn { local_time: at(100), ..withdrawal(7) }).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
    let repeat = MessageType::from_digits([2, 0, 1]).expect("0201");
    let again = w.ask(Txn { message: repeat, local_time: at(104), ..withdrawal(7) });
    assert!(again.asked.is_empty(), "a second request could be a second posting");
    assert_eq!(again.answer().0, Code::Approved);
    assert_eq!(w.ask(Txn { local_time: at(200), ..withdrawal(7) }).asked.len(), 1, "a request of its own");
}

#[test]
fn a_trace_number_without_a_time_is_free_again_the_next_day() {
    let mut w = World::new();
    let (link, _, ours) = w.ask(withdrawal(7)).asked_once();
    w.host_says(link, reply(ours, Code::Approved));
    assert!(w.ask(withdrawal(7)).asked.is_empty());
    w.wait_ms(86_400_000);
    assert_eq!(w.ask(withdrawal(7)).asked.len(), 1);
}
