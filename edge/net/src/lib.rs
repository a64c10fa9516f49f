//! TCP and TLS: listen and dial, frames in, frames out, limits.
//!
//! Everything happens on one thread, in the local task set the [`Net`] was made in. A wake-up of that thread
//! is a *turn*: each connection that has something is read once and its frames are handed to the [`Handler`]
//! where they lie; then [`Handler::turn_ended`] is called; then each connection that was sent something is
//! written once.
//!
//! ```text
//!  read ─▶ frame ─▶ frame ─▶ … ─▶ turn_ended ─▶ one write per connection
//!  (every connection that woke)    (once)
//! ```
#![forbid(unsafe_code)]

mod call;
mod conn;
mod counters;
mod dial;
mod drive;
mod error;
mod gate;
mod handler;
mod listen;
mod open_files;
mod pair;
mod party;
mod pool;
mod shared;
mod socket;
mod stream;
mod tls;

pub use call::{CallError, CallerLine, TlsCaller, machine_authorities};
pub use conn::{Conn, Role, SendError};
pub use counters::{Counters, Counts};
pub use dial::{DialConfig, LinkHandle, LinkState};
pub use error::{ConnectError, NetError, refusal_is_permanent};
pub use gate::{AllowedPeer, BanRule};
pub use handler::{CloseReason, Handler};
pub use listen::{ListenerConfig, Listening, Service};
pub use open_files::raise_open_files_max;
pub use pair::PairRule;
pub use party::Limits;
pub use pool::{PoolRule, PoolSize};
pub use shared::{Net, NetConfig};
pub use tls::{TlsClient, TlsDoor, TlsError, TlsLine, TlsServer};
