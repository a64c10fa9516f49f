//! What a start costs after the worst crash: everything sent, nothing decided.

use crate::journal::{Place, sent, vault};
use crate::lane;
use ::journal::{Batch, Journal, Record, Sent};
use disk::{Disk, DiskOptions};
use std::sync::Arc;
use std::time::{Duration, Instant};
use switch::{Effect, Lane, LaneConfig, Outbox, Replay, Secrets};
use terms::{LinkId, Now, SourceId, Text, Timestamp, limits};

const IN_FLIGHT: u64 = 100_000;
const TIMES: usize = 5;
const PROMISED: Duration = Duration::from_secs(2);

/// Prints how long it takes from opening the data directory until every request in flight is decided, every
/// reversal owed for it, and all of that durable.
pub(crate) fn run() {
    let mut times: Vec<Duration> = (0..TIMES).map(|_| crash_and_recover()).collect();
    times.sort();
    let [least, median, most] = [times[0], times[TIMES / 2], times[TIMES - 1]].map(|time| time.as_secs_f64());
    println!(
        "{IN_FLIGHT} in flight: decided, owed and durable {median:.3} s after the start ({least:.3}..{most:.3}, \
         {TIMES} times), a second start finds none"
    );
    let is_kept = times[TIMES / 2] < PROMISED;
    assert!(is_kept, "promised within {} s", PROMISED.as_secs());
}

fn crash_and_recover() -> Duration {
    let place = Place::new();
    write_in_flight(&place);
    let began = Instant::now();
    let (in_flight, lane) = start(&place);
    let took = began.elapsed();
    let status = lane.status();
    assert_eq!((in_flight, status.in_flight), (IN_FLIGHT as usize, 0));
    assert_eq!((status.pending, status.owed), (IN_FLIGHT as usize, IN_FLIGHT));
    let (again, lane) = start(&place);
    assert_eq!((again, lane.status().pending), (0, IN_FLIGHT as usize), "what was decided stays decided");
    took
}

/// The journal of a switch that asked and asked and died.
fn write_in_flight(place: &Place) {
    let options = DiskOptions { unsafe_no_sync: true, ..DiskOptions::default() };
    let disk = Disk::open(place.path(), options).expect("the temporary directory can be written");
    let (mut journal, _) = Journal::open(disk, 0, &mut |_| {}).expect("an empty directory opens");
    let (mut batch, vault) = (Batch::starting_at(journal.position().next), vault());
    for n in 1..=IN_FLIGHT {
        let mut sent = Sent { link: LinkId(0), ..sent(n) };
        // A terminal has one request under way at a time.
        sent.key.terminal_id = Text::clipped(format!("T{n:07}").as_bytes());
        sent.key.source = SourceId(0);
        batch.push(&Record::Sent(sent), &vault);
        if n % 64 == 0 || n == IN_FLIGHT {
            journal.commit(&mut batch).expect("there is room");
        }
    }
}

/// As the program starts: open, fold, decide by silence, make it durable, and only then go on.
fn start(place: &Place) -> (usize, Lane) {
    let disk = Disk::open(place.path(), DiskOptions::default()).expect("nobody else is here");
    let vault = Arc::new(vault());
    let secrets = Secrets { fingerprint: [7; 16], vault: vault.clone() };
    let remembered_max = limits::REMEMBERED_MAX;
    let mut replay =
        Replay::into_lane(Lane::new(LaneConfig { remembered_max, ..LaneConfig::default() }, secrets));
    let opened = Journal::open(disk, 0, &mut |record| replay.apply(record).expect("a journal of ours"));
    let (mut journal, _) = opened.expect("nothing is damaged");
    let in_flight = replay.open();
    let mut out = Outbox::new();
    let now = Now { wall: Timestamp::from_unix_ms(1_795_305_891_482), ..Now::default() };
    let config = LaneConfig { remembered_max, ..lane::config() };
    let lane = replay.finish(now, |_| config, &mut out).expect("every card opens");
    let mut batch = Batch::starting_at(journal.position().next);
    for effect in out.drain() {
        if let Effect::Record(record) = effect {
            batch.push(&record, &vault);
            if batch.is_full() {
                journal.commit(&mut batch).expect("there is room");
            }
        }
    }
    journal.commit(&mut batch).expect("there is room");
    (in_flight, lane)
}
