//! A partner as data: fields to canonical transactions and back, presence, codes, imports.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
