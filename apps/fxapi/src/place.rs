//! Where the switch is, which of its links is meant, and who asks.

use crate::rc::Rc;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What a configuration says about its socket; everything else is the switch's to check.
#[derive(Deserialize)]
struct Config {
    journal: Journal,
    #[serde(default)]
    control: Control,
}

#[derive(Deserialize)]
struct Journal {
    dir: PathBuf,
}

#[derive(Default, Deserialize)]
struct Control {
    socket: Option<PathBuf>,
}

/// The control socket. Errors: [`Rc::ERR_OPEN_FILE`] where the configuration cannot be read.
pub(crate) fn socket() -> Result<PathBuf, Rc> {
    match variable("FX_SOCKET") {
        Some(socket) => Ok(PathBuf::from(socket)),
        None => socket_of(&file(variable("FX_CONF").map(PathBuf::from))),
    }
}

/// The configuration: the file named, the one in the folder named, or the usual one.
fn file(named: Option<PathBuf>) -> PathBuf {
    let named = named.unwrap_or_else(|| PathBuf::from("sekisho.toml"));
    if !named.is_dir() {
        return named;
    }
    let [first, second] = ["fx_cn.toml", "sekisho.toml"].map(|name| named.join(name));
    if second.exists() && !first.exists() { second } else { first }
}

fn socket_of(file: &Path) -> Result<PathBuf, Rc> {
    let text = std::fs::read_to_string(file).map_err(|_| Rc::ERR_OPEN_FILE)?;
    let config: Config = toml::from_str(&text).map_err(|_| Rc::ERR_OPEN_FILE)?;
    Ok(config.control.socket.unwrap_or_else(|| config.journal.dir.join("control.sock")))
}

/// The link asked for, if one is.
pub(crate) fn link() -> Option<String> {
    variable("FX_LINK")
}

/// What this application is called: letters, digits, `-`, `_` and `.`, at most 24 of them.
pub(crate) fn application() -> String {
    let named = variable("FX_APPLICATION").or_else(|| {
        let program = std::env::args_os().next()?;
        Some(Path::new(&program).file_name()?.to_string_lossy().into_owned())
    });
    let legal = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let name: String = named.unwrap_or_default().chars().filter(legal).take(24).collect();
    if name.is_empty() { "application".into() } else { name }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
