//! Where an authentication code stands and what it covers.

mod covered;

use crate::{
    document::{Entry, Item, Section, element_key, table_of},
    finding::Findings,
    model::digits,
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
pub use covered::{Covered, NoCode};
use terms::{Class, MessageType};

/// Classes that carry a code where a file does not say: all but network messages, by which keys are exchanged.
const AUTHENTICATED: [Class; 7] = [
    Class::Authorization,
    Class::Financial,
    Class::FileAction,
    Class::Reversal,
    Class::Reconciliation,
    Class::Administrative,
    Class::FeeCollection,
];

/// Classes as dialect files name them.
pub(crate) const CLASSES: [(&str, Class); 8] = [
    ("authorization", Class::Authorization),
    ("financial", Class::Financial),
    ("file_action", Class::FileAction),
    ("reversal", Class::Reversal),
    ("reconciliation", Class::Reconciliation),
    ("administrative", Class::Administrative),
    ("fee_collection", Class::FeeCollection),
    ("network", Class::Network),
];

/// Where the message authentication code stands and what it covers. Data only: whoever holds keys computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacRule {
    /// The algorithm's name, as the holder of keys knows it; empty where the link decides.
    pub algorithm: String,
    /// The element that holds it, unless an exception names another.
    pub position: u8,
    /// Message types (their last three digits) that hold it elsewhere.
    pub exceptions: Vec<([u8; 3], u8)>,
    /// What it covers.
    pub input: MacInput,
    /// How what it covers is joined.
    pub join: MacJoin,
    /// Elements of which only so many characters are covered.
    pub clipped: Vec<(u8, u16)>,
    /// Hex characters of the code that are compared; the rest of the element is filler.
    pub compared_characters: u8,
    /// How the code stands in its element.
    pub written: MacWritten,
    /// Classes of messages that carry one.
    pub classes: Vec<Class>,
    /// What it covers is what a contract says, however little.
    by_contract: bool,
}

/// How an authentication code stands in its element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacWritten {
    /// As the element writes bytes.
    Bytes,
    /// As hex characters, even where the element is bytes.
    Characters,
}

/// What an authentication code covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacInput {
    /// The whole body but the contents of the element that holds the code.
    WholeBody,
    /// These elements, those of them that are present, in this order; 0 is the message type.
    Elements(Vec<u8>),
}

/// How the covered elements are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacJoin {
    /// Values one after another, without length prefixes.
    Concatenate,
    /// Values with their length prefixes, one space between them, cleaned of unusual characters.
    Spaces,
}

impl MacRule {
    /// The element that holds the code in a message of this type.
    pub fn position_in(&self, message: MessageType) -> u8 {
        let digits = message.digits();
        self.exceptions
            .iter()
            .find(|(one, _)| *one == digits)
            .map_or(self.position, |&(_, position)| position)
    }

    /// Whether the code of a request is no code for what takes it back.
    pub fn tells_types_apart(&self) -> bool {
        let carry_one = [Class::Financial, Class::Reversal].iter().all(|class| self.classes.contains(class));
        match &self.input {
            MacInput::WholeBody => true,
            MacInput::Elements(elements) => !carry_one || elements.contains(&0),
        }
    }

    pub(crate) fn read(entries: &[Entry], before: Option<Self>, findings: &mut Findings) -> Self {
        let mut section = Section::new("[mac]", entries);
        let mut rule = before.unwrap_or(Self {
            algorithm: String::new(),
            position: 64,
            exceptions: Vec::new(),
            input: MacInput::WholeBody,
            join: MacJoin::Concatenate,
            clipped: Vec::new(),
            compared_characters: 16,
            written: MacWritten::Bytes,
            classes: AUTHENTICATED.to_vec(),
            by_contract: false,
        });
        if let Some((_, algorithm)) = section.text("algorithm", findings) {
            rule.algorithm = algorithm.to_owned();
        }
        if let Some((line, position)) = section.number("position", findings) {
            rule.position = held_in(line, position, findings);
        }
        if let Some((line, characters)) = section.number("compared_characters", findings) {
            match characters {
                8..=32 if characters % 2 == 0 => rule.compared_characters = characters as u8,
                _ => findings.error(line, "`compared_characters` is an even number, 8 to 32"),
            }
        }
        match section.text("written", findings) {
            None => {}
            Some((_, "bytes")) => rule.written = MacWritten::Bytes,
            Some((_, "characters")) => rule.written = MacWritten::Characters,
            Some((line, _)) => findings.error(line, "`written` is \"bytes\" or \"characters\""),
        }
        rule.read_input(&mut section, findings);
        rule.read_clipped(&mut section, findings);
        rule.read_classes(&mut section, findings);
        rule.read_exceptions(&mut section, findings);
        if let Some(by_contract) = section.flag("by_contract", findings) {
            rule.by_contract = by_contract;
        }
        if !rule.tells_types_apart() && !rule.by_contract {
            findings.warning(
                None,
                "[mac] input leaves out the message type (0): the code of a request is good for the message that takes \
                 it back. Cover it, or say by_contract = true",
            );
        }
        section.finish(findings);
        rule
    }

    fn read_input(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        if let Some(entry) = section.take("input") {
            match &entry.node.item {
                Item::Text(text) if text == "body" => self.input = MacInput::WholeBody,
                Item::List(list) => {
                    let elements = list.iter().filter_map(|node| match node.item {
                        Item::Number(de @ 0..=192) if de != 1 => Some(de as u8),
                        _ => {
                            findings.error(
                                node.line,
                                "an authentication code covers elements 0 (the type), 2 to 192",
                            );
                            None
                        }
                    });
                    self.input = MacInput::Elements(elements.collect());
                }
                _ => findings.error(entry.line, "`input` is a list of elements, or \"body\""),
            }
        }
        match section.text("join", findings) {
            None => {}
            Some((_, "concatenate")) => self.join = MacJoin::Concatenate,
            Some((_, "spaces")) => self.join = MacJoin::Spaces,
            Some((line, _)) => findings.error(line, "`join` is \"concatenate\" or \"spaces\""),
        }
    }

    fn read_clipped(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        let Some(entry) = section.take("clipped") else { return };
        self.clipped.clear();
        for one in table_of(&entry.node, "clipped", findings).unwrap_or(&[]) {
            let Some(de) = element_key(one, findings) else { continue };
            match one.node.item {
                Item::Number(characters @ 1..=999) => self.clipped.push((de, characters as u16)),
                _ => findings.error(one.line, "an element is clipped to 1 to 999 characters"),
            }
        }
    }

    fn read_classes(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        let Some((_, list)) = section.list("classes", findings) else { return };
        self.classes.clear();
        for node in list {
            let class = match &node.item {
                Item::Text(text) => CLASSES.iter().find(|(name, _)| name == text),
                _ => None,
            };
            match class {
                Some((_, class)) => self.classes.push(*class),
                None => findings.error(node.line, "no class of messages is called so"),
            }
        }
    }

    fn read_exceptions(&mut self, section: &mut Section<'_>, findings: &mut Findings) {
        let Some(entry) = section.take("position_in") else { return };
        for one in table_of(&entry.node, "position_in", findings).unwrap_or(&[]) {
            match (digits::<4>(&one.key), &one.node.item) {
                (Some([_, a, b, c]), Item::Number(position)) => {
                    let position = held_in(one.line, *position, findings);
                    self.exceptions.push(([a - b'0', b - b'0', c - b'0'], position));
                }
                (None, _) => findings.error(one.line, format!("`{}` is no message type", one.key)),
                (Some(_), _) => findings.error(one.line, "a position is 64 or 128"),
            }
        }
    }
}

fn held_in(line: usize, position: i64, findings: &mut Findings) -> u8 {
    match position {
        64 => 64,
        128 => 128,
        _ => {
            findings.error(line, "an authentication code stands in element 64 or 128");
            64
        }
    }
}
