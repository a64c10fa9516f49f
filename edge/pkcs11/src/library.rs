//! Libraries that are loaded: each begun once in a process, whoever uses it, and begun anew once nobody does, which is
//! how many of them come to see that a token was taken away or put back.

use crate::OpenError;
use crate::error::said;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use rustix::process::geteuid;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Loaded {
    library: Pkcs11,
    users: usize,
}

static LOADED: Mutex<BTreeMap<PathBuf, Loaded>> = Mutex::new(BTreeMap::new());

/// A library while somebody uses it.
pub(crate) struct Library {
    path: PathBuf,
    pub(crate) calls: Pkcs11,
}

impl Library {
    /// The library of that path; begun where nobody uses it yet. It stays loaded till the process ends: some of them
    /// leave threads or exit handlers behind.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let bad = |said: String| OpenError::Module { path: path.into(), said };
        let path = path.canonicalize().map_err(|error| bad(error.to_string()))?;
        check(&path).map_err(bad)?;
        let mut loaded = lock();
        if !loaded.contains_key(&path) {
            let library = Pkcs11::new(&path).map_err(|error| bad(said(&error)))?;
            loaded.insert(path.clone(), Loaded { library, users: 0 });
        }
        let one = loaded.get_mut(&path).expect("put there above");
        if one.users == 0 {
            let begun = one.library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
            begun.map_err(|error| bad(said(&error)))?;
        }
        one.users += 1;
        Ok(Self { calls: one.library.clone(), path })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let mut loaded = lock();
        let Some(one) = loaded.get_mut(&self.path) else { return };
        one.users -= 1;
        if one.users == 0
            && let Err(error) = one.library.clone().finalize()
        {
            tracing::warn!(module = %self.path.display(), %error, "library of security modules did not end in order");
        }
    }
}

fn lock() -> MutexGuard<'static, BTreeMap<PathBuf, Loaded>> {
    // Whoever panicked with it left a count that is right: it is changed last.
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What it does it does in our process, with our keys: it has to be the file an administrator put there.
fn check(path: &Path) -> Result<(), String> {
    let about = path.metadata().map_err(|error| error.to_string())?;
    let ours = geteuid().as_raw();
    match (about.is_file(), about.uid(), about.mode() & 0o022) {
        (false, ..) => Err("it is no file".into()),
        (_, owner, _) if owner != 0 && owner != ours => Err(format!("it belongs to user {owner}")),
        (_, _, 0) => Ok(()),
        _ => Err(format!("others may write it (mode {:o}): chmod go-w", about.mode() & 0o777)),
    }
}
