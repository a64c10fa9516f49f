//! Keys under a local master key of variants, and under transport keys by the same schemes: what modules kept
//! before there were key blocks, and what many partners still send.

use crate::cipher::{Blocks, Tdes};
use crate::secret::{Cipher, Key};
use core::fmt;
use zeroize::Zeroizing;

/// How a key lies under another, told by the letter in front of it. Source: publicly described behaviour of the
/// Racal and Thales host modules, and of others' tests against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Each eight bytes by themselves, no letter: single keys, and pairs of old fields.
    Z,
    /// Two parts, each under its own variant.
    U,
    /// Three parts, each under its own variant.
    T,
    /// Two parts as ANSI X9.17 has them.
    X,
    /// Three parts as ANSI X9.17 has them.
    Y,
}

/// The type of a key under a variant LMK: which pair, and which variant of it. Written as three characters, such
/// as `001`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyType {
    variant: u8,
    pair: u8,
}

/// Twenty pairs of keys: a local master key of variants.
#[derive(Clone)]
pub struct VariantLmk {
    pairs: [Key; 20],
}

/// The masks of parts: scheme U, then scheme T.
const MASKS_OF_TWO: [u8; 2] = [0xA6, 0x5A];
const MASKS_OF_THREE: [u8; 3] = [0x6A, 0xDE, 0x2B];
/// The masks of variants 1 to 9.
const VARIANTS: [u8; 9] = [0xA6, 0x5A, 0x6A, 0xDE, 0x2B, 0x50, 0x74, 0x9C, 0xFA];

/// A key of that length does not go under that scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scheme {scheme} holds DES keys of {} bytes, under DES keys, not {found}", scheme.key_bytes())]
pub struct SchemeError {
    /// The scheme.
    pub scheme: Scheme,
    /// Bytes there are.
    pub found: usize,
}

impl Scheme {
    /// The scheme of that letter.
    pub const fn of_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'Z' => Self::Z,
            b'U' => Self::U,
            b'T' => Self::T,
            b'X' => Self::X,
            b'Y' => Self::Y,
            _ => return None,
        })
    }

    /// Its letter.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Z => b'Z',
            Self::U => b'U',
            Self::T => b'T',
            Self::X => b'X',
            Self::Y => b'Y',
        }
    }

    /// Bytes of a key under it; of `Z` those of a single key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Z => 8,
            Self::U | Self::X => 16,
            Self::T | Self::Y => 24,
        }
    }

    /// The masks of the parts, where they have variants.
    const fn masks(self) -> &'static [u8] {
        match self {
            Self::Z | Self::X | Self::Y => &[],
            Self::U => &MASKS_OF_TWO,
            Self::T => &MASKS_OF_THREE,
        }
    }

    fn check(self, found: usize) -> Result<(), SchemeError> {
        // A pair of single keys in an old field has no letter, and is two of them.
        let fits = found == self.key_bytes() || self == Self::Z && found == 16;
        if fits { Ok(()) } else { Err(SchemeError { scheme: self, found }) }
    }

    fn each_part(self, kek: &Key, bytes: &mut [u8], step: impl Fn(&Tdes, [u8; 8]) -> [u8; 8]) {
        debug_assert!(kek.cipher() == Cipher::Tdes);
        for (at, part) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let tdes = match self.masks().get(at) {
                // The variant is in the first byte of the second part of the key above.
                Some(&mask) => Tdes::new(&doubled(kek).xor_mask(&[0, 0, 0, 0, 0, 0, 0, 0, mask])),
                None => Tdes::new(kek),
            };
            *part = step(&tdes, *part);
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, char::from(self.letter()))
    }
}

/// A transport key of one part as one of two, so that it has variants as well.
fn doubled(kek: &Key) -> Key {
    if kek.length() > 8 {
        return kek.clone();
    }
    let twice = Zeroizing::new([kek.expose(), kek.expose()].concat());
    Key::tdes(&twice).expect("twice eight bytes")
}

/// A key under another, by a scheme. Both are DES keys of any length.
///
/// # Errors
/// [`SchemeError`] where the key's length is not the scheme's, or one of the two is no DES key.
pub fn encrypt_under(kek: &Key, scheme: Scheme, key: &Key) -> Result<Zeroizing<[u8; 24]>, SchemeError> {
    scheme.check(key.length())?;
    check_cipher(kek, scheme)?;
    check_cipher(key, scheme)?;
    let mut out = Zeroizing::new([0; 24]);
    let bytes = &mut out[..key.length()];
    bytes.copy_from_slice(key.expose());
    scheme.each_part(kek, bytes, |tdes, part| tdes.encrypt(part));
    Ok(out)
}

/// [`encrypt_under`] backwards. The parity of what comes out is not looked at.
///
/// # Errors
/// As [`encrypt_under`].
pub fn decrypt_under(kek: &Key, scheme: Scheme, bytes: &[u8]) -> Result<Key, SchemeError> {
    scheme.check(bytes.len())?;
    check_cipher(kek, scheme)?;
    let mut clear = Zeroizing::new([0; 24]);
    let clear = &mut clear[..bytes.len()];
    clear.copy_from_slice(bytes);
    scheme.each_part(kek, clear, |tdes, part| tdes.decrypt(part));
    Ok(Key::tdes(clear).expect("a scheme has lengths of DES keys"))
}

fn check_cipher(key: &Key, scheme: Scheme) -> Result<(), SchemeError> {
    if key.cipher() == Cipher::Tdes { Ok(()) } else { Err(SchemeError { scheme, found: key.length() }) }
}

impl KeyType {
    /// Transport key between institutions (ZMK).
    pub const ZMK: Self = Self { variant: 0, pair: 0 };
    /// PIN key between institutions (ZPK).
    pub const ZPK: Self = Self { variant: 0, pair: 1 };
    /// Terminal keys (TMK, TPK) and PIN verification keys (PVK).
    pub const TERMINAL: Self = Self { variant: 0, pair: 2 };
    /// MAC key of a terminal (TAK).
    pub const TAK: Self = Self { variant: 0, pair: 3 };
    /// MAC key between institutions (ZAK).
    pub const ZAK: Self = Self { variant: 0, pair: 8 };
    /// Base derivation key (BDK).
    pub const BDK: Self = Self { variant: 0, pair: 9 };
    /// Data key between institutions (ZEK).
    pub const ZEK: Self = Self { variant: 0, pair: 10 };
    /// Card verification key (CVK).
    pub const CVK: Self = Self { variant: 4, pair: 2 };
    /// Master key for application cryptograms (MK-AC).
    pub const MASTER_AC: Self = Self { variant: 1, pair: 9 };

    /// Reads three characters: the variant, then the pair in two hex digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let [variant @ b'0'..=b'9', b'0', pair] = text else { return None };
        let pair = char::from(*pair).to_digit(16).filter(|&pair| pair <= 14)? as u8;
        Some(Self { variant: variant - b'0', pair })
    }

    /// As three characters.
    pub fn text(self) -> [u8; 3] {
        let pair = wire::hex::digit(wire::hex::Charset::Ascii, self.pair);
        [b'0' + self.variant, b'0', pair]
    }

    /// Which of the twenty pairs: 04-05 is the third.
    const fn index(self) -> usize {
        match self.pair {
            0 => 2,
            1 => 3,
            pair => pair as usize + 5,
        }
    }
}

impl fmt::Debug for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.text()).expect("three digits"))
    }
}

impl VariantLmk {
    /// Twenty pairs of two keys, each pair 16 bytes.
    pub fn new(pairs: &[[u8; 16]; 20]) -> Self {
        Self { pairs: core::array::from_fn(|at| Key::tdes(&pairs[at]).expect("16 bytes")) }
    }

    /// The key that keys of this type lie under.
    pub fn key_for(&self, kind: KeyType) -> Key {
        let mask = kind.variant.checked_sub(1).map_or(0, |at| VARIANTS[usize::from(at)]);
        self.pairs[kind.index()].xor_mask(&[mask])
    }
}

impl fmt::Debug for VariantLmk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant LMK")
    }
}
