//! The journal: encoding on the lane's thread, group commit on a real disk, and replay.

use ::journal::memory::Memory;
use ::journal::{Batch, Journal, Key, Record, Remembered, Sent, Seq, Vault};
use disk::{Disk, DiskOptions, GroupCommit};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use terms::{
    Amount, BusinessDate, Code, Currency, Kind, LinkId, LocalTime, MessageType, Outcome, Pan, SourceId, Stan,
    Text, Timestamp, TxnId,
};

const TRANSACTIONS: u64 = 1_000_000;
const PUSHES: u64 = 200_000;
/// How long each row of the commit table is measured.
const ROW: Duration = Duration::from_secs(2);

/// Prints what a record costs the lane, and what the disk makes durable.
pub(crate) fn run() {
    println!("encoding on one thread, {PUSHES} records; ns per record, bytes with frame");
    println!("{:<26} {:>7} {:>7}", "", "ns", "bytes");
    measure_push("sent, card enciphered", |n| Record::Sent(sent(n)));
    measure_push("decided", decided);
    measure_seal();
    println!("\ntransactions of two records (sent, decided), each durable before the next step");
    println!(
        "{:<26} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "in flight", "records/s", "syncs/s", "per sync", "mean us", "worst us", "KB/s"
    );
    for in_flight in [1, 8, 64, 256, 1_024] {
        measure_commits(in_flight);
    }
}

/// Prints how long a start takes over a journal of a million transactions.
pub(crate) fn replay() {
    let place = Place::new();
    let vault = vault();
    let options = DiskOptions { unsafe_no_sync: true, ..DiskOptions::default() };
    let disk = Disk::open(&place.0, options).expect("the temporary directory can be written");
    let (mut journal, _) = Journal::open(disk, 0, &mut |_| {}).expect("an empty directory opens");
    let mut batch = Batch::starting_at(journal.position().next);
    for n in 1..=TRANSACTIONS {
        batch.push(&Record::Sent(sent(n)), &vault);
        batch.push(&decided(n), &vault);
        if n % 64 == 0 || n == TRANSACTIONS {
            journal.commit(&mut batch).expect("there is room");
        }
    }
    let position = journal.position();
    drop(journal);
    let disk = Disk::open(&place.0, options).expect("nobody else is here");
    let began = Instant::now();
    let mut records = 0_u64;
    let (_, recovered) =
        Journal::open(disk, 0, &mut |record| records += u64::from(black_box(record).id().is_some()))
            .expect("nothing is damaged");
    let took = began.elapsed();
    assert_eq!((recovered.position, records), (position, TRANSACTIONS * 2));
    println!(
        "{TRANSACTIONS} transactions, {records} records in {} segments replayed and verified: {:.2} s ({:.0} ns per \
         record)",
        position.segment,
        took.as_secs_f64(),
        took.as_nanos() as f64 / records as f64
    );
}

fn measure_push(name: &str, record: impl Fn(u64) -> Record) {
    let vault = vault();
    let records: Vec<_> = (0..1_000).map(&record).collect();
    let mut batch = Batch::starting_at(Seq(1));
    let mut best = f64::MAX;
    let mut bytes = 0;
    for _ in 0..PUSHES / 1_000 {
        batch.restart_at(Seq(1));
        let began = Instant::now();
        for record in &records {
            black_box(batch.push(record, &vault));
        }
        best = best.min(began.elapsed().as_nanos() as f64 / 1_000.0);
        bytes = batch.record_bytes() / 1_000;
    }
    println!("{name:<26} {best:>7.0} {bytes:>7}");
}

fn measure_seal() {
    let vault = vault();
    let (mut journal, _) =
        Journal::open(Memory::new(8 << 20), 0, &mut |_| {}).expect("an empty memory opens");
    let mut batch = Batch::starting_at(journal.position().next);
    let mut best = f64::MAX;
    for _ in 0..200 {
        (0..32).for_each(|n| {
            batch.push(&Record::Sent(sent(n)), &vault);
            batch.push(&decided(n), &vault);
        });
        let began = Instant::now();
        journal.commit(&mut batch).expect("memory does not fail");
        best = best.min(began.elapsed().as_nanos() as f64 / 64.0);
    }
    println!("{:<26} {best:>7.0}", "sealing (64 in a batch)");
}

/// A closed loop: each of so many transactions waits for its record before it writes the next one.
fn measure_commits(in_flight: u64) {
    let place = Place::new();
    let vault = vault();
    let disk = Disk::open(&place.0, DiskOptions::default()).expect("the temporary directory can be written");
    let reserve = disk.reserve().expect("it was opened for writing");
    while reserve.ready() < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (journal, _) = Journal::open(disk, 0, &mut |_| {}).expect("an empty directory opens");
    let (tell, told) = mpsc::channel();
    let (commits, mut batch) = GroupCommit::spawn(journal, move |durable| {
        // Nobody listens any more when the row is over.
        let _ = tell.send(durable.expect("the disk works"));
    })
    .expect("a thread can be started");
    let began = Instant::now();
    let (mut next, mut durable) = (0, 0);
    while began.elapsed() < ROW {
        while next < durable + in_flight {
            let record = if (next / in_flight).is_multiple_of(2) {
                Record::Sent(sent(next + 1))
            } else {
                decided(next + 1)
            };
            next = batch.push(&record, &vault).0;
        }
        commits.submit(&mut batch).expect("the journal runs");
        durable = told.recv().expect("the thread runs").0;
    }
    let (took, done) = (began.elapsed().as_secs_f64(), commits.figures());
    println!(
        "{in_flight:<26} {:>9.0} {:>9.0} {:>9.1} {:>9.0} {:>9} {:>8.0}",
        done.records as f64 / took,
        done.syncs as f64 / took,
        done.records_per_sync(),
        done.busy_us as f64 / done.syncs.max(1) as f64,
        done.slowest_us,
        done.bytes as f64 / took / 1_000.0
    );
}

pub(crate) fn vault() -> Vault {
    Vault::new([0x42; 32], 0)
}

pub(crate) fn sent(n: u64) -> Sent {
    let date = BusinessDate::new(2026, 11, 22).expect("a day");
    Sent {
        id: TxnId(n),
        key: Key {
            source: SourceId(1),
            terminal_id: Text::clipped(b"ATM00017"),
            stan: Stan((n % 999_999) as u32 + 1),
            local_time: LocalTime::new(date, 13, 59, (n % 60) as u8),
        },
        fingerprint: n,
        message: MessageType::from_digits([2, 0, 0]).expect("a type"),
        kind: Kind::Withdrawal,
        processing_code: Text::clipped(b"010000"),
        pan: Pan::new(b"4111111111111111").expect("digits").into(),
        amount: Amount::minor(50_000),
        currency: Currency::numeric(840).expect("three digits"),
        rrn: Text::clipped(b"632613000042"),
        acquirer_id: Text::clipped(b"01040000000"),
        transmitted_at: Text::clipped(b"1122135900"),
        link: LinkId(1),
        host_stan: Stan((n % 999_999) as u32 + 1),
        host_rrn: Text::clipped(b"632613000042"),
        host_transmitted_at: Text::clipped(b"1122055900"),
        own_date: None,
        business_date: date,
        route: Text::clipped(b"prefix 411111"),
        to_account: journal::Account::None,
        kept: terms::Carried::default(),
        at: Timestamp::from_unix_ms(1_795_305_791_482 + n as i64),
    }
}

fn decided(n: u64) -> Record {
    let answer = Remembered {
        outcome: Outcome::Approved,
        code: Code::Approved,
        approval_code: Text::clipped(b"A12345"),
        rrn: Text::EMPTY,
        settlement_date: BusinessDate::new(2026, 11, 22),
    };
    let at = Timestamp::from_unix_ms(1_795_305_791_482 + n as i64);
    Record::Decided { id: TxnId(n), answer, wire_code: Text::clipped(b"00"), owes: None, approved: None, at }
}

/// A directory that goes when the measurement does.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sekisho-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}
