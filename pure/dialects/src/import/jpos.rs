use super::{
    ImportError, Imported, bounded,
    draft::{Description, Draft, Inner},
};
use crate::notation::{Notation, Prefix};
use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String};
use iso8583::spec::{Alphabet, Coding, Counts, Pad};
use roxmltree::{Document, Node, ParsingOptions};
use terms::limits::NESTING_MAX;

/// Nodes of a description; more than any real one has by a factor of ten.
const NODES_MAX: u32 = 100_000;

/// Reads a packager description for jPOS's `GenericPackager` (XML) and writes it as a dialect file.
///
/// The reference to a document type is allowed in the prolog and never followed; entities of its own are refused.
/// Field classes are known by the parts of their names (`IF`, `IFA`, `IFB`, `IFE`; `L` to `LLLL`, `H`; `NUM`,
/// `CHAR`, `BINARY`, `AMOUNT`, `BITMAP`); every other one is named in [`Imported::unmapped`] and its element
/// left out.
///
/// - Errors: [`ImportError`]. Panics: never. Cost: some milliseconds.
/// - Source: the behaviour of the field classes as published with jPOS; compatible by name only.
pub fn import_jpos(xml: &str) -> Result<Imported, ImportError> {
    let xml = bounded(xml)?;
    // A description has no use for entities, and one that declares any wants something else.
    if xml.contains("<!ENTITY") {
        return Err(ImportError::Entities);
    }
    let options = ParsingOptions { allow_dtd: true, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).map_err(|error| {
        let at = error.pos();
        ImportError::Xml { line: at.row, column: at.col }
    })?;
    let mut description = Description::new("a jPOS packager");
    let root = document.root_element();
    for node in root.children().filter(Node::is_element) {
        read_top(node, &mut description);
    }
    description.settle()
}

fn read_top(node: Node<'_, '_>, description: &mut Description) {
    let Some(id) = node.attribute("id").and_then(|id| id.trim().parse::<u8>().ok()) else {
        return description.unmapped.push("an element without a number from 0 to 192".into());
    };
    let class = class_name(node);
    match (id, Class::parse(class)) {
        (0, Some(Class { sort: Sort::Number | Sort::Text, coding, .. })) => description.mti = coding,
        (1 | 65, Some(Class { sort: Sort::Bitmap, coding, .. })) => {
            description.bitmap = coding;
            if id == 65 {
                description.unmapped.push("DE 65: the third bitmap is told by the elements above 128".into());
            }
        }
        (0 | 1, _) => description.unmapped.push(format!("DE {id}: class {class} is not known there")),
        (193.., _) => description.unmapped.push(format!("DE {id}: elements end at 192")),
        (_, Some(Class { sort: Sort::Absent, .. })) => {}
        (de, _) => {
            if let Some(draft) = read_field(node, &format!("DE {de}"), 1, &mut description.unmapped) {
                description.fields.insert(de, draft);
            }
        }
    }
}

/// The class without its package.
fn class_name<'a>(node: Node<'a, '_>) -> &'a str {
    let class = node.attribute("class").unwrap_or_default().trim();
    class.rsplit('.').next().unwrap_or(class)
}

fn read_field(
    node: Node<'_, '_>,
    place: &str,
    depth: usize,
    unmapped: &mut alloc::vec::Vec<String>,
) -> Option<Draft> {
    let class_name = class_name(node);
    let Some(class) =
        Class::parse(class_name).filter(|class| !matches!(class.sort, Sort::Bitmap | Sort::Absent))
    else {
        unmapped.push(format!("{place}: class {class_name} is not known"));
        return None;
    };
    let Some(length) = node.attribute("length").and_then(|length| length.trim().parse::<u16>().ok()) else {
        unmapped.push(format!("{place}: its length is no number up to 65535"));
        return None;
    };
    let pad_left = node.attribute("pad").is_some_and(|pad| pad.trim() == "true");
    let mut draft = class.draft(length.min(9_999), pad_left, node.attribute("name").unwrap_or_default());
    let nested = node.tag_name().name() == "isofieldpackager";
    if nested && depth < NESTING_MAX {
        draft.inside = read_inside(node, place, depth, unmapped);
        draft.vague = false;
        // Parts have their own alphabets; the whole is whatever they are.
        draft.notation.alphabet = Alphabet::Any;
    } else if nested {
        unmapped.push(format!("{place}: nested deeper than {NESTING_MAX} levels"));
    }
    Some(draft)
}

fn read_inside(
    node: Node<'_, '_>,
    place: &str,
    depth: usize,
    unmapped: &mut alloc::vec::Vec<String>,
) -> Inner {
    let mut parts = BTreeMap::new();
    let mut bitmap = None;
    for child in node.children().filter(Node::is_element) {
        let Some(id) = child.attribute("id").and_then(|id| id.trim().parse::<u8>().ok()) else {
            unmapped.push(format!("{place}: a part without a number"));
            continue;
        };
        let part_place = format!("{place}.{id}");
        match Class::parse(class_name(child)) {
            Some(Class { sort: Sort::Absent, .. }) => {}
            Some(Class { sort: Sort::Bitmap, coding, .. }) => {
                let bytes = child.attribute("length").and_then(|length| length.trim().parse::<u8>().ok());
                bitmap = Some((bytes.unwrap_or(8).clamp(1, 16), coding));
            }
            _ => {
                if let Some(part) = read_field(child, &part_place, depth + 1, unmapped) {
                    parts.insert(id, part);
                }
            }
        }
    }
    match bitmap {
        Some((bytes, coding)) => Inner::Bitmapped { bytes, coding, parts },
        None if parts.is_empty() => Inner::Plain,
        None => Inner::Positional(parts.into_values().collect()),
    }
}

/// What the name of a field class says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Class {
    sort: Sort,
    coding: Coding,
    /// Digits (or, with `H`, bytes) of the length prefix; 0 for a fixed one.
    prefix_digits: u8,
    prefix_coding: Coding,
    /// Filler of an odd number of digits when it is told by the class.
    fill: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Number,
    Text,
    Bytes,
    Amount,
    Bitmap,
    Absent,
}

const BCD: Coding = Coding::Bcd { left: true, fill: 0 };

impl Class {
    fn parse(name: &str) -> Option<Self> {
        let (family, rest) = name.split_once('_')?;
        let (number, text, bytes, bitmap, prefix) = match family {
            "IF" => (Coding::Ascii, Coding::Ascii, Coding::Binary, Coding::Binary, Coding::Ascii),
            "IFA" => (Coding::Ascii, Coding::Ascii, Coding::HexAscii, Coding::HexAscii, Coding::Ascii),
            "IFB" => (BCD, Coding::Ascii, Coding::Binary, Coding::Binary, BCD),
            "IFE" => {
                let ebcdic = Coding::Ebcdic037;
                (ebcdic, ebcdic, Coding::HexEbcdic, Coding::HexEbcdic, ebcdic)
            }
            _ => return None,
        };
        let after = rest.trim_start_matches('L');
        let prefix_digits = rest.len() - after.len();
        let (binary_prefix, kind) = match after.strip_prefix('H') {
            Some(kind) if prefix_digits >= 2 => (true, kind),
            _ => (false, after),
        };
        if prefix_digits > 4 {
            return None;
        }
        let (sort, coding, fill) = match kind {
            "NUM" | "NUMERIC" => (Sort::Number, number, 0),
            "FNUM" if family == "IFB" => (Sort::Number, number, 0xF),
            "CHAR" => (Sort::Text, text, 0),
            "ECHAR" => (Sort::Text, Coding::Ebcdic037, 0),
            // With a length in front, bytes are written as they are; only fixed ones are written as hex.
            "BINARY" if prefix_digits > 0 => (Sort::Bytes, Coding::Binary, 0),
            "BINARY" => (Sort::Bytes, bytes, 0),
            "AMOUNT" if prefix_digits == 0 => (Sort::Amount, number, 0),
            "BITMAP" if prefix_digits == 0 => (Sort::Bitmap, bitmap, 0),
            "NOP" | "UNUSED" => (Sort::Absent, text, 0),
            _ => return None,
        };
        // `LLH` is one byte of length, `LLLH` two.
        let (prefix_digits, prefix_coding) =
            if binary_prefix { (prefix_digits - 1, Coding::Binary) } else { (prefix_digits, prefix) };
        Some(Self { sort, coding, prefix_digits: prefix_digits as u8, prefix_coding, fill })
    }

    fn draft(self, length: u16, pad_left: bool, name: &str) -> Draft {
        let alphabet = match self.sort {
            Sort::Number => Alphabet::N,
            Sort::Amount => Alphabet::Xn,
            Sort::Bytes | Sort::Bitmap => Alphabet::B,
            Sort::Text | Sort::Absent => Alphabet::Ans,
        };
        let coding = match self.coding {
            Coding::Bcd { .. } if self.sort == Sort::Number => {
                Coding::Bcd { left: pad_left, fill: self.fill }
            }
            coding => coding,
        };
        let prefix = (self.prefix_digits > 0).then_some(Prefix {
            digits: self.prefix_digits,
            coding: Some(self.prefix_coding),
            counts: Counts::Characters,
        });
        let min = if prefix.is_some() { u16::from(alphabet == Alphabet::Xn) } else { length };
        // A fixed text that is short is filled up on the right; whether a number is depends on the class, and
        // filling it is harmless.
        let pad = match (self.sort, prefix) {
            (Sort::Text, None) => Some(Pad::Right(b' ')),
            _ => None,
        };
        let notation = Notation {
            alphabet,
            min,
            max: length,
            prefix,
            coding: Some(coding),
            pad,
            secret: None,
            tlv: false,
        };
        Draft { notation, name: name.to_owned(), inside: Inner::Plain, vague: self.sort == Sort::Text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_class_is_known_by_the_parts_of_its_name() {
        #[rustfmt::skip]
        let table = [
            ("IFA_LLNUM",       "n..19 LL:ascii ascii"),
            ("IFB_NUMERIC",     "n19 bcd-end-0"),
            ("IFB_LLLHBINARY",  "b..19 LL:binary binary"),
            ("IFB_LLHCHAR",     "ans..19 L:binary ascii"),
            ("IFE_LLLCHAR",     "ans..19 LLL:ebcdic ebcdic"),
            ("IFA_BINARY",      "b19 hex"),
            ("IFA_LLLBINARY",   "b..19 LLL:ascii binary"),
            ("IFB_AMOUNT",      "x+n18 bcd"),
            ("IF_CHAR",         "ans19 ascii right:space"),
        ];
        for (class, notation) in table {
            let class = Class::parse(class).expect("a known class");
            assert_eq!(class.draft(19, false, "").notation.to_string(), notation);
        }
        for unknown in ["IFX_FOO", "IFA_TTLLCHAR", "IFB_LLLLLCHAR", "", "NUM"] {
            assert_eq!(Class::parse(unknown), None, "{unknown}");
        }
    }
}
