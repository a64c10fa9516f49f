//! `sekisho journal` and `sekisho recon`, typed, over journals written here.

mod typed;

use disk::{Disk, DiskOptions};
use journal::{
    Batch, Duty, Forward, Journal, Key, Named, Observation, Observed, Record, Remembered, Sent, Vault,
};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use terms::{
    Amount, BusinessDate, Code, Currency, Kind, LinkId, MessageType, Outcome, Pan, SourceId, Stan, Text,
    Timestamp, TxnId,
};
use typed::{Place, file, place, sekisho};

const PAN: &str = "6228481234567890123";
const KEY: [u8; 32] = [7; 32];
const BEGAN_MS: i64 = 1_795_305_791_482;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(BEGAN_MS + ms)
}

fn sent(id: u64, ms: i64) -> Record {
    Record::Sent(Sent {
        id: TxnId(id),
        key: Key {
            source: SourceId(0),
            terminal_id: Text::clipped(b"ATM00007"),
            stan: Stan(id as u32),
            local_time: None,
        },
        fingerprint: id,
        message: MessageType::from_digits([2, 0, 0]).expect("a type"),
        kind: Kind::Withdrawal,
        processing_code: Text::clipped(b"010000"),
        pan: Pan::new(PAN.as_bytes()).expect("digits").into(),
        amount: Amount::minor(30_000),
        currency: Currency::numeric(392).expect("three digits"),
        rrn: Text::EMPTY,
        acquirer_id: Text::EMPTY,
        transmitted_at: Text::EMPTY,
        link: LinkId(0),
        host_stan: Stan(770_000 + id as u32),
        host_rrn: Text::EMPTY,
        host_transmitted_at: Text::EMPTY,
        own_date: None,
        business_date: BusinessDate::new(2026, 11, 22).expect("a day"),
        route: Text::clipped(b"6228 -> jcn"),
        to_account: journal::Account::None,
        kept: terms::Carried::default(),
        at: at(ms),
    })
}

fn answer(outcome: Outcome, code: Code) -> Remembered {
    Remembered { outcome, code, approval_code: Text::EMPTY, rrn: Text::EMPTY, settlement_date: None }
}

/// A morning: one withdrawal approved, one that nobody answered and that was answered late.
fn morning() -> Vec<Record> {
    let named = |what, name: &[u8]| Record::Named { what, number: 0, name: Text::clipped(name) };
    vec![
        Record::Opened { version: Text::clipped(b"0.1.0"), synced: true, at: at(0) },
        named(Named::Link, b"jcn"),
        named(Named::Source, b"atm"),
        sent(1, 10),
        Record::Decided {
            id: TxnId(1),
            answer: answer(Outcome::Approved, Code::Approved),
            wire_code: Text::clipped(b"00"),
            owes: None,
            approved: None,
            at: at(52),
        },
        sent(2, 100),
        Record::TimedOut {
            id: TxnId(2),
            answer: answer(Outcome::Unknown, Code::NoAnswer),
            owes: Some(Forward {
                id: terms::ForwardId(1),
                duty: Duty::Reversal,
                link: LinkId(0),
                host_stan: Stan(770_003),
                remaining: Amount::default(),
                business_date: BusinessDate::new(2026, 11, 22).expect("a day"),
            }),
            at: at(6_101),
        },
        Record::Observed(Observed {
            kind: Observation::Late,
            link: LinkId(0),
            host_stan: Stan(770_002),
            id: Some(TxnId(2)),
            wire_code: Text::clipped(b"00"),
            at: at(9_971),
        }),
    ]
}

fn options() -> DiskOptions {
    DiskOptions { segment_bytes: 4 << 20, reserve: 0, ..DiskOptions::default() }
}

fn open(place: &Path) -> (Journal<Disk>, Vault) {
    let disk = Disk::open(place, options()).expect("nobody else is here");
    let key = disk::data_key(place, KEY).expect("it can be written");
    let (journal, _) = Journal::open(disk, 0, &mut |_| {}).expect("whole");
    (journal, Vault::new(*key, 0))
}

fn commit(journal: &mut Journal<Disk>, vault: &Vault, records: &[Record]) {
    let mut batch = Batch::starting_at(journal.position().next);
    for record in records {
        batch.push(record, vault);
    }
    journal.commit(&mut batch).expect("the disk has room");
}

/// A data directory with the morning in it, two records a sync.
fn with_morning(name: &str) -> (Place, String) {
    let place = place(name);
    let (mut journal, vault) = open(&place);
    for records in morning().chunks(2) {
        commit(&mut journal, &vault, records);
    }
    let word = place.display().to_string();
    (place, word)
}

#[test]
fn a_whole_journal_is_good_and_says_what_is_in_it() {
    let (_place, dir) = with_morning("whole");
    let said = sekisho(&["journal", "verify", &dir]).ends(0);
    for wanted in
        [": good", "records   8", "4, 2 records each", "2026-", "good up to segment 1", "behind a whole"]
    {
        assert!(said.out.contains(wanted), "{wanted}: {said:?}");
    }
    let json = sekisho(&["journal", "verify", &dir, "--json"]).ends(0).json();
    assert_eq!(json["ok"], true);
    assert_eq!(json["records"], 8);
    assert_eq!(json["batches"], 4);
    assert_eq!(json["records_per_sync"], 2.0);
    assert_eq!(json["first_at"], at(0).to_string());
    assert_eq!(json["last_at"], at(9_971).to_string());
    assert_eq!(json["end"], "clean");
    assert_eq!(json["in_use_by"], serde_json::Value::Null);
}

#[test]
fn damage_is_said_by_segment_and_offset_and_nothing_is_changed() {
    let (place, dir) = with_morning("damaged");
    let whole = sekisho(&["journal", "ls", &dir, "--json"]).ends(0).json();
    let offset = whole["data"][3]["offset"].as_u64().expect("a number") + 20;
    let segment = place.join("journal/00000001.seg");
    let bytes = fs::read(&segment).expect("it is there");
    let writer = OpenOptions::new().write(true).open(&segment).expect("it is ours");
    writer.write_all_at(&[bytes[offset as usize] ^ 1], offset).expect("it can be written");
    let damaged = fs::read(&segment).expect("it is there");
    let said = sekisho(&["journal", "verify", &dir]).ends(1);
    assert!(said.out.contains("DAMAGED") && said.err.contains("segment 1 is damaged at offset"), "{said:?}");
    let json = sekisho(&["journal", "verify", &dir, "--json"]).ends(1).json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["records"], 2);
    assert_eq!(json["damage"]["segment"], 1);
    assert!(json["damage"]["offset"].as_u64().is_some_and(|found| found <= offset), "{json}");
    assert_eq!(fs::read(&segment).expect("it is there"), damaged);
    // What stands before the damage can still be listed and shown, and the exit code says that there is more.
    let said = sekisho(&["journal", "ls", &dir]).ends(1);
    assert!(said.out.contains("opened") && said.err.contains("damaged"), "{said:?}");
    sekisho(&["journal", "show", &dir, "1"]).ends(1);
}

#[test]
fn records_are_listed_in_order_by_kind_and_from_the_end() {
    let (_place, dir) = with_morning("listed");
    let kinds = |words: &[&str]| -> Vec<String> {
        let json = sekisho(&[&["journal", "ls", &dir, "--json"], words].concat()).ends(0).json();
        assert_eq!(json["object"], "list");
        let data = json["data"].as_array().expect("a list").clone();
        data.iter().map(|record| record["kind"].as_str().expect("a text").to_string()).collect()
    };
    assert_eq!(kinds(&[]), ["opened", "named", "named", "sent", "decided", "sent", "timed_out", "observed"]);
    assert_eq!(kinds(&["--last", "2"]), ["timed_out", "observed"]);
    assert_eq!(kinds(&["--kind", "sent", "--kind", "decided", "--last", "2"]), ["decided", "sent"]);
    assert_eq!(kinds(&["--last", "0"]), [""; 0]);
    let said = sekisho(&["journal", "ls", &dir]).ends(0);
    assert_eq!(said.out.lines().count(), 9);
    assert!(
        said.out.contains("withdrawal 30000 (392) 622848*********0123 ATM00007 000001 > jcn 770001"),
        "{said:?}"
    );
    sekisho(&["journal", "ls", &dir, "--kind", "snet"]).ends(2);
}

#[test]
fn a_transaction_is_shown_from_its_first_record_to_its_last() {
    let (_place, dir) = with_morning("shown");
    let said = sekisho(&["journal", "show", &dir, "txn:2"]).ends(0).fits();
    for wanted in ["+0.000", "+6.001", "+9.871", "timed_out", "owes reversal", "late jcn 770002 00"] {
        assert!(said.out.contains(wanted), "{wanted}: {said:?}");
    }
    let json = sekisho(&["journal", "show", &dir, "txn:2", "--json"]).ends(0).json();
    assert_eq!(json["txn"], 2);
    let after: Vec<_> =
        json["records"].as_array().expect("a list").iter().map(|one| &one["after_ms"]).collect();
    assert_eq!(after, [0, 6_001, 9_871]);
    let json = sekisho(&["journal", "show", &dir, "4", "--json"]).ends(0).json();
    assert_eq!(json["seq"], 4);
    assert_eq!(json["link"], "jcn");
    assert_eq!(json["source"], "atm");
    assert_eq!(json["rrn"], serde_json::Value::Null);
    assert_eq!(json["pan"], "622848*********0123");
    for (word, code) in [("txn:3", 1), ("99", 1), ("txn:x", 2), ("four", 2)] {
        sekisho(&["journal", "show", &dir, word]).ends(code);
    }
}

#[test]
fn card_numbers_are_never_whole_and_sealed_without_their_key() {
    let (place, dir) = with_morning("sealed");
    let looks: [&[&str]; 4] =
        [&["verify", &dir], &["ls", &dir], &["show", &dir, "4"], &["show", &dir, "txn:1"]];
    for look in looks {
        for form in [&[][..], &["--json"]] {
            let said = sekisho(&[&["journal"], look, form].concat()).ends(0);
            assert!(!said.out.contains(PAN) && !said.err.contains(PAN), "{said:?}");
        }
    }
    fs::remove_file(place.join("journal.key")).expect("it is there");
    let said = sekisho(&["journal", "show", &dir, "4"]).ends(0);
    assert!(said.out.contains("sealed") && !said.out.contains("622848*"), "{said:?}");
    assert!(said.err.contains("journal.key"), "{said:?}");
    assert!(!place.join("journal.key").exists(), "looking makes no key");
}

#[test]
fn a_journal_can_be_looked_at_while_it_is_written() {
    let place = place("written");
    let (mut journal, vault) = open(&place);
    commit(&mut journal, &vault, &morning());
    let dir = place.display().to_string();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            // Longer than the looks take, and not for ever should one of them fail.
            (3..WRITTEN_MAX).take_while(|_| !is_over.load(Ordering::Relaxed)).fold(2, |_, id| {
                commit(&mut journal, &vault, &[sent(id, 20_000)]);
                id
            })
        });
        let mut last = 0;
        for _ in 0..5 {
            let json = sekisho(&["journal", "verify", &dir, "--json"]).ends(0).json();
            assert!(json["in_use_by"].as_str().is_some_and(|who| who.starts_with("process ")), "{json}");
            let records = json["records"].as_u64().expect("a number");
            assert!(records >= last, "{records} after {last}");
            last = records;
            sekisho(&["journal", "show", &dir, "txn:2"]).ends(0);
        }
        is_over.store(true, Ordering::Relaxed);
        let written = writer.join().expect("the disk has room");
        assert!(
            last > 8 && written < WRITTEN_MAX - 1,
            "{last} seen of {written}: it never waits for the writer"
        );
    });
}

/// Records one at a time, half a KiB each on disk.
const WRITTEN_MAX: u64 = 200_000;

#[test]
fn totals_are_counted_from_the_journal_and_what_nobody_knows_stands_beside_them() {
    let (_place, dir) = with_morning("counted");
    let said = sekisho(&["recon", "show", &dir]).ends(0).fits();
    for wanted in
        ["jcn  2026-11-22  currency 392", "net 30000 from accounts", "1 not counted, because nobody knows"]
    {
        assert!(said.out.contains(wanted), "{wanted}: {said:?}");
    }
    let json = sekisho(&["recon", "show", &dir, "--json"]).ends(0).json();
    let [day] = &json["data"].as_array().expect("a list")[..] else { panic!("one day: {json}") };
    assert_eq!((&day["link"], &day["business_date"]), (&"jcn".into(), &"2026-11-22".into()));
    assert_eq!(day["debits"]["done"], serde_json::json!({ "count": 1, "amount": 30_000 }));
    assert_eq!(day["unknown"], serde_json::json!({ "count": 1, "amount": 30_000 }));
    assert_eq!(day["net"], -30_000);
    for (words, days) in [
        (["--day", "2026-11-22"], 1),
        (["--day", "2026-11-23"], 0),
        (["--link", "jcn"], 1),
        (["--link", "x"], 0),
    ] {
        let json = sekisho(&[&["recon", "show", &dir, "--json"][..], &words].concat()).ends(0).json();
        assert_eq!(json["data"].as_array().map(Vec::len), Some(days), "{words:?}");
    }
    sekisho(&["recon", "show", &dir, "--day", "2026-02-30"]).ends(2);
    sekisho(&["recon", "show", "/no/such/place"]).ends(66);
}

#[test]
fn the_directory_is_named_or_comes_from_a_configuration_or_is_not_there() {
    let (place, dir) = with_morning("configured");
    sekisho(&["journal", "verify", "/no/such/place"]).ends(66);
    let config = file(&place, "sekisho.toml", format!("{CONFIG}\n[journal]\ndir = \"{dir}\"\n"));
    let said = sekisho(&["journal", "show", "--config", &config, "1"]).ends(0);
    assert!(said.out.contains("opened"), "{said:?}");
    sekisho(&["journal", "verify", "--config", &config]).ends(0);
    sekisho(&["journal", "verify", "--config", "no-such.toml"]).ends(78);
}

const CONFIG: &str = r#"
[[listener]]
name = "atm"
kind = "access"
listen = "127.0.0.1:9000"
dialect = "iso87-ascii"

[[link]]
name = "core"
dial = "127.0.0.1:9001"
dialect = "iso87-ascii"
reply_timeout_ms = 30000

[[route]]
prefix = "4111"
link = "core"
"#;
