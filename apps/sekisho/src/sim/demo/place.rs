//! Where a demo may be played: a directory of its own and addresses that are free.

use super::DemoError;
use crate::sim::port::lasting_address;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// Says that a directory is a demo's, so that `--fresh` never empties anybody else's.
const MARK: &str = "THIS-IS-A-DEMO";
/// Ports tried above the one wanted.
const PORTS_TRIED: u16 = 100;

/// Makes the directory, or takes one that a demo made before; emptied where that is wanted.
pub(super) fn prepare(directory: &Path, fresh: bool) -> Result<(), DemoError> {
    let cannot = |source| DemoError::Directory { directory: directory.to_owned(), source };
    let is_ours = directory.join(MARK).exists();
    let is_empty = fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none());
    if !is_ours && !is_empty {
        return Err(DemoError::NotADemo { directory: directory.to_owned() });
    }
    if fresh && is_ours {
        if let Some(holder) = disk::holder(directory) {
            return Err(DemoError::Held { directory: directory.to_owned(), holder: holder.to_string() });
        }
        fs::remove_dir_all(directory).map_err(cannot)?;
    }
    fs::create_dir_all(directory).map_err(cannot)?;
    fs::write(directory.join(MARK), "Made by `sekisho demo`, which may empty it.\n").map_err(cannot)
}

/// The address, or the same with the next port that is free, and whether it is another one.
pub(super) fn free_address(wanted: SocketAddr) -> Result<(SocketAddr, bool), DemoError> {
    let mut refused = None;
    for above in 0..=PORTS_TRIED {
        let Some(port) = wanted.port().checked_add(above) else { break };
        let address = SocketAddr::new(wanted.ip(), port);
        match TcpListener::bind(address) {
            Ok(_) => return Ok((address, above > 0)),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => refused = Some(error),
            Err(source) => return Err(DemoError::Address { address, source }),
        }
    }
    let source = refused.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(DemoError::Address { address: wanted, source })
}

/// The same address with a port that is known, also to whoever is started again.
pub(super) fn fixed(address: SocketAddr) -> Result<SocketAddr, DemoError> {
    if address.port() != 0 {
        return Ok(address);
    }
    lasting_address(address.ip()).map_err(|source| DemoError::Address { address, source })
}

/// A directory for one test, empty.
#[cfg(test)]
pub(super) fn scratch(name: &str) -> std::path::PathBuf {
    let directory = std::env::temp_dir().join(format!("sekisho-{name}-{}", std::process::id()));
    // What an earlier process of the same number left, if any.
    let _ = fs::remove_dir_all(&directory);
    directory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_stepped_over_and_that_is_said() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("some port is free");
        let wanted = taken.local_addr().expect("it has an address");
        let (found, moved) = free_address(wanted).expect("one of the next hundred is free");
        assert!(moved && found.port() > wanted.port());
    }

    #[test]
    fn a_directory_that_no_demo_made_is_left_alone() {
        let directory = scratch("place");
        prepare(&directory, false).expect("a new one");
        fs::write(directory.join("journal"), "x").expect("writable");
        prepare(&directory, true).expect("its own");
        assert!(!directory.join("journal").exists(), "emptied");
        fs::remove_file(directory.join(MARK)).expect("the mark");
        fs::write(directory.join("letters"), "x").expect("writable");
        assert!(matches!(prepare(&directory, true), Err(DemoError::NotADemo { .. })));
        assert!(directory.join("letters").exists());
        fs::remove_dir_all(&directory).expect("ours");
    }
}
