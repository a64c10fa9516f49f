//! `cargo run --release -p model -- [NAME...] [--mutants] [--losses N] ...`
#![allow(clippy::print_stderr, reason = "a program that cannot start says so on stderr")]

use model::{Budget, Explored, Plot, Scenario, Suspect, explore};
use std::process::ExitCode;

const USAGE: &str =
    "usage: model [G] [G2] [G3] [D1] [D2] [D2n] [SAF] [SAFn] [M1] ... [--mutants] [--threads N]
             [--losses N] [--duplicates N] [--crashes N] [--repeats N] [--cuts N] [--rulings N] [--held N]
Explores every future of one transaction; without a name, of all of them and of every mutant.";

/// One line of what is explored when nobody asks for less.
struct Named {
    name: &'static str,
    meaning: &'static str,
    scenario: Scenario,
}

impl Named {
    /// All of them. A reversal of what is in flight is marked and acted on when the answer is known, so the
    /// variant that does that (G4) is G itself.
    fn all(budget: Budget) -> [Self; 8] {
        let of = |plot| Scenario::of(plot, budget);
        let buried = |scenario| Scenario { tombstones: true, ..scenario };
        let one = |name, meaning, scenario| Self { name, meaning, scenario };
        let withdrawal = buried(of(Plot::Withdrawal));
        [
            one("G", "withdrawal, the host keeps tombstones (and G4)", withdrawal),
            one("G2", "withdrawal, no tombstones", of(Plot::Withdrawal)),
            one("G3", "withdrawal, requests repeated", Scenario { requests_repeat: true, ..withdrawal }),
            one("D1", "deposit, posted when unknown", of(Plot::DepositPosted)),
            one("D2", "deposit, cancelled when unknown", buried(of(Plot::DepositCancelled))),
            one("D2n", "the same, no tombstones", of(Plot::DepositCancelled)),
            one("SAF", "a debt, a link that falls, a person", buried(of(Plot::Forward))),
            one("SAFn", "the same, no tombstones", of(Plot::Forward)),
        ]
    }
}

struct Wanted {
    budget: Budget,
    threads: usize,
    names: Vec<String>,
    mutants: bool,
}

impl Wanted {
    fn is_wanted(&self, name: &str) -> bool {
        let everything = self.names.is_empty() && !self.mutants;
        everything || self.names.iter().any(|wanted| wanted == name)
    }
}

fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut held = true;
    for Named { name, meaning, scenario } in Named::all(wanted.budget) {
        if wanted.is_wanted(name) {
            let explored = explore(scenario, wanted.threads);
            held &= explored.wrong.is_none();
            print(&format!("{name:5}{meaning}"), &explored);
        }
    }
    for suspect in Suspect::ALL {
        if wanted.mutants || wanted.is_wanted(suspect.name) {
            let explored = explore(suspect.scenario(), wanted.threads);
            held &= explored.wrong.is_some() && explored.is_stranded() == suspect.strands;
            print(&format!("{:5}{:?}", suspect.name, suspect.mutant), &explored);
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(name: &str, explored: &Explored) {
    let Explored { states, moves, took, wrong } = explored;
    println!("{name}: {states} states, {moves} moves, {:.1} s", took.as_secs_f32());
    match wrong {
        None => println!("       every one is right, and from every one agreement can be reached"),
        Some((what, way)) => {
            println!("       broken: {what}");
            for (at, the_move) in way.iter().enumerate() {
                println!("       {:2}  {the_move:?}", at + 1);
            }
        }
    }
}

fn wanted(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { budget: Budget::FULL, threads: 2, names: Vec::new(), mutants: false };
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse::<u8>().ok();
        let budget = &mut wanted.budget;
        match word.as_str() {
            "--mutants" => wanted.mutants = true,
            "--threads" => wanted.threads = usize::from(number()?),
            "--losses" => budget.losses = number()?,
            "--duplicates" => budget.duplicates = number()?,
            "--crashes" => budget.crashes = number()?,
            "--repeats" => budget.repeats = number()?,
            "--cuts" => budget.cuts = number()?,
            "--rulings" => budget.rulings = number()?,
            "--held" => budget.held = number()?,
            name if is_known(name) => wanted.names.push(word),
            _ => return None,
        }
    }
    Some(wanted)
}

fn is_known(name: &str) -> bool {
    let is_mutant = Suspect::ALL.iter().any(|suspect| suspect.name == name);
    is_mutant || Named::all(Budget::NOTHING).iter().any(|one| one.name == name)
}
