//! MACs, check values, and the cipher that has no file of its own.

use crate::fields::{array, bytes, hex, text, unhexed};
use crate::file::{Outcome, agrees, left_out};
use hsm::check_value::{self, Method};
use hsm::lmk::{Scheme, decrypt_under};
use hsm::mac::{Algorithm, Padding, make};
use hsm::{Cipher, Key};
use serde_json::Value;

pub(crate) fn mac(vector: &Value, _: &Value) -> Outcome {
    let name = text(vector, "alg");
    let (algorithm, expected) = match name {
        name if name.starts_with("X9.9") => (Algorithm::X99, "mac8"),
        name if name.starts_with("ISO 9797-1 alg 1") => (Algorithm::Iso1, "mac8"),
        name if name.starts_with("ISO 9797-1 alg 3") => (Algorithm::Iso3, "mac8"),
        "AES-CMAC" => (Algorithm::AesCmac, "mac16"),
        name if name.starts_with("UnionPay ECB") => (Algorithm::UnionPayEcb, "final8"),
        _ => return left_out("no algorithm of ours"),
    };
    let padding = vector["padding"]
        .as_u64()
        .map_or(Padding::Zeros, |method| Padding::of_method(method as u8).expect("a method of the standard"));
    let data = match vector["data_ascii"].as_str() {
        Some(data) => data.as_bytes().to_vec(),
        None => bytes(vector, "data"),
    };
    let key = Key::new(algorithm.cipher(), &bytes(vector, "key")).expect("a key");
    let made = make(algorithm, padding, &key, &data).expect("key, algorithm and filling fit");
    let found = hex(made.as_bytes());
    // The retail MAC with zeros is X9.19, whatever it is called.
    if (algorithm, padding) == (Algorithm::Iso3, Padding::Zeros) {
        assert_eq!(make(Algorithm::X919, padding, &key, &data).expect("it fits"), made);
    }
    agrees(&found, vector, expected)
        .and(|| match vector["mac_ascii"].as_str() {
            Some(shown) => crate::file::agrees_if(found.starts_with(shown), "mac_ascii"),
            None => Outcome::Agrees,
        })
        .and(|| key_under_key(vector))
}

/// One vector also shows its key under another.
fn key_under_key(vector: &Value) -> Outcome {
    let Some(under) = vector["tak_under_tmk"].as_str() else { return Outcome::Agrees };
    let tmk = Key::tdes(&bytes(vector, "tmk")).expect("a key");
    let tak = decrypt_under(&tmk, Scheme::Z, &unhexed(under)).expect("eight bytes");
    agrees(&hex(tak.expose()), vector, "key")
}

pub(crate) fn check_value(vector: &Value, _: &Value) -> Outcome {
    let cipher = if text(vector, "alg") == "AES" { Cipher::Aes } else { Cipher::Tdes };
    let method = match text(vector, "method") {
        method if method.starts_with("encrypt 8 zero") => Method::Des,
        method if method.starts_with("CMAC over") => Method::Cmac,
        method if method.starts_with("ECB") => Method::Ecb,
        method if method.starts_with("CMAC of the empty") => Method::CmacOfNothing,
        _ => return left_out("no method of ours"),
    };
    let key = Key::new(cipher, &bytes(vector, "key")).expect("a key");
    let value = check_value::check_value(&key, method).expect("the method fits the cipher");
    agrees(&value.first(text(vector, "kcv").len() / 2).to_string(), vector, "kcv")
}

/// The cipher is reached through what is made of it: a chain of one block is that block enciphered.
pub(crate) fn sm4(vector: &Value, _: &Value) -> Outcome {
    let key = Key::new(Cipher::Sm4, &bytes(vector, "key")).expect("a key");
    let plain: [u8; 16] = array(vector, "plain");
    let made = make(Algorithm::Sm4Cbc, Padding::Zeros, &key, &plain).expect("it fits");
    agrees(&hex(made.as_bytes()), vector, "cipher")
}
