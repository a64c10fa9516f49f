//! The host commands of the payShield family, as both sides write them. Source: publicly described command layouts,
//! and recorded exchanges; clauses of the vendor's manual are not public.
//!
//! A message is a header of agreed length that comes back unchanged, two letters of command, fields, and a trailer
//! behind 0x19 that comes back too. On a TCP link two bytes of length stand in front.

mod client;
mod codes;
mod fields;
mod message;
mod roles;
mod server;
mod tasks;
pub mod test_lmk;

pub use client::{Client, Keeping, Misfit, Unusable};
pub use codes::{code_of, fault_of};
pub use message::{HEADER_BYTES_MAX, MESSAGE_BYTES_MAX, Message, MessageError};
pub use server::{Server, ServerConfig};
