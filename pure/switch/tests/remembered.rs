//! What is remembered, how long, and what of it people hear.

mod world;

use journal::{Record, Ruling};
use switch::{Event, LaneConfig, SourceConfig, Tell};
use terms::{
    BusinessDate, Code, ConnId, ForwardId, Kind, LocalTime, MessageType, Original, SourceId, Stan, Text, Txn,
};
use world::*;

const HOUR_MS: u32 = 3_600_000;
const CROWD: SourceId = SourceId(1);

fn reversal(of: u32) -> Txn {
    Txn {
        message: MessageType::from_digits([4, 2, 0]).expect("0420"),
        original: Some(Original { stan: Some(Stan(of)), ..Original::default() }),
        ..withdrawal(of)
    }
}

fn report(of: u32) -> Txn {
    Txn { message: MessageType::from_digits([2, 2, 0]).expect("0220"), kind: Kind::Deposit, ..withdrawal(of) }
}

fn approved(w: &mut World, source: SourceId, txn: Txn) -> Vec<Tell> {
    let (link, _, ours) = w.step(Event::Asked { source, conn: ConnId(1), txn }).asked_once();
    let left = w.host_says(link, reply(ours, Code::Approved));
    assert_eq!(left.answer().0, Code::Approved);
    left.told
}

fn two_sources(remembered_min_s: u32) -> LaneConfig {
    let mut config = config();
    let crowd = SourceConfig { name: Text::clipped(b"crowd"), ..config.sources[0].clone() };
    config.sources.push(crowd);
    LaneConfig { remembered_max: 100, remembered_min_s, ..config }
}

#[test]
fn a_reversal_of_nothing_is_a_persons_to_look_at_and_says_so_once() {
    let mut w = World::new();
    let left = w.ask(reversal(7));
    let [Record::Kept(kept), Record::Exception { id, forward: None, reason, .. }] = &left.records[..] else {
        panic!("{left:?}")
    };
    assert_eq!((kept.id, reason.as_str()), (*id, "taken back, and never asked"));
    assert!(left.told.contains(&Tell::NeedsAPerson { id: *id }));
    assert!(left.answers[0].2, "acknowledged when both are durable");
    // The request comes after all: refused, and no news to anybody.
    assert_eq!(w.ask(withdrawal(7)).record_names(), ["observed"]);
    assert_eq!(w.lane.status().exceptions, 1);
}

#[test]
fn what_is_reported_after_it_was_taken_back_is_another_item_than_that_it_was() {
    for come_back in [
        |_: &mut World| {},
        |w: &mut World| drop(w.restart()),
        |w: &mut World| drop(w.restart_from_snapshot()),
    ] {
        let mut w = World::new();
        w.ask(reversal(7));
        come_back(&mut w);
        let cash = w.ask(report(7));
        assert!(cash.record_names().contains(&"exception"), "{:?}", cash.record_names());
        come_back(&mut w);
        assert!(!w.ask(report(7)).record_names().contains(&"exception"), "once");
    }
}

#[test]
fn a_reversal_that_says_no_time_refuses_requests_of_its_own_hours_and_no_later_ones() {
    for (hours, refused) in [(0, true), (5, true), (7, false), (24 * 30, false)] {
        let mut w = World::new();
        w.ask(reversal(7));
        for _ in 0..hours {
            w.wait_ms(HOUR_MS);
        }
        let left = w.ask(withdrawal(7));
        assert_eq!(left.asked.is_empty(), refused, "{hours} hours later");
    }
}

#[test]
fn a_report_that_says_no_time_answers_for_a_request_of_its_own_hours_and_no_later_one() {
    for (hours, answered) in [(5, true), (24 * 30, false)] {
        let mut w = World::new();
        w.ask(report(7));
        for _ in 0..hours {
            w.wait_ms(HOUR_MS);
        }
        let left = w.ask(Txn { kind: Kind::Deposit, ..withdrawal(7) });
        assert_eq!(left.record_names() == ["observed"], answered, "{hours} hours later");
    }
}

#[test]
fn a_reversal_that_says_when_refuses_its_request_however_late_that_comes() {
    let local_time = LocalTime::new(BusinessDate::new(2026, 11, 22).expect("a day"), 14, 3, 11);
    let mut w = World::new();
    w.ask(Txn { local_time, ..reversal(7) });
    for _ in 0..48 {
        w.wait_ms(HOUR_MS);
    }
    assert_eq!(w.ask(Txn { local_time, ..withdrawal(7) }).answer().0, Code::Declined);
}

#[test]
fn a_source_with_a_thousand_requests_a_second_does_not_make_us_forget_anothers() {
    let mut w = World::with(two_sources(60));
    approved(&mut w, TILL, withdrawal(7));
    let mut told = Vec::new();
    for stan in 1..=1_000 {
        told.extend(approved(&mut w, CROWD, withdrawal(stan)));
        w.wait_ms(1);
    }
    assert_eq!(w.lane.status().remembered, 100);
    let again = w.ask(withdrawal(7));
    assert_eq!((again.answer().0, again.asked.len()), (Code::Approved, 0), "told again, not posted again");
    let alarms: Vec<u64> = told
        .iter()
        .filter_map(|tell| match tell {
            Tell::ForgetsEarly { count } => Some(*count),
            _ => None,
        })
        .collect();
    assert_eq!(alarms, [1], "people are told at the first, and not a thousand times");
    told = w.wait_ms(60_000).told;
    assert!(
        told.iter().any(|tell| matches!(tell, Tell::ForgetsEarly { count } if *count >= 900)),
        "{told:?}"
    );
}

#[test]
fn with_less_room_than_before_a_journal_is_read_back_all_the_same() {
    let mut w = World::with(two_sources(0));
    for stan in 1..=50 {
        approved(&mut w, TILL, withdrawal(stan));
    }
    // An old one is taken back, its power goes, and somebody thinks that four are enough.
    w.step(Event::LinkDown { link: BANK });
    assert_eq!(w.ask(reversal(3)).record_names(), ["owed"]);
    w.config.remembered_max = 4;
    w.restart();
    assert_eq!(w.lane.pending(), 1, "it is owed as before");
    assert_eq!(w.lane.status().remembered, 4);
    w.config.remembered_max = 2;
    w.restart();
    assert_eq!((w.lane.pending(), w.lane.status().remembered), (1, 2));
}

#[test]
fn a_debt_that_is_over_is_remembered_as_long_as_what_was_decided_then() {
    let mut w = World::with(LaneConfig { remembered_max: 4, ..config() });
    w.step(Event::LinkDown { link: BANK });
    w.ask(report(7));
    for stan in 10..30 {
        w.ask(withdrawal(stan));
    }
    let (_, _, ours) = w.step(Event::LinkUp { link: BANK }).asked_once();
    let message = MessageType::from_digits([2, 3, 0]).expect("0230");
    assert_eq!(
        w.host_says(BANK, Txn { message, ..reply(ours, Code::Approved) }).record_names(),
        ["forwarded"]
    );
    // Taken back now, and read back: whoever reads it must still know it.
    w.step(Event::LinkDown { link: BANK });
    assert_eq!(w.ask(Txn { kind: Kind::Deposit, ..reversal(7) }).record_names(), ["owed"]);
    w.restart();
    assert_eq!(w.lane.pending(), 1);
}

#[test]
fn people_hear_of_a_gate_that_opens_whichever_way_the_last_item_ended() {
    type End = (&'static str, fn(&mut World) -> Left);
    let ends: [End; 3] = [
        ("held", |w| rule(w, Ruling::Hold)),
        ("settled", |w| rule(w, Ruling::Settle)),
        ("handed over", |w| {
            let date = BusinessDate::from_days(30_000);
            w.step(Event::HostDate { link: BANK, date })
        }),
    ];
    for (what, end) in ends {
        let mut w = World::new();
        w.ask(Txn { kind: Kind::Deposit, ..withdrawal(1) });
        w.restart_with_links_down();
        assert!(w.lane.is_recovering(), "{what}");
        let left = end(&mut w);
        assert!(!w.lane.is_recovering(), "{what}");
        let told = left.told.iter().filter(|tell| **tell == Tell::Recovered { link: BANK }).count();
        assert_eq!(told, 1, "{what}: {:?}", left.told);
    }
}

fn rule(w: &mut World, ruling: Ruling) -> Left {
    let (by, reason) = (Text::clipped(b"suzuki"), Text::clipped(b"CHG-881"));
    w.step(Event::Ruled { forward: ForwardId(1), ruling, by, reason })
}
