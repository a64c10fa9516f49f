//! The change of a host's day, told through the front door: what is stamped, what is owed, what is remembered.

mod world;

use journal::{CutStage, LinkOrder, Record};
use std::collections::{BTreeMap, BTreeSet};
use switch::{Event, LaneConfig, LinkState, Management, SignOn, Tell};
use terms::{
    Answer, BusinessDate, Code, ConnId, Instant, Kind, MessageType, Network, NetworkTypes, Original, Outcome,
    Outgoing, Stan, Text, Txn, TxnId,
};
use world::*;

/// The day the world begins on.
fn day(after: i64) -> BusinessDate {
    BusinessDate::from_days(BusinessDate::new(2026, 11, 22).expect("a day").days() + after)
}

const DAY_MS: u32 = 86_400_000;

/// The bank tells its day, in one message or in two; nobody has to sign on.
fn told(in_two: bool) -> LaneConfig {
    let mut config = config();
    let mut types = NetworkTypes::default();
    let message = MessageType::from_digits([8, 0, 0]);
    types.set(Network::Cutover, message);
    types.set(Network::SignOn, message);
    types.set(Network::SignOff, message);
    if in_two {
        types.set(Network::CutoverEnd, message);
    }
    config.remembered_max = 256;
    config.links[0].in_flight_max = 64;
    config.links[0].breaker.unanswered_percent = 0;
    config.links[0].host.day_is_calendar = false;
    config.links[0].management = Management { types, ..Management::default() };
    config
}

/// A world in which the bank's day is known.
fn world(in_two: bool) -> World {
    let mut w = World::with(told(in_two));
    w.step(Event::HostDate { link: BANK, date: day(0) });
    w
}

fn says(w: &mut World, about: Network, date: Option<BusinessDate>) -> Left {
    let message = MessageType::from_digits([8, 0, 0]).expect("0800");
    let txn = Txn { network: about, stan: Stan(900_001), settlement_date: date, ..Txn::new(message) };
    w.host_says(BANK, txn)
}

fn date(w: &World) -> BusinessDate {
    w.lane.status().links[0].date.expect("it is known")
}

fn stage(w: &World) -> CutStage {
    w.lane.link_seen(w.now.instant, BANK).expect("it is there").cutover
}

fn stamp(left: &Left) -> BusinessDate {
    let sent = left.records.iter().find_map(|record| match record {
        Record::Sent(sent) => Some(sent.business_date),
        _ => None,
    });
    sent.expect("it was sent")
}

fn deposit(stan: u32) -> Txn {
    Txn { kind: Kind::Deposit, ..withdrawal(stan) }
}

#[test]
fn one_message_moves_the_day_and_the_answer_says_the_new_one() {
    let mut w = world(false);
    assert_eq!(stamp(&w.ask(withdrawal(1))), day(0));
    let left = says(&mut w, Network::Cutover, Some(day(1)));
    assert_eq!(left.answer(), (Code::Approved, Outcome::Approved));
    let [(_, Answer { settlement_date, .. }, _)] = &left.answers[..] else { panic!("one answer") };
    assert_eq!((*settlement_date, left.record_names()), (Some(day(1)), vec!["host_date"]));
    assert_eq!(stamp(&w.ask(withdrawal(2))), day(1));
}

/// A peer that was told yes says no more about the day it closed: a switch that died before the new one was durable
/// would go on in the old one.
#[test]
fn a_peer_hears_that_the_day_is_changed_when_that_is_durable_and_not_before() {
    let waits = |left: &Left| left.answers.iter().all(|(_, _, durable_first)| *durable_first);
    for in_two in [false, true] {
        let mut w = world(in_two);
        let about = if in_two { Network::CutoverEnd } else { Network::Cutover };
        if in_two {
            assert!(waits(&says(&mut w, Network::Cutover, Some(day(0)))), "that it has begun");
        }
        assert!(waits(&says(&mut w, about, Some(day(1)))), "that it is over");
        let again = says(&mut w, about, Some(day(1)));
        assert_eq!((waits(&again), again.answer().0), (true, Code::Approved), "the first may wait yet");
        let refused = says(&mut w, about, Some(day(5)));
        assert_eq!((waits(&refused), refused.record_names().len()), (false, 0), "nothing was done");
    }
}

/// What makes two days differ, and no record says why: a host that settles on another day what it was owed.
#[test]
fn a_person_hears_once_of_what_a_host_settles_on_another_day_than_it_is_counted_under() {
    for (said, listed) in [(None, 0), (Some(day(0)), 0), (Some(day(1)), 1)] {
        let mut w = world(false);
        let (_, _, ours) = w.ask(withdrawal(1)).asked_once();
        w.host_says(BANK, reply(ours, Code::Approved));
        let (_, _, ours) = w.ask(takes_back(1)).asked_once();
        let message = MessageType::from_digits([4, 3, 0]).expect("0430");
        let yes = Txn { message, settlement_date: said, ..reply(ours, Code::Approved) };
        let left = w.host_says(BANK, yes);
        let exceptions = left.record_names().iter().filter(|name| **name == "exception").count();
        assert_eq!((left.record_names()[0], exceptions), ("forwarded", listed), "{said:?}");
        assert_eq!(w.lane.status().exceptions, listed as u64);
        w.restart();
        assert_eq!((w.lane.pending(), w.lane.status().exceptions), (0, listed as u64));
    }
}

#[test]
fn a_clock_that_is_put_back_brings_back_no_closed_day() {
    let mut w = World::new();
    let begun = w.lane.status().links[1].date.expect("the calendar's");
    w.wait_ms(DAY_MS);
    w.now.wall = terms::Timestamp::from_unix_ms(w.now.wall.as_unix_ms() - i64::from(DAY_MS));
    w.wait_ms(1_000);
    assert_eq!(stamp(&w.ask(withdrawal(1))), begun.next());
}

#[test]
fn two_messages_move_the_day_at_the_second_and_business_goes_on_between_them() {
    let mut w = world(true);
    let begun = says(&mut w, Network::Cutover, Some(day(0)));
    assert_eq!((begun.answer().0, begun.record_names()), (Code::Approved, vec!["cutover"]));
    assert_eq!(stage(&w), CutStage::Begun);
    assert_eq!(stamp(&w.ask(withdrawal(1))), day(0), "nothing is frozen, and nothing is of the new day");
    let ended = says(&mut w, Network::CutoverEnd, Some(day(1)));
    assert_eq!((ended.answer().0, ended.record_names()), (Code::Approved, vec!["host_date"]));
    assert_eq!((stage(&w), stamp(&w.ask(withdrawal(2)))), (CutStage::Open, day(1)));
}

#[test]
fn what_is_said_twice_late_or_in_disorder_moves_the_day_once() {
    let one = |about, after| (about, Some(day(after)));
    let (start, end) = (one(Network::Cutover, 0), one(Network::CutoverEnd, 1));
    for order in [
        vec![start, end],
        vec![start, start, end, end],
        vec![end, start],
        vec![start, end, start, end, start, end],
        vec![end, end, start, start],
    ] {
        let mut w = world(true);
        for (about, date) in &order {
            assert_eq!(says(&mut w, *about, *date).answer().0, Code::Approved, "{order:?}");
        }
        assert_eq!((date(&w), stage(&w)), (day(1), CutStage::Open), "{order:?}");
    }
    let mut w = world(false);
    for _ in 0..5 {
        assert_eq!(says(&mut w, Network::Cutover, Some(day(1))).answer().0, Code::Approved);
        assert_eq!(date(&w), day(1));
    }
}

#[test]
fn a_day_that_cannot_be_is_refused_and_people_are_told() {
    for wrong in [day(2), day(-1), day(400)] {
        let mut w = world(false);
        let left = says(&mut w, Network::Cutover, Some(wrong));
        assert_eq!(left.answer(), (Code::WrongBusinessDate, Outcome::Refused));
        assert_eq!(left.told, [Tell::CutoverRefused { link: BANK, date: Some(wrong) }]);
        assert_eq!(date(&w), day(0));
    }
    let mut w = world(false);
    says(&mut w, Network::Cutover, Some(day(1)));
    let early = says(&mut w, Network::Cutover, Some(day(2)));
    assert_eq!(early.answer().0, Code::WrongBusinessDate, "tomorrow is not over before it began");
    w.wait_ms(DAY_MS);
    assert_eq!(says(&mut w, Network::Cutover, Some(day(2))).answer().0, Code::Approved);
}

#[test]
fn a_host_whose_day_is_the_calendars_cannot_move_it() {
    let mut w = World::new();
    assert_eq!(says(&mut w, Network::Cutover, Some(day(1))).answer().0, Code::NotSupported);
    assert_eq!(date(&w), day(0));
}

#[test]
fn nobody_moves_the_day_out_of_session() {
    let mut config = told(false);
    config.links[0].management.sign_on = SignOn::ByOrder;
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    assert_eq!(says(&mut w, Network::Cutover, Some(day(1))).answer().0, Code::NotSignedOn);
    says(&mut w, Network::SignOn, None);
    assert_eq!(w.lane.status().links[0].state, LinkState::SignedOn);
    assert_eq!(says(&mut w, Network::Cutover, Some(day(1))).answer().0, Code::Approved);
}

#[test]
fn deposits_owed_over_the_change_are_a_persons_in_the_same_breath_and_never_leave() {
    for about_to in [Code::NoAnswer, Code::Approved] {
        let mut w = world(false);
        let (link, ..) = w.ask(deposit(1)).asked_once();
        w.ask(withdrawal(2)).asked_once();
        w.step(Event::LinkDown { link });
        w.wait_ms(REPLY_TIMEOUT_MS);
        assert_eq!(w.lane.pending(), 2, "{about_to:?}");
        w.step(Event::LinkUp { link });
        let left = says(&mut w, Network::Cutover, Some(day(1)));
        let of = |name| left.record_names().iter().filter(|one| **one == name).count();
        assert_eq!((of("host_date"), of("exception")), (1, 1));
        assert_eq!(w.lane.pending(), 1, "the withdrawal\'s reversal stays owed");
        assert!(left.told.iter().any(|tell| matches!(tell, Tell::NeedsAPerson { .. })));
    }
}

/// The terminal takes the deposit of that number back.
fn takes_back(of: u32) -> Txn {
    Txn {
        message: MessageType::from_digits([4, 2, 0]).expect("0420"),
        original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
        ..deposit(of)
    }
}

/// The terminal reports the deposit of that number.
fn reports(of: u32) -> Txn {
    Txn { message: MessageType::from_digits([2, 2, 0]).expect("0220"), ..deposit(of) }
}

#[test]
fn a_deposit_taken_back_or_reported_after_the_change_is_a_persons_and_never_leaves() {
    for (what, later) in [("taken back", takes_back(1)), ("reported", reports(1))] {
        let mut w = world(false);
        let (_, _, ours) = w.ask(deposit(1)).asked_once();
        let code = if what == "reported" { Code::DoNotHonour } else { Code::Approved };
        w.host_says(BANK, reply(ours, code));
        says(&mut w, Network::Cutover, Some(day(1)));
        let left = w.ask(later);
        assert_eq!(left.answer().0, Code::Approved, "{what}: it is ours from now on");
        assert!(left.asked.is_empty() && w.wait_ms(DAY_MS).asked.is_empty(), "{what}");
        assert!(left.record_names().contains(&"exception"), "{what}: {:?}", left.record_names());
    }
}

#[test]
fn an_answer_of_the_day_before_is_still_an_answer() {
    let mut w = world(false);
    let (_, _, ours) = w.ask(withdrawal(1)).asked_once();
    says(&mut w, Network::Cutover, Some(day(1)));
    let told = w.host_says(BANK, reply(ours, Code::Approved));
    assert_eq!(told.answer(), (Code::Approved, Outcome::Approved));
}

#[test]
fn we_only_ask_and_the_peer_moves_the_day() {
    let mut w = world(false);
    let order = |w: &mut World| {
        w.step(Event::LinkOrdered { link: BANK, order: LinkOrder::AskCutover, by: Text::clipped(b"suzuki") })
    };
    let left = order(&mut w);
    assert_eq!(
        (left.record_names(), w.last_asked().map(|txn| txn.network)),
        (vec!["link_ordered"], Some(Network::Cutover))
    );
    let answered = |w: &mut World, code: Code| {
        let &(link, _, ours) = w.all_asked_since_restart().last().expect("we asked");
        w.host_says(link, network_reply(ours, code))
    };
    answered(&mut w, Code::Approved);
    assert_eq!((stage(&w), date(&w)), (CutStage::Asked, day(0)), "asking moves nothing");
    says(&mut w, Network::Cutover, Some(day(1)));
    assert_eq!((stage(&w), date(&w)), (CutStage::Open, day(1)));
    w.wait_ms(DAY_MS);
    order(&mut w);
    answered(&mut w, Code::Approved);
    assert!(w.wait_ms(59_999).told.is_empty());
    let overdue = w.wait_ms(1);
    assert_eq!(overdue.told, [Tell::CutoverOverdue { link: BANK, stage: CutStage::Asked }]);
    assert_eq!(stage(&w), CutStage::Open);
    order(&mut w);
    answered(&mut w, Code::NotSupported);
    assert_eq!(stage(&w), CutStage::Open);
    let failure = w.lane.link_seen(w.now.instant, BANK).and_then(|seen| seen.last_failure);
    assert_eq!(failure.and_then(|failure| failure.code), Some(Code::NotSupported));
}

/// Twice asked is twice done, by a centre that does as it is asked: the second wish is the first.
#[test]
fn a_wish_that_is_under_way_is_not_said_again_and_one_that_would_be_refused_is_known_beforehand() {
    for in_two in [false, true] {
        let mut w = world(in_two);
        let wish = |w: &mut World| {
            w.step(Event::LinkOrdered {
                link: BANK,
                order: LinkOrder::AskCutover,
                by: Text::clipped(b"suzuki"),
            })
        };
        let (_, _, ours) = wish(&mut w).asked_once();
        w.host_says(BANK, network_reply(ours, Code::Approved));
        assert_eq!(stage(&w), CutStage::Asked);
        assert_eq!(w.lane.may_order(BANK, LinkOrder::AskCutover), Ok(true));
        let left = wish(&mut w);
        assert!(left.asked.is_empty() && left.records.is_empty(), "promised already");
        if in_two {
            says(&mut w, Network::Cutover, Some(day(0)));
            assert!(wish(&mut w).asked.is_empty(), "it has begun");
            says(&mut w, Network::CutoverEnd, Some(day(1)));
        } else {
            says(&mut w, Network::Cutover, Some(day(1)));
        }
        assert_eq!(date(&w), day(1));
        assert!(!w.lane.takes_next_day(w.now, BANK), "tomorrow is not over before it began");
        w.wait_ms(DAY_MS);
        assert!(w.lane.takes_next_day(w.now, BANK));
        wish(&mut w).asked_once();
    }
}

fn network_reply(ours: Outgoing, code: Code) -> Txn {
    let message = MessageType::from_digits([8, 1, 0]).expect("0810");
    Txn { stan: ours.stan, code: Some(code), outcome: Some(code.outcome()), ..Txn::new(message) }
}

#[test]
fn a_change_that_hangs_between_its_messages_is_told_and_can_still_end() {
    let mut w = world(true);
    says(&mut w, Network::Cutover, Some(day(0)));
    let overdue = w.wait_ms(60_000);
    assert_eq!(overdue.told, [Tell::CutoverOverdue { link: BANK, stage: CutStage::Begun }]);
    assert_eq!(w.wait_ms(600_000).told, [], "once");
    says(&mut w, Network::CutoverEnd, Some(day(1)));
    assert_eq!(date(&w), day(1));
}

#[test]
fn a_switch_that_dies_anywhere_in_a_change_goes_on_where_it_was() {
    for by_snapshot in [false, true] {
        for dies_after in 0..=2 {
            let mut w = world(true);
            let die = |w: &mut World| if by_snapshot { w.restart_from_snapshot() } else { w.restart() };
            for (at, (about, after)) in
                [(Network::Cutover, 0), (Network::CutoverEnd, 1)].into_iter().enumerate()
            {
                if dies_after == at {
                    let before = (date(&w), stage(&w));
                    die(&mut w);
                    assert_eq!((date(&w), stage(&w)), before);
                }
                says(&mut w, about, Some(day(after)));
            }
            if dies_after == 2 {
                die(&mut w);
            }
            assert_eq!((date(&w), stage(&w)), (day(1), CutStage::Open));
        }
    }
}

#[test]
fn what_was_in_flight_when_it_died_is_owed_under_its_own_day() {
    let mut w = world(false);
    w.ask(withdrawal(1)).asked_once();
    says(&mut w, Network::Cutover, Some(day(1)));
    let left = w.restart();
    let owed = left.records.iter().find_map(|record| match record {
        Record::TimedOut { owes: Some(forward), .. } => Some(forward.business_date),
        _ => None,
    });
    assert_eq!(owed, Some(day(0)));
}

#[test]
fn a_day_missed_while_away_is_caught_up_with() {
    let mut w = world(false);
    w.wait_ms(3 * DAY_MS);
    assert_eq!(says(&mut w, Network::Cutover, Some(day(4))).answer().0, Code::Approved);
    assert_eq!(date(&w), day(4));
}

#[test]
fn a_host_that_says_its_day_when_it_opens_is_believed_where_nobody_knew_it() {
    let mut config = told(false);
    config.links[0].management.sign_on = SignOn::Automatic;
    let mut w = World::with(config);
    let &(link, _, ours) = w.all_asked_since_restart().last().expect("our sign-on");
    w.host_says(link, Txn { settlement_date: Some(day(1)), ..network_reply(ours, Code::Approved) });
    assert_eq!(date(&w), day(1));
}

#[test]
fn a_day_that_changed_while_the_line_was_away_is_learnt_before_anything_owed_leaves() {
    for we_sign_on in [true, false] {
        let mut config = told(false);
        config.links[0].management.sign_on = if we_sign_on { SignOn::Automatic } else { SignOn::ByOrder };
        let mut w = World::with(config);
        signed_on(&mut w, we_sign_on, day(0));
        w.ask(deposit(1)).asked_once();
        w.step(Event::LinkDown { link: BANK });
        assert!(w.ask(reports(1)).asked.is_empty(), "nobody is there");
        w.wait_ms(DAY_MS / 24);
        w.step(Event::LinkUp { link: BANK });
        let left = signed_on(&mut w, we_sign_on, day(1));
        assert_eq!(date(&w), day(1));
        let names = left.record_names();
        assert!(
            names.contains(&"exception") && !names.contains(&"attempt"),
            "a person has the deposit: {names:?}"
        );
        assert!(w.wait_ms(DAY_MS / 24).records.iter().all(|record| record.forward().is_none()), "for good");
    }
}

/// A session begins, and the host says its day: in its answer, or as it signs on itself.
fn signed_on(w: &mut World, we_sign_on: bool, said: BusinessDate) -> Left {
    if we_sign_on {
        let &(link, _, ours) = w.all_asked_since_restart().last().expect("our sign-on");
        return w.host_says(link, Txn { settlement_date: Some(said), ..network_reply(ours, Code::Approved) });
    }
    let message = MessageType::from_digits([8, 0, 0]).expect("0800");
    w.host_says(BANK, Txn { network: Network::SignOn, settlement_date: Some(said), ..Txn::new(message) })
}

#[test]
fn an_older_day_or_one_that_cannot_be_is_not_believed_at_sign_on_either() {
    for (said, refusals) in [(day(-1), 0), (day(0), 0), (day(200), 1)] {
        let mut config = told(false);
        config.links[0].management.sign_on = SignOn::Automatic;
        let mut w = World::with(config);
        signed_on(&mut w, true, day(0));
        w.step(Event::LinkDown { link: BANK });
        w.step(Event::LinkUp { link: BANK });
        let left = signed_on(&mut w, true, said);
        assert_eq!(date(&w), day(0), "{said}");
        let refused = |tell: &&Tell| matches!(tell, Tell::CutoverRefused { .. });
        assert_eq!(left.told.iter().filter(refused).count(), refusals, "{said}");
    }
}

/// Small and seeded: SplitMix64.
struct Luck(u64);

impl Luck {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % end
    }
}

/// I31, I32, I34 and I35 over days of business in which the host says its day early, late, twice, wrongly and
/// in disorder, and the switch dies now and then. Seeds 0..200, or SEKISHO_SEED alone.
#[test]
fn over_many_days_nothing_is_stamped_with_a_closed_day_and_no_deposit_leaves_on_another() {
    let given = std::env::var("SEKISHO_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = given.map_or(0..200, |seed: u64| seed..seed + 1);
    let (mut changes, mut attempts, mut handed_over) = (0, 0, 0);
    for seed in seeds {
        let seen = live(seed);
        (changes, attempts) = (changes + seen.days.len() - 1, attempts + seen.attempts);
        handed_over += seen.handed_over;
    }
    println!("{changes} changes of the day, {attempts} attempts, {handed_over} deposits handed to people");
    // Otherwise the rules above were kept by nothing happening.
    assert!(given.is_some() || changes > 300 && attempts > 1_000 && handed_over > 100);
}

fn live(seed: u64) -> Checked {
    let luck = &mut Luck(seed);
    let mut config = told(luck.below(2) == 0);
    // Few are remembered in every other world: what is owed must be found again all the same.
    config.remembered_max = [8, 256][luck.below(2) as usize];
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    let mut open: Vec<Outgoing> = Vec::new();
    let mut checked = Checked::default();
    for stan in 1..120 {
        match luck.below(14) {
            0..=4 => {
                let txn = if luck.below(2) == 0 { deposit(stan) } else { withdrawal(stan) };
                let left = w.ask_on(ConnId(u64::from(stan)), txn);
                open.extend(left.asked.iter().map(|(_, _, ours, _)| *ours));
            }
            5 | 6 => {
                if let Some(ours) = open.pop() {
                    let code = [Code::Approved, Code::DoNotHonour][luck.below(2) as usize];
                    w.host_says(BANK, reply(ours, code));
                }
            }
            7 | 8 => {
                let about = [Network::Cutover, Network::CutoverEnd][luck.below(2) as usize];
                let said = BusinessDate::from_days(date(&w).days() + luck.below(5) as i64 - 1);
                let said = if luck.below(6) == 0 { None } else { Some(said) };
                for _ in 0..=luck.below(3) {
                    says(&mut w, about, said);
                }
            }
            9 => drop(w.wait_ms(REPLY_TIMEOUT_MS + luck.below(u64::from(DAY_MS / 3)) as u32)),
            10 | 11 => {
                let of = 1 + luck.below(u64::from(stan)) as u32;
                let later = [takes_back(of), reports(of)][luck.below(2) as usize].clone();
                w.ask_on(ConnId(u64::from(stan)), later);
            }
            12 => {
                w.step(Event::LinkDown { link: BANK });
                w.wait_ms(luck.below(u64::from(REPLY_TIMEOUT_MS) * 2) as u32);
                w.step(Event::LinkUp { link: BANK });
            }
            _ => {
                open.clear();
                if luck.below(2) == 0 {
                    w.restart()
                } else {
                    w.restart_from_snapshot()
                };
            }
        }
        checked.look(&w, seed);
    }
    checked
}

/// What the journal is held to, read once from its beginning to its end.
#[derive(Default)]
struct Checked {
    read: usize,
    day: Option<BusinessDate>,
    days: BTreeSet<BusinessDate>,
    stamps: BTreeMap<TxnId, (BusinessDate, Kind)>,
    owners: BTreeMap<u64, TxnId>,
    attempts: usize,
    handed_over: usize,
}

impl Checked {
    fn look(&mut self, w: &World, seed: u64) {
        for record in &w.journal[self.read..] {
            self.note(record, seed);
        }
        self.read = w.journal.len();
        assert_eq!(self.day, Some(date(w)), "seed {seed}: the journal knows the day");
        assert!(w.now.instant >= Instant::default());
    }

    fn note(&mut self, record: &Record, seed: u64) {
        match record {
            Record::HostDate { link: BANK, date, .. } => {
                assert!(self.day.is_none_or(|day| day < *date), "seed {seed}: a day never goes back");
                assert!(self.days.insert(*date), "seed {seed}: a day begins once");
                self.day = Some(*date);
            }
            Record::Sent(sent) if sent.link == BANK => {
                assert_eq!(Some(sent.business_date), self.day, "seed {seed}: stamped with the open day");
                let earlier = self.stamps.insert(sent.id, (sent.business_date, sent.kind));
                assert!(earlier.is_none(), "seed {seed}: stamped once");
            }
            Record::TimedOut { id, owes: Some(forward), .. }
            | Record::Decided { id, owes: Some(forward), .. }
            | Record::Withdrawn { id, owes: Some(forward), .. }
            | Record::Owed { id, forward, .. } => {
                let (stamp, _) = self.stamps[id];
                assert_eq!(forward.business_date, stamp, "seed {seed}: it is owed under its own day");
                self.owners.insert(forward.id.0, *id);
            }
            Record::Advised { sent, forward } => {
                assert_eq!(Some(sent.business_date), self.day, "seed {seed}: a report is of the open day");
                self.stamps.insert(sent.id, (sent.business_date, sent.kind));
                self.owners.insert(forward.id.0, sent.id);
            }
            Record::Forwarded { forward, owes: Some(next), .. } => {
                let id = self.owners[&forward.0];
                assert_eq!(next.business_date, self.stamps[&id].0, "seed {seed}: undone under its own day");
                self.owners.insert(next.id.0, id);
            }
            Record::Exception { id, forward: Some(_), .. } => {
                self.handed_over += usize::from(self.stamps[id].1 == Kind::Deposit);
            }
            Record::Attempt { forward, .. } => {
                self.attempts += 1;
                let (stamp, kind) = self.stamps[&self.owners[&forward.0]];
                let may = kind != Kind::Deposit || Some(stamp) == self.day;
                assert!(may, "seed {seed}: a deposit of {stamp} left on {:?}", self.day);
            }
            _ => {}
        }
    }
}

/// The bank changes its day and does not say which.
fn changes(w: &mut World, about: Network, digits: [u8; 3], stan: u32, transmitted_at: &str) -> Left {
    let message = MessageType::from_digits(digits).expect("a type");
    let transmitted_at = Text::clipped(transmitted_at.as_bytes());
    let txn = Txn { network: about, stan: Stan(stan), transmitted_at, ..Txn::new(message) };
    w.host_says(BANK, txn)
}

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

#[test]
fn a_change_that_says_no_day_and_comes_again_across_our_midnight_closes_no_second_day() {
    for restart in [None, Some(false), Some(true)] {
        let mut w = world(false);
        let to_midnight = DAY_MS - (w.now.wall.as_unix_ms() % i64::from(DAY_MS)) as u32;
        w.wait_ms(to_midnight - 5 * MINUTE_MS);
        let first = changes(&mut w, Network::Cutover, [8, 0, 0], 7, "1122235500");
        assert_eq!((first.answer().0, date(&w)), (Code::Approved, day(1)));
        match restart {
            None => {}
            Some(false) => drop(w.restart()),
            Some(true) => drop(w.restart_from_snapshot()),
        }
        let mut says_again = |wait_ms, digits, stan, at: &str| {
            w.wait_ms(wait_ms);
            let left = changes(&mut w, Network::Cutover, digits, stan, at);
            assert_eq!((left.answer().0, date(&w)), (Code::Approved, day(1)), "{restart:?} {stan}");
            assert!(left.answers[0].2, "the first may not be durable yet");
        };
        says_again(9 * MINUTE_MS, [8, 0, 0], 8, "1123000400"); // anew, and right behind
        says_again(2 * HOUR_MS, [8, 0, 1], 9, "1123020400"); // marked as a repeat
        says_again(HOUR_MS, [8, 0, 0], 7, "1122235500"); // the very same
        w.wait_ms(20 * HOUR_MS);
        let next = changes(&mut w, Network::Cutover, [8, 0, 0], 11, "1123235500");
        assert_eq!((next.answer().0, date(&w)), (Code::Approved, day(2)));
        // Its repeat is all we hear of the one after: the first was lost.
        w.wait_ms(24 * HOUR_MS);
        changes(&mut w, Network::Cutover, [8, 0, 1], 13, "1124235500");
        assert_eq!(date(&w), day(3));
    }
}

#[test]
fn an_end_that_says_no_day_ends_what_has_begun_and_nothing_else() {
    let mut w = world(true);
    let of_what = changes(&mut w, Network::CutoverEnd, [8, 0, 0], 7, "1122120000");
    assert_eq!((of_what.answer().0, date(&w)), (Code::WrongBusinessDate, day(0)));
    assert!(of_what.told.contains(&Tell::CutoverRefused { link: BANK, date: None }));
    changes(&mut w, Network::Cutover, [8, 0, 0], 8, "1122120001");
    assert_eq!(stage(&w), CutStage::Begun);
    changes(&mut w, Network::CutoverEnd, [8, 0, 0], 9, "1122120002");
    assert_eq!((stage(&w), date(&w)), (CutStage::Open, day(1)));
    for (about, stan) in [(Network::CutoverEnd, 9), (Network::CutoverEnd, 10), (Network::Cutover, 8)] {
        let again = changes(&mut w, about, [8, 0, 0], stan, "1122120002");
        assert_eq!((again.answer().0, stage(&w), date(&w)), (Code::Approved, CutStage::Open, day(1)));
    }
}
