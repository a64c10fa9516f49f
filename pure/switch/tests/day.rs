//! The switch's own day: what moves it, what is stamped with it, who is told.

mod world;

use journal::{DayRecord, LinkOrder, Record};
use switch::{CannotCutOver, DayConfig, Event, LaneConfig, Management, Moves, OwnDay, Tell};
use terms::{
    BusinessDate, Code, ConnId, Kind, LinkName, MessageType, Network, NetworkTypes, Text, Timestamp, Txn,
};
use world::*;

/// The day the world begins on, at 00:03:11 of its clock.
fn day(after: i64) -> BusinessDate {
    BusinessDate::from_days(first().days() + after)
}

fn first() -> BusinessDate {
    Timestamp::from_unix_ms(1_795_305_791_482).local(0).date
}

const HOUR_MS: u32 = 3_600_000;

fn with(moves: Moves) -> LaneConfig {
    let mut config = config();
    config.remembered_max = 64;
    config.day = Some(DayConfig { moves });
    config
}

fn own(w: &World) -> OwnDay {
    w.lane.own_day().expect("it keeps one")
}

fn stamp(left: &Left) -> (BusinessDate, Option<BusinessDate>) {
    let sent = left.records.iter().find_map(|record| match record {
        Record::Sent(sent) | Record::Inquired(sent) => Some((sent.business_date, sent.own_date)),
        _ => None,
    });
    sent.expect("it was sent")
}

fn by(name: &str) -> Text<24> {
    Text::clipped(name.as_bytes())
}

/// So many seconds into the world's first day.
fn at_hour(w: &World, hour: u32) -> u32 {
    let second = w.now.local().second_of_day;
    assert!(hour * 3_600 > second, "it lies ahead");
    (hour * 3_600 - second) * 1_000 - (w.now.wall.as_unix_ms().rem_euclid(1_000)) as u32
}

#[test]
fn without_a_day_of_its_own_nothing_is_stamped_with_one() {
    let mut w = World::new();
    assert_eq!(stamp(&w.ask(withdrawal(1))).1, None);
    assert_eq!(w.lane.may_cut_over(w.now), Err(CannotCutOver::NoDay));
    assert!(w.step(Event::OwnCutover { by: by("suzuki") }).records.is_empty());
}

#[test]
fn by_order_it_moves_once_and_not_past_tomorrow() {
    let mut w = World::with(with(Moves::ByOrder));
    assert_eq!(own(&w).date, day(0));
    let left = w.step(Event::OwnCutover { by: by("suzuki") });
    assert_eq!(left.record_names(), ["own_date"]);
    assert!(left.told.contains(&Tell::OwnDate { from: Some(day(0)), to: day(1) }));
    assert_eq!((own(&w).date, own(&w).by.as_str()), (day(1), "suzuki"));
    assert_eq!(stamp(&w.ask(withdrawal(1))), (day(0), Some(day(1))), "the host's day is the host's");
    assert_eq!(w.lane.may_cut_over(w.now), Err(CannotCutOver::IsTomorrow));
    assert!(w.step(Event::OwnCutover { by: by("suzuki") }).records.is_empty());
    for _ in 0..72 {
        w.wait_ms(HOUR_MS);
    }
    assert_eq!(own(&w).date, day(1), "by order is by order");
    assert_eq!(w.lane.may_cut_over(w.now), Ok(day(3)), "behind the calendar it catches up");
    w.restart();
    assert_eq!(own(&w).date, day(1));
    w.restart_from_snapshot();
    assert_eq!((own(&w).date, own(&w).by.as_str()), (day(1), "suzuki"));
}

#[test]
fn by_schedule_the_next_day_begins_in_the_evening_before_anything_else_is_done() {
    let mut w = World::with(with(Moves::BySchedule { at_s: 23 * 3_600 }));
    assert_eq!(own(&w).date, day(0));
    let wait_ms = at_hour(&w, 23);
    let look = w.lane.next_look_at_the_calendar().expect("it wants to be woken");
    assert!(look.us_since(w.now.instant) <= u64::from(HOUR_MS) * 1_000);
    w.now.instant = w.now.instant.plus_ms(wait_ms - 1);
    w.now.wall = Timestamp::from_unix_ms(w.now.wall.as_unix_ms() + i64::from(wait_ms) - 1);
    assert_eq!(stamp(&w.ask(withdrawal(1))).1, Some(day(0)), "a moment before");
    w.now.instant = w.now.instant.plus_ms(1);
    w.now.wall = Timestamp::from_unix_ms(w.now.wall.as_unix_ms() + 1);
    // Nobody woke the lane: the first request of the new day finds the old one over.
    let left = w.ask(withdrawal(2));
    assert_eq!(left.record_names()[0], "own_date");
    assert_eq!(stamp(&left).1, Some(day(1)));
    assert_eq!(own(&w).by.as_str(), "schedule");
}

#[test]
fn a_host_whose_day_is_the_calendars_gets_the_new_one_before_the_first_request_of_it() {
    let mut w = World::new();
    let to_midnight = 24 * HOUR_MS - (w.now.wall.as_unix_ms().rem_euclid(86_400_000)) as u32;
    w.now.instant = w.now.instant.plus_ms(to_midnight);
    w.now.wall = Timestamp::from_unix_ms(w.now.wall.as_unix_ms() + i64::from(to_midnight));
    assert_eq!(stamp(&w.ask(withdrawal(1))).0, day(1));
    // The clock is set back a minute: the day that is over stays over.
    w.now.wall = Timestamp::from_unix_ms(w.now.wall.as_unix_ms() - 60_000);
    assert_eq!(stamp(&w.ask(withdrawal(2))).0, day(1));
}

#[test]
fn with_a_link_it_goes_where_that_hosts_day_goes_and_takes_no_orders() {
    let mut config = with(Moves::With(BANK));
    config.links[0].host.day_is_calendar = false;
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    let left = w.step(Event::HostDate { link: BANK, date: day(1) });
    assert_eq!(left.record_names(), ["host_date", "own_date"]);
    assert_eq!((own(&w).date, own(&w).by.as_str()), (day(1), "bank"));
    let bank: LinkName = Text::clipped(b"bank");
    assert_eq!(w.lane.may_cut_over(w.now), Err(CannotCutOver::GoesWith(bank)));
    let left = w.ask(withdrawal(1));
    assert_eq!(stamp(&left), (day(1), Some(day(1))));
}

#[test]
fn sources_are_told_our_day_and_a_repeat_hears_the_same() {
    let mut w = World::with(with(Moves::ByOrder));
    let left = w.ask(withdrawal(1));
    let (_, _, ours) = left.asked_once();
    w.step(Event::OwnCutover { by: by("suzuki") });
    let mut said = reply(ours, Code::Approved);
    said.settlement_date = Some(day(-3));
    let left = w.host_says(BANK, said);
    assert_eq!(left.answers[0].1.settlement_date, Some(day(0)), "the day it was asked on");
    let again = w.ask_on(ConnId(2), withdrawal(1));
    assert_eq!(again.answers[0].1.settlement_date, Some(day(0)));
    w.restart_from_snapshot();
    let again = w.ask_on(ConnId(3), withdrawal(1));
    assert_eq!(again.answers[0].1.settlement_date, Some(day(0)), "after a restart as well");
}

#[test]
fn sources_with_a_message_for_it_are_told_the_new_day() {
    for (in_two, wanted) in [
        (false, vec![(Network::Cutover, day(1))]),
        (true, vec![(Network::Cutover, day(0)), (Network::CutoverEnd, day(1))]),
    ] {
        let mut config = with(Moves::ByOrder);
        let mut types = NetworkTypes::default();
        types.set(Network::Cutover, MessageType::from_digits([8, 0, 0]));
        if in_two {
            types.set(Network::CutoverEnd, MessageType::from_digits([8, 0, 0]));
        }
        config.sources[0].told_of_days = types;
        let mut w = World::with(config);
        let left = w.step(Event::OwnCutover { by: by("suzuki") });
        let said: Vec<_> = left
            .announced
            .iter()
            .map(|(source, message, _)| {
                assert_eq!(*source, TILL);
                (message.network, message.settlement_date.expect("a day"))
            })
            .collect();
        assert_eq!(said, wanted);
        let thanks =
            Txn { network: Network::Cutover, ..Txn::new(MessageType::from_digits([8, 1, 0]).expect("0810")) };
        let left = w.ask(thanks);
        assert!(left.records.is_empty() && left.answers.is_empty(), "an answer wants none");
    }
}

/// A world whose bank's day is moved by the bank, and asked for at 23:00.
fn asking_at_23() -> World {
    let mut config = config();
    let mut types = NetworkTypes::default();
    types.set(Network::Cutover, MessageType::from_digits([8, 0, 0]));
    config.links[0].host.day_is_calendar = false;
    config.links[0].management =
        Management { types, ask_cutover_at_s: Some(23 * 3_600), ..Management::default() };
    let mut w = World::with(config);
    w.step(Event::HostDate { link: BANK, date: day(0) });
    w
}

/// What the bank says to the wish it was asked last.
fn says(w: &mut World, left: &Left, code: Code) -> Left {
    let (_, _, ours, _) = left.asked.last().expect("a wish");
    let reply = Txn {
        network: Network::Cutover,
        stan: ours.stan,
        code: Some(code),
        outcome: Some(code.outcome()),
        ..Txn::new(MessageType::from_digits([8, 1, 0]).expect("0810"))
    };
    w.host_says(BANK, reply)
}

fn wishes(left: &Left) -> Vec<(LinkOrder, String)> {
    left.records.iter().filter_map(ordered).collect()
}

#[test]
fn a_host_is_asked_for_its_next_day_at_its_time_and_once_where_it_accepts() {
    let mut w = asking_at_23();
    w.step(Event::LinkDown { link: BANK });
    assert!(w.wait_ms(at_hour(&w, 23)).asked.is_empty(), "nobody is there");
    w.step(Event::LinkUp { link: BANK });
    let left = w.wait_ms(60_000);
    assert_eq!(wishes(&left), [(LinkOrder::AskCutover, "schedule".to_owned())]);
    assert_eq!(left.asked.len(), 1);
    says(&mut w, &left, Code::Approved);
    assert!(wishes(&w.wait_ms(10 * 60_000)).is_empty(), "once");
    assert!(
        wishes(&w.wait_ms(2 * HOUR_MS)).is_empty(),
        "past midnight as well: people were told that it hangs"
    );
}

#[test]
fn a_host_that_does_not_accept_is_asked_again_and_people_are_told_once() {
    for is_refused in [true, false] {
        let mut w = asking_at_23();
        let mut left = w.wait_ms(at_hour(&w, 23) + 1_000);
        let mut told = 0;
        for _ in 0..3 {
            assert_eq!(wishes(&left).len(), 1, "refused: {is_refused}");
            let heard = match is_refused {
                true => says(&mut w, &left, Code::HostDown),
                false => w.wait_ms(46_000),
            };
            told += heard.told.iter().filter(|tell| matches!(tell, Tell::CutoverOverdue { .. })).count();
            left = (0..20)
                .map(|_| w.wait_ms(61_000))
                .find(|left| !wishes(left).is_empty())
                .expect("it is asked again");
        }
        assert_eq!(told, 1, "refused: {is_refused}");
    }
}

#[test]
fn a_line_that_comes_back_past_midnight_is_asked_for_the_day_it_missed_and_in_the_morning_is_not() {
    for (hours, asked) in [(2, 1), (8, 0)] {
        let mut w = asking_at_23();
        w.step(Event::LinkDown { link: BANK });
        w.wait_ms(at_hour(&w, 23) + hours * HOUR_MS);
        w.step(Event::LinkUp { link: BANK });
        assert_eq!(wishes(&w.wait_ms(61_000)).len(), asked, "{hours} hours later");
    }
}

fn ordered(record: &Record) -> Option<(LinkOrder, String)> {
    match record {
        Record::LinkOrdered { order, by, .. } => Some((*order, by.as_str().to_owned())),
        _ => None,
    }
}

#[test]
fn nothing_is_ever_stamped_with_a_day_of_ours_that_was_closed() {
    let mut w = World::with(with(Moves::BySchedule { at_s: 22 * 3_600 }));
    let mut open = None;
    for stan in 1..400 {
        match stan % 7 {
            3 => drop(w.step(Event::OwnCutover { by: by("suzuki") })),
            5 => drop(w.restart()),
            6 => drop(w.restart_from_snapshot()),
            _ => drop(w.wait_ms(HOUR_MS)),
        }
        let left = w.ask(Txn { kind: Kind::Withdrawal, ..withdrawal(stan) });
        for record in left.records {
            match record {
                Record::Day(DayRecord::Own { date, .. }) => {
                    assert!(open.is_none_or(|open| date > open), "it never goes back");
                    open = Some(date);
                }
                Record::Sent(sent) => assert_eq!(sent.own_date, Some(own(&w).date)),
                _ => {}
            }
        }
        assert!(open.is_none_or(|open| own(&w).date >= open));
        open = Some(own(&w).date);
    }
    assert!(own(&w).date > day(5), "days went by");
}
