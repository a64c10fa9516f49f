use crate::spec::Alphabet;
use wire::{ebcdic, few::Few, swar};

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SPACE: u8 = 4;
const SPECIAL: u8 = 8;
const TRACK: u8 = 16;

impl Alphabet {
    /// Whether every byte of `text` (ASCII) is one of its characters. [`Alphabet::Xn`] looks at digits only:
    /// the sign is its caller's.
    #[inline]
    pub(crate) fn has_all(self, text: &[u8]) -> bool {
        match self {
            Self::N | Self::Xn => swar::none(text, b'0', swar::not_digits),
            Self::Ans => swar::none(text, b'0', |word| swar::not_within(word, 0x20, 0x7E)),
            Self::An => swar::none(text, b'0', not_an),
            Self::B | Self::Any => true,
            Self::Z => swar::none(text, b'0', not_track),
            Self::A | Self::Ns | Self::As => all(&ASCII, self.classes(), text),
        }
    }

    /// The same for a few bytes, of the alphabets that need no table; `false` for the others.
    #[inline]
    pub(crate) fn has_few(self, few: Few) -> bool {
        match self {
            Self::N => few.none(swar::not_digits),
            Self::Ans => few.none(|word| swar::not_within(word, 0x20, 0x7E)),
            Self::An => few.none(not_an),
            Self::B | Self::Any => true,
            Self::A | Self::Ns | Self::As | Self::Z | Self::Xn => false,
        }
    }

    /// The same for EBCDIC.
    #[inline]
    pub(crate) fn has_all_ebcdic(self, page: ebcdic::Page, text: &[u8]) -> bool {
        let wanted = self.classes();
        wanted == 0xFF || all(ebcdic_classes(page), wanted, text)
    }

    /// Whether one byte of ASCII is one of its characters.
    pub(crate) fn has(self, byte: u8) -> bool {
        let wanted = self.classes();
        wanted == 0xFF || ASCII[byte as usize] & wanted != 0
    }

    const fn classes(self) -> u8 {
        match self {
            Self::A => LETTER | SPACE,
            Self::N | Self::Xn => DIGIT,
            Self::An => LETTER | DIGIT | SPACE,
            Self::Ans => LETTER | DIGIT | SPACE | SPECIAL,
            Self::Ns => DIGIT | SPACE | SPECIAL,
            Self::As => LETTER | SPACE | SPECIAL,
            Self::Z => TRACK,
            Self::B | Self::Any => 0xFF,
        }
    }

    /// What people call its characters.
    pub(crate) const fn people_say(self) -> &'static str {
        match self {
            Self::A => "letters and spaces",
            Self::N => "digits",
            Self::An => "letters, digits and spaces",
            Self::Ans => "printable characters",
            Self::Ns => "digits and special characters",
            Self::As => "letters and special characters",
            Self::Z => "track characters",
            Self::Xn => "C or D and digits",
            Self::B => "bytes",
            Self::Any => "anything",
        }
    }
}

/// Whether every byte is of one of the classes: no early way out, so that nothing waits for an answer.
#[inline]
fn all(table: &[u8; 256], wanted: u8, text: &[u8]) -> bool {
    text.iter().fold(true, |legal, &byte| legal & (table[byte as usize] & wanted != 0))
}

#[inline]
fn not_track(word: u64) -> u64 {
    let digit = swar::not_within(word, 0x30, 0x3F);
    let separator = swar::not_within(word, b'D', b'D');
    (digit & separator) | word
}

#[inline]
fn not_an(word: u64) -> u64 {
    let letter = swar::not_within(word | swar::each(0x20), b'a', b'z');
    let digit = swar::not_within(word, b'0', b'9');
    let space = swar::not_within(word, b' ', b' ');
    (letter & digit & space) | word
}

const fn class_of(byte: u8) -> u8 {
    let track = if matches!(byte, 0x30..=0x3F | b'D') { TRACK } else { 0 };
    track
        | match byte {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b' ' => SPACE,
            0x21..=0x7E => SPECIAL,
            _ => 0,
        }
}

static ASCII: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
};

static EBCDIC_037: [u8; 256] = through(&ebcdic::CP037);
static EBCDIC_500: [u8; 256] = through(&ebcdic::CP500);

const fn through(page: &[u8; 256]) -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(page[byte]);
        byte += 1;
    }
    table
}

fn ebcdic_classes(page: ebcdic::Page) -> &'static [u8; 256] {
    match page {
        ebcdic::Page::Cp037 => &EBCDIC_037,
        ebcdic::Page::Cp500 => &EBCDIC_500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Alphabet; 10] = [
        Alphabet::A,
        Alphabet::N,
        Alphabet::An,
        Alphabet::Ans,
        Alphabet::Ns,
        Alphabet::As,
        Alphabet::Z,
        Alphabet::Xn,
        Alphabet::B,
        Alphabet::Any,
    ];

    #[test]
    fn the_fast_answer_is_the_slow_one_for_every_byte_of_every_alphabet() {
        for alphabet in ALL {
            for byte in 0..=255_u8 {
                for length in [1, 3, 5, 8, 13, 17] {
                    let text = &[byte; 17][..length];
                    assert_eq!(alphabet.has_all(text), alphabet.has(byte), "{alphabet:?} {byte:#x}");
                    if let Some(few) = Few::of(text) {
                        let no_table = matches!(
                            alphabet,
                            Alphabet::N | Alphabet::An | Alphabet::Ans | Alphabet::B | Alphabet::Any
                        );
                        let expected = no_table && alphabet.has(byte);
                        assert_eq!(alphabet.has_few(few), expected, "{alphabet:?} {byte:#x}");
                    }
                    let page = ebcdic::Page::Cp500;
                    let coded = [ebcdic::from_latin(page, byte); 17];
                    assert_eq!(
                        alphabet.has_all_ebcdic(page, &coded),
                        alphabet.has(byte),
                        "{alphabet:?} {byte:#x}"
                    );
                }
            }
        }
    }

    #[test]
    fn specials_are_what_is_printable_and_neither_letter_nor_digit() {
        for byte in 0..=255_u8 {
            let printable = (0x20..=0x7E).contains(&byte);
            assert_eq!(Alphabet::Ans.has(byte), printable);
            assert_eq!(Alphabet::Ns.has(byte), printable && !byte.is_ascii_alphabetic());
            assert_eq!(Alphabet::As.has(byte), printable && !byte.is_ascii_digit());
            assert_eq!(Alphabet::An.has(byte), byte.is_ascii_alphanumeric() || byte == b' ');
        }
    }
}
