//! What has to hold of the simulator itself: the same seed is the same run, and wrong rules are found out. The
//! long form, with everything that must have been seen, is `cargo run --release -p sim -- --ci`.

use sim::{Invariant, Manner, Mutant, NOT_CHECKED};

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [0, 1, 2, 7, 77] {
        let (first, second) = (sim::run(seed, Manner::default()), sim::run(seed, Manner::default()));
        assert_eq!((first.hash, first.events), (second.hash, second.events), "seed {seed}");
    }
}

#[test]
fn the_first_seeds_break_nothing() {
    for seed in 0..16 {
        let ended = sim::run(seed, Manner::default());
        assert_eq!(ended.broken, None, "cargo run --release -p sim -- --seed {seed}");
    }
}

#[test]
fn every_wrong_rule_is_found_out_by_what_it_breaks() {
    for &(mutant, name, breaks, what) in Mutant::ALL {
        let killed = sim::kill(mutant, 200_000);
        let killed = killed.unwrap_or_else(|| panic!("{name} lives: {what}"));
        let (seed, invariant) = (killed.seed, killed.invariant.name());
        println!("{name}: {invariant} within {} transactions", killed.transactions);
        assert!(
            breaks.contains(&killed.invariant),
            "{name} breaks {invariant}: cargo run --release -p sim -- --seed {seed} --mutant {name}"
        );
    }
}

#[test]
fn the_wrong_rules_of_the_design_are_all_there() {
    let names: Vec<_> = Mutant::ALL[..Mutant::OF_THE_DESIGN].iter().map(|mutant| mutant.1).collect();
    let wanted = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m9", "m10", "d2x", "d3", "d4"];
    assert_eq!(names, wanted);
}

#[test]
fn every_invariant_of_the_design_is_checked_or_said_not_to_be() {
    let checked = Invariant::ALL.iter().map(|(_, name, ..)| *name);
    let mut known: Vec<_> = checked.chain(NOT_CHECKED.iter().map(|(name, _)| *name)).collect();
    known.sort_unstable();
    for number in 1..=45 {
        assert!(known.binary_search(&format!("I{number}").as_str()).is_ok(), "I{number}");
    }
}

#[test]
fn a_failure_is_told_with_the_faults_it_needs() {
    let manner = Manner { mutant: Some(Mutant::OwesLater), money_only: false };
    let killed = sim::kill(Mutant::OwesLater, 40_000).expect("it is found out");
    let (all, needed) = (sim::faults(killed.seed), sim::minimise(killed.seed, manner));
    assert!(needed.len() < all.len(), "{needed:?} of {all:?}");
    assert!(needed.iter().all(|fault| all.contains(fault)), "{needed:?} of {all:?}");
    let ended = sim::replay(killed.seed, manner);
    let broken = ended.broken.expect("the same seed is the same run");
    assert_eq!(broken.invariant, killed.invariant);
    assert!(ended.lines.iter().any(|line| line.op == broken.op), "its transaction has a timeline");
}
