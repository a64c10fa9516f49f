//! A decoded message for people and for programs.

use super::choice::{Attempt, Choice, End};
use crate::commands::table::Table;
use iso8583::{Line, Unmask, describe};
use serde::Serialize;
use terms::{Class, Function, MessageType};

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
pub(super) struct Decoded<'a> {
    dialect: &'a str,
    mti: Option<String>,
    fields: Vec<FieldJson>,
    error: Option<ErrorJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<FrameJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<ChosenJson<'a>>,
    /// What is odd about a message that decodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct FieldJson {
    de: String,
    name: String,
    /// `null` for a composite, whose parts follow.
    value: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    masked: bool,
    offset: usize,
    length: usize,
}

#[derive(Serialize)]
struct ErrorJson {
    de: String,
    offset: usize,
    expected: String,
    found: String,
}

#[derive(Serialize)]
struct FrameJson {
    framing: String,
    header: String,
    body_offset: usize,
    left: usize,
}

#[derive(Serialize)]
struct ChosenJson<'a> {
    dialect: &'a str,
    framing: String,
    input: &'a str,
    why: &'a str,
    tried: usize,
    also: &'a [&'a str],
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> Decoded<'a> {
    /// What is said of a choice; `name` is what the dialect was asked for under.
    pub(super) fn of(choice: &'a Choice<'a>, name: &'a str, unmask: Unmask, was_chosen: bool) -> Self {
        let taken = &choice.taken;
        Self {
            dialect: name,
            mti: taken.mti().map(text_of_mti),
            fields: lines(taken, unmask).into_iter().map(FieldJson::from).collect(),
            error: ErrorJson::of(taken),
            frame: FrameJson::of(taken),
            chosen: was_chosen.then(|| ChosenJson {
                dialect: name,
                framing: framing(taken),
                input: taken.reading.how,
                why: &choice.why,
                tried: choice.tried,
                also: &choice.also,
            }),
            notes: taken.oddities.clone(),
        }
    }
}

impl From<Line> for FieldJson {
    fn from(line: Line) -> Self {
        let Line { path, name, value, masked, offset, length } = line;
        Self { de: path, name, value, masked, offset, length }
    }
}

impl ErrorJson {
    fn of(taken: &Attempt<'_>) -> Option<Self> {
        match &taken.end {
            End::Whole(_) => None,
            End::Broken(refusal) => Some(Self {
                de: refusal.error.element.to_string(),
                offset: refusal.error.offset,
                expected: refusal.error.expected.to_string(),
                found: refusal.error.found.to_string(),
            }),
            End::NoFrame(error) => Some(Self {
                de: "frame".into(),
                offset: error.offset,
                expected: error.expected.clone(),
                found: error.found.clone(),
            }),
        }
    }
}

impl FrameJson {
    fn of(taken: &Attempt<'_>) -> Option<Self> {
        let unframed = taken.unframed.as_ref().filter(|unframed| unframed.is_framed())?;
        Some(Self {
            framing: unframed.framing.to_string(),
            header: hex(unframed.header),
            body_offset: unframed.body_at,
            left: unframed.left,
        })
    }
}

/// The tree, for people.
pub(super) fn tree(choice: &Choice<'_>, name: &str, unmask: Unmask) -> String {
    let taken = &choice.taken;
    let lines = lines(taken, unmask);
    let mut head = match taken.mti() {
        None => "no message".to_string(),
        Some(mti) => format!("{} {}", text_of_mti(mti), words_of_mti(mti)),
    };
    head += &format!(" · {name}");
    if let Some(unframed) = taken.unframed.as_ref().filter(|unframed| unframed.is_framed()) {
        head += &format!(" · frame {}, body from byte {}", unframed.framing, unframed.body_at);
        if !unframed.header.is_empty() {
            head += &format!(", header {}", hex(unframed.header));
        }
    }
    if lines.is_empty() {
        return head + "\n";
    }
    let mut table = Table::new(&["DE", ">AT", ">LEN", "NAME", "=VALUE"]);
    for line in lines {
        let depth = line.path.matches('.').count();
        let own = line.path.rsplit('.').next().unwrap_or_default();
        let de = if depth == 0 { own.to_string() } else { format!("{}.{own}", "  ".repeat(depth)) };
        let name = clipped(&line.name);
        table.row([
            de,
            line.offset.to_string(),
            line.length.to_string(),
            name,
            line.value.unwrap_or_default(),
        ]);
    }
    format!("{head}\n{table}")
}

/// The error in a line, for people, with its place in the input where that is another one.
pub(super) fn error(taken: &Attempt<'_>) -> Option<String> {
    match &taken.end {
        End::Whole(_) => None,
        End::NoFrame(error) => Some(format!(
            "frame at byte {}: expected {}, found {}",
            error.offset, error.expected, error.found
        )),
        End::Broken(refusal) => {
            let at = taken.unframed.as_ref().map_or(0, |unframed| unframed.body_at);
            let elsewhere = match at {
                0 => String::new(),
                at => format!(" (byte {} of the input)", at + refusal.error.offset),
            };
            Some(format!("{}{elsewhere}", refusal.error))
        }
    }
}

/// The framing an attempt was made under, by name.
pub(super) fn framing(taken: &Attempt<'_>) -> String {
    taken.unframed.as_ref().map_or_else(String::new, |unframed| unframed.framing.to_string())
}

fn lines(taken: &Attempt<'_>, unmask: Unmask) -> Vec<Line> {
    taken.message().map_or_else(Vec::new, |message| describe(message, unmask))
}

/// Characters of a name that are shown; the rest would leave no room for values.
const NAME_COLUMNS: usize = 30;

fn clipped(name: &str) -> String {
    match name.char_indices().nth(NAME_COLUMNS) {
        None => name.to_string(),
        Some((at, _)) => format!("{}…", &name[..at]),
    }
}

fn text_of_mti(mti: [u8; 4]) -> String {
    mti.iter().map(|&digit| char::from(digit)).collect()
}

/// `0421` in words.
fn words_of_mti(mti: [u8; 4]) -> String {
    let digits = [mti[1], mti[2], mti[3]].map(|digit| digit.wrapping_sub(b'0'));
    let Some(message) = MessageType::from_digits(digits) else {
        return "of no known type".into();
    };
    let class = match message.class {
        Class::Authorization => "authorization",
        Class::Financial => "financial",
        Class::FileAction => "file action",
        Class::Reversal => "reversal",
        Class::Reconciliation => "reconciliation",
        Class::Administrative => "administrative",
        Class::FeeCollection => "fee collection",
        Class::Network => "network management",
    };
    let function = match message.function {
        Function::Request => "request",
        Function::Response => "response",
        Function::Advice => "advice",
        Function::AdviceResponse => "advice response",
        Function::Notification => "notification",
        Function::NotificationAck => "notification acknowledgement",
    };
    let repeat = if message.is_repeat() { ", repeated" } else { "" };
    format!("{class} {function}{repeat}")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
