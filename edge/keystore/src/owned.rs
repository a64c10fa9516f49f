//! One owner's keys as a file: a line of JSON, and a line that seals it.

use crate::audit::{AuditError, Mark};
use crate::seal::Seal;
use crate::{StoreError, files};
use hsm::check_value::CheckValue;
use hsm::ops::{Role, StoredKey};
use keys::chain::Digest;
use keys::{HeldKey, Holding, Origin, Owner, Start, State};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use terms::Timestamp;
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedFile {
    owner: String,
    /// Check value of the master key these lie under.
    lmk: String,
    /// The last audit entry about it.
    audit: u64,
    awaits_keys_since_ms: Option<i64>,
    keys: Vec<KeyFile>,
    /// Check values of keys that are over and no longer told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    role: String,
    generation: u32,
    set: u32,
    state: String,
    key: Option<String>,
    check: String,
    origin: String,
    start: StartFile,
    made_at_ms: i64,
    since_ms: i64,
    until_ms: Option<i64>,
    /// Not said of those of old: they are taken for ones that were.
    #[serde(default = "yes")]
    was_in_force: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StartFile {
    Order,
    AtMs(i64),
    Use,
}

/// What a file says.
pub(crate) struct Owned {
    pub(crate) holding: Holding,
    pub(crate) audit: u64,
    pub(crate) lmk: String,
}

pub(crate) fn path_of(directory: &Path, owner: &Owner) -> PathBuf {
    directory.join(format!("{}.json", owner.to_string().replacen('/', ".", 1)))
}

/// Whose file that is; `None` for files that are nobody's.
pub(crate) fn owner_of(path: &Path) -> Option<Owner> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    Owner::parse(&name.replacen('.', "/", 1))
}

/// Where the next file lies until the audit says that it is the one.
fn next_of(path: &Path) -> PathBuf {
    path.with_added_extension("next")
}

/// Everybody who has a file, sorted.
pub(crate) fn owners(directory: &Path) -> Result<Vec<Owner>, StoreError> {
    let entries = fs::read_dir(directory).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(StoreError::io(directory))?;
    let mut owners: Vec<_> = entries.iter().filter_map(|entry| owner_of(&entry.path())).collect();
    owners.sort();
    Ok(owners)
}

/// What an owner's file says, if it is the one the last entry about it says was written; `None` where nothing ever
/// was. Whoever wrote that entry may have stopped before the file took its place: then the next one is it.
/// `newest` is the last entry there is. To be called under the lock.
///
/// # Errors
/// [`StoreError`]: whatever else lies there was not written by us, or is an older one.
pub(crate) fn current(
    directory: &Path,
    owner: &Owner,
    mark: Mark,
    newest: u64,
    seal: &Seal,
) -> Result<Option<Owned>, StoreError> {
    let path = path_of(directory, owner);
    let bytes = files::read(&path)?;
    if let Some(written) = mark.file {
        let is_it = |bytes: &&Zeroizing<Vec<u8>>| Digest::of(bytes) == written;
        if let Some(bytes) = bytes.as_ref().filter(is_it) {
            return parse(path, bytes, owner, seal).map(Some);
        }
        if let Some(bytes) = files::read(&next_of(&path))?.as_ref().filter(is_it) {
            return parse(next_of(&path), bytes, owner, seal).map(Some);
        }
    }
    let expected = mark.number;
    let Some(bytes) = bytes else {
        return match expected {
            0 => Ok(None),
            _ => Err(StoreError::PutBack { path, expected, found: 0 }),
        };
    };
    let owned = parse(path.clone(), &bytes, owner, seal)?;
    if owned.audit > newest {
        let path = directory.join("audit.log");
        return Err(AuditError::Cut { path, found: newest, expected: owned.audit }.into());
    }
    if owned.audit != expected {
        return Err(StoreError::PutBack { path, expected, found: owned.audit });
    }
    match mark.file {
        None => Ok(Some(owned)),
        Some(_) => Err(StoreError::Resealed { path, entry: expected }),
    }
}

/// Lets the next file take its place where the audit says that it is the one.
pub(crate) fn settle(directory: &Path, owner: &Owner, mark: Mark) -> Result<(), StoreError> {
    let path = path_of(directory, owner);
    let next = next_of(&path);
    match (files::read(&next)?, mark.file) {
        (Some(bytes), Some(written)) if Digest::of(&bytes) == written => {
            files::take_over(directory, &next, &path)
        }
        _ => Ok(()),
    }
}

fn parse(path: PathBuf, bytes: &[u8], owner: &Owner, seal: &Seal) -> Result<Owned, StoreError> {
    let said = |said: &str| StoreError::Unreadable { path: path.clone(), said: said.into() };
    let text = std::str::from_utf8(bytes).map_err(|_| said("it is not text"))?;
    let (body, mark) = text.split_once('\n').ok_or_else(|| said("it has no seal"))?;
    if !seal.fits(body.as_bytes(), mark.trim_end()) {
        return Err(StoreError::Seal { path });
    }
    let file: OwnedFile = serde_json::from_str(body).map_err(|_| said("its fields are not ours"))?;
    if file.owner != owner.to_string() {
        return Err(said("it is another owner's"));
    }
    let keys: Option<Vec<HeldKey>> = file.keys.iter().map(restored).collect();
    let keys = keys.ok_or_else(|| said("a key in it makes no sense"))?;
    let awaits = file.awaits_keys_since_ms.map(Timestamp::from_unix_ms);
    let forgotten: Option<Vec<_>> = file.forgotten.iter().map(|digits| check_value(digits)).collect();
    let forgotten = forgotten.ok_or_else(|| said("a check value in it makes no sense"))?;
    let holding = Holding::restore(keys, awaits).with_forgotten(forgotten);
    Ok(Owned { holding, audit: file.audit, lmk: file.lmk })
}

/// Writes the next file beside the one there is, durably; gives its digest for the audit.
pub(crate) fn prepare(
    directory: &Path,
    owner: &Owner,
    owned: &Owned,
    seal: &Seal,
) -> Result<Digest, StoreError> {
    let file = OwnedFile {
        owner: owner.to_string(),
        lmk: owned.lmk.clone(),
        audit: owned.audit,
        awaits_keys_since_ms: owned.holding.awaits_keys_since().map(Timestamp::as_unix_ms),
        keys: owned.holding.keys().iter().map(stored).collect(),
        forgotten: owned.holding.forgotten().iter().map(ToString::to_string).collect(),
    };
    let mut text = serde_json::to_string(&file).expect("texts and numbers");
    let mark = seal.of_bytes(text.as_bytes());
    text.push('\n');
    text.push_str(&mark);
    text.push('\n');
    files::prepare(directory, &next_of(&path_of(directory, owner)), text.as_bytes())?;
    Ok(Digest::of(text.as_bytes()))
}

fn stored(key: &HeldKey) -> KeyFile {
    KeyFile {
        role: key.role.name().into(),
        generation: key.generation,
        set: key.set,
        state: key.state.name().into(),
        key: key.key.as_ref().map(|key| key.text.clone()),
        check: key.check.to_string(),
        origin: key.origin.name().into(),
        start: match key.start {
            Start::ByOrder => StartFile::Order,
            Start::At(at) => StartFile::AtMs(at.as_unix_ms()),
            Start::OnUse => StartFile::Use,
        },
        made_at_ms: key.made_at.as_unix_ms(),
        since_ms: key.since.as_unix_ms(),
        until_ms: key.until.map(Timestamp::as_unix_ms),
        was_in_force: key.was_in_force,
    }
}

fn restored(file: &KeyFile) -> Option<HeldKey> {
    let role = Role::named(&file.role)?;
    Some(HeldKey {
        role,
        generation: file.generation,
        set: file.set,
        state: State::named(&file.state)?,
        key: file.key.as_ref().map(|text| StoredKey::new(role, text.clone())),
        check: check_value(&file.check)?,
        origin: Origin::named(&file.origin)?,
        start: match file.start {
            StartFile::Order => Start::ByOrder,
            StartFile::AtMs(ms) => Start::At(Timestamp::from_unix_ms(ms)),
            StartFile::Use => Start::OnUse,
        },
        made_at: Timestamp::from_unix_ms(file.made_at_ms),
        since: Timestamp::from_unix_ms(file.since_ms),
        until: file.until_ms.map(Timestamp::from_unix_ms),
        was_in_force: file.was_in_force,
    })
}

fn check_value(digits: &str) -> Option<CheckValue> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    CheckValue::told(&pairs.map(byte).collect::<Option<Vec<u8>>>()?)
}
