use crate::{StoreError, files};
use hsm::mac::{Algorithm, Padding, make};
use hsm::{Key, same};
use std::path::Path;

/// What shows that a file or an entry was written by us: an AES-CMAC under a key no command shows.
pub(crate) struct Seal(Key);

const BYTES: usize = 32;

impl Seal {
    /// The one of this directory; at the first start `fresh` becomes it.
    pub(crate) fn open(directory: &Path, fresh: &[u8; BYTES]) -> Result<Self, StoreError> {
        let path = directory.join("seal.key");
        if let Some(bytes) = files::read(&path)? {
            let key = Key::aes(&bytes).ok().filter(|key| key.length() == BYTES);
            let said = || "it is not 32 bytes long".to_string();
            return key.map(Self).ok_or_else(|| StoreError::Unreadable { path, said: said() });
        }
        // Without its key an audit that is there cannot be trusted, and a new key would say it could.
        let audit = directory.join("audit.log");
        if audit.exists() {
            return Err(StoreError::Unreadable { path, said: "it is gone, and an audit is there".into() });
        }
        files::replace(directory, &path, fresh)?;
        Ok(Self(Key::aes(fresh).expect("32 bytes are a key of AES")))
    }

    /// Only to look: where there is none, nothing is made.
    pub(crate) fn of(directory: &Path) -> Result<Option<Self>, StoreError> {
        match directory.join("seal.key").exists() {
            true => Self::open(directory, &[0; BYTES]).map(Some),
            false => Ok(None),
        }
    }

    /// Sixteen bytes in hex.
    pub(crate) fn of_bytes(&self, bytes: &[u8]) -> String {
        let mac = make(Algorithm::AesCmac, Padding::Zeros, &self.0, bytes).expect("CMAC takes any length");
        mac.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn fits(&self, bytes: &[u8], seal: &str) -> bool {
        same(self.of_bytes(bytes).as_bytes(), seal.as_bytes())
    }
}
