//! What random cases are made of: the same seed gives the same cases.

use hsm::drbg::{Drbg, Random, SEED_BYTES};
use hsm::{Cipher, Key, Pin};
use terms::Pan;

/// Draws from a seed.
pub(crate) struct Draw(Drbg);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = [0; SEED_BYTES];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Drbg::new(&bytes))
    }

    pub(crate) fn random(&mut self) -> &mut dyn Random {
        &mut self.0
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.fill(&mut bytes);
        bytes
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// From 0 up to and without `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        u32::from_le_bytes(self.array()) as usize % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    pub(crate) fn key(&mut self, cipher: Cipher, lengths: &[usize]) -> Key {
        let length = self.pick(lengths);
        Key::new(cipher, &self.bytes(length)).expect("a length of the cipher")
    }

    pub(crate) fn pin(&mut self) -> Pin {
        let length = 4 + self.below(9);
        Pin::new(self.digits(length).as_bytes()).expect("4 to 12 digits")
    }

    pub(crate) fn pan(&mut self) -> Pan {
        let length = 13 + self.below(7);
        Pan::new(self.digits(length).as_bytes()).expect("up to 19 digits")
    }
}
