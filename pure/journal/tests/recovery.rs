//! After any crash everything durable is found again, and whatever else was done to a journal is refused.
mod shared;
use journal::memory::Memory;
use journal::{
    Act, Batch, Cause, Damage, Journal, JournalError, Position, Record, Seq, Snapshot, Step, Storage, Walk,
};
use proptest::prelude::*;
use shared::{LANE, at, batches, commit, decided, open, sealed, vault, written};

const SECTOR: usize = 512;

/// Three batches in the first segment, four in the second, one in the third, which is the last.
fn small_journal() -> (Memory, Vec<Vec<Record>>) {
    let all = batches(&[3, 1, 6, 2, 2, 3, 1, 2, 4, 2]);
    let memory = written(2_560, &all);
    assert!(memory.clone().segments().expect("memory does not fail").len() >= 3);
    (memory, all)
}

/// The journal with all but the last batch, the sectors the last one touches, and where it begins and ends.
fn last_batch(sizes: &[u64]) -> (Memory, Memory, Vec<Vec<Record>>, Vec<usize>) {
    let all = batches(sizes);
    let (last, earlier) = all.split_last().expect("there is one");
    let before = written(65_536, earlier);
    let (mut journal, ..) = open(before.clone()).expect("nothing is damaged");
    let mut batch = Batch::starting_at(journal.position().next);
    push_all(&mut batch, last);
    // A sync that fails leaves the batch written and not durable.
    journal.storage_mut().fail(Act::Sync, 0, Cause::Os(5));
    journal.commit(&mut batch).expect_err("the sync fails");
    let unsynced = journal.into_storage();
    let sectors = unsynced.undecided().into_iter().map(|(_, sector)| sector).collect();
    (before, unsynced, all, sectors)
}

fn push_all(batch: &mut Batch, records: &[Record]) {
    for record in records {
        batch.push(record, &vault());
    }
}

#[test]
fn a_flip_of_any_byte_is_refused_or_changes_nothing() {
    let (memory, all) = small_journal();
    let everything = all.concat();
    let segments = memory.clone().segments().expect("memory does not fail");
    let (mut flips, mut harmless) = (0, 0);
    for &segment in &segments {
        for at in 0..2_560 {
            for mask in [0xFF, 0x01, 0x80] {
                let mut flipped = memory.clone();
                flipped.edit(segment, |bytes| bytes[at] ^= mask);
                flips += 1;
                match open(flipped) {
                    Err(JournalError::Damaged { segment: found, .. }) => {
                        assert!(found == segment || found == segment + 1, "segment {segment} byte {at}")
                    }
                    Err(other) => panic!("segment {segment} byte {at} mask {mask:#x}: {other}"),
                    Ok((_, recovered, found)) => {
                        assert_eq!(found, everything, "segment {segment} byte {at} mask {mask:#x}");
                        assert!(recovered.cut.is_some() && Some(&segment) == segments.last());
                        harmless += 1;
                    }
                }
            }
        }
    }
    // What was opened all the same are flips far behind the last batch, cut like any torn piece.
    assert!(harmless < flips / 4, "{harmless} of {flips}");
}

#[test]
fn what_stands_before_a_place_is_verified_up_to_it_while_a_writer_goes_on_behind() {
    let (memory, all) = small_journal();
    let (mut journal, ..) = open(memory).expect("nothing is damaged");
    let (end, segments) = (journal.position(), 1..=journal.position().segment);
    commit(&mut journal, &[decided(1)]).expect("memory does not fail");
    let mut memory = journal.into_storage();
    let up_to = |memory: &mut Memory, most: u64| {
        let mut walk = Walk::from_the_start();
        let mut left = most;
        let whole = walk.run_to(memory, &end, |step| {
            left = left.saturating_sub(u64::from(matches!(step, Step::Batch { .. })));
            left > 0
        });
        whole.map(|whole| (whole, walk.records()))
    };
    assert_eq!(up_to(&mut memory, u64::MAX).expect("it is whole"), (true, all.concat().len() as u64));
    assert!(!up_to(&mut memory, 2).expect("what was read is whole").0, "it was told to stop");
    for segment in segments {
        let last = if segment == end.segment { end.offset as usize } else { 2_560 };
        for at in (0..last).step_by(7) {
            let mut flipped = memory.clone();
            flipped.edit(segment, |bytes| bytes[at] ^= 0x10);
            up_to(&mut flipped, u64::MAX).expect_err("a flip is damage");
        }
    }
    let elsewhere = Position { offset: end.offset - 1, ..end };
    Walk::from_the_start().run_to(&mut memory, &elsewhere, |_| true).expect_err("no batch ends there");
}

#[test]
fn a_segment_cut_short_at_any_byte_is_refused() {
    let (memory, _) = small_journal();
    for segment in 1..=3 {
        for length in 0..2_560 {
            let mut cut = memory.clone();
            cut.edit(segment, |bytes| bytes.truncate(length));
            let error = open(cut).map(drop).expect_err("something is missing");
            assert!(matches!(error, JournalError::Damaged { .. }), "segment {segment} at {length}: {error}");
        }
    }
}

#[test]
fn a_last_segment_of_which_the_rest_was_never_written_keeps_its_whole_batches() {
    let all = batches(&[3, 1, 6, 2]);
    let memory = written(16_384, &all);
    let (journal, ..) = open(memory.clone()).expect("nothing is damaged");
    let end = journal.position().offset as usize;
    // Sectors are whole or not there, so a write can only have stopped between two of them.
    for from in (SECTOR..end.next_multiple_of(SECTOR)).step_by(SECTOR) {
        let mut lost = memory.clone();
        lost.edit(1, |bytes| bytes[from..].fill(0));
        let (_, _, found) = open(lost).expect("a torn tail is no damage");
        let whole: Vec<_> = (1..=all.len()).map(|count| all[..count].concat()).collect();
        assert!(found.is_empty() || whole.contains(&found), "from {from}");
    }
    let mut inside_a_sector = memory;
    inside_a_sector.edit(1, |bytes| bytes[end - 20..].fill(0));
    open(inside_a_sector).map(drop).expect_err("no disk tears a sector");
}

#[test]
fn every_subset_of_the_sectors_of_the_last_batch_opens_with_all_earlier_ones() {
    for sizes in [&[1, 2][..], &[2, 3, 9], &[3, 20], &[5, 30], &[1, 1, 1, 33], &[7, 1]] {
        let (_, unsynced, all, sectors) = last_batch(sizes);
        assert!(sectors.len() <= 12, "{} sectors", sectors.len());
        let (everything, earlier) = (all.concat(), all[..all.len() - 1].concat());
        for kept in 0..1_u32 << sectors.len() {
            let mut crashed = unsynced.clone();
            crashed.crash(|_, sector| {
                sectors.iter().position(|s| *s == sector).is_some_and(|place| kept >> place & 1 == 1)
            });
            let (journal, recovered, found) = open(crashed).expect("a crash is no damage");
            let is_whole = kept + 1 == 1 << sectors.len();
            assert_eq!(found, if is_whole { everything.clone() } else { earlier.clone() });
            assert_eq!(recovered.cut.is_some(), !is_whole && kept != 0, "{sizes:?}: {kept:b}");
            // And it goes on from there.
            let mut journal = journal;
            commit(&mut journal, &[decided(1)]).expect("memory does not fail");
            let (_, _, found) = open(journal.into_storage()).expect("nothing is damaged");
            assert_eq!(found.last(), Some(&decided(1)));
        }
    }
}

#[test]
fn a_flip_in_the_last_batch_is_damage_although_it_is_the_last() {
    let (memory, ..) = last_batch(&[2, 9, 1]);
    let (journal, ..) = open(memory.clone()).expect("nothing is damaged");
    let position = journal.position();
    for at in SECTOR..position.offset as usize {
        let mut flipped = memory.clone();
        flipped.edit(1, |bytes| bytes[at] ^= 0x10);
        let error = open(flipped).map(drop).expect_err("a flip is not a tear");
        assert!(matches!(error, JournalError::Damaged { segment: 1, .. }), "byte {at}: {error}");
    }
}

#[test]
fn a_sector_missing_before_the_last_batch_is_damage() {
    let all = batches(&[12, 12, 12]);
    let memory = written(32_768, &all);
    let (journal, ..) = open(memory.clone()).expect("nothing is damaged");
    let last_sector = journal.position().offset as usize / SECTOR;
    let first_of_last = last_sector - 4;
    for sector in 1..first_of_last {
        let mut lost = memory.clone();
        lost.edit(1, |bytes| bytes[sector * SECTOR..][..SECTOR].fill(0));
        let error = open(lost).map(drop).expect_err("later batches prove that it was durable");
        assert!(matches!(error, JournalError::Damaged { .. }), "sector {sector}: {error}");
    }
}

#[test]
fn a_missing_segment_is_refused_wherever_it_was() {
    let (memory, _) = small_journal();
    let count = memory.clone().segments().expect("memory does not fail").len() as u32;
    for segment in 1..=count {
        let mut lost = memory.clone();
        lost.lose(segment);
        let damage = Damage::SegmentMissing;
        let expected = JournalError::Damaged { segment, offset: 0, damage };
        assert_eq!(open(lost).map(drop), Err(expected));
    }
}

#[test]
fn segments_that_changed_places_are_refused() {
    let (memory, _) = small_journal();
    let mut copy = Vec::new();
    let mut mixed = memory.clone();
    mixed.edit(1, |bytes| copy.clone_from(bytes));
    mixed.edit(2, |bytes| bytes.clone_from(&copy));
    let damage = Damage::SegmentNumber { found: 1 };
    assert_eq!(open(mixed).map(drop), Err(JournalError::Damaged { segment: 2, offset: 0, damage }));
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let (memory, _) = small_journal();
    let other = written(2_560, &batches(&[2, 1, 6, 2, 2, 3, 1, 2, 4, 2]));
    for segment in 2..=3 {
        let (mut mixed, mut other) = (memory.clone(), other.clone());
        let mut foreign = Vec::new();
        other.edit(segment, |bytes| foreign.clone_from(bytes));
        mixed.edit(segment, |bytes| bytes.clone_from(&foreign));
        assert!(matches!(open(mixed).map(drop), Err(JournalError::Damaged { .. })), "segment {segment}");
    }
}

#[test]
fn another_lane_s_journal_is_refused() {
    let (memory, _) = small_journal();
    let error = Journal::open(memory, LANE + 1, &mut |_| {}).map(drop);
    assert_eq!(error, Err(JournalError::OtherLane { segment: 1, found: LANE, expected: LANE + 1 }));
}

#[test]
fn a_crash_at_any_write_or_sync_between_two_segments_loses_nothing_durable() {
    let all = batches(&[3, 3, 3, 3]);
    let mut crashes = 0;
    for act in [Act::Create, Act::Write, Act::Sync] {
        for nth in 0..20 {
            for seed in 0..16 {
                let mut memory = Memory::new(1_536);
                memory.fail(act, nth, Cause::Os(5));
                let Ok((mut journal, ..)) = open(memory.clone()) else { continue };
                let durable = all.iter().take_while(|batch| commit(&mut journal, batch).is_ok()).count();
                crashes += usize::from(durable < all.len());
                memory = journal.into_storage();
                memory.crash_by_seed(seed);
                let (mut journal, _, found) = open(memory).expect("a crash is no damage");
                let (least, most) = (all[..durable].concat(), all[..(durable + 1).min(all.len())].concat());
                assert!(found == least || found == most, "{act:?} {nth} seed {seed}");
                commit(&mut journal, &[decided(1)]).expect("memory does not fail");
                open(journal.into_storage()).map(drop).expect("nothing is damaged");
            }
        }
    }
    assert!(crashes > 200, "{crashes}");
}

#[test]
fn a_crash_while_the_tail_is_cut_changes_nothing() {
    let (_, unsynced, all, sectors) = last_batch(&[3, 20]);
    for kept in 1..(1_u32 << sectors.len()) - 1 {
        let mut crashed = unsynced.clone();
        crashed.crash(|_, sector| {
            sectors.iter().position(|s| *s == sector).is_some_and(|place| kept >> place & 1 == 1)
        });
        crashed.fail(Act::Sync, 0, Cause::Os(5));
        let mut again = crashed.clone();
        let failed = Journal::open(&mut again, LANE, &mut |_| {}).map(drop);
        assert!(failed.is_err(), "{kept:b}");
        again.crash_by_seed(u64::from(kept));
        let (_, _, found) = open(again).expect("a crash is no damage");
        assert_eq!(found, all[0]);
    }
}

#[test]
fn what_a_restart_found_survives_a_power_cut_right_after_it() {
    let all = batches(&[3, 3, 2, 3, 1, 3, 3]);
    let mut restarts = 0;
    for act in [Act::Create, Act::Write, Act::Sync] {
        for nth in 0..24 {
            for loses_all in [true, false] {
                let (mut journal, ..) = open(Memory::new(1_536)).expect("an empty memory opens");
                journal.storage_mut().fail(act, nth, Cause::Os(5));
                let stopped = all.iter().any(|batch| commit(&mut journal, batch).is_err());
                restarts += usize::from(stopped);
                // Only the process dies: what it wrote reads as written, durable or not.
                let mut memory = journal.into_storage();
                memory.restart();
                let (mut journal, _, found) = open(memory).expect("a restart is no damage");
                commit(&mut journal, &[decided(1)]).expect("memory does not fail");
                let mut memory = journal.into_storage();
                memory.crash(|_, _| !loses_all);
                let (_, _, again) = open(memory).expect("a crash is no damage");
                assert_eq!(again, [found, vec![decided(1)]].concat(), "{act:?} {nth}");
            }
        }
    }
    assert!(restarts > 40, "{restarts}");
}

#[test]
fn a_start_whose_sync_fails_opens_nothing_and_the_tail_it_read_is_there_whole_or_gone() {
    let (_, unsynced, all, sectors) = last_batch(&[3, 20]);
    let both = all.concat();
    for kept in 0..(1_u32 << sectors.len()) {
        let mut memory = unsynced.clone();
        memory.restart();
        memory.fail(Act::Sync, 0, Cause::Os(5));
        let mut read = Vec::new();
        let opened = Journal::open(&mut memory, LANE, &mut |record| read.push(record)).map(drop);
        assert_eq!(read, both, "the system still shows the tail");
        assert!(opened.is_err(), "and nobody may act on it: it is not durable");
        memory.crash(|_, sector| {
            sectors.iter().position(|s| *s == sector).is_none_or(|place| kept >> place & 1 == 1)
        });
        let (_, _, found) = open(memory).expect("a crash is no damage");
        assert!(found == both || found == all[0], "{kept:b}");
    }
}

#[test]
fn a_cut_that_failed_is_done_again_by_the_next_start() {
    let (_, unsynced, all, sectors) = last_batch(&[3, 20]);
    let mut torn = unsynced;
    torn.crash(|_, sector| sector % 2 == sectors[0] % 2);
    torn.fail(Act::Sync, 0, Cause::Os(5));
    assert!(Journal::open(&mut torn, LANE, &mut |_| {}).is_err());
    // The system shows zeros now; the disk still holds the pieces.
    torn.restart();
    let (mut journal, _, found) = open(torn).expect("a restart is no damage");
    assert_eq!(found, all[0]);
    commit(&mut journal, &[decided(1)]).expect("memory does not fail");
    let mut memory = journal.into_storage();
    memory.crash(|_, _| false);
    let (_, _, found) = open(memory).expect("a crash is no damage");
    assert_eq!(found.last(), Some(&decided(1)));
}

#[test]
fn after_an_error_nothing_is_committed_any_more() {
    let (mut journal, ..) = open(Memory::new(8_192)).expect("an empty memory opens");
    journal.storage_mut().fail(Act::Write, 0, Cause::NoSpace);
    let error = commit(&mut journal, &[decided(1)]).expect_err("the disk is full");
    assert_eq!(error.to_string(), "cannot write segment 1: no space left");
    assert_eq!(commit(&mut journal, &[decided(1)]), Err(JournalError::Stopped));
}

#[test]
fn a_batch_larger_than_a_segment_is_refused_and_named() {
    let (mut journal, ..) = open(Memory::new(2_048)).expect("an empty memory opens");
    let error = commit(&mut journal, &batches(&[40]).concat()).expect_err("it does not fit");
    assert!(matches!(error, JournalError::TooLarge { segment_bytes: 2_048, .. }), "{error}");
}

#[test]
fn a_snapshot_is_folded_first_and_then_what_came_after_it() {
    let all = batches(&[3, 4, 2]);
    let (mut journal, ..) = open(Memory::new(4_096)).expect("an empty memory opens");
    for (n, batch) in all.iter().enumerate() {
        commit(&mut journal, batch).expect("memory does not fail");
        let mut snapshot = Snapshot::new();
        (0..=n as u64).for_each(|n| snapshot.push(&Record::Closed { at: at(n) }, &vault()));
        journal.keep_snapshot(&snapshot).expect("memory does not fail");
    }
    commit(&mut journal, &[decided(99)]).expect("memory does not fail");
    let mut memory = journal.into_storage();
    assert_eq!(memory.snapshots(), Ok(vec![Seq(8), Seq(10)]), "two are kept");
    let closed = |count| (0..count).map(|n| Record::Closed { at: at(n) }).collect::<Vec<_>>();

    let (_, recovered, found) = open(memory.clone()).expect("nothing is damaged");
    assert_eq!((recovered.snapshot, recovered.records), (Some(Seq(10)), 1));
    assert_eq!(found, [closed(3), vec![decided(99)]].concat());

    memory.edit_snapshot(Seq(10), |bytes| bytes[100] ^= 1);
    let (_, recovered, found) = open(memory.clone()).expect("an older snapshot is left");
    assert_eq!((recovered.snapshot, recovered.bad_snapshots), (Some(Seq(8)), vec![Seq(10)]));
    assert_eq!(found, [closed(2), all[2].clone(), vec![decided(99)]].concat());

    memory.edit_snapshot(Seq(8), |bytes| bytes.truncate(50));
    let (_, recovered, found) = open(memory).expect("the records are left");
    assert_eq!((recovered.snapshot, recovered.bad_snapshots), (None, vec![Seq(10), Seq(8)]));
    assert_eq!(found, [all.concat(), vec![decided(99)]].concat());
}

#[test]
fn a_journal_that_ends_before_its_snapshot_is_refused() {
    let (mut journal, ..) = open(Memory::new(8_192)).expect("an empty memory opens");
    commit(&mut journal, &batches(&[12]).concat()).expect("memory does not fail");
    journal.keep_snapshot(&Snapshot::new()).expect("memory does not fail");
    let mut memory = journal.into_storage();
    memory.edit(1, |bytes| bytes[SECTOR..].fill(0));
    let error = open(memory).map(drop).expect_err("records are lost");
    assert!(matches!(error, JournalError::Damaged { damage: Damage::BatchOrder, .. }), "{error}");
}

/// What is done in one life: batches of so many records, which act fails the how manyeth time, and how it ends.
type Life = (Vec<u64>, u32, u32, u64);

/// Lives one after the other on the same storage. Whatever was durable is found again, and the last batch whole or
/// not at all.
fn live_and_die(segment_bytes: u64, lives: &[Life]) -> Result<(), TestCaseError> {
    let mut memory = Memory::new(segment_bytes);
    let mut durable: Vec<Record> = Vec::new();
    for (sizes, act, nth, seed) in lives {
        memory.fail([Act::Create, Act::Write, Act::Sync][*act as usize], *nth, Cause::Os(5));
        let mut under_way = Vec::new();
        let mut opened = Vec::new();
        let mut committed = Vec::new();
        {
            let found = Journal::open(&mut memory, LANE, &mut |record| opened.push(record));
            if let Ok((mut journal, _)) = found {
                for records in batches(sizes) {
                    let mut batch = Batch::starting_at(journal.position().next);
                    push_all(&mut batch, &records);
                    if journal.commit(&mut batch).is_err() {
                        under_way = records;
                        break;
                    }
                    committed.extend(records);
                }
            }
        }
        prop_assert!(opened.is_empty() || opened == durable);
        durable.extend(committed);
        if seed % 3 == 0 {
            memory.restart();
        } else {
            memory.crash_by_seed(*seed);
        }
        let (reopened, _, found) = open(memory).expect("neither a crash nor a restart is damage");
        memory = reopened.into_storage();
        let with_last = [&durable[..], &under_way].concat();
        prop_assert!(found == durable || found == with_last);
        durable = found;
    }
    Ok(())
}

#[test]
fn a_segment_that_was_made_and_not_begun_does_not_make_a_torn_batch_before_it_damage() {
    // A big batch wants a new segment and its head is not written; a smaller one then goes on in the old segment,
    // and is torn.
    let lives = [
        (vec![2], 0, 1, 0),
        (vec![6, 6, 1, 4], 2, 4, 8_819_403_370_246_291_071),
        (vec![6, 7], 1, 3, 0),
        (vec![3], 2, 1, 4_259_014_306_847_946_640),
    ];
    for segment_bytes in (2_560..9_000).step_by(8) {
        if let Err(error) = live_and_die(segment_bytes, &lives) {
            panic!("segments of {segment_bytes} bytes: {error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn crash_after_crash_nothing_durable_is_ever_lost(
        segment_bytes in 2_560_u64..9_000,
        lives in prop::collection::vec(
            (prop::collection::vec(1_u64..9, 0..8), 0_u32..3, 0_u32..12, any::<u64>()), 1..6),
    ) {
        live_and_die(segment_bytes, &lives)?;
    }

    #[test]
    fn random_bytes_over_a_journal_are_damage_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..2_000) {
        let (mut memory, all) = small_journal();
        memory.edit(2, |whole| {
            let end = (at + bytes.len()).min(whole.len());
            whole[at.min(end)..end].copy_from_slice(&bytes[..end - at.min(end)]);
        });
        if let Ok((_, _, found)) = open(memory) {
            prop_assert_eq!(found, all.concat());
        }
    }
}

#[test]
fn a_sealed_card_is_written_as_it_was_read() {
    let record = sealed(&Record::Sent(shared::sent(5)));
    let (_, _, found) = open(written(4_096, &[vec![record.clone()]])).expect("nothing is damaged");
    assert_eq!(found, [record]);
}
