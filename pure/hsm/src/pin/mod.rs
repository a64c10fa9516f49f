//! PIN blocks and their translation.

mod block;
mod format;
mod translate;

pub use block::{
    ClearBlock, Enciphered, Fill, PinError, PlainField, compose, decipher, encipher, extract, iso4_fields,
};
pub use format::Format;
pub use translate::{PinLeg, Policy, TranslateError, translate};

use terms::Pan;

/// The twelve rightmost digits of a card number without its check digit: what binds a PIN block to it. Shorter
/// numbers are filled with zeros on the left. Source: ISO 9564-1, 8.3.
pub fn account(pan: &Pan) -> [u8; 12] {
    let digits = pan.expose();
    let without_check = &digits[..digits.len().saturating_sub(1)];
    let from = without_check.len().saturating_sub(12);
    let mut account = [b'0'; 12];
    let taken = &without_check[from..];
    account[12 - taken.len()..].copy_from_slice(taken);
    account
}
