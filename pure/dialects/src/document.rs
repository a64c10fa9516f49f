//! A TOML document with its lines, and sections that know which of their keys were asked for.

use crate::finding::{Findings, did_you_mean};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use toml::de::{DeTable, DeValue};

/// Longest dialect file that is read. Reason: the largest we know has about 20 KB. Cost: ten times as much
/// while it is loaded.
const FILE_BYTES_MAX: usize = 512 * 1024;

/// A value and the line it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) item: Item,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A float or a date: legal TOML, and nothing a dialect ever wants.
    Foreign,
}

/// A key with its value, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// Reads a document; `None` (and a finding) where it is no TOML.
pub(crate) fn parse(text: &str, findings: &mut Findings) -> Option<Vec<Entry>> {
    if text.len() > FILE_BYTES_MAX {
        findings.error(None, format!("the file has more than {FILE_BYTES_MAX} bytes"));
        return None;
    }
    match DeTable::parse(text) {
        Ok(table) => Some(entries(&Lines::of(text), table.get_ref())),
        Err(error) => {
            let line = error.span().map(|span| Lines::of(text).at(span.start));
            findings.error(line, error.message());
            None
        }
    }
}

struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|&newline| newline < offset) + 1
    }
}

fn entries(lines: &Lines, table: &DeTable<'_>) -> Vec<Entry> {
    let mut list: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let (start, line) = (key.span().start, lines.at(key.span().start));
            let node =
                Node { line: lines.at(value.span().start).max(line), item: item(lines, value.get_ref()) };
            (start, Entry { key: key.get_ref().to_string(), line, node })
        })
        .collect();
    list.sort_by_key(|&(start, _)| start);
    list.into_iter().map(|(_, entry)| entry).collect()
}

fn item(lines: &Lines, value: &DeValue<'_>) -> Item {
    match value {
        DeValue::String(text) => Item::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Item::Foreign, Item::Number)
        }
        DeValue::Boolean(flag) => Item::Flag(*flag),
        DeValue::Array(list) => Item::List(
            (list.iter())
                .map(|one| Node { line: lines.at(one.span().start), item: item(lines, one.get_ref()) })
                .collect(),
        ),
        DeValue::Table(table) => Item::Table(entries(lines, table)),
        DeValue::Float(_) | DeValue::Datetime(_) => Item::Foreign,
    }
}

/// A table whose keys are taken one by one; [`Section::finish`] reports those nobody asked for.
pub(crate) struct Section<'a> {
    entries: &'a [Entry],
    asked: Vec<&'static str>,
    place: String,
}

impl<'a> Section<'a> {
    pub(crate) fn new(place: impl Into<String>, entries: &'a [Entry]) -> Self {
        Self { entries, asked: Vec::new(), place: place.into() }
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn text(&mut self, key: &'static str, findings: &mut Findings) -> Option<(usize, &'a str)> {
        let entry = self.take(key)?;
        text_of(&entry.node, key, findings).map(|text| (entry.node.line, text))
    }

    pub(crate) fn flag(&mut self, key: &'static str, findings: &mut Findings) -> Option<bool> {
        let entry = self.take(key)?;
        match entry.node.item {
            Item::Flag(flag) => Some(flag),
            _ => {
                findings.error(entry.node.line, format!("`{key}` is true or false"));
                None
            }
        }
    }

    pub(crate) fn number(&mut self, key: &'static str, findings: &mut Findings) -> Option<(usize, i64)> {
        let entry = self.take(key)?;
        match entry.node.item {
            Item::Number(number) => Some((entry.node.line, number)),
            _ => {
                findings.error(entry.node.line, format!("`{key}` is a whole number"));
                None
            }
        }
    }

    pub(crate) fn table(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
    ) -> Option<(usize, &'a [Entry])> {
        let entry = self.take(key)?;
        table_of(&entry.node, key, findings).map(|entries| (entry.line, entries))
    }

    pub(crate) fn list(&mut self, key: &'static str, findings: &mut Findings) -> Option<(usize, &'a [Node])> {
        let entry = self.take(key)?;
        match &entry.node.item {
            Item::List(list) => Some((entry.line, list)),
            _ => {
                findings.error(entry.node.line, format!("`{key}` is a list"));
                None
            }
        }
    }

    /// A list of data elements, each with its line.
    pub(crate) fn elements(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
    ) -> Option<Vec<(usize, u8)>> {
        let (_, list) = self.list(key, findings)?;
        Some(list.iter().filter_map(|node| element_of(node, findings).map(|de| (node.line, de))).collect())
    }

    /// Reports every key that was not asked for, with the nearest that was.
    pub(crate) fn finish(self, findings: &mut Findings) {
        for entry in self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())) {
            let near = did_you_mean(&entry.key, self.asked.iter().copied());
            findings.error(entry.line, format!("unknown key `{}` in {}{near}", entry.key, self.place));
        }
    }
}

pub(crate) fn text_of<'a>(node: &'a Node, key: &str, findings: &mut Findings) -> Option<&'a str> {
    match &node.item {
        Item::Text(text) => Some(text),
        _ => {
            findings.error(node.line, format!("`{key}` is a text in quotes"));
            None
        }
    }
}

pub(crate) fn table_of<'a>(node: &'a Node, key: &str, findings: &mut Findings) -> Option<&'a [Entry]> {
    match &node.item {
        Item::Table(entries) => Some(entries),
        _ => {
            findings.error(node.line, format!("`{key}` is a table"));
            None
        }
    }
}

fn element_of(node: &Node, findings: &mut Findings) -> Option<u8> {
    match node.item {
        Item::Number(number @ 2..=192) => Some(number as u8),
        _ => {
            findings.error(node.line, "a data element is a number from 2 to 192");
            None
        }
    }
}

/// The data element a key names.
pub(crate) fn element_key(entry: &Entry, findings: &mut Findings) -> Option<u8> {
    let number = entry.key.parse::<u8>().ok().filter(|number| (2..=192).contains(number));
    if number.is_none() {
        findings.error(entry.line, format!("`{}` is no data element: they run from 2 to 192", entry.key));
    }
    number
}
