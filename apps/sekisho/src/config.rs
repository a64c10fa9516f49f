//! `sekisho.toml`, as a person writes it. [`Config::load`] is the only way in.
//!
//! What a contract with a partner fixes (a reply time-out, a dialect) has no default; what a machine prefers
//! has one. Unknown keys are refused with their line and the nearest name.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use terms::limits;

pub(crate) mod api;
mod day;
mod keys;
mod management;
mod security;

pub use api::ApiToml;
pub use day::{DayToml, ReconciliationToml, TimeOfDay};
pub use keys::{DrawnBy, KeyExchangeToml, KeysToml};
pub use management::{ManagementToml, PairsToml, SignOnToml, TimersToml};
pub use security::{GuardToml, HsmToml, KeysOfToml, SecurityToml, SoftwareToml};

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

/// `[[listener]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerToml {
    /// Its name, at most 24 characters. The journal knows it by this for ever.
    pub name: String,
    /// How its peers use a connection.
    pub kind: ListenerKind,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What its peers speak.
    pub dialect: String,
    /// How frames are told apart, such as `ascii4` or `bin2+tpdu`; without it as the dialect suggests.
    pub framing: Option<String>,
    /// Longest message body in bytes.
    #[serde(default = "default_body_bytes_max")]
    pub body_bytes_max: usize,
    /// The link for what no route names.
    pub default_link: Option<String>,
    /// Whether a request must name its terminal.
    #[serde(default = "yes")]
    pub terminal_required: bool,
    /// How its terminals make an unknown outcome consistent; without it they get no withdrawals and deposits.
    pub consistency: Option<ConsistencyToml>,
    /// Requests of one terminal under way at once; 0 for any number.
    #[serde(default = "ListenerToml::per_terminal_max")]
    pub per_terminal_max: u32,
    /// Connections at once.
    #[serde(default = "ListenerToml::connections_max")]
    pub connections_max: u32,
    /// Connections at once from one address.
    #[serde(default = "ListenerToml::per_address_max")]
    pub per_address_max: u32,
    /// First byte of a frame to its last.
    #[serde(default = "ten_seconds")]
    pub frame_timeout_ms: u32,
    /// Silence after which a connection is closed; without it, never.
    pub idle_timeout_ms: Option<u32>,
    /// Messages that cannot be read after which a connection is closed.
    #[serde(default = "ListenerToml::unreadable_max")]
    pub unreadable_max: u32,
    /// Peers known by their address; once one is named, nobody else may come in. `access` only.
    #[serde(default)]
    pub peer: Vec<PeerToml>,
    /// Whether its peers are told a new day of ours, where their dialect has a message for it. `access` only.
    #[serde(default = "yes")]
    pub tell_day: bool,
    /// How many requests are worked on at once. `atmc` only.
    pub pool: Option<PoolToml>,
    /// PINs and authentication codes; without it neither is looked at.
    pub security: Option<GuardToml>,
    /// TLS 1.2 or later.
    pub tls: Option<TlsListenerToml>,
}

impl ListenerToml {
    const fn connections_max() -> u32 {
        limits::CONNECTIONS_MAX
    }

    const fn per_address_max() -> u32 {
        1_024
    }

    const fn unreadable_max() -> u32 {
        5
    }

    const fn per_terminal_max() -> u32 {
        1
    }
}

/// What a terminal does when it does not know what became of its request.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ConsistencyToml {
    /// It takes the request back (0420).
    Reversal,
    /// It reports what happened (0220).
    Completion,
    /// It asks what became of it.
    Inquiry,
}

/// How peers use a connection.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ListenerKind {
    /// One request per connection, as self-service terminals do.
    Atmc,
    /// Many in both directions, as access systems do.
    Access,
}

/// `[[listener.peer]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerToml {
    /// Its address.
    pub address: IpAddr,
    /// Its name, at most 24 characters.
    pub name: String,
}

/// `[listener.pool]`: the size of the process pool that one-request gateways used to have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolToml {
    /// Never smaller.
    pub min: u32,
    /// At the start.
    pub initial: u32,
    /// Never larger.
    pub max: u32,
}

/// `[listener.tls]`: PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsListenerToml {
    /// Our certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose clients are let in; without it no client certificate is asked for.
    pub client_authorities: Option<PathBuf>,
}

/// `[[link]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkToml {
    /// Its name, at most 24 characters. The journal knows it by this for ever.
    pub name: String,
    /// The host's address.
    pub dial: SocketAddr,
    /// Connections held to it. 1..=64.
    #[serde(default = "LinkToml::connections")]
    pub connections: u16,
    /// What it speaks.
    pub dialect: String,
    /// How frames are told apart; without it as the dialect suggests.
    pub framing: Option<String>,
    /// Longest message body in bytes.
    #[serde(default = "default_body_bytes_max")]
    pub body_bytes_max: usize,
    /// Silence after which the outcome is unknown. 100..=600_000. No default: it is in your contract.
    pub reply_timeout_ms: u32,
    /// Time between two attempts to connect, and up to a fifth more or less.
    #[serde(default = "LinkToml::reconnect_ms")]
    pub reconnect_ms: u32,
    /// Requests unanswered at once; the next is declined, not queued. 1..=262_144.
    #[serde(default = "LinkToml::in_flight_max")]
    pub in_flight_max: u32,
    /// Which clock writes the time of transmission.
    #[serde(default)]
    pub transmission_time: TransmissionTime,
    /// When to stop asking a host that does not answer.
    #[serde(default)]
    pub breaker: BreakerToml,
    /// What the host's contract says of reversals and advices.
    #[serde(default)]
    pub host: HostToml,
    /// How owed messages are sent.
    #[serde(default)]
    pub forward: ForwardToml,
    /// How long each sort of answer is waited for.
    #[serde(default)]
    pub timers: TimersToml,
    /// Where the host calls first, as card centres do; without it we do.
    pub pairs: Option<PairsToml>,
    /// Sign-on and echo; without the table a link that stands is used as it is.
    pub management: Option<ManagementToml>,
    /// How totals are compared; without the table they are not.
    pub reconciliation: Option<ReconciliationToml>,
    /// PINs and authentication codes; without it neither is looked at.
    pub security: Option<GuardToml>,
    /// How keys are exchanged with it; without it people carry them.
    pub key_exchange: Option<KeyExchangeToml>,
    /// TLS 1.2 or later.
    pub tls: Option<TlsLinkToml>,
}

impl LinkToml {
    const fn connections() -> u16 {
        1
    }

    const fn reconnect_ms() -> u32 {
        30_000
    }

    const fn in_flight_max() -> u32 {
        limits::IN_FLIGHT_MAX
    }
}

/// Which clock writes the time of transmission (DE 7).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TransmissionTime {
    /// As the standard says.
    #[default]
    Utc,
    /// As many domestic networks do.
    Local,
}

/// `[link.breaker]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerToml {
    /// Fewest finished requests it judges by.
    pub requests_min: u32,
    /// Per cent of them unanswered at which it opens; 0 switches it off.
    pub unanswered_percent: u8,
    /// Time it stays open before one request may try.
    pub probe_after_ms: u32,
}

impl Default for BreakerToml {
    fn default() -> Self {
        let switch::BreakerConfig { requests_min, unanswered_percent, probe_after_ms } = Default::default();
        Self { requests_min, unanswered_percent, probe_after_ms }
    }
}

/// `[link.host]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostToml {
    /// A reversal that comes before its request makes the host refuse the request.
    pub tombstones: bool,
    /// A reversal sent twice is done once. Without it an unanswered one is handed to a person.
    pub dedups_reversals: bool,
    /// A repeat says so in its type (0421, 0221).
    pub marks_repeats: bool,
    /// What an unknown deposit is owed: `post` (0220) or `reverse` (0420).
    pub deposits: DepositsToml,
    /// The longest a request may linger before the host acts on it: "no such original" is believed only from a
    /// reversal sent that long after its request.
    pub guard_ms: u32,
    /// Where the host's business day comes from: `calendar` or `told`.
    pub business_day: BusinessDayToml,
    /// Days a day that is told may be ahead of our calendar; one further is refused. 0..=366.
    pub days_ahead_max: u32,
    /// What a customer is told whose credit this host did not answer: `approve` or `unknown`.
    pub unknown_credits: UnknownCreditsToml,
}

/// What a customer is told whose credit was not answered. It is owed until it is posted, either way.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum UnknownCreditsToml {
    /// That it was done.
    Approve,
    /// That nobody knows.
    Unknown,
}

/// What an unknown deposit is owed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DepositsToml {
    /// Its posting: the cash is in the machine.
    Post,
    /// Its reversal.
    Reverse,
}

/// Where a host's business day comes from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BusinessDayToml {
    /// Our local calendar.
    Calendar,
    /// The host tells it: by its cutover, and when it opens.
    Told,
}

impl Default for HostToml {
    fn default() -> Self {
        let host = switch::HostProfile::default();
        Self {
            tombstones: host.tombstones,
            dedups_reversals: host.dedups_reversals,
            marks_repeats: host.marks_repeats,
            deposits: if host.deposits_are_posted { DepositsToml::Post } else { DepositsToml::Reverse },
            guard_ms: host.guard_ms,
            business_day: match host.day_is_calendar {
                true => BusinessDayToml::Calendar,
                false => BusinessDayToml::Told,
            },
            days_ahead_max: host.days_ahead_max,
            unknown_credits: match host.unknown_credits_approved {
                true => UnknownCreditsToml::Approve,
                false => UnknownCreditsToml::Unknown,
            },
        }
    }
}

/// `[link.forward]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardToml {
    /// Silence after which an attempt has failed.
    pub reply_timeout_ms: u32,
    /// From one attempt to the next.
    pub repeat_ms: u32,
    /// Unanswered at once.
    pub window: u32,
    /// Of these, messages that had to wait for the link, until the host keeps up.
    pub catch_up_window: u32,
    /// Attempts after which people are told.
    pub alarm_after: u32,
    /// After an unclean stop the host gets nothing new before each message owed to it was sent once.
    pub recovery_first: bool,
}

impl Default for ForwardToml {
    fn default() -> Self {
        let switch::ForwardConfig {
            reply_timeout_ms,
            repeat_ms,
            window,
            catch_up_window,
            alarm_after,
            recovery_first,
        } = Default::default();
        Self { reply_timeout_ms, repeat_ms, window, catch_up_window, alarm_after, recovery_first }
    }
}

/// `[link.tls]`: PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsLinkToml {
    /// Authorities the host's certificate must come from.
    pub authorities: PathBuf,
    /// The name it must bear.
    pub server_name: String,
    /// Our own certificate, where the host asks for one.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}

/// `[[route]]`: the longest card prefix wins, then the line written first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteToml {
    /// First digits of the card; empty for any.
    #[serde(default)]
    pub prefix: String,
    /// Only from this listener.
    pub listener: Option<String>,
    /// Only this kind of transaction, such as `withdrawal`.
    pub kind: Option<String>,
    /// Where it goes.
    pub link: String,
    /// What people call this line; without it made of prefix and link. At most 24 characters.
    pub name: Option<String>,
}

/// `[[receiver]]`: where the account a transfer goes to is kept. The longest prefix wins, then the line written
/// first; an account no line names is at the host that pays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverToml {
    /// First characters of the receiving account; empty for any.
    #[serde(default)]
    pub prefix: String,
    /// Only from this listener.
    pub listener: Option<String>,
    /// Which host keeps it.
    pub link: String,
    /// What people call this line; without it made of prefix and link. At most 24 characters.
    pub name: Option<String>,
}

const fn default_body_bytes_max() -> usize {
    limits::BODY_BYTES_MAX
}

const fn ten_seconds() -> u32 {
    10_000
}

const fn yes() -> bool {
    true
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

impl ListenerToml {
    fn complain(&self, links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("listener `{}`", self.name);
        if let Some(link) = &self.default_link {
            check_known(&at, "default_link", link, links, wrong);
        }
        check_body_bytes(&at, self.body_bytes_max, wrong);
        if self.kind == ListenerKind::Atmc && !self.peer.is_empty() {
            wrong.push(format!("{at}: peers are known by address on `access` listeners only"));
        }
        if self.kind == ListenerKind::Access && self.pool.is_some() {
            wrong.push(format!("{at}: a pool belongs to `atmc` listeners only"));
        }
        if let Some(PoolToml { min, initial, max }) = self.pool
            && !(1 <= min && min <= initial && initial <= max)
        {
            wrong.push(format!("{at}: pool needs 1 <= min <= initial <= max, not {min}, {initial}, {max}"));
        }
        for peer in &self.peer {
            check_name_fits(&format!("{at}: peer"), &peer.name, wrong);
        }
    }
}

impl LinkToml {
    fn complain(&self, wrong: &mut Vec<String>) {
        let at = format!("link `{}`", self.name);
        check_body_bytes(&at, self.body_bytes_max, wrong);
        let mut range = |name: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{at}: {name} is {value}, not between {low} and {high}"));
            }
        };
        range("reply_timeout_ms", self.reply_timeout_ms.into(), 100, 600_000);
        range("reconnect_ms", self.reconnect_ms.into(), 10, 3_600_000);
        range("connections", self.connections.into(), 1, 64);
        range("in_flight_max", self.in_flight_max.into(), 1, 262_144);
        range("breaker.unanswered_percent", self.breaker.unanswered_percent.into(), 0, 100);
        range("forward.reply_timeout_ms", self.forward.reply_timeout_ms.into(), 100, 600_000);
        range("forward.repeat_ms", self.forward.repeat_ms.into(), 100, 3_600_000);
        range("forward.window", self.forward.window.into(), 1, 1_024);
        range("forward.catch_up_window", self.forward.catch_up_window.into(), 1, 1_024);
        range("forward.alarm_after", self.forward.alarm_after.into(), 1, 10_000);
        range("host.days_ahead_max", self.host.days_ahead_max.into(), 0, 366);
        range("host.guard_ms", self.host.guard_ms.into(), 0, 3_600_000);
        self.timers.complain(&mut range);
        self.management.iter().for_each(|management| management.complain(&mut range));
        if let Some(every_ms) = self.key_exchange.and_then(|exchange| exchange.every_ms) {
            range("key_exchange.every_ms", every_ms.into(), 200, 2_592_000_000);
        }
        if let Some(pairs) = &self.pairs {
            range("pairs.count", pairs.count.into(), 1, 16);
            if self.tls.is_some() {
                wrong
                    .push(format!("{at}: pairs are over plain TCP; put a tunnel before them instead of tls"));
            }
        }
        self.reconciliation.iter().for_each(|table| table.complain(&at, wrong));
        for name in self.management.iter().flat_map(ManagementToml::strangers) {
            wrong.push(format!("{at}: management.says {name} is no noun a message may say"));
        }
        if self.tls.as_ref().is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()) {
            wrong.push(format!("{at}: tls.certificate and tls.key go together"));
        }
    }
}

impl RouteToml {
    fn complain(&self, listeners: &[&str], links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("route `{}`", self.label());
        check_known(&at, "link", &self.link, links, wrong);
        if let Some(listener) = &self.listener {
            check_known(&at, "listener", listener, listeners, wrong);
        }
        if self.prefix.len() > 19 || !self.prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            wrong.push(format!("{at}: a prefix is at most 19 digits"));
        }
        let kinds: Vec<&str> = terms::Kind::ALL.iter().map(|kind| kind.name()).collect();
        if let Some(kind) = &self.kind {
            check_known(&at, "kind", kind, &kinds, wrong);
        }
    }

    /// What people call it.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| match self.prefix.as_str() {
            "" => format!("any -> {}", self.link),
            prefix => format!("{prefix} -> {}", self.link),
        })
    }
}

impl ReceiverToml {
    fn complain(&self, listeners: &[&str], links: &[&str], wrong: &mut Vec<String>) {
        let at = format!("receiver `{}`", self.label());
        check_known(&at, "link", &self.link, links, wrong);
        if let Some(listener) = &self.listener {
            check_known(&at, "listener", listener, listeners, wrong);
        }
        if self.prefix.len() > 28 || !self.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            wrong.push(format!("{at}: a prefix is at most 28 characters, none of them a space"));
        }
    }

    /// What people call it.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| match self.prefix.as_str() {
            "" => format!("to any -> {}", self.link),
            prefix => format!("to {prefix} -> {}", self.link),
        })
    }
}

fn check_names(what: &str, names: &[&str], wrong: &mut Vec<String>) {
    for (at, name) in names.iter().enumerate() {
        check_name_fits(what, name, wrong);
        if names[..at].contains(name) {
            wrong.push(format!("{what} `{name}` is there twice"));
        }
    }
}

fn check_name_fits(what: &str, name: &str, wrong: &mut Vec<String>) {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 24 || !name.bytes().all(legal) {
        wrong.push(format!("{what} `{name}`: a name is 1 to 24 letters, digits, `-`, `_` and `.`"));
    }
}

fn check_known(at: &str, key: &str, name: &str, known: &[&str], wrong: &mut Vec<String>) {
    if !known.contains(&name) {
        let hint = dialects::did_you_mean(name, known.iter().copied());
        wrong.push(format!("{at}: {key} `{name}` is not known{hint}"));
    }
}

fn check_body_bytes(at: &str, bytes: usize, wrong: &mut Vec<String>) {
    if !(64..=limits::BODY_BYTES_MAX).contains(&bytes) {
        wrong.push(format!("{at}: body_bytes_max is {bytes}, not between 64 and {}", limits::BODY_BYTES_MAX));
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
