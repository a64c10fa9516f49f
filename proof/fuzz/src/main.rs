//! The short run: every target on mutations of good inputs, from a seed, for some seconds each.

use fuzz::luck::Luck;
use fuzz::{TARGETS, Target};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: fuzz [--seconds N] [--target NAME] [--seed N] [--input HEX]";

struct Wanted {
    seconds: u64,
    target: Option<String>,
    seed: u64,
    /// One input instead of many: what an earlier run found.
    input: Option<Vec<u8>>,
}

fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let chosen = |target: &&Target| wanted.target.as_deref().is_none_or(|name| name == target.name);
    let targets: Vec<_> = TARGETS.iter().filter(chosen).collect();
    if targets.is_empty() {
        eprintln!(
            "no such target; there are {}",
            TARGETS.iter().map(|t| t.name).collect::<Vec<_>>().join(", ")
        );
        return ExitCode::from(2);
    }
    match targets.into_iter().all(|target| holds(target, &wanted)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn wanted(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { seconds: 5, target: None, seed: 8_583, input: None };
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--seconds" => wanted.seconds = value.parse().ok()?,
            "--target" => wanted.target = Some(value),
            "--seed" => wanted.seed = value.parse().ok()?,
            "--input" => wanted.input = Some(unhex(&value)?),
            _ => return None,
        }
    }
    Some(wanted)
}

fn holds(target: &Target, wanted: &Wanted) -> bool {
    let (seeds, mut luck, began) = ((target.seeds)(), Luck::seeded(wanted.seed), Instant::now());
    let until = Duration::from_secs(wanted.seconds);
    let (mut executions, given) = (0_u64, wanted.input.as_ref());
    // First each seed as it is: the equations must hold for what we write ourselves.
    let mut first = seeds.iter();
    loop {
        let input = match (given, first.next()) {
            (Some(input), _) => input.clone(),
            (None, Some(seed)) => seed.clone(),
            (None, None) => luck.input(&seeds),
        };
        if catch_unwind(|| (target.check)(&input)).is_err() {
            let (name, hex) = (target.name, hex(&input));
            println!("{name}: does not hold after {executions} executions, seed {}", wanted.seed);
            println!("play it again: cargo run --release -- --target {name} --input {hex}");
            return false;
        }
        executions += 1;
        if given.is_some() || (executions % 64 == 0 && began.elapsed() >= until) {
            break;
        }
    }
    println!("{}: {executions} executions in {:.1?}, seed {}", target.name, began.elapsed(), wanted.seed);
    true
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}
