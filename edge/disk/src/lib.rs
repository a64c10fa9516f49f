//! The real storage of the journal: preallocate, write, sync, tell the truth.
//!
//! [`Disk`] keeps one lane's segments and snapshots in a data directory that only one process may hold.
//! [`GroupCommit`] is the thread that syncs: while one sync runs, the next batch gathers.
#![forbid(unsafe_code)]

mod commit;
mod directory;
mod disk;
mod error;
mod figures;
mod key;
mod prepare;
mod room;

pub use commit::GroupCommit;
pub use directory::{Holder, holder};
pub use disk::{Disk, DiskOptions};
pub use error::DiskError;
pub use figures::Figures;
pub use key::data_key;
pub use prepare::{Prepare, Reserve};
pub use room::{Room, room};
