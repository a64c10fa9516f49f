//! `sekisho demo`: a switch, terminals, two hosts and a card centre, over real loopback TCP: a whole day in a minute.
//!
//! Every PIN is moved and every business message authenticated, by two simulated security modules.
//!
//! The centre calls and is called back, is signed on to, ends its day by its own clock, and is signed off from at the end.

mod center;
mod faults;
mod hosts;
mod place;
mod screen;
mod security;
mod switch;
mod world;

pub use center::CenterEnded;
pub use faults::{Deed, Fault};
pub use world::{DemoError, Ended, World, WorldPlan};

use super::say;
use crate::exit;
use crate::run::http;
use hosts::CAST;
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
    /// Something that goes wrong, and when: host-down, slow:3s, garbled, cut, silent (of all hosts, or of one such as
    /// silent:CARDS), cash-out (everywhere, or cash-out:ATM00001), switch-kill,
    /// hsm-away (one of two security modules, or hsm-away:2), heal, or the
    /// card centre: cutover, cutover-again, drop-one, drop-all; to be repeated
    #[arg(long, value_name = "NAME@WHEN")]
    fault: Vec<Fault>,
    /// How long the card centre's day is, such as 20s [default: two thirds of --for, or 60s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    day: Option<Duration>,
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
    let mut faults = args.fault;
    check_hosts(&faults)?;
    let (page, http_moved) = bind_page(args.http).await?;
    let is_killed = faults.iter().any(|fault| fault.deed == Deed::SwitchKill);
    // Who is started again must find the same addresses again.
    let (iso, apart) = if is_killed { (place::fixed(iso)?, Some(page.1)) } else { (iso, None) };
    let (atms, tps, data, keeps_books) = (args.atms, args.tps, args.data, args.assert);
    // Its page is then its own.
    let listener = apart.is_none().then_some(page.0);
    let day = args.day.or(args.for_.map(|lasts| lasts * 2 / 3)).unwrap_or(Duration::from_secs(60));
    let plan = WorldPlan { atms, tps, seed, iso, data, keeps_books, apart, day };
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.at));
    let mut world = World::start(plan)?;
    if let Some((listener, board)) = listener.zip(world.board()) {
        tokio::spawn(http::serve(listener, board.clone()));
    }
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
    watch(&mut world, &mut screen, args.for_, faults).await?;
    screen.leave_line();
    say("\n  draining: terminals finish what they are doing, then the switch");
    tokio::spawn(leave_at_once(world.process()));
    let ended = world.end().await?;
    say(screen::summary(&ended));
    Ok(if ended.is_good(args.assert) { ExitCode::SUCCESS } else { ExitCode::from(exit::NO) })
}

fn check_hosts(faults: &[Fault]) -> Result<(), DemoError> {
    let names: Vec<&str> = CAST.iter().map(|cast| cast.name).collect();
    let named = faults.iter().filter_map(|fault| match &fault.deed {
        Deed::Host(_, name) => name.as_deref(),
        _ => None,
    });
    match named.into_iter().find(|name| !names.contains(name)) {
        Some(name) => Err(DemoError::NoSuchHost { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// The page's listener, where it listens, and whether that is not where it was to.
async fn bind_page(wanted: SocketAddr) -> Result<((TcpListener, SocketAddr), bool), DemoError> {
    let (address, moved) = place::free_address(wanted)?;
    let listener = http::bind(address).await?;
    let address = listener.local_addr().unwrap_or(address);
    Ok(((listener, address), moved))
}

/// Shows what happens until somebody wants it to end.
async fn watch(
    world: &mut World,
    screen: &mut Screen,
    lasts: Option<Duration>,
    mut faults: Vec<Fault>,
) -> Result<(), DemoError> {
    let listen = |kind| signal(kind).map_err(DemoError::Signals);
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let over = sleep(lasts.unwrap_or(Duration::from_secs(1 << 31)));
    tokio::pin!(over);
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut before = Instant::now();
    loop {
        let next = faults.last().map_or(Duration::from_secs(1 << 31), |fault| fault.at);
        tokio::select! {
            () = sleep(next.saturating_sub(world.age())) => {
                let Some(fault) = faults.pop() else { continue };
                screen.leave_line();
                say(format_args!("  {:>5.1} s  {}", world.age().as_secs_f64(), fault.deed));
                world.suffer(&fault.deed)?;
            }
            () = &mut over => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = term.recv() => return Ok(()),
            _ = ticks.tick() => {
                for line in world.news() {
                    screen.leave_line();
                    say(format_args!("  {:>5.1} s  {}  {line}", world.age().as_secs_f64(), center::NAME));
                }
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

async fn leave_at_once(switch: Option<u32>) {
    if let Ok(mut int) = signal(SignalKind::interrupt()) {
        int.recv().await;
        if let Some(pid) = switch {
            // It may have ended by itself just now.
            let _ = switch::send_signal(pid, "KILL");
        }
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
    use crate::sim::books::Verdict;

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

    fn played(name: &str, seed: u64, tps: f64, play: impl AsyncFnOnce(&mut World)) -> Ended {
        let data = place::scratch(name);
        let ended = played_in(&data, seed, tps, play);
        std::fs::remove_dir_all(&data).expect("the scratch directory is ours");
        ended
    }

    fn played_in(data: &std::path::Path, seed: u64, tps: f64, play: impl AsyncFnOnce(&mut World)) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let ended = runtime.block_on(async {
            let iso = "127.0.0.1:0".parse().expect("an address");
            let (data, keeps_books, apart) = (data.to_owned(), true, None);
            let day = Duration::from_secs(1);
            let plan = WorldPlan { atms: 8, tps, seed, iso, data, keeps_books, apart, day };
            let mut world = World::start(plan).expect("a world");
            play(&mut world).await;
            world.end().await.expect("an end")
        });
        assert!(ended.is_good(true), "{}", screen::summary(&ended));
        ended
    }

    async fn asked(world: &World, count: u64) {
        while world.seen().with(|sight| sight.asked) < count {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The whole thing, as `sekisho demo --assert` plays it.
    #[test]
    fn after_a_short_demo_every_book_agrees() {
        let data = place::scratch("demo-agrees");
        let ended = played_in(&data, 7, 200.0, async |world| asked(world, 300).await);
        let verdict = ended.verdict.as_ref().expect("books were kept");
        // What a line that broke at once took along is taken back before it comes.
        assert!(verdict.asked >= 300, "{verdict}");
        assert_eq!(verdict.asked, verdict.decided + verdict.taken_back_before, "{verdict}");
        assert!(verdict.hosts.values().all(|totals| totals.posted.count > 0), "{verdict}");
        // Again over the same journal: the first run's requests are not taken for the second's.
        played_in(&data, 8, 200.0, async |world| asked(world, 50).await);
        std::fs::remove_dir_all(&data).expect("the scratch directory is ours");
    }

    /// A day in a few seconds: signed on, ended by the centre, its totals compared, signed off.
    #[test]
    fn the_card_centre_ends_its_day_and_both_sides_count_the_same() {
        let ended = played("demo-day", 7, 60.0, async |world| {
            let mut news = Vec::new();
            while !news.iter().any(|line: &String| line.starts_with("totals")) {
                news.extend(world.news());
                sleep(Duration::from_millis(50)).await;
            }
            println!("{news:#?}");
        });
        let counts = ended.center.counts;
        assert!(counts.sign_ons > 0 && counts.sign_offs > 0 && counts.cutovers > 0, "{counts:?}");
        assert!(counts.compared > 0 && counts.differed == 0, "{counts:?}");
    }

    /// This goes wrong in the middle of business and is put right again a second later.
    fn suffered(fault: &str) -> Verdict {
        let deed: Deed = fault.parse().expect("a fault");
        let name = format!("demo-{}", fault.replace(':', "-"));
        let ended = played(&name, 7, 60.0, async |world| {
            asked(world, 30).await;
            world.suffer(&deed).expect("it can be done");
            sleep(Duration::from_secs(1)).await;
            world.suffer(&Deed::Heal).expect("it can be done");
            let before = world.seen().with(|sight| sight.approved());
            while world.seen().with(|sight| sight.approved()) < before + 10 {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let verdict = ended.verdict.expect("books were kept");
        println!("{fault}:\n{verdict}");
        verdict
    }

    #[test]
    fn a_host_that_is_down_loses_and_doubles_nothing() {
        suffered("host-down");
    }

    #[test]
    fn a_silent_host_is_paid_what_it_is_owed_when_it_speaks_again() {
        assert!(suffered("silent").owed > 0);
    }

    #[test]
    fn a_host_that_answers_too_late_gives_everything_back() {
        assert!(suffered("slow:3s").owed > 0);
    }

    #[test]
    fn a_host_nobody_can_read_is_paid_what_it_is_owed() {
        assert!(suffered("garbled").owed > 0);
    }

    #[test]
    fn a_host_that_cuts_every_connection_is_paid_what_it_is_owed() {
        assert!(suffered("cut").owed > 0);
    }

    #[test]
    fn terminals_that_run_out_of_cash_take_back_what_they_did_not_pay_out() {
        let verdict = suffered("cash-out");
        let reversed: u64 = verdict.hosts.values().map(|totals| totals.reversed.count).sum();
        assert!(reversed > 0 && verdict.owed >= reversed, "{verdict}");
    }
}
