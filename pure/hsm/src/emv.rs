//! Application cryptograms of chip cards: for hosts and simulators. Source: EMV 4.3 Book 2, 8 and annex A1.

use crate::cipher::{Blocks as _, Tdes, xor};
use crate::mac::{self, Algorithm, Padding};
use crate::secret::{Cipher, Key};
use zeroize::Zeroizing;

/// Why nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmvError {
    /// The key is no triple-DES key of 16 bytes.
    #[error("keys of cards are triple-DES keys of 16 bytes")]
    Key,
    /// Card number and sequence number are no digits.
    #[error("a card is derived from its number and two digits of its sequence number")]
    Card,
    /// The number has more than sixteen digits, for which another derivation (option B) is made.
    #[error("option A takes card numbers of up to 16 digits")]
    LongCard,
}

/// The key of one card by option A (A1.4.1). `sequence` is the card's sequence number, `00` where it has none.
///
/// # Errors
/// [`EmvError`].
pub fn card_key(master: &Key, pan: &[u8], sequence: &[u8; 2]) -> Result<Key, EmvError> {
    two_parts(master)?;
    if !pan.iter().chain(sequence).all(u8::is_ascii_digit) || pan.is_empty() {
        return Err(EmvError::Card);
    }
    if pan.len() > 16 {
        return Err(EmvError::LongCard);
    }
    let mut digits = Zeroizing::new([b'0'; 16]);
    let all = pan.len() + 2;
    let both = pan.iter().chain(sequence).skip(all.saturating_sub(16));
    digits[16 - all.min(16)..].iter_mut().zip(both).for_each(|(place, &digit)| *place = digit);
    let mut card = [0; 8];
    for (at, byte) in card.iter_mut().enumerate() {
        *byte = (digits[2 * at] - b'0') << 4 | (digits[2 * at + 1] - b'0');
    }
    Ok(both_halves(master, card, xor(card, &[0xFF; 8])).with_parity())
}

/// The session key of a card for one transaction counter, or any eight bytes that differ (A1.3.1).
///
/// # Errors
/// [`EmvError::Key`].
pub fn session_key(card: &Key, diversifier: [u8; 8]) -> Result<Key, EmvError> {
    two_parts(card)?;
    let (mut left, mut right) = (diversifier, diversifier);
    (left[2], right[2]) = (0xF0, 0x0F);
    Ok(both_halves(card, left, right))
}

/// The diversifier that is a transaction counter and zeros.
pub fn by_counter(atc: [u8; 2]) -> [u8; 8] {
    [atc[0], atc[1], 0, 0, 0, 0, 0, 0]
}

/// The cryptogram of a request (8.1.2). Cards fill by method 2, some older ones with zeros.
///
/// # Errors
/// [`EmvError::Key`].
pub fn arqc(key: &Key, padding: Padding, data: &[u8]) -> Result<[u8; 8], EmvError> {
    two_parts(key)?;
    let mac = mac::make(Algorithm::Iso3, padding, key, data).map_err(|_| EmvError::Key)?;
    Ok(*mac.as_bytes().first_chunk().expect("a MAC of DES has eight bytes"))
}

/// The answer's cryptogram by method 1 (8.2.1): the request's, and two bytes of answer code.
///
/// # Errors
/// [`EmvError::Key`].
pub fn arpc_by_code(key: &Key, arqc: [u8; 8], code: [u8; 2]) -> Result<[u8; 8], EmvError> {
    two_parts(key)?;
    Ok(Tdes::new(key).encrypt(xor(arqc, &code)))
}

/// The answer's cryptogram by method 2 (8.2.2): the request's, four bytes of status, and what the issuer adds.
///
/// # Errors
/// [`EmvError::Key`].
pub fn arpc_by_status(
    key: &Key,
    cryptogram: [u8; 8],
    status: [u8; 4],
    own: &[u8],
) -> Result<[u8; 4], EmvError> {
    let data = [&cryptogram[..], &status[..], own].concat();
    let mac = arqc(key, Padding::Bit, &data)?;
    Ok(*mac.first_chunk().expect("four of eight"))
}

fn both_halves(key: &Key, left: [u8; 8], right: [u8; 8]) -> Key {
    let tdes = Tdes::new(key);
    let mut bytes = Zeroizing::new([0; 16]);
    bytes[..8].copy_from_slice(&tdes.encrypt(left));
    bytes[8..].copy_from_slice(&tdes.encrypt(right));
    Key::tdes(&*bytes).expect("16 bytes are a key of triple DES")
}

fn two_parts(key: &Key) -> Result<(), EmvError> {
    if key.cipher() == Cipher::Tdes && key.length() == 16 { Ok(()) } else { Err(EmvError::Key) }
}
