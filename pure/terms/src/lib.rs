//! The nouns everybody shares.
//!
//! Amounts in minor units, business dates, the identities a transaction travels under, the canonical
//! [`Txn`], its four [`Outcome`]s, and the secrets that must never print. Nothing here reads a clock, draws
//! a random number or knows a field number.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod carried;
mod code;
mod ids;
pub mod limits;
mod message;
mod money;
mod noun;
mod secret;
mod text;
mod time;
mod totals;
mod txn;

pub use carried::Carried;
pub use code::{Code, Outcome};
pub use ids::{ConnId, ForwardId, LinkId, LinkName, Rrn, SourceId, Stan, TerminalId, TxnId};
pub use message::{Class, Function, MessageType, NetworkTypes};
pub use money::{Amount, Currency};
pub use noun::{Kind, Network, Noun};
pub use secret::{Pan, Sealed};
pub use text::Text;
pub use time::{BusinessDate, Instant, LocalTime, Now, Timestamp};
pub use totals::{Balance, Comparison, Figure, NetRule, ReversalBucket, Statement, Tally};
pub use txn::{Answer, Original, Outgoing, Pairing, Txn};
