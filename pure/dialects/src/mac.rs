use crate::{
    document::{Entry, Item, Section, table_of},
    finding::Findings,
    model::digits,
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use terms::MessageType;

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
    /// Characters of the element that are compared; the rest is filler.
    pub compared_characters: u8,
}

/// What an authentication code covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MacInput {
    /// The whole body up to the element that holds the code.
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

    pub(crate) fn read(entries: &[Entry], before: Option<Self>, findings: &mut Findings) -> Self {
        let mut section = Section::new("[mac]", entries);
        let mut rule = before.unwrap_or(Self {
            algorithm: String::new(),
            position: 64,
            exceptions: Vec::new(),
            input: MacInput::WholeBody,
            join: MacJoin::Concatenate,
            compared_characters: 16,
        });
        if let Some((_, algorithm)) = section.text("algorithm", findings) {
            rule.algorithm = algorithm.to_owned();
        }
        if let Some((line, position)) = section.number("position", findings) {
            rule.position = held_in(line, position, findings);
        }
        if let Some((line, characters)) = section.number("compared_characters", findings) {
            match characters {
                1..=64 => rule.compared_characters = characters as u8,
                _ => findings.error(line, "`compared_characters` is 1 to 64"),
            }
        }
        rule.read_input(&mut section, findings);
        rule.read_exceptions(&mut section, findings);
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
