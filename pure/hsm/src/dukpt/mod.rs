//! Keys that are used once: both derive a key for each transaction from one base key and a counter.

pub mod aes;
pub mod tdes;
