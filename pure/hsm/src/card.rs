//! Values by which an issuer knows its cards and PINs: for hosts and simulators, which an acquirer is not.

use crate::cipher::{Blocks as _, Tdes, xor};
use crate::secret::{Cipher, Key, Pin, same};
use terms::Pan;
use zeroize::Zeroizing;

/// Why a value was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The key is no pair of DES keys.
    #[error("card and PIN verification keys are a pair of DES keys, 16 bytes")]
    Key,
    /// Something that must be digits is not, or not as many as must be.
    #[error("{what}: expected {expected}")]
    Digits {
        /// What it is.
        what: &'static str,
        /// How many.
        expected: &'static str,
    },
}

/// The card verification value: of the stripe, of the chip (service code 999), or as printed (service code 000).
/// The order of year and month in `expiry` is the issuer's. Source: publicly described algorithm of card schemes.
///
/// # Errors
/// [`CardError`].
pub fn cvv(cvk: &Key, pan: &Pan, expiry: &[u8], service_code: &[u8]) -> Result<[u8; 3], CardError> {
    pair(cvk)?;
    all_digits("expiry", expiry, 4, "four digits")?;
    all_digits("service code", service_code, 3, "three digits")?;
    let mut digits = Zeroizing::new([0_u8; 32]);
    let given = pan.expose().iter().chain(expiry).chain(service_code);
    digits.iter_mut().zip(given).for_each(|(place, digit)| *place = digit - b'0');
    let mut blocks = Zeroizing::new([[0_u8; 8]; 2]);
    for (at, byte) in blocks.as_flattened_mut().iter_mut().enumerate() {
        *byte = digits[2 * at] << 4 | digits[2 * at + 1];
    }
    let first = Tdes::new(&Key::tdes(&cvk.expose()[..8]).expect("half of a pair"));
    let chained = xor(first.encrypt(blocks[0]), &blocks[1]);
    Ok(decimalised(&Tdes::new(cvk).encrypt(chained)))
}

/// The PIN verification value of an account (twelve digits without the check digit), a key index and a PIN, whose
/// first four digits count. Source: publicly described algorithm of a card scheme.
///
/// # Errors
/// [`CardError`].
pub fn pvv(pvk: &Key, account: &[u8; 12], key_index: u8, pin: &Pin) -> Result<[u8; 4], CardError> {
    pair(pvk)?;
    all_digits("account", account, 12, "twelve digits")?;
    all_digits("key index", &[key_index], 1, "a digit")?;
    let mut digits = Zeroizing::new([0_u8; 16]);
    digits[..11].copy_from_slice(&account[1..]);
    digits[11] = key_index;
    digits[12..].copy_from_slice(&pin.expose()[..4]);
    let mut block = Zeroizing::new([0_u8; 8]);
    for (at, byte) in block.iter_mut().enumerate() {
        *byte = (digits[2 * at] - b'0') << 4 | (digits[2 * at + 1] - b'0');
    }
    Ok(decimalised(&Tdes::new(pvk).encrypt(*block)))
}

/// The offset that turns a card's natural PIN into the one its owner chose: as many digits as the PIN has, the
/// rest `F`. `validation` is the data enciphered, `table` what each hex digit becomes. Source: IBM 3624.
///
/// # Errors
/// [`CardError`].
pub fn offset(pvk: &Key, validation: &[u8; 8], table: &[u8; 16], pin: &Pin) -> Result<[u8; 12], CardError> {
    let natural = natural_pin(pvk, validation, table)?;
    let mut offset = [b'F'; 12];
    for (place, (digit, natural)) in offset.iter_mut().zip(pin.expose().iter().zip(natural.iter())) {
        *place = b'0' + (10 + digit - natural) % 10;
    }
    Ok(offset)
}

/// The sixteen digits of which a card's natural PIN is the first. As secret as a PIN.
///
/// # Errors
/// [`CardError`].
pub fn natural_pin(
    pvk: &Key,
    validation: &[u8; 8],
    table: &[u8; 16],
) -> Result<Zeroizing<[u8; 16]>, CardError> {
    if pvk.cipher() != Cipher::Tdes {
        return Err(CardError::Key);
    }
    all_digits("decimalisation table", table, 16, "sixteen digits")?;
    let mut natural = Zeroizing::new([0; 16]);
    for (at, byte) in Tdes::new(pvk).encrypt(*validation).into_iter().enumerate() {
        natural[2 * at] = table[usize::from(byte >> 4)];
        natural[2 * at + 1] = table[usize::from(byte & 15)];
    }
    Ok(natural)
}

/// Whether two values are the same, without saying where they part.
pub fn agree(left: &[u8], right: &[u8]) -> bool {
    same(left, right)
}

/// The decimal digits of hex text in order, then its letters as 0 to 5, as many as are wanted.
fn decimalised<const N: usize>(block: &[u8; 8]) -> [u8; N] {
    let nibbles = || block.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = nibbles().filter(|&digit| digit < 10);
    let letters = nibbles().filter(|&digit| digit > 9).map(|letter| letter - 10);
    let mut out = [b'0'; N];
    out.iter_mut().zip(digits.chain(letters)).for_each(|(place, digit)| *place = b'0' + digit);
    out
}

fn pair(key: &Key) -> Result<(), CardError> {
    if key.cipher() == Cipher::Tdes && key.length() == 16 { Ok(()) } else { Err(CardError::Key) }
}

fn all_digits(
    what: &'static str,
    text: &[u8],
    length: usize,
    expected: &'static str,
) -> Result<(), CardError> {
    let fits = text.len() == length && text.iter().all(u8::is_ascii_digit);
    if fits { Ok(()) } else { Err(CardError::Digits { what, expected }) }
}
