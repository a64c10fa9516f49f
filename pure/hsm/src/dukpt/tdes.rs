//! Derived unique keys on triple DES. Source: ANSI X9.24-1:2009, annex A.

use crate::cipher::{Blocks as _, Tdes, xor};
use crate::secret::{Cipher, Key};
use zeroize::Zeroizing;

/// Bytes of a key serial number.
pub const KSN_BYTES: usize = 10;

/// What a transaction's key is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Enciphers PINs.
    Pin,
    /// MAC of the request, or of both ways.
    MacRequest,
    /// MAC of the answer.
    MacResponse,
    /// Enciphers data of the request.
    DataRequest,
}

/// The base key is no double-length DES key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys are derived from a triple-DES key of 16 bytes")]
pub struct BaseError;

/// The mask that turns a key into the one its other half is derived by.
const MASK: [u8; 16] = [0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0];
const COUNTER_BITS: u32 = 21;

/// The key a device begins with (A.6).
///
/// # Errors
/// [`BaseError`].
pub fn initial_key(bdk: &Key, ksn: &[u8; KSN_BYTES]) -> Result<Key, BaseError> {
    check(bdk)?;
    let mut serial: [u8; 8] = *ksn.first_chunk().expect("eight of ten");
    serial[7] &= 0xE0;
    let mut key = Zeroizing::new([0; 16]);
    key[..8].copy_from_slice(&Tdes::new(bdk).encrypt(serial));
    key[8..].copy_from_slice(&Tdes::new(&bdk.xor_mask(&MASK)).encrypt(serial));
    Ok(two_parts(&key))
}

/// The key of one transaction, before it is turned to a purpose: one step for each bit of the counter (A.3).
///
/// # Errors
/// [`BaseError`].
pub fn transaction_key(initial: &Key, ksn: &[u8; KSN_BYTES]) -> Result<Key, BaseError> {
    check(initial)?;
    let counter = u32::from_be_bytes([0, ksn[7], ksn[8], ksn[9]]) & ((1 << COUNTER_BITS) - 1);
    let mut register: [u8; 8] = *ksn.last_chunk().expect("eight of ten");
    register[5] &= 0xE0;
    register[6..].fill(0);
    let mut key = initial.clone();
    for bit in (0..COUNTER_BITS).rev().map(|at| 1 << at).filter(|bit| counter & bit != 0) {
        let [_, high, middle, low] = u32::to_be_bytes(bit);
        register[5] |= high;
        register[6] |= middle;
        register[7] |= low;
        key = generated(&key, register);
    }
    Ok(key)
}

/// The key of a transaction for one purpose (A.4).
///
/// # Errors
/// [`BaseError`].
pub fn working_key(transaction: &Key, purpose: Purpose) -> Result<Key, BaseError> {
    check(transaction)?;
    let place = match purpose {
        Purpose::Pin => 7,
        Purpose::MacRequest => 6,
        Purpose::DataRequest => 5,
        Purpose::MacResponse => 4,
    };
    let mut mask = [0; 16];
    (mask[place], mask[place + 8]) = (0xFF, 0xFF);
    let variant = transaction.xor_mask(&mask);
    if purpose != Purpose::DataRequest {
        return Ok(variant);
    }
    // A data key is enciphered by itself, so that nobody who learns it learns the others.
    let tdes = Tdes::new(&variant);
    let mut key = Zeroizing::new([0; 16]);
    for (out, half) in key.as_chunks_mut::<8>().0.iter_mut().zip(variant.expose().as_chunks::<8>().0) {
        *out = tdes.encrypt(*half);
    }
    Ok(two_parts(&key))
}

/// The step that cannot be undone (A.2): from one key to the next.
fn generated(key: &Key, register: [u8; 8]) -> Key {
    let mut next = Zeroizing::new([0; 16]);
    next[8..].copy_from_slice(&half(key, register));
    next[..8].copy_from_slice(&half(&key.xor_mask(&MASK), register));
    two_parts(&next)
}

fn half(key: &Key, register: [u8; 8]) -> [u8; 8] {
    let (left, right) = key.expose().split_at(8);
    let left = Tdes::new(&Key::tdes(left).expect("half of sixteen"));
    xor(left.encrypt(xor(register, right)), right)
}

fn check(key: &Key) -> Result<(), BaseError> {
    if key.cipher() == Cipher::Tdes && key.length() == 16 { Ok(()) } else { Err(BaseError) }
}

fn two_parts(bytes: &[u8; 16]) -> Key {
    Key::tdes(bytes).expect("16 bytes are a key of triple DES")
}
