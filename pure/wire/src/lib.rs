//! Bytes without meaning: frames, BCD, EBCDIC, hex, a bounded reader and writer.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod bcd;
pub mod ebcdic;
pub mod few;
pub mod frame;
pub mod hex;
mod named;
mod prefix;
pub mod read;
pub mod swar;
pub mod write;

pub use frame::{FrameError, Framing, Header, HeaderBytes, Next, Prefix, Trailer, WriteError};
pub use named::NameError;
pub use read::{Reader, Short};
