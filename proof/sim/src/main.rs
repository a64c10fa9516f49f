//! `cargo run --release -p sim -- --transactions 1000000`: seeds until so many transactions, or the first that
//! breaks something.

mod ci;

use sim::{DayFigures, Ended, Invariant, Manner, Mutant, NOT_CHECKED, NOT_THERE, StopFigures, Sum};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const HELP: &str = "sim [--seed S [--txn N | --all]] [--seeds A..B] [--transactions N] [--mutant NAME]
    [--days N] [--stops N] [--money-only] [--twice] [--threads N] [--ci] [--list] [--invariants]";

#[derive(Default)]
struct Asked {
    seed: Option<u64>,
    txn: Option<usize>,
    from: u64,
    until: Option<u64>,
    transactions: Option<u64>,
    threads: usize,
    manner: Manner,
    list: bool,
    days: u64,
    stops: u64,
    all: bool,
    twice: bool,
    ci: bool,
    invariants: bool,
}

fn main() -> ExitCode {
    let asked = match Asked::of(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if asked.manner.mutant == Some(Mutant::Panics) || asked.ci {
        // A panic is what is looked for there, and is told with its seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    if asked.ci {
        return ci::run(asked.threads);
    } else if asked.list {
        Mutant::ALL.iter().for_each(|(_, name, _, what)| println!("{name:11} {what}"));
    } else if asked.invariants {
        list_invariants();
    } else if asked.days > 0 {
        return if live(asked.seed.unwrap_or(0), asked.days) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    } else if asked.stops > 0 {
        return if stop_dirtily(asked.stops) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    } else if let Some(seed) = asked.seed {
        return replay(seed, &asked);
    } else {
        return run_many(&asked);
    }
    ExitCode::SUCCESS
}

impl Asked {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self { threads: 2, ..Self::default() };
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or(format!("{word} wants a value"));
            let number = |text: String| {
                text.replace('_', "").parse::<u64>().map_err(|_| format!("{text} is no number"))
            };
            match word.as_str() {
                "--seed" => asked.seed = Some(number(next()?)?),
                "--txn" => asked.txn = Some(number(next()?)? as usize),
                "--transactions" => asked.transactions = Some(number(next()?)?),
                "--days" => asked.days = number(next()?)?,
                "--stops" => asked.stops = number(next()?)?,
                "--threads" => asked.threads = number(next()?)?.max(1) as usize,
                "--seeds" => {
                    let range = next()?;
                    let (from, until) = range.split_once("..").ok_or("--seeds wants A..B")?;
                    (asked.from, asked.until) = (number(from.into())?, Some(number(until.into())?));
                }
                "--mutant" => {
                    let name = next()?;
                    asked.manner.mutant = Some(Mutant::named(&name).ok_or(format!("no mutant {name}"))?);
                }
                "--money-only" => asked.manner.money_only = true,
                "--twice" => asked.twice = true,
                "--ci" => asked.ci = true,
                "--list" => asked.list = true,
                "--all" => asked.all = true,
                "--invariants" => asked.invariants = true,
                _ => return Err(format!("{word}?")),
            }
        }
        Ok(asked)
    }
}

fn list_invariants() {
    for (_, name, money, what) in Invariant::ALL {
        println!("{name:4} {} {what}", if *money { "money" } else { "rule " });
    }
    NOT_CHECKED.iter().for_each(|(name, why)| println!("{name:4} not checked: {why}"));
    NOT_THERE.iter().for_each(|(name, why)| println!("not there: {name}: {why}"));
}

fn run_many(asked: &Asked) -> ExitCode {
    let began = std::time::Instant::now();
    let (next, done) = (AtomicU64::new(asked.from), AtomicU64::new(0));
    let (stop, failed) = (AtomicBool::new(false), Mutex::new(None::<Ended>));
    let (sum, differing) = (Mutex::new(Sum::default()), AtomicU64::new(0));
    let wanted = asked.transactions.unwrap_or(if asked.until.is_some() { u64::MAX } else { 100_000 });
    std::thread::scope(|threads| {
        for _ in 0..asked.threads {
            threads.spawn(|| {
                let mut own = Sum::default();
                while !stop.load(Ordering::Relaxed) && done.load(Ordering::Relaxed) < wanted {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if asked.until.is_some_and(|until| seed >= until) {
                        break;
                    }
                    let ended = sim::run(seed, asked.manner);
                    if asked.twice && sim::run(seed, asked.manner).hash != ended.hash {
                        println!("seed {seed}: two runs, two ends");
                        differing.fetch_add(1, Ordering::Relaxed);
                    }
                    done.fetch_add(ended.transactions, Ordering::Relaxed);
                    own.add(&ended);
                    if ended.broken.is_some() {
                        stop.store(true, Ordering::Relaxed);
                        let mut failed = failed.lock().expect("no thread panics holding it");
                        if failed.as_ref().is_none_or(|first| first.seed > ended.seed) {
                            *failed = Some(ended);
                        }
                    }
                }
                sum.lock().expect("no thread panics holding it").join(&own);
            });
        }
    });
    let sum = sum.into_inner().expect("no thread panicked");
    report(&sum, began.elapsed().as_secs_f64());
    let whole = asked.until.is_none() && asked.manner.mutant.is_none();
    match failed.into_inner().expect("no thread panicked") {
        Some(ended) => explain(&ended, asked),
        None if whole && !sum.missing().is_empty() => {
            println!("never happened: {}", sum.missing().join(", "));
            ExitCode::FAILURE
        }
        None if differing.load(Ordering::Relaxed) > 0 => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    }
}

fn report(sum: &Sum, seconds: f64) {
    for (name, count) in sum.marks() {
        println!("{count:10}  {name}");
    }
    println!(
        "{} seeds, {} transactions, {} events in {seconds:.1} s: {:.0} seeds/s, {:.0} transactions/s; digest {:016x}",
        sum.seeds,
        sum.transactions,
        sum.events,
        sum.seeds as f64 / seconds,
        sum.transactions as f64 / seconds,
        sum.hash
    );
}

/// So many days with three hosts, and what their ledgers and our totals say of them.
fn live(seed: u64, days: u64) -> bool {
    let began = std::time::Instant::now();
    let Ended { transactions, events, broken, days: figures, stops, lines, .. } = sim::live(seed, days);
    if let Some(op) = broken.as_ref().and_then(|broken| broken.op) {
        lines.iter().filter(|line| line.op == Some(op)).for_each(print_line);
    }
    let DayFigures {
        days: compared,
        moves,
        told,
        differing,
        listed,
        explaining,
        by_one_item,
        by_one_each,
        not_explained,
    } = figures;
    println!(
        "seed {seed}: {days} days, {transactions} transactions, {events} events, {} dirty stops in {:.1} s",
        stops.stops,
        began.elapsed().as_secs_f64()
    );
    println!(
        "{moves} days of 3 hosts began; {compared} hold money, and {differing} of them differ from our totals"
    );
    println!(
        "{} comparisons with the figures of both sides: {} balanced, {} did not, by {} transactions, each on the list",
        told.all, told.balanced, told.out_of_balance, told.explaining
    );
    println!(
        "{listed} transactions on the list for people; {explaining} of them explain every difference: {by_one_item} \
         have exactly one item, {by_one_each} more than one, each of another matter"
    );
    if let Some(told) = not_explained {
        println!("not explained by one item for each difference: {told}");
    }
    match broken {
        Some(broken) => println!("breaks {}: {} ({:?})", broken.invariant.name(), broken.why, broken.op),
        None => return explaining == by_one_item + by_one_each,
    }
    false
}

/// Seeds until the process has died so often, and what came of what it left.
fn stop_dirtily(wanted: u64) -> bool {
    let (began, mut sum) = (std::time::Instant::now(), Sum::default());
    for seed in 0.. {
        let ended = sim::run(seed, Manner::default());
        sum.add(&ended);
        if let Some(broken) = &ended.broken {
            println!("seed {seed} breaks {}: {}", broken.invariant.name(), broken.why);
            return false;
        }
        if sum.stops.stops >= wanted {
            break;
        }
    }
    let StopFigures { stops, found, attempted, to_people, found_again } = sum.stops;
    println!(
        "{stops} dirty stops in {} seeds, {:.1} s: {found} messages found owed; {attempted} attempted before anything new, \
         {to_people} ended by people first, {found_again} found again by the next stop; nothing new went before",
        sum.seeds,
        began.elapsed().as_secs_f64()
    );
    sum.stops.is_whole()
}

fn replay(seed: u64, asked: &Asked) -> ExitCode {
    println!("seed {seed}: {:?}", sim::faults(seed));
    let ended = sim::replay(seed, asked.manner);
    let about = asked.txn.or(ended.broken.as_ref().and_then(|broken| broken.op));
    if asked.all {
        ended.lines.iter().for_each(print_line);
    } else {
        print_lines(&ended, about);
    }
    println!("{} transactions, {} events, digest {:016x}", ended.transactions, ended.events, ended.hash);
    match &ended.broken {
        Some(_) => explain(&ended, asked),
        None => ExitCode::SUCCESS,
    }
}

/// Of a run that is not about one transaction, so many of the last lines are shown.
const LINES_MAX: usize = 60;

/// The timeline of one transaction, with what befell everybody; or the end of the whole.
fn print_lines(ended: &Ended, about: Option<usize>) {
    let shown: Vec<_> =
        ended.lines.iter().filter(|line| about.is_none() || line.op == about || line.of_all).collect();
    let skipped = if about.is_some() { 0 } else { shown.len().saturating_sub(LINES_MAX) };
    shown.into_iter().skip(skipped).for_each(print_line);
}

fn print_line(line: &sim::Line) {
    let op = line.op.map_or(String::new(), |op| format!("txn {op}: "));
    println!("{:>12.6} s  {op}{}", line.at_us as f64 / 1e6, line.what);
}

fn explain(ended: &Ended, asked: &Asked) -> ExitCode {
    let Some(broken) = &ended.broken else { return ExitCode::SUCCESS };
    let seed = ended.seed;
    println!("seed {seed} breaks {}: {}", broken.invariant.name(), broken.invariant.meaning());
    println!("  {} (transaction {:?}, at {} us)", broken.why, broken.op, broken.at_us);
    println!("  needs: {:?}", sim::minimise(seed, asked.manner));
    if asked.seed.is_none() {
        print_lines(&sim::replay(seed, asked.manner), broken.op);
    }
    let mutant = asked.manner.mutant.map_or(String::new(), |mutant| format!(" --mutant {}", mutant.name()));
    let money = if asked.manner.money_only { " --money-only" } else { "" };
    println!("again: cargo run --release -p sim -- --seed {seed}{mutant}{money}");
    ExitCode::FAILURE
}
