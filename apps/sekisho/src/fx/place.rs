//! Which switch and which link a tool is about, and how it is asked.

use super::rc::Rc;
use super::verdict::No;
use super::words::{self, Language, Message};
use crate::commands::control::{Reply, Unreachable};
use crate::commands::door::{Door, whoever};
use crate::commands::link::door::{self, Failure};
use crate::commands::paper::Paper;
use crate::config::Config;
use crate::run::links::LinkJson;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What every tool takes besides its words.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Around {
    /// The configuration; without it FX_CONF, then ./sekisho.toml
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The link; without it FX_LINK, then `cn`, then the only one there is
    #[arg(long, value_name = "NAME", global = true)]
    link: Option<String>,
    /// The language; without it the environment's
    #[arg(long, value_name = "LANG", global = true)]
    lang: Option<Language>,
    /// Longest wait for the centre, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, global = true)]
    timeout: u64,
}

impl Around {
    /// The language to speak.
    pub(super) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }

    /// Longest wait.
    pub(super) fn timeout(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.timeout)
    }

    /// Says something on stdout, at once.
    pub(super) fn say(&self, message: &Message, blanks: &[(&str, &str)]) {
        let mut paper = Paper::new();
        paper.line(message.line(self.language(), blanks));
    }

    /// The configuration file: named, in FX_CONF (the file, or the folder it lies in), or the usual one.
    pub(super) fn file(&self) -> PathBuf {
        let named = self.config.clone().or_else(|| variable("FX_CONF").map(PathBuf::from));
        let named = named.unwrap_or_else(|| PathBuf::from("sekisho.toml"));
        if !named.is_dir() {
            return named;
        }
        let inside = ["fx_cn.toml", "sekisho.toml"].map(|name| named.join(name));
        let [first, second] = inside;
        if second.exists() && !first.exists() { second } else { first }
    }

    /// The switch of that configuration, and the link meant.
    pub(super) fn daemon(&self) -> Result<Daemon, No> {
        let file = self.file();
        let config = Config::load(&file).map_err(|error| no_configuration(&file, &error.to_string()))?;
        let link = self.link_of(&config, &file)?;
        let door = Door::here(config.control_socket(), config.journal.dir);
        Ok(Daemon { door, link, by: whoever() })
    }

    fn link_of(&self, config: &Config, file: &Path) -> Result<String, No> {
        let names: Vec<_> = config.link.iter().map(|link| link.name.as_str()).collect();
        let wanted = self.link.clone().or_else(|| variable("FX_LINK"));
        let chosen = match wanted {
            Some(wanted) => names.iter().find(|name| **name == wanted),
            None => names.iter().find(|name| **name == "cn").or(match &names[..] {
                [only] => Some(only),
                _ => None,
            }),
        };
        chosen.map(|name| (*name).to_owned()).ok_or_else(|| {
            let said = format!("{} has the links {}", file.display(), names.join(", "));
            No::new(Rc::ERR_OPEN_FILE, &words::NO_CONFIGURATION)
                .and(said)
                .and("next    --link NAME, or FX_LINK")
        })
    }
}

/// What is wrong with a configuration; one of the old form is told what makes a new one of it.
fn no_configuration(file: &Path, said: &str) -> No {
    let no = No::new(Rc::ERR_OPEN_FILE, &words::NO_CONFIGURATION);
    let no = said.lines().fold(no, No::and);
    match file.extension().is_some_and(|kind| kind == "cf") {
        true => no.and(format!("next    sekisho config import {0} > {0}.toml", file.display())),
        false => no.and("next    FX_CONF=FILE, or --config FILE;  sekisho config check FILE"),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A switch that may run, and one of its links.
pub(super) struct Daemon {
    pub(super) door: Door,
    pub(super) link: String,
    by: String,
}

impl Daemon {
    /// The link as it is now.
    pub(super) fn link(&self) -> Result<LinkJson, No> {
        Ok(door::one(&self.door, &self.link)?)
    }

    /// Whether somebody answers.
    pub(super) fn runs(&self) -> bool {
        self.door.is_answered()
    }

    /// Who gives the orders.
    pub(super) fn by(&self) -> &str {
        &self.by
    }

    /// Asks for something.
    pub(super) fn get(&self, place: &str) -> Result<Reply, No> {
        self.door.get(place).map_err(|error| self.unanswered(error))
    }

    /// Gives an order that says who gives it, and more.
    pub(super) fn order(&self, place: &str, more: Value) -> Result<Reply, No> {
        let mut body = json!({ "by": self.by });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.post(place, &body)
    }

    /// Does something that asks for no signature.
    pub(super) fn post(&self, place: &str, body: &Value) -> Result<Reply, No> {
        self.door.post(place, body).map_err(|error| self.unanswered(error))
    }

    fn unanswered(&self, source: Unreachable) -> No {
        match source {
            Unreachable::Nobody { .. } => No::new(Rc::PKG_IS_NOT_STARTED, &words::NOT_RUNNING)
                .and(source.to_string())
                .and("next    fxumain_cn"),
            _ => {
                let next = "fxctrl_cn status".into();
                Failure::Unknown { said: source.to_string(), next }.into()
            }
        }
    }
}
