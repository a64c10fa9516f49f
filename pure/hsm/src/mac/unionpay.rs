//! The two ways of the UnionPay family, besides the standard ones.

use crate::cipher::{Blocks, Tdes, xor};
use crate::secret::Key;
use alloc::vec::Vec;
use wire::hex::{Charset, word};

/// The "ECB" MAC of point-of-sale links: all blocks of eight are added, zeros filling the last; the sum is written
/// as sixteen hex characters, whose first eight are enciphered, added to the last eight, and enciphered again.
/// What travels is the first four bytes as hex characters. Source: public descriptions of the POS specification,
/// with a worked example.
pub fn ecb(key: &Key, data: &[u8]) -> [u8; 8] {
    let (first, last) = halves(data);
    let tdes = Tdes::new(key);
    tdes.encrypt(xor(tdes.encrypt(first), &last))
}

/// The first eight and the last eight of these sixteen characters: CBC over them in this order is the MAC.
pub fn halves(data: &[u8]) -> ([u8; 8], [u8; 8]) {
    let sum = data.chunks(8).fold([0; 8], xor);
    let characters = word(Charset::Ascii, u64::from_be_bytes(sum));
    let (first, last) = characters.split_at(8);
    let half = |half: &[u8]| half.try_into().expect("half of sixteen");
    (half(first), half(last))
}

/// The text a CBC MAC between institutions is made of: the fields with one space between, small letters as capital
/// ones, nothing but letters, digits, space, comma and full stop, no space at either end and never two in a row.
/// Source: CUPS, part on data security, "MAC block".
pub fn plain<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut block = Vec::new();
    for field in fields {
        block.push(b' ');
        block.extend(field.iter().map(u8::to_ascii_uppercase).filter(|&byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b',' | b'.')
        }));
    }
    let mut before = b' ';
    block.retain(|&byte| {
        let is_second = byte == b' ' && before == b' ';
        before = byte;
        !is_second
    });
    if block.last() == Some(&b' ') {
        block.pop();
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_made_plain() {
        let fields: [&[u8]; 5] = [b"0200", b" 196222\x00024 ", b"", b"a.b,c-d", b"  x  "];
        assert_eq!(plain(fields), b"0200 196222024 A.B,CD X");
        assert_eq!(plain([&b"--"[..]]), b"");
    }
}
