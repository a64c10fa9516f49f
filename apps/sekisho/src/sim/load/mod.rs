//! `sekisho load`: requests put on a switch, every answer checked, latencies measured.
//!
//! - Closed loop: each client keeps `--depth` requests under way and asks again when it is answered.
//! - Open loop (`--rate`): requests fall due evenly, whether anybody is ready for them or not, and each is
//!   measured from the moment it was due. A switch that stalls is not flattered by a generator that waits.

mod client;
mod engine;
mod pace;
mod report;
#[cfg(test)]
mod tests;

pub use engine::LoadPlan;
pub use report::Report;

use super::process::Watched;
use super::speech::{SimError, Speech, on_one_thread};
use super::{say, told};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Something was bad, declined or not answered.
const FLAWED: u8 = 3;

/// How.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the switch listens
    #[arg(long, visible_alias = "connect", value_name = "ADDR", default_value = "127.0.0.1:9000")]
    addr: SocketAddr,
    /// What it speaks there
    #[arg(long, value_name = "NAME", default_value = "iso87-ascii")]
    dialect: String,
    /// How frames are told apart [default: as the dialect suggests]
    #[arg(long, value_name = "NAME")]
    framing: Option<String>,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Requests under way at once on each
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    depth: u16,
    /// How long is measured
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = positive)]
    seconds: f64,
    /// How long is run before that
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = positive)]
    warmup: f64,
    /// Requests a second, due evenly (open loop); without it as many as are answered (closed loop)
    #[arg(long, value_name = "TPS", value_parser = positive)]
    rate: Option<f64>,
    /// Silence after which a request counts as not answered
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    timeout_ms: u64,
    /// Test keys for PINs and authentication codes, as the switch's listener has them
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// First digits of the cards
    #[arg(long, value_name = "DIGITS", default_value = "411111")]
    bin: String,
    /// Processes whose processor time and memory are told
    #[arg(long, value_name = "NAME=PID")]
    pid: Vec<Watched>,
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
}

/// Exit: 0 every request was answered and approved · 3 not so · 1 it could not be run.
pub fn run(args: Args) -> ExitCode {
    let json = args.json;
    let report = args.plan().and_then(|plan| on_one_thread(plan.run()));
    told(report.map(|report| {
        match json {
            true => say(report.as_json()),
            false => say(&report),
        }
        if report.is_flawless() { ExitCode::SUCCESS } else { ExitCode::from(FLAWED) }
    }))
}

impl Args {
    fn plan(self) -> Result<LoadPlan, SimError> {
        Ok(LoadPlan {
            address: self.addr,
            speech: Speech::named(&self.dialect, self.framing.as_deref())?.with_keys(self.keys.as_deref())?,
            clients: self.clients,
            depth: usize::from(self.depth),
            warmup: Duration::from_secs_f64(self.warmup),
            measured: Duration::from_secs_f64(self.seconds),
            rate: self.rate,
            timeout: Duration::from_millis(self.timeout_ms),
            card_prefix: self.bin,
            watched: self.pid,
        })
    }
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err(format!("`{text}` is no number above 0")),
    }
}
