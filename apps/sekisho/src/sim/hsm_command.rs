//! `sekisho sim hsm`

use super::host::network;
use super::hsm::{HsmAtWork, HsmPlan, Manners};
use super::speech::{SimError, on_one_thread};
use super::{say, stop_asked, told};
use hsm::payshield::ServerConfig;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

const AFTER_HELP: &str = "\
It speaks the payShield protocol and works in software with three master keys that everybody knows: 00 of
variants, 01 of key blocks under triple DES, 02 of key blocks under AES. It is not a PCI HSM, and nothing under
its keys is secret.

Commands: A0 A6 A8 AE AG BU CA CC FA FC FE FK FM GC HA HC IA KA M6 M8 MA MC MG MI, NC NO B2 RA
Example: sekisho sim hsm --calls-per-second 250 --latency-us 2000 --fault-every 100 --fault-code 41";

/// A security module.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Where it listens; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1500")]
    listen: SocketAddr,
    /// Length of the header in front of each message
    #[arg(long, value_name = "BYTES", default_value_t = 4, value_parser = clap::value_parser!(u8))]
    header_bytes: u8,
    /// How long a command takes, in microseconds
    #[arg(long, value_name = "US", default_value_t = 0)]
    latency_us: u64,
    /// And up to so much more, by luck
    #[arg(long, value_name = "US", default_value_t = 0)]
    jitter_us: u64,
    /// Work off so many commands in a second and no more, as modules are sold: 60, 250, 2500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    calls_per_second: Option<u32>,
    /// Answer every Nth command with an error
    #[arg(long, value_name = "N", default_value_t = 0)]
    fault_every: u64,
    /// The error: two characters
    #[arg(long, value_name = "XX", default_value = "41", value_parser = code)]
    fault_code: [u8; 2],
    /// Say nothing to every Nth command
    #[arg(long, value_name = "N", default_value_t = 0)]
    silent_every: u64,
    /// Answer every Nth command with something nobody can read
    #[arg(long, value_name = "N", default_value_t = 0)]
    garbage_every: u64,
    /// Cut the connection at every Nth command
    #[arg(long, value_name = "N", default_value_t = 0)]
    drop_connection_every: u64,
    /// Be gone after so many seconds
    #[arg(long, value_name = "SECONDS")]
    die_after: Option<f64>,
    /// And be back after so many more
    #[arg(long, value_name = "SECONDS", requires = "die_after")]
    revive_after: Option<f64>,
    /// Same seed, same luck and same keys
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Answers until it is told to stop, then says what it counted.
pub(super) fn run(args: Args) -> ExitCode {
    told(on_one_thread(serve(args)))
}

fn code(text: &str) -> Result<[u8; 2], String> {
    let is_code = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let code = text.as_bytes().try_into().ok().filter(|_| is_code);
    code.ok_or_else(|| "an error code is two letters or digits".into())
}

impl Args {
    fn plan(&self) -> HsmPlan {
        let setup = ServerConfig { header_bytes: usize::from(self.header_bytes), ..ServerConfig::default() };
        let manners = Manners {
            latency_us: self.latency_us,
            jitter_us: self.jitter_us,
            calls_per_second: self.calls_per_second,
            fault_every: self.fault_every,
            fault: self.fault_code,
            silent_every: self.silent_every,
            garbage_every: self.garbage_every,
            cut_every: self.drop_connection_every,
        };
        HsmPlan { name: "hsm".into(), listen: self.listen, setup, manners, seed: self.seed }
    }
}

async fn serve(args: Args) -> Result<ExitCode, SimError> {
    let net = network(args.seed);
    let hsm = args.plan().open(&net)?;
    say(format_args!("listening on {}", hsm.address()));
    say(hsm::software::WARNING);
    tokio::select! {
        stopped = stop_asked() => stopped?,
        lived = live(&args, &hsm) => lived?,
    }
    let counts = hsm.counts();
    say(format_args!(
        "asked {}   answered {}   faults {}   spoilt {}   unreadable {}",
        counts.asked, counts.answered, counts.faults, counts.spoilt, counts.unreadable
    ));
    Ok(ExitCode::SUCCESS)
}

/// Dies and revives as told; then goes on for ever.
async fn live(args: &Args, hsm: &HsmAtWork) -> Result<(), SimError> {
    if let Some(seconds) = args.die_after {
        tokio::time::sleep(Duration::from_secs_f64(seconds.max(0.0))).await;
        hsm.die();
        say("gone");
        if let Some(seconds) = args.revive_after {
            tokio::time::sleep(Duration::from_secs_f64(seconds.max(0.0))).await;
            hsm.revive().await?;
            say("back");
        }
    }
    std::future::pending().await
}
