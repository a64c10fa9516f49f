//! `sekisho.toml`, as a person writes it. [`Config::load`] is the only way in.
//!
//! What a contract with a partner fixes (a reply time-out, a dialect) has no default; what a machine prefers
//! has one. Unknown keys are refused with their line and the nearest name.

use check::check_names;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use terms::limits;

pub(crate) mod api;
mod check;
mod day;
mod host;
mod keys;
mod link;
mod listener;
mod management;
mod route;
mod security;
mod token;

pub use api::ApiToml;
pub use day::{DayToml, ReconciliationToml, TimeOfDay};
pub use host::{BusinessDayToml, DepositsToml, ForwardToml, HostToml, UnknownCreditsToml};
pub use keys::{DrawnBy, KeyExchangeToml, KeysToml};
pub use link::{BreakerToml, LinkToml, TlsLinkToml, TransmissionTime};
pub use listener::{ConsistencyToml, ListenerKind, ListenerToml, PeerToml, PoolToml, TlsListenerToml};
pub use management::{ManagementToml, PairsToml, SignOnToml, TimersToml};
pub use route::{ReceiverToml, RouteToml};
pub use security::{GuardToml, HsmToml, KeysOfToml, KindToml, SecurityToml, SoftwareToml};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the journal lies.
    pub journal: JournalToml,
    /// The local status page and metrics; without it there is none.
    pub http: Option<HttpToml>,
    /// Where people give orders to a running switch.
    #[serde(default)]
    pub control: ControlToml,
    /// Applications that ask over HTTP; without it they may only look and give orders.
    pub api: Option<ApiToml>,
    /// Local time of this switch: an IANA zone such as `Asia/Tokyo`. Without it the zone of the machine.
    pub time_zone: Option<String>,
    /// The switch's own business day; without it there is none.
    pub day: Option<DayToml>,
    /// Security modules.
    #[serde(default)]
    pub hsm: Vec<HsmToml>,
    /// How they are asked.
    #[serde(default)]
    pub security: SecurityToml,
    /// Where keys lie, and how they change.
    #[serde(default)]
    pub keys: KeysToml,
    /// What a lane may keep in memory.
    #[serde(default)]
    pub lane: LaneToml,
    /// Where requests come in.
    #[serde(default)]
    pub listener: Vec<ListenerToml>,
    /// Where they go.
    #[serde(default)]
    pub link: Vec<LinkToml>,
    /// Which goes where.
    #[serde(default)]
    pub route: Vec<RouteToml>,
    /// Where the accounts are kept that transfers go to.
    #[serde(default)]
    pub receiver: Vec<ReceiverToml>,
    /// Dialect files of your own: name to path, relative to this file.
    #[serde(default)]
    pub dialect: BTreeMap<String, PathBuf>,
}

/// `[journal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalToml {
    /// The data directory. Relative to the working directory.
    pub dir: PathBuf,
    /// Bytes of one segment file. 4 MiB..=1 GiB.
    #[serde(default = "JournalToml::segment_bytes")]
    pub segment_bytes: u64,
    /// How room is made ahead: `zero` writes zeros (each sync is quicker), `allocate` only reserves.
    #[serde(default)]
    pub prepare: PrepareToml,
    /// Records after which a snapshot is written, so that the next start reads less.
    #[serde(default = "JournalToml::snapshot_every_records")]
    pub snapshot_every_records: u64,
}

impl JournalToml {
    const fn segment_bytes() -> u64 {
        64 << 20
    }

    const fn snapshot_every_records() -> u64 {
        4_000_000
    }
}

/// How room for the journal is made ahead.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PrepareToml {
    /// Zeros are written.
    #[default]
    Zero,
    /// Room is reserved.
    Allocate,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpToml {
    /// Keep it on a local address: it asks for no password.
    pub listen: SocketAddr,
}

/// `[control]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlToml {
    /// A Unix socket for whoever may write to it; without it `control.sock` in the data directory.
    pub socket: Option<PathBuf>,
}

/// `[lane]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneToml {
    /// Finished transactions remembered to answer repeats and to know late answers; about 600 bytes each.
    #[serde(default = "LaneToml::remembered_max")]
    pub remembered_max: usize,
    /// How long each is to be remembered at least; people are told when there is no room for that.
    #[serde(default = "LaneToml::remembered_min_s")]
    pub remembered_min_s: u32,
    /// Requests under way on all links together; nearing it, the least important are declined first.
    #[serde(default = "LaneToml::in_flight_max")]
    pub in_flight_max: u32,
}

impl LaneToml {
    const fn remembered_max() -> usize {
        limits::REMEMBERED_MAX
    }

    const fn remembered_min_s() -> u32 {
        limits::REMEMBERED_MIN_S
    }

    const fn in_flight_max() -> u32 {
        limits::IN_FLIGHT_TOTAL_MAX
    }
}

impl Default for LaneToml {
    fn default() -> Self {
        Self {
            remembered_max: Self::remembered_max(),
            remembered_min_s: Self::remembered_min_s(),
            in_flight_max: Self::in_flight_max(),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// One line each.
    pub complaints: Vec<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let lines: Vec<String> = self.complaints.iter().map(|line| format!("{path}: {line}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let refuse = |complaints| ConfigError { path: path.to_owned(), complaints };
        let text = std::fs::read_to_string(path).map_err(|e| refuse(vec![format!("cannot be read: {e}")]))?;
        let mut config = Self::parse(&text).map_err(refuse)?;
        // Relative paths of dialects and certificates mean: beside this file.
        let beside = path.parent().unwrap_or(Path::new(""));
        config.settle_paths(beside);
        Ok(config)
    }

    /// Where people give orders to a running switch.
    pub fn control_socket(&self) -> PathBuf {
        self.control.socket.clone().unwrap_or_else(|| self.journal.dir.join("control.sock"))
    }

    /// Where keys lie.
    pub fn keys_directory(&self) -> PathBuf {
        self.keys.dir.clone().unwrap_or_else(|| self.journal.dir.join("keys"))
    }

    /// The file the end of the audit of keys is noted in.
    pub fn audit_mark_file(&self) -> PathBuf {
        self.keys.mark.clone().unwrap_or_else(|| self.journal.dir.join("audit.mark"))
    }

    /// Reads and checks a text; each complaint is a line for people.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let config: Self = toml::from_str(text).map_err(|error| vec![explain(text, &error)])?;
        let complaints = config.complaints();
        if complaints.is_empty() { Ok(config) } else { Err(complaints) }
    }

    fn settle_paths(&mut self, beside: &Path) {
        let settle = |path: &mut PathBuf| *path = beside.join(&*path);
        self.dialect.values_mut().for_each(settle);
        for tls in self.listener.iter_mut().filter_map(|listener| listener.tls.as_mut()) {
            settle(&mut tls.certificate);
            settle(&mut tls.key);
            tls.client_authorities.iter_mut().for_each(settle);
        }
        if let Some(api) = &mut self.api {
            settle(api.keys.get_or_insert_with(|| PathBuf::from("api-keys")));
            if let Some(tls) = &mut api.tls {
                settle(&mut tls.certificate);
                settle(&mut tls.key);
                tls.client_authorities.iter_mut().for_each(settle);
            }
        }
        self.hsm.iter_mut().filter_map(|hsm| hsm.pin_file.as_mut()).for_each(settle);
        let of_links = self.link.iter_mut().filter_map(|link| link.tls.as_mut());
        for tls in of_links.chain(self.hsm.iter_mut().filter_map(|hsm| hsm.tls.as_mut())) {
            settle(&mut tls.authorities);
            tls.certificate.iter_mut().chain(tls.key.iter_mut()).for_each(settle);
        }
    }

    /// What is wrong that TOML and types do not see.
    fn complaints(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let listeners: Vec<&str> = self.listener.iter().map(|listener| listener.name.as_str()).collect();
        let links: Vec<&str> = self.link.iter().map(|link| link.name.as_str()).collect();
        if listeners.is_empty() && self.api.is_none() {
            wrong.push("no [[listener]]: nobody could ask anything".into());
        }
        if links.is_empty() {
            wrong.push("no [[link]]: there is nobody to ask".into());
        }
        self.keys.complain(&mut wrong);
        self.day.iter().for_each(|day| day.complain(&links, &mut wrong));
        check_names("listener", &listeners, &mut wrong);
        check_names("link", &links, &mut wrong);
        let modules: Vec<&str> = self.hsm.iter().map(|hsm| hsm.name.as_str()).collect();
        check_names("hsm", &modules, &mut wrong);
        security::complain(self, &mut wrong);
        if listeners.contains(&api::SOURCE) {
            wrong.push("listener `api`: this name stands for applications".into());
        }
        self.api.iter().for_each(|api| api.complain(&links, !self.route.is_empty(), &mut wrong));
        let applications = self.api.iter().map(|_| api::SOURCE);
        let listeners: Vec<&str> = listeners.into_iter().chain(applications).collect();
        self.listener.iter().for_each(|listener| listener.complain(&links, &mut wrong));
        self.link.iter().for_each(|link| link.complain(&mut wrong));
        self.route.iter().for_each(|route| route.complain(&listeners, &links, &mut wrong));
        self.receiver.iter().for_each(|line| line.complain(&listeners, &links, &mut wrong));
        if !(4 << 20..=1 << 30).contains(&self.journal.segment_bytes) {
            wrong.push(format!(
                "journal.segment_bytes is {}, not between 4 MiB and 1 GiB",
                self.journal.segment_bytes
            ));
        }
        self.addresses(&mut wrong);
        let reachable = |listener: &ListenerToml| listener.default_link.is_some() || !self.route.is_empty();
        for listener in self.listener.iter().filter(|listener| !reachable(listener)) {
            wrong.push(format!(
                "listener `{}` has no default_link and there is no [[route]]: it could only decline",
                listener.name
            ));
        }
        wrong
    }
}

impl Config {
    /// Two who want to listen on one address. Port 0 is whatever the system gives.
    fn addresses(&self, wrong: &mut Vec<String>) {
        let of_listeners = self.listener.iter().map(|one| (format!("listener `{}`", one.name), one.listen));
        let of_http = self.http.iter().map(|http| ("[http]".to_owned(), http.listen));
        let of_api = self.api.iter().filter_map(|api| Some(("[api]".to_owned(), api.listen?)));
        let mut taken: Vec<(String, SocketAddr)> = Vec::new();
        for (what, address) in of_http.chain(of_api).chain(of_listeners) {
            match taken.iter().find(|(_, one)| *one == address && address.port() != 0) {
                Some((first, _)) => wrong.push(format!("{what}: {first} listens on {address} already")),
                None => taken.push((what, address)),
            }
        }
    }

    /// What may be meant, and surprises whoever did not mean it.
    pub fn warnings(&self) -> Vec<String> {
        let without = self.listener.iter().filter(|listener| listener.consistency.is_none());
        without
            .map(|listener| {
                format!(
                    "listener `{}` has no consistency: its terminals get no withdrawals and no deposits \
                     (not_allowed_on_device)",
                    listener.name
                )
            })
            .collect()
    }
}

/// The parser's complaint with its line, and the nearest name where a key is not known.
fn explain(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let message = error.message();
    let hint = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'))
        .map(|(key, rest)| dialects::did_you_mean(key, rest.split('`').skip(1).step_by(2)))
        .unwrap_or_default();
    match line {
        Some(line) => format!("line {line}: {message}{hint}"),
        None => format!("{message}{hint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [journal]
        dir = "./data"

        [[listener]]
        name = "atm"
        kind = "access"
        listen = "127.0.0.1:9000"
        dialect = "iso87-ascii"

        [[link]]
        name = "core"
        dial = "127.0.0.1:9001"
        dialect = "iso87-binary"
        reply_timeout_ms = 30000

        [[route]]
        prefix = "4111"
        link = "core"
    "#;

    fn complaint(change: impl Fn(&str) -> String) -> String {
        Config::parse(&change(GOOD)).expect_err("something is wrong").join("; ")
    }

    #[test]
    fn the_smallest_configuration_is_small_and_good() {
        let config = Config::parse(GOOD).expect("good");
        assert_eq!(config.link[0].reconnect_ms, 30_000);
        assert_eq!(config.route[0].label(), "4111 -> core");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
        let said = complaint(|good| good.replace("reply_timeout_ms", "response_timeout_ms"));
        assert!(said.starts_with("line 15: unknown field `response_timeout_ms`"), "{said}");
        assert!(said.ends_with("; did you mean `reply_timeout_ms`?"), "{said}");
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for (from, to, wanted) in [
            ("reply_timeout_ms = 30000", "", "missing field `reply_timeout_ms`"),
            ("reply_timeout_ms = 30000", "reply_timeout_ms = 5", "reply_timeout_ms is 5, not between 100"),
            ("link = \"core\"", "link = \"cora\"", "link `cora` is not known; did you mean `core`?"),
            ("prefix = \"4111\"", "prefix = \"4x\"", "a prefix is at most 19 digits"),
            ("kind = \"access\"", "kind = \"acces\"", "unknown variant `acces`"),
            ("name = \"atm\"", "name = \"\"", "a name is 1 to 24"),
            ("dir = \"./data\"", "dir = \"./data\"\nsegment_bytes = 1", "segment_bytes is 1, not between"),
            ("127.0.0.1:9000", "localhost", "invalid socket address"),
        ] {
            let said = complaint(|good| good.replace(from, to));
            assert!(said.contains(wanted), "{to}: {said}");
        }
    }

    #[test]
    fn the_example_with_every_setting_is_good() {
        let example = include_str!("../../../deploy/sekisho.toml");
        let config = Config::parse(example).expect("good");
        assert_eq!((config.listener.len(), config.link.len(), config.route.len()), (2, 1, 1));
    }

    #[test]
    fn every_setting_stands_on_the_reference_page_and_in_the_example() {
        let page = include_str!("../../../docs/configuration.md");
        let source = concat!(
            include_str!("config/management.rs"),
            include_str!("config/day.rs"),
            include_str!("config/api.rs"),
            include_str!("config/security.rs"),
            include_str!("config.rs")
        );
        let example = include_str!("../../../deploy/sekisho.toml");
        let structs = source.split("/// Everything that is wrong").next().expect("the structs come first");
        let settings = structs.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
        for (name, _) in
            settings.filter(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        {
            let ways = [format!("`{name}`"), format!("[{name}]"), format!(".{name}]")];
            assert!(ways.iter().any(|way| page.contains(way)), "page: {name}");
            assert!(example.contains(name), "example: {name}");
        }
    }

    #[test]
    fn two_links_of_one_name_are_one_too_many() {
        let twice = complaint(|good| {
            let link = good.split("[[link]]").nth(1).and_then(|rest| rest.split("[[route]]").next());
            format!("{good}\n[[link]]{}", link.expect("a link"))
        });
        assert!(twice.contains("link `core` is there twice"), "{twice}");
    }
}
