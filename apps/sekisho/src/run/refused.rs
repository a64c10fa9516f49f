//! What to type next when a start was refused.

use super::opening::StartError;
use disk::DiskError;
use journal::JournalError;
use keystore::StoreError;
use net::NetError;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;

/// A code and what to type.
pub(crate) type Next = (&'static str, String);

impl StartError {
    /// Its code, and what to type next where the configuration is that file.
    pub(crate) fn next(&self, config: &Path) -> Next {
        let at = format!("--config {}", config.display());
        match self {
            Self::Disk(error) => of_disk(error, &at),
            Self::Journal { source: JournalError::Storage(_), .. } => {
                ("SYS1024-E", format!("is the disk well, and is there room?  sekisho check disk {at}"))
            }
            Self::Journal { .. } => (
                "SYS1024-E",
                format!("keep the files and restore a copy (docs/guide.md)   sekisho journal verify {at}"),
            ),
            Self::Replay { dir, .. } => (
                "SYS1027-E",
                format!("is {dir}/journal.key the key of this journal? put back its own from a copy"),
            ),
            Self::RecoveryNeeded { .. } => (
                "SYS1025-E",
                format!("sekisho recovery --plan {at}, then start with --recover ask or --recover auto"),
            ),
            Self::Net(NetError::InUse { address }) => taken(address),
            Self::Net(NetError::Listen { address, source }) => cannot_listen(address, source),
            Self::Net(_) | Self::Zone(_) => {
                ("SYS1020-E", format!("sekisho config check {}", config.display()))
            }
            Self::Keys(StoreError::NoMaster { .. }) => {
                ("SYS1026-E", "put the master key back from its custodians: sekisho ceremony --help".into())
            }
            Self::Keys(StoreError::Io { path, .. }) => ("SYS1026-E", format!("ls -l {}", path.display())),
            Self::Keys(_) => {
                ("SYS1026-E", format!("find out who did it: sekisho audit verify {at}   (docs/keys.md)"))
            }
            Self::SelfTest => {
                ("SYS1029-E", "use another machine: this one cannot be trusted with keys".into())
            }
            Self::Entropy(_) | Self::Thread(_) | Self::Gone => {
                ("SYS1029-E", format!("sekisho doctor {at}, then start it again"))
            }
        }
    }
}

fn of_disk(error: &DiskError, at: &str) -> Next {
    match error {
        DiskError::Held { .. } => ("SYS1022-E", format!("it runs already: sekisho status {at}")),
        DiskError::Unusable { path, source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            ("SYS1023-E", format!("may this user write there?  namei -l {}", path.display()))
        }
        DiskError::Unusable { source, .. } if source.kind() == ErrorKind::StorageFull => {
            ("SYS1023-E", format!("make room: sekisho check disk {at}"))
        }
        DiskError::Unusable { path, .. } => {
            ("SYS1023-E", format!("look at it: namei -l {}   ([journal] dir names it)", path.display()))
        }
        DiskError::KeyExposed { path, .. } => ("SYS1027-E", format!("chmod 600 {}", path.display())),
        DiskError::KeyLength { path, .. } | DiskError::KeyMissing { path } => (
            "SYS1027-E",
            format!("put back {} from a copy: another key opens none of its card numbers", path.display()),
        ),
        DiskError::SegmentBytes { .. } => ("SYS1020-E", "raise [journal] segment_bytes".into()),
    }
}

/// Somebody listens there.
fn taken(address: &SocketAddr) -> Next {
    ("SYS1021-E", format!("who has it?  ss -ltnp 'sport = :{}'", address.port()))
}

/// Where an address cannot be listened on.
pub(crate) fn cannot_listen(address: &SocketAddr, source: &io::Error) -> Next {
    match source.kind() {
        ErrorKind::AddrInUse => taken(address),
        ErrorKind::PermissionDenied => {
            ("SYS1021-E", "ports below 1024 take CAP_NET_BIND_SERVICE; or name a higher one".into())
        }
        _ => ("SYS1021-E", "does this machine have that address?  ip address".into()),
    }
}
