//! `sekisho config import`: a configuration of an older product becomes one of ours, and whatever has no place in it
//! is named.

use super::braces::{self, Setting};
use crate::exit;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Which file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The new configuration goes to stdout, what could not be carried over to stderr, with its line. \
                        Nothing is guessed: what the old file does not say is left for you to fill in.\n\
                        Exit: 0 everything was carried over · 1 something was not · 65 it cannot be read · 66 it is \
                        not there"
)]
pub struct Args {
    /// The old file, such as fx_cn.cf
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let Ok(bytes) = std::fs::read(&args.file) else {
        eprintln!("error: {} cannot be read\n  next    name the old file", args.file.display());
        return ExitCode::from(exit::NO_INPUT);
    };
    // Names and numbers are ASCII; comments may be in any old encoding, and are not needed.
    let text = String::from_utf8_lossy(&bytes);
    let settings = match braces::settings(&text) {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("error: {}: {why}\n  next    mend it there, and import it again", args.file.display());
            return ExitCode::from(exit::UNDECODABLE);
        }
    };
    let imported = Imported::of(&settings);
    print!("{}", imported.toml(&args.file));
    for (setting, why) in &imported.left {
        let place = setting.sections.iter().chain([&setting.name]).cloned().collect::<Vec<_>>().join(".");
        eprintln!("line {:>4}  {place} = {}: {why}", setting.line, setting.value);
    }
    match (imported.left.len(), imported.missing().len()) {
        (0, 0) => ExitCode::SUCCESS,
        (left, missing) => {
            eprintln!("{left} settings were not carried over, {missing} are to be filled in");
            ExitCode::from(exit::NO)
        }
    }
}

/// What of the old file has a place in the new one.
#[derive(Default)]
struct Imported {
    local_address: Option<String>,
    local_port: Option<u16>,
    center_address: Option<String>,
    connect_port: Option<u16>,
    connect_count: Option<u16>,
    /// Names and seconds.
    timers: Vec<(String, u32)>,
    left: Vec<(Setting, &'static str)>,
}

const TIMERS: [&str; 9] = ["T100", "T120", "T200", "T220", "T420", "T500", "T800", "T801", "T802"];

impl Imported {
    fn of(settings: &[Setting]) -> Self {
        let mut imported = Self::default();
        for setting in settings {
            if let Err(why) = imported.take(setting) {
                imported.left.push((setting.clone(), why));
            }
        }
        imported
    }

    fn take(&mut self, setting: &Setting) -> Result<(), &'static str> {
        fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), &'static str> {
            let value = value.ok_or("its value cannot be understood")?;
            match place.replace(value) {
                None => Ok(()),
                Some(_) => Err("said twice: the last one was taken, look at both"),
            }
        }
        let value = setting.value.as_str();
        let section = setting.sections.last().map_or("", String::as_str);
        let address = || (!value.is_empty() && !value.contains([' ', '\t'])).then(|| value.to_owned());
        let port = || value.parse().ok().filter(|port| *port > 0);
        match (section, setting.name.as_str()) {
            ("TIMER", name) if TIMERS.contains(&name) => self.timer(name, value),
            ("TIMER", _) => Err("no timer of a link is called so"),
            (_, "LOCAL_ADDRESS") => once(&mut self.local_address, address()),
            (_, "LOCAL_PORT") => once(&mut self.local_port, port()),
            (_, "CENTER_ADDRESS") => once(&mut self.center_address, address()),
            (_, "CONNECT_PORT") => once(&mut self.connect_port, port()),
            (_, "CONNECT_COUNT") => once(&mut self.connect_count, port()),
            ("SOCKET_PORT", _) => {
                Err("applications come in by the control socket; there is no port for them")
            }
            ("MSG_FIELD", _) => Err("say it in [link.management] says, or in a dialect file of your own"),
            (_, "EVENT_RECEIVE_TIMEOUT") => Err("set EVENT_RECEIVE_TIMEOUT where the application runs"),
            (_, name) if name.contains("LOG") => Err("say it in SEKISHO_LOG: error, warn, info or debug"),
            (_, name) if name.contains("KEY") || name.contains("CRYPT") => {
                Err("keys are not read from there: sekisho key")
            }
            _ => Err("nothing here is called so"),
        }
    }

    fn timer(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let seconds = value.parse().ok().filter(|seconds| (1..=600).contains(seconds));
        let seconds = seconds.ok_or("not a number of seconds from 1 to 600")?;
        if self.timers.iter().any(|(known, _)| known == name) {
            return Err("said twice: the first one was taken, look at both");
        }
        self.timers.push((name.to_ascii_lowercase(), seconds));
        Ok(())
    }

    fn seconds(&self, name: &str) -> Option<u32> {
        self.timers.iter().find(|(known, _)| known == name).map(|(_, seconds)| *seconds)
    }

    /// What a configuration needs and the old file does not say.
    fn missing(&self) -> Vec<&'static str> {
        let has_timer = self.seconds("t200").or(self.seconds("t100")).is_some();
        let all = [
            (self.center_address.is_some() && self.connect_port.is_some(), "CENTER_ADDRESS and CONNECT_PORT"),
            (self.local_address.is_some() && self.local_port.is_some(), "LOCAL_ADDRESS and LOCAL_PORT"),
            (has_timer, "T100 or T200"),
        ];
        all.into_iter().filter(|(is_there, _)| !is_there).map(|(_, what)| what).collect()
    }

    fn toml(&self, file: &Path) -> String {
        let mut toml = String::new();
        let mut line = |text: String| writeln!(toml, "{text}").expect("a string takes everything");
        let at = |address: &Option<String>, port: Option<u16>| match (address, port) {
            (Some(address), Some(port)) => Some(format!("{address}:{port}")),
            _ => None,
        };
        let setting = |key: &str, value: Option<String>| match value {
            Some(value) => format!("{key} = {value}"),
            None => format!("# {key} =                          # FILL IN: the old file does not say it"),
        };
        let quoted = |text: Option<String>| text.map(|text| format!("{text:?}"));
        line(format!(
            "# Made of {} by `sekisho config import`. Check it: sekisho config check",
            file.display()
        ));
        line("# The message format is the neutral one of the kind; state your contract's in a file of your own.".into());
        line("\n[journal]\ndir = \"./cn-data\"".into());
        line("\n[api]\ndefault_link = \"cn\"".into());
        line("\n[[link]]\nname = \"cn\"\ndialect = \"card-center\"".into());
        line(setting("dial", quoted(at(&self.center_address, self.connect_port))));
        line(format!("connections = {}", self.connect_count.unwrap_or(1)));
        let longest = self.seconds("t100").max(self.seconds("t200"));
        line(setting("reply_timeout_ms", longest.map(|seconds| (seconds * 1_000).to_string())));
        line("transmission_time = \"local\"".into());
        line("\n[link.pairs]".into());
        line(setting("listen", quoted(at(&self.local_address, self.local_port))));
        if !self.timers.is_empty() {
            line("\n[link.timers]".into());
        }
        for (name, seconds) in &self.timers {
            line(format!("{name}_ms = {}", seconds * 1_000));
        }
        line("\n[link.host]\nbusiness_day = \"told\"\ndeposits = \"reverse\"".into());
        line("\n[link.management]\nsign_on = \"by_order\"".into());
        toml
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "
        SYSTEM { LOG_LEVEL = INFORMATION; JOURNAL_DAYS = 5 }
        INTERCONNECT {
            LOCAL_ADDRESS = 10.0.0.1
            LOCAL_PORT    = 7001
            CENTER_ADDRESS = 10.0.9.1
            CONNECT_PORT  = 7002
            CONNECT_COUNT = 2
        }
        TIMER { T100 = 60; T120 = 30; T802 = 90; T999 = 1; T200 = soon }
        SOCKET_PORT { API = 5000 }
    ";

    #[test]
    fn what_has_a_place_is_carried_over_and_what_has_none_is_named() {
        let imported = Imported::of(&braces::settings(OLD).expect("readable"));
        let toml = imported.toml(Path::new("fx_cn.cf"));
        let parsed: toml::Table = toml.parse().expect("our own words are TOML");
        let link = &parsed["link"][0];
        assert_eq!(link["dial"].as_str(), Some("10.0.9.1:7002"));
        assert_eq!(link["pairs"]["listen"].as_str(), Some("10.0.0.1:7001"));
        assert_eq!(link["connections"].as_integer(), Some(2));
        assert_eq!(link["reply_timeout_ms"].as_integer(), Some(60_000));
        assert_eq!(link["timers"]["t802_ms"].as_integer(), Some(90_000));
        let left: Vec<&str> = imported.left.iter().map(|(setting, _)| setting.name.as_str()).collect();
        assert_eq!(left, ["LOG_LEVEL", "JOURNAL_DAYS", "T999", "T200", "API"]);
        assert!(imported.missing().is_empty());
    }

    #[test]
    fn every_setting_is_carried_over_or_named() {
        let settings = braces::settings(OLD).expect("readable");
        let imported = Imported::of(&settings);
        let carried = 5 + imported.timers.len();
        assert_eq!(carried + imported.left.len(), settings.len());
    }
}
