//! From what a file says to what is asked while messages pass, and everything that can be wrong on the way.

use crate::{
    dialect::Dialect,
    elements::Elements,
    finding::Findings,
    message::MessageModel,
    model::{Edition, Model, Placed},
    presence::{Message, Messages},
    role::Role,
    shape::FieldModel,
    slot::{Slot, longest},
};
use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use iso8583::{
    Head, Spec,
    spec::{Alphabet, Secret, Shape},
};
use terms::{Figure, MessageType, Noun, limits::FIELDS_MAX};

/// Slots of elements 0 to 192.
pub(crate) type Slots = Box<[Slot; FIELDS_MAX + 1]>;

/// Compiles a model; whatever is wrong with it is in `findings`.
pub(crate) fn compile(model: Model, findings: &mut Findings) -> Option<Dialect> {
    let edition = model.edition?;
    let spec = spec(&model, edition, findings);
    lint_spec(&model, &spec, findings);
    let mut slots = slots(&model, &spec, findings);
    totals(&model, &spec, &mut slots, findings);
    let response_width = (spec.fields.iter().zip(slots.iter()))
        .find(|(_, slot)| **slot == Slot::ResponseCode)
        .and_then(|(shape, _)| shape.as_ref().map(longest));
    if response_width.is_none() {
        findings.warning(None, "no element holds the `response_code`: answers will say nothing");
    }
    let codes = model.codes.compile(response_width, findings);
    let messages = messages(&model, &spec, &slots, findings);
    lint_mac(&model, &spec, findings);
    lint_network(&model, &messages, findings);
    let reconciliation = model.reconciliation.as_ref();
    let has = |digits| messages.get(digits).is_some();
    let reconciliation = reconciliation.and_then(|table| table.rule(has, findings));
    Some(Dialect::new(model, spec, slots, codes, messages, reconciliation))
}

fn spec(model: &Model, edition: Edition, findings: &mut Findings) -> Spec {
    let mut spec = crate::style::base(edition, &model.style);
    spec.fields.resize(spec.fields.len().max(129), None);
    for (&de, (line, field)) in &model.fields {
        let at = usize::from(de);
        if spec.fields.len() <= at {
            spec.fields.resize(at + 1, None);
        }
        match field {
            FieldModel::Removed => spec.fields[at] = None,
            FieldModel::Stated(shape) => {
                let before = spec.fields[at].as_ref();
                let name = before.map_or_else(|| crate::notation::plain_name(de), |shape| shape.name.clone());
                let secret = before.map_or(Secret::Open, |shape| shape.secret);
                spec.fields[at] = Some(shape.shape(&model.style, &name, secret));
            }
        }
        if de == 65 && spec.fields[at].is_some() && model.edition == Some(Edition::Of1993) {
            findings.warning(*line, "element 65 is the third bitmap in the 1993 edition");
        }
    }
    spec
}

fn lint_spec(model: &Model, spec: &Spec, findings: &mut Findings) {
    for complaint in iso8583::lint(spec) {
        let de = match complaint.element.head {
            Head::Field(de) => Some(de),
            Head::Mti | Head::Bitmap | Head::End => None,
        };
        let line = de.and_then(|de| model.fields.get(&de)).and_then(|(line, _)| *line);
        findings.error(line, complaint);
    }
}

fn slots(model: &Model, spec: &Spec, findings: &mut Findings) -> Slots {
    let mut slots = Box::new([Slot::Unmapped; FIELDS_MAX + 1]);
    let mut held: BTreeMap<u8, Role> = BTreeMap::new();
    for &(role, (line, de)) in &model.map {
        let Some(shape) = spec.fields.get(usize::from(de)).and_then(Option::as_ref) else {
            // What is inherited goes with the element; what this file says itself is a mistake in this file.
            if line.is_some() {
                findings.error(line, format!("`{}` is mapped to DE {de}, which has no shape", role.name()));
            }
            continue;
        };
        if let Some(wrong) = unfit(role, shape) {
            let message = format!("DE {de} cannot hold `{}`: {wrong}", role.name());
            match line {
                Some(_) => findings.error(line, message),
                None => findings.warning(line, format!("{message}; the inherited mapping is dropped")),
            }
            continue;
        }
        let Some(slot) = Slot::of(role, shape) else { continue };
        slots[usize::from(de)] = match held.insert(de, role) {
            None => slot,
            Some(other) if is_network_pair(role, other) => Slot::NetworkOrFunction,
            Some(other) => {
                findings.error(line, format!("DE {de} is both `{}` and `{}`", other.name(), role.name()));
                slot
            }
        };
    }
    slots
}

/// Elements that hold the figures of a day. They are nothing else: what a noun has is not taken from it.
fn totals(model: &Model, spec: &Spec, slots: &mut Slots, findings: &mut Findings) {
    let Some(table) = &model.reconciliation else { return };
    let figures = table.figures.iter().map(|&(figure, place)| (Slot::Figure(figure), place));
    let date = table.date.map(|place| (Slot::ReconciledDate, place));
    let verdict = table.verdict.map(|place| (Slot::SettlementCode, place));
    for (slot, (line, de)) in figures.chain(date).chain(verdict) {
        let Some(shape) = spec.fields.get(usize::from(de)).and_then(Option::as_ref) else {
            // What is inherited goes with the element; what this file says itself is a mistake in this file.
            if line.is_some() {
                findings.error(line, format!("[reconciliation]: DE {de} has no shape"));
            }
            continue;
        };
        let fits = match slot {
            Slot::Figure(Figure::Net) => (2..=40).contains(&longest(shape)),
            Slot::Figure(_) => shape.alphabet == Alphabet::N,
            Slot::ReconciledDate => shape.alphabet == Alphabet::N && matches!(longest(shape), 4 | 6),
            _ => shape.alphabet == Alphabet::N && longest(shape) == 1,
        };
        let wrong = match (fits, slots[usize::from(de)]) {
            (true, Slot::Unmapped) => {
                slots[usize::from(de)] = slot;
                continue;
            }
            (true, _) => "is mapped to something else already",
            (false, _) => "cannot hold that",
        };
        match line {
            Some(_) => findings.error(line, format!("[reconciliation]: DE {de} {wrong}")),
            None => findings
                .warning(line, format!("[reconciliation]: DE {de} {wrong}; what is inherited is dropped")),
        }
    }
}

/// The one element that two nouns share: DE 24 of 1993 is the function code, and in network messages the
/// function is what they are about.
fn is_network_pair(one: Role, other: Role) -> bool {
    matches!(
        (one, other),
        (Role::NetworkCode, Role::Carried(Noun::FunctionCode))
            | (Role::Carried(Noun::FunctionCode), Role::NetworkCode)
    )
}

/// Why an element of this shape cannot say `role`.
fn unfit(role: Role, shape: &Shape) -> Option<String> {
    let length = longest(shape);
    if let Some((shortest_wanted, longest_wanted)) = role.lengths()
        && !(shortest_wanted..=longest_wanted).contains(&length)
    {
        return Some(format!(
            "it has {length} characters, and {shortest_wanted} to {longest_wanted} are needed"
        ));
    }
    let digits_only = matches!(
        role,
        Role::Amount
            | Role::TransmittedAt
            | Role::Stan
            | Role::LocalTime
            | Role::LocalDate
            | Role::SettlementDate
    );
    if digits_only && shape.alphabet != Alphabet::N {
        return Some("it is not made of digits".into());
    }
    if shape.alphabet == Alphabet::B && !matches!(role, Role::Carried(_)) {
        return Some("it is made of bytes".into());
    }
    Slot::of(role, shape).is_none().then(|| format!("no form of it has {length} characters"))
}

fn messages(model: &Model, spec: &Spec, slots: &Slots, findings: &mut Findings) -> Messages {
    if model.messages.is_empty() {
        findings.error(None, "the file names no message: state `[message.\"0200\"]` and so on");
    }
    let list = (model.messages.iter())
        .filter_map(|(&digits, message)| {
            MessageType::from_digits(digits)?;
            Some(compile_message(digits, message, model, spec, slots, findings))
        })
        .collect();
    Messages::new(list)
}

fn compile_message(
    digits: [u8; 3],
    message: &MessageModel,
    model: &Model,
    spec: &Spec,
    slots: &Slots,
    findings: &mut Findings,
) -> Message {
    let place = Place { digits, message, spec, mac: model.mac.is_some() };
    place.lint_lists(findings);
    let shaped: Elements = (2..=FIELDS_MAX as u8).filter(|&de| place.is_shaped(de)).collect();
    let of = |list: &[Placed<u8>]| -> Elements {
        list.iter().map(|&(_, de)| de).filter(|&de| shaped.contains(de)).collect()
    };
    let mandatory = of(&message.mandatory);
    let forbidden = of(&message.forbidden);
    let listed = mandatory.iter().chain(of(&message.conditional).iter()).chain(of(&message.optional).iter());
    let mut allowed: Elements = if message.rest_optional { shaped } else { listed.collect() };
    forbidden.iter().for_each(|de| allowed.remove(de));
    let echo = of(&message.echo);
    place.lint_echo(&allowed, findings);
    let defaults = place.defaults(&model.defaults, &mandatory, findings);
    for de in mandatory.iter().filter(|&de| slots[usize::from(de)] == Slot::Unmapped && !is_mac(de)) {
        if !defaults.iter().any(|&(one, _)| one == de) {
            let line = message.mandatory.iter().find(|&&(_, one)| one == de).and_then(|&(line, _)| line);
            findings.error_of(
                de,
                line,
                format!("{}: DE {de} is mandatory and neither mapped nor given a default", place.name()),
            );
        }
    }
    let written = allowed
        .iter()
        .filter(|&de| slots[usize::from(de)] != Slot::Unmapped || defaults.iter().any(|&(one, _)| one == de));
    Message::new(digits, mandatory, allowed, echo, written.filter(|&de| !is_mac(de)).collect(), defaults)
}

/// Elements that hold authentication codes: computed last, by whoever holds keys, and never carried over.
pub(crate) const fn is_mac(de: u8) -> bool {
    de == 64 || de == 128
}

/// One message type with what its lists are checked against.
struct Place<'a> {
    digits: [u8; 3],
    message: &'a MessageModel,
    spec: &'a Spec,
    mac: bool,
}

impl Place<'_> {
    fn name(&self) -> String {
        let [a, b, c] = self.digits;
        format!("message {}{a}{b}{c}", self.spec.version)
    }

    fn is_shaped(&self, de: u8) -> bool {
        self.spec.fields.get(usize::from(de)).is_some_and(Option::is_some)
    }

    fn lint_lists(&self, findings: &mut Findings) {
        let mut seen: BTreeMap<u8, &'static str> = BTreeMap::new();
        for (list, elements) in self.message.lists() {
            for &(line, de) in elements {
                if line.is_some() && !self.is_shaped(de) {
                    findings.error(line, format!("{}: DE {de} is {list} and has no shape", self.name()));
                }
                if let Some(other) = seen.insert(de, list) {
                    findings.error(line, format!("{}: DE {de} is both {other} and {list}", self.name()));
                }
            }
        }
        let mac_demanded = self.message.mandatory.iter().find(|&&(_, de)| is_mac(de));
        if let Some(&(line, de)) = mac_demanded.filter(|_| !self.mac) {
            findings.warning(line, format!("{}: DE {de} is mandatory and [mac] says nothing", self.name()));
        }
    }

    fn lint_echo(&self, allowed: &Elements, findings: &mut Findings) {
        for &(line, de) in &self.message.echo {
            if line.is_some() && !allowed.contains(de) {
                findings.error(
                    line,
                    format!("{}: DE {de} is repeated from the request and not allowed here", self.name()),
                );
            }
        }
        let asks = MessageType::from_digits(self.digits).is_some_and(MessageType::asks);
        if let Some(&(line, _)) = self.message.echo.first().filter(|_| asks) {
            findings.error(line, format!("{}: only an answer repeats elements", self.name()));
        }
    }

    /// What is written where nobody has anything: this message's own defaults, then the dialect's, for those
    /// elements that must be there.
    fn defaults(
        &self,
        common: &BTreeMap<u8, Placed<String>>,
        mandatory: &Elements,
        findings: &mut Findings,
    ) -> Vec<(u8, Box<[u8]>)> {
        for (de, (line, _)) in self.message.defaults.iter().filter(|(de, _)| !mandatory.contains(**de)) {
            findings.error(*line, format!("{}: DE {de} has a default and is not mandatory", self.name()));
        }
        let mut defaults: BTreeMap<u8, &str> =
            common.iter().map(|(&de, (_, text))| (de, text.as_str())).collect();
        defaults.extend(self.message.defaults.iter().map(|(&de, (_, text))| (de, text.as_str())));
        (defaults.into_iter())
            .filter(|(de, _)| mandatory.contains(*de))
            .map(|(de, text)| (de, text.as_bytes().into()))
            .collect()
    }
}

fn lint_mac(model: &Model, spec: &Spec, findings: &mut Findings) {
    let Some(mac) = &model.mac else { return };
    let positions = mac.exceptions.iter().map(|&(_, position)| position).chain([mac.position]);
    for position in positions {
        if spec.fields.get(usize::from(position)).and_then(Option::as_ref).is_none() {
            findings.error(None, format!("[mac] stands in DE {position}, which has no shape"));
        }
    }
}

fn lint_network(model: &Model, messages: &Messages, findings: &mut Findings) {
    let own = model.network.iter().filter_map(|(_, network)| network.sent_as);
    for (line, digits) in own.chain(model.network_as).filter(|(_, digits)| messages.get(*digits).is_none()) {
        let [a, b, c] = digits;
        findings.error(line, format!("[network]: no [message] table is for type {a}{b}{c}"));
    }
}
