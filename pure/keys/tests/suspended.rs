//! What a person stopped goes on when people say so, and by nothing the stopped party does.

use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use hsm::ring::KeyRing as _;
use keys::{Holding, Order, Owner, Refusal, Ring, Start, State};
use terms::Timestamp;

const OVERLAP_MS: u32 = 1_000;
const WORKING: [Role; 2] = [Role::Tpk, Role::Tak];

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn keys(roles: &[Role], number: u8) -> keys::exchange::Keys {
    let key = |(at, role): (usize, &Role)| {
        let check = CheckValue::told(&[number, at as u8 + 1, 7]).expect("three bytes");
        (StoredKey::new(*role, format!("block {number} {at}")), check)
    };
    roles.iter().enumerate().map(key).collect()
}

/// A terminal with a master key and working keys, the first of each.
fn terminal() -> Holding {
    let mut holding = Holding::default();
    holding.taken(at(1), keys(&[Role::Tmk], 1), 0).expect("new");
    holding.taken(at(2), keys(&WORKING, 2), 0).expect("new");
    holding
}

fn suspend(holding: &mut Holding, role: Role) {
    holding.apply(at(10), Order::Suspend(role)).expect("it is in force");
}

#[test]
fn no_keys_are_exchanged_with_whom_a_person_stopped() {
    for stopped in [Role::Tak, Role::Tpk, Role::Tmk] {
        let mut holding = terminal();
        suspend(&mut holding, stopped);
        let before = holding.clone();
        let fetched = holding.hand_out(at(20), keys(&WORKING, 3), Start::OnUse);
        assert_eq!(fetched, Err(Refusal::Suspended), "{stopped}");
        let taken = holding.taken(at(20), keys(&WORKING, 3), OVERLAP_MS);
        assert_eq!(taken, Err(Refusal::Suspended), "{stopped}");
        assert_eq!(holding, before, "{stopped}: and nothing changed");
    }
}

#[test]
fn keys_under_way_do_not_come_into_force_over_one_that_is_stopped() {
    for stopped in [Role::Tak, Role::Tpk] {
        let mut holding = terminal();
        let (set, _) = holding.hand_out(at(5), keys(&WORKING, 3), Start::OnUse).expect("new");
        suspend(&mut holding, stopped);
        let owner = Owner::parse("terminal/TERM0001").expect("a terminal");
        let mut ring = Ring::new(OVERLAP_MS);
        ring.put(owner, holding.clone());
        assert!(ring.accepted(&owner, stopped, at(20)).next().is_none(), "{stopped}");
        assert!(ring.coming("terminal/TERM0001", stopped, at(20)).is_empty(), "{stopped}");
        assert!(ring.keys("terminal/TERM0001", stopped, at(20)).is_err(), "{stopped}");
        for role in WORKING {
            assert!(ring.heard(&owner, role, 2, at(20)).is_empty(), "{stopped}: {role} is used");
        }
        assert_eq!(holding.accepted(at(21), set, OVERLAP_MS), Err(Refusal::Suspended), "{stopped}");
        assert_eq!(holding.generation(stopped, 1).map(|key| key.state), Some(State::Suspended));
        // People let it go on, and what was under way is taken again.
        holding.apply(at(30), Order::Resume(stopped)).expect("it is suspended");
        assert!(!holding.heard(Role::Tak, 2, at(31), OVERLAP_MS).is_empty(), "{stopped}");
    }
}

#[test]
fn a_moment_agreed_on_waits_until_people_let_the_stopped_key_go_on() {
    let mut holding = terminal();
    let (_, _) = holding.hand_out(at(5), keys(&[Role::Tak], 3), Start::ByOrder).expect("new");
    let check = keys(&[Role::Tak], 3)[0].1;
    holding.apply(at(6), Order::Confirm(Role::Tak, 2, check)).expect("the same");
    holding.apply(at(7), Order::Schedule(Role::Tak, 2, at(100))).expect("it lies ahead");
    suspend(&mut holding, Role::Tak);
    assert_eq!(holding.next_moment(), None, "nothing is due");
    assert!(holding.tick(at(200), OVERLAP_MS).is_empty());
    holding.apply(at(300), Order::Resume(Role::Tak)).expect("it is suspended");
    assert!(!holding.tick(at(301), OVERLAP_MS).is_empty());
    assert_eq!(holding.current(Role::Tak).map(|key| key.generation), Some(2));
}

#[test]
fn a_custodian_may_put_another_key_in_its_place() {
    let mut holding = terminal();
    holding.hand_out(at(5), keys(&WORKING, 3), Start::OnUse).expect("new");
    suspend(&mut holding, Role::Tak);
    holding.apply(at(20), Order::Activate(Role::Tak, 2, OVERLAP_MS)).expect("a person says so");
    assert_eq!(holding.generation(Role::Tak, 1).map(|key| key.state), Some(State::Retired));
    assert_eq!(holding.current(Role::Tak).map(|key| key.generation), Some(2));
}
