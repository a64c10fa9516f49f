use alloc::vec::Vec;

/// Longest header a module can be set to.
pub const HEADER_BYTES_MAX: usize = 255;
/// Longest message without its length: what two bytes can say.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
/// What stands before a trailer.
const TRAILER: u8 = 0x19;
/// Longest trailer.
const TRAILER_BYTES_MAX: usize = 32;

/// A command or an answer, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What the host put in front.
    pub header: &'a [u8],
    /// The command, or what answers it.
    pub code: [u8; 2],
    /// Everything between code and trailer.
    pub body: &'a [u8],
    /// The trailer, without what stands before it.
    pub trailer: Option<&'a [u8]>,
}

/// What is wrong with bytes that should be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It ends before its code does.
    #[error("a message has at least {expected} bytes, and this one {found}")]
    Short {
        /// Header and code.
        expected: usize,
        /// What there is.
        found: usize,
    },
}

impl<'a> Message<'a> {
    /// Takes a command apart. A trailer is what follows the last 0x19 within reach of the end, where it is text.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(bytes: &'a [u8], header_bytes: usize) -> Result<Self, MessageError> {
        let short = MessageError::Short { expected: header_bytes + 2, found: bytes.len() };
        let (header, rest) = bytes.split_at_checked(header_bytes).ok_or(short)?;
        let (code, rest) = rest.split_first_chunk::<2>().ok_or(short)?;
        let within = rest.len().saturating_sub(TRAILER_BYTES_MAX + 1);
        let at = rest[within..].iter().rposition(|&byte| byte == TRAILER).map(|at| within + at);
        // Data of a command may hold the same byte; text behind it tells a trailer from data.
        let at = at.filter(|&at| rest[at + 1..].iter().all(|byte| (b' '..=b'~').contains(byte)));
        let (body, trailer) = match at {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        Ok(Self { header, code: *code, body, trailer })
    }

    /// All of it, without the length.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = [self.header, &self.code, self.body].concat();
        if let Some(trailer) = self.trailer {
            bytes.push(TRAILER);
            bytes.extend(trailer);
        }
        bytes
    }
}

/// What answers a command: the same first letter, the second one further.
pub(super) const fn answering(code: [u8; 2]) -> [u8; 2] {
    [code[0], code[1].wrapping_add(1)]
}
