//! Known answers, asked before any work is done: a machine that computes wrongly must not touch a key.

use crate::check_value::{Method, check_value};
use crate::drbg::{Drbg, Random as _};
use crate::dukpt;
use crate::keyblock::open;
use crate::mac::{Algorithm, Padding, make};
use crate::pin::{Fill, Format, compose, decipher, encipher, extract};
use crate::secret::{Cipher, Key, Pin};
use alloc::vec::Vec;
use terms::Pan;
use wire::hex::{Charset, read};

/// An answer came out wrong: this build, or this machine, must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("self test: {what} does not give its known answer")]
pub struct SelfTestFailed {
    /// What was asked.
    pub what: &'static str,
}

/// A MAC: what it is called, algorithm, filling, key, data, answer.
type KnownMac = (&'static str, Algorithm, Padding, &'static str, &'static [u8], &'static str);

#[rustfmt::skip]
const MACS: &[KnownMac] = &[
    // FIPS 113, example.
    ("DES",                    Algorithm::X99,     Padding::Zeros, K1,                                 b"7654321 Now is the time for ", "F1D30F6849312CA4"),
    // ISO/IEC 9797-1, annex A.
    ("ISO 9797-1 algorithm 1", Algorithm::Iso1,    Padding::Bit,   K1,                                 b"Now is the time for it",       "A924C72136149211"),
    ("X9.19",                  Algorithm::X919,    Padding::Zeros, K2,                                 b"Now is the time for all ",     "A1C72E74EA3FA9B6"),
    ("ISO 9797-1 algorithm 3", Algorithm::Iso3,    Padding::Bit,   K2,                                 b"Now is the time for all ",     "E9086230CA3BE796"),
    // RFC 4493, 4, example 1.
    ("AES-CMAC",               Algorithm::AesCmac, Padding::Zeros, "2B7E151628AED2A6ABF7158809CF4F3C", b"",                             "BB1D6929E95937287FA37D129B756746"),
    // GB/T 32907-2016, annex A.1: one block is its own chain.
    ("SM4",                    Algorithm::Sm4Cbc,  Padding::Zeros, K2,                                 b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10", "681EDF34D206965E86B3E94F536E4246"),
];
const K1: &str = "0123456789ABCDEF";
const K2: &str = "0123456789ABCDEFFEDCBA9876543210";

/// Key blocks: version, protecting key, block, key. Source: TR-31:2018, A.7.
#[rustfmt::skip]
const BLOCKS: &[(&str, Cipher, &str, &str, &str)] = &[
    ("a key block of version B", Cipher::Tdes, "DD7515F2BFC17F85CE48F3CA25CB21F6",
        "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
        "3F419E1CB7079442AA37474C2EFBF8B8"),
    ("a key block of version D", Cipher::Aes, "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
        "3F419E1CB7079442AA37474C2EFBF8B8"),
];

/// Asks everything whose answer is known. Costs well under a millisecond; done once at start.
///
/// # Errors
/// [`SelfTestFailed`] for the first that is wrong.
pub fn self_test() -> Result<(), SelfTestFailed> {
    for &(what, algorithm, padding, key, data, answer) in MACS {
        let made = make(algorithm, padding, &key_of(algorithm.cipher(), key), data);
        holds(what, made.is_ok_and(|mac| mac.as_bytes() == unhexed(answer)))?;
    }
    for &(what, cipher, kbpk, block, key) in BLOCKS {
        let opened = open(&key_of(cipher, kbpk), block);
        holds(what, opened.is_ok_and(|opened| opened.expose() == unhexed(key)))?;
    }
    check_values()?;
    pins()?;
    derived()?;
    random()
}

/// The values of K1 K2 by DES, and of a key of AES by both ways (computed by two independent programs).
fn check_values() -> Result<(), SelfTestFailed> {
    let aes = "000102030405060708090A0B0C0D0E0F";
    for (cipher, key, method, answer) in [
        (Cipher::Tdes, K2, Method::Des, "08D7B4"),
        (Cipher::Aes, aes, Method::Ecb, "C6A13B"),
        (Cipher::Aes, aes, Method::Cmac, "BE7ED6AE78"),
    ] {
        let value = check_value(&key_of(cipher, key), method);
        let wanted = unhexed(answer);
        holds("a check value", value.is_ok_and(|value| value.as_bytes().starts_with(&wanted)))?;
    }
    Ok(())
}

/// A block of format 0, and the one of format 4 of the supplement to ANSI X9.24-3:2017; there and back.
fn pins() -> Result<(), SelfTestFailed> {
    let (Some(pin), Some(pan)) = (Pin::new(b"1234"), Pan::new(b"4111111111111111")) else {
        return holds("a PIN block", false);
    };
    let fill = unhexed("2F69ADDE2E9E7ACE");
    for (format, cipher, key, answer) in [
        (Format::Iso0, Cipher::Tdes, K2, "2A3D408A1977DDE9"),
        (Format::Iso4, Cipher::Aes, "AF8CB133A78F8DC2D1359F18527593FB", "A912150391AB65A67E52883D81CE2D15"),
    ] {
        let key = key_of(cipher, key);
        let clear = compose(format, &pin, &pan, &mut Fill::Given(&fill));
        let sent = clear.and_then(|clear| encipher(format, &clear, &pan, &key));
        holds("a PIN block", sent.is_ok_and(|sent| sent.as_bytes() == unhexed(answer)))?;
        let back = decipher(format, &unhexed(answer), &pan, &key);
        let back = back.and_then(|clear| extract(format, &clear, &pan));
        holds("a PIN block read", back.is_ok_and(|back| back == pin))?;
    }
    Ok(())
}

/// The eighth key of ANSI X9.24-1:2009, A.4.2, and the first of the supplement to ANSI X9.24-3:2017.
fn derived() -> Result<(), SelfTestFailed> {
    let ksn = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 8];
    let key = dukpt::tdes::initial_key(&key_of(Cipher::Tdes, K2), &ksn)
        .and_then(|initial| dukpt::tdes::transaction_key(&initial, &ksn));
    let answer = key_of(Cipher::Tdes, "27F66D5244FF62E1AA6F6120EDEB4280");
    holds("a derived key of triple DES", key.is_ok_and(|key| key == answer))?;

    let (id, ksn) = ([0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56], "123456789012345600000001");
    let ksn: Result<[u8; 12], _> = unhexed(ksn).try_into();
    let base = key_of(Cipher::Aes, "FEDCBA9876543210F1F1F1F1F1F1F1F1");
    let key = dukpt::aes::initial_key(&base, &id)
        .and_then(|initial| dukpt::aes::transaction_key(&initial, &ksn.unwrap_or_default()));
    let answer = key_of(Cipher::Aes, "4F21B565BAD9835E112B6465635EAE44");
    holds("a derived key of AES", key.is_ok_and(|key| key == answer))
}

/// NIST CAVP, CTR_DRBG without derivation function, AES-256, no additional input: the first case.
fn random() -> Result<(), SelfTestFailed> {
    let seed =
        "DF5D73FAA468649EDDA33B5CCA79B0B05600419CCB7A879DDFEC9DB32EE494E5531B51DE16A30F769262474C73BEC010";
    let answer = "D1C07CD95AF8A7F11012C84CE48BB8CB87189E99D40FCCB1771C619BDF82AB2280B1DC2F2581F39164F7AC0C510494B3A43C41B7DB17514C87B107AE793E01C5";
    let Ok(seed) = unhexed(seed).try_into() else { return holds("the random generator", false) };
    let (mut drbg, mut bits) = (Drbg::new(&seed), [0; 64]);
    // The published bits are the second ones asked for.
    drbg.fill(&mut bits);
    drbg.fill(&mut bits);
    holds("the random generator", bits[..] == unhexed(answer))
}

fn holds(what: &'static str, it_does: bool) -> Result<(), SelfTestFailed> {
    if it_does { Ok(()) } else { Err(SelfTestFailed { what }) }
}

fn unhexed(hex: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    read(Charset::Ascii, hex.as_bytes(), &mut bytes).expect("the table above is hex");
    bytes
}

fn key_of(cipher: Cipher, hex: &str) -> Key {
    Key::new(cipher, &unhexed(hex)).expect("the table above holds keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_answer_comes_out() {
        assert_eq!(self_test(), Ok(()));
    }
}
