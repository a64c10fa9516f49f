use super::{Format, account};
use crate::cipher::{Aes, Blocks, Tdes, xor};
use crate::drbg::Random;
use crate::secret::{Cipher, Key, PIN_DIGITS, Pin, same};
use core::fmt;
use terms::Pan;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A PIN block that is not enciphered: 8 bytes, or 16 of the PIN field of format 4. As secret as the PIN.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ClearBlock {
    bytes: [u8; 16],
    length: u8,
}

/// What is wrong with a PIN block. Never says what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// A block of another length than its format has.
    #[error("a block of {format} has {} bytes, not {found}", format.block_bytes())]
    Length {
        /// The format.
        format: Format,
        /// Bytes given.
        found: usize,
    },
    /// The first digit of the block is another format's.
    #[error(
        "no block of {format}: its first digit is another format's, or the key or card number is another"
    )]
    Control {
        /// The format expected.
        format: Format,
    },
    /// The block says that its PIN has fewer than 4 or more than 12 digits.
    #[error("no block of {format}: it states no length of a PIN")]
    PinLength {
        /// The format expected.
        format: Format,
    },
    /// Something among the PIN's digits is no digit, or the filling is another than the format has.
    #[error("no block of {format}: digits or filling are none, or the key or card number is another")]
    Contents {
        /// The format expected.
        format: Format,
    },
    /// The card number is missing, or too short to bind.
    #[error("{format} needs a card number of 13 to 19 digits (format 4: 12 to 19)")]
    NoCard {
        /// The format.
        format: Format,
    },
    /// The filling given is not what the format takes.
    #[error("{format} takes a filling of {expected}")]
    Filling {
        /// The format.
        format: Format,
        /// What it takes.
        expected: &'static str,
    },
    /// The key is for another cipher than the format needs.
    #[error("{format} is enciphered with {expected}, and the key is for {found}")]
    Cipher {
        /// The format.
        format: Format,
        /// What it needs.
        expected: Cipher,
        /// What the key is for.
        found: Cipher,
    },
}

/// What fills a block up behind the PIN, where the format leaves a choice.
pub enum Fill<'a> {
    /// Drawn here: letters, digits or bytes, as the format has them.
    Random(&'a mut dyn Random),
    /// Given: one value 0..=15 for each digit (formats 1 and 3), eight bytes (format 4); for tests and vectors.
    Given(&'a [u8]),
}

impl ClearBlock {
    /// Takes 8 or 16 bytes; `None` for another number.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if !matches!(bytes.len(), 8 | 16) {
            return None;
        }
        let mut block = Self { bytes: [0; 16], length: bytes.len() as u8 };
        block.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(block)
    }

    /// The bytes. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl PartialEq for ClearBlock {
    fn eq(&self, other: &Self) -> bool {
        same(self.expose(), other.expose())
    }
}

impl Eq for ClearBlock {}

impl fmt::Debug for ClearBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a clear PIN block")
    }
}

/// The two halves of a format 4 block before they are enciphered: PIN field and card field.
pub type PlainField = Zeroizing<[u8; 16]>;

/// The clear block of a PIN; for format 4 its PIN field.
///
/// # Errors
/// [`PinError::NoCard`] where the format binds a card and there is none, [`PinError::Filling`] where what is given
/// does not fit.
pub fn compose(format: Format, pin: &Pin, pan: &Pan, fill: &mut Fill<'_>) -> Result<ClearBlock, PinError> {
    let mut digits = Zeroizing::new([0xF_u8; 32]);
    let length = pin.length();
    let pin_from = match format {
        Format::Filled => 0,
        _ => {
            digits[0] = control(format);
            digits[1] = length as u8;
            2
        }
    };
    digits[pin_from..].iter_mut().zip(pin.expose()).for_each(|(place, digit)| *place = digit - b'0');
    let room = &mut digits[pin_from + length..16];
    match format {
        Format::Iso0 | Format::Iso2 | Format::Filled => {}
        Format::Iso1 => fill.digits(format, 0..=15, room)?,
        Format::Iso3 => fill.digits(format, 10..=15, room)?,
        Format::Iso4 => {
            room.fill(0xA);
            let mut tail = Zeroizing::new([0; 8]);
            fill.bytes(format, &mut tail)?;
            for (at, byte) in tail.iter().enumerate() {
                (digits[16 + 2 * at], digits[17 + 2 * at]) = (byte >> 4, byte & 15);
            }
        }
    }
    let mut block = packed(&digits, format.block_bytes());
    if matches!(format, Format::Iso0 | Format::Iso3) {
        let bound = xor(*first_eight(&block), &card_field(format, pan)?);
        block.bytes[..8].copy_from_slice(&bound);
    }
    Ok(block)
}

/// The PIN of a clear block; of format 4 from its PIN field.
///
/// # Errors
/// [`PinError`], saying what does not fit and never what was found.
pub fn extract(format: Format, block: &ClearBlock, pan: &Pan) -> Result<Pin, PinError> {
    let found = block.expose().len();
    if found != format.block_bytes() {
        return Err(PinError::Length { format, found });
    }
    let mut clear = block.clone();
    if matches!(format, Format::Iso0 | Format::Iso3) {
        let unbound = xor(*first_eight(block), &card_field(format, pan)?);
        clear.bytes[..8].copy_from_slice(&unbound);
    }
    let mut digits = Zeroizing::new([0_u8; 16]);
    for (at, byte) in clear.bytes[..8].iter().enumerate() {
        (digits[2 * at], digits[2 * at + 1]) = (byte >> 4, byte & 15);
    }
    let (pin, rest) = if format == Format::Filled {
        let length = digits.iter().position(|&digit| digit == 0xF).unwrap_or(16);
        digits.split_at(length)
    } else {
        if digits[0] != control(format) {
            return Err(PinError::Control { format });
        }
        let length = usize::from(digits[1]);
        if !PIN_DIGITS.contains(&length) {
            return Err(PinError::PinLength { format });
        }
        digits[2..].split_at(length)
    };
    let filled = rest.iter().all(|&digit| match format {
        Format::Iso0 | Format::Iso2 | Format::Filled => digit == 0xF,
        Format::Iso1 => true,
        Format::Iso3 => digit >= 0xA,
        Format::Iso4 => digit == 0xA,
    });
    let mut text = Zeroizing::new([0_u8; 16]);
    text.iter_mut().zip(pin).for_each(|(place, digit)| *place = digit.wrapping_add(b'0'));
    let pin = Pin::new(&text[..pin.len()]).filter(|_| filled);
    pin.ok_or(PinError::Contents { format })
}

/// Both fields of format 4. Source: ISO 9564-1:2017, 9.4.2.
///
/// # Errors
/// As [`compose`].
pub fn iso4_fields(pin: &Pin, pan: &Pan, fill: &mut Fill<'_>) -> Result<(PlainField, PlainField), PinError> {
    let block = compose(Format::Iso4, pin, pan, fill)?;
    Ok((Zeroizing::new(block.bytes), Zeroizing::new(iso4_card(pan)?)))
}

/// Enciphers a clear block under a PIN key: triple DES, or twice AES with the card number between for format 4.
///
/// # Errors
/// [`PinError::Cipher`] where the key is for another cipher, [`PinError::Length`], [`PinError::NoCard`].
pub fn encipher(format: Format, block: &ClearBlock, pan: &Pan, key: &Key) -> Result<Enciphered, PinError> {
    check(format, block.expose().len(), key)?;
    Ok(match format {
        Format::Iso4 => {
            let aes = Aes::new(key);
            Enciphered::new(&aes.encrypt(xor(aes.encrypt(block.bytes), &iso4_card(pan)?)))
        }
        _ => Enciphered::new(&Tdes::new(key).encrypt(*first_eight(block))),
    })
}

/// [`encipher`] backwards.
///
/// # Errors
/// As [`encipher`].
pub fn decipher(format: Format, block: &[u8], pan: &Pan, key: &Key) -> Result<ClearBlock, PinError> {
    check(format, block.len(), key)?;
    let mut clear = ClearBlock { bytes: [0; 16], length: block.len() as u8 };
    clear.bytes[..block.len()].copy_from_slice(block);
    match format {
        Format::Iso4 => {
            let aes = Aes::new(key);
            clear.bytes = aes.decrypt(xor(aes.decrypt(clear.bytes), &iso4_card(pan)?));
        }
        _ => {
            let plain = Tdes::new(key).decrypt(*first_eight(&clear));
            clear.bytes[..8].copy_from_slice(&plain);
        }
    }
    Ok(clear)
}

/// A PIN block under a key: what may travel. Prints as nothing all the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Enciphered {
    bytes: [u8; 16],
    length: u8,
}

impl Enciphered {
    /// Takes up to 16 bytes.
    fn new(bytes: &[u8]) -> Self {
        let mut block = Self { bytes: [0; 16], length: bytes.len() as u8 };
        block.bytes[..bytes.len()].copy_from_slice(bytes);
        block
    }

    /// The bytes: 8, or 16 of format 4.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Debug for Enciphered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an enciphered PIN block")
    }
}

impl Fill<'_> {
    /// Fills each place with a value of the range; those given must be of it and enough.
    fn digits(
        &mut self,
        format: Format,
        values: core::ops::RangeInclusive<u8>,
        room: &mut [u8],
    ) -> Result<(), PinError> {
        match self {
            Self::Random(random) => {
                let mut byte = [0];
                for place in room {
                    // Values outside the range are drawn again, so that all within it are equally likely.
                    loop {
                        random.fill(&mut byte);
                        if values.contains(&(byte[0] & 15)) {
                            break;
                        }
                    }
                    *place = byte[0] & 15;
                }
            }
            Self::Given(given) => {
                if given.len() < room.len() || !given.iter().all(|value| values.contains(value)) {
                    let expected =
                        if format == Format::Iso3 { "letters A to F, enough of them" } else { "hex digits" };
                    return Err(PinError::Filling { format, expected });
                }
                room.copy_from_slice(&given[..room.len()]);
            }
        }
        Ok(())
    }

    fn bytes(&mut self, format: Format, room: &mut [u8; 8]) -> Result<(), PinError> {
        match self {
            Self::Random(random) => random.fill(room),
            Self::Given(given) => {
                let given = <[u8; 8]>::try_from(*given);
                *room = given.map_err(|_| PinError::Filling { format, expected: "eight bytes" })?;
            }
        }
        Ok(())
    }
}

fn check(format: Format, found: usize, key: &Key) -> Result<(), PinError> {
    let expected = if format == Format::Iso4 { Cipher::Aes } else { Cipher::Tdes };
    if key.cipher() != expected {
        return Err(PinError::Cipher { format, expected, found: key.cipher() });
    }
    if found != format.block_bytes() { Err(PinError::Length { format, found }) } else { Ok(()) }
}

const fn control(format: Format) -> u8 {
    match format {
        Format::Iso0 | Format::Filled => 0,
        Format::Iso1 => 1,
        Format::Iso2 => 2,
        Format::Iso3 => 3,
        Format::Iso4 => 4,
    }
}

fn packed(digits: &[u8; 32], bytes: usize) -> ClearBlock {
    let mut block = ClearBlock { bytes: [0; 16], length: bytes as u8 };
    for (at, byte) in block.bytes[..bytes].iter_mut().enumerate() {
        *byte = digits[2 * at] << 4 | digits[2 * at + 1];
    }
    block
}

fn first_eight(block: &ClearBlock) -> &[u8; 8] {
    block.bytes.first_chunk().expect("eight of sixteen")
}

/// Four zeros and the twelve digits of [`account`], packed. Source: ISO 9564-1, 8.3.1.
fn card_field(format: Format, pan: &Pan) -> Result<[u8; 8], PinError> {
    if pan.expose().len() < 13 {
        return Err(PinError::NoCard { format });
    }
    let account = account(pan);
    let mut field = [0; 8];
    for (at, byte) in field[2..].iter_mut().enumerate() {
        *byte = (account[2 * at] - b'0') << 4 | (account[2 * at + 1] - b'0');
    }
    Ok(field)
}

/// The length of the number beyond twelve, the number, zeros. Source: ISO 9564-1:2017, 9.4.2.3.
fn iso4_card(pan: &Pan) -> Result<[u8; 16], PinError> {
    let digits = pan.expose();
    if digits.len() < 12 {
        return Err(PinError::NoCard { format: Format::Iso4 });
    }
    let mut field = [0_u8; 16];
    field[0] = (digits.len() as u8 - 12) << 4;
    for (at, digit) in digits.iter().enumerate() {
        let place = at + 1;
        field[place / 2] |= (digit - b'0') << (4 * (1 - place % 2));
    }
    Ok(field)
}
