//! Fields without a partner: shapes, bitmaps, composites, decode, encode, the described tree.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod spec;
