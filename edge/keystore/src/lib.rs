//! Keys on disk: one file for each owner, the audit of every change, and the master key of the software module.
//!
//! ```text
//!  DIR/lmk            the master key: 32 bytes, for the owner of the file alone
//!  DIR/lmk-for-tests  there where one person had that drawn, for tests
//!  DIR/seal.key       what seals the files below; no command shows it
//!  DIR/audit.log      one line for each act, each with the digest of all before it
//!  DIR/link.cn.json   the keys of one owner, under the master key, sealed
//!  DIR/ceremony.json  components entered so far, under a key that ends with the ceremony
//! ```
//! Several processes may use one store: each change is made under a lock, and begins with what others have done. The
//! new file is written first, beside the old one, then the audit entry with its digest, then it takes the old one's
//! place. Where that stops in the middle, whoever comes next finds by the digest which of the two counts.
//!
//! No link is followed, and nothing is taken that another user owns or may write: commands run as the user of the switch.
#![forbid(unsafe_code)]

mod audit;
mod ceremony;
mod error;
mod files;
mod master;
mod memory;
mod noted;
mod owned;
mod requests;
mod seal;
mod store;

pub use audit::{AuditError, Line, Verified, entries, verify};
pub use ceremony::{Ceremony, CeremonyError, Entered, Maker, Purpose};
pub use error::StoreError;
pub use master::{Made, MasterFile};
pub use memory::{Locking, keep_memory_to_ourselves, memory_is};
pub use noted::{compare_end, note_end};
pub use requests::{Asked, ask_for};
pub use store::{Act, News, Store};
