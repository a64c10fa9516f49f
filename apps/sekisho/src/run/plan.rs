//! From a configuration to everything it names: dialects loaded, framings understood, certificates not yet
//! opened, nothing listening.

use super::guard::Rule;
use super::parties::{Exchanging, Link, Source};
use crate::config::api::SOURCE;
use crate::config::{
    ApiToml, BusinessDayToml, Config, ConfigError, ConsistencyToml, DepositsToml, DrawnBy, LaneToml,
    LinkToml, ListenerKind, ListenerToml, RouteToml, TransmissionTime, UnknownCreditsToml,
};
use dialects::Dialect;
use net::{
    AllowedPeer, DialConfig, Limits, ListenerConfig, PairRule, PoolRule, Service, TlsClient, TlsServer,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use switch::{
    BreakerConfig, Consistency, Demands, ForwardConfig, HostProfile, LaneConfig, LinkConfig, Management,
    Receiver, Route, Routes, SourceConfig,
};
use terms::{
    BusinessDate, Carried, Comparison, Figure, Kind, LinkId, LinkName, LocalTime, Network, NetworkTypes,
    Noun, Outgoing, SourceId, Stan, Statement, Text, Txn,
};
use wire::Framing;

/// A configuration with everything it names.
#[derive(Clone)]
pub struct Plan {
    pub(crate) config: Config,
    /// Dialect texts by name: the shipped ones a listener or link asks for, and the configuration's own.
    dialects: BTreeMap<String, String>,
    framings: BTreeMap<String, Framing>,
}

/// The numbers the journal knows links and sources by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) links: Vec<LinkName>,
    pub(crate) sources: Vec<LinkName>,
}

impl Names {
    /// Those the journal knows already.
    pub(crate) fn known(lane: &switch::Lane) -> Self {
        let (links, sources) = lane.names();
        Self { links, sources }
    }

    /// The place of a name; a new one goes behind those the journal knows.
    fn place(names: &mut Vec<LinkName>, name: &str) -> u16 {
        let name = Text::clipped(name.as_bytes());
        let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        at as u16
    }

    pub(crate) fn link(&mut self, name: &str) -> LinkId {
        LinkId(Self::place(&mut self.links, name))
    }

    pub(crate) fn source(&mut self, name: &str) -> SourceId {
        SourceId(Self::place(&mut self.sources, name))
    }
}

impl Plan {
    /// Loads everything `config` names. `path` is only for complaints.
    pub fn of(config: &Config, path: &Path) -> Result<Self, ConfigError> {
        let mut complaints = Vec::new();
        let mut plan = Self { config: config.clone(), dialects: BTreeMap::new(), framings: BTreeMap::new() };
        let listeners = (config.listener.iter()).map(|l| ("listener", &l.name, &l.dialect, &l.framing));
        let links = config.link.iter().map(|l| ("link", &l.name, &l.dialect, &l.framing));
        for (what, name, dialect, framing) in listeners.chain(links) {
            if let Err(wrong) = plan.add(dialect, framing.as_deref()) {
                complaints.extend(wrong.into_iter().map(|line| format!("{what} `{name}`: {line}")));
            }
        }
        if complaints.is_empty() {
            let mut loaded = BTreeMap::new();
            for link in &config.link {
                let dialect = plan.dialect(&link.dialect, &mut loaded);
                let wrong = complaints_about_speech(link, &dialect);
                complaints.extend(wrong.into_iter().map(|line| format!("link `{}`: {line}", link.name)));
            }
            complaints.extend(plan.guards_that_do_not_fit());
            complaints.extend(plan.legs_nobody_can_write());
            complaints.extend(plan.debts_nobody_can_pay());
        }
        if complaints.is_empty() { Ok(plan) } else { Err(ConfigError { path: path.to_owned(), complaints }) }
    }

    /// A reversal or an advice is written from what the journal keeps. A dialect that demands more, and has no
    /// default for it, could never be paid.
    fn debts_nobody_can_pay(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let mut demanded: Vec<_> = dialect.demands_of_owed().collect();
            demanded.retain(|noun| !Demands::KEPT.contains(noun));
            demanded.sort_by_key(|noun| *noun as u8);
            demanded.dedup();
            for noun in demanded {
                wrong.push(format!(
                    "link `{}`: dialect `{}` demands {noun} in reversals or advices, which is not kept for \
                     them: state a [default], or do not demand it there",
                    link.name, link.dialect
                ));
            }
        }
        wrong
    }

    fn guard_of_listener(
        &self,
        listener: &ListenerToml,
        name: &str,
        loaded: &mut BTreeMap<String, Rc<Dialect>>,
    ) -> Result<Option<Rule>, String> {
        Rule::of(listener.security.as_ref(), name, false, &self.dialect(&listener.dialect, loaded))
    }

    /// What is to be guarded must have an algorithm, and messages with room for a code.
    fn guards_that_do_not_fit(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        for listener in &self.config.listener {
            if let Err(why) = self.guard_of_listener(listener, &listener.name, &mut loaded) {
                wrong.push(format!("listener `{}`: security: {why}", listener.name));
            }
        }
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            if let Err(why) = Rule::of(link.security.as_ref(), &link.name, true, &dialect) {
                wrong.push(format!("link `{}`: security: {why}", link.name));
            }
        }
        wrong
    }

    /// Transfers between two hosts are two messages, and each host must have a word for its own: without one,
    /// half a transfer would be sent as a whole one.
    fn legs_nobody_can_write(&self) -> Vec<String> {
        let mut loaded = BTreeMap::new();
        let mut wrong = Vec::new();
        if self.config.receiver.is_empty() {
            return wrong;
        }
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let receives = self.config.receiver.iter().any(|line| line.link == link.name);
            let takes_transfers = |route: &RouteToml| {
                route.link == link.name && route.kind.as_deref().is_none_or(|kind| kind == "transfer")
            };
            let is_default = |listener: &ListenerToml| listener.default_link.as_ref() == Some(&link.name);
            let pays =
                self.config.route.iter().any(takes_transfers) || self.config.listener.iter().any(is_default);
            for (is_asked, kind) in [(receives, Kind::TransferIn), (pays, Kind::TransferOut)] {
                if is_asked && !dialect.writes_kind(kind) {
                    wrong.push(format!(
                        "link `{}`: there are [[receiver]] lines, and dialect `{}` has no processing code for \
                         {kind}",
                        link.name, link.dialect
                    ));
                }
            }
        }
        wrong
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        let Config { listener, link, route, .. } = &self.config;
        format!("{} listeners, {} links, {} routes", listener.len(), link.len(), route.len())
    }

    /// The journal's directory.
    pub fn journal_dir(&self) -> &PathBuf {
        &self.config.journal.dir
    }

    /// Files with secrets in them that the configuration names.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        let listeners = self.config.listener.iter().filter_map(|listener| listener.tls.as_ref());
        let modules = self.config.hsm.iter().filter_map(|hsm| hsm.tls.as_ref());
        let links = self.config.link.iter().filter_map(|link| link.tls.as_ref()).chain(modules);
        listeners.map(|tls| tls.key.clone()).chain(links.filter_map(|tls| tls.key.clone())).collect()
    }

    fn add(&mut self, name: &str, framing: Option<&str>) -> Result<(), Vec<String>> {
        let text = self.dialect_text(name).map_err(|line| vec![line])?;
        let dialect = Dialect::load(&text).map_err(|findings| {
            findings.iter().map(|finding| format!("dialect `{name}`: {finding}")).collect::<Vec<_>>()
        })?;
        let framing = framing.unwrap_or(dialect.framing());
        let named = Framing::named(framing).map_err(|error| vec![format!("framing `{framing}`: {error}")])?;
        self.framings.insert(framing.to_owned(), named);
        self.dialects.insert(name.to_owned(), text);
        Ok(())
    }

    fn dialect_text(&self, name: &str) -> Result<String, String> {
        if let Some(path) = self.config.dialect.get(name) {
            return std::fs::read_to_string(path)
                .map_err(|error| format!("dialect `{name}`: {} cannot be read: {error}", path.display()));
        }
        let shipped = Dialect::shipped();
        match shipped.iter().find(|(shipped, _)| *shipped == name) {
            Some((_, text)) => Ok((*text).to_owned()),
            None => {
                let own = self.config.dialect.keys().map(String::as_str);
                let known = shipped.iter().map(|(name, _)| *name).chain(own);
                Err(format!("dialect `{name}` is not known{}", dialects::did_you_mean(name, known)))
            }
        }
    }

    fn dialect(&self, name: &str, loaded: &mut BTreeMap<String, Rc<Dialect>>) -> Rc<Dialect> {
        let load = || {
            let text =
                self.dialects.get(name).expect("every dialect named was loaded when the plan was made");
            Rc::new(Dialect::load(text).expect("it loaded then"))
        };
        loaded.entry(name.to_owned()).or_insert_with(load).clone()
    }

    fn framing(&self, dialect: &Dialect, wanted: Option<&String>, body_bytes_max: usize) -> Framing {
        let name = wanted.map_or(dialect.framing(), String::as_str);
        let mut framing = self.framings.get(name).cloned().expect("every framing named was understood");
        framing.body_bytes_max = framing.body_bytes_max.min(body_bytes_max);
        framing
    }

    /// What the lane is told, under the numbers of `names`; new names are added to them.
    pub(crate) fn lane(&self, names: &mut Names) -> LaneConfig {
        let mut loaded = BTreeMap::new();
        let link_configs: Vec<(LinkId, LinkConfig)> = (self.config.link.iter())
            .map(|link| {
                let dialect = self.dialect(&link.dialect, &mut loaded);
                (names.link(&link.name), link_config(link, &dialect))
            })
            .collect();
        let source_configs: Vec<(SourceId, SourceConfig)> = (self.config.listener.iter())
            .flat_map(|listener| {
                let peers = listener.peer.iter().map(|peer| peer.name.as_str());
                let named = std::iter::once(listener.name.as_str()).chain(peers);
                let told_of_days = self.told_of_days(listener, &mut loaded);
                let config = |name| SourceConfig { told_of_days, ..source_config(name, listener) };
                named.map(config).collect::<Vec<_>>()
            })
            .chain(self.config.api.iter().map(|_| applications()))
            .map(|source| (names.source(source.name.as_str()), source))
            .collect();
        // A name the configuration has dropped keeps its number, and nothing is routed there.
        let mut links: Vec<LinkConfig> = names.links.iter().map(|&name| LinkConfig::retired(name)).collect();
        link_configs.into_iter().for_each(|(at, link)| links[usize::from(at.0)] = link);
        let mut sources: Vec<SourceConfig> =
            names.sources.iter().map(|&name| SourceConfig { name, ..SourceConfig::default() }).collect();
        source_configs.into_iter().for_each(|(at, source)| sources[usize::from(at.0)] = source);
        let LaneToml { remembered_max, remembered_min_s, in_flight_max } = self.config.lane;
        let routes = self.routes(names);
        let day = self.config.day.as_ref().map(|day| day.day(|name| names.link(name)));
        LaneConfig { sources, links, routes, remembered_max, remembered_min_s, in_flight_max, day }
    }

    /// As which messages a listener's peers hear of a new day of ours: one-request connections hear of nothing.
    fn told_of_days(
        &self,
        listener: &ListenerToml,
        loaded: &mut BTreeMap<String, Rc<Dialect>>,
    ) -> NetworkTypes {
        let mut told = NetworkTypes::default();
        if self.config.day.is_some() && listener.tell_day && listener.kind == ListenerKind::Access {
            let types = self.dialect(&listener.dialect, loaded).network_types();
            for about in [Network::Cutover, Network::CutoverEnd] {
                told.set(about, types.of(about));
            }
        }
        told
    }

    fn routes(&self, names: &mut Names) -> Routes {
        let mut lines: Vec<Route> = (self.config.route.iter())
            .map(|route| Route {
                prefix: Text::clipped(route.prefix.as_bytes()),
                source: route.listener.as_deref().map(|name| names.source(name)),
                kind: route.kind.as_deref().and_then(Kind::named),
                link: names.link(&route.link),
                name: Text::clipped(route.label().as_bytes()),
            })
            .collect();
        for listener in &self.config.listener {
            let Some(link) = &listener.default_link else { continue };
            let peers = listener.peer.iter().map(|peer| peer.name.as_str());
            for source in std::iter::once(listener.name.as_str()).chain(peers) {
                lines.push(Route {
                    prefix: Text::EMPTY,
                    source: Some(names.source(source)),
                    kind: None,
                    link: names.link(link),
                    name: Text::clipped(format!("default of {}", listener.name).as_bytes()),
                });
            }
        }
        if let Some(link) = self.config.api.as_ref().and_then(|api| api.default_link.as_ref()) {
            lines.push(Route {
                prefix: Text::EMPTY,
                source: Some(names.source(SOURCE)),
                kind: None,
                link: names.link(link),
                name: Text::clipped(b"default of api"),
            });
        }
        let receivers = (self.config.receiver.iter()).map(|line| Receiver {
            prefix: Text::clipped(line.prefix.as_bytes()),
            source: line.listener.as_deref().map(|name| names.source(name)),
            link: names.link(&line.link),
            name: Text::clipped(line.label().as_bytes()),
        });
        let receivers = receivers.collect();
        Routes::new(lines).with_receivers(receivers)
    }

    /// The routing table, and the names of sources and links at the places it knows them by.
    pub(crate) fn routing(&self) -> (Routes, Vec<String>, Vec<String>) {
        let mut names = Names::default();
        for listener in &self.config.listener {
            let peers = listener.peer.iter().map(|peer| peer.name.as_str());
            for name in std::iter::once(listener.name.as_str()).chain(peers) {
                names.source(name);
            }
        }
        if self.config.api.is_some() {
            names.source(SOURCE);
        }
        let routes = self.routes(&mut names);
        let text = |names: Vec<LinkName>| names.iter().map(LinkName::to_string).collect();
        (routes, text(names.sources), text(names.links))
    }

    /// Sources and links as the loop needs them, by their numbers.
    pub(crate) fn parties(&self, names: &mut Names) -> (Vec<Source>, Vec<Link>) {
        let mut loaded = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for listener in &self.config.listener {
            let peers = listener.peer.iter().map(|peer| peer.name.as_str());
            for name in std::iter::once(listener.name.as_str()).chain(peers) {
                let source = Source {
                    dialect: self.dialect(&listener.dialect, &mut loaded),
                    unreadable_max: listener.unreadable_max,
                    guard: self.guard_of_listener(listener, name, &mut loaded).unwrap_or_default(),
                };
                sources.insert(names.source(name).0, source);
            }
        }
        let mut links = BTreeMap::new();
        for link in &self.config.link {
            let dialect = self.dialect(&link.dialect, &mut loaded);
            let name = Text::clipped(link.name.as_bytes());
            let guard = Rule::of(link.security.as_ref(), &link.name, true, &dialect).unwrap_or_default();
            links.insert(
                names.link(&link.name).0,
                Link { name, dialect, handle: None, key_exchange: exchanging(link), guard },
            );
        }
        // Numbers of dropped names stay empty: filled up with the first party's dialect, never used.
        let any = loaded.values().next().cloned();
        let fill_source = || Some(Source { dialect: any.clone()?, unreadable_max: 1, guard: None });
        let fill_link = |at: usize| {
            Some(Link {
                name: *names.links.get(at)?,
                dialect: any.clone()?,
                handle: None,
                key_exchange: None,
                guard: None,
            })
        };
        let all_sources = (0..names.sources.len())
            .filter_map(|at| sources.remove(&(at as u16)).or_else(fill_source))
            .collect();
        let all_links = (0..names.links.len())
            .filter_map(|at| links.remove(&(at as u16)).or_else(|| fill_link(at)))
            .collect();
        (all_sources, all_links)
    }

    /// The number of the source that applications are, where they may ask.
    pub(crate) fn applications(&self, names: &mut Names) -> Option<SourceId> {
        self.config.api.as_ref().map(|_| names.source(SOURCE))
    }

    /// Whether a source of that name may come in somewhere.
    pub(crate) fn has_source(&self, name: &LinkName) -> bool {
        let is_applications = self.config.api.is_some() && name.as_str() == SOURCE;
        is_applications
            || self.config.listener.iter().any(|listener| {
                let peers = listener.peer.iter().map(|peer| peer.name.as_str());
                std::iter::once(listener.name.as_str()).chain(peers).any(|known| known == name.as_str())
            })
    }

    /// What a listener's peers speak.
    pub(crate) fn dialect_of_listener(&self, name: &str) -> String {
        let found = self.config.listener.iter().find(|listener| listener.name == name);
        found.map_or_else(String::new, |listener| listener.dialect.clone())
    }

    /// What differs in `other` that cannot change while running, in words.
    pub(crate) fn needs_restart(&self, other: &Self) -> Vec<String> {
        let mut what = Vec::new();
        for listener in &self.config.listener {
            let changed = other.config.listener.iter().find(|other| other.name == listener.name);
            if changed.is_some_and(|changed| self.fixed_in(listener) != other.fixed_in(changed)) {
                what.push(format!(
                    "[[listener]] `{}` (where it listens, its kind, framing, limits, security)",
                    listener.name
                ));
            }
        }
        for link in &self.config.link {
            match other.config.link.iter().find(|other| other.name == link.name) {
                Some(changed) if self.fixed_of(link) == other.fixed_of(changed) => {}
                Some(_) => what
                    .push(format!("[[link]] `{}` (where it dials, its framing, tls, security)", link.name)),
                None => what.push(format!("[[link]] `{}` is gone: drain it first", link.name)),
            }
        }
        let api = |plan: &Self| {
            let api = plan.config.api.clone().map(|api| ApiToml { default_link: None, ..api });
            format!("{api:?}")
        };
        let differs = [
            (format!("{:?}", self.config.journal) != format!("{:?}", other.config.journal), "[journal]"),
            (self.config.time_zone != other.config.time_zone, "time_zone"),
            (format!("{:?}", self.config.http) != format!("{:?}", other.config.http), "[http]"),
            (self.config.control_socket() != other.config.control_socket(), "[control]"),
            (self.config.keys != other.config.keys, "[keys]"),
            (format!("{:?}", self.config.hsm) != format!("{:?}", other.config.hsm), "[[hsm]]"),
            (format!("{:?}", self.config.security) != format!("{:?}", other.config.security), "[security]"),
            (api(self) != api(other), "[api] (other than default_link)"),
            (self.config.lane.remembered_max != other.config.lane.remembered_max, "[lane]"),
        ];
        what.extend(differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what.to_string()));
        what
    }

    /// Everything of a listener but what is taken over while it listens.
    fn fixed_in(&self, listener: &ListenerToml) -> String {
        let framing = self.framing_named(&listener.dialect, listener.framing.as_ref());
        let rest = ListenerToml {
            default_link: None,
            consistency: None,
            per_terminal_max: 0,
            unreadable_max: 0,
            terminal_required: false,
            dialect: String::new(),
            framing: Some(framing),
            peer: Vec::new(),
            tls: None,
            ..listener.clone()
        };
        format!("{rest:?}")
    }

    /// Everything of a link but what is taken over while it is connected.
    fn fixed_of(&self, link: &LinkToml) -> String {
        let framing = self.framing_named(&link.dialect, link.framing.as_ref());
        let rest = LinkToml {
            reply_timeout_ms: 0,
            in_flight_max: 0,
            breaker: Default::default(),
            transmission_time: TransmissionTime::Utc,
            host: Default::default(),
            forward: Default::default(),
            timers: Default::default(),
            management: None,
            reconciliation: None,
            dialect: String::new(),
            framing: Some(framing),
            ..link.clone()
        };
        format!("{rest:?}")
    }

    fn framing_named(&self, dialect: &str, wanted: Option<&String>) -> String {
        let own = || self.dialect(dialect, &mut BTreeMap::new()).framing().to_owned();
        wanted.cloned().unwrap_or_else(own)
    }

    /// The listeners to open.
    pub(crate) fn listeners(&self, names: &mut Names) -> Vec<ListenerConfig> {
        let mut loaded = BTreeMap::new();
        (self.config.listener.iter())
            .map(|listener| {
                let dialect = self.dialect(&listener.dialect, &mut loaded);
                let framing = self.framing(&dialect, listener.framing.as_ref(), listener.body_bytes_max);
                listener_config(listener, framing, names)
            })
            .collect()
    }

    /// The links to dial.
    pub(crate) fn dials(&self, names: &mut Names) -> Vec<DialConfig> {
        let mut loaded = BTreeMap::new();
        (self.config.link.iter())
            .map(|link| {
                let dialect = self.dialect(&link.dialect, &mut loaded);
                let framing = self.framing(&dialect, link.framing.as_ref(), link.body_bytes_max);
                let name = Text::clipped(link.name.as_bytes());
                DialConfig {
                    connections: link.connections,
                    reconnect_ms: link.reconnect_ms,
                    pairs: link.pairs.as_ref().map(|pairs| PairRule {
                        listen: pairs.listen,
                        pairs: pairs.count,
                        peers: match pairs.peers.is_empty() {
                            true => vec![link.dial.ip()],
                            false => pairs.peers.clone(),
                        },
                    }),
                    tls: link.tls.as_ref().map(|tls| TlsClient {
                        authorities: tls.authorities.clone(),
                        server_name: tls.server_name.clone(),
                        identity: tls.certificate.clone().zip(tls.key.clone()),
                    }),
                    ..DialConfig::new(name, names.link(&link.name), link.dial.to_string(), framing)
                }
            })
            .collect()
    }
}

fn link_config(link: &LinkToml, dialect: &Dialect) -> LinkConfig {
    LinkConfig {
        name: Text::clipped(link.name.as_bytes()),
        reply_timeout_ms: link.reply_timeout_ms,
        in_flight_max: link.in_flight_max,
        pairing: dialect.pairing(),
        breaker: BreakerConfig {
            requests_min: link.breaker.requests_min,
            unanswered_percent: link.breaker.unanswered_percent,
            probe_after_ms: link.breaker.probe_after_ms,
        },
        transmits_utc: link.transmission_time == TransmissionTime::Utc,
        host: HostProfile {
            tombstones: link.host.tombstones,
            dedups_reversals: link.host.dedups_reversals,
            marks_repeats: link.host.marks_repeats,
            deposits_are_posted: link.host.deposits == DepositsToml::Post,
            guard_ms: link.host.guard_ms,
            day_is_calendar: link.host.business_day == BusinessDayToml::Calendar,
            days_ahead_max: link.host.days_ahead_max,
            partial_reversals: dialect.says_remaining(),
            demands: Demands::of(dialect.demands_of_owed()),
            unknown_credits_approved: link.host.unknown_credits == UnknownCreditsToml::Approve,
        },
        forward: ForwardConfig {
            reply_timeout_ms: link.forward.reply_timeout_ms,
            repeat_ms: link.forward.repeat_ms,
            window: link.forward.window,
            catch_up_window: link.forward.catch_up_window,
            alarm_after: link.forward.alarm_after,
            recovery_first: link.forward.recovery_first,
        },
        timers: link.timers.timers(),
        management: management_of(link, dialect),
        reconciliation: link
            .reconciliation
            .as_ref()
            .zip(dialect.reconciliation())
            .map(|(table, rule)| table.reconciliation(rule.message, rule.reversals, rule.net)),
    }
}

fn management_of(link: &LinkToml, dialect: &Dialect) -> Management {
    let types = dialect.network_types();
    match &link.management {
        Some(management) => management.management(types),
        None => Management { types, ..Management::default() },
    }
}

/// What a link that signs on will have to say, and cannot: said before it is needed.
fn complaints_about_speech(link: &LinkToml, dialect: &Dialect) -> Vec<String> {
    let totals = complaint_about_totals(link, dialect);
    totals.into_iter().chain(complaints_about_management(link, dialect)).collect()
}

/// Totals that could never be told are found out before a day has ended.
fn complaint_about_totals(link: &LinkToml, dialect: &Dialect) -> Option<String> {
    let table = link.reconciliation.as_ref()?;
    let Some(rule) = dialect.reconciliation() else {
        return Some(format!(
            "there is [link.reconciliation], and dialect `{}` compares no totals",
            link.dialect
        ));
    };
    let config = table.reconciliation(rule.message, rule.reversals, rule.net);
    let day = BusinessDate::from_days(20_000);
    let mut statement = Statement::default();
    Figure::ALL.into_iter().for_each(|figure| statement.set(figure, 0));
    let comparison = Comparison { date: Some(day), currency: config.currency, statement, balance: None };
    let mut carried = config.says.clone();
    carried.push(Noun::SettlementCurrency, format!("{}", config.currency).as_bytes());
    let request = Txn {
        acquirer_id: config.acquirer_id,
        local_time: Some(LocalTime { date: day, second_of_day: 0 }),
        settlement_date: Some(day),
        totals: Some(Box::new(comparison)),
        carried,
        ..Txn::new(config.message)
    };
    let transmitted_at = Text::clipped(b"0101000000");
    let ours = Outgoing { stan: Stan(1), rrn: Text::EMPTY, transmitted_at, repeat: false };
    let written = dialect.write_request(&request, &ours, &mut Vec::new());
    written.err().map(|error| format!("totals cannot be said: {error}; put it into reconciliation.says"))
}

fn complaints_about_management(link: &LinkToml, dialect: &Dialect) -> Vec<String> {
    let Some(toml) = &link.management else { return Vec::new() };
    let management = management_of(link, dialect);
    let sample = |about: Network| {
        let Some(message) = management.types.of(about) else {
            return Some(format!("dialect `{}` has no {about} message", link.dialect));
        };
        let request = Txn {
            network: about,
            acquirer_id: management.acquirer_id,
            local_time: Some(LocalTime { date: BusinessDate::from_days(0), second_of_day: 0 }),
            carried: Carried::clone(&management.says),
            ..Txn::new(message)
        };
        let transmitted_at = Text::clipped(b"0101000000");
        let ours = Outgoing { stan: Stan(1), rrn: Text::EMPTY, transmitted_at, repeat: false };
        let written = dialect.write_request(&request, &ours, &mut Vec::new());
        written.err().map(|error| format!("{about} cannot be said: {error}; put it into management.says"))
    };
    toml.speaks().filter_map(sample).collect()
}

/// Applications: they can look up what became of a submission, and take it back.
fn applications() -> SourceConfig {
    SourceConfig {
        name: Text::clipped(SOURCE.as_bytes()),
        terminal_required: false,
        consistency: Some(Consistency::Reversal),
        per_terminal_max: 0,
        // They are told by events.
        told_of_days: NetworkTypes::default(),
    }
}

fn source_config(name: &str, listener: &ListenerToml) -> SourceConfig {
    SourceConfig {
        name: Text::clipped(name.as_bytes()),
        terminal_required: listener.terminal_required,
        consistency: listener.consistency.map(|consistency| match consistency {
            ConsistencyToml::Reversal => Consistency::Reversal,
            ConsistencyToml::Completion => Consistency::Completion,
            ConsistencyToml::Inquiry => Consistency::Inquiry,
        }),
        per_terminal_max: listener.per_terminal_max,
        ..SourceConfig::default()
    }
}

fn listener_config(listener: &ListenerToml, framing: Framing, names: &mut Names) -> ListenerConfig {
    let service = match (listener.kind, listener.pool) {
        (ListenerKind::Access, _) => Service::Persistent,
        (ListenerKind::Atmc, None) => Service::OneRequest(PoolRule::default()),
        (ListenerKind::Atmc, Some(pool)) => Service::OneRequest(PoolRule {
            size_min: pool.min,
            size_initial: pool.initial,
            size_max: pool.max,
            ..PoolRule::default()
        }),
    };
    let name = Text::clipped(listener.name.as_bytes());
    let standard = ListenerConfig::new(name, listener.listen, framing, service);
    let allow = listener.peer.iter().map(|peer| AllowedPeer {
        address: peer.address,
        name: Text::clipped(peer.name.as_bytes()),
        source: names.source(&peer.name),
    });
    let allow: Vec<AllowedPeer> = allow.collect();
    ListenerConfig {
        source: names.source(&listener.name),
        tls: listener.tls.as_ref().map(|tls| TlsServer {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            client_authorities: tls.client_authorities.clone(),
        }),
        limits: Limits {
            frame_timeout_ms: listener.frame_timeout_ms,
            idle_timeout_ms: listener.idle_timeout_ms.or(standard.limits.idle_timeout_ms),
            ..standard.limits
        },
        connections_max: listener.connections_max,
        per_address_max: listener.per_address_max,
        allow: (!allow.is_empty()).then_some(allow),
        ..standard
    }
}

fn exchanging(link: &LinkToml) -> Option<Exchanging> {
    let config = link.key_exchange?;
    Some(Exchanging { we_draw: config.drawn_by == DrawnBy::Us, every_ms: config.every_ms })
}
