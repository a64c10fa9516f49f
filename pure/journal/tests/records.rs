//! What goes into the journal comes out of it.
mod shared;
use journal::memory::Memory;
use journal::{Batch, Ending, Record, Seq, Step, Walk};
use shared::{
    LANE, account, at, batches, commit, decided, every_kind, open, pan, sealed, sent, sent_to, vault, written,
};

#[test]
fn every_kind_of_record_comes_back_as_it_was() {
    let records = every_kind();
    let memory = written(16_384, std::slice::from_ref(&records));
    let (_, recovered, found) = open(memory).expect("nothing is damaged");
    assert_eq!(found, records.iter().map(sealed).collect::<Vec<_>>());
    assert_eq!(recovered.records, records.len() as u64);
    assert!(recovered.was_closed);
}

#[test]
fn a_card_number_comes_back_sealed_and_opens_under_the_key() {
    let memory = written(16_384, &[vec![Record::Sent(sent(7))]]);
    let (_, _, found) = open(memory).expect("nothing is damaged");
    let [Record::Sent(found)] = &found[..] else { panic!("one record was written") };
    assert_eq!(found.pan.open(&vault()), Ok(pan(7)));
    assert!(!format!("{found:?}").contains("622848120"));
}

#[test]
fn the_account_of_a_transfer_comes_back_sealed_and_opens_under_the_key() {
    let memory = written(16_384, &[vec![Record::Sent(sent_to(7))]]);
    let (_, _, found) = open(memory).expect("nothing is damaged");
    let [Record::Sent(found)] = &found[..] else { panic!("one record was written") };
    assert_eq!(found.to_account.open(&vault()), Ok(account(7)));
}

#[test]
fn no_card_number_lies_in_the_clear_on_disk() {
    let mut memory = written(16_384, &[every_kind()]);
    memory.edit(1, |bytes| {
        assert!(!bytes.windows(8).any(|run| run == b"62284812"));
        assert!(!bytes.windows(4).any(|run| run == [0x62, 0x28, 0x48, 0x12]));
    });
}

#[test]
fn records_are_small() {
    let bytes_of = |record: Record| {
        let mut batch = Batch::starting_at(Seq(1));
        batch.push(&record, &vault());
        batch.record_bytes()
    };
    assert!(bytes_of(Record::Sent(sent(1_000_000))) <= 200, "{}", bytes_of(Record::Sent(sent(1_000_000))));
    assert!(bytes_of(decided(1_000_000)) <= 60, "{}", bytes_of(decided(1_000_000)));
}

#[test]
fn a_journal_grows_over_segments_and_over_restarts() {
    let all = batches(&[1, 2, 3, 40, 1, 7, 9, 2, 30, 1, 1]);
    let mut memory = Memory::new(6_144);
    for batch in &all {
        let (mut journal, _, _) = open(memory).expect("nothing is damaged");
        commit(&mut journal, batch).expect("memory does not fail");
        memory = journal.into_storage();
    }
    let (journal, recovered, found) = open(memory).expect("nothing is damaged");
    assert_eq!(found, all.concat());
    assert!(journal.position().segment > 2);
    assert_eq!(recovered.position.next, Seq(98));
}

#[test]
fn a_walk_says_where_everything_is_and_goes_on_where_it_stopped() {
    let all = batches(&[2, 3]);
    let memory = written(8_192, &all);
    let (mut journal, _, _) = open(memory).expect("nothing is damaged");
    let mut walk = Walk::from_the_start().of_lane(LANE);
    let mut storage = journal.storage().clone();
    let mut seqs = Vec::new();
    let mut visit = |step| {
        if let Step::Record { seq, .. } = step {
            seqs.push(seq.0);
        }
    };
    assert_eq!(walk.run(&mut storage, &mut visit), Ok(Ending::Clean));
    commit(&mut journal, &[Record::Closed { at: at(1) }]).expect("memory does not fail");
    assert_eq!(walk.run(&mut journal.into_storage(), &mut visit), Ok(Ending::Clean));
    assert_eq!((walk.batches(), walk.records()), (3, 6));
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn batches_are_merged_without_a_gap() {
    let mut first = Batch::starting_at(Seq(1));
    first.push(&decided(1), &vault());
    let mut later = Batch::starting_at(first.next_seq());
    assert_eq!(later.push(&decided(2), &vault()), Seq(2));
    first.append(&mut later);
    assert_eq!((first.count(), later.count(), later.next_seq()), (2, 0, Seq(3)));
    let (mut journal, _, _) = open(Memory::new(8_192)).expect("an empty memory opens");
    assert_eq!(journal.commit(&mut first), Ok(Seq(2)));
    assert_eq!(first.next_seq(), Seq(3));
    assert_eq!(journal.commit(&mut later), Ok(Seq(2)));
    assert_eq!(
        journal.storage().syncs(),
        2,
        "one for the segment's head, one for the batch, none for nothing"
    );
}
