//! Presence: which elements a message must have, may have and must not have, and which an answer repeats.

use crate::{
    document::{Entry, Item, Section, table_of, text_of},
    finding::Findings,
    model::{Placed, digits, read_default},
};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use terms::MessageType;

/// `[message."0200"]` as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageModel {
    pub(crate) line: Option<usize>,
    pub(crate) mandatory: Vec<Placed<u8>>,
    pub(crate) conditional: Vec<Placed<u8>>,
    pub(crate) optional: Vec<Placed<u8>>,
    pub(crate) forbidden: Vec<Placed<u8>>,
    pub(crate) rest_optional: bool,
    pub(crate) echo: Vec<Placed<u8>>,
    pub(crate) defaults: BTreeMap<u8, Placed<String>>,
}

impl MessageModel {
    /// Reads one table into `messages`, once for its own type and once for each it is also meant for.
    pub(crate) fn read(
        entry: &Entry,
        version: Option<u8>,
        messages: &mut BTreeMap<[u8; 3], Self>,
        findings: &mut Findings,
    ) {
        let Some(own) = message_type(&entry.key, entry.line, version, findings) else { return };
        if matches!(&entry.node.item, Item::Text(text) if text == "none") {
            messages.remove(&own);
            return;
        }
        let Some(entries) = table_of(&entry.node, &entry.key, findings) else { return };
        let mut section = Section::new(format!("[message.\"{}\"]", entry.key), entries);
        let mut types = Vec::from([own]);
        for node in section.list("also", findings).map_or(&[][..], |(_, list)| list) {
            if let Some(text) = text_of(node, "also", findings) {
                types.extend(message_type(text, node.line, version, findings));
            }
        }
        let model = Self::read_section(&mut section, entry.line, findings);
        section.finish(findings);
        for one in types {
            messages.insert(one, model.clone());
        }
    }

    fn read_section(section: &mut Section<'_>, line: usize, findings: &mut Findings) -> Self {
        let mut list = |key| {
            let elements = section.elements(key, findings).unwrap_or_default();
            elements.into_iter().map(|(line, de)| (Some(line), de)).collect::<Vec<_>>()
        };
        let mut model = Self {
            line: Some(line),
            mandatory: list("mandatory"),
            conditional: list("conditional"),
            optional: list("optional"),
            forbidden: list("forbidden"),
            echo: list("echo"),
            ..Self::default()
        };
        match section.text("rest", findings) {
            None | Some((_, "forbidden")) => {}
            Some((_, "optional")) => model.rest_optional = true,
            Some((line, _)) => findings.error(line, "`rest` is \"optional\" or \"forbidden\""),
        }
        for entry in section.table("default", findings).map_or(&[][..], |(_, entries)| entries) {
            read_default(entry, &mut model.defaults, findings);
        }
        model
    }

    pub(crate) fn forget_lines(&mut self) {
        self.line = None;
        let lists = [
            &mut self.mandatory,
            &mut self.conditional,
            &mut self.optional,
            &mut self.forbidden,
            &mut self.echo,
        ];
        lists.into_iter().flatten().for_each(|place| place.0 = None);
        self.defaults.values_mut().for_each(|default| default.0 = None);
    }

    /// The lists that say what may be there, with their names.
    pub(crate) fn lists(&self) -> [(&'static str, &[Placed<u8>]); 4] {
        [
            ("mandatory", &self.mandatory),
            ("conditional", &self.conditional),
            ("optional", &self.optional),
            ("forbidden", &self.forbidden),
        ]
    }
}

pub(crate) fn message_type(
    text: &str,
    line: usize,
    version: Option<u8>,
    findings: &mut Findings,
) -> Option<[u8; 3]> {
    let digits = digits::<4>(text).map(|digits| digits.map(|digit| digit - b'0'));
    let Some([first, a, b, c]) = digits.filter(|&[_, a, b, c]| MessageType::from_digits([a, b, c]).is_some())
    else {
        findings.error(line, format!("`{text}` is no message type"));
        return None;
    };
    if version.is_some_and(|version| version != first) {
        findings.error(line, format!("`{text}` is a message type of another edition than `base`"));
        return None;
    }
    Some([a, b, c])
}
