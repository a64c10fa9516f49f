use crate::{
    PinInfo,
    codes::CodeTable,
    compile::{Slots, compile},
    elements::Elements,
    exchange::KeyRule,
    finding::{Finding, Findings, Severity},
    mac::MacRule,
    model::Model,
    notation,
    presence::{Message, Messages},
    reconciliation::ReconciliationRule,
    shipped::SHIPPED,
    slot::Slot,
};
use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::num::NonZeroU8;
use iso8583::Spec;
use terms::{Class, Code, Function, Kind, MessageType, Network, NetworkTypes, Noun, Pairing, Text};

/// Numbers of nouns are below this; see the assertion at the end.
pub(crate) const NOUNS: usize = 72;

/// A partner: how his messages lie on the wire, what they mean, and what he wants in return. Made from a TOML
/// file (the reference is `docs/dialects.md`) and never changed after that.
#[derive(Clone, Debug)]
pub struct Dialect {
    name: Box<str>,
    summary: Box<str>,
    framing: Box<str>,
    pub(crate) spec: Spec,
    pub(crate) slots: Slots,
    /// The element of each carried noun, by its number.
    pub(crate) places: Box<[Option<NonZeroU8>; NOUNS]>,
    /// Elements that say what the switch decides on, as opposed to what it carries.
    pub(crate) decided: Elements,
    pub(crate) codes: CodeTable,
    pub(crate) messages: Messages,
    /// What the first two digits of a processing code mean, by their number.
    pub(crate) kinds: Box<[Option<Kind>; 100]>,
    pub(crate) kind_texts: Vec<([u8; 2], Kind)>,
    pub(crate) network: Vec<([u8; 3], Network)>,
    network_types: NetworkTypes,
    /// The function code that says that a part of a reversed amount remains valid: the amount is then what
    /// remains, and the original amount what was asked for.
    pub(crate) partial_reversal: Option<[u8; 3]>,
    pairing: Pairing,
    mac: Option<MacRule>,
    pub(crate) reconciliation: Option<ReconciliationRule>,
    key_exchange: Option<KeyRule>,
    pin_info: Option<PinInfo>,
}

/// What a dialect says of one element, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its format in the notation of dialect files.
    pub format: String,
}

impl Dialect {
    /// Reads a dialect file.
    ///
    /// - Errors: every [`Finding`] of [`Severity::Error`], with its line. Warnings do not hinder.
    /// - Cost: linear in the file, some milliseconds; done once.
    pub fn load(toml: &str) -> Result<Self, Vec<Finding>> {
        let (dialect, findings) = Self::examine(toml);
        match dialect {
            Some(dialect) if !findings.any_error() => Ok(dialect),
            _ => {
                let mut errors = findings.into_sorted();
                errors.retain(|finding| finding.severity == Severity::Error);
                Err(errors)
            }
        }
    }

    /// Everything that is wrong, or looks wrong, in a dialect file; empty for a good one.
    pub fn check(toml: &str) -> Vec<Finding> {
        Self::examine(toml).1.into_sorted()
    }

    /// The dialects that come with the switch: name and text.
    pub fn shipped() -> &'static [(&'static str, &'static str)] {
        SHIPPED
    }

    /// The shipped dialect of that name.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = SHIPPED.iter().find(|(one, _)| *one == name)?;
        Self::load(text).ok()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in a line.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The framing it usually travels in, by the name the framing layer knows; empty where the file says none.
    pub fn framing(&self) -> &str {
        &self.framing
    }

    /// Its elements.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Whether this network has a processing code of its own for that kind.
    pub fn writes_kind(&self, kind: Kind) -> bool {
        self.kind_texts.iter().any(|(_, one)| *one == kind)
    }

    /// Whether a reversal in this dialect can say that a part of the amount remains valid.
    pub fn says_remaining(&self) -> bool {
        self.slots.contains(&Slot::Remaining) || self.partial_reversal.is_some()
    }

    /// The nouns without which a reversal or an advice cannot be written in this dialect, those left out that it
    /// has a default for.
    pub fn demands_of_owed(&self) -> impl Iterator<Item = Noun> {
        let owed = |message: &&Message| matches!(message.digits, [4, 0 | 2, _] | [2, 2, _]);
        let nouns = self
            .messages
            .iter()
            .filter(owed)
            .flat_map(|message| message.demanded.iter().filter(|de| message.default_of(*de).is_none()));
        nouns.filter_map(|de| match self.slots[usize::from(de)] {
            Slot::Carried(noun, _) => Some(noun),
            _ => None,
        })
    }

    /// What must agree, besides our trace number, between a host's answer and its request.
    pub fn pairing(&self) -> Pairing {
        self.pairing
    }

    /// As which type each sort of network message is sent, where this partner has that sort.
    pub fn network_types(&self) -> NetworkTypes {
        self.network_types
    }

    /// How messages of a key exchange carry keys, where the dialect says so.
    pub fn key_exchange(&self) -> Option<&KeyRule> {
        self.key_exchange.as_ref()
    }

    /// What `security_info` says of a PIN block, where the dialect says so.
    pub fn pin_info(&self) -> Option<&PinInfo> {
        self.pin_info.as_ref()
    }

    /// Where the authentication code stands and what it covers, where the dialect has one.
    pub fn mac(&self) -> Option<&MacRule> {
        self.mac.as_ref()
    }

    /// How totals are compared, where this partner compares them.
    pub fn reconciliation(&self) -> Option<&ReconciliationRule> {
        self.reconciliation.as_ref()
    }

    /// The characters this network writes for a code; empty where its table has none of its own.
    pub fn code_text(&self, code: Code) -> Text<4> {
        self.codes.written(code)
    }

    /// Name and format of a data element; `None` where the dialect has no such element.
    pub fn explain(&self, de: u8) -> Option<Explained<'_>> {
        let shape = self.spec.fields.get(usize::from(de))?.as_ref()?;
        Some(Explained { name: &shape.name, format: notation::of_shape(shape).to_string() })
    }

    /// The message types it names, as their four digits.
    pub fn messages(&self) -> impl Iterator<Item = [u8; 4]> {
        self.messages.iter().map(|message| self.mti(message.digits))
    }

    /// The four digits of a type in this edition.
    pub(crate) fn mti(&self, [class, function, origin]: [u8; 3]) -> [u8; 4] {
        [self.spec.version, class, function, origin].map(|digit| b'0' + digit)
    }

    pub(crate) fn new(
        model: Model,
        spec: Spec,
        slots: Slots,
        codes: CodeTable,
        messages: Messages,
        reconciliation: Option<ReconciliationRule>,
    ) -> Self {
        let mut kinds = Box::new([None; 100]);
        for &(prefix, kind) in &model.kinds {
            kinds[two_digits(prefix)] = Some(kind);
        }
        let says_part = |noun| model.partial_reversal.is_some() && noun == Noun::OriginalAmount;
        let (mut places, mut decided) = (Box::new([None; NOUNS]), Elements::default());
        for (de, slot) in (0_u8..).zip(slots.iter()) {
            match slot {
                Slot::Unmapped => {}
                Slot::Carried(noun, _) => {
                    places[*noun as usize] = NonZeroU8::new(de);
                    if says_part(*noun) {
                        decided.insert(de);
                    }
                }
                _ => decided.insert(de),
            }
        }
        let network_types = network_types(&model, &messages);
        Self {
            places,
            decided,
            name: model.name.into(),
            summary: model.summary.into(),
            framing: model.framing.into(),
            spec,
            slots,
            codes,
            kinds,
            kind_texts: model.kinds,
            network_types,
            network: model.network.iter().map(|&(digits, network)| (digits, network.about)).collect(),
            partial_reversal: model.partial_reversal,
            pairing: model.pairing,
            mac: model.mac,
            reconciliation,
            key_exchange: model.key_exchange,
            pin_info: model.pin_info,
            messages,
        }
    }

    fn examine(toml: &str) -> (Option<Self>, Findings) {
        let mut findings = Findings::default();
        let model = Model::read(toml, &mut findings);
        let by_new_key = |model: &Model| model.key_exchange.as_ref().is_some_and(|keys| keys.by_new_key);
        let has_codes =
            |model: &Model| model.mac.as_ref().is_some_and(|mac| mac.classes.contains(&Class::Network));
        if model.as_ref().is_some_and(|model| by_new_key(model) && !has_codes(model)) {
            let words = "[key_exchange] code_by = \"new_key\" needs `network` among the classes of [mac]";
            findings.error(None, words);
        }
        let dialect = model.and_then(|model| compile(model, &mut findings));
        (dialect, findings)
    }
}

/// What network messages are sent as: what their line says, otherwise what the table says, otherwise the first
/// type of a network request the dialect has, otherwise the first of an advice.
fn network_types(model: &Model, messages: &Messages) -> NetworkTypes {
    let usual = [Function::Request, Function::Advice].into_iter().find_map(|function| {
        let types = messages.iter().filter_map(|message| MessageType::from_digits(message.digits));
        types
            .filter(|one| one.class == Class::Network && one.function == function)
            .min_by_key(|one| one.origin)
    });
    let mut types = NetworkTypes::default();
    for (_, network) in &model.network {
        let said = network.sent_as.or(model.network_as);
        let message = said.and_then(|(_, digits)| MessageType::from_digits(digits)).or(usual);
        if types.of(network.about).is_none() {
            types.set(network.about, message);
        }
    }
    types
}

/// The number of two ASCII digits, 0 to 99.
#[inline]
pub(crate) fn two_digits([tens, ones]: [u8; 2]) -> usize {
    (usize::from(tens.wrapping_sub(b'0') % 10)) * 10 + usize::from(ones.wrapping_sub(b'0') % 10)
}

const _: () = {
    let mut at = 0;
    while at < Noun::ALL.len() {
        assert!((Noun::ALL[at] as usize) < NOUNS, "every noun has its place");
        at += 1;
    }
};
