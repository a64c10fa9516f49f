use super::Version;
use crate::cipher::{Aes, Tdes, aes_cmac, cbc_decrypt, cbc_encrypt, cbc_last, tdes_cmac};
use crate::secret::{Cipher, Key, Wiped};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The two keys a block is protected by: one enciphers, one authenticates.
pub(crate) struct Protection {
    version: Version,
    encipher: Key,
    authenticate: Key,
}

/// What protects blocks of a version, in words; `None` where this key is that.
pub(super) fn misfit(version: Version, kbpk: &Key) -> Option<&'static str> {
    let (expected, fits) = match version {
        Version::A | Version::B | Version::C | Version::S0 => {
            ("a triple-DES key of 16 or 24 bytes", kbpk.cipher() == Cipher::Tdes && kbpk.length() != 8)
        }
        Version::D | Version::S1 => ("an AES key", kbpk.cipher() == Cipher::Aes),
    };
    (!fits).then_some(expected)
}

impl Protection {
    /// Derives both keys. `kbpk` is one that [`misfit`] let pass.
    pub(crate) fn new(version: Version, kbpk: &Key) -> Self {
        let (encipher, authenticate) = match version {
            Version::A | Version::C | Version::S0 => (kbpk.xor_each(0x45), kbpk.xor_each(0x4D)),
            Version::B => (derive_tdes(kbpk, 0), derive_tdes(kbpk, 1)),
            Version::D | Version::S1 => (derive_aes(kbpk, 0), derive_aes(kbpk, 1)),
        };
        Self { version, encipher, authenticate }
    }

    /// The MAC, as long as the version has it, of the header and of what it covers: the plain key in B and D, the
    /// enciphered one in the others.
    pub(super) fn mac(&self, header: &[u8], covered: &[u8]) -> Vec<u8> {
        let mac = match self.version {
            Version::A | Version::C | Version::S0 => {
                let mut all = [header, covered].concat();
                all.resize(all.len().next_multiple_of(8), 0);
                cbc_last(&Tdes::new(&self.authenticate), [0; 8], &all).to_vec()
            }
            Version::B => tdes_cmac(&self.authenticate, &[header, covered]).to_vec(),
            Version::D | Version::S1 => aes_cmac(&self.authenticate, &[header, covered]).to_vec(),
        };
        mac[..self.version.mac_bytes()].to_vec()
    }

    /// Whether the MAC covers the plain key, and is then the chaining value too.
    pub(super) const fn covers_plain(&self) -> bool {
        matches!(self.version, Version::B | Version::D)
    }

    pub(super) fn encrypt(&self, header: &[u8], mac: &[u8], data: &mut [u8]) {
        match self.version {
            Version::D | Version::S1 => {
                cbc_encrypt(&Aes::new(&self.encipher), self.chaining(header, mac), data);
            }
            _ => cbc_encrypt(&Tdes::new(&self.encipher), self.chaining(header, mac), data),
        }
    }

    pub(super) fn decrypt(&self, header: &[u8], mac: &[u8], data: &mut Wiped) {
        match self.version {
            Version::D | Version::S1 => {
                cbc_decrypt(&Aes::new(&self.encipher), self.chaining(header, mac), data);
            }
            _ => cbc_decrypt(&Tdes::new(&self.encipher), self.chaining(header, mac), data),
        }
    }

    /// Where chaining begins: the MAC where it covers the plain key, the beginning of the header elsewhere.
    fn chaining<const N: usize>(&self, header: &[u8], mac: &[u8]) -> [u8; N] {
        let from = if self.covers_plain() { mac } else { header };
        *from.first_chunk().expect("a header has sixteen characters, and a MAC fills a block")
    }
}

/// Source: ANSI X9.143:2021, 7.2.2.1; NIST SP 800-108.
fn derive_tdes(kbpk: &Key, usage: u8) -> Key {
    let (algorithm, bits) = if kbpk.length() == 16 { (0, 0x80) } else { (1, 0xC0) };
    let mut derived = Zeroizing::new(Vec::new());
    for counter in 1..=(kbpk.length() / 8) as u8 {
        derived.extend(tdes_cmac(kbpk, &[&[counter, 0, usage, 0, 0, algorithm, 0, bits]]));
    }
    Key::tdes(&derived).expect("as many bytes as the key derived from")
}

/// Source: ANSI X9.143:2021, 7.2.2.2; NIST SP 800-108.
fn derive_aes(kbpk: &Key, usage: u8) -> Key {
    let algorithm = kbpk.length() as u8 / 8; // 2, 3 and 4 for AES-128, -192 and -256.
    let [high, low] = (kbpk.length() as u16 * 8).to_be_bytes();
    let mut derived = Zeroizing::new(Vec::new());
    for counter in 1..=kbpk.length().div_ceil(16) as u8 {
        derived.extend(aes_cmac(kbpk, &[&[counter, 0, usage, 0, 0, algorithm, high, low]]));
    }
    Key::aes(&derived[..kbpk.length()]).expect("as many bytes as the key derived from")
}
