//! Bytes without meaning: frames, BCD, EBCDIC, hex, a bounded reader and writer.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
