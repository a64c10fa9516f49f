//! Random bits from a seed that is handed in: nothing here asks the machine for entropy.

use crate::cipher::{Aes, Blocks, xor};
use crate::secret::Key;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Whoever can fill bytes with random bits fit for keys.
pub trait Random {
    /// Fills all of `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Bytes of a seed: a key and a block of AES-256.
pub const SEED_BYTES: usize = 48;

/// The deterministic generator on AES-256 in counter mode, without a derivation function: the seed must have full
/// entropy. The same seed gives the same bits. Source: NIST SP 800-90A Rev. 1, 10.2.1.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Drbg {
    key: [u8; 32],
    counter: [u8; 16],
}

impl Drbg {
    /// A generator that begins with this seed.
    pub fn new(seed: &[u8; SEED_BYTES]) -> Self {
        let mut drbg = Self { key: [0; 32], counter: [0; 16] };
        drbg.update(seed);
        drbg
    }

    /// Adds fresh entropy (10.2.1.4.1).
    pub fn reseed(&mut self, seed: &[u8; SEED_BYTES]) {
        self.update(seed);
    }

    fn cipher(&self) -> Aes {
        Aes::new(&Key::aes(&self.key).expect("32 bytes are a key of AES"))
    }

    fn step(&mut self, aes: &Aes) -> [u8; 16] {
        self.counter = u128::from_be_bytes(self.counter).wrapping_add(1).to_be_bytes();
        aes.encrypt(self.counter)
    }

    fn update(&mut self, data: &[u8; SEED_BYTES]) {
        let aes = self.cipher();
        let mut next = Zeroizing::new([0; SEED_BYTES]);
        for block in next.as_chunks_mut::<16>().0 {
            *block = self.step(&aes);
        }
        let next = Zeroizing::new(xor(*next, data));
        self.key.copy_from_slice(&next[..32]);
        self.counter.copy_from_slice(&next[32..]);
    }
}

impl Random for Drbg {
    fn fill(&mut self, bytes: &mut [u8]) {
        let aes = self.cipher();
        for chunk in bytes.chunks_mut(16) {
            let block = self.step(&aes);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        // What was given can no longer be computed from what is kept.
        self.update(&[0; SEED_BYTES]);
    }
}

impl fmt::Debug for Drbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a random generator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_same_seed_gives_the_same_bits_and_fresh_entropy_others() {
        let (mut one, mut two) = (Drbg::new(&[7; SEED_BYTES]), Drbg::new(&[7; SEED_BYTES]));
        let (mut first, mut second) = ([0; 40], [0; 40]);
        one.fill(&mut first);
        two.fill(&mut second);
        assert_eq!(first, second);
        two.reseed(&[9; SEED_BYTES]);
        one.fill(&mut first);
        two.fill(&mut second);
        assert_ne!(first, second);
    }
}
