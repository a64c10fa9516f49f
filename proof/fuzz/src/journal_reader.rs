//! Journals: whatever stands on the disk, opening it never panics, and what is given back was written, in order
//! and from the first record on.

use journal::memory::Memory;
use journal::{Batch, Journal, Record, Vault, Walk};
use std::sync::LazyLock;
use terms::{Text, Timestamp};

const LANE: u16 = 0;
const SEGMENT_BYTES: usize = 8 << 10;
/// Bytes that say one change: where (two), how many bytes, exclusive-or with what.
const EDIT_BYTES: usize = 4;

struct Written {
    memory: Memory,
    records: Vec<Record>,
    /// The bytes of the first segment.
    first: Vec<u8>,
}

static GOOD: LazyLock<Written> = LazyLock::new(|| {
    let (mut journal, _) =
        Journal::open(Memory::new(SEGMENT_BYTES as u64), LANE, &mut |_| ()).expect("empty");
    let (vault, mut records) = (Vault::new([7; 32], LANE), Vec::new());
    for size in [1, 3, 40, 2, 100, 1, 60] {
        let mut batch = Batch::starting_at(journal.position().next);
        for _ in 0..size {
            let record = record(records.len());
            batch.push(&record, &vault);
            records.push(record);
        }
        journal.commit(&mut batch).expect("memory does not fail");
    }
    let mut memory = journal.into_storage();
    let mut first = Vec::new();
    memory.edit(1, |bytes| first.clone_from(bytes));
    Written { memory, records, first }
});

fn record(number: usize) -> Record {
    let at = Timestamp::from_unix_ms(1_795_305_791_000 + number as i64);
    Record::Opened { version: Text::clipped(format!("v{number}").as_bytes()), synced: true, at }
}

/// An even first byte: the rest are changes to a good journal. An odd one: the rest is the only segment.
pub fn check(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else { return };
    if how % 2 == 0 { changed(rest) } else { anything(rest) }
}

fn changed(edits: &[u8]) {
    let mut memory = GOOD.memory.clone();
    for edit in edits.chunks_exact(EDIT_BYTES).take(16) {
        let segment = 1 + u32::from(edit[0] >> 5) % 2;
        let at = usize::from(u16::from_be_bytes([edit[0] & 0x1F, edit[1]]));
        memory.edit(segment, |bytes| {
            let end = (at + 1 + usize::from(edit[2] % 64)).min(bytes.len());
            // What is written as nothing, mostly: that is what a torn write looks like.
            bytes[at.min(end)..end]
                .iter_mut()
                .for_each(|byte| if edit[3] < 128 { *byte = 0 } else { *byte ^= edit[3] });
        });
    }
    gives_back_a_beginning(memory);
}

fn anything(segment: &[u8]) {
    let mut memory = GOOD.memory.clone();
    memory.lose(2);
    memory.edit(1, |bytes| {
        let length = segment.len().min(bytes.len());
        bytes[..length].copy_from_slice(&segment[..length]);
        bytes[length..].fill(0);
    });
    gives_back_a_beginning(memory);
}

/// What is found is what was written, from the first on. Opened once, it opens again and finds the same.
fn gives_back_a_beginning(mut memory: Memory) {
    let mut walked = 0;
    let _ = Walk::from_the_start().run(&mut memory, |_| walked += 1);
    let mut found = Vec::new();
    let (journal, recovered) = match Journal::open(memory, LANE, &mut |record| found.push(record)) {
        Ok(opened) => opened,
        Err(error) => return drop(error.to_string()),
    };
    assert!(GOOD.records.starts_with(&found), "{} records, and not the first ones", found.len());
    assert_eq!(recovered.records, found.len() as u64);
    let mut again = Vec::new();
    let reopened = Journal::open(journal.into_storage(), LANE, &mut |record| again.push(record));
    let (_, recovered) = reopened.unwrap_or_else(|error| panic!("it opened once: {error}"));
    assert!(again == found && recovered.cut.is_none(), "opened again it is another");
}

/// The good journal unchanged, its first segment, and some small changes.
pub fn seeds() -> Vec<Vec<u8>> {
    let whole = [&[1][..], &GOOD.first].concat();
    let edits = [[0, 0, 0, 0xFF], [0x02, 0x10, 9, 0x81], [0x1F, 0x00, 63, 0], [0x24, 0x00, 0, 0xFF]];
    let mut seeds = vec![vec![0], whole];
    seeds.extend(edits.iter().map(|edit| [&[0][..], edit].concat()));
    seeds.push([&[0][..], edits.as_flattened()].concat());
    seeds
}
