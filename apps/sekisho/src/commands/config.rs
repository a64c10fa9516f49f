//! `sekisho config`

mod braces;
mod import;

use crate::config::Config;
use crate::exit;
use crate::run::Plan;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with a configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read a configuration and everything it names; open nothing
    Check {
        /// The file
        #[arg(default_value = "sekisho.toml")]
        file: PathBuf,
    },
    /// Make a configuration of an older product's, and name what has no place in it
    Import(import::Args),
}

/// Does it. Exit: 0 good, 78 not; of an import, see there.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Check { file } => check(&file),
        Command::Import(args) => import::run(&args),
    }
}

fn check(file: &Path) -> ExitCode {
    let plan = Config::load(file).and_then(|config| Plan::of(&config, file));
    match plan.and_then(|plan| plan.check_files(file).map(|()| plan)) {
        Ok(plan) => {
            for warning in plan.config.warnings() {
                eprintln!("{}: warning: {warning}", file.display());
            }
            println!("{}: good. {}", file.display(), plan.summary());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(exit::CONFIG)
        }
    }
}
