//! What is counted: the totals of a day with each host, from the records of the journal and from nothing else.
//!
//! ```text
//!  records ─▶ Book::apply ─▶ one Totals for each Bucket (host, day, currency)
//!                                └─▶ Figures::of(totals, rule): what is put before a host for comparison
//! ```
//! Whatever stands in a book can be thrown away and counted again. Counted is what a host approved, under the day
//! the host itself said or the day fixed when it was asked; what was undone is counted under the day it was undone
//! on. What nobody knows the end of is not counted, and listed beside the totals: it is where differences come from.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod class;
mod figures;
mod fold;
mod snapshot;
mod totals;

pub use class::Class;
pub use figures::{Figures, Net, Sides};
pub use fold::{Book, Bucket, can_be_settled_on};
pub use terms::{NetRule, ReversalBucket, Tally};
pub use totals::Totals;
