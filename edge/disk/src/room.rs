use std::io;
use std::path::Path;

/// Room on the file system a directory lies on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Bytes this user may still write.
    pub free_bytes: u64,
    /// Bytes that are taken.
    pub used_bytes: u64,
}

impl Room {
    /// Of 100 bytes this user could have, those that are taken: what `df` shows.
    pub fn used_percent(&self) -> f64 {
        match self.used_bytes.saturating_add(self.free_bytes) {
            0 => 100.0,
            total => self.used_bytes as f64 * 100.0 / total as f64,
        }
    }
}

/// Asks the system.
///
/// # Errors
/// The system's: the directory is not there, or may not be looked at.
pub fn room(directory: &Path) -> io::Result<Room> {
    let said = rustix::fs::statvfs(directory)?;
    let bytes = |blocks: u64| blocks.saturating_mul(said.f_frsize);
    Ok(Room {
        free_bytes: bytes(said.f_bavail),
        used_bytes: bytes(said.f_blocks.saturating_sub(said.f_bfree)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_some_room_here_and_none_where_nothing_is() {
        let here = room(Path::new(".")).expect("the directory of the test is there");
        assert!(here.free_bytes > 0 && (0.0..=100.0).contains(&here.used_percent()));
        assert!(room(Path::new("/no/such/place")).is_err());
    }
}
