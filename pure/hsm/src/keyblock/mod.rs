//! Key blocks: a key, what it is for, and a MAC that binds the two.
//!
//! Two families share one header. Blocks of ANSI X9.143 (TR-31) travel between parties; blocks of the payShield
//! kind begin with `S` and live beside one module. They differ in what they derive, and in what the MAC covers.

mod error;
mod header;
pub(crate) mod keys;
pub(crate) mod open;
pub(crate) mod wrap;

pub use error::{BlockError, WrapError};
pub use header::{Exportable, Family, Header, Optional, Version};
pub use open::{Opened, open, peek};
pub use wrap::wrap;
