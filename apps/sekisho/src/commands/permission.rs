//! Who may not, and who may: said in words where the system says `Permission denied`.

use super::key::person::name_of;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why this user may not, and what lets it.
#[derive(Debug)]
pub(crate) struct NotPermitted {
    pub(crate) said: String,
    pub(crate) next: String,
}

impl NotPermitted {
    /// About a path that was refused: whose it is, or whose the directory is in which it cannot be seen.
    pub(crate) fn of(path: &Path) -> Self {
        let you = user();
        let seen = path.ancestors().find_map(|above| Some((above, std::fs::metadata(above).ok()?)));
        let Some((seen, about)) = seen else {
            return Self { said: format!("you are {you}"), next: format!("ls -l {}", path.display()) };
        };
        let (owner, group) = (name_in("/etc/passwd", about.uid()), name_in("/etc/group", about.gid()));
        let mode = about.mode() & 0o777;
        let said =
            format!("you are {you}, and {} belongs to {owner}:{group} (mode {mode:o})", seen.display());
        let for_its_group = mode & 0o060 == 0o060 || mode & 0o050 == 0o050;
        let join = if for_its_group && about.gid() != 0 {
            format!("   (or once: usermod -aG {group} {you})")
        } else {
            String::new()
        };
        Self { said, next: format!("the same as {owner}: sudo -u {owner} sekisho ...{join}") }
    }
}

/// Whom this runs as, by the system's own list.
pub(crate) fn user() -> String {
    name_in("/etc/passwd", rustix::process::geteuid().as_raw())
}

/// Both lists have name and number at the same places.
fn name_in(list: &str, number: u32) -> String {
    name_of(&std::fs::read_to_string(list).unwrap_or_default(), number)
}
