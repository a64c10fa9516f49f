//! Each rule about money, told through the front door: the real program, its journal on disk, a host and
//! terminals that speak real frames. Which story tells which rule is a table in the documentation of the crate.

mod deposit;
mod forwarding;
mod inquiry;
mod overload;
mod recovery;
mod repeats;
mod reversal;
mod rules;
mod transfer;
mod withdrawal;
