//! What has to hold of the simulator itself: the same seed is the same run, and wrong rules are found out.

use sim::{Manner, Mutant};

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..12 {
        let (first, second) = (sim::run(seed, Manner::default()), sim::run(seed, Manner::default()));
        assert_eq!((first.hash, first.events), (second.hash, second.events), "seed {seed}");
    }
}

#[test]
fn the_first_seeds_break_nothing() {
    for seed in 0..24 {
        let ended = sim::run(seed, Manner::default());
        assert_eq!(ended.broken, None, "cargo run --release -p sim -- --seed {seed}");
    }
}

#[test]
fn every_wrong_rule_is_found_out() {
    for &(mutant, name, what) in Mutant::ALL {
        let manner = Manner { mutant: Some(mutant), ..Manner::default() };
        let mut transactions = 0;
        let found = (100..1_000).find_map(|seed| {
            let ended = sim::run(seed, manner);
            transactions += ended.transactions;
            ended.broken.map(|broken| (seed, broken.invariant.name()))
        });
        println!("{name}: {found:?} within {transactions} transactions");
        assert!(found.is_some(), "{name} lives: {what}");
    }
}
