//! A reader that cannot read past its end.

/// Fewer bytes are left than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {needed_bytes} bytes needed, {left_bytes} left")]
pub struct Short {
    /// Where the reader stood.
    pub at: usize,
    /// How many bytes were asked for.
    pub needed_bytes: usize,
    /// How many there are.
    pub left_bytes: usize,
}

/// Walks bytes from front to back. Never panics, never copies.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Stands before the first of `bytes`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Stands before byte `at`, or at the end where there is no such byte.
    #[inline]
    pub fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    /// How many bytes it has passed.
    #[inline]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    #[inline]
    pub const fn left_bytes(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Passes `count` bytes and gives them; stays where it was when there are fewer.
    ///
    /// # Errors
    /// [`Short`].
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Short> {
        // `at` never exceeds the length, so the subtraction cannot wrap, and the sum is then within it.
        if count > self.bytes.len() - self.at {
            return Err(self.short(count));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// Passes one byte and gives it.
    ///
    /// # Errors
    /// [`Short`].
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Short> {
        self.take(1).map(|one| one[0])
    }

    #[cold]
    fn short(&self, needed_bytes: usize) -> Short {
        Short { at: self.at, needed_bytes, left_bytes: self.left_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_stops_at_the_end_and_says_where() {
        let mut reader = Reader::new(b"0200");
        assert_eq!(reader.take(3), Ok(&b"020"[..]));
        assert_eq!(reader.take(2), Err(Short { at: 3, needed_bytes: 2, left_bytes: 1 }));
        assert_eq!(reader.byte(), Ok(b'0'), "a refused step does not move it");
        assert_eq!(reader.take(usize::MAX), Err(Short { at: 4, needed_bytes: usize::MAX, left_bytes: 0 }));
        assert_eq!(Reader::starting_at(b"x", 9).left_bytes(), 0);
    }
}
