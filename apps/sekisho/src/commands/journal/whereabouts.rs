//! Which journal.

use super::opened::Failure;
use crate::config::Config;
use std::path::{Path, PathBuf};

const USUAL: &str = "./data";

/// The data directory: named, taken from a configuration, or the usual one.
#[derive(Debug, clap::Args)]
pub(super) struct Whereabouts {
    /// Take the data directory from this configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Whereabouts {
    /// The directory, where `named` was (or was not) on the command line.
    pub(super) fn directory(&self, named: Option<&Path>) -> Result<PathBuf, Failure> {
        match (named, &self.config) {
            (Some(named), _) => Ok(named.to_path_buf()),
            (None, None) => Ok(PathBuf::from(USUAL)),
            (None, Some(file)) => match Config::load(file) {
                Ok(config) => Ok(config.journal.dir),
                Err(error) => Err(Failure::Config { said: error.to_string() }),
            },
        }
    }
}
