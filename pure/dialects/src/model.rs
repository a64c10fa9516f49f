//! A dialect file as it is written, laid over the one it is `like`, before anything is compiled.

use crate::{
    PinInfo,
    codes::CodeModel,
    document::{Entry, Item, Section, element_key, parse, table_of, text_of},
    exchange::KeyRule,
    finding::{Findings, did_you_mean},
    mac::MacRule,
    message::MessageModel,
    notation::coding_named,
    reconciliation::ReconciliationModel,
    role::Role,
    shape::FieldModel,
    style::Style,
};
use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use core::mem;
use iso8583::spec::Coding;
use terms::{Class, Kind, MessageType, Network, Noun, Pairing};

/// Files one may be `like`, one after another. Reason: a chain longer than this is a circle.
const LIKE_MAX: usize = 4;

/// Which table of elements a dialect begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    Of1987,
    Of1993,
}

impl Edition {
    /// First digit of its message types.
    pub(crate) const fn version(self) -> u8 {
        match self {
            Self::Of1987 => 0,
            Self::Of1993 => 1,
        }
    }
}

/// A value and where this file (not one it is like) states it.
pub(crate) type Placed<T> = (Option<usize>, T);

/// Everything a file says.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) framing: String,
    pub(crate) edition: Option<Edition>,
    pub(crate) style: Style,
    pub(crate) fields: BTreeMap<u8, Placed<FieldModel>>,
    pub(crate) map: Vec<(Role, Placed<u8>)>,
    pub(crate) kinds: Vec<([u8; 2], Kind)>,
    pub(crate) codes: CodeModel,
    pub(crate) network: Vec<([u8; 3], NetworkModel)>,
    /// What network messages are sent as, where their line says nothing else.
    pub(crate) network_as: Option<Placed<[u8; 3]>>,
    pub(crate) messages: BTreeMap<[u8; 3], MessageModel>,
    pub(crate) defaults: BTreeMap<u8, Placed<String>>,
    pub(crate) pairing: Pairing,
    pub(crate) mac: Option<MacRule>,
    pub(crate) key_exchange: Option<KeyRule>,
    pub(crate) pin_info: Option<PinInfo>,
    /// The function code of a reversal that leaves a part valid, where that is how it is said.
    pub(crate) partial_reversal: Option<[u8; 3]>,
    pub(crate) reconciliation: Option<ReconciliationModel>,
}

impl Model {
    /// Reads a file and the files it is like. `None` where it is not even TOML.
    pub(crate) fn read(text: &str, findings: &mut Findings) -> Option<Self> {
        Self::read_at_depth(text, 0, findings)
    }

    fn read_at_depth(text: &str, depth: usize, findings: &mut Findings) -> Option<Self> {
        let entries = parse(text, findings)?;
        let mut section = Section::new("the file", &entries);
        let mut model = match section.text("like", findings) {
            None => Self::empty(),
            Some((line, like)) => Self::parent(line, like, depth, findings)?,
        };
        model.read_head(&mut section, findings);
        model.read_tables(&mut section, findings);
        section.finish(findings);
        Some(model)
    }

    fn parent(line: usize, like: &str, depth: usize, findings: &mut Findings) -> Option<Self> {
        let shipped = crate::shipped::SHIPPED;
        let Some((_, text)) = shipped.iter().find(|(name, _)| *name == like).filter(|_| depth < LIKE_MAX)
        else {
            let near = did_you_mean(like, shipped.iter().map(|(name, _)| *name));
            findings.error(line, format!("`{like}` is no shipped dialect{near}"));
            return None;
        };
        // What a shipped file has to be told is told by its own tests; here only its contents matter.
        let mut model = Self::read_at_depth(text, depth + 1, &mut Findings::default())?;
        model.forget_lines();
        Some(model)
    }

    fn empty() -> Self {
        Self {
            name: String::new(),
            summary: String::new(),
            framing: String::new(),
            edition: None,
            style: Style::CHARACTERS,
            fields: BTreeMap::new(),
            map: Vec::new(),
            kinds: Vec::new(),
            codes: CodeModel::default(),
            network: Vec::new(),
            network_as: None,
            messages: BTreeMap::new(),
            defaults: BTreeMap::new(),
            pairing: Pairing::default(),
            mac: None,
            key_exchange: None,
            pin_info: None,
            partial_reversal: None,
            reconciliation: None,
        }
    }

    /// Lines of another file would mislead: what is inherited stands nowhere in this one.
    fn forget_lines(&mut self) {
        self.fields.values_mut().for_each(|field| field.0 = None);
        self.map.iter_mut().for_each(|(_, place)| place.0 = None);
        self.defaults.values_mut().for_each(|default| default.0 = None);
        self.messages.values_mut().for_each(MessageModel::forget_lines);
        self.codes.forget_lines();
        self.reconciliation.iter_mut().for_each(ReconciliationModel::forget_lines);
        self.network_as.iter_mut().for_each(|sent_as| sent_as.0 = None);
        for (_, network) in &mut self.network {
            network.sent_as.iter_mut().for_each(|sent_as| sent_as.0 = None);
        }
    }

    fn read_head(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        match section.text("name", findings) {
            Some((_, name)) if !name.is_empty() => self.name = name.to_owned(),
            _ => findings.error(None, "the file states no `name`"),
        }
        if let Some((_, summary)) = section.text("summary", findings) {
            self.summary = summary.to_owned();
        }
        if let Some((line, framing)) = section.text("framing", findings) {
            if let Err(error) = wire::Framing::named(framing) {
                findings.error(line, format!("`{framing}`: {error}"));
            }
            self.framing = framing.to_owned();
        }
        match section.text("partial_reversal", findings) {
            None => {}
            Some((_, "none")) => self.partial_reversal = None,
            Some((line, code)) => match digits(code) {
                Some(code) => self.partial_reversal = Some(code),
                None => findings.error(line, format!("`{code}`: a function code has three digits")),
            },
        }
        match section.text("base", findings) {
            Some((_, "1987")) => self.edition = Some(Edition::Of1987),
            Some((_, "1993")) => self.edition = Some(Edition::Of1993),
            Some((line, _)) => findings.error(line, "`base` is \"1987\" or \"1993\""),
            None if self.edition.is_none() => {
                findings.error(None, "the file states neither `base` nor `like`")
            }
            None => {}
        }
    }

    fn read_tables(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        if let Some((_, entries)) = section.table("style", findings) {
            self.read_style(entries, findings);
        }
        for entry in section.table("fields", findings).map_or(&[][..], |(_, entries)| entries) {
            if let Some(de) = element_key(entry, findings)
                && let Some(field) = FieldModel::read(&entry.node, findings)
            {
                self.fields.insert(de, (Some(entry.line), field));
            }
        }
        for entry in section.table("map", findings).map_or(&[][..], |(_, entries)| entries) {
            self.read_map_entry(entry, findings);
        }
        let is_mapped = |noun| self.map.iter().any(|(role, _)| *role == Role::Carried(noun));
        if self.partial_reversal.is_some()
            && !(is_mapped(Noun::FunctionCode) && is_mapped(Noun::OriginalAmount))
        {
            findings.error(None, "`partial_reversal` needs `function_code` and `original_amount` in [map]");
        }
        let kinds = section.table("kinds", findings).map_or(&[][..], |(_, entries)| entries);
        let own = kinds.iter().filter_map(|entry| read_kind(entry, findings)).collect();
        self.kinds = laid_over(own, mem::take(&mut self.kinds));
        if let Some((_, entries)) = section.table("codes", findings) {
            self.codes.read(entries, findings);
        }
        self.read_network(
            section.table("network", findings).map_or(&[][..], |(_, entries)| entries),
            findings,
        );
        for entry in section.table("message", findings).map_or(&[][..], |(_, entries)| entries) {
            MessageModel::read(entry, self.edition.map(Edition::version), &mut self.messages, findings);
        }
        for entry in section.table("default", findings).map_or(&[][..], |(_, entries)| entries) {
            read_default(entry, &mut self.defaults, findings);
        }
        if let Some((_, entries)) = section.table("matching", findings) {
            self.pairing = read_pairing(entries, findings);
        }
        match section.take("reconciliation").map(|entry| &entry.node) {
            None => {}
            Some(node) if matches!(&node.item, Item::Text(text) if text == "none") => {
                self.reconciliation = None
            }
            Some(node) => {
                if let Some(entries) = table_of(node, "reconciliation", findings) {
                    let (inherited, version) =
                        (self.reconciliation.take(), self.edition.map(Edition::version));
                    self.reconciliation =
                        Some(ReconciliationModel::read(entries, inherited, version, findings));
                }
            }
        }
        if let Some((_, entries)) = section.table("key_exchange", findings) {
            self.key_exchange = KeyRule::read(entries, self.key_exchange.take(), findings);
        }
        match section.take("pin_info").map(|entry| &entry.node) {
            None => {}
            Some(node) if matches!(&node.item, Item::Text(text) if text == "none") => self.pin_info = None,
            Some(node) => {
                if let Some(entries) = table_of(node, "pin_info", findings) {
                    self.pin_info = PinInfo::read(entries, self.pin_info.take(), findings);
                }
            }
        }
        match section.take("mac").map(|entry| &entry.node) {
            None => {}
            Some(node) if matches!(&node.item, Item::Text(text) if text == "none") => self.mac = None,
            Some(node) => {
                if let Some(entries) = table_of(node, "mac", findings) {
                    self.mac = Some(MacRule::read(entries, self.mac.take(), findings));
                }
            }
        }
    }

    fn read_network(&mut self, entries: &[Entry], findings: &mut Findings) {
        let version = self.edition.map(Edition::version);
        let (of_all, codes): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.key == "as");
        for entry in of_all {
            let said = text_of(&entry.node, "as", findings);
            self.network_as = said.and_then(|text| network_type(text, entry.line, version, findings));
        }
        let own = codes.into_iter().filter_map(|entry| read_network_code(entry, version, findings)).collect();
        self.network = laid_over(own, mem::take(&mut self.network));
    }

    fn read_style(&mut self, entries: &[Entry], findings: &mut Findings) {
        let mut section = Section::new("[style]", entries);
        let style = &mut self.style;
        let parts: [(&'static str, &mut Coding); 7] = [
            ("mti", &mut style.mti),
            ("bitmap", &mut style.bitmap),
            ("numbers", &mut style.numbers),
            ("text", &mut style.text),
            ("tracks", &mut style.tracks),
            ("bytes", &mut style.bytes),
            ("lengths", &mut style.lengths),
        ];
        for (key, place) in parts {
            let Some((line, word)) = section.text(key, findings) else { continue };
            match coding_named(word) {
                Some(coding) => *place = coding,
                None => findings
                    .error(line, format!("`{word}` is no coding: {}", crate::notation::coding_names())),
            }
        }
        section.finish(findings);
    }

    fn read_map_entry(&mut self, entry: &Entry, findings: &mut Findings) {
        let Some(role) = Role::named(&entry.key) else {
            let near = did_you_mean(&entry.key, Role::names());
            return findings.error(entry.line, format!("`{}` is no noun of the switch{near}", entry.key));
        };
        match &entry.node.item {
            Item::Number(de @ 2..=192) => {
                self.map.retain(|(one, _)| *one != role);
                self.map.push((role, (Some(entry.line), *de as u8)));
            }
            Item::Text(text) if text == "none" => self.map.retain(|(one, _)| *one != role),
            _ => findings
                .error(entry.line, format!("`{}` is the number of an element, or \"none\"", entry.key)),
        }
    }
}

/// What a file states itself stands before what it inherits, because the first of several is the one written.
/// `None` takes an inherited one away.
pub(crate) fn laid_over<K: PartialEq, V>(own: Vec<(K, Option<V>)>, inherited: Vec<(K, V)>) -> Vec<(K, V)> {
    let kept: Vec<_> =
        inherited.into_iter().filter(|(key, _)| own.iter().all(|(one, _)| one != key)).collect();
    own.into_iter().filter_map(|(key, value)| Some((key, value?))).chain(kept).collect()
}

fn read_kind(entry: &Entry, findings: &mut Findings) -> Option<([u8; 2], Option<Kind>)> {
    let Some(prefix) = digits(&entry.key) else {
        findings.error(entry.line, format!("`{}`: a kind is told by two digits", entry.key));
        return None;
    };
    let name = text_of(&entry.node, &entry.key, findings)?;
    if name != "none" && Kind::named(name).is_none() {
        let near = did_you_mean(name, Kind::ALL.iter().map(|kind| kind.name()));
        findings.error(entry.line, format!("`{name}` is no kind{near}"));
    }
    Some((prefix, Kind::named(name)))
}

/// One line of `[network]`: what a code is about, and the type such messages are sent as where that is another
/// than for the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkModel {
    pub(crate) about: Network,
    pub(crate) sent_as: Option<Placed<[u8; 3]>>,
}

fn read_network_code(
    entry: &Entry,
    version: Option<u8>,
    findings: &mut Findings,
) -> Option<([u8; 3], Option<NetworkModel>)> {
    let Some(code) = digits(&entry.key) else {
        findings.error(entry.line, format!("`{}`: a network code has three digits", entry.key));
        return None;
    };
    let (name, sent_as) = match &entry.node.item {
        Item::Table(entries) => {
            let mut section = Section::new(format!("[network] {}", entry.key), entries);
            let (name, sent_as) = (section.text("is", findings), section.text("as", findings));
            section.finish(findings);
            let Some((_, name)) = name else {
                findings.error(entry.line, format!("`{}` does not say what it `is`", entry.key));
                return None;
            };
            (name, sent_as.and_then(|(line, text)| network_type(text, line, version, findings)))
        }
        _ => (text_of(&entry.node, &entry.key, findings)?, None),
    };
    if name != "none" && Network::named(name).is_none() {
        let near = did_you_mean(name, Network::ALL.iter().map(|one| one.name()));
        findings.error(entry.line, format!("`{name}` is nothing a network message is about{near}"));
    }
    Some((code, Network::named(name).map(|about| NetworkModel { about, sent_as })))
}

/// The type of a network message that asks.
fn network_type(
    text: &str,
    line: usize,
    version: Option<u8>,
    findings: &mut Findings,
) -> Option<Placed<[u8; 3]>> {
    let digits = crate::message::message_type(text, line, version, findings)?;
    let message = MessageType::from_digits(digits).filter(|one| one.class == Class::Network && one.asks());
    if message.is_none() {
        findings.error(line, format!("`{text}` is no network message that asks for something"));
    }
    message.map(|_| (Some(line), digits))
}

/// Reads `22 = "021"`: what is written to an element nobody has anything for.
pub(crate) fn read_default(
    entry: &Entry,
    defaults: &mut BTreeMap<u8, Placed<String>>,
    findings: &mut Findings,
) {
    if let Some(de) = element_key(entry, findings)
        && let Some(text) = text_of(&entry.node, &entry.key, findings)
    {
        defaults.insert(de, (Some(entry.line), text.to_owned()));
    }
}

fn read_pairing(entries: &[Entry], findings: &mut Findings) -> Pairing {
    let mut section = Section::new("[matching]", entries);
    let mut pairing = Pairing::default();
    for node in section.list("key", findings).map_or(&[][..], |(_, list)| list) {
        let Some(name) = text_of(node, "key", findings) else { continue };
        match name {
            "stan" => {} // Always part of the key: it is the one thing that is ours alone.
            "terminal_id" => pairing.terminal_id = true,
            "rrn" => pairing.rrn = true,
            "transmitted_at" => pairing.transmitted_at = true,
            "acquirer_id" => pairing.acquirer_id = true,
            "amount" => pairing.amount = true,
            other => {
                let known = ["stan", "terminal_id", "rrn", "transmitted_at", "acquirer_id", "amount"];
                let near = did_you_mean(other, known);
                findings.error(node.line, format!("`{other}` cannot be part of a matching key{near}"));
            }
        }
    }
    section.finish(findings);
    pairing
}

/// Exactly `N` ASCII digits.
pub(crate) fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then_some(bytes)
}
