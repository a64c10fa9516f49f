//! Up to sixteen bytes as numbers: most fields are that short, and their lengths are not known to the compiler,
//! which would walk or copy each byte by byte. What is loaded once is asked about and written from there.

use crate::swar;
use alloc::vec::Vec;

/// One to sixteen bytes.
#[derive(Clone, Copy)]
pub struct Few {
    /// The bytes in their order, the first lowest; zeros (or anything [`Few::with`] added) behind them.
    words: [u64; 2],
    /// The same bytes and no others, some of them twice and in any order.
    only: [u64; 2],
    length: usize,
}

impl Few {
    /// Those bytes; `None` where there are none or more than sixteen.
    #[inline]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len();
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            if length > 16 {
                return None;
            }
            let only = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
            // The two overlap by as many bytes as there are fewer than sixteen.
            let behind = only[1].checked_shr((16 - length as u32) * 8).unwrap_or(0);
            return Some(Self { words: [only[0], behind], only, length });
        }
        let (word, only) = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (first, last) = (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
            (first | last << ((length - 4) * 8), first | last << 32)
        } else {
            let first = u64::from(*bytes.first()?);
            let (middle, last) = (u64::from(bytes[length / 2]), u64::from(bytes[length - 1]));
            let word = first | middle << (length / 2 * 8) | last << ((length - 1) * 8);
            (word, (first | middle << 8 | last << 16 | last << 24) * 0x1_0000_0001)
        };
        Some(Self { words: [word, 0], only: [only; 2], length })
    }

    /// How many they are.
    #[inline]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The bytes in their order, the first lowest in the first word; zeros behind them.
    #[inline]
    pub fn words(&self) -> [u64; 2] {
        self.words
    }

    /// Whether `bad`, asked as in [`swar::none`], finds nothing in them.
    #[inline]
    pub fn none(&self, bad: impl Fn(u64) -> u64) -> bool {
        (bad(self.only[0]) | bad(self.only[1])) & swar::each(0x80) == 0
    }

    /// Those bytes with some bits more in each.
    #[inline]
    #[must_use]
    pub fn with(self, bits: u8) -> Self {
        let set = |words: [u64; 2]| words.map(|word| word | swar::each(bits));
        Self { words: set(self.words), only: set(self.only), length: self.length }
    }

    /// Appends them.
    #[inline]
    pub fn append(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        let both = u128::from(self.words[0]) | u128::from(self.words[1]) << 64;
        out.extend_from_slice(&both.to_le_bytes());
        out.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_one_to_sixteen() {
        let bytes = [7; 20];
        for length in 0..=bytes.len() {
            let few = Few::of(&bytes[..length]).map(|few| few.length());
            assert_eq!(few, (1..=16).contains(&length).then_some(length));
        }
    }

    #[test]
    fn a_question_is_put_to_every_byte_and_to_no_other() {
        for length in 1..=16 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = [b'0'; 16];
                    bytes[place] = byte;
                    let few = Few::of(&bytes[..length]).expect("at most sixteen");
                    let digits = few.none(swar::not_digits);
                    assert_eq!(digits, byte.is_ascii_digit(), "{byte} at {place} of {length}");
                    let mut again = Vec::new();
                    few.append(&mut again);
                    assert_eq!(again, bytes[..length]);
                }
            }
        }
    }
}
