//! Questions to eight bytes at a time. Every answer is exact for "all of them"; which one failed is for the
//! caller to find, since failing is the rare case.

/// One byte in each of the eight places.
#[inline]
pub const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Whether `bad` finds nothing in `bytes`. `bad` is given eight bytes at once and has the top bit of a place
/// set when it dislikes that byte; for the bytes missing at the end it is given `neutral`, which it must like.
/// The order of places is not defined, and places after a disliked one may be disliked too.
#[inline]
pub fn none(bytes: &[u8], neutral: u8, bad: impl Fn(u64) -> u64) -> bool {
    let length = bytes.len();
    let mut seen = 0;
    if length >= 8 {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            seen |= bad(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            // The last eight once more, overlapping: cheaper than a loop over what is left.
            seen |= bad(u64::from_le_bytes(eight(&bytes[length - 8..])));
        }
    } else if length >= 4 {
        let low = u32::from_le_bytes(four(&bytes[..4]));
        let high = u32::from_le_bytes(four(&bytes[length - 4..]));
        seen = bad(u64::from(low) | u64::from(high) << 32);
    } else {
        let mut word = each(neutral);
        for &byte in bytes {
            word = word << 8 | u64::from(byte);
        }
        seen |= bad(word);
    }
    seen & each(0x80) == 0
}

/// Top bits where a byte is not an ASCII digit.
#[inline]
pub const fn not_digits(word: u64) -> u64 {
    let value = word ^ each(0x30);
    value | value.wrapping_add(each(0x76))
}

/// Top bits where a byte is outside `low..=high` (both below 0x80).
#[inline]
pub const fn not_within(word: u64, low: u8, high: u8) -> u64 {
    let above = (word & each(0x7F)).wrapping_add(each(0x7F - high));
    let below = !(word & each(0x7F)).wrapping_add(each(0x80 - low));
    word | above | below
}

/// Top bits where a byte is not an ASCII hex digit of either case.
#[inline]
pub const fn not_hex(word: u64) -> u64 {
    let digit = not_within(word, b'0', b'9');
    let letter = not_within(word | each(0x20), b'a', b'f');
    (digit & letter) | word
}

/// Top bits where one of a byte's two nibbles is above 9.
#[inline]
pub const fn not_decimal_nibbles(word: u64) -> u64 {
    let high = (word >> 4 & each(0x0F)).wrapping_add(each(0x06));
    let low = (word & each(0x0F)).wrapping_add(each(0x06));
    (high | low) << 3
}

/// Top bits where one of a byte's two nibbles is neither a decimal digit nor 0xD.
#[inline]
pub const fn not_track_nibbles(word: u64) -> u64 {
    let (high, low) = (word >> 4 & each(0x0F), word & each(0x0F));
    let bad_high = high.wrapping_add(each(0x06)) & (high ^ each(0x0D)).wrapping_add(each(0x0F));
    let bad_low = low.wrapping_add(each(0x06)) & (low ^ each(0x0D)).wrapping_add(each(0x0F));
    (bad_high | bad_low) << 3
}

#[inline]
fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().unwrap_or([0; 8])
}

#[inline]
fn four(bytes: &[u8]) -> [u8; 4] {
    bytes.try_into().unwrap_or([0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_right_for_every_byte_at_every_place_of_every_length() {
        type Question = (u8, fn(u64) -> u64, fn(u8) -> bool);
        let questions: [Question; 5] = [
            (b'0', not_digits, |b| b.is_ascii_digit()),
            (b'0', |w| not_within(w, 0x20, 0x7E), |b| (0x20..=0x7E).contains(&b)),
            (b'0', not_hex, |b| b.is_ascii_hexdigit()),
            (0x00, not_track_nibbles, |b| [b >> 4, b & 15].iter().all(|&n| n <= 9 || n == 0xD)),
            (0x00, not_decimal_nibbles, |b| b >> 4 <= 9 && b & 15 <= 9),
        ];
        for (neutral, bad, good) in questions {
            for length in 0..20 {
                for place in 0..length {
                    for byte in 0..=255 {
                        let mut bytes = [neutral; 20];
                        bytes[place] = byte;
                        assert_eq!(
                            none(&bytes[..length], neutral, bad),
                            good(byte),
                            "{byte} at {place} of {length}"
                        );
                    }
                }
            }
        }
    }
}
