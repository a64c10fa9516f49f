//! What a security module does, and how it is asked.
//!
//! The lowest layer is arithmetic: PIN blocks, MACs, check values, key blocks, keys derived for one use. Nothing
//! here reads a clock or draws a random bit: whoever needs randomness hands in a [`drbg::Random`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod card;
pub mod check_value;
mod cipher;
pub mod drbg;
pub mod dukpt;
pub mod emv;
pub mod keyblock;
pub mod lmk;
pub mod mac;
pub mod pin;
mod secret;
pub mod self_test;

pub use secret::{Cipher, KEY_BYTES_MAX, Key, KeyLengthError, PIN_DIGITS, Pin, same};
