//! `cargo run --release -p model -- [--withdrawal|--deposit|--saf|--mutants] [--losses N] ...`
#![allow(clippy::print_stderr, reason = "a program that cannot start says so on stderr")]

use model::{Budget, Explored, Mutant, Plot, Scenario, explore};
use std::process::ExitCode;

const USAGE: &str = "usage: model [--withdrawal] [--deposit] [--saf] [--mutants] [--threads N]
             [--losses N] [--duplicates N] [--crashes N] [--repeats N] [--cuts N] [--rulings N] [--held N]
Explores every future of one transaction; without a scenario, of all of them but the mutants.";

struct Wanted {
    budget: Budget,
    threads: usize,
    plots: Vec<Plot>,
    mutants: bool,
}

fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut held = true;
    for plot in &wanted.plots {
        for tombstones in tombstones(*plot) {
            let scenario = Scenario { tombstones: *tombstones, ..Scenario::of(*plot, wanted.budget) };
            let explored = explore(scenario, wanted.threads);
            held &= explored.wrong.is_none();
            let host = if *tombstones { "host with tombstones" } else { "host without tombstones" };
            print(&format!("{plot:?}, {host}"), &explored);
        }
    }
    for (mutant, name, plot) in Mutant::ALL.into_iter().filter(|_| wanted.mutants) {
        let scenario = Scenario { mutant: Some(mutant), ..Scenario::of(plot, wanted.budget) };
        let explored = explore(scenario, wanted.threads);
        held &= explored.wrong.is_some();
        print(&format!("{name} {mutant:?}"), &explored);
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reversals are what tombstones are for; a deposit that is posted has none.
const fn tombstones(plot: Plot) -> &'static [bool] {
    match plot {
        Plot::DepositPosted => &[false],
        Plot::Withdrawal | Plot::DepositCancelled | Plot::Forward => &[true, false],
    }
}

fn print(name: &str, explored: &Explored) {
    let Explored { states, moves, took, wrong } = explored;
    println!("{name}: {states} states, {moves} moves, {:.1} s", took.as_secs_f32());
    match wrong {
        None => println!("  every one is right, and from every one agreement can be reached"),
        Some((what, way)) => {
            println!("  broken: {what}");
            for (at, the_move) in way.iter().enumerate() {
                println!("  {:2}  {the_move:?}", at + 1);
            }
        }
    }
}

fn wanted(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { budget: Budget::FULL, threads: 2, plots: Vec::new(), mutants: false };
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse::<u8>().ok();
        let budget = &mut wanted.budget;
        match word.as_str() {
            "--withdrawal" => wanted.plots.push(Plot::Withdrawal),
            "--deposit" => wanted.plots.extend([Plot::DepositPosted, Plot::DepositCancelled]),
            "--saf" => wanted.plots.push(Plot::Forward),
            "--mutants" => wanted.mutants = true,
            "--threads" => wanted.threads = usize::from(number()?),
            "--losses" => budget.losses = number()?,
            "--duplicates" => budget.duplicates = number()?,
            "--crashes" => budget.crashes = number()?,
            "--repeats" => budget.repeats = number()?,
            "--cuts" => budget.cuts = number()?,
            "--rulings" => budget.rulings = number()?,
            "--held" => budget.held = number()?,
            _ => return None,
        }
    }
    if wanted.plots.is_empty() && !wanted.mutants {
        wanted.plots = vec![Plot::Withdrawal, Plot::DepositPosted, Plot::DepositCancelled, Plot::Forward];
    }
    Some(wanted)
}
