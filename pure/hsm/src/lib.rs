//! What a security module does, and how it is asked.
//!
//! Three layers, each on the one before. Arithmetic: PIN blocks, MACs, check values, key blocks, keys derived for one
//! use. Operations: what a switch asks, as values ([`ops::Request`], [`ops::Answer`]), so that whoever decides need
//! not know who carries them. Modules: the software one, and the codec of the payShield family with both its sides.
//!
//! Nothing here reads a clock or draws a random bit: whoever needs randomness hands in a seed, or a
//! [`drbg::Random`].
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
pub mod keywrap;
pub mod lmk;
pub mod mac;
pub mod ops;
pub mod payshield;
pub mod pin;
pub mod pool;
pub mod ring;
mod secret;
pub mod self_test;
pub mod software;

pub use secret::{Cipher, KEY_BYTES_MAX, Key, KeyLengthError, PIN_DIGITS, Pin, same};
