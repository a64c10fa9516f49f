//! One try and no second: a token locks its PIN after a few wrong ones, and a service tries for ever.

use crate::config::PinMark;
use crate::{OpenError, TokenConfig};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::TokenInfo;
use std::collections::BTreeMap;
use std::fs::{OpenOptions, remove_file};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// PIN files that were refused, as they were then. Held while somebody logs in: two sessions that begin at once would
/// be two wrong tries.
static REFUSED: Mutex<BTreeMap<PathBuf, PinMark>> = Mutex::new(BTreeMap::new());

/// Logs a session in, unless that very file was refused before or the token has but one try left.
pub(crate) fn log_in(config: &TokenConfig, session: &Session, about: &TokenInfo) -> Result<(), OpenError> {
    let not_tried = |why| Err(OpenError::PinNotTried { why });
    let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    let (pin, mark) = config.read_pin()?;
    let was_refused = refused.get(&config.pin_file) == Some(&mark) || remembered(config, mark);
    if was_refused {
        return Err(OpenError::PinRefused { path: config.pin_file.clone() });
    }
    if about.user_pin_locked() {
        return not_tried("the token has locked its PIN");
    }
    if about.user_pin_final_try() {
        return not_tried("the token has one try left for its PIN, which is not ours to take");
    }
    if !about.user_pin_initialized() {
        return not_tried("nobody has set a PIN for this token");
    }
    let path = config.pin_file.clone();
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
            refused.remove(&path);
            // What cannot be forgotten names a file that is not the same once it is written anew.
            config.refused.iter().for_each(|note| drop(remove_file(note)));
            Ok(())
        }
        Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
            refused.insert(path.clone(), mark);
            if let Err(error) = remember(config, mark) {
                tracing::error!(
                    %error,
                    "a refused PIN cannot be noted: do not start this again before the PIN is put right"
                );
            }
            Err(OpenError::PinRefused { path })
        }
        Err(Error::Pkcs11(RvError::PinLocked, _)) => not_tried("the token has locked its PIN"),
        Err(Error::Pkcs11(RvError::PinExpired, _)) => not_tried("the token's PIN has expired"),
        Err(error) => Err(error.into()),
    }
}

fn remembered(config: &TokenConfig, mark: PinMark) -> bool {
    let Some(note) = &config.refused else { return false };
    let mut noted = String::new();
    let read =
        OpenOptions::new().read(true).open(note).and_then(|file| file.take(100).read_to_string(&mut noted));
    read.is_ok() && noted == mark.line()
}

fn remember(config: &TokenConfig, mark: PinMark) -> std::io::Result<()> {
    let Some(note) = &config.refused else { return Ok(()) };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(note)?;
    file.write_all(mark.line().as_bytes())?;
    file.sync_all()
}
