//! Real files in a directory of their own.
use disk::{Disk, DiskError, DiskOptions, GroupCommit, data_key, holder};
use journal::{Batch, Ending, Journal, JournalError, Record, Seq, Snapshot, Storage, Vault, Walk};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use terms::{Text, Timestamp};

/// A directory that goes when the test does.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sekisho-disk-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self(path)
    }

    fn disk(&self) -> Disk {
        Disk::open(&self.0, options()).expect("nobody else is here")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options() -> DiskOptions {
    DiskOptions { segment_bytes: 4 << 20, reserve: 1, ..DiskOptions::default() }
}

fn vault() -> Vault {
    Vault::new([1; 32], 0)
}

fn record(n: i64) -> Record {
    Record::Closed { at: Timestamp::from_unix_ms(n) }
}

fn replayed(disk: Disk) -> Result<(Journal<Disk>, Vec<Record>), JournalError> {
    let mut records = Vec::new();
    let (journal, _) = Journal::open(disk, 0, &mut |record| records.push(record))?;
    Ok((journal, records))
}

fn commit(journal: &mut Journal<Disk>, numbers: std::ops::Range<i64>) -> Result<Seq, JournalError> {
    let mut batch = Batch::starting_at(journal.position().next);
    for n in numbers {
        batch.push(&record(n), &vault());
    }
    journal.commit(&mut batch)
}

#[test]
fn what_was_committed_is_there_after_the_next_start() {
    let place = Place::new();
    let (mut journal, found) = replayed(place.disk()).expect("an empty directory opens");
    assert!(found.is_empty());
    assert_eq!(commit(&mut journal, 0..3), Ok(Seq(3)));
    assert_eq!(commit(&mut journal, 3..4), Ok(Seq(4)));
    drop(journal);
    let (_, found) = replayed(place.disk()).expect("nothing is damaged");
    assert_eq!(found, (0..4).map(record).collect::<Vec<_>>());
}

#[test]
fn a_second_instance_is_refused_and_told_who_holds_it() {
    let place = Place::new();
    assert_eq!(holder(&place.0), None);
    let first = place.disk();
    let error = Disk::open(&place.0, options()).expect_err("it is held");
    let me = format!("process {} on ", std::process::id());
    assert!(
        matches!(&error, DiskError::Held { holder, .. } if holder.to_string().starts_with(&me)),
        "{error}"
    );
    assert!(holder(&place.0).is_some());
    drop(first);
    assert_eq!(holder(&place.0), None);
    place.disk();
}

#[test]
fn a_directory_that_cannot_be_made_is_a_clear_error() {
    let place = Place::new();
    let file = place.0.join("a-file");
    fs::write(&file, b"").expect("the directory can be written");
    let error = Disk::open(&file.join("below"), options()).expect_err("a file is no directory");
    assert!(error.to_string().starts_with("cannot create /"), "{error}");
}

#[test]
fn segments_stand_ready_before_they_are_needed() {
    let place = Place::new();
    let disk = Disk::open(&place.0, DiskOptions { reserve: 2, ..options() }).expect("nobody else is here");
    let reserve = disk.reserve().expect("it was opened for writing");
    let deadline = Instant::now() + Duration::from_secs(30);
    while reserve.ready() < 2 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!((reserve.ready(), reserve.is_failing()), (2, false));
    let (journal, _) = replayed(disk).expect("an empty directory opens");
    let mut disk = journal.into_storage();
    assert_eq!(disk.create(2), Ok(4 << 20));
    assert_eq!(disk.segments(), Ok(vec![1, 2]));
    assert!(reserve.ready() >= 1);
}

#[test]
fn a_journal_goes_on_over_many_segments() {
    let place = Place::new();
    let (mut journal, _) = replayed(place.disk()).expect("an empty directory opens");
    let mut n = 0;
    while journal.position().segment < 4 {
        commit(&mut journal, n..n + 20_000).expect("there is room");
        n += 20_000;
    }
    drop(journal);
    let (_, found) = replayed(place.disk()).expect("nothing is damaged");
    assert_eq!(found.len() as i64, n);
    assert_eq!(found.last(), Some(&record(n - 1)));
}

#[test]
fn a_reader_follows_while_a_writer_writes_and_changes_nothing() {
    let place = Place::new();
    let (mut journal, _) = replayed(place.disk()).expect("an empty directory opens");
    commit(&mut journal, 0..3).expect("there is room");
    let mut reader = Disk::open_for_reading(&place.0).expect("reading needs no lock");
    let mut walk = Walk::from_the_start();
    assert_eq!(walk.run(&mut reader, |_| {}), Ok(Ending::Clean));
    commit(&mut journal, 3..5).expect("there is room");
    assert_eq!(walk.run(&mut reader, |_| {}), Ok(Ending::Clean));
    assert_eq!(walk.records(), 5);
    let refused = reader.write(1, 0, b"x").expect_err("it only reads");
    assert_eq!(refused.to_string(), "cannot write segment 1: it was opened only to be read");
}

#[test]
fn a_torn_tail_in_a_file_is_cut_and_a_changed_byte_is_refused() {
    let place = Place::new();
    let (mut journal, _) = replayed(place.disk()).expect("an empty directory opens");
    commit(&mut journal, 0..3).expect("there is room");
    let before = journal.position().offset as usize;
    commit(&mut journal, 3..100).expect("there is room");
    let end = journal.position().offset as usize;
    drop(journal);
    let path = place.0.join("journal/00000001.seg");
    let whole = fs::read(&path).expect("it is there");

    let mut changed = whole.clone();
    changed[end - 100] ^= 1;
    fs::write(&path, &changed).expect("it can be written");
    let error = replayed(place.disk()).expect_err("a byte was changed");
    assert!(error.to_string().starts_with("segment 1 is damaged at offset 6"), "{error}");

    let mut torn = whole;
    torn[before.next_multiple_of(512)..][..512].fill(0);
    fs::write(&path, &torn).expect("it can be written");
    let (journal, found) = replayed(place.disk()).expect("a torn tail is no damage");
    assert_eq!((found.len(), journal.position().offset as usize), (3, before));
    drop(journal);
    let bytes = fs::read(&path).expect("it is there");
    assert!(bytes[before..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_data_key_is_made_once_and_kept_from_others() {
    let place = Place::new();
    let key = data_key(&place.0, [7; 32]).expect("none is there yet");
    assert_eq!(*key, [7; 32]);
    assert_eq!(*data_key(&place.0, [8; 32]).expect("it is there"), [7; 32]);
    let path = place.0.join("journal.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    assert!(matches!(data_key(&place.0, [9; 32]), Err(DiskError::KeyExposed { mode: 0o640, .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(&path, [1; 31]).expect("it is ours");
    assert!(matches!(data_key(&place.0, [9; 32]), Err(DiskError::KeyLength { found_bytes: 31, .. })));
}

#[test]
fn a_lost_data_key_is_not_replaced_by_another() {
    let place = Place::new();
    data_key(&place.0, [7; 32]).expect("none is there yet");
    drop(replayed(place.disk()).expect("an empty directory opens"));
    fs::remove_file(place.0.join("journal.key")).expect("it is there");
    assert!(matches!(data_key(&place.0, [7; 32]), Err(DiskError::KeyMissing { .. })));
}

#[test]
fn what_is_submitted_becomes_durable_in_order() {
    let place = Place::new();
    let (journal, _) = replayed(place.disk()).expect("an empty directory opens");
    let (tell, told) = mpsc::channel();
    let (commits, mut batch) =
        GroupCommit::spawn(journal, move |durable| tell.send(durable).expect("the test listens"))
            .expect("a thread can be started");
    for n in 0..1_000 {
        batch.push(&record(n), &vault());
        if n % 3 == 0 {
            commits.submit(&mut batch).expect("the journal runs");
        }
    }
    commits.submit(&mut batch).expect("the journal runs");
    let journal = commits.close().expect("nothing failed");
    assert_eq!(journal.position().next, Seq(1_001));
    let durable: Vec<_> = told.iter().map(|durable| durable.expect("nothing failed")).collect();
    assert!(durable.is_sorted() && durable.last() == Some(&Seq(1_000)));
    drop(journal);
    let (_, found) = replayed(place.disk()).expect("nothing is damaged");
    assert_eq!(found, (0..1_000).map(record).collect::<Vec<_>>());
}

#[test]
fn more_than_one_batch_can_hold_waits_and_is_not_lost() {
    let place = Place::new();
    let (journal, _) = replayed(place.disk()).expect("an empty directory opens");
    let (commits, mut batch) = GroupCommit::spawn(journal, |_| {}).expect("a thread can be started");
    let long = Record::Opened {
        version: Text::clipped(b"sixteen letters!"),
        synced: true,
        at: Timestamp::default(),
    };
    for _ in 0..200_000 {
        batch.push(&long, &vault());
        if batch.is_full() {
            commits.submit(&mut batch).expect("the journal runs");
        }
    }
    commits.submit(&mut batch).expect("the journal runs");
    let figures = commits.figures();
    assert!(figures.records <= 200_000);
    assert_eq!(commits.close().expect("nothing failed").position().next, Seq(200_001));
}

#[test]
fn a_snapshot_stands_for_everything_before_it() {
    let place = Place::new();
    let (journal, _) = replayed(place.disk()).expect("an empty directory opens");
    let (commits, mut batch) = GroupCommit::spawn(journal, |_| {}).expect("a thread can be started");
    for n in 0..10 {
        batch.push(&record(n), &vault());
    }
    let mut snapshot = Snapshot::new();
    snapshot.push(&record(77), &vault());
    commits.submit_with_snapshot(&mut batch, snapshot).expect("the journal runs");
    batch.push(&record(10), &vault());
    commits.submit(&mut batch).expect("the journal runs");
    drop(commits.close().expect("nothing failed"));
    let (_, found) = replayed(place.disk()).expect("nothing is damaged");
    assert_eq!(found, [record(77), record(10)]);
}

#[test]
fn a_failing_disk_stops_the_commits_for_good() {
    use journal::{Act, Cause, memory::Memory};
    let (mut journal, _) =
        Journal::open(Memory::new(1 << 20), 0, &mut |_| {}).expect("an empty memory opens");
    journal.storage_mut().fail(Act::Sync, 1, Cause::Os(5));
    let (tell, told) = mpsc::channel();
    let (commits, mut batch) =
        GroupCommit::spawn(journal, move |durable| tell.send(durable).expect("the test listens"))
            .expect("a thread can be started");
    batch.push(&record(0), &vault());
    commits.submit(&mut batch).expect("the journal runs");
    assert_eq!(told.recv(), Ok(Ok(Seq(1))));
    batch.push(&record(1), &vault());
    commits.submit(&mut batch).expect("the journal runs");
    let error = told.recv().expect("the thread tells").expect_err("the second sync fails");
    assert_eq!(error.to_string(), "cannot sync segment 1: os error 5");
    batch.push(&record(2), &vault());
    assert_eq!(commits.submit(&mut batch), Err(JournalError::Stopped));
    assert!(told.recv().is_err(), "nothing is told after the error");
}

#[test]
fn starting_is_quick() {
    let place = Place::new();
    let began = Instant::now();
    let disk = Disk::open(&place.0, DiskOptions::default()).expect("nobody else is here");
    drop(replayed(disk).expect("an empty directory opens"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
