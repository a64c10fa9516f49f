//! The life of a key, told through a holding and a ring.

use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use hsm::ring::{KeyRing as _, NoKey};
use keys::{Happening, Holding, New, Order, Origin, Owner, Refusal, Ring, Start, State};
use terms::Timestamp;

const HOUR_MS: u32 = 3_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn check(number: u8) -> CheckValue {
    CheckValue::told(&[number, number, number]).expect("three bytes")
}

fn new(role: Role, number: u8) -> New {
    let (key, origin, start) =
        (StoredKey::new(role, format!("block {number}")), Origin::Drawn, Start::ByOrder);
    New { key, check: check(number), origin, start, set: 0 }
}

/// A holding in which a key of that purpose and number is in force.
fn with_active(role: Role, number: u8) -> Holding {
    let mut holding = Holding::default();
    holding.apply(at(0), Order::Add(new(role, number))).expect("it is new");
    holding.apply(at(1), Order::Confirm(role, 1, check(number))).expect("the same check value");
    holding.apply(at(2), Order::Activate(role, 1, HOUR_MS)).expect("it is confirmed");
    holding
}

/// Adds and confirms the next one; gives its generation.
fn add_confirmed(holding: &mut Holding, role: Role, number: u8) -> u32 {
    let generation = holding.next_generation(role);
    holding.apply(at(10), Order::Add(new(role, number))).expect("it is new");
    holding.apply(at(11), Order::Confirm(role, generation, check(number))).expect("the same check value");
    generation
}

#[test]
#[rustfmt::skip]
fn every_pair_of_state_and_happening_means_one_thing() {
    use Happening as H;
    use State::{Active, Compromised, Confirmed, Destroyed, Generated, Previous, Retired, Suspended};
    let happenings = [
        H::Confirmed, H::Activated, H::Replaced, H::RanOut, H::RolledBack,
        H::Restored, H::Suspended, H::Resumed, H::Compromised, H::Destroyed,
    ];
    // One letter for what it becomes: g c a p r s x d; `-` where it is refused.
    let table = [
        //            conf act repl ran roll rest susp resu comp dest
        (Generated,   "c   -   -    -   -    -    -    -    x    d"),
        (Confirmed,   "c   a   -    -   -    -    -    -    x    d"),
        (Active,      "-   -   p    -   r    -    s    -    x    -"),
        (Previous,    "-   -   r    r   -    a    -    -    x    -"),
        (Retired,     "-   -   -    -   -    -    -    -    x    d"),
        (Suspended,   "-   -   r    -   -    -    -    a    x    d"),
        (Compromised, "-   -   -    -   -    -    -    -    x    d"),
        (Destroyed,   "-   -   -    -   -    -    -    -    -    -"),
    ];
    let letter = |state| match state {
        Generated => "g", Confirmed => "c", Active => "a", Previous => "p",
        Retired => "r", Suspended => "s", Compromised => "x", Destroyed => "d",
    };
    for (state, row) in table {
        let found: Vec<&str> =
            happenings.iter().map(|&happening| state.step(happening).map_or("-", letter)).collect();
        let wanted: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(found, wanted, "{state}");
    }
}

#[test]
fn nothing_comes_into_force_that_the_other_side_has_not_confirmed() {
    let mut holding = Holding::default();
    holding.apply(at(0), Order::Add(new(Role::Zpk, 1))).expect("it is new");
    let too_early = holding.apply(at(1), Order::Activate(Role::Zpk, 1, HOUR_MS));
    assert_eq!(too_early, Err(Refusal::NotConfirmed));
    let wrong = holding.apply(at(2), Order::Confirm(Role::Zpk, 1, check(9)));
    assert_eq!(wrong, Err(Refusal::CheckMismatch));
    assert!(holding.current(Role::Zpk).is_none(), "and the key stays what it was");
    assert_eq!(holding.newest(Role::Zpk).map(|key| key.state), Some(State::Generated));
}

#[test]
fn the_key_before_is_taken_for_its_overlap_and_not_a_moment_longer() {
    let mut holding = with_active(Role::Zak, 1);
    let second = add_confirmed(&mut holding, Role::Zak, 2);
    holding.apply(at(1_000), Order::Activate(Role::Zak, second, 500)).expect("it is confirmed");
    let owner = Owner::parse("link/cn").expect("a link");
    let mut ring = Ring::new(HOUR_MS);
    ring.put(owner, holding);
    let accepted =
        |ms| ring.accepted(&owner, Role::Zak, at(ms)).map(|key| key.generation).collect::<Vec<_>>();
    assert_eq!(accepted(1_499), [2, 1]);
    assert_eq!(accepted(1_500), [2]);
    assert_eq!(ring.current(&owner, Role::Zak).map(|key| key.generation), Some(2));
    assert!(ring.accepted(&owner, Role::Zpk, at(0)).next().is_none(), "never for another purpose");
}

#[test]
fn time_retires_what_ran_out_and_brings_what_was_agreed() {
    let mut holding = with_active(Role::Zpk, 1);
    let second = add_confirmed(&mut holding, Role::Zpk, 2);
    let past = holding.apply(at(5_000), Order::Schedule(Role::Zpk, second, at(4_000)));
    assert_eq!(past, Err(Refusal::TooLate));
    holding.apply(at(5_000), Order::Schedule(Role::Zpk, second, at(9_000))).expect("it lies ahead");
    assert_eq!(holding.next_moment(), Some(at(9_000)));
    assert!(holding.tick(at(8_999), 1_000).is_empty());
    assert_eq!(holding.tick(at(9_000), 1_000).len(), 2);
    assert_eq!(holding.current(Role::Zpk).map(|key| key.generation), Some(2));
    assert_eq!(holding.next_moment(), Some(at(10_000)));
    assert_eq!(holding.tick(at(10_000), 1_000).len(), 1);
    assert_eq!(holding.generation(Role::Zpk, 1).map(|key| key.state), Some(State::Retired));
}

#[test]
fn going_back_is_possible_while_the_overlap_lasts() {
    let mut holding = with_active(Role::Zak, 1);
    let nothing = holding.apply(at(3), Order::RollBack(Role::Zak));
    assert_eq!(nothing, Err(Refusal::NothingToRollBackTo));
    let second = add_confirmed(&mut holding, Role::Zak, 2);
    holding.apply(at(20), Order::Activate(Role::Zak, second, 100)).expect("it is confirmed");
    let mut late = holding.clone();
    assert_eq!(late.apply(at(120), Order::RollBack(Role::Zak)), Err(Refusal::NothingToRollBackTo));
    holding.apply(at(119), Order::RollBack(Role::Zak)).expect("the overlap lasts");
    assert_eq!(holding.current(Role::Zak).map(|key| key.generation), Some(1));
    assert_eq!(holding.generation(Role::Zak, 2).map(|key| key.state), Some(State::Retired));
    assert_eq!(holding.next_generation(Role::Zak), 3, "a number is never used twice");
}

#[test]
fn one_key_never_serves_two_purposes_nor_comes_twice() {
    let mut holding = with_active(Role::Zak, 1);
    for role in [Role::Zak, Role::Zpk, Role::Zmk] {
        let replayed = holding.apply(at(9), Order::Add(new(role, 1)));
        assert_eq!(replayed, Err(Refusal::SeenBefore), "{role}");
    }
}

#[test]
fn a_key_agreed_on_for_a_moment_is_taken_a_little_early_and_holds_from_that_moment_on() {
    let mut holding = with_active(Role::Zak, 1);
    let second = add_confirmed(&mut holding, Role::Zak, 2);
    holding.apply(at(20), Order::Schedule(Role::Zak, second, at(10_000))).expect("it lies ahead");
    let (owner, name) = (Owner::parse("link/cn").expect("a link"), "link/cn");
    let mut ring = Ring::new(1_000);
    ring.put(owner, holding);
    // Current, coming, previous. Nobody ticks: the moment itself decides.
    #[rustfmt::skip]
    let table = [
        ( 8_999, Some(1), None,    None),
        ( 9_000, Some(1), Some(2), None),
        ( 9_999, Some(1), Some(2), None),
        (10_000, Some(2), None,    Some(1)),
        (10_999, Some(2), None,    Some(1)),
        (11_000, Some(2), None,    None),
        (90_000, Some(2), None,    None),
    ];
    for (ms, current, coming, previous) in table {
        let keys = ring.keys(name, Role::Zak, at(ms)).ok().map(|keys| keys.into_owned());
        assert_eq!(keys.as_ref().map(|keys| keys.current.generation), current, "at {ms}");
        let before = keys.and_then(|keys| keys.previous).map(|key| key.generation);
        assert_eq!(before, previous, "at {ms}");
        assert_eq!(ring.coming(name, Role::Zak, at(ms)).first().map(|key| key.generation), coming, "at {ms}");
    }
    // A message that comes early under it does not bring it into force.
    assert!(ring.heard(&owner, Role::Zak, 2, at(9_500)).is_empty());
    assert_eq!(ring.current(&owner, Role::Zak).map(|key| key.generation), Some(1));
}

#[test]
fn a_key_does_not_come_again_however_long_ago_it_was_over() {
    let mut holding = with_active(Role::Zak, 1);
    for number in 2..=200 {
        let generation = add_confirmed(&mut holding, Role::Zak, number);
        holding.apply(at(20), Order::Activate(Role::Zak, generation, 0)).expect("it is confirmed");
    }
    assert!(holding.keys().len() < 100 && holding.forgotten().len() > 100);
    for number in 1..=200 {
        assert_eq!(holding.apply(at(30), Order::Add(new(Role::Zpk, number))), Err(Refusal::SeenBefore));
    }
}

#[test]
fn a_suspended_key_passes_nothing_and_goes_on_when_told() {
    let mut holding = with_active(Role::Zak, 1);
    holding.apply(at(5), Order::Suspend(Role::Zak)).expect("it is active");
    let owner = Owner::parse("link/cn").expect("a link");
    let mut ring = Ring::new(HOUR_MS);
    ring.put(owner, holding.clone());
    assert!(ring.current(&owner, Role::Zak).is_none());
    assert!(ring.accepted(&owner, Role::Zak, at(6)).next().is_none());
    holding.apply(at(7), Order::Resume(Role::Zak)).expect("it is suspended");
    assert!(holding.current(Role::Zak).is_some());
}

#[test]
fn who_knows_a_transport_key_knows_what_went_under_it() {
    let mut holding = with_active(Role::Zmk, 1);
    add_confirmed(&mut holding, Role::Zpk, 2);
    holding.apply(at(20), Order::Activate(Role::Zpk, 1, HOUR_MS)).expect("it is confirmed");
    let changes = holding.apply(at(30), Order::Compromise(Role::Zmk, None)).expect("there is one");
    assert_eq!(changes.len(), 2);
    assert!(holding.keys().iter().all(|key| key.state == State::Compromised));
    assert_eq!(holding.apply(at(31), Order::Resume(Role::Zpk)), Err(Refusal::NoSuchKey));
    assert_eq!(holding.apply(at(31), Order::Activate(Role::Zpk, 1, 0)), Err(Refusal::Compromised));
}

/// The newest is in force, and each but those people entered travelled under the one before.
fn transport_keys(origins: &[Origin]) -> Holding {
    let mut holding = Holding::default();
    for (at, &origin) in (1_u8..).zip(origins) {
        let generation = u32::from(at);
        let new = New { origin, ..new(Role::Tmk, at) };
        holding.apply(hundred(at), Order::Add(new)).expect("it is new");
        holding.apply(hundred(at), Order::Confirm(Role::Tmk, generation, check(at))).expect("the same");
        holding.apply(hundred(at), Order::Activate(Role::Tmk, generation, 0)).expect("it is confirmed");
    }
    add_confirmed(&mut holding, Role::Tak, 100);
    holding.apply(at(2_000), Order::Activate(Role::Tak, 1, HOUR_MS)).expect("it is confirmed");
    holding
}

fn hundred(number: u8) -> Timestamp {
    at(i64::from(number) * 100)
}

#[test]
#[rustfmt::skip]
fn who_knows_an_old_transport_key_knows_the_ones_that_came_under_it() {
    use Origin::{Components, Exchanged, Imported};
    let table = [
        // where they came from                          leaked  and with it, of the keys that are in force
        (&[Components, Exchanged][..],                    1,      true),
        (&[Components, Exchanged, Exchanged],             1,      true),
        (&[Components, Exchanged, Imported, Exchanged],   2,      true),
        (&[Components, Exchanged, Exchanged],             3,      true),
        // People entered another since: it went under none.
        (&[Components, Exchanged, Components],            1,      false),
        (&[Components, Exchanged, Components, Exchanged], 2,      false),
        (&[Components, Exchanged, Components, Exchanged], 3,      true),
    ];
    for (origins, leaked, in_force) in table {
        let mut holding = transport_keys(origins);
        let changes =
            holding.apply(at(3_000), Order::Compromise(Role::Tmk, Some(leaked))).expect("there is one");
        let (is_usable, what) = (holding.current(Role::Tmk).is_some(), format!("{origins:?}, {leaked}"));
        assert_eq!(!is_usable, in_force, "{what}");
        assert_eq!(holding.generation(Role::Tmk, leaked).map(|key| key.state), Some(State::Compromised));
        let newest = (Role::Tmk, origins.len() as u32);
        let is_told = changes.iter().any(|change| (change.role, change.generation) == newest);
        assert_eq!(is_told, in_force, "{what}");
        assert!(holding.current(Role::Tak).is_none(), "{what}: whatever went under any of them");
    }
}

#[test]
fn what_is_in_force_is_not_erased_and_what_is_erased_leaves_its_check_value() {
    let mut holding = with_active(Role::Zpk, 1);
    assert_eq!(holding.apply(at(5), Order::Destroy(Role::Zpk, 1)), Err(Refusal::InForce));
    holding.apply(at(6), Order::Suspend(Role::Zpk)).expect("it is active");
    holding.apply(at(7), Order::Destroy(Role::Zpk, 1)).expect("it is not in force");
    let key = holding.generation(Role::Zpk, 1).expect("its row stays");
    assert_eq!((key.key.is_none(), key.check), (true, check(1)));
    assert_eq!(holding.apply(at(8), Order::Destroy(Role::Zpk, 1)), Err(Refusal::Destroyed));
}

/// Master key first, then the working keys; between the two the old working keys are void.
#[test]
fn a_terminal_with_a_new_master_key_has_no_working_keys_until_it_fetches_them() {
    let owner = Owner::parse("terminal/00010001").expect("a terminal");
    let mut holding = with_active(Role::Tmk, 1);
    for (role, number) in [(Role::Tpk, 2), (Role::Tak, 3)] {
        add_confirmed(&mut holding, role, number);
        holding.apply(at(20), Order::Activate(role, 1, HOUR_MS)).expect("it is confirmed");
    }
    let set = holding.next_set();
    let exchange = |holding: &mut Holding, role, number| {
        let generation = holding.next_generation(role);
        let new = New { set, start: Start::OnUse, origin: Origin::Exchanged, ..new(role, number) };
        holding.apply(at(30), Order::Add(new)).expect("it is new");
        holding.apply(at(30), Order::Confirm(role, generation, check(number))).expect("the same");
    };
    exchange(&mut holding, Role::Tmk, 4);
    holding.apply(at(31), Order::AwaitKeys).expect("always");
    assert!(holding.current(Role::Tak).is_none() && holding.current(Role::Tpk).is_none());
    assert!(holding.for_fetching(Role::Tak).is_some(), "what fetches the new ones is still authenticated");
    exchange(&mut holding, Role::Tpk, 5);
    exchange(&mut holding, Role::Tak, 6);
    let mut ring = Ring::new(HOUR_MS);
    ring.put(owner, holding);
    assert!(ring.awaits_keys(&owner));
    let (name, now) = ("terminal/00010001", at(40));
    assert_eq!(
        ring.keys(name, Role::Tak, now).map(|keys| keys.current.generation),
        Ok(1),
        "to fetch the next"
    );
    assert_eq!(ring.keys(name, Role::Zak, now).map(|_| ()), Err(NoKey::Unknown));
    assert_eq!(ring.coming(name, Role::Tak, now).first().map(|key| key.generation), Some(2));
    assert!(ring.heard(&owner, Role::Tak, 1, at(40)).is_empty(), "the old one brings nothing about");
    let changes = ring.heard(&owner, Role::Tak, 2, at(41));
    assert_eq!(changes.iter().filter(|change| change.after == State::Active).count(), 3);
    assert!(!ring.awaits_keys(&owner));
    for role in [Role::Tmk, Role::Tpk, Role::Tak] {
        assert_eq!(ring.current(&owner, role).map(|key| key.generation), Some(2), "{role}");
    }
    assert!(ring.heard(&owner, Role::Tak, 2, at(42)).is_empty(), "and once is enough");
    assert_eq!(ring.take_heard().len(), 1);
}

#[test]
fn a_refused_order_changes_nothing() {
    let mut holding = with_active(Role::Zak, 1);
    let before = holding.clone();
    let refused = [
        Order::Activate(Role::Zak, 9, 0),
        Order::Confirm(Role::Zpk, 1, check(1)),
        Order::RollBack(Role::Zak),
        Order::Resume(Role::Zak),
        Order::Destroy(Role::Zak, 1),
        Order::Compromise(Role::Zpk, None),
        Order::Add(new(Role::Zpk, 1)),
    ];
    for order in refused {
        let text = format!("{order:?}");
        assert!(holding.apply(at(50), order).is_err(), "{text}");
        assert_eq!(holding, before, "{text}");
    }
}

#[test]
fn years_of_exchanges_do_not_pile_up() {
    let mut holding = with_active(Role::Zak, 1);
    for number in 2..=200 {
        let generation = add_confirmed(&mut holding, Role::Zak, number);
        holding
            .apply(at(i64::from(number) * 100), Order::Activate(Role::Zak, generation, 10))
            .expect("confirmed");
        holding.tick(at(i64::from(number) * 100 + 50), 10);
    }
    assert_eq!(holding.keys().len(), keys::ENDED_MAX + 1);
    assert_eq!(holding.current(Role::Zak).map(|key| key.generation), Some(200));
}
