//! Switches by names of one's own: `contexts.toml`.

use crate::commands::control::Settings;
use crate::commands::journal::opened::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A switch, as it stands there. Paths are beside the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextToml {
    server: String,
    key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    server_name: Option<String>,
    certificate: Option<PathBuf>,
    certificate_key: Option<PathBuf>,
    #[serde(default)]
    plain_http: bool,
}

/// A variable of the environment that says something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The file: SEKISHO_CONTEXTS, or where a person's settings lie.
fn file() -> Option<PathBuf> {
    let settings = || {
        variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))
    };
    variable("SEKISHO_CONTEXTS")
        .map(PathBuf::from)
        .or_else(|| Some(settings()?.join("sekisho/contexts.toml")))
}

/// What it says of one switch.
pub(super) fn named(name: &str) -> Result<Settings, Failure> {
    let said = |said: String| Failure::Context { said };
    let file = file().ok_or_else(|| said("no HOME, and no SEKISHO_CONTEXTS".into()))?;
    let shown = file.display();
    let text = std::fs::read_to_string(&file).map_err(|error| said(format!("{shown}: {error}")))?;
    let all: BTreeMap<String, ContextToml> =
        toml::from_str(&text).map_err(|error| said(format!("{shown}: {error}")))?;
    let Some(found) = all.get(name) else {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        let near = dialects::did_you_mean(name, names.iter().copied());
        return Err(said(format!(
            "{shown} has no `{}`{near}; it has {}",
            name.escape_debug(),
            names.join(", ")
        )));
    };
    let identity = match (&found.certificate, &found.certificate_key) {
        (Some(certificate), Some(key)) => Some((beside(&file, certificate), beside(&file, key))),
        (None, None) => None,
        _ => return Err(said(format!("{shown}, {name}: certificate and certificate_key go together"))),
    };
    Ok(Settings {
        server: found.server.clone(),
        key_file: found.key_file.as_deref().map(|path| beside(&file, path)),
        ca_file: found.ca_file.as_deref().map(|path| beside(&file, path)),
        server_name: found.server_name.clone(),
        identity,
        plain_http: found.plain_http,
    })
}

fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join(path)
}
