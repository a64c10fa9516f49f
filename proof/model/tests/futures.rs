//! The small exploration that runs with every change; the program runs the whole one.

use model::{Budget, Plot, Scenario, Suspect, explore};

/// Every plot with little going wrong, and what is asked of all: nothing wrong, and a way to agreement.
fn every_future_is_right(plot: Plot, budgets: &[Budget]) {
    for budget in budgets {
        let scenario = Scenario { tombstones: true, ..Scenario::of(plot, *budget) };
        let explored = explore(scenario, 2);
        println!("{plot:?}: {} states with {budget:?}", explored.states);
        assert_eq!(explored.wrong, None, "{plot:?} with {budget:?}");
    }
}

const LOSS: Budget = Budget { losses: 1, ..Budget::NOTHING };
const DUPLICATE: Budget = Budget { duplicates: 1, ..Budget::NOTHING };
const CRASH: Budget = Budget { crashes: 1, ..Budget::NOTHING };
const REPEAT: Budget = Budget { repeats: 1, ..Budget::NOTHING };

#[test]
fn every_future_of_a_withdrawal_is_right_or_can_be_put_right() {
    every_future_is_right(Plot::Withdrawal, &[LOSS, DUPLICATE, CRASH, REPEAT]);
}

#[test]
fn every_future_of_a_deposit_is_right_or_can_be_put_right() {
    every_future_is_right(Plot::DepositPosted, &[LOSS, DUPLICATE]);
}

#[test]
fn every_future_of_a_debt_is_right_or_can_be_put_right() {
    let budget = Budget { cuts: 1, rulings: 1, ..Budget::NOTHING };
    every_future_is_right(Plot::Forward, &[budget]);
}

#[test]
fn every_wrong_way_to_build_a_switch_is_found_out() {
    for suspect in Suspect::ALL {
        let explored = explore(suspect.scenario(), 2);
        let Suspect { name, mutant, .. } = suspect;
        println!(
            "{name} {mutant:?}: {} states, {:?}",
            explored.states,
            explored.wrong.as_ref().map(|(w, _)| w)
        );
        assert!(explored.wrong.is_some(), "{name} {mutant:?} was not found out");
        assert_eq!(explored.is_stranded(), suspect.strands, "{name} {mutant:?}: {:?}", explored.wrong);
    }
}
