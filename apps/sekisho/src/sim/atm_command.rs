//! `sekisho sim atm`

use super::cash::Cash;
use super::customers::{Crowd, Mix};
use super::luck::Luck;
use super::mishaps::Mishaps;
use super::speech::{SimError, Speech, on_one_thread};
use super::street::{Seen, StreetPlan};
use super::terminal::{Habits, try_speech};
use super::{say, stop_asked, told};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::watch;

/// Terminals that ask, wait, repeat and remember.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the switch listens
    #[arg(long, visible_alias = "addr", value_name = "ADDR", default_value = "127.0.0.1:9000")]
    connect: SocketAddr,
    /// What it speaks there
    #[arg(long, value_name = "NAME", default_value = "iso87-ascii")]
    dialect: String,
    /// How frames are told apart [default: as the dialect suggests]
    #[arg(long, value_name = "NAME")]
    framing: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 12)]
    terminals: usize,
    /// Customers a second, all terminals together
    #[arg(long, default_value_t = 20.0, value_parser = super::load::positive)]
    tps: f64,
    /// What they want, in proportion
    #[arg(
        long,
        value_name = "KIND:SHARE,...",
        default_value = "withdrawal:70,balance_inquiry:20,deposit:10"
    )]
    kinds: Mix,
    /// First digits of their cards
    #[arg(long, value_name = "DIGITS", default_value = "411111", value_delimiter = ',')]
    bin: Vec<String>,
    /// Test keys for PINs and authentication codes, as the switch's listener has them
    #[arg(long, value_name = "FILE")]
    keys: Option<std::path::PathBuf>,
    /// Same seed, same people
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A connection for each request
    #[arg(long)]
    one_shot: bool,
    /// Silence after which a request is repeated
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    timeout_ms: u64,
    /// Repeats before a terminal gives up
    #[arg(long, value_name = "N", default_value_t = 2)]
    repeats: u32,
    /// Times a reversal or a report is sent before a terminal gives that up too
    #[arg(long, value_name = "N", default_value_t = 20)]
    insists: u32,
    /// Pay out half of what is asked for, and take the rest back
    #[arg(long)]
    cash_out: bool,
    /// Now and then a line breaks before the answer, or notes get stuck
    #[arg(long)]
    mishaps: bool,
    /// Stop by itself after so many seconds
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Tell every request as it ends
    #[arg(long)]
    log: bool,
}

/// Asks until it is told to stop, then says what it was told.
pub(super) fn run(args: Args) -> ExitCode {
    told(on_one_thread(serve(args)))
}

async fn serve(args: Args) -> Result<ExitCode, SimError> {
    let speech = Speech::named(&args.dialect, args.framing.as_deref())?.with_keys(args.keys.as_deref())?;
    try_speech(&speech)?;
    let mut luck = Luck::seeded(args.seed);
    let cash = Cash::default();
    if args.cash_out {
        cash.run_short(None);
    }
    let plan = StreetPlan {
        habits: Habits {
            address: args.connect,
            speech,
            one_shot: args.one_shot,
            answer_timeout: Duration::from_millis(args.timeout_ms),
            repeats_max: args.repeats,
            insists_max: args.insists,
            cash,
            mishaps: if args.mishaps { Mishaps::now_and_then() } else { Mishaps::default() },
        },
        terminals: args.terminals,
        tps: args.tps,
        crowd: Crowd::new(args.kinds, args.bin, 1_000, luck.fork()),
        luck: luck.fork(),
        keeps_view: args.log,
    };
    say(format_args!(
        "{} terminals ask {} in {}, {} customers a second; told every 10 s",
        args.terminals, args.connect, args.dialect, args.tps
    ));
    let (seen, (stop, stopped)) = (Seen::default(), watch::channel(false));
    let street = tokio::task::spawn_local(plan.run(seen.clone(), stopped));
    watch_street(&seen, args.seconds, args.log).await?;
    stop.send_replace(true);
    // Only a panic of ours ends it otherwise, and that has been printed.
    let _ = street.await;
    print_news(&seen, args.log);
    say(summary(&seen));
    Ok(ExitCode::SUCCESS)
}

async fn watch_street(seen: &Seen, seconds: Option<u64>, log: bool) -> Result<(), SimError> {
    let over = tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(u64::MAX / 2).min(1 << 31)));
    tokio::pin!(over);
    let stop = stop_asked();
    tokio::pin!(stop);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut lines = 0_u32;
    loop {
        tokio::select! {
            () = &mut over => return Ok(()),
            stopped = &mut stop => return stopped,
            _ = ticks.tick() => {
                print_news(seen, log);
                lines += 1;
                if !log && lines.is_multiple_of(10) {
                    say(summary(seen));
                }
            }
        }
    }
}

/// What every terminal was told since the last time, when that is wanted.
fn print_news(seen: &Seen, log: bool) {
    if log {
        for asked in seen.with(|sight| std::mem::take(&mut sight.view)) {
            let super::books::Asked { key, kind, amount, told, held, afterwards } = asked;
            say(format_args!("{key} {kind} {amount} {told:?} holds {held} {afterwards:?}"));
        }
    }
}

fn summary(seen: &Seen) -> String {
    seen.with(|sight| {
        let [approved, refused, unknown, not_sent] = sight.told;
        let ms = |quantile| sight.took_us.value_at_quantile(quantile) as f64 / 1_000.0;
        format!(
            "asked {}   approved {approved}   refused {}   unknown {unknown}   unheard {}   repeats {}   \
             taken back {}   reported {}   went away {}   p50 {:.1} ms   p99 {:.1} ms",
            sight.asked,
            refused + not_sent,
            sight.unheard,
            sight.repeats,
            sight.taken_back,
            sight.reported,
            sight.went_away,
            ms(0.5),
            ms(0.99)
        )
    })
}
