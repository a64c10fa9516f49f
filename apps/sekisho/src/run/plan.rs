//! From a configuration to everything it names: dialects loaded, framings understood, certificates not yet
//! opened, nothing listening.

mod complaints;
mod names;
mod restart;
mod tables;

use super::guard::Rule;
use super::parties::{Link, Source};
use crate::config::api::SOURCE;
use crate::config::{Config, ConfigError, LaneToml, ListenerKind, ListenerToml};
use dialects::Dialect;
use net::{DialConfig, ListenerConfig, PairRule, TlsClient};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use switch::{LaneConfig, Lines, LinkConfig, Receiver, Route, Routes, SourceConfig};
use tables::{applications, exchanging, link_config, listener_config, source_config};
use terms::{Kind, LinkId, LinkName, Network, NetworkTypes, SourceId, Text};
use wire::Framing;

pub(crate) use names::Names;

/// A configuration with everything it names.
#[derive(Clone)]
pub struct Plan {
    pub(crate) config: Config,
    /// Dialect texts by name: the shipped ones a listener or link asks for, and the configuration's own.
    dialects: BTreeMap<String, String>,
    framings: BTreeMap<String, Framing>,
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
            complaints = plan.complaints();
        }
        if complaints.is_empty() { Ok(plan) } else { Err(ConfigError { path: path.to_owned(), complaints }) }
    }

    fn guard_of_listener(
        &self,
        listener: &ListenerToml,
        name: &str,
        loaded: &mut BTreeMap<String, Rc<Dialect>>,
    ) -> Result<Option<Rule>, String> {
        Rule::of(listener.security.as_ref(), name, false, &self.dialect(&listener.dialect, loaded))
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

    /// Whether the certificates and keys that it names can be used, as they are now.
    ///
    /// # Errors
    /// A line for each that cannot.
    pub(crate) fn check_files(&self, path: &Path) -> Result<(), ConfigError> {
        let mut names = Names::default();
        let listeners = self.listeners(&mut names).into_iter().map(|one| (one.name, one.tls));
        let of_listeners = listeners.filter_map(|(name, tls)| Some((name, tls?.check().err()?)));
        let dials = self.dials(&mut names).into_iter().map(|one| (one.name, one.tls));
        let of_links = dials.filter_map(|(name, tls)| Some((name, tls?.check().err()?)));
        let mut complaints: Vec<String> =
            of_listeners.map(|(name, no)| format!("listener `{name}`: {no}")).collect();
        complaints.extend(of_links.map(|(name, no)| format!("link `{name}`: {no}")));
        let api = self.config.api.as_ref().and_then(|api| api.server()?.check().err());
        complaints.extend(api.map(|no| format!("api: {no}")));
        if complaints.is_empty() { Ok(()) } else { Err(ConfigError { path: path.to_owned(), complaints }) }
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
                Link {
                    name,
                    dialect,
                    handle: None,
                    lines: Lines::default(),
                    key_exchange: exchanging(link),
                    guard,
                },
            );
        }
        // Numbers of dropped names stay empty: filled up with the first party's dialect, never used.
        let any = loaded.values().next().cloned();
        let fill_source = || Some(Source { dialect: any.clone()?, unreadable_max: 1, guard: None });
        let fill_link = |at: usize| {
            Some(Link {
                lines: Lines::default(),
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
