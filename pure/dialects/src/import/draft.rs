//! A dialect being written from somebody else's description.

use super::{ImportError, Imported};
use crate::{
    Dialect, Severity,
    notation::{Notation, coding_name},
    slot::longest,
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write as _;
use iso8583::spec::{Alphabet, Coding, Length, Shape};

/// One element, or one part of one.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) notation: Notation,
    pub(super) name: String,
    pub(super) inside: Inner,
    /// Whether the source says only "characters", so that the edition's alphabet may stand.
    pub(super) vague: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Inner {
    Plain,
    Positional(Vec<Draft>),
    Tagged(Tags),
    Bitmapped { bytes: u8, coding: Coding, parts: BTreeMap<u8, Draft> },
}

#[derive(Clone, Debug)]
pub(super) struct Tags {
    pub(super) width: u8,
    pub(super) coding: Coding,
    pub(super) length_width: u8,
    pub(super) length_coding: Coding,
    pub(super) known: Vec<(String, Draft)>,
}

/// A whole description.
#[derive(Debug)]
pub(super) struct Description {
    /// Where it came from, for the header of the file.
    pub(super) origin: &'static str,
    pub(super) mti: Coding,
    pub(super) bitmap: Coding,
    pub(super) fields: BTreeMap<u8, Draft>,
    pub(super) unmapped: Vec<String>,
}

impl Description {
    pub(super) fn new(origin: &'static str) -> Self {
        Self {
            origin,
            mti: Coding::Ascii,
            bitmap: Coding::HexAscii,
            fields: BTreeMap::new(),
            unmapped: Vec::new(),
        }
    }

    /// Writes the file, and leaves out what would not load, saying so.
    pub(super) fn settle(mut self) -> Result<Imported, ImportError> {
        if self.fields.is_empty() {
            return Err(ImportError::NoElements);
        }
        self.settle_head();
        let like = self.like();
        let base = Dialect::named(like).ok_or(ImportError::NoElements)?;
        for (&de, field) in &mut self.fields {
            if let Some(shape) = base.spec().fields.get(usize::from(de)).and_then(Option::as_ref) {
                sharpen(field, shape);
            }
        }
        // Each round gives up at least one element, so there are at most as many as there are elements.
        for _ in 0..=2 * self.fields.len() {
            let (toml, lines) = self.write(like, &base);
            let fault = Dialect::check(&toml).into_iter().find(|finding| finding.severity == Severity::Error);
            let Some(fault) = fault else {
                return Ok(Imported { toml, unmapped: self.unmapped });
            };
            let stated = lines.iter().find(|(line, _)| Some(*line) == fault.line).map(|&(_, de)| de);
            let Some(de) = stated.or(fault.de).filter(|de| self.fields.contains_key(de)) else {
                return Err(ImportError::Unloadable { finding: fault });
            };
            self.give_up(de, &fault.message);
        }
        Err(ImportError::NoElements)
    }

    /// A message type is digits and a bitmap is bits, whatever the source says of them.
    fn settle_head(&mut self) {
        let is_bits = |coding| matches!(coding, Coding::Binary | Coding::HexAscii | Coding::HexEbcdic);
        if is_bits(self.mti) {
            self.mti = Coding::Ascii;
            self.unmapped
                .push("message type: its coding holds bytes and not digits; ASCII stands here".into());
        }
        if !is_bits(self.bitmap) {
            self.bitmap = Coding::HexAscii;
            self.unmapped.push("bitmap: its coding holds characters and not bits; hex stands here".into());
        }
    }

    fn give_up(&mut self, de: u8, reason: &str) {
        let Some(field) = self.fields.get_mut(&de) else { return };
        if matches!(field.inside, Inner::Plain) {
            self.fields.remove(&de);
            self.unmapped.push(format!("DE {de}: left out, because {reason}"));
        } else {
            field.inside = Inner::Plain;
            self.unmapped.push(format!("DE {de}: its parts are left out, because {reason}"));
        }
    }

    /// The shipped dialect of the same edition: 1993 has codes of three digits, and date and time in one element.
    /// The codes decide, because a table of the wrong width would be of no use.
    fn like(&self) -> &'static str {
        let length = |de| self.fields.get(&de).map(|field| field.notation.max);
        match (length(39), length(12)) {
            (Some(3), _) | (None, Some(12)) => "iso93-ascii",
            _ => "iso87-ascii",
        }
    }

    /// The file, and which line states which element.
    fn write(&self, like: &str, base: &Dialect) -> (String, Vec<(usize, u8)>) {
        let mut out = String::new();
        let _ = writeln!(out, "# Imported from {}.", self.origin);
        for line in &self.unmapped {
            let _ = writeln!(out, "# Not said here: {}", plain(line));
        }
        let _ = writeln!(
            out,
            "\nname    = \"imported\"\nsummary = \"Imported from {}\"\nlike    = \"{like}\"",
            self.origin
        );
        if !self.fields.contains_key(&64) {
            let _ = writeln!(out, "mac     = \"none\"");
        }
        let _ = writeln!(out, "\n[style]");
        for (name, coding) in [("mti", self.mti), ("bitmap", self.bitmap)] {
            let _ = writeln!(out, "{name:<8}= \"{}\"", coding_name(coding));
        }
        let _ = writeln!(out, "\n[fields]");
        let mut lines = Vec::new();
        for de in 2..=192_u8 {
            let line = out.bytes().filter(|&byte| byte == b'\n').count() + 1;
            if let Some(field) = self.fields.get(&de) {
                lines.push((line, de));
                let _ = writeln!(out, "{de:<3} = {}  # {}", field.write(false), plain(&field.name));
            } else if base.spec().fields.get(usize::from(de)).is_some_and(Option::is_some) {
                let _ = writeln!(out, "{de:<3} = \"none\"");
            }
        }
        (out, lines)
    }
}

impl Draft {
    /// As a value of TOML, on one line.
    fn write(&self, named: bool) -> String {
        let notation = text(&self.notation.to_string());
        let name = if named { format!(", name = {}", text(&self.name)) } else { String::new() };
        let inside = match &self.inside {
            Inner::Plain if !named => return notation,
            Inner::Plain => String::new(),
            Inner::Positional(parts) => format!(
                ", optional_tail = true, parts = [{}]",
                list(parts.iter().map(|part| part.write(true)))
            ),
            Inner::Tagged(tags) => format!(", tags = {}", tags.write()),
            Inner::Bitmapped { bytes, coding, parts } => {
                let parts =
                    list(parts.iter().map(|(number, part)| format!("{number} = {}", part.write(true))));
                let coding = coding_name(*coding);
                format!(", bitmap = {{ bytes = {bytes}, coding = \"{coding}\", parts = {{ {parts} }} }}")
            }
        };
        format!("{{ is = {notation}{name}{inside} }}")
    }
}

impl Tags {
    fn write(&self) -> String {
        let known =
            list(self.known.iter().map(|(tag, part)| format!("{} = {}", text(tag), part.write(true))));
        format!(
            "{{ width = {}, coding = \"{}\", length_width = {}, length_coding = \"{}\", known = {{ {known} }} }}",
            self.width,
            coding_name(self.coding),
            self.length_width,
            coding_name(self.length_coding),
        )
    }
}

/// Where the source says only "characters" and the edition agrees on the length, the edition knows which.
fn sharpen(field: &mut Draft, shape: &Shape) {
    let track = shape.alphabet == Alphabet::Z && field.notation.alphabet == Alphabet::N;
    let same_sort = matches!(shape.length, Length::Fixed(_)) == field.notation.prefix.is_none();
    let same_length = field.notation.prefix.is_some() || longest(shape) == field.notation.max;
    if track || field.vague && same_sort && same_length && shape.alphabet != Alphabet::B {
        field.notation.alphabet = shape.alphabet;
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// A TOML string. What is not printable ASCII is left out: names are for people and nothing hangs on them.
fn text(content: &str) -> String {
    format!("\"{}\"", plain(content).replace('\\', "\\\\").replace('"', "\\\""))
}

fn plain(content: &str) -> String {
    content.chars().filter(|one| one.is_ascii_graphic() || *one == ' ').take(120).collect()
}
