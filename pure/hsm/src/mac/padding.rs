use core::fmt;

/// What fills data up to whole blocks. Source: ISO/IEC 9797-1:2011, 6.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zeros where the last block is short; a block of them where there is no data (method 1).
    #[default]
    Zeros,
    /// One bit, then zeros, always (method 2).
    Bit,
    /// The length in bits as a block in front, then as method 1 (method 3).
    Length,
    /// None, for data that is whole blocks already.
    None,
}

impl Padding {
    /// The method of that number in the standard.
    pub const fn of_method(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Zeros,
            2 => Self::Bit,
            3 => Self::Length,
            _ => return None,
        })
    }

    /// The block made of what is left over behind the whole ones, where there is to be one.
    pub(super) fn last_block<const N: usize>(self, data_bytes: usize, left: &[u8]) -> Option<[u8; N]> {
        let mut block = [0; N];
        block[..left.len()].copy_from_slice(left);
        match self {
            Self::Zeros | Self::Length if data_bytes == 0 => {}
            Self::Zeros | Self::Length if left.is_empty() => return None,
            Self::Zeros | Self::Length => {}
            Self::Bit => block[left.len()] = 0x80,
            Self::None => return None,
        }
        Some(block)
    }
}

/// The length of the data in bits, as a block.
pub(super) fn length_block<const N: usize>(data_bytes: usize) -> [u8; N] {
    let bits = (data_bytes as u64 * 8).to_be_bytes();
    let mut block = [0; N];
    block[N - 8..].copy_from_slice(&bits);
    block
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zeros => "method 1",
            Self::Bit => "method 2",
            Self::Length => "method 3",
            Self::None => "no filling",
        })
    }
}
