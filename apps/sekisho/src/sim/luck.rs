//! Luck that can be had again: the same seed gives the same world.

/// A seeded generator: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014). For simulated customers and faults; never for keys.
#[derive(Clone, Debug)]
pub struct Luck(u64);

impl Luck {
    /// The luck of this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 up to and without `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// One of these; the first where there is nothing to choose.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// A wait until the next arrival when arrivals know nothing of each other and `mean_us` lie between them.
    pub fn wait_us(&mut self, mean_us: f64) -> u64 {
        // 53 bits make a fraction above 0 and up to 1, so the logarithm exists.
        let fraction = ((self.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        (-fraction.ln() * mean_us) as u64
    }

    /// Luck of its own for somebody else, so that the order of their turns does not matter.
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_luck() {
        let drawn = |seed| {
            let mut luck = Luck::seeded(seed);
            [luck.draw(), luck.below(10), luck.between(5, 6)]
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn numbers_stay_between_their_ends_and_reach_both() {
        let mut luck = Luck::seeded(1);
        let drawn: Vec<u64> = (0..1_000).map(|_| luck.between(3, 5)).collect();
        assert!(drawn.iter().all(|number| (3..=5).contains(number)));
        assert!((3..=5).all(|number| drawn.contains(&number)));
        assert_eq!(luck.below(0), 0);
    }

    #[test]
    fn arrivals_come_on_average_when_they_should() {
        let mut luck = Luck::seeded(1);
        let sum: u64 = (0..100_000).map(|_| luck.wait_us(50_000.0)).sum();
        assert!((49_000..51_000).contains(&(sum / 100_000)), "{}", sum / 100_000);
    }
}
