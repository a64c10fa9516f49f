//! `sekisho config`

use crate::config::Config;
use crate::exit;
use crate::run::Plan;
use std::path::PathBuf;
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
}

/// Does it. Exit: 0 good, 78 not.
pub fn run(command: Command) -> ExitCode {
    let Command::Check { file } = command;
    match Config::load(&file).and_then(|config| Plan::of(&config, &file)) {
        Ok(plan) => {
            println!("{}: good. {}", file.display(), plan.summary());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(exit::CONFIG)
        }
    }
}
