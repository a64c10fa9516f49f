//! `sekisho sim host`

use super::host::{HostPlan, network};
use super::rules::{CodeName, Every, Rules};
use super::speech::{SimError, Speech, on_one_thread};
use super::{say, stop_asked, told};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const RULES_HELP: &str = r#"A rules file; the first rule that fits decides:

  otherwise = "approved"          # what no rule names
  delay_us = 20000                # and up to jitter_us more
  jitter_us = 30000
  opening_balance = 1000000       # of each card, minor units; without it nobody counts

  [[rule]]
  prefix = "4999"                 # all that a rule names must hold
  code = "stolen_card"

  [[rule]]
  kind = "withdrawal"
  amount_from = 100001            # and amount_to
  percent = 50                    # of those that fit, by luck
  code = "over_amount_limit"
  delay_us = 3000000
  manner = "answer"               # silent, deaf, garbage, cut, twice

  [every]                         # besides the rules, every so many requests
  silent = 150                    # garbage, cut, twice

  [promises]                      # about reversals and advices
  tombstones = true               # a reversal before its request makes it refuse the request
  dedups = true                   # what comes twice is done once
  date_strict = false             # taken on the day it belongs to, and never after
"#;

/// A host that answers by rules.
#[derive(Debug, clap::Args)]
#[command(after_long_help = RULES_HELP)]
pub struct Args {
    /// Where it listens; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// What it speaks
    #[arg(long, value_name = "NAME", default_value = "iso87-ascii")]
    dialect: String,
    /// How frames are told apart [default: as the dialect suggests]
    #[arg(long, value_name = "NAME")]
    framing: Option<String>,
    /// What it answers to whatever no rule names, such as `insufficient_funds`
    #[arg(long, value_name = "CODE")]
    answer: Option<CodeName>,
    /// Answers by card, amount and kind, and balances: a TOML file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// How long an answer takes, in milliseconds
    #[arg(long, value_name = "MS", conflicts_with = "delay_us")]
    delay_ms: Option<u64>,
    /// How long an answer takes, in microseconds; what is less than a millisecond may take one
    #[arg(long, value_name = "US")]
    delay_us: Option<u64>,
    /// Post every Nth request and say nothing
    #[arg(long, value_name = "N", default_value_t = 0)]
    silent_every: u64,
    /// Answer every Nth request with something nobody can read
    #[arg(long, value_name = "N", default_value_t = 0)]
    garbage_every: u64,
    /// Cut the connection at every Nth request
    #[arg(long, value_name = "N", default_value_t = 0)]
    drop_connection_every: u64,
    /// Answer every Nth request twice
    #[arg(long, value_name = "N", default_value_t = 0)]
    twice_every: u64,
    /// Forget reversals that come before their requests, and say that there is no such original
    #[arg(long)]
    no_tombstones: bool,
    /// Do what is owed as often as it comes
    #[arg(long)]
    no_dedup: bool,
    /// Take what is owed on its own day only
    #[arg(long)]
    date_strict: bool,
    /// Test keys for PINs and authentication codes, as the switch has them for this link
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Same seed, same luck
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Answers until it is told to stop, then says what it counted.
pub(super) fn run(args: Args) -> ExitCode {
    told(args.plan().and_then(|plan| on_one_thread(serve(plan))))
}

impl Args {
    fn plan(self) -> Result<HostPlan, SimError> {
        let mut rules = match &self.rules {
            Some(path) => read_rules(path)?,
            None => Rules::default(),
        };
        if let Some(answer) = self.answer {
            rules.otherwise = answer;
        }
        if let Some(delay_us) = self.delay_us.or(self.delay_ms.map(|ms| ms * 1_000)) {
            rules.delay_us = delay_us;
        }
        let said = |own: u64, of_file: u64| if own > 0 { own } else { of_file };
        rules.every = Every {
            silent: said(self.silent_every, rules.every.silent),
            garbage: said(self.garbage_every, rules.every.garbage),
            cut: said(self.drop_connection_every, rules.every.cut),
            twice: said(self.twice_every, rules.every.twice),
        };
        rules.promises.tombstones &= !self.no_tombstones;
        rules.promises.dedups &= !self.no_dedup;
        rules.promises.date_strict |= self.date_strict;
        let speech =
            Speech::named(&self.dialect, self.framing.as_deref())?.with_keys(self.keys.as_deref())?;
        let (listen, seed) = (self.listen, self.seed);
        Ok(HostPlan { name: "host".into(), listen, speech, rules, seed, keeps_postings: false })
    }
}

async fn serve(plan: HostPlan) -> Result<ExitCode, SimError> {
    let net = network(plan.seed);
    let host = plan.open(&net)?;
    say(format_args!("listening on {}", host.address()));
    let stop = stop_asked();
    tokio::pin!(stop);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut unreadable = 0;
    loop {
        tokio::select! {
            stopped = &mut stop => break stopped?,
            _ = ticks.tick() => {
                let now = host.counts().unreadable;
                if now > unreadable {
                    say(format_args!("{now} requests could not be read: is --dialect what the switch speaks here?"));
                    unreadable = now;
                }
            }
        }
    }
    let counts = host.counts();
    say(format_args!(
        "asked {}   unreadable {}   posted {}   sum {} minor units   reversed {}   sum {} minor units   \
         advised {}",
        counts.asked,
        counts.unreadable,
        counts.posted.count,
        counts.posted.minor_units,
        counts.reversed.count,
        counts.reversed.minor_units,
        counts.advised.count
    ));
    Ok(ExitCode::SUCCESS)
}

fn read_rules(path: &std::path::Path) -> Result<Rules, SimError> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| SimError::File { path: name(), source })?;
    Rules::parse(&text).map_err(|error| SimError::Rules { path: name(), source: Box::new(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::ledger::Promises;

    #[test]
    fn the_rules_that_help_shows_are_rules() {
        let (_, example) = RULES_HELP.split_once("\n\n").expect("a line of introduction");
        let rules = Rules::parse(example).expect("an example that works");
        assert_eq!(rules.promises, Promises::default());
        assert_eq!((rules.rule.len(), rules.every.silent, rules.jitter_us), (2, 150, 30_000));
    }
}
