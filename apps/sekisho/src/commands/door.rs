//! Where a running switch is asked.

use super::journal::opened::Failure;
use super::journal::whereabouts::usual_config;
use crate::config::{Config, ConfigError};
use crate::run::Plan;
use std::path::{Path, PathBuf};

/// Which switch. Without any of these: the one of `./sekisho.toml`, or the one of `./data`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// Take the control socket and the data directory from this configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "data"])]
    config: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Control socket and data directory of a switch.
pub(crate) struct Door {
    pub(crate) socket: PathBuf,
    pub(crate) data: PathBuf,
}

impl Which {
    pub(crate) fn door(&self) -> Result<Door, Failure> {
        let lies_in = |data: &Path| data.join("control.sock");
        if self.socket.is_none() && self.data.is_none() {
            let config = usual_config(self.config.as_deref())?;
            if let Some(config) = config {
                return Ok(Door { socket: config.control_socket(), data: config.journal.dir });
            }
        }
        let beside = self.socket.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let data = self.data.clone().or(beside).unwrap_or_else(|| PathBuf::from("./data"));
        Ok(Door { socket: self.socket.clone().unwrap_or_else(|| lies_in(&data)), data })
    }
}

impl Which {
    /// The configuration a switch would run under, and everything it names; `None` where there is none.
    pub(crate) fn plan_if_any(&self) -> Option<Result<Plan, ConfigError>> {
        let usual = Path::new("./sekisho.toml");
        let file = self.config.as_deref().or_else(|| usual.exists().then_some(usual))?;
        Some(Config::load(file).and_then(|config| Plan::of(&config, file)))
    }

    /// The same, where it cannot be done without.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let said =
            "no switch answers; without one, what it would send depends on its configuration: --config FILE";
        let plan = self.plan_if_any().ok_or_else(|| Failure::Config { said: said.into() })?;
        plan.map_err(|error| Failure::Config { said: error.to_string() })
    }
}

/// Who sits at the keyboard, also behind `sudo`; cut to what the journal has room for.
pub(crate) fn whoever() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let name = names.map(|name| name.trim().to_string()).find(|name| !name.is_empty());
    name.map_or_else(|| "unknown".into(), |name| name.chars().filter(char::is_ascii).take(24).collect())
}
