use core::fmt;

/// A short piece of text kept where it stands, without an allocation: at most `N` bytes (`N` <= 255).
///
/// Holds what a peer sent in a text field, so any byte may occur; `Display` shows what is not printable
/// ASCII as `?`. Not for secrets: see [`crate::Pan`] and [`crate::Sealed`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    /// Takes `bytes` when they fit; `None` when they are longer than `N`.
    #[inline]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        // Most fields are fixed: a copy whose length is known needs no call.
        if let Ok(&bytes) = <&[u8; N]>::try_from(bytes) {
            return Some(Self { bytes, length: N as u8 });
        }
        let mut text = Self::EMPTY;
        text.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        text.length = bytes.len() as u8;
        Some(text)
    }

    /// Takes the first `N` bytes: for labels, where losing the tail loses nothing that is decided on.
    pub fn clipped(bytes: &[u8]) -> Self {
        Self::new(&bytes[..bytes.len().min(N)]).unwrap_or(Self::EMPTY)
    }

    /// The bytes as they came.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    /// The text, where it is UTF-8; otherwise empty.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.as_bytes() {
            let shown = if byte.is_ascii_graphic() || byte == b' ' { byte as char } else { '?' };
            fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_fits_and_refuses_what_does_not() {
        assert_eq!(Text::<4>::new(b"0200").map(|t| t.as_str().len()), Some(4));
        assert_eq!(Text::<4>::new(b"02001"), None);
        assert_eq!(Text::<4>::clipped(b"02001").as_bytes(), b"0200");
    }

    #[test]
    fn a_text_prints_nothing_a_terminal_would_obey() {
        use alloc::string::ToString;
        assert_eq!(Text::<8>::clipped(b"a\x1b[2J").to_string(), "a?[2J");
    }
}
