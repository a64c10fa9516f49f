//! What a dialect file says, with what it is like laid under it, for people to read.

use crate::{
    dialect::Dialect,
    finding::Findings,
    message::MessageModel,
    model::{Edition, Model, Placed},
    notation,
    role::Role,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use terms::{Code, Kind, Network, Outcome};

/// Everything a dialect file says that [`Dialect`] keeps in a form for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// `1987` or `1993`.
    pub edition: &'static str,
    /// How each sort of element is coded, by the names dialect files use.
    pub style: Vec<(&'static str, String)>,
    /// What elements are known as: data element and name.
    pub map: Vec<(u8, &'static str)>,
    /// First two digits of the processing code.
    pub kinds: Vec<(String, Kind)>,
    /// Response codes as they are read; `otherwise` where no other fits.
    pub codes: Vec<(String, Code, Outcome)>,
    /// Codes of network management.
    pub network: Vec<(String, Network)>,
    /// Message types and what may be in them.
    pub messages: Vec<Presence>,
}

/// Which elements a message must, may and must not have, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The four digits of its type.
    pub mti: String,
    /// Must be there.
    pub mandatory: Vec<u8>,
    /// Must be there under conditions the file does not state.
    pub conditional: Vec<u8>,
    /// May be there.
    pub optional: Vec<u8>,
    /// Must not be there although everything else may.
    pub forbidden: Vec<u8>,
    /// Whether what is in no list may be there.
    pub rest_is_optional: bool,
    /// Repeated in an answer as the request had them.
    pub echo: Vec<u8>,
}

impl Dialect {
    /// What the file says; `None` where it does not load.
    ///
    /// - Cost: as [`Dialect::load`].
    pub fn outline(toml: &str) -> Option<Outline> {
        let model = Model::read(toml, &mut Findings::default())?;
        Outline::of(&model)
    }
}

impl Outline {
    fn of(model: &Model) -> Option<Self> {
        let edition = model.edition?;
        let mut map: Vec<(u8, &'static str)> =
            model.map.iter().map(|(role, (_, de))| (*de, Role::name(*role))).collect();
        map.sort_unstable();
        let messages = model.messages.iter().map(|(digits, message)| Presence::of(edition, *digits, message));
        Some(Self {
            edition: match edition {
                Edition::Of1987 => "1987",
                Edition::Of1993 => "1993",
            },
            style: style(model),
            map,
            kinds: sorted(model.kinds.iter().map(|(digits, kind)| (text(digits), *kind))),
            codes: model.codes.meanings(),
            network: sorted(model.network.iter().map(|(digits, network)| (text(digits), network.about))),
            messages: messages.collect(),
        })
    }
}

impl Presence {
    fn of(edition: Edition, digits: [u8; 3], message: &MessageModel) -> Self {
        let [class, function, origin] = digits;
        Self {
            mti: text(&[edition.version(), class, function, origin].map(|digit| b'0' + digit)),
            mandatory: elements(&message.mandatory),
            conditional: elements(&message.conditional),
            optional: elements(&message.optional),
            forbidden: elements(&message.forbidden),
            rest_is_optional: message.rest_optional,
            echo: elements(&message.echo),
        }
    }
}

fn style(model: &Model) -> Vec<(&'static str, String)> {
    let style = &model.style;
    let parts = [
        ("mti", style.mti),
        ("bitmap", style.bitmap),
        ("numbers", style.numbers),
        ("text", style.text),
        ("tracks", style.tracks),
        ("bytes", style.bytes),
        ("lengths", style.lengths),
    ];
    parts.map(|(sort, coding)| (sort, notation::coding_name(coding))).into()
}

fn sorted<T>(pairs: impl Iterator<Item = (String, T)>) -> Vec<(String, T)> {
    let mut pairs: Vec<(String, T)> = pairs.collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    pairs
}

fn elements(places: &[Placed<u8>]) -> Vec<u8> {
    let mut elements: Vec<u8> = places.iter().map(|(_, de)| *de).collect();
    elements.sort_unstable();
    elements
}

fn text(digits: &[u8]) -> String {
    digits.escape_ascii().to_string()
}
