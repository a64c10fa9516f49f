//! Block ciphers with their keys set, and the chaining that everything else here is made of.

use crate::secret::{Cipher, Key};
use cmac::digest::Output;
use cmac::{Cmac, Mac as _};
use des::Des;
use des::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit};

const SET: &str = "the length of a Key is one its cipher has";

/// A cipher over blocks of `N` bytes, its key set.
pub(crate) trait Blocks<const N: usize> {
    fn encrypt(&self, block: [u8; N]) -> [u8; N];
    fn decrypt(&self, block: [u8; N]) -> [u8; N];
}

/// DES, or triple DES in the order encrypt, decrypt, encrypt (NIST SP 800-67).
pub(crate) enum Tdes {
    One(Des),
    Three(Des, Des, Des),
}

/// AES.
pub(crate) enum Aes {
    With128(aes::Aes128),
    With192(aes::Aes192),
    With256(aes::Aes256),
}

/// SM4.
pub(crate) struct Sm4(sm4::Sm4);

fn des(part: &[u8]) -> Des {
    Des::new_from_slice(part).expect("a part of a DES key has eight bytes")
}

fn des_encrypt(with: &Des, mut block: [u8; 8]) -> [u8; 8] {
    with.encrypt_block((&mut block).into());
    block
}

fn des_decrypt(with: &Des, mut block: [u8; 8]) -> [u8; 8] {
    with.decrypt_block((&mut block).into());
    block
}

impl Tdes {
    /// The cipher for a DES key of any length.
    pub(crate) fn new(key: &Key) -> Self {
        debug_assert!(key.cipher() == Cipher::Tdes);
        let bytes = key.expose();
        match bytes.len() {
            8 => Self::One(des(bytes)),
            16 => Self::Three(des(&bytes[..8]), des(&bytes[8..]), des(&bytes[..8])),
            _ => Self::Three(des(&bytes[..8]), des(&bytes[8..16]), des(&bytes[16..])),
        }
    }
}

impl Blocks<8> for Tdes {
    fn encrypt(&self, block: [u8; 8]) -> [u8; 8] {
        match self {
            Self::One(only) => des_encrypt(only, block),
            Self::Three(a, b, c) => des_encrypt(c, des_decrypt(b, des_encrypt(a, block))),
        }
    }

    fn decrypt(&self, block: [u8; 8]) -> [u8; 8] {
        match self {
            Self::One(only) => des_decrypt(only, block),
            Self::Three(a, b, c) => des_decrypt(a, des_encrypt(b, des_decrypt(c, block))),
        }
    }
}

impl Aes {
    /// The cipher for an AES key of any length.
    pub(crate) fn new(key: &Key) -> Self {
        debug_assert!(key.cipher() == Cipher::Aes);
        let bytes = key.expose();
        match bytes.len() {
            16 => Self::With128(aes::Aes128::new_from_slice(bytes).expect(SET)),
            24 => Self::With192(aes::Aes192::new_from_slice(bytes).expect(SET)),
            _ => Self::With256(aes::Aes256::new_from_slice(bytes).expect(SET)),
        }
    }
}

impl Blocks<16> for Aes {
    fn encrypt(&self, mut block: [u8; 16]) -> [u8; 16] {
        match self {
            Self::With128(aes) => aes.encrypt_block((&mut block).into()),
            Self::With192(aes) => aes.encrypt_block((&mut block).into()),
            Self::With256(aes) => aes.encrypt_block((&mut block).into()),
        }
        block
    }

    fn decrypt(&self, mut block: [u8; 16]) -> [u8; 16] {
        match self {
            Self::With128(aes) => aes.decrypt_block((&mut block).into()),
            Self::With192(aes) => aes.decrypt_block((&mut block).into()),
            Self::With256(aes) => aes.decrypt_block((&mut block).into()),
        }
        block
    }
}

impl Sm4 {
    /// The cipher for an SM4 key.
    pub(crate) fn new(key: &Key) -> Self {
        debug_assert!(key.cipher() == Cipher::Sm4);
        Self(sm4::Sm4::new_from_slice(key.expose()).expect(SET))
    }
}

impl Blocks<16> for Sm4 {
    fn encrypt(&self, mut block: [u8; 16]) -> [u8; 16] {
        self.0.encrypt_block((&mut block).into());
        block
    }

    fn decrypt(&self, mut block: [u8; 16]) -> [u8; 16] {
        self.0.decrypt_block((&mut block).into());
        block
    }
}

/// Two blocks added bit by bit.
pub(crate) fn xor<const N: usize>(mut left: [u8; N], right: &[u8]) -> [u8; N] {
    left.iter_mut().zip(right).for_each(|(byte, with)| *byte ^= with);
    left
}

/// Encrypts whole blocks, each added to the one before (CBC; NIST SP 800-38A, 6.2).
pub(crate) fn cbc_encrypt<const N: usize>(with: &impl Blocks<N>, iv: [u8; N], data: &mut [u8]) {
    let mut last = iv;
    for block in data.as_chunks_mut::<N>().0 {
        last = with.encrypt(xor(last, block));
        *block = last;
    }
}

/// [`cbc_encrypt`] backwards.
pub(crate) fn cbc_decrypt<const N: usize>(with: &impl Blocks<N>, iv: [u8; N], data: &mut [u8]) {
    let mut last = iv;
    for block in data.as_chunks_mut::<N>().0 {
        let cipher = *block;
        *block = xor(with.decrypt(cipher), &last);
        last = cipher;
    }
}

/// The last block of [`cbc_encrypt`]. `data` is whole blocks.
pub(crate) fn cbc_last<const N: usize>(with: &impl Blocks<N>, iv: [u8; N], data: &[u8]) -> [u8; N] {
    data.as_chunks::<N>().0.iter().fold(iv, |last, block| with.encrypt(xor(last, block)))
}

/// CMAC under a DES key of any length (NIST SP 800-38B).
pub(crate) fn tdes_cmac(key: &Key, parts: &[&[u8]]) -> [u8; 8] {
    let bytes = key.expose();
    match bytes.len() {
        24 => cmac_of::<des::TdesEde3>(bytes, parts).into(),
        16 => cmac_of::<des::TdesEde2>(bytes, parts).into(),
        _ => cmac_of::<Des>(bytes, parts).into(),
    }
}

/// CMAC under an AES key (RFC 4493; NIST SP 800-38B).
pub(crate) fn aes_cmac(key: &Key, parts: &[&[u8]]) -> [u8; 16] {
    let bytes = key.expose();
    match bytes.len() {
        16 => cmac_of::<aes::Aes128>(bytes, parts).into(),
        24 => cmac_of::<aes::Aes192>(bytes, parts).into(),
        _ => cmac_of::<aes::Aes256>(bytes, parts).into(),
    }
}

fn cmac_of<C>(key: &[u8], parts: &[&[u8]]) -> Output<Cmac<C>>
where
    C: cmac::block_api::CmacCipher,
    Cmac<C>: KeyInit + cmac::Mac,
{
    let mut mac = <Cmac<C> as KeyInit>::new_from_slice(key).expect(SET);
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes()
}
