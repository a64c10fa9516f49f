//! Where a running switch is asked.

mod context;

use super::control::{Reply, Settings, Unreachable, Way};
use super::journal::opened::Failure;
use super::journal::whereabouts::usual_config;
use super::permission::user;
use crate::config::{Config, ConfigError};
use crate::run::Plan;
use context::variable;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Which switch. Without any of these the one SEKISHO_SERVER or SEKISHO_CONTEXT names; without those the one of
/// `./sekisho.toml`, or the one of `./data`, where one of these is there.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Which {
    /// Take the control socket and the data directory from this configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["socket", "data"], help_heading = WHERE)]
    config: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH", help_heading = WHERE)]
    socket: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", help_heading = WHERE)]
    data: Option<PathBuf>,
    /// A switch over TCP: https://HOST:PORT, or unix:PATH [env: SEKISHO_SERVER]
    #[arg(long, value_name = "URL", conflicts_with_all = LOCAL, help_heading = WHERE)]
    server: Option<String>,
    /// The same by the name it has in contexts.toml [env: SEKISHO_CONTEXT]
    #[arg(long, value_name = "NAME", conflicts_with_all = LOCAL, conflicts_with = "server", help_heading = WHERE)]
    context: Option<String>,
    /// The file with an operator's key, for --server [env: SEKISHO_KEY_FILE]
    #[arg(long, value_name = "FILE", conflicts_with_all = LOCAL, help_heading = WHERE)]
    key_file: Option<PathBuf>,
    /// Authorities of its certificate; without it those this machine trusts [env: SEKISHO_CA_FILE]
    #[arg(long, value_name = "FILE", conflicts_with_all = LOCAL, help_heading = WHERE)]
    ca_file: Option<PathBuf>,
    /// Let the key go in the clear to another machine
    #[arg(long, conflicts_with_all = LOCAL, help_heading = WHERE)]
    plain_http: bool,
}

const WHERE: &str = "Which switch";
/// What names a switch of this machine.
const LOCAL: [&str; 3] = ["config", "socket", "data"];

/// A switch: how it is reached, and where its files lie.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    way: Way,
    /// `None` where they lie on another machine.
    data: Option<PathBuf>,
    /// What makes the next command find the same switch.
    words: String,
    /// The configuration that was named.
    config: Option<PathBuf>,
}

impl Door {
    /// A switch of this machine.
    pub(crate) fn here(socket: PathBuf, data: PathBuf) -> Self {
        let words = format!(" --socket {}", socket.display());
        Self { way: Way::Socket(socket), data: Some(data), words, config: None }
    }

    /// Asks for something.
    pub(crate) fn get(&self, place: &str) -> Result<Reply, Unreachable> {
        self.way.get(place)
    }

    /// Gives an order.
    pub(crate) fn post(&self, place: &str, body: &Value) -> Result<Reply, Unreachable> {
        self.way.post(place, body)
    }

    /// Whether anybody is there at all.
    pub(crate) fn is_answered(&self) -> bool {
        self.way.is_answered()
    }

    /// How it is reached, to be shown.
    pub(crate) fn address(&self) -> String {
        self.way.to_string()
    }

    /// What makes the next command find the same switch.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// What makes a command that reads its files find the same ones; nothing where they lie on another machine.
    pub(crate) fn words_of_files(&self) -> String {
        match (&self.config, &self.data) {
            (Some(config), _) => format!(" --config {}", config.display()),
            (None, Some(data)) => format!(" {}", data.display()),
            (None, None) => String::new(),
        }
    }

    /// Whether it is of this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.data.is_some()
    }

    /// Where its files lie.
    ///
    /// # Errors
    /// Where that is another machine.
    pub(crate) fn data(&self) -> Result<&Path, Failure> {
        self.data.as_deref().ok_or_else(|| Failure::Elsewhere { server: self.address() })
    }

    /// What answers speaks, and not as a switch does.
    pub(crate) fn strange(&self) -> Unreachable {
        Unreachable::Strange { way: self.address() }
    }

    /// Who gives an order: whoever was named, or else whoever is logged in; of another machine's switch whoever the
    /// key is for, which it knows better.
    pub(crate) fn by(&self, named: Option<&str>) -> Option<String> {
        match (named, self.is_here()) {
            (Some(named), _) => Some(named.to_owned()),
            (None, true) => Some(whoever()),
            (None, false) => None,
        }
    }
}

impl Which {
    /// The switch that is meant.
    ///
    /// # Errors
    /// Where what names it makes no sense, or a file it names cannot be used.
    pub(crate) fn door(&self) -> Result<Door, Failure> {
        match self.remote()? {
            Some(settings) => self.elsewhere(&settings),
            None => self.here(),
        }
    }

    /// What was said of a switch elsewhere, on the command line or else in the environment.
    fn remote(&self) -> Result<Option<Settings>, Failure> {
        if self.config.is_some() || self.socket.is_some() || self.data.is_some() {
            return Ok(None);
        }
        let mut settings = match (&self.server, &self.context) {
            (Some(server), _) => Settings { server: server.clone(), ..Settings::default() },
            (None, Some(name)) => context::named(name)?,
            (None, None) => match (variable("SEKISHO_SERVER"), variable("SEKISHO_CONTEXT")) {
                (Some(server), _) => Settings { server, ..Settings::default() },
                (None, Some(name)) => context::named(&name)?,
                (None, None) => return self.no_half_a_way(),
            },
        };
        let or_else = |said: &Option<PathBuf>, of_context: Option<PathBuf>, name: &str| {
            said.clone().or(of_context).or_else(|| variable(name).map(PathBuf::from))
        };
        settings.key_file = or_else(&self.key_file, settings.key_file, "SEKISHO_KEY_FILE");
        settings.ca_file = or_else(&self.ca_file, settings.ca_file, "SEKISHO_CA_FILE");
        settings.plain_http |= self.plain_http;
        Ok(Some(settings))
    }

    /// A key without an address would be shown to nobody: whoever named one meant another switch than this one.
    fn no_half_a_way(&self) -> Result<Option<Settings>, Failure> {
        match self.key_file.is_some() || self.ca_file.is_some() || self.plain_http {
            false => Ok(None),
            true => Err(Failure::Way(super::control::Wrong::Address(String::new()))),
        }
    }

    fn elsewhere(&self, settings: &Settings) -> Result<Door, Failure> {
        if let Some(path) = settings.server.strip_prefix("unix:") {
            let socket = PathBuf::from(path);
            let data = beside(&socket);
            return Ok(Door { words: self.words(), ..Door::here(socket, data) });
        }
        let remote = super::control::Remote::of(settings)?;
        Ok(Door { way: Way::Remote(Box::new(remote)), data: None, words: self.words(), config: None })
    }

    /// What was typed to name the switch; the environment needs no repeating.
    pub(crate) fn words(&self) -> String {
        let path = |path: &PathBuf| path.display().to_string();
        let typed = [
            ("server", self.server.clone()),
            ("context", self.context.clone()),
            ("key-file", self.key_file.as_ref().map(path)),
            ("ca-file", self.ca_file.as_ref().map(path)),
        ];
        let words = typed.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        let plain = if self.plain_http { " --plain-http" } else { "" };
        words.collect::<String>() + plain
    }

    fn here(&self) -> Result<Door, Failure> {
        let lies_in = |data: &Path| data.join("control.sock");
        if self.socket.is_none() && self.data.is_none() {
            let config = usual_config(self.config.as_deref())?;
            if let Some(config) = config {
                let door = Door::here(config.control_socket(), config.journal.dir);
                return Ok(match &self.config {
                    Some(file) => {
                        let words = format!(" --config {}", file.display());
                        Door { words, config: Some(file.clone()), ..door }
                    }
                    None => door,
                });
            }
        }
        let data = self.data.clone().or_else(|| self.socket.as_deref().map(beside));
        let data = data.unwrap_or_else(|| PathBuf::from("./data"));
        let socket = self.socket.clone().unwrap_or_else(|| lies_in(&data));
        Ok(Door::here(socket, data))
    }
}

/// Where the files of a switch lie whose control socket is where it usually is.
fn beside(socket: &Path) -> PathBuf {
    socket.parent().map_or_else(|| PathBuf::from("./data"), Path::to_path_buf)
}

/// The switch elsewhere that the environment names. What reads files of this machine says so, rather than show
/// those of another switch.
pub(crate) fn named_by_the_environment() -> Option<String> {
    variable("SEKISHO_SERVER")
        .filter(|server| !server.starts_with("unix:"))
        .or_else(|| variable("SEKISHO_CONTEXT"))
}

impl Which {
    /// The configuration a switch would run under, and everything it names; `None` where there is none.
    pub(crate) fn plan_if_any(&self) -> Option<Result<Plan, ConfigError>> {
        let file = self.config_file()?;
        Some(Config::load(&file).and_then(|config| Plan::of(&config, &file)))
    }

    /// Its file: the one that was named, or the one that lies here.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        let usual = PathBuf::from("./sekisho.toml");
        self.config.clone().or_else(|| usual.exists().then_some(usual))
    }

    /// The same, where it cannot be done without.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let said =
            "no switch answers; without one, what it would send depends on its configuration: --config FILE";
        let plan = self.plan_if_any().ok_or_else(|| Failure::Config { said: said.into() })?;
        plan.map_err(|error| Failure::Config { said: error.to_string() })
    }
}

/// Who sits at the keyboard, also behind `sudo`, or else whom this runs as; cut to what the journal has room for.
pub(crate) fn whoever() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let name = names.map(|name| name.trim().to_string()).find(|name| !name.is_empty());
    let name = name.unwrap_or_else(user);
    name.chars().filter(char::is_ascii).take(24).collect()
}
