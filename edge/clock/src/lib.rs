//! The only reader of time and entropy.
