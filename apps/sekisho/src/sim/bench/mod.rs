//! `sekisho bench`: this switch on this machine, beside a bare relay in the same run.
//!
//! Generator, switch and host are processes of their own, each this same program, so that what the generator
//! costs is not counted as the switch's. Switch and relay are measured in turn, round by round, so that a
//! machine that grows slower grows slower for both; told are medians with the lowest and the highest.

mod figures;
mod stage;

pub use stage::BenchError;

use super::speech::SimError;
use super::{say, told};
use figures::{Figures, Row};
use stage::{Modules, Stage, Subject};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One short round with 64 clients: a first impression, not a figure to be quoted
    #[arg(long)]
    quick: bool,
    /// Seconds each measurement lasts [default: 8, quick 2]
    #[arg(long, value_name = "S", value_parser = super::load::positive)]
    seconds: Option<f64>,
    /// Seconds run before each [default: 2, quick 1]
    #[arg(long, value_name = "S", value_parser = super::load::positive)]
    warmup: Option<f64>,
    /// Numbers of clients [default: 8,64,256, quick 64]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    clients: Vec<u16>,
    /// Requests under way at once on each connection
    #[arg(long, value_name = "N", default_value_t = 1)]
    depth: u16,
    /// Times each is measured [default: 3, quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Where the journals lie while it lasts: a real disk, or nothing is measured
    #[arg(long, value_name = "DIR", default_value = "./bench-data")]
    data: PathBuf,
    /// Measure the switch without syncing too: NOT A FIGURE OF THIS SWITCH, only where its time goes
    #[arg(long)]
    unsafe_no_sync: bool,
    /// Measure the switch with PINs moved and authentication codes verified and made on both legs, and nothing else
    #[arg(long)]
    guarded: bool,
    /// Security modules: so many simulated ones instead of the built-in one
    #[arg(long, value_name = "N", requires = "guarded", default_value_t = 0)]
    hsm: u8,
    /// Commands each of them works off in a second, as modules are sold: 60, 250, 2500
    #[arg(long, value_name = "N", requires = "hsm", value_parser = clap::value_parser!(u32).range(1..))]
    calls_per_second: Option<u32>,
    /// Kill one of them so many seconds into each load, the time before measuring included
    #[arg(long, value_name = "S", requires = "hsm", value_parser = super::load::positive)]
    kill_hsm_after: Option<f64>,
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
}

/// Exit: 0 measured · 1 it could not be, or answers were wrong.
pub fn run(args: Args) -> ExitCode {
    match args.measure() {
        Ok(flawless) => ExitCode::from(u8::from(!flawless)),
        Err(error) => told(Err(SimError::Bench(Box::new(error)))),
    }
}

impl Args {
    fn measure(self) -> Result<bool, BenchError> {
        let (rounds, clients) = (self.rounds(), self.clients());
        let modules = self.guarded.then(|| Modules {
            devices: self.hsm,
            calls_per_second: self.calls_per_second,
            kill_after: self.kill_hsm_after.map(Duration::from_secs_f64),
        });
        let stage = Stage::set(&self.data, modules)?;
        let mut subjects =
            if self.guarded { vec![Subject::Guarded] } else { vec![Subject::Switch, Subject::Relay] };
        if self.unsafe_no_sync {
            subjects.push(Subject::SwitchUnsynced);
        }
        if !self.json {
            say(format_args!("{}\n\n{}", stage.machine(), Row::HEADING));
        }
        let mut figures = Figures::default();
        for clients in clients {
            let mut rows: Vec<Row> = subjects.iter().map(|subject| Row::new(*subject, clients)).collect();
            for _ in 0..rounds {
                for row in &mut rows {
                    row.add(stage.measure(row.subject, &self.load(clients))?);
                }
            }
            let rows = figures.add(rows);
            if !self.json {
                rows.iter().for_each(say);
                say("");
            }
        }
        if self.json {
            say(figures.as_json(&stage.machine()));
        }
        Ok(figures.are_flawless())
    }

    fn rounds(&self) -> u16 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    fn clients(&self) -> Vec<u16> {
        match (self.clients.as_slice(), self.quick) {
            ([], true) => vec![64],
            ([], false) => vec![8, 64, 256],
            (chosen, _) => chosen.to_vec(),
        }
    }

    /// What the generator is told.
    fn load(&self, clients: u16) -> Vec<String> {
        let seconds = self.seconds.unwrap_or(if self.quick { 2.0 } else { 8.0 });
        let warmup = self.warmup.unwrap_or(if self.quick { 1.0 } else { 2.0 });
        let words = [
            ("--clients", clients.to_string()),
            ("--depth", self.depth.to_string()),
            ("--seconds", seconds.to_string()),
            ("--warmup", warmup.to_string()),
        ];
        words.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}
