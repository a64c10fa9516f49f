//! The lane on one thread: a request admitted, routed, recorded and sent, then its host's answer paired, recorded
//! and passed on. Neither journal nor socket: what the lane wants done is dropped.

use crate::counting::allocations;
use journal::Vault;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use switch::{
    BreakerConfig, Effect, Event, ForwardConfig, HostProfile, Lane, LaneConfig, LinkConfig, Outbox, Route,
    Routes, Secrets, SourceConfig,
};
use terms::{
    Amount, Carried, Code, ConnId, Currency, Kind, LinkId, MessageType, Noun, Now, Outcome, Pairing, Pan,
    SourceId, Stan, Text, Timestamp, Txn, limits,
};

const BATCHES: u32 = 60;
/// Transactions in each. Three batches fill what a lane remembers, so most of them also forget.
const TRANSACTIONS: u32 = 5_000;
const REMEMBERED_MAX: usize = 3 * TRANSACTIONS as usize;
const _: () = assert!(REMEMBERED_MAX <= limits::REMEMBERED_MAX, "a lane is never asked to remember more");

/// Prints what a transaction costs in the lane, in time and in allocations: one step for the request and one for
/// the answer.
pub(crate) fn run() {
    println!(
        "a purchase and its answer, one thread, {BATCHES} batches of {TRANSACTIONS}; ns per transaction"
    );
    println!("{:<28} {:>7} {:>7} {:>7} {:>9}", "", "min", "median", "max", "allocs");
    for in_flight in [1, 256] {
        measure(in_flight);
    }
}

/// Keeps so many requests unanswered at once.
fn measure(in_flight: u32) {
    let mut lane = Lane::new(config(), secrets());
    let mut out = Outbox::new();
    lane.step(Now::default(), Event::LinkUp { link: LinkId(0) }, &mut out);
    let mut times: Vec<f64> = Vec::new();
    let (mut allocated, mut number) = (0, 0);
    for batch in 0..BATCHES + 4 {
        let (mut took, before_batch) = (Duration::ZERO, allocated);
        for _ in 0..TRANSACTIONS / in_flight {
            let numbers: Vec<u32> = (number + 1..=number + in_flight).collect();
            number += in_flight;
            let requests: Vec<Txn> = numbers.iter().map(|&number| request(number)).collect();
            let replies: Vec<Txn> = numbers.iter().map(|&number| reply(number)).collect();
            let (began, before) = (Instant::now(), allocations());
            for txn in requests {
                let event = Event::Asked { source: SourceId(0), conn: ConnId(1), txn };
                lane.step(now(number), event, &mut out);
                out.drain().for_each(|effect| drop(black_box(effect)));
            }
            for txn in replies {
                let event = Event::HostSaid { link: LinkId(0), conn: ConnId(2), txn };
                lane.step(now(number), event, &mut out);
                let told = out.drain().filter(|effect| matches!(effect, Effect::ToSource { .. })).count();
                assert_eq!(black_box(told), 1, "every answer finds its request");
            }
            took += began.elapsed();
            allocated += allocations() - before;
        }
        // The first batches fill the memory.
        if batch < 4 {
            allocated = before_batch;
        } else {
            times.push(took.as_nanos() as f64 / f64::from(TRANSACTIONS / in_flight * in_flight));
        }
    }
    times.sort_by(f64::total_cmp);
    let transactions = f64::from(BATCHES * (TRANSACTIONS / in_flight * in_flight));
    println!(
        "{:<28} {:>7.0} {:>7.0} {:>7.0} {:>9.2}",
        format!("{in_flight} in flight"),
        times[0],
        times[times.len() / 2],
        times[times.len() - 1],
        allocated as f64 / transactions
    );
}

fn now(number: u32) -> Now {
    let us = u64::from(number) * 10;
    Now {
        instant: terms::Instant::from_us(us),
        wall: Timestamp::from_unix_ms(1_767_225_600_000 + us as i64 / 1_000),
        utc_offset_s: 0,
    }
}

fn request(number: u32) -> Txn {
    Txn {
        stan: Stan(number % 999_999 + 1),
        local_time: Some(now(number).local()),
        carried: carried(&[0x5A; 300]),
        ..said([2, 0, 0])
    }
}

/// The lane counts its own trace numbers from 1 and gives one to each request.
fn reply(number: u32) -> Txn {
    Txn {
        stan: Stan(number),
        code: Some(Code::Approved),
        outcome: Some(Outcome::Approved),
        approval_code: Text::clipped(b"A12345"),
        carried: carried(&[0x91; 12]),
        ..said([2, 1, 0])
    }
}

fn said(digits: [u8; 3]) -> Txn {
    Txn {
        kind: Kind::Purchase,
        processing_code: Text::clipped(b"000000"),
        pan: Pan::new(b"4111111111111111").expect("digits"),
        amount: Amount::minor(12_345),
        currency: Currency::numeric(840).expect("three digits"),
        rrn: Text::clipped(b"012345678901"),
        terminal_id: Text::clipped(b"T0000000"),
        acquirer_id: Text::clipped(b"12345678901"),
        transmitted_at: Text::clipped(b"0101000000"),
        ..Txn::new(MessageType::from_digits(digits).expect("a message type"))
    }
}

fn secrets() -> Secrets {
    Secrets { fingerprint: [7; 16], vault: Arc::new(Vault::new([7; 32], 0)) }
}

fn carried(contents: &[u8]) -> Carried {
    let mut carried = Carried::with_capacity(contents.len() + 3);
    carried.push(Noun::IccData, contents);
    carried
}

pub(crate) fn config() -> LaneConfig {
    let link = LinkConfig {
        name: Text::clipped(b"bank"),
        reply_timeout_ms: 30_000,
        in_flight_max: limits::IN_FLIGHT_MAX,
        pairing: Pairing { terminal_id: true, ..Pairing::default() },
        breaker: BreakerConfig::default(),
        transmits_utc: true,
        host: HostProfile::default(),
        forward: ForwardConfig::default(),
        ..LinkConfig::retired(Text::EMPTY)
    };
    let route = Route {
        prefix: Text::EMPTY,
        source: None,
        kind: None,
        link: LinkId(0),
        name: Text::clipped(b"everything"),
    };
    LaneConfig {
        sources: vec![SourceConfig {
            name: Text::clipped(b"tills"),
            terminal_required: true,
            per_terminal_max: 1,
            ..SourceConfig::default()
        }],
        links: vec![link],
        routes: Routes::new(vec![route]),
        remembered_max: REMEMBERED_MAX,
        ..LaneConfig::default()
    }
}
