//! Totals of a day that ended: what is told to the host, when, how often, and what becomes of its answer.

mod world;

use journal::{DayRecord, LinkOrder, Record};
use std::sync::Arc;
use switch::{CannotReconcile, Event, LaneConfig, Management, ReconcileConfig, Reconciliation, SignOn, Tell};
use terms::{
    Amount, Balance, BusinessDate, Carried, Code, Comparison, Currency, Figure, Kind, LinkId, MessageType,
    NetRule, Network, NetworkTypes, Outcome, Outgoing, ReversalBucket, Stan, Statement, Text, Txn,
};
use world::*;

const AFTER_MS: u32 = 300_000;
const OPEN_MAX_MS: u32 = 1_800_000;
const REPEAT_MS: u32 = 60_000;
const T500_MS: u32 = 30_000;
const YEN: u16 = 392;

fn day(after: i64) -> BusinessDate {
    BusinessDate::from_days(BusinessDate::new(2026, 11, 22).expect("a day").days() + after)
}

fn yen() -> Currency {
    Currency::numeric(YEN).expect("three digits")
}

fn message(digits: [u8; 3]) -> MessageType {
    MessageType::from_digits(digits).expect("a type")
}

fn compared() -> LaneConfig {
    let mut config = config();
    let mut types = NetworkTypes::default();
    types.set(Network::Cutover, MessageType::from_digits([8, 0, 0]));
    config.remembered_max = 64;
    let link = &mut config.links[0];
    link.in_flight_max = 64;
    link.breaker.unanswered_percent = 0;
    link.host.day_is_calendar = false;
    link.management = Management { types, ..Management::default() };
    link.reconciliation = Some(Arc::new(ReconcileConfig {
        message: message([5, 2, 0]),
        reversals: ReversalBucket::Original,
        net: NetRule::Signed,
        currency: yen(),
        after_ms: AFTER_MS,
        open_max_ms: OPEN_MAX_MS,
        repeat_ms: REPEAT_MS,
        alarm_after: 2,
        acquirer_id: Text::clipped(b"11"),
        says: Carried::default(),
    }));
    config
}

fn world() -> World {
    let mut w = World::with(compared());
    w.step(Event::HostDate { link: BANK, date: day(0) });
    w
}

fn paid_out(w: &mut World, stan: u32, amount: u64) -> Outgoing {
    let left = w.ask(Txn { amount: Amount::minor(amount), currency: yen(), ..withdrawal(stan) });
    let (_, _, ours) = left.asked_once();
    w.host_says(BANK, reply(ours, Code::Approved));
    ours
}

fn cut_over(w: &mut World) -> Left {
    let next = w.lane.link_seen(w.now.instant, BANK).and_then(|link| link.date).expect("known").next();
    w.step(Event::HostDate { link: BANK, date: next })
}

/// The totals that were sent: which number, and what was said.
fn told(left: &Left, w: &World) -> (Outgoing, Comparison) {
    let (link, _, ours) = left.asked_once();
    assert_eq!(link, BANK);
    assert!(left.asked[0].3, "not before it is durable");
    let said = w.last_asked().expect("it was sent");
    assert_eq!(said.message, message([5, 2, 0]));
    (ours, *said.totals.clone().expect("totals"))
}

fn answer(ours: Outgoing, code: Code, comparison: Comparison) -> Txn {
    Txn {
        stan: ours.stan,
        code: Some(code),
        outcome: Some(code.outcome()),
        wire_code: Text::clipped(b"500"),
        totals: Some(Box::new(comparison)),
        ..Txn::new(message([5, 3, 0]))
    }
}

fn balanced() -> Comparison {
    Comparison { balance: Some(Balance::Balanced), ..Comparison::default() }
}

fn standing(w: &World, date: BusinessDate) -> Reconciliation {
    let seen = w.lane.reconciliations(w.now.instant);
    seen.iter().find(|one| one.date == date).expect("it ended").standing
}

fn figure(said: &Comparison, figure: Figure) -> i128 {
    said.statement.get(figure).expect("we say every figure")
}

#[test]
fn five_minutes_after_the_day_its_totals_go_out_and_balance() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    paid_out(&mut w, 2, 12_000);
    cut_over(&mut w);
    paid_out(&mut w, 3, 1);
    assert!(matches!(standing(&w, day(0)), Reconciliation::Waiting { .. }));
    assert!(w.wait_ms(AFTER_MS - 1).asked.is_empty());
    let left = w.wait_ms(1);
    assert_eq!(left.record_names(), ["day_frozen", "totals_sent"]);
    let (ours, said) = told(&left, &w);
    assert_eq!((said.date, said.currency), (Some(day(0)), yen()));
    assert_eq!(figure(&said, Figure::DebitsNumber), 2, "what was done on the new day is not in it");
    assert_eq!(figure(&said, Figure::DebitsAmount), 42_000);
    assert_eq!(figure(&said, Figure::Net), -42_000);
    assert_eq!(standing(&w, day(0)), Reconciliation::Asked);
    let left = w.host_says(BANK, answer(ours, Code::Approved, balanced()));
    assert_eq!(left.record_names(), ["totals_compared"]);
    assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
    let again = w.host_says(BANK, answer(ours, Code::Approved, balanced()));
    assert_eq!(again.record_names(), ["observed"], "a second answer changes nothing");
    assert!(w.wait_ms(10 * REPEAT_MS).asked.is_empty());
}

#[test]
fn a_difference_is_kept_with_both_sides_and_survives_a_death_and_a_snapshot() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    let (ours, said) = told(&left, &w);
    let mut theirs = said.statement;
    theirs.set(Figure::DebitsNumber, 0);
    theirs.set(Figure::DebitsAmount, 0);
    let comparison =
        Comparison { balance: Some(Balance::OutOfBalance), statement: theirs, ..Comparison::default() };
    w.host_says(BANK, answer(ours, Code::Approved, comparison));
    let look = |w: &World| {
        let seen = w.lane.reconciliations(w.now.instant);
        let compared = seen[0].compared.clone().expect("both sides");
        let differs: Vec<_> = compared.ours.differences(&compared.theirs).collect();
        (seen[0].standing, differs)
    };
    let kept =
        (Reconciliation::OutOfBalance, vec![(Figure::DebitsNumber, 1, 0), (Figure::DebitsAmount, 30_000, 0)]);
    assert_eq!(look(&w), kept);
    w.restart();
    assert_eq!(look(&w), kept);
    w.restart_from_snapshot();
    assert_eq!(look(&w), kept);
    assert!(w.wait_ms(AFTER_MS).asked.is_empty(), "it is not asked again by itself");
}

#[test]
fn a_host_that_calls_balanced_what_differs_is_not_believed() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    let (ours, _) = told(&left, &w);
    let mut statement = Statement::default();
    statement.set(Figure::DebitsAmount, 29_999);
    w.host_says(BANK, answer(ours, Code::Approved, Comparison { statement, ..balanced() }));
    assert_eq!(standing(&w, day(0)), Reconciliation::OutOfBalance);
}

#[test]
fn silence_is_repeated_under_the_same_number_and_told_to_people() {
    let mut w = world();
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    let (first, _) = told(&left, &w);
    let mut told_people = 0;
    for number in 2..=4 {
        assert!(w.wait_ms(T500_MS).asked.is_empty(), "an interval lies between");
        let left = w.wait_ms(REPEAT_MS - T500_MS);
        let (again, _) = told(&left, &w);
        assert_eq!((again.stan, again.repeat), (first.stan, true));
        assert!(left.told.contains(&Tell::TotalsSent { link: BANK, date: day(0), number }));
        told_people += usize::from(left.told.iter().any(|tell| matches!(tell, Tell::TotalsOverdue { .. })));
    }
    assert_eq!(told_people, 1, "once, after so many attempts");
    w.host_says(BANK, answer(first, Code::Approved, balanced()));
    assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
}

#[test]
fn a_refusal_stays_until_a_person_wants_it_compared_again() {
    let mut w = world();
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    let (ours, _) = told(&left, &w);
    w.host_says(BANK, answer(ours, Code::NotSupported, Comparison::default()));
    assert_eq!(standing(&w, day(0)), Reconciliation::Refused);
    assert!(w.wait_ms(REPEAT_MS * 5).asked.is_empty());
    let by = Text::clipped(b"suzuki");
    let left = w.step(Event::ReconcileOrdered { link: BANK, date: day(0), by });
    assert_eq!(left.record_names(), ["compare_ordered", "totals_sent"]);
    let (ours, _) = told(&left, &w);
    assert_eq!(w.lane.may_reconcile(BANK, day(0)), Err(CannotReconcile::AwaitsAnswer));
    w.host_says(BANK, answer(ours, Code::Approved, balanced()));
    assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
    assert_eq!(w.lane.may_reconcile(BANK, day(7)), Err(CannotReconcile::NoSuchDay));
    assert_eq!(w.lane.may_reconcile(CARDS, day(0)), Err(CannotReconcile::NotSpoken));
    assert_eq!(w.lane.may_reconcile(LinkId(9), day(0)), Err(CannotReconcile::NoSuchLink));
}

#[test]
fn a_host_that_is_not_ready_is_asked_again() {
    let mut w = world();
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    let (ours, _) = told(&left, &w);
    let not_yet = Comparison { balance: Some(Balance::NotAvailable), ..Comparison::default() };
    w.host_says(BANK, answer(ours, Code::CutoverInProgress, not_yet));
    assert_eq!(standing(&w, day(0)), Reconciliation::Due);
    let left = w.wait_ms(REPEAT_MS);
    let (ours, _) = told(&left, &w);
    w.host_says(BANK, answer(ours, Code::Approved, balanced()));
    assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
}

#[test]
fn totals_wait_for_what_is_open_but_not_for_ever_and_what_comes_then_is_late() {
    let mut config = compared();
    config.links[0].reply_timeout_ms = OPEN_MAX_MS * 2;
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    paid_out(&mut w, 1, 10_000);
    let left = w.ask(Txn { amount: Amount::minor(500), currency: yen(), ..withdrawal(2) });
    let (_, id, in_flight) = left.asked_once();
    cut_over(&mut w);
    assert!(w.wait_ms(AFTER_MS).asked.is_empty(), "one is in flight");
    assert!(w.wait_ms(OPEN_MAX_MS - AFTER_MS - 1_000).asked.is_empty());
    let left = w.wait_ms(1_000);
    let (_, said) = told(&left, &w);
    assert_eq!(figure(&said, Figure::DebitsNumber), 1);
    let left = w.host_says(BANK, reply(in_flight, Code::Approved));
    assert!(left.told.contains(&Tell::LateResult { id }), "{:?}", left.told);
    assert!(left.told.contains(&Tell::NeedsAPerson { id }));
    assert_eq!(left.record_names(), ["decided", "exception"]);
    let book = w.lane.book();
    let late: Vec<_> =
        book.late().map(|(bucket, totals)| (bucket.date, totals.done(book::Class::Debit).sum)).collect();
    assert_eq!(late, [(day(0), 500)]);
    let debits = |date| {
        let bucket = book::Bucket { link: BANK, date, currency: yen() };
        book.of(bucket).done(book::Class::Debit).sum
    };
    assert_eq!(
        (debits(day(0)), debits(day(1))),
        (10_000, 500),
        "the told day stands; it is in another one's"
    );
    for left in [w.restart(), w.restart_from_snapshot()] {
        assert!(!left.record_names().contains(&"exception"), "one item, however often it is read");
    }
}

/// What was asked late on one day may have come to a host that was on the next already: its totals wait as well.
#[test]
fn totals_of_a_day_wait_for_what_the_day_before_has_open() {
    let timeout_ms = compared().links[0].reply_timeout_ms;
    let mut w = world();
    w.ask(Txn { amount: Amount::minor(500), currency: yen(), ..withdrawal(1) });
    let (_, _, owed) = w.wait_ms(timeout_ms).asked_once();
    cut_over(&mut w);
    cut_over(&mut w);
    let frozen = |left: &Left| left.record_names().iter().filter(|name| **name == "day_frozen").count();
    assert_eq!(frozen(&w.wait_ms(AFTER_MS)), 0, "neither the first day nor the second");
    w.now.instant = w.now.instant.plus_ms(5_000);
    assert_eq!(frozen(&w.host_says(BANK, accepts(owed, day(0)))), 2, "both, in the step that pays the debt");
}

#[test]
fn totals_go_out_once_after_a_death_between_the_day_and_them() {
    for from_snapshot in [false, true] {
        let mut w = world();
        paid_out(&mut w, 1, 30_000);
        cut_over(&mut w);
        w.wait_ms(AFTER_MS / 2);
        if from_snapshot {
            w.restart_from_snapshot()
        } else {
            w.restart()
        };
        assert!(w.wait_ms(AFTER_MS / 2 - 1).asked.is_empty(), "the wait goes on where it was");
        let left = w.wait_ms(1);
        let (ours, said) = told(&left, &w);
        assert_eq!(figure(&said, Figure::DebitsAmount), 30_000);
        w.host_says(BANK, answer(ours, Code::Approved, balanced()));
        if from_snapshot {
            w.restart_from_snapshot()
        } else {
            w.restart()
        };
        assert!(w.wait_ms(AFTER_MS).asked.is_empty());
        assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
    }
}

#[test]
fn totals_sent_before_a_death_are_sent_again_word_for_word() {
    for from_snapshot in [false, true] {
        let mut w = world();
        paid_out(&mut w, 1, 30_000);
        cut_over(&mut w);
        let left = w.wait_ms(AFTER_MS);
        let (ours, said) = told(&left, &w);
        // Given back on the new day, between the two tellings of the old.
        let back = Txn {
            original: Some(terms::Original { stan: Some(Stan(1)), ..Default::default() }),
            amount: Amount::minor(30_000),
            currency: yen(),
            ..Txn::new(message([4, 2, 0]))
        };
        let back = Txn { terminal_id: withdrawal(1).terminal_id, stan: Stan(77), ..back };
        w.ask(back);
        if from_snapshot {
            w.restart_from_snapshot()
        } else {
            w.restart()
        };
        w.wait_ms(1);
        let totals = w.all_asked_since_restart().iter().filter(|(_, id, _)| id.0 == 0);
        let [(_, _, again)] = totals.copied().collect::<Vec<_>>()[..] else { panic!("totals again, once") };
        assert_eq!(again.stan, ours.stan);
        let sent = w.lane.reconciliations(w.now.instant);
        assert_eq!(sent[0].standing, Reconciliation::Asked);
        let left = w.host_says(BANK, answer(again, Code::Approved, balanced()));
        let said_again = left.records.iter().find_map(|record| match record {
            Record::Day(DayRecord::Compared(compared)) => Some(compared.ours),
            _ => None,
        });
        assert_eq!(said_again, Some(said.statement));
    }
}

#[test]
fn nothing_is_told_out_of_session_and_all_of_it_when_the_session_begins() {
    let mut w = world();
    cut_over(&mut w);
    w.step(Event::LinkDown { link: BANK });
    assert!(w.wait_ms(AFTER_MS * 2).asked.is_empty());
    let left = w.step(Event::LinkUp { link: BANK });
    let _ = told(&left, &w);
}

/// Nobody knows whether the host takes the session for closed: totals said into a closed one come to nothing.
#[test]
fn nothing_is_told_after_a_sign_off_that_nobody_answered() {
    let mut config = compared();
    let management = &mut config.links[0].management;
    management.sign_on = SignOn::Automatic;
    for about in [Network::SignOn, Network::SignOff] {
        management.types.set(about, MessageType::from_digits([8, 0, 0]));
    }
    let close_ms = config.links[0].timers.close_ms;
    let mut w = World::with(config);
    let signed_on = |w: &mut World| {
        let &(link, _, ours) = w.all_asked_since_restart().last().expect("the sign-on was sent");
        let (code, kind) = (Code::Approved, message([8, 1, 0]));
        let outcome = Some(code.outcome());
        w.host_says(link, Txn { stan: ours.stan, code: Some(code), outcome, ..Txn::new(kind) })
    };
    signed_on(&mut w);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    let ordered =
        |w: &mut World, order| w.step(Event::LinkOrdered { link: BANK, order, by: Text::clipped(b"suzuki") });
    ordered(&mut w, LinkOrder::SignOff);
    w.wait_ms(close_ms);
    cut_over(&mut w);
    assert!(w.wait_ms(AFTER_MS + OPEN_MAX_MS).asked.is_empty(), "the session may be over");
    ordered(&mut w, LinkOrder::Ready);
    let left = signed_on(&mut w);
    assert_eq!(told(&left, &w).1.date, Some(day(0)), "with the next session they go");
}

#[test]
fn every_currency_is_a_message_of_its_own_and_an_empty_day_says_zeros() {
    let mut w = world();
    let dollar = Currency::numeric(840).expect("three digits");
    let left = w.ask(Txn { amount: Amount::minor(7), currency: dollar, ..withdrawal(1) });
    w.host_says(BANK, reply(left.asked_once().2, Code::Approved));
    cut_over(&mut w);
    let left = w.wait_ms(AFTER_MS);
    assert_eq!(left.asked.len(), 2);
    let currencies: Vec<_> =
        w.lane.reconciliations(w.now.instant).iter().filter_map(|one| one.currency).collect();
    assert_eq!(currencies, [yen(), dollar]);
}

fn peer_asks(w: &mut World, date: Option<BusinessDate>, statement: Statement) -> Left {
    let comparison = Comparison { date, currency: yen(), statement, balance: None };
    let txn = Txn { stan: Stan(900_009), totals: Some(Box::new(comparison)), ..Txn::new(message([5, 0, 0])) };
    w.host_says(BANK, txn)
}

fn said_to_peer(left: &Left) -> (Comparison, bool) {
    let [(_, answer, durable_first)] = &left.answers[..] else { panic!("one answer: {left:?}") };
    (*answer.totals.clone().expect("totals"), *durable_first)
}

#[test]
fn a_host_that_asks_is_told_our_side_of_a_frozen_day_and_compared_with_its_own() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    let (said, _) = said_to_peer(&peer_asks(&mut w, Some(day(0)), Statement::default()));
    assert_eq!(said.balance, Some(Balance::NotAvailable), "the day is open");
    cut_over(&mut w);
    let (said, durable_first) = said_to_peer(&peer_asks(&mut w, None, Statement::default()));
    assert!(durable_first, "what we said once we shall say again");
    assert_eq!((said.date, figure(&said, Figure::DebitsAmount), said.balance), (Some(day(0)), 30_000, None));
    let (same, _) = said_to_peer(&peer_asks(&mut w, Some(day(0)), said.statement));
    assert_eq!(same.balance, Some(Balance::Balanced));
    assert_eq!(standing(&w, day(0)), Reconciliation::Balanced);
    let mut other = said.statement;
    other.set(Figure::DebitsNumber, 2);
    let (differs, _) = said_to_peer(&peer_asks(&mut w, Some(day(0)), other));
    assert_eq!(differs.balance, Some(Balance::OutOfBalance));
    assert_eq!(standing(&w, day(0)), Reconciliation::OutOfBalance);
    assert!(w.wait_ms(AFTER_MS).asked.is_empty(), "compared is compared, whoever asked");
    let left = peer_asks(&mut w, Some(day(9)), Statement::default());
    assert_eq!(left.answers[0].1.code, Code::WrongBusinessDate);
}

#[test]
fn a_host_whose_contract_has_no_totals_is_told_so() {
    let mut w = world();
    let txn = Txn { stan: Stan(1), ..Txn::new(message([5, 0, 0])) };
    let left = w.host_says(CARDS, txn);
    assert_eq!(left.answer(), (Code::NotSupported, Outcome::Refused));
}

#[test]
fn a_credit_owed_over_the_day_is_late_once_it_is_posted() {
    // An advice that is accepted after the totals of its day were told.
    let mut config = compared();
    config.links[0].host.deposits_are_posted = true;
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    let report = Txn {
        kind: Kind::Purchase,
        amount: Amount::minor(900),
        currency: yen(),
        processing_code: Text::clipped(b"000000"),
        ..withdrawal(5)
    };
    let report = Txn { message: message([2, 2, 0]), ..report };
    let left = w.ask(report);
    let (_, id, ours) = left.asked_once();
    cut_over(&mut w);
    w.wait_ms(OPEN_MAX_MS);
    assert!(w.lane.book().is_frozen(BANK, day(0)));
    let reply = Txn { message: message([2, 3, 0]), ..reply(ours, Code::Approved) };
    let left = w.host_says(BANK, reply);
    assert!(left.told.contains(&Tell::LateResult { id }), "{:?}", left.told);
    assert_eq!(w.lane.book().late().count(), 1);
}

/// Takes the withdrawal of that number back; what the host is asked then.
fn taken_back(w: &mut World, stan: u32, amount: u64) -> Outgoing {
    let (amount, currency, message) = (Amount::minor(amount), yen(), message([4, 2, 0]));
    let left = w.ask(Txn { amount, currency, message, ..withdrawal(stan) });
    left.asked_once().2
}

fn accepts(ours: Outgoing, date: BusinessDate) -> Txn {
    let message = message([4, 3, 0]);
    Txn { message, settlement_date: Some(date), ..reply(ours, Code::Approved) }
}

#[test]
fn totals_that_go_out_in_the_step_that_pays_the_last_debt_have_it_in_them() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    let owed = taken_back(&mut w, 1, 30_000);
    cut_over(&mut w);
    // The host is slow to take it back; the day waits for that.
    w.now.instant = w.now.instant.plus_ms(1_000);
    let mut waited = w.wait_ms(AFTER_MS);
    assert!(!waited.record_names().contains(&"day_frozen"));
    w.now.instant = w.now.instant.plus_ms(5_000);
    waited = w.host_says(BANK, accepts(owed, day(0)));
    let names = waited.record_names();
    // A person hears that it was settled on the day before; both sides count it there.
    assert_eq!(names, ["forwarded", "exception", "day_frozen", "totals_sent"]);
    let (_, said) = told(&waited, &w);
    assert_eq!(figure(&said, Figure::DebitsNumber), 1);
    assert_eq!((figure(&said, Figure::DebitsReversalNumber), figure(&said, Figure::Net)), (1, 0));
}

#[test]
fn totals_are_told_again_word_for_word_and_judged_by_those_words_whatever_the_contract_says_meanwhile() {
    for restart in [None, Some(false), Some(true)] {
        let mut w = world();
        paid_out(&mut w, 1, 30_000);
        let owed = taken_back(&mut w, 1, 30_000);
        w.host_says(BANK, accepts(owed, day(0)));
        cut_over(&mut w);
        let (ours, first) = told(&w.wait_ms(AFTER_MS), &w);
        let mut config = compared();
        let mended = ReconcileConfig {
            reversals: ReversalBucket::Effect,
            ..ReconcileConfig::clone(config.links[0].reconciliation.as_ref().expect("it compares"))
        };
        config.links[0].reconciliation = Some(Arc::new(mended));
        w.reconfigure(config);
        match restart {
            None => {}
            Some(false) => drop(w.restart()),
            Some(true) => drop(w.restart_from_snapshot()),
        }
        w.wait_ms(T500_MS);
        w.wait_ms(REPEAT_MS);
        let again = *w.last_asked().and_then(|txn| txn.totals.clone()).expect("said again");
        assert_eq!(again.statement, first.statement, "{restart:?}");
        let theirs = Comparison { statement: first.statement, ..balanced() };
        w.host_says(BANK, answer(ours, Code::Approved, theirs));
        assert_eq!(standing(&w, day(0)), Reconciliation::Balanced, "{restart:?}");
        // Wanted once more by a person, they go by the rule of now.
        let left = w.step(Event::ReconcileOrdered { link: BANK, date: day(0), by: Text::EMPTY });
        let (_, anew) = told(&left, &w);
        assert_ne!(anew.statement, first.statement);
    }
}

#[test]
fn a_reversal_of_the_old_day_taken_after_the_change_is_counted_where_the_host_counts_it() {
    let mut w = world();
    paid_out(&mut w, 1, 30_000);
    paid_out(&mut w, 2, 500);
    let (one, two) = (taken_back(&mut w, 1, 30_000), taken_back(&mut w, 2, 500));
    cut_over(&mut w);
    w.host_says(BANK, accepts(one, day(0)));
    w.host_says(BANK, accepts(two, day(1)));
    let undone =
        |after| w.lane.book().day(BANK, day(after)).map(|(_, totals)| totals.undone(book::Class::Debit).sum);
    assert_eq!((undone(0).sum::<u128>(), undone(1).sum::<u128>()), (30_000, 500));
}

#[test]
fn a_part_the_host_approved_and_we_gave_back_stands_in_the_totals_on_both_sides() {
    let mut w = world();
    let left = w.ask(Txn { amount: Amount::minor(100), currency: yen(), ..withdrawal(1) });
    let (_, _, ours) = left.asked_once();
    let partly = Txn { amount: Amount::minor(30), ..reply(ours, Code::ApprovedPartly) };
    let left = w.host_says(BANK, partly);
    let (_, _, owed) = left.asked_once();
    w.host_says(BANK, accepts(owed, day(0)));
    cut_over(&mut w);
    let (_, said) = told(&w.wait_ms(AFTER_MS), &w);
    assert_eq!((figure(&said, Figure::DebitsNumber), figure(&said, Figure::DebitsAmount)), (1, 30));
    assert_eq!(
        (figure(&said, Figure::DebitsReversalNumber), figure(&said, Figure::DebitsReversalAmount)),
        (1, 30)
    );
    w.restart_from_snapshot();
}

/// Days with business of a link whose contract had no totals then; it has them now.
fn with_totals_from_now_on(how: impl Fn(&mut World)) -> World {
    let mut before = compared();
    before.links[0].reconciliation = None;
    let mut w = World::with(before);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    for stan in 1..=5 {
        paid_out(&mut w, stan, 1_000);
        cut_over(&mut w);
    }
    assert_eq!(standing(&w, day(0)), Reconciliation::NotCompared);
    how(&mut w);
    w
}

#[test]
fn totals_of_days_that_ended_before_they_were_asked_for_are_told_only_when_a_person_wants_them() {
    type Way = (&'static str, fn(&mut World));
    let ways: [Way; 3] = [
        ("taken over while it runs", |w| drop(w.reconfigure(compared()))),
        ("a restart", |w| {
            w.config = compared();
            w.restart();
        }),
        ("a restart from a snapshot", |w| {
            w.config = compared();
            w.restart_from_snapshot();
        }),
    ];
    for (way, how) in ways {
        let mut w = with_totals_from_now_on(how);
        assert!(w.wait_ms(2 * OPEN_MAX_MS).asked.is_empty(), "{way}: nothing by itself");
        for ended in 0..5 {
            assert_eq!(standing(&w, day(ended)), Reconciliation::NotAskedFor, "{way}");
        }
        // The first day that ends with it is the first that is told, with all of its business.
        paid_out(&mut w, 6, 2_000);
        cut_over(&mut w);
        let left = w.wait_ms(AFTER_MS);
        let (ours, said) = told(&left, &w);
        assert_eq!((said.date, figure(&said, Figure::DebitsAmount)), (Some(day(5)), 2_000), "{way}");
        w.host_says(BANK, answer(ours, Code::Approved, balanced()));
        // Each of the old ones by hand; its neighbours stay.
        let by = Text::clipped(b"suzuki");
        let left = w.step(Event::ReconcileOrdered { link: BANK, date: day(2), by });
        let (ours, said) = told(&left, &w);
        assert_eq!((said.date, figure(&said, Figure::DebitsAmount)), (Some(day(2)), 1_000), "{way}");
        w.host_says(BANK, answer(ours, Code::Approved, balanced()));
        assert_eq!(standing(&w, day(2)), Reconciliation::Balanced, "{way}");
        assert_eq!(standing(&w, day(3)), Reconciliation::NotAskedFor, "{way}");
        w.restart_from_snapshot();
        assert!(w.wait_ms(2 * OPEN_MAX_MS).asked.is_empty(), "{way}: nor after that");
        assert_eq!(standing(&w, day(2)), Reconciliation::Balanced, "{way}");
        assert_eq!(standing(&w, day(3)), Reconciliation::NotAskedFor, "{way}");
    }
}

#[test]
fn an_order_to_compare_an_old_day_waits_for_the_line_over_death_and_snapshot() {
    for is_snapshot in [false, true] {
        let mut w = with_totals_from_now_on(|w| drop(w.reconfigure(compared())));
        w.step(Event::LinkDown { link: BANK });
        let by = Text::clipped(b"suzuki");
        assert!(w.step(Event::ReconcileOrdered { link: BANK, date: day(1), by }).asked.is_empty());
        match is_snapshot {
            true => drop(w.restart_from_snapshot_with_links_down()),
            false => drop(w.restart_with_links_down()),
        }
        let left = w.step(Event::LinkUp { link: BANK });
        let left = if left.asked.is_empty() { w.wait_ms(0) } else { left };
        assert_eq!(told(&left, &w).1.date, Some(day(1)), "snapshot {is_snapshot}");
    }
}

#[test]
fn a_host_that_asks_for_an_old_day_is_told_and_ours_stay_unsent() {
    let mut w = with_totals_from_now_on(|w| drop(w.reconfigure(compared())));
    let left = peer_asks(&mut w, Some(day(3)), Statement::default());
    let (said, _) = said_to_peer(&left);
    assert_eq!(figure(&said, Figure::DebitsNumber), 1);
    assert_eq!(standing(&w, day(3)), Reconciliation::NotAskedFor, "asked by it, not by us");
    assert!(w.wait_ms(2 * OPEN_MAX_MS).asked.is_empty());
    peer_asks(&mut w, Some(day(3)), said.statement);
    assert_eq!(standing(&w, day(3)), Reconciliation::Balanced, "compared is compared");
    w.restart_from_snapshot();
    assert_eq!(standing(&w, day(3)), Reconciliation::Balanced);
    assert!(w.wait_ms(2 * OPEN_MAX_MS).asked.is_empty());
}

#[test]
fn what_a_person_wants_once_more_of_one_currency_leaves_the_other_as_it_is_in_a_snapshot() {
    let mut w = world();
    let dollars = Currency::numeric(840).expect("three digits");
    paid_out(&mut w, 1, 1_000);
    let left = w.ask(Txn { amount: Amount::minor(5), currency: dollars, ..withdrawal(2) });
    let (_, _, ours) = left.asked_once();
    w.host_says(BANK, reply(ours, Code::Approved));
    cut_over(&mut w);
    let asked = w.wait_ms(AFTER_MS).asked;
    assert_eq!(asked.len(), 2);
    let says_no = |ours| answer(ours, Code::NotSupported, Comparison::default());
    asked.iter().for_each(|(_, _, ours, _)| drop(w.host_says(BANK, says_no(*ours))));
    let by = Text::clipped(b"suzuki");
    let again = w.step(Event::ReconcileOrdered { link: BANK, date: day(0), by }).asked;
    w.host_says(BANK, answer(again[0].2, Code::Approved, balanced()));
    let seen = |w: &World| -> Vec<_> {
        let all = w.lane.reconciliations(w.now.instant);
        all.iter().map(|one| (one.currency, one.standing)).collect()
    };
    let before = seen(&w);
    assert!(before.iter().any(|(_, standing)| *standing == Reconciliation::Balanced), "{before:?}");
    let left = w.restart_from_snapshot();
    let repeated = left.asked.len() + w.wait_ms(0).asked.len();
    assert!(repeated <= 1, "only what was not answered is sent again");
    assert_eq!(seen(&w), before);
}

#[test]
fn a_day_nobody_had_named_ends_when_the_host_names_the_next_and_its_totals_go_out() {
    for restarts in [false, true] {
        let mut w = World::with(compared());
        assert_eq!(w.lane.link_seen(w.now.instant, BANK).and_then(|link| link.date), None);
        let calendars = w.lane.date_with(w.now, BANK);
        paid_out(&mut w, 1, 30_000);
        w.step(Event::HostDate { link: BANK, date: calendars.next() });
        if restarts {
            w.restart();
        }
        let left = w.wait_ms(AFTER_MS);
        let (ours, said) = told(&left, &w);
        assert_eq!((said.date, figure(&said, Figure::DebitsAmount)), (Some(calendars), 30_000));
        w.host_says(BANK, answer(ours, Code::Approved, balanced()));
        w.restart_from_snapshot();
        assert_eq!(standing(&w, calendars), Reconciliation::Balanced);
    }
    // Without business under it there was no such day.
    let mut w = World::with(compared());
    w.step(Event::HostDate { link: BANK, date: day(1) });
    assert!(w.lane.reconciliations(w.now.instant).is_empty());
}
