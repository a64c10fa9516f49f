//! How a dialect codes each sort of element unless an element says otherwise.

use crate::model::Edition;
use iso8583::{
    Spec,
    spec::{Alphabet, Coding, Length},
    tables,
};

/// Codings by sort of element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) mti: Coding,
    pub(crate) bitmap: Coding,
    pub(crate) numbers: Coding,
    pub(crate) text: Coding,
    pub(crate) tracks: Coding,
    pub(crate) bytes: Coding,
    pub(crate) lengths: Coding,
}

impl Style {
    /// Everything in characters, bytes as hex characters: what a file that states no style means.
    pub(crate) const CHARACTERS: Self = Self {
        mti: Coding::Ascii,
        bitmap: Coding::HexAscii,
        numbers: Coding::Ascii,
        text: Coding::Ascii,
        tracks: Coding::Ascii,
        bytes: Coding::HexAscii,
        lengths: Coding::Ascii,
    };

    /// The coding of an element of this alphabet.
    pub(crate) fn coding_of(&self, alphabet: Alphabet) -> Coding {
        match alphabet {
            Alphabet::N | Alphabet::Xn => self.numbers,
            Alphabet::Z => self.tracks,
            Alphabet::B => self.bytes,
            Alphabet::A | Alphabet::An | Alphabet::Ans | Alphabet::Ns | Alphabet::As | Alphabet::Any => {
                self.text
            }
        }
    }
}

/// The table of an edition in the codings of `style`.
pub(crate) fn base(edition: Edition, style: &Style) -> Spec {
    // Lengths of binary elements written as hex characters count those characters; the table knows how.
    let hex = matches!(style.bytes, Coding::HexAscii | Coding::HexEbcdic);
    let table = if hex { tables::Style::Ascii } else { tables::Style::Binary };
    let mut spec = match edition {
        Edition::Of1987 => tables::edition_1987(table),
        Edition::Of1993 => tables::edition_1993(table),
    };
    spec.mti = style.mti;
    spec.bitmap = style.bitmap;
    for shape in spec.fields.iter_mut().flatten() {
        shape.coding = style.coding_of(shape.alphabet);
        if let Length::Var { coding, .. } = &mut shape.length {
            *coding = style.lengths;
        }
    }
    spec
}
