//! Transfers between two hosts, told one by one. Every way they can go together is tried in
//! `transfer_every_way`.

mod world;

use journal::{After, Duty, Record, Ruling};
use switch::{Event, HostProfile, LaneConfig, Receiver};
use terms::{
    Amount, Class, Code, ConnId, ForwardId, Function, Kind, MessageType, Noun, Original, Outcome, Stan, Text,
    Txn,
};
use world::*;

const ACCOUNT: &[u8] = b"6228480000001234567";

fn transfer(stan: u32) -> Txn {
    let mut txn = Txn { kind: Kind::Transfer, to_account: Text::clipped(ACCOUNT), ..withdrawal(stan) };
    txn.pan_in_track = true;
    txn.carried.push(Noun::Account2, ACCOUNT);
    txn.carried.push(Noun::Track2, b"4111111111111111=3012");
    txn.carried.push(Noun::PinBlock, &[7; 8]);
    txn.carried.push(Noun::MerchantType, b"6011");
    txn
}

fn back(of: u32) -> Txn {
    Txn {
        message: MessageType::from_digits([4, 2, 0]).expect("0420"),
        original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
        ..transfer(of)
    }
}

fn between_two(change: impl Fn(&mut HostProfile)) -> LaneConfig {
    let mut config = config();
    let (prefix, name) = (Text::clipped(b"62"), Text::clipped(b"to union"));
    config.routes = config.routes.with_receivers(vec![Receiver { prefix, source: None, link: CARDS, name }]);
    config.links.iter_mut().for_each(|link| change(&mut link.host));
    config
}

fn world() -> World {
    World::with(between_two(|_| {}))
}

/// Asked and debited; what is left is the credit in flight.
fn debited(w: &mut World, stan: u32) -> Left {
    let (link, _, ours) = w.ask(transfer(stan)).asked_once();
    let mut yes = reply(ours, Code::Approved);
    yes.carried.push(Noun::AdditionalAmounts, b"0001840C000000012345");
    w.host_says(link, yes)
}

fn says(left: &Left, code: Code) -> (terms::LinkId, Txn) {
    let (link, _, ours) = left.asked_once();
    (link, reply(ours, code))
}

fn accepted(w: &World, left: &Left, code: Code) -> (terms::LinkId, Txn) {
    let (link, answer) = says(left, code);
    let asked = w.last_asked().expect("something was asked");
    (link, Txn { message: asked.message.answered_by().expect("it wants an answer"), ..answer })
}

fn answer(w: &mut World, (link, txn): (terms::LinkId, Txn)) -> Left {
    w.host_says(link, txn)
}

#[test]
fn the_debit_goes_first_and_the_credit_behind_the_record_that_it_was_approved() {
    let mut w = world();
    let asked = w.ask(transfer(7));
    assert_eq!((asked.record_names(), asked.order.as_str()), (vec!["debit_sent"], "rh"));
    let debit = w.last_asked().expect("the debit").clone();
    assert_eq!((asked.asked_once().0, debit.kind), (BANK, Kind::TransferOut));
    assert!(debit.carried.get(Noun::PinBlock).is_some(), "the host that pays checks the PIN");
    let (_, mut yes) = says(&asked, Code::Approved);
    yes.carried.push(Noun::AdditionalAmounts, b"0001840C000000012345");
    let on = w.host_says(BANK, yes);
    assert_eq!((on.record_names(), on.order.as_str()), (vec!["credit_sent"], "rh"));
    assert!(on.answers.is_empty() && on.asked[0].3, "nobody is told yet, and the record comes first");
    let credit = w.last_asked().expect("the credit").clone();
    assert_eq!((on.asked_once().0, credit.kind), (CARDS, Kind::TransferIn));
    assert_eq!(credit.to_account.as_bytes(), ACCOUNT);
    for hidden in [Noun::PinBlock, Noun::Track2] {
        assert!(credit.carried.get(hidden).is_none(), "{hidden} is the paying host's alone");
    }
    assert!(!credit.pan_in_track, "without its track the card is named in words");
    assert_eq!(credit.carried.get(Noun::MerchantType), Some(&b"6011"[..]));
    assert_eq!(asked.asked_once().2.rrn, on.asked_once().2.rrn, "one reference number for both");
    let (_, yes) = says(&on, Code::Approved);
    let done = w.host_says(CARDS, yes);
    assert_eq!((done.record_names(), done.answer().0), (vec!["decided"], Code::Approved));
    let told = &done.answers[0].1;
    assert_eq!(told.approval_code.as_str(), "A1B2C3");
    assert!(told.carried.get(Noun::AdditionalAmounts).is_some(), "the balance is the paying account's");
    assert_eq!(w.lane.status().links[1].answered, 1);
    assert_eq!(w.lane.in_flight(), 0);
}

#[test]
fn an_account_at_the_host_that_pays_or_at_none_we_know_is_one_message() {
    let mut at_home = between_two(|_| {});
    let line = |prefix: &[u8], link| Receiver {
        prefix: Text::clipped(prefix),
        source: None,
        link,
        name: Text::EMPTY,
    };
    at_home.routes = config().routes.with_receivers(vec![line(b"62", CARDS), line(b"622848", BANK)]);
    for (config, txn) in [
        (config(), transfer(7)),
        (at_home, transfer(7)),
        (between_two(|_| {}), Txn { to_account: Text::clipped(b"0123456789"), ..transfer(7) }),
        (between_two(|_| {}), Txn { to_account: Text::EMPTY, ..transfer(7) }),
    ] {
        let mut w = World::with(config);
        let left = w.ask(txn);
        assert_eq!(left.record_names(), ["sent"]);
        assert_eq!(w.last_asked().map(|asked| asked.kind), Some(Kind::Transfer));
        let yes = says(&left, Code::Approved);
        assert_eq!(answer(&mut w, yes).answer().0, Code::Approved);
    }
}

#[test]
fn a_transfer_whose_credit_could_not_go_now_costs_nobody_anything() {
    for (link_down, link, code) in [(true, CARDS, Code::HostDown), (true, BANK, Code::HostDown)] {
        let mut w = world();
        assert!(link_down);
        w.step(Event::LinkDown { link });
        let left = w.ask(transfer(7));
        assert_eq!((left.record_names(), left.answer()), (vec!["declined"], (code, Outcome::NotSent)));
        assert!(left.asked.is_empty());
    }
    let mut config = between_two(|_| {});
    config.links[1].in_flight_max = 0;
    let mut w = World::with(config);
    let full = w.ask(transfer(7));
    assert_eq!((full.answer().0, full.asked.len()), (Code::Busy, 0));
}

#[test]
fn a_receiving_host_that_cannot_take_it_any_more_gives_the_debit_back_in_the_record_of_the_decision() {
    type Meanwhile = fn(&mut World);
    let table: [(Meanwhile, Code); 2] = [
        (|w| drop(w.step(Event::LinkDown { link: CARDS })), Code::HostDown),
        (
            |w| {
                let mut full = between_two(|_| {});
                full.links[1].in_flight_max = 0;
                drop(w.reconfigure(full));
            },
            Code::Busy,
        ),
    ];
    for (meanwhile, code) in table {
        let mut w = world();
        let asked = w.ask(transfer(7));
        meanwhile(&mut w);
        let yes = says(&asked, Code::Approved);
        let left = answer(&mut w, yes);
        assert_eq!(left.record_names(), ["decided", "attempt"]);
        assert_eq!(left.answer(), (code, Outcome::Refused));
        let owes = left.records[0].owes().expect("in the same record");
        assert_eq!((owes.duty, owes.link), (Duty::Reversal, BANK));
        let reversal = w.last_asked().expect("the reversal");
        assert_eq!((reversal.message.class, reversal.kind), (Class::Reversal, Kind::TransferOut));
        assert_eq!(reversal.original.and_then(|original| original.stan), Some(asked.asked_once().2.stan));
    }
}

#[test]
fn a_refused_credit_gives_the_debit_back_and_retains_nobodys_card() {
    for (refusal, told) in [
        (Code::InvalidCard, Code::InvalidCard),
        (Code::PickUpCard, Code::Declined),
        (Code::StolenCard, Code::Declined),
        (Code::WrongPin, Code::Declined),
    ] {
        let mut w = world();
        let on = debited(&mut w, 7);
        let no = says(&on, refusal);
        let left = answer(&mut w, no);
        assert_eq!(left.record_names(), ["decided", "attempt"]);
        assert_eq!(left.answer(), (told, Outcome::Refused), "{refusal}");
        assert_eq!(left.records[0].owes().map(|owes| (owes.duty, owes.link)), Some((Duty::Reversal, BANK)));
        let yes = accepted(&w, &left, Code::Approved);
        assert_eq!(answer(&mut w, yes).record_names(), ["forwarded"]);
        assert_eq!(w.lane.pending(), 0);
        assert_eq!(w.ask(transfer(7)).answer().0, told, "and a repeat is told the same");
    }
}

#[test]
fn a_credit_nobody_answered_is_owed_and_the_debit_stands() {
    for (approves, told) in
        [(true, (Code::Approved, Outcome::Approved)), (false, (Code::NoAnswer, Outcome::Unknown))]
    {
        let mut w = World::with(between_two(|host| host.unknown_credits_approved = approves));
        let on = debited(&mut w, 7);
        let left = w.wait_ms(REPLY_TIMEOUT_MS);
        assert_eq!(left.record_names(), ["timed_out", "attempt"]);
        assert_eq!(left.answer(), told, "as the receiving host's contract says");
        assert_eq!(left.records[0].owes().map(|owes| (owes.duty, owes.link)), Some((Duty::Advice, CARDS)));
        let advice = w.last_asked().expect("the advice").clone();
        assert_eq!(
            (advice.message.class, advice.message.function, advice.kind),
            (Class::Financial, Function::Advice, Kind::TransferIn)
        );
        assert_eq!(advice.to_account.as_bytes(), ACCOUNT, "it names the account, after a restart too");
        assert_eq!(advice.carried.get(Noun::Account2), Some(ACCOUNT));
        assert_eq!(advice.original.and_then(|o| o.stan), Some(on.asked_once().2.stan), "and its request");
        w.restart();
        let again = w.wait_ms(30_000);
        let sent_again = w.last_asked().expect("sent again");
        assert_eq!(sent_again.to_account.as_bytes(), ACCOUNT);
        let yes = accepted(&w, &again, Code::Approved);
        assert_eq!(answer(&mut w, yes).record_names(), ["forwarded"]);
        assert_eq!(w.ask(transfer(7)).answer(), told);
    }
}

#[test]
fn a_debit_nobody_answered_is_given_back_and_nothing_is_credited() {
    let mut w = world();
    w.ask(transfer(7));
    let left = w.wait_ms(REPLY_TIMEOUT_MS);
    assert_eq!(left.record_names(), ["timed_out", "attempt"]);
    assert_eq!(left.answer().1, Outcome::Unknown);
    assert_eq!(w.last_asked().map(|asked| asked.kind), Some(Kind::TransferOut));
    let late = w.asked[0].2;
    let late = w.host_says(BANK, reply(late, Code::Approved));
    assert_eq!(
        (late.record_names(), late.asked.len()),
        (vec!["observed"], 0),
        "a late approval sends no credit"
    );
}

#[test]
fn what_was_done_is_undone_in_the_opposite_order() {
    let mut w = world();
    let on = debited(&mut w, 7);
    let yes = says(&on, Code::Approved);
    answer(&mut w, yes);
    let left = w.ask(back(7));
    assert_eq!((left.record_names(), left.answer().0), (vec!["owed", "attempt"], Code::Approved));
    let first = w.last_asked().expect("the credit's reversal").clone();
    assert_eq!((left.asked_once().0, first.kind), (CARDS, Kind::TransferIn));
    assert_eq!(w.lane.pending(), 1, "the debit stands until the credit is gone");
    let gone = accepted(&w, &left, Code::Approved);
    let then = answer(&mut w, gone);
    assert_eq!(then.record_names(), ["forwarded", "attempt"]);
    assert_eq!(then.records[0].owes().map(|owes| owes.link), Some(BANK), "owed by the same record");
    let second = w.last_asked().expect("the debit's reversal");
    assert_eq!((then.asked_once().0, second.kind), (BANK, Kind::TransferOut));
    assert_eq!(w.ask(transfer(7)).answer().0, Code::Declined);
    let gone = accepted(&w, &then, Code::Approved);
    assert_eq!(answer(&mut w, gone).record_names(), ["forwarded"]);
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn a_credit_that_cannot_be_undone_leaves_both_standing_and_a_person() {
    let mut w = world();
    let on = debited(&mut w, 7);
    let yes = says(&on, Code::Approved);
    answer(&mut w, yes);
    let left = w.ask(back(7));
    let spent = accepted(&w, &left, Code::FormatError);
    assert_eq!(answer(&mut w, spent).record_names(), ["exception"]);
    assert_eq!(w.lane.pending(), 0, "the debit is not given back on top");
    assert!(w.wait_ms(600_000).asked.is_empty());
}

#[test]
fn an_answer_to_the_debit_is_no_answer_to_the_credit() {
    let mut w = world();
    let asked = w.ask(transfer(7));
    let (_, yes) = says(&asked, Code::Approved);
    let on = w.host_says(BANK, yes.clone());
    for _ in 0..2 {
        let again = w.host_says(BANK, yes.clone());
        assert_eq!((again.record_names(), again.answers.len()), (vec!["observed"], 0), "it answered before");
    }
    let strange = w.host_says(BANK, reply(on.asked_once().2, Code::Approved));
    assert!(strange.answers.is_empty(), "nor is the other host's number on this link");
    let unsent = Event::Unsent { link: BANK, host_stan: asked.asked_once().2.stan, id: asked.asked_once().1 };
    assert!(w.step(unsent).records.is_empty(), "nor does news of the debit unsend the credit");
    let yes = says(&on, Code::Approved);
    assert_eq!(answer(&mut w, yes.clone()).answer().0, Code::Approved);
    let second = answer(&mut w, yes);
    assert!(matches!(&second.records[..], [Record::Observed(_)]), "{second:?}");
    let debit_again = w.host_says(BANK, reply(asked.asked_once().2, Code::InvalidCard));
    assert_eq!(debit_again.record_names(), ["observed"]);
}

#[test]
fn a_late_answer_to_the_credit_changes_nothing() {
    let mut w = world();
    let on = debited(&mut w, 7);
    w.wait_ms(REPLY_TIMEOUT_MS);
    for code in [Code::Approved, Code::InvalidCard] {
        let late = says(&on, code);
        let left = answer(&mut w, late);
        assert_eq!((left.record_names(), left.asked.len()), (vec!["observed"], 0));
    }
    assert_eq!(w.lane.pending(), 1, "the advice is still owed");
}

#[test]
fn a_terminal_that_takes_it_back_between_the_legs_gets_all_of_it_back() {
    let mut w = world();
    let asked = w.ask(transfer(7));
    assert_eq!(w.ask(back(7)).record_names(), ["marked"]);
    let yes = says(&asked, Code::Approved);
    let left = answer(&mut w, yes);
    assert_eq!(left.record_names(), ["decided", "attempt"], "nothing is credited any more");
    assert_eq!(w.last_asked().map(|asked| asked.kind), Some(Kind::TransferOut));

    let mut w = world();
    let on = debited(&mut w, 7);
    assert_eq!(w.ask(back(7)).record_names(), ["marked"]);
    let yes = says(&on, Code::Approved);
    let left = answer(&mut w, yes);
    assert_eq!((left.record_names(), left.answer().0), (vec!["decided", "attempt"], Code::Declined));
    assert_eq!(w.last_asked().map(|asked| asked.kind), Some(Kind::TransferIn), "the credit first");
}

#[test]
fn a_reversal_before_its_transfer_refuses_it_and_a_part_of_one_is_a_persons() {
    let mut w = world();
    assert_eq!(w.ask(back(7)).record_names(), ["kept", "exception"]);
    assert_eq!((w.ask(transfer(7)).answer().0, w.asked.len()), (Code::Declined, 0));

    let mut w = world();
    let on = debited(&mut w, 7);
    let yes = says(&on, Code::Approved);
    answer(&mut w, yes);
    let part = Txn { remaining: Some(Amount::minor(10_000)), ..back(7) };
    assert_eq!(w.ask(part).record_names(), ["exception"]);
    assert_eq!(w.lane.pending(), 0);
}

#[test]
fn a_transfer_reported_without_its_request_is_a_persons_when_two_hosts_would_have_to_be_told() {
    let mut w = world();
    let report = Txn { message: MessageType::from_digits([2, 2, 0]).expect("0220"), ..transfer(7) };
    let left = w.ask(report);
    assert_eq!((left.record_names(), left.answer().0), (vec!["stranded", "exception"], Code::Approved));
    assert!(left.asked.is_empty(), "half a transfer is not posted");
}

#[test]
fn repeats_meet_one_transfer_whichever_leg_is_in_flight() {
    let mut w = world();
    let asked = w.ask_on(ConnId(1), transfer(7));
    assert!(w.ask_on(ConnId(2), transfer(7)).asked.is_empty());
    let yes = says(&asked, Code::Approved);
    let on = answer(&mut w, yes);
    assert!(w.ask_on(ConnId(3), transfer(7)).asked.is_empty());
    let other = Txn { to_account: Text::clipped(b"6228480000009999999"), ..transfer(7) };
    assert_eq!(w.ask_on(ConnId(4), other).answer().0, Code::Duplicate, "to another account is another");
    let yes = says(&on, Code::Approved);
    let done = answer(&mut w, yes);
    assert_eq!(done.answers[0].0, ConnId(3), "the last to ask is told");
    assert_eq!(w.ask_on(ConnId(5), transfer(7)).answer().0, Code::Approved);
}

#[test]
fn a_lane_comes_back_with_both_legs_from_its_records_and_from_its_snapshot() {
    let snapshot = |w: &World| {
        let mut records = Vec::new();
        w.lane.snapshot(|record| records.push(record));
        records
    };
    let mut w = world();
    let on = debited(&mut w, 7);
    let yes = says(&on, Code::Approved);
    answer(&mut w, yes);
    w.ask(back(7));
    let before = snapshot(&w);
    let names: Vec<_> = before.iter().map(Record::name).collect();
    for kind in ["debit_sent", "credit_sent", "kept", "owed", "attempt"] {
        assert!(names.contains(&kind), "{kind}: {names:?}");
    }
    w.restart_with_links_down();
    assert_eq!(snapshot(&w), before, "from its records");
    w.restart_from_snapshot_with_links_down();
    assert_eq!(snapshot(&w), before, "from its snapshot");
}

#[test]
fn a_dead_switch_decides_the_leg_it_left_in_flight_by_silence() {
    let mut w = world();
    w.ask(transfer(7));
    let left = w.restart();
    let [Record::TimedOut { owes: Some(owes), .. }] = &left.records[..] else { panic!("{left:?}") };
    assert_eq!((owes.duty, owes.link), (Duty::Reversal, BANK), "the debit is given back");

    let mut w = world();
    debited(&mut w, 7);
    let left = w.restart_from_snapshot();
    let [Record::TimedOut { owes: Some(owes), .. }] = &left.records[..] else { panic!("{left:?}") };
    assert_eq!((owes.duty, owes.link), (Duty::Advice, CARDS), "the credit is owed");
}

#[test]
fn a_person_who_settles_a_credits_reversal_has_the_debit_given_back_by_the_switch() {
    for come_back in [
        |_: &mut World| {},
        |w: &mut World| drop(w.restart()),
        |w: &mut World| drop(w.restart_from_snapshot()),
    ] {
        let mut w = world();
        let on = debited(&mut w, 7);
        let yes = says(&on, Code::Approved);
        answer(&mut w, yes);
        let left = w.ask(back(7));
        let forward = left.records[0].forward().expect("owed");
        // The receiving host has undone the credit by hand, and said so.
        let settled = settle(&mut w, forward);
        assert_eq!(settled.record_names(), ["ruled", "owed", "attempt"], "in one breath");
        assert_eq!((w.lane.pending(), settled.asked_once().0), (1, BANK), "the debit is given back");
        come_back(&mut w);
        let (link, _, ours) = *w.asked.last().expect("the reversal of the debit");
        assert_eq!((link, w.last_asked().map(|asked| asked.kind)), (BANK, Some(Kind::TransferOut)));
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        let paid = w.host_says(BANK, Txn { message, ..reply(ours, Code::Approved) });
        assert_eq!((paid.record_names(), w.lane.pending()), (vec!["forwarded"], 0));
        assert_eq!(w.ask(transfer(7)).answer().0, Code::Declined, "and a repeat hears so");
    }
}

/// One decision for both legs says the day of neither.
#[test]
fn a_leg_that_its_host_settles_on_another_day_is_told_to_a_person_once() {
    let mut w = world();
    let stamped = w.lane.status().links[0].date;
    let (_, mut yes) = says(&w.ask(transfer(7)), Code::Approved);
    yes.settlement_date = stamped.map(terms::BusinessDate::next);
    let on = w.host_says(BANK, yes);
    assert_eq!(on.record_names(), ["exception", "credit_sent"]);
    let (_, mut yes) = says(&on, Code::Approved);
    yes.settlement_date = stamped.map(terms::BusinessDate::next);
    assert_eq!(w.host_says(CARDS, yes).record_names(), ["decided"], "the item is there already");
}

#[test]
fn a_person_who_settles_the_debits_reversal_ends_the_transfer() {
    let mut w = world();
    let on = debited(&mut w, 7);
    let no = says(&on, Code::InvalidCard);
    let refused = answer(&mut w, no);
    let forward = refused.records[0].forward().expect("the debit is owed back");
    assert_eq!(settle(&mut w, forward).record_names(), ["ruled"]);
    assert_eq!(w.lane.pending(), 0);
    let mut resolved = Vec::new();
    w.lane.snapshot(|record| resolved.extend(Some(record)));
    let is_his = |record: &Record| matches!(record, Record::Resolved { after: After::Exception, .. });
    assert!(resolved.iter().any(is_his));
}

fn settle(w: &mut World, forward: ForwardId) -> Left {
    let (by, reason) = (Text::clipped(b"suzuki"), Text::clipped(b"CHG-881"));
    w.step(Event::Ruled { forward, ruling: Ruling::Settle, by, reason })
}

#[test]
fn the_legs_count_on_their_own_links_and_the_terminal_does_one_thing() {
    let mut config = between_two(|_| {});
    config.sources[0].per_terminal_max = 1;
    let mut w = World::with(config);
    let asked = w.ask(transfer(7));
    let at = |w: &World| {
        let status = w.lane.status();
        (status.in_flight, status.links[0].in_flight, status.links[1].in_flight)
    };
    assert_eq!(at(&w), (1, 1, 0));
    let yes = says(&asked, Code::Approved);
    let on = answer(&mut w, yes);
    assert_eq!(at(&w), (1, 0, 1));
    assert_eq!(w.ask(withdrawal(8)).answer().0, Code::Busy, "the terminal waits for both");
    let yes = says(&on, Code::Approved);
    answer(&mut w, yes);
    assert_eq!(at(&w), (0, 0, 0));
    assert_eq!(w.ask(withdrawal(9)).asked.len(), 1);
}
