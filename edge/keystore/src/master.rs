use crate::{StoreError, files};
use hsm::Key;
use hsm::software::Master;
use std::path::Path;
use zeroize::Zeroizing;

const BYTES: usize = 32;
/// Not with another ending alone: a file that is being written has the name of its file, ending in `tmp`.
const FOR_TESTS: &str = "lmk-for-tests";
const HALF: [u8; BYTES] = [0x5A; BYTES];

/// How a master key came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// People entered components.
    ByPeople,
    /// One person had it drawn: no live key may lie under it.
    ForTests,
}

/// The file of a software module's master key. It is in clear there, which is one more reason why such a module is
/// no PCI HSM: whoever reads the file has every key.
#[derive(Debug)]
pub struct MasterFile;

impl MasterFile {
    /// The master key of a directory.
    ///
    /// # Errors
    /// [`StoreError`]: none there, one others may read, or one of another length.
    pub fn read(directory: &Path) -> Result<Master, StoreError> {
        let path = directory.join("lmk");
        let bytes = files::read(&path)?.ok_or_else(|| StoreError::NoMaster { path: path.clone() })?;
        let key = Key::aes(&bytes).ok().filter(|key| key.length() == BYTES);
        let said = || StoreError::Unreadable { path: path.clone(), said: "it is not 32 bytes long".into() };
        let key = key.ok_or_else(said)?;
        master(&key).ok_or_else(said)
    }

    /// Whether the one that is there was drawn for tests.
    pub fn is_for_tests(directory: &Path) -> bool {
        directory.join(FOR_TESTS).symlink_metadata().is_ok()
    }

    /// The check value a master key would have; `None` where the key is none of AES with 32 bytes.
    pub fn check_of(key: &Key) -> Option<String> {
        master(key).map(|master| master.check())
    }

    /// Writes one that people or a generator made. One for tests is marked first, by a file that stays. The very key
    /// that is there already is well: whoever wrote it was cut off before it could say so.
    ///
    /// # Errors
    /// [`StoreError::MasterThere`] where there is another already: keys may lie under it.
    pub fn write(directory: &Path, key: &Key, made: Made) -> Result<Master, StoreError> {
        files::make_directory(directory)?;
        let _lock = files::lock(directory)?;
        let path = directory.join("lmk");
        let said = || StoreError::Unreadable {
            path: path.clone(),
            said: "it would be no AES key of 32 bytes".into(),
        };
        let master = master(key).ok_or_else(said)?;
        if path.exists() {
            let there = Self::read(directory)?;
            return if there.check() == master.check() {
                Ok(there)
            } else {
                Err(StoreError::MasterThere { path })
            };
        }
        let mark = directory.join(FOR_TESTS);
        match made {
            Made::ForTests => files::replace(directory, &mark, b"drawn by one person, for tests\n")?,
            Made::ByPeople => files::erase(directory, &mark)?,
        }
        files::replace(directory, &path, key.expose())?;
        Ok(master)
    }
}

/// A master key is made of components and of nothing else; one that lies whole is cut in two.
fn master(key: &Key) -> Option<Master> {
    let half = Key::aes(&HALF).expect("32 bytes");
    let other = Zeroizing::new(key.expose().iter().zip(HALF).map(|(a, b)| a ^ b).collect::<Vec<u8>>());
    Master::from_components(&[half, Key::aes(&other).ok()?]).ok()
}
