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
    only: Only,
    line: Option<usize>,
}

/// In which answers a text has its meaning. Elsewhere nobody knows what became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    Anywhere,
    Class(u8),
    Advices,
}

impl Only {
    fn named(name: &str) -> Option<Self> {
        if name == "advice" {
            return Some(Self::Advices);
        }
        CLASSES.iter().find(|(one, _)| *one == name).map(|&(_, class)| Self::Class(class as u8))
    }

    fn allows(self, message: MessageType) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Class(class) => message.class as u8 == class,
            Self::Advices => matches!(message.digits()[1], 2 | 3),
        }
    }
}

/// `[codes]` as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeModel {
    texts: Vec<(String, Meaning)>,
    otherwise: Option<Meaning>,
    written: Vec<Written>,
}

/// A text for writing alone, where a network has no code of its own, or writes another in one class.
#[derive(Clone, Debug)]
struct Written {
    class: Option<u8>,
    code: Code,
    text: String,
    line: Option<usize>,
}

impl CodeModel {
    pub(crate) fn read(&mut self, entries: &[Entry], findings: &mut Findings) {
        let mut own = Vec::new();
        if entries.iter().any(|entry| entry.key == "inherit" && matches!(entry.node.item, Item::Flag(false)))
        {
            *self = Self::default();
        }
        for entry in entries {
            match entry.key.as_str() {
                "inherit" if matches!(entry.node.item, Item::Flag(_)) => {}
                "inherit" => findings.error(entry.line, "`inherit` is true or false"),
                "otherwise" => self.otherwise = read_meaning(&entry.node, findings).or(self.otherwise),
                "in" => self.read_in_class(entry, findings),
                "write" => self.read_written(entry, None, findings),
                text => own.extend(read_text(text, entry, findings)),
            }
        }
        self.texts = laid_over(own, mem::take(&mut self.texts));
    }

    /// What each text means when it is read, sorted; then `otherwise`.
    pub(crate) fn meanings(&self) -> Vec<(String, Code, Outcome)> {
        let mut meanings: Vec<_> =
            self.texts.iter().map(|(text, one)| (text.clone(), one.code, one.outcome)).collect();
        meanings.sort_by(|one, other| one.0.cmp(&other.0));
        meanings.extend(self.otherwise.map(|one| ("otherwise".to_string(), one.code, one.outcome)));
        meanings
    }

    pub(crate) fn forget_lines(&mut self) {
        self.texts.iter_mut().for_each(|(_, meaning)| meaning.line = None);
        self.written.iter_mut().for_each(|written| written.line = None);
    }

    /// Builds the table and says what is missing in it, for a response code of `width` characters.
    pub(crate) fn compile(&self, width: Option<u16>, findings: &mut Findings) -> CodeTable {
        let mut table = CodeTable { width: width.map_or(0, usize::from), ..CodeTable::empty(self.otherwise) };
        let inherited = |meaning: &Meaning| meaning.line.is_none();
        let strays =
            self.texts.iter().filter(|(text, meaning)| inherited(meaning) && !fits(text, width)).count();
        if strays > 0 {
            findings.error(
                None,
                format!("{strays} inherited codes do not fit the response code: state [codes] of its width"),
            );
        }
        for (text, meaning) in &self.texts {
            if !inherited(meaning) {
                check_width(text, width, meaning.line, findings);
            }
            table.learn(text, *meaning);
        }
        for Written { class, code, text, line } in &self.written {
            check_width(text, width, *line, findings);
            let text = Text::clipped(text.as_bytes());
            match class {
                None => table.written[*code as usize] = text,
                Some(class) => table.in_class.push((*class, *code, text)),
            }
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

    /// `[codes.in]`: for each class, texts that are written in it alone.
    fn read_in_class(&mut self, entry: &Entry, findings: &mut Findings) {
        for class_entry in table_of(&entry.node, "in", findings).unwrap_or(&[]) {
            match CLASSES.iter().find(|(name, _)| *name == class_entry.key) {
                Some(&(_, class)) => self.read_written(class_entry, Some(class as u8), findings),
                None => {
                    let near = did_you_mean(&class_entry.key, CLASSES.iter().map(|(name, _)| *name));
                    let key = &class_entry.key;
                    findings.error(class_entry.line, format!("`{key}` is no class of messages{near}"));
                }
            }
        }
    }

    /// `approved = "800"` and so on; what is stated again replaces what is inherited.
    fn read_written(&mut self, entry: &Entry, class: Option<u8>, findings: &mut Findings) {
        for one in table_of(&entry.node, &entry.key, findings).unwrap_or(&[]) {
            let Some(text) = text_of(&one.node, &one.key, findings) else { continue };
            let Some(code) = code_named(&one.key, one.line, findings) else { continue };
            self.written.retain(|written| (written.class, written.code) != (class, code));
            self.written.push(Written { class, code, text: text.to_string(), line: Some(one.line) });
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

/// Reads `"host_down"`, or `{ code = "host_down", outcome = "unknown", only = "reversal" }`.
fn read_meaning(node: &Node, findings: &mut Findings) -> Option<Meaning> {
    let line = Some(node.line);
    if let Item::Table(entries) = &node.item {
        let mut section = Section::new("a code", entries);
        let code = section.text("code", findings).and_then(|(line, name)| code_named(name, line, findings));
        let outcome =
            section.text("outcome", findings).map(|(line, name)| (line, name, Outcome::named(name)));
        let only = read_only(&mut section, findings);
        section.finish(findings);
        let code = code?;
        return match outcome {
            None => Some(Meaning { code, outcome: code.outcome(), only, line }),
            Some((_, _, Some(outcome))) => Some(Meaning { code, outcome, only, line }),
            Some((line, name, None)) => {
                let near = did_you_mean(name, ["approved", "refused", "unknown", "not_sent"]);
                findings.error(line, format!("`{name}` is no outcome{near}"));
                None
            }
        };
    }
    let code = code_named(text_of(node, "a code", findings)?, node.line, findings)?;
    Some(Meaning { code, outcome: code.outcome(), only: Only::Anywhere, line })
}

/// Reads `only = "reversal"`: a class of messages, or `"advice"` for the answers to advices of every class.
fn read_only(section: &mut Section<'_>, findings: &mut Findings) -> Only {
    let Some((line, name)) = section.text("only", findings) else { return Only::Anywhere };
    Only::named(name).unwrap_or_else(|| {
        let known = CLASSES.iter().map(|(name, _)| *name).chain(["advice"]);
        let near = did_you_mean(name, known);
        findings.error(line, format!("`{name}` is no class of messages{near}"));
        Only::Anywhere
    })
}

fn code_named(name: &str, line: usize, findings: &mut Findings) -> Option<Code> {
    let code = Code::named(name);
    if code.is_none() {
        let near = did_you_mean(name, Code::ALL.iter().map(|code| code.name()));
        findings.error(line, format!("`{name}` is no code{near}"));
    }
    code
}

fn fits(text: &str, width: Option<u16>) -> bool {
    match (text.strip_suffix('*'), width.map(usize::from)) {
        (_, None) => true,
        (Some(stem), Some(width)) => stem.len() < width,
        (None, Some(width)) => text.len() == width,
    }
}

fn check_width(text: &str, width: Option<u16>, line: Option<usize>, findings: &mut Findings) {
    if let Some(width) = width
        && !fits(text, Some(width))
    {
        findings
            .error(line, format!("the code \"{text}\" does not fit a response code of {width} characters"));
    }
}

/// The table, as it is asked while messages pass.
#[derive(Clone, Debug)]
pub(crate) struct CodeTable {
    exact: Vec<(u32, Meaning)>,
    beginnings: Vec<(Text<4>, Meaning)>,
    otherwise: (Code, Outcome),
    written: Box<[Text<4>; NUMBERS]>,
    in_class: Vec<(u8, Code, Text<4>)>,
    /// Characters of a response code; texts of another width are never written.
    width: usize,
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
            width: 0,
        }
    }

    fn learn(&mut self, text: &str, meaning: Meaning) {
        if let Some(stem) = text.strip_suffix('*') {
            return self.beginnings.push((Text::clipped(stem.as_bytes()), meaning));
        }
        self.exact.push((key(text.as_bytes()), meaning));
        let written = &mut self.written[meaning.code as usize];
        if written.is_empty() {
            *written = Text::clipped(text.as_bytes());
        }
    }

    /// What the network means by these characters in a message of this type.
    #[inline]
    pub(crate) fn read(&self, text: &[u8], message: MessageType) -> (Code, Outcome) {
        match self.listed(text) {
            None => self.otherwise,
            Some(meaning) if meaning.only.allows(message) => (meaning.code, meaning.outcome),
            // An acceptance of something else than was asked for decides nothing.
            Some(_) => (self.otherwise.0, Outcome::Unknown),
        }
    }

    /// What the list says of these characters, whole or by how they begin.
    #[inline]
    fn listed(&self, text: &[u8]) -> Option<&Meaning> {
        if let Ok(at) = self.exact.binary_search_by_key(&key(text), |&(key, ..)| key) {
            return Some(&self.exact[at].1);
        }
        (self.beginnings.iter().find(|(stem, _)| text.starts_with(stem.as_bytes()))).map(|(_, one)| one)
    }

    /// Whether characters that a host wrote say here what he meant by them, so that they can come back as
    /// they were. What is not on the list says nothing, even where both sides take it for the same.
    pub(crate) fn says(&self, text: &[u8], code: Code, outcome: Outcome, message: MessageType) -> bool {
        let class = message.class as u8;
        text.len() == self.width
            && !self.in_class.iter().any(|(one, written, _)| (*one, *written) == (class, code))
            && self.listed(text).is_some_and(|meaning| {
                (meaning.code, meaning.outcome) == (code, outcome) && meaning.only.allows(message)
            })
    }

    /// The characters for `code` in an answer of this type: its own, or those of the nearest code that has
    /// some. An approval is never written for anything but an approval, and a card is retained only where
    /// the code says so.
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
        if retains(code) && !in_class(Code::PickUpCard).is_empty() {
            return in_class(Code::PickUpCard);
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

/// Whether a terminal that is told so keeps the card.
const fn retains(code: Code) -> bool {
    matches!(code, Code::PickUpCard | Code::PinTriesExceededPickUp | Code::LostCard | Code::StolenCard)
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
