//! What is remembered: records, checksums, hash chain, segments, snapshots, recovery.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
