//! The small exploration that runs with every change; the program runs the whole one.

use model::{Budget, Mutant, Plot, Scenario, explore};

const TINY: Budget =
    Budget { losses: 1, duplicates: 0, crashes: 0, repeats: 0, cuts: 0, rulings: 0, held: 1 };

#[test]
fn every_future_of_a_withdrawal_is_right_or_can_be_put_right() {
    let scenario = Scenario { tombstones: true, ..Scenario::of(Plot::Withdrawal, TINY) };
    let explored = explore(scenario, 2);
    assert_eq!(explored.wrong, None, "{} states", explored.states);
}

#[test]
fn a_switch_that_posts_each_repeat_is_found_out() {
    let budget = Budget { losses: 0, duplicates: 1, ..TINY };
    let scenario =
        Scenario { mutant: Some(Mutant::RepeatsRequests), ..Scenario::of(Plot::Withdrawal, budget) };
    assert!(explore(scenario, 2).wrong.is_some());
}
