//! Keys of callers over TCP: a file of names, roles and digests. The keys themselves stand nowhere.

use super::callers::Caller;
use super::ids;
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

/// How often the file is looked at for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// To submit, to look up what it submitted, to hold sessions, to listen.
    Application,
    /// That, and every order a person at the control socket may give.
    Operator,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Operator => "operator",
        }
    }
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyLine {
    pub(crate) name: String,
    pub(crate) role: Role,
    digest: [u8; 32],
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the keys of callers in {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} may be read by others (mode {mode:o}): chmod 600", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{}, line {line}: not NAME ROLE DIGEST", path.display())]
    Line { path: PathBuf, line: usize },
    #[error("a caller is called 1 to 24 letters, digits, `-`, `_` and `.`, and not `local`")]
    Name,
    #[error("`{0}` has a key already: take it away first")]
    Taken(String),
    #[error("nobody called `{0}` has a key")]
    Nobody(String),
    #[error("{0}")]
    Entropy(#[from] clock::EntropyError),
}

impl FromStr for KeyLine {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(role), Some(hex), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        let role = [Role::Application, Role::Operator].into_iter().find(|one| one.name() == role).ok_or(())?;
        let mut digest = [0; 32];
        if hex.len() != 64 || !is_name(name) {
            return Err(());
        }
        for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digit = |byte: u8| (byte as char).to_digit(16).ok_or(());
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Self { name: name.to_owned(), role, digest })
    }
}

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= 24 && name.bytes().all(legal) && name != super::callers::LOCAL
}

/// The keys in a file; none where there is no file.
pub(crate) fn read(path: &Path) -> Result<Vec<KeyLine>, KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(failed)?,
    };
    let mode = fs::metadata(path).map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    lines
        .map(|(at, line)| line.parse().map_err(|()| KeyError::Line { path: path.to_owned(), line: at + 1 }))
        .collect()
}

/// Draws a key for somebody and writes its digest down. What comes back is shown once and kept nowhere.
pub(crate) fn add(path: &Path, name: &str, role: Role) -> Result<String, KeyError> {
    if !is_name(name) {
        return Err(KeyError::Name);
    }
    let mut lines = read(path)?;
    if lines.iter().any(|line| line.name == name) {
        return Err(KeyError::Taken(name.to_owned()));
    }
    let key = ids::secret::<32>("sk_")?;
    lines.push(KeyLine { name: name.to_owned(), role, digest: Sha256::digest(key.as_bytes()).into() });
    write(path, &lines)?;
    Ok(key)
}

/// Takes somebody's key away.
pub(crate) fn remove(path: &Path, name: &str) -> Result<(), KeyError> {
    let mut lines = read(path)?;
    let before = lines.len();
    lines.retain(|line| line.name != name);
    if lines.len() == before {
        return Err(KeyError::Nobody(name.to_owned()));
    }
    write(path, &lines)
}

/// Whole or not at all.
fn write(path: &Path, lines: &[KeyLine]) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
    let mut text = "# Who may call over TCP: name, role, digest of the key (SHA-256).\n".to_owned();
    for KeyLine { name, role, digest } in lines {
        let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        text += &format!("{name} {} {hex}\n", role.name());
    }
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

/// The keys of a file, looked at again when it changes: a key taken away is none a second later.
pub(crate) struct KeyRing {
    path: PathBuf,
    held: Mutex<Held>,
    /// Rings when other keys are held than before.
    changed: watch::Sender<()>,
}

struct Held {
    lines: Vec<KeyLine>,
    changed: Option<(i64, i64, u64)>,
    looked: Instant,
}

impl KeyRing {
    /// The keys in a file that can be read.
    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        let lines = read(path)?;
        let held = Held { lines, changed: change_of(path), looked: Instant::now() };
        Ok(Self { path: path.to_owned(), held: Mutex::new(held), changed: watch::Sender::default() })
    }

    /// Whose key this is, and what is good as long as the key is.
    pub(crate) fn let_in(self: &Arc<Self>, key: &str) -> Option<(Caller, Pass)> {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let caller = self.whose(digest)?;
        Some((caller, Pass(Some((self.clone(), digest)))))
    }

    /// Looks after the file until the task is dropped, so that a key is taken away although nobody asks for anything.
    pub(crate) async fn look_after(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            self.look_again(&mut held);
        }
    }

    /// Every key is compared, whole, in a time that tells nothing of it.
    fn whose(&self, digest: [u8; 32]) -> Option<Caller> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_again(&mut held);
        let mut found = None;
        for line in &held.lines {
            if bool::from(line.digest.ct_eq(&digest)) {
                found = Some(Caller { name: line.name.clone(), is_operator: line.role == Role::Operator });
            }
        }
        found
    }

    fn look_again(&self, held: &mut Held) {
        if held.looked.elapsed() < LOOK_EVERY {
            return;
        }
        held.looked = Instant::now();
        let changed = change_of(&self.path);
        if changed == held.changed {
            return;
        }
        held.changed = changed;
        match read(&self.path) {
            Ok(lines) => {
                tracing::info!(keys = lines.len(), "keys of callers read again");
                held.lines = lines;
            }
            Err(error) => {
                // Who was locked out stays out: nobody is let in by a file nobody can read.
                tracing::error!(%error, "keys of callers cannot be read: nobody is let in over TCP");
                held.lines.clear();
            }
        }
        self.changed.send_replace(());
    }
}

/// What somebody was let in by, for what outlasts their question.
#[derive(Clone, Default)]
pub(crate) struct Pass(Option<(Arc<KeyRing>, [u8; 32])>);

impl Pass {
    /// Comes when the key is none any more; never for somebody on this machine.
    pub(crate) async fn taken_away(&self) {
        let Some((keys, digest)) = &self.0 else { return std::future::pending().await };
        let mut changed = keys.changed.subscribe();
        while keys.whose(*digest).is_some() {
            if changed.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

fn change_of(path: &Path) -> Option<(i64, i64, u64)> {
    fs::metadata(path).ok().map(|meta| (meta.mtime(), meta.mtime_nsec(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("sekisho-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn a_key_is_known_by_its_digest_and_stands_nowhere() {
        let path = scratch("known");
        let key = add(&path, "till", Role::Application).expect("written");
        let chief = add(&path, "chief", Role::Operator).expect("written");
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(!text.contains(&key) && !text.contains(&key[3..]));
        let ring = KeyRing::open(&path).expect("it is ours alone");
        let ring = Arc::new(ring);
        let whose = |ring: &Arc<KeyRing>, key: &str| ring.let_in(key).map(|(caller, _)| caller);
        assert_eq!(whose(&ring, &key), Some(Caller { name: "till".into(), is_operator: false }));
        assert_eq!(whose(&ring, &chief).map(|caller| caller.is_operator), Some(true));
        assert_eq!(whose(&ring, "sk_nobody"), None);
        assert!(matches!(add(&path, "till", Role::Application), Err(KeyError::Taken(_))));
        assert!(matches!(add(&path, "local", Role::Application), Err(KeyError::Name)));
        remove(&path, "till").expect("it was there");
        assert!(matches!(remove(&path, "till"), Err(KeyError::Nobody(_))));
        let later = Arc::new(KeyRing::open(&path).expect("it is ours alone"));
        assert_eq!(whose(&later, &key), None);
        let _ = fs::remove_file(&path);
    }

    #[test]
    fn a_file_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let path = scratch("exposed");
        add(&path, "till", Role::Application).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        assert!(matches!(read(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::write(&path, "till king 00\n").expect("it is ours");
        assert!(matches!(read(&path), Err(KeyError::Line { line: 1, .. })));
        let _ = fs::remove_file(&path);
    }
}
