//! Test keys for a switch and for whoever plays its partners: in a store under a public master key for the one, in
//! clear in files for the others. Nothing under them is secret.

use super::speech::SimError;
use hsm::Key;
use hsm::drbg::SEED_BYTES;
use hsm::ops::{NewKey, Role};
use hsm::payshield::test_lmk;
use hsm::software::{Master, SoftwareHsm};
use keys::{New, Order, Origin, Owner, Start};
use keystore::{Act, Store};
use std::fmt::Write as _;
use std::path::Path;
use terms::Timestamp;

/// The id of the master key in simulated modules, and its check value.
pub fn test_master() -> (&'static str, String) {
    ("02", test_lmk::checks()[2].clone())
}

/// A key of two parts that is made of a name: the same for the same name.
///
/// Panics: never; every name makes one.
pub fn key_named(name: &str) -> Key {
    let mut bytes = [0_u8; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        // Any mixing will do: these keys are test keys.
        let letter = name.as_bytes().get(at % name.len().max(1)).copied().unwrap_or(0);
        *byte = letter.wrapping_mul(31).wrapping_add((at as u8).wrapping_mul(57)) ^ (at as u8).rotate_left(3);
    }
    Key::tdes(&bytes).expect("16 bytes are a key").with_parity()
}

/// Puts keys into a store, each in force at once, the one before it taken for so many milliseconds. They lie under
/// the public test key, whatever check value the modules show for it.
///
/// # Errors
/// [`SimError`], where the store cannot be written or the keys are refused.
pub fn install(
    directory: &Path,
    lmk_check: &str,
    overlap_ms: u32,
    keys: &[(&str, Role, &Key)],
) -> Result<(), SimError> {
    install_under(test_lmk::masters()[2].1.clone(), directory, lmk_check, overlap_ms, keys)
}

/// The same under another of the public test keys.
///
/// # Errors
/// As [`install`].
pub fn install_under(
    master: Master,
    directory: &Path,
    lmk_check: &str,
    overlap_ms: u32,
    keys: &[(&str, Role, &Key)],
) -> Result<(), SimError> {
    let wrong = |what: String| SimError::Keys { path: directory.display().to_string(), what };
    let mut module =
        SoftwareHsm::new(master, &[9; SEED_BYTES]).map_err(|source| SimError::SelfTest { source })?;
    let mut fresh = [0; 32];
    clock::entropy(&mut fresh).map_err(|error| wrong(error.to_string()))?;
    let mut store = Store::open(directory, lmk_check, &fresh).map_err(|error| wrong(error.to_string()))?;
    let act = Act { act: "test-key".into(), by: "sim".into(), reason: "a test".into(), ..Act::default() };
    for (name, role, key) in keys {
        let owner = Owner::parse(name).ok_or_else(|| wrong(format!("`{name}` is no owner")))?;
        // A key comes into a module as the sum of two components.
        let one = key_named("one half");
        let other = key.xor(&one).map_err(|_| wrong("keys of two parts alone".into()))?;
        let new = NewKey::tdes(*role);
        let (stored, check) = module.form(&new, &[one, other]).map_err(|fault| wrong(fault.to_string()))?;
        let holding = store.holding(&owner).map_err(|error| wrong(error.to_string()))?;
        if holding.current(*role).is_some_and(|current| current.check == check) {
            // In force since an earlier time.
            continue;
        }
        let generation = holding.next_generation(*role);
        let new = New { key: stored, check, origin: Origin::Components, start: Start::ByOrder, set: 0 };
        let orders = [
            Order::Add(new),
            Order::Confirm(*role, generation, check),
            Order::Activate(*role, generation, overlap_ms),
        ];
        store.change(&owner, now(), orders, &act).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

/// Writes the file a simulated partner reads its keys from.
///
/// # Errors
/// [`SimError::File`].
pub fn write_partner(path: &Path, algorithm: &str, mac: &Key, pin: Option<&Key>) -> Result<(), SimError> {
    let mut toml = format!("mac = \"{algorithm}\"\nmac_key = \"{}\"\n", hex(mac));
    if let Some(pin) = pin {
        writeln!(toml, "pin_key = \"{}\"", hex(pin)).expect("a string takes everything");
    }
    std::fs::write(path, toml).map_err(|source| SimError::File { path: path.display().to_string(), source })
}

fn now() -> Timestamp {
    clock::Clock::with_offset_s(0).now().wall
}

fn hex(key: &Key) -> String {
    key.expose().iter().map(|byte| format!("{byte:02X}")).collect()
}
