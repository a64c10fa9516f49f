//! `sekisho sim center`

use super::CenterAtWork;
use super::script::{CenterToml, Deed};
use crate::sim::host::network;
use crate::sim::speech::{SimError, on_one_thread};
use crate::sim::{say, stop_asked, told};
use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const HELP: &str = "While it runs, type one of these words and Enter: sign-on sign-off echo cutover cutover-again \
                    cutover-wrong totals totals-blank drop-one drop-all silent speak malformed.\nIt stops on TERM or Ctrl-C, and says \
                    what it counted.";

/// A card centre that does what its script says.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The script; deploy/center-sim.toml is one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Works until it is told to stop.
pub(in crate::sim) fn run(args: Args) -> ExitCode {
    told(script(&args).and_then(|script| on_one_thread(serve(script))))
}

fn script(args: &Args) -> Result<CenterToml, SimError> {
    let path = || args.config.display().to_string();
    let text =
        std::fs::read_to_string(&args.config).map_err(|source| SimError::File { path: path(), source })?;
    CenterToml::parse(&text).map_err(|error| SimError::Rules { path: path(), source: Box::new(error) })
}

async fn serve(script: CenterToml) -> Result<ExitCode, SimError> {
    let net = network(script.seed);
    let center = CenterAtWork::open(script, &net, |line: &str| say(line))?;
    if let Some(address) = center.address() {
        say(format_args!("listening on {address}"));
    }
    let mut words = words_typed();
    let stop = stop_asked();
    tokio::pin!(stop);
    let mut reads = true;
    loop {
        tokio::select! {
            stopped = &mut stop => {
                stopped?;
                break;
            }
            word = words.recv(), if reads => match word {
                Some(word) => match Deed::named(word.trim()) {
                    Some(deed) => center.act(deed),
                    None if word.trim().is_empty() => {}
                    None => say(format_args!("`{}` is none of: {}", word.trim(), Deed::ALL.map(Deed::name).join(" "))),
                },
                // Nobody types any more; it works on.
                None => reads = false,
            },
        }
    }
    let (counts, posted) = (center.counts(), center.with_ledger(|ledger| ledger.posted()));
    let reversed = center.with_ledger(|ledger| ledger.reversed());
    say(format_args!(
        "day {}   asked {}   too early {}   unreadable {}   posted {}   sum {}   reversed {}   sum {}   \
         sign-ons {}   echoes {}   totals {}   differed {}",
        center.date(),
        counts.asked,
        counts.too_early,
        counts.unreadable,
        posted.count,
        posted.minor_units,
        reversed.count,
        reversed.minor_units,
        counts.sign_ons,
        counts.echoes,
        counts.compared,
        counts.differed
    ));
    Ok(ExitCode::SUCCESS)
}

/// Lines of standard input, read on a thread of their own: a terminal cannot be waited for otherwise.
fn words_typed() -> UnboundedReceiver<String> {
    let (send, receive) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
