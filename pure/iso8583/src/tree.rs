use crate::{
    message::Message,
    spec::Secret,
    value::{Part, Value},
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// What people may see of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmask {
    /// Card numbers as their first six and last four digits, nothing of other secrets.
    No,
    /// The same with the first eight digits: for issuers whose prefixes have eight.
    Eight,
    /// Everything. For test data; whoever asks for this answers for where it goes.
    Yes,
}

/// One element or part as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which: `2`, `48.3`, `55.9F26`.
    pub path: String,
    /// What people call it; may be empty.
    pub name: String,
    /// Its text, masked as asked; bytes as hex. `None` for a composite, whose parts follow. Characters that a
    /// terminal would obey are replaced by pictures, which [`crate::encode_tree`] understands.
    pub value: Option<String>,
    /// Whether `value` hides something.
    pub masked: bool,
    /// Its first byte in the body.
    pub offset: usize,
    /// Its length in characters.
    pub length: usize,
}

/// Shows a message, whole or partial, element by element and part by part. Nothing secret reaches the lines
/// unless it is asked for: values are masked before they are made into text.
pub fn describe(message: &Message<'_>, unmask: Unmask) -> Vec<Line> {
    let mut lines = Vec::with_capacity(message.len());
    for (de, value) in message.iter() {
        describe_value(de.to_string(), &value, unmask, &mut lines);
    }
    lines
}

fn describe_value(path: String, value: &Value<'_>, unmask: Unmask, lines: &mut Vec<Line>) {
    let hidden = unmask != Unmask::Yes && value.secret() != Secret::Open;
    // A composite that is secret as a whole shows no parts either.
    let parts: Vec<Part<'_>> = if hidden { Vec::new() } else { value.parts().collect() };
    let composite = value.is_composite() && !hidden;
    lines.push(Line {
        name: value.name().to_string(),
        value: (!composite).then(|| shown(value, unmask)),
        masked: hidden,
        offset: value.offset(),
        length: value.length(),
        path: path.clone(),
    });
    for part in parts {
        describe_value(format!("{path}.{}", part.step), &part.value, unmask, lines);
    }
}

fn shown(value: &Value<'_>, unmask: Unmask) -> String {
    let first = match unmask {
        Unmask::No => 6,
        Unmask::Eight => 8,
        Unmask::Yes => return text_of(value),
    };
    match value.secret() {
        Secret::Open => text_of(value),
        Secret::Pan => masked(&text_of(value), first),
        Secret::Track | Secret::Pin | Secret::Key | Secret::Hidden => "***".to_string(),
    }
}

/// First `first` and last four characters with stars between; nothing but stars where that would leave fewer
/// than three hidden or where it is no card number's length. A filler at the end is not part of the number.
fn masked(text: &str, first: usize) -> String {
    let filled = text.len() - text.trim_end_matches(['F', ' ']).len();
    let length = text.chars().count();
    let digits = length - filled;
    let open = if digits >= 13 && digits >= first + 7 { (first, digits - 4) } else { (0, length) };
    text.chars().enumerate().map(|(at, c)| if at < open.0 || at >= open.1 { c } else { '*' }).collect()
}

fn text_of(value: &Value<'_>) -> String {
    let mut text = Vec::new();
    value.text_into(&mut text);
    text.iter().map(|&byte| picture(byte)).collect()
}

const CONTROL_PICTURES: u32 = 0x2400;
const DELETE_PICTURE: char = '\u{2421}';
const PRIVATE: u32 = 0xE000;

/// ISO 8859-1, but for the control characters, which become their pictures (and those above 0x7F, which have
/// none, private characters).
fn picture(byte: u8) -> char {
    let code = u32::from(byte);
    match byte {
        0x00..=0x1F => char::from_u32(CONTROL_PICTURES + code),
        0x7F => Some(DELETE_PICTURE),
        0x80..=0x9F => char::from_u32(PRIVATE + code),
        _ => Some(byte as char),
    }
    .unwrap_or('?')
}

/// The bytes of a text as [`Line::value`] writes them. A character that is none of them becomes 0x00, which
/// no printable alphabet takes.
pub(crate) fn bytes_of_text(text: &str) -> Vec<u8> {
    text.chars().map(|c| (0..=255).find(|&byte| picture(byte) == c).unwrap_or(0)).collect()
}

/// Elements and parts as a person writes them: names and texts, composites as trees of their own. Bytes are
/// hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Name (`2`, `9F26`, a label) and what is there.
    pub nodes: Vec<(String, Node)>,
}

/// What stands at one place of a [`Tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Text; hex for bytes.
    Value(String),
    /// Parts.
    Parts(Tree),
}

impl Tree {
    /// Sets what stands at a path such as `55.9F26`; a repeated path adds another, as repeated tags do.
    pub fn insert(&mut self, path: &str, value: &str) {
        let Some((first, rest)) = path.split_once('.') else {
            self.nodes.push((path.to_string(), Node::Value(value.to_string())));
            return;
        };
        let at = self.nodes.iter().rposition(|(name, node)| name == first && matches!(node, Node::Parts(_)));
        let at = at.unwrap_or_else(|| {
            self.nodes.push((first.to_string(), Node::Parts(Self::default())));
            self.nodes.len() - 1
        });
        if let (_, Node::Parts(parts)) = &mut self.nodes[at] {
            parts.insert(rest, value);
        }
    }

    /// The tree of what [`describe`] showed: to write it again. Masked values cannot be.
    pub fn of_lines(lines: &[Line]) -> Self {
        let mut tree = Self::default();
        for line in lines {
            if let Some(value) = &line.value {
                tree.insert(&line.path, value);
            }
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_being_shown() {
        for byte in 0..=255_u8 {
            assert_eq!(bytes_of_text(&picture(byte).to_string()), [byte]);
            assert!(!picture(byte).is_control(), "{byte:#x}");
        }
    }

    #[test]
    fn a_card_number_shows_its_ends_and_a_short_one_nothing() {
        assert_eq!(masked("4111111111111111", 6), "411111******1111");
        assert_eq!(masked("4111111111111111", 8), "41111111****1111");
        assert_eq!(masked("6228481234567890123F", 6), "622848*********0123F");
        assert_eq!(masked("4111111111111", 6), "411111***1111");
        assert_eq!(masked("4111111111111", 8), "*************");
        assert_eq!(masked("123456789012", 6), "************");
    }
}
