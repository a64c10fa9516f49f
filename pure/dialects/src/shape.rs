//! Elements as a dialect file states them: a notation, or a table that says what is inside.

use crate::{
    document::{Entry, Item, Node, Section, text_of},
    finding::Findings,
    notation::{Notation, coding_named},
    style::Style,
};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use iso8583::spec::{Coding, Inside, Secret, Shape, TagLength};
use terms::limits::NESTING_MAX;

/// What a file says of one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldModel {
    /// `"none"`: the element does not exist here.
    Removed,
    /// It looks like this.
    Stated(ShapeModel),
}

/// A shape before the style fills in what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeModel {
    notation: Notation,
    name: Option<String>,
    inside: InsideModel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum InsideModel {
    AsNoted,
    Positional { parts: Vec<ShapeModel>, optional_tail: bool },
    Tagged(Box<TagModel>),
    Bitmapped { coding: Coding, bytes: u8, parts: Vec<Option<ShapeModel>> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TagModel {
    tag_width: u8,
    tag_coding: Coding,
    length_width: u8,
    length_coding: Coding,
    length_first: bool,
    parts: Vec<(String, ShapeModel)>,
    otherwise: Option<ShapeModel>,
}

impl FieldModel {
    pub(crate) fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if matches!(&node.item, Item::Text(text) if text == "none") {
            return Some(Self::Removed);
        }
        ShapeModel::read(node, 1, findings).map(Self::Stated)
    }
}

impl ShapeModel {
    fn read(node: &Node, depth: usize, findings: &mut Findings) -> Option<Self> {
        if depth > NESTING_MAX {
            findings.error(node.line, format!("nested deeper than {NESTING_MAX} levels"));
            return None;
        }
        match &node.item {
            Item::Text(text) => Some(Self {
                notation: read_notation(node.line, text, findings)?,
                name: None,
                inside: InsideModel::AsNoted,
            }),
            Item::Table(entries) => Self::read_table(node.line, entries, depth, findings),
            _ => {
                findings
                    .error(node.line, "an element is a notation as `\"n..19 LL pan\"`, a table, or \"none\"");
                None
            }
        }
    }

    fn read_table(line: usize, entries: &[Entry], depth: usize, findings: &mut Findings) -> Option<Self> {
        let mut section = Section::new("an element", entries);
        let notation = match section.text("is", findings) {
            Some((line, text)) => read_notation(line, text, findings),
            None => {
                findings.error(line, "an element written as a table states its notation in `is`");
                None
            }
        };
        let name = section.text("name", findings).map(|(_, name)| name.to_owned());
        let optional_tail = section.flag("optional_tail", findings).unwrap_or(false);
        let mut insides = Vec::new();
        if let Some((_, list)) = section.list("parts", findings) {
            let parts = list.iter().filter_map(|part| Self::read(part, depth + 1, findings)).collect();
            insides.push(InsideModel::Positional { parts, optional_tail });
        }
        if let Some((line, entries)) = section.table("tags", findings) {
            insides.extend(read_tags(line, entries, depth, findings));
        }
        if let Some((line, entries)) = section.table("bitmap", findings) {
            insides.extend(read_bitmapped(line, entries, depth, findings));
        }
        section.finish(findings);
        if insides.len() > 1 {
            findings.error(line, "an element has `parts`, `tags` or `bitmap`, and only one of them");
        }
        Some(Self { notation: notation?, name, inside: insides.pop().unwrap_or(InsideModel::AsNoted) })
    }

    /// The finished shape, named and kept secret as `before` where the file says nothing.
    pub(crate) fn shape(&self, style: &Style, name: &str, before: Secret) -> Shape {
        let name = self.name.as_deref().unwrap_or(name);
        let mut shape = self.notation.shape(style, name, before);
        match &self.inside {
            InsideModel::AsNoted => {}
            InsideModel::Positional { parts, optional_tail } => {
                let parts = parts.iter().enumerate().map(|(at, part)| part.numbered(style, at + 1)).collect();
                shape.inside = Inside::Positional { parts, optional_tail: *optional_tail };
            }
            InsideModel::Tagged(tags) => shape.inside = Inside::TagLength(Box::new(tags.finished(style))),
            InsideModel::Bitmapped { coding, bytes, parts } => {
                let parts = (parts.iter().enumerate())
                    .map(|(at, part)| part.as_ref().map(|part| part.numbered(style, at + 1)))
                    .collect();
                shape.inside = Inside::Bitmapped { bitmap: *coding, bitmap_bytes: *bytes, parts };
            }
        }
        shape
    }

    fn numbered(&self, style: &Style, number: usize) -> Shape {
        self.shape(style, &format!("part {number}"), Secret::Open)
    }
}

impl TagModel {
    fn finished(&self, style: &Style) -> TagLength {
        TagLength {
            tag_width: self.tag_width,
            tag_coding: self.tag_coding,
            length_width: self.length_width,
            length_coding: self.length_coding,
            length_first: self.length_first,
            parts: (self.parts.iter())
                .map(|(tag, part)| {
                    (tag.as_str().into(), part.shape(style, &format!("tag {tag}"), Secret::Open))
                })
                .collect(),
            otherwise: self.otherwise.as_ref().map(|part| part.shape(style, "unknown tag", Secret::Hidden)),
        }
    }
}

fn read_notation(line: usize, text: &str, findings: &mut Findings) -> Option<Notation> {
    Notation::parse(text).map_err(|error| findings.error(line, error)).ok()
}

fn read_tags(line: usize, entries: &[Entry], depth: usize, findings: &mut Findings) -> Option<InsideModel> {
    let mut section = Section::new("`tags`", entries);
    let tag_width = read_width(&mut section, "width", findings);
    let length_width = read_width(&mut section, "length_width", findings);
    let tag_coding = read_coding(&mut section, "coding", Coding::Ascii, findings);
    let length_coding = read_coding(&mut section, "length_coding", Coding::Ascii, findings);
    let length_first = section.flag("length_first", findings).unwrap_or(false);
    let otherwise = section.take("otherwise").and_then(|e| ShapeModel::read(&e.node, depth + 1, findings));
    let known = section.table("known", findings).map_or(&[][..], |(_, entries)| entries);
    let parts = (known.iter())
        .filter_map(|e| Some((e.key.clone(), ShapeModel::read(&e.node, depth + 1, findings)?)))
        .collect();
    section.finish(findings);
    let (Some(tag_width), Some(length_width)) = (tag_width, length_width) else {
        findings.error(line, "`tags` states `width` and `length_width`, 1 to 16");
        return None;
    };
    let model =
        TagModel { tag_width, tag_coding, length_width, length_coding, length_first, parts, otherwise };
    Some(InsideModel::Tagged(Box::new(model)))
}

fn read_bitmapped(
    line: usize,
    entries: &[Entry],
    depth: usize,
    findings: &mut Findings,
) -> Option<InsideModel> {
    let mut section = Section::new("`bitmap`", entries);
    let bytes = read_width(&mut section, "bytes", findings);
    let coding = read_coding(&mut section, "coding", Coding::Binary, findings);
    let mut parts = Vec::new();
    for entry in section.table("parts", findings).map_or(&[][..], |(_, entries)| entries) {
        let Some(number) = entry.key.parse::<usize>().ok().filter(|number| (1..=128).contains(number)) else {
            findings
                .error(entry.line, format!("`{}`: a part of a bitmap has a number from 1 to 128", entry.key));
            continue;
        };
        parts.resize_with(parts.len().max(number), || None);
        parts[number - 1] = ShapeModel::read(&entry.node, depth + 1, findings);
    }
    section.finish(findings);
    match bytes {
        Some(bytes) => Some(InsideModel::Bitmapped { coding, bytes, parts }),
        None => {
            findings.error(line, "`bitmap` states its `bytes`, 1 to 16");
            None
        }
    }
}

fn read_width(section: &mut Section<'_>, key: &'static str, findings: &mut Findings) -> Option<u8> {
    let (_, number) = section.number(key, findings)?;
    (1..=16).contains(&number).then_some(number as u8)
}

fn read_coding(
    section: &mut Section<'_>,
    key: &'static str,
    otherwise: Coding,
    findings: &mut Findings,
) -> Coding {
    let Some(entry) = section.take(key) else { return otherwise };
    let Some(word) = text_of(&entry.node, key, findings) else { return otherwise };
    coding_named(word).unwrap_or_else(|| {
        findings
            .error(entry.node.line, format!("`{word}` is no coding: {}", crate::notation::coding_names()));
        otherwise
    })
}
