//! A store of keys under other people's hands, and under power failures.

use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use keys::{New, Order, Origin, Owner, Refusal, Start, State};
use keystore::{Act, AuditError, Store, StoreError, verify};
use std::fs;
use std::path::{Path, PathBuf};
use terms::Timestamp;

const FRESH: [u8; 32] = [7; 32];
const LMK: &str = "ABCDEF0000000000";

struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn place(name: &str) -> Place {
    let place =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keystore-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    Place(place)
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_795_305_600_000 + ms)
}

fn owner() -> Owner {
    Owner::parse("link/cn").expect("a link")
}

fn act(word: &str) -> Act {
    Act { act: word.into(), by: "mori".into(), second: String::new(), reason: "a test".into() }
}

fn check(number: u8) -> CheckValue {
    CheckValue::told(&[number; 3]).expect("three bytes")
}

fn add(number: u8) -> Order {
    let key = StoredKey::new(Role::Zpk, format!("D0112P0AE00E0000{number:02}"));
    Order::Add(New { key, check: check(number), origin: Origin::Drawn, start: Start::ByOrder, set: 0 })
}

/// A store with so many changes.
fn store_with(place: &Place, changes: u8) -> Store {
    let mut store = Store::open(&place.0, LMK, &FRESH).expect("a new store");
    for number in 1..=changes {
        store.change(&owner(), at(number.into()), [add(number)], &act("generate")).expect("a new key");
    }
    store
}

fn open(place: &Place) -> Result<Store, StoreError> {
    Store::open(&place.0, LMK, &[9; 32])
}

#[test]
fn what_was_changed_is_there_after_a_restart_and_in_the_audit() {
    let place = place("restart");
    let before = store_with(&place, 3).holding(&owner()).expect("readable");
    let mut store = open(&place).expect("it opens again");
    assert_eq!(store.holding(&owner()).expect("readable"), before);
    assert_eq!(store.owners().expect("a directory"), [owner()]);
    let mut told = Vec::new();
    let verified = verify(&place.0, |line| told.extend(line.changes.clone())).expect("whole");
    assert_eq!((verified.entries, verified.sealed), (3, true));
    assert_eq!(told[2], "zpk generation 3: generated, check value 030303");
}

#[test]
fn a_refused_order_is_not_written_down_and_changes_nothing() {
    let place = place("refused");
    let mut store = store_with(&place, 1);
    let refused = store.change(&owner(), at(9), [Order::Activate(Role::Zpk, 1, 0)], &act("activate"));
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::NotConfirmed))));
    // Nor is the first of two, where the second is refused.
    let both = [Order::Confirm(Role::Zpk, 1, check(1)), Order::Destroy(Role::Zpk, 4)];
    assert!(store.change(&owner(), at(9), both, &act("activate")).is_err());
    assert_eq!(store.audit_number(), 1);
    assert_eq!(store.holding(&owner()).expect("readable").keys()[0].state, State::Generated);
}

#[test]
fn two_who_use_one_store_see_what_the_other_does() {
    let place = place("two");
    let (mut first, mut second) = (store_with(&place, 1), open(&place).expect("it opens beside the first"));
    first.change(&owner(), at(5), [add(2)], &act("generate")).expect("a new key");
    assert!(second.has_news());
    let news = second.news().expect("an audit that goes on");
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].0, news[0].1.as_ref().expect("readable").keys().len()), (owner(), 2));
    assert!(!second.has_news());
    assert_eq!(second.holding(&owner()).expect("readable").keys().len(), 2);
    second.change(&owner(), at(6), [add(3)], &act("generate")).expect("a new key");
    first.change(&owner(), at(7), [add(4)], &act("generate")).expect("it sees the third first");
    assert_eq!(first.holding(&owner()).expect("readable").keys().len(), 4);
    assert_eq!(verify(&place.0, |_| {}).expect("whole").entries, 4);
}

#[test]
fn what_another_did_is_still_news_to_whoever_changed_something_meanwhile() {
    let place = place("meanwhile");
    let (mut switch, mut person) = (store_with(&place, 1), open(&place).expect("it opens beside the first"));
    let cards = Owner::parse("link/cards").expect("a link");
    person.change(&owner(), at(5), [Order::Compromise(Role::Zpk, None)], &act("compromise")).expect("a key");
    // The switch writes something about another owner before it has looked.
    switch.change(&cards, at(6), [add(2)], &act("generate")).expect("a new key");
    assert!(switch.has_news(), "the key somebody may know must not stay in use");
    let news = switch.news().expect("an audit that goes on");
    assert_eq!(news.len(), 1);
    let holding = news[0].1.as_ref().expect("readable");
    assert_eq!((news[0].0, holding.keys()[0].state), (owner(), State::Compromised));
    assert!(!switch.has_news());
}

#[test]
fn one_owner_whose_file_cannot_be_read_keeps_nobody_elses_news_back() {
    let place = place("batch");
    let (mut switch, mut person) = (store_with(&place, 1), open(&place).expect("it opens beside the first"));
    let cards = Owner::parse("link/cards").expect("a link");
    person.change(&cards, at(5), [add(2)], &act("generate")).expect("a new key");
    person.change(&owner(), at(6), [Order::Compromise(Role::Zpk, None)], &act("compromise")).expect("a key");
    let path = place.0.join("link.cards.json");
    let whole = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, whole.replace("generated", "confirmed")).expect("room");
    let news = switch.news().expect("an audit that goes on");
    let told = |owner: Owner| news.iter().find(|(of, _)| *of == owner).map(|(_, read)| read);
    assert!(matches!(told(cards), Some(Err(StoreError::Seal { .. }))));
    let holding = told(owner()).expect("told of").as_ref().expect("readable");
    assert_eq!(holding.keys()[0].state, State::Compromised);
    // It stays news until it can be read.
    assert!(switch.has_news());
    fs::write(&path, whole).expect("room");
    let news = switch.news().expect("an audit that goes on");
    assert!(matches!(&news[..], [(of, Ok(_))] if *of == cards));
    assert!(!switch.has_news());
}

#[test]
fn a_file_changed_by_another_hand_is_refused() {
    let place = place("hand");
    drop(store_with(&place, 1));
    let path = place.0.join("link.cn.json");
    let text = fs::read_to_string(&path).expect("it is there");
    fs::write(&path, text.replace("generated", "confirmed")).expect("room");
    let found = open(&place).expect("its audit is whole").holding(&owner());
    assert!(matches!(found, Err(StoreError::Seal { .. })), "{found:?}");
}

#[test]
fn an_older_file_put_back_is_refused() {
    let place = place("back");
    let mut store = store_with(&place, 1);
    let path = place.0.join("link.cn.json");
    let old = fs::read(&path).expect("it is there");
    store.change(&owner(), at(5), [add(2)], &act("generate")).expect("a new key");
    let other = Owner::parse("link/cards").expect("a link");
    store.change(&other, at(6), [add(9)], &act("generate")).expect("a new key");
    fs::write(&path, old).expect("room");
    let mut store = open(&place).expect("nothing is wrong with the last entry");
    let found = store.holding(&owner());
    assert!(matches!(found, Err(StoreError::PutBack { expected: 2, found: 1, .. })), "{found:?}");
    fs::remove_file(&path).expect("it is there");
    assert!(matches!(store.holding(&owner()), Err(StoreError::PutBack { expected: 2, found: 0, .. })));
}

/// The store as power leaves it that fails after the audit entry and before the new file has taken its place.
fn stopped_between(place: &Place) -> PathBuf {
    let mut store = store_with(place, 1);
    let path = place.0.join("link.cn.json");
    let old = fs::read(&path).expect("it is there");
    store.change(&owner(), at(5), [Order::Compromise(Role::Zpk, None)], &act("compromise")).expect("a key");
    let next = place.0.join("link.cn.json.next");
    fs::rename(&path, &next).expect("room");
    // As the program writes them: for its owner alone.
    fs::copy(&next, &path).expect("room");
    fs::write(&path, old).expect("room");
    next
}

#[test]
fn power_that_fails_between_audit_and_file_loses_nothing() {
    let place = place("power");
    let next = stopped_between(&place);
    let mut store = open(&place).expect("it opens");
    assert_eq!(store.holding(&owner()).expect("readable").keys()[0].state, State::Compromised);
    assert_eq!(verify(&place.0, |_| {}).expect("whole").entries, 2);
    store.change(&owner(), at(6), [add(2)], &act("generate")).expect("and it goes on");
    assert!(!next.exists());
    assert_eq!(open(&place).expect("it opens").holding(&owner()).expect("readable").keys().len(), 2);
}

#[test]
fn an_older_file_put_back_after_the_last_entry_revives_no_compromised_key() {
    let place = place("revived");
    fs::remove_file(stopped_between(&place)).expect("it is there");
    let mut store = open(&place).expect("its audit is whole");
    for _ in 0..2 {
        let found = store.holding(&owner());
        assert!(matches!(found, Err(StoreError::PutBack { expected: 2, found: 1, .. })), "{found:?}");
        let found = store.change(&owner(), at(6), [add(2)], &act("generate"));
        assert!(matches!(found, Err(StoreError::PutBack { .. })), "{found:?}");
    }
    let found = verify(&place.0, |_| {});
    assert!(matches!(found, Err(StoreError::PutBack { .. })), "{found:?}");
    assert_eq!(store.audit_number(), 2, "and nothing is written over it");
}

#[test]
fn an_audit_that_cannot_be_written_leaves_the_keys_as_they_were() {
    let place = place("no-audit");
    let mut store = store_with(&place, 1);
    let (log, aside) = (place.0.join("audit.log"), place.0.join("aside"));
    fs::rename(&log, &aside).expect("room");
    fs::create_dir(&log).expect("room");
    assert!(store.change(&owner(), at(5), [add(2)], &act("generate")).is_err());
    fs::remove_dir(&log).expect("ours");
    fs::rename(&aside, &log).expect("room");
    for mut store in [store, open(&place).expect("it opens")] {
        assert_eq!(store.holding(&owner()).expect("readable").keys().len(), 1);
    }
    assert_eq!(verify(&place.0, |_| {}).expect("whole").entries, 1);
}

#[test]
fn power_that_fails_within_an_entry_leaves_a_chain_that_goes_on() {
    let whole = place("torn-whole");
    let log = |place: &Place| place.0.join("audit.log");
    let mut store = store_with(&whole, 2);
    let before = fs::read(log(&whole)).expect("it is there").len();
    store.change(&owner(), at(5), [add(3)], &act("generate")).expect("a new key");
    let text = fs::read(log(&whole)).expect("it is there");
    for end in (before..text.len() - 1).step_by(37) {
        let place = place(&format!("torn-{end}"));
        drop(store_with(&place, 2));
        fs::write(log(&place), &text[..end]).expect("room");
        let mut torn = open(&place).expect("it opens");
        assert_eq!(torn.audit_number(), 2, "cut at {end}");
        torn.change(&owner(), at(6), [add(9)], &act("generate")).expect("the chain goes on");
        let verified = verify(&place.0, |_| {}).expect("whole");
        assert_eq!((verified.entries, verified.torn_bytes), (3, 0), "cut at {end}");
    }
}

#[test]
fn an_entry_that_lacks_the_end_of_its_line_alone_was_written() {
    let place = place("unended");
    drop(store_with(&place, 2));
    let path = place.0.join("audit.log");
    let whole = fs::read(&path).expect("it is there");
    fs::write(&path, &whole[..whole.len() - 1]).expect("room");
    let verified = verify(&place.0, |_| {}).expect("whole");
    assert_eq!((verified.entries, verified.torn_bytes), (2, 0));
    let (mut store, mut other) = (open(&place).expect("it opens"), open(&place).expect("and beside it"));
    assert_eq!(store.holding(&owner()).expect("readable").keys().len(), 2);
    store.change(&owner(), at(5), [add(3)], &act("generate")).expect("the chain goes on");
    assert_eq!(other.holding(&owner()).expect("it follows").keys().len(), 3);
    other.change(&owner(), at(6), [add(4)], &act("generate")).expect("the chain goes on");
    let verified = verify(&place.0, |_| {}).expect("whole");
    assert_eq!((verified.entries, verified.owners, verified.torn_bytes), (4, 1, 0));
}

#[test]
fn an_audit_that_was_bent_is_found_and_where() {
    let place = place("bent");
    drop(store_with(&place, 5));
    let path = place.0.join("audit.log");
    let whole = fs::read_to_string(&path).expect("it is there");
    let lines: Vec<&str> = whole.lines().collect();
    let without = |at: usize| {
        let kept: Vec<&str> = (0..lines.len()).filter(|&line| line != at).map(|line| lines[line]).collect();
        kept.join("\n") + "\n"
    };
    #[rustfmt::skip]
    let bent = [
        ("another name",      whole.replacen("mori", "sato", 1),              "line 1: entry 1 is not what was written"),
        ("another reason",    lines.join("\n").replace("010101", "020101"),   "line 1: entry 1 is not what was written"),
        ("a line taken out",  without(2),                                     "line 3: entry 3 should be here, and entry 4 is"),
        ("a line of nothing", whole.replacen('{', "[", 1),                    "line 1: it cannot be read"),
        ("another moment",    whole.replacen("1795305600003", "1795305600004", 1), "line 3: entry 3 is not what was written"),
    ];
    for (what, text, said) in bent {
        fs::write(&path, text + "\n").expect("room");
        let found = verify(&place.0, |_| {}).expect_err(what).to_string();
        assert!(found.contains(said), "{what}: {found}");
        assert!(
            matches!(open(&place).map(drop), Err(StoreError::Audit(_))),
            "{what}: nothing goes on over it"
        );
    }
    // Its end cut off, at the end of a line or within one: the chain is whole, but keys are of entries that are gone.
    for cut in [lines[..4].join("\n") + "\n", whole[..whole.len() - 20].to_owned()] {
        fs::write(&path, cut).expect("room");
        let cut = |error: &StoreError| {
            matches!(error, StoreError::Audit(AuditError::Cut { found: 4, expected: 5, .. }))
        };
        let found = verify(&place.0, |_| {}).expect_err("not whole");
        assert!(cut(&found), "{found:?}");
        let found = open(&place).expect("as far as it goes").holding(&owner()).expect_err("not whole");
        assert!(cut(&found), "{found:?}");
    }
}

#[test]
fn an_owner_whose_file_is_gone_is_not_passed_over() {
    let place = place("gone");
    drop(store_with(&place, 1));
    fs::remove_file(place.0.join("link.cn.json")).expect("it is there");
    let ring = open(&place).expect("its audit is whole").ring(0).map(drop);
    assert!(matches!(ring, Err(StoreError::PutBack { expected: 1, found: 0, .. })), "{ring:?}");
}

#[test]
fn a_chain_made_anew_by_somebody_without_the_seal_is_found() {
    let (place, other) = (place("anew"), place("forger"));
    drop(store_with(&place, 3));
    let mut forger = Store::open(&other.0, LMK, &[1; 32]).expect("a store of his own");
    for number in 1..=3 {
        let by_another = Act { by: "nobody".into(), ..act("generate") };
        forger.change(&owner(), at(number.into()), [add(number)], &by_another).expect("a new key");
    }
    fs::copy(other.0.join("audit.log"), place.0.join("audit.log")).expect("room");
    let found = verify(&place.0, |_| {}).map(drop);
    assert!(matches!(found, Err(StoreError::Audit(AuditError::Seal { line: 1, .. }))), "{found:?}");
}

#[test]
fn keys_under_another_master_key_are_refused() {
    let place = place("master");
    drop(store_with(&place, 1));
    let mut store = Store::open(&place.0, "1234560000000000", &FRESH).expect("the audit is whole");
    let found = store.holding(&owner());
    assert!(matches!(found, Err(StoreError::OtherMaster { .. })), "{found:?}");
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place("mode");
    drop(store_with(&place, 1));
    for name in ["seal.key", "link.cn.json", "audit.log", "LOCK"] {
        let path = place.0.join(name);
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
        set(0o644);
        let found = open(&place).and_then(|mut store| store.holding(&owner()));
        assert!(matches!(found, Err(StoreError::Exposed { .. })), "{name}: {found:?}");
        set(0o600);
    }
}

#[test]
fn a_seal_that_is_gone_is_not_made_anew_over_an_audit() {
    let place = place("seal");
    drop(store_with(&place, 1));
    fs::remove_file(place.0.join("seal.key")).expect("it is there");
    assert!(matches!(open(&place).map(drop), Err(StoreError::Unreadable { .. })));
}

#[test]
fn a_link_is_followed_by_nobody_and_what_it_points_at_is_not_erased() {
    use std::os::unix::fs::symlink;
    let (place, mine) = (place("links"), place("links-mine"));
    drop(store_with(&place, 1));
    let (seal, victim) = (place.0.join("seal.key"), fs::read(place.0.join("seal.key")).expect("it is there"));
    // A directory of somebody else's making, with links to the files of whoever the command runs as.
    drop(store_with(&mine, 1));
    for name in ["ceremony.key", "ceremony.json"] {
        symlink(&seal, mine.0.join(name)).expect("room");
    }
    let ended = keystore::Ceremony::end(&mine.0);
    assert!(matches!(ended, Err(StoreError::Foreign { .. })), "{ended:?}");
    assert_eq!(fs::read(&seal).expect("it is there"), victim);
    for name in ["seal.key", "audit.log", "LOCK", "link.cn.json"] {
        let path = mine.0.join(name);
        let aside = mine.0.join("aside");
        fs::rename(&path, &aside).expect("it is there");
        symlink(&aside, &path).expect("room");
        let found = open(&mine).and_then(|mut store| store.holding(&owner()));
        assert!(matches!(found, Err(StoreError::Foreign { .. })), "{name}: {found:?}");
        fs::remove_file(&path).expect("ours");
        fs::rename(&aside, &path).expect("ours");
    }
    assert!(open(&mine).is_ok());
}

#[test]
fn a_directory_that_others_may_write_or_that_is_a_link_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = place("foreign");
    drop(store_with(&place, 1));
    for mode in [0o770, 0o707, 0o777] {
        fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).expect("ours");
        let found = open(&place).map(drop);
        assert!(matches!(found, Err(StoreError::Foreign { .. })), "{mode:o}: {found:?}");
        let found = verify(&place.0, |_| {});
        assert!(matches!(found, Err(StoreError::Foreign { .. })), "{mode:o}: {found:?}");
    }
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).expect("ours");
    let link = Place(place.0.with_extension("link"));
    let _ = fs::remove_file(&link.0);
    symlink(&place.0, &link.0).expect("room");
    let found = open(&link).map(drop);
    fs::remove_file(&link.0).expect("ours");
    assert!(matches!(found, Err(StoreError::Foreign { .. })), "{found:?}");
}

#[test]
fn another_users_directory_is_refused() {
    let place = place("nobodys");
    drop(store_with(&place, 1));
    let nobody = 65_534;
    if std::os::unix::fs::chown(&place.0, Some(nobody), None).is_err() {
        eprintln!("skipped: only root gives a directory away");
        return;
    }
    let found = open(&place).map(drop);
    assert!(matches!(found, Err(StoreError::Foreign { .. })), "{found:?}");
}
