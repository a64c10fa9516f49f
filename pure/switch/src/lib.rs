//! What is decided: admit, route, flow, pairing; one lane of transactions as a pure machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
