//! Security modules behind a PKCS#11 library: a smart card, a network HSM, a token in software.
//!
//! ```text
//!  in the token   KEY-wrap    AES-256: keys at rest lie under it (RFC 3394)
//!                 KEY-seal    AES-256: seals what is said of them (CMAC)
//!                 KEY-check   AES-128, of no use but this: what comes out when the other two handle it is the check
//!                             value of all three
//!  on disk        P1:zak:A16:M0C00E:W4F...:9C...   what for, which, how, the key under KEY-wrap, the seal
//! ```
//! No key is ever in clear outside the token: it is drawn there, leaves only wrapped, and comes back as an object of one
//! session, for one use. What a token cannot do without showing a secret it does not do here: a PIN is never moved.
//!
//! A library's calls block, so each session has a thread ([`spawn`]); whoever can wait has a [`Token`].
#![forbid(unsafe_code)]

mod abilities;
mod config;
mod error;
mod held;
mod kept;
mod keys;
mod library;
mod login;
mod mac;
mod masters;
mod stored;
mod token;
mod worker;

pub use abilities::Abilities;
pub use config::TokenConfig;
pub use error::OpenError;
pub use keys::Adopted;
pub use token::Token;
pub use worker::{Told, Workers, spawn};
