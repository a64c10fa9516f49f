//! What every change has to pass: seeds run twice that end alike and break nothing, everything seen that must
//! be seen, and every wrong rule found out by what it breaks.

use sim::{Manner, Mutant, NOT_THERE, Sum};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many seeds; each is run twice.
const SEEDS: u64 = 640;
/// A wrong rule lives no longer than that.
const LIVES_MAX: u64 = 200_000;

/// Runs all of it and says what it found.
pub(crate) fn run(threads: usize) -> ExitCode {
    let began = std::time::Instant::now();
    let (sum, failures) = run_twice(threads);
    crate::report(&sum, began.elapsed().as_secs_f64());
    println!("each of them run twice");
    let missing = sum.missing();
    missing.iter().for_each(|name| println!("never happened, and must: {name}"));
    NOT_THERE.iter().for_each(|(name, why)| println!("cannot happen yet: {name} ({why})"));
    failures.iter().for_each(|why| println!("{why}"));
    let lived = crate::live(4, 5);
    let alive = find_out(threads);
    alive.iter().for_each(|why| println!("{why}"));
    println!("{:.1} s", began.elapsed().as_secs_f64());
    match lived && missing.is_empty() && failures.is_empty() && alive.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn run_twice(threads: usize) -> (Sum, Vec<String>) {
    let (next, all) = (AtomicU64::new(0), Mutex::new((Sum::default(), Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let (first, second) = (sim::run(seed, Manner::default()), sim::run(seed, Manner::default()));
                    let alike = (first.hash, first.events) == (second.hash, second.events);
                    let mut all = all.lock().expect("no thread panics holding it");
                    all.0.add(&first);
                    if !alike {
                        all.1.push(format!("seed {seed}: two runs, two ends"));
                    }
                    if let Some(broken) = &first.broken {
                        let (name, why) = (broken.invariant.name(), &broken.why);
                        all.1.push(format!(
                            "seed {seed} breaks {name}: {why}; again: cargo run --release -p sim -- --seed {seed}"
                        ));
                    }
                }
            });
        }
    });
    all.into_inner().expect("no thread panicked")
}

/// Those that live, and those found out by something else than they break.
fn find_out(threads: usize) -> Vec<String> {
    let (next, alive) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((mutant, name, breaks, what)) =
                    Mutant::ALL.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    let wanted: Vec<_> = breaks.iter().map(|invariant| invariant.name()).collect();
                    match sim::kill(*mutant, LIVES_MAX) {
                        Some(killed) if breaks.contains(&killed.invariant) => println!(
                            "wrong rule {name}: found out by {} within {} transactions ({what})",
                            killed.invariant.name(),
                            killed.transactions
                        ),
                        found => {
                            let found = found.map(|killed| (killed.seed, killed.invariant.name()));
                            let mut alive = alive.lock().expect("no thread panics holding it");
                            alive.push(format!("wrong rule {name}: {found:?}, and it breaks {wanted:?}"));
                        }
                    }
                }
            });
        }
    });
    alive.into_inner().expect("no thread panicked")
}
