//! The JSON of a message. Its order is kept, because tags go onto the wire in the order they were written.

use iso8583::{Node, Tree};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A message as a person wrote it, or as `decode --json --unmask` printed it.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) dialect: Option<String>,
    pub(super) mti: String,
    #[serde(deserialize_with = "fields")]
    pub(super) fields: Tree,
    pub(super) frame: Option<FrameWritten>,
}

/// The frame it was taken out of.
#[derive(Deserialize)]
pub(super) struct FrameWritten {
    pub(super) framing: String,
    #[serde(default)]
    pub(super) header: String,
}

/// Why a text is no message. The parser's own words may repeat what stands there, so only the place is told.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(
        "line {line}, column {column}: not the JSON of a message; wanted \
         {{\"mti\":\"0200\",\"fields\":{{\"2\":\"text\",\"55\":{{\"9F26\":\"hex\"}}}}}}"
    )]
    Json { line: usize, column: usize },
    #[error("DE {path} is masked: decode with --unmask to encode it again")]
    Masked { path: String },
}

impl Written {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Unreadable> {
        let written: Self = serde_json::from_slice(json)
            .map_err(|error| Unreadable::Json { line: error.line(), column: error.column() })?;
        match masked(&written.fields, "") {
            Some(path) => Err(Unreadable::Masked { path }),
            None => Ok(written),
        }
    }
}

/// No element holds this: it stands for what was masked until that is refused by name.
const MASKED: &str = "\u{F8FF}masked";

fn masked(tree: &Tree, within: &str) -> Option<String> {
    tree.nodes.iter().find_map(|(name, node)| match node {
        Node::Value(value) => (value == MASKED).then(|| format!("{within}{name}")),
        Node::Parts(parts) => masked(parts, &format!("{within}{name}.")),
    })
}

fn fields<'de, D: Deserializer<'de>>(from: D) -> Result<Tree, D::Error> {
    from.deserialize_any(Fields)
}

/// Elements by name, or the list of lines that decoding prints.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("elements")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut nodes = Vec::new();
        while let Some((name, Field(node))) = map.next_entry::<String, Field>()? {
            nodes.push((name, node));
        }
        Ok(Tree { nodes })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some(line) = list.next_element::<Line>()? {
            if let Some(value) = line.value {
                tree.insert(&line.de, if line.masked { MASKED } else { &value });
            }
        }
        Ok(tree)
    }
}

#[derive(Deserialize)]
struct Line {
    de: String,
    value: Option<String>,
    #[serde(default)]
    masked: bool,
}

/// One value, or the parts of a composite.
struct Field(Node);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object of parts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field(Node::Value(text.to_string())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Field, E> {
        Ok(Field(Node::Value(number.to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
        Fields.visit_map(map).map(|tree| Field(Node::Parts(tree)))
    }
}
