//! All chance in the simulator comes from here, and all of it from the seed.

/// SplitMix64: small, quick, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Luck(u64);

impl Luck {
    /// Streams of neighbouring seeds have nothing in common.
    pub(crate) fn new(seed: u64) -> Self {
        let mut luck = Self(seed ^ 0x5E_1515_0583);
        luck.next();
        luck
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// 0 up to, and without, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The bias of the remainder is far below anything a simulation could notice.
        self.next() % end.max(1)
    }

    /// From `from` up to, and with, `to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    pub(crate) fn permille(&mut self, rate: u32) -> bool {
        rate > 0 && self.below(1_000) < u64::from(rate)
    }

    /// Around `mean`, mostly less, sometimes several times as much. In integers, so that no platform rounds
    /// differently.
    pub(crate) fn about(&mut self, mean: u64) -> u64 {
        let drawn = self.next();
        let halvings = u64::from((drawn | 1).leading_zeros()) * 1_000 + (drawn & 1_023);
        mean * halvings * 693 / 1_000_000
    }
}

/// One round of a good mixer.
pub(crate) const fn mix(value: u64) -> u64 {
    let mixed = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
