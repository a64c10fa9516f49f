//! Response codes: the characters of a network on one side, [`Code`] and [`Outcome`] on the other.

use crate::{
    document::{Entry, Item, Node, Section, table_of, text_of},
    finding::{Findings, did_you_mean},
    model::laid_over,
};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::mem;
use terms::{Class, Code, MessageType, Outcome, Text};

/// Codes the switch itself must be able to say to a source.
pub(crate) const OURS: [Code; 8] = [
    Code::HostDown,
    Code::NoRoute,
    Code::Duplicate,
    Code::FormatError,
    Code::Malfunction,
    Code::NoAnswer,
    Code::Busy,
    Code::Declined,
];

/// Numbers of codes are below this; see the assertion at the end.
const NUMBERS: usize = 64;

/// What a file says one text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    code: Code,
    outcome: Outcome,
    line: Option<usize>,
}

/// `[codes]` as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeModel {
    texts: Vec<(String, Meaning)>,
    otherwise: Option<Meaning>,
    in_class: Vec<((u8, u8), (Code, String, Option<usize>))>,
    written: Vec<(u8, (Code, String, Option<usize>))>,
}

impl CodeModel {
    pub(crate) fn read(&mut self, entries: &[Entry], findings: &mut Findings) {
        let mut own = Vec::new();
        for entry in entries {
            match entry.key.as_str() {
                "otherwise" => self.otherwise = read_meaning(&entry.node, findings).or(self.otherwise),
                "in" => self.read_in_class(entry, findings),
                "write" => self.read_written(entry, findings),
                text => own.extend(read_text(text, entry, findings)),
            }
        }
        self.texts = laid_over(own, mem::take(&mut self.texts));
    }

    pub(crate) fn forget_lines(&mut self) {
        self.texts.iter_mut().for_each(|(_, meaning)| meaning.line = None);
        self.in_class.iter_mut().for_each(|(_, (.., line))| *line = None);
        self.written.iter_mut().for_each(|(_, (.., line))| *line = None);
    }

    /// Builds the table and says what is missing in it, for a response code of `width` characters.
    pub(crate) fn compile(&self, width: Option<u16>, findings: &mut Findings) -> CodeTable {
        let mut table = CodeTable::empty(self.otherwise);
        for (text, meaning) in &self.texts {
            check_width(text, width, meaning.line, findings);
            table.learn(text, *meaning);
        }
        for ((class, _), (code, text, line)) in &self.in_class {
            check_width(text, width, *line, findings);
            table.in_class.push((*class, *code, Text::clipped(text.as_bytes())));
        }
        for (_, (code, text, line)) in &self.written {
            check_width(text, width, *line, findings);
            table.written[*code as usize] = Text::clipped(text.as_bytes());
        }
        table.exact.sort_unstable_by_key(|&(key, ..)| key);
        if width.is_some() {
            self.check_complete(&table, findings);
        }
        table
    }

    fn check_complete(&self, table: &CodeTable, findings: &mut Findings) {
        if self.otherwise.is_none() {
            findings.error(None, "[codes] does not say what an unlisted code means: state `otherwise`");
        }
        if table.written(Code::Approved).is_empty() {
            findings.error(None, "[codes] has no text for `approved`");
        }
        for code in OURS.into_iter().filter(|&code| table.written(code).is_empty()) {
            let (name, meaning) = (code.name(), code.meaning());
            findings.error(
                None,
                format!("[codes] has no text for `{name}`, which the switch must be able to say: {meaning}"),
            );
        }
    }

    /// `[codes.write]`: texts for writing alone, where a network has no code of its own or means another.
    fn read_written(&mut self, entry: &Entry, findings: &mut Findings) {
        for one in table_of(&entry.node, "write", findings).unwrap_or(&[]) {
            let Some(text) = text_of(&one.node, &one.key, findings) else { continue };
            let Some(code) = code_named(&one.key, one.line, findings) else { continue };
            self.written.retain(|(number, _)| *number != code as u8);
            self.written.push((code as u8, (code, text.to_string(), Some(one.line))));
        }
    }

    fn read_in_class(&mut self, entry: &Entry, findings: &mut Findings) {
        for class_entry in table_of(&entry.node, "in", findings).unwrap_or(&[]) {
            let Some(&(_, class)) = CLASSES.iter().find(|(name, _)| *name == class_entry.key) else {
                let near = did_you_mean(&class_entry.key, CLASSES.iter().map(|(name, _)| *name));
                findings
                    .error(class_entry.line, format!("`{}` is no class of messages{near}", class_entry.key));
                continue;
            };
            for code_entry in table_of(&class_entry.node, &class_entry.key, findings).unwrap_or(&[]) {
                let Some(text) = text_of(&code_entry.node, &code_entry.key, findings) else { continue };
                let Some(code) = code_named(&code_entry.key, code_entry.line, findings) else { continue };
                let key = (class as u8, code as u8);
                self.in_class.retain(|(one, _)| *one != key);
                self.in_class.push((key, (code, text.to_string(), Some(code_entry.line))));
            }
        }
    }
}

#[rustfmt::skip]
const CLASSES: [(&str, Class); 8] = [
    ("authorization",  Class::Authorization),  ("financial",      Class::Financial),
    ("file_action",    Class::FileAction),     ("reversal",       Class::Reversal),
    ("reconciliation", Class::Reconciliation), ("administrative", Class::Administrative),
    ("fee_collection", Class::FeeCollection),  ("network",        Class::Network),
];

fn read_text(text: &str, entry: &Entry, findings: &mut Findings) -> Option<(String, Option<Meaning>)> {
    let stem = text.strip_suffix('*').unwrap_or(text);
    if text.len() > 4 || stem.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'*') {
        findings.error(
            entry.line,
            format!("`{text}`: a response code has up to four characters, the last perhaps `*`"),
        );
        return None;
    }
    if matches!(&entry.node.item, Item::Text(name) if name == "none") {
        return Some((text.to_string(), None));
    }
    Some((text.to_string(), Some(read_meaning(&entry.node, findings)?)))
}

/// Reads `"host_down"`, or `{ code = "host_down", outcome = "unknown" }`.
fn read_meaning(node: &Node, findings: &mut Findings) -> Option<Meaning> {
    let line = Some(node.line);
    if let Item::Table(entries) = &node.item {
        let mut section = Section::new("a code", entries);
        let code = section.text("code", findings).and_then(|(line, name)| code_named(name, line, findings));
        let outcome =
            section.text("outcome", findings).map(|(line, name)| (line, name, Outcome::named(name)));
        section.finish(findings);
        let code = code?;
        return match outcome {
            None => Some(Meaning { code, outcome: code.outcome(), line }),
            Some((_, _, Some(outcome))) => Some(Meaning { code, outcome, line }),
            Some((line, name, None)) => {
                let near = did_you_mean(name, ["approved", "refused", "unknown", "not_sent"]);
                findings.error(line, format!("`{name}` is no outcome{near}"));
                None
            }
        };
    }
    let code = code_named(text_of(node, "a code", findings)?, node.line, findings)?;
    Some(Meaning { code, outcome: code.outcome(), line })
}

fn code_named(name: &str, line: usize, findings: &mut Findings) -> Option<Code> {
    let code = Code::named(name);
    if code.is_none() {
        let near = did_you_mean(name, Code::ALL.iter().map(|code| code.name()));
        findings.error(line, format!("`{name}` is no code{near}"));
    }
    code
}

fn check_width(text: &str, width: Option<u16>, line: Option<usize>, findings: &mut Findings) {
    let Some(width) = width else { return };
    let fits = match text.strip_suffix('*') {
        Some(stem) => stem.len() < usize::from(width),
        None => text.len() == usize::from(width),
    };
    if !fits {
        findings
            .error(line, format!("the code \"{text}\" does not fit a response code of {width} characters"));
    }
}

/// The table, as it is asked while messages pass.
#[derive(Clone, Debug)]
pub(crate) struct CodeTable {
    exact: Vec<(u32, Code, Outcome)>,
    beginnings: Vec<(Text<4>, Code, Outcome)>,
    otherwise: (Code, Outcome),
    written: Box<[Text<4>; NUMBERS]>,
    in_class: Vec<(u8, Code, Text<4>)>,
}

impl CodeTable {
    fn empty(otherwise: Option<Meaning>) -> Self {
        let otherwise =
            otherwise.map_or((Code::DoNotHonour, Outcome::Unknown), |one| (one.code, one.outcome));
        Self {
            exact: Vec::new(),
            beginnings: Vec::new(),
            otherwise,
            written: Box::new([Text::EMPTY; NUMBERS]),
            in_class: Vec::new(),
        }
    }

    fn learn(&mut self, text: &str, meaning: Meaning) {
        let Meaning { code, outcome, .. } = meaning;
        if let Some(stem) = text.strip_suffix('*') {
            return self.beginnings.push((Text::clipped(stem.as_bytes()), code, outcome));
        }
        self.exact.push((key(text.as_bytes()), code, outcome));
        let written = &mut self.written[code as usize];
        if written.is_empty() {
            *written = Text::clipped(text.as_bytes());
        }
    }

    /// What the network means by these characters.
    #[inline]
    pub(crate) fn read(&self, text: &[u8]) -> (Code, Outcome) {
        if let Ok(at) = self.exact.binary_search_by_key(&key(text), |&(key, ..)| key) {
            let (_, code, outcome) = self.exact[at];
            return (code, outcome);
        }
        (self.beginnings.iter().find(|(stem, ..)| text.starts_with(stem.as_bytes())))
            .map_or(self.otherwise, |&(_, code, outcome)| (code, outcome))
    }

    /// The characters for `code` in an answer of this type: its own, or those of the nearest code that has
    /// some. An approval is never written for anything but an approval.
    #[inline]
    pub(crate) fn write(&self, code: Code, message: MessageType) -> Text<4> {
        let class = message.class as u8;
        let in_class = |wanted: Code| {
            (self.in_class.iter().find(|(one, code, _)| *one == class && *code == wanted))
                .map_or(self.written[wanted as usize], |&(.., text)| text)
        };
        let own = in_class(code);
        if !own.is_empty() {
            return own;
        }
        match code.outcome() {
            Outcome::Approved => in_class(Code::Approved),
            Outcome::Unknown => in_class(Code::NoAnswer),
            Outcome::Refused | Outcome::NotSent => in_class(Code::Declined),
        }
    }

    /// The characters for `code` alone; empty where the table has none.
    pub(crate) fn written(&self, code: Code) -> Text<4> {
        self.written[code as usize]
    }
}

#[inline]
fn key(text: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    match bytes.get_mut(..text.len()) {
        Some(place) => place.copy_from_slice(text),
        None => return u32::MAX,
    }
    u32::from_be_bytes(bytes)
}

const _: () = {
    let mut at = 0;
    while at < Code::ALL.len() {
        assert!((Code::ALL[at] as usize) < NUMBERS, "every code has its place in the table of texts");
        at += 1;
    }
};
