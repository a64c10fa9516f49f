//! Exchanges of keys, and everything that may come between.

use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use keys::exchange::{Begun, Do, Step};
use keys::{Holding, Order, Refusal, Start, State};
use terms::Timestamp;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn keys(roles: &[Role], number: u8) -> keys::exchange::Keys {
    let key = |(at, role): (usize, &Role)| {
        let check = [number, at as u8 + 1, 7];
        (
            StoredKey::new(*role, format!("block {number} {at}")),
            CheckValue::told(&check).expect("three bytes"),
        )
    };
    roles.iter().enumerate().map(key).collect()
}

const ZONE: [Role; 2] = [Role::Zpk, Role::Zak];
const WORKING: [Role; 2] = [Role::Tpk, Role::Tak];

fn generations(holding: &Holding, roles: &[Role]) -> Vec<Option<u32>> {
    roles.iter().map(|&role| holding.current(role).map(|key| key.generation)).collect()
}

fn waiting(holding: &Holding) -> usize {
    let waits = |key: &&keys::HeldKey| matches!(key.state, State::Generated | State::Confirmed);
    holding.keys().iter().filter(waits).count()
}

/// A link whose first keys are in force.
fn zone() -> Holding {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&ZONE, 1), 1_000).expect("they are new");
    holding
}

#[test]
fn keys_we_draw_are_in_force_once_they_are_accepted_and_both_at_once() {
    let mut holding = zone();
    let (set, _) = holding.hand_out(at(10), keys(&ZONE, 2), Start::ByOrder).expect("they are new");
    assert_eq!(generations(&holding, &ZONE), [Some(1), Some(1)]);
    let changes = holding.accepted(at(20), set, 500).expect("they wait");
    assert_eq!(changes.iter().filter(|change| change.after == State::Active).count(), 2);
    assert_eq!(generations(&holding, &ZONE), [Some(2), Some(2)]);
    assert_eq!(holding.accepted(at(21), set, 500), Ok(Vec::new()), "and once is enough");
}

#[test]
fn a_peer_may_use_keys_before_its_yes_arrives() {
    let mut holding = zone();
    let (set, _) = holding.hand_out(at(10), keys(&ZONE, 2), Start::OnUse).expect("they are new");
    assert_eq!(holding.heard(Role::Zak, 2, at(11), 500).len(), 4, "both, and both before them");
    assert_eq!(holding.accepted(at(12), set, 500), Ok(Vec::new()));
    assert!(holding.abandoned(at(13), set).is_empty(), "nor does a lost yes take them back");
    assert_eq!(generations(&holding, &ZONE), [Some(2), Some(2)]);
}

#[test]
fn an_exchange_that_came_to_nothing_leaves_the_keys_in_force() {
    let mut holding = zone();
    let (set, _) = holding.hand_out(at(10), keys(&ZONE, 2), Start::ByOrder).expect("they are new");
    assert_eq!(holding.abandoned(at(11), set).len(), 2);
    assert_eq!(generations(&holding, &ZONE), [Some(1), Some(1)]);
    assert_eq!(holding.accepted(at(12), set, 500), Err(Refusal::NoSuchKey), "a late yes changes nothing");
    // Begun again without an end of the first: the same.
    holding.hand_out(at(13), keys(&ZONE, 3), Start::ByOrder).expect("they are new");
    holding.hand_out(at(14), keys(&ZONE, 4), Start::ByOrder).expect("they are new");
    assert_eq!(waiting(&holding), 4, "the owner may have either");
    let (set, _) = holding.hand_out(at(15), keys(&ZONE, 5), Start::ByOrder).expect("they are new");
    assert_eq!(waiting(&holding), 6);
    holding.accepted(at(16), set, 500).expect("it waits");
    assert_eq!(waiting(&holding), 0, "and of those before nothing waits any more");
}

#[test]
fn the_same_keys_again_are_an_answer_that_was_lost_and_older_ones_a_replay() {
    let mut holding = zone();
    holding.taken(at(10), keys(&ZONE, 2), 1_000).expect("they are new");
    assert_eq!(holding.taken(at(11), keys(&ZONE, 2), 1_000), Ok(Vec::new()), "our answer was lost");
    let before = holding.clone();
    for replayed in [keys(&ZONE, 1), keys(&[Role::Zak, Role::Zpk], 2), keys(&[Role::Zmk], 2)] {
        assert_eq!(holding.taken(at(12), replayed, 1_000), Err(Refusal::SeenBefore));
        assert_eq!(holding, before, "and nothing changed");
    }
}

#[test]
fn a_terminal_may_fetch_again_and_again_and_only_what_it_uses_comes_into_force() {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    holding.taken(at(2), keys(&WORKING, 2), 0).expect("new");
    for number in 3..9 {
        holding.hand_out(at(10), keys(&WORKING, number), Start::OnUse).expect("new");
    }
    assert_eq!(generations(&holding, &WORKING), [Some(1), Some(1)]);
    let newest = holding.newest(Role::Tak).expect("it waits").generation;
    assert!(holding.heard(Role::Tak, newest - 3, at(20), 0).is_empty(), "one of long ago is gone");
    assert_eq!(waiting(&holding), 6, "three of each");
    // An answer was lost on its way: the terminal uses what it has, and may use the newer ones yet.
    assert!(!holding.heard(Role::Tak, newest - 1, at(20), 0).is_empty());
    assert_eq!(generations(&holding, &WORKING), [Some(newest - 1), Some(newest - 1)]);
    assert_eq!(waiting(&holding), 2, "those before them are gone, those after them wait");
    assert!(!holding.heard(Role::Tak, newest, at(30), 0).is_empty());
    assert_eq!(generations(&holding, &WORKING), [Some(newest), Some(newest)]);
    assert_eq!(waiting(&holding), 0);
}

/// Somebody else asks in its name, as fast as it can.
#[test]
fn what_was_just_fetched_is_not_erased_by_whoever_asks_next() {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    holding.taken(at(2), keys(&WORKING, 2), 0).expect("new");
    let (mut refused, start_ms) = (0, 100_000);
    holding.hand_out(at(start_ms), keys(&WORKING, 3), Start::OnUse).expect("new");
    let mine = holding.newest(Role::Tak).expect("it waits").generation;
    for number in 4..200 {
        let now = at(start_ms + i64::from(number) * 300);
        match holding.may_be_asked(now, &WORKING) {
            Ok(()) => drop(holding.hand_out(now, keys(&WORKING, number), Start::OnUse).expect("new")),
            Err(why) => {
                assert_eq!(why, Refusal::TooOften);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 194, "one minute less a moment");
    assert!(
        !holding.heard(Role::Tak, mine, at(start_ms + 59_900), 0).is_empty(),
        "the terminal uses its own"
    );
    let later = at(start_ms + 200 * 300 + i64::from(keys::exchange::FRESH_MS));
    assert_eq!(holding.may_be_asked(later, &WORKING), Ok(()), "and may ask again");
}

/// Both sides began at once.
#[test]
fn keys_of_ours_that_wait_are_not_erased_by_keys_the_owner_sends() {
    let mut holding = zone();
    holding.hand_out(at(10), keys(&ZONE, 2), Start::OnUse).expect("they are new");
    holding.taken(at(11), keys(&ZONE, 3), 500).expect("they are new");
    assert_eq!(generations(&holding, &ZONE), [Some(3), Some(3)]);
    assert!(!holding.heard(Role::Zak, 2, at(12), 500).is_empty(), "the owner took ours last");
    assert_eq!(generations(&holding, &ZONE), [Some(2), Some(2)]);
}

/// Master key, then working keys; and every way in which the second half may be missing.
#[test]
fn between_a_new_master_key_and_new_working_keys_there_are_none() {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    holding.taken(at(2), keys(&WORKING, 2), 0).expect("new");
    holding.hand_out(at(10), keys(&[Role::Tmk], 3), Start::OnUse).expect("new");
    assert_eq!(generations(&holding, &WORKING), [None, None]);
    // The answer was lost: it asks for a master key again.
    holding.hand_out(at(11), keys(&[Role::Tmk], 4), Start::OnUse).expect("new");
    assert_eq!(generations(&holding, &WORKING), [None, None]);
    holding.hand_out(at(12), keys(&WORKING, 5), Start::OnUse).expect("new");
    assert_eq!(generations(&holding, &WORKING), [None, None], "fetched is not used");
    let newest = holding.newest(Role::Tak).expect("it waits").generation;
    holding.heard(Role::Tak, newest, at(13), 0);
    assert_eq!(generations(&holding, &WORKING), [Some(newest), Some(newest)]);
    let master = holding.current(Role::Tmk).expect("in force").check;
    assert!(master.agrees_with(&keys(&[Role::Tmk], 4)[0].1), "the master key that was used");
}

#[test]
fn a_person_may_bring_a_terminal_back_that_never_fetched() {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    holding.taken(at(2), keys(&WORKING, 2), 10_000).expect("new");
    holding.taken(at(3), keys(&WORKING, 3), 10_000).expect("new");
    holding.hand_out(at(10), keys(&[Role::Tmk], 4), Start::OnUse).expect("new");
    holding.apply(at(20), Order::RollBack(Role::Tak)).expect("its overlap lasts");
    assert!(holding.current(Role::Tak).is_some());
}

#[test]
#[rustfmt::skip]
fn an_exchange_we_begin_is_tried_three_times_and_then_a_person_is_called() {
    use Begun::{Making, Not, Sent};
    let table = [
        // where it stands  what happens     where it stands then  what is done
        (Not,               Step::Begin,     Making(1),            Do::Make),
        (Not,               Step::Made(4),   Not,                  Do::Nothing),
        (Not,               Step::NotMade,   Not,                  Do::Nothing),
        (Not,               Step::Accepted,  Not,                  Do::Nothing),
        (Not,               Step::Refused,   Not,                  Do::Nothing),
        (Not,               Step::Silent,    Not,                  Do::Nothing),
        (Not,               Step::Yielded,   Not,                  Do::Nothing),
        (Making(1),         Step::Begin,     Making(1),            Do::Nothing),
        (Making(2),         Step::Made(4),   Sent(4, 2),           Do::Send),
        (Making(1),         Step::NotMade,   Not,                  Do::Call),
        (Making(1),         Step::Accepted,  Making(1),            Do::Nothing),
        (Making(1),         Step::Refused,   Making(1),            Do::Nothing),
        (Making(1),         Step::Silent,    Making(1),            Do::Nothing),
        (Making(2),         Step::Yielded,   Not,                  Do::Nothing),
        (Sent(4, 1),        Step::Begin,     Sent(4, 1),           Do::Nothing),
        (Sent(4, 1),        Step::Made(5),   Sent(4, 1),           Do::Nothing),
        (Sent(4, 1),        Step::NotMade,   Sent(4, 1),           Do::Nothing),
        (Sent(4, 1),        Step::Accepted,  Not,                  Do::PutInForce(4)),
        (Sent(4, 1),        Step::Refused,   Making(2),            Do::EraseAndMake(4)),
        (Sent(4, 2),        Step::Refused,   Making(3),            Do::EraseAndMake(4)),
        (Sent(4, 3),        Step::Refused,   Not,                  Do::EraseAndCall(4)),
        (Sent(4, 1),        Step::Silent,    Making(2),            Do::LeaveAndMake),
        (Sent(4, 2),        Step::Silent,    Making(3),            Do::LeaveAndMake),
        (Sent(4, 3),        Step::Silent,    Not,                  Do::LeaveAndCall),
        (Sent(4, 2),        Step::Yielded,   Not,                  Do::Nothing),
    ];
    for (before, step, after, done) in table {
        assert_eq!(before.step(step), (after, done), "{before:?} {step:?}");
    }
}

/// Whoever may ask may have very many keys drawn.
#[test]
fn keys_that_nobody_used_are_not_remembered_and_those_that_were_used_are() {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    for number in 2..=200 {
        holding.hand_out(at(i64::from(number)), keys(&WORKING, number), Start::OnUse).expect("new");
    }
    assert!(holding.keys().len() < 100);
    assert!(holding.forgotten().is_empty(), "{} marks", holding.forgotten().len());
    let newest = holding.newest(Role::Tak).expect("it waits").generation;
    holding.heard(Role::Tak, newest, at(300), 0);
    let used = keys(&WORKING, 200);
    for number in 2..=199 {
        holding.hand_out(at(400), keys(&WORKING, number), Start::OnUse).expect("they were never used");
    }
    let newest = holding.newest(Role::Tak).expect("it waits").generation;
    holding.heard(Role::Tak, newest, at(500), 0);
    holding.tick(at(600), 0);
    assert!(used.iter().all(|(_, check)| holding.has_seen(check)));
    assert_eq!(holding.hand_out(at(700), used, Start::OnUse), Err(Refusal::SeenBefore));
}
