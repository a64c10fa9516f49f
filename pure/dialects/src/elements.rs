/// A set of data elements 1 to 192: element 1 is the top bit of the first word, as bitmaps have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Elements([u64; 3]);

impl Elements {
    /// The elements of a message that was read.
    #[inline]
    pub(crate) const fn of_bitmaps(bitmaps: [u64; 3]) -> Self {
        Self(bitmaps)
    }

    #[inline]
    pub(crate) const fn insert(&mut self, de: u8) {
        let (word, bit) = place(de);
        self.0[word] |= bit;
    }

    pub(crate) const fn remove(&mut self, de: u8) {
        let (word, bit) = place(de);
        self.0[word] &= !bit;
    }

    #[inline]
    pub(crate) const fn contains(&self, de: u8) -> bool {
        let (word, bit) = place(de);
        self.0[word] & bit != 0
    }

    /// What is in both.
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1], self.0[2] & other.0[2]])
    }

    /// What is in either.
    #[inline]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1], self.0[2] | other.0[2]])
    }

    /// The first element of this set that is not in `other`.
    #[inline]
    pub(crate) fn first_outside(&self, other: &Self) -> Option<u8> {
        (0..3).find_map(|word| {
            let left = self.0[word] & !other.0[word];
            (left != 0).then(|| (word as u32 * 64 + left.leading_zeros() + 1) as u8)
        })
    }

    /// Those of them that stand behind the first bitmap, 65 and up.
    #[inline]
    pub(crate) const fn beyond_64(self) -> Self {
        Self([0, self.0[1], self.0[2]])
    }

    /// Its elements in ascending order.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        let mut word = 0;
        let mut left = self.0[0];
        core::iter::from_fn(move || {
            while left == 0 {
                word += 1;
                left = *self.0.get(word)?;
            }
            let place = left.leading_zeros();
            left &= !(1 << (63 - place));
            Some((word as u32 * 64 + place + 1) as u8)
        })
    }
}

impl FromIterator<u8> for Elements {
    fn from_iter<I: IntoIterator<Item = u8>>(elements: I) -> Self {
        let mut set = Self::default();
        elements.into_iter().for_each(|de| set.insert(de));
        set
    }
}

/// Element 0 is none; it shares the place of 192 and no caller has it.
#[inline]
const fn place(de: u8) -> (usize, u64) {
    let at = de.wrapping_sub(1) as usize;
    let word = if at < 128 { at / 64 } else { 2 };
    (word, 1 << (63 - at % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: Elements = [1, 2, 64, 65, 128, 192].into_iter().collect();
        assert!(set.iter().eq([1, 2, 64, 65, 128, 192]));
        assert!(set.beyond_64().iter().eq([65, 128, 192]));
        assert_eq!(Elements::default().iter().next(), None);
        assert_eq!(set.first_outside(&[1, 2, 64].into_iter().collect()), Some(65));
        assert_eq!(set.first_outside(&set), None);
    }
}
