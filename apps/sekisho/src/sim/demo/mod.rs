//! `sekisho demo`: a switch, terminals and two hosts in one process, over real loopback TCP.

mod hosts;
mod place;
mod screen;
mod world;

pub use world::{DemoError, Ended, World, WorldPlan};

use super::say;
use crate::cli::exit;
use crate::run::http;
use screen::Screen;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Simulated terminals
    #[arg(long, value_name = "N", default_value_t = 12)]
    atms: usize,
    /// Transactions per second, all terminals together
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = super::load::positive)]
    tps: f64,
    /// Same seed, same world [default: random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop by itself after this long, such as 90s or 5m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    for_: Option<Duration>,
    /// Exit 1 unless the books of terminals, journal and hosts agree at the end; everything is kept in memory
    /// for that, about half a kilobyte each transaction
    #[arg(long)]
    assert: bool,
    /// Status page and figures
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8583")]
    http: SocketAddr,
    /// Where terminals come in
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:18583")]
    iso: SocketAddr,
    /// Where the journal lies
    #[arg(long, value_name = "DIR", default_value = "./demo-data")]
    data: PathBuf,
    /// Empty it first
    #[arg(long)]
    fresh: bool,
}

/// Ctrl-C once: drain and sum up; twice: leave now.
pub fn run(args: Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("sekisho: cannot start: {error}");
            return ExitCode::from(exit::NO);
        }
    };
    runtime.block_on(play(args)).unwrap_or_else(|error| {
        eprintln!("sekisho: {error}");
        ExitCode::from(error.exit_code())
    })
}

async fn play(args: Args) -> Result<ExitCode, DemoError> {
    place::prepare(&args.data, args.fresh)?;
    let seed = args.seed.unwrap_or_else(|| clock::seed().unwrap_or(7) % 10_000);
    let (iso, iso_moved) = place::free_address(args.iso)?;
    let (page, http_moved) = bind_page(args.http).await?;
    let plan =
        WorldPlan { atms: args.atms, tps: args.tps, seed, iso, data: args.data, keeps_books: args.assert };
    let world = World::start(plan)?;
    tokio::spawn(http::serve(page.0, world.board().clone()));
    let mut screen = Screen::new(std::io::stdout().is_terminal());
    screen.banner(&world, page.1);
    for (what, wanted, found, moved) in [
        ("status page", args.http, page.1, http_moved),
        ("port of the terminals", args.iso, world.iso(), iso_moved),
    ] {
        if moved {
            say(format_args!("  note: {wanted} is taken, so the {what} is {found}\n"));
        }
    }
    watch(&world, &mut screen, args.for_).await?;
    screen.leave_line();
    say("\n  draining: terminals finish what they are doing, then the switch");
    tokio::spawn(leave_at_once());
    let ended = world.end().await?;
    say(screen::summary(&ended));
    Ok(if ended.is_good(args.assert) { ExitCode::SUCCESS } else { ExitCode::from(exit::NO) })
}

/// The page's listener, where it listens, and whether that is not where it was to.
async fn bind_page(wanted: SocketAddr) -> Result<((TcpListener, SocketAddr), bool), DemoError> {
    let (address, moved) = place::free_address(wanted)?;
    let listener = http::bind(address).await.map_err(DemoError::Page)?;
    let address = listener.local_addr().unwrap_or(address);
    Ok(((listener, address), moved))
}

/// Shows what happens until somebody wants it to end.
async fn watch(world: &World, screen: &mut Screen, lasts: Option<Duration>) -> Result<(), DemoError> {
    let listen = |kind| signal(kind).map_err(DemoError::Signals);
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let over = sleep(lasts.unwrap_or(Duration::from_secs(1 << 31)));
    tokio::pin!(over);
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut before = Instant::now();
    loop {
        tokio::select! {
            () = &mut over => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = term.recv() => return Ok(()),
            _ = ticks.tick() => {
                let passed = before.elapsed();
                if passed > Duration::from_millis(500) {
                    before = Instant::now();
                    screen.show(world, passed);
                }
                if world.has_failed() {
                    return Ok(());
                }
            }
        }
    }
}

async fn leave_at_once() {
    if let Ok(mut int) = signal(SignalKind::interrupt()) {
        int.recv().await;
        say("\n  left at once; the next start decides what was in flight");
        std::process::exit(130);
    }
}

/// `500ms`, `90s`, `5m`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is no duration such as 90s or 5m"))?;
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is no unit: ms, s, m or h")),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, ms) in [("500ms", 500), ("90s", 90_000), ("5m", 300_000), ("1h", 3_600_000), ("3", 3_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "5d", "-1s", "99999999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    /// The whole thing, as `sekisho demo --assert` plays it.
    #[test]
    fn after_a_short_demo_every_book_agrees() {
        let data = place::scratch("demo-agrees");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let ended = runtime.block_on(async {
            let iso = "127.0.0.1:0".parse().expect("an address");
            let (atms, tps, seed) = (8, 200.0, 7);
            let plan = WorldPlan { atms, tps, seed, iso, data: data.clone(), keeps_books: true };
            let world = World::start(plan).expect("a world");
            while world.seen().with(|sight| sight.asked) < 300 {
                sleep(Duration::from_millis(20)).await;
            }
            world.end().await.expect("an end")
        });
        let verdict = ended.verdict.as_ref().expect("books were kept");
        assert!(ended.is_good(true), "{}\n{verdict}", screen::summary(&ended));
        assert!(verdict.asked >= 300 && verdict.decided == verdict.asked, "{verdict}");
        assert!(verdict.hosts.values().all(|totals| totals.posted.count > 0), "{verdict}");
        // Again over the same journal: the first run's requests are not taken for the second's.
        let again = runtime.block_on(async {
            let iso = "127.0.0.1:0".parse().expect("an address");
            let (atms, tps, seed) = (8, 200.0, 8);
            let plan = WorldPlan { atms, tps, seed, iso, data: data.clone(), keeps_books: true };
            let world = World::start(plan).expect("a world");
            while world.seen().with(|sight| sight.asked) < 50 {
                sleep(Duration::from_millis(20)).await;
            }
            world.end().await.expect("an end")
        });
        assert!(again.is_good(true), "{}", screen::summary(&again));
        std::fs::remove_dir_all(&data).expect("the scratch directory is ours");
    }
}
