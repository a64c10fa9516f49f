use alloc::vec::Vec;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, zeroize_bytes};

/// A card number. Prints as its first six and last four digits, is wiped when dropped, and shows its digits
/// only to [`Pan::expose`], whose callers are few and can be listed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan {
    digits: [u8; 19],
    length: u8,
}

impl Pan {
    /// No card number.
    pub const NONE: Self = Self { digits: [0; 19], length: 0 };

    /// Takes 1 to 19 ASCII digits; `None` for anything else.
    pub fn new(digits: &[u8]) -> Option<Self> {
        if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut pan = Self::NONE;
        pan.digits[..digits.len()].copy_from_slice(digits);
        pan.length = digits.len() as u8;
        Some(pan)
    }

    /// Whether there is none.
    pub const fn is_none(&self) -> bool {
        self.length == 0
    }

    /// The digits in ASCII. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.digits[..self.length as usize]
    }

    /// Whether the number begins with these digits: what a route asks.
    pub fn starts_with(&self, prefix: &[u8]) -> bool {
        self.expose().starts_with(prefix)
    }

    /// First six and last four digits with stars between; nothing but stars below 13 digits, because ten
    /// digits of a short number would be nearly all of it.
    pub fn masked(&self) -> Masked<'_> {
        Masked(self)
    }

    /// Whether the last digit is the check digit of the others (Luhn; ISO/IEC 7812-1, annex B).
    pub fn luhn_holds(&self) -> bool {
        let sum: u32 = (self.expose().iter().rev().enumerate())
            .map(|(at, digit)| {
                let value = u32::from(digit - b'0') << (at % 2);
                if value > 9 { value - 9 } else { value }
            })
            .sum();
        !self.is_none() && sum.is_multiple_of(10)
    }
}

impl Zeroize for Pan {
    fn zeroize(&mut self) {
        zeroize_bytes(&mut self.digits);
        self.length.zeroize();
    }
}

impl Drop for Pan {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Pan {}

impl Default for Pan {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.masked(), f)
    }
}

/// A card number as people may see it.
#[derive(Clone, Copy)]
pub struct Masked<'a>(&'a Pan);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.expose();
        let open = if digits.len() >= 13 { (6, digits.len() - 4) } else { (0, digits.len()) };
        for (at, &digit) in digits.iter().enumerate() {
            let shown = if at < open.0 || at >= open.1 { digit as char } else { '*' };
            fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

/// Bytes nobody may read by accident: track data, PIN blocks, anything unparsed that may hold them. `Debug`
/// shows the word "sealed" and nothing else, not even a length; the bytes are wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Seals these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever calls this must not print, log or store what comes back.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn pan(digits: &[u8]) -> Pan {
        Pan::new(digits).expect("digits")
    }

    #[test]
    fn a_card_number_never_prints_whole() {
        assert_eq!(format!("{:?}", pan(b"4111111111111111")), "411111******1111");
        assert_eq!(format!("{}", pan(b"6228481234567890123").masked()), "622848*********0123");
    }

    #[test]
    fn a_wiped_card_number_is_none() {
        let mut wiped = pan(b"4111111111111111");
        wiped.zeroize();
        assert!(wiped.is_none() && wiped.digits == [0; 19]);
    }

    #[test]
    fn a_short_card_number_prints_nothing() {
        assert_eq!(format!("{:?}", pan(b"123456789012")), "************");
    }

    #[test]
    fn a_sealed_thing_prints_only_that_it_is_sealed() {
        assert_eq!(format!("{:?}", Sealed::new(b"=3012".to_vec())), "sealed");
    }

    #[test]
    fn the_check_digit_is_checked() {
        assert!(pan(b"4111111111111111").luhn_holds());
        assert!(!pan(b"4111111111111112").luhn_holds());
        assert!(!Pan::NONE.luhn_holds());
    }

    #[test]
    fn only_digits_make_a_card_number() {
        for bad in [&b""[..], b"41111111111111x1", b"12345678901234567890"] {
            assert!(Pan::new(bad).is_none());
        }
    }
}
