//! Which journal.

use super::opened::Failure;
use crate::commands::door::named_by_the_environment;
use crate::config::Config;
use std::path::{Path, PathBuf};

const USUAL: &str = "./data";
const USUAL_CONFIG: &str = "./sekisho.toml";

/// The configuration that was named, or the one that lies here; `None` where there is none and `./data` lies here.
///
/// # Errors
/// Where nothing says which switch is meant: whoever is in the wrong directory is told so, and nothing is made there.
pub(crate) fn usual_config(named: Option<&Path>) -> Result<Option<Config>, Failure> {
    let file = match named {
        Some(named) => named,
        None if Path::new(USUAL_CONFIG).exists() => Path::new(USUAL_CONFIG),
        None if Path::new(USUAL).is_dir() => return Ok(None),
        None => {
            let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
            return Err(Failure::NoConfiguration { here });
        }
    };
    Config::load(file).map(Some).map_err(|error| Failure::Config { said: error.to_string() })
}

/// The data directory: named, taken from a configuration, or the usual one.
#[derive(Debug, clap::Args)]
pub(crate) struct Whereabouts {
    /// Take the data directory from this configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Whereabouts {
    /// The directory, where `named` was (or was not) on the command line.
    pub(crate) fn directory(&self, named: Option<&Path>) -> Result<PathBuf, Failure> {
        match named {
            Some(named) => Ok(named.to_path_buf()),
            None => {
                if self.config.is_none()
                    && let Some(server) = named_by_the_environment()
                {
                    return Err(Failure::Elsewhere { server });
                }
                let config = usual_config(self.config.as_deref())?;
                Ok(config.map_or_else(|| PathBuf::from(USUAL), |config| config.journal.dir))
            }
        }
    }
}
