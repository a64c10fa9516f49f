//! Chance from a seed, and what it does to bytes.

/// SplitMix64: the same seed, the same run.
#[derive(Clone, Debug)]
pub struct Luck(u64);

impl Luck {
    /// From this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// One of the seeds, changed in a few places, sometimes joined with another; sometimes only noise.
    pub fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let one = self.below(seeds.len());
        let mut bytes = seeds.get(one).cloned().unwrap_or_default();
        match self.below(16) {
            0 => bytes = (0..self.below(300)).map(|_| self.number() as u8).collect(),
            1 => {
                let other = &seeds[self.below(seeds.len())];
                bytes.truncate(self.below(bytes.len() + 1));
                bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
            2 => {}
            _ => (0..=self.below(6)).for_each(|_| self.mutate(&mut bytes)),
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return bytes.push(self.number() as u8);
        }
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes[at] = self.number() as u8,
            1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at] = INTERESTING[self.below(INTERESTING.len())],
            3 => bytes.insert(at, self.number() as u8),
            4 => drop(bytes.remove(at)),
            5 => bytes.truncate(at),
            6 => {
                let end = (at + 1 + self.below(16)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let end = (at + 1 + self.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
}

const INTERESTING: &[u8] = b"\x00\x01\x03\x0F\x10\x20\x7F\x80\x99\xC0\xF0\xF9\xFF09AFaf=\"<>{}[],. ";
