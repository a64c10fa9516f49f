use crate::Noun;
use alloc::vec::Vec;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, zeroize_bytes};

/// What a message said besides what [`Txn`](crate::Txn) names: noun by noun, unread by the switch, for the dialect on the
/// other side. Wiped when dropped, because tracks and PIN blocks travel in it; `Debug` shows nouns and no
/// contents.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Carried(Vec<u8>);

impl Carried {
    /// Nothing carried yet, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds a noun; contents longer than 65,535 bytes cannot occur in a bounded message and are cut there.
    pub fn push(&mut self, noun: Noun, contents: &[u8]) {
        self.push_with(noun, |out| out.extend_from_slice(contents));
    }

    /// Adds a noun whose contents `write` appends.
    pub fn push_with(&mut self, noun: Noun, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.extend_from_slice(&[noun as u8, 0, 0]);
        let start = self.0.len();
        write(&mut self.0);
        let length = (self.0.len() - start).min(usize::from(u16::MAX));
        self.0.truncate(start + length);
        self.0[start - 2..start].copy_from_slice(&(length as u16).to_le_bytes());
    }

    /// The contents of a noun, when it is carried.
    pub fn get(&self, noun: Noun) -> Option<&[u8]> {
        self.iter().find_map(|(at, contents)| (at == noun as u8).then_some(contents))
    }

    /// Noun numbers and contents, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (&[noun, low, high], after) = rest.split_first_chunk::<3>()?;
            let (contents, after) = after.split_at(usize::from(u16::from_le_bytes([low, high])));
            rest = after;
            Some((noun, contents))
        })
    }

    /// Whether nothing is carried.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Zeroize for Carried {
    fn zeroize(&mut self) {
        // Filling nothing is not free: where there is no room the address is none either, and the C library's
        // masked stores take a hundred nanoseconds to find out that they need not fault there.
        if self.0.capacity() == 0 {
            return;
        }
        // What was cut off again lies behind the end. The bytes themselves are wiped in one go: `Vec`'s own
        // way is byte by byte, and there are hundreds of them in every message.
        self.0.spare_capacity_mut().zeroize();
        zeroize_bytes(&mut self.0);
        self.0.clear();
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Carried {}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nouns = self.iter().map(|(noun, _)| Noun::numbered(noun).map_or("?", Noun::name));
        f.debug_list().entries(nouns).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn what_is_carried_comes_back_and_does_not_print() {
        let mut carried = Carried::default();
        carried.push(Noun::Track2, b"4111111111111111=3012");
        carried.push(Noun::AcceptorId, b"");
        carried.push(Noun::IccData, &[0x9F, 0x26]);
        assert_eq!(carried.get(Noun::IccData), Some(&[0x9F, 0x26][..]));
        assert_eq!(carried.get(Noun::AcceptorId), Some(&b""[..]));
        assert_eq!(carried.get(Noun::PinBlock), None);
        assert_eq!(format!("{carried:?}"), r#"["track2", "acceptor_id", "icc_data"]"#);
    }
}
