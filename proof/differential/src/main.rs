//! Random cases of everything `hsm` computes, compared with what the Python packages `psec`, `pyemv` and
//! `cryptography` make of them: `cargo run --release -p differential -- --cases 20000`.
//!
//! The packages are installed into a virtual environment under the target folder, once. Where there is no Python or
//! no network, that is said and nothing is compared; `--require` makes it a failure.

mod cases;
mod draw;
mod others;

use cases::Case;
use draw::Draw;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What is asked of a run.
struct Options {
    cases: usize,
    seed: u64,
    is_required: bool,
}

const USAGE: &str = "differential [--cases N] [--seed N] [--require]";

impl Options {
    fn of(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { cases: 2_000, seed: 7, is_required: false };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut number = |what: &str| {
                let value = words.next().and_then(|value| value.parse::<u64>().ok());
                value.ok_or_else(|| format!("{what} takes a number\n{USAGE}"))
            };
            match word.as_str() {
                "--cases" => options.cases = number("--cases")? as usize,
                "--seed" => options.seed = number("--seed")?,
                "--require" => options.is_required = true,
                other => return Err(format!("not known: {other}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let python = match others::environment() {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return if options.is_required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let mut draw = Draw::new(options.seed);
    let cases: Vec<Case> = (0..options.cases).map(|_| cases::any(&mut draw)).collect();
    let answers = match others::ask(&python, cases.iter().map(|case| case.question.as_str())) {
        Ok(answers) => answers,
        Err(why) => {
            eprintln!("the other programs gave up: {why}");
            return ExitCode::FAILURE;
        }
    };
    report(&options, &cases, &answers)
}

fn report(options: &Options, cases: &[Case], answers: &[String]) -> ExitCode {
    let mut agree: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differ = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        match (case.agrees)(answer) {
            true => *agree.entry(case.what).or_default() += 1,
            false => differ.push((case, answer)),
        }
    }
    for (what, count) in &agree {
        println!("{count:7} agree: {what}");
    }
    for (case, answer) in differ.iter().take(20) {
        println!("differs: {}: {}: they say {answer}", case.what, case.question);
    }
    let (seed, count) = (options.seed, options.cases);
    println!(
        "{count} cases of seed {seed}: {} agree, {} differ",
        agree.values().sum::<usize>(),
        differ.len()
    );
    if differ.is_empty() && answers.len() == cases.len() {
        return ExitCode::SUCCESS;
    }
    println!("again: cargo run --release -p differential -- --cases {count} --seed {seed}");
    ExitCode::FAILURE
}
