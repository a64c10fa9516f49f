/// SplitMix64: the same seed, the same story.
#[derive(Clone, Debug)]
pub struct Luck(u64);

impl Luck {
    /// From `SEKISHO_SEED` where it is set, otherwise from `default`; says which.
    pub fn from_environment(default: u64) -> Self {
        let given = std::env::var("SEKISHO_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or(default);
        println!("seed {seed} (play it again with SEKISHO_SEED={seed})");
        Self(seed)
    }

    /// From a seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
