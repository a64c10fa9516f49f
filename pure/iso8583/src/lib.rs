//! Fields without a partner: shapes, bitmaps, composites, decode, encode, the described tree.
//!
//! A [`Spec`] says how a family of messages lies on the wire. [`decode`] reads one message under it, all of
//! it or nothing; [`Writer`] is its inverse; [`describe`] shows a message to people with its secrets masked;
//! [`encode_tree`] makes bytes from what a person wrote; [`lint`] finds what is wrong with a spec itself.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod alphabet;
mod ber;
mod compose;
mod contents;
mod decode;
mod emv;
mod encode;
mod error;
mod inside;
mod length;
mod lint;
mod message;
pub mod spec;
pub mod tables;
mod tree;
mod value;

pub use compose::PartsWriter;
pub use contents::write_contents;
pub use decode::{Refusal, decode};
pub use encode::{Writer, encode_tree};
pub use error::{DecodeError, Element, EncodeError, Expected, Found, Head, Step};
pub use lint::{Complaint, Flaw, lint};
pub use message::Message;
pub use spec::Spec;
pub use tree::{Line, Node, Tree, Unmask, describe};
pub use value::{Part, Parts, Value};
